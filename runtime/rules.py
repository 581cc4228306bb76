"""What a generated module decides, and in which words: a trigger in, where to go out; the rest is `flow`'s.

`Rules` is the whole of it: pure functions of inputs, data and the moment, one table per flow.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from enum import Enum, StrEnum
from typing import Generic, NamedTuple, TypeAlias, TypeVar

from .core import ArmTimer, EmitEvent, Fired, Ledger, Outcome, SendEvent

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
    """Leave, take this data along, and enter the node (the same state included)."""

    data: D
    node: S | Choice
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


class Arrival(NamedTuple):
    """What begins when a state is entered, in this order."""

    timers: tuple[ArmTimer, ...] = ()
    tasks: tuple[NewTask, ...] = ()
    call: NewCall | None = None


def nothing_begins(inputs: object, data: object, now: datetime) -> Arrival:
    """Entry to a state that only waits."""
    return Arrival()


class StateRules(NamedTuple, Generic[I, D, S, E]):
    """One state: how it answers a trigger, what begins on entry, the events and tasks it has transitions for."""

    answer: Callable[[I, D, E | Outcome | Fired, datetime], Answer[D, S]]
    enter: Callable[[I, D, datetime], Arrival] = nothing_begins
    accepts: tuple[type[E], ...] = ()
    begins: frozenset[str] = frozenset()  # the timers, tasks and call that entry may begin


class ChoiceRules(NamedTuple, Generic[I, D, S]):
    """One choice: the branch to take (None: no guard holds), and where it is written."""

    branch: Callable[[I, D, datetime], Move[D, S] | None]
    place: str


class Rules(NamedTuple, Generic[I, D, S, E]):
    """Everything a flow decides. The rest is the same for all flows."""

    initial: D
    start: Callable[[I, D, datetime], Move[D, S]]
    states: Mapping[S, StateRules[I, D, S, E]]
    finals: Mapping[S, bool]  # whether it is a failure
    choices: Mapping[Choice, ChoiceRules[I, D, S]] = {}
    undo: Mapping[
        str, Callable[..., tuple[object, ...]]
    ] = {}  # of an activity: its undo's args of (inputs, result, *args)
    deadline: Callable[[I, D, datetime], datetime] | None = None
    escalations: Mapping[str, tuple[str, str]] = {}  # of a timer: the task, and the role it adds
    reminders: Mapping[str, Reminder] = {}  # by timer
    savepoints: frozenset[S] = frozenset()  # the states that some `compensate since` names
