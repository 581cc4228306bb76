"""`leads to` is refuted by a run that only passes where it should come to, since an event has waited that leads on."""

from __future__ import annotations

import pytest

from agreement import compared
from kernels import kernels
from penstock.compiler.checks.suite import check
from penstock.compiler.checks.verdict import Answer, Verdict

ASKED = """
flow R version 1 {
  event ask
  event go
  activity look() { readonly }
  start -> Working
  state Working {
    BEFORE
    after 1s -> Ready
    on go -> Ready
  }
  state Ready {
    on ask -> Idle
    after 1s -> Good
  }
  state Idle {
    BEHIND
  }
  final Good
  start leads to in Ready
}
"""


def promise(before: str, behind: str) -> Answer:
    text = ASKED.replace("BEFORE", before).replace("BEHIND", behind)
    found = compared(text)
    assert found.disagreements == []
    (answer,) = [each for each in check(kernels(text)["R"]).answers if each.rule.code == "F301"]
    return answer


def steps(answer: Answer) -> list[str]:
    assert answer.diagnostic is not None
    return [f"{step.trigger} {step.place}" for step in answer.diagnostic.trace]


@pytest.mark.parametrize(
    "behind",
    [
        'on ask -> Good  wait forever "somebody asks again"',
        "after 1s -> Idle",
        "do look()  on done -> Idle  on failed -> Good",
    ],
)
def test_a_run_passes_it_where_an_event_has_waited_and_leads_on(behind: str) -> None:
    answer = promise("defer ask", behind)
    assert answer.verdict is Verdict.REFUTED
    assert steps(answer)[:3] == ["start Working", "ask Working", "go Idle"]


def test_nobody_passes_it_where_the_event_need_not_wait() -> None:
    assert promise("ignore ask", 'on ask -> Good  wait forever "somebody asks again"').verdict is Verdict.PROVED


def test_what_is_passed_may_be_come_to_all_the_same() -> None:
    assert promise("defer ask", "after 1s -> Ready").verdict is Verdict.PROVED


JOINED = """
flow R version 1 {
  event ev0
  activity act0() { irreversible }
  start -> Both
  parallel Both {
    on all done -> Open
    region One {
      start -> Acting
      state Acting {
        do act0()
        on failed -> Over
        WAITING ev0
      }
      final Over
    }
    region Two {
      start -> Over
      final Over
    }
  }
  state Open { on ev0 -> resume Both }
}
"""


def test_a_join_comes_twice_in_the_step_that_delivers_what_has_waited() -> None:
    found = compared(JOINED.replace("WAITING", "defer"))
    assert found.disagreements == []
    assert found.refuted["F005"] == 1
    answers = check(kernels(JOINED.replace("WAITING", "defer"))["R"]).answers
    (answer,) = [each for each in answers if each.rule.code == "F005" and each.verdict is Verdict.REFUTED]
    assert steps(answer)[1].startswith("ev0 ")
    assert compared(JOINED.replace("WAITING", "ignore")).disagreements == []
    assert compared(JOINED.replace("WAITING", "ignore")).proved["F005"] == 1


def test_who_stays_where_it_leads_to_is_there() -> None:
    text = (
        ASKED.replace("BEFORE", "defer ask").replace("    after 1s -> Good\n", "").replace("BEHIND", "after 1s -> Good")
    )
    found = compared(text.replace("to in Ready", "to in Ready or in Good"))
    assert found.disagreements == []
    assert found.proved["F301"] == 1
