"""Findings for the margin of a change: GitHub's workflow commands, GitLab's code quality report."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import PurePath

from ..pipeline import Examined
from .finding import Finding, Level, findings
from .style import clean

_SEVERITY = {Level.ERROR: "major", Level.UNKNOWN: "minor", Level.WARNING: "minor"}


def github(files: Sequence[Examined]) -> str:
    """One `::error …` or `::warning …` line a finding; a runner shows them beside the changed lines."""
    return "".join(f"{_command(finding)}\n" for finding in _open(files))


def _command(finding: Finding) -> str:
    said, place = finding.diagnostic, finding.place
    properties = {"file": PurePath(finding.file).as_posix(), "line": place.line, "endLine": place.end_line}
    if place.line == place.end_line:  # columns of a place over several lines are refused
        properties |= {"col": place.column, "endColumn": place.end_column}
    properties["title"] = f"{said.rule.code} {said.rule.name}"
    fields = ",".join(f"{key}={_property(str(value))}" for key, value in properties.items())
    message = "%0A".join(_escaped(line) for line in (said.message, *said.why))
    return f"::{'error' if finding.level is Level.ERROR else 'warning'} {fields}::{message}"


def _escaped(text: str) -> str:
    return clean(text).replace("%", "%25")


def _property(text: str) -> str:
    return _escaped(text).replace(":", "%3A").replace(",", "%2C")


def gitlab(files: Sequence[Examined]) -> str:
    issues = [
        {
            "description": f"{finding.diagnostic.rule.code}: {finding.diagnostic.message}",
            "check_name": finding.diagnostic.rule.name,
            "fingerprint": finding.fingerprint,
            "severity": _SEVERITY[finding.level],
            "location": {
                "path": PurePath(finding.file).as_posix(),
                "lines": {"begin": finding.place.line, "end": finding.place.end_line},
            },
        }
        for finding in _open(files)
    ]
    return json.dumps(issues, indent=2, ensure_ascii=False) + "\n"


def _open(files: Sequence[Examined]) -> list[Finding]:
    return [finding for finding in findings(files) if finding.level is not Level.ACCEPTED]
