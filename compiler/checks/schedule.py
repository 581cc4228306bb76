"""A run in; for every step of it a moment at which it can come, as early or as late as may be, out.

Every step comes no earlier than the one before, no later than any armed timer falls due, and a timer's own step when it
does. All of that bounds differences of moments, so the earliest ones are longest paths, and the latest ones shortest
(Bellman 1958). The deadline alone may be overrun, while it compensates; then nothing takes time until it has fired.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial

from ..instance import Armed, Fired, Instance
from ..kernel import Kernel
from .dues import ticking
from .graph import Arrival
from .solver import Term

MICRO = timedelta(microseconds=1)
Bound = tuple[int, int, int]
"""(i, j, most): step i comes at most so many microseconds after step j; step -1 is the start of all time."""
Limit = tuple[int, int, Term]
"""The same where data say how long that is."""
Due = Callable[[Armed, int], tuple[int, Term]]
"""When a timer falls due that a step has armed: how long after which step."""


class Schedule:
    """The moments of the runs of one kernel."""

    def __init__(self, kernel: Kernel) -> None:
        self.kernel = kernel
        self.deadline = None if kernel.deadline is None else kernel.deadline.id
        self._ticking = ticking(kernel)
        self._place = {timer.id: place.name for place in kernel.place.values() for timer in place.timers}

    def soonest(self, run: Sequence[Arrival], timed: bool) -> list[datetime] | None:
        """The earliest moments; where moments decide, and it can be so, not before they came in the run."""
        return (self.earliest(run, keeping=True) if timed else None) or self.earliest(run)

    def earliest(
        self, run: Sequence[Arrival], keeping: bool = False, answered: Sequence[Bound] = ()
    ) -> list[datetime] | None:
        """A moment for every step, as early as can be; None: there is none. keeping: none before it came in the run;
        answered: what bounds a step beside timers."""
        for bounds in self._known(run):
            given = [(0, k, -_after(run, step.now)) for k, step in enumerate(run)] if keeping else []
            found = _longest(len(run), [*bounds, *given, *answered])
            if found is not None:
                return [run[0].now + time * MICRO for time in found]
        return None

    def latest(self, run: Sequence[Arrival], fixed: int, answered: Sequence[Bound]) -> list[datetime] | None:
        """The moments of a run whose first steps, up to `fixed`, come as early as can be, and the rest as late.

        answered: what bounds a step beside timers. None: there is no such schedule, or a step may come any time."""
        first = self.earliest(run[: fixed + 1], answered=[bound for bound in answered if bound[0] <= fixed])
        if first is None:
            return None
        known = [bound for k in range(fixed + 1) for bound in _at(k, _after(run, first[k]))]
        for bounds in self._known(run):
            found = _shortest(len(run), [*bounds, *known, *answered])
            if found is not None:
                return [run[0].now + time * MICRO for time in found]
        return None

    def _known(self, run: Sequence[Arrival]) -> list[list[Bound]]:
        cases = self.cases(run, partial(self.due, run))
        return [[(i, j, most) for i, j, most in bounds if isinstance(most, int)] for bounds in cases]

    def cases(self, run: Sequence[Arrival], due: Due) -> list[list[Limit]]:
        """The bounds of a run, as timers fall due: if the deadline is kept, and else for each end of a compensation it
        may have overrun."""
        armed = self._arming(run)
        ends = [k for k in range(1, len(run)) if run[k - 1].instance.compensating and not run[k].instance.compensating]
        kept = [e for e in ends if any(timer.timer == self.deadline for timer in run[e - 1].instance.timers)]
        return [self._bounds(run, armed, overrun, due) for overrun in (None, *kept)]

    def _arming(self, run: Sequence[Arrival]) -> list[dict[str, int]]:
        """For every step the timers armed after it, and the steps that armed them."""
        found: list[dict[str, int]] = []
        for k, step in enumerate(run):
            entered = frozenset(() if step.passage is None else step.passage.entered)
            before = {armed.timer: armed for armed in run[k - 1].instance.timers} if k else {}
            now: dict[str, int] = {}
            for armed in self._timers(step.instance):
                kept = before.get(armed.timer) == armed and self._place[armed.timer] not in entered
                now[armed.timer] = found[-1][armed.timer] if kept else k
            found.append(now)
        return found

    def _timers(self, at: Instance) -> list[Armed]:
        return [armed for armed in at.timers if armed.timer in self._ticking]

    def _bounds(
        self, run: Sequence[Arrival], armed: Sequence[Mapping[str, int]], overrun: int | None, due: Due
    ) -> list[Limit]:
        bounds: list[Limit] = [(0, -1, 0), (-1, 0, 0)]
        for k in range(1, len(run)):
            bounds.append((k - 1, k, 0))
            before, trigger = run[k - 1].instance, run[k].trigger
            fired = trigger.timer if isinstance(trigger, Fired) else None
            late = overrun is not None and k > overrun
            if late and not before.compensating:
                bounds.append((k, k - 1, 0))
            for timer in self._timers(before):
                begun, most = due(timer, armed[k - 1][timer.timer])
                if timer.timer == self.deadline and (late or before.compensating):
                    if overrun is not None and k - 1 == overrun:
                        bounds.append((begun, overrun, -most))
                elif not before.compensating:
                    bounds.append((k, begun, most))
                    if timer.timer == fired:
                        bounds.append((begun, k, -most))
        return bounds

    def due(self, run: Sequence[Arrival], timer: Armed, arming: int) -> tuple[int, int]:
        """When a timer is due: how long after which step."""
        if timer.due < run[arming].now:
            return arming, 0
        if self.kernel.timer[timer.timer].at is not None:
            return 0, _after(run, timer.due)
        since = self.since(run, timer, arming)
        return since, (timer.due - run[since].now) // MICRO

    def since(self, run: Sequence[Arrival], timer: Armed, arming: int) -> int:
        """The step that a timer counts from, which another has armed."""
        place = self.kernel.timer[timer.timer].since
        return arming if place is None else self._entered(run, place, arming, self._place[timer.timer])

    def _entered(self, run: Sequence[Arrival], place: str, last: int, home: str) -> int:
        """The last step, up to one that enters `home`, that had entered a place by then; that one, if none did."""
        for k in range(last, -1, -1):
            passage = run[k].passage
            entered = () if passage is None else passage.entered
            if place in entered and (k < last or home not in entered[: entered.index(place)]):
                return k
        return 0 if place in self.kernel.active(run[0].instance.configuration) else last


def _after(run: Sequence[Arrival], now: datetime) -> int:
    return (now - run[0].now) // MICRO


def _at(step: int, moment: int) -> tuple[Bound, Bound]:
    return (step, -1, moment), (-1, step, -moment)


def _longest(size: int, bounds: Sequence[Bound]) -> list[int] | None:
    """The least moments; None if the bounds contradict each other."""
    times = [0] * size
    for _ in range(size + 1):
        changed = False
        for i, j, most in bounds:
            least = (times[i] if i >= 0 else 0) - most
            if least > (times[j] if j >= 0 else 0):
                if j < 0:
                    return None
                times[j], changed = least, True
        if not changed:
            return times if times[0] == 0 else None
    return None


def _shortest(size: int, bounds: Sequence[Bound]) -> list[int] | None:
    """The greatest moments; None if the bounds contradict each other, or leave one open."""
    times: list[int | None] = [None] * size
    for _ in range(size + 2):
        changed = False
        for i, j, most in bounds:
            base = 0 if j < 0 else times[j]
            if base is None:
                continue
            if i < 0:
                if base + most < 0:
                    return None
            elif (old := times[i]) is None or base + most < old:
                times[i], changed = base + most, True
        if not changed:
            break
    else:
        return None
    return None if any(time is None for time in times) else [time for time in times if time is not None]
