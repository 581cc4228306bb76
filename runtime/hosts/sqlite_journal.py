"""The journal in SQL: values in, rows out and back; each row is linked to the one before it as it is written."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from typing import Any

from ..chain import Head, Link, Row, linked
from ..codec import quoted
from ..store import Attempt, EntryKind, JournalEntry, Status
from ..timers import micros, moment
from .sqlite_errors import as_written, refuse
from .sqlite_rows import MARKS, SqliteRows

COLUMNS = "instance, sequence, at, kind, actor, trigger, note, request, effects, status, configuration, attempt"
ENTRIES = f"SELECT {COLUMNS} FROM journal"
LAST = "SELECT position, hash FROM journal ORDER BY position DESC LIMIT 1"
ATTEMPT = '{"key":%s,"number":%d,"worker":%s,"started":%d,"ended":%d,"result":%s}'
APPEND = f"INSERT INTO journal (position, hash, {COLUMNS}) VALUES ({MARKS[14]})"


class SqliteJournal(SqliteRows):
    """`chain.Chain`, and the rest about the journal, in SQL."""

    def __init__(self, db: sqlite3.Connection) -> None:
        super().__init__(db)
        self._head: Head | None = None  # the last row, if it is known
        self._appended: list[tuple[Any, ...]] = []

    def flush(self) -> None:
        if not self._appended:
            return
        appended, self._appended = self._appended, []
        try:
            self._db.executemany(APPEND, appended)
        except (sqlite3.Error, MemoryError) as error:
            refuse(error)

    def forget(self) -> None:
        self._head = None
        self._appended.clear()

    def append(self, e: JournalEntry) -> None:
        head = self._head or self.head()
        position = head.position + 1
        what = e.instance, e.sequence, micros(e.at), str(e.kind), e.actor, e.trigger, e.note, e.request
        columns = (*what, e.effects, str(e.status), " ".join(e.configuration), _attempt_text(e.attempt))
        hash = linked(head.hash, (position, *columns))
        self._appended.append((position, hash, *columns))
        self._head = Head(position, hash)
        self.changes += 1
        self.news.entries.append(e)

    def entries(self, instance: str) -> Sequence[JournalEntry]:
        return [*map(_entry, self._all(f"{ENTRIES} WHERE instance = ? ORDER BY sequence", instance))]

    def entry(self, instance: str, sequence: int) -> JournalEntry | None:
        return next(map(_entry, self._all(f"{ENTRIES} WHERE instance = ? AND sequence = ?", instance, sequence)), None)

    def requested(self, instance: str, request: str) -> JournalEntry | None:
        return next(map(_entry, self._all(f"{ENTRIES} WHERE instance = ? AND request = ?", instance, request)), None)

    # ------------------------------------------------------------ the chain

    def head(self) -> Head:
        return next((Head(*row) for row in self._all(LAST)), Head())

    def rows(self, after: int, limit: int) -> Sequence[Row]:
        """Text that is no UTF-8 comes with surrogates, so that it is a row that was touched, and not the end."""
        sql = f"SELECT position, hash, {COLUMNS} FROM journal WHERE position > ? ORDER BY position LIMIT ?"
        self._db.text_factory = _any_text
        try:
            return [Row(*row) for row in self._all(sql, after, limit)]
        finally:
            self._db.text_factory = str

    def links(self, instance: str) -> Sequence[Link]:
        sql = "SELECT sequence, position, hash FROM journal WHERE instance = ? ORDER BY sequence"
        return [Link(*row) for row in self._all(sql, instance)]

    def strays(self) -> Sequence[str]:
        sql = "SELECT DISTINCT instance FROM journal WHERE instance NOT IN (SELECT id FROM instance) ORDER BY instance"
        return [str(id) for (id,) in self._all(sql)]


def _any_text(text: bytes) -> str:
    return text.decode("utf-8", "surrogateescape")


@as_written
def _entry(row: tuple[Any, ...]) -> JournalEntry:
    instance, sequence, at, kind, actor, trigger, note, request, effects, status, leaves, attempt = row
    what = moment(at), EntryKind(kind), actor, trigger, note, request
    left = Status(status), tuple(leaves.split())
    return JournalEntry(instance, sequence, *what, effects, *left, _attempt(instance, attempt))


def _attempt_text(a: Attempt | None) -> str:
    """Its moments are microseconds since 1970, as all in the file."""
    if a is None:
        return ""
    assert a.ended is not None, "the journal tells of what is over"
    return ATTEMPT % (quoted(a.key), a.number, quoted(a.worker), micros(a.started), micros(a.ended), quoted(a.result))


def _attempt(instance: str, text: str) -> Attempt | None:
    if not text:
        return None
    told = json.loads(text)
    times = moment(told["started"]), moment(told["ended"])
    return Attempt(instance, told["key"], told["number"], told["worker"], *times, told["result"])
