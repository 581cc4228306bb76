"""Statements of one transaction: SQL in, rows out; every failure as a StoreError that names it."""

from __future__ import annotations

import sqlite3
from typing import Any

from ..errors import StoreError
from ..store import News
from .sqlite_errors import refuse

ROLLED_BACK = "the transaction has been rolled back"


class SqliteRows:
    """Runs statements on a connection that is in a transaction."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db
        self.news = News()

    def _run(self, sql: str, *values: Any) -> sqlite3.Cursor:
        """Nothing runs outside the transaction, which SQLite itself rolls back after some errors (a full disk)."""
        if not self._db.in_transaction:
            raise StoreError(ROLLED_BACK)
        try:
            return self._db.execute(sql, values)
        except (sqlite3.Error, MemoryError) as error:
            refuse(error)

    def _all(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        try:
            return self._run(sql, *values).fetchall()
        except (sqlite3.Error, MemoryError) as error:
            refuse(error)

    def _put(self, table: str, *values: Any) -> None:
        self._run(f"INSERT OR REPLACE INTO {table} VALUES ({MARKS[len(values)]})", *values)


MARKS = tuple(", ".join("?" * number) for number in range(20))
