"""The worker of a durable host: due timers and calls in, attempts run and recorded out, for as long as it lives.

It sleeps until the next moment at which something falls due, or until it is woken: by this process at once, by another
one through the store's change counter, which it looks at every `poll`. Nothing is kept in memory for an instance that
waits. What an attempt came to is recorded until it is, however long the disk is full.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextlib import suppress
from contextvars import copy_context
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from traceback import format_exception
from typing import TypeVar

from .attempts import Crew, Work, attempt
from .claims import Claims
from .engine import Engine, Round
from .errors import Corrupt, NotAStore, StoreError, TooNew, TooOld, Unreadable
from .logs import CORRELATION, correlation, of_call
from .observing import Audience
from .outbox import FAILED, INTERRUPTED, Result
from .store import News, PendingCall, Store, Transaction
from .timers import Clock

LOG = logging.getLogger("penstock")

HOPELESS = (Corrupt, NotAStore, TooNew, TooOld, Unreadable)
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

    concurrency: int = 128
    lease: timedelta = timedelta(seconds=15)
    poll: timedelta = timedelta(milliseconds=200)
    pause: timedelta = timedelta(seconds=1)
    grace: timedelta = timedelta(seconds=5)
    processes: int = field(default_factory=lambda: os.cpu_count() or 1)
    answer: int = 1 << 20


class Bell:
    """Tells all who wait that something may have changed: take `next`, or `of` an instance, look, and await it."""

    def __init__(self) -> None:
        self.next = asyncio.Event()
        self._of: dict[str, asyncio.Event] = {}

    def of(self, instance: str) -> asyncio.Event:
        """Of an instance, and of those that it started."""
        return self._of.setdefault(instance, asyncio.Event())

    def ring(self, instances: Iterable[str] | None = None) -> None:
        """Of these instances; None: any may have changed."""
        self.next.set()
        self.next = asyncio.Event()
        if instances is None:
            instances = [*self._of]
        for id in instances if self._of else ():
            while id:
                if (waited := self._of.pop(id, None)) is not None:
                    waited.set()
                id = id.rpartition("/")[0]


@dataclass(frozen=True, slots=True)
class Running:
    """An attempt under way. `work` is None for a call that this code cannot make."""

    call: PendingCall
    work: Work | None
    unwanted: asyncio.Future[None]

    @property
    def cancellable(self) -> bool:
        return self.work is None or self.work.cancellable

    def stop(self) -> None:
        """It need not go on."""
        if not self.unwanted.done():
            self.unwanted.set_result(None)


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
        self._claims = Claims(id, limits.concurrency, limits.lease)
        self._stirred = asyncio.Event()
        self._next: datetime | None = None  # when there is something to do, as far as is known
        self._seen = -1
        self._running: dict[asyncio.Task[None], Running] = {}
        self._busy: Counter[str] = Counter()  # attempts under way, by instance
        self._trouble: BaseException | None = None

    def wake(self) -> None:
        """There may be something to do."""
        self._due(self._clock.now())
        self.bell.ring()

    async def run(self) -> None:
        """Work. Raises the StoreError that nothing cures, and whatever is our own bug."""
        self._audience.works()
        loop, context = asyncio.get_running_loop(), copy_context()

        def committed(news: News) -> None:
            self._claims.settle(news)
            with suppress(RuntimeError):  # the loop has closed meanwhile
                loop.call_soon_threadsafe(self._hear, news, context=context)

        self._store.tell(committed)
        self._engine.employ(self._claims)
        try:
            while self._trouble is None:
                self._stirred.clear()
                self._next = None
                round = await self._persistently(self._round)
                if round.next is not None:
                    self._due(round.next)
                self.bell.ring()
                if not round.more:
                    await self._sleep()
            raise self._trouble
        finally:
            try:
                await self._stop()
            finally:
                self._crew.close()

    def _round(self, tx: Transaction) -> Round:
        return self._engine.round(tx, self._claims, self._clock.now())

    def _hear(self, news: News) -> None:
        """What was committed: begin what was claimed, and look up when something is due sooner than was known."""
        for call in news.claimed if self._claims.open else ():
            self._begin(call)
        for call in news.released:
            self._busy[call.instance] -= 1
            if self._busy[call.instance] <= 0:
                del self._busy[call.instance]
        unwanted = {(call.instance, call.key) for call in news.unwanted}
        for running in self._running.values() if unwanted else ():
            if (running.call.instance, running.call.key) in unwanted:
                running.stop()
        if news.due is not None:
            self._due(news.due)
        if self._claims.crowded and news.released:
            self._due(self._clock.now())
        touched = {*news.touched, *(call.instance for call in news.released)}
        self.bell.ring(id for id in touched if id not in self._busy)

    def _due(self, moment: datetime) -> None:
        """Something is to be done at a moment."""
        if self._next is None or moment < self._next:
            self._next = moment
            self._stirred.set()

    async def _sleep(self) -> None:
        """Until something is due (the next renewal of the lease, too), or another process has written."""
        renewal = self._clock.now() + self._limits.lease / 3
        while self._trouble is None:
            self._stirred.clear()
            now, until = self._clock.now(), self._next
            if until is not None and until <= now:
                return
            if self._running:
                renewal = min(renewal, now + self._limits.lease / 3)  # the clock may have been put back
                until = renewal if until is None else min(until, renewal)
            waits: list[Awaitable[object]] = [self._stirred.wait(), asyncio.sleep(self._limits.poll.total_seconds())]
            if until is not None:
                waits.append(self._clock.sleep(until - now))
            await _first(*waits)
            try:
                seen, self._seen = self._seen, await self._store.foreign()
            except HOPELESS:
                raise
            except StoreError:
                return  # the next round waits until the store does what it should
            if seen != self._seen or (until is not None and until <= self._clock.now()):
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
            fields = of_call(call).fields()
            LOG.exception("call %s of instance %s cannot be made", call.key, call.instance, extra=fields)
            work = None
        running = Running(call, work, asyncio.get_running_loop().create_future())
        task = asyncio.create_task(self._attempt(running))
        self._running[task] = running
        self._busy[call.instance] += 1
        task.add_done_callback(self._over)

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

    def _over(self, task: asyncio.Task[None]) -> None:
        """Forget an attempt; one that ended in a bug or a hopeless store ends the worker."""
        del self._running[task]
        if not task.cancelled() and (trouble := task.exception()) is not None:
            self._trouble = trouble
            self._stirred.set()

    async def _stop(self) -> None:
        """Break off what can be, wait for the rest a little, and give back the calls."""
        self._claims.open = False
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
