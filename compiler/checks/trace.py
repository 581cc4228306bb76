"""A run of the search in, the same run replayed with plain values and exact times, told step by step, out.

Nothing is shown that was not replayed here: every step is run again on the interpreter at the moment the schedule
gives it, with every timer of a place fired before the next one falls due. Then payloads are made plainer, as long as
the run still takes the same way and still shows what it should.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from decimal import Decimal

from ...dsl.diagnostics import TraceStep
from ...dsl.model import DecimalType, IntType, OptionalType, TextType, Type, Value
from ..evaluate import fits, kept
from ..instance import Fired, Step
from ..kernel import Kernel
from ..trace import started, told, triggered
from .attempt import Attempts
from .clock import Clock
from .control import Abstraction
from .graph import Arrival
from .moves import MoveKind, simplest

MOST_TRIED = 400  # replays to make one run plainer

Payloads = list[tuple[Value, ...]]
Shows = Callable[[Arrival], bool]


class Tracer:
    """Replays and tells the runs of one kernel."""

    def __init__(self, kernel: Kernel, attempts: Attempts, abstraction: Abstraction, clock: Clock) -> None:
        self.kernel = kernel
        self.attempts = attempts
        self.abstraction = abstraction
        self._played: dict[Arrival, bool] = {}
        self.clock = clock

    def replayed(self, arrival: Arrival, shows: Shows) -> Arrival | None:
        """The run to an arrival, as plain as it can be; None if it cannot be replayed, or does not show it."""
        run = arrival.run()
        times = self.schedule(run)
        payloads: Payloads = [step.payload for step in run]
        best = None if times is None else self._again(run, payloads, times, shows)
        if best is None or times is None:
            return None
        tried = 0
        for index, payload in enumerate(payloads):
            for place in range(len(payload)):
                for plainer in self._plainer(run[index], place):
                    tried += 1
                    trial = [*payloads]
                    trial[index] = (*payloads[index][:place], plainer, *payloads[index][place + 1 :])
                    found = self._again(run, trial, times, shows) if tried < MOST_TRIED else None
                    if found is not None:
                        best, payloads = found, trial
                        break
        return best

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
        while step is not None and step not in self._played:
            run.append(step)
            step = step.before
        for each in reversed(run):
            before = each.before
            alone = each.real and (before is None or (self._played[before] and self.in_time(before, each)))
            self._played[each] = alone
        return self._played[arrival]

    def at(self, run: Sequence[Arrival], times: Sequence[datetime]) -> Arrival | None:
        """The run again, its steps at given moments; None if it cannot be so."""
        return self._again(run, [step.payload for step in run], times, lambda _: True)

    def tell(self, arrival: Arrival) -> tuple[TraceStep, ...]:
        """The steps of a run that was replayed."""
        steps: list[TraceStep] = []
        for step in arrival.run():
            before = step.before
            made = Step(step.instance, (), step.taken)
            if before is None or step.trigger is None:
                steps.append(told(self.kernel, started(self.kernel, step.payload, step.actor), None, made))
            else:
                said = triggered(self.kernel, step.trigger, step.actor)
                steps.append(told(self.kernel, said, before.instance, made, step.now - before.now))
        return tuple(steps)

    def schedule(self, run: Sequence[Arrival]) -> list[datetime] | None:
        """A moment for every step, as early as can be: where moments decide, not before it came in the search."""
        return self.attempts.schedule.soonest(run, self.attempts.states.passages.timed)

    # ------------------------------------------------------------ replay

    def _again(
        self, run: Sequence[Arrival], payloads: Sequence[tuple[Value, ...]], times: Sequence[datetime], shows: Shows
    ) -> Arrival | None:
        at: Arrival | None = None
        later = False  # a task had to be escalated before somebody could do it
        for old, payload, now in zip(run, payloads, times, strict=True):
            if at is None or old.move is None:
                at = self.attempts.start(payload, now)
            else:
                step = self.attempts.step(at, old.move, payload, now)
                at = step if step is not None and self.in_time(at, step) else None
            task = old.move is not None and old.move.kind is MoveKind.TASK
            later = later or (task and at is not None and at.now > now)
            if at is None or at.taken != old.taken or (at.now != now and not later):
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

    def _plainer(self, step: Arrival, place: int) -> Iterator[Value]:
        """Values to try instead, the plainest first."""
        settles = step.move is not None and step.move.kind is MoveKind.SETTLE
        if step.move is not None and (settles or (step.move.kind is MoveKind.ANSWER and step.fan is None)):
            entry = step.move.name.partition("#")[0]
            type: Type | None = self.kernel.activity[entry].result
        else:
            params = self.kernel.inputs if step.fan is None or step.move is None else step.fan.params
            type = params[place].type if place < len(params) else None
        if type is None:
            return
        value = step.payload[place]
        item = type.item if isinstance(type, OptionalType) else type
        wishes: list[Value] = [simplest(type), simplest(item)]
        if isinstance(item, TextType):
            wishes += ["a"]
        if isinstance(item, IntType):
            wishes += [1, 2]
        if isinstance(item, DecimalType) and isinstance(value, Decimal):
            whole = value.to_integral_value()
            wishes += [Decimal(1), Decimal(-1), whole, whole + 1]
        for wish in wishes:
            if fits(wish, type):
                plain = kept(wish, type)
                if plain == value:
                    return
                yield plain
