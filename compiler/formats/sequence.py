"""A finding's run as a swim-lane diagram in text: tracks side by side, time downwards, a hundred columns at most."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from itertools import pairwise

from ...dsl.diagnostics import LaneKind, Rest
from ..diagrams.graph import UNDO, WORK
from ..diagrams.story import Arrow, Look, Pause, Stop, Story, Track, story
from .finding import Finding, Level
from .page import title_of_trace
from .style import Style, clean, width

WIDEST = 100
MOST_TRACKS = 6
MOST_LINES = 3  # of one label
_INDENT, _LINES = 3, 7  # columns for the frame of the page, and for the numbers of lines
_NEAREST = 9  # columns between two tracks, at least, unless there are very many
_WIDEST_TITLE = 24

_DASH = {Look.TIMER: "┄", Look.UNDO: "╌"}
_TITLES = {LaneKind.SERVICES: f"{WORK} ", LaneKind.CLOCK: "◷ "}


def sequence(finding: Finding, style: Style) -> str:
    """The paragraph that stands in place of the trace; ends with a line feed."""
    said = finding.diagnostic
    refuted = finding.level is Level.ERROR and not said.rule.code.startswith("F8")
    told = story(said.trace, finding.source, MOST_TRACKS, refuted=refuted)
    return title_of_trace(finding, style) + "".join(f"{_painted(row, style)}\n" for row in rows(told))


def _painted(row: str, style: Style) -> str:
    return style.error(row) if "✗" in row else row


def rows(told: Story) -> list[str]:
    """The diagram, a line each."""
    canvas = _Canvas(told)
    for row in told.rows:
        match row:
            case Arrow():
                canvas.arrow(row)
            case Stop():
                canvas.stop(row)
            case Pause():
                canvas.pause(row)
    return ["".join(cells).rstrip() for cells in canvas.lines]


class _Canvas:
    """Lines of cells, one column each; a wide character takes its cell and an empty one behind it."""

    def __init__(self, told: Story) -> None:
        self.at = _columns(told)
        self.end = min(WIDEST - _LINES, self.at[-1] + max(_NEAREST, width(_title(told.tracks[-1]))))
        self.end = max(self.end, min(WIDEST - _LINES, _reach(told, self.at)))
        self.flow = next(at for at, track in zip(self.at, told.tracks, strict=True) if track.kind is LaneKind.FLOW)
        self.lines: list[list[str]] = []
        self._header(told.tracks)

    def _header(self, tracks: Sequence[Track]) -> None:
        cells = self._line(" ")
        pairs = zip(pairwise(self.at), pairwise(map(_title, tracks)), strict=True)
        crowded = any(right - left < _apart(*titles) for (left, right), titles in pairs)
        for place, track in enumerate(tracks):
            title = _cut(_title(track), _NEAREST - 2) if crowded else _title(track)
            self._put(cells, max(_INDENT, self.at[place] - width(title) // 2), title)

    def _line(self, mark: str = "│") -> list[str]:
        cells = [" "] * WIDEST
        for column in self.at:
            cells[column] = mark
        self.lines.append(cells)
        return cells

    def _put(self, cells: list[str], column: int, text: str) -> None:
        for char in text:
            wide = width(char)
            if column + wide > len(cells):
                return
            if wide:
                cells[column] = char
                cells[column + 1 : column + wide] = [""] * (wide - 1)
            else:
                cells[column - 1] += char
            column += wide

    def _numbered(self, cells: list[str], line: int) -> None:
        if line:
            self._put(cells, self.end + 1, f":{line}")

    def arrow(self, row: Arrow) -> None:
        left, right = sorted((self.at[row.source], self.at[row.target]))
        text = clean(f"{UNDO} {row.text}" if row.look is Look.UNDO else row.text)
        if left == right:
            self._put(self._line(), left + 2, _cut(f"↺ {text}", self.end - left - 2))
            return
        room = right - left - 1
        dash = _DASH.get(row.look, "─")
        inline = width(text) + 5 <= room
        for line in () if inline else _wrapped(text, room - 1):
            self._put(self._line(), left + 2, line)
        cells = self._line()
        self._put(cells, left + 1, dash * room)
        if inline:
            self._put(cells, left + 2, f" {text} ")
        forward = self.at[row.source] == left
        head = "✗" if row.failed else "►" if forward else "◄"
        self._put(cells, right - 1 if forward else left + 1, head)

    def stop(self, row: Stop) -> None:
        text = clean(row.text) or "nowhere"
        text = f"{UNDO} {text}" if row.rest is Rest.UNDOING else text
        text = f"✗ {text}" if row.failed else text
        shown = _cut(f"[{text}]", self.end - _INDENT)
        column = max(_INDENT, min(self.at[row.track] - width(shown) // 2, self.end - width(shown)))
        cells = self._line()
        self._put(cells, column, shown)
        behind = column + width(shown) + 1
        changes = clean(", ".join(row.changes))
        if changes:
            self._put(cells, behind, f"{_cut(changes, self.end - behind - 1)} " if self.end - behind > 8 else "…")
        self._numbered(cells, row.line)

    def pause(self, row: Pause) -> None:
        self._put(self._line("┊"), self.flow + 2, f"{clean(row.text)}")


def _title(track: Track) -> str:
    return _cut(clean(f"{_TITLES.get(track.kind, '')}{track.title}"), _WIDEST_TITLE)


def _apart(left: str, right: str) -> int:
    """How far apart two tracks have to be for their titles."""
    return max(_NEAREST, (width(left) + width(right)) // 2 + 2)


def _columns(told: Story) -> list[int]:
    """Where the tracks stand: as far apart as their labels ask for, as long as all fit."""
    titles = [width(_title(track)) for track in told.tracks]
    least = [_apart(_title(a), _title(b)) for a, b in pairwise(told.tracks)]
    first = _INDENT + titles[0] // 2
    over = first + sum(least) - (WIDEST - _LINES - titles[-1] // 2 - 1)
    while over > 0 and max(least) > _NEAREST:  # titles are cut instead
        widest = least.index(max(least))
        least[widest] -= 1
        over -= 1
    spare = max(0, -over)
    for row in told.rows:
        if isinstance(row, Arrow) and abs(row.source - row.target) >= 1:
            low, high = sorted((row.source, row.target))
            lacking = min(_wish(row) - (sum(least[low:high]) - 1), spare)
            for number in range(max(0, lacking)):
                least[low + number % (high - low)] += 1
                spare -= 1
    last = WIDEST - _LINES - 1
    if first + sum(least) > last:
        least = [max(1, (last - first) // len(least))] * len(least)
    columns = [first]
    for gap in least:
        columns.append(min(columns[-1] + gap, last))
    return columns


def _wish(row: Arrow) -> int:
    text = clean(row.text)
    return min(width(text) + (7 if row.look is Look.UNDO else 5), 40)


def _reach(told: Story, at: Sequence[int]) -> int:
    """The last column that is written to."""
    ends = [0]
    for row in told.rows:
        if isinstance(row, Stop):
            changes = clean(", ".join(row.changes))
            ends.append(at[row.track] + width(clean(row.text)) // 2 + 6 + (width(changes) + 2 if changes else 0))
    return max(ends)


def _wrapped(text: str, room: int) -> list[str]:
    lines = textwrap.wrap(text, max(4, room), break_on_hyphens=False) or [""]
    kept = lines[:MOST_LINES]
    if len(lines) > MOST_LINES:
        kept[-1] = _cut(f"{kept[-1]} …", room)
    return [_cut(line, room) for line in kept]


def _cut(text: str, columns: int) -> str:
    """The text in so many columns, with an ellipsis where it is longer."""
    if width(text) <= columns:
        return text
    while text and width(text) > columns - 1:
        text = text[:-1]
    return f"{text}…"
