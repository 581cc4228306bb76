"""Below every generated mutable class: an instance that changes in place, for where an event may not cost a new record.

It does by itself what only leads from state to state; all else it has its record do, and becomes what comes out.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Generic, TypeAlias, TypeVar

from .core import NOBODY, Actor, Effect
from .flow import Flow

Clock: TypeAlias = Callable[[], datetime]

F = TypeVar("F", bound=Flow[Any, Any, Any, Any])
K = TypeVar("K")

Table: TypeAlias = Mapping[K, Callable[..., None]]
"""How an event is handled in place, by the state."""


def utc_now() -> datetime:
    return datetime.now(UTC)


class Mutable(ABC, Generic[F]):
    """One instance, which is changed by what it is sent. Not for several threads at a time."""

    __slots__ = ("clock",)

    def __init__(self, record: F, clock: Clock = utc_now) -> None:
        self.clock = clock
        self.put(record)

    @property
    @abstractmethod
    def record(self) -> F:
        """The instance as it is now, as a value."""

    @abstractmethod
    def put(self, record: F) -> None:
        """Become this instance."""

    def take(self, trigger: object, by: Actor = NOBODY) -> tuple[Effect, ...]:
        """Have the record handle a trigger. Raises Rejected, or Fault where the flow is unsound; nothing has changed
        then."""
        record, effects = self.record.step(trigger, by=by, now=self.clock())
        self.put(record)
        return effects
