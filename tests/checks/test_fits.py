"""F203 where timers are not armed any more when a call begins, or no call begins at all."""

from __future__ import annotations

import pytest

from agreement import compared
from kernels import kernels
from penstock.compiler.checks.suite import check
from penstock.compiler.checks.verdict import Answer, Verdict

PASSED = """
flow R version 1 {
  activity load() { timeout 1m retry 5 backoff 1m..5m readonly }
  event go
  start -> Waiting
  state Waiting {
    on go -> Done
    wait forever "somebody says go"
  }
  state Late {
    do load()
    on done   -> Done
    on failed -> Done
  }
  final Done
  deadline 10m -> Late
}
"""
AROUND = """
flow R version 1 {
  activity load() { timeout 10s retry 1 backoff 1s..1s readonly }
  event go
  start -> Outer
  state Outer {
    start -> First
    state First { on go -> Loading }
    state Loading {
      do load()
      on done   -> Done
      on failed -> Done
    }
    after 2s -> Second
    state Second { after 1s -> Loading }
  }
  final Done
}
"""
EMPTY = """
flow R version 1 {
  data { items: list<int> at most 2 = [] }
  activity load() { readonly }
  start -> Loading
  state Loading {
    do for item in items: load()
    on done stay
    after 1s -> Done
  }
  final Done
}
"""


def answer(text: str) -> Answer:
    (found,) = [each for each in check(kernels(text)["R"]).answers if each.rule.code == "F203"]
    return found


@pytest.mark.parametrize("text", [PASSED, AROUND, EMPTY], ids=["deadline", "around", "empty"])
def test_a_timer_that_has_fired_before_or_a_call_that_is_never_made_ends_no_wait(text: str) -> None:
    assert answer(text).verdict is Verdict.PROVED
    found = compared(text)
    assert found.disagreements == []
    assert found.proved["F203"] == 1


@pytest.mark.parametrize(
    "text",
    [
        PASSED.replace("deadline 10m -> Late", "deadline 10m -> Done").replace("on go -> Done", "on go -> Late"),
        AROUND.replace("after 1s -> Loading", "after 1s -> Done"),
        EMPTY.replace("= []", "= [1]"),
    ],
    ids=["deadline", "around", "empty"],
)
def test_one_that_is_always_armed_does(text: str) -> None:
    assert answer(text).verdict is Verdict.REFUTED
    found = compared(text)
    assert found.disagreements == []
    assert found.refuted["F203"] == 1
