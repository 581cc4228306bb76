"""An event loop whose time is not real: the same run every time, and years in no time.

When nothing can run, its clock is at the next moment for which somebody sleeps. Who asks to be told when all is `quiet`
is told before that. What threads do takes no time: while somebody is `busy` in one, the loop waits for it and the clock
stands still.
"""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Awaitable, Callable, Coroutine, Generator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from penstock.runtime.timers import Alarm

T = TypeVar("T")

START = datetime(2026, 1, 1, tzinfo=UTC)


COARSE = 4e-7
"""Seconds; less than a microsecond, and more than the smallest step of a float after thirty years."""
RESTLESS = 20_000
"""So often somebody may run on at one moment."""


class Stalled(Exception):
    """Nothing can run, and nobody sleeps: it would wait for ever."""


class Restless(Exception):
    """Something runs on and on, and time does not pass."""


class _Selector(selectors.DefaultSelector):
    """Is asked whenever the loop has nothing to run: `loop` says what that means."""

    loop: VirtualLoop

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        self.loop.turns += 1
        if self.loop.turns > RESTLESS:
            raise Restless
        if self.loop.busy:
            return super().select(timeout and None)  # a thread wakes it up
        if timeout == 0:
            return []
        self.loop.idle(timeout)
        return []


class VirtualLoop(asyncio.SelectorEventLoop):
    """`time` is in seconds since the loop was made."""

    def __init__(self) -> None:
        self.busy = 0
        self.turns = 0
        self._passed = 0.0
        self._quiet: list[asyncio.Future[None]] = []
        selector = _Selector()
        selector.loop = self
        super().__init__(selector)
        # After years a float is coarser than the nanosecond by which asyncio finds that a moment has come.
        setattr(self, "_clock_resolution", COARSE)  # noqa: B010 - it has no public name

    def time(self) -> float:
        return self._passed

    def idle(self, pause: float | None) -> None:
        """Nothing can run before `pause` seconds have passed (None: ever). Raises Stalled."""
        self.turns = 0
        if self._quiet:
            waiting, self._quiet = self._quiet, []
            for each in waiting:
                if not each.done():
                    each.set_result(None)
        elif pause is None:
            raise Stalled
        else:
            self._passed += pause

    def quiet(self) -> Awaitable[None]:
        """Until nothing can run at this moment."""
        waiting: asyncio.Future[None] = self.create_future()
        self._quiet.append(waiting)
        return waiting

    @contextmanager
    def working(self) -> Generator[None]:
        """Meanwhile a thread works for somebody."""
        self.busy += 1
        try:
            yield
        finally:
            self.busy -= 1


def here() -> VirtualLoop:
    """The loop that runs."""
    loop = asyncio.get_running_loop()
    assert isinstance(loop, VirtualLoop)
    return loop


def virtually(work: Coroutine[Any, Any, T]) -> T:
    """Run it to its end. Raises Stalled."""
    loop = VirtualLoop()
    try:
        return loop.run_until_complete(work)
    finally:
        loop.close()


class VirtualClock:
    """The clock of a machine of that time: sleeping does not follow its jumps."""

    def __init__(self, loop: VirtualLoop, start: datetime = START) -> None:
        self._loop = loop
        self._start = start

    def now(self) -> datetime:
        return self._start + timedelta(seconds=self._loop.time())

    def sleep(self, duration: timedelta) -> asyncio.Future[None]:
        return asyncio.ensure_future(asyncio.sleep(max(duration.total_seconds(), 0)))

    def alarm(self, duration: timedelta, ring: Callable[[], object]) -> Alarm:
        return asyncio.get_running_loop().call_later(max(duration.total_seconds(), 0), ring)

    def jump(self, duration: timedelta) -> None:
        """Put it forward, or back."""
        self._start += duration
