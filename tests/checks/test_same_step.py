"""What one step begins and undoes again is seen by the checks, although nobody ever rests there."""

from __future__ import annotations

from agreement import compared
from kernels import kernel
from penstock.compiler.checks import suite
from penstock.compiler.checks.verdict import Verdict

DISPATCH = """\
flow Dispatch version 1 {
  input { lost: bool }
  activity ship() -> text { retry 9 backoff 1m..1h then park EFFECT }
  start -> Both
  parallel Both {
    on any failure -> compensate -> Failed
    on all done    -> Good
    region Parcel {
      start -> Shipping
      state Shipping {
        do ship()
        on done(_) -> Sent
      }
      final Sent
    }
    region Papers {
      start -> Known
      choice Known {
        when lost -> Lost
        else      -> Filed
      }
      final Filed
      final failure Lost
    }
  }
  final Good
  final failure Failed
}
"""


def refuted(effect: str) -> list[tuple[str, str, int]]:
    """Code, subject and steps of what is refuted."""
    report = suite.check(kernel(DISPATCH.replace("EFFECT", effect)))
    wrong = (answer for answer in report.answers if answer.verdict is not Verdict.PROVED)
    return [(a.rule.code, a.subject, len(a.diagnostic.trace) if a.diagnostic else 0) for a in wrong]


def test_a_compensation_in_the_step_that_begins_an_irreversible_call_is_refuted() -> None:
    assert refuted("irreversible") == [("F102", "`ship`", 1)]


def test_one_in_the_step_that_begins_a_call_that_can_be_undone_is_not() -> None:
    assert refuted("compensate recall(result)") == []


def test_compensations_that_lead_into_each_other_for_ever_are_a_circle() -> None:
    """Each undoes a call, and in the same step makes that call anew."""
    text = """\
flow Again version 1 {
  activity look() -> text { compensate forget(result) }
  start -> Both
  parallel Both {
    on any failure -> compensate -> Both
    on all done    -> Good
    region Looking {
      start -> Open
      state Open {
        do look()
        on done(_) -> Seen
        on failed  -> Seen
      }
      final Seen
    }
    region Lost {
      start -> Gone
      final failure Gone
    }
  }
  final Good
  start leads to in Good
}
"""
    report = suite.check(kernel(text))
    found = {a.rule.code: a for a in report.answers if a.verdict is Verdict.REFUTED}
    assert {"F004", "F005", "F301"} <= found.keys()
    told = found["F005"].diagnostic
    assert told is not None and [step.trigger for step in told.trace] == ["start", 'look done("")', "forget done"]


def test_a_group_may_begin_with_as_many_calls_as_one_had_that_was_left_in_the_same_step() -> None:
    """Entered without items, it is done, and a join enters it again with two. (Seed 20295639 of the comparison.)"""
    text = """\
flow R version 1 {
  data { v: list<int 0..1> at most 2 = [] }
  activity look() { readonly }
  start -> Both
  parallel Both {
    on any failure -> Both
    region One {
      start -> Waiting
      state Waiting {
        do look()
        on done   -> Both
        on failed -> Both
      }
    }
    region Two {
      start -> Looking
      state Looking {
        do for item in v: look()
        on done { v = [0, 1] } -> Broken
        on failed -> Broken
        after 1s { v = [] } stay
      }
      final failure Broken
    }
  }
}
"""
    found = compared(text)
    assert found.disagreements == []
    assert found.unknown.total() == 0
