"""How long runs take at the longest: as the interpreter takes it, run second by second; and how that is told."""

from __future__ import annotations

from datetime import timedelta

import pytest

from kernels import flow, kernel
from penstock.compiler.checks.explore import Explorer
from penstock.compiler.checks.horizon import horizons
from penstock.compiler.checks.inquiry import Inquiry
from penstock.compiler.checks.verdict import Horizon
from penstock.compiler.kernel import Kernel
from random_waits import random_waits
from slow_force import slowest

UNBOUNDED = (11, 53)
"""Seeds in which a call may be made again and again, if seldom: how many there are to undo is not known."""
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
PACK = (
    "activity pack() { timeout 20s  retry 3 backoff 1s..4s  compensate unpack() { timeout 1m retry 2 backoff 8s..8s } }"
)


def times(subject: Kernel) -> dict[str, Horizon]:
    return {horizon.state: horizon for horizon in horizons(Inquiry(Explorer(subject)))}


def told(horizon: Horizon) -> list[tuple[timedelta, str, str]]:
    return [(leg.at, leg.step.trigger, leg.why) for leg in horizon.legs]


@pytest.mark.parametrize("seed", [seed for seed in range(60) if seed not in UNBOUNDED])
def test_the_longest_is_what_the_interpreter_takes_second_by_second(seed: int) -> None:
    subject = kernel(random_waits(seed))
    truth = slowest(subject, limit=6000)
    made = times(subject)
    assert made[""].exact
    for state, horizon in made.items():
        if state in truth:  # else it is only come to too late
            longest = truth[state]
            assert longest is not None
            assert horizon.longest == timedelta(seconds=longest)
            assert horizon.found is None or horizon.found <= timedelta(seconds=longest)


@pytest.mark.parametrize("seed", UNBOUNDED)
def test_what_is_not_known_is_not_said_to_be_without_end(seed: int) -> None:
    whole = times(kernel(random_waits(seed)))[""]
    assert (whole.longest, whole.known) == (None, False)
    assert whole.reason == "how many calls there may be to undo is not known"


def test_attempts_waits_and_compensation_are_told_as_what_a_step_waits_for() -> None:
    subject = flow(f"""
      {PACK}
      start -> Packing
      state Packing {{ do pack()  on done -> Resting  on failed -> compensate -> Lost }}
      state Resting {{ after 1h -> compensate -> Lost }}
      final failure Lost
    """)
    whole = times(subject)[""]
    assert whole.exact
    assert told(whole) == [
        (timedelta(0), "start", ""),
        (timedelta(seconds=63), "pack done", "3 attempts of `pack`, 20s each, and 3s between them"),
        (timedelta(seconds=63) + HOUR, "after 1h", "waits for `after 1h`"),
        (timedelta(seconds=191) + HOUR, "unpack done", "2 attempts of `unpack`, 1m each, and 8s between them"),
    ]


def test_a_task_is_done_as_late_as_its_state_allows_long_after_it_was_escalated() -> None:
    subject = flow("""
      roles clerk, boss
      start -> Asking
      state Asking {
        task ask for clerk { escalate to boss after 1d }
        on ask -> Done
        after 3d -> Done
      }
      final Done
    """)
    (_, last) = times(subject)[""].legs
    assert (last.took, last.why) == (3 * DAY, "waits for `after 3d`, ask escalated to boss after 1d")


def test_an_interrupted_call_is_waited_for_as_long_as_one_attempt_takes() -> None:
    subject = flow(f"""
      {PACK}
      start -> Packing
      state Packing {{ do pack()  on done -> Done  on failed -> compensate -> Lost  after 30s -> compensate -> Lost }}
      final Done
      final failure Lost
    """)
    whole = times(subject)[""]
    assert whole.exact
    assert whole.longest == timedelta(seconds=30 + 20 + 128)
    assert "an attempt of `pack` that was interrupted" in [why for _, _, why in told(whole)]


def test_an_interrupted_call_ends_no_later_than_it_would_have_by_itself() -> None:
    subject = flow(f"""
      {PACK}
      start -> Packing
      state Packing {{ do pack()  on done -> Done  on failed -> compensate -> Lost  after 60s -> compensate -> Lost }}
      final Done
      final failure Lost
    """)
    assert times(subject)[""].longest == timedelta(seconds=63 + 128)


def test_calls_of_two_regions_that_are_interrupted_are_waited_for_at_one_time() -> None:
    subject = flow("""
      activity a() { timeout 1m  retry 2 backoff 1s..1s  compensate x() { timeout 1s retry 1 backoff 1s..1s } }
      activity b() { timeout 1m  retry 2 backoff 1s..1s  compensate y() { timeout 1s retry 1 backoff 1s..1s } }
      start -> P
      parallel P {
        region A { start -> S  state S { do a()  on done -> T  on failed -> T }  final T }
        region B { start -> U  state U { do b()  on done -> V  on failed -> V }  final V }
        on all done -> compensate -> Lost
        after 1m    -> compensate -> Lost
      }
      final failure Lost
    """)
    whole = times(subject)[""]
    assert whole.exact
    assert whole.longest == 2 * MINUTE + timedelta(seconds=2)  # not three minutes


def test_rounds_that_a_timer_ends_last_until_it_does() -> None:
    subject = flow("""
      event back
      activity look() -> bool { timeout 1m  retry 1 backoff 1s..1s  readonly }
      start -> Trying
      state Trying {
        start -> Looking
        state Looking {
          do look()
          on done(found) when found -> Resting
          on done(_) else           -> Pausing
          on failed                 -> Pausing
        }
        state Pausing { after 2h -> Looking }
        after 1d -> Done
      }
      state Resting { after 30m -> Done }
      final Done
    """)
    whole = times(subject)[""]
    assert (whole.longest, whole.found) == (DAY + timedelta(minutes=30),) * 2


def test_data_that_exclude_each_other_are_not_added_up() -> None:
    subject = flow("""
      input { big: bool }
      start -> First
      choice First { when big -> Long  else -> Short }
      state Long { after 9h -> Second }
      state Short { after 1h -> Second }
      choice Second { when big -> Soon  else -> Late }
      state Soon { after 2h -> Done }
      state Late { after 5h -> Done }
      final Done
    """)
    assert times(subject)[""].found == times(subject)[""].longest == 11 * HOUR


def test_a_run_that_may_wait_for_ever_is_shown_to_where_it_does() -> None:
    subject = flow("""
      event go
      start -> Resting
      state Resting { after 1h -> Waiting }
      state Waiting { on go -> Done  wait forever "somebody says go" }
      final Done
    """)
    whole = times(subject)[""]
    assert (whole.longest, whole.known, whole.reason) == (None, True, "somebody is waited for in `Waiting`")
    assert told(whole)[-1] == (HOUR, "after 1h", "nothing has to happen from here on")


def test_a_run_that_may_go_round_for_ever_is_shown_once_round() -> None:
    subject = flow("""
      start -> A
      state A { after 1h -> B }
      state B { after 2h -> A }
    """)
    whole = times(subject)[""]
    assert whole.reason.startswith("it can go round")
    assert [why for _, _, why in told(whole)] == ["the cycle begins here", "", "and again from here, without end"]
