"""How long runs take whose timers take as long as data say: no longer than is told, and as long where a run is told."""

from __future__ import annotations

from datetime import timedelta

import pytest

from kernels import flow, kernel
from penstock.compiler.checks import missed, suite
from penstock.compiler.checks.explore import Explorer
from penstock.compiler.checks.horizon import horizons
from penstock.compiler.checks.inquiry import Inquiry
from penstock.compiler.checks.verdict import Horizon, Verdict
from penstock.compiler.kernel import Kernel
from random_waits import random_measures
from slow_force import slowest

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def times(subject: Kernel) -> dict[str, Horizon]:
    return {horizon.state: horizon for horizon in horizons(Inquiry(Explorer(subject)))}


@pytest.mark.parametrize("seed", range(40))
def test_no_run_takes_longer_than_is_told_second_by_second(seed: int) -> None:
    subject = kernel(random_measures(seed))
    truth = slowest(subject, limit=12_000)
    for state, horizon in times(subject).items():
        if state in truth and horizon.known:
            longest = truth[state]
            assert longest is not None and horizon.longest is not None
            assert horizon.longest >= timedelta(seconds=longest)
            assert horizon.found is None or horizon.found <= timedelta(seconds=longest)


def test_most_of_what_is_told_is_what_runs_take() -> None:
    whole = [times(kernel(random_measures(seed)))[""] for seed in range(40)]
    assert sum(each.exact for each in whole) > 25


def stay(more: str, after: str = "1d * nights") -> str:
    return f"""
      flow Stay version 1 {{
        input {{ nights: int 1..30 }}
        event longer
        start -> Staying
        state Staying {{ after {after} -> Leaving }}
        state Leaving {{ after 2h -> Left }}
        final Left
        {more}
      }}
    """


@pytest.mark.parametrize(
    ("after", "longest"),
    [
        ("1d * nights", 30 * DAY),
        ("40d - 1d * nights", 39 * DAY),
        ("if nights > 7 then 1d * nights else 50d", 50 * DAY),
        ("max(2d, 1h * nights)", 2 * DAY),
        ("1d * (nights - 40)", timedelta(0)),
    ],
)
def test_what_the_range_of_an_input_says_is_how_long_it_is_waited(after: str, longest: timedelta) -> None:
    whole = times(kernel(stay("", after=after)))[""]
    assert whole.longest == longest + 2 * HOUR and whole.exact
    assert not whole.always  # it is the input that decides


def verdict(text: str) -> Verdict:
    (answer,) = (answer for answer in suite.check(kernel(text)).answers if answer.rule is missed.RULE)
    return answer.verdict


def test_a_promise_of_a_time_is_decided_by_the_most_that_data_may_say() -> None:
    assert verdict(stay("start leads to Left within 722h")) is Verdict.PROVED
    assert verdict(stay("start leads to Left within 721h")) is Verdict.REFUTED
    assert (
        verdict(stay("in Staying and nights < 8 leads to Left within 170h")) is not Verdict.REFUTED
    )  # of the 30 nights


@pytest.mark.parametrize(("within", "said"), [("1d", Verdict.REFUTED), ("5d", Verdict.PROVED)])
def test_it_is_waited_too_for_a_compensation_that_has_nothing_to_undo(within: str, said: Verdict) -> None:
    text = f"""
      flow Gone version 1 {{
        activity a() -> text {{ timeout 1s retry 1 backoff 1s..1s compensate b(result) }}
        event go
        start -> Waiting
        state Waiting {{ on go -> Waiting  after 5d -> compensate -> Gone }}
        final failure Gone
        start leads to compensating within {within}
      }}
    """
    assert verdict(text.replace("on go -> Waiting", "on go stay")) is said


def test_what_nothing_bounds_is_not_told() -> None:
    whole = times(
        flow("""
          input { steps: int }
          start -> Staying
          state Staying { after 1h * steps -> Left }
          final Left
        """)
    )[""]
    assert (whole.longest, whole.known) == (None, False)


def test_a_timer_that_data_measure_does_not_make_a_call_late_that_was_made_before_it() -> None:
    subject = flow("""
      input { m: int 0..2 }
      activity a() -> bool { timeout 1s retry 1 backoff 1s..2s readonly }
      start -> Outer
      state Outer {
        start -> Calling
        state Calling { do a()  on done(_) -> Bad  on failed -> Bad }
        after 3s * m -> Then
      }
      state Then { after 3s * m -> Good }
      final Good
      final failure Bad
    """)
    assert times(subject)["Then"].found != timedelta(seconds=6)  # it is come to where `m` is nothing
