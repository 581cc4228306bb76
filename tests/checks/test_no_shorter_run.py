"""A run is only said to be the shortest that shows something where no shorter one can have lost, by the moment at which
it came there or by its data, what a finding says is lost. Brute force found it (seed 20269999 of the comparison)."""

from __future__ import annotations

from agreement import compared
from kernels import kernels
from penstock.compiler.checks.suite import check
from penstock.compiler.checks.verdict import Answer, Verdict

RACE = """
flow R version 1 {
  event over
  start -> Both
  parallel Both {
    region One {
      start -> Idle
      state Idle {}
    }
    region Two {
      start -> Waiting
      after 2s -> Bad
      state Waiting { on over -> Hurrying }
      state Hurrying { after 1s -> Done }
      final Done
    }
  }
  final failure Bad
}
"""
"""After `over` in the first second nothing can come in time any more, and after one in the next everything can."""

PIVOT = """
flow R version 1 {
  activity pay() { irreversible }
  activity ask() { readonly }
  data { late: bool = false }
  start -> Paying
  state Paying {
    do pay()
    on done   -> Both
    on failed -> Both
  }
  parallel Both {
    region One {
      start -> Asking
      state Asking {
        do ask()
        on done -> Asking
        on failed when late -> Asking
        on failed else      -> Resting
      }
      state Resting { after 1s { late = true } -> Asking }
    }
    region Two {
      start -> Idle
      state Idle { wait forever "the other one decides" }
    }
    after 2s -> Over
  }
  choice Over {
    when late -> Bad
    else      -> Good
  }
  final Good
  final failure Bad
}
"""
"""The same of F105: where `ask` gives up in the first second, the run has lost its way to `Good`."""


HELD = """
flow R version 1 {
  event broken
  start -> Packing
  state Packing {
    defer broken
    after 1s -> Both
  }
  parallel Both {
    region One {
      start -> Shipping
      state Shipping {
        on broken -> Stranded
        after 1s -> Bad
      }
      final failure Stranded
    }
    region Two {
      start -> Over
      final Over
    }
  }
  final failure Bad
}
"""
"""Where `broken` waits in `Packing`, all is lost a step before `Stranded` is come to."""


def refuted(text: str, code: str) -> Answer:
    answers = check(kernels(text)["R"]).answers
    return next(each for each in answers if each.rule.code == code and each.verdict is Verdict.REFUTED)


def claims(text: str, code: str) -> bool:
    told = refuted(text, code).diagnostic
    assert told is not None and told.trace
    return "no shorter run" in told.note


def test_where_the_moment_decides_a_shorter_run_may_have_lost_every_final() -> None:
    assert not claims(RACE, "F004")
    assert compared(RACE).disagreements == []


def test_where_every_timer_leads_to_the_same_it_is_said_that_none_does() -> None:
    text = RACE.replace("after 2s -> Bad", "after 2s -> Done")
    assert claims(text, "F004")
    assert compared(text).counted["F004"] == 1


def test_where_the_moment_decides_a_shorter_run_may_have_lost_every_success() -> None:
    assert not claims(PIVOT, "F105")
    assert compared(PIVOT).disagreements == []


def test_where_giving_up_decides_it_is_said_that_none_has() -> None:
    text = PIVOT.replace("else      -> Resting", "else { late = true } -> Resting")
    assert claims(text, "F105")
    assert compared(text).counted["F105"] == 1


def test_where_an_event_waits_that_loses_every_final_a_shorter_run_has_lost_it() -> None:
    assert not claims(HELD, "F004")
    assert compared(HELD).disagreements == []


def test_where_it_does_not_wait_it_is_said_that_none_has() -> None:
    text = HELD.replace("defer broken", "ignore broken")
    assert claims(text, "F004")
    assert compared(text).counted["F004"] == 1


LATE = """
flow R version 1 {
  activity ask() { readonly }
  start -> Asking
  state Asking {
    do ask()
    on done   -> Good
    on failed -> Good
    after 1s stay
  }
  final Good
  never in Good and elapsed >= 1s
}
"""
"""An answer after a second is late, whether the timer came before it or not. (Seed 1775 of the flows about moments.)"""


def test_where_a_property_is_about_time_a_shorter_run_may_break_it() -> None:
    assert not claims(LATE, "F301")
    assert compared(LATE).disagreements == []


def test_where_it_is_about_data_alone_none_does() -> None:
    assert claims(LATE.replace("elapsed >= 1s", "true"), "F301")


STARTED = """
flow R version 1 {
  activity ask() { readonly }
  start -> Asking
  state Asking {
    do ask()
    on done when now > @2026-01-01T00:00:02Z -> Bad
    on done else stay
    on failed stay
    after 1s stay
  }
  final failure Bad
  never in Bad
}
"""
"""One that starts a second later needs no timer. (Seed 2988 of the flows about moments.)"""


def test_where_now_is_asked_a_run_that_starts_later_may_be_shorter() -> None:
    assert not claims(STARTED, "F301")
    assert compared(STARTED).disagreements == []


STOPPED = """
flow R version 1 {
  input { more: int 0..1 }
  data { v: int 0..1 = 0 }
  roles clerk
  start -> Asking
  state Asking {
    task ask for clerk
    on ask -> Either
    after 1s { v = more } stay
  }
  choice Either {
    when true { v = v - 1 } -> Good
    when true -> Good
  }
  final Good
}
"""
"""Two ways are open at once, and the one that is taken is stopped by what it updates. (Seed 20358977.)"""


def test_where_a_shorter_run_is_stopped_at_a_choice_it_may_show_that_two_ways_are_open() -> None:
    assert not claims(STOPPED, "F006")
    assert compared(STOPPED).disagreements == []


def test_where_none_is_stopped_no_shorter_run_shows_it() -> None:
    assert claims(STOPPED.replace("v - 1", "v"), "F006")
