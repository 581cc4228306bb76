"""Timers that take as long as data say: where data tell which of two is shorter, the longer one never fires."""

from __future__ import annotations

import pytest

from agreement import compared
from kernels import kernels
from penstock.compiler.checks.suite import check
from penstock.compiler.checks.verdict import Verdict

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
