"""When things may happen: the timers of a place and a window of time in, the moments of a move out.

Times are microseconds. Where a flow has a deadline of a known length, the search carries for each place a **window**:
from when to when since the start it may have been entered. Along one run it is exact. Time in a place passes until its
first timer falls due; timers of one place fire in the order they fall due (equal ones in both orders); nothing happens
after the deadline but the deadline, except that a compensation may overrun it, and then it fires as soon as the target
is entered, or something else of that very moment does. A timer whose duration is data may come at any time the others
leave it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from ...dsl.model import Expr, Literal
from ..kernel import Kernel
from .control import Control
from .encode import MICRO
from .moves import Move, MoveKind
from .rewrite import bare


@dataclass(frozen=True, slots=True)
class Window:
    """From `low` to `high` after the start of the instance, both included."""

    low: int
    high: int

    def covers(self, other: Window) -> bool:
        return self.low <= other.low and other.high <= self.high


@dataclass(frozen=True, slots=True)
class Dwell:
    """How long after the place was entered a move may come: `high` None is any time later."""

    low: int
    high: int | None


UNTRACKED = Window(0, 0)
"""Of places where the time since the start decides nothing."""


def constant(moment: Expr | None) -> int | None:
    """The duration of a timer, if it is written; never less than nothing."""
    written = None if moment is None else bare(moment)
    if isinstance(written, Literal) and isinstance(written.value, timedelta):
        return max(0, written.value // MICRO)
    return None


class Clock:
    """The timers of a kernel. `limit`: the deadline's length, None where there is none that is known."""

    def __init__(self, kernel: Kernel) -> None:
        self.kernel = kernel
        deadline = kernel.deadline
        self.deadline = None if deadline is None else deadline.id
        self.limit = None if deadline is None else constant(deadline.after)
        self._length = {timer.id: constant(timer.after) for timer in kernel.timers() if timer.task is None}

    def length(self, timer: str) -> int | None:
        """The duration of a timer, where it is written."""
        return self._length.get(timer)

    def dwell(self, control: Control) -> Dwell:
        """From the last of the place's timers that has fired to the first that will."""
        if control.finished or not control.resting:
            return Dwell(0, None)
        own = [t.id for t in self.kernel.leaf[control.configuration[0]].timers if t.task is None]
        fired = [self._length[id] or 0 for id in own if id not in control.timers]
        armed = [length for id in own if id in control.timers and (length := self._length[id]) is not None]
        return Dwell(max(fired, default=0), min(armed, default=None))

    def when(self, control: Control, move: Move) -> Dwell | None:
        """How long after entry the move may come; None: never. The deadline's own moment is `moment`'s."""
        dwell = self.dwell(control)
        if move.kind is MoveKind.TIMER and move.name != self.deadline:
            length = self._length[move.name]
            if length is None:
                return dwell
            return Dwell(length, length) if dwell.high is not None and length <= dwell.high else None
        return dwell

    def tracked(self, control: Control) -> bool:
        """Whether the time since the start decides anything there: the deadline is of a known length, and armed."""
        return self.limit is not None and self.deadline in control.timers

    def moment(self, control: Control, window: Window, move: Move) -> Window | None:
        """When the move may come, since the start; None: never."""
        dwell = self.when(control, move)
        if dwell is None:
            return None
        if self.limit is None or not self.tracked(control):
            return UNTRACKED
        low = window.low + dwell.low
        if not control.resting:
            return Window(low, self.limit)
        high = self.limit if dwell.high is None else min(self.limit, window.high + dwell.high)
        if move.kind is MoveKind.TIMER and move.name == self.deadline:
            low = self.limit
        return Window(low, high) if low <= high else None

    def entered(self, control: Control, moment: Window) -> Window:
        """The window of a place that was entered at that moment."""
        return moment if self.tracked(control) and not control.finished else UNTRACKED

    def stayed(self, control: Control, window: Window, move: Move) -> Window:
        """The window of a place, given that the move came and did not leave it."""
        dwell = self.when(control, move)
        if dwell is None or self.limit is None or not self.tracked(control) or move.name == self.deadline:
            return window
        return Window(window.low, min(window.high, self.limit - dwell.low))
