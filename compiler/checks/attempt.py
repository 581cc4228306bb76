"""The interpreter as the search uses it: an arrival, a move and a payload in, the next arrival or nothing out."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from itertools import chain

from ...dsl.model import Activity, Compensation, Type, Value
from ...dsl.source import Span
from ...dsl.values import replace
from ..evaluate import Fault
from ..instance import NOBODY, Actor, Call, Entry, Fired, Instance, Rejected, Trigger
from ..kernel import DONE, Kernel
from ..simulate import start, step
from .clock import Clock
from .encode import Env
from .graph import Arrival, Faulted
from .moves import Move, MoveKind, actor, simplest, waits
from .schedule import Schedule
from .states import States

REMEMBERED = 10_000  # steps of runs that were played again


class Attempts:
    """Steps of instances of one kernel. `faults`: those of real instances that the interpreter could not finish.

    `balked`: (code, place) of the faults of any instance that an argument of a compensation stopped; `balking`: whether
    the last step was stopped so."""

    def __init__(self, kernel: Kernel, clock: Clock, states: States) -> None:
        self.kernel = kernel
        self.clock = clock
        self.states = states
        self.schedule = Schedule(kernel)
        started = any(task.doer == "start" for task in kernel.task.values())
        self.starter = Actor("the starter") if started else NOBODY
        self.faults: list[Faulted] = []
        self.balked: set[tuple[str, Span]] = set()
        self.balking = False
        undone = (activity.effect for activity in kernel.activities if isinstance(activity.effect, Compensation))
        self._handed = tuple(value.span for compensation in undone for value in compensation.values)
        self._again: dict[tuple[object, ...], tuple[Arrival | None, Arrival, Arrival]] = {}
        self._settling: dict[tuple[str, tuple[Value, ...]], tuple[Value, ...] | None] = {}

    def start(self, inputs: tuple[Value, ...], now: datetime) -> Arrival | None:
        self.balking = False
        try:
            made = start(self.kernel, inputs, self.starter, now)
        except Rejected:
            return None
        except Fault as fault:
            nothing = Instance((), inputs, now)
            self.faults.append(Faulted(fault.code, fault.span, Arrival(nothing, now, True, inputs, ())))
            return None
        return Arrival(made.after, now, True, inputs, made.taken, effects=made.effects)

    def step(self, source: Arrival, move: Move, payload: tuple[Value, ...], now: datetime) -> Arrival | None:
        """None where the interpreter refuses the trigger, or faults (which is noted). Raises Spent."""
        self.states.solver.budget.check()
        self.balking = False
        at, brought, payload = self.brought(source.instance, move, payload)
        as_it_was = at is source.instance or at == source.instance
        if source.real and not as_it_was and (other := self._answered(source, at)) is not None:
            source = other
            at, brought, payload = self.brought(source.instance, move, payload)
            as_it_was = at == source.instance
        real = source.real and as_it_was
        trigger = move.trigger(brought)
        now = max(now, self.moment(source, trigger))
        if move.kind is MoveKind.TASK:
            at, now, able = self._entrusted(at, move.name, now)
            real = real and able
        who = actor(self.kernel, at, move)

        def tried() -> Arrival:
            return Arrival(at, now, real, payload, (), source, move, trigger, who)

        real = real and (move.kind is not MoveKind.TIMER or self.timely(tried()))
        try:
            made = step(self.kernel, at, trigger, who, now)
        except Rejected:
            return None
        except Fault as fault:
            self.balking = any(s.start <= fault.span.start and fault.span.end <= s.end for s in self._handed)
            self.balked.update([(fault.code, fault.span)] if self.balking else ())
            if real:
                self.faults.append(Faulted(fault.code, fault.span, tried()))
            return None
        return Arrival(made.after, now, real, payload, made.taken, source, move, trigger, who, made.effects)

    def again(self, at: Arrival | None, old: Arrival, payload: tuple[Value, ...], now: datetime) -> Arrival | None:
        """A step of a run after another run that came the same way (None: the start), with a payload and at a moment of
        its own; None if it is refused or takes another way. The same one again is the same arrival."""
        key = id(at), id(old), payload, now
        if (known := self._again.get(key)) is not None:
            self.balking = False
            return known[2]
        move = old.move
        made = self.start(payload, now) if at is None or move is None else self.step(at, move, payload, now)
        if made is None or made.taken != old.taken:
            return None
        if len(self._again) >= REMEMBERED:
            self._again.clear()
        self._again[key] = at, old, made.along(old.fan, old.passage)
        return self._again[key][2]

    def _answered(self, source: Arrival, at: Instance) -> Arrival | None:
        """The same run, on which those of a group of calls that are done have answered as they have in an instance:
        nothing has looked at that until now. None: they cannot."""
        results = {call.key: call.result for call in at.calls if call not in source.instance.calls}
        run = source.run()
        current: Arrival | None = None
        for before, known in zip((None, *run), run, strict=False):
            answers = known.move is not None and known.move.kind is MoveKind.ANSWER and known.move.name in results
            payload = (results[known.move.name],) if known.move is not None and answers else known.payload
            same = current is before and payload == known.payload
            current = known if same else self.again(current, known, payload, known.now)
            if current is None or not current.real:
                return None
        return current

    def _entrusted(self, at: Instance, task: str, now: datetime) -> tuple[Instance, datetime, bool]:
        """The instance when somebody may do the task: escalated, if it is for nobody now. If nobody ever may, as if
        somebody might, and False: that there is somebody is F501's to ask."""
        item = next(item for item in at.tasks if item.task == task)
        if item.roles or any(person not in item.excluded for person in item.persons):
            return at, now, True
        for armed in at.due():
            escalates = self.kernel.timer[armed.timer].escalates
            if escalates is not None and escalates[0] == task:
                now = max(now, armed.due)
                return step(self.kernel, at, Fired(armed.timer), NOBODY, now).after, now, True
        made_up = replace(item, persons=("somebody",), excluded=())
        return replace(at, tasks=tuple(made_up if each is item else each for each in at.tasks)), now, False

    def brought(
        self, at: Instance, move: Move, payload: tuple[Value, ...]
    ) -> tuple[Instance, tuple[Value, ...], tuple[Value, ...]]:
        """The instance and what its call answers, where the payload is what a whole group of calls brings: the results
        of those that are done are as it says, as far as it says."""
        call = next((call for call in at.calls if call.key == move.name and move.kind is MoveKind.ANSWER), None)
        called = None if call is None else self.kernel.leaf[call.leaf].call
        if call is None or called is None or called.each is None or not payload or waits(self.kernel, at, move):
            return at, payload, payload
        results = payload[0]
        group = [each for each in at.calls if each.leaf == call.leaf and (each.answer == DONE or each == call)]
        if not isinstance(results, tuple) or len(results) != len(group):
            answer = self.settling(at, move) or ()
            plain = tuple(result for each in group for result in (answer if each == call else (each.result,)))
            return at, answer, (plain,)
        given = {each.key: result for each, result in zip(group, results, strict=True)}
        calls = (replace(c, result=given[c.key]) if c.key in given and c.answer else c for c in at.calls)
        return replace(at, calls=tuple(calls)), (given[call.key],), payload

    def moment(self, source: Arrival, trigger: Trigger) -> datetime:
        """The earliest a trigger may come after an arrival."""
        return max(source.now, self._due(source.instance, trigger))

    def _due(self, at: Instance, trigger: Trigger) -> datetime:
        """When a timer is due; for everything else, any time."""
        dues = (a.due for a in at.timers if isinstance(trigger, Fired) and a.timer == trigger.timer)
        return next(dues, at.started)

    def timely(self, tried: Arrival) -> bool:
        """Whether timers that the zones leave open allow the step after its run; the others are the zones' business."""
        if not isinstance(tried.trigger, Fired) or not tried.real:
            return tried.real
        return not self._open(tried) or self.schedule.soonest(tried.run(), self.states.passages.timed) is not None

    def _open(self, arrival: Arrival) -> bool:
        """Whether the zones have left a timer open somewhere on the run: also one that is over, since it ended a wait
        that they take to be as long as it likes."""
        if self.clock.exact:
            return False
        return any(self.clock.loose(armed.timer) for at in arrival.run() for armed in at.instance.timers)

    def in_turn(self, arrival: Arrival, move: Move) -> bool:
        """Whether, after a real run, a timer may come before the others, where the zones leave some open."""
        if move.kind is not MoveKind.TIMER or not self._open(arrival):
            return True
        trigger = move.trigger(())
        now = self.moment(arrival, trigger)
        return self.timely(Arrival(arrival.instance, now, arrival.real, (), (), arrival, move, trigger, NOBODY))

    def settling(self, at: Instance, move: Move) -> tuple[Value, ...] | None:
        """The plainest payload with which a call is settled; None: its contract allows none."""
        made: Iterator[Entry | Call] = chain(reversed(at.log.in_flight), at.calls)
        entry = next((entry for entry in made if entry.key == move.name), None)
        activity = None if entry is None else self.kernel.activity[entry.activity]
        if move.answer != DONE or entry is None or activity is None or activity.result is None:
            return ()
        if not activity.ensures:
            return (simplest(activity.result),)
        key = activity.name, entry.args
        if key not in self._settling:
            self._settling[key] = self._plainest(activity, activity.result, entry.args)
        return self._settling[key]

    def _plainest(self, activity: Activity, result: Type, args: tuple[Value, ...]) -> tuple[Value, ...] | None:
        """The plainest result that the contract of an activity allows; None: none."""
        encoder = self.states.encoder
        symbol = encoder.variable("result", result)
        given = zip(activity.params, args, strict=True)
        env = Env({}, 0, {param.name: encoder.value(value, param.type) for param, value in given}, symbol)
        kept = encoder.all(*(encoder.condition(ensure, env) for ensure in activity.ensures))
        plain = encoder.same(symbol, encoder.value(simplest(result), result))
        for wish in (plain, True):
            reply = self.states.ask(encoder.domain(symbol, result), kept, wish)
            if reply.model is not None:
                return (encoder.read(reply.model, symbol, result),)
        return None
