"""What stands in a store, and whether it makes sense: a folder or its states in, what is wrong out."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from penstock.runtime.errors import StoreError
from penstock.runtime.hosts.sqlite_store import SqliteStore
from penstock.runtime.journal import AnyFlow, replay
from penstock.runtime.store import (
    Attempt,
    Instance,
    JournalEntry,
    PendingCall,
    Status,
    TaskItem,
    Timer,
    Transaction,
)

FILE = "orders.db"


class Violation(Exception):
    """What is left after a loss of power is not what was promised."""


@contextmanager
def emptied(place: Path) -> Generator[Path]:
    """The folder, empty."""
    place.mkdir(exist_ok=True)
    for path in place.iterdir():
        path.unlink()
    yield place


class Acknowledged(NamedTuple):
    message: str


class Committed(NamedTuple):
    """What a store says that it has committed: steps, and attempts that now begin."""

    entries: tuple[JournalEntry, ...]
    claimed: tuple[PendingCall, ...]


@dataclass(frozen=True)
class Kept:
    """What stands in a store."""

    instances: Mapping[str, Instance]
    journal: Mapping[str, Sequence[JournalEntry]]
    attempts: Mapping[str, Sequence[Attempt]]
    calls: Sequence[PendingCall]
    timers: Sequence[Timer]
    tasks: Sequence[TaskItem]
    messages: frozenset[str]
    mark: bytes
    """The same for the same rows in all tables."""

    def holds(self, what: object) -> bool:
        """Whether it agrees with something that somebody was told."""
        match what:
            case JournalEntry():
                journal = self.journal.get(what.instance, ())
                return len(journal) >= what.sequence and journal[what.sequence - 1] == what
            case Committed(entries, claimed):
                begun = {(a.instance, a.key, a.number) for attempts in self.attempts.values() for a in attempts}
                counted = all((call.instance, call.key, call.attempts) in begun for call in claimed)
                return counted and all(map(self.holds, entries))
            case Instance():
                return what.id in self.instances and self.instances[what.id].sequence >= what.sequence
            case Acknowledged(message):
                return message not in self.messages
            case _:
                return True


def _read(tx: Transaction) -> dict[str, Any]:
    instances = {instance.id: instance for instance in tx.instances(None)}
    return {
        "instances": instances,
        "journal": {id: tx.entries(id) for id in instances},
        "attempts": {id: tx.attempts(id) for id in instances},
        "calls": [call for id in instances for call in tx.calls(id)],
        "timers": [timer for id in instances for timer in tx.timers(id)],
        "tasks": tx.tasks(None),
        "messages": frozenset(message.id for message in tx.messages(1000)),
    }


def kept(folder: Path) -> Kept:
    """Raises StoreError, Violation."""
    store = SqliteStore(folder / FILE)
    try:
        return Kept(mark=mark(folder / FILE), **store.now(_read))
    finally:
        store.close()


def recovered(folder: Path) -> bytes:
    """The mark of what is left in a folder, which a store opens and finds sound. Raises Violation."""
    try:
        SqliteStore(folder / FILE).close()
    except StoreError as error:
        raise Violation(f"cannot be opened: {error!r}") from error
    return mark(folder / FILE)


def mark(file: Path) -> bytes:
    """The same for the same rows in all tables. Raises Violation for a file that is not sound."""
    db = sqlite3.connect(file, isolation_level=None)
    try:
        found = [row for pragma in ("integrity_check", "foreign_key_check") for row in db.execute(f"PRAGMA {pragma}")]
        if found != [("ok",)]:
            raise Violation(f"not sound: {found[:3]}")
        tables = [name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")]
        rows = [db.execute(f"SELECT * FROM {table}").fetchall() for table in tables]
        return hashlib.blake2b(repr((tables, rows)).encode(), digest_size=16).digest()
    except sqlite3.DatabaseError as error:
        raise Violation(f"cannot be read: {error!r}") from error
    finally:
        db.close()


# ---------------------------------------------------------------- whether a state makes sense


def examine(state: Kept, flows: Mapping[str, type[AnyFlow]]) -> None:
    """Journal, record, calls, timers and tasks are of one mind. Raises AssertionError, Diverged."""
    for id, instance in state.instances.items():
        record = replay(flows[instance.flow], state.journal[id])
        assert record.to_json() == json.loads(instance.snapshot)
        assert len(state.journal[id]) == instance.sequence
        ledger = record.ledger
        running = [call.key for call in ledger.calls if not call.answer]
        running += [entry.key for entry in ledger.log if entry.in_flight]
        if ledger.undoing is not None and ledger.undoing.running is not None:
            running.append(ledger.undoing.running)
        outer = {name for name, activity in record.spec.activities.items() if activity.flow}
        expected = {key for key in running if key.partition("#")[0] not in outer}
        calls = {c.key for c in state.calls if c.instance == id and c.key.partition("#")[0] not in outer}
        assert calls == expected, (instance, calls, expected)
        timers = {(timer.name, timer.due) for timer in state.timers if timer.instance == id}
        assert timers == {(timer.timer, timer.due) for timer in ledger.timers}
        tasks = {(task.key, task.roles, task.persons) for task in state.tasks if task.instance == id}
        assert tasks == {(work.key, work.roles, work.persons) for work in ledger.tasks}


def examine_end(state: Kept, flows: Mapping[str, type[AnyFlow]], effects: Sequence[Sequence[str]]) -> None:
    """Everything has ended; nothing happened that was not asked for, and what failed is undone, the newest first."""
    examine(state, flows)
    assert not state.calls and not state.timers and not state.tasks and not state.messages
    for id, instance in state.instances.items():
        assert instance.status.finished
        spec = flows[instance.flow].spec
        undo = {name: each.compensation for name, each in spec.activities.items() if each.compensation is not None}
        mine = [(name, key) for name, key, *_ in effects if key.rpartition("/")[0] == id]
        for name, key in mine:
            call = key.removeprefix(f"{id}/") + ("/undo" if name in spec.compensations else "")
            assert mine.count((name, key)) <= sum(attempt.key == call for attempt in state.attempts[id])
        undone = [key for name, key in mine if name in spec.compensations]
        assert {key.removeprefix(f"{id}/") for key in undone} <= _undoings(state.journal[id])
        if instance.status is Status.SUCCEEDED:
            continue
        for name, key in mine:
            if name in undo:  # whatever may have happened is undone, and not before it happened for the last time
                assert mine.index((str(undo[name]), key)) > len(mine) - 1 - mine[::-1].index((name, key))
        order = [int(key.rpartition("#")[2]) for key in dict.fromkeys(undone)]
        assert order == sorted(order, reverse=True), "the newest effect is undone first"


def _undoings(journal: Sequence[JournalEntry]) -> set[str]:
    """The calls that the flow asked to have undone."""
    effects = [effect for entry in journal for effect in json.loads(entry.effects)]
    return {each["payload"]["forward"] for each in effects if each["effect"] == "StartCompensation"}


def ends(state: Kept) -> Mapping[str, tuple[str, ...]]:
    return {id: instance.configuration for id, instance in state.instances.items()}
