"""The lines of source a finding is about: spans with labels in, numbered lines with carets out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from ...dsl.diagnostics import Label
from ...dsl.source import Source, Span
from .style import Style, clean, columns

WIDEST = 160
"""A line longer than this is cut to a window around its first caret."""


@dataclass(frozen=True, slots=True)
class Mark:
    """Carets under the characters `[start, end)` of one line, and what is said beside them."""

    line: int
    start: int
    end: int
    text: str
    primary: bool


def excerpt(source: Source, primary: Label, others: Sequence[Label], style: Style, paint: Callable[[str], str]) -> str:
    """The primary place first, then the others; lines end with a line feed. `paint` colours the primary carets."""
    marks = [*_marks(source, primary, True), *(mark for label in others for mark in _marks(source, label, False))]
    lines = list(dict.fromkeys(mark.line for mark in marks))
    gutter = len(str(max(lines)))
    line, column = source.position(primary.span.start)
    rows = [style.gutter(f"{' ' * gutter} ╭─ ") + f"{clean(source.name)}:{line}:{column}"]
    for before, current in pairwise([None, *lines]):
        if before is not None and current != before + 1:
            rows.append(style.gutter(f"{' ' * gutter} ┆"))
        here = [mark for mark in marks if mark.line == current]
        rows.extend(_line(source, here, gutter, style, paint))
    rows.append(style.gutter(f"{' ' * gutter} ╰─"))
    return "".join(f"{row.rstrip()}\n" for row in rows)


def _marks(source: Source, label: Label, primary: bool) -> Iterator[Mark]:
    """One mark for a span inside a line; for a longer one, a mark on its first line and one on its last."""
    span = _inside(source, label.span)
    line, start = source.position(span.start)
    last, end = source.position(max(span.start, span.end - 1))
    if line == last:
        yield Mark(line, start - 1, max(end, start), label.text, primary)
        return
    text = source.line_text(line)
    yield Mark(line, start - 1, max(len(text.rstrip()), start), "", primary)
    closing = source.line_text(last)
    yield Mark(last, len(closing) - len(closing.lstrip()), end, label.text, primary)


def _inside(source: Source, span: Span) -> Span:
    """The span within the text; one that begins where the text has ended points behind the last character."""
    length = len(source.text)
    start = min(span.start, length)
    if start == length:
        start = len(source.text.rstrip())
        return Span(start, start + 1)
    return Span(start, min(span.end, length))


def _line(
    source: Source, marks: Sequence[Mark], gutter: int, style: Style, paint: Callable[[str], str]
) -> Iterator[str]:
    line = marks[0].line
    text = source.line_text(line)
    cut = 0
    if len(text) > WIDEST:
        cut = max(0, min(mark.start for mark in marks) - WIDEST // 3)
        text = f"{'…' if cut else ''}{text[cut : cut + WIDEST]}{'…' if cut + WIDEST < len(text) else ''}"
        cut -= bool(cut)
    shown, starts = columns(text)
    yield style.gutter(f"{line:>{gutter}} │ ") + shown
    for mark in marks:
        first = starts[min(mark.start - cut, len(text))]
        after = starts[min(mark.end - cut, len(text))]
        carets = ("^" if mark.primary else "─") * max(1, after - first)
        colour = paint if mark.primary else style.second
        said = f" {clean(mark.text)}" if mark.text else ""
        yield style.gutter(f"{' ' * gutter} │ ") + " " * first + colour(carets + said)
