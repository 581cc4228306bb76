"""A run of the search in, the same run replayed with plain values and exact times, told step by step, out.

Nothing is shown that was not replayed here: every step is run again on the interpreter at the moment the schedule
gives it, with every timer of a place fired before the next one falls due. Of the runs of the same steps the one that
goes least from one region or sender to another is taken (`order`). Then payloads are made plainer (`plain`), as long as
the run still takes the same way and still shows what it should: no part of one can be replaced by a plainer value, but
where trials run out.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from ...dsl.diagnostics import TraceStep
from ...dsl.model import Type, Value
from ..instance import Fired, Step
from ..kernel import Kernel
from ..lanes import sender
from ..trace import started, told, triggered
from .attempt import Attempts
from .clock import Clock
from .control import Abstraction
from .graph import Arrival
from .moves import MoveKind
from .order import calmest
from .payloads import Payloads, Smallest
from .plain import Hints, at_place

Shows = Callable[[Arrival], bool]


class Tracer:
    """Replays and tells the runs of one kernel."""

    def __init__(self, kernel: Kernel, attempts: Attempts, abstraction: Abstraction, clock: Clock) -> None:
        self.kernel = kernel
        self.attempts = attempts
        self.abstraction = abstraction
        self._punctual: dict[Arrival, bool] = {}
        self.clock = clock
        self.hints = Hints(kernel)
        self._loose = any(map(clock.unknown, clock.ticking))
        self._noted: dict[int, tuple[TraceStep, Arrival]] = {}  # by the identity of the step, which is kept for that

    def replayed(self, arrival: Arrival, shows: Shows) -> Arrival | None:
        """The run to an arrival, as plain as it can be; None if it cannot be replayed, or does not show it."""
        run = calmest(self.attempts, arrival, lambda other: self._played(other, shows) is not None).run()
        times = self.schedule(run)
        best = None if times is None else self._again(run, [step.payload for step in run], times, shows)
        if best is None or times is None:
            return None

        def replay(payloads: Payloads, known: Sequence[Arrival]) -> Arrival | None:
            found = self._again(run, payloads, times, shows, known)
            return found if found is not None or not self._loose else self._retimed(run, payloads, shows)

        return Smallest(best, [self._types(step) for step in run], self.hints, replay).run()

    def plainest(
        self, payload: tuple[Value, ...], types: Sequence[Type], accepts: Callable[[tuple[Value, ...]], bool]
    ) -> tuple[Value, ...]:
        """A payload that is accepted, as plain as can be."""
        for place, type in enumerate(types):
            payload = at_place(payload, place, type, self.hints, accepts)
        return payload

    def _played(self, arrival: Arrival, shows: Shows) -> Arrival | None:
        """The run as it is, at the earliest moments, if it shows it."""
        run = arrival.run()
        times = self.schedule(run)
        return None if times is None else self._again(run, [step.payload for step in run], times, shows)

    def plays(self, arrival: Arrival) -> bool:
        """Whether the run can be as it is: as the search made it, step by step, or at other moments, played again."""
        if self._timely(arrival):
            return True
        run = arrival.run()
        times = self.schedule(run)
        payloads = [step.payload for step in run]
        return times is not None and self._again(run, payloads, times, lambda _: True) is not None

    def _timely(self, arrival: Arrival) -> bool:
        """Whether every step of a real run came in the search before any timer would have."""
        run: list[Arrival] = []
        step: Arrival | None = arrival
        while step is not None and step not in self._punctual:
            run.append(step)
            step = step.before
        for each in reversed(run):
            before = each.before
            alone = each.real and (before is None or (self._punctual[before] and self.in_time(before, each)))
            self._punctual[each] = alone
        return self._punctual[arrival]

    def at(self, run: Sequence[Arrival], times: Sequence[datetime]) -> Arrival | None:
        """The run again, its steps at given moments; None if it cannot be so."""
        return self._again(run, [step.payload for step in run], times, lambda _: True)

    def tell(self, arrival: Arrival) -> tuple[TraceStep, ...]:
        """The steps of a run that was replayed."""
        steps: list[TraceStep] = []
        for each in arrival.run():
            before, by = each.before, sender(self.kernel, each.trigger, each.actor)
            made = Step(each.instance, each.effects, each.taken)
            if before is None or each.trigger is None:
                steps.append(told(self.kernel, started(self.kernel, each.payload, each.actor), None, made, by=by))
            else:
                said = triggered(self.kernel, each.trigger, each.actor)
                steps.append(told(self.kernel, said, before.instance, made, each.now - before.now, by))
            self.note(steps[-1], each)
        return tuple(steps)

    def note(self, step: TraceStep, arrival: Arrival) -> None:
        """Remember what a step that is told was; of one that was tried and refused, the trial."""
        self._noted[id(step)] = step, arrival

    def noted(self, trace: Sequence[TraceStep]) -> tuple[Arrival, ...] | None:
        """What the steps of a run were that this has told; None where it has not told one of them."""
        found = [self._noted.get(id(step)) for step in trace]
        return tuple(each[1] for each in found if each is not None) if all(found) else None

    def schedule(self, run: Sequence[Arrival]) -> list[datetime] | None:
        """A moment for every step, as early as can be: where moments decide, not before it came in the search."""
        return self.attempts.schedule.soonest(run, self.attempts.states.passages.timed)

    # ------------------------------------------------------------ replay

    def _again(
        self,
        run: Sequence[Arrival],
        payloads: Sequence[tuple[Value, ...]],
        times: Sequence[datetime],
        shows: Shows,
        known: Sequence[Arrival] = (),
    ) -> Arrival | None:
        """The run with these payloads, at these moments. known: its first steps, if they were replayed already."""
        at: Arrival | None = known[-1] if known else None
        # whether a task had to be escalated before somebody could do it
        later = any(step.now > now and _of_task(step) for step, now in zip(known, times, strict=False))
        for index in range(len(known), len(run)):
            old, payload, now = run[index], payloads[index], times[index]
            after = self.attempts.again(at, old, payload, now)
            at = after if after is not None and (at is None or self.in_time(at, after)) else None
            later = later or (_of_task(old) and at is not None and at.now > now)
            if at is None or (at.now != now and not later):
                return None
        return at if at is not None and shows(at) else None

    def in_time(self, at: Arrival, step: Arrival) -> bool:
        """Whether no timer that was armed would have fired before a step."""
        if at.instance.compensating:
            return True
        fired = step.trigger.timer if isinstance(step.trigger, Fired) else None
        armed = {a.timer: a.due for a in at.instance.timers if a.timer in self.clock.ticking}
        first = min(armed.values(), default=step.now)
        if fired is not None:
            return armed.get(fired, first) <= first and step.now == max(at.now, first)
        return step.now <= max(at.now, first)

    def _retimed(self, run: Sequence[Arrival], payloads: Payloads, shows: Shows) -> Arrival | None:
        """The run with payloads that its moments depend on: at the moments that these allow."""
        at: Arrival | None = None
        for old, payload in zip(run, payloads, strict=True):
            if at is None or old.move is None:
                at = self.attempts.start(payload, old.now)
            else:
                at = self.attempts.step(at, old.move, payload, at.now)
            if at is None or at.taken != old.taken:
                return None
            at = at.along(old.fan, old.passage)
        again = () if at is None else at.run()
        times = self.schedule(again)
        return None if times is None else self._again(again, payloads, times, shows)

    def _types(self, step: Arrival) -> list[Type]:
        """The types of what a step brings; none where it brings what is not chosen."""
        if step.move is None:
            return [variable.type for variable in self.kernel.inputs]
        if step.move.kind is MoveKind.SETTLE or (step.move.kind is MoveKind.ANSWER and step.fan is None):
            result = self.kernel.activity[step.move.name.partition("#")[0]].result
            return [] if result is None else [result]
        return [] if step.fan is None else [param.type for param in step.fan.params]


def _of_task(step: Arrival) -> bool:
    return step.move is not None and step.move.kind is MoveKind.TASK
