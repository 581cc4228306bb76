"""Acts: what is done to a flow from outside, said so that it can be done to another version of the flow as well.

No act names a key, since another version may count its calls otherwise: an answer names its activity, and which of the
calls it is that wait for one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta
from enum import StrEnum

from ...dsl.model import Type, Value
from ...dsl.values import dataclass
from ..checks.graph import Arrival
from ..instance import NOBODY, Actor, Completion, Event, Fired, Instance, Outcome, Trigger
from ..kernel import DONE, Kernel

INTERRUPTED = "interrupted"
UNDO = "/undo"


class Kind(StrEnum):
    START = "start"
    ANSWER = "answer"  # of a call, also of one that was interrupted
    UNDONE = "undone"  # a compensation succeeded
    EVENT = "event"
    TASK = "task"
    TIMER = "timer"
    LOST = "lost"  # of another version of the flow, which this one has no such thing for: the name says why


@dataclass(frozen=True, slots=True)
class Act:
    """name: of the event, task, timer, or activity; answer: the outcome of a call; which: of the calls of the activity
    that wait for an answer, from 0; at: the time since the start."""

    kind: Kind
    name: str = ""
    answer: str = ""
    values: tuple[Value, ...] = ()
    actor: Actor = NOBODY
    at: timedelta = timedelta(0)
    which: int = 0


class Inapplicable(Exception):
    """An act cannot be done to an instance; the text says why, in the words of the flow."""


def waiting(at: Instance, activity: str) -> list[str]:
    """The keys of the calls of an activity that may be answered: those that run, the oldest first, then those that
    were interrupted, the newest first."""
    running = [call.key for call in at.calls if call.activity == activity and not call.answer]
    flying = [entry.key for entry in reversed(at.log) if entry.activity == activity and entry.in_flight]
    return list(dict.fromkeys((*running, *flying)))


def undoing(at: Instance) -> str:
    """The activity whose compensation is awaited, or nothing."""
    running = None if at.undoing is None else at.undoing.running
    return "" if running is None else running.partition("#")[0]


def trigger(at: Instance, act: Act) -> Trigger:
    """The act as a trigger for an instance. Raises Inapplicable where the flow has no such thing, or not now."""
    match act.kind:
        case Kind.ANSWER:
            keys = waiting(at, act.name)
            if act.which >= len(keys):
                raise Inapplicable(f"no call of `{act.name}` waits for an answer")
            return Outcome(keys[act.which], act.answer, act.values[0] if act.values else None)
        case Kind.UNDONE:
            if undoing(at) != act.name or at.undoing is None or at.undoing.running is None:
                raise Inapplicable(f"`{act.name}` is not being undone")
            return Outcome(at.undoing.running, DONE)
        case Kind.EVENT:
            return Event(act.name, act.values)
        case Kind.TASK:
            return Completion(act.name, act.values)
        case Kind.TIMER:
            if all(armed.timer != act.name for armed in at.timers):
                raise Inapplicable(f"the timer `{act.name}` is not armed")
            return Fired(act.name)
        case Kind.START:
            raise Inapplicable("an instance is started once")
        case Kind.LOST:
            raise Inapplicable(act.name)


def acts(kernel: Kernel, run: Sequence[Arrival]) -> tuple[Act, ...]:
    """The acts of a run that was replayed; of a step that only was tried, too."""
    begun = run[0].now
    return tuple(_act(kernel, step, step.now - begun) for step in run)


def _act(kernel: Kernel, step: Arrival, at: timedelta) -> Act:
    match step.trigger:
        case None:
            return Act(Kind.START, values=step.payload, actor=step.actor, at=at)
        case Outcome(key, answer, value):
            name = key.partition("#")[0]
            assert step.before is not None, "a trigger comes to an instance"
            if key.endswith(UNDO):
                return Act(Kind.UNDONE, name, at=at)
            keys = waiting(step.before.instance, name)
            brings = answer == DONE and kernel.activity[name].result is not None
            which = keys.index(key) if key in keys else 0
            return Act(Kind.ANSWER, name, answer, (value,) if brings else (), at=at, which=which)
        case Event(name, payload):
            return Act(Kind.EVENT, name, values=payload, actor=step.actor, at=at)
        case Completion(name, payload):
            return Act(Kind.TASK, name, values=payload, actor=step.actor, at=at)
        case Fired(timer):
            return Act(Kind.TIMER, timer, at=at)
        case _:
            raise AssertionError("the checks neither delegate nor withdraw")


def types(kernel: Kernel, act: Act) -> Iterator[tuple[str, Type]]:
    """The names and types of what an act brings. Raises Inapplicable where the flow has no such thing."""
    match act.kind:
        case Kind.START:
            yield from ((variable.name, variable.type) for variable in kernel.inputs)
        case Kind.ANSWER:
            if act.name not in kernel.activity:
                raise Inapplicable(f"there is no activity `{act.name}`")
            activity = kernel.activity[act.name]
            allowed = (*kernel.outcomes(activity), *(failure.name for failure in activity.fails), INTERRUPTED)
            if act.answer not in allowed:
                raise Inapplicable(f"`{act.name}` never answers `{act.answer}`")
            if act.answer == DONE and activity.result is not None:
                yield act.name, activity.result
        case Kind.EVENT:
            if act.name not in kernel.event:
                raise Inapplicable(f"there is no event `{act.name}`")
            yield from ((param.name, param.type) for param in kernel.event[act.name].params)
        case Kind.TASK:
            if act.name not in kernel.task:
                raise Inapplicable(f"there is no task `{act.name}`")
            yield from ((param.name, param.type) for param in kernel.task[act.name].form)
        case Kind.UNDONE:
            if act.name not in kernel.activity:
                raise Inapplicable(f"there is no activity `{act.name}`")
        case Kind.LOST:
            raise Inapplicable(act.name)
        case Kind.TIMER:
            if act.name not in kernel.timer:
                raise Inapplicable(f"there is no timer `{act.name}`")
