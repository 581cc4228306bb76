"""The tests of one spec: a checked file and what was explored of its flows in; its test modules, and new cases, out."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace

from ...dsl.format import canonical
from ..checks.inquiry import Inquiry
from ..checks.verdict import Verdict
from ..codegen import names
from ..formats.finding import Level, findings
from ..outputs import Output
from ..pipeline import Examined
from .acts import acts
from .cases import Case, written
from .cover import cover
from .module import Sheet, module


def found(file: Examined, inquiries: Mapping[str, Inquiry], name: str) -> tuple[Case, ...]:
    """The run of each finding that is refuted with one. name: how fingerprints call the file, wherever it lies."""
    made: list[Case] = []
    for finding in findings([replace(file, source=file.source.called(name))]):
        inquiry = inquiries.get(finding.flow)
        if finding.level is not Level.ERROR or inquiry is None or not finding.diagnostic.trace:
            continue
        run = inquiry.tracer.noted(finding.diagnostic.trace)
        if run:
            said = finding.diagnostic
            steps = written(inquiry.kernel, acts(inquiry.kernel, run))
            about = finding.subject.strip("`")
            made.append(Case(finding.fingerprint, said.rule.code, finding.flow, said.message, about, steps))
    return tuple(made)


def modules(
    file: Examined, inquiries: Mapping[str, Inquiry], spec: str, cases: Sequence[Case], package: str = ""
) -> tuple[Output, ...]:
    """A test module for each flow of a file. spec: how the text calls it; cases: of all its flows."""
    digest = hashlib.sha256(canonical(file.source).encode()).hexdigest()
    made: list[Output] = []
    for kernel in file.kernels:
        inquiry = inquiries.get(kernel.name)
        if inquiry is None:
            continue
        reports = [report for report in file.reports if report.flow == kernel.name]
        open_cases = [a for report in reports for a in report.answers if a.rule.code == "F007"]
        sheet = Sheet(
            kernel=kernel,
            spec=spec,
            digest=digest,
            cover=cover(inquiry),
            cases=tuple(case for case in cases if case.flow == kernel.name),
            package=package,
            total=all(answer.verdict is Verdict.PROVED for answer in open_cases),
        )
        made.append(Output(f"test_{names.module(kernel)}.py", module(sheet)))
    return tuple(made)
