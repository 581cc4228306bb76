"""Who takes part in a step: a trigger and its effects in; whose step it is, and what it asks of whom, out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ..dsl.diagnostics import Lane, LaneKind, Rest, Signal, SignalKind
from .effects import Effect, EmitEvent, OpenTask, SendEvent, StartActivity, StartCompensation
from .instance import Actor, Completion, Delegation, Event, Fired, Instance, Outcome, Trigger
from .kernel import Kernel, LeafKind

OUTSIDE = Lane(LaneKind.OUTSIDE, "outside")
CLOCK = Lane(LaneKind.CLOCK)


def sender(kernel: Kernel, trigger: Trigger | None, actor: Actor) -> Lane:
    """Whose step a trigger is; no trigger: the start."""
    match trigger:
        case Outcome(key):
            return _service(key)
        case Event(name):
            return Lane(LaneKind.OUTSIDE, _role(actor, kernel.event[name].roles) or OUTSIDE.name)
        case Completion(task) | Delegation(task):
            return Lane(LaneKind.PEOPLE, _role(actor, kernel.task[task].roles) or actor.id or "somebody")
        case Fired():
            return CLOCK
        case _:
            return Lane(LaneKind.OUTSIDE, _role(actor, ()) or OUTSIDE.name)


def _role(actor: Actor, roles: Sequence[str]) -> str:
    return min(actor.roles, default=roles[0] if roles else "")


def _service(key: str) -> Lane:
    return Lane(LaneKind.SERVICES, key.partition("#")[0])


def signals(kernel: Kernel, effects: Sequence[Effect]) -> Iterator[Signal]:
    """What effects ask of others; calls of one activity for several items are one."""
    calls = [effect.activity for effect in effects if isinstance(effect, StartActivity)]
    for effect in effects:
        match effect:
            case StartActivity(key, activity) if activity in calls:
                number = calls.count(activity)
                calls = [other for other in calls if other != activity]
                yield Signal(SignalKind.CALL, _service(key), f"{activity}{f' × {number}' if number > 1 else ''}")
            case StartCompensation(key, compensation):
                yield Signal(SignalKind.UNDO, _service(key), compensation)
            case OpenTask(_, task, roles, _, _, _, persons):
                who = roles[0] if roles else next(iter(persons), "somebody")
                yield Signal(SignalKind.TASK, Lane(LaneKind.PEOPLE, who), task)
            case EmitEvent(event):
                yield Signal(SignalKind.MESSAGE, OUTSIDE, event)
            case SendEvent(flow, event):
                yield Signal(SignalKind.MESSAGE, Lane(LaneKind.FLOW, flow), event)
            case _:
                pass


def rest(kernel: Kernel, at: Instance) -> Rest:
    """What an instance rests in."""
    if at.compensating:
        return Rest.UNDOING
    kinds = {kernel.leaf[leaf].kind for leaf in at.configuration}
    if at.finished:
        return Rest.SUCCESS if kinds == {LeafKind.FINAL} else Rest.FAILURE
    return Rest.STATE
