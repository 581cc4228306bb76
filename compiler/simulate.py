"""The reference interpreter: a Kernel, an Instance and a trigger in; the next Instance and the effects out.

It is the docstring of `kernel`, point by point, and everything else is held against it: plain before fast. The records
and triggers are `instance`'s, the effects `effects`', evaluation is `evaluate`'s.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from ..dsl.model import Activity, Compensation, Expr, Parameter, Value, Variable
from .draft import Draft, Payload, named
from .evaluate import Facts, Fault, Scope, evaluate, fits, kept, within
from .instance import Actor, Call, Completion, Event, Fired, Instance, Outcome, Rejected, Step, Taken, Trigger, Undoing
from .kernel import DONE, Branch, Choice, Command, Goto, Kernel, On, Stay, Target, TriggerKind, Undo


def start(kernel: Kernel, inputs: tuple[Value, ...], actor: Actor, now: datetime) -> Step:
    """A new instance. Raises Rejected("payload") for inputs that do not fit, Fault for an unsound flow."""
    values = _conform(inputs, kernel.inputs)
    run = _Run(kernel, Instance((), values, now, actors=(("start", actor.id),)), now)
    for variable in kernel.data:
        assert variable.initial is not None, "typecheck gives every data variable a first value"
        run.values[variable.name] = within(evaluate(variable.initial, run.scope()), variable.type, variable.span)
    if kernel.deadline is not None:
        run.arm(kernel.deadline)
    run.take(kernel.commands[0], ())
    return run.end()


def step(kernel: Kernel, instance: Instance, trigger: Trigger, actor: Actor, now: datetime) -> Step:
    """The instance after one trigger. Raises Rejected or Fault; `instance` is a value, so nothing has changed then."""
    if instance.finished:
        if isinstance(trigger, (Event, Completion)):
            raise Rejected("finished")
        return Step(instance)
    run = _Run(kernel, instance, now)
    match trigger:
        case Outcome():
            run.outcome(trigger)
        case Event():
            run.event(trigger, actor)
        case Completion():
            run.completion(trigger, actor)
        case Fired():
            run.fired(trigger.timer)
    return run.end()


def enabled(kernel: Kernel, instance: Instance, trigger: Trigger, now: datetime) -> tuple[Command, ...]:
    """Every command of the configuration whose guard holds for a trigger that fits it; more than one is F006.

    Of an outcome, the key must be the current call's; for other keys, and for any trigger while compensating: none.
    Raises Rejected("payload") for a trigger that does not fit, Fault."""
    run = _Run(kernel, instance, now)
    match trigger:
        case Outcome():
            call = next((call for call in instance.calls if call.key == trigger.key), None)
            if call is None:
                return ()
            on = On(TriggerKind.OUTCOME, trigger.kind)
            return run.enabled(on, run.answer(kernel.activity[call.activity], call.args, trigger))
        case Event():
            return run.enabled(On(TriggerKind.EVENT, trigger.name), run.payload(trigger))
        case Completion():
            return run.enabled(On(TriggerKind.TASK, trigger.task), run.payload(trigger))
        case Fired():
            return run.enabled(On(TriggerKind.TIMER, trigger.timer), ())


def holds(kernel: Kernel, instance: Instance, condition: Expr, now: datetime) -> bool:
    """Whether a condition of a property or a scenario is true of the instance. Raises Fault."""
    facts = Facts(
        instance.configuration,
        instance.completed | {entry.activity for entry in instance.log if entry.status == DONE},
        Counter(entry.activity for entry in instance.log),
        instance.compensating,
        now - instance.started,
    )
    return evaluate(condition, Scope(instance.variables(kernel), now, facts=facts)) is True


def _conform(values: Sequence[Value], fields: Sequence[Parameter | Variable]) -> Payload:
    """The values as they are kept. Raises Rejected("payload")."""
    if len(values) != len(fields):
        raise Rejected("payload")
    payload: list[Value] = []
    for value, field in zip(values, fields, strict=True):
        if not fits(value, field.type):
            raise Rejected("payload")
        payload.append(kept(value, field.type))
    return tuple(payload)


class _Run(Draft):
    """One step under way: which changes are made, and what was taken until now."""

    def __init__(self, kernel: Kernel, instance: Instance, now: datetime) -> None:
        super().__init__(kernel, instance, now)
        self.taken: list[Taken] = []
        self.passed: set[str] = set()  # choices since the trigger: none may come twice

    def end(self) -> Step:
        if self.taken:
            self.deliver()
        return Step(self.record(), tuple(self.effects), tuple(self.taken))

    # ------------------------------------------------------------ points 2 to 4: triggers

    def outcome(self, trigger: Outcome) -> None:
        call = next((call for call in self.calls if call.key == trigger.key), None)
        entry = next((entry for entry in self.log if entry.key == trigger.key and entry.in_flight), None)
        if call is not None:
            self.call_answered(call, trigger)
        elif entry is not None:
            self.settle(entry, trigger.kind, self.answer(self.kernel.activity[entry.activity], entry.args, trigger))
            self.unwind()
        elif self.undoing is not None and self.undoing.running == trigger.key:
            if trigger.kind != DONE:
                raise Rejected("unhandled")
            self.undoing = replace(self.undoing, running=None)
            self.remove(len(self.log) - 1)
            self.unwind()

    def call_answered(self, call: Call, trigger: Outcome) -> None:
        payload = self.answer(self.kernel.activity[call.activity], call.args, trigger)
        command = self.choose(On(TriggerKind.OUTCOME, trigger.kind), payload)
        self.calls.remove(call)
        entry = next((entry for entry in self.log if entry.key == call.key), None)
        if entry is not None:
            self.settle(entry, trigger.kind, payload)
        elif trigger.kind == DONE:
            self.completed |= {call.activity}
        self.take(command, payload)

    def event(self, trigger: Event, actor: Actor) -> None:
        event = Event(trigger.name, self.payload(trigger))
        roles = self.kernel.event[event.name].roles
        if roles and actor.roles.isdisjoint(roles):
            raise Rejected("role")
        commands = self.enabled(On(TriggerKind.EVENT, event.name), event.payload)
        if commands:
            self.take(commands[0], event.payload)
        elif self.ignores(event.name):
            pass
        elif self.undoing is not None or self.defers(event.name):
            self.deferred.append(event)
        else:
            raise Rejected("unhandled")

    def completion(self, trigger: Completion, actor: Actor) -> None:
        payload = self.payload(trigger)
        item = next((item for item in self.tasks if item.task == trigger.task), None)
        if item is None:
            raise Rejected("closed")
        if item.roles and actor.roles.isdisjoint(item.roles):
            raise Rejected("role")
        if actor.id in item.excluded:
            raise Rejected("excluded")
        command = self.choose(On(TriggerKind.TASK, trigger.task), payload)
        self.complete(item, actor.id)
        self.take(command, payload)

    def fired(self, timer: str) -> None:
        armed = next((armed for armed in self.timers if armed.timer == timer), None)
        if armed is None or armed.due > self.now or self.undoing is not None:
            return
        escalates = self.kernel.timer[timer].escalates
        if escalates is not None:
            self.timers.remove(armed)
            self.escalate(escalates[0], escalates[1].role)
        else:
            command = self.choose(On(TriggerKind.TIMER, timer), ())
            self.timers.remove(armed)
            self.take(command, ())

    def payload(self, trigger: Event | Completion) -> Payload:
        """The payload as it is kept. Raises Rejected("payload"), of an unknown name too."""
        if isinstance(trigger, Event):
            event = self.kernel.event.get(trigger.name)
            fields = None if event is None else event.params
        else:
            task = self.kernel.task.get(trigger.task)
            fields = None if task is None else task.form
        if fields is None:
            raise Rejected("payload")
        return _conform(trigger.payload, fields)

    def answer(self, activity: Activity, args: Payload, outcome: Outcome) -> Payload:
        """What an outcome brings: the result, if it is `done` and there is one. Raises Rejected("payload")."""
        if outcome.kind != DONE:
            return ()
        if activity.result is None:
            if outcome.value is not None:
                raise Rejected("payload")
            return ()
        if not fits(outcome.value, activity.result):
            raise Rejected("payload")
        result = kept(outcome.value, activity.result)
        scope = self.scope(named(args, activity.params), result)
        if not all(evaluate(condition, scope) for condition in activity.ensures):
            raise Rejected("payload")
        return (result,)

    # ------------------------------------------------------------ choosing

    def enabled(self, on: On, payload: Payload) -> tuple[Command, ...]:
        """The commands of the configuration for a trigger whose guard holds; an `else` if no other one's does."""
        written = self.kernel.written(self.configuration, on, next(iter(self.configuration), ""))
        when = tuple(c for c in written if not c.otherwise and self.true(c.guard, named(payload, c.params)))
        return when or tuple(c for c in written if c.otherwise)

    def ignores(self, event: str) -> bool:
        return self.kernel.ignored(self.configuration, event)

    def defers(self, event: str) -> bool:
        return self.kernel.deferred(self.configuration, event)

    def choose(self, on: On, payload: Payload) -> Command:
        """The enabled command, of several (F006) the first of the text. Raises Rejected("unhandled")."""
        commands = self.enabled(on, payload)
        if not commands:
            raise Rejected("unhandled")
        return commands[0]

    def branch(self, choice: Choice) -> tuple[int, Branch]:
        """The branch whose guard holds, else the `else`. Raises Rejected("unhandled") where there is none (F007)."""
        branches = list(enumerate(choice.branches))
        for index, branch in branches:
            if branch.guard is not None and self.true(branch.guard):
                return index, branch
        for index, branch in branches:
            if branch.guard is None:
                return index, branch
        raise Rejected("unhandled")

    # ------------------------------------------------------------ points 5 and 6: a command

    def take(self, command: Command, payload: Payload) -> None:
        self.passed.clear()
        self.update(command.updates, named(payload, command.params))
        target, branches = self.follow(command.target)
        self.taken.append(Taken(command.id, branches))
        self.go(target)

    def follow(self, target: Target) -> tuple[Target, tuple[tuple[str, int], ...]]:
        """Through choices, running their updates: the leaf, `stay` or compensation they end in, and the way there."""
        branches: list[tuple[str, int]] = []
        while isinstance(target, Goto) and target.node in self.kernel.choice:
            choice = self.kernel.choice[target.node]
            if choice.name in self.passed:
                raise Fault("F005", choice.span)
            self.passed.add(choice.name)
            index, branch = self.branch(choice)
            branches.append((choice.name, index))
            self.update(branch.updates)
            target = branch.target
        return target, tuple(branches)

    def go(self, target: Target) -> None:
        match target:
            case Stay():
                pass
            case Goto(node):
                self.leave()
                self.enter(node)
            case Undo(since, node):
                self.leave()
                self.undoing = Undoing(0 if since is None else self.marks.get(since, 0), node)
                self.unwind()

    def deliver(self) -> None:
        """Hand in again the deferred events that are handled or ignored now, oldest first, until none is."""
        while not self.finished and self.undoing is None:
            for index, event in enumerate(self.deferred):
                commands = self.enabled(On(TriggerKind.EVENT, event.name), event.payload)
                if commands or self.ignores(event.name):
                    del self.deferred[index]
                    if commands:
                        self.take(commands[0], event.payload)
                    break
            else:
                return

    def unwind(self) -> None:
        """Go on with the compensation under way, unless it waits; at its mark, enter the target."""
        while (undoing := self.undoing) is not None and len(self.log) > undoing.mark:
            entry = self.log[-1]
            if undoing.running is not None or entry.in_flight:
                return
            compensation = self.kernel.activity[entry.activity].effect
            if isinstance(compensation, Compensation):
                self.undoing = replace(undoing, running=self.compensate(entry, compensation))
            else:
                self.remove(len(self.log) - 1)
        if undoing is not None:
            self.undoing = None
            target, branches = self.follow(Goto(undoing.node))
            self.taken.append(Taken(None, branches))
            self.go(target)
            if isinstance(target, Goto):
                self.rearm_deadline()
