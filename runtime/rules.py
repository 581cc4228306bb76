"""What a generated module decides, and in which words: a trigger in, where to go out; the rest is `flow`'s.

`Rules` is the whole of it: pure functions of inputs, data and the moment, one table per flow.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum, StrEnum
from functools import cached_property
from typing import ClassVar, Generic, NamedTuple, Protocol, Self, TypeAlias, TypeVar, cast

from .core import ArmTimer, EmitEvent, SendEvent
from .places import Places

T = TypeVar("T")
E = TypeVar("E")  # the events and tasks
I = TypeVar("I")  # noqa: E741 -- the inputs; one letter, as the others
D = TypeVar("D")  # the data
S = TypeVar("S", bound="State")  # the states


class _Make(Protocol):
    def __call__(self, kind: type[T], fields: tuple[object, ...], /) -> T: ...


class _Blank(Protocol):
    def __call__(self, kind: type[T], /) -> T: ...


new = cast(_Make, tuple[object, ...].__new__)
"""A NamedTuple of all its fields, in a third of the time that a call of its class takes."""

blank: _Blank = object.__new__
"""An object that has still to be given what is in it, in two thirds of the time that a call of its class takes."""

Message: TypeAlias = EmitEvent | SendEvent
"""What goes out with a move, in order, before anything is left."""


class State(StrEnum):
    """The states of a flow; each generated module has its own. Hashed as its text is: Enum's own hash takes longer."""

    __hash__ = str.__hash__

    @cached_property
    def alone(self) -> tuple[Self, ...]:
        """The configuration of what rests there and nowhere else. One object, so that it is found sooner."""
        return (self,)


class Choice(StrEnum):
    """The choices of a flow; each generated module has its own, if it has any."""


@dataclass(frozen=True)
class Goto(Generic[S]):
    """Leave, and enter the node (the same state included), or, with `resume`, where it was last left.

    at: the configuration there, if in a flow without states in states nothing at all begins with entering it."""

    node: S | Choice
    resume: bool = False
    at: tuple[S, ...] = ()


@dataclass(frozen=True)
class Undo(Generic[S]):
    """Leave, undo what stands since the last entry to `since` (None: everything), and enter the node."""

    at: ClassVar[tuple[()]] = ()
    node: S | Choice
    since: S | None = None


@dataclass(frozen=True)
class Stay:
    """Leave nothing."""

    at: ClassVar[tuple[()]] = ()


@dataclass(frozen=True)
class Say(Generic[S]):
    """A move, and the messages that go out with it."""

    at: ClassVar[tuple[()]] = ()
    move: Goto[S] | Undo[S] | Stay
    messages: tuple[Message, ...]


class Unmoved(Enum):
    """An event is accepted and changes nothing; or it waits for another state."""

    IGNORE = "ignore"
    DEFER = "defer"


IGNORE, DEFER = Unmoved.IGNORE, Unmoved.DEFER

Move: TypeAlias = Goto[S] | Undo[S] | Stay | Say[S]
Moved: TypeAlias = tuple[D, Move[S]]
"""The data afterwards, and the move."""

Answer: TypeAlias = Moved[D, S] | Unmoved | None
"""None: no guard holds."""

Way: TypeAlias = Callable[[I, D, datetime], Moved[D, S]] | Move[S]
"""Where something leads that has neither payload nor guard; a move alone leaves the data as they are."""

Told: TypeAlias = Callable[..., Answer[D, S]] | Move[S] | Unmoved
"""What a place says to a trigger: a function of inputs, data, the moment, the active places (where some guard of the
flow asks `in S`), and what the trigger brings, one by one; or, where nothing is asked or changed, its answer."""


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
    """One state: what begins on entry, and how it answers outcomes of its call, events and tasks, and timers."""

    enter: Callable[[I, D, datetime], Arrival] = nothing_begins
    outcomes: Mapping[str, Told[D, S]] = {}
    events: Mapping[type[E], Told[D, S]] = {}
    timers: Mapping[str, Told[D, S]] = {}
    begins: frozenset[str] = frozenset()  # the timers, tasks and call that entry may begin
    group: Group | None = None
    prompt: tuple[type[E], ...] = ()  # events that always move it, if nothing ends with leaving it


class Join(NamedTuple, Generic[I, D, S]):
    """Where to go when regions have ended, and where that is written."""

    way: Way[I, D, S]
    place: str


class ScopeRules(NamedTuple, Generic[I, D, S, E]):
    """A state with states in it, a parallel state or a region: where it starts (None: in each of its regions); the rest
    as of a state, but outcomes, which the state that calls answers. `joins` are by name, `all done`, `2 done`."""

    start: Way[I, D, S] | None = None
    enter: Callable[[I, D, datetime], Arrival] = nothing_begins
    events: Mapping[type[E], Told[D, S]] = {}
    timers: Mapping[str, Told[D, S]] = {}
    begins: frozenset[str] = frozenset()
    joins: Mapping[str, Join[I, D, S]] = {}


class ChoiceRules(NamedTuple, Generic[I, D, S]):
    """One choice: the branch to take (None: no guard holds), and where it is written."""

    branch: Callable[..., Moved[D, S] | None]  # of inputs, data, the moment, and the active places as in `Told`
    place: str


@dataclass(frozen=True, eq=False)
class Rules(Generic[I, D, S, E]):
    """Everything a flow decides. The rest is the same for all flows.

    located: whether answers and branches are asked with the places that are active."""

    initial: D
    start: Way[I, D, S]
    states: Mapping[S, StateRules[I, D, S, E]]
    finals: Mapping[S, bool]  # whether it is a failure
    scopes: Mapping[S, ScopeRules[I, D, S, E]] = field(default_factory=dict[S, ScopeRules[I, D, S, E]])  # as written
    ends: Mapping[S, bool] = field(default_factory=dict[S, bool])  # the finals of regions: whether it is a failure
    choices: Mapping[Choice, ChoiceRules[I, D, S]] = field(default_factory=dict[Choice, ChoiceRules[I, D, S]])
    undo: Mapping[str, Callable[..., tuple[object, ...]]] = field(
        default_factory=dict[str, Callable[..., tuple[object, ...]]]
    )  # of an activity: its undo's args of (inputs, result, *args)
    deadline: Callable[[I, D, datetime], datetime] | None = None
    expire: Way[I, D, S] | None = None  # where to go at the deadline
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

    def accepting(self, place: S) -> tuple[type[E], ...]:
        """The events and tasks that a place has transitions for."""
        if place not in self.said:
            return ()
        return tuple(kind for kind, told in self.said[place].events.items() if not isinstance(told, Unmoved))

    def answering(self, at: tuple[S, ...], kind: type[E]) -> tuple[S, ...]:
        """The active places that count for an event: inner over outer, of those that say anything of it."""

        def says(place: S) -> bool:
            rules = self.said.get(place)
            return rules is not None and kind in rules.events

        return self.places.nearest(at, says)

    @cached_property
    def home(self) -> Mapping[str, S]:
        """The place of each timer and of each task, by its id or name."""
        return {name: place for place, rules in self.said.items() for name in rules.begins}

    def quick(self, kind: type[E]) -> Callable[[tuple[S, ...]], Callable[..., Moved[D, S]] | None]:
        """Looks up how an event moves the configurations that answer it promptly."""
        moving: Mapping[tuple[S, ...], Callable[..., Moved[D, S]]] = {
            place.alone: _moving(cast("Callable[..., Moved[D, S]] | Move[S]", rules.events[kind]))
            for place, rules in self.states.items()
            if kind in rules.prompt
        }
        return moving.get

    @cached_property
    def places(self) -> Places[S]:
        parallel = [scope for scope, rules in self.scopes.items() if rules.start is None]
        return Places(self.scopes, (*self.states, *self.finals, *self.ends), parallel, self.ends)


def _moving(told: Callable[..., Moved[D, S]] | Move[S]) -> Callable[..., Moved[D, S]]:
    """A function that says so."""
    if callable(told):
        return told

    def constant(inputs: object, data: D, now: datetime, *payload: object) -> Moved[D, S]:
        return data, told

    return constant
