"""Plain enumeration of a small flow: a Kernel in; what is wrong with it, where, and how many steps show it, out.

It shares with the checker nothing but the reference interpreter: no abstraction, no merging but of instances that are
equal up to the names of their calls, every value of every domain, every whole second a timer leaves open. Each check is
decided from its definition in docs/language.md. Meant for flows of `random_flows`: small domains, no instants.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import product

from penstock.compiler.evaluate import Fault, Scope, evaluate, within
from penstock.compiler.instance import (
    Actor,
    Armed,
    Completion,
    Event,
    Fired,
    Instance,
    Outcome,
    Rejected,
    Step,
    Trigger,
)
from penstock.compiler.kernel import Command, Kernel, LeafKind, On, Stay, Target, TriggerKind, Undo
from penstock.compiler.simulate import enabled, holds, start, step
from penstock.dsl.model import (
    Always,
    BoolType,
    Compensation,
    Effect,
    EnumType,
    IntType,
    OptionalType,
    Reach,
    Type,
    Value,
)

EPOCH = datetime(2026, 1, 1, tzinfo=UTC)
SECOND = timedelta(seconds=1)


class TooLarge(Exception):
    """The flow has more instances than the enumeration is willing to visit."""


@dataclass
class Verdicts:
    """Findings as (code, offset of the place) -> the number of triggers (the start counts) of the shortest run."""

    refuted: dict[tuple[str, int], int] = field(default_factory=dict[tuple[str, int], int])
    asked: set[int] = field(default_factory=set[int])  # the transitions of what is entered; F002 is about them
    instances: int = 0

    def add(self, code: str, place: int, depth: int) -> None:
        self.refuted.setdefault((code, place), depth)


def domain(type: Type) -> tuple[Value, ...]:
    match type:
        case BoolType():
            return (False, True)
        case IntType(low=int(low), high=int(high)):
            return tuple(range(low, high + 1))
        case EnumType():
            return type.members
        case OptionalType():
            return (None, *domain(type.item))
        case _:
            raise TooLarge(f"cannot enumerate {type}")


def payloads(types: tuple[Type, ...]) -> Iterator[tuple[Value, ...]]:
    return product(*(domain(type) for type in types))


class Search:
    """Breadth-first over the instances of one kernel; `run` gives the verdicts. Raises TooLarge."""

    def __init__(self, kernel: Kernel, limit: int, deferring: bool) -> None:
        self.kernel = kernel
        self.deferring = deferring
        self.limit = limit
        self.found = Verdicts()
        self.depth: dict[object, int] = {}
        self.edges: dict[object, set[object]] = {}
        self.unaided: dict[object, set[object]] = {}  # edges made by answers of calls alone: no event, task or timer
        self.finals: set[object] = set()
        self.taken: set[int] = set()  # offsets of transitions and branches taken
        self.entered: set[str] = set()
        self.reached: set[int] = set()  # offsets of `reach` properties satisfied
        self.places: dict[object, tuple[str, ...]] = {}
        self.actor = Actor("somebody", frozenset(kernel.roles))

    def run(self) -> Verdicts:
        queue: deque[tuple[Instance, datetime, int]] = deque()
        for inputs in payloads(tuple(v.type for v in self.kernel.inputs)):
            given = {v.name: value for v, value in zip(self.kernel.inputs, inputs, strict=True)}
            self.probe(self.kernel.commands[0], given, (), EPOCH, 1)
            try:
                first = start(self.kernel, inputs, Actor("starter"), EPOCH)
            except Fault as fault:
                self.found.add(fault.code, fault.span.start, 1)
                continue
            except Rejected:
                continue
            self.note(first)
            self.visit(first.after, EPOCH, 1, queue)
        while queue:
            instance, now, depth = queue.popleft()
            self.expand(instance, now, depth, queue)
        self.conclude()
        return self.found

    def visit(
        self, instance: Instance, now: datetime, depth: int, queue: deque[tuple[Instance, datetime, int]]
    ) -> object:
        key = canonical(instance, now)
        if key not in self.depth:
            if len(self.depth) >= self.limit:
                raise TooLarge(f"more than {self.limit} instances")
            self.depth[key] = depth
            self.edges[key], self.unaided[key] = set(), set()
            self.places[key] = instance.configuration
            if instance.finished:
                self.finals.add(key)
            self.judge(instance, now, depth)
            queue.append((instance, now, depth))
        return key

    def expand(
        self, instance: Instance, now: datetime, depth: int, queue: deque[tuple[Instance, datetime, int]]
    ) -> None:
        key = canonical(instance, now)
        for trigger, moment in self.triggers(instance, now):
            self.examine(instance, trigger, moment, depth + 1)
            try:
                after = step(self.kernel, instance, trigger, self.actor, moment)
            except Fault as fault:
                self.found.add(fault.code, fault.span.start, depth + 1)
                continue
            except Rejected:
                continue
            self.note(after)
            self.compare_logs(instance, after.after, trigger, depth + 1)
            if after.after == instance and not after.effects:
                continue
            target = self.visit(after.after, moment, depth + 1, queue)
            self.edges[key].add(target)
            if isinstance(trigger, Outcome):
                self.unaided[key].add(target)

    # ------------------------------------------------------------ the environment

    def triggers(self, instance: Instance, now: datetime) -> Iterator[tuple[Trigger, datetime]]:
        if instance.finished:
            return
        due = [max(armed.due, now) for armed in instance.due()]
        longest = 3 if instance.compensating else 0
        if due:
            longest = max((due[-1] - now) // SECOND, 0) if instance.compensating else (due[0] - now) // SECOND
        for trigger in self.untimed(instance):
            for wait in range(longest + 1):
                yield trigger, now + wait * SECOND
        if due and not instance.compensating:
            for armed, moment in zip(instance.due(), due, strict=True):
                if moment == due[0]:
                    yield Fired(armed.timer), moment

    def untimed(self, instance: Instance) -> Iterator[Trigger]:
        kernel = self.kernel
        current = {call.key for call in instance.calls}
        for call in instance.calls:
            yield from self.answers(call.key, call.activity, kernel.outcomes(kernel.activity[call.activity]))
        for entry in instance.log:
            if entry.in_flight and entry.key not in current:
                errors = tuple(failure.name for failure in kernel.activity[entry.activity].fails)
                yield from self.answers(entry.key, entry.activity, ("done", *errors, "interrupted"))
        if instance.undoing is not None and instance.undoing.running is not None:
            yield Outcome(instance.undoing.running, "done")
        for item in instance.tasks:
            for values in payloads(tuple(p.type for p in kernel.task[item.task].form)):
                yield Completion(item.task, values)
        waiting = {name for place in instance.configuration for name in kernel.leaf[place].defers}
        for event in kernel.events:
            if not self.deferring and (instance.compensating or event.name in waiting):
                continue
            for values in payloads(tuple(p.type for p in event.params)):
                if Event(event.name, values) not in instance.deferred:
                    yield Event(event.name, values)

    def answers(self, key: str, name: str, outcomes: tuple[str, ...]) -> Iterator[Outcome]:
        result = self.kernel.activity[name].result
        for outcome in outcomes:
            values = domain(result) if outcome == "done" and result is not None else (None,)
            yield from (Outcome(key, outcome, value) for value in values)

    # ------------------------------------------------------------ what each instance and each step shows

    def note(self, after: Step) -> None:
        for taken in after.taken:
            if taken.command is not None:
                command = self.kernel.commands[taken.command]
                self.taken.add(command.span.start)
            for choice, index in taken.branches:
                self.entered.add(choice)
                self.taken.add(self.kernel.choice[choice].branches[index].span.start)
        self.entered.update(after.after.configuration)
        self.entered.update(leaf for leaf, _ in after.after.marks)

    def judge(self, instance: Instance, now: datetime, depth: int) -> None:
        """What is wrong with resting here."""
        kernel, found = self.kernel, self.found
        for claim in kernel.properties:
            try:
                match claim:
                    case Always() if holds(kernel, instance, claim.condition, now) is claim.negated:
                        found.add("F301", claim.span.start, depth)
                    case Reach() if claim.state in instance.configuration:
                        if claim.condition is None or holds(kernel, instance, claim.condition, now):
                            self.reached.add(claim.span.start)
                    case _:
                        pass
            except Fault as fault:
                found.add(fault.code, fault.span.start, depth)
        if instance.compensating or not instance.configuration:
            return
        leaf = kernel.leaf[instance.configuration[0]]
        effects = [kernel.activity[entry.activity].effect for entry in instance.log]
        if leaf.final:
            if any(entry.in_flight for entry in instance.log):
                found.add("F009", leaf.span.start, depth)
            if leaf.kind is LeafKind.FAILURE and any(isinstance(effect, Compensation) for effect in effects):
                found.add("F101", leaf.span.start, depth)
            if leaf.kind is LeafKind.FAILURE and Effect.IRREVERSIBLE in effects:
                found.add("F102", leaf.span.start, depth)
            return
        for call in instance.calls:
            for outcome in kernel.outcomes(kernel.activity[call.activity]):
                if (leaf.name, On(TriggerKind.OUTCOME, outcome)) not in kernel.answering:
                    found.add("F008", leaf.span.start, depth + 1)
        for item in instance.tasks:
            if (leaf.name, On(TriggerKind.TASK, item.task)) not in kernel.answering:
                found.add("F008", leaf.span.start, depth + 1)
        leaving = [armed for armed in instance.timers if self.leaves(instance, armed)]
        if not instance.calls and not leaving:
            accepted = any(
                self.accepts(instance, trigger, now)
                for trigger in self.untimed(instance)
                if isinstance(trigger, (Event, Completion))
            )
            if accepted and leaf.waits is None:
                found.add("F201", leaf.span.start, depth)
            if not accepted and not instance.timers:
                found.add("F003", leaf.span.start, depth)

    def leaves(self, instance: Instance, armed: Armed) -> bool:
        """Whether a timer takes the instance out of its configuration, if it fires.

        It does so too when the compensation it starts ends in a choice without a way on, which is F007's to say."""
        fired = Fired(armed.timer)
        try:
            after = step(self.kernel, instance, fired, self.actor, armed.due)
        except Fault:
            return False
        except Rejected:
            return any(isinstance(c.target, Undo) for c in enabled(self.kernel, instance, fired, armed.due))
        moved = [self.kernel.commands[taken.command] for taken in after.taken if taken.command is not None]
        return any(not isinstance(command.target, Stay) for command in moved)

    def accepts(self, instance: Instance, trigger: Trigger, now: datetime) -> bool:
        """Whether a command really answers a trigger: to its end, without a fault or a case left open."""
        try:
            return bool(enabled(self.kernel, instance, trigger, now)) and bool(
                step(self.kernel, instance, trigger, self.actor, now).taken
            )
        except (Fault, Rejected):
            return False

    def examine(self, instance: Instance, trigger: Trigger, now: datetime, depth: int) -> None:
        """Whether more than one command, or none of those written, answers a trigger; and so for the choices behind."""
        if instance.compensating:
            return
        try:
            commands = enabled(self.kernel, instance, trigger, now)
        except (Fault, Rejected):
            return
        place = instance.configuration[0]
        written = [*self.kernel.written((place,), asked(trigger), place)]
        if isinstance(trigger, Outcome) and trigger.key not in {call.key for call in instance.calls}:
            written = []  # it settles an interrupted call
        if len(commands) > 1:
            self.found.add("F006", written[0].span.start, depth)
        if written and not commands:
            self.found.add("F007", written[0].span.start, depth)
        if commands:
            payload = trigger.payload if isinstance(trigger, (Event, Completion)) else ()
            if isinstance(trigger, Outcome) and trigger.value is not None:
                payload = (trigger.value,)
            self.probe(commands[0], dict(instance.variables(self.kernel)), payload, now, depth)

    def compare_logs(self, before: Instance, after: Instance, trigger: Trigger, depth: int) -> None:
        """An irreversible entry that is gone, and not because its call answered with an error, was compensated over."""
        answered = trigger.key if isinstance(trigger, Outcome) and trigger.kind.startswith("err") else None
        left = {entry.key for entry in after.log}
        for entry in before.log:
            effect = self.kernel.activity[entry.activity].effect
            if effect is Effect.IRREVERSIBLE and entry.key not in left and entry.key != answered:
                self.found.add("F102", self.kernel.activity[entry.activity].span.start, depth)

    def probe(
        self, command: Command, values: dict[str, Value], payload: tuple[Value, ...], now: datetime, depth: int
    ) -> None:
        """Follow a command through its choices, looking at every guard."""
        kernel = self.kernel
        for variable in kernel.data:
            if variable.name not in values and variable.initial is not None:
                values[variable.name] = evaluate(variable.initial, Scope({}, now))
        params = {p.name: value for p, value in zip(command.params, payload, strict=False)}
        try:
            for update in command.updates:
                value = evaluate(update.value, Scope(values, now, params))
                values[update.name] = within(value, kernel.variable[update.name].type, update.span)
            self.branches(command.target, values, now, depth)
        except Fault:
            return

    def branches(self, target: Target, values: dict[str, Value], now: datetime, depth: int) -> None:
        from penstock.compiler.evaluate import Scope

        while not isinstance(target, Stay) and target.node in self.kernel.choice:  # a compensation changes no data
            choice = self.kernel.choice[target.node]
            open_ = [b for b in choice.branches if b.guard is not None and evaluate(b.guard, Scope(values, now))]
            if len(open_) > 1:
                self.found.add("F006", choice.span.start, depth)
            open_ = open_ or [b for b in choice.branches if b.guard is None]
            if not open_:
                self.found.add("F007", choice.span.start, depth)
                return
            for update in open_[0].updates:
                value = evaluate(update.value, Scope(values, now))
                values[update.name] = within(value, self.kernel.variable[update.name].type, update.span)
            target = open_[0].target

    # ------------------------------------------------------------ what only the whole shows

    def conclude(self) -> None:
        kernel, found = self.kernel, self.found
        found.instances = len(self.depth)
        places = {node.name: node.span for node in kernel.leaves} | {node.name: node.span for node in kernel.choices}
        for name, span in places.items():
            if name not in self.entered:
                found.add("F001", span.start, 0)
        ways = [(command.scope, command.span) for command in kernel.commands[1:]]
        ways += [(choice.name, branch.span) for choice in kernel.choices for branch in choice.branches]
        for _, span in ways:
            if span.start not in self.taken:
                found.add("F002", span.start, 0)
        found.asked = {span.start for place, span in ways if place in self.entered}
        for claim in kernel.properties:
            if isinstance(claim, Reach) and claim.span.start not in self.reached:
                found.add("F301", claim.span.start, 0)
        for activity in kernel.activities:
            if activity.effect is Effect.UNDECLARED:
                found.add("F101", activity.span.start, 0)
        self.completion()
        self.livelocks()

    def completion(self) -> None:
        """F004: everything that cannot come to a final, by going backwards from the finals."""
        back: dict[object, set[object]] = {key: set() for key in self.edges}
        for key, targets in self.edges.items():
            for target in targets:
                back[target].add(key)
        alive, stack = set(self.finals), list(self.finals)
        while stack:
            for key in back[stack.pop()]:
                if key not in alive:
                    alive.add(key)
                    stack.append(key)
        for key, depth in self.depth.items():
            if key not in alive:
                self.found.add("F004", self.kernel.span.start, depth)

    def livelocks(self) -> None:
        """F005: a cycle of nothing but answers: what remains when nodes without a way on are taken away, for ever."""
        degree = {key: len(targets) for key, targets in self.unaided.items()}
        back: dict[object, set[object]] = {key: set() for key in self.edges}
        for key, targets in self.unaided.items():
            for target in targets:
                back[target].add(key)
        stack = [key for key, number in degree.items() if number == 0]
        left = set(degree)
        while stack:
            key = stack.pop()
            left.discard(key)
            for before in back[key]:
                degree[before] -= 1
                if degree[before] == 0:
                    stack.append(before)
        if left:
            self.found.add("F005", self.kernel.span.start, min(self.depth[key] for key in left))


def asked(trigger: Trigger) -> On:
    """What a command answers to, of a trigger."""
    match trigger:
        case Outcome():
            return On(TriggerKind.OUTCOME, trigger.kind)
        case Event():
            return On(TriggerKind.EVENT, trigger.name)
        case Completion():
            return On(TriggerKind.TASK, trigger.task)
        case Fired():
            return On(TriggerKind.TIMER, trigger.timer)


def canonical(instance: Instance, now: datetime) -> object:
    """An instance up to the names of calls, with times relative to now (what is overdue is overdue)."""
    position = {entry.key: index for index, entry in enumerate(instance.log)}
    undoing = instance.undoing
    return (
        instance.configuration,
        instance.values,
        instance.finished,
        undoing and (undoing.mark, undoing.node, undoing.running is None),
        tuple((e.activity, e.args, e.status, e.in_flight, e.result) for e in instance.log),
        tuple((c.activity, c.args, position.get(c.key)) for c in instance.calls),
        tuple((item.task, item.roles) for item in instance.tasks),
        tuple((armed.timer, max((armed.due - now) // SECOND, 0)) for armed in instance.timers),
        instance.deferred,
        instance.marks,
        instance.completed,
    )


def enumerate_flow(kernel: Kernel, limit: int = 4000, deferring: bool = True) -> Verdicts:
    """Every check decided by enumeration; without `deferring`, events are only sent where they need not wait.

    Raises TooLarge when the flow has more than `limit` instances."""
    return Search(kernel, limit, deferring).run()
