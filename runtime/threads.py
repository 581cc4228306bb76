"""Threads for activities: functions in, each run on a thread that is free, whatever becomes of the others.

A thread that is idle is used again (a hand-over costs less than a start); there are as many as run at a time. They are
daemons: one that never returns keeps neither a place nor the process.
"""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import threading
from collections.abc import Callable
from queue import SimpleQueue
from typing import TypeVar

T = TypeVar("T")

Job = Callable[[], object]

NAME = "penstock-activity"


class Threads:
    """`idle`: how many are kept while they have nothing to do."""

    def __init__(self, idle: int = 64) -> None:
        self._most = idle
        self._idle: list[SimpleQueue[Job | None]] = []
        self._lock = threading.Lock()
        self._closed = False

    def run(self, job: Job) -> None:
        """Begin it at once; what it answers or raises is its own affair."""
        with self._lock:
            free = self._idle.pop() if self._idle else None
        jobs = free or SimpleQueue[Job | None]()
        if free is None:
            threading.Thread(target=self._work, args=(jobs,), name=NAME, daemon=True).start()
        jobs.put(job)

    def _work(self, jobs: SimpleQueue[Job | None]) -> None:
        while (job := jobs.get()) is not None:
            job()
            del job  # nothing is kept alive by a thread that waits
            with self._lock:
                if self._closed or len(self._idle) >= self._most:
                    return
                self._idle.append(jobs)

    async def call(self, function: Callable[[], T]) -> T:
        """What it answers or raises, on a thread that has the context of the caller.

        If the caller stops waiting, the thread is left to itself."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Callable[[], T]] = loop.create_future()

        def deliver(answer: Callable[[], T]) -> None:
            if not future.done():
                future.set_result(answer)

        def run() -> None:
            answer = _caught(function)
            with contextlib.suppress(RuntimeError):  # the loop has closed meanwhile: nobody listens any more
                loop.call_soon_threadsafe(deliver, answer)

        context = contextvars.copy_context()
        self.run(lambda: context.run(run))
        return (await future)()

    def close(self) -> None:
        """Idle threads end, and others when they come back."""
        with self._lock:
            self._closed = True
            idle, self._idle = self._idle, []
        for jobs in idle:
            jobs.put(None)


def _caught(function: Callable[[], T]) -> Callable[[], T]:
    """Call it now; what it answers or raises comes out where the result is called."""
    try:
        answer = function()
    except BaseException as error:  # noqa: BLE001 - whatever it is, it is raised where the answer is awaited
        problem = error

        def fail() -> T:
            raise problem

        return fail
    return lambda: answer
