"""A Story in, the SVG of a swim-lane diagram out: self-contained, for light and dark, every name no more than text.

Tracks are boxes with a line down; arrows say what happened, pills where the flow is then, with what changed beside.
Colours are those of the other pictures: amber for work and, dotted, for time, violet for people, rose and dashed for
what undoes, red for the step that shows the finding.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from xml.etree import ElementTree
from xml.etree.ElementTree import Element, SubElement

from ...dsl.diagnostics import LaneKind, Rest
from .graph import CLOCK, UNDO, WORK, EdgeLook, NodeLook, printable
from .palette import DARK_PAPER, LIGHT_PAPER, LOOKS, Hue, Paper
from .story import Arrow, Look, Pause, Stop, Story
from .svg import FONTS

_SVG, _XLINK = "http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"
MOST_TRACKS = 9
_MARGIN, _HEADER, _LEGEND = 30.0, 34.0, 30.0
_STEP, _TEXT_LINE, _PILL = 30.0, 14.0, 22.0
_CHAR, _NEAREST, _WIDEST_LABEL = 6.3, 112.0, 36  # of a character, between tracks, characters of a label
_GLYPHS = {LaneKind.SERVICES: f"{WORK} ", LaneKind.CLOCK: f"{CLOCK} "}

_TRACKS: dict[LaneKind, NodeLook | EdgeLook] = {
    LaneKind.OUTSIDE: NodeLook.STATE,
    LaneKind.PEOPLE: NodeLook.TASK,
    LaneKind.CLOCK: EdgeLook.TIMER,
    LaneKind.FLOW: NodeLook.STATE,
    LaneKind.SERVICES: NodeLook.WORK,
}
_ARROWS: dict[Look, NodeLook | EdgeLook] = {
    Look.MOVE: EdgeLook.MOVE,
    Look.CALL: NodeLook.WORK,
    Look.TASK: NodeLook.TASK,
    Look.MESSAGE: EdgeLook.MOVE,
    Look.TIMER: EdgeLook.TIMER,
    Look.UNDO: EdgeLook.UNDO,
}
_STOPS: dict[Rest, NodeLook | EdgeLook] = {
    Rest.STATE: NodeLook.STATE,
    Rest.SUCCESS: NodeLook.SUCCESS,
    Rest.FAILURE: NodeLook.FAILURE,
    Rest.UNDOING: EdgeLook.UNDO,
    Rest.REFUSED: NodeLook.FAILURE,
}
_DASHES = {Look.TIMER: "1.5,3.5", Look.UNDO: "5,3"}
_FAILED = "failed"
_KEYS = (
    (Look.CALL, "a call"),
    (Look.TASK, "a person's task"),
    (Look.TIMER, f"{CLOCK} time passes"),
    (Look.UNDO, f"{UNDO} undo"),
)


def render(story: Story) -> str:
    """The SVG text, ending in a newline."""
    ElementTree.register_namespace("", _SVG)
    ElementTree.register_namespace("xlink", _XLINK)
    return ElementTree.tostring(_Sheet(story).root, encoding="unicode") + "\n"


@dataclass(frozen=True, slots=True)
class _Frame:
    """Where everything stands: the middles of the tracks, and the size of the whole."""

    middles: tuple[float, ...]
    width: float


class _Sheet:
    """One diagram being drawn from top to bottom."""

    def __init__(self, story: Story) -> None:
        self.story = story
        self.frame = _frame(story)
        self.root = Element(_tag("svg"))
        SubElement(self.root, _tag("style")).text = _style_sheet()
        card = SubElement(self.root, _tag("rect"), {"class": "card", "x": "0.5", "y": "0.5", "rx": "10"})
        self.y = _MARGIN + 4
        self._heading()
        top = self.y
        behind = SubElement(self.root, _tag("g"), {"class": "lifelines"})
        self.y += _HEADER + 14
        for row in story.rows:
            match row:
                case Arrow():
                    self._arrow(row)
                case Stop():
                    self._stop(row)
                case Pause():
                    self._pause(row)
        for row in (row for row in story.rows if isinstance(row, Stop) and row.failed):
            self._verdict(self.frame.middles[row.track])
        self._tracks(behind, top, self.y + 4)
        self.y += 22
        self._legend()
        height = self.y + 12
        size = {"width": f"{self.frame.width:g}", "height": f"{height:g}"}
        self.root.attrib.update(size, viewBox=f"0 0 {self.frame.width:g} {height:g}", role="img")
        self.root.attrib.update({"aria-label": printable(f"{story.title}: {story.message}"), "font-family": FONTS})
        card.attrib.update(width=f"{self.frame.width - 1:g}", height=f"{height - 1:g}")

    # ------------------------------------------------------------ parts

    def _heading(self) -> None:
        self._words(self.root, _MARGIN, self.y, self.story.title, "title", size=16)
        self.y += 18
        if not any(isinstance(row, Stop) and row.failed for row in self.story.rows):  # else it stands below
            for line in textwrap.wrap(printable(self.story.message), int((self.frame.width - 2 * _MARGIN) / _CHAR)):
                self._words(self.root, _MARGIN, self.y, line, "message", size=12)
                self.y += 16

    def _tracks(self, behind: Element, top: float, bottom: float) -> None:
        for track, middle in zip(self.story.tracks, self.frame.middles, strict=True):
            group = SubElement(behind, _tag("g"), {"class": f"track {track.kind}"})
            line = f"M{middle:g},{top + _HEADER:g} V{bottom:g}"
            SubElement(group, _tag("path"), {"class": "life", "d": line, "fill": "none", "stroke-dasharray": "2,4"})
            title = _cut(f"{_GLYPHS.get(track.kind, '')}{printable(track.title)}", 26)
            wide = max(56.0, len(title) * 7.0 + 22)
            box = {"x": f"{middle - wide / 2:g}", "y": f"{top:g}", "width": f"{wide:g}", "height": f"{_HEADER - 4:g}"}
            SubElement(group, _tag("rect"), {**box, "rx": "15" if track.kind is LaneKind.OUTSIDE else "7"})
            self._words(group, middle, top + 19.5, title, "name", anchor="middle")
            SubElement(group, _tag("title")).text = printable(f"{track.kind}: {track.title}")

    def _arrow(self, row: Arrow) -> None:
        start, end = self.frame.middles[row.source], self.frame.middles[row.target]
        group = self._group(f"arrow {_FAILED if row.failed else row.look}", row.line, row.tooltip)
        text = f"{UNDO} {row.text}" if row.look is Look.UNDO else row.text
        if start == end:
            self.y += _TEXT_LINE
            loop = f"M{start:g},{self.y - 6:g} h26 v14 h-20"
            self._line(group, loop, row.look)
            self._head(group, start + 3, self.y + 8, -1)
            self._words(group, start + 32, self.y + 5, _cut(text, _WIDEST_LABEL), "said")
            self.y += 16
            return
        room = int((abs(end - start) - 16) / _CHAR)
        way = 1 if end > start else -1
        for line in _wrapped(printable(text), max(6, min(room, 2 * _WIDEST_LABEL))):
            self._words(group, (start + end) / 2, self.y + 4, line, "said", anchor="middle")
            self.y += _TEXT_LINE
        at = self.y - 2
        self._line(group, f"M{start:g},{at:g} H{end - way * 7:g}", row.look)
        self._head(group, end - way * 2, at, way)
        self.y += 16

    def _line(self, group: Element, way: str, look: Look) -> None:
        dashes = {"stroke-dasharray": _DASHES[look]} if look in _DASHES else {}
        SubElement(group, _tag("path"), {"class": "shaft", "d": way, "fill": "none", **dashes})

    def _head(self, group: Element, x: float, y: float, way: int) -> None:
        points = f"{x:g},{y:g} {x - way * 8:g},{y - 4:g} {x - way * 8:g},{y + 4:g}"
        SubElement(group, _tag("polygon"), {"class": "head", "points": points})

    def _stop(self, row: Stop) -> None:
        middle = self.frame.middles[row.track]
        text = _cut(printable(row.text) or "nowhere", 44)
        text = f"{UNDO} {text}" if row.rest is Rest.UNDOING else text
        wide = len(text) * 6.7 + 24
        left = max(8.0, middle - wide / 2)
        group = self._group(f"stop {row.rest} {_FAILED if row.failed else 'passed'}", row.line, row.tooltip)
        box = {"x": f"{left:g}", "y": f"{self.y - 8:g}", "width": f"{wide:g}", "height": f"{_PILL:g}", "rx": "11"}
        SubElement(group, _tag("rect"), box)
        self._words(group, left + wide / 2, self.y + 7, text, "name", anchor="middle")
        beside = left + wide + 8
        changes = _cut(printable(", ".join(row.changes)), max(8, int((self.frame.width - beside - 46) / 5.9)))
        self._words(group, beside, self.y + 7, changes, "change")
        if row.line:
            self._words(group, self.frame.width - 16, self.y + 7, f":{row.line}", "line", anchor="end")
        if row.failed:
            self._mark(group, left, self.y + 3)
        self.y += _STEP

    def _mark(self, group: Element, x: float, y: float) -> None:
        SubElement(group, _tag("circle"), {"class": "mark", "cx": f"{x:g}", "cy": f"{y:g}", "r": "7"})
        arms = f"M{x - 2.6:g},{y - 2.6:g} l5.2,5.2 m0,-5.2 l-5.2,5.2"
        SubElement(group, _tag("path"), {"class": "cross", "d": arms, "fill": "none"})

    def _verdict(self, middle: float) -> None:
        """What the finding says, under the flow whose step shows it."""
        lines = _wrapped(printable(self.story.message), _WIDEST_LABEL + 8)
        wide = max(map(len, lines)) * _CHAR + 20
        left = min(max(8.0, middle - wide / 2), max(8.0, self.frame.width - wide - 8))
        group = SubElement(self.root, _tag("g"), {"class": "verdict"})
        size = {"width": f"{wide:g}", "height": f"{len(lines) * _TEXT_LINE + 10:g}", "rx": "6"}
        SubElement(group, _tag("rect"), {"x": f"{left:g}", "y": f"{self.y - 10:g}", **size})
        for line in lines:
            self._words(group, left + wide / 2, self.y + 5, line, "sentence", anchor="middle")
            self.y += _TEXT_LINE
        self.y += 8

    def _pause(self, row: Pause) -> None:
        group = SubElement(self.root, _tag("g"), {"class": "pause"})
        ends = f"M{_MARGIN / 2:g},{self.y:g} H{self.frame.width - _MARGIN / 2:g}"
        SubElement(group, _tag("path"), {"d": ends, "fill": "none", "stroke-dasharray": "1.5,3.5"})
        text = f"{CLOCK} {printable(row.text)}"
        wide = len(text) * 6.4 + 14
        box = {"x": f"{_MARGIN / 2 + 8:g}", "y": f"{self.y - 9:g}", "width": f"{wide:g}", "height": "18", "rx": "9"}
        SubElement(group, _tag("rect"), box)
        self._words(group, _MARGIN / 2 + 8 + wide / 2, self.y + 4, text, "said", anchor="middle")
        self.y += 24

    def _legend(self) -> None:
        looks = {row.look for row in self.story.rows if isinstance(row, Arrow)}
        failed = any(isinstance(row, Stop) and row.failed for row in self.story.rows)
        x = _MARGIN
        keys = [(str(look), words, _DASHES.get(look)) for look, words in _KEYS if look in looks]
        keys += [(_FAILED, "✗ what this is about", None)] if failed else []
        for name, words, dashes in keys:
            group = SubElement(self.root, _tag("g"), {"class": f"arrow {name} key"})
            line = {"d": f"M{x:g},{self.y:g} h16", "fill": "none", **({"stroke-dasharray": dashes} if dashes else {})}
            SubElement(group, _tag("path"), {"class": "shaft", **line})
            self._words(group, x + 22, self.y + 3.5, words, "words", size=9.5)
            x += 22 + len(words) * 5.4 + 16
        self.y += 6

    # ------------------------------------------------------------ elements

    def _group(self, name: str, line: int, tooltip: str) -> Element:
        """A group that leads to its line of the source, and says more where it is pointed at."""
        outer = SubElement(self.root, _tag("g"), {"class": name})
        SubElement(outer, _tag("title")).text = printable(tooltip)
        if not line or not self.story.href:
            return outer
        return SubElement(outer, _tag("a"), {f"{{{_XLINK}}}href": self.story.link(line)})

    def _words(
        self, group: Element, x: float, y: float, text: str, name: str, anchor: str = "start", size: float = 11
    ) -> None:
        if text:
            place = {"x": f"{x:g}", "y": f"{y:g}", "class": name, "text-anchor": anchor, "font-size": f"{size:g}"}
            SubElement(group, _tag("text"), place).text = printable(text).replace("\n", " ")


def _frame(story: Story) -> _Frame:
    """Tracks as far apart as their titles and labels ask for."""
    titles = [min(len(track.title) + 3, 26) * 7.0 + 22 for track in story.tracks]
    gaps = [max(_NEAREST, (a + b) / 2 + 18) for a, b in pairwise(titles)]
    for row in story.rows:
        if isinstance(row, Arrow) and abs(row.source - row.target) == 1:
            low = min(row.source, row.target)
            gaps[low] = max(gaps[low], min(len(row.text) + 2, _WIDEST_LABEL) * _CHAR + 34)
        if isinstance(row, Stop) and row.track + 1 < len(titles):
            gaps[row.track] = max(gaps[row.track], min(len(row.text), 44) * 3.4 + 60)
    middles = [_MARGIN + max(titles[0] / 2, 40)]
    for gap in gaps:
        middles.append(middles[-1] + gap)
    right = middles[-1] + titles[-1] / 2
    for row in story.rows:
        if isinstance(row, Stop):
            beside = min(len(", ".join(row.changes)), 44) * 5.9 + len(row.text) * 3.4 + 30
            right = max(right, middles[row.track] + beside + 20)
    return _Frame(tuple(middles), max(460.0, right + _MARGIN + 26))


def _wrapped(text: str, room: int) -> list[str]:
    lines = textwrap.wrap(text, room, break_on_hyphens=False) or [""]
    return lines if len(lines) <= 4 else [*lines[:3], f"{lines[3]} …"]


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"


def _tag(name: str) -> str:
    return f"{{{_SVG}}}{name}"


# ---------------------------------------------------------------- the style sheet


def _style_sheet() -> str:
    fixed = (
        "svg{max-width:100%;height:auto}a{text-decoration:none}text{font-variant-emoji:text}"
        ".title{font-weight:700}.track .name,.stop .name{font-weight:600}"
        ".life{stroke-width:1.2}.shaft{stroke-width:1.4}.failed .shaft{stroke-width:2}.track rect{stroke-width:1.2}"
        ".said{paint-order:stroke;stroke-width:4px;stroke-linejoin:round}"
        ".change,.line{paint-order:stroke;stroke-width:4px;stroke-linejoin:round}"
        ".stop.failed rect{stroke-width:2.2}.flow rect{stroke-width:1.8}.cross{stroke-width:1.7;stroke-linecap:round}"
        "a:hover .said,a:hover .name{text-decoration:underline}"
    )
    dark = "".join(_scheme(1, DARK_PAPER))
    return f"{fixed}{''.join(_scheme(0, LIGHT_PAPER))}@media (prefers-color-scheme:dark){{{dark}}}"


def _scheme(side: int, paper: Paper) -> Iterator[str]:
    yield f".card{{fill:{paper.ground};stroke:{paper.line}}}.title{{fill:{paper.text}}}"
    yield f".message,.change,.line,.key .words{{fill:{paper.quiet}}}.said,.change,.line{{stroke:{paper.ground}}}"
    for kind, look in _TRACKS.items():
        hue = LOOKS[look][side]
        yield f".{kind} rect{{{_area(hue)}}}.{kind} .name{{fill:{hue.text}}}.{kind} .life{{stroke:{hue.stroke}}}"
    for name, look in [*((str(name), look) for name, look in _ARROWS.items()), (_FAILED, NodeLook.FAILURE)]:
        hue = LOOKS[look][side]
        yield f".arrow.{name} .shaft{{stroke:{hue.stroke}}}.arrow.{name} .head{{fill:{hue.stroke}}}"
        yield f".arrow.{name} .said{{fill:{hue.text}}}"
    for rest, look in _STOPS.items():
        hue = LOOKS[look][side]
        yield f".stop.{rest} rect{{{_area(hue)}}}.stop.{rest} .name{{fill:{hue.text}}}"
    red, amber = LOOKS[NodeLook.FAILURE][side], LOOKS[EdgeLook.TIMER][side]
    yield f".verdict rect{{{_area(red)};stroke:none}}.sentence{{fill:{red.text}}}"
    yield f".stop.failed rect{{stroke:{red.stroke}}}.mark{{fill:{red.stroke}}}.cross{{stroke:{paper.ground}}}"
    yield f".pause path{{stroke:{amber.stroke};opacity:.6}}.pause rect{{{_area(amber)}}}"
    yield f".pause text{{fill:{amber.text};stroke:none}}"


def _area(hue: Hue) -> str:
    return f"fill:{hue.fill};stroke:{hue.stroke}"
