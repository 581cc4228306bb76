"""How likely a flow ends where: by hand, as Storm has it, and by brute force over the interpreter."""

from __future__ import annotations

from fractions import Fraction

import pytest

import storm
from fate_force import Casts
from kernels import kernel, kernels
from penstock.compiler.checks import suite
from penstock.compiler.checks.explore import Explorer
from penstock.compiler.checks.fate import Fate, Process, Range
from penstock.compiler.checks.inquiry import Inquiry
from penstock.compiler.checks.odds import Casting
from penstock.compiler.checks.verdict import Odds
from penstock.compiler.kernel import Kernel
from random_waits import random_waits

PAY = """flow Pay version 1 {
  event cancel
  activity reserve() -> text {
    retry 3 backoff 1s..4s
    fails   none_left 5%
    attempt fails 10%
    compensate release(result)
  }
  activity charge() -> text {
    retry 2 backoff 1s..1s
    fails   declined 2%
    attempt fails 1%
    compensate refund(result)
  }
  start -> Reserving
  state Reserving {
    do reserve()
    on done(_)   -> Charging
    on failed    -> compensate -> Cancelled
    CANCEL
  }
  state Charging {
    do charge()
    on done(_) -> Paid
    on failed  -> compensate -> Cancelled
    ignore cancel
  }
  final Paid
  final failure Cancelled
}
"""
SURE = PAY.replace("CANCEL", "ignore cancel")
OPEN = PAY.replace("CANCEL", "on cancel -> compensate -> Cancelled")


def odds(text: str) -> Odds:
    """Of the last flow of a text."""
    made = suite.check_all(tuple(kernels(text).values()), (), likely=True)[-1].odds
    assert made is not None
    return made


def ends(made: Odds) -> dict[str, Range]:
    return {end.final: end.chance for end in made.ends}


def exactly(number: Fraction | int) -> Range:
    return Range(Fraction(number), Fraction(number))


def process(subject: Kernel) -> tuple[Process, dict[str, list[int]]]:
    casting = Casting(Inquiry(Explorer(subject)), {})
    return casting.process(), casting.ends


# ---------------------------------------------------------------- by hand


def test_where_nothing_is_left_open_the_chances_are_exact() -> None:
    made = odds(SURE)
    reserved = (1 - Fraction(1, 10) ** 3) * Fraction(95, 100)
    paid = reserved * (1 - Fraction(1, 100) ** 2) * Fraction(98, 100)
    assert ends(made) == {"Paid": exactly(paid), "Cancelled": exactly(1 - paid)}
    assert (made.failing, made.never, made.left, made.unrated) == (exactly(1 - paid), exactly(0), (), ())
    efforts = {each.name: (each.calls, each.attempts) for each in made.efforts}
    assert efforts["reserve"] == (exactly(1), exactly(Fraction(111, 100)))
    assert efforts["charge"] == (exactly(reserved), exactly(reserved * Fraction(101, 100)))
    assert efforts["refund"][0] == exactly(reserved * Fraction(1, 10_000))  # a declined call has no effect to undo


def test_what_a_customer_does_is_left_open_and_who_cancels_has_seen_the_attempts() -> None:
    made = odds(OPEN)
    (paid,) = (end.chance for end in made.ends if end.final == "Paid")
    assert paid == Range(Fraction(0), ends(odds(SURE))["Paid"].most)
    assert "`cancel`" in made.left
    efforts = {each.name: each.attempts for each in made.efforts}
    assert efforts["reserve"] == Range(Fraction(1), Fraction(111, 100))


def test_a_failure_without_a_rate_is_taken_not_to_happen_and_that_is_said() -> None:
    made = odds(SURE.replace("attempt fails 10%", "").replace("none_left 5%", "none_left"))
    assert made.unrated == ("`reserve` none_left", "`reserve` timeout", "`reserve` failed")
    assert ends(made)["Paid"] == exactly((1 - Fraction(1, 10_000)) * Fraction(98, 100))


def test_a_call_that_is_parked_is_tried_until_it_is_answered() -> None:
    made = odds(SURE.replace("1s..4s", "1s..4s then park"))
    (reserve,) = (each for each in made.efforts if each.name == "reserve")
    assert reserve.attempts == exactly(Fraction(10, 9))


def test_without_a_rate_nothing_is_said() -> None:
    bare = SURE.replace(" 5%", "").replace(" 2%", "").replace("attempt fails 10%", "").replace("attempt fails 1%", "")
    (report,) = suite.check_all(tuple(kernels(bare).values()), (), likely=True)
    assert report.odds is None
    (unasked,) = suite.check_all(tuple(kernels(SURE).values()), ())
    assert unasked.odds is None


def test_a_flow_that_is_done_ends_as_likely_as_it_does_by_itself() -> None:
    outer = "flow Outer version 1 {\n  start -> A\n  state A { do flow Pay()  on done -> Good  on failed -> Bad }\n"
    made = odds(f"{SURE}{outer}  final Good\n  final failure Bad\n}}\n")
    assert ends(made)["Good"] == ends(odds(SURE))["Paid"]
    open = odds(f"{OPEN}{outer}  final Good\n  final failure Bad\n}}\n")
    assert ends(open)["Good"] == ends(odds(OPEN))["Paid"]


def test_who_need_not_come_leaves_it_open_whether_it_ends() -> None:
    waits = SURE.replace("on done(_) -> Paid", "on done(_) -> Asking").replace(
        "  final Paid",
        '  state Asking { on cancel -> Paid  wait forever "the customer may take her time" }\n  final Paid',
    )
    paid = ends(odds(SURE))["Paid"].most
    assert odds(waits).never == Range(Fraction(0), paid)


def test_rounds_that_chance_ends_are_counted_on_average() -> None:
    text = """
      activity toss() -> bool { retry 1 backoff 1s..1s  fails tails 75%  attempt fails 0%  readonly }
      start -> A
      state A { do toss()  on done(_) -> B  on tails -> Pause  on failed -> B }
      state Pause { after 1m -> A }
      final B
    """
    made = odds(f"flow Toss version 1 {{ {text} }}")
    assert [(each.calls, each.attempts) for each in made.efforts] == [(exactly(4), exactly(4))]


# ---------------------------------------------------------------- Storm


BY_HAND = """mdp
module pay
  s : [0..6] init 0;   // 0, 1, 2: attempts of reserve; 3, 4: of charge; 5: paid; 6: cancelled
  [reserve] s<=1 -> 9/10*19/20:(s'=3) + 9/10*1/20:(s'=6) + 1/10:(s'=s+1);
  [reserve] s=2  -> 9/10*19/20:(s'=3) + 9/10*1/20:(s'=6) + 1/10:(s'=6);
  [cancel]  s<=2 -> (s'=6);
  [charge]  s=3  -> 99/100*98/100:(s'=5) + 99/100*2/100:(s'=6) + 1/100:(s'=4);
  [charge]  s=4  -> 99/100*98/100:(s'=5) + 99/100*2/100:(s'=6) + 1/100:(s'=6);
  [] s>=5 -> true;
endmodule
rewards "charge" [charge] true : 1; endrewards
"""


def test_storm_says_the_same_of_the_flow_as_a_person_would_model_it() -> None:
    made = odds(OPEN)
    for final, state in (("Paid", 5), ("Cancelled", 6)):
        bounds = Range(*(storm.asked(BY_HAND, f"P{best}=? [F s={state}]") for best in ("min", "max")))
        assert ends(made)[final] == bounds
    (charge,) = (each.attempts for each in made.efforts if each.name == "charge")
    asked = (storm.asked(BY_HAND, f'R{{"charge"}}{best}=? [F s>=5]') for best in ("min", "max"))
    assert charge == Range(*asked)


@pytest.mark.parametrize("seed", range(12))
def test_storm_says_the_same_of_random_flows(seed: int) -> None:
    made, finals = process(kernel(random_waits(seed)))
    fate = Fate(made)
    for states in finals.values():
        for end in states[:2]:
            mine = fate.chance(frozenset({end}))
            assert mine.most == storm.chance(made, end, "max")
            assert mine.least == storm.chance(fate.quotient, fate.place[end], "min")
    for gain in sorted({gain for actions in made.actions for action in actions for gain in action.gains})[:2]:
        if not fate.inner:
            assert fate.count(gain) == Range(storm.count(made, gain, "min"), storm.count(made, gain, "max"))


# ---------------------------------------------------------------- brute force


SMALL = (5, 6, 8, 11, 12, 13, 14, 15, 16, 17, 25, 26, 27, 28, 31, 32, 33, 42, 43, 44, 46, 50, 55, 56, 57, 62, 65, 66)
"""Seeds of flows with few states, in which no call is sure to be answered before a timer of its own state: of that,
brute force knows nothing."""


@pytest.mark.parametrize("seed", SMALL)
def test_the_interpreter_ends_where_as_likely(seed: int) -> None:
    subject = kernel(random_waits(seed))
    casts = Casts(subject, limit=500)
    truth = Fate(casts.process())
    made = Casting(Inquiry(Explorer(subject)), {}).odds()
    assert set(casts.ends) == {end.final for end in made.ends}
    for end in made.ends:
        assert end.chance == truth.chance(frozenset(casts.ends[end.final]))
    for effort in made.efforts:
        calls = truth.count(f"call {effort.name}")
        assert effort.calls.least <= calls.least
        assert effort.calls.most is None or (calls.most is not None and calls.most <= effort.calls.most)
        if effort.calls.most is not None:
            assert effort.calls == calls
