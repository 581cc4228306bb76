"""Answers as JUnit XML: a suite per file, a case per answer, the proved ones too."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from xml.etree import ElementTree

from ...dsl.diagnostics import Diagnostic
from ..checks.verdict import Answer, Verdict
from ..pipeline import Examined
from .finding import Finding, Level, findings
from .page import page
from .style import PLAIN, clean


def junit(files: Sequence[Examined]) -> str:
    """Refuted is a failure, unknown an error, accepted skipped; language errors are failed cases of their own."""
    root = ElementTree.Element("testsuites", name="penstock")
    for file in files:
        cases = list(_cases(file))
        suite = ElementTree.SubElement(root, "testsuite", name=clean(file.source.name), tests=str(len(cases)))
        for tag, attribute in (("failure", "failures"), ("error", "errors"), ("skipped", "skipped")):
            suite.set(attribute, str(sum(case.find(tag) is not None for case in cases)))
        suite.extend(cases)
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def _cases(file: Examined) -> Iterator[ElementTree.Element]:
    found = findings([file])
    errors = [each for each in found if each.level is Level.ERROR and not each.flow]
    for error in errors:
        name = f"{error.diagnostic.rule.code} at {error.place.line}:{error.place.column}"
        yield _case(file.source.name, name, "failure", error)
    if not errors:
        yield _case(file.source.name, "is well formed", "", None)
    said = {id(each.diagnostic): each for each in found}
    for report in file.reports:
        for answer in report.answers:
            name = f"{answer.rule.code} {answer.rule.name}: {answer.subject}"
            case = _case(report.flow, name, _tag(answer), said.get(id(answer.diagnostic)))
            if answer.witness:
                ElementTree.SubElement(case, "system-out").text = clean(f"witness: {answer.witness}")
            yield case


def _tag(answer: Answer) -> str:
    if answer.accepted is not None:
        return "skipped"
    return {Verdict.PROVED: "", Verdict.UNKNOWN: "error", Verdict.REFUTED: "failure"}[answer.verdict]


def _case(group: str, name: str, tag: str, finding: Finding | None) -> ElementTree.Element:
    case = ElementTree.Element("testcase", classname=clean(group), name=clean(name))
    if tag:
        outcome = ElementTree.SubElement(case, tag)
        if finding is not None:
            outcome.set("message", clean(_message(finding.diagnostic, finding.reason)))
            outcome.text = page(finding, PLAIN)
    return case


def _message(said: Diagnostic, reason: str) -> str:
    return f"accepted: {reason}" if reason else said.message
