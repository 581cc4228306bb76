"""The thread that a store's connection lives on: works that wait their turn in, their answers out.

**Group commit.** All writing works that wait share one transaction and one wait for the disk (DeWitt et al. 1984), and
are answered when it is committed: an acknowledgement still means durable. They run one after the other, so each sees
what those before it did. One that fails when it has written must leave nothing behind, so then they all run again, each
in a savepoint; if the storage itself refused one of them, each in a transaction of its own. A work may therefore run
more than once, and changes nothing but its transaction. Reading works share a state.
"""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from collections.abc import Callable, Sequence
from concurrent.futures import Future, wait
from contextvars import Context, copy_context
from queue import SimpleQueue
from threading import Thread
from typing import Any, NamedTuple, TypeVar

from ..errors import StoreError
from ..observing import Audience, Tellings
from ..sealing import PayloadCodec
from ..store import Committed, News, Transaction
from .sqlite_errors import translated
from .sqlite_sealed import SealedTransaction
from .sqlite_transaction import SqliteTransaction

MOST = 256
"""How many works share a commit, so that the first does not wait long for the last."""

R = TypeVar("R")

Listener = Callable[[News], None]
Answer = tuple[Any, BaseException | None]


class Turn(NamedTuple):
    """A work that waits. `loop`: of whoever waits for the answer; None: of a thread. `context`: in which its tellings
    are told; None: nobody listens."""

    work: Callable[[Transaction], Any]
    writes: bool
    loop: asyncio.AbstractEventLoop | None
    answer: asyncio.Future[Any] | Future[Any]
    tellings: Tellings
    context: Context | None = None

    def done(self, tx: SqliteTransaction) -> Any:
        """The work, done on the transaction. It may be again, so what it told before is forgotten."""
        tx.tellings = self.tellings
        self.tellings.clear()
        return self.work(tx)


class SqliteThread:
    """Opens the connection, has its works done, and closes it, all on one thread."""

    def __init__(
        self, connect: Callable[[], sqlite3.Connection], audience: Audience, codec: PayloadCodec | None
    ) -> None:
        """Raises whatever `connect` raises."""
        self._audience = audience
        self._codec = codec
        self._turns: SimpleQueue[Turn | None] = SimpleQueue()
        self._committed: Listener | None = None
        opened: Future[None] = Future()
        self._thread = Thread(target=self._run, args=(connect, opened), name="penstock-store", daemon=True)
        self._thread.start()
        opened.result()

    def tell(self, committed: Listener | None) -> None:
        """From now on `committed` is called after each commit, on this thread, with what it changed."""
        self._committed = committed

    def asked(self, work: Callable[[Transaction], R], writes: bool) -> asyncio.Future[R]:
        """What a work will answer, for the running loop."""
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[R] = loop.create_future()
        context = copy_context() if writes and self._audience else None
        self._turns.put(Turn(work, writes, loop, answer, Tellings(), context))
        return answer

    def now(self, work: Callable[[Transaction], Any]) -> Any:
        """What a reading work answers, for a thread. Raises StoreError where it has been closed."""
        answer: Future[Any] = Future()
        self._turns.put(Turn(work, False, None, answer, Tellings()))
        while not wait((answer,), timeout=1).done:
            if not self._thread.is_alive():
                raise StoreError("the store is closed")
        return answer.result()

    def close(self) -> None:
        """Have what waits done, and close the connection."""
        self._turns.put(None)
        self._thread.join()

    # ------------------------------------------------------------ on the thread

    def _run(self, connect: Callable[[], sqlite3.Connection], opened: Future[None]) -> None:
        try:
            self._db = connect()
        except BaseException as error:  # noqa: BLE001 - it is raised where the store is opened
            opened.set_exception(error)
            return
        codec = self._codec
        self._transaction = SqliteTransaction(self._db) if codec is None else SealedTransaction(self._db, codec)
        opened.set_result(None)
        while True:
            waiting, last = self._waiting()
            writing = [turn for turn in waiting if turn.writes]
            reading = [turn for turn in waiting if not turn.writes]
            if writing:
                _tell(writing, self._written(writing))
            if reading:
                _tell(reading, self._read(reading))
            if last:
                self._db.close()
                return

    def _waiting(self) -> tuple[list[Turn], bool]:
        """All that waits, at least one, and whether nothing comes after."""
        turns: list[Turn] = []
        while not turns or (len(turns) < MOST and not self._turns.empty()):
            turn = self._turns.get()
            if turn is None:
                return turns, True
            if not turn.answer.cancelled():
                turns.append(turn)
        return turns, False

    def _written(self, turns: Sequence[Turn]) -> list[Answer]:
        for run in (_together, _apart) if len(turns) > 1 else (_together,):
            try:
                return self._transact(run, turns, careful=run is _apart)
            except _NotTogetherError:
                continue
            except StoreError as error:
                return [(None, error)] * len(turns)
        return [self._alone(turn) for turn in turns]

    def _alone(self, turn: Turn) -> Answer:
        try:
            return self._transact(lambda tx, turns: (turns[0].done(tx), None), [turn])
        except BaseException as error:  # noqa: BLE001 - it is raised where the answer is awaited
            if not isinstance(error, StoreError):
                self._report([turn], failed=True)
            return None, error

    def _read(self, turns: Sequence[Turn]) -> list[Answer]:
        try:
            return self._transact(_looks, turns, writes=False)
        except StoreError as error:
            return [(None, error)] * len(turns)

    def _transact(
        self,
        run: Callable[[SqliteTransaction, Sequence[Turn]], R],
        turns: Sequence[Turn],
        writes: bool = True,
        careful: bool = True,
    ) -> R:
        with translated(), self._transaction.transact(writes, careful) as news:
            answers = run(self._transaction, turns)
        if writes:
            turns[0].tellings.tell(Committed(len(turns)))
            self._report(turns, failed=False)
            if self._committed is not None:
                self._committed(news)
        return answers

    def _report(self, turns: Sequence[Turn], failed: bool) -> None:
        """Tell those who listen, before anything else comes of it."""
        for turn in turns if self._audience else ():
            happened = turn.tellings.told(failed)
            if happened and turn.loop is not None and turn.context is not None:
                with contextlib.suppress(RuntimeError):  # the loop has closed: nobody listens any more
                    turn.loop.call_soon_threadsafe(self._audience.happened, happened, context=turn.context)


class _NotTogetherError(Exception):
    """A work failed, and left something behind that the others must not see."""


def _together(tx: SqliteTransaction, turns: Sequence[Turn]) -> list[Answer]:
    """All of them, without savepoints; one that fails before it has written may."""
    answers: list[Answer] = []
    for turn in turns:
        changes = tx.changes
        try:
            answers.append((turn.done(tx), None))
        except BaseException as error:
            if tx.changes != changes or isinstance(error, StoreError):
                raise _NotTogetherError from error
            tx.tellings.undo(0)
            answers.append((None, error))
    try:
        tx.flush()
    except StoreError as error:
        raise _NotTogetherError from error
    return answers


def _apart(tx: SqliteTransaction, turns: Sequence[Turn]) -> list[Answer]:
    answers: list[Answer] = []
    for turn in turns:
        try:
            with tx.savepoint():
                answers.append((turn.done(tx), None))
        except StoreError as error:
            raise _NotTogetherError from error
        except BaseException as error:  # noqa: BLE001 - it is raised where the answer is awaited
            answers.append((None, error))
    return answers


def _looks(tx: SqliteTransaction, turns: Sequence[Turn]) -> list[Answer]:
    answers: list[Answer] = []
    for turn in turns:
        try:
            answers.append((turn.done(tx), None))
        except BaseException as error:  # noqa: BLE001 - it is raised where the answer is awaited
            answers.append((None, error))
    return answers


def _tell(turns: Sequence[Turn], answers: Sequence[Answer]) -> None:
    """Give the answers to who waits for them: those of one loop together."""
    loops: dict[asyncio.AbstractEventLoop, list[tuple[Turn, Answer]]] = {}
    for turn, answer in zip(turns, answers, strict=True):
        if turn.loop is None:
            _settle([(turn, answer)])
        else:
            loops.setdefault(turn.loop, []).append((turn, answer))
    for loop, told in loops.items():
        with contextlib.suppress(RuntimeError):  # it is closed: nobody waits any more
            loop.call_soon_threadsafe(_settle, told)


def _settle(told: Sequence[tuple[Turn, Answer]]) -> None:
    for turn, (value, error) in told:
        if turn.answer.cancelled():
            continue
        if error is None:
            turn.answer.set_result(value)
        else:
            turn.answer.set_exception(error)
