"""The lines of source a finding is about: spans with labels in, numbered lines with carets out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise

from ...dsl.diagnostics import Label
from ...dsl.source import Source, Span
from ...dsl.values import dataclass
from .style import Style, clean, columns

WIDEST = 160
"""A line longer than this is cut to a window around its first caret."""


@dataclass(frozen=True, slots=True)
class Mark:
    """Carets under the characters `[start, end)` of one line of a file, and what is said beside them."""

    file: Source
    line: int
    start: int
    end: int
    text: str
    primary: bool


def excerpt(source: Source, primary: Label, others: Sequence[Label], style: Style, paint: Callable[[str], str]) -> str:
    """The primary place first, then the others; lines end with a line feed. `paint` colours the primary carets."""
    marks = [*_marks(source, primary, True), *(mark for label in others for mark in _marks(source, label, False))]
    gutter = len(str(max(mark.line for mark in marks)))
    rows: list[str] = []
    for file in dict.fromkeys(mark.file for mark in marks):
        inside = [mark for mark in marks if mark.file == file]
        place = f"{clean(file.name)}:{inside[0].line}:{inside[0].start + 1}"
        rows.append(style.gutter(f"{' ' * gutter} {'├' if rows else '╭'}─ ") + place)
        for before, current in pairwise([None, *dict.fromkeys(mark.line for mark in inside)]):
            if before is not None and current != before + 1:
                rows.append(style.gutter(f"{' ' * gutter} ┆"))
            rows.extend(_line(file, [mark for mark in inside if mark.line == current], gutter, style, paint))
    rows.append(style.gutter(f"{' ' * gutter} ╰─"))
    return "".join(f"{row.rstrip()}\n" for row in rows)


def _marks(whole: Source, label: Label, primary: bool) -> Iterator[Mark]:
    """One mark for a span inside a line; for a longer one, a mark on its first line and one on its last."""
    source = whole.file(label.span)
    span = _inside(source, whole.local(label.span))
    line, start = source.position(span.start)
    last, end = source.position(max(span.start, span.end - 1))
    if line == last:
        yield Mark(source, line, start - 1, max(end, start), label.text, primary)
        return
    text = source.line_text(line)
    yield Mark(source, line, start - 1, max(len(text.rstrip()), start), "", primary)
    closing = source.line_text(last)
    yield Mark(source, last, len(closing) - len(closing.lstrip()), end, label.text, primary)


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
