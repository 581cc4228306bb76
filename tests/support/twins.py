"""The generated code of a flow beside the reference interpreter: the same triggers go to both, the same must come out.

Nothing is shared between the two but the kernel: the runtime does not import the compiler.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, astuple, dataclass, fields
from datetime import UTC, datetime, timedelta
from itertools import count
from types import ModuleType
from typing import Any, cast

from penstock.compiler import simulate
from penstock.compiler.codegen import names, render
from penstock.compiler.evaluate import Fault
from penstock.compiler.instance import (
    Actor,
    Completion,
    Delegation,
    Event,
    Fired,
    Instance,
    Outcome,
    Rejected,
    Step,
    Trigger,
    Withdraw,
    WorkItem,
)
from penstock.compiler.kernel import Kernel
from penstock.dsl.model import Value
from penstock.runtime import core
from penstock.runtime.codec import TEXT, optional
from penstock.runtime.flow import Flow
from penstock.runtime.records import Record, sequence
from triggers import Move, inputs, moves

NOW = datetime(2026, 1, 1, tzinfo=UTC)
PATH = "specs/twin.flow"
AnyFlow = Flow[Any, Any, Any, Any]

_numbers = count()


def module(text: str) -> ModuleType:
    """A generated module, imported from its text."""
    name = f"generated_{next(_numbers)}"
    made = ModuleType(name)
    sys.modules[name] = made  # dataclasses look there
    exec(compile(text, name, "exec"), made.__dict__)
    return made


def generated(kernel: Kernel) -> type[AnyFlow]:
    """The record class of a kernel's generated module."""
    made = module(render.module(kernel, "0" * 64, PATH))
    flow: type[AnyFlow] = getattr(made, names.Names(kernel).flow)
    return flow


@dataclass
class Twins:
    """One instance, twice. Each call hands a trigger to both and compares everything there is to see."""

    kernel: Kernel
    flow: type[AnyFlow]
    now: datetime = NOW
    at: Instance | None = None
    record: AnyFlow | None = None

    def start(self, values: tuple[Value, ...], actor: Actor) -> bool:
        """Whether it began: an input that does not fit is rejected by both."""
        given = made(self.flow.spec.inputs, values)
        theirs = self._said(lambda: simulate.start(self.kernel, values, actor, self.now))
        ours = self._said(lambda: self.flow.begin(given, by=_actor(actor), now=self.now))
        return self._compare(theirs, ours)

    def step(self, trigger: Trigger, actor: Actor) -> bool:
        at, record = self.at, self.record
        assert at is not None and record is not None
        given = self.translated(trigger)
        theirs = self._said(lambda: simulate.step(self.kernel, at, trigger, actor, self.now))
        ours = self._said(lambda: record.step(given, by=_actor(actor), now=self.now))
        took = self._compare(theirs, ours)
        if took and self.record != record:
            written = json.dumps(self.flow.spec.trigger_to_json(given))
            back = self.flow.spec.trigger_from_json(json.loads(written))
            assert json.dumps(self.flow.spec.trigger_to_json(back)) == written
        return took

    def moves(self, move: Move) -> bool:
        """Whether the interpreter says that the trigger changes something."""
        assert self.at is not None
        try:
            return simulate.step(self.kernel, self.at, *move, self.now).after != self.at
        except (Rejected, Fault):
            return False

    def translated(self, trigger: Trigger) -> object:
        """The trigger for the generated code."""
        match trigger:
            case Outcome(key, kind, value):
                activity = self.flow.spec.activities.get(key.partition("#")[0])
                return core.Outcome(key, kind, value if activity is None else made(activity.result, value))
            case Fired(timer):
                return core.Fired(timer)
            case Delegation(task, to):
                return core.Delegation(task, to)
            case Withdraw():
                return core.Withdraw()
            case Event(name, payload) | Completion(name, payload):
                return made(self.flow.spec.events[name].record, payload)

    def _said(self, act: Any) -> object:
        try:
            return act()
        except (Rejected, core.Rejected) as rejected:
            return rejected.reason
        except Fault as fault:
            return fault.code, self.kernel.source.line(fault.span)
        except core.Fault as fault:
            _, _, line = fault.place.rpartition(":")
            return fault.code, int(line) if line.isdigit() else None

    def _compare(self, theirs: object, ours: object) -> bool:
        if not isinstance(theirs, Step) or not isinstance(ours, tuple):
            assert theirs == ours
            return False
        record, effects = cast("core.Step[AnyFlow]", ours)
        self.at, self.record = theirs.after, record
        assert [effect_of_theirs(effect) for effect in theirs.effects] == [effect_of_ours(effect) for effect in effects]
        assert seen(theirs.after) == shown(record)
        assert self.flow.from_json(json.loads(json.dumps(record.to_json()))) == record
        for effect in effects:
            written = json.loads(json.dumps(self.flow.spec.effect_to_json(effect)))
            assert self.flow.spec.effect_from_json(written) == effect
        return True


def drive(twins: Twins, choices: Sequence[tuple[int, int]]) -> None:
    """A run: the first choice picks the inputs, each other one a trigger, after some seconds.

    Two of three are triggers that move the instance, as far as there are any, so that runs get somewhere."""
    rows = [row for row in inputs(twins.kernel) if len(row) == len(twins.kernel.inputs)]
    for which, seconds in choices:
        which, useful = divmod(which, 3)
        if twins.at is None:
            starter = Actor("all", frozenset(twins.kernel.roles)) if useful % 2 else Actor()
            twins.start(rows[which % len(rows)], starter)
            continue
        over = twins.at.finished  # it may still be handed one more
        twins.now += timedelta(seconds=seconds)
        possible = [move for move in (*moves(twins.kernel, twins.at), *late(twins.at)) if _whole(twins, move[0])]
        kinds = sorted({type(trigger).__name__ for trigger, _ in possible})
        if possible:
            which, turn = divmod(which, len(kinds))
            turned = kinds[turn:] + kinds[:turn]
            ordered = [
                move for kind in turned for move in _from(which, [m for m in possible if type(m[0]).__name__ == kind])
            ]
            twins.step(*next(filter(twins.moves, ordered), ordered[0]) if useful else ordered[0])
        if over:
            return


def late(at: Instance) -> Iterator[Move]:
    """Answers of calls that have answered before, and failures of the compensation that is awaited."""
    for entry in at.log:
        for outcome in (Outcome(entry.key, "failed"), Outcome(entry.key, "done", entry.result)):
            yield outcome, Actor()
    if at.undoing is not None and at.undoing.running is not None:
        yield Outcome(at.undoing.running, "failed"), Actor()


def _from(which: int, found: list[Move]) -> list[Move]:
    """All of them, from some place on and around."""
    place = which % len(found)
    return found[place:] + found[:place]


def _whole(twins: Twins, trigger: Trigger) -> bool:
    """Whether it has all the fields it should: with fewer, a generated class cannot even be made."""
    match trigger:
        case Event(name, payload) | Completion(name, payload):
            return len(payload) == len(twins.flow.spec.events[name].record.fields)
        case _:
            return True


def made(codec: Any, value: object) -> Any:
    """A value of the interpreter as one for generated code: records are of classes there. What does not fit stays."""
    kind: object = codec.__class__
    if not isinstance(value, tuple):
        return value
    parts = cast("tuple[object, ...]", value)
    if kind is type(optional(TEXT)):
        return made(codec.item, parts)
    if kind is type(sequence(TEXT)):
        return tuple(made(codec.item, part) for part in parts)
    if kind is Record and len(parts) == len(codec.fields):
        return codec.type(*(made(inner, part) for (_, inner), part in zip(codec.fields, parts, strict=True)))
    return parts


def _actor(actor: Actor) -> core.Actor:
    return core.Actor(actor.id, actor.roles)


def effect_of_theirs(effect: Any) -> tuple[str, dict[str, object]]:
    return type(effect).__name__, asdict(effect)


def effect_of_ours(effect: core.Effect) -> tuple[str, dict[str, object]]:
    return type(effect).__name__, effect._asdict()


def seen(at: Instance) -> dict[str, object]:
    """All of the interpreter's record that has a meaning outside of it."""
    return {
        "at": at.configuration,
        "values": at.values,
        "started": at.started,
        "finished": at.finished,
        "undoing": at.undoing and (at.undoing.node, at.undoing.running),
        "log": [(e.key, e.activity, e.args, e.status == "done", e.in_flight, e.result) for e in at.log],
        "calls": [(c.key, c.activity, c.args, c.leaf, c.item, c.answer, c.result) for c in at.calls],
        "tasks": [astuple(item) for item in at.tasks],
        "timers": [(armed.timer, armed.due) for armed in at.timers],
        "deferred": [(event.name, event.payload) for event in at.deferred],
        "actors": dict(at.actors),
        "completed": set(at.completed),
        "counter": at.counter,
        "history": dict(at.history),
        "moments": dict(at.moments),
    }


def shown(record: AnyFlow) -> dict[str, object]:
    """The same of a generated record."""
    ledger = record.ledger
    spec = record.spec
    return {
        "at": record.at,
        "values": (*record.inputs, *record.data),
        "started": ledger.started,
        "finished": record.finished,
        "undoing": ledger.undoing and (ledger.undoing.node, ledger.undoing.running),
        "log": [(e.key, e.activity, e.args, e.done, e.in_flight, e.result) for e in ledger.log],
        "calls": list(ledger.calls),
        "tasks": [work[: len(fields(WorkItem))] for work in ledger.tasks],
        "timers": list(ledger.timers),
        "deferred": [(spec.kinds[type(t)].name, spec.kinds[type(t)].record.values(t)) for t in ledger.deferred],
        "actors": dict(ledger.actors),
        "completed": set(ledger.completed),
        "counter": ledger.counter,
        "history": dict(ledger.history),
        "moments": dict(ledger.moments),
    }
