"""What the templates print: every name and line of a generated module decided, as values."""

from __future__ import annotations

from dataclasses import dataclass

from ..kernel import TriggerKind
from .behaviour import Alternative, Answer, Entry, Move
from .inplace import Mutable
from .names import Names


@dataclass(frozen=True, slots=True)
class Field:
    """A field or parameter: its Python name and annotation, its name in the flow, its codec.

    note: what the annotation does not say of the type."""

    name: str
    type: str
    source: str
    codec: str
    note: str
    default: str = ""


@dataclass(frozen=True, slots=True)
class Enum:
    name: str
    source: str
    members: tuple[tuple[str, str], ...]  # the member, its value quoted


@dataclass(frozen=True, slots=True)
class Record:
    """A record of the flow: its class, and the name of its codec."""

    name: str
    source: str
    codec: str
    fields: tuple[Field, ...]


@dataclass(frozen=True, slots=True)
class Trigger:
    """An event or a task: its class, its method, and who may send it."""

    type: str
    method: str
    source: str
    task: bool
    roles: tuple[str, ...]
    fields: tuple[Field, ...]
    doc: str
    place: str
    may: str  # the method that asks whether it may come
    quick: str = ""  # the table of the states that it leaves at once, "" if there is none
    fits: str = ""  # whether its fields are as they should be; of those that need nothing but a look
    most: str = ""  # "" for as many as where nothing is written


@dataclass(frozen=True, slots=True)
class Letter:
    """A message: its name, quoted, and what it takes."""

    source: str
    fields: tuple[Field, ...]


@dataclass(frozen=True, slots=True)
class Call:
    """An activity or, with `kind` "", a compensation."""

    source: str
    method: str
    params: tuple[Field, ...]
    result: str  # the annotation
    codec: str  # of the result
    kind: str
    undone_by: str  # of a compensated activity, the compensation
    undoes: tuple[str, ...]  # of a compensation, the activities
    errors: tuple[tuple[str, str], ...]  # the declared name, the class
    ensures: str  # the function, "" where nothing is promised
    timeout: str
    retry: str
    doc: str
    place: str
    guards: tuple[tuple[str, str], ...] = ()  # heartbeat, breaker and limit, those there are


@dataclass(frozen=True, slots=True)
class Formula:
    """A function that is one expression, or one tuple of them, over the parameters of a call."""

    source: str
    function: str
    params: tuple[Field, ...]
    result: str  # the annotation of what the call answers
    values: tuple[str, ...]
    place: str
    promise: bool  # about a result that is there


@dataclass(frozen=True, slots=True)
class State:
    """A place and its functions. begins: timers, tasks and the call, quoted."""

    member: str
    source: str
    doc: str
    place: str
    kind: str
    answers: tuple[Answer, ...]
    enter: str
    entry: Entry
    begins: tuple[str, ...]
    quick: frozenset[str]  # if nothing begins or ends with it, the events that may lead on at once
    group: tuple[str, ...] = ()  # of a state that calls for each item, the arguments of a `rules.Group`
    begin: str = ""  # of a scope, the function that starts it
    start: Move | None = None
    joins: tuple[Join, ...] = ()

    @property
    def tables(self) -> tuple[tuple[str, tuple[Answer, ...]], ...]:
        """The answers that there are, by the table they belong in."""
        kinds = {
            "outcomes": (TriggerKind.OUTCOME,),
            "events": (TriggerKind.EVENT, TriggerKind.TASK),
            "timers": (TriggerKind.TIMER,),
        }
        found = [(name, tuple(each for each in self.answers if each.kind in kind)) for name, kind in kinds.items()]
        return tuple((name, answers) for name, answers in found if answers)

    @property
    def prompt(self) -> tuple[str, ...]:
        """The events that always lead on, from a state with which nothing ends."""
        events = [each for each in self.answers if each.kind is TriggerKind.EVENT and each.prompt]
        return tuple(key for each in events for key in each.keys if key in self.quick)

    @property
    def scope(self) -> bool:
        """Whether states are in it."""
        return self.kind in {"outer", "parallel", "region"}

    @property
    def note(self) -> str:
        """What the enumeration says of it."""
        return KINDS[self.kind]


KINDS = {
    "state": "",
    "final": "final",
    "failure": "final, a failure",
    "region done": "final of its region",
    "region failed": "final of its region, a failure",
    "outer": "has states in it",
    "parallel": "has regions in it",
    "region": "region",
}


@dataclass(frozen=True, slots=True)
class Join:
    """A join of a parallel state: its name, its function, and where it goes."""

    name: str
    function: str
    move: Move


@dataclass(frozen=True, slots=True)
class Choice:
    member: str
    source: str
    doc: str
    place: str
    function: str
    branches: tuple[Alternative, ...]


@dataclass(frozen=True, slots=True)
class Module:
    """A whole module."""

    names: Names
    source: str
    version: int
    doc: str
    path: str
    digest: str
    enums: tuple[Enum, ...]
    records: tuple[Record, ...]  # each after those it is made of
    inputs: tuple[Field, ...]
    arguments: tuple[str, ...]  # of `start`, in the order of the inputs
    data: tuple[Field, ...]
    triggers: tuple[Trigger, ...]
    messages: tuple[Letter, ...]
    sends: tuple[tuple[str, tuple[Letter, ...]], ...]  # by flow, quoted
    calls: tuple[Call, ...]
    errors: tuple[tuple[str, str], ...]  # the declared name, the class
    states: tuple[State, ...]  # leaves and scopes, in the order of the text
    choices: tuple[Choice, ...]
    undos: tuple[Formula, ...]
    promises: tuple[Formula, ...]
    start: Move
    deadline: str  # the moment, "" without one
    expire: Move | None  # where to go at the deadline
    located: bool  # whether some guard asks where the instance is
    escalations: tuple[tuple[str, str, str], ...]  # timer, task, role, all quoted
    reminders: tuple[tuple[str, str, str, str], ...]  # timer, task (both quoted), the time between, the most
    savepoints: tuple[str, ...]
    resumed: tuple[str, ...]
    counted: tuple[str, ...]
    schedules: tuple[tuple[str, ...], ...] = ()  # the arguments of each
    outputs: tuple[str, ...] = ()  # names of inputs and data, quoted
    moves: tuple[tuple[str, str], ...] = ()  # the constants, name and code
    inlined: bool = False  # whether some update is
    waiting: bool = True  # whether an event may wait where an instance rests
    mutable: Mutable | None = None
