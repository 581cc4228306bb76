"""An edit that is shown was checked: the text with it is as sound as the page says. What does not help is not shown."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from examined import MISSING, REFUTED, REPORT, SOURCE, span
from penstock.compiler import mending, pipeline, report
from penstock.compiler.checks.verdict import Answer, Report, Verdict
from penstock.compiler.formats.style import PLAIN
from penstock.compiler.mending import Budget, compared, edited, mended
from penstock.compiler.pipeline import Examined
from penstock.dsl.diagnostics import Diagnostic, Fix
from penstock.dsl.source import Source, Span

BROKEN = Path(__file__).parents[1] / "broken"
MENDED = {
    "order_forgotten_compensation": "F101",
    "order_gap_between_limits": "F007",
    "order_missing_timeout_handler": "F008",
    "expense_overlapping_limits": "F006",
    "expense_question_for_ever": "F201",
}
SMALL = """
flow Small version 1 {
  event go
  start -> Open
  state Open { on go -> Done }
  state Shut {
    on go -> Done
    after 1d -> Done
  }
  final Done
}
"""


def checked(path: Path) -> Examined:
    return pipeline.check(pipeline.read(path))


def fixes(file: Examined, code: str) -> list[Fix]:
    said = [answer.diagnostic for each in file.reports for answer in each.answers if answer.rule.code == code]
    return [fix for each in said if each is not None for fix in each.fixes]


def refuted(found: Report) -> int:
    return sum(answer.verdict is Verdict.REFUTED for answer in found.answers)


@pytest.mark.parametrize(("name", "code"), MENDED.items())
def test_the_text_with_an_edit_is_as_sound_as_it_says(name: str, code: str, tmp_path: Path) -> None:
    file = checked(BROKEN / f"{name}.flow")
    (found,) = pipeline.mend([file])
    (fix,) = fixes(found, code)
    assert fix.edits and not fix.trials
    text = edited(file.source, fix)
    assert text is not None
    path = tmp_path / "mended.flow"
    path.write_text(text, encoding="utf-8")
    again = checked(path)
    assert not again.errors
    left = sum(map(refuted, again.reports))
    assert left < sum(map(refuted, file.reports))
    if fix.checked == "with this edit the flow is sound":
        assert {answer.verdict for each in again.reports for answer in each.answers} == {Verdict.PROVED}
    else:
        assert f"{left} other finding" in fix.checked


@pytest.mark.parametrize("name", ["order_forgotten_compensation", "order_missing_timeout_handler"])
def test_the_page_shows_the_lines_before_and_after(name: str) -> None:
    text = report.render("full", pipeline.mend([checked(BROKEN / f"{name}.flow")]), PLAIN, "0.0.0")
    assert "checked: with this edit the flow is sound" in text
    if name == "order_forgotten_compensation":
        assert "       83 - on declined -> Cancelled        # the stock stays reserved\n" in text
        assert "       83 + on declined -> compensate -> Cancelled        # the stock stays reserved\n" in text
    else:
        assert "       85 + on failed -> compensate -> Cancelled\n" in text


def test_what_is_not_mended_is_said_in_words(tmp_path: Path) -> None:
    path = tmp_path / "small.flow"
    path.write_text(SMALL, encoding="utf-8")
    file = checked(path)
    assert any(fix.trials for fix in fixes(file, "F201"))
    nothing = Budget(0)
    (bare,) = (mended(file.source, each, lambda _source, _flow: None, nothing) for each in file.reports)
    assert [(fix.text, fix.edits, fix.trials) for fix in fixes(replace(file, reports=(bare,)), "F201")] == [
        ('add `after …`, a `deadline`, or `wait forever "why"`', (), ())
    ]


def test_a_line_is_added_to_a_block_on_one_line_too(tmp_path: Path) -> None:
    path = tmp_path / "small.flow"
    path.write_text(SMALL, encoding="utf-8")
    file = checked(path)
    (found,) = pipeline.mend([file])
    (fix,) = fixes(found, "F201")
    text = edited(file.source, fix)
    assert text is not None and "state Open { on go -> Done after 7d -> Done }" in text
    assert fix.checked == "with this edit F201 is gone; 1 other finding remains"


# ---------------------------------------------------------------- what counts as mended


def without(*codes: str) -> Report:
    return replace(REPORT, answers=tuple(answer for answer in REPORT.answers if answer.rule.code not in codes))


def worse() -> Report:
    said = Diagnostic(MISSING, "something else is left standing", span("charge_card"))
    return replace(without("F101"), answers=(Answer(MISSING, "x", Verdict.REFUTED, span("charge_card"), said),))


def test_a_finding_is_mended_when_it_is_gone_and_nothing_is_worse() -> None:
    assert compared(REPORT, without("F101"), REFUTED) == "with this edit nothing is refuted"
    assert compared(REPORT, without("F101", "F402"), REFUTED) == "with this edit the flow is sound"
    assert compared(REPORT, REPORT, REFUTED) is None
    assert compared(REPORT, worse(), REFUTED) is None
    assert compared(without("F402"), REPORT, REFUTED) is None


def test_each_trial_costs_the_size_of_its_flow() -> None:
    fix = Fix("mend it", trials=(Fix("so", ((span("refused"), "declined"),)), Fix("or so", ((span("id"), "x"),))))
    answer = replace(REPORT.answers[0], diagnostic=replace(REFUTED, fixes=(fix,)))
    asked: list[Source] = []

    def recheck(source: Source, _flow: str) -> Report:
        asked.append(source)
        return REPORT

    budget = Budget(2 * REPORT.configurations - 1)
    mending.mended(SOURCE, replace(REPORT, answers=(answer,)), recheck, budget)
    assert len(asked) == 1
    assert budget.left == REPORT.configurations - 1


def test_edits_are_put_into_the_text_and_must_not_overlap() -> None:
    source = Source("x", "one two three")
    assert edited(source, Fix("", ((Span(8, 13), "3"), (Span(0, 3), "1")))) == "1 two 3"
    assert edited(source, Fix("", ((Span(0, 5), "1"), (Span(4, 7), "2")))) is None
    both = Source("x", "one", (Source("y", "two"),))
    assert edited(both, Fix("", ((Span(4, 5), "1"),))) is None
