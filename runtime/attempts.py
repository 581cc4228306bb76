"""One attempt of a call: a function and its arguments in, a Result out, whatever the function does.

A coroutine function is awaited on the loop and can be cancelled; any other runs on a thread of its own, which cannot:
when its time is up the thread is left behind, and what it still answers is not listened to. `attempt_now` calls it
where it stands, for as long as it takes.
"""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import inspect
import threading
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from types import TracebackType
from typing import Any

from .codec import NOTHING, Codec, Invalid, admitted
from .core import ActivityError
from .heartbeat import PULSE, Pulse
from .outbox import DONE, FAILED, INTERRUPTED, TIMEOUT, Result, told
from .spec import ActivitySpec, CompensationSpec, FlowSpec
from .timers import Clock

_HERE = str(Path(__file__).parent / "_")[:-1]
"""What the paths of our own files begin with."""


@dataclass(frozen=True, slots=True)
class Work:
    """What one attempt calls, and how its answer is judged."""

    function: Callable[..., object]
    args: tuple[object, ...]
    key: str
    spec: ActivitySpec | CompensationSpec

    @property
    def heartbeat(self) -> timedelta | None:
        """How long the attempt may be silent; None: as long as it takes."""
        return self.spec.heartbeat if isinstance(self.spec, ActivitySpec) else None

    @property
    def cancellable(self) -> bool:
        return inspect.iscoroutinefunction(self.function)


def require_methods(spec: FlowSpec, activities: object) -> None:
    """Raises TypeError when an activity or a compensation of the flow has no method."""
    methods = [*(a.method for a in spec.activities.values()), *(c.method for c in spec.compensations.values())]
    missing = [method for method in methods if method and not callable(getattr(activities, method, None))]
    if missing:
        raise TypeError(f"{type(activities).__name__} lacks {', '.join(missing)}, which {spec.name} calls")


def attempt_now(work: Work) -> Result:
    """Run it at once, whatever its timeout. What is no Exception (Ctrl-C) goes through."""
    try:
        return _judged(work, work.function(*work.args, key=work.key))
    except Exception as error:  # noqa: BLE001 - whatever it is, it is the attempt that failed
        return _raised(work, error)


async def attempt(work: Work, clock: Clock, unwanted: asyncio.Future[None]) -> Result:
    """Run it within its timeout, and as long as its heart beats. When `unwanted` is done, it is cancelled if it can be,
    and otherwise waited for."""
    alarm = clock.sleep(work.spec.timeout)
    pulse = None if work.heartbeat is None else Pulse()
    token = PULSE.set(pulse)
    answer = asyncio.ensure_future(_answer(work))
    PULSE.reset(token)
    ends: list[asyncio.Future[Any]] = [answer, alarm]
    if pulse is not None and work.heartbeat is not None:
        ends.append(asyncio.ensure_future(_silent(pulse, work.heartbeat, clock)))
    try:
        await asyncio.wait((*ends, unwanted), return_when=asyncio.FIRST_COMPLETED)
        if not any(end.done() for end in ends):
            if work.cancellable:
                answer.cancel()
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        if not answer.done():
            dead = not alarm.done()
            text = f"no heartbeat within {work.heartbeat}" if dead else f"no answer within {work.spec.timeout}"
            return Result(TIMEOUT, error=text)
        return Result(INTERRUPTED) if answer.cancelled() else answer.result()
    finally:
        for waiting in ends:
            waiting.cancel()


async def _silent(pulse: Pulse, longest: timedelta, clock: Clock) -> None:
    """Until no heartbeat has come for so long."""
    while True:
        heard = asyncio.ensure_future(pulse.heard())
        pause = clock.sleep(longest)
        try:
            await asyncio.wait((heard, pause), return_when=asyncio.FIRST_COMPLETED)
            if not heard.done():
                return
        finally:
            heard.cancel()
            pause.cancel()


async def _answer(work: Work) -> Result:
    """Raises CancelledError, and what a person at the keyboard sends (Ctrl-C), which never comes to a thread."""
    try:
        return _judged(work, await _called(work))
    except asyncio.CancelledError:
        raise
    except KeyboardInterrupt as error:
        if work.cancellable:
            raise
        return _raised(work, error)
    except BaseException as error:  # noqa: BLE001 - whatever it is, it is the attempt that failed
        return _raised(work, error)


async def _called(work: Work) -> object:
    if work.cancellable:
        answer = work.function(*work.args, key=work.key)
    else:
        answer = await _on_thread(lambda: work.function(*work.args, key=work.key))
    return await answer if inspect.isawaitable(answer) else answer


def _raised(work: Work, error: BaseException) -> Result:
    """A declared error is an answer; anything else that is raised says that the attempt failed."""
    declared: Collection[str] = work.spec.errors if isinstance(work.spec, ActivitySpec) else ()
    if isinstance(error, ActivityError) and error.name in declared:
        return Result(error.name, error=told(error))
    return Result(FAILED, error=told(error), cause=error.with_traceback(_theirs(error.__traceback__)))


def _theirs(trace: TracebackType | None) -> TracebackType | None:
    """A traceback from where the activity's own code begins; our way there tells nobody anything."""
    while trace is not None and trace.tb_next is not None and trace.tb_frame.f_code.co_filename.startswith(_HERE):
        trace = trace.tb_next
    return trace


def _judged(work: Work, value: object) -> Result:
    """An answer of the wrong type, out of range, or against the contract is no answer: the attempt failed. Raises what
    an answer raises that defends itself against being looked at."""
    if isinstance(work.spec, CompensationSpec):
        return Result(DONE)
    codec: Codec[object] = work.spec.result
    try:
        checked = admitted(codec, None if codec is NOTHING else value)
    except Invalid as invalid:
        return _unfit(f"not a valid answer: {invalid}")
    if work.spec.ensures is not None and not work.spec.ensures(checked, *work.args):
        return _unfit(f"the answer breaks the contract (ensures): {checked!r}")
    return Result(DONE, checked)


def _unfit(problem: str) -> Result:
    return Result(FAILED, error=problem, cause=Invalid(problem))


async def _on_thread(function: Callable[[], object]) -> object:
    """A daemon thread for each call: one that never returns keeps neither a pool's place nor the process."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[tuple[object, BaseException | None]] = loop.create_future()

    def deliver(answer: tuple[object, BaseException | None]) -> None:
        if not future.done():
            future.set_result(answer)

    def run() -> None:
        answer: tuple[object, BaseException | None]
        try:
            answer = function(), None
        except BaseException as error:  # noqa: BLE001 - whatever it is, it is raised where the answer is awaited
            answer = None, error
        with contextlib.suppress(RuntimeError):  # the loop has closed meanwhile: nobody listens any more
            loop.call_soon_threadsafe(deliver, answer)

    context = contextvars.copy_context()
    threading.Thread(target=context.run, args=(run,), name="penstock-activity", daemon=True).start()
    value, error = await future
    if error is not None:
        raise error
    return value
