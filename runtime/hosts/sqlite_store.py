"""The storage of the SQLite host: a file in, transactions over it out, and every failure as a StoreError that names it.

WAL and `synchronous=FULL`: a committed transaction is on the disk. One connection, used by one thread of its own, so
that a slow disk does not stop the event loop; every writing transaction takes the file's write lock before it reads,
so it always decides on the fresh state. That (instance, sequence) is unique in the journal holds even if that failed.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Awaitable, Callable
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path
from typing import TypeVar

from ..errors import NotAStore, NotWritable, TooNew, TooOld
from ..observing import Audience
from ..sealing import PayloadCodec
from ..store import News, Tally, Transaction
from .sqlite_errors import translated
from .sqlite_log import reread
from .sqlite_schema import SCHEMA, TABLES
from .sqlite_thread import SqliteThread
from .sqlite_transaction import SqliteTransaction

APPLICATION = 0x50454E53
"""Marks the file as ours (`PENS`); other programs' databases are refused."""

PAUSE = 0.005
"""Seconds between two tries at what SQLite does not wait for."""

T = TypeVar("T")


class SqliteStore:
    """`store.Store` on a file."""

    def __init__(
        self,
        path: str | Path,
        busy: timedelta = timedelta(seconds=30),
        audience: Audience | None = None,
        codec: PayloadCodec | None = None,
    ) -> None:
        """Open or create the file. Raises StoreError."""
        self._path = Path(path)
        self._thread = SqliteThread(lambda: _open(Path(path), busy), audience or Audience(), codec)

    def tell(self, committed: Callable[[News], None] | None) -> None:
        self._thread.tell(committed)

    def write(self, work: Callable[[Transaction], T]) -> Awaitable[T]:
        return self._thread.asked(work, writes=True)

    def read(self, work: Callable[[Transaction], T]) -> Awaitable[T]:
        return self._thread.asked(work, writes=False)

    def now(self, work: Callable[[Transaction], T]) -> T:
        """As `read`, for those without an event loop."""
        answer: T = self._thread.now(work)
        return answer

    def tally(self, now: datetime) -> Tally:
        """What there is, for a thread. It reads all instances, on a connection of its own: nobody waits for it."""
        file = f"{self._path.absolute().as_uri()}?mode=ro"
        with translated(), closing(sqlite3.connect(file, isolation_level=None, uri=True)) as db:
            db.execute("BEGIN")
            return SqliteTransaction(db).tally(now)

    async def foreign(self) -> int:
        return await self.read(lambda tx: tx.version())

    def close(self) -> None:
        self._thread.close()


def _open(path: Path, busy: timedelta) -> sqlite3.Connection:
    reread(Path(f"{path.resolve()}-wal"))
    with translated():
        db = sqlite3.connect(path, isolation_level=None, timeout=busy.total_seconds(), check_same_thread=False)
        try:
            _prepare(db, path, busy)
        except BaseException:
            db.close()
            raise
    return db


def _prepare(db: sqlite3.Connection, path: Path, busy: timedelta) -> None:
    """Recognise the file before anything in it is changed; an empty one becomes ours. Whoever only reads waits for
    nobody who writes, and need not be allowed to."""
    db.execute("BEGIN")  # as of one moment: another process may be making it ours
    application, schema, tables = _identity(db)
    db.execute("COMMIT")
    if tables and application != APPLICATION:
        raise NotAStore(f"{path} belongs to another program")
    if schema > SCHEMA:
        raise TooNew(f"{path} has schema {schema}; this version of penstock knows {SCHEMA}")
    if tables and schema < SCHEMA:
        raise TooOld(f"{path} has schema {schema}, of an earlier penstock; this version knows {SCHEMA} only")
    if _logging(db, busy) != "wal":
        raise NotWritable(f"{path} cannot have a write-ahead log: is it on a network file system?")
    db.execute("PRAGMA synchronous = FULL")
    db.execute("PRAGMA foreign_keys = ON")
    if not tables:
        _make(db)


def _make(db: sqlite3.Connection) -> None:
    db.execute("BEGIN IMMEDIATE")
    if not _identity(db)[2]:  # still empty now that the write lock is ours
        for statement in TABLES.split(";\n"):
            db.execute(statement)
        db.execute(f"PRAGMA application_id = {APPLICATION}")
        db.execute(f"PRAGMA user_version = {SCHEMA}")
    db.execute("COMMIT")


def _logging(db: sqlite3.Connection, busy: timedelta) -> str:
    """The journal mode, WAL from now on if that can be. SQLite does not wait while another process sees to the same."""
    end = time.monotonic() + busy.total_seconds()
    while True:
        try:
            (mode,) = db.execute("PRAGMA journal_mode = WAL").fetchone()
        except sqlite3.OperationalError as error:
            if getattr(error, "sqlite_errorcode", 0) & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() >= end:
                raise
            time.sleep(PAUSE)
        else:
            return str(mode)


def _identity(db: sqlite3.Connection) -> tuple[int, int, int]:
    (application,) = db.execute("PRAGMA application_id").fetchone()
    (schema,) = db.execute("PRAGMA user_version").fetchone()
    (tables,) = db.execute("SELECT count(*) FROM sqlite_master").fetchone()
    return application, schema, tables
