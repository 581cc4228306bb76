"""Scenarios: examples played on the interpreter, and what is said of one that fails."""

from __future__ import annotations

from pathlib import Path

import pytest

from kernels import ORDER, flow, kernels
from penstock.compiler.checks.verdict import Verdict
from penstock.compiler.kernel import Kernel
from penstock.compiler.scenario import play, rehearse
from penstock.dsl.diagnostics import Diagnostic

TRIP = """
  input { days: int 1..9 }
  data { room: text?, late: bool = false }
  roles guest, clerk
  event cancel by guest
  event change(days: int) by guest, clerk
  activity book(days: int) -> text { fails full compensate unbook(result) }
  activity pay() { fails declined compensate refund() }
  start -> Booking
  state Booking {
    do book(days)
    on done(id) { room = id } -> Paying
    on failed -> compensate -> Lost
    on cancel -> compensate -> Lost
  }
  state Paying {
    do pay()
    on done -> Waiting
    on failed -> compensate -> Lost
    on cancel -> compensate -> Lost
  }
  state Waiting {
    on cancel -> compensate -> Lost
    on change(n) when n > 0 stay
    task welcome for clerk { title "Welcome" form { kind: bool } escalate to guest after 2h except actor of start }
    on welcome -> Done
    after 1d { late = true } stay
    after 3d -> Done
  }
  final Done
  final failure Lost
"""


def played(*steps: str) -> Diagnostic | None:
    example = trip(*steps)
    return play(example, example.scenarios[0])


def trip(*steps: str) -> Kernel:
    return flow(TRIP + 'scenario "a trip" {\n' + "\n".join(steps) + "\n}")


def fails(*steps: str) -> tuple[str, Diagnostic]:
    """The step that fails, as written, and what is said of it."""
    example = trip(*steps)
    failure = play(example, example.scenarios[0])
    assert failure is not None
    assert failure.span is not None
    return example.source.slice(failure.span), failure


BOOKED = ("start(days: 2)", 'book done("r")')
PAID = (*BOOKED, "pay done")


@pytest.mark.parametrize(
    "steps",
    [
        (*PAID, 'expect in Waiting and room == "r"'),
        (*BOOKED, "pay declined", "expect compensated unbook", "expect in Lost"),
        (*BOOKED, "pay timeout", "expect compensated refund, unbook", "expect not done(book)"),
        (*PAID, "cancel by guest", "expect compensated refund, unbook", "expect in Lost"),
        (*PAID, "after 1d", "expect late and elapsed == 1d and in Waiting", "after 2d", "expect in Done"),
        (*PAID, "after 9d", "expect in Done and elapsed == 9d"),
        (*PAID, "expect rejected cancel", "expect rejected cancel by clerk", "expect in Waiting"),
        (*PAID, "expect rejected change by guest(days: 0)"),
        (*PAID, "expect rejected welcome by guest(kind: true)", "after 2h", "welcome by guest(kind: true)"),
        (*PAID, "after 3d", "expect rejected cancel by guest"),
    ],
)
def test_a_right_example_plays_to_its_end(steps: tuple[str, ...]) -> None:
    failure = played(*steps)
    assert failure is None, failure


@pytest.mark.parametrize("path", sorted(ORDER.parent.glob("*.flow")), ids=lambda path: str(path.stem))
def test_the_scenarios_of_the_specs_play_to_their_end(path: Path) -> None:
    for each in kernels(path.read_text(encoding="utf-8")).values():
        report = rehearse(each)
        assert report.answers
        assert [answer.diagnostic for answer in report.answers if answer.diagnostic is not None] == []


def test_an_interrupted_call_is_settled_by_itself_unless_the_next_step_gives_its_outcome() -> None:
    cancelled = ("start(days: 2)", "cancel by guest")
    assert played(*cancelled, "expect compensated unbook", "expect in Lost") is None
    assert played(*cancelled, "book full", "expect in Lost") is None
    assert played(*cancelled, 'book done("late")', "expect compensated unbook") is None


def test_a_compensation_waits_for_a_step_that_answers_for_it() -> None:
    assert played(*PAID, "cancel by guest", "refund done", "expect compensated refund, unbook") is None
    assert played(*PAID, "cancel by guest", "refund done", "unbook done", "expect in Lost") is None


def test_an_expectation_that_does_not_hold_says_what_was_there() -> None:
    step, failure = fails(*PAID, 'expect in Done and room == "q"', "cancel by guest")
    assert step == 'expect in Done and room == "q"'
    assert failure.message == 'the scenario `a trip` fails: `in Done and room == "q"` does not hold'
    assert failure.why[:2] == ('expected: in Done and room == "q"', 'there: in Waiting, room = "r"')
    assert [told.trigger for told in failure.trace] == ["start(days: 2)", 'book done("r")', "pay done"]
    assert [told.place for told in failure.trace] == ["Booking", "Paying", "Waiting"]
    assert failure.trace[1].changes == ('room = "r"',)


def test_what_time_would_bring_next_is_told() -> None:
    for given in ('book done("s")', "expect in Done", "change by guest(days: 0)"):
        _, failure = fails(*PAID, "after 26h", given)
        assert failure.why[-1] == "next: `after 3d`, in 1d22h (it is @2026-01-02T02:00:00Z)"


def test_what_was_there_includes_the_log_and_the_time_where_they_are_asked_for() -> None:
    _, failure = fails(*BOOKED, "after 90m", "expect count(pay) == 2 and elapsed > 2h")
    assert failure.why[1] == "there: in Paying, log: book done, pay maybe, elapsed = 1h30m"


@pytest.mark.parametrize(
    ("steps", "said", "label"),
    [
        (("start(days: 2)", "pay done"), "no call of `pay` is running", "nothing to answer"),
        ((*PAID, "expect rejected cancel by guest"), "`cancel by guest` is accepted", "not rejected"),
        ((*PAID, "cancel by guest", "expect compensated unbook, refund"), "other compensations ran", "ran so far: 2"),
    ],
)
def test_a_wrong_example_fails_at_its_step(steps: tuple[str, ...], said: str, label: str) -> None:
    step, failure = fails(*steps)
    assert step == steps[-1]
    assert failure.message == f"the scenario `a trip` fails: {said}"
    assert failure.label == label


@pytest.mark.parametrize(
    ("steps", "why", "reason"),
    [
        ((*PAID, "cancel by clerk"), "whoever does it is not whom it is for", "role"),
        ((*BOOKED, "change by guest(days: 1)"), "nothing is written for it here", "unhandled"),
        ((*BOOKED, "welcome by clerk(kind: true)"), "the task is not open", "closed"),
        ((*PAID, "after 3d", "cancel by guest"), "the flow has finished", "finished"),
    ],
)
def test_a_rejected_step_says_why(steps: tuple[str, ...], why: str, reason: str) -> None:
    step, failure = fails(*steps)
    assert step == steps[-1]
    assert failure.message == f"the scenario `a trip` fails: `{step}` is rejected: {why}"
    assert failure.label == reason


def test_segregation_of_duties_holds_in_examples() -> None:
    _, failure = fails('start by clerk "ann"(days: 2)', *PAID[1:], 'welcome by clerk "ann"(kind: true)')
    assert failure.label == "excluded"
    assert played('start by clerk "ann"(days: 2)', *PAID[1:], 'welcome by clerk "bea"(kind: true)') is None


def test_an_undefined_step_points_to_where_the_flow_breaks() -> None:
    example = flow("""
      data { n: int 0..3 = 3 }
      event more
      start -> A
      state A { on more { n = n + 1 } stay  wait forever "x" }
      scenario "too much" {
        start()
        more
      }
    """)
    failure = play(example, example.scenarios[0])
    assert failure is not None
    assert failure.label == "F401"
    assert [example.source.slice(label.span) for label in failure.others] == ["n = n + 1"]


def test_a_timer_that_goes_round_without_end_fails_instead_of_hanging() -> None:
    example = flow('start -> A state A { after 1s -> A } scenario "round" {\n start()\n after 1000d\n }')
    failure = play(example, example.scenarios[0])
    assert failure is not None
    assert failure.label == "too many timers"


def test_every_scenario_has_its_own_answer() -> None:
    example = flow(TRIP + 'scenario "good" { start(days: 1) } scenario "bad" {\nstart(days: 1)\npay done\n}')
    answers = rehearse(example).answers
    assert [(answer.subject, answer.verdict) for answer in answers] == [
        ("good", Verdict.PROVED),
        ("bad", Verdict.REFUTED),
    ]
    assert answers[1].diagnostic is not None


SIDE_BY_SIDE = """
  event stop
  activity pack(item: int) -> int { fails broken  compensate unpack(result) }
  start -> P
  parallel P {
    region A { start -> W  state W { do for n in [1, 2] at most 2: pack(n) on done -> D on failed -> D }  final D }
    region B { start -> W  state W { do pack(3) on done -> D on failed -> D }  final D }
    on all done -> Good
    on stop -> compensate -> Bad
  }
  final Good
  final failure Bad
"""


def parallel(*steps: str) -> Diagnostic | None:
    example = flow(SIDE_BY_SIDE + 'scenario "side by side" {\n' + "\n".join(steps) + "\n}")
    return play(example, example.scenarios[0])


def test_an_outcome_is_that_of_the_oldest_call_of_its_activity_that_runs() -> None:
    first = ("start()", "pack done(1)", "expect in P.A.W", "pack done(2)", "expect in P.A.D and in P.B.W")
    assert parallel(*first, "pack broken", "expect in Good") is None


def test_the_story_of_a_parallel_state_names_all_its_regions() -> None:
    failed = parallel("start()", "pack broken", "expect in P.B.D")
    assert failed is not None
    assert [step.place for step in failed.trace] == ["A.W + B.W", "A.D + B.W"]
    assert failed.why[1] == "there: in A.D + B.W"


def test_a_compensation_goes_through_the_calls_of_all_regions() -> None:
    steps = ("start()", "pack done(1)", "stop", "expect compensated unpack, unpack, unpack", "expect in Bad")
    assert parallel(*steps) is None
