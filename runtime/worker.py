"""The worker of a durable host: due timers and calls in, attempts run and recorded out, for as long as it lives.

It sleeps until the next moment at which something falls due, or until it is woken: by this process at once, by another
one through the store's change counter, which it looks at every `poll`. Nothing is kept in memory for an instance that
waits. What an attempt came to is recorded until it is, however long the disk is full.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from traceback import format_exception
from typing import TypeVar

from .attempts import Crew, Work, attempt
from .engine import Engine, Round
from .errors import Corrupt, NotAStore, StoreError, TooNew, TooOld
from .logs import CORRELATION, correlation, of_call
from .observing import Audience
from .outbox import FAILED, INTERRUPTED, Result
from .store import PendingCall, Store, Transaction
from .timers import Clock

LOG = logging.getLogger("penstock")

HOPELESS = (Corrupt, NotAStore, TooNew, TooOld)
"""Storage errors that no waiting cures; after any other the worker goes on when it can."""

STOPPED = Result(INTERRUPTED, error="its worker stopped")

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Limits:
    """How a worker behaves. concurrency: attempts at a time. lease: how long the calls of a worker that was lost wait
    for another, on the host's clock. The rest is in real time. poll: how soon what other processes wrote is seen.
    pause: how long after an error of the storage it is tried again. grace: how long a stop waits for threads.
    processes: how many run at a time for activities marked `in_process`; by default one a core. answer: bytes of JSON
    that an activity may answer; one that answers more has failed."""

    concurrency: int = 64
    lease: timedelta = timedelta(seconds=15)
    poll: timedelta = timedelta(milliseconds=200)
    pause: timedelta = timedelta(seconds=1)
    grace: timedelta = timedelta(seconds=5)
    processes: int = field(default_factory=lambda: os.cpu_count() or 1)
    answer: int = 1 << 20


class Bell:
    """Tells all who wait that something may have changed: take `next`, look, and await it."""

    def __init__(self) -> None:
        self.next = asyncio.Event()

    def ring(self) -> None:
        self.next.set()
        self.next = asyncio.Event()


@dataclass(frozen=True, slots=True)
class Running:
    """An attempt under way. `work` is None for a call that this code cannot make."""

    call: PendingCall
    work: Work | None
    unwanted: asyncio.Event

    @property
    def cancellable(self) -> bool:
        return self.work is None or self.work.cancellable


class Worker:
    """Runs until cancelled. `activities` are the objects with the methods that specs name, by flow label."""

    def __init__(
        self,
        id: str,
        store: Store,
        engine: Engine,
        activities: Mapping[str, object],
        clock: Clock,
        limits: Limits,
        audience: Audience | None = None,
    ) -> None:
        self.id = id
        self._audience = audience or Audience()
        self.bell = Bell()
        self._store = store
        self._engine = engine
        self._activities = activities
        self._clock = clock
        self._limits = limits
        self._crew = Crew(limits.processes)
        self._woken = asyncio.Event()
        self._seen = -1
        self._running: dict[asyncio.Task[None], Running] = {}

    def wake(self) -> None:
        """There is something new to do."""
        self._woken.set()
        self.bell.ring()

    async def run(self) -> None:
        """Work. Raises the StoreError that nothing cures, and whatever is our own bug."""
        self._audience.works()
        try:
            while True:
                self._woken.clear()
                self._reap()
                round = await self._persistently(self._round)
                for call in round.claimed:
                    self._begin(call)
                for running in self._running.values():
                    if (running.call.instance, running.call.key) in round.unwanted:
                        running.unwanted.set()
                self.bell.ring()
                if not round.more:
                    await self._sleep(round.next)
        finally:
            try:
                await self._stop()
            finally:
                self._crew.close()

    def _round(self, tx: Transaction) -> Round:
        running = frozenset((r.call.instance, r.call.key, r.call.attempts) for r in self._running.values())
        free = self._limits.concurrency - len(running)
        return self._engine.round(tx, self.id, running, free, self._limits.lease, self._clock.now())

    async def _sleep(self, until: datetime | None) -> None:
        """Until woken, or the moment has come, or another process has written."""
        if self._running:
            renewal = self._clock.now() + self._limits.lease / 3
            until = renewal if until is None else min(until, renewal)
        while not self._woken.is_set() and (until is None or until > self._clock.now()):
            waits: list[Awaitable[object]] = [self._woken.wait(), asyncio.sleep(self._limits.poll.total_seconds())]
            if until is not None:
                waits.append(self._clock.sleep(until - self._clock.now()))
            await _first(*waits)
            seen, self._seen = self._seen, await self._store.foreign()
            if seen != self._seen:
                return

    async def _persistently(self, work: Callable[[Transaction], T]) -> T:
        """Write, again and again while the storage cannot."""
        while True:
            try:
                return await self._store.write(work)
            except HOPELESS:
                raise
            except StoreError as error:
                LOG.warning("worker %s goes on when the store does: %s", self.id, error)
                await asyncio.sleep(self._limits.pause.total_seconds())

    # ------------------------------------------------------------ attempts

    def _begin(self, call: PendingCall) -> None:
        try:
            spec = self._engine.spec_of(call)
            function = getattr(self._activities[call.flow], spec.method)
            work = Work(function, self._engine.args_of(call), call.idempotency_key, spec, self._limits.answer)
        except Exception:
            LOG.exception(
                "call %s of instance %s cannot be made", call.key, call.instance, extra=of_call(call).fields()
            )
            work = None
        running = Running(call, work, asyncio.Event())
        task = asyncio.create_task(self._attempt(running))
        self._running[task] = running
        task.add_done_callback(lambda _: self._woken.set())

    async def _attempt(self, running: Running) -> None:
        call, result = running.call, STOPPED
        CORRELATION.set(of_call(call))
        self._audience.begins(call)
        try:
            if running.work is None:
                result = Result(FAILED, error="the call cannot be made; see the log")
            else:
                result = await attempt(running.work, self._clock, running.unwanted, self._crew)
        finally:
            self._audience.ends(call, result)
        told = f"{call.attempts} of {call.idempotency_key}"
        fields = (correlation() or of_call(call)).fields()
        if result.cause is not None:
            cause = result.cause if _writable(result.cause) else None
            LOG.warning("attempt %s: %s", told, result.error, exc_info=cause, extra=fields)
        if not await self._persistently(lambda tx: self._engine.conclude(tx, call, result, self._clock.now())):
            LOG.warning("attempt %s came too late: another worker has it", told, extra=fields)

    def _reap(self) -> None:
        """Forget the attempts that have ended; one that ended in a bug or a hopeless store ends the worker."""
        for task in [task for task in self._running if task.done()]:
            del self._running[task]
            task.result()

    async def _stop(self) -> None:
        """Break off what can be, wait for the rest a little, and give back the calls."""
        patient = [task for task, running in self._running.items() if not running.cancellable]
        if patient:
            await asyncio.wait(patient, timeout=self._limits.grace.total_seconds())
        broken = [task for task in self._running if task.cancel()]
        if broken:
            await asyncio.wait(broken)
        try:
            await self._store.write(lambda tx: self._engine.leave(tx, self.id, self._clock.now()))
        except StoreError as error:
            LOG.warning("worker %s leaves its calls to its lease: %s", self.id, error)


def _writable(error: BaseException) -> bool:
    """Whether a log can be trusted with its traceback: one with half a character in it is lost, or worse."""
    try:
        "".join(format_exception(error)).encode()
    except UnicodeEncodeError:
        return False
    return True


async def _first(*waits: Awaitable[object]) -> None:
    """Until one of them is over; the others are cancelled."""
    tasks = [asyncio.ensure_future(wait) for wait in waits]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
