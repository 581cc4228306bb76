"""A round in no time (F005) may go over timers: over those that are due each time, and none that was so once. Brute
force found it (seed 20275943 of the comparison); its own mistake, and the hole beside it, came with that."""

from __future__ import annotations

import pytest

from agreement import compared
from kernels import kernels
from penstock.compiler.checks.suite import check
from penstock.compiler.checks.verdict import Answer, Verdict


def livelock(body: str) -> Answer:
    """What F005 says, with which brute force agrees."""
    text = f"flow R version 1 {{\n{body}\n}}\n"
    assert compared(text).disagreements == []
    return next(each for each in check(kernels(text)["R"]).answers if each.rule.code == "F005")


def test_a_timer_that_was_due_once_does_not_come_at_once_again() -> None:
    """Both fall due after a second; when the first has been dealt with, the other one is due, and begins anew."""
    found = livelock("""
      input { long: bool }
      start -> Both
      parallel Both {
        after 1s stay
        region One {
          start -> Asking
          state Asking { after if long then 1s else 1s -> Asking }
        }
        region Two {
          start -> Done
          final Done
        }
      }
    """)
    assert found.verdict is Verdict.PROVED


def test_a_timer_of_no_length_comes_at_once_again_and_again() -> None:
    found = livelock("""
      data { v: int 0..1 = 0 }
      start -> Asking
      state Asking { after 1s * v -> Asking }
    """)
    assert found.verdict is Verdict.REFUTED


@pytest.mark.parametrize(
    ("since", "target", "verdict"),
    [
        ("Asking", "Resting", Verdict.REFUTED),  # long ago, and longer each time
        ("Asking", "Asking", Verdict.PROVED),  # comes back in between
        ("Never", "Resting", Verdict.PROVED),  # counts from when it is armed
    ],
)
def test_a_timer_that_counts_from_elsewhere_comes_at_once_where_that_is_past(
    since: str, target: str, verdict: Verdict
) -> None:
    found = livelock(f"""
      start -> Asking
      state Asking {{
        start -> Waiting
        state Waiting {{ after 1s -> Resting }}
        state Resting {{ after 1s since {since} -> {target} }}
      }}
      state Never {{ after 1s -> Asking }}
    """)
    assert found.verdict is verdict
    if verdict is Verdict.REFUTED:
        assert found.diagnostic is not None
        assert [step.trigger for step in found.diagnostic.trace] == ["start", "after 1s", "after 1s"]


def test_the_way_to_a_round_leads_by_where_its_timer_counts_from() -> None:
    """The shortest way to `Asking` does not: there the timer counts from when it is armed."""
    found = livelock("""
      event go
      start -> Asking
      state Asking {
        after 1s since Working -> Asking
        on go -> Working
      }
      state Working { after 1s -> Asking }
    """)
    assert found.verdict is Verdict.REFUTED
    assert found.diagnostic is not None and "no shorter run" not in found.diagnostic.note
