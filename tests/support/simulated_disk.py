"""A disk that some processes share, and what may go wrong with it: transactions in, each done at once and whole, after
a while, or refused.

It is SQLite's own, in memory, below the store's own statements. What is simulated is who comes first, who is told, who
is held up, and what fails. Each process has its own door to it, which is shut when the process dies.
"""

from __future__ import annotations

import asyncio
import random
import sqlite3
import tempfile
from collections.abc import Callable
from contextlib import closing
from functools import cache
from pathlib import Path
from typing import TypeVar

from penstock.runtime.errors import Busy, DiskFull, StoreError
from penstock.runtime.hosts.sqlite_store import SqliteStore
from penstock.runtime.hosts.sqlite_transaction import SqliteTransaction
from penstock.runtime.observing import Tellings
from penstock.runtime.store import News, Transaction

T = TypeVar("T")


@cache
def _empty() -> bytes:
    """The file of a store in which nothing is."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "empty.db"
        SqliteStore(path).close()
        with closing(sqlite3.connect(path)) as db:
            db.execute("PRAGMA journal_mode = DELETE")  # there is no log beside what is in memory
            return db.serialize()


class Disk:
    """log: is told of every transaction. trouble: what writing raises at the moment, if something does."""

    def __init__(self, dice: random.Random, log: Callable[..., object]) -> None:
        self.db = sqlite3.connect(":memory:", isolation_level=None)
        self.db.deserialize(_empty())
        self.db.execute("PRAGMA foreign_keys = ON")
        self.transaction = SqliteTransaction(self.db)
        self.dice = dice
        self.log = log
        self.trouble: type[StoreError] | None = None
        self.written = 0

    def pause(self) -> float:
        """How long, in seconds, one way to the disk takes now: mostly next to nothing."""
        return self.dice.choice((0.0, 0.0, 0.0, 0.001, 0.004, self.dice.random()))

    def break_down(self) -> None:
        self.trouble = self.dice.choice((Busy, DiskFull))

    def do(
        self,
        who: str,
        work: Callable[[Transaction], T],
        writes: bool,
        committed: Callable[[News], None] | None = None,
    ) -> T:
        """One transaction, wholly or not at all. `committed` is told of what it changed."""
        if writes and self.trouble is not None:
            raise self.trouble(f"the disk is in trouble for {who}")
        before = self.db.total_changes
        self.transaction.tellings = Tellings()
        with self.transaction.transact(writes) as news:
            result = work(self.transaction)
        if (changes := self.db.total_changes - before) and writes:
            self.written += 1
            self.log("commit", who, changes)
        if writes and committed is not None:
            committed(news)
        return result


class Door:
    """`store.Store` of one process. held: until then (in the loop's time) nothing of the process goes on."""

    def __init__(self, disk: Disk, who: str) -> None:
        self.who = who
        self.dead = False
        self.held = 0.0
        self._disk = disk
        self._mine = 0
        self._committed: Callable[[News], None] | None = None

    def tell(self, committed: Callable[[News], None] | None) -> None:
        self._committed = committed

    async def _pass(self) -> None:
        """The way to the disk or back. Raises StoreError where nobody is left to hear."""
        loop = asyncio.get_running_loop()
        pause = max(self._disk.pause(), self.held - loop.time())
        await asyncio.sleep(pause)
        if self.dead:
            raise StoreError(f"{self.who} has died")

    async def write(self, work: Callable[[Transaction], T]) -> T:
        await self._pass()
        before = self._disk.written
        result = self._disk.do(self.who, work, True, self._committed)
        self._mine += self._disk.written - before
        await self._pass()
        return result

    async def read(self, work: Callable[[Transaction], T]) -> T:
        await self._pass()
        return self._disk.do(self.who, work, writes=False)

    async def foreign(self) -> int:
        await self._pass()
        return self._disk.written - self._mine

    def close(self) -> None:
        self.dead = True
