"""What validation says of generated modules: verified files in; a page for people, a line each, or JSON out."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import PurePath
from typing import Any

from ...dsl.diagnostics import Label
from ...dsl.source import Source, Span
from ..validation.demands import Kind
from ..validation.findings import Finding, Open
from ..verifying import Verified
from .excerpt import excerpt
from .style import Style, clean

SCHEMA = 1

PLURALS = {
    Kind.ANSWER: "answer",
    Kind.WAY: "way",
    Kind.BRANCH: "choice",
    Kind.ENTRY: "arrival",
    Kind.MOMENT: "deadline",
    Kind.UNDO: "undo",
    Kind.PROMISE: "promise",
    Kind.PROMPT: "prompt answer",
}


def render(form: str, files: Sequence[Verified], style: Style, tool: str, exit_code: int) -> str:
    if form == "json":
        told = {"schema": SCHEMA, "tool": tool, "exit": exit_code, "error": None, "files": [*map(_file, files)]}
        return json.dumps(told, indent=2, ensure_ascii=False) + "\n"
    pages = (line for file in files for line in (_concise(file, style) if form == "concise" else _pages(file, style)))
    return "".join((*pages, *(f"{_summary(file, style)}\n" for file in files)))


# ---------------------------------------------------------------- for people


def _pages(file: Verified, style: Style) -> Iterator[str]:
    for finding in file.result.findings:
        title = style.error(f"error[{finding.rule.code}]") + style.strong(f": {clean(finding.message)}")
        text = f"{title}\n{excerpt(file.module, _label(file.module, finding.line), (), style, style.error)}"
        if finding.span is not None:
            text += excerpt(
                file.spec, Label(_line_of(file.spec, finding.span), "says otherwise"), (), style, style.error
            )
        yield text + "".join(_witness(finding, style)) + "\n"
    for left in file.result.open:
        title = style.unknown("unknown") + style.strong(f": {clean(left.what)}: {clean(left.why)}")
        yield f"{title}\n{excerpt(file.module, _label(file.module, left.line), (), style, style.unknown)}\n"


def _label(source: Source, line: int) -> Label:
    """A whole line of a module."""
    text = source.text.split("\n")[max(line, 1) - 1]
    start = sum(len(each) + 1 for each in source.text.split("\n")[: max(line, 1) - 1])
    indent = len(text) - len(text.lstrip())
    return Label(Span(start + indent, start + len(text.rstrip())), "")


def _line_of(source: Source, span: Span) -> Span:
    """From the place to the end of its line."""
    end = source.whole.find("\n", span.start)
    return Span(span.start, len(source.whole) if end < 0 else end)


def _witness(finding: Finding, style: Style) -> Iterator[str]:
    if (witness := finding.witness) is None:
        return
    values = ", ".join(f"{name} = {value}" for name, value in witness.values)
    for word, said in (("with", values or "any values"), ("flow", witness.spec), ("code", witness.module)):
        yield f"  {style.strong(word)} {clean(said)}\n"


def _concise(file: Verified, style: Style) -> Iterator[str]:
    name = clean(file.module.name)
    for finding in file.result.findings:
        code = style.error(f"error[{finding.rule.code}]")
        yield f"{style.strong(f'{name}:{finding.line}')}: {code} {clean(finding.message)}\n"
    for left in file.result.open:
        what = clean(f"{left.what}: {left.why}")
        yield f"{style.strong(f'{name}:{left.line}')}: {style.unknown('unknown')} {what}\n"


def _summary(file: Verified, style: Style) -> str:
    """`order_flow.py: 23 answers, 5 arrivals are what specs/order.flow says (3 questions to Z3)`."""
    result, name = file.result, clean(PurePath(file.module.name).name)
    if result.findings:
        more = f", {len(result.open)} unknown" if result.open else ""
        return f"{name}: {style.error(_count(len(result.findings), 'finding'))}{more}"
    if result.open:
        return f"{name}: {style.unknown(f'{len(result.open)} unknown')}"
    counts = [(result.counts or {}).get(kind, 0) for kind in PLURALS]
    told = ", ".join(_count(n, word) for n, word in zip(counts, PLURALS.values(), strict=True) if n)
    asked = _count(result.questions, "question")
    return f"{name}: {style.good(told)} are what {clean(file.spec.name)} says ({asked} to Z3)"


def _count(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}"


# ---------------------------------------------------------------- for programs


def _file(file: Verified) -> dict[str, Any]:
    result = file.result
    return {
        "path": file.module.name,
        "spec": file.spec.name,
        "verdict": "refuted" if result.findings else "unknown" if result.open else "proved",
        "proved": {word: (result.counts or {}).get(kind, 0) for kind, word in PLURALS.items()},
        "questions": result.questions,
        "findings": [_finding(finding, file.spec) for finding in result.findings],
        "open": [_open(left) for left in result.open],
    }


def _finding(finding: Finding, spec: Source) -> dict[str, Any]:
    witness, span = finding.witness, finding.span
    return {
        "code": finding.rule.code,
        "name": finding.rule.name,
        "line": finding.line,
        "message": finding.message,
        "function": finding.function or None,
        "flow": None if span is None else {"path": spec.file(span).name, "line": spec.line(span)},
        "witness": None
        if witness is None
        else {"values": dict(witness.values), "flow": witness.spec, "module": witness.module},
    }


def _open(left: Open) -> dict[str, Any]:
    return {"line": left.line, "what": left.what, "why": left.why}
