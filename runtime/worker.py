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
from contextvars import Context, copy_context
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from traceback import format_exception
from typing import TypeVar

from .attempts import Attempt, Crew, Work
from .claims import Claims, Held, held
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
    """An attempt under way, until what it came to is recorded. context: in which all of it happens. attempt: None for a
    call that this code cannot make."""

    call: PendingCall
    context: Context
    attempt: Attempt | None

    @property
    def cancellable(self) -> bool:
        return self.attempt is None or self.attempt.cancellable

    def stop(self) -> None:
        """It need not go on."""
        if self.attempt is not None:
            self.attempt.stop()


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
        self._running: dict[Held, Running] = {}
        self._left = asyncio.Event()  # an attempt is done with
        self._leaves = False  # what cannot be recorded now is left to the lease
        self._busy: Counter[str] = Counter()  # attempts under way, by instance
        self._trouble: BaseException | None = None

    def busy(self, instance: str) -> bool:
        """Whether an attempt of it is under way."""
        return instance in self._busy

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
        for call in news.unwanted:
            if (running := self._running.get(held(call))) is not None:
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
        context = copy_context()
        context.run(self._enter, call)
        attempt: Attempt | None = None
        try:
            spec = self._engine.spec_of(call)
            function = getattr(self._activities[call.flow], spec.method)
            work = Work(function, self._engine.args_of(call), call.idempotency_key, spec, self._limits.answer)
            attempt = Attempt(work, self._clock, self._crew, context)
        except Exception:
            fields = of_call(call).fields()
            LOG.exception("call %s of instance %s cannot be made", call.key, call.instance, extra=fields)
        running = self._running[held(call)] = Running(call, context, attempt)
        self._busy[call.instance] += 1
        if attempt is not None:
            attempt.result.add_done_callback(partial(self._ended, running), context=context)
        else:
            context.run(self._over, running, Result(FAILED, error="the call cannot be made; see the log"))

    def _enter(self, call: PendingCall) -> None:
        CORRELATION.set(of_call(call))
        self._audience.begins(call)

    def _ended(self, running: Running, ended: asyncio.Future[Result]) -> None:
        """It has come to something, or was broken off, or a person at the keyboard has ended it."""
        trouble = None if ended.cancelled() else ended.exception()
        if not ended.cancelled() and trouble is None:
            self._over(running, ended.result())
        else:
            self._audience.ends(running.call, STOPPED)
            self._forget(running, trouble)

    def _over(self, running: Running, result: Result) -> None:
        """Tell what it came to, and record it."""
        self._audience.ends(running.call, result)
        if result.cause is not None:
            cause = result.cause if _writable(result.cause) else None
            told, fields = _named(running.call), _fields(running.call)
            LOG.warning("attempt %s: %s", told, result.error, exc_info=cause, extra=fields)
        self._record(running, result)

    def _record(self, running: Running, result: Result) -> None:
        now = self._clock.now
        written = asyncio.ensure_future(
            self._store.write(lambda tx: self._engine.conclude(tx, running.call, result, now()))
        )
        written.add_done_callback(partial(self._recorded, running, result))

    def _recorded(self, running: Running, result: Result, written: asyncio.Future[bool]) -> None:
        """It is done with; where the storage cannot, it is tried again and again."""
        error = None if written.cancelled() else written.exception()
        if isinstance(error, StoreError) and not isinstance(error, HOPELESS) and not self._leaves:
            LOG.warning("worker %s goes on when the store does: %s", self.id, error)
            asyncio.get_running_loop().call_later(self._limits.pause.total_seconds(), self._record, running, result)
            return
        if error is None and not written.cancelled() and not written.result():
            told, fields = _named(running.call), _fields(running.call)
            LOG.warning("attempt %s came too late: another worker has it", told, extra=fields)
        self._forget(running, error)

    def _forget(self, running: Running, trouble: BaseException | None) -> None:
        """An attempt that ended in a bug or a hopeless store ends the worker."""
        del self._running[held(running.call)]
        self._left.set()
        if trouble is not None and not (self._leaves and isinstance(trouble, StoreError)):
            self._trouble = trouble
            self._stirred.set()

    async def _stop(self) -> None:
        """Break off what can be, wait for the rest a little, and give back the calls."""
        self._claims.open = False
        with suppress(TimeoutError):
            async with asyncio.timeout(self._limits.grace.total_seconds()):
                while any(not running.cancellable for running in self._running.values()):
                    self._left.clear()
                    await self._left.wait()
        self._leaves = True
        for running in self._running.values():
            if running.attempt is not None:
                running.attempt.cancel()
        try:
            await self._store.write(lambda tx: self._engine.leave(tx, self.id, self._clock.now()))
        except StoreError as error:
            LOG.warning("worker %s leaves its calls to its lease: %s", self.id, error)


def _named(call: PendingCall) -> str:
    return f"{call.attempts} of {call.idempotency_key}"


def _fields(call: PendingCall) -> dict[str, object]:
    """What a log record says of an attempt, where it runs."""
    return (correlation() or of_call(call)).fields()


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
