"""A disk that some processes share, and what may go wrong with it: works in, done whole or not at all, alone or with
others in one commit, after a while, or refused.

It is SQLite's own, in memory, below the store's own statements, and who shares a commit with whom, and what becomes of
the others if one of them raises, is the store's own, too (`SqliteThread`), but for its thread. What is simulated is who
comes first, who is told, who is held up, and what fails. Each process has its own door to it, with a connection of its
own, which is shut when the process dies.
"""

from __future__ import annotations

import asyncio
import itertools
import random
import sqlite3
import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import closing
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from penstock.runtime.errors import Busy, DiskFull, StoreError
from penstock.runtime.hosts.sqlite_store import SqliteStore
from penstock.runtime.hosts.sqlite_thread import Answer, Listener, SqliteThread, Turn
from penstock.runtime.hosts.sqlite_transaction import SqliteTransaction
from penstock.runtime.observing import Audience, Tellings
from penstock.runtime.store import Transaction

T = TypeVar("T")

NAMES = itertools.count()


@cache
def _empty() -> bytes:
    """The file of a store in which nothing is."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "empty.db"
        SqliteStore(path).close()
        with closing(sqlite3.connect(path)) as db:
            db.execute("PRAGMA journal_mode = DELETE")  # there is no log beside what is in memory
            return db.serialize()


class Threadless(SqliteThread):
    """A store's thread without the thread: works are done where they stand."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._audience = Audience()
        self._codec = None
        self._committed = None
        self._db = db
        self._transaction = SqliteTransaction(db)

    def written(self, turns: Sequence[Turn]) -> Sequence[Answer]:
        return self._written(turns)

    def looked(self, turn: Turn) -> Answer:
        (answer,) = self._read([turn])
        return answer


class Disk:
    """log: is told of every commit. trouble: what writing raises at the moment, if something does. slow: seconds for
    which a commit may wait for the disk; whoever comes meanwhile shares it."""

    def __init__(self, dice: random.Random, log: Callable[..., object]) -> None:
        self._name = f"file:/penstock-{next(NAMES)}?vfs=memdb"
        self._kept = self.connected()  # the disk is there as long as somebody has it open
        with closing(sqlite3.connect(":memory:")) as empty:
            empty.deserialize(_empty())
            empty.backup(self._kept)
        self._reader = Threadless(self._kept)
        self.dice = dice
        self.log = log
        self.trouble: type[StoreError] | None = None
        self.slow = 0.0
        self.written = 0

    def connected(self) -> sqlite3.Connection:
        db = sqlite3.connect(self._name, uri=True, isolation_level=None)
        db.execute("PRAGMA foreign_keys = ON")
        return db

    def pause(self) -> float:
        """How long, in seconds, one way to the disk takes now: mostly next to nothing."""
        return self.dice.choice((0.0, 0.0, 0.0, 0.001, 0.004, self.dice.random()))

    def break_down(self) -> None:
        self.trouble = self.dice.choice((Busy, DiskFull))

    def look(self, work: Callable[[Transaction], T]) -> T:
        """What it says, for who is no process. Raises what `work` raises."""
        result: T = _given(self._reader.looked(_turn(work)))
        return result

    def close(self) -> None:
        self._kept.close()


class Door:
    """`store.Store` of one process. held: until then (in the loop's time) nothing of the process goes on."""

    def __init__(self, disk: Disk, who: str) -> None:
        self.who = who
        self.dead = False
        self.held = 0.0
        self._disk = disk
        self._mine = 0
        self._db = disk.connected()
        self._thread = Threadless(self._db)
        self._waiting: list[tuple[Turn, asyncio.Future[Answer]]] = []

    def tell(self, committed: Listener | None) -> None:
        self._thread.tell(committed)

    async def _pass(self) -> None:
        """The way to the disk or back. Raises StoreError where nobody is left to hear."""
        loop = asyncio.get_running_loop()
        pause = max(self._disk.pause(), self.held - loop.time())
        await asyncio.sleep(pause)
        if self.dead:
            raise StoreError(f"{self.who} has died")

    async def write(self, work: Callable[[Transaction], T]) -> T:
        await self._pass()
        answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._waiting.append((_turn(work, writes=True), answer))
        if len(self._waiting) == 1:  # who comes before the disk is ready shares the commit
            wait = self._disk.pause() + self._disk.dice.uniform(0, self._disk.slow)
            asyncio.get_running_loop().call_later(wait, self._commit)
        given = await answer
        await self._pass()
        result: T = _given(given)
        return result

    def _commit(self) -> None:
        """All that waits, in one transaction."""
        waiting = [(turn, answer) for turn, answer in self._waiting if not answer.cancelled()]
        self._waiting = []
        given = self._done([turn for turn, _ in waiting]) if waiting else ()
        for (_, answer), each in zip(waiting, given, strict=True):
            answer.set_result(each)

    def _done(self, turns: Sequence[Turn]) -> Sequence[Answer]:
        disk = self._disk
        if self.dead:
            return [(None, StoreError(f"{self.who} has died"))] * len(turns)
        if disk.trouble is not None:
            if len(turns) == 1 or disk.dice.random() < 0.5:
                return [(None, disk.trouble(f"the disk is in trouble for {self.who}"))] * len(turns)
            turns = [self._troubled(turn, disk.trouble) for turn in turns]
        before = self._db.total_changes
        answers = self._thread.written(turns)
        if changes := self._db.total_changes - before:
            self._mine += 1
            disk.written += 1
        if changes or len(turns) > 1:
            raised = sum(error is not None for _, error in answers)
            word = "commit" if len(turns) == 1 else "disagreement" if raised else "shared"
            disk.log(word, self.who, changes, len(turns), raised)
        return answers

    def _troubled(self, turn: Turn, trouble: type[StoreError]) -> Turn:
        """The disk refuses some works of a group: before they have done anything, or when they have done all."""
        how = self._disk.dice.choice(("", "", "before", "after"))

        def work(tx: Transaction) -> Any:
            if how == "before":
                raise trouble(f"the disk is in trouble for {self.who}")
            result = turn.work(tx)
            if how == "after":
                raise trouble(f"the disk is in trouble for {self.who}")
            return result

        return turn._replace(work=work)

    async def read(self, work: Callable[[Transaction], T]) -> T:
        await self._pass()
        result: T = _given(self._thread.looked(_turn(work)))
        return result

    async def foreign(self) -> int:
        await self._pass()
        return self._disk.written - self._mine

    def close(self) -> None:
        self.dead = True
        self._db.close()


def _turn(work: Callable[[Transaction], Any], writes: bool = False) -> Turn:
    """Of nobody: who waits is told by the door."""
    return Turn(work, writes, None, Future(), Tellings())


def _given(answer: Answer) -> Any:
    value, error = answer
    if error is not None:
        raise error
    return value
