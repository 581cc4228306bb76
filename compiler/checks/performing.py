"""A scene in, the run of the interpreter on which these people did what it says, out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import islice

from ...dsl.diagnostics import Rule
from ...dsl.model import Value
from ...dsl.source import Span
from ...dsl.values import replace
from ..evaluate import Fault
from ..instance import NOBODY, Actor, Completion, Fired, Rejected
from ..simulate import start, step
from .graph import Arrival, Edge
from .inquiry import Finding, Inquiry
from .moves import Move, MoveKind, actor, moves
from .people import People, Scene
from .verdict import Answer, Verdict

MOST_PLAYED = 8  # runs that are performed to find one that does something


def nothing_does(
    inquiry: Inquiry,
    rule: Rule,
    subject: str,
    place: Span,
    edges: Sequence[Edge],
    finding: Callable[[], Finding],
    does: str,
) -> Answer:
    """`Inquiry.nothing_does`; where it matters who did what before, proved by a run on which the right people did."""
    answer, casting = inquiry.nothing_does(rule, subject, place, edges, finding, does), inquiry.doable.casting
    if answer.verdict is not Verdict.UNKNOWN or casting is None:
        return answer
    plays = islice(inquiry.doable.plays(edges), MOST_PLAYED)
    runs = (performed(inquiry, casting.people, scene) for scene in plays)
    run = next((run for run in runs if run is not None), None)
    return answer if run is None else inquiry.shown(rule, subject, place, run, does)


def performed(inquiry: Inquiry, people: People, scene: Scene) -> Arrival | None:
    """None where the run does not go that way with these payloads, or a timer would come between."""
    at: Arrival | None = None
    for each in scene.play():
        at = _begun(inquiry, each) if at is None else _gone_on(inquiry, people, at, each)
        if at is None or at.taken != each.edge.taken:
            return None
    return at


def _begun(inquiry: Inquiry, scene: Scene) -> Arrival | None:
    payload = scene.edge.arrival.payload
    who = Actor(scene.who) if scene.cast.done else NOBODY
    try:
        made = start(inquiry.kernel, payload, who, inquiry.begin)
    except (Rejected, Fault):
        return None
    return Arrival(made.after, inquiry.begin, True, payload, made.taken, actor=who)


def _gone_on(inquiry: Inquiry, people: People, at: Arrival, scene: Scene) -> Arrival | None:
    for move in moves(inquiry.kernel, at.instance):
        if alike(move, scene.edge.move):
            if move.kind is not MoveKind.TASK:
                return taken(inquiry, at, move, scene.edge.arrival.payload, actor(inquiry.kernel, at.instance, move))
            return completed(inquiry, people, at, move, scene.edge.arrival.payload, scene.who)
    return None


def completed(
    inquiry: Inquiry, people: People, at: Arrival, move: Move, payload: tuple[Value, ...], who: str
) -> Arrival | None:
    """Somebody completes a task, once it has been escalated far enough."""
    task = inquiry.kernel.task[move.name]
    roles = [role for role in people.ever(task) if role in people.roles.get(who, ())]
    current: Arrival | None = at
    while current is not None:
        item = next((item for item in current.instance.tasks if item.task == task.name), None)
        if item is None:
            return None
        if people.free(task) and item.persons:
            return taken(inquiry, current, move, payload, Actor(item.persons[0]))
        suited = [role for role in roles if role in item.roles][:1]
        if suited or who in item.persons:
            return taken(inquiry, current, move, payload, Actor(who, frozenset(suited)))
        current = _escalated(inquiry, current, task.name)
    return None


def _escalated(inquiry: Inquiry, at: Arrival, task: str) -> Arrival | None:
    """The next escalation of a task."""
    kernel = inquiry.kernel
    for armed in at.instance.due():
        escalates = kernel.timer[armed.timer].escalates
        if escalates is not None and escalates[0] == task:
            return taken(inquiry, at, Move(MoveKind.TIMER, armed.timer), (), NOBODY)
    return None


def taken(inquiry: Inquiry, at: Arrival, move: Move, payload: tuple[Value, ...], who: Actor) -> Arrival | None:
    trigger = move.trigger(payload)
    now = inquiry.attempts.moment(at, trigger)
    try:
        made = step(inquiry.kernel, at.instance, trigger, who, now)
    except (Rejected, Fault):
        return None
    arrival = Arrival(made.after, now, True, payload, made.taken, at, move, trigger, who)
    escalation = isinstance(trigger, Fired) and inquiry.kernel.timer[trigger.timer].task is not None
    timely = replace(arrival, trigger=Completion("")) if escalation else arrival
    return arrival if inquiry.tracer.in_time(at, timely) else None


def alike(move: Move, other: Move) -> bool:
    """Whether two moves are the same but for the numbers of their calls."""
    mine, theirs = move.name.partition("#")[0], other.name.partition("#")[0]
    return (move.kind, move.answer, mine) == (other.kind, other.answer, theirs)
