"""`store.Transaction` over the tables of the SQLite host: values in, rows out, and back."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Generator, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime
from types import TracebackType
from typing import Any, TypeVar

from ..errors import StoreError, Unreadable
from ..gates import Gate
from ..observing import Tellings
from ..sealing import MARK
from ..store import Attempt, Child, Happening, News, PendingCall, Status, Tally, TaskItem, Tick
from ..timers import micros, moment
from .sqlite_errors import as_written
from .sqlite_instances import AWAKE, SqliteInstances
from .sqlite_journal import SqliteJournal
from .sqlite_mail import SqliteMail
from .sqlite_rows import marks
from .sqlite_troubles import SqliteTroubles

T = TypeVar("T")


class MoreCarefully(StoreError):
    """Something that wrote has failed, and no savepoint was set to go back to."""


class _NoSavepoint(AbstractContextManager[None]):
    """What fails in it after it has written cannot be undone: it has to be done again, more carefully."""

    __slots__ = ("_changes", "_told", "_tx")

    def __init__(self, tx: SqliteTransaction) -> None:
        self._tx = tx
        self._told = tx.tellings.mark()
        self._changes = tx.changes

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None or isinstance(error, StoreError):
            return
        if self._tx.changes != self._changes:
            raise MoreCarefully("it is to be done again, with savepoints") from error
        self._tx.tellings.undo(self._told)


class SqliteTransaction(SqliteInstances, SqliteJournal, SqliteMail, SqliteTroubles):
    """`store.Transaction` in SQL. Raises StoreError, never SQLite's own errors."""

    def __init__(self, db: sqlite3.Connection) -> None:
        super().__init__(db)
        self.tellings = Tellings()
        self._careful = True
        self._version = -1

    @contextmanager
    def transact(self, writes: bool, careful: bool = True) -> Generator[News]:
        """What is done inside is done wholly or not at all. careful: savepoints are set, so that what fails in one is
        undone; without them it has to be done again (`MoreCarefully`). Raises sqlite3.Error, too."""
        news = self.news = News()
        self._careful = careful
        self._db.execute("BEGIN IMMEDIATE" if writes else "BEGIN")
        try:
            self._look()
            yield news
            if writes or self._db.in_transaction:  # when the disk fails SQLite ends it; who read was told
                self.flush()
                self._db.execute("COMMIT")
        except BaseException:
            self.forget()
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            raise

    def _look(self) -> None:
        """What is at hand is what is in the file, if no other process has written meanwhile."""
        (version,) = self._db.execute("PRAGMA data_version").fetchone()
        if version != self._version or self.crowded:
            self.forget()
            self._version = version

    def flush(self) -> None:
        SqliteInstances.flush(self)
        SqliteJournal.flush(self)

    def forget(self) -> None:
        SqliteInstances.forget(self)
        SqliteJournal.forget(self)

    def report(self, happening: Happening) -> None:
        self.tellings.tell(happening)

    def retract(self, call: PendingCall) -> None:
        self.tellings.retract(call)

    def savepoint(self) -> AbstractContextManager[None]:
        return self._savepoint() if self._careful else _NoSavepoint(self)

    @contextmanager
    def _savepoint(self) -> Generator[None]:
        told = self.tellings.mark()
        self._run("SAVEPOINT step")
        mark = self.news.mark()
        try:
            yield
            self.flush()
        except BaseException:
            self.news.rewind(mark)
            self.tellings.undo(told)
            self.forget()
            if self._db.in_transaction:
                self._run("ROLLBACK TO step")
                self._run("RELEASE step")
            raise
        self._run("RELEASE step")

    # ------------------------------------------------------------ all of it

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

    def attempts(self, instance: str) -> Sequence[Attempt]:
        over = [entry.attempt for entry in self.entries(instance) if entry.attempt is not None]
        running = [
            Attempt(instance, call.key, call.attempts, call.owner, call.began, None, "")
            for call in self.calls(instance)
            if call.owner is not None and call.began is not None
        ]
        return sorted([*over, *running], key=lambda attempt: (attempt.started, attempt.key, attempt.number))

    # ------------------------------------------------------------ families

    def put_child(self, c: Child) -> None:
        self._put("child", c.instance, c.parent, c.key, c.answers)

    def child(self, parent: str, key: str) -> Child | None:
        return _first(Child(*row) for row in self._all("SELECT * FROM child WHERE parent = ? AND key = ?", parent, key))

    def children(self, parent: str) -> Sequence[Child]:
        return [Child(*row) for row in self._all("SELECT * FROM child WHERE parent = ? ORDER BY key", parent)]

    def parent(self, instance: str) -> Child | None:
        return _first(Child(*row) for row in self._all("SELECT * FROM child WHERE instance = ?", instance))

    # ------------------------------------------------------------ time

    def next_due(self, flows: Sequence[str], calls: bool) -> datetime | None:
        known = f"flow IN ({marks(flows)})"
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
        sql = f"SELECT flow, schedule, due FROM tick WHERE due <= ? AND flow IN ({marks(flows)}) ORDER BY due"
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
        return self._version

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


def _micros(moment: datetime | None) -> int | None:
    return None if moment is None else micros(moment)


def _moment(micros: int | None) -> datetime | None:
    return None if micros is None else moment(micros)


def _first(rows: Iterator[T]) -> T | None:
    return next(rows, None)


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
