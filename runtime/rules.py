"""What a generated module decides, and in which words: a trigger in, where to go out; the rest is `flow`'s.

`Rules` is the whole of it: pure functions of inputs, data and the moment, one table per flow.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum, StrEnum
from functools import cached_property
from typing import Generic, NamedTuple, TypeAlias, TypeVar

from .core import ArmTimer, EmitEvent, Fired, Ledger, Outcome, SendEvent
from .places import Places

E = TypeVar("E")  # the events and tasks
I = TypeVar("I")  # noqa: E741 -- the inputs; one letter, as the others
D = TypeVar("D")  # the data
S = TypeVar("S", bound=StrEnum)  # the states


Message: TypeAlias = EmitEvent | SendEvent
"""What goes out with a move, in order, before anything is left."""


class Fields(NamedTuple, Generic[I, D, S, E]):
    """What a record is made of. `at` is the configuration: the leaf of each region, empty while compensating."""

    inputs: I
    data: D
    at: tuple[S, ...]
    ledger: Ledger[E]


class Choice(StrEnum):
    """The choices of a flow; each generated module has its own, if it has any."""


class Goto(NamedTuple, Generic[D, S]):
    """Leave, take this data along, and enter the node (the same state included), or, with `resume`, where it was last
    left."""

    data: D
    node: S | Choice
    resume: bool = False
    messages: tuple[Message, ...] = ()


class Undo(NamedTuple, Generic[D, S]):
    """Leave, undo what stands since the last entry to `since` (None: everything), and enter the node."""

    data: D
    node: S | Choice
    since: S | None = None
    messages: tuple[Message, ...] = ()


class Stay(NamedTuple, Generic[D]):
    """Take this data along and remain."""

    data: D
    messages: tuple[Message, ...] = ()


class Unmoved(Enum):
    """An event is accepted and changes nothing; or it waits for another state."""

    IGNORE = "ignore"
    DEFER = "defer"


IGNORE, DEFER = Unmoved.IGNORE, Unmoved.DEFER

Move = Goto[D, S] | Undo[D, S]
Answer = Goto[D, S] | Undo[D, S] | Stay[D] | Unmoved | None
"""None: nothing is written for the trigger, or no guard holds."""


class NewCall(NamedTuple):
    """`do activity(args)`."""

    activity: str
    args: tuple[object, ...] = ()


class NewCalls(NamedTuple):
    """`do for item in items: activity(args)`: the arguments of each call."""

    activity: str
    each: tuple[tuple[object, ...], ...]


class NewTask(NamedTuple):
    """A task to open, for `roles`, for the one `person`, or for the `doer`: whoever did `start`, or that task.
    `excluded` names in the same way who may not do it."""

    task: str
    roles: tuple[str, ...]
    title: str
    due: datetime | None = None
    excluded: tuple[str, ...] = ()
    person: str = ""
    doer: str = ""


class Reminder(NamedTuple):
    """`remind every 8h at most 3` of a task (None: as long as it is open)."""

    task: str
    every: timedelta
    most: int | None = None


class Since(NamedTuple):
    """A timer that counts from the last entry to a place; if that was never entered, from now."""

    timer: str
    after: timedelta
    place: str


class Arrival(NamedTuple):
    """What begins when a place is entered, in this order."""

    timers: tuple[ArmTimer | Since, ...] = ()
    tasks: tuple[NewTask, ...] = ()
    call: NewCall | NewCalls | None = None


Told: TypeAlias = (
    Callable[[I, D, E | Outcome | Fired, datetime], Answer[D, S]]
    | Callable[[I, D, E | Outcome | Fired, datetime, frozenset[S]], Answer[D, S]]
)
"""How a place answers a trigger; where some guard asks `in S`, also of the places that are active."""


def nothing_is_said(inputs: object, data: object, trigger: object, now: datetime) -> None:
    """A scope that leaves every answer to its states."""


def nothing_begins(inputs: object, data: object, now: datetime) -> Arrival:
    """Entry to a place that only waits."""
    return Arrival()


class Group(NamedTuple):
    """Of a state that calls an activity for each item: the answers it has transitions for, how many must be done (None:
    all), and where it is written."""

    activity: str
    answers: frozenset[str]
    quota: int | None
    place: str


class StateRules(NamedTuple, Generic[I, D, S, E]):
    """One state: how it answers a trigger, what begins on entry, the events and tasks it has transitions for."""

    answer: Told[I, D, E, S]
    enter: Callable[[I, D, datetime], Arrival] = nothing_begins
    accepts: tuple[type[E], ...] = ()
    begins: frozenset[str] = frozenset()  # the timers, tasks and call that entry may begin
    quiet: tuple[type[E], ...] = ()  # where states are in states: the events it only ignores or defers
    group: Group | None = None


class Join(NamedTuple, Generic[I, D, S]):
    """Where to go when regions have ended, and where that is written."""

    move: Callable[[I, D, datetime], Move[D, S]]
    place: str


class ScopeRules(NamedTuple, Generic[I, D, S, E]):
    """A state with states in it, a parallel state or a region: where it starts (None: in each of its regions); the rest
    as of a state. `joins` are by name, `all done`, `2 done`."""

    start: Callable[[I, D, datetime], Move[D, S]] | None = None
    answer: Told[I, D, E, S] = nothing_is_said
    enter: Callable[[I, D, datetime], Arrival] = nothing_begins
    accepts: tuple[type[E], ...] = ()
    begins: frozenset[str] = frozenset()
    quiet: tuple[type[E], ...] = ()
    joins: Mapping[str, Join[I, D, S]] = {}


class ChoiceRules(NamedTuple, Generic[I, D, S]):
    """One choice: the branch to take (None: no guard holds), and where it is written."""

    branch: Callable[[I, D, datetime], Move[D, S] | None] | Callable[[I, D, datetime, frozenset[S]], Move[D, S] | None]
    place: str


@dataclass(frozen=True, eq=False)
class Rules(Generic[I, D, S, E]):
    """Everything a flow decides. The rest is the same for all flows.

    located: whether answers and branches are asked with the places that are active."""

    initial: D
    start: Callable[[I, D, datetime], Move[D, S]]
    states: Mapping[S, StateRules[I, D, S, E]]
    finals: Mapping[S, bool]  # whether it is a failure
    scopes: Mapping[S, ScopeRules[I, D, S, E]] = field(default_factory=dict[S, ScopeRules[I, D, S, E]])  # as written
    ends: Mapping[S, bool] = field(default_factory=dict[S, bool])  # the finals of regions: whether it is a failure
    choices: Mapping[Choice, ChoiceRules[I, D, S]] = field(default_factory=dict[Choice, ChoiceRules[I, D, S]])
    undo: Mapping[str, Callable[..., tuple[object, ...]]] = field(
        default_factory=dict[str, Callable[..., tuple[object, ...]]]
    )  # of an activity: its undo's args of (inputs, result, *args)
    deadline: Callable[[I, D, datetime], datetime] | None = None
    expire: Callable[[I, D, datetime], Move[D, S]] | None = None  # where to go at the deadline
    escalations: Mapping[str, tuple[str, str]] = field(
        default_factory=dict[str, tuple[str, str]]
    )  # of a timer: the task, and the role it adds
    reminders: Mapping[str, Reminder] = field(default_factory=dict[str, Reminder])  # by timer
    savepoints: frozenset[S] = frozenset()  # the places that some `compensate since` names
    resumed: frozenset[S] = frozenset()  # the places that some `resume` names
    counted: frozenset[S] = frozenset()  # the places that some timer counts from
    located: bool = False

    @cached_property
    def said(self) -> Mapping[S, StateRules[I, D, S, E] | ScopeRules[I, D, S, E]]:
        """What each place says that is not a final."""
        return {**self.scopes, **self.states}

    def answering(self, at: tuple[S, ...], kind: type[E]) -> tuple[S, ...]:
        """The active places that count for an event: inner over outer, of those that say anything of it."""

        def says(place: S) -> bool:
            rules = self.said.get(place)
            return rules is not None and (kind in rules.accepts or kind in rules.quiet)

        return self.places.nearest(at, says)

    @cached_property
    def home(self) -> Mapping[str, S]:
        """The place of each timer and of each task, by its id or name."""
        return {name: place for place, rules in self.said.items() for name in rules.begins}

    @cached_property
    def places(self) -> Places[S]:
        parallel = [scope for scope, rules in self.scopes.items() if rules.start is None]
        return Places(self.scopes, (*self.states, *self.finals, *self.ends), parallel, self.ends)
