"""A round is no way to stay away from what is promised (`leads to`) where a timer ends it that is not put off by being
armed anew, or perhaps a sub-flow does. Brute force found it (seed 20291940 of the comparison, 3001 of moments)."""

from __future__ import annotations

import pytest

from agreement import compared
from kernels import kernels
from penstock.compiler.checks.suite import check
from penstock.compiler.checks.verdict import Verdict


def promised(body: str) -> Verdict:
    """What F301 says of `start leads to Good`, with which brute force agrees."""
    text = f"{CHILD}flow R version 1 {{\n{body}\n  final Good\n  start leads to Good\n}}\n"
    assert compared(text).disagreements == []
    return next(each for each in check(kernels(text)["R"]).answers if each.rule.code == "F301").verdict


CHILD = """flow Child version 1 {
  input { x: bool }
  start -> Sad
  final failure Sad
}
"""


@pytest.mark.parametrize(
    ("timer", "verdict"),
    [
        ("after 3s since Trying", Verdict.PROVED),  # counts on, however often it is armed anew
        ("at @2026-01-01T00:00:03Z", Verdict.PROVED),
        ("after 3s since Asking", Verdict.REFUTED),  # from its own entry
        ("after 3s since Later", Verdict.REFUTED),  # never entered: from when it is armed
    ],
)
def test_a_timer_of_every_place_on_a_round_ends_it_if_none_puts_it_off(timer: str, verdict: Verdict) -> None:
    found = promised(f"""
      start -> Trying
      state Trying {{
        start -> Asking
        state Asking {{ {timer} -> Good  after 1s -> Resting }}
        state Resting {{ {timer} -> Good  after 1s -> Asking }}
      }}
      state Later {{ after 1s -> Good }}
    """)
    assert found is verdict or (found is Verdict.UNKNOWN and "Later" in timer)


def test_a_round_that_enters_the_place_puts_the_timer_off() -> None:
    found = promised("""
      start -> Trying
      state Trying {
        start -> Asking
        state Asking { after 3s since Trying -> Good  after 1s -> Trying }
      }
    """)
    assert found is Verdict.REFUTED


def test_a_timer_that_leads_on_round_does_not_end_it_for_sure() -> None:
    found = promised("""
      start -> Trying
      state Trying {
        start -> Asking
        state Asking { after 3s since Trying -> Asking }
      }
    """)
    assert found is Verdict.UNKNOWN


def test_a_sub_flow_may_end_a_round_beside_it() -> None:
    found = promised("""
      roles clerk
      start -> Both
      parallel Both {
        region One {
          start -> Doing
          state Doing {
            do flow Child(x: true)
            on failed -> Good
          }
        }
        region Two {
          start -> Asking
          state Asking {
            task ask for clerk
            on ask -> Asking
          }
        }
      }
    """)
    assert found is Verdict.UNKNOWN
