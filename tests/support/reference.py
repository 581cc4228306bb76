"""What must hold of an instance whatever happened to its host: its rows and the world in; a broken promise out.

The reference interpreter is handed the triggers that the journal holds, one after the other: what was lost on the way,
came twice or too late has left no row. It must come to what is stored, by way of the same effects.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, cast

import twins
from penstock.compiler import instance as reference
from penstock.compiler import simulate
from penstock.runtime.core import Delegation, Fired, Outcome, StartActivity, StartCompensation, Withdraw
from penstock.runtime.journal import AnyFlow, replay
from penstock.runtime.spec import ACTOR
from penstock.runtime.store import Attempt, Child, EntryKind, Instance, JournalEntry, Transaction
from plans import Subject
from worlds import ACKNOWLEDGED, EFFECT, REFUSED, World

UNDO = "/undo"


def plain(value: object) -> Any:
    """A value of generated code as the interpreter has it."""
    if isinstance(value, StrEnum):
        return value.value
    if isinstance(value, tuple):
        return tuple(plain(part) for part in cast("tuple[object, ...]", value))
    return value


def trigger(flow: type[AnyFlow], given: object) -> reference.Trigger:
    """A trigger of generated code for the interpreter."""
    match given:
        case Outcome(key, kind, value):
            return reference.Outcome(key, kind, plain(value))
        case Fired(timer):
            return reference.Fired(timer)
        case Delegation(task, to):
            return reference.Delegation(task, to)
        case Withdraw():
            return reference.Withdraw()
        case _:
            spec = flow.spec.kinds[type(given)]
            payload = plain(spec.record.values(given))
            return reference.Completion(spec.name, payload) if spec.task else reference.Event(spec.name, payload)


@dataclass(frozen=True, slots=True)
class Rows:
    """All that a store has about an instance. calls, tasks: their keys; timers: with when they are due."""

    instance: Instance
    journal: Sequence[JournalEntry]
    attempts: Sequence[Attempt]
    children: Sequence[Child]
    calls: frozenset[str]
    timers: frozenset[tuple[str, datetime]]
    tasks: frozenset[str]


def rows(tx: Transaction, id: str) -> Rows:
    instance = tx.instance(id)
    assert instance is not None
    calls = frozenset(call.key for call in tx.calls(id))
    timers = frozenset((timer.name, timer.due) for timer in tx.timers(id))
    tasks = frozenset(item.key for item in tx.tasks(None) if item.instance == id)
    return Rows(instance, tx.entries(id), tx.attempts(id), tx.children(id), calls, timers, tasks)


def examine(subject: Subject, found: Rows, world: World, straight: bool = True) -> None:
    """Raises AssertionError. straight: the clock was never put back."""
    instance, journal = found.instance, found.journal
    record = subject.flow.from_json(json.loads(instance.snapshot))
    assert replay(subject.flow, journal) == record, "the journal leads to what is stored"
    at = interpreted(subject, journal, straight)
    assert twins.seen(at) == twins.shown(record), "the interpreter comes to what is stored"
    _open(found, record)
    _requests(world, instance.id, journal)
    _effects(subject, found, world, at)


def interpreted(subject: Subject, journal: Sequence[JournalEntry], straight: bool = True) -> reference.Instance:
    """Where the interpreter comes to by the triggers of a journal, by way of the same effects. Raises AssertionError,
    and what the interpreter raises for one that it refuses."""
    kernel, flow = subject.kernel, subject.flow
    at: reference.Instance | None = None
    now = journal[0].at
    for entry in journal:
        assert entry.at >= now, "the time of an instance never runs backwards"
        before, now = now, entry.at
        if entry.kind not in (EntryKind.START, EntryKind.STEP):
            continue
        by = ACTOR.decode(json.loads(entry.actor))
        actor, given = reference.Actor(by.id, by.roles), json.loads(entry.trigger)
        if at is None:
            values = flow.spec.inputs.values(flow.spec.inputs.decode(given))
            made = simulate.start(kernel, plain(values), actor, now)
        else:
            handed = trigger(flow, flow.spec.trigger_from_json(given))
            _in_due_order(at, handed, entry, straight and now > before)
            made = simulate.step(kernel, at, handed, actor, now)
        effects = [flow.spec.effect_from_json(each) for each in json.loads(entry.effects)]
        assert [*map(twins.effect_of_theirs, made.effects)] == [*map(twins.effect_of_ours, effects)]
        at = made.after
    assert at is not None
    return at


def _open(found: Rows, record: AnyFlow) -> None:
    """What is under way, by the record, is under way in the store, and nothing else is."""
    ledger, id = record.ledger, found.instance.id
    assert found.timers == {(armed.timer, armed.due) for armed in ledger.timers}, f"the timers of {id} are others"
    assert found.tasks == {work.key for work in ledger.tasks}, f"the tasks of {id} are others"
    flows = {activity.name for activity in record.spec.activities.values() if activity.flow}
    running = {call.key for call in ledger.calls if not call.answer and call.activity not in flows}
    flying = {entry.key for entry in ledger.log if entry.in_flight}
    undoing = None if ledger.undoing is None else ledger.undoing.running
    undone = {undoing} - {None, *(f"{link.key}{UNDO}" for link in found.children)}
    assert found.calls - flying == (running | undone) - flying, f"the calls of {id} are others"


def _in_due_order(at: reference.Instance, given: reference.Trigger, entry: JournalEntry, later: bool) -> None:
    """No timer fires early, or after a later one; nothing happens to an instance before what was due before. later:
    time has passed since the row before, and the clock was not put back; of what comes at one moment, anything is first
    (K7)."""
    due = min((armed.due for armed in at.timers), default=None)
    if isinstance(given, reference.Fired):
        mine = next(armed.due for armed in at.timers if armed.timer == given.timer)
        assert mine <= entry.at, f"{given.timer} fires before it is due"
        assert mine == due, f"{given.timer} fires before one that is due earlier"
    elif later and due is not None and not at.compensating and not isinstance(given, reference.Withdraw):
        assert due > entry.at, f"row {entry.sequence} comes before a timer that was due"


def _requests(world: World, id: str, journal: Sequence[JournalEntry]) -> None:
    """What was acknowledged is there, once; what was refused is not."""
    requests = Counter(entry.request for entry in journal if entry.request is not None)
    assert all(number == 1 for number in requests.values())
    for fact in world.of(ACKNOWLEDGED, id):
        assert fact.more <= len(journal), f"{fact.name} was acknowledged and is lost"
        row = journal[int(fact.more) - 1]
        assert row.sequence == 1 if fact.name == "start" else row.request == fact.name
    assert all(fact.name not in requests for fact in world.of(REFUSED, id))


def _effects(subject: Subject, found: Rows, world: World, at: reference.Instance) -> None:
    """Services did what the journal asked for, under its keys, and undid it in the order it asked for."""
    spec, id = subject.flow.spec, found.instance.id
    asked = [spec.effect_from_json(each) for entry in found.journal for each in json.loads(entry.effects)]
    _newest_first(asked)
    keys = [each.key for each in asked if isinstance(each, StartActivity | StartCompensation)]
    begun = Counter(attempt.key for attempt in found.attempts)
    did = [str(fact.more) for fact in world.of(EFFECT, id)]
    for key, times in Counter(did).items():
        assert key in keys, f"{key} was done, for which nobody asked"
        assert times <= begun[key], "every attempt was counted before it began"
    undone = list(dict.fromkeys(key for key in did if key.endswith(UNDO)))
    wanted = [key for key in keys if key.endswith(UNDO) and not spec.activities[key.partition("#")[0]].flow]
    assert undone == wanted[: len(undone)], f"{id} is undone in another order: {undone}, not {wanted}"
    _nothing_stands(subject, at, did)


def _newest_first(asked: Sequence[object]) -> None:
    """What is undone at a stretch is undone from the newest call to the oldest."""
    last: int | None = None
    for effect in asked:
        if isinstance(effect, StartCompensation):
            number = int(effect.forward.rpartition("#")[2])
            assert last is None or number < last, f"{effect.forward} is undone after an older call"
            last = number
        elif isinstance(effect, StartActivity):
            last = None


def _nothing_stands(subject: Subject, at: reference.Instance, did: list[str]) -> None:
    """Every effect is known to the instance, or was undone after it was had for the last time."""
    known = {entry.key for entry in at.log} | {call.key for call in at.calls}
    for n, key in enumerate(did):
        activity = subject.flow.spec.activities.get(key.partition("#")[0])
        if key.endswith(UNDO) or activity is None or activity.compensation is None or key in known:
            continue
        assert f"{key}{UNDO}" in did[n:], f"{key} was done, and nobody knows"
