"""SQLite's errors in, ours out."""

from __future__ import annotations

import sqlite3
from collections.abc import Generator
from contextlib import contextmanager
from typing import NoReturn

from ..errors import Busy, Corrupt, DiskFull, NotAStore, NotWritable, StoreError


@contextmanager
def translated() -> Generator[None]:
    """SQLite's errors as ours."""
    try:
        yield
    except sqlite3.Error as error:
        refuse(error)


def refuse(error: sqlite3.Error) -> NoReturn:
    """Raises what one of SQLite's errors means to us."""
    code = getattr(error, "sqlite_errorcode", None)
    if code is None and isinstance(error, sqlite3.OperationalError):  # Python's own, of text that is not UTF-8
        raise Corrupt(f"{error}".partition(" with text ")[0]) from None
    raise ERRORS.get((code or 0) & 0xFF, StoreError)(f"{error}") from error


ERRORS: dict[int, type[StoreError]] = {
    sqlite3.SQLITE_NOTADB: NotAStore,
    sqlite3.SQLITE_CORRUPT: Corrupt,
    sqlite3.SQLITE_ERROR: Corrupt,  # the statements are ours, so it is a table that is not as we made it
    sqlite3.SQLITE_READONLY: NotWritable,
    sqlite3.SQLITE_CANTOPEN: NotWritable,
    sqlite3.SQLITE_PERM: NotWritable,
    sqlite3.SQLITE_FULL: DiskFull,
    sqlite3.SQLITE_BUSY: Busy,
    sqlite3.SQLITE_LOCKED: Busy,
}
