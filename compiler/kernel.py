"""The kernel: the one lowered form of a flow, and what it means.

`lower` makes a Kernel of a Flow; the interpreter, the checks, the generated code and the pictures all derive from it.

A kernel is typed variables, a tree of **places**, and commands. Inner places are **scopes**: the flow itself (""),
states with states in them, parallel states and their regions; the others are **leaves**. Names are whole paths,
`Review.Legal.Waiting`. A **configuration** is the tuple of active leaves in the order of the text: one, or one for each
region of an active parallel state. A **command** is `scope x trigger x guard -> updates x target`.

Meaning (K1 to K8 of docs/language.md). An instance is, at rest: a configuration; values of inputs and data; the
**compensation log**; the calls of its leaves; open tasks; armed timers; deferred events; savepoint marks; where states
were left that some `resume` names, and when states were entered that some timer counts from; who acted; a counter of
calls and tasks; and, while it compensates, where to go afterwards. `step` takes one trigger:

1.  Finished instances reject events and tasks (`finished`) and ignore every other trigger, but `Withdraw` (8).
2.  An **outcome** names its call by key. For a current call it is a trigger of the call's leaf, whose commands include
    what is written further out and not in between. For an interrupted call that is still in flight it *settles* the
    log entry: `done` stores the result and marks it done, a declared error removes it, anything else leaves it `maybe`;
    in each case it is no longer in flight. For the compensation being run it pops that entry and the compensation goes
    on. Any other key is stale: no change. Only `done` is an answer of a compensation, and only what the leaf has a
    command for of a call: else `unhandled`. Of `done` the result is checked, type and `ensures`: else `payload`. An
    entry that leaves the log lowers the marks above it by one.
    -   *A sub-flow*, which may be the flow itself, answers `done` with a record of its outputs, and the payload of the
        trigger is these, one by one; or `failed`, a declared error: it has undone itself. It is never `interrupted`.
    -   *A call for each item*: a leaf with `do for` has a call for every item, all at once. It needs all of them, or
        as many as `until N done` says (of fewer items, all). An answer first updates its log entry. When as many are
        done as are needed, the leaf's trigger is `done` with the list of their results in the order of the items; when
        a failure leaves too few that are done or may still be, the trigger is that failure; else nothing but the log
        and the call has changed. The trigger ends the group: calls that still run are interrupted.
3.  An **event** or **task completion** is checked in this order: payload types (`payload`), task open (`closed`), role
    or person (`role`), `except` (`excluded`). A **delegation** as well: by somebody entitled, and neither who delegates
    nor to whom may be excluded; then the task is for that one person alone, until it is escalated (again); `payload` if
    there is no such task at all, or it is delegated to the empty id. While compensating, an event waits: it is
    deferred. Otherwise, of the places in the paths of the active leaves those count that say anything of it (a command,
    `ignore` or `defer`) and have no such place inside them: *inner over outer*. The enabled command among them, else
    `ignore`, else `defer`, else `Rejected("unhandled")`, with no change. An `else` is enabled if no guard written
    beside it holds. Two regions that both answer are F006 (the interpreter takes the command written first). Of one
    event at most so many wait at a time as it says (`most`): one more is `Rejected("full")`.
4.  A **timer** that is not armed, or not due, is stale: no change; so is the deadline while compensating. One that no
    command is enabled for is `unhandled` (the checks refute it).
5.  A command: an outcome first updates the log (`done` marks the entry done with its result, a declared error removes
    it, `timeout` and `failed` leave it `maybe`, no longer in flight), a fired timer is disarmed, a completed task is
    closed (which cancels its escalations and reminders) and its actor remembered under its name. Then the updates run
    in order (an `emit` or `send` is an effect, its arguments evaluated there and then), and choices are followed (their
    updates run as they are passed) to `stay`, a compensation, or a place. `in S` in a guard is about the configuration
    before the command.
    -   *Stay*: nothing is left or entered; timers and tasks go on. A group that answered is over all the same.
    -   *Goto*: the place the way leads to, choices passed, is the **goal**. A scope is entered at its start (updates
        run, choices are followed; a parallel state at the start of each region in turn), until leaves are reached;
        `resume S` at the leaves S was last left at before this command, if it ever was, else at its start. All this
        comes before anything is left. What is left and entered lies strictly inside the **domain** of command and goal:
        the innermost scope that contains the goal, without being it, and contains or is the command's place. So an
        outer state is not left by going from one of its states to another, nor by its own command into it; going to
        itself leaves and enters it. First leave: interrupt the calls of the leaves (an entry stays `maybe`, in flight,
        until it is settled; a readonly call has no entry), cancel timers, close tasks, each in the order they began.
        Then enter, outer before inner, regions in the order of the text: set the savepoint mark to the length of the
        log, note the moment, arm timers in the order written, open tasks (excluding the remembered actors, but never
        nobody's empty id), start the call or calls: the key is `activity#n`, `n` counting calls and tasks of the
        instance from 1 (a task's is `task#n`); unless readonly, an entry marked `maybe`, in flight, is pushed on the
        log.
    -   *Goto final* (of the flow): leave all, cancel the deadline, drop the deferred events (each an effect), finish.
        The final of a region is a leaf in which nothing happens any more, and with it the region is over: when it is
        entered, the region's own timers are cancelled and its own tasks closed, and what is written at the region
        answers nothing until it is entered again.
    -   *Compensate*: leave every state, all regions included; the configuration is empty while it lasts. Then, newest
        first, whichever region it began in, down to the mark (of `since M` the last entry to M, else the bottom; also
        the bottom if M was never entered): an entry in flight waits to be settled; an irreversible one is dropped (the
        checks refute that); any other starts its compensation, whose success pops it. At the mark the target is
        entered, as by a Goto from the flow itself. Nothing interrupts this (K6): outside events are deferred, and so is
        the deadline: it stays armed; if it fell due meanwhile, its timer is armed again (the effect follows those of
        the entry) when the target has been entered.
6.  At rest after a command or the target of a compensation, not compensating and not finished, further steps follow in
    the same transaction, until there is none:
    -   a **join** of an active parallel state, the innermost first, of several the one written first: of the joins it
        has a command for, `any failure` once a region is in a `final failure`, else `all done`, `N done` (the larger N
        first), `any done` by the regions that are in another final;
    -   a group of calls that was entered without items: `done([])`, which is `unhandled` where no command is enabled;
    -   the oldest deferred event that the configuration now has an enabled command for, or ignores.
    A join or an empty group that comes a second time in one transaction is a Fault (F005).
7.  An update out of its type's range, a read of `none`, a division by zero, a task `for person` with an empty id, more
    items than `at most`, a choice passed twice by one command is a Fault: no change (the checks refute it).
8.  **Withdraw** comes from a parent whose `do flow` started the instance, and undoes it all: nothing if an irreversible
    entry stands or the instance has failed; else, from any configuration and from a finished one, compensate down to
    the bottom, and finish as a failure in the configuration `()`; a compensation under way goes on to that end.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import StrEnum
from functools import cached_property

from ..dsl.model import (
    Accept,
    Activity,
    ActivityCall,
    Compensation,
    Emit,
    EnumType,
    Escalation,
    Event,
    Expr,
    Message,
    Parameter,
    Property,
    RecordType,
    Scenario,
    Schedule,
    Send,
    Task,
    TextType,
    Type,
    Update,
    Variable,
)
from ..dsl.source import Source, Span
from ..dsl.values import dataclass
from ..dsl.walk import nodes

Configuration = tuple[str, ...]

DONE, TIMEOUT, FAILED = "done", "timeout", "failed"


class LeafKind(StrEnum):
    STATE = "state"
    FINAL = "final"  # of the flow, as FAILURE is
    FAILURE = "failure"
    REGION_DONE = "region done"  # a final of a region
    REGION_FAILED = "region failed"


class ScopeKind(StrEnum):
    FLOW = "flow"
    STATE = "state"
    PARALLEL = "parallel"
    REGION = "region"


class TriggerKind(StrEnum):
    OUTCOME = "outcome"
    EVENT = "event"
    TASK = "task"
    TIMER = "timer"
    JOIN = "join"


ANY_FAILURE, ALL_DONE, ANY_DONE = "any failure", "all done", "any done"  # and "2 done": the names of joins


@dataclass(frozen=True, slots=True)
class On:
    """What a command answers to: an outcome (`done`, `timeout`, `failed`, a declared error) of its leaf's call, an
    event or task by name, a timer by id, a join of its parallel state."""

    kind: TriggerKind
    name: str


@dataclass(frozen=True, slots=True)
class Timer:
    """`id` is unique in the flow (`Approval.after1`, `deadline`, `Approval.review.escalate1`). Exactly one of
    `after` and `at` is set. An escalation's timer has no command: it adds `escalation.role` to the open task. Nor has
    a reminder's (`Approval.review.remind`): it is armed again, so long after it fired, unless that was the last.
    `since`: counted from the last entry to that place before it is armed; of a place never entered, from then."""

    id: str
    after: Expr | None
    at: Expr | None
    span: Span
    escalates: tuple[str, Escalation] | None = None  # (task name, escalation)
    since: str | None = None
    reminds: str | None = None  # of the task of this name

    @property
    def task(self) -> str | None:
        """The task that it belongs to: it is cancelled with it, and leads nowhere."""
        return self.reminds if self.escalates is None else self.escalates[0]


@dataclass(frozen=True, slots=True)
class Goto:
    node: str  # a place or a choice
    resume: bool = False  # where the place was last left


@dataclass(frozen=True, slots=True)
class Undo:
    since: str | None
    node: str


@dataclass(frozen=True, slots=True)
class Stay:
    pass


Target = Goto | Undo | Stay


@dataclass(frozen=True, slots=True)
class Command:
    """`id` counts from 0 (the start command) in the order of the text. `scope` is the place it counts for: where it is
    written, but for outcomes the leaf of the call, and for a task the place of the task, also if it is written further
    out. So a written transition may make several commands (`on failed`), all with its `span`, which identifies it."""

    id: int
    scope: str  # "" for the start command and the deadline
    on: On | None  # None for the start command
    params: tuple[Parameter, ...]  # the payload: names as bound here (`_` for an unused one), types as declared
    guard: Expr | None
    otherwise: bool
    updates: tuple[Update, ...]
    target: Target
    doc: str
    span: Span


@dataclass(frozen=True, slots=True)
class Branch:
    """`guard` None is the `else`."""

    guard: Expr | None
    updates: tuple[Update, ...]
    target: Goto | Undo
    span: Span


@dataclass(frozen=True, slots=True)
class Choice:
    name: str
    branches: tuple[Branch, ...]
    doc: str
    span: Span


@dataclass(frozen=True, slots=True)
class Place:
    """What leaves and scopes have in common."""

    name: str  # the whole path, `Outer.Inner`
    path: tuple[str, ...]  # the names of the enclosing scopes, outermost first, the flow left out
    tasks: tuple[Task, ...]
    timers: tuple[Timer, ...]  # armed on entry
    ignores: frozenset[str]
    defers: frozenset[str]
    waits: str | None
    accepts: tuple[Accept, ...]
    doc: str
    span: Span


@dataclass(frozen=True, slots=True)
class Leaf(Place):
    kind: LeafKind
    call: ActivityCall | None

    @property
    def final(self) -> bool:
        """Whether the flow ends here."""
        return self.kind in {LeafKind.FINAL, LeafKind.FAILURE}


@dataclass(frozen=True, slots=True)
class Scope(Place):
    """`start` is passed on entry; a parallel state has none, nor has the flow (its start is a command)."""

    kind: ScopeKind
    start: Branch | None


@dataclass(frozen=True)
class Kernel:
    name: str
    version: int
    doc: str
    enums: tuple[EnumType, ...]
    inputs: tuple[Variable, ...]
    data: tuple[Variable, ...]
    roles: tuple[str, ...]
    events: tuple[Event, ...]
    activities: tuple[Activity, ...]
    compensations: tuple[Compensation, ...]  # by name, each once
    scopes: tuple[Scope, ...]  # the flow itself first, outer before inner
    leaves: tuple[Leaf, ...]
    choices: tuple[Choice, ...]
    commands: tuple[Command, ...]  # commands[0] is the start
    properties: tuple[Property, ...]
    scenarios: tuple[Scenario, ...]
    accepts: tuple[Accept, ...]
    source: Source
    span: Span
    records: tuple[RecordType, ...] = ()
    messages: tuple[Message, ...] = ()
    outputs: tuple[Variable, ...] = ()
    schedules: tuple[Schedule, ...] = ()

    @cached_property
    def parts(self) -> tuple[object, ...]:
        """All that it is made of, each before its parts."""
        return tuple(nodes(self))

    @cached_property
    def guards(self) -> Mapping[Span, Expr]:
        """The guards of all transitions, and of all branches of choices, by where these are written."""
        written = [(command.span, command.guard) for command in self.commands]
        written += [(branch.span, branch.guard) for choice in self.choices for branch in choice.branches]
        return {span: guard for span, guard in written if guard is not None}

    @cached_property
    def leaf(self) -> Mapping[str, Leaf]:
        return {leaf.name: leaf for leaf in self.leaves}

    @cached_property
    def scope(self) -> Mapping[str, Scope]:
        return {scope.name: scope for scope in self.scopes}

    @cached_property
    def place(self) -> Mapping[str, Place]:
        """Scopes, then leaves."""
        return {place.name: place for place in (*self.scopes, *self.leaves)}

    @cached_property
    def inside(self) -> Mapping[str, tuple[str, ...]]:
        """The places directly inside a scope, in the order of the text."""
        found: dict[str, list[Place]] = {scope.name: [] for scope in self.scopes}
        for place in self.place.values():
            if place.name:
                found[place.path[-1] if place.path else ""].append(place)
        return {name: tuple(p.name for p in sorted(inner, key=lambda p: p.span.start)) for name, inner in found.items()}

    @cached_property
    def recursive(self) -> frozenset[str]:
        """The leaves that do the flow itself."""
        calls = ((leaf.name, leaf.call) for leaf in self.leaves)
        return frozenset(n for n, c in calls if c and c.activity == self.name and self.activity[c.activity].flow)

    @property
    def deadline(self) -> Timer | None:
        """The flow's own timer."""
        return next(iter(self.scopes[0].timers), None)

    @cached_property
    def choice(self) -> Mapping[str, Choice]:
        return {choice.name: choice for choice in self.choices}

    @cached_property
    def activity(self) -> Mapping[str, Activity]:
        return {activity.name: activity for activity in self.activities}

    @cached_property
    def message(self) -> Mapping[str, Message]:
        return {message.name: message for message in self.messages}

    @cached_property
    def sends(self) -> Mapping[tuple[str, str], tuple[Parameter, ...]]:
        """The messages to other flows: (flow, event), and what the event takes."""
        return {(each.flow, each.event): each.params for each in self.updates() if isinstance(each, Send)}

    def carried(self, message: Emit | Send) -> tuple[tuple[Expr, Type], ...]:
        """What a message takes along, each with the type it has to fit; of one that is sent, the key last."""
        if isinstance(message, Emit):
            params = self.message[message.message].params
            return tuple((arg, param.type) for arg, param in zip(message.args, params, strict=True))
        pairs = zip(message.args, message.params, strict=True)
        return (*((arg, param.type) for arg, param in pairs), (message.key, TextType()))

    def updates(self) -> Iterator[Update]:
        """Every update that is written."""
        for command in self.commands:
            yield from command.updates
        for choice in self.choices:
            for branch in choice.branches:
                yield from branch.updates
        for scope in self.scopes:
            yield from () if scope.start is None else scope.start.updates

    @cached_property
    def event(self) -> Mapping[str, Event]:
        return {event.name: event for event in self.events}

    @cached_property
    def task(self) -> Mapping[str, Task]:
        return {task.name: task for place in reversed((*self.scopes, *self.leaves)) for task in place.tasks}

    @cached_property
    def timer(self) -> Mapping[str, Timer]:
        return {timer.id: timer for timer in self.timers()}

    @cached_property
    def rank(self) -> Mapping[str, int]:
        """The order of tasks and timers: the deadline, then outer ones, then those of leaves, as in the text."""
        places = [*self.scopes, *self.leaves]
        timers = (timer.id for place in places for timer in place.timers)
        names = (*(task.name for place in places for task in place.tasks), *timers)
        return {name: number for number, name in enumerate(dict.fromkeys(names))}

    @cached_property
    def variable(self) -> Mapping[str, Variable]:
        """Inputs, then data, as written: the order of an instance's values."""
        return {variable.name: variable for variable in (*self.inputs, *self.data)}

    @cached_property
    def targets(self) -> tuple[Target, ...]:
        """Wherever a command, a branch or the start of a scope leads, in no particular order."""
        starts = [scope.start.target for scope in self.scopes if scope.start is not None]
        branches = [branch.target for choice in self.choices for branch in choice.branches]
        return (*(command.target for command in self.commands), *branches, *starts)

    @cached_property
    def waiting(self) -> bool:
        """Whether an event may ever wait where an instance rests: some place defers it, or it came while a compensation
        was under way, and nothing handles it where that led."""
        return any(p.defers for p in self.place.values()) or any(isinstance(target, Undo) for target in self.targets)

    @cached_property
    def savepoints(self) -> frozenset[str]:
        """The places that some `compensate since` names."""
        return frozenset(t.since for t in self.targets if isinstance(t, Undo) and t.since is not None)

    @cached_property
    def resumed(self) -> frozenset[str]:
        """The places that some `resume` names."""
        return frozenset(target.node for target in self.targets if isinstance(target, Goto) and target.resume)

    @cached_property
    def counted(self) -> frozenset[str]:
        """The places that some timer counts from, but for those that are entered when it is armed."""
        return frozenset(timer.since for timer in self.timers() if timer.since is not None)

    @cached_property
    def home(self) -> Mapping[str, str]:
        """The place of each timer and of each task, by its id or name."""
        timers = {timer.id: place.name for place in self.place.values() for timer in place.timers}
        return timers | {task.name: place.name for place in self.place.values() for task in place.tasks}

    @cached_property
    def answering(self) -> Mapping[tuple[str, On], tuple[Command, ...]]:
        """The commands of a place for a trigger, in the order of the text. Absent: none is written."""
        table: dict[tuple[str, On], list[Command]] = {}
        for command in self.commands:
            if command.on is not None:
                table.setdefault((command.scope, command.on), []).append(command)
        return {key: tuple(commands) for key, commands in table.items()}

    @cached_property
    def scoped(self) -> Mapping[str, tuple[Command, ...]]:
        """The commands of a place but the start, in the order of the text. Absent: it has none."""
        found: dict[str, list[Command]] = {}
        for command in self.commands:
            if command.on is not None:
                found.setdefault(command.scope, []).append(command)
        return {scope: tuple(commands) for scope, commands in found.items()}

    @cached_property
    def written_as(self) -> Mapping[Span, tuple[Command, ...]]:
        """The commands by the transition they were written as: `on failed` answers several outcomes, and what is
        written further out the outcomes of several leaves."""
        found: dict[Span, list[Command]] = {}
        for command in self.commands:
            found.setdefault(command.span, []).append(command)
        return {span: tuple(commands) for span, commands in found.items()}

    @cached_property
    def holder(self) -> Mapping[Span, str]:
        """The innermost place around all that a written transition counts for."""
        found: dict[Span, str] = {}
        for span, commands in self.written_as.items():
            around = [self.above(command.scope) for command in commands]
            found[span] = next(name for name in around[0] if all(name in each for each in around))
        return found

    @cached_property
    def held(self) -> Mapping[str, tuple[tuple[Command, ...], ...]]:
        """The written transitions by their holders."""
        found: dict[str, list[tuple[Command, ...]]] = {}
        for span, commands in self.written_as.items():
            found.setdefault(self.holder[span], []).append(commands)
        return {holder: tuple(written) for holder, written in found.items()}

    @cached_property
    def _above(self) -> Mapping[str, tuple[str, ...]]:
        return {name: (name, *reversed(place.path), "") if name else ("",) for name, place in self.place.items()}

    def above(self, name: str) -> tuple[str, ...]:
        """A place and the scopes around it, the innermost first, the flow last."""
        return self._above[name]

    def active(self, configuration: Configuration) -> frozenset[str]:
        """The leaves and every scope around them, the flow included."""
        return frozenset(name for leaf in configuration for name in self.above(leaf))

    def open(self, leaf: str) -> tuple[str, ...]:
        """A leaf and the scopes around it, innermost first, but for a region that is over."""
        over = self.leaf[leaf].kind in {LeafKind.REGION_DONE, LeafKind.REGION_FAILED}
        return self.above(leaf)[2:] if over else self.above(leaf)

    def answerable(self, configuration: Configuration, on: On) -> tuple[str, ...]:
        """The active places that count for an event: those that say anything of it and have no such place inside."""

        near = self._nearest.setdefault(on, {})
        nearest = tuple([near[leaf] if leaf in near else self.near(leaf, on) for leaf in configuration])
        found = self._outermost.get(nearest)
        if found is None:
            names = [name for name in dict.fromkeys(nearest) if name is not None]
            inner = (n for n in names if not any(n != other and n in self.above(other) for other in names))
            found = self._outermost[nearest] = tuple(inner)
        return found

    @cached_property
    def _nearest(self) -> dict[On, dict[str, str | None]]:
        return {}

    @cached_property
    def _outermost(self) -> dict[tuple[str | None, ...], tuple[str, ...]]:
        return {}

    def near(self, leaf: str, on: On) -> str | None:
        """The innermost place around a leaf, or it, that says anything of an event."""
        near = self._nearest.setdefault(on, {})
        if leaf not in near:
            places = ((name, self.place[name]) for name in self.open(leaf))
            said = (n for n, at in places if (n, on) in self.answering or on.name in at.ignores or on.name in at.defers)
            near[leaf] = next(said, None)
        return near[leaf]

    @cached_property
    def _written(self) -> dict[tuple[tuple[str, ...], On], tuple[Command, ...]]:
        return {}

    def written(self, configuration: Configuration, on: On, leaf: str = "") -> tuple[Command, ...]:
        """The commands that count for a trigger, in the order of the text; an outcome is of the call of `leaf`."""
        places = configuration
        if on.kind is TriggerKind.OUTCOME:
            places = (leaf,)
        elif on.kind is TriggerKind.EVENT:
            places = self.answerable(configuration, on)
        found = self._written.get((places, on))
        if found is None:
            said = on.kind in {TriggerKind.OUTCOME, TriggerKind.EVENT}
            around = places if said else self.active(configuration)
            commands = [command for place in around for command in self.answering.get((place, on), ())]
            found = self._written[places, on] = tuple(sorted(commands, key=lambda command: command.id))
        return found

    @cached_property
    def _joined(self) -> dict[Configuration, Command | None]:
        return {}

    def joined(self, configuration: Configuration) -> Command | None:
        """The join that is met, of several the one that comes first."""
        if configuration not in self._joined:
            ends = tuple([self._ends[leaf] for leaf in configuration])
            if ends not in self._joined_by:
                self._joined_by[ends] = self._join(configuration)
            self._joined[configuration] = self._joined_by[ends]
        return self._joined[configuration]

    @cached_property
    def _joined_by(self) -> dict[tuple[int, ...], Command | None]:
        return {}

    @cached_property
    def _ends(self) -> Mapping[str, int]:
        """All that a join asks of each leaf, as a number: what is around it, and whether and how its region is over."""
        over = {LeafKind.REGION_DONE, LeafKind.REGION_FAILED}
        asked = {leaf.name: (leaf.path, leaf.kind if leaf.kind in over else None) for leaf in self.leaves}
        numbers = {each: number for number, each in enumerate(dict.fromkeys(asked.values()))}
        return {name: numbers[each] for name, each in asked.items()}

    def _join(self, configuration: Configuration) -> Command | None:
        around = dict.fromkeys(name for leaf in configuration for name in self.leaf[leaf].path)
        for name in sorted(around, key=lambda name: -len(self.place[name].path)):
            ends = [self.leaf[leaf].kind for leaf in configuration if name in self.above(leaf)[2:3]]
            done = ends.count(LeafKind.REGION_DONE)
            met = [ANY_FAILURE] if LeafKind.REGION_FAILED in ends else []
            met += [ALL_DONE] if done == len(self.inside[name]) else []
            met += [*(f"{number} done" for number in range(done, 0, -1)), *([ANY_DONE] if done else [])]
            for join in met:
                for command in self.answering.get((name, On(TriggerKind.JOIN, join)), ()):
                    return command
        return None

    def ignored(self, configuration: Configuration, event: str) -> bool:
        on = On(TriggerKind.EVENT, event)
        return any(event in self.place[name].ignores for name in self.answerable(configuration, on))

    def deferred(self, configuration: Configuration, event: str) -> bool:
        on = On(TriggerKind.EVENT, event)
        return any(event in self.place[name].defers for name in self.answerable(configuration, on))

    @cached_property
    def _leaving(self) -> dict[tuple[Configuration, str], frozenset[str]]:
        return {}

    def leaving(self, configuration: Configuration, domain: str) -> frozenset[str]:
        """The active places strictly inside a domain."""
        found = self._leaving.get((configuration, domain))
        if found is None:
            around = (above for above in map(self.above, configuration) if domain in above[1:])
            left = frozenset(name for above in around for name in above[: above.index(domain)])
            found = self._leaving[configuration, domain] = left
        return found

    @cached_property
    def _domains(self) -> dict[tuple[str, str], str]:
        return {}

    def domain(self, scope: str, goal: str) -> str:
        """The innermost scope that contains the goal, without being it, and contains or is the command's place."""
        found = self._domains.get((scope, goal))
        if found is None:
            around = self.above(scope)
            found = self._domains[scope, goal] = next(name for name in self.above(goal)[1:] if name in around)
        return found

    @staticmethod
    def outcomes(activity: Activity) -> tuple[str, ...]:
        """The outcomes a flow may see of a call: parked activities only answer `done` and their declared errors."""
        declared = (DONE, *(failure.name for failure in activity.fails))
        return declared if activity.retry.park or activity.retry.attempts is None else (*declared, TIMEOUT, FAILED)

    def timers(self) -> Iterator[Timer]:
        """Every timer of the flow, the deadline last."""
        for place in (*self.leaves, *reversed(self.scopes)):
            yield from place.timers
