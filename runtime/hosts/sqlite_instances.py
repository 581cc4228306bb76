"""Instances, their calls and timers in SQL: values in, rows out, and back. What is under way stays at hand."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from datetime import datetime
from typing import Any, TypeVar

from ..errors import StoreError
from ..store import Instance, PendingCall, Status, Timer
from ..timers import micros, moment
from .sqlite_errors import as_written, refuse
from .sqlite_kept import Kept
from .sqlite_rows import MARKS, ROLLED_BACK, SqliteRows, marks

T = TypeVar("T")

REMEMBERED = 4096
"""The rows of so many instances are kept from one transaction to the next."""


class SqliteInstances(SqliteRows):
    """The part of `store.Transaction` that is about instances, calls and timers."""

    def __init__(self, db: sqlite3.Connection) -> None:
        super().__init__(db)
        self._instances = Kept(INSTANCE, PUT_INSTANCE, "", _instance_row, _only)
        self._calls = Kept(f"{CALLS} WHERE instance = ?", PUT_CALL, DROP_CALL, call_row, _keyed_call)
        self._timers = Kept(f"{TIMERS} WHERE instance = ?", PUT_TIMER, DROP_TIMER, _timer_row, _named_timer)

    def flush(self) -> None:
        if not self._db.in_transaction:
            raise StoreError(ROLLED_BACK)
        try:
            for kept in (self._instances, self._calls, self._timers):
                kept.flush(self._db)
        except (sqlite3.Error, MemoryError) as error:
            refuse(error)

    def forget(self) -> None:
        """Nothing is at hand any more, and what was held back is not written."""
        for kept in (self._instances, self._calls, self._timers):
            kept.forget()

    def _of(self, kept: Kept[T], instance: str) -> dict[str, T]:
        """All rows of an instance. What is not at hand is not held back either, so the file has it."""
        if (rows := kept.known.get(instance)) is None:
            rows = kept.known[instance] = dict(map(kept.read, self._found(kept.find, instance)))
        return rows

    @property
    def crowded(self) -> bool:
        """Whether more is at hand than should be."""
        return len(self._instances.known) > REMEMBERED

    # ------------------------------------------------------------ instances

    def instance(self, id: str) -> Instance | None:
        return self._of(self._instances, id).get("")

    def instances(self, status: Status | None) -> Sequence[Instance]:
        return self.page("", -1, tuple(Status) if status is None else (status,))

    def page(
        self, after: str, limit: int, statuses: Sequence[Status] = tuple(Status), flow: str = ""
    ) -> Sequence[Instance]:
        wanted = [""] if {*statuses} == {*Status} else [f" AND {STATUS[status]}" for status in dict.fromkeys(statuses)]
        sql = " UNION ALL ".join(f"{PAGE}{each}" for each in wanted)
        return [*map(_instance, self._all(f"{sql} ORDER BY id LIMIT ?3", after, flow, limit))] if wanted else []

    def ids(self, after: str, limit: int) -> Sequence[str]:
        sql = "SELECT id FROM instance WHERE id > ? ORDER BY id LIMIT ?"
        return [id for (id,) in self._all(sql, after, limit)]

    def put_instance(self, i: Instance) -> None:
        """A new one has no calls and no timers yet."""
        if not self._of(self._instances, i.id):
            self._calls.known[i.id] = {}
            self._timers.known[i.id] = {}
        self._instances.put(i.id, "", i)
        self.changes += 1
        self.news.touched.add(i.id)

    # ------------------------------------------------------------ calls

    def call(self, instance: str, key: str) -> PendingCall | None:
        return self._of(self._calls, instance).get(key)

    def calls(self, instance: str) -> Sequence[PendingCall]:
        return sorted(self._of(self._calls, instance).values(), key=lambda call: call.key)

    def put_call(self, c: PendingCall) -> None:
        self._of(self._calls, c.instance)
        self._calls.put(c.instance, c.key, c)
        self.changes += 1
        self.news.touched.add(c.instance)
        if c.owner is None and c.due is not None:
            self.news.falls_due(c.due)
        elif c.interrupted:
            self.news.unwanted.append(c)

    def drop_call(self, instance: str, key: str) -> None:
        self._of(self._calls, instance)
        self._calls.drop(instance, key)
        self.changes += 1
        self.news.touched.add(instance)

    def due_calls(self, flows: Sequence[str], now: datetime, limit: int) -> Sequence[PendingCall]:
        where = f"owner IS NULL AND due IS NOT NULL AND due <= ? AND flow IN ({marks(flows)})"
        return self._found_calls(f"{where} ORDER BY due LIMIT ?", micros(now), *flows, limit)

    def calls_after(self, flows: Sequence[str], moment: datetime) -> Sequence[PendingCall]:
        where = f"owner IS NULL AND due IS NOT NULL AND due > ? AND flow IN ({marks(flows)})"
        return self._found_calls(where, micros(moment), *flows)

    def owned_calls(self, owner: str) -> Sequence[PendingCall]:
        return self._found_calls("owner = ?", owner)

    def lost_calls(self, flows: Sequence[str], now: datetime) -> Sequence[PendingCall]:
        lost = "owner IS NOT NULL AND owner NOT IN (SELECT id FROM worker WHERE lease > ?)"
        return self._found_calls(f"{lost} AND flow IN ({marks(flows)})", micros(now), *flows)

    def parked_calls(self) -> Sequence[PendingCall]:
        return self._found_calls("due IS NULL ORDER BY instance, key")

    def _found_calls(self, where: str, *values: Any) -> Sequence[PendingCall]:
        return [*map(_call, self._all(f"{CALLS} WHERE {where}", *values))]

    # ------------------------------------------------------------ timers

    def put_timer(self, t: Timer) -> None:
        self._of(self._timers, t.instance)
        self._timers.put(t.instance, t.name, t)
        self.changes += 1
        self.news.touched.add(t.instance)
        self.news.falls_due(t.due)

    def drop_timer(self, instance: str, name: str) -> None:
        self._of(self._timers, instance)
        self._timers.drop(instance, name)
        self.changes += 1
        self.news.touched.add(instance)

    def timers(self, instance: str) -> Sequence[Timer]:
        return sorted(self._of(self._timers, instance).values(), key=lambda timer: (timer.due, timer.name))

    def due_timers(self, flows: Sequence[str], now: datetime, limit: int) -> Sequence[Timer]:
        where = f"due <= ? AND flow IN ({marks(flows)}) AND {AWAKE}"
        return [*map(_timer, self._all(f"{TIMERS} WHERE {where} ORDER BY due LIMIT ?", micros(now), *flows, limit))]


INSTANCE = "SELECT * FROM instance WHERE id = ?"
PUT_INSTANCE = """
INSERT INTO instance (id, flow, sequence, at, status, configuration, snapshot) VALUES (?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (id) DO UPDATE SET sequence = excluded.sequence, at = excluded.at, status = excluded.status,
configuration = excluded.configuration, snapshot = excluded.snapshot
"""
PAGE = "SELECT * FROM instance WHERE id > ?1 AND ?2 IN ('', flow, substr(flow, 1, instr(flow, '/') - 1))"
STATUS = {
    status: f"status = '{status}'" + ("" if status is Status.SUCCEEDED else " AND status <> 'succeeded'")
    for status in Status
}
"""In a form that lets SQLite find the few that have not succeeded by their index."""

CALLS = """
SELECT instance, key, flow, name, args, forward, due, attempts, forgiven, owner, began, interrupted, error FROM call
"""
PUT_CALL = f"INSERT OR REPLACE INTO call VALUES ({MARKS[13]})"
DROP_CALL = "DELETE FROM call WHERE instance = ? AND key = ?"

TIMERS = "SELECT instance, flow, name, due FROM timer"
PUT_TIMER = "INSERT OR REPLACE INTO timer (instance, flow, name, due) VALUES (?, ?, ?, ?)"
DROP_TIMER = "DELETE FROM timer WHERE instance = ? AND name = ?"
AWAKE = "NOT EXISTS (SELECT 1 FROM instance WHERE id = timer.instance AND status = 'compensating')"
"""While an instance compensates, its deadline waits (K6)."""


def _instance_row(i: Instance) -> tuple[Any, ...]:
    return i.id, i.flow, i.sequence, micros(i.at), i.status, " ".join(i.configuration), i.snapshot


@as_written
def _instance(row: tuple[Any, ...]) -> Instance:
    id, flow, sequence, at, status, configuration, snapshot = row
    return Instance(id, flow, sequence, moment(at), Status(status), tuple(configuration.split()), snapshot)


def _only(row: tuple[Any, ...]) -> tuple[str, Instance]:
    return "", _instance(row)


def call_row(c: PendingCall) -> tuple[Any, ...]:
    due = None if c.due is None else micros(c.due)
    began = None if c.began is None else micros(c.began)
    what = c.instance, c.key, c.flow, c.name, c.args, c.forward, due, c.attempts, c.forgiven
    return (*what, c.owner, began, c.interrupted, c.error)


@as_written
def _call(row: tuple[Any, ...]) -> PendingCall:
    instance, key, flow, name, args, forward, due, attempts, forgiven, owner, began, interrupted, error = row
    due, began = (None if each is None else moment(each) for each in (due, began))
    what = instance, flow, key, name, args, forward, due, attempts, forgiven
    return PendingCall(*what, owner, began, bool(interrupted), error)


def _keyed_call(row: tuple[Any, ...]) -> tuple[str, PendingCall]:
    call = _call(row)
    return call.key, call


def _timer_row(t: Timer) -> tuple[Any, ...]:
    return t.instance, t.flow, t.name, micros(t.due)


@as_written
def _timer(row: tuple[Any, ...]) -> Timer:
    instance, flow, name, due = row
    return Timer(instance, flow, name, moment(due))


def _named_timer(row: tuple[Any, ...]) -> tuple[str, Timer]:
    timer = _timer(row)
    return timer.name, timer
