"""Time as a host sees it: what o'clock it is, and a sleep that can be woken; for real, and by hand for tests.

Instants are aware UTC datetimes; in storage they are whole microseconds since 1970, which sort and compare exactly.
"""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)


def micros(moment: datetime) -> int:
    """Whole microseconds since 1970 in UTC. Exact, unlike `timestamp()`."""
    return (moment - EPOCH) // MICROSECOND


def moment(micros: int) -> datetime:
    return EPOCH + timedelta(microseconds=micros)


class Alarm(Protocol):
    """What goes off later, unless it is cancelled."""

    def cancel(self) -> object: ...


class Clock(Protocol):
    """Where a host gets its time from."""

    def now(self) -> datetime:
        """The moment, aware and in UTC. May be asked from any thread."""
        ...

    def sleep(self, duration: timedelta) -> asyncio.Future[None]:
        """What is done when `duration` has passed since this call, awaited or not."""
        ...

    def alarm(self, duration: timedelta, ring: Callable[[], object]) -> Alarm:
        """Call `ring` on the running loop when `duration` has passed."""
        ...


class SystemClock:
    """The machine's clock; sleeping does not follow its jumps."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def sleep(self, duration: timedelta) -> asyncio.Future[None]:
        awake: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        alarm = self.alarm(duration, lambda: _wake(awake))
        awake.add_done_callback(lambda _: alarm.cancel())
        return awake

    def alarm(self, duration: timedelta, ring: Callable[[], object]) -> Alarm:
        return asyncio.get_running_loop().call_later(max(duration.total_seconds(), 0), ring)


def _wake(sleeper: asyncio.Future[None]) -> None:
    if not sleeper.done():
        sleeper.set_result(None)


class ManualClock:
    """A clock that moves only when told to: days of a flow in no time, the same on every run."""

    def __init__(self, start: datetime) -> None:
        self._now = start
        self._order = 0
        self._alarms: list[tuple[datetime, int, _Ring]] = []

    def now(self) -> datetime:
        return self._now

    def sleep(self, duration: timedelta) -> asyncio.Future[None]:
        awake: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        alarm = self.alarm(duration, lambda: _wake(awake))
        awake.add_done_callback(lambda _: alarm.cancel())
        self.advance(timedelta(0))
        return awake

    def alarm(self, duration: timedelta, ring: Callable[[], object]) -> Alarm:
        self._order += 1
        alarm = _Ring(ring)
        heapq.heappush(self._alarms, (self._now + duration, self._order, alarm))
        return alarm

    def advance(self, duration: timedelta) -> None:
        """Let time pass and wake who has slept long enough. A negative duration is a clock put back."""
        self._now += duration
        while self._alarms and self._alarms[0][0] <= self._now:
            heapq.heappop(self._alarms)[2].ring()


@dataclass(slots=True)
class _Ring:
    ring: Callable[[], object]

    def cancel(self) -> None:
        self.ring = _nothing


def _nothing() -> None:
    """What a cancelled alarm does."""
