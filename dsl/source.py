"""Source text and places in it: a path and its text in, line and column out."""

from __future__ import annotations

from bisect import bisect_right
from posixpath import dirname, join, normpath, relpath

from .values import dataclass, field, replace


@dataclass(frozen=True, slots=True)
class Span:
    """A half-open range `[start, end)` of character offsets into one source text."""

    start: int
    end: int

    def to(self, other: Span) -> Span:
        """The smallest span that covers both."""
        return Span(min(self.start, other.start), max(self.end, other.end))


NOWHERE = Span(0, 0)


@dataclass(frozen=True, slots=True)
class Source:
    """One `.flow` text and the name (usually a relative path) it is known by in messages.

    `imported` are the texts that it imports, directly or not, each without further ones. They lie behind its own as if
    all were one text, so an offset, and a Span, means a place in any of them. Lines and columns are those of its file.
    """

    name: str
    text: str
    imported: tuple[Source, ...] = ()
    whole: str = field(init=False, repr=False, compare=False)
    _begins: tuple[int, ...] = field(init=False, repr=False, compare=False)  # of its own text, then of the imported
    _lines: tuple[int, ...] = field(init=False, repr=False, compare=False)  # where the lines of its own text begin

    def __post_init__(self) -> None:
        begins, whole = [0], self.text
        for each in self.imported:
            whole += "\n"
            begins.append(len(whole))
            whole += each.text
        lines = [0]
        lines.extend(i + 1 for i, char in enumerate(self.text) if char == "\n")
        object.__setattr__(self, "whole", whole)
        object.__setattr__(self, "_begins", tuple(begins))
        object.__setattr__(self, "_lines", tuple(lines))

    @property
    def files(self) -> tuple[Source, ...]:
        """Itself and all that it imports."""
        return (self, *self.imported)

    def range(self, name: str) -> Span:
        """Where the text of the file called so lies."""
        place = [file.name for file in self.files].index(name)
        return Span(self._begins[place], self._begins[place] + len(self.files[place].text))

    def within(self, offset: int) -> tuple[Source, int]:
        """The file an offset is in, and the offset in the text of that file."""
        place = bisect_right(self._begins, offset) - 1
        return self.files[place], offset - self._begins[place]

    def file(self, span: Span | None) -> Source:
        """The file a span is in."""
        return self.within(span.start)[0] if span is not None else self

    def local(self, span: Span) -> Span:
        """A span as counted from the beginning of its file."""
        shift = span.start - self.within(span.start)[1]
        return Span(span.start - shift, span.end - shift)

    def position(self, offset: int) -> tuple[int, int]:
        """The 1-based (line, column) of a character offset, in its file."""
        if self.imported and offset >= self._begins[1]:
            file, inside = self.within(offset)
            return file.position(inside)
        line = bisect_right(self._lines, offset)
        return line, offset - self._lines[line - 1] + 1

    def line(self, span: Span) -> int:
        """The 1-based line a span starts on, in its file."""
        return self.position(span.start)[0]

    def place(self, span: Span) -> str:
        """`specs/order.flow:12`: the file and the line a span starts in."""
        return f"{self.file(span).name}:{self.line(span)}"

    def line_text(self, line: int) -> str:
        """The text of a 1-based line of its own text, without its line end."""
        start = self._lines[line - 1]
        end = self._lines[line] - 1 if line < len(self._lines) else len(self.text)
        return self.text[start:end].rstrip("\r")

    def slice(self, span: Span) -> str:
        """The text a span covers."""
        return self.whole[span.start : span.end]

    def called(self, name: str) -> Source:
        """The same under another name; what it imports lies as it did, seen from there."""
        moved = (
            replace(each, name=beside(name, relpath(each.name, dirname(self.name) or "."))) for each in self.imported
        )
        return Source(name, self.text, tuple(moved))


def beside(name: str, path: str) -> str:
    """What the file is called that the one called `name` imports as `path`."""
    return normpath(join(dirname(name), path))
