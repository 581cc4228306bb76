"""One attempt of a call: a function and its arguments in, a Result out, whatever the function does.

A coroutine function is awaited on the loop and can be cancelled. One that is marked `in_process` runs in a process,
which can be killed. Any other runs on a thread, which cannot: when its time is up the thread is left behind, and what
it still answers is not listened to. `attempt_now` calls it where it stands, for as long as it takes.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable, Collection
from contextvars import Context
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache
from pathlib import Path
from types import TracebackType

from .child import RAISED, Call
from .codec import NOTHING, Codec, Invalid, admitted, written
from .core import ActivityError
from .heartbeat import PULSE, Pulse
from .logs import correlation
from .outbox import DONE, FAILED, INTERRUPTED, TIMEOUT, Result, told
from .processes import Died, Process, Processes, require_sendable, wants_process
from .spec import ActivitySpec, CompensationSpec, FlowSpec
from .threads import Threads
from .timers import Alarm, Clock

_HERE = str(Path(__file__).parent / "_")[:-1]
"""What the paths of our own files begin with."""


@dataclass(frozen=True, slots=True)
class Work:
    """What one attempt calls, and how its answer is judged. most: bytes that its JSON may have; None: any number."""

    function: Callable[..., object]
    args: tuple[object, ...]
    key: str
    spec: ActivitySpec | CompensationSpec
    most: int | None = None

    @property
    def heartbeat(self) -> timedelta | None:
        """How long the attempt may be silent; None: as long as it takes."""
        return self.spec.heartbeat if isinstance(self.spec, ActivitySpec) else None

    @property
    def awaited(self) -> bool:
        return _awaited(getattr(self.function, "__func__", self.function))

    @property
    def in_process(self) -> bool:
        return wants_process(self.function)

    @property
    def cancellable(self) -> bool:
        """Whether it ends when nobody wants its answer any more."""
        return self.awaited or self.in_process


@lru_cache
def _awaited(function: Callable[..., object]) -> bool:
    return inspect.iscoroutinefunction(function)


class Crew:
    """Where plain activities run. processes: how many at a time."""

    def __init__(self, processes: int = 1) -> None:
        self.threads = Threads()
        self.processes = Processes(self.threads, processes)

    def close(self) -> None:
        """Processes are killed, threads left to themselves."""
        self.processes.close()
        self.threads.close()


def require_methods(spec: FlowSpec, activities: object) -> None:
    """Raises TypeError when an activity or a compensation of the flow has no method, or one that is marked to run in a
    process and cannot."""
    methods = [*(a.method for a in spec.activities.values()), *(c.method for c in spec.compensations.values())]
    missing = [method for method in methods if method and not callable(getattr(activities, method, None))]
    if missing:
        raise TypeError(f"{type(activities).__name__} lacks {', '.join(missing)}, which {spec.name} calls")
    for method in filter(None, methods):
        require_sendable(getattr(activities, method), f"{type(activities).__name__}.{method}")


def attempt_now(work: Work) -> Result:
    """Run it at once, whatever its timeout. What is no Exception (Ctrl-C) goes through."""
    try:
        return _judged(work, work.function(*work.args, key=work.key))
    except Exception as error:  # noqa: BLE001 - whatever it is, it is the attempt that failed
        return _raised(work, error)


class Attempt:
    """An attempt under way. `result` is done once, when it has ended: when its function has, or its time is up, or its
    heart has not beaten for too long. The wait for a process takes nothing of its time."""

    def __init__(self, work: Work, clock: Clock, crew: Crew, context: Context) -> None:
        """Begin it, on the running loop; the function runs in this context."""
        loop = asyncio.get_running_loop()
        self.result: asyncio.Future[Result] = loop.create_future()
        self._work = work
        self._clock = clock
        self._ends: list[Alarm] = []
        self._pulse = None if work.heartbeat is None else Pulse()
        context.run(PULSE.set, self._pulse)
        if work.in_process:
            answer = _answer_in_process(work, crew, self._start)
        else:
            self._start()
            answer = _answer(work, crew)
        self._answer = loop.create_task(answer, context=context)
        self._answer.add_done_callback(self._answered)

    @property
    def cancellable(self) -> bool:
        """Whether it ends when nobody wants its answer any more."""
        return self._work.cancellable

    def stop(self) -> None:
        """Nobody wants its answer any more: it is cancelled if it can be, and otherwise waited for."""
        if self._work.cancellable:
            self._answer.cancel()

    def cancel(self) -> None:
        """Give it up at once; what the function still answers is not listened to."""
        self.result.cancel()
        self._close()

    def _start(self) -> None:
        """Its time begins to run."""
        if self.result.done():
            return
        self._ends.append(self._clock.alarm(self._work.spec.timeout, self._late))
        if self._pulse is not None and self._work.heartbeat is not None:
            silence = asyncio.ensure_future(_silent(self._pulse, self._work.heartbeat, self._clock))
            silence.add_done_callback(self._silent)
            self._ends.append(silence)

    def _late(self) -> None:
        self._end(Result(TIMEOUT, error=f"no answer within {self._work.spec.timeout}"))

    def _silent(self, silence: asyncio.Future[None]) -> None:
        if not silence.cancelled():
            self._end(Result(TIMEOUT, error=f"no heartbeat within {self._work.heartbeat}"))

    def _answered(self, answer: asyncio.Task[Result]) -> None:
        if answer.cancelled():
            self._end(Result(INTERRUPTED))
        elif (error := answer.exception()) is None:
            self._end(answer.result())
        elif not self.result.done():
            self.result.set_exception(error)
            self._close()

    def _end(self, result: Result) -> None:
        if not self.result.done():
            self.result.set_result(result)
            self._close()

    def _close(self) -> None:
        for end in self._ends:
            end.cancel()
        if not self._answer.done():
            self._answer.cancel()


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


async def _answer(work: Work, crew: Crew) -> Result:
    """Raises CancelledError, and what a person at the keyboard sends (Ctrl-C), which never comes to a thread."""
    try:
        return _judged(work, await _called(work, crew))
    except asyncio.CancelledError:
        raise
    except KeyboardInterrupt as error:
        if work.awaited:
            raise
        return _raised(work, error)
    except BaseException as error:  # noqa: BLE001 - whatever it is, it is the attempt that failed
        return _raised(work, error)


async def _called(work: Work, crew: Crew) -> object:
    if work.awaited:
        answer = work.function(*work.args, key=work.key)
    else:
        answer = await crew.threads.call(lambda: work.function(*work.args, key=work.key))
    return await answer if inspect.isawaitable(answer) else answer


async def _answer_in_process(work: Work, crew: Crew, start: Callable[[], None]) -> Result:
    """`start` is called when there is a process for it. Raises CancelledError."""
    turn = asyncio.ensure_future(crew.processes.take(work.function))
    try:
        await asyncio.wait((turn,))
    except asyncio.CancelledError:
        crew.processes.decline(turn)
        raise
    try:
        process = turn.result()
    except Exception as error:  # noqa: BLE001 - whatever it is, the attempt has failed
        return Result(FAILED, error=told(error), cause=error.with_traceback(None))
    start()
    try:
        return await _answer_of(work, process, crew)
    finally:
        crew.processes.give_back(process)


async def _answer_of(work: Work, process: Process, crew: Crew) -> Result:
    call = Call(work.function, work.args, work.key, correlation(), work.most)
    try:
        kind, content = await crew.processes.call(process, call)
        if kind == RAISED and isinstance(content, BaseException):
            return _raised(work, content)
        return _judged(work, content)
    except Died as error:
        return Result(FAILED, error=told(error), cause=error.with_traceback(None))  # there is nothing of theirs in it
    except Exception as error:  # noqa: BLE001 - it died, or what came back means nothing here
        return _raised(work, error)


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
    if work.most is not None and (size := _size(codec, checked, work.most)) > work.most:
        return _unfit(f"the answer is {size} bytes of JSON, and `Limits.answer` allows {work.most}")
    if work.spec.ensures is not None and not work.spec.ensures(checked, *work.args):
        return _unfit(f"the answer breaks the contract (ensures): {checked!r}")
    return Result(DONE, checked)


def _unfit(problem: str) -> Result:
    return Result(FAILED, error=problem, cause=Invalid(problem))


def _size(codec: Codec[object], value: object, most: int) -> int:
    """Bytes of its JSON; 0 where they are clearly not more than that, without writing them."""
    if value is None or (type(value) is str and len(value) <= most // 12):  # at most two escapes a character
        return 0
    return len(written(codec.encode(value)))
