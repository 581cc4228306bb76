"""Findings as JSON for programs; docs/formats.md describes the schema, and its number changes when it does."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from ...dsl.diagnostics import Fix, Lane, TraceStep
from ...dsl.source import Source, Span
from ..checks.fate import Range
from ..checks.verdict import Answer, Horizon, Leg, Odds, Report
from ..pipeline import Examined
from .finding import Finding, Place, findings

SCHEMA = 1


def data(files: Sequence[Examined], tool: str, exit_code: int) -> str:
    """The whole run. `tool` is penstock's version."""
    return _text({"schema": SCHEMA, "tool": tool, "exit": exit_code, "error": None, "files": [*map(_file, files)]})


def crash(kind: str, message: str, tool: str, exit_code: int) -> str:
    """The answer when there is none: `kind` is `input` or `internal`."""
    error = {"kind": kind, "message": message}
    return _text({"schema": SCHEMA, "tool": tool, "exit": exit_code, "error": error, "files": []})


def _text(value: dict[str, Any]) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"


def _file(file: Examined) -> dict[str, Any]:
    return {
        "path": file.source.name,
        "flows": [_flow(report, file.source) for report in file.reports],
        "findings": [_finding(finding) for finding in findings([file])],
    }


def _flow(report: Report, source: Source) -> dict[str, Any]:
    return {
        "name": report.flow,
        "verdict": report.verdict.name.lower(),
        "answers": [_answer(answer, source) for answer in report.answers],
        "longest": [_horizon(horizon, source) for horizon in report.horizons],
        "odds": None if report.odds is None else _odds(report.odds),
        **({} if report.mutants is None else {"mutants": asdict(report.mutants)}),
    }


def _odds(odds: Odds) -> dict[str, Any]:
    return {
        "reason": odds.reason or None,
        "ends": [{"final": end.final, "chance": _range(end.chance)} for end in odds.ends],
        "failing": None if odds.failing is None else _range(odds.failing),
        "never": None if odds.never is None else _range(odds.never),
        "efforts": [
            {"name": each.name, "calls": _range(each.calls), "attempts": _range(each.attempts)} for each in odds.efforts
        ],
        "left_open": list(odds.left),
        "unrated": list(odds.unrated),
    }


def _range(range: Range) -> dict[str, Any]:
    """Exactly, as fractions, and as numbers."""
    exact = {"least": str(range.least), "most": None if range.most is None else str(range.most)}
    return {"exact": exact, "least": float(range.least), "most": None if range.most is None else float(range.most)}


def _horizon(horizon: Horizon, source: Source) -> dict[str, Any]:
    return {
        "state": horizon.state or None,
        "seconds": None if horizon.longest is None else horizon.longest.total_seconds(),
        "reason": horizon.reason or None,
        "known": horizon.known,
        "found": None if horizon.found is None else horizon.found.total_seconds(),
        "run": [_leg(leg, source) for leg in horizon.legs],
    }


def _leg(leg: Leg, source: Source) -> dict[str, Any]:
    times = {"since_start": leg.at.total_seconds(), "took": leg.took.total_seconds(), "why": leg.why or None}
    return _step(leg.step, source) | times


def _answer(answer: Answer, source: Source) -> dict[str, Any]:
    return {
        "code": answer.rule.code,
        "name": answer.rule.name,
        "subject": answer.subject,
        "verdict": answer.verdict.name.lower(),
        "accepted": answer.accepted,
        "scope": answer.scope,
        "witness": answer.witness,
        "vacuous": answer.vacuous,
        "place": _place(source, answer.span),
    }


def _finding(finding: Finding) -> dict[str, Any]:
    said, source = finding.diagnostic, finding.source
    return {
        "level": str(finding.level),
        "code": said.rule.code,
        "name": said.rule.name,
        "flow": finding.flow or None,
        "subject": finding.subject or None,
        "message": said.message,
        "fingerprint": finding.fingerprint,
        "place": _place(source, said.span),
        "label": said.label,
        "others": [{"place": _place(source, other.span), "label": other.text} for other in said.others],
        "why": list(said.why),
        "trace": [_step(step, source) for step in said.trace],
        "fixes": [_fix(fix, source) for fix in said.fixes],
        "note": said.note,
        "accepted": finding.reason or None,
    }


def _step(step: TraceStep, source: Source) -> dict[str, Any]:
    return {
        "trigger": step.trigger,
        "at": step.at or None,
        "configuration": step.place,
        "changes": list(step.changes),
        "place": _place(source, step.span),
        "lane": _lane(step.by) if step.by else None,
        "flow": step.flow or None,
        "sent": [{"kind": str(each.kind), "to": _lane(each.to), "text": each.text} for each in step.sent],
        "rest": str(step.rest),
    }


def _lane(lane: Lane) -> dict[str, str]:
    return {"kind": str(lane.kind), "name": lane.name}


def _fix(fix: Fix, source: Source) -> dict[str, Any]:
    edits = [{"place": _place(source, span), "text": text} for span, text in fix.edits]
    return {"text": fix.text, "safe": fix.safe, "edits": edits, "checked": fix.checked or None}


def _place(source: Source, span: Span | None) -> dict[str, int | str] | None:
    if span is None:
        return None
    place = Place.of(source, span)
    found: dict[str, int | str] = {
        "line": place.line,
        "column": place.column,
        "end_line": place.end_line,
        "end_column": place.end_column,
        "start": source.local(span).start,
        "end": source.local(span).end,
    }
    return {**found, "path": file.name} if (file := source.file(span)) is not source else found
