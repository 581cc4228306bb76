"""A running activity says that it is alive: `heartbeat()` in, nothing out.

Where a flow says `heartbeat 30s`, an attempt that is silent for so long is taken for dead, long before its timeout.
"""

from __future__ import annotations

import asyncio
from contextvars import ContextVar
from typing import Protocol


class Pulse:
    """The heartbeats of one attempt, from whatever thread they come."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._beat = asyncio.Event()

    def beat(self) -> None:
        """May be called from any thread."""
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._beat.set)

    async def heard(self) -> None:
        """Until the next beat."""
        await self._beat.wait()
        self._beat.clear()


class Beats(Protocol):
    """What a heartbeat is heard by: a pulse, or, in a process, the pipe to one."""

    def beat(self) -> None: ...


PULSE: ContextVar[Beats | None] = ContextVar("penstock_pulse", default=None)


def heartbeat() -> None:
    """Called by an activity now and then while it works, in its coroutine, thread or process. Elsewhere it does
    nothing."""
    pulse = PULSE.get()
    if pulse is not None:
        pulse.beat()
