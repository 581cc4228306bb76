"""A record under change: an Instance in, the elementary changes `simulate` makes to it, with the effects they ask for.

Each method is one phrase of the docstring of `kernel` (leave, enter, finish, settle ..); when which is done is
`simulate`'s to know.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from ..dsl.model import ActivityCall, Assign, Compensation, Effect, Expr, Parameter, Task, Value
from ..dsl.source import Span
from . import effects as ask
from .evaluate import Fault, Scope, evaluate, shown, within
from .instance import Armed, Call, Entry, Instance, Undoing, WorkItem
from .kernel import DONE, Configuration, Kernel, LeafKind, Timer

Payload = tuple[Value, ...]


def named(values: Payload, params: Sequence[Parameter]) -> dict[str, Value]:
    return {param.name: value for param, value in zip(params, values, strict=True)}


class Draft:
    """The fields of an Instance, to be changed, and the effects asked for until now."""

    def __init__(self, kernel: Kernel, instance: Instance, now: datetime) -> None:
        self.kernel = kernel
        self.now = now
        self.effects: list[ask.Effect] = []
        self.configuration: Configuration = instance.configuration
        self.values: dict[str, Value] = dict(zip(kernel.variable, instance.values, strict=False))
        self.started = instance.started
        self.finished = instance.finished
        self.undoing: Undoing | None = instance.undoing
        self.log = list(instance.log)
        self.calls = list(instance.calls)
        self.tasks = list(instance.tasks)
        self.timers = list(instance.timers)
        self.deferred = list(instance.deferred)
        self.marks = dict(instance.marks)
        self.actors = dict(instance.actors)
        self.completed = instance.completed
        self.counter = instance.counter

    def record(self) -> Instance:
        return Instance(
            self.configuration,
            tuple(self.values.values()),
            self.started,
            self.finished,
            self.undoing,
            tuple(self.log),
            tuple(self.calls),
            tuple(self.tasks),
            tuple(self.timers),
            tuple(self.deferred),
            tuple(sorted(self.marks.items())),
            tuple(sorted(self.actors.items())),
            self.completed,
            self.counter,
        )

    # ------------------------------------------------------------ values

    def scope(self, params: Mapping[str, Value] | None = None, result: Value = None) -> Scope:
        return Scope(self.values, self.now, params or {}, result)

    def true(self, guard: Expr | None, params: Mapping[str, Value] | None = None) -> bool:
        return guard is None or evaluate(guard, self.scope(params)) is True

    def update(self, updates: Sequence[Assign], params: Mapping[str, Value] | None = None) -> None:
        for assign in updates:
            value = evaluate(assign.value, self.scope(params))
            self.values[assign.name] = within(value, self.kernel.variable[assign.name].type, assign.span)

    def arguments(self, values: Sequence[Expr], params: Sequence[Parameter], scope: Scope) -> Payload:
        """Raises Fault F401 for one out of its parameter's range."""
        pairs = zip(values, params, strict=True)
        return tuple(within(evaluate(value, scope), param.type, value.span) for value, param in pairs)

    # ------------------------------------------------------------ leaving and entering

    def leave(self) -> None:
        self.effects += [ask.InterruptActivity(call.key) for call in self.calls]
        for armed in tuple(self.timers):
            if armed.timer != self.deadline:
                self.cancel(armed)
        for item in tuple(self.tasks):
            self.close(item)
        self.configuration = ()
        self.calls.clear()

    def enter(self, name: str) -> None:
        leaf = self.kernel.leaf[name]
        self.configuration = (name,)
        if leaf.final:
            self.finish(name, leaf.kind is LeafKind.FAILURE)
            return
        if name in self.kernel.savepoints:
            self.marks[name] = len(self.log)
        for timer in leaf.timers:
            self.arm(timer)
        for task in leaf.tasks:
            self.open(task)
        if leaf.call is not None:
            self.call(leaf.call)

    def finish(self, state: str, failure: bool) -> None:
        for armed in tuple(self.timers):
            self.cancel(armed)
        self.effects += [ask.DropEvent(event.name) for event in self.deferred]
        self.effects.append(ask.Finish(state, failure))
        self.deferred.clear()
        self.finished = True

    def key(self, name: str) -> str:
        self.counter += 1
        return f"{name}#{self.counter}"

    def call(self, call: ActivityCall) -> None:
        activity = self.kernel.activity[call.activity]
        args = self.arguments(call.args, activity.params, self.scope())
        key = self.key(activity.name)
        self.calls.append(Call(key, activity.name, args))
        if activity.effect is not Effect.READONLY:
            self.log.append(Entry(key, activity.name, args))
        self.effects.append(ask.StartActivity(key, activity.name, args))

    # ------------------------------------------------------------ timers

    @property
    def deadline(self) -> str | None:
        return None if self.kernel.deadline is None else self.kernel.deadline.id

    def arm(self, timer: Timer) -> None:
        moment = timer.at if timer.after is None else timer.after
        assert moment is not None, "a timer has an `after` or an `at`"
        due = evaluate(moment, self.scope())
        if isinstance(due, timedelta):
            due = self.moment(due, moment.span)
        assert isinstance(due, datetime), "typecheck lets timers count by durations and instants only"
        self.timers.append(Armed(timer.id, due))
        self.effects.append(ask.ArmTimer(timer.id, due))

    def moment(self, after: timedelta, span: Span) -> datetime:
        """So long after now. Raises Fault F401 beyond the last representable moment."""
        try:
            return self.now + after
        except OverflowError:
            raise Fault("F401", span) from None

    def cancel(self, armed: Armed) -> None:
        self.timers.remove(armed)
        self.effects.append(ask.CancelTimer(armed.timer))

    def rearm_deadline(self) -> None:
        """Ask for the deadline again, if it fell due while it could not fire."""
        for armed in self.timers:
            if armed.timer == self.deadline and armed.due <= self.now:
                self.effects.append(ask.ArmTimer(armed.timer, armed.due))

    # ------------------------------------------------------------ tasks

    def open(self, task: Task) -> None:
        key = self.key(task.name)
        excluded = tuple(dict.fromkeys(self.actors[name] for name in task.excluded if self.actors.get(name)))
        parts = [
            part if isinstance(part, str) else shown(evaluate(part, self.scope()), part.type) for part in task.title
        ]
        due = None if task.due is None else self.moment(task.due, task.span)
        self.tasks.append(WorkItem(key, task.name, task.roles, excluded))
        self.effects.append(ask.OpenTask(key, task.name, task.roles, "".join(parts), due, excluded))

    def complete(self, item: WorkItem, actor: str) -> None:
        self.close(item)
        self.actors[item.task] = actor

    def escalate(self, task: str, role: str) -> None:
        index, item = next((index, item) for index, item in enumerate(self.tasks) if item.task == task)
        self.tasks[index] = replace(item, roles=tuple(dict.fromkeys((*item.roles, role))))
        self.effects.append(ask.EscalateTask(item.key, role))

    def close(self, item: WorkItem) -> None:
        self.tasks.remove(item)
        self.effects.append(ask.CloseTask(item.key))
        for armed in tuple(self.timers):
            escalates = self.kernel.timer[armed.timer].escalates
            if escalates is not None and escalates[0] == item.task:
                self.cancel(armed)

    # ------------------------------------------------------------ the compensation log

    def compensate(self, entry: Entry, compensation: Compensation) -> str:
        """Start the compensation of an entry; the key it will answer with."""
        activity = self.kernel.activity[entry.activity]
        scope = self.scope(named(entry.args, activity.params), entry.result)
        args = self.arguments(compensation.values, compensation.args, scope)
        key = f"{entry.key}/undo"
        self.effects.append(ask.StartCompensation(key, compensation.name, args, entry.key))
        return key

    def settle(self, entry: Entry, kind: str, payload: Payload) -> None:
        """What an outcome says about its entry, which is not in flight any more then."""
        index = self.log.index(entry)
        if kind in {failure.name for failure in self.kernel.activity[entry.activity].fails}:
            self.remove(index)
        elif kind == DONE:
            result = payload[0] if payload else None
            self.log[index] = replace(entry, status="done", in_flight=False, result=result)
        else:
            self.log[index] = replace(entry, in_flight=False)

    def remove(self, index: int) -> None:
        """Take an entry off the log; marks above it, that of a compensation under way included, come down with it."""
        del self.log[index]
        self.marks = {name: mark - (mark > index) for name, mark in self.marks.items()}
        if self.undoing is not None:
            self.undoing = replace(self.undoing, mark=self.undoing.mark - (self.undoing.mark > index))
