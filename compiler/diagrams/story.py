"""The steps of a run in, what a swim-lane diagram of it shows out: a track for everybody who takes part, and the rows.

Tracks stand in the order outside, people, clock, flows, services; an activity's compensation has the track of the
activity. Where there would be too many, services are one track, and then people and outside are one each.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from ...dsl.diagnostics import Lane, LaneKind, Rest, SignalKind, TraceStep
from ...dsl.source import Source, Span
from .graph import CLOCK

CLOCK_NAME, SERVICES_NAME = "time", "services"
_MERGED = (
    (LaneKind.SERVICES, SERVICES_NAME),
    (LaneKind.PEOPLE, "people"),
    (LaneKind.OUTSIDE, "outside"),
)
_ORDER = tuple(LaneKind)


class Look(StrEnum):
    MOVE = "move"
    CALL = "call"
    TASK = "task"
    MESSAGE = "message"
    TIMER = "timer"
    UNDO = "undo"


_LOOKS = {
    SignalKind.CALL: Look.CALL,
    SignalKind.UNDO: Look.UNDO,
    SignalKind.TASK: Look.TASK,
    SignalKind.MESSAGE: Look.MESSAGE,
}


@dataclass(frozen=True, slots=True)
class Track:
    """A vertical line: somebody who takes part."""

    kind: LaneKind
    title: str


@dataclass(frozen=True, slots=True)
class Arrow:
    """From one track to another, by their places. `line`: of the source text, 0 for nowhere; `failed`: it is the step
    that shows the finding."""

    source: int
    target: int
    text: str
    look: Look
    tooltip: str
    line: int
    failed: bool = False


@dataclass(frozen=True, slots=True)
class Stop:
    """Where a flow is after a step, and what has changed."""

    track: int
    text: str
    changes: tuple[str, ...]
    rest: Rest
    tooltip: str
    line: int
    failed: bool = False


@dataclass(frozen=True, slots=True)
class Pause:
    """Time that passes, as `+2d`."""

    text: str


Row = Arrow | Stop | Pause


@dataclass(frozen=True, slots=True)
class Story:
    """One run. `href` is the relative, percent-encoded address of the source text."""

    title: str
    message: str
    href: str
    tracks: tuple[Track, ...]
    rows: tuple[Row, ...]

    def link(self, line: int) -> str:
        return f"{self.href}#L{line}"


def story(
    steps: Sequence[TraceStep],
    source: Source,
    most: int,
    title: str = "",
    message: str = "",
    href: str = "",
    refuted: bool = True,
) -> Story:
    """At most so many tracks, but for those of flows. refuted: the last step shows what is wrong."""
    told = _Telling(steps, source, most, refuted)
    return Story(title, message, href, told.tracks, tuple(told.rows()))


class _Telling:
    """The steps of one run being told."""

    def __init__(self, steps: Sequence[TraceStep], source: Source, most: int, refuted: bool) -> None:
        self.steps = steps
        self.source = source
        self.refuted = refuted
        lanes = dict.fromkeys(self._lanes())
        self.merged: dict[LaneKind, str] = {}
        for kind, name in _MERGED:
            if len({self._lane(lane) for lane in lanes}) > most:
                self.merged[kind] = name
        named = sorted({self._lane(lane): None for lane in lanes}, key=lambda lane: _ORDER.index(lane.kind))
        self.index = {lane: place for place, lane in enumerate(named)}
        nameless = {LaneKind.CLOCK: CLOCK_NAME}
        self.tracks = tuple(Track(lane.kind, lane.name or nameless.get(lane.kind, str(lane.kind))) for lane in named)

    def _lanes(self) -> Iterator[Lane]:
        for step in self.steps:
            if step.by is not None:
                yield step.by
            yield Lane(LaneKind.FLOW, step.flow)
            yield from (signal.to for signal in step.sent)

    def _lane(self, lane: Lane) -> Lane:
        return Lane(lane.kind, self.merged[lane.kind]) if lane.kind in self.merged else lane

    def rows(self) -> Iterator[Row]:
        undoing: set[str] = set()  # the flows that compensate
        for number, step in enumerate(self.steps):
            failed = self.refuted and number == len(self.steps) - 1
            here = self.index[Lane(LaneKind.FLOW, step.flow)]
            line, tooltip = self._place(step.span)
            if step.at:
                yield Pause(step.at)
            if step.by is not None:
                look = self._look(step.by, step.flow in undoing)
                sender = self.index[self._lane(step.by)]
                about = "\n".join((step.trigger, *tooltip))
                yield Arrow(sender, here, self._said(step, step.by), look, about, line, failed)
            about = "\n".join((step.place, *step.changes, *tooltip))
            sends = any(signal.kind is SignalKind.MESSAGE for signal in step.sent)
            changes = tuple(each for each in step.changes if not (sends and each.startswith("send ")))
            yield Stop(here, step.place, changes, step.rest, about, line, failed)
            for signal in step.sent:
                text = signal.text if signal.kind is not SignalKind.CALL or self._shared(signal.to) else "call"
                to = self.index[self._lane(signal.to)]
                yield Arrow(here, to, text, _LOOKS[signal.kind], f"{signal.kind} {signal.text}", line)
            (undoing.add if step.rest is Rest.UNDOING else undoing.discard)(step.flow)

    def _look(self, by: Lane, undoing: bool) -> Look:
        if by.kind is LaneKind.CLOCK:
            return Look.TIMER
        if by.kind is LaneKind.FLOW:
            return Look.MESSAGE
        return Look.UNDO if undoing and by.kind is LaneKind.SERVICES else Look.MOVE

    def _shared(self, lane: Lane) -> bool:
        return lane.kind in self.merged

    def _said(self, step: TraceStep, by: Lane) -> str:
        """The trigger without what its track says already."""
        text = step.trigger.removeprefix(f"{step.flow}: ")
        if by.kind in {LaneKind.OUTSIDE, LaneKind.PEOPLE} and not self._shared(by):
            text = text.replace(f" by {by.name}", "", 1)
        if by.kind is LaneKind.SERVICES and not self._shared(by):
            text = text.removeprefix(f"{by.name} ")
        return f"{CLOCK} {text}" if by.kind is LaneKind.CLOCK else text

    def _place(self, span: Span | None) -> tuple[int, tuple[str, ...]]:
        """The line of the text, 0 for none or one in another file, and where it is."""
        if span is None:
            return 0, ()
        inside = self.source.file(span) is self.source
        return self.source.line(span) if inside else 0, (f"({self.source.place(span)})",)
