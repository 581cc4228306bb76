"""Examined files and what checks a text anew in; the same files, where each edit that is suggested was checked, out.

An edit is shown only if the text with it can be read, the finding is gone from the flow, and nothing is refuted or
unknown that was not before. Else the words remain. How many are tried depends on the sizes of the flows and on nothing
that a clock says.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from ..dsl.diagnostics import Diagnostic, Fix
from ..dsl.source import Source
from ..dsl.values import dataclass, replace
from .checks.verdict import Answer, Report, Verdict

Recheck = Callable[[Source, str], Report | None]
"""A text and a flow of it -> its answers; None if the text has errors."""

MOST_CONFIGURATIONS = 1200
"""So many configurations are looked at again in all, as counted when they were first."""

MOST_FINDINGS = 8
"""So many findings of a flow have their edits checked."""


@dataclass(eq=False)
class Budget:
    left: int = MOST_CONFIGURATIONS


def mended(source: Source, report: Report, recheck: Recheck, budget: Budget) -> Report:
    """The report of a flow with its edits checked."""
    answers: list[Answer] = []
    tried = 0
    for answer in report.answers:
        said = answer.diagnostic
        if said is not None and any(fix.trials for fix in said.fixes):
            shown = answer.verdict is Verdict.REFUTED and answer.accepted is None and tried < MOST_FINDINGS
            tried += shown
            fixes = (_checked(source, report, said, fix, recheck, budget, shown) for fix in said.fixes)
            answer = replace(answer, diagnostic=replace(said, fixes=tuple(fixes)))
        answers.append(answer)
    return replace(report, answers=tuple(answers))


def _checked(
    source: Source, report: Report, said: Diagnostic, fix: Fix, recheck: Recheck, budget: Budget, shown: bool
) -> Fix:
    """The first trial that mends the finding; the words of the fix, if none does."""
    for trial in fix.trials if shown else ():
        text = edited(source, trial)
        if text is None or budget.left < report.configurations:
            continue
        budget.left -= report.configurations
        after = recheck(replace(source, text=text), report.flow)
        verdict = None if after is None else compared(report, after, said)
        if verdict is not None:
            return replace(trial, checked=verdict, trials=())
    return replace(fix, trials=())


def edited(source: Source, fix: Fix) -> str | None:
    """The text of a file with the edits of a fix; None if they are not all of that file, or overlap."""
    edits = sorted(fix.edits, key=lambda edit: (edit[0].start, edit[0].end))
    if not edits or any(source.file(span) is not source for span, _ in edits):
        return None
    made, at = "", 0
    for span, new in edits:
        if span.start < at:
            return None
        made += source.text[at : span.start] + new
        at = span.end
    return made + source.text[at:]


def compared(before: Report, after: Report, said: Diagnostic) -> str | None:
    """What an edit has done, in one sentence; None if the finding is still there, or anything is worse."""
    found, left = _refuted(before), _refuted(after)
    this = said.rule.code, said.message
    if left[this] >= found[this] or left - found or _unknown(after) - _unknown(before):
        return None
    number = left.total()
    if number:
        others = "1 other finding remains" if number == 1 else f"{number} other findings remain"
        return f"with this edit {said.rule.code} is gone; {others}"
    return "with this edit nothing is refuted" if _unknown(after) else "with this edit the flow is sound"


def _refuted(report: Report) -> Counter[tuple[str, str]]:
    """The codes and sentences of what is refuted: they name no lines."""
    return Counter(
        (answer.rule.code, "" if answer.diagnostic is None else answer.diagnostic.message)
        for answer in report.answers
        if answer.verdict is Verdict.REFUTED and answer.accepted is None
    )


def _unknown(report: Report) -> Counter[str]:
    return Counter(answer.rule.code for answer in report.answers if answer.verdict is Verdict.UNKNOWN)
