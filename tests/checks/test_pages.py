"""Every page of a check is true: its first flow has the finding, its last one is clean."""

from __future__ import annotations

import pytest

from kernels import kernel
from penstock.compiler.checks.suite import RULES, check
from penstock.compiler.checks.verdict import Verdict
from penstock.dsl.diagnostics import Rule

FOLLOWS = {
    "F001": {"F002"},
    "F003": {"F004"},
    "F104": {"F002", "F004"},
    "F105": {"F102"},
    "F402": {"F002", "F201"},
}
"""What a finding brings with it: nothing leads on from a step that faults, or to a state that nothing enters; and where
no way forward is left after the pivot, what is left is a failure."""


def flows(page: str) -> list[str]:
    return [part.split("```")[0] for part in page.split("```flow\n")[1:]]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.code)
def test_the_bad_flow_of_a_page_has_its_finding_and_what_follows_from_it(rule: Rule) -> None:
    bad, _ = flows(rule.page)
    report = check(kernel(bad))
    found = {a.rule.code for a in report.answers if a.verdict is not Verdict.PROVED}
    assert found == {rule.code} | FOLLOWS.get(rule.code, set())
    refuted = [a for a in report.answers if a.verdict is Verdict.REFUTED]
    assert refuted
    for answer in refuted:
        assert answer.diagnostic is not None
        assert len(answer.diagnostic.label.split()) <= 8
        assert all(len(label.text.split()) <= 8 for label in answer.diagnostic.others)
        assert len(answer.diagnostic.why) <= 3


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.code)
def test_the_mended_flow_of_a_page_is_proved_in_every_check(rule: Rule) -> None:
    _, mended = flows(rule.page)
    report = check(kernel(mended))
    assert [(a.rule.code, a.subject) for a in report.answers if a.verdict is not Verdict.PROVED] == []
