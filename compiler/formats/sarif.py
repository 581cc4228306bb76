"""Findings as SARIF 2.1.0: a counterexample is a code flow, an accepted finding a suppressed one, unknown is `open`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from ...dsl.diagnostics import Fix, Rule, TraceStep
from ...dsl.source import Source, Span
from ..pipeline import Examined
from .finding import Finding, Level, Place, findings

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"


def sarif(files: Sequence[Examined], tool: str) -> str:
    """The whole run as one SARIF log. `tool` is penstock's version."""
    found = findings(files)
    rules = list({finding.diagnostic.rule.code: finding.diagnostic.rule for finding in found}.values())
    driver = {"name": "penstock", "version": tool, "rules": [_rule(rule) for rule in rules]}
    codes = [rule.code for rule in rules]
    run = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "results": [_result(finding, codes.index(finding.diagnostic.rule.code)) for finding in found],
    }
    return json.dumps({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2, ensure_ascii=False) + "\n"


def _rule(rule: Rule) -> dict[str, Any]:
    described: dict[str, Any] = {"id": rule.code, "name": rule.name, "shortDescription": {"text": rule.summary}}
    if rule.page:
        described["help"] = {"text": rule.page, "markdown": rule.page}
    return described


def _result(finding: Finding, rule: int) -> dict[str, Any]:
    said, source = finding.diagnostic, finding.source
    text = "\n".join([said.message, *said.why, *([said.note] if said.note else [])])
    result: dict[str, Any] = {
        "ruleId": said.rule.code,
        "ruleIndex": rule,
        "message": {"text": text},
        "locations": [_location(source, said.span, said.label)],
        "partialFingerprints": {"penstock/v1": finding.fingerprint},
    }
    if finding.level is Level.UNKNOWN:
        result |= {"kind": "open", "level": "none"}
    else:
        result["level"] = "warning" if finding.level is Level.WARNING else "error"
    if finding.level is Level.ACCEPTED:
        result["suppressions"] = [{"kind": "inSource", "justification": finding.reason}]
    if said.others:
        result["relatedLocations"] = [_location(source, other.span, other.text) for other in said.others]
    if said.trace:
        steps = [_step(step, source) for step in said.trace]
        result["codeFlows"] = [{"threadFlows": [{"locations": steps}]}]
    if fixes := [_fix(fix, source) for fix in said.fixes if fix.edits]:
        result["fixes"] = fixes
    return result


def _step(step: TraceStep, source: Source) -> dict[str, Any]:
    parts = [step.trigger, f"→ {step.place}" if step.place else "", ", ".join(step.changes)]
    return {"location": _location(source, step.span, "  ".join(filter(None, parts)))}


def _fix(fix: Fix, source: Source) -> dict[str, Any]:
    replacements = [
        {"deletedRegion": _region(source, span), "insertedContent": {"text": text}} for span, text in fix.edits
    ]
    change = {"artifactLocation": _artifact(source.file(fix.edits[0][0])), "replacements": replacements}
    return {"description": {"text": fix.text}, "artifactChanges": [change]}


def _location(source: Source, span: Span | None, text: str) -> dict[str, Any]:
    physical: dict[str, Any] = {"artifactLocation": _artifact(source.file(span))}
    if span is not None:
        physical["region"] = _region(source, span)
    return {"physicalLocation": physical, **({"message": {"text": text}} if text else {})}


def _artifact(source: Source) -> dict[str, str]:
    path = Path(source.name)
    return {"uri": path.as_uri() if path.is_absolute() else quote(path.as_posix())}


def _region(source: Source, span: Span) -> dict[str, int]:
    place = Place.of(source, span)
    return {
        "startLine": place.line,
        "startColumn": place.column,
        "endLine": place.end_line,
        "endColumn": place.end_column,
    }
