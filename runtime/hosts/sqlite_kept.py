"""Rows at hand: those that a store has read or written of an instance in, and out again without asking the file.

Of what a process reads, it has written most itself. So the rows of instances that are under way stay in memory from one
transaction to the next, for as long as no other process has written to the file; and what a transaction writes waits
until something is asked of the file itself, or for the commit: then it is written table by table, in one go.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from typing import Any, Generic, TypeVar

V = TypeVar("V")


class Kept(Generic[V]):
    """Of one table: all its rows of some instances, by name. find: the query for those of an instance; put, drop: the
    statements that write and delete one; row: the values of `put`; read: name and value of what `find` finds; `drop`
    takes the instance and the name."""

    def __init__(
        self,
        find: str,
        put: str,
        drop: str,
        row: Callable[[V], tuple[Any, ...]],
        read: Callable[[tuple[Any, ...]], tuple[str, V]],
    ) -> None:
        self.known: dict[str, dict[str, V]] = {}
        self.find, self.read = find, read
        self._put, self._drop, self._row = put, drop, row
        self._changed: dict[tuple[str, str], V | None] = {}

    def put(self, instance: str, name: str, value: V) -> None:
        """The instance's rows must be known."""
        self.known[instance][name] = value
        self._changed[instance, name] = value

    def drop(self, instance: str, name: str) -> None:
        """The instance's rows must be known."""
        if self.known[instance].pop(name, None) is not None:
            self._changed[instance, name] = None

    def flush(self, db: sqlite3.Connection) -> None:
        """Write what has changed. Raises sqlite3.Error."""
        if not self._changed:
            return
        changed, self._changed = self._changed, {}
        if written := [self._row(value) for value in changed.values() if value is not None]:
            db.executemany(self._put, written)
        if dropped := [key for key, value in changed.items() if value is None]:
            db.executemany(self._drop, dropped)

    def forget(self) -> None:
        """Know nothing, and write nothing."""
        self.known.clear()
        self._changed.clear()
