"""One attempt of a call: a function and its arguments in, a Result out, whatever the function does.

A coroutine function is awaited on the loop and can be cancelled; any other runs on a thread of its own, which cannot:
when its time is up the thread is left behind, and what it still answers is not listened to.
"""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import inspect
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from .codec import NOTHING, Codec, Invalid, admitted
from .core import ActivityError
from .heartbeat import PULSE, Pulse
from .outbox import DONE, FAILED, INTERRUPTED, TIMEOUT, Result, told
from .spec import ActivitySpec, CompensationSpec
from .timers import Clock


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


async def attempt(work: Work, clock: Clock, unwanted: asyncio.Event) -> Result:
    """Run it within its timeout, and as long as its heart beats. When `unwanted` is set, it is cancelled if it can be,
    and otherwise waited for."""
    pulse = Pulse()
    alarm = asyncio.ensure_future(clock.sleep(work.spec.timeout))
    silence = asyncio.ensure_future(_silent(pulse, work.heartbeat, clock))
    warning = asyncio.ensure_future(unwanted.wait())
    token = PULSE.set(pulse)
    answer = asyncio.ensure_future(_answer(work))
    PULSE.reset(token)
    ends = (answer, alarm, silence)
    try:
        await asyncio.wait((*ends, warning), return_when=asyncio.FIRST_COMPLETED)
        if not any(end.done() for end in ends):
            if work.cancellable:
                answer.cancel()
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        if not answer.done():
            dead = silence.done() and not alarm.done()
            text = f"no heartbeat within {work.heartbeat}" if dead else f"no answer within {work.spec.timeout}"
            return Result(TIMEOUT, error=text)
        return Result(INTERRUPTED) if answer.cancelled() else answer.result()
    finally:
        for waiting in (*ends, warning):
            waiting.cancel()


async def _silent(pulse: Pulse, longest: timedelta | None, clock: Clock) -> None:
    """Until no heartbeat has come for so long; for ever where none is asked for."""
    while True:
        heard = asyncio.ensure_future(pulse.heard())
        if longest is None:
            await heard
            continue
        pause = asyncio.ensure_future(clock.sleep(longest))
        try:
            await asyncio.wait((heard, pause), return_when=asyncio.FIRST_COMPLETED)
            if not heard.done():
                return
        finally:
            heard.cancel()
            pause.cancel()


async def _answer(work: Work) -> Result:
    try:
        value = await _called(work)
        return _judged(work, value)
    except ActivityError as error:
        declared = isinstance(work.spec, ActivitySpec) and error.name in work.spec.errors
        return Result(error.name if declared else FAILED, error=told(error))
    except (Exception, SystemExit) as error:  # noqa: BLE001 - whatever it is, it is the attempt that failed
        return Result(FAILED, error=told(error))


async def _called(work: Work) -> object:
    if work.cancellable:
        answer = work.function(*work.args, key=work.key)
    else:
        answer = await _on_thread(lambda: work.function(*work.args, key=work.key))
    return await answer if inspect.isawaitable(answer) else answer


def _judged(work: Work, value: object) -> Result:
    """An answer of the wrong type, out of range, or against the contract is no answer: the attempt failed."""
    if isinstance(work.spec, CompensationSpec):
        return Result(DONE)
    codec: Codec[object] = work.spec.result
    try:
        checked = admitted(codec, None if codec is NOTHING else value)
    except Invalid as invalid:
        return Result(FAILED, error=f"not a valid answer: {invalid}")
    if work.spec.ensures is not None and not work.spec.ensures(checked, *work.args):
        return Result(FAILED, error=f"the answer breaks the contract (ensures): {checked!r}")
    return Result(DONE, checked)


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
