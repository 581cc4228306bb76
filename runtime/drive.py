"""Drivers: carry one instance in memory from rest to rest. A record, its effects and the activities in; where it has
come to, and what it waits for, out.

    order, effects = Order.start(sku="A1", qty=2, total=Decimal("20.00"), now=datetime.now(UTC))
    rest = drive(order, effects, Shop(), id="o-1")
    rest.record.state, rest.tasks, rest.timers, rest.events

For scripts, notebooks and tests; and for services that keep the record themselves, which are handed a `Checkpoint`
after each step, before anything of it is carried out (`watch`). Calls are made and retried as the flow says, each under
its idempotency key (`o-1/charge_card#3`; a compensation under that of the call it undoes). Their answers go back
through `step`, and so do timers that fall due meanwhile. It comes to rest when nothing is left to call. Nothing
outlives the process: that is what hosts are for. Nor are there breakers and limits, which are about all instances
together.

To a test, days are nothing: `clock = ManualClock(moment)`, then `drive(…, clock=clock, sleep=clock.advance)`.
"""

from __future__ import annotations

import asyncio
import inspect
import time
from collections.abc import Awaitable, Callable, Iterable
from contextvars import copy_context
from datetime import timedelta
from typing import Any, Literal, Protocol, TypeAlias, TypeVar

from .attempts import Attempt, Crew, attempt_now
from .core import Effect, InterruptActivity, StartActivity, StartCompensation
from .desk import Checkpoint, Desk, Job, Parked, Rest
from .spec import FlowSpec
from .timers import Clock, SystemClock

__all__ = ["Checkpoint", "Driven", "OnError", "Parked", "Rest", "calls", "drive", "drive_async"]

F = TypeVar("F")
F_co = TypeVar("F_co", covariant=True)
Activities = TypeVar("Activities")
AsyncActivities = TypeVar("AsyncActivities")
Activities_contra = TypeVar("Activities_contra", contravariant=True)
AsyncActivities_contra = TypeVar("AsyncActivities_contra", contravariant=True)

_SYSTEM = SystemClock()

OnError: TypeAlias = Literal["retry", "raise"]
"""What is done about an activity that raises what it does not declare, or gives an answer of the wrong type: `retry` as
the flow says, after which it has `failed` or is parked; or `raise` it at once, as a test wants it."""


class Driven(Protocol[F_co, Activities_contra, AsyncActivities_contra]):
    """A generated flow: its record, the protocol of its activities, and the same with coroutines."""

    def _driven(self, by: Activities_contra, awaiting: AsyncActivities_contra) -> F_co: ...


def calls(effects: Iterable[Effect]) -> tuple[Effect, ...]:
    """Those that a driver carries out. The others are for you (tasks, messages, the end), or in the record (timers)."""
    return tuple(each for each in effects if isinstance(each, StartActivity | StartCompensation | InterruptActivity))


def _pause(duration: timedelta) -> None:
    """Sleep, for real."""
    time.sleep(max(duration.total_seconds(), 0))


def drive(
    record: Driven[F, Activities, Any],
    effects: Iterable[Effect],
    activities: Activities,
    *,
    id: str,
    clock: Clock = _SYSTEM,
    sleep: Callable[[timedelta], object] = _pause,
    on_error: OnError = "retry",
    watch: Callable[[Checkpoint[F]], object] | None = None,
) -> Rest[F]:
    """Carry out the effects and whatever follows, one call after the other, until nothing is left to call.

    id: what idempotency keys begin with; the instance's own. A call is not cut off when its timeout has passed. Raises
    what the core raises (Rejected, Fault), and, with on_error="raise", what an activity raises."""
    desk = Desk(record, activities, id, clock.now(), watch)
    _refuse_coroutines(desk.spec, activities)
    desk.take(effects)
    while True:
        desk.fire(clock.now())
        job = desk.begin_one(clock.now())
        if job is None:
            wake = desk.wake()
            if wake is None:
                return desk.rest()
            sleep(wake - clock.now())
            continue
        result = attempt_now(job.work)
        if result.cause is not None and on_error == "raise":
            raise result.cause
        desk.conclude(job, result, clock.now())


async def drive_async(
    record: Driven[F, Any, AsyncActivities],
    effects: Iterable[Effect],
    activities: AsyncActivities,
    *,
    id: str,
    clock: Clock = _SYSTEM,
    sleep: Callable[[timedelta], object] | None = None,
    on_error: OnError = "retry",
    watch: Callable[[Checkpoint[F]], object] | None = None,
) -> Rest[F]:
    """The same with coroutines, those of parallel regions and of `do for` side by side.

    A call is cancelled when its timeout has passed, its heartbeat stops, or the flow interrupts it. sleep: how to wait
    while nothing runs; by default, and while calls do run, it is the clock's."""
    desk = Desk(record, activities, id, clock.now(), watch)
    running: dict[Attempt, Job] = {}
    crew = Crew()
    try:
        desk.take(effects)
        while True:
            desk.fire(clock.now())
            for job in desk.begin(clock.now()):
                running[Attempt(job.work, clock, crew, copy_context())] = job
            for attempt, job in running.items():
                if desk.unwanted(job):
                    attempt.stop()
            wake = desk.wake()
            if running:
                await _first(running, None if wake is None else clock.sleep(wake - clock.now()))
            elif wake is None:
                return desk.rest()
            else:
                await _awaited((sleep or clock.sleep)(wake - clock.now()))
            for attempt in [attempt for attempt in running if attempt.result.done()]:
                job, result = running.pop(attempt), attempt.result.result()
                if result.cause is not None and on_error == "raise":
                    raise result.cause
                desk.conclude(job, result, clock.now())
    finally:
        for attempt in running:
            attempt.cancel()
        crew.close()


async def _first(running: Iterable[Attempt], alarm: Awaitable[None] | None) -> None:
    """Until one of the calls has answered, or the alarm goes off."""
    bell = [] if alarm is None else [asyncio.ensure_future(alarm)]
    try:
        ends: list[asyncio.Future[Any]] = [*bell, *(attempt.result for attempt in running)]
        await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for each in bell:
            each.cancel()


async def _awaited(value: object) -> None:
    """Wait for it, if it is something to wait for."""
    if inspect.isawaitable(value):
        await value


def _refuse_coroutines(spec: FlowSpec, activities: object) -> None:
    """Raises TypeError for what would only be called and never awaited."""
    methods = [*(a.method for a in spec.activities.values()), *(c.method for c in spec.compensations.values())]
    for method in methods:
        if inspect.iscoroutinefunction(getattr(activities, method)):
            raise TypeError(f"{type(activities).__name__}.{method} is a coroutine function: use `drive_async`")
