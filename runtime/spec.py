"""What a host must know about a flow besides its steps: names in, policies and codecs out.

`Order.spec` is a FlowSpec. With it a host calls activities, and keeps triggers and effects as JSON in its journal and
outbox, to read them back as exactly the same values.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from functools import cached_property
from operator import attrgetter

from .codec import BOOL, INSTANT, NOTHING, TEXT, Codec, Json, Teller, optional, quoted, written
from .core import (
    ActivityError,
    Actor,
    ArmTimer,
    CancelTimer,
    CloseTask,
    DelegateTask,
    Delegation,
    DropEvent,
    Effect,
    EmitEvent,
    EscalateTask,
    Finish,
    Fired,
    InterruptActivity,
    OpenTask,
    Outcome,
    RemindTask,
    RetryPolicy,
    SendEvent,
    StartActivity,
    StartCompensation,
    Withdraw,
)
from .gates import Breaker, Limit
from .records import TEXTS, Arguments, Record, Union, Variant, members, record, sequence
from .schedules import Schedule


class ActivityKind(StrEnum):
    COMPENSATED = "compensated"
    READONLY = "readonly"
    IRREVERSIBLE = "irreversible"


@dataclass(frozen=True, slots=True)
class ActivitySpec:
    """One activity: call `getattr(activities, method)(*args, key=key)`, each attempt within `timeout`.

    result: the codec of the answer, `codec.NOTHING` where there is none. errors: the declared ones by name.
    ensures: whether an answer keeps the contract, given `(result, *args)`; one that does not is a failed attempt.
    compensation: the name of the CompensationSpec, for a compensated one.
    flow: for `do flow`, the name of the flow that is started instead; there is no method then, and the answer is the
    record of its outputs. heartbeat: how long an attempt may be silent.
    breaker, limit: when attempts have to wait."""

    name: str
    method: str
    params: Arguments
    result: Codec[object]
    timeout: timedelta
    retry: RetryPolicy
    kind: ActivityKind
    errors: Mapping[str, type[ActivityError]] = field(default_factory=dict[str, type[ActivityError]])
    ensures: Callable[..., bool] | None = None
    compensation: str | None = None
    heartbeat: timedelta | None = None
    breaker: Breaker | None = None
    limit: Limit | None = None
    flow: str = ""

    @property
    def gated(self) -> bool:
        """Whether attempts may have to wait: it has a breaker or a limit."""
        return self.breaker is not None or self.limit is not None

    @property
    def outputs(self) -> tuple[str, ...]:
        """Of a flow, the names of what it answers."""
        return tuple(name for name, _ in self.result.fields) if self.flow and isinstance(self.result, Record) else ()

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


MOST_DEFERRED = 100


@dataclass(frozen=True)
class EventSpec:
    """An event or a task: its trigger class, and who may send it (empty: anyone; of a task see OpenTask). `most`: how
    many of an event may wait at a time."""

    name: str
    record: Record[object]
    roles: tuple[str, ...]
    task: bool
    most: int = MOST_DEFERRED

    @cached_property
    def payload(self) -> Callable[[object], tuple[object, ...]]:
        """The fields of a trigger, in order."""
        names = self.record.attributes
        if not names:
            return _no_fields
        one = attrgetter(names[0])
        return attrgetter(*names) if len(names) > 1 else lambda trigger: (one(trigger),)


def _no_fields(trigger: object) -> tuple[object, ...]:
    return ()


PLAIN_EFFECTS: tuple[Record[Effect], ...] = (
    record(InterruptActivity, ("key", TEXT)),
    record(ArmTimer, ("timer", TEXT), ("due", INSTANT)),
    record(CancelTimer, ("timer", TEXT)),
    record(
        OpenTask,
        ("key", TEXT),
        ("task", TEXT),
        ("roles", sequence(TEXT)),
        ("title", TEXT),
        ("due", optional(INSTANT)),
        ("excluded", sequence(TEXT)),
        ("persons", sequence(TEXT)),
    ),
    record(EscalateTask, ("key", TEXT), ("role", TEXT)),
    record(RemindTask, ("key", TEXT)),
    record(DelegateTask, ("key", TEXT), ("to", TEXT)),
    record(CloseTask, ("key", TEXT)),
    record(DropEvent, ("event", TEXT)),
    record(Finish, ("state", TEXT), ("failure", BOOL)),
)
"""The effects that are written alike for every flow."""

ACTOR: Codec[Actor] = record(Actor, ("id", TEXT), ("roles", TEXTS))


@dataclass(frozen=True, eq=False)
class FlowSpec:
    """A flow as its host sees it. `digest` is the hash of the formatted source. `messages`: what each event takes that
    it emits; `sends`: each that it sends to another flow, by flow and event."""

    name: str
    version: int
    digest: str
    inputs: Record[object]
    data: Record[object]
    events: Mapping[str, EventSpec]  # tasks too
    activities: Mapping[str, ActivitySpec]
    compensations: Mapping[str, CompensationSpec]
    schedules: tuple[Schedule, ...] = ()
    messages: Mapping[str, Arguments] = field(default_factory=dict[str, Arguments])
    sends: Mapping[str, Mapping[str, Arguments]] = field(default_factory=dict[str, Mapping[str, Arguments]])
    outputs: tuple[str, ...] = ()  # the inputs and data that whoever does this flow receives

    @cached_property
    def kinds(self) -> Mapping[type[object], EventSpec]:
        """Events and tasks by their trigger class."""
        return {event.record.type: event for event in self.events.values()}

    @cached_property
    def nests(self) -> bool:
        """Whether it does other flows."""
        return any(activity.flow for activity in self.activities.values())

    def event(self, name: str, payload: object = None) -> object:
        """The trigger of an event or task from its JSON payload (an object by field; None: no fields).

        Raises Invalid for an unknown name or a payload that does not fit."""
        return self.triggers.decode({"trigger": name, "payload": {} if payload is None else payload})

    # ------------------------------------------------------------ for a journal and an outbox

    @cached_property
    def triggers(self) -> Codec[object]:
        """Events and tasks, by their names in the flow."""
        return Union("trigger", {name: (event.record.type, event.record) for name, event in self.events.items()})

    def trigger_to_json(self, trigger: object) -> Json:
        """A trigger for a journal. Raises Invalid for what is no trigger of this flow."""
        if isinstance(trigger, Outcome):
            return {"key": trigger.key, "outcome": trigger.kind, "value": self._brought(trigger)}
        if isinstance(trigger, Fired):
            return {"timer": trigger.timer}
        if isinstance(trigger, Delegation):
            return {"delegate": trigger.task, "to": trigger.to}
        if isinstance(trigger, Withdraw):
            return {"withdraw": True}
        return self.triggers.encode(trigger)

    def trigger_text(self, trigger: object) -> str:
        """`trigger_to_json` as JSON text."""
        if isinstance(trigger, Outcome):  # most are: without making the object
            value = written(self._brought(trigger))
            return f'{{"key":{quoted(trigger.key)},"outcome":{quoted(trigger.kind)},"value":{value}}}'
        return written(self.trigger_to_json(trigger))

    def trigger_from_json(self, json: object) -> object:
        """The trigger again. Raises Invalid."""
        match members(json):
            case {"key": str(key), "outcome": str(kind), "value": value}:
                return Outcome(key, kind, self._result(key, kind).decode(value))
            case {"timer": str(timer)}:
                return Fired(timer)
            case {"delegate": str(task), "to": str(to)}:
                return Delegation(task, to)
            case {"withdraw": True}:
                return Withdraw()
            case _:
                return self.triggers.decode(json)

    def _brought(self, outcome: Outcome) -> Json:
        result = self._result(outcome.key, outcome.kind)
        return None if result is NOTHING else result.encode(outcome.value)

    def _result(self, key: str, kind: str) -> Codec[object]:
        """How the value of an outcome is written: as the result of its activity, or not at all."""
        activity = self.activities.get(key.rpartition("#")[0])
        forward = activity is not None and kind == "done" and not key.endswith("/undo")
        return activity.result if activity is not None and forward else NOTHING

    def effect_to_json(self, effect: Effect) -> Json:
        """An effect for an outbox. Raises Invalid for what is no effect of this flow."""
        return self.effects.encode(effect)

    @cached_property
    def effects_text(self) -> Teller:
        """The JSON text of a sequence of effects that the core made."""
        return sequence(self.effects).teller

    def args_text(self, effect: StartActivity | StartCompensation) -> str:
        """The arguments of a call as JSON text. Raises Invalid."""
        kind, (_, name, args, *_) = type(effect), effect
        params, tell = self._called[kind, name]
        return tell(params.check(args))

    @cached_property
    def _called(self) -> Mapping[tuple[type[Effect], str], tuple[Arguments, Teller]]:
        """What a call of that kind takes, and how it is told."""
        kinds: dict[type[Effect], Mapping[str, ActivitySpec] | Mapping[str, CompensationSpec]] = {
            StartActivity: self.activities,
            StartCompensation: self.compensations,
        }
        return {
            (kind, name): (each.params, each.params.teller)
            for kind, specs in kinds.items()
            for name, each in specs.items()
        }

    def effect_from_json(self, json: object) -> Effect:
        """The effect again, its arguments as exact values. Raises Invalid."""
        return self.effects.decode(json)

    @cached_property
    def effects(self) -> Codec[Effect]:
        """Effects, by the names of their classes."""
        starts = {
            name: record(StartActivity, ("key", TEXT), ("activity", TEXT), ("args", activity.params))
            for name, activity in self.activities.items()
        }
        undos = {
            name: record(
                StartCompensation, ("key", TEXT), ("compensation", TEXT), ("args", undo.params), ("forward", TEXT)
            )
            for name, undo in self.compensations.items()
        }
        emits = {
            name: record(EmitEvent, ("event", TEXT), ("payload", payload)) for name, payload in self.messages.items()
        }
        sends = {flow: Variant("event", self._letters(events)) for flow, events in self.sends.items()}
        variants: dict[str, tuple[type[Effect], Codec[Effect]]] = {
            "StartActivity": (StartActivity, Variant("activity", starts)),
            "StartCompensation": (StartCompensation, Variant("compensation", undos)),
            "EmitEvent": (EmitEvent, Variant("event", emits)),
            "SendEvent": (SendEvent, Variant("flow", sends)),
        }
        variants |= {plain.type.__name__: (plain.type, plain) for plain in PLAIN_EFFECTS}
        return Union("effect", variants)

    @staticmethod
    def _letters(events: Mapping[str, Arguments]) -> Mapping[str, Record[Effect]]:
        return {
            name: record(SendEvent, ("flow", TEXT), ("event", TEXT), ("payload", payload), ("to", TEXT))
            for name, payload in events.items()
        }
