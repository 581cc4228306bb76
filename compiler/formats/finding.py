"""Everything there is to say about the files of a run, as one flat list: examined files in, findings out."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Sequence
from enum import StrEnum

from ...dsl.diagnostics import Diagnostic, Severity
from ...dsl.source import Source, Span
from ...dsl.values import dataclass, replace
from ..checks.verdict import Verdict
from ..pipeline import Examined


class Level(StrEnum):
    ERROR = "error"
    UNKNOWN = "unknown"
    WARNING = "warning"
    ACCEPTED = "accepted"


@dataclass(frozen=True, slots=True)
class Place:
    """1-based lines and columns (in characters); the end is exclusive. A finding about a whole file is at 1:1."""

    line: int
    column: int
    end_line: int
    end_column: int

    @staticmethod
    def of(source: Source, span: Span | None) -> Place:
        if span is None:
            return Place(1, 1, 1, 1)
        return Place(*source.position(span.start), *source.position(span.end))


@dataclass(frozen=True, slots=True)
class Finding:
    """A diagnostic and where it stands. `reason`: why the text accepts it. `fingerprint`: the same for the same
    finding after lines were added elsewhere, and different for every finding of a run. `flow` and `subject` are
    empty for what the language says."""

    source: Source
    flow: str
    subject: str
    level: Level
    diagnostic: Diagnostic
    reason: str = ""
    fingerprint: str = ""

    @property
    def file(self) -> str:
        """The name of the file it stands in: the examined one, or one that this imports."""
        return self.source.file(self.diagnostic.span).name

    @property
    def place(self) -> Place:
        return Place.of(self.source, self.diagnostic.span)


def findings(files: Sequence[Examined]) -> tuple[Finding, ...]:
    """By file: what the language says (once of a file that several import), then the checks' answers in their order,
    then their warnings."""
    seen: Counter[str] = Counter()
    told: set[tuple[str, str, Place, str]] = set()
    found: list[Finding] = []
    for file in files:
        for finding in _said(file):
            once = finding.file, finding.diagnostic.rule.code, finding.place, finding.diagnostic.message
            if not finding.flow and len(files) > 1 and once in told:
                continue
            told.add(once)
            base = _identity(finding)
            seen[base] += 1
            mark = hashlib.sha256(f"{base}\0{seen[base]}".encode()).hexdigest()[:32]
            found.append(replace(finding, fingerprint=mark))
    return tuple(found)


def _said(file: Examined) -> Iterator[Finding]:
    """Everything but the fingerprints."""
    for diagnostic in file.diagnostics:
        yield Finding(file.source, "", "", _level(diagnostic), diagnostic)
    for report in file.reports:
        for answer in report.answers:
            if answer.diagnostic is None:
                continue
            level = _level(answer.diagnostic)
            if answer.accepted is not None:
                level = Level.ACCEPTED
            elif answer.verdict is Verdict.UNKNOWN:
                level = Level.UNKNOWN
            yield Finding(file.source, report.flow, answer.subject, level, answer.diagnostic, answer.accepted or "")
        for diagnostic in report.warnings:
            yield Finding(file.source, report.flow, "", _level(diagnostic), diagnostic)


def _level(diagnostic: Diagnostic) -> Level:
    return Level.ERROR if diagnostic.severity is Severity.ERROR else Level.WARNING


def _identity(finding: Finding) -> str:
    """What makes a finding this one: no line numbers, and no difference in spacing."""
    said, source = finding.diagnostic, finding.source
    text = source.slice(said.span) if said.span else ""
    parts = (finding.file, said.rule.code, finding.flow, finding.subject, said.message, " ".join(text.split()))
    return "\0".join(parts)
