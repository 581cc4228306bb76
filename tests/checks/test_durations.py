"""Timers that take as long as data say: where data tell which of two is shorter, the longer one never fires."""

from __future__ import annotations

from datetime import timedelta

import pytest

from agreement import compared
from kernels import kernels
from penstock.compiler.checks.suite import check
from penstock.compiler.checks.verdict import Horizon, Verdict

GIVEN = """flow R version 1 {
  input { told: duration }
  data { kept: duration = 3s }
  event go
  start -> Asked
  choice Asked {
    when told LIMIT -> Waiting
    else            -> Bad
  }
  state Waiting {
    on go      -> Waiting
    after told -> Good
    after 2s   -> Late
  }
  final Good
  final Late
  final failure Bad
}
"""


def fires(text: str) -> dict[str, Verdict]:
    """What F202 says of each timer."""
    kernel = kernels(text)["R"]
    found: dict[str, Verdict] = {}
    for answer in check(kernel).answers:
        if answer.rule.code == "F202":
            found[" ".join(kernel.source.slice(answer.span).split())] = answer.verdict
    return found


@pytest.mark.parametrize(
    ("limit", "told", "written"),
    [
        ("< 2s", Verdict.PROVED, Verdict.REFUTED),
        ("<= 2s", Verdict.PROVED, Verdict.PROVED),
        ("> 2s", Verdict.REFUTED, Verdict.PROVED),
        ("!= 2s", Verdict.PROVED, Verdict.PROVED),
    ],
)
def test_a_guard_on_the_way_tells_which_timer_comes_first(limit: str, told: Verdict, written: Verdict) -> None:
    text = GIVEN.replace("LIMIT", limit)
    assert compared(text).disagreements == []
    assert fires(text) == {"after told -> Good": told, "after 2s -> Late": written}


ASSIGNED = """flow R version 1 {
  input { told: duration }
  data { kept: duration = 1s }
  event put_off(by: duration)
  start -> First
  state First {
    on put_off(by) when by > 0s { kept = told + by } -> Waiting
    on put_off(_) else -> First
    after 4s -> Bad
  }
  state Waiting {
    after FIRST -> Good
    after kept -> Late
  }
  final Good
  final Late
  final failure Bad
}
"""


@pytest.mark.parametrize("first", ["told", "min(told, kept)", "max(told - 1s, 0s)"])
def test_of_two_that_data_measure_the_longer_one_never_fires(first: str) -> None:
    """But where `told` may be less than nothing both may be due at once."""
    text = ASSIGNED.replace("FIRST", first)
    assert fires(text)["after kept -> Late"] is not Verdict.REFUTED
    assert fires(text.replace("when by > 0s", "when by > 0s and told >= 0s"))["after kept -> Late"] is Verdict.REFUTED


def test_a_length_that_is_kept_is_compared_with_what_it_is_computed_from() -> None:
    text = ASSIGNED.replace("told + by", "told + told").replace("FIRST", "kept + 1s").replace("by > 0s", "told == 1s")
    assert compared(text).disagreements == []
    assert fires(text)["after kept + 1s -> Good"] is Verdict.REFUTED


REMEMBERED = """flow R version 1 {
  data { kept: duration = 1s }
  start -> Outer
  state Outer {
    start -> Both
    after kept -> Late
    parallel Both {
      on all done { kept = 9s } -> Waiting
      region One { start -> Over  final Over }
      region Two { start -> Over  final Over }
    }
    state Waiting { after 5s -> Good }
  }
  final Good
  final Late
}
"""


def test_a_timer_keeps_the_length_that_it_was_armed_with() -> None:
    """The join changes the datum in the very step that has armed the timer before."""
    assert compared(REMEMBERED).disagreements == []
    found = fires(REMEMBERED)
    assert found["after kept -> Late"] is Verdict.PROVED
    assert found["after 5s -> Good"] is not Verdict.PROVED


DEADLINE = """flow R version 1 {
  input { told: duration }
  start -> Asked
  choice Asked {
    when told LIMIT -> Waiting
    else            -> Good
  }
  state Waiting { after 3s -> Good }
  final Good
  final Late
  deadline told -> Late
}
"""


@pytest.mark.parametrize(("limit", "late", "good"), [("> 3s", "REFUTED", "PROVED"), ("< 3s", "PROVED", "REFUTED")])
def test_a_deadline_races_with_the_timers_of_the_first_state(limit: str, late: str, good: str) -> None:
    text = DEADLINE.replace("LIMIT", limit)
    assert compared(text).disagreements == []
    assert fires(text) == {"deadline told -> Late": Verdict[late], "after 3s -> Good": Verdict[good]}


ROUND = """flow R version 1 {
  input { told: duration }
  event stop
  start -> Asked
  choice Asked {
    when told LIMIT -> Waiting
    else            -> Good
  }
  state Waiting {
    on stop    -> Good
    after told -> Waiting
  }
  final Good
}
"""


@pytest.mark.parametrize(("limit", "verdict"), [("> 0s", Verdict.PROVED), (">= 0s", Verdict.REFUTED)])
def test_a_round_over_a_timer_takes_time_where_data_say_so(limit: str, verdict: Verdict) -> None:
    text = ROUND.replace("LIMIT", limit)
    assert compared(text).disagreements == []
    (answer,) = [each for each in check(kernels(text)["R"]).answers if each.rule.code == "F005"]
    assert answer.verdict is verdict


UNTIL = """flow R version 1 {
  input { told: instant }
  start -> Waiting
  state Waiting {
    after (told - now) -> Good
    after 2s           -> Late
  }
  final Good
  final Late
}
"""


def test_what_takes_until_a_moment_may_come_at_any_time() -> None:
    assert compared(UNTIL, 1000).disagreements == []
    assert fires(UNTIL) == {"after (told - now) -> Good": Verdict.PROVED, "after 2s -> Late": Verdict.PROVED}


NIGHTS = """flow R version 1 {
  input { nights: int 1..5, told: duration, short: bool }
  data { rounds: int 0..2 = 0, kept: duration = 1s }
  event again
  event put_off(by: duration)
  start -> Asked
  choice Asked {
    when nights < 5 and told > 0s and told <= 3d -> Staying
    else                                         -> Left
  }
  state Staying {
    on again when rounds < 2 { rounds = rounds + 1 } -> Staying
    on again else                                    -> Left
    ignore put_off
    after LENGTH -> Left
  }
  final Left
  start leads to Left within LIMIT
}
"""


def promised(text: str) -> tuple[Verdict, str]:
    """What F204 says, and when the run that shows it ends."""
    (answer,) = [each for each in check(kernels(text)["R"]).answers if each.rule.code == "F204"]
    trace = () if answer.diagnostic is None else answer.diagnostic.trace
    return answer.verdict, trace[-1].at if trace else ""


@pytest.mark.parametrize(
    ("length", "longest"),
    [
        ("1d * nights", 12 * 24),  # three times, and no more than four nights each
        ("told + 1h * rounds", 9 * 24 + 3),
        ("1h * rounds", 3),
        ("if short then 2h else told", 9 * 24),
        ("min(told, 1d) + 12h", 3 * 36),
    ],
)
def test_a_promise_over_a_length_that_data_bound_is_decided(length: str, longest: int) -> None:
    text = NIGHTS.replace("LENGTH", length)
    assert promised(text.replace("LIMIT", f"{longest}h"))[0] is Verdict.PROVED
    verdict, _ = promised(text.replace("LIMIT", f"{longest - 1}h"))
    assert verdict is Verdict.REFUTED


def test_a_promise_over_any_length_that_is_told_is_refuted_by_a_long_one() -> None:
    text = NIGHTS.replace("LENGTH", "told").replace("told <= 3d", "told != 3d")
    assert promised(text.replace("LIMIT", "5d"))[0] is Verdict.REFUTED


def test_a_promise_over_a_length_that_grows_without_bound_stays_open() -> None:
    text = NIGHTS.replace("LENGTH", "kept").replace("ignore put_off", "on put_off(by) { kept = kept + 1s } stay")
    assert promised(text.replace("LIMIT", "9d"))[0] is Verdict.UNKNOWN


PUT_OFF = """flow R version 1 {
  input { until: instant }
  event skip
  start -> Open
  state Open { on skip -> Held  at until -> Done }
  state Held { at until + 1s -> Done  after 3s -> Done }
  final Done
  start leads to Done within LIMIT
}
"""


def test_a_promise_over_a_moment_that_is_given_is_refuted_by_a_late_one() -> None:
    assert promised(PUT_OFF.replace("LIMIT", "6s")) == (Verdict.REFUTED, "+6.000001s")
    bounded = PUT_OFF.replace("at until -> Done", "at until -> Done  after 2s -> Done")
    assert promised(bounded.replace("LIMIT", "5s"))[0] is Verdict.PROVED
    assert promised(bounded.replace("LIMIT", "4s"))[0] is Verdict.REFUTED


def left(text: str) -> dict[str, Horizon]:
    """How long is left from each state; of the flow, by no name."""
    return {each.state: each for each in check(kernels(text)["R"]).horizons}


def test_how_long_is_left_is_told_where_data_bound_it() -> None:
    text = NIGHTS.replace("LENGTH", "1d * nights").replace("LIMIT", "12d")
    assert left(text)[""].longest == left(text)["Staying"].longest == timedelta(days=12)
    assert left(text)[""].exact
    assert left(text)["Staying"].exact
