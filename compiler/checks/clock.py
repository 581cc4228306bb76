"""When things may happen: what is armed and a zone of it in, the zone at a move and that of the place it comes to, out.

Times are microseconds. The zone of a node holds the remaining times of all its timers of a known length, in leaves and
scopes alike, at any moment the node may be rested in. Along one run it is exact: nothing passes a timer that falls due,
equal ones fire in either order. While it compensates only the deadline counts on, and stays at zero; it fires as soon
as the target is entered, or something else of that very moment does. A timer that takes as long as data say has what
is told of them when it is armed (`lasting`); one that is for a moment, or until one, may come at any time the others
leave it; one that counts since a place was entered has anything from nothing to its length left.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from datetime import timedelta
from math import inf

from ...dsl.model import Expr, Literal
from ...dsl.values import dataclass
from ..kernel import Kernel
from .control import Control
from .dues import Dues, ticking
from .moves import Move, MoveKind
from .races import lasts
from .rewrite import bare
from .symbols import MICRO
from .zones import Span, Zone


def constant(moment: Expr | None) -> int | None:
    """The duration of a timer, if it is written; never less than nothing."""
    written = None if moment is None else bare(moment)
    if isinstance(written, Literal) and isinstance(written.value, timedelta):
        return max(0, written.value // MICRO)
    return None


@dataclass(frozen=True, slots=True)
class Told:
    """What is known of timers that take as long as data say: between which times each lies, and by how much one is at
    the most longer than another. Microseconds."""

    bounds: Mapping[str, Span]
    apart: Mapping[tuple[str, str], float]


NOTHING = Told({}, {})
Telling = Callable[[Collection[str]], Told]
"""What tells that of some timers that are armed."""


class Clock:
    """The timers of a kernel that some command answers. `place`: where each is written."""

    def __init__(self, kernel: Kernel) -> None:
        self.kernel = kernel
        deadline = kernel.deadline
        self.deadline = None if deadline is None else deadline.id
        self.ticking = ticking(kernel)
        self.dues = Dues(kernel)
        self._length = {timer: constant(kernel.timer[timer].after) for timer in self.ticking}
        said = {timer: lasts(kernel.timer[timer]) for timer in self.ticking}
        self.lasting = {timer: expr for timer, expr in said.items() if expr is not None}
        self.exact = not any(map(self.loose, self.ticking))  # whether the zones say of every timer when it falls due
        self.place = {timer.id: place.name for place in kernel.place.values() for timer in place.timers}
        self._due: dict[tuple[Zone, str], Zone | None] = {}
        self._among: dict[tuple[object, ...], Zone] = {}

    def length(self, timer: str) -> int | None:
        """The duration of a timer, where it is written."""
        return self._length.get(timer)

    def measured(self, timer: str) -> bool:
        """Whether the zones have a clock for a timer: its length is written, or data say it."""
        return self._length.get(timer) is not None or timer in self.lasting

    def unknown(self, timer: str) -> bool:
        """Whether some command answers a timer, and its moment is data."""
        return timer in self._length and self._length[timer] is None

    def loose(self, timer: str) -> bool:
        """Whether the zones leave open when a timer falls due."""
        return timer in self._length and (self._length[timer] is None or self.counts(timer))

    def counts(self, timer: str) -> bool:
        """Whether a timer counts from before it was armed."""
        return self.kernel.timer[timer].since is not None

    def begun(self, control: Control, told: Telling) -> Zone:
        """The zone of where a start comes to."""
        return self.entered(Zone(), control, frozenset(), frozenset(), told)

    def moment(self, zone: Zone, move: Move, armed: frozenset[str] = frozenset()) -> Zone | None:
        """The remaining times when the move comes; None: it never does. armed: the timers there."""
        if move.kind is MoveKind.TIMER and not armed.isdisjoint(self.dues.first.get(move.name, ())):
            return None
        if move.kind is not MoveKind.TIMER or move.name not in zone.names:
            return zone
        key = zone, move.name
        if key not in self._due:
            self._due[key] = zone.due(move.name)
        return self._due[key]

    def entered(
        self, moment: Zone, control: Control, entered: frozenset[str], known: frozenset[str], told: Telling
    ) -> Zone:
        """The zone of where a move came to, some places having been entered on the way, and some before."""
        return Zone() if control.finished else self.among(moment, control.timers, entered, known, told)

    def among(
        self,
        moment: Zone,
        armed: frozenset[str],
        entered: frozenset[str],
        known: frozenset[str],
        told: Telling | None = None,
    ) -> Zone:
        """The same, by the timers that are armed there. told: how long those take that data measure."""
        if not armed and not moment.names:
            return moment
        if told is not None and not self.lasting.keys().isdisjoint(armed):
            return self._with(moment, armed, entered, known, told)
        key = moment, armed, entered, known
        if key not in self._among:
            self._among[key] = self._with(moment, armed, entered, known, None)
        return self._among[key]

    def _with(
        self,
        moment: Zone,
        armed: frozenset[str],
        entered: frozenset[str],
        known: frozenset[str],
        told: Telling | None,
    ) -> Zone:
        timers = {timer for timer in armed if self.measured(timer)}
        fresh = {timer for timer in timers if timer not in moment.names or self.place[timer] in entered}
        anew = {timer for timer in fresh if self.anew(timer, entered, known)}
        asked = [timer for timer in fresh if timer in self.lasting]
        said = told(asked) if asked and told is not None else NOTHING
        lengths = {timer: self.span(timer, said) for timer in fresh}
        spans = {timer: (low if timer in anew else 0, high) for timer, (low, high) in lengths.items()}
        apart = {pair: most for pair, most in said.apart.items() if anew.issuperset(pair)}
        return moment.only(frozenset(timers - fresh)).armed(spans, apart).elapsed()

    def span(self, timer: str, said: Told) -> Span:
        """The least and the most that a timer takes that is armed."""
        length = self._length[timer]
        return said.bounds.get(timer, (0, inf)) if length is None else (length, length)

    def anew(self, timer: str, entered: frozenset[str], known: frozenset[str]) -> bool:
        """Whether a timer counts from the moment at which it is armed: as it does where the place it counts from was
        never entered before, or is entered with it, around it."""
        since = self.kernel.timer[timer].since
        return since not in known or (since in entered and since in self.kernel.above(self.place[timer]))

    def together(self, zone: Zone, timers: frozenset[str]) -> bool:
        """Whether timers fall due at one moment, for sure."""
        return all(timer in zone.names for timer in timers) and zone.together(timers)
