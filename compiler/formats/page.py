"""Findings for people: a page each (`full`) or a line each (`concise`), and a summary line per file."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence

from ...dsl.diagnostics import Label, Rule, Severity, TraceStep
from ...dsl.model import DurationType
from ...dsl.source import Source, Span
from ..checks.verdict import HELD_UP, Horizon, Mutants, Report, Verdict
from ..evaluate import shown
from ..pipeline import Examined
from .edits import edits
from .excerpt import excerpt
from .finding import Finding, Level, findings
from .style import Style, clean, pad, width

WIDEST_COLUMN = 64
"""A trace's columns line up, but for cells wider than this."""
WIDEST_TRIGGER = 80
"""What happens in a step is broken into lines of so many columns."""


_OPEN = "it is not known whether "


def full(files: Sequence[Examined], style: Style, run: Callable[[Finding, Style], str] | None = None) -> str:
    """A page for each cause: what only follows from another finding, or is unknown for one reason, is told there. `run`
    draws the run of a finding in another way than step by step."""
    found = [finding for finding in findings(files) if finding.level is not Level.ACCEPTED]
    alike: dict[object, list[Finding]] = {}
    for number, finding in enumerate(found):
        cause = _cause(finding, found)
        key = _reason(finding) or number if cause is None else found.index(cause)
        alike.setdefault(key, []).append(finding)
    groups = ((found[key], group) if isinstance(key, int) else (group[0], group) for key, group in alike.items())
    pages = [
        page(first, style, run) + _others(first, [one for one in group if one is not first], style)
        for first, group in groups
    ]
    worst = sorted(found, key=lambda finding: finding.level is not Level.ERROR)[:1]
    more = [f"`penstock explain {finding.diagnostic.rule.code}` says more about a code." for finding in worst]
    return "\n".join([*pages, "".join(f"{line}\n" for line in [*summary(files, style), *more])])


def _reason(finding: Finding) -> tuple[str, str, tuple[str, ...]] | None:
    """Why something is unknown, which may be so of many things at once; None where a run tells more of it."""
    said = finding.diagnostic
    if finding.level is not Level.UNKNOWN or said.trace:
        return None
    return finding.file, said.message.rpartition(": ")[2], said.why


def _cause(finding: Finding, found: Sequence[Finding]) -> Finding | None:
    """The finding that one follows from."""
    return next((other for other in found if other is not finding and _follows(finding, other)), None)


def _follows(finding: Finding, other: Finding) -> bool:
    """Whether one follows from another: a way into a state that nothing enters is not taken either, nor is one that
    always faults; and what is held up by an event that cannot be handled is not known until that is mended."""
    said, cause = finding.diagnostic, other.diagnostic
    if other.level is not Level.ERROR or (other.file, other.flow) != (finding.file, finding.flow):
        return False
    if said.rule.code == "F002" and said.span is not None and cause.span is not None:
        ways = {label.span for label in cause.others if label.text == "never taken"}
        inside = said.span.start <= cause.span.start and cause.span.end <= said.span.end
        return (cause.rule.code == "F001" and said.span in ways) or (cause.rule.code in _STOPPING and inside)
    return finding.level is Level.UNKNOWN and cause.rule.code in _STOPPING and said.message.endswith(HELD_UP)


_STOPPING = {"F007", "F401", "F402", "F403"}
"""What stops a step where it is."""


def _others(first: Finding, found: Sequence[Finding], style: Style) -> str:
    """What else has the same cause, or is unknown for the same reason, a line each."""
    text = ""
    for unknown in (False, True):
        group = [each for each in found if (each.level is Level.UNKNOWN) is unknown]
        told = [(each, each.diagnostic.message) for each in group]
        if unknown:
            told = [(each, said.rpartition(": ")[0].removeprefix(_OPEN)) for each, said in told]
        lines = [f":{each.place.line}  {each.diagnostic.rule.code}  {what}" for each, what in told]
        reason = "until this is mended" if first.level is Level.ERROR else "for the same reason"
        opening = f"{reason} {_OPEN.strip()}" if unknown else "for the same reason"
        text += _paragraph("also", [opening, *lines], style) if lines else ""
    return text


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


def page(finding: Finding, style: Style, run: Callable[[Finding, Style], str] | None = None) -> str:
    """The title, the lines of source, then why, trace, help and note; ends with a line feed."""
    said, source = finding.diagnostic, finding.source
    paint = _paint(finding.level, style)
    text = paint(f"{finding.level}[{said.rule.code}]") + style.strong(f": {clean(said.message)}") + "\n"
    if said.span is not None:
        text += excerpt(source, Label(said.span, said.label), said.others, style, paint)
    body = [_paragraph("why", said.why, style)] if said.why else []
    body += [(run or trace)(finding, style)] if said.trace else []
    body += [_paragraph("help", [fix.text, *edits(source, fix)], style) for fix in said.fixes]
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
    refuted = finding.level is Level.ERROR and not _of_scenarios(finding.diagnostic.rule)
    text = title_of_trace(finding, style)
    for index, (step, (trigger, place, changes, line)) in enumerate(zip(steps, rows, strict=True)):
        last = index == len(steps) - 1
        mark = style.error("✗") if last and refuted else style.gutter("●" if index == 0 else "│")
        arrow = f"→ {pad(place, wide[1])}" if step.place else pad("", wide[1] + 2)
        for part in (parts := folded(trigger))[:-1]:
            text += f"   {mark}  {part}\n"
            mark = " " if last else style.gutter("│")
        row = f"   {mark}  {pad(parts[-1], wide[0])}  {arrow}  {pad(changes, wide[2])}"
        text += f"{row}  {style.faint(line)}".rstrip() + "\n"
    return text


def folded(text: str) -> list[str]:
    """A long trigger in lines, broken behind commas; those after the first one are indented."""
    lines: list[str] = []
    for part in re.split(r"(?<=,) ", text):
        if lines and width(lines[-1]) + 1 + width(part) <= WIDEST_TRIGGER:
            lines[-1] += f" {part}"
        else:
            lines.append(f"    {part}" if lines else part)
    return lines


def title_of_trace(finding: Finding, style: Style) -> str:
    """The line above a run."""
    title = "shortest run that shows it" if finding.level is Level.ERROR else "a run that was looked at"
    if _of_scenarios(finding.diagnostic.rule):
        title = "the scenario up to here"  # the step that failed is not among them
    return f"  {style.strong('trace')} {title} ({_count(len(finding.diagnostic.trace), 'step')})\n"


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
            yield from () if report.mutants is None else _noticed(report.mutants)


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


def _noticed(mutants: Mutants) -> Iterator[str]:
    """What notices the mutants of the flow."""
    nets = (
        ("the language", mutants.language),
        ("the checks", mutants.checks),
        ("your properties", mutants.properties),
        ("your scenarios", mutants.scenarios),
    )
    noticed = ", ".join(f"{number} by {net}" for net, number in nets if number)
    yield f"  {_count(mutants.made, 'mutant')} noticed: {noticed or 'none'}"
    rest = (
        ("proved to do the same", mutants.equivalent),
        ("unnoticed", mutants.survivors),
        ("undecided", mutants.open),
        ("not tried in time", mutants.untried),
    )
    yield f"  and otherwise: {', '.join(f'{number} {what}' for what, number in rest if number) or 'none'}"


def _of_scenarios(rule: Rule) -> bool:
    return rule.code.startswith("F8")


def _count(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}"
