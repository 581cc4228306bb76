"""Processes for CPU-bound activities: functions marked `in_process` in, what they answered or raised out.

    class Studio:
        @in_process
        def render(self, scene: str, *, key: str) -> str: ...

The method is pickled: it belongs to a module, and what it is bound to can be pickled. A process runs one call at a time
and is used again; one that crashes, or is killed since its call's time is up, is replaced and takes no other call with
it. They are started afresh (`spawn`), so the program's start is guarded by `if __name__ == "__main__":`.
"""

from __future__ import annotations

import asyncio
import inspect
import logging
import pickle
import signal
from collections.abc import Callable
from functools import partial
from typing import TypeVar, cast

from . import child
from .heartbeat import heartbeat
from .threads import NAME, Threads

PATIENCE = 120
"""Seconds that a process has to import the program."""

MARK = "_penstock_in_process"

C = TypeVar("C", bound=Callable[..., object])


def in_process(function: C) -> C:
    """Marks an activity's plain method, also a static one, as one that runs in a process of its own."""
    target: object = getattr(function, "__func__", function)
    setattr(target, MARK, True)
    return function


def wants_process(function: Callable[..., object]) -> bool:
    return bool(getattr(function, MARK, False))


def require_sendable(function: Callable[..., object], name: str) -> None:
    """Raises TypeError when it is marked, and cannot run in another process; RuntimeError when this is such a process,
    and has begun the program anew instead of importing it."""
    if not wants_process(function):
        return
    from multiprocessing import spawn  # here, since it takes its time and few need it

    spawn.get_preparation_data(NAME)  # raises that, and says what to do
    if inspect.iscoroutinefunction(function):
        raise TypeError(f"{name} is a coroutine function: only plain ones run in a process")
    try:
        pickle.dumps(function)
    except Exception as error:
        raise TypeError(f"{name} cannot be sent to a process: {error}") from error


class Died(Exception):
    """The process has ended before it answered: it crashed, or was killed."""


class Process:
    """One that is ready for calls, or busy with one."""

    def __init__(self) -> None:
        """Start it and wait until it is ready. Raises Died."""
        from multiprocessing import get_context  # here, as above

        context = get_context("spawn")
        self._pipe: child.Pipe
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(target=child.main, args=(theirs, _levels()), name=NAME, daemon=True)
        self._process.start()
        theirs.close()
        self.idle = True
        self._loaded: set[str] = set()
        hint = 'is the start of the program guarded by `if __name__ == "__main__":`?'
        try:
            if not self._pipe.poll(PATIENCE):
                self.kill()
                raise Died(f"its process was not ready within {PATIENCE} s: {hint}")
            self._pipe.recv()
        except (EOFError, OSError):
            raise Died(f"{self._ending()} before it was ready: {hint}") from None

    @property
    def alive(self) -> bool:
        return self._process.is_alive()

    def knows(self, function: Callable[..., object]) -> bool:
        """Whether its module has been imported there."""
        return function.__module__ in self._loaded

    def load(self, function: Callable[..., object]) -> None:
        """Have its module imported. What is wrong with it is said by the call that follows. Raises Died."""
        self._converse(child.Load(function))
        self._loaded.add(function.__module__)

    def ask(self, call: child.Call) -> tuple[str, object]:
        """`child.DONE` and the answer, or `child.RAISED` and the exception; meanwhile its heartbeats and log records
        are passed on. Raises Died, and whatever pickling does."""
        kind, content = self._converse(call)
        return kind, pickle.loads(content)

    def _converse(self, told: child.Call | child.Load) -> tuple[str, bytes]:
        text = pickle.dumps(told)
        self.idle = False
        try:
            self._pipe.send_bytes(text)
            while True:
                kind, content = cast(tuple[str, object], self._pipe.recv())
                if kind == child.BEAT:
                    heartbeat()
                elif kind == child.LOG:
                    _log(cast(logging.LogRecord, content))
                else:
                    self.idle = True
                    return kind, cast(bytes, content)
        except (EOFError, OSError):
            raise Died(self._ending()) from None

    def kill(self) -> None:
        """At once. Whoever asks it something hears that it died."""
        self._process.kill()
        self._process.join(1)

    def _ending(self) -> str:
        self._process.join(5)
        code = self._process.exitcode
        self._pipe.close()
        if code is not None and code < 0:
            name = signal.Signals(-code).name if -code in {*map(int, signal.Signals)} else f"signal {-code}"
            return f"its process was ended by {name}"
        return f"its process ended with exit code {code}"


class Processes:
    """At most so many at a time, started when they are needed; who comes later waits for a turn."""

    def __init__(self, threads: Threads, most: int) -> None:
        self._threads = threads
        self._most = most
        self._turns = asyncio.Semaphore(most)
        self._all: set[Process] = set()
        self._idle: list[Process] = []
        self._closed = False

    async def take(self, function: Callable[..., object]) -> Process:
        """A turn, and a process that is ready for the function; `give_back` ends it. Raises Died when none can be
        started."""
        await self._turns.acquire()
        process: Process | None = None
        try:
            process = await self._one()
            if not process.knows(function):
                await self._threads.call(partial(process.load, function))
            return process
        except BaseException:
            if process is None:
                self._turns.release()
            else:
                self.give_back(process)
            raise

    async def _one(self) -> Process:
        while self._idle:
            process = self._idle.pop()
            if process.alive:
                return process
            self._all.discard(process)
        return await self._started()

    async def _started(self) -> Process:
        """A new one; if nobody waits for it any more when it is ready, it is there for the next."""
        starting = asyncio.ensure_future(self._threads.call(Process))
        starting.add_done_callback(self._ready)
        try:
            return await asyncio.shield(starting)
        except asyncio.CancelledError:
            starting.add_done_callback(self._unused)
            raise

    def _ready(self, starting: asyncio.Future[Process]) -> None:
        if not starting.cancelled() and starting.exception() is None:
            self._all.add(starting.result())
            if self._closed:
                starting.result().kill()

    def _unused(self, starting: asyncio.Future[Process]) -> None:
        if not starting.cancelled() and starting.exception() is None:
            self._put_away(starting.result(), wanted=len(self._all) <= self._most)

    async def call(self, process: Process, call: child.Call) -> tuple[str, object]:
        """As `Process.ask`, without holding up the loop."""
        return await self._threads.call(lambda: process.ask(call))

    def _put_away(self, process: Process, wanted: bool) -> None:
        if wanted and process.idle and process.alive:
            self._idle.append(process)
        else:
            process.kill()
            self._all.discard(process)

    def decline(self, turn: asyncio.Future[Process]) -> None:
        """Nobody waits for this `take` any more."""
        turn.cancel()
        turn.add_done_callback(self._declined)

    def _declined(self, turn: asyncio.Future[Process]) -> None:
        if not turn.cancelled() and turn.exception() is None:
            self.give_back(turn.result())

    def give_back(self, process: Process) -> None:
        """One that still works at something is killed."""
        self._put_away(process, wanted=not self._closed)
        self._turns.release()

    def close(self) -> None:
        """Kill them all."""
        self._closed = True
        for process in self._all:
            process.kill()


def _levels() -> dict[str, int]:
    """The levels that were set on loggers here, by name; the root's is under ""."""
    loggers = [each for each in logging.root.manager.loggerDict.values() if isinstance(each, logging.Logger)]
    return {"": logging.root.level} | {each.name: each.level for each in loggers if each.level}


def _log(record: logging.LogRecord) -> None:
    logger = logging.getLogger(record.name)
    if logger.isEnabledFor(record.levelno):
        logger.handle(record)
