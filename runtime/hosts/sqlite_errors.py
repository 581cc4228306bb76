"""SQLite's errors in, ours out."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Any, NoReturn, TypeVar

from ..errors import Busy, Corrupt, DiskFull, NotAStore, NotWritable, StoreError

T = TypeVar("T")


@contextmanager
def translated() -> Generator[None]:
    """SQLite's errors as ours."""
    try:
        yield
    except (sqlite3.Error, MemoryError, UnicodeDecodeError) as error:
        refuse(error)


def refuse(error: sqlite3.Error | MemoryError | UnicodeDecodeError) -> NoReturn:
    """Raises what one of SQLite's errors means to us. It has none of its own for want of memory, and for what a damaged
    file makes it say in no text."""
    if isinstance(error, MemoryError):
        raise StoreError("out of memory") from error
    if isinstance(error, UnicodeDecodeError):
        raise Corrupt(f"{error}") from error
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
    sqlite3.SQLITE_PROTOCOL: Busy,  # of the log's own locks
}


def as_written(read: Callable[[tuple[Any, ...]], T]) -> Callable[[tuple[Any, ...]], T]:
    """What reads a row that we wrote. If it cannot, the file is damaged."""

    def checked(row: tuple[Any, ...]) -> T:
        try:
            return read(row)
        except (ValueError, TypeError, OverflowError) as error:
            raise Corrupt(f"a row is not as it was written: {error}") from error

    return checked
