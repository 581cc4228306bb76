"""Every proof has a witness; what is proved of nothing is warned of, and so is what is written and never matters."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from kernels import flow, kernel, kernels
from penstock.compiler import pipeline
from penstock.compiler.checks import vacuity
from penstock.compiler.checks.suite import check, check_all
from penstock.compiler.checks.verdict import Answer, Report, Verdict
from penstock.dsl.diagnostics import Rule, Severity
from random_flows import random_flow
from random_groups import random_groups
from random_mixtures import random_mixture

SPECS = Path(__file__).parents[2] / "specs"
PATTERNS = Path(__file__).parents[2] / "docs" / "patterns"


def proofs(report: Report) -> list[Answer]:
    return [answer for answer in report.answers if answer.verdict is Verdict.PROVED]


def warned(body: str) -> list[tuple[str, str]]:
    return [(each.rule.code, each.message) for each in check(flow(body)).warnings]


def witness(body: str, code: str, subject: str) -> Answer:
    (found,) = (a for a in check(flow(body)).answers if a.rule.code == code and subject in a.subject)
    return found


# ---------------------------------------------------------------- every proof


@pytest.mark.parametrize("name", ["order", "expense", "hiring", "shop", "trip"])
def test_every_proof_of_a_real_flow_has_a_witness_that_is_not_vacuous(name: str) -> None:
    file = pipeline.check(pipeline.read(SPECS / f"{name}.flow"))
    for report in file.reports:
        assert proofs(report)
        assert [a for a in proofs(report) if not a.witness or a.vacuous] == []
        assert report.warnings == ()


@pytest.mark.parametrize("write", [random_flow, random_groups, random_mixture], ids=["flows", "groups", "mixtures"])
def test_every_proof_of_a_random_flow_has_a_witness(write: Callable[[int], str]) -> None:
    for seed in range(2):
        for answer in proofs(check(kernels(write(seed))["R"])):
            assert answer.witness, (seed, answer)


def test_no_pattern_is_warned_of() -> None:
    for path in sorted(PATTERNS.glob("*.flow"))[::4]:
        assert [report.warnings for report in pipeline.check(pipeline.read(path)).reports if report.warnings] == []


SALE = """
  event stop
  activity charge() -> text { retry 2 backoff 1s..2s  compensate refund(result) }
  start -> Charging
  state Charging {
    do charge()
    on done(_) -> Charged
    on failed  -> compensate -> Failed
  }
  state Charged {
    on stop   -> compensate -> Failed
    after 14d -> Sold
  }
  final Sold
  final failure Failed
"""


def test_a_failure_is_witnessed_by_a_run_that_undoes_something_first() -> None:
    assert witness(SALE, "F101", "Failed").witness == "a run of 3 steps enters `Failed` after `charge` was undone"
    harmless = SALE.replace("compensate refund(result) }", "readonly }").replace("compensate -> ", "")
    assert witness(harmless, "F101", "Failed").witness == (
        "a run of 2 steps enters `Failed`; nothing that can be undone ever stands then"
    )


def test_a_property_is_witnessed_by_a_run_to_what_it_is_about() -> None:
    claims = "always in Charged implies not in Sold\nin Charged leads to in Sold or in Failed within 15d\n"
    found = witness(SALE + claims, "F301", "always")
    assert (found.witness, found.vacuous) == ("a run of 2 steps comes to where `in Charged`", False)
    leads = witness(SALE + claims, "F301", "leads to")
    assert leads.witness == "a run of 3 steps comes to it, and then to what it leads to"
    assert witness(SALE + claims, "F204", "leads to").witness.startswith("at the longest 14d")


# ---------------------------------------------------------------- what never matters


def test_a_property_about_what_never_happens_is_proved_and_warned_of() -> None:
    body = SALE.replace("event stop", "input { n: int 0..5 }\nevent stop")
    claims = ("always n > 7 implies in Sold", "never in Sold and in Failed and n > 7", "n > 7 leads to in Sold")
    for claim in claims:
        found = witness(f"{body}{claim}\n", "F301", claim)
        assert (found.verdict, found.witness, found.vacuous) == (Verdict.PROVED, "`n > 7` is never so", True)
        ((code, message),) = warned(f"{body}{claim}\n")
        assert (code, message) == ("F713", f"`{claim}` says nothing, for `n > 7` is never so")
    (said,) = check(flow(f"{body}{claims[0]}\n")).warnings
    assert said.severity is Severity.WARNING
    assert said.why == ("never, because `n > 7` there and `n <= 5` (its type, line 3).",)


def test_a_compensation_that_no_run_calls_is_warned_of_unless_somebody_else_may() -> None:
    idle = SALE.replace("on stop   -> compensate -> Failed", "on stop -> Sold").replace(
        "on failed  -> compensate -> Failed", "on broken -> Failed"
    )
    idle = idle.replace("retry 2 backoff 1s..2s", "retry 2 backoff 1s..2s then park  fails broken")
    assert warned(idle) == [("F711", "no run ever undoes `charge`, so `refund` is never called")]
    assert warned(SALE) == []
    assert warned("data { n: int = 0 }\noutput n" + idle) == []
    outer = "flow Outer version 1 { start -> A state A { do flow Test() on done -> B on failed -> B } final B }\n"
    both = kernels(f"flow Test version 1 {{\n{idle}\n}}\n{outer}")
    assert [report.warnings for report in check_all(list(both.values()), ())] == [(), ()]


def test_a_compensation_that_is_forgotten_on_the_way_out_is_the_finding_and_not_idle() -> None:
    report = check(flow(SALE.replace("-> compensate -> Failed", "-> Failed")))
    assert {a.rule.code for a in report.answers if a.verdict is Verdict.REFUTED} == {"F101"}
    assert report.warnings == ()


def test_a_guard_that_is_never_false_is_warned_of() -> None:
    body = SALE.replace("event stop", "event stop(n: int 1..9)").replace("on stop ", "on stop(n) when n > 0 ")
    assert warned(body) == [("F712", "`n > 0` is never false when it is asked")]


def test_guards_that_share_the_cases_among_them_are_not() -> None:
    body = SALE.replace("event stop", "event stop(n: int 1..9)").replace(
        "on stop   -> compensate -> Failed",
        "on stop(n) when n > 5 -> compensate -> Failed\n on stop(n) when n <= 5 -> Sold",
    )
    assert warned(body) == []


# ---------------------------------------------------------------- their pages


def flows(page: str) -> list[str]:
    return [part.split("```")[0] for part in page.split("```flow\n")[1:]]


@pytest.mark.parametrize("rule", vacuity.RULES, ids=lambda rule: rule.code)
def test_the_bad_flow_of_a_page_is_warned_of_and_the_mended_one_is_not(rule: Rule) -> None:
    bad, mended = (check(kernel(text)) for text in flows(rule.page))
    assert {said.rule for said in bad.warnings} == {rule}
    assert mended.warnings == ()
    for report in (bad, mended):
        assert {answer.verdict for answer in report.answers} == {Verdict.PROVED}
    for said in bad.warnings:
        assert len(said.label.split()) <= 8 and len(said.why) <= 3 and said.fixes
