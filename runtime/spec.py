"""What a host must know about a flow besides its steps: names in, policies and codecs out.

`Order.spec` is a FlowSpec. With it a host calls activities, and keeps triggers and effects as JSON in its journal and
outbox, to read them back as exactly the same values.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Generic, NamedTuple, TypeVar

from .codec import Arguments, Codec, Invalid, Json, Record
from .core import Actor, ActivityError, Effect, Fired, Outcome, RetryPolicy

T = TypeVar("T")


class ActivityKind(StrEnum):
    COMPENSATED = "compensated"
    READONLY = "readonly"
    IRREVERSIBLE = "irreversible"


@dataclass(frozen=True, slots=True)
class ActivitySpec:
    """One activity: call `getattr(activities, method)(*args, key=key)`, each attempt within `timeout`.

    result: the codec of the answer, `codec.NOTHING` where there is none. errors: the declared ones by name.
    ensures: whether an answer keeps the contract, given `(result, *args)`; one that does not is a failed attempt.
    compensation: the name of the CompensationSpec, for a compensated one."""

    name: str
    method: str
    params: Arguments
    result: Codec[object]
    timeout: timedelta
    retry: RetryPolicy
    kind: ActivityKind
    errors: Mapping[str, type[ActivityError]]
    ensures: Callable[..., bool] | None
    compensation: str | None

    @property
    def outcomes(self) -> tuple[str, ...]:
        """The kinds of outcome the flow may see; of a parked activity neither `timeout` nor `failed`."""
        parks = self.retry.park or self.retry.attempts is None
        return ("done", *self.errors) if parks else ("done", *self.errors, "timeout", "failed")


@dataclass(frozen=True, slots=True)
class CompensationSpec:
    """One compensation: call `getattr(activities, method)(*args, key=forward)`; its retry always parks."""

    name: str
    method: str
    params: Arguments
    timeout: timedelta
    retry: RetryPolicy


@dataclass(frozen=True, slots=True)
class EventSpec:
    """An event or a task: its trigger class, and who may send it (empty: anyone; of a task see OpenTask)."""

    name: str
    record: Record[object]
    roles: tuple[str, ...]
    task: bool


@dataclass(frozen=True)
class FlowSpec:
    """A flow as its host sees it. `digest` is the hash of the formatted source."""

    name: str
    version: int
    digest: str
    inputs: Record[object]
    data: Record[object]
    events: Mapping[str, EventSpec]  # tasks too
    activities: Mapping[str, ActivitySpec]
    compensations: Mapping[str, CompensationSpec]

    def event(self, name: str, payload: object = None) -> object:
        """The trigger of an event or task from its JSON payload (an object by field; None: no fields).

        Raises Invalid for an unknown name or a payload that does not fit."""
        raise NotImplementedError

    def trigger_to_json(self, trigger: object) -> Json:
        """A trigger for a journal. Raises Invalid for what is no trigger of this flow."""
        raise NotImplementedError

    def trigger_from_json(self, json: object) -> object:
        """The trigger again. Raises Invalid."""
        raise NotImplementedError

    def effect_to_json(self, effect: Effect) -> Json:
        """An effect for an outbox."""
        raise NotImplementedError

    def effect_from_json(self, json: object) -> Effect:
        """The effect again, its arguments as exact values. Raises Invalid."""
        raise NotImplementedError


def actor_to_json(actor: Actor) -> Json:
    return {"id": actor.id, "roles": sorted(actor.roles)}


def actor_from_json(json: object) -> Actor:
    """Raises Invalid."""
    raise NotImplementedError
