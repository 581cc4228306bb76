"""Statements of one transaction: SQL in, rows out; every failure as a StoreError that names it."""

from __future__ import annotations

import sqlite3
from typing import Any

from ..errors import StoreError
from .sqlite_errors import translated


class SqliteRows:
    """Runs statements on a connection that is in a transaction."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def _run(self, sql: str, *values: Any) -> sqlite3.Cursor:
        """Nothing runs outside the transaction, which SQLite itself rolls back after some errors (a full disk)."""
        with translated():
            if not self._db.in_transaction:
                raise StoreError("the transaction has been rolled back")
            return self._db.execute(sql, values)

    def _all(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        with translated():
            return self._run(sql, *values).fetchall()

    def _put(self, table: str, *values: Any) -> None:
        self._run(f"INSERT OR REPLACE INTO {table} VALUES ({', '.join('?' * len(values))})", *values)
