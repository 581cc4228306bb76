"""What Python code computes with, as far as generated modules do: values of flows as terms, and what is made of them.

Both sides of a validation, the module's Python and the kernel's expressions, come down to these.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from ...dsl.model import NoneType, Type
from ..checks.solver import Term
from ..checks.symbols import Symbol


@dataclass(frozen=True, eq=False, slots=True)
class Plain:
    """A value of a type of flows. Its ranges are not asked for: `int 0..9` and `int` are one."""

    type: Type
    symbol: Symbol


@dataclass(frozen=True, eq=False, slots=True)
class Spread:
    """The items of a list whose length is not known, within a Several."""

    of: Plain


@dataclass(frozen=True, eq=False, slots=True)
class Several:
    """A tuple: its items one by one, or, spread out, those of lists."""

    parts: tuple[Thing | Spread, ...]
    line: int = 0


@dataclass(frozen=True, eq=False, slots=True)
class Made:
    """What a class was called for: `of` is the class (`OrderData`, `rules.Goto`); all its fields, in order."""

    of: str
    fields: tuple[Thing, ...]
    names: tuple[str, ...] = ()
    line: int = 0


@dataclass(frozen=True, eq=False, slots=True)
class Shown:
    """A value as text, as `shown` of the runtime has it, or as `format` of Python."""

    style: str
    of: Thing


@dataclass(frozen=True, eq=False, slots=True)
class Written:
    """A text put together."""

    parts: tuple[str | Shown, ...]


@dataclass(frozen=True, eq=False, slots=True)
class Mapped:
    """A tuple of what becomes of each item of a list; `events` are about the one `item`."""

    items: Thing
    item: Plain
    events: tuple[Event, ...]


@dataclass(frozen=True, eq=False, slots=True)
class Known:
    """Something that has a name and is no value of a flow: `module`, `class`, `function`, `runtime`, `builtin` .."""

    kind: str
    name: str
    line: int = 0


@dataclass(frozen=True, eq=False, slots=True)
class Table:
    """A dict: its rows in order, and the line of each."""

    rows: tuple[tuple[Thing, Thing, int], ...]
    line: int = 0


@dataclass(frozen=True, eq=False, slots=True)
class Group:
    """A frozenset that is written out."""

    members: tuple[Thing, ...]
    line: int = 0


@dataclass(frozen=True, eq=False, slots=True)
class Active:
    """The set of the active places: of each, by its number in the enumeration `of`, whether it is in it."""

    of: str
    members: Mapping[int, Term]


@dataclass(frozen=True, eq=False, slots=True)
class Either:
    """One of two that have no common form."""

    condition: Term
    then: Thing
    otherwise: Thing


@dataclass(frozen=True, eq=False, slots=True)
class Void:
    """Nothing that anybody gets to see: the evaluation has ended before."""


Thing: TypeAlias = Plain | Several | Made | Written | Mapped | Known | Table | Group | Active | Either | Void

STATES, CHOICES = "state of the flow", "choice of the flow"
"""What the two enumerations of places are called here: no enumeration of a flow has such a name."""

NONE = Plain(NoneType(), Symbol(0, some=False))
VOID = Void()


@dataclass(frozen=True, slots=True)
class Fault:
    """The flow is at fault: the code, and the place as the runtime is told it; "" for that of the whole flow."""

    code: str
    place: str


@dataclass(frozen=True, slots=True)
class Crash:
    """Python raises what no flow does: the exception's name, and why."""

    error: str
    why: str


End: TypeAlias = Thing | Fault | Crash


@dataclass(frozen=True, eq=False, slots=True)
class Event:
    """How an evaluation ends under a condition, if it has not ended before. where: a line of the module, or an offset
    in the text of the flow."""

    condition: Term
    end: End
    where: int = field(default=0)
