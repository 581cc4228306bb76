"""A record under change: an Instance in, the elementary changes `simulate` makes to it, with the effects they ask for.

Each method is one phrase of the docstring of `kernel` (leave, enter, finish, settle ..); when which is done is
`simulate`'s to know.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta

from ..dsl.model import ActivityCall, Assign, Compensation, Effect, Emit, Expr, Parameter, Send, Task, Update, Value
from ..dsl.source import Span
from ..dsl.values import replace
from . import effects as ask
from .evaluate import Fault, Scope, evaluate, shown, within
from .instance import Armed, Call, Entry, Event, Instance, Rejected, Undoing, WorkItem
from .kernel import DONE, Configuration, Kernel, Leaf, LeafKind, Place, Timer

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
        self.log = instance.log
        self.calls = list(instance.calls)
        self.tasks = list(instance.tasks)
        self.timers = list(instance.timers)
        self.deferred = list(instance.deferred)
        self.marks = dict(instance.marks)
        self.actors = dict(instance.actors)
        self.completed = instance.completed
        self.counter = instance.counter
        self.history = dict(instance.history)
        self.moments = dict(instance.moments)
        self.vacant: list[str] = []  # leaves entered in this step that are to call for each item, and there is none

    def record(self) -> Instance:
        return Instance(
            self.configuration,
            tuple(self.values.values()),
            self.started,
            self.finished,
            self.undoing,
            self.log,
            tuple(self.calls),
            tuple(self.tasks),
            tuple(self.timers),
            tuple(self.deferred),
            tuple(sorted(self.marks.items())),
            tuple(sorted(self.actors.items())),
            self.completed,
            self.counter,
            tuple(sorted(self.history.items())),
            tuple(sorted(self.moments.items())),
        )

    # ------------------------------------------------------------ values

    def scope(self, params: Mapping[str, Value] | None = None, result: Value = None) -> Scope:
        return Scope(self.values, self.now, params or {}, result, configuration=self.configuration)

    def true(self, guard: Expr | None, params: Mapping[str, Value] | None = None) -> bool:
        return guard is None or evaluate(guard, self.scope(params)) is True

    def update(self, updates: Sequence[Update], params: Mapping[str, Value] | None = None) -> None:
        for each in updates:
            scope = self.scope(params)
            match each:
                case Assign(name, value, span):
                    self.values[name] = within(evaluate(value, scope), self.kernel.variable[name].type, span)
                case Emit(message, args):
                    payload = self.arguments(args, self.kernel.message[message].params, scope)
                    self.effects.append(ask.EmitEvent(message, payload))
                case Send(flow, event, args, key, params=fields):
                    payload = self.arguments(args, fields, scope)
                    to = evaluate(key, scope)
                    assert isinstance(to, str), "typecheck lets keys be texts only"
                    self.effects.append(ask.SendEvent(flow, event, payload, to))

    def arguments(self, values: Sequence[Expr], params: Sequence[Parameter], scope: Scope) -> Payload:
        """Raises Fault F401 for one out of its parameter's range."""
        pairs = zip(values, params, strict=True)
        return tuple(within(evaluate(value, scope), param.type, value.span) for value, param in pairs)

    def defer(self, event: Event) -> None:
        """Let an event wait. Raises Rejected("full") if too many of it do."""
        if sum(other.name == event.name for other in self.deferred) >= self.kernel.event[event.name].most:
            raise Rejected("full")
        self.deferred.append(event)

    # ------------------------------------------------------------ leaving and entering

    def leave(self, domain: str) -> None:
        """Leave every place inside the domain."""
        left = self.kernel.leaving(self.configuration, domain)
        for name in self.kernel.resumed & left:
            leaves = (leaf for leaf in self.configuration if leaf in left)
            self.history[name] = tuple(leaf for leaf in leaves if name in self.kernel.above(leaf))
        for call in tuple(self.calls):
            if call.leaf in left:
                self.drop(call)
        self.close_all(left)
        self.vacant = [leaf for leaf in self.vacant if leaf not in left]
        self.configuration = tuple(leaf for leaf in self.configuration if leaf not in left)

    def close_all(self, places: Collection[str]) -> None:
        """Cancel the timers of these places and close their tasks."""
        for armed in tuple(self.timers):
            if self.kernel.home[armed.timer] in places:
                self.cancel(armed)
        for item in tuple(self.tasks):
            if self.kernel.home[item.task] in places:
                self.close(item)

    def inside(self, domain: str, leaf: str) -> tuple[str, ...]:
        """A leaf and the scopes around it that lie inside the domain, the innermost first."""
        around = self.kernel.above(leaf)
        return around[: around.index(domain)]

    def enter(self, domain: str, leaves: Configuration) -> tuple[str, ...]:
        """Enter these leaves and, before them, the scopes around them that lie inside the domain: these places."""
        active = (*self.configuration, *leaves)
        self.configuration = tuple(sorted(active, key=lambda name: self.kernel.leaf[name].span.start))
        places = tuple(dict.fromkeys(name for leaf in leaves for name in reversed(self.inside(domain, leaf))))
        for name in places:
            self.arrive(self.kernel.place[name])
        return places

    def arrive(self, place: Place) -> None:
        if isinstance(place, Leaf) and place.final:
            self.finish(place.name, place.kind is LeafKind.FAILURE)
            return
        if isinstance(place, Leaf) and place.kind in {LeafKind.REGION_DONE, LeafKind.REGION_FAILED}:
            self.close_all({place.path[-1]})
        if place.name in self.kernel.savepoints:
            self.marks[place.name] = len(self.log)
        if place.name in self.kernel.counted:
            self.moments[place.name] = self.now
        for timer in place.timers:
            self.arm(timer)
        for task in place.tasks:
            self.open(task)
        if isinstance(place, Leaf) and place.call is not None:
            self.call(place.name, place.call)

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

    def call(self, leaf: str, call: ActivityCall) -> None:
        """The call of a leaf, or one for each item."""
        params = self.kernel.activity[call.activity].params
        if call.each is None:
            self.begin(
                Call(self.key(call.activity), call.activity, self.arguments(call.args, params, self.scope()), leaf)
            )
            return
        items = evaluate(call.each.items, self.scope())
        assert isinstance(items, tuple), "typecheck lets calls go through lists only"
        if len(items) > call.each.most:
            raise Fault("F401", call.each.items.span)
        for number, item in enumerate(items):
            args = self.arguments(call.args, params, self.scope({call.each.param.name: item}))
            self.begin(Call(self.key(call.activity), call.activity, args, leaf, number))
        if not items:
            self.vacant.append(leaf)

    def begin(self, call: Call) -> None:
        self.calls.append(call)
        if self.kernel.activity[call.activity].effect is not Effect.READONLY:
            self.log = self.log.push(Entry(call.key, call.activity, call.args))
        self.effects.append(ask.StartActivity(call.key, call.activity, call.args))

    def drop(self, call: Call) -> None:
        """Forget a call, and interrupt it if it runs."""
        self.calls.remove(call)
        if not call.answer:
            self.effects.append(ask.InterruptActivity(call.key))

    # ------------------------------------------------------------ timers

    @property
    def deadline(self) -> str | None:
        return None if self.kernel.deadline is None else self.kernel.deadline.id

    def arm(self, timer: Timer) -> None:
        moment = timer.at if timer.after is None else timer.after
        assert moment is not None, "a timer has an `after` or an `at`"
        due = evaluate(moment, self.scope())
        if isinstance(due, timedelta):
            start = self.now if timer.since is None else self.moments.get(timer.since, self.now)
            due = self.moment(start, due, moment.span)
        assert isinstance(due, datetime), "typecheck lets timers count by durations and instants only"
        self.timers.append(Armed(timer.id, due))
        self.effects.append(ask.ArmTimer(timer.id, due))

    @staticmethod
    def moment(start: datetime, after: timedelta, span: Span) -> datetime:
        """So long after another moment. Raises Fault F401 beyond the last representable one."""
        try:
            return start + after
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
        due = None if task.due is None else self.moment(self.now, task.due, task.span)
        persons = self.persons(task)
        self.tasks.append(WorkItem(key, task.name, task.roles, excluded, persons))
        self.effects.append(ask.OpenTask(key, task.name, task.roles, "".join(parts), due, excluded, persons))

    def persons(self, task: Task) -> tuple[str, ...]:
        """Whom a task is for by name. Raises Fault F502 for the empty id."""
        if task.person is not None:
            person = evaluate(task.person, self.scope())
            assert isinstance(person, str), "typecheck lets a text only name a person"
            if not person:
                raise Fault("F502", task.person.span)
            return (person,)
        doer = self.actors.get(task.doer) if task.doer is not None else None
        return (doer,) if doer else ()

    def complete(self, item: WorkItem, actor: str) -> None:
        self.close(item)
        self.actors[item.task] = actor

    def escalate(self, task: str, role: str) -> None:
        index, item = next((index, item) for index, item in enumerate(self.tasks) if item.task == task)
        self.tasks[index] = replace(item, roles=tuple(dict.fromkeys((*item.roles, role))))
        self.effects.append(ask.EscalateTask(item.key, role))

    def remind(self, timer: Timer, task: Task) -> None:
        """Remind of an open task, and arm the timer for the next time, if there is one."""
        index, item = next((index, item) for index, item in enumerate(self.tasks) if item.task == task.name)
        self.tasks[index] = item = replace(item, reminders=item.reminders + 1)
        self.effects.append(ask.RemindTask(item.key))
        if task.most_reminders is None or item.reminders < task.most_reminders:
            self.arm(timer)

    def delegate(self, item: WorkItem, to: str) -> None:
        self.tasks[self.tasks.index(item)] = replace(item, roles=(), persons=(to,))
        self.effects.append(ask.DelegateTask(item.key, to))

    def close(self, item: WorkItem) -> None:
        self.tasks.remove(item)
        self.effects.append(ask.CloseTask(item.key))
        for armed in tuple(self.timers):
            if self.kernel.timer[armed.timer].task == item.task:
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
        index = self.log.place(entry)
        if kind in {failure.name for failure in self.kernel.activity[entry.activity].fails}:
            self.remove(index)
        elif kind == DONE:
            result = payload[0] if payload else None
            self.log = self.log.changed(index, replace(entry, status="done", in_flight=False, result=result))
        else:
            self.log = self.log.changed(index, replace(entry, in_flight=False))

    def remove(self, index: int) -> None:
        """Take an entry off the log; marks above it, that of a compensation under way included, come down with it."""
        self.log = self.log.changed(index)
        self.marks = {name: mark - (mark > index) for name, mark in self.marks.items()}
        if self.undoing is not None:
            self.undoing = replace(self.undoing, mark=self.undoing.mark - (self.undoing.mark > index))
