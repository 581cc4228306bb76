"""The record below every generated flow: an immutable value that answers a trigger with the next one (K1 to K8).

A generated class says what its flow decides (`rules`) and how its host sees it (`spec`); `progress` does a step's work.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import ClassVar, Self, cast

from . import snapshot
from .codec import Invalid, Json, admitted
from .core import NOBODY, Actor, Delegation, Fault, Fired, Ledger, Outcome, Rejected, Step, Withdraw
from .fields import Fields
from .progress import Progress
from .rules import D, E, I, Rules, S
from .spec import FlowSpec


class Flow(Fields[I, D, S, E]):
    """One instance of a flow at rest. Equal records behave equally; every step makes a new one."""

    __slots__ = ()
    spec: ClassVar[FlowSpec]

    @classmethod
    def _rules(cls) -> Rules[I, D, S, E]:
        """What this flow decides."""
        raise NotImplementedError

    # ------------------------------------------------------------ where it is

    @property
    def state(self) -> S | None:
        """Where the instance rests; None while it compensates, and where it rests in several regions (see `at`)."""
        return self.at[0] if len(self.at) == 1 else None

    def is_in(self, place: S) -> bool:
        """Whether the instance rests in the place, or in a state in it."""
        around = self._rules().places.around
        return any(place in around[leaf] for leaf in self.at)

    @property
    def compensating(self) -> bool:
        """Whether effects are being undone: events wait until that is over."""
        return self.ledger.undoing is not None

    @property
    def finished(self) -> bool:
        """Whether it rests in a final state, or was withdrawn and rests in none; only `Withdraw` moves it still."""
        return self.ledger.undoing is None and (not self.at or self.at[0] in self._rules().finals)

    def accepted(self, by: Actor | None = None) -> tuple[type[E], ...]:
        """The events and tasks there are transitions for now (that the actor may send, if one is given).

        A guard, or a payload, may still be against one of them."""
        rules = self._rules()
        found: dict[type[E], None] = {}
        for place in rules.places.active(self.at):
            for kind in rules.accepting(place):
                if self.spec.kinds[kind].task or place in rules.answering(self.at, kind):
                    found[kind] = None
        return tuple(kind for kind in found if self._admits(kind, by))

    def accepts(self, kind: type[E], by: Actor | None = None) -> bool:
        """Whether `accepted` says so of an event or task."""
        return kind in self.accepted(by)

    def _admits(self, kind: type[E], by: Actor | None) -> bool:
        event = self.spec.kinds[kind]
        if not event.task:
            return by is None or not event.roles or not by.roles.isdisjoint(event.roles)
        works = [work for work in self.ledger.tasks if work.task == event.name]
        return any(by is None or (work.entitles(by) and by.id not in work.excluded) for work in works)

    # ------------------------------------------------------------ steps

    @classmethod
    def begin(cls, inputs: I, *, by: Actor = NOBODY, now: datetime) -> Step[Self]:
        """A new instance. Raises Rejected("payload") for inputs that do not fit, Fault where the flow is unsound."""
        try:
            given = cast(I, admitted(cls.spec.inputs, inputs))
        except Invalid as invalid:
            raise Rejected("", inputs, "payload", str(invalid)) from None
        rules = cls._rules()
        try:
            ledger: Ledger[E] = Ledger(now, actors=(("start", by.id),))
            blank = cls(given, rules.initial, (), ledger)
            progress = Progress(rules, cls.spec, blank, now)
            progress.begin()
        except OverflowError:
            raise _too_large(cls.spec) from None
        return cls(*progress.fields()), tuple(progress.effects)

    def step(
        self, trigger: E | Outcome | Delegation | Fired | Withdraw, *, by: Actor = NOBODY, now: datetime
    ) -> Step[Self]:
        """The record after the trigger, and what a host must do, in order. Raises Rejected, or Fault where the flow is
        unsound; nothing has changed then."""
        progress = Progress(self._rules(), self.spec, self, now)
        try:
            progress.handle(trigger, by)
        except OverflowError:
            raise _too_large(self.spec) from None
        return type(self)(*progress.fields()), tuple(progress.effects)

    def delegate(self, task: str, to: str, *, by: Actor = NOBODY, now: datetime) -> Step[Self]:
        """Hand the open task of this name on to the person `to`. Raises Rejected."""
        return self.step(Delegation(task, to), by=by, now=now)

    # ------------------------------------------------------------ as JSON

    @classmethod
    def event(cls, name: str, payload: object = None) -> E:
        """The trigger of an event or task from its JSON payload: an object, or None where it has no fields.

        Raises Invalid for an unknown name or a payload that does not fit."""
        return cast(E, cls.spec.event(name, payload))

    @classmethod
    def trigger_from_json(cls, json: object) -> E | Outcome | Delegation | Fired | Withdraw:
        """What `spec.trigger_to_json` wrote. Raises Invalid."""
        return cast("E | Outcome | Delegation | Fired | Withdraw", cls.spec.trigger_from_json(json))

    def to_json(self) -> Mapping[str, Json]:
        """A snapshot, for `json.dumps`."""
        return snapshot.encode(self.spec, self.inputs, self.data, self.at, self.ledger)

    def to_text(self) -> str:
        """The snapshot as JSON text, in ASCII and without blanks, the same for the same record."""
        return snapshot.text(self.spec, self.inputs, self.data, self.at, self.ledger)

    @classmethod
    def from_json(cls, json: object) -> Self:
        """The record of a snapshot, as `json.loads` gave it. Raises snapshot.Corrupt, a ValueError, when it is none."""
        rules = cls._rules()
        return cls(*snapshot.decode(cls.spec, rules, json))


def _too_large(spec: FlowSpec) -> Fault:
    return Fault("F401", spec.name, "a duration or an instant is too large to represent")
