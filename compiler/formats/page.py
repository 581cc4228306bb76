"""Findings for people: a page each (`full`) or a line each (`concise`), and a summary line per file."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence

from ...dsl.diagnostics import Label, Rule, Severity, TraceStep
from ...dsl.model import DurationType
from ...dsl.source import Source, Span
from ..checks.verdict import Horizon, Report, Verdict
from ..evaluate import shown
from ..pipeline import Examined
from .excerpt import excerpt
from .finding import Finding, Level, findings
from .style import Style, clean, pad, width

WIDEST_COLUMN = 64
"""A trace's columns line up, but for cells wider than this."""


_OPEN = "it is not known whether "


def full(files: Sequence[Examined], style: Style) -> str:
    found = [finding for finding in findings(files) if finding.level is not Level.ACCEPTED]
    alike: dict[object, list[Finding]] = {}
    for number, finding in enumerate(found):
        alike.setdefault(_reason(finding) or number, []).append(finding)
    pages = [page(first, style) + _others(others, style) for first, *others in alike.values()]
    more = [f"`penstock explain {found[0].diagnostic.rule.code}` says more about a code."] if found else []
    return "\n".join([*pages, "".join(f"{line}\n" for line in [*summary(files, style), *more])])


def _reason(finding: Finding) -> tuple[str, str, tuple[str, ...]] | None:
    """Why something is unknown, which may be so of many things at once; None where a run tells more of it."""
    said = finding.diagnostic
    if finding.level is not Level.UNKNOWN or said.trace:
        return None
    return finding.file, said.message.rpartition(": ")[2], said.why


def _others(found: Sequence[Finding], style: Style) -> str:
    """What else is unknown for the same reason, a line each."""
    if not found:
        return ""
    told = ((each, each.diagnostic.message.rpartition(": ")[0].removeprefix(_OPEN)) for each in found)
    lines = [f":{each.place.line}  {each.diagnostic.rule.code}  {what}" for each, what in told]
    return _paragraph("also", [f"for the same reason {_OPEN.strip()}", *lines], style)


def concise(files: Sequence[Examined], style: Style) -> str:
    lines = [_line(finding, style) for finding in findings(files) if finding.level is not Level.ACCEPTED]
    return "".join(f"{line}\n" for line in [*lines, *summary(files, style)])


def _line(finding: Finding, style: Style) -> str:
    place = f"{clean(finding.file)}:{finding.place.line}:{finding.place.column}"
    title = f"{finding.level}[{finding.diagnostic.rule.code}]"
    return f"{style.strong(place)}: {_paint(finding.level, style)(title)} {clean(finding.diagnostic.message)}"


def _paint(level: Level, style: Style) -> Callable[[str], str]:
    return {Level.ERROR: style.error, Level.UNKNOWN: style.unknown}.get(level, style.warning)


# ---------------------------------------------------------------- one finding


def page(finding: Finding, style: Style) -> str:
    """The title, the lines of source, then why, trace, help and note; ends with a line feed."""
    said, source = finding.diagnostic, finding.source
    paint = _paint(finding.level, style)
    text = paint(f"{finding.level}[{said.rule.code}]") + style.strong(f": {clean(said.message)}") + "\n"
    if said.span is not None:
        text += excerpt(source, Label(said.span, said.label), said.others, style, paint)
    body = [_paragraph("why", said.why, style)] if said.why else []
    body += [trace(finding, style)] if said.trace else []
    body += [_paragraph("help", [fix.text], style) for fix in said.fixes]
    body += [_paragraph("note", [said.note], style)] if said.note else []
    return text + "".join(body)


def _paragraph(word: str, lines: Sequence[str], style: Style) -> str:
    first, *rest = (clean(line) for line in lines)
    indent = " " * (len(word) + 3)
    return f"  {style.strong(word)} {first}\n" + "".join(f"{indent}{line}\n" for line in rest)


def trace(finding: Finding, style: Style) -> str:
    """A run, one step a line: what happened, where it led, what changed, the line of source that says so."""
    steps = finding.diagnostic.trace
    rows = [_cells(step, finding.source) for step in steps]
    wide = [max((width(row[i]) for row in rows if width(row[i]) <= WIDEST_COLUMN), default=0) for i in range(3)]
    refuted = finding.level is Level.ERROR
    title = "shortest run that shows it" if refuted else "a run that was looked at"
    if _of_scenarios(finding.diagnostic.rule):
        refuted, title = False, "the scenario up to here"  # the step that failed is not among them
    text = f"  {style.strong('trace')} {title} ({_count(len(steps), 'step')})\n"
    for index, (step, (trigger, place, changes, line)) in enumerate(zip(steps, rows, strict=True)):
        last = index == len(steps) - 1
        mark = style.error("✗") if last and refuted else style.gutter("●" if index == 0 else "│")
        arrow = f"→ {pad(place, wide[1])}" if step.place else pad("", wide[1] + 2)
        row = f"   {mark}  {pad(trigger, wide[0])}  {arrow}  {pad(changes, wide[2])}"
        text += f"{row}  {style.faint(line)}".rstrip() + "\n"
    return text


def _cells(step: TraceStep, source: Source) -> tuple[str, str, str, str]:
    when = f"{step.at}  " if step.at else ""
    line = f"{_elsewhere(source, step.span)}:{source.line(step.span)}" if step.span is not None else ""
    return clean(f"{when}{step.trigger}"), clean(step.place), clean(", ".join(step.changes)), line


def _elsewhere(source: Source, span: Span) -> str:
    file = source.file(span)
    return "" if file is source else clean(file.name)


# ---------------------------------------------------------------- a line per file


def summary(files: Sequence[Examined], style: Style) -> Iterator[str]:
    """For each flow, what was proved, refuted, left open, accepted; for a file with errors, how many they are."""
    for file in files:
        errors = sum(said.severity is Severity.ERROR for said in file.diagnostics)
        if errors or not file.reports:
            told = style.error(_count(errors, "error")) if errors else style.good("no errors")
            yield f"{clean(file.source.name)}: {told}"
        for report in file.reports:
            name = f"{file.source.name}: {report.flow}" if len(files) > 1 else report.flow
            yield f"{clean(name)}: {', '.join(_tally(report, style))}{_scope(report)}"
            yield from map(_longest, report.horizons[:1])


def _tally(report: Report, style: Style) -> Iterator[str]:
    if not report.answers:
        yield "no scenarios"
        return
    counts = Counter("accepted" if answer.accepted is not None else answer.verdict for answer in report.answers)
    rehearsed = bool(report.answers) and all(_of_scenarios(answer.rule) for answer in report.answers)
    passed = _count(counts[Verdict.PROVED], "scenario") + " passed"
    good, bad = (passed, "failed") if rehearsed else (f"{counts[Verdict.PROVED]} proved", "refuted")
    yield style.good(good)
    if counts[Verdict.REFUTED]:
        yield style.error(f"{counts[Verdict.REFUTED]} {bad}")
    if counts[Verdict.UNKNOWN]:
        yield style.unknown(f"{counts[Verdict.UNKNOWN]} unknown")
    if counts["accepted"]:
        yield f"{counts['accepted']} accepted"
    if report.warnings:
        yield style.warning(_count(len(report.warnings), "warning"))


def _scope(report: Report) -> str:
    """` (23 configurations)`, of checks; nothing of scenarios."""
    return f" ({_count(report.configurations, 'configuration')})" if report.configurations else ""


def _longest(horizon: Horizon) -> str:
    """`  a run takes 4d18h at the longest`, of the flow; `at most` where no run is known to take so long."""
    if horizon.longest is None:
        told = "a run may take for ever" if horizon.known else "how long a run takes is not known"
        return clean(f"  {told}: {horizon.reason}")
    said = shown(horizon.longest, DurationType())
    return f"  a run takes {said} at the longest" if horizon.exact else f"  a run takes at most {said}"


def _of_scenarios(rule: Rule) -> bool:
    return rule.code.startswith("F8")


def _count(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}"
