"""The machine below every generated flow: a record and a trigger in, the next record and effects out (K1 to K8).

The generated module says what a flow decides (`Rules`: guards, updates, arguments); this file does what is the same for
all of them: leaving and entering, the compensation log, undoing, settling, deferring, timers, tasks, rejections.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from enum import StrEnum
from typing import ClassVar, Generic, NamedTuple, Self, TypeVar

from .codec import Json
from .core import NOBODY, Actor, ArmTimer, Fired, Ledger, Outcome, Step
from .spec import FlowSpec

I = TypeVar("I")  # the inputs
D = TypeVar("D")  # the data
S = TypeVar("S", bound=StrEnum)  # the states
E = TypeVar("E")  # the events and tasks


class Fields(NamedTuple, Generic[I, D, S, E]):
    """What a record is made of. `at` is the configuration: the leaf of each region, empty while compensating."""

    inputs: I
    data: D
    at: tuple[S, ...]
    ledger: Ledger[E]


class Flow(Fields[I, D, S, E]):
    """One instance of a flow at rest: an immutable value; every step makes a new one."""

    __slots__ = ()
    spec: ClassVar[FlowSpec]

    @property
    def state(self) -> S | None:
        """Where the instance rests; None while it compensates."""
        raise NotImplementedError

    @property
    def compensating(self) -> bool:
        raise NotImplementedError

    @property
    def finished(self) -> bool:
        raise NotImplementedError

    @classmethod
    def begin(cls, inputs: I, *, by: Actor = NOBODY, now: datetime) -> Step[Self]:
        """A new instance. Raises Rejected("payload") for inputs that do not fit their types."""
        raise NotImplementedError

    def step(self, trigger: E | Outcome | Fired, *, by: Actor = NOBODY, now: datetime) -> Step[Self]:
        """The record after the trigger, and what a host must do. Raises Rejected or Fault, and nothing has changed."""
        raise NotImplementedError

    def accepted(self, by: Actor | None = None) -> tuple[type[E], ...]:
        """The events and tasks that can be handled now (by this actor, where one is given); guards may still refuse."""
        raise NotImplementedError

    def to_json(self) -> Mapping[str, Json]:
        """A snapshot, for `json.dumps`."""
        raise NotImplementedError

    @classmethod
    def from_json(cls, json: object) -> Self:
        """The record of a snapshot (what `json.loads` gave). Raises snapshot.Corrupt, a ValueError."""
        raise NotImplementedError
