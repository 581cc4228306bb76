"""A timer that counts `since` a place was entered: how long it has to go is known where that was never before, or just
now; else it may be due at once."""

from __future__ import annotations

from datetime import timedelta

import pytest

from agreement import compared
from kernels import kernels
from penstock.compiler.checks.suite import check
from penstock.compiler.checks.verdict import Verdict

COUNTED = """
flow R version 1 {
  event again
  start -> Both
  parallel Both {
    after 3s -> Late
    region One {
      start -> Looking
      after 4s since Looking -> Late
      state Looking { wait forever "until it is late" }
    }
    region Two {
      start -> Waiting
      state Waiting {
        on again -> AGAIN
      }
    }
  }
  state Late { after 1s since FROM -> Good  after 2s -> Bad }
  final Good
  final failure Bad
}
"""
COUNTING = "4s since Looking"


@pytest.mark.parametrize(("again", "verdict"), [("Waiting", Verdict.REFUTED), ("Both", Verdict.PROVED)])
def test_it_fires_where_the_place_was_entered_before(again: str, verdict: Verdict) -> None:
    text = COUNTED.replace("AGAIN", again).replace("FROM", "Late")
    assert compared(text).disagreements == []
    (answer,) = fires(text, COUNTING)
    assert answer is verdict


@pytest.mark.parametrize("begin", ["Late", "Never"])
def test_it_counts_from_now_where_the_place_is_entered_now_or_never_was(begin: str) -> None:
    text = COUNTED.replace("AGAIN", "Waiting").replace("FROM", begin)
    text = text.replace("  final Good", "  state Never { after 1s -> Good }\n  final Good")
    assert compared(text).disagreements == []
    assert fires(text, "2s -> Bad") == [Verdict.REFUTED]


def fires(text: str, written: str) -> list[Verdict]:
    """What F202 says of the timer that is written so."""
    kernel = kernels(text)["R"]
    answers = [each for each in check(kernel).answers if each.rule.code == "F202"]
    return [each.verdict for each in answers if written in kernel.source.slice(each.span)]


LONG_AGO = """
flow R version 1 {
  event go
  start -> Begun
  state Begun { on go -> Outer  after 9h -> Outer }
  state Outer {
    start -> First
    after 3h -> Quick
    state First { after 1h -> Second }
    state Second { after 5h since Begun -> Slow }
  }
  state Quick { after 1s -> Done }
  state Slow { after 20h -> Done }
  final Done
}
"""


def test_it_may_have_less_to_go_than_it_takes_where_the_place_was_entered_before() -> None:
    """Nine hours after the start, it is due at once, and long before the three hours of the state around it are over.
    The longest run was said to take twelve hours."""
    horizons = {each.state: each for each in check(kernels(LONG_AGO)["R"]).horizons}
    for state, hours in (("", 30), ("Outer.First", 21), ("Outer.Second", 20)):
        longest = horizons[state].longest
        assert longest is not None
        assert longest >= timedelta(hours=hours)
