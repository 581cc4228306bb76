"""Statements of one transaction: SQL in, rows out; every failure as a StoreError that names it."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Any

from ..errors import StoreError
from ..store import News
from .sqlite_errors import refuse

ROLLED_BACK = "the transaction has been rolled back"


class SqliteRows:
    """Runs statements on a connection that is in a transaction. `changes` counts what was written in it."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db
        self.news = News()
        self.changes = 0

    def flush(self) -> None:
        """Write what was held back. Raises StoreError."""

    def _run(self, sql: str, *values: Any) -> sqlite3.Cursor:
        """A statement that writes."""
        self.changes += 1
        self.flush()
        return self._execute(sql, values)

    def _all(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        """What a query finds, also of what was written just now."""
        self.flush()
        return self._found(sql, *values)

    def _found(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        """What a query finds in the file, where nothing that it asks for is held back."""
        try:
            return self._execute(sql, values).fetchall()
        except (sqlite3.Error, MemoryError) as error:
            refuse(error)

    def _put(self, table: str, *values: Any) -> None:
        self._run(f"INSERT OR REPLACE INTO {table} VALUES ({MARKS[len(values)]})", *values)

    def _execute(self, sql: str, values: tuple[Any, ...] = ()) -> sqlite3.Cursor:
        """Nothing runs outside the transaction, which SQLite itself rolls back after some errors (a full disk)."""
        if not self._db.in_transaction:
            raise StoreError(ROLLED_BACK)
        try:
            return self._db.execute(sql, values)
        except (sqlite3.Error, MemoryError) as error:
            refuse(error)


def marks(values: Sequence[object]) -> str:
    """A question mark for each."""
    return ", ".join("?" * len(values))


MARKS = tuple(", ".join("?" * number) for number in range(20))
