"""One running instance of a flow as the reference interpreter sees it: its record, and the triggers that move it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal, Self

from ..dsl.model import Value
from ..dsl.source import Span
from ..dsl.values import dataclass, field
from .effects import Effect
from .kernel import Configuration, Kernel
from .stack import Stack


@dataclass(frozen=True, slots=True)
class Actor:
    """Who starts, sends an event or completes a task. The default is nobody in particular, without a role."""

    id: str = ""
    roles: frozenset[str] = frozenset()


NOBODY = Actor()

# ---------------------------------------------------------------- triggers


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of the call `key` (a compensation's is `<forward key>/undo`).

    kind: `done` (with `value` the result), a declared error, `timeout`, `failed`, or of an interrupted call also
    `interrupted`."""

    key: str
    kind: str
    value: Value = None


@dataclass(frozen=True, slots=True)
class Event:
    name: str
    payload: tuple[Value, ...] = ()


@dataclass(frozen=True, slots=True)
class Completion:
    """Somebody completed the open task of this name; the payload is its form, in order."""

    task: str
    payload: tuple[Value, ...] = ()


@dataclass(frozen=True, slots=True)
class Delegation:
    """Somebody entitled to the open task of this name hands it on to the person `to`."""

    task: str
    to: str


@dataclass(frozen=True, slots=True)
class Fired:
    timer: str


@dataclass(frozen=True, slots=True)
class Withdraw:
    """The parent whose `do flow` started the instance does not want it any more."""


WITHDRAWN = ""
"""Where a withdrawn instance ends: in no state."""

Trigger = Outcome | Event | Completion | Delegation | Fired | Withdraw

# ---------------------------------------------------------------- the record


@dataclass(frozen=True, slots=True)
class Entry:
    """A call on the compensation log: the key, the activity, the arguments it was called with.

    `result` is None until it is done. In flight: started and not settled yet (interrupted or not)."""

    key: str
    activity: str
    args: tuple[Value, ...]
    status: Literal["maybe", "done"] = "maybe"
    in_flight: bool = True
    result: Value = None


class Log(Stack[Entry]):
    """The compensation log, oldest entry first."""

    __slots__ = ("in_flight",)

    def __init__(self, below: Self | None = None, top: Any = None) -> None:
        super().__init__(below, top)
        self.in_flight: tuple[Entry, ...] = () if below is None else below.in_flight
        if below is not None and top.in_flight:
            self.in_flight += (top,)

    def flying(self, key: str) -> Entry | None:
        """The newest entry in flight with this key."""
        return next((entry for entry in reversed(self.in_flight) if entry.key == key), None)

    def place(self, entry: Entry) -> int:
        """Where an entry of it lies."""
        at = self
        while at.top is not entry:
            at = at.below
        return at.size - 1


@dataclass(frozen=True, slots=True)
class Call:
    """A current call of a leaf, readonly ones included (the others are on the log too, under the same key).

    Of a group of calls, a call for each item, also those stay that have answered: `done` with a result, or `gone`."""

    key: str
    activity: str
    args: tuple[Value, ...]
    leaf: str
    item: int | None = None  # of a group: which, from 0
    answer: Literal["", "done", "gone"] = ""
    result: Value = None


@dataclass(frozen=True, slots=True)
class WorkItem:
    """An open task. Entitled are who has one of `roles`, which grow by escalation, and `persons` (ids); `excluded` are
    the ids of those who may not complete it all the same. `reminders`: so many until now."""

    key: str
    task: str
    roles: tuple[str, ...]
    excluded: tuple[str, ...]
    persons: tuple[str, ...] = ()
    reminders: int = 0

    def entitles(self, actor: Actor) -> bool:
        """Whether it is for the actor, who may be excluded all the same."""
        return (bool(actor.id) and actor.id in self.persons) or not actor.roles.isdisjoint(self.roles)


@dataclass(frozen=True, slots=True)
class Armed:
    timer: str
    due: datetime


@dataclass(frozen=True, slots=True)
class Undoing:
    """A compensation under way: it ends when the log is `mark` entries long, and `node` is entered then (WITHDRAWN: it
    finishes in failure).

    running: the key of the compensation call that is awaited (`<forward key>/undo`); None: an entry in flight is."""

    mark: int
    node: str
    running: str | None = None


@dataclass(frozen=True, slots=True)
class Instance:
    """An instance at rest. Equal records behave equally; every field is hashable."""

    configuration: Configuration  # active leaves in the order of the text; none while it compensates
    values: tuple[Value, ...]  # inputs, then data, in the kernel's order
    started: datetime
    finished: bool = False
    undoing: Undoing | None = None
    log: Log = Log()
    calls: tuple[Call, ...] = ()  # in the order they were started
    tasks: tuple[WorkItem, ...] = ()
    timers: tuple[Armed, ...] = ()  # in the order they were armed
    deferred: tuple[Event, ...] = ()  # in the order they arrived
    marks: tuple[tuple[str, int], ...] = ()  # place -> length of the log at its last entry; if a compensation names it
    actors: tuple[tuple[str, str], ...] = ()  # `start` or a task -> the id of who did it last
    completed: frozenset[str] = frozenset()  # readonly activities that have ever completed
    counter: int = 0  # of calls and tasks so far
    history: tuple[tuple[str, Configuration], ...] = ()  # place -> leaves it was left at; if some `resume` names it
    moments: tuple[tuple[str, datetime], ...] = ()  # place -> its last entry; if some timer counts from it

    @property
    def compensating(self) -> bool:
        return self.undoing is not None

    def due(self) -> tuple[Armed, ...]:
        """The armed timers in the order they fire: by due time, of equal ones the earlier armed first."""
        return tuple(sorted(self.timers, key=lambda armed: armed.due))

    def variables(self, kernel: Kernel) -> Mapping[str, Value]:
        """The values of inputs and data by name."""
        return dict(zip(kernel.variable, self.values, strict=True))


# ---------------------------------------------------------------- the answer


@dataclass(frozen=True, slots=True)
class Taken:
    """A command that was taken and the branches passed on its way, as (choice, index of the branch).

    `command` None: the target of a compensation that ended was entered."""

    command: int | None
    branches: tuple[tuple[str, int], ...] = ()
    entered: tuple[str, ...] = field(default=(), compare=False)  # the places, in order; it follows from the rest


@dataclass(frozen=True, slots=True)
class Step:
    """The record after one trigger, the effects in order, and what was taken, what followed at once included.

    An equal record without effects: a stale or ignored trigger."""

    after: Instance
    effects: tuple[Effect, ...] = ()
    taken: tuple[Taken, ...] = ()


class Rejected(Exception):
    """The trigger is refused and nothing changed: `finished`, `payload`, `closed`, `role`, `excluded`, `unhandled`,
    `full`. span: of what is written for it, if the flow is at fault (F007)."""

    def __init__(self, reason: str, span: Span | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.span = span
