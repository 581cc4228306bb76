"""The reference interpreter: a Kernel, an Instance and a trigger in; the next Instance and the effects out.

It is the docstring of `kernel`, point by point, and everything else is held against it: plain before fast. The records
and triggers are `instance`'s, the effects `effects`', evaluation is `evaluate`'s.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime

from ..dsl.model import Activity, Compensation, Effect, Expr, Parameter, Value, Variable
from ..dsl.source import Span
from ..dsl.values import dataclass, replace
from .draft import Draft, Payload, named
from .evaluate import Facts, Fault, Scope, admitted, evaluate, kept, within
from .instance import (
    WITHDRAWN,
    Actor,
    Call,
    Completion,
    Delegation,
    Event,
    Fired,
    Instance,
    Outcome,
    Rejected,
    Step,
    Taken,
    Trigger,
    Undoing,
    Withdraw,
    WorkItem,
)
from .kernel import (
    DONE,
    Branch,
    Choice,
    Command,
    Configuration,
    Goto,
    Kernel,
    LeafKind,
    On,
    Stay,
    Target,
    TriggerKind,
    Undo,
)


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
    if instance.finished and not isinstance(trigger, Withdraw):
        if isinstance(trigger, (Event, Completion, Delegation)):
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
        case Delegation():
            run.delegation(trigger, actor)
        case Fired():
            run.fired(trigger.timer)
        case Withdraw():
            run.withdraw()
    return run.end()


def enabled(kernel: Kernel, instance: Instance, trigger: Trigger, now: datetime) -> tuple[Command, ...]:
    """Every command of the configuration whose guard holds for a trigger that fits it; more than one is F006.

    Of an outcome, the key must be a current call's; for other keys, for an answer that leaves a group of calls waiting,
    and for any trigger while compensating: none. Raises Rejected("payload") for a trigger that does not fit, Fault."""
    run = _Run(kernel, instance, now)
    match trigger:
        case Outcome():
            call = next((call for call in instance.calls if call.key == trigger.key and not call.answer), None)
            if call is None:
                return ()
            payload = run.answer(kernel.activity[call.activity], call.args, trigger)
            brought = run.brought(call, trigger.kind, payload)
            return () if brought is None else run.enabled(On(TriggerKind.OUTCOME, trigger.kind), brought, call.leaf)
        case Event():
            return run.enabled(On(TriggerKind.EVENT, trigger.name), run.payload(trigger))
        case Completion():
            return run.enabled(On(TriggerKind.TASK, trigger.task), run.payload(trigger))
        case Delegation():
            return ()
        case Fired():
            return run.enabled(On(TriggerKind.TIMER, trigger.timer), ())
        case Withdraw():
            return ()


def holds(kernel: Kernel, instance: Instance, condition: Expr, now: datetime) -> bool:
    """Whether a condition of a property or a scenario is true of the instance. Raises Fault."""
    facts = Facts(
        instance.completed | {entry.activity for entry in instance.log if entry.status == DONE},
        Counter(entry.activity for entry in instance.log),
        instance.compensating,
        now - instance.started,
    )
    scope = Scope(instance.variables(kernel), now, facts=facts, configuration=instance.configuration)
    return evaluate(condition, scope) is True


def _conform(values: Sequence[Value], fields: Sequence[Parameter | Variable]) -> Payload:
    """The values as they are kept. Raises Rejected("payload")."""
    if len(values) != len(fields):
        raise Rejected("payload")
    payload: list[Value] = []
    for value, field in zip(values, fields, strict=True):
        if not admitted(value, field.type):
            raise Rejected("payload")
        payload.append(kept(value, field.type))
    return tuple(payload)


@dataclass(frozen=True, slots=True)
class _Goal:
    """A place to enter, and the leaves it is entered at."""

    place: str
    leaves: Configuration


class _Run(Draft):
    """One step under way: which changes are made, and what was taken until now."""

    def __init__(self, kernel: Kernel, instance: Instance, now: datetime) -> None:
        super().__init__(kernel, instance, now)
        self.taken: list[Taken] = []
        self.branches: list[tuple[str, int]] = []  # of the way under way
        self.passed: set[str] = set()  # choices of the command under way: none may come twice
        self.followed: set[tuple[str, On]] = set()  # joins and empty groups in this step: none may come twice

    def end(self) -> Step:
        if self.taken:
            while not self.finished and self.undoing is None and self.follow_up():
                pass
        return Step(self.record(), tuple(self.effects), tuple(self.taken))

    # ------------------------------------------------------------ points 2 to 4: triggers

    def outcome(self, trigger: Outcome) -> None:
        call = next((call for call in self.calls if call.key == trigger.key and not call.answer), None)
        entry = self.log.flying(trigger.key)
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
        on = On(TriggerKind.OUTCOME, trigger.kind)
        payload = self.answer(self.kernel.activity[call.activity], call.args, trigger)
        brought = self.brought(call, trigger.kind, payload)
        if (call.leaf, on) not in self.kernel.answering:
            raise Rejected("unhandled")
        command = None if brought is None else self.choose(on, brought, call.leaf)
        entry = self.log.flying(call.key)
        if entry is not None:
            self.settle(entry, trigger.kind, payload)
        elif trigger.kind == DONE:
            self.completed |= {call.activity}
        self.calls[self.calls.index(call)] = _answered(call, trigger.kind, payload)
        if command is not None and brought is not None:
            for other in tuple(self.calls):
                if other.leaf == call.leaf:
                    self.drop(other)
            self.take(command, brought)

    def brought(self, call: Call, kind: str, payload: Payload) -> Payload | None:
        """What this answer of a call brings the leaf; None: nothing yet, its other calls are waited for."""
        called = self.kernel.leaf[call.leaf].call
        assert called is not None, "a call is of a leaf that calls"
        if called.each is None:
            return outputs(self.kernel.activity[call.activity], payload)
        group = [
            _answered(each, kind, payload) if each == call else each for each in self.calls if each.leaf == call.leaf
        ]
        done = [each for each in group if each.answer == "done"]
        needed = len(group) if called.each.quota is None else min(called.each.quota, len(group))
        if len(done) >= needed:
            return (tuple(each.result for each in done),) if payload else ()
        return () if len(group) - sum(each.answer == "gone" for each in group) < needed else None

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
            self.defer(event)
        else:
            raise Rejected("unhandled")

    def completion(self, trigger: Completion, actor: Actor) -> None:
        payload = self.payload(trigger)
        item = self.item(trigger.task, actor)
        command = self.choose(On(TriggerKind.TASK, trigger.task), payload)
        self.complete(item, actor.id)
        self.take(command, payload)

    def delegation(self, trigger: Delegation, actor: Actor) -> None:
        if not trigger.to or trigger.task not in self.kernel.task:
            raise Rejected("payload")
        item = self.item(trigger.task, actor)
        if trigger.to in item.excluded:
            raise Rejected("excluded")
        self.delegate(item, trigger.to)

    def item(self, task: str, actor: Actor) -> WorkItem:
        """The open task of this name, which the actor may do. Raises Rejected."""
        item = next((item for item in self.tasks if item.task == task), None)
        if item is None:
            raise Rejected("closed")
        if not item.entitles(actor):
            raise Rejected("role")
        if actor.id in item.excluded:
            raise Rejected("excluded")
        return item

    def fired(self, timer: str) -> None:
        armed = next((armed for armed in self.timers if armed.timer == timer), None)
        if armed is None or armed.due > self.now or self.undoing is not None:
            return
        known = self.kernel.timer[timer]
        if known.escalates is not None:
            self.timers.remove(armed)
            self.escalate(known.escalates[0], known.escalates[1].role)
        elif known.reminds is not None:
            self.timers.remove(armed)
            self.remind(known, self.kernel.task[known.reminds])
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
        if not admitted(outcome.value, activity.result):
            raise Rejected("payload")
        result = kept(outcome.value, activity.result)
        scope = self.scope(named(args, activity.params), result)
        if not all(evaluate(condition, scope) for condition in activity.ensures):
            raise Rejected("payload")
        return (result,)

    # ------------------------------------------------------------ choosing

    def enabled(self, on: On, payload: Payload, leaf: str = "") -> tuple[Command, ...]:
        """The commands of the configuration for a trigger whose guard holds, and each `else` of a place that has none
        of these; an outcome is of the call of `leaf`."""
        written = self.kernel.written(self.configuration, on, leaf)
        held = {c.id: c.scope for c in written if not c.otherwise and self.true(c.guard, named(payload, c.params))}
        return tuple(c for c in written if c.id in held or (c.otherwise and c.scope not in held.values()))

    def ignores(self, event: str) -> bool:
        return self.kernel.ignored(self.configuration, event)

    def defers(self, event: str) -> bool:
        return self.kernel.deferred(self.configuration, event)

    def choose(self, on: On, payload: Payload, leaf: str = "") -> Command:
        """The enabled command, of several (F006) the first of the text. Raises Rejected("unhandled")."""
        commands = self.enabled(on, payload, leaf)
        if not commands:
            written = self.kernel.written(self.configuration, on, leaf)
            raise Rejected("unhandled", written[0].span if written else None)
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
        raise Rejected("unhandled", choice.span)

    # ------------------------------------------------------------ point 5: a command

    def take(self, command: Command, payload: Payload) -> None:
        self.passed.clear()
        self.update(command.updates, named(payload, command.params))
        self.go(command.scope, command.target, command.id)

    def go(self, scope: str, target: Target, command: int | None) -> None:
        """From a place to a target; `command` None: after a compensation."""
        self.branches = []
        end = target if isinstance(target, Stay) else self.way(target)
        taken = Taken(command, tuple(self.branches))
        match end:
            case Stay():
                self.taken.append(taken)
            case _Goal(place, leaves):
                domain = self.kernel.domain(scope, place)
                self.leave(domain)
                self.taken.append(replace(taken, entered=self.enter(domain, leaves)))
                if command is None:
                    self.rearm_deadline()
            case Undo(since, node):
                self.taken.append(taken)
                self.leave("")
                self.undoing = Undoing(0 if since is None else self.marks.get(since, 0), node)
                self.unwind()

    def way(self, target: Goto | Undo) -> _Goal | Undo:
        """Where a target leads in the end."""
        target = self.follow(target)
        return _Goal(target.node, self.leaves(target)) if isinstance(target, Goto) else target

    def follow(self, target: Goto | Undo) -> Goto | Undo:
        """Through choices, running their updates: the place or the compensation they end in."""
        while isinstance(target, Goto) and target.node in self.kernel.choice:
            choice = self.kernel.choice[target.node]
            if choice.name in self.passed:
                raise Fault("F005", choice.span)
            self.passed.add(choice.name)
            index, branch = self.branch(choice)
            self.branches.append((choice.name, index))
            self.update(branch.updates)
            target = branch.target
        return target

    def leaves(self, goto: Goto) -> Configuration:
        """The leaves at which a place is entered."""
        place = goto.node
        if place in self.kernel.leaf:
            return (place,)
        if goto.resume and place in self.history:
            return self.history[place]
        start = self.kernel.scope[place].start
        if start is None:
            return tuple(leaf for region in self.kernel.inside[place] for leaf in self.leaves(Goto(region)))
        self.update(start.updates)
        target = self.follow(start.target)
        assert isinstance(target, Goto), "typecheck lets the start of a state lead to a state in it only"
        return self.leaves(target)

    def unwind(self) -> None:
        """Go on with the compensation under way, unless it waits; at its mark, enter the target."""
        while (undoing := self.undoing) is not None and len(self.log) > undoing.mark:
            entry = self.log.top
            if undoing.running is not None or entry.in_flight:
                return
            compensation = self.kernel.activity[entry.activity].effect
            if isinstance(compensation, Compensation):
                self.undoing = replace(undoing, running=self.compensate(entry, compensation))
            else:
                self.remove(len(self.log) - 1)
        if undoing is not None:
            self.undoing = None
            if undoing.node == WITHDRAWN:
                self.finish(WITHDRAWN, True)
            else:
                self.go("", Goto(undoing.node), None)

    # ------------------------------------------------------------ point 8: withdrawn by a parent

    def withdraw(self) -> None:
        """Undo everything, from wherever it is, and end in failure; too late after what cannot be undone."""
        if self.failed or any(self.kernel.activity[e.activity].effect is Effect.IRREVERSIBLE for e in self.log):
            return
        self.finished = False
        if self.undoing is None:
            self.leave("")
            self.configuration = ()
        self.undoing = Undoing(0, WITHDRAWN, None if self.undoing is None else self.undoing.running)
        self.unwind()

    @property
    def failed(self) -> bool:
        """Whether it has ended in failure, which includes having been withdrawn."""
        ends = [self.kernel.leaf[name].kind for name in self.configuration]
        return self.finished and (not ends or LeafKind.FAILURE in ends)

    # ------------------------------------------------------------ point 6: what follows at once

    def follow_up(self) -> bool:
        """Take one further step, if there is one."""
        join = self.kernel.joined(self.configuration)
        if join is not None:
            self.once(join, join.span)
            self.take(join, ())
        elif self.vacant:
            self.nothing_called(self.vacant.pop(0))
        else:
            return self.deliver()
        return True

    def nothing_called(self, leaf: str) -> None:
        called = self.kernel.leaf[leaf].call
        assert called is not None, "only a leaf that calls can lack what it calls for"
        payload: Payload = () if self.kernel.activity[called.activity].result is None else ((),)
        command = self.choose(On(TriggerKind.OUTCOME, DONE), payload, leaf)
        self.once(command, called.span)
        self.take(command, payload)

    def once(self, command: Command, span: Span) -> None:
        assert command.on is not None, "only the start answers to nothing"
        if (command.scope, command.on) in self.followed:
            raise Fault("F005", span)
        self.followed.add((command.scope, command.on))

    def deliver(self) -> bool:
        """Hand in again the oldest deferred event that is handled or ignored now, if there is one."""
        for index, event in enumerate(self.deferred):
            commands = self.enabled(On(TriggerKind.EVENT, event.name), event.payload)
            if commands or self.ignores(event.name):
                del self.deferred[index]
                if commands:
                    self.take(commands[0], event.payload)
                return True
        return False


def outputs(activity: Activity, payload: Payload) -> Payload:
    """What the leaf sees of an answer: of a sub-flow the outputs one by one, instead of the record of them."""
    if not activity.flow or not payload:
        return payload
    (record,) = payload
    assert isinstance(record, tuple), "a sub-flow answers with a record"
    return record


def _answered(call: Call, kind: str, payload: Payload) -> Call:
    """A call with what it answered."""
    return replace(call, answer="done" if kind == DONE else "gone", result=payload[0] if payload else None)
