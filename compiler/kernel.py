"""The kernel: the one lowered form of a flow, and what it means.

`lower` makes a Kernel of a Flow; the interpreter, the checks, the generated code and the pictures all derive from it.

A kernel is typed variables, leaves, and commands. A **configuration** is a tuple of leaf names, one for each active
region (today always one: `("Charging",)`); a leaf knows its enclosing states (`path`) and its region, so nested states
and parallel regions widen the tables, not the meaning. A **command** is `leaf x trigger x guard -> updates x target`.

Meaning (K1 to K8 of docs/language.md). An instance is, at rest: a configuration; values of inputs and data; the
**compensation log**; at most one activity call a region; open tasks; armed timers; deferred events; savepoint marks;
who acted; a counter of calls and tasks; and, while it compensates, where to go afterwards. `step` takes one trigger:

1.  Finished instances reject events and tasks (`finished`) and ignore every other trigger.
2.  An **outcome** names its call by key. For the current call of the region it is a trigger of the leaf. For an
    interrupted call that is still in flight it *settles* the log entry: `done` stores the result and marks it done, a
    declared error removes it, anything else leaves it `maybe`; in each case it is no longer in flight. For the
    compensation being run it pops that entry and the compensation goes on. Any other key is stale: no change.
    Only `done` is an answer of a compensation, and only what the leaf has a command for of a call: else `unhandled`.
    Of `done` the result is checked, type and `ensures`: else `payload`. An entry that leaves the log lowers the marks
    above it by one.
3.  An **event** or **task completion** is checked in this order: payload types (`payload`), task open (`closed`), role
    (`role`), `except` (`excluded`). While compensating, an event waits: it is deferred. Otherwise: the leaf's enabled
    command, else its `ignore`, else its `defer`, else `Rejected("unhandled")`, with no change.
4.  A **timer** that is not armed, or not due, is stale: no change; so is the deadline while compensating. One that no
    command is enabled for is `unhandled` (the checks refute it).
5.  A command: an outcome first updates the log (`done` marks the entry done with its result, a declared error removes
    it, `timeout` and `failed` leave it `maybe`, no longer in flight), a fired timer is disarmed, a completed task is
    closed (which cancels its escalations) and its actor remembered under its name. Then the updates run in order, and
    choices are followed (their updates run as they are passed) to a leaf, `stay`, or a compensation.
    -   *Stay*: nothing is left or entered; timers and tasks of the leaf go on.
    -   *Goto leaf* (the same leaf included): leave, then enter. Leaving interrupts the current call (its entry stays
        `maybe`, in flight, until it is settled; a readonly call has no entry), cancels the leaf's timers, closes its
        tasks. Entering sets the leaf's savepoint mark to the length of the log, arms its timers in the order written,
        opens its tasks (excluding the remembered actors, but never nobody's empty id), and starts its call: the key is
        `activity#n`, `n` counting calls and tasks of the instance from 1 (a task's is `task#n`); unless readonly, an
        entry marked `maybe`, in flight, is pushed on the log.
    -   *Goto final*: leave, cancel the deadline, drop the deferred events (each an effect), finish.
    -   *Compensate*: leave; the configuration is empty while it lasts. Then, newest first, down to the mark (of `since
        M` the last entry to M, else the bottom; also the bottom if M was never entered): an entry in flight waits to be
        settled; an irreversible one is dropped (the checks refute that); any other starts its compensation, whose
        success pops it. At the mark the target is entered, choices followed. Nothing interrupts this (K6): outside
        events are deferred, and so is the deadline: it stays armed; if it fell due meanwhile, its timer is armed again
        (the effect follows those of the entry) when the target has been entered.
6.  At rest after a command or the target of a compensation, not compensating and not finished, deferred events are
    looked at in order of arrival; the first one that the configuration now has an enabled command for, or ignores, is
    handled as a further step in the same transaction; repeat until none is.
7.  An update out of its type's range, a read of `none`, a division by zero, a choice passed twice is a Fault: no change
    (the checks refute it).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property

from ..dsl.model import (
    Accept,
    Activity,
    ActivityCall,
    Assign,
    Compensation,
    EnumType,
    Escalation,
    Event,
    Expr,
    Parameter,
    Property,
    Scenario,
    Task,
    Variable,
)
from ..dsl.source import Source, Span

Configuration = tuple[str, ...]

DONE, TIMEOUT, FAILED = "done", "timeout", "failed"


class LeafKind(StrEnum):
    STATE = "state"
    FINAL = "final"
    FAILURE = "failure"


class TriggerKind(StrEnum):
    OUTCOME = "outcome"
    EVENT = "event"
    TASK = "task"
    TIMER = "timer"


@dataclass(frozen=True, slots=True)
class On:
    """What a command answers to: an outcome (`done`, `timeout`, `failed`, a declared error) of its leaf's call, an
    event or task by name, a timer by id."""

    kind: TriggerKind
    name: str


@dataclass(frozen=True, slots=True)
class Timer:
    """`id` is unique in the flow (`Approval.after1`, `deadline`, `Approval.review.escalate1`). Exactly one of
    `after` and `at` is set. An escalation's timer has no command: it adds `escalation.role` to the open task."""

    id: str
    after: Expr | None
    at: Expr | None
    span: Span
    escalates: tuple[str, Escalation] | None = None  # (task name, escalation)


@dataclass(frozen=True, slots=True)
class Goto:
    node: str  # a leaf or a choice


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
    """`id` counts from 0 (the start command) in the order of the text. A written transition that answers several
    outcomes (`on failed`) or stands in an outer scope (the deadline) makes one command for each leaf and trigger, all
    with its span: `span` identifies the written transition."""

    id: int
    leaf: str  # "" for the start command
    on: On | None  # None for the start command
    params: tuple[Parameter, ...]  # the payload: names as bound here (`_` for an unused one), types as declared
    guard: Expr | None
    otherwise: bool
    updates: tuple[Assign, ...]
    target: Target
    doc: str
    span: Span


@dataclass(frozen=True, slots=True)
class Branch:
    """`guard` None is the `else`."""

    guard: Expr | None
    updates: tuple[Assign, ...]
    target: Goto | Undo
    span: Span


@dataclass(frozen=True, slots=True)
class Choice:
    name: str
    branches: tuple[Branch, ...]
    doc: str
    span: Span


@dataclass(frozen=True, slots=True)
class Leaf:
    name: str
    kind: LeafKind
    path: tuple[str, ...]  # enclosing states, outermost first
    region: int
    call: ActivityCall | None
    tasks: tuple[Task, ...]
    timers: tuple[Timer, ...]  # armed on entry; the flow's deadline is the kernel's
    ignores: frozenset[str]
    defers: frozenset[str]
    waits: str | None
    accepts: tuple[Accept, ...]
    doc: str
    span: Span

    @property
    def final(self) -> bool:
        return self.kind is not LeafKind.STATE


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
    leaves: tuple[Leaf, ...]
    choices: tuple[Choice, ...]
    commands: tuple[Command, ...]  # commands[0] is the start
    deadline: Timer | None
    properties: tuple[Property, ...]
    scenarios: tuple[Scenario, ...]
    accepts: tuple[Accept, ...]
    source: Source
    span: Span

    @cached_property
    def leaf(self) -> Mapping[str, Leaf]:
        return {leaf.name: leaf for leaf in self.leaves}

    @cached_property
    def choice(self) -> Mapping[str, Choice]:
        return {choice.name: choice for choice in self.choices}

    @cached_property
    def activity(self) -> Mapping[str, Activity]:
        return {activity.name: activity for activity in self.activities}

    @cached_property
    def event(self) -> Mapping[str, Event]:
        return {event.name: event for event in self.events}

    @cached_property
    def task(self) -> Mapping[str, Task]:
        return {task.name: task for leaf in reversed(self.leaves) for task in leaf.tasks}

    @cached_property
    def timer(self) -> Mapping[str, Timer]:
        return {timer.id: timer for timer in self.timers()}

    @cached_property
    def variable(self) -> Mapping[str, Variable]:
        """Inputs, then data, as written: the order of an instance's values."""
        return {variable.name: variable for variable in (*self.inputs, *self.data)}

    @cached_property
    def savepoints(self) -> frozenset[str]:
        """The leaves that some `compensate since` names."""
        targets = [command.target for command in self.commands]
        targets += [branch.target for choice in self.choices for branch in choice.branches]
        return frozenset(target.since for target in targets if isinstance(target, Undo) and target.since is not None)

    @cached_property
    def answering(self) -> Mapping[tuple[str, On], tuple[Command, ...]]:
        """The commands of a leaf for a trigger, in the order of the text. Absent: none is written."""
        table: dict[tuple[str, On], tuple[Command, ...]] = {}
        for command in self.commands:
            if command.on is not None:
                key = command.leaf, command.on
                table[key] = (*table.get(key, ()), command)
        return table

    @staticmethod
    def outcomes(activity: Activity) -> tuple[str, ...]:
        """The outcomes a flow may see of a call: parked activities only answer `done` and their declared errors."""
        declared = (DONE, *(failure.name for failure in activity.fails))
        return declared if activity.retry.park or activity.retry.attempts is None else (*declared, TIMEOUT, FAILED)

    def timers(self) -> Iterator[Timer]:
        """Every timer of the flow, the deadline last."""
        for leaf in self.leaves:
            yield from leaf.timers
        if self.deadline is not None:
            yield self.deadline
