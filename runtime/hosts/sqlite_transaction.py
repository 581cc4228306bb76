"""`store.Transaction` over the tables of the SQLite host: values in, rows out, and back."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any, TypeVar

from ..errors import Unreadable
from ..gates import Gate
from ..observing import Tellings
from ..sealing import MARK
from ..store import (
    Attempt,
    Child,
    Happening,
    Instance,
    PendingCall,
    Status,
    Tally,
    TaskItem,
    Tick,
    Timer,
)
from ..timers import micros, moment
from .sqlite_errors import as_written
from .sqlite_journal import SqliteJournal
from .sqlite_mail import SqliteMail
from .sqlite_troubles import SqliteTroubles

T = TypeVar("T")


class SqliteTransaction(SqliteJournal, SqliteMail, SqliteTroubles):
    """`store.Transaction` in SQL, one method a statement. Raises StoreError, never SQLite's own errors."""

    def __init__(self, db: sqlite3.Connection) -> None:
        super().__init__(db)
        self.tellings = Tellings()

    def report(self, happening: Happening) -> None:
        self.tellings.tell(happening)

    def retract(self, call: PendingCall) -> None:
        self.tellings.retract(call)

    @contextmanager
    def savepoint(self) -> Generator[None]:
        self._run("SAVEPOINT step")
        mark, told = self.news.mark(), self.tellings.mark()
        try:
            yield
        except BaseException:
            self.news.rewind(mark)
            self.tellings.undo(told)
            if self._db.in_transaction:
                self._run("ROLLBACK TO step")
                self._run("RELEASE step")
            raise
        self._run("RELEASE step")

    # ------------------------------------------------------------ instances

    def instance(self, id: str) -> Instance | None:
        return _first(map(_instance, self._all("SELECT * FROM instance WHERE id = ?", id)))

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
        row = i.id, i.flow, i.sequence, micros(i.at), i.status, " ".join(i.configuration), i.snapshot
        self._run(PUT_INSTANCE, *row)
        self.news.touched.add(i.id)

    def require_readable(self) -> None:
        """Raises Unreadable where the payloads of the first instance at hand are not for this transaction to read."""
        for (id,) in self._all("SELECT id FROM instance LIMIT 1"):
            first = self.instance(id)
            if first is not None and first.snapshot.startswith(MARK):
                raise Unreadable("the payloads of the file are sealed: open it with their codec")

    def tally(self, now: datetime) -> Tally:
        of = self._all("SELECT flow, status, count(*) FROM instance GROUP BY flow, status")
        ((parked,),) = self._all("SELECT count(*) FROM call WHERE due IS NULL")
        ((tasks,),) = self._all("SELECT count(*) FROM task")
        ((due,),) = self._all(f"SELECT min(due) FROM timer WHERE {AWAKE}")
        lag = 0.0 if due is None else max((now - moment(due)).total_seconds(), 0.0)
        return Tally({(flow, Status(status)): count for flow, status, count in of}, parked, tasks, lag)

    # ------------------------------------------------------------ calls

    def call(self, instance: str, key: str) -> PendingCall | None:
        return _first(map(_call, self._all(f"{CALLS} WHERE instance = ? AND key = ?", instance, key)))

    def calls(self, instance: str) -> Sequence[PendingCall]:
        return [*map(_call, self._all(f"{CALLS} WHERE instance = ? ORDER BY key", instance))]

    def put_call(self, c: PendingCall) -> None:
        row = c.instance, c.key, c.flow, c.name, c.args, c.forward, _micros(c.due), c.attempts, c.forgiven
        self._put("call", *row, c.owner, _micros(c.began), c.interrupted, c.error)
        self.news.touched.add(c.instance)
        if c.owner is None and c.due is not None:
            self.news.falls_due(c.due)
        elif c.interrupted:
            self.news.unwanted.append(c)

    def drop_call(self, instance: str, key: str) -> None:
        self.news.touched.add(instance)
        self._run("DELETE FROM call WHERE instance = ? AND key = ?", instance, key)

    def due_calls(self, flows: Sequence[str], now: datetime, limit: int) -> Sequence[PendingCall]:
        where = f"owner IS NULL AND due IS NOT NULL AND due <= ? AND flow IN ({_marks(flows)})"
        return [*map(_call, self._all(f"{CALLS} WHERE {where} ORDER BY due LIMIT ?", micros(now), *flows, limit))]

    def calls_after(self, flows: Sequence[str], moment: datetime) -> Sequence[PendingCall]:
        where = f"owner IS NULL AND due IS NOT NULL AND due > ? AND flow IN ({_marks(flows)})"
        return [*map(_call, self._all(f"{CALLS} WHERE {where}", micros(moment), *flows))]

    def owned_calls(self, owner: str) -> Sequence[PendingCall]:
        return [*map(_call, self._all(f"{CALLS} WHERE owner = ?", owner))]

    def lost_calls(self, flows: Sequence[str], now: datetime) -> Sequence[PendingCall]:
        lost = "owner IS NOT NULL AND owner NOT IN (SELECT id FROM worker WHERE lease > ?)"
        sql = f"{CALLS} WHERE {lost} AND flow IN ({_marks(flows)})"
        return [*map(_call, self._all(sql, micros(now), *flows))]

    def parked_calls(self) -> Sequence[PendingCall]:
        return [*map(_call, self._all(f"{CALLS} WHERE due IS NULL ORDER BY instance, key"))]

    def attempts(self, instance: str) -> Sequence[Attempt]:
        over = [entry.attempt for entry in self.entries(instance) if entry.attempt is not None]
        running = [
            Attempt(instance, call.key, call.attempts, call.owner, call.began, None, "")
            for call in self.calls(instance)
            if call.owner is not None and call.began is not None
        ]
        return sorted([*over, *running], key=lambda attempt: (attempt.started, attempt.key, attempt.number))

    # ------------------------------------------------------------ time

    def put_child(self, c: Child) -> None:
        self._put("child", c.instance, c.parent, c.key, c.answers)

    def child(self, parent: str, key: str) -> Child | None:
        return _first(Child(*row) for row in self._all("SELECT * FROM child WHERE parent = ? AND key = ?", parent, key))

    def children(self, parent: str) -> Sequence[Child]:
        return [Child(*row) for row in self._all("SELECT * FROM child WHERE parent = ? ORDER BY key", parent)]

    def parent(self, instance: str) -> Child | None:
        return _first(Child(*row) for row in self._all("SELECT * FROM child WHERE instance = ?", instance))

    def put_timer(self, t: Timer) -> None:
        self._put("timer", t.instance, t.name, t.flow, micros(t.due))
        self.news.touched.add(t.instance)
        self.news.falls_due(t.due)

    def drop_timer(self, instance: str, name: str) -> None:
        self.news.touched.add(instance)
        self._run("DELETE FROM timer WHERE instance = ? AND name = ?", instance, name)

    def due_timers(self, flows: Sequence[str], now: datetime, limit: int) -> Sequence[Timer]:
        where = f"due <= ? AND flow IN ({_marks(flows)}) AND {AWAKE}"
        return [*map(_timer, self._all(f"{TIMERS} WHERE {where} ORDER BY due LIMIT ?", micros(now), *flows, limit))]

    def timers(self, instance: str) -> Sequence[Timer]:
        return [*map(_timer, self._all(f"{TIMERS} WHERE instance = ? ORDER BY due", instance))]

    def next_due(self, flows: Sequence[str], calls: bool) -> datetime | None:
        known = f"flow IN ({_marks(flows)})"
        timer = self._all(
            f"SELECT due FROM timer INDEXED BY timer_due WHERE {known} AND {AWAKE} ORDER BY due LIMIT 1", *flows
        )
        free = f"owner IS NULL AND due IS NOT NULL AND {known}"
        call = self._all(f"SELECT due FROM call WHERE {free} ORDER BY due LIMIT 1", *flows) if calls else []
        owners = f"SELECT owner FROM call WHERE owner IS NOT NULL AND {known}"
        lease = self._all(f"SELECT lease FROM worker WHERE id IN ({owners}) ORDER BY lease LIMIT 1", *flows)
        tick = self._all(f"SELECT due FROM tick WHERE {known} ORDER BY due LIMIT 1", *flows)
        return _moment(min((due for (due,) in (*timer, *call, *lease, *tick)), default=None))

    def put_tick(self, t: Tick) -> None:
        self._put("tick", t.flow, t.schedule, micros(t.due))
        self.news.falls_due(t.due)

    def drop_tick(self, flow: str, schedule: str) -> None:
        self._run("DELETE FROM tick WHERE flow = ? AND schedule = ?", flow, schedule)

    def ticks(self) -> Sequence[Tick]:
        return [*map(_tick, self._all("SELECT flow, schedule, due FROM tick ORDER BY flow, schedule"))]

    def due_ticks(self, flows: Sequence[str], now: datetime) -> Sequence[Tick]:
        sql = f"SELECT flow, schedule, due FROM tick WHERE due <= ? AND flow IN ({_marks(flows)}) ORDER BY due"
        return [*map(_tick, self._all(sql, micros(now), *flows))]

    # ------------------------------------------------------------ breakers and limits

    def gate(self, flow: str, name: str) -> Gate:
        rows = self._all("SELECT begun, failed, opens FROM gate WHERE flow = ? AND name = ?", flow, name)
        return next((Gate(_moments(begun), _moments(failed), _moment(opens)) for begun, failed, opens in rows), Gate())

    def put_gate(self, flow: str, name: str, gate: Gate) -> None:
        begun, failed = (json.dumps([micros(moment) for moment in past]) for past in (gate.begun, gate.failed))
        self._put("gate", flow, name, begun, failed, _micros(gate.opens))

    # ------------------------------------------------------------ tasks

    def put_task(self, t: TaskItem) -> None:
        roles, excluded, persons, form = map(json.dumps, (t.roles, t.excluded, t.persons, t.form))
        row = t.instance, t.key, t.task, roles, t.title, _micros(t.due), excluded, persons, t.reminders, form
        self._put("task", *row)

    def drop_task(self, instance: str, key: str) -> None:
        self._run("DELETE FROM task WHERE instance = ? AND key = ?", instance, key)

    def task(self, instance: str, key: str) -> TaskItem | None:
        return _first(map(_task, self._all("SELECT * FROM task WHERE instance = ? AND key = ?", instance, key)))

    def tasks(self, role: str | None) -> Sequence[TaskItem]:
        items = map(_task, self._all("SELECT * FROM task ORDER BY instance, key"))
        return [item for item in items if role is None or role in item.roles]

    def tasks_of(self, instance: str) -> Sequence[TaskItem]:
        return [*map(_task, self._all("SELECT * FROM task WHERE instance = ? ORDER BY key", instance))]

    # ------------------------------------------------------------ workers

    def version(self) -> int:
        return int(self._all("PRAGMA data_version")[0][0])

    def lease(self, worker: str, until: datetime) -> None:
        self._put("worker", worker, micros(until))

    def running(self) -> bool:
        return bool(self._all("SELECT 1 FROM call WHERE owner IS NOT NULL LIMIT 1"))

    def end_lease(self, worker: str) -> None:
        self._run("DELETE FROM worker WHERE id = ?", worker)

    def shorten_leases(self, longest: datetime, until: datetime) -> None:
        self._run("UPDATE worker SET lease = ? WHERE lease > ?", micros(until), micros(longest))

    def end_leases(self, now: datetime) -> None:
        busy = "SELECT owner FROM call WHERE owner IS NOT NULL"
        self._run(f"DELETE FROM worker WHERE lease <= ? AND id NOT IN ({busy})", micros(now))


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
TIMERS = "SELECT instance, flow, name, due FROM timer"
AWAKE = "NOT EXISTS (SELECT 1 FROM instance WHERE id = timer.instance AND status = 'compensating')"
"""While an instance compensates, its deadline waits (K6)."""


def _marks(values: Sequence[object]) -> str:
    return ", ".join("?" * len(values))


def _micros(moment: datetime | None) -> int | None:
    return None if moment is None else micros(moment)


def _moment(micros: int | None) -> datetime | None:
    return None if micros is None else moment(micros)


def _first(rows: Iterator[T]) -> T | None:
    return next(rows, None)


@as_written
def _instance(row: tuple[Any, ...]) -> Instance:
    id, flow, sequence, at, status, configuration, snapshot = row
    return Instance(id, flow, sequence, moment(at), Status(status), tuple(configuration.split()), snapshot)


@as_written
def _call(row: tuple[Any, ...]) -> PendingCall:
    instance, key, flow, name, args, forward, due, attempts, forgiven, owner, began, interrupted, error = row
    what = instance, flow, key, name, args, forward, _moment(due), attempts, forgiven
    return PendingCall(*what, owner, _moment(began), bool(interrupted), error)


@as_written
def _timer(row: tuple[Any, ...]) -> Timer:
    instance, flow, name, due = row
    return Timer(instance, flow, name, moment(due))


def _moments(text: str) -> tuple[datetime, ...]:
    return tuple(map(moment, json.loads(text)))


@as_written
def _tick(row: tuple[Any, ...]) -> Tick:
    flow, schedule, due = row
    return Tick(flow, schedule, moment(due))


@as_written
def _task(row: tuple[Any, ...]) -> TaskItem:
    instance, key, task, roles, title, due, excluded, persons, reminders, form = row
    may, may_not, named, fields = (tuple(json.loads(each)) for each in (roles, excluded, persons, form))
    return TaskItem(instance, key, task, may, title, _moment(due), may_not, named, reminders, fields)
