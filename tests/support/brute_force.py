"""Plain enumeration of a small flow: a Kernel in; what is wrong with it, where, and how many steps show it, out.

It shares with the checker nothing but the reference interpreter: no abstraction, no merging but of instances that are
equal up to the names of their calls and what nobody looks at any more, every value of every domain, every whole second
a timer leaves open (or every part of one). Each check is decided from its definition in docs/language.md. Meant for
flows of `random_flows`: small domains, and few instants.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import product
from typing import NamedTuple, TypeVar

from brute_calls import Begun, counted
from brute_values import EPOCH, INSTANTS, LONGEST, SECOND, TooLarge, domain, moments, payloads, relative
from penstock.compiler.evaluate import Fault, Scope, evaluate, rests, within
from penstock.compiler.instance import (
    Actor,
    Armed,
    Call,
    Completion,
    Delegation,
    Event,
    Fired,
    Instance,
    Outcome,
    Rejected,
    Step,
    Trigger,
    Withdraw,
)
from penstock.compiler.kernel import (
    DONE,
    FAILED,
    TIMEOUT,
    Branch,
    Choice,
    Command,
    Configuration,
    Goto,
    Kernel,
    Leaf,
    LeafKind,
    On,
    Place,
    Stay,
    Target,
    TriggerKind,
    Undo,
)
from penstock.compiler.simulate import enabled, holds, outputs, start, step
from penstock.dsl.model import (
    Activity,
    Always,
    Assign,
    Compensation,
    Effect,
    Elapsed,
    Expr,
    InstantType,
    LeadsTo,
    Literal,
    Now,
    Reach,
    Ref,
    Standing,
    Update,
    Value,
)
from penstock.dsl.source import Span
from penstock.dsl.walk import nodes

SINCE = 4 * SECOND
"""So long it is waited where no timer ends the wait: no timer that counts from elsewhere takes more."""

Seen = tuple[object, str | tuple[Trigger, timedelta]]
"""An instance, and what comes to it: a trigger, and so much later."""


@dataclass
class Verdicts:
    """Findings as (code, offset of the place) -> the number of triggers (the start counts) of the shortest run."""

    refuted: dict[tuple[str, int], int] = field(default_factory=dict[tuple[str, int], int])
    # F004 and F105 once more, where events are only sent if they need not wait
    prompt: dict[tuple[str, int], int] = field(default_factory=dict[tuple[str, int], int])
    # F001, F002 and F202 are about these: what lies in, and the transitions of, what is entered
    asked: set[int] = field(default_factory=set[int])
    uncounted: set[int] = field(default_factory=set[int])  # places of `leads to`, whose runs are not the shortest
    blocked: bool = False  # nobody is left for a task
    turns: bool = False  # it does itself with some input smaller each time, but not always the same one
    undecided: bool = False  # whether a promise of a time is kept was not found out
    instances: int = 0
    rests: dict[object, tuple[Instance, datetime]] = field(default_factory=dict[object, tuple[Instance, datetime]])
    came: dict[object, Seen] = field(default_factory=dict[object, Seen])
    here: Seen = (None, "")  # the instance being looked at, and what comes to it
    shown: dict[tuple[str, int], Seen] = field(default_factory=dict[tuple[str, int], Seen])

    def add(self, code: str, place: int, depth: int) -> None:
        if (code, place) not in self.refuted:
            self.refuted[code, place] = depth
            self.shown[code, place] = self.here

    def run(self, found: tuple[str, int]) -> list[str]:
        """The triggers that show a finding, as far as one run shows it."""
        return self.way(*self.shown[found])

    def way(self, key: object, last: str | tuple[Trigger, timedelta] = "") -> list[str]:
        """The triggers that lead to an instance, and what comes to it."""
        steps = [last]
        while key in self.came:
            key, trigger = self.came[key]
            steps.append(trigger)
        told = (step if isinstance(step, str) else f"{step[0]} {step[1] / SECOND:g}s later" for step in reversed(steps))
        return [step for step in told if step]


class Way(NamedTuple):
    """An edge: whether it can be one of infinitely many, and what goes on through it."""

    target: object
    drives: bool
    lasting: frozenset[object]


Queue = deque[tuple[object, Instance, datetime, int]]
"""Keys and instances that are still to be expanded, with when they are and how many triggers lead to them."""


class Search:
    """Breadth-first over the instances of one kernel; `run` gives the verdicts. Raises TooLarge."""

    def __init__(self, kernel: Kernel, limit: int, waiting: int = 1, tick: timedelta = SECOND) -> None:
        self.kernel = kernel
        self.tick = tick  # how finely it looks at time
        self.finely = tick < SECOND
        self.waiting = waiting  # of equal events so many are sent where they have to wait
        self.limit = limit
        self.found = Verdicts()
        self.depth: dict[object, int] = {}
        self.edges: dict[object, set[object]] = {}
        self.prompt: dict[object, set[object]] = {}  # those but where an event is sent that has to wait
        self.waited = False  # whether there are such others
        self.ways: dict[object, list[Way]] = {}  # the same edges, with what `leads to` asks of them
        self.instances: dict[object, tuple[Instance, datetime]] = {}
        self.begun: list[object] = []  # what the starts lead to
        self.unaided: dict[object, set[object]] = {}  # edges made by answers of calls alone: no event, task or timer
        self.instant: dict[object, set[object]] = {}  # by answers and timers, without any time
        self.finals: set[object] = set()
        self.successes: set[object] = set()
        self.given_up: list[tuple[int, object, object]] = []  # after the pivot: the place, from what, to what
        undone = (each.effect for each in kernel.activities if isinstance(each.effect, Compensation))
        self.handed = [value.span for compensation in undone for value in compensation.values]
        self.taken: set[int] = set()  # offsets of transitions and branches taken
        self.entered: set[str] = set()
        self.fired: set[str] = set()  # timers that came, whatever came of it
        self.reached: set[int] = set()  # offsets of `reach` properties satisfied
        self.places: dict[object, tuple[str, ...]] = {}
        turned = (replace(choice, branches=choice.branches[::-1]) for choice in kernel.choices)
        self.turned = replace(kernel, choices=tuple(turned))
        self.anybody = self.actor = Actor("somebody", frozenset(kernel.roles))
        self.trying: tuple[Instance, Trigger, datetime] | None = None  # the step being looked at; None: a start
        self.made: Step | Fault | Rejected | None = None  # what comes of it
        self.undone = 0  # how many compensations it has been followed through, the one under way before included
        self.computed = {activity.name for activity in kernel.activities if computes(activity)}
        self.told = {part.activity for part in nodes(kernel.properties) if isinstance(part, Standing)}
        self.calls = Begun(kernel)
        self.promises = any(isinstance(claim, LeadsTo) for claim in kernel.properties)
        timed = (kernel.commands, kernel.choices, kernel.scopes, kernel.leaves, kernel.activities)
        self.timeless = not any(isinstance(part, Now | Elapsed) for part in nodes(timed))
        self.asked = longest_asked(kernel)  # how long after the start a property asks
        self.calendar = calendar(kernel)  # what the flow knows of the calendar, the first moment before the others

    def run(self) -> Verdicts:
        queue: Queue = deque()
        for inputs in payloads(tuple(v.type for v in self.kernel.inputs), self.finely):
            given = {v.name: value for v, value in zip(self.kernel.inputs, inputs, strict=True)}
            nowhere = Instance((), (), EPOCH)
            self.found.here = None, f"start {given}"
            for starter, begin in product(self.starters(), self.begins()):
                first = self.started(inputs, starter, begin)
                self.undone = 0
                self.probe(self.kernel.commands[0], nowhere, dict(given), (), begin, 1)
                if isinstance(first, Fault):
                    self.faulted(first, 1)
                    continue
                if isinstance(first, Rejected):
                    self.stuck(first, 1)
                    continue
                self.note(first)
                self.calls.note(None, first.after)
                self.perform(None, None, first.after, 1)
                self.begun.append(self.visit(first.after, begin, 1, queue))
        while queue:
            self.expand(*queue.popleft(), queue)
        self.conclude()
        return self.found

    def started(self, inputs: tuple[Value, ...], starter: Actor, now: datetime) -> Step | Fault | Rejected:
        """What comes of a start, which is the step being looked at from now on."""
        self.trying = None
        try:
            self.made = start(self.kernel, inputs, starter, now)
        except (Fault, Rejected) as error:
            self.made = error
        return self.made

    def visit(self, instance: Instance, now: datetime, depth: int, queue: Queue) -> object:
        key = self.canonical(instance, now)
        if key not in self.depth:
            if len(self.depth) >= self.limit:
                raise TooLarge(f"more than {self.limit} instances")
            self.depth[key] = depth
            self.edges[key], self.prompt[key], self.ways[key] = set(), set(), []
            self.unaided[key], self.instant[key] = set(), set()
            self.instances[key] = instance, now
            self.places[key] = instance.configuration
            self.found.came[key] = self.found.here
            if instance.finished:
                self.finals.add(key)
                ends = [self.kernel.leaf[leaf].kind for leaf in instance.configuration]
                self.successes.update([key] if LeafKind.FINAL in ends else [])
            self.judge(instance, now, depth)
            queue.append((key, instance, now, depth))
        return key

    def expand(self, key: object, instance: Instance, now: datetime, depth: int, queue: Queue) -> None:
        tried: dict[Trigger, bool] = {}  # whether anything came of it; if not, nothing does at any other time
        for trigger, wait in self.triggers(instance, now):
            if self.timeless and not tried.get(trigger, True):
                continue
            came = False
            for actor in self.actors(instance, trigger):
                self.actor = actor
                self.found.here = key, (trigger, wait * self.tick)
                first = trigger not in tried or not self.timeless
                came |= self.attempt(instance, trigger, now + wait * self.tick, depth, queue, first)
            tried[trigger] = came

    def attempt(
        self, instance: Instance, trigger: Trigger, moment: datetime, depth: int, queue: Queue, first: bool
    ) -> bool:
        """One step of an instance; whether anything comes of it. first: there is more to see than a moment before."""
        key, came = self.found.here
        self.trying, self.made = (instance, trigger, moment), None
        if first:
            self.examine(instance, trigger, moment, depth + 1)
        after = self.tried()
        if isinstance(after, Fault):
            self.faulted(after, depth + 1)
            return False
        if isinstance(after, Rejected):
            self.stuck(after, depth + 1)
            return False
        self.note(after)
        self.calls.note(instance, after.after)
        self.turn(instance, trigger, moment, after, depth + 1)
        self.compare_logs(instance, after.after, trigger, depth + 1)
        self.perform(instance, trigger, after.after, depth + 1)
        if after.after == instance and not after.effects:
            return False
        target = self.visit(after.after, moment, depth + 1, queue)
        self.edges[key].add(target)
        waits = isinstance(trigger, Event) and len(after.after.deferred) > len(instance.deferred)
        if waits:
            self.waited = True
        else:
            self.prompt[key].add(target)
        if self.promises:
            self.ways[key].append(Way(target, self.drives(instance, trigger, after), self.lasting(instance, after)))
        if isinstance(trigger, (Outcome, Fired)) and came == (trigger, timedelta(0)):
            self.instant[key].add(target)
        if isinstance(trigger, Outcome):
            self.unaided[key].add(target)
            self.give_up(instance, trigger, after, target)
        return True

    def canonical(self, instance: Instance, now: datetime) -> object:
        """An instance up to the names of calls and what nobody looks at, with times relative to now (of what is overdue
        only the order counts)."""
        overdue = sorted({armed.due for armed in instance.timers if armed.due <= now})
        left = {armed.due: armed.due - now for armed in instance.timers}
        left |= {due: index * self.tick - len(overdue) * self.tick for index, due in enumerate(overdue, 1)}
        position = {entry.key: index for index, entry in enumerate(instance.log)}
        undoing, kept = instance.undoing, self.computed
        return (
            instance.configuration,
            relative(instance.values, now),
            instance.finished,
            undoing and (undoing.mark, undoing.node, undoing.running is None),
            tuple(
                (e.activity, e.status, e.in_flight, (e.args, e.result) if e.activity in kept else None)
                for e in instance.log
            ),
            tuple(
                (
                    c.activity,
                    c.args if c.activity in kept else None,
                    position.get(c.key),
                    c.leaf,
                    c.item,
                    c.answer,
                    c.result,
                )
                for c in instance.calls
            ),
            tuple((item.task, item.roles, item.reminders) for item in instance.tasks),
            tuple((armed.timer, left[armed.due]) for armed in instance.timers),
            tuple((event.name, relative(event.payload, now)) for event in instance.deferred),
            instance.marks,
            instance.completed & self.told,
            instance.history,
            tuple((place, min(now - moment, LONGEST)) for place, moment in instance.moments),
            min(now - instance.started, self.asked),
            min(now, self.calendar[-1] + SECOND) if self.calendar else None,
        )

    def begins(self) -> Iterator[datetime]:
        """When it may be started: any time, and at and about all moments that the flow knows; so long before that the
        deadline can pass, and other timers, too, where it is looked at more closely."""
        if not self.calendar:
            yield EPOCH
            return
        written = None if self.kernel.deadline is None else self.kernel.deadline.after
        lasts = written.value if isinstance(written, Literal) and isinstance(written.value, timedelta) else SECOND
        now = self.calendar[0] - max(SINCE, lasts) - (LONGEST if self.tick < SECOND else timedelta(0))
        while now <= self.calendar[-1] + SECOND:
            yield now
            now += self.tick

    def patience(self, instance: Instance, now: datetime) -> timedelta:
        """So much later it may matter how late it is, where no timer ends the wait."""
        known = [moment + SECOND - now for moment in (*self.calendar[-1:], *moments(instance.values))]
        asked = self.asked - (now - instance.started)
        return max(SINCE if instance.moments else timedelta(0), *known, asked, timedelta(0))

    def ticks(self, most: timedelta) -> range:
        """The moments of so long a time, each so many ticks from now."""
        return range(most // self.tick + 1)

    def tried(self) -> Step | Fault | Rejected:
        """What comes of the step being looked at."""
        assert self.trying is not None, "not of a start"
        if self.made is None:
            instance, trigger, now = self.trying
            try:
                self.made = step(self.kernel, instance, trigger, self.actor, now)
            except (Fault, Rejected) as error:
                self.made = error
        return self.made

    # ------------------------------------------------------------ who acts: of no concern here, but to `brute_people`

    def starters(self) -> tuple[Actor, ...]:
        return (Actor("starter"),)

    def actors(self, instance: Instance, trigger: Trigger) -> tuple[Actor, ...]:
        """All who may do it, as far as it matters who: everybody may what the person may that a task is for."""
        if isinstance(trigger, Completion):
            persons = next(item.persons for item in instance.tasks if item.task == trigger.task)
            if persons:
                return (replace(self.anybody, id=persons[0]),)
        return (self.anybody,)

    def perform(self, before: Instance | None, trigger: Trigger | None, after: Instance, depth: int) -> None:
        """What is wrong with who did it."""

    def drives(self, instance: Instance, trigger: Trigger, after: Step) -> bool:
        """Whether infinitely many steps can be such: calls are settled and undone only as often as made, and what a
        compensation leads on to may make some anew."""
        if any(taken.entered for taken in after.taken):
            return True
        commands = [self.kernel.commands[taken.command] for taken in after.taken if taken.command is not None]
        stays = not commands or all(isinstance(command.target, Stay) for command in commands)
        late = isinstance(trigger, Outcome) and all(call.key != trigger.key for call in instance.calls)
        return not stays and not late

    # ------------------------------------------------------------ the environment

    def triggers(self, instance: Instance, now: datetime) -> Iterator[tuple[Trigger, int]]:
        """What may come next, and so many ticks later."""
        if instance.finished:
            return
        due = [armed.due for armed in instance.due()]
        longest = self.patience(instance, now)
        if due and instance.compensating:
            longest = max(due[-1] - now, longest)
        elif due:
            longest = max(due[0], now) - now
        for trigger in self.untimed(instance):
            for wait in self.ticks(longest):
                yield trigger, wait
        if due and not instance.compensating:
            for armed in (armed for armed in instance.due() if armed.due == due[0]):
                self.fired.add(armed.timer)
                yield Fired(armed.timer), longest // self.tick

    def untimed(self, instance: Instance) -> Iterator[Trigger]:
        kernel = self.kernel
        current = {call.key for call in instance.calls}
        for call in running(instance):
            yield from self.answers(call.key, call.activity, kernel.outcomes(kernel.activity[call.activity]))
        for entry in instance.log:
            if entry.in_flight and entry.key not in current:
                activity = kernel.activity[entry.activity]
                errors = tuple(failure.name for failure in activity.fails)
                late = () if activity.flow else ("interrupted",)  # a sub-flow is done, or has undone itself
                yield from self.answers(entry.key, entry.activity, ("done", *errors, *late))
        if instance.undoing is not None and instance.undoing.running is not None:
            yield Outcome(instance.undoing.running, "done")
        for item in instance.tasks:
            for values in payloads(tuple(p.type for p in kernel.task[item.task].form), self.finely):
                yield Completion(item.task, values)
        for event in kernel.events:
            for values in payloads(tuple(p.type for p in event.params), self.finely):
                trigger = Event(event.name, values)
                waits = instance.deferred.count(trigger)
                if waits < max(self.waiting, 1) and (self.waiting or not self.waits(instance, trigger)):
                    yield trigger

    def waits(self, instance: Instance, event: Event) -> bool:
        """Whether an event has to wait here."""
        if instance.compensating:
            return True
        try:
            answered = enabled(self.kernel, instance, event, EPOCH)
        except Fault:
            return False
        return not answered and self.kernel.deferred(instance.configuration, event.name)

    def answers(self, key: str, name: str, outcomes: tuple[str, ...]) -> Iterator[Outcome]:
        result = self.kernel.activity[name].result
        for outcome in outcomes:
            values = domain(result, self.finely) if outcome == "done" and result is not None else (None,)
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
            self.entered.update(taken.entered)

    def stuck(self, rejected: Rejected, depth: int) -> None:
        """F007, also where a join or a group without items leads to it."""
        if rejected.span is not None:
            self.found.add("F007", rejected.span.start, depth)

    def faulted(self, fault: Fault, depth: int) -> None:
        """F401 to F403, and F104 for what an argument of a compensation reads."""
        code = "F104" if fault.code == "F402" and self.of_handing(fault) else fault.code
        self.found.add(code, fault.span.start, depth)

    def give_up(self, instance: Instance, trigger: Outcome, after: Step, target: object) -> None:
        """Whether a call that used up its attempts answers a state, when something irreversible may have happened."""
        call = next((call for call in running(instance) if call.key == trigger.key), None)
        if call is None or trigger.kind not in {TIMEOUT, FAILED} or self.kernel.activity[call.activity].flow:
            return
        if after.taken and any(self.kernel.activity[e.activity].effect is Effect.IRREVERSIBLE for e in instance.log):
            source, _ = self.found.here
            self.given_up.append((self.kernel.leaf[call.leaf].span.start, source, target))

    def turn(self, instance: Instance, trigger: Trigger, now: datetime, after: Step, depth: int) -> None:
        """F006 of a choice that a join, an empty group or a deferred event leads to: were its branches written the
        other way round, another would be taken."""
        if not any(taken.branches for taken in after.taken[1:]):
            return
        try:
            other = step(self.turned, instance, trigger, self.actor, now)
        except (Fault, Rejected):
            return
        ways = [[each for taken in run.taken for each in taken.branches] for run in (after, other)]
        for (name, index), (again, turned) in zip(*ways, strict=False):
            choice = self.kernel.choice[name]
            if name != again or index != len(choice.branches) - 1 - turned:
                self.found.add("F006", choice.span.start, depth)
                return

    def judge(self, instance: Instance, now: datetime, depth: int) -> None:
        """What is wrong with resting here."""
        kernel, found = self.kernel, self.found
        for claim, moment in product(kernel.properties, self.while_there(instance, now)):
            try:
                match claim:
                    case Always() if holds(kernel, instance, claim.condition, moment) is claim.negated:
                        found.add("F301", claim.span.start, depth)
                    case Reach() if rests(instance.configuration, claim.state):
                        if claim.condition is None or holds(kernel, instance, claim.condition, moment):
                            self.reached.add(claim.span.start)
                    case _:
                        pass
            except Fault as fault:
                found.add(fault.code, fault.span.start, depth)
        if instance.undoing is not None:
            for entry in instance.log[instance.undoing.mark :]:
                if kernel.activity[entry.activity].effect is Effect.IRREVERSIBLE:
                    found.add("F102", kernel.activity[entry.activity].span.start, depth)
        if instance.compensating or not instance.configuration:
            return
        if instance.finished:
            self.judge_end(instance, depth)
            return
        for call in running(instance):
            for outcome in kernel.outcomes(kernel.activity[call.activity]):
                if (call.leaf, On(TriggerKind.OUTCOME, outcome)) not in kernel.answering:
                    found.add("F008", kernel.leaf[call.leaf].span.start, depth)
        for item in instance.tasks:
            if (kernel.home[item.task], On(TriggerKind.TASK, item.task)) not in kernel.answering:
                found.add("F008", kernel.place[kernel.home[item.task]].span.start, depth)
        if not running(instance) and not any(self.leaves(instance, armed) for armed in instance.timers):
            accepted = any(
                self.accepts(instance, trigger, now)
                for trigger in self.untimed(instance)
                if isinstance(trigger, (Event, Completion))
            )
            place = kernel.leaf[instance.configuration[0]].span.start
            states = [leaf for leaf in instance.configuration if kernel.leaf[leaf].kind is LeafKind.STATE]
            waiting = states or [instance.configuration[0]]
            if accepted and any(all(kernel.place[p].waits is None for p in kernel.above(leaf)) for leaf in waiting):
                found.add("F201", place, depth)
            if not accepted and not instance.timers:
                found.add("F003", place, depth)

    def while_there(self, instance: Instance, now: datetime) -> tuple[datetime, ...]:
        """When a property is asked of an instance: as long as it may rest there, where it matters how late it is."""
        if not self.asked or instance.finished:
            return (now,)
        due = min((max(armed.due, now) for armed in instance.due()), default=None)
        longest = self.patience(instance, now) if due is None or instance.compensating else due - now
        return tuple(now + wait * self.tick for wait in self.ticks(longest))

    def judge_end(self, instance: Instance, depth: int) -> None:
        """What is wrong with having finished like this."""
        leaf = self.kernel.leaf[instance.configuration[0]]
        effects = [self.kernel.activity[entry.activity].effect for entry in instance.log]
        if any(entry.in_flight for entry in instance.log):
            self.found.add("F009", leaf.span.start, depth)
        if leaf.kind is LeafKind.FINAL and any(e.status == "maybe" and not e.in_flight for e in instance.log):
            self.found.add("F103", leaf.span.start, depth)
        if leaf.kind is LeafKind.FAILURE and any(isinstance(effect, Compensation) for effect in effects):
            self.found.add("F101", leaf.span.start, depth)
        if leaf.kind is LeafKind.FAILURE and Effect.IRREVERSIBLE in effects:
            self.found.add("F102", leaf.span.start, depth)

    def leaves(self, instance: Instance, armed: Armed) -> bool:
        """Whether a timer takes the instance out of its configuration, if it fires.

        It does so too when the compensation it starts, of something, ends in a choice without a way on, which is F007's
        to say."""
        fired = Fired(armed.timer)
        try:
            after = step(self.kernel, instance, fired, self.actor, armed.due)
        except Fault:
            return False
        except Rejected:
            commands = enabled(self.kernel, instance, fired, armed.due)
            return bool(instance.log) and any(isinstance(command.target, Undo) for command in commands)
        moved = [self.kernel.commands[taken.command] for taken in after.taken if taken.command is not None]
        return any(not isinstance(command.target, Stay) for command in moved)

    def accepts(self, instance: Instance, trigger: Trigger, now: datetime) -> bool:
        """Whether a command really answers a trigger: to its end, without a fault or a case left open."""
        try:
            return bool(enabled(self.kernel, instance, trigger, now)) and any(
                step(self.kernel, instance, trigger, actor, now).taken for actor in self.actors(instance, trigger)
            )
        except (Fault, Rejected):
            return False

    def examine(self, instance: Instance, trigger: Trigger, now: datetime, depth: int) -> None:
        """Whether more than one command, or none of those written, answers a trigger; and so for the choices behind."""
        if instance.undoing is not None:
            self.undone = 1
            if isinstance(trigger, Outcome) and not self.undoes_more():
                with suppress(Fault):
                    values = dict(instance.variables(self.kernel))
                    self.walk("", Goto(instance.undoing.node), instance, values, now, depth)
            return
        try:
            commands = enabled(self.kernel, instance, trigger, now)
        except (Fault, Rejected):
            return
        call = next((c for c in running(instance) if isinstance(trigger, Outcome) and c.key == trigger.key), None)
        written = self.kernel.written(instance.configuration, asked(trigger), "" if call is None else call.leaf)
        if isinstance(trigger, Outcome) and (call is None or self.waits_for_others()):
            return
        if len(commands) > 1:
            self.found.add("F006", commands[0].span.start, depth)
        if written and not commands and not self.passed_over(instance, trigger):
            self.found.add("F007", written[0].span.start, depth)
        if commands:
            self.undone = 0
            payload = trigger.payload if isinstance(trigger, (Event, Completion)) else ()
            if isinstance(trigger, Outcome) and call is not None and trigger.kind == DONE:
                payload = self.brought(instance, call, trigger.value)
            self.probe(commands[0], instance, dict(instance.variables(self.kernel)), payload, now, depth)

    def undoes_more(self) -> bool:
        """Whether the last of the compensations followed is under way after what is being tried, or has been stopped by
        what it hands on; if not, it comes to where it leads."""
        made = self.made if self.trying is None else self.tried()
        if isinstance(made, Fault):
            return self.of_handing(made)
        if not isinstance(made, Step) or not made.after.compensating:
            return False
        return sum(taken.command is None for taken in made.taken) < self.undone

    def of_handing(self, fault: Fault) -> bool:
        """Whether an argument of a compensation has faulted."""
        return any(span.start <= fault.span.start and fault.span.end <= span.end for span in self.handed)

    def brought(self, instance: Instance, call: Call, value: Value) -> tuple[Value, ...]:
        """What an answer brings: its result, of a sub-flow its outputs, or the results of all of its group."""
        activity = self.kernel.activity[call.activity]
        if activity.result is None:
            return ()
        if call.item is None:
            return outputs(activity, (value,))
        group = [other for other in instance.calls if other.leaf == call.leaf]
        return (tuple(value if c == call else c.result for c in group if c == call or c.answer == DONE),)

    def passed_over(self, instance: Instance, trigger: Trigger) -> bool:
        """Whether an event is ignored or deferred where no command answers it."""
        where = instance.configuration
        return isinstance(trigger, Event) and (
            self.kernel.ignored(where, trigger.name) or self.kernel.deferred(where, trigger.name)
        )

    def waits_for_others(self) -> bool:
        """Whether the answer being looked at leaves the group of its call waiting."""
        made = self.tried()
        return isinstance(made, Step) and not made.taken

    def compare_logs(self, before: Instance, after: Instance, trigger: Trigger, depth: int) -> None:
        """An irreversible entry that is gone, and not because its call answered with an error, was compensated over."""
        errors = {(e.key, f.name) for e in before.log for f in self.kernel.activity[e.activity].fails}
        answered = trigger.key if isinstance(trigger, Outcome) and (trigger.key, trigger.kind) in errors else None
        left = {entry.key for entry in after.log}
        for entry in before.log:
            effect = self.kernel.activity[entry.activity].effect
            if effect is Effect.IRREVERSIBLE and entry.key not in left and entry.key != answered:
                self.found.add("F102", self.kernel.activity[entry.activity].span.start, depth)

    def probe(
        self,
        command: Command,
        instance: Instance,
        values: dict[str, Value],
        payload: tuple[Value, ...],
        now: datetime,
        depth: int,
    ) -> None:
        """Follow a command through choices and starts, looking at every guard."""
        for variable in self.kernel.data:
            if variable.name not in values and variable.initial is not None:
                values[variable.name] = evaluate(variable.initial, Scope({}, now))
        params = {p.name: value for p, value in zip(command.params, payload, strict=False)}
        scope = Scope(values, now, params, configuration=instance.configuration)
        try:
            self.assign(command.updates, scope, values)
            self.walk(command.scope, command.target, instance, values, now, depth)
        except Fault:
            return

    def assign(self, updates: tuple[Update, ...], scope: Scope, values: dict[str, Value]) -> None:
        for update in updates:
            if isinstance(update, Assign):
                value = evaluate(update.value, scope)
                values[update.name] = within(value, self.kernel.variable[update.name].type, update.span)
            else:  # what a message takes along may stop the step
                for arg, type in self.kernel.carried(update):
                    within(evaluate(arg, scope), type, arg.span)

    def walk(
        self, home: str, target: Target, instance: Instance, values: dict[str, Value], now: datetime, depth: int
    ) -> None:
        """The choices and starts behind a target of a place, and behind the joins and the groups without items that it
        comes to."""
        followed: set[tuple[str, On]] = set()
        vacant: list[str] = []
        while (entered := self.enter(home, target, instance, values, now, depth)) is not None:
            around, new = entered
            vacant = [leaf for leaf in vacant if leaf in around] + new
            instance, join = replace(instance, configuration=around), self.kernel.joined(around)
            if join is not None:
                assert join.on is not None, "a join answers to something"
                home, on = join.scope, join.on
            elif vacant:
                home, on = vacant.pop(0), On(TriggerKind.OUTCOME, DONE)
            else:
                return
            if (home, on) in followed:
                return
            followed.add((home, on))
            scope = Scope(values, now, configuration=around)
            if join is not None:
                self.assign(join.updates, scope, values)
                target = join.target
            elif (after := self.vacant(self.kernel.leaf[home], scope, values, depth)) is not None:
                target = after
            else:
                return

    def enter(
        self, home: str, target: Target, instance: Instance, values: dict[str, Value], now: datetime, depth: int
    ) -> tuple[Configuration, list[str]] | None:
        """The configuration that a target of a place leads to, and which of the leaves it enters are groups without
        items. None: to none, or to where a compensation goes on first."""
        kernel, scope = self.kernel, Scope(values, now, configuration=instance.configuration)
        around, resumed = instance.configuration, dict(instance.history)
        goal: str | None = None
        entered: list[str] = []
        todo: list[Target] = [target]
        while todo:
            target = todo.pop(0)
            if isinstance(target, Stay):
                return around, []
            if isinstance(target, Undo):  # it changes no data, and ends nowhere
                self.undone += 1
                if self.undoes_more():
                    return None
                home, around, scope = "", (), Scope(values, now)
            if target.node in kernel.choice:
                branch = self.branch(kernel.choice[target.node], scope, depth)
                if branch is None:
                    return None
                self.assign(branch.updates, scope, values)
                todo.insert(0, branch.target)
                continue
            goal = goal or target.node
            place = kernel.scope.get(target.node)
            if place is None:
                entered.append(target.node)
            elif isinstance(target, Goto) and target.resume and place.name in resumed:
                entered += resumed[place.name]
            elif place.start is None:
                todo[:0] = [Goto(region) for region in kernel.inside[place.name]]
            else:
                self.assign(place.start.updates, scope, values)
                todo.insert(0, place.start.target)
        assert goal is not None, "what neither stays nor compensates leads somewhere"
        kept = [leaf for leaf in around if kernel.domain(home, goal) not in kernel.above(leaf)]
        calls = ((leaf, call.each) for leaf in entered if (call := kernel.leaf[leaf].call) is not None)
        after = Scope(values, now, configuration=(*kept, *entered))
        groups = ((leaf, each) for leaf, each in calls if each is not None)
        inside = (kernel.place[name] for leaf in entered for name in kernel.above(leaf) if name)
        for timer in (timer for each in inside if goal in (each.name, *each.path) for timer in each.timers):
            if (moment := timer.at or timer.after) is not None:  # what a timer is armed with may stop the step
                evaluate(moment, after)
        return (*kept, *entered), [leaf for leaf, each in groups if evaluate(each.items, after) == ()]

    def vacant(self, leaf: Leaf, scope: Scope, values: dict[str, Value], depth: int) -> Target | None:
        """Where a group without items leads: it is done at once, with no results."""
        written = self.kernel.answering.get((leaf.name, On(TriggerKind.OUTCOME, DONE)), ())
        scopes = [replace(scope, params={param.name: () for param in command.params}) for command in written]
        pairs = list(zip(written, scopes, strict=True))
        open_ = [(c, s) for c, s in pairs if not c.otherwise and (c.guard is None or evaluate(c.guard, s) is True)]
        if len(open_) > 1:
            self.found.add("F006", written[0].span.start, depth)
        open_ = open_ or [(c, s) for c, s in pairs if c.otherwise]
        if not open_:
            if written:  # else F008 speaks of it, or F001, if it never has any items
                self.found.add("F007", leaf.span.start, depth)
            return None
        command, inner = open_[0]
        self.assign(command.updates, inner, values)
        return command.target

    def branch(self, choice: Choice, scope: Scope, depth: int) -> Branch | None:
        open_ = [b for b in choice.branches if b.guard is not None and evaluate(b.guard, scope)]
        if len(open_) > 1:
            self.found.add("F006", choice.span.start, depth)
        open_ = open_ or [b for b in choice.branches if b.guard is None]
        if not open_:
            self.found.add("F007", choice.span.start, depth)
        return next(iter(open_), None)

    # ------------------------------------------------------------ what only the whole shows

    def conclude(self) -> None:
        kernel, found = self.kernel, self.found
        found.here = None, ""
        found.instances, found.rests = len(self.depth), self.instances
        places = [place for place in kernel.place.values() if place.name]
        entered: list[Place | Choice] = [*places, *kernel.choices]
        for node in entered:
            if node.name not in self.entered:
                found.add("F001", node.span.start, 0)
        found.asked.update(place.span.start for place in places if self.entered.issuperset(place.path))
        found.asked.update(choice.span.start for choice in kernel.choices)
        self.entered.add("")
        ways: list[tuple[str, Span]] = []
        for command in kernel.commands[1:]:
            on = command.on
            if on is not None and on.kind is TriggerKind.TIMER and on.name not in self.fired:
                place = kernel.answering[command.scope, on][0].span.start
                found.add("F202", place, 0)
                found.asked.update([place] if command.scope in self.entered else [])
                found.add("F002", command.span.start, 0)
            else:
                ways.append((command.scope, command.span))
        ways += [(choice.name, branch.span) for choice in kernel.choices for branch in choice.branches]
        for _, span in ways:
            if span.start not in self.taken:
                found.add("F002", span.start, 0)
        found.asked.update(span.start for place, span in ways if place in self.entered)
        for claim in kernel.properties:
            if isinstance(claim, Reach) and claim.span.start not in self.reached:
                found.add("F301", claim.span.start, 0)
        for activity in kernel.activities:
            if activity.effect is Effect.UNDECLARED:
                found.add("F101", activity.span.start, 0)
        for code, place in self.calls.refuted(self.entered):
            found.add(code, place, 0)
        found.turns = self.calls.turns
        self.completion()
        self.fragility()
        self.without_waiting()
        self.livelocks()
        for claim in kernel.properties:
            if isinstance(claim, LeadsTo):
                self.leads(claim)

    def leads(self, claim: LeadsTo) -> None:
        """F301 of `A leads to B`: a run that comes to A and then ends, waits or goes round without B."""
        without = {key for key in self.depth if not self.true(claim.goal, key)}
        begun = self.begun if claim.trigger is None else self.depth
        inner = {key for key in begun if key in without and (not claim.trigger or self.true(claim.trigger, key))}
        todo = list(inner)
        while todo:
            for way in self.ways[todo.pop()]:
                if way.target in without and way.target not in inner:
                    inner.add(way.target)
                    todo.append(way.target)
        stuck = [key for key in inner if self.may_stay(*self.instances[key])]
        rounds = [key for group in self.groups(inner) if self.goes_round(group) for key in group]
        self.found.uncounted.add(claim.span.start)
        for key in sorted((*stuck, *rounds), key=lambda key: self.depth[key])[:1]:
            self.found.here = key, "and for ever"
            self.found.add("F301", claim.span.start, self.depth[key])

    def true(self, condition: Expr, key: object) -> bool:
        try:
            return holds(self.kernel, self.instances[key][0], condition, self.instances[key][1])
        except Fault:
            return True

    def may_stay(self, instance: Instance, now: datetime) -> bool:
        """Whether nothing has to happen: what people and others send need never come."""
        ticking = any(self.kernel.timer[armed.timer].task is None for armed in instance.timers)
        busy = instance.compensating and not self.undone_for_ever(instance)
        return instance.finished or not (busy or self.prompt_calls(instance) or (ticking and not instance.compensating))

    def undone_for_ever(self, instance: Instance) -> bool:
        """Whether the compensation that runs is tried again for ever, and so may never succeed."""
        if instance.undoing is None or instance.undoing.running is None:
            return False
        effect = self.kernel.activity[instance.log[-1].activity].effect
        return isinstance(effect, Compensation) and effect.retry.attempts is None

    def prompt_calls(self, instance: Instance) -> tuple[Call, ...]:
        """The calls that are answered in time: not those that wait for other instances, behind a breaker or a limit, or
        are tried again for ever."""

        def prompt(activity: Activity) -> bool:
            return activity.breaker is None and activity.limit is None and (counted(activity) or activity.flow)

        return tuple(call for call in running(instance) if prompt(self.kernel.activity[call.activity]))

    def lasting(self, before: Instance, made: Step) -> frozenset[object]:
        """The timers and calls that go on through a step, and end it all some time: but no deadline that a compensation
        puts off, for what comes at the moment when that is over may come before it, again and again; nor a timer that
        begins anew, though for the same moment."""
        after, entered = made.after, {place for taken in made.taken for place in taken.entered}

        def begins(name: str) -> bool:
            timer = self.kernel.timer[name]
            return timer.at is None and entered.issuperset({self.kernel.home[name], timer.since} - {None})

        put_off = before.compensating or after.compensating
        armed = () if put_off else [each for each in before.timers if not begins(each.timer)]
        timers = {(each.timer, each.due) for each in armed} & {(each.timer, each.due) for each in after.timers}
        calls = {call.key for call in self.prompt_calls(before)} & {call.key for call in running(after)}
        places = {(call.leaf, call.item) for call in before.calls if call.key in calls}
        return frozenset({timer for timer, _ in timers} | places)

    def groups(self, inner: set[object]) -> list[set[object]]:
        """The instances that lead to each other, in groups."""
        reached: dict[object, set[object]] = {}
        for home in inner:
            found, todo = set[object](), [home]
            while todo:
                for way in self.ways[todo.pop()]:
                    if way.target in inner and way.target not in found:
                        found.add(way.target)
                        todo.append(way.target)
            reached[home] = found
        groups = {frozenset(o for o in reached[key] if key in reached[o]) for key in inner if key in reached[key]}
        return [set(group) for group in groups]

    def goes_round(self, group: set[object]) -> bool:
        """Whether a run can go round in a group for ever: not if something lasts all the time, which ends in time."""
        ways = [way for key in group for way in self.ways[key] if way.target in group]
        lasting = set(ways[0].lasting)
        for way in ways:
            lasting &= way.lasting
        return any(way.drives for way in ways) and not lasting

    def fragility(self) -> None:
        """F105: where a call gave up after the pivot and no success can be come to."""
        alive = reaching(self.successes, self.edges)
        for place, source, target in self.given_up:
            if target not in alive:
                self.found.add("F105", place, self.depth[source] + 1)

    def without_waiting(self) -> None:
        """F004 and F105 once more, in what there is of the graph if no event is sent that has to wait."""
        prompt = self.found.prompt
        if not self.waited:
            prompt |= {found: depth for found, depth in self.found.refuted.items() if found[0] in {"F004", "F105"}}
            return
        depth: dict[object, int] = dict.fromkeys(self.begun, 1)
        todo = deque(depth)
        while todo:
            key = todo.popleft()
            for target in self.prompt[key] - depth.keys():
                depth[target] = depth[key] + 1
                todo.append(target)
        edges = {key: self.prompt[key] for key in depth}
        alive = reaching(self.finals & depth.keys(), edges)
        lost = [key for key in depth if key not in alive]
        if lost:
            told = [key for key in lost if self.places[key]] or lost
            prompt["F004", self.kernel.span.start] = min(depth[key] for key in told)
        alive = reaching(self.successes & depth.keys(), edges)
        for place, source, target in self.given_up:
            if source in depth and target not in alive:
                prompt["F105", place] = min(depth[source] + 1, prompt.get(("F105", place), depth[source] + 1))

    def completion(self) -> None:
        """F004: everything that cannot come to a final, by going backwards from the finals."""
        alive = reaching(self.finals, self.edges)
        lost = [key for key in self.depth if key not in alive]
        told = [key for key in lost if self.places[key]] or lost  # rather at rest than while it compensates
        for key in sorted(told, key=lambda key: self.depth[key]):
            self.found.here = key, ""
            self.found.add("F004", self.kernel.span.start, self.depth[key])

    def livelocks(self) -> None:
        """F005: a cycle of nothing but answers, and timers that are due at once: it is left when instances without a
        way on are taken away, for ever.

        The run that shows it goes there and once round it."""
        shown: dict[object, int] = {}
        for edges in (self.unaided, self.instant):
            for key in self.endless(edges):
                steps = self.round(key, edges)
                if steps is not None:
                    shown[key] = min(self.depth[key] + steps, shown.get(key, self.depth[key] + steps))
        if shown:
            first = min(shown, key=lambda key: shown[key])
            self.found.here = first, "and round"
            self.found.add("F005", self.kernel.span.start, shown[first])

    @staticmethod
    def endless(edges: dict[object, set[object]]) -> set[object]:
        """The instances from which a run can go on for ever over some edges."""
        degree = {key: len(targets) for key, targets in edges.items()}
        back: dict[object, set[object]] = {key: set() for key in edges}
        for key, targets in edges.items():
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
        return left

    @staticmethod
    def round(home: object, edges: dict[object, set[object]]) -> int | None:
        """The fewest edges that lead from an instance back to it."""
        steps, todo = {home: 0}, deque([home])
        while todo:
            key = todo.popleft()
            for target in edges[key]:
                if target == home:
                    return steps[key] + 1
                if target not in steps:
                    steps[target] = steps[key] + 1
                    todo.append(target)
        return None


def longest_asked(kernel: Kernel) -> timedelta:
    """A second more than the longest time from the start that a property compares with; nothing: none does."""
    claims = tuple(claim for claim in kernel.properties if any(isinstance(part, Elapsed) for part in nodes(claim)))
    known = (part.value for part in nodes(claims) if isinstance(part, Literal))
    return max((value + SECOND for value in known if isinstance(value, timedelta)), default=timedelta(0))


def calendar(kernel: Kernel) -> list[datetime]:
    """The moments that are written where it matters when something comes, and those from outside, in their order."""
    parts = tuple(nodes((kernel.commands, kernel.choices, kernel.scopes, kernel.leaves, kernel.data)))
    known = {part.value for part in parts if isinstance(part, Literal)}
    given = nodes((kernel.inputs, kernel.events, kernel.activities, tuple(kernel.task.values())))
    outside = INSTANTS if any(isinstance(part, InstantType) for part in given) else ()
    return sorted({*(value for value in known if isinstance(value, datetime)), *outside})


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
        case Delegation() | Withdraw():
            raise AssertionError("no command answers it")


def running(instance: Instance) -> tuple[Call, ...]:
    return tuple(call for call in instance.calls if not call.answer)


def computes(activity: Activity) -> bool:
    """Whether anything is computed of what a call was given and brought, once it has ended: nobody looks at them
    otherwise, for no check is about what a compensation is called with."""
    undone = activity.effect.values if isinstance(activity.effect, Compensation) else ()
    return bool(activity.ensures) or not all(isinstance(value, Ref) for value in undone)


T = TypeVar("T")


def reaching(goals: Collection[T], edges: Mapping[T, Iterable[T]]) -> set[T]:
    """What can come to one of these."""
    back: dict[T, list[T]] = {key: [] for key in edges}
    for key, targets in edges.items():
        for target in targets:
            back[target].append(key)
    alive, stack = set(goals), list(goals)
    while stack:
        for key in back[stack.pop()]:
            if key not in alive:
                alive.add(key)
                stack.append(key)
    return alive
