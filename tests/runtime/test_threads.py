"""Threads for activities: used again when they are free, and never missed when they are lost."""

from __future__ import annotations

import asyncio
import threading
from contextvars import ContextVar

import pytest

from penstock.runtime.threads import Threads

HERE: ContextVar[str] = ContextVar("here", default="nowhere")


def name() -> int:
    return threading.get_ident()


def test_a_thread_that_is_free_is_used_again() -> None:
    async def run() -> None:
        threads = Threads()
        assert len({await threads.call(name) for _ in range(20)}) < 20
        threads.close()

    asyncio.run(run())


def test_one_that_never_returns_keeps_nobody_waiting() -> None:
    async def run() -> None:
        threads, never = Threads(idle=1), threading.Event()
        for _ in range(5):
            lost = asyncio.ensure_future(threads.call(never.wait))
            await asyncio.sleep(0)
            assert await threads.call(lambda: 7) == 7
            assert not lost.done()
            lost.cancel()
        never.set()
        threads.close()

    asyncio.run(run())


def test_as_many_run_at_a_time_as_are_asked_for_and_few_are_kept() -> None:
    async def run() -> None:
        threads, gate = Threads(idle=2), threading.Barrier(10)
        await asyncio.gather(*(threads.call(gate.wait) for _ in range(10)))
        ended = threading.Event()
        threads.run(ended.set)
        ended.wait(10)
        threads.close()

    before = threading.active_count()
    asyncio.run(run())
    for thread in threading.enumerate():
        if thread.name == "penstock-activity":
            thread.join(10)
    assert threading.active_count() <= before


def test_what_is_raised_there_is_raised_here_and_the_context_goes_along() -> None:
    def fail() -> None:
        raise LookupError(HERE.get())

    def stop() -> None:
        raise StopIteration

    async def run() -> None:
        threads = Threads()
        HERE.set("somewhere")
        with pytest.raises(LookupError, match="somewhere"):
            await threads.call(fail)
        with pytest.raises(RuntimeError, match="StopIteration"):
            await threads.call(stop)
        threads.close()

    asyncio.run(run())
