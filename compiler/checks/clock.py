"""When things may happen: what is armed and a zone of it in, the zone at a move and that of the place it comes to, out.

Times are microseconds. The zone of a node holds the remaining times of all its timers of a known length, in leaves and
scopes alike, at any moment the node may be rested in. Along one run it is exact: nothing passes a timer that falls due,
equal ones fire in either order. While it compensates only the deadline counts on, and stays at zero; it fires as soon
as the target is entered, or something else of that very moment does. A timer whose moment is data may come at any time
the others leave it; one that counts since a place was entered has anything from nothing to its length left.
"""

from __future__ import annotations

from datetime import timedelta

from ...dsl.model import Expr, Literal
from ..kernel import Kernel, TriggerKind
from .control import Control
from .moves import Move, MoveKind
from .rewrite import bare
from .symbols import MICRO
from .zones import Zone


def constant(moment: Expr | None) -> int | None:
    """The duration of a timer, if it is written; never less than nothing."""
    written = None if moment is None else bare(moment)
    if isinstance(written, Literal) and isinstance(written.value, timedelta):
        return max(0, written.value // MICRO)
    return None


def ticking(kernel: Kernel) -> frozenset[str]:
    """The timers that some command answers: not those that only escalate or remind."""
    answered = (command.on for command in kernel.commands if command.on is not None)
    return frozenset(on.name for on in answered if on.kind is TriggerKind.TIMER)


class Clock:
    """The timers of a kernel that some command answers. `place`: where each is written."""

    def __init__(self, kernel: Kernel) -> None:
        self.kernel = kernel
        deadline = kernel.deadline
        self.deadline = None if deadline is None else deadline.id
        self.ticking = ticking(kernel)
        self._length = {timer: constant(kernel.timer[timer].after) for timer in self.ticking}
        self.exact = not any(map(self.loose, self.ticking))  # whether the zones say of every timer when it falls due
        self.place = {timer.id: place.name for place in kernel.place.values() for timer in place.timers}

    def length(self, timer: str) -> int | None:
        """The duration of a timer, where it is written."""
        return self._length.get(timer)

    def unknown(self, timer: str) -> bool:
        """Whether some command answers a timer, and its moment is data."""
        return timer in self._length and self._length[timer] is None

    def loose(self, timer: str) -> bool:
        """Whether the zones leave open when a timer falls due."""
        return timer in self._length and (self._length[timer] is None or self.counts(timer))

    def counts(self, timer: str) -> bool:
        """Whether a timer counts from before it was armed."""
        return self.kernel.timer[timer].since is not None

    def begun(self, control: Control) -> Zone:
        """The zone of where a start comes to."""
        return self.entered(Zone(), control, frozenset(), frozenset())

    def moment(self, zone: Zone, move: Move) -> Zone | None:
        """The remaining times when the move comes; None: it never does."""
        if move.kind is MoveKind.TIMER and move.name in zone.names:
            return zone.due(move.name)
        return zone

    def entered(self, moment: Zone, control: Control, entered: frozenset[str], known: frozenset[str]) -> Zone:
        """The zone of where a move came to, some places having been entered on the way, and some before."""
        return Zone() if control.finished else self.among(moment, control.timers, entered, known)

    def among(self, moment: Zone, armed: frozenset[str], entered: frozenset[str], known: frozenset[str]) -> Zone:
        """The same, by the timers that are armed there."""
        timers = {timer for timer in armed if self.length(timer) is not None}
        fresh = {timer for timer in timers if timer not in moment.names or self.place[timer] in entered}
        lengths = {timer: length for timer in fresh if (length := self._length[timer]) is not None}
        spans = {t: (length if self.anew(t, entered, known) else 0, length) for t, length in lengths.items()}
        return moment.only(frozenset(timers - fresh)).armed(spans).elapsed()

    def anew(self, timer: str, entered: frozenset[str], known: frozenset[str]) -> bool:
        """Whether a timer counts from the moment at which it is armed: as it does where the place it counts from was
        never entered before, or is entered with it, around it."""
        since = self.kernel.timer[timer].since
        return since not in known or (since in entered and since in self.kernel.above(self.place[timer]))

    def together(self, zone: Zone, timers: frozenset[str]) -> bool:
        """Whether timers fall due at one moment, for sure."""
        return all(timer in zone.names for timer in timers) and zone.together(timers)
