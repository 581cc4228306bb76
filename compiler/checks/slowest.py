"""The slowest run: ways from a place to the end in; a run of the interpreter that goes one and takes longest, out.

`remaining` bounds from above: data may rule a way out, clocks may not all have the most left at once. So each way is
gone on the interpreter, payloads chosen by Z3 where those of the search do not fit, every step as late as timers and
budgets allow (`schedule`), and replayed at these moments. What a run takes, runs do take.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import timedelta
from typing import NamedTuple

from ...dsl.model import Activity, Compensation, DurationType, InstantType, Parameter, Retry, Value, Variable
from ..evaluate import LATEST, shown
from ..instance import NOBODY, Fired, Instance
from ..trace import triggered
from .following import follow
from .graph import Arrival, Edge
from .inquiry import Inquiry
from .latest import MICRO, Latest, waits
from .livelock import ring, round_trip, way
from .moves import MoveKind, moves
from .remaining import WAITS, Remaining, Trouble, Way, drives
from .verdict import Leg

MOST_TRIED = 4  # ways of one place
MOST_ROUNDS = 40  # round a component
STRAIGHT = 0
ROUNDS = (1, -1, -2, -3, STRAIGHT)
"""How often a component is gone round, in the order in which it is tried; below nothing: less than its end allows."""
FAR = LATEST - timedelta(days=1)  # a moment that lies behind every end

Slow = tuple[Arrival, int]
"""A run, and the step of it from which on it is as slow as it can be."""


class Onward(NamedTuple):
    """A way behind an edge, and how long it takes at the most."""

    edge: Edge
    way: Way
    most: timedelta


def onward(remaining: Remaining, into: Iterable[Edge]) -> list[Onward]:
    """The slowest ways from behind some edges."""
    found: list[Onward] = []
    for edge in into:
        known = remaining.latest.left_at(remaining.graph.nodes[edge.target])
        begun = remaining.exactly(edge)
        for each in remaining.ways[edge.target]:
            most = each.bound.within({**known, **begun}, begun)
            found += [] if most is None else [Onward(edge, each, most * MICRO)]
    return found


def slowest(
    inquiry: Inquiry,
    remaining: Remaining,
    ways: Sequence[Onward],
    chosen: bool,
    shows: Callable[[Slow], bool] = lambda slow: slow[0].instance.finished,
    tried: int = MOST_TRIED,
) -> Slow | None:
    """The longest run that was found of some ways, so many of which are tried. chosen: if need be, with payloads of
    Z3's; shows: whether a run is one that is looked for: it has come to an end, if nothing is said."""
    best: Slow | None = None
    real = sorted((each for each in ways if each.edge.real and not each.way.merged), key=lambda each: -each.most)
    for each in real[:tried]:
        if best is not None and each.most <= took(best):
            break
        made = _gone(inquiry, remaining, each, chosen, shows)
        if made is not None and (best is None or took(made) > took(best)):
            best = made
    return best


def took(slow: Slow) -> timedelta:
    """How long it takes from where on it is slow."""
    run, begin = slow
    return run.now - run.run()[begin].now


def since(slow: Slow) -> dict[str, timedelta]:
    """How long it takes from each of the states on that it comes to."""
    run, begin = slow
    came: dict[str, timedelta] = {}
    for step in run.run()[begin:]:
        for state in step.instance.configuration:
            came.setdefault(state, run.now - step.now)
    return came


def _gone(
    inquiry: Inquiry, remaining: Remaining, onward: Onward, chosen: bool, shows: Callable[[Slow], bool]
) -> Slow | None:
    """A way as the slowest run that was found of it, every step as late as can be."""
    best: Slow | None = None
    turns = any(edge.source in remaining.group for edge in onward.way.edges())
    for rounds in ROUNDS if turns else (STRAIGHT,):
        at: Arrival | None = onward.edge.arrival
        for edge in _edges(remaining, onward, rounds):
            lent = remaining.latest.lent(inquiry.graph.nodes[edge.source])
            at = None if at is None or lent else _step(inquiry, at, edge, chosen)
        begin = onward.edge.arrival.length - 1
        for run in () if at is None else (at, _far(inquiry, at)):
            slow = None if run is None else as_late(inquiry, remaining.latest, run, begin)
            if slow is not None and shows(slow) and (best is None or took(slow) > took(best)):
                best = slow
        if at is not None and (best is None or took(best) < onward.most):
            longer = prolonged(inquiry, remaining.latest, at, begin, onward.most // MICRO)
            slow = None if longer is None else as_late(inquiry, remaining.latest, longer, begin)
            best = slow if slow is not None and shows(slow) else best
        if best is not None and took(best) == onward.most:
            return best
    return best


def as_late(inquiry: Inquiry, latest: Latest, at: Arrival, begin: int) -> Slow | None:
    """A run again, every step from one as late as can be. None: it cannot be so, or somebody does what nobody can."""
    run = at.run()
    times = inquiry.attempts.schedule.latest(run, begin, latest.answers(run))
    late = None if times is None else inquiry.tracer.at(run, times)
    return (late, begin) if late is not None and late.real else None


def prolonged(inquiry: Inquiry, latest: Latest, at: Arrival, since: int, least: int) -> Arrival | None:
    """A run with data with which it takes at least so long, in microseconds, from one of its steps on, if data measure
    a timer on it; None: there are none, or they were not found."""
    run, clock = at.run(), inquiry.explorer.clock
    if not any(clock.unknown(armed.timer) for step in run for armed in step.instance.timers):
        return None
    return inquiry.explorer.closing.realise.lasting(run, since, least, latest.answers(run))


def _far(inquiry: Inquiry, at: Arrival) -> Arrival | None:
    """The same run, moments that it is given lying in a far future: what waits for one may do so for long. None: it is
    given none, or takes another way with them."""
    run = at.run()
    payloads: list[tuple[Value, ...]] = []
    for step in run:
        params: Sequence[Parameter | Variable] = inquiry.kernel.inputs
        if step.before is not None:
            params = () if step.fan is None else step.fan.params
        moments = [isinstance(param.type, InstantType) for param in params] or [False] * len(step.payload)
        payloads.append(tuple(FAR if is_one else value for is_one, value in zip(moments, step.payload, strict=False)))
    if payloads == [step.payload for step in run]:
        return None
    return inquiry.explorer.closing.realise.replay(run, payloads)


def _edges(remaining: Remaining, onward: Onward, rounds: int) -> Iterator[Edge]:
    """Every edge of a way, those inside components too, each of which is gone round so often before it is left."""
    at = onward.edge.target
    for edge in onward.way.edges():
        if at in remaining.group:
            yield from _inside(remaining, at, edge.source, rounds)
        yield edge
        at = edge.target


def _inside(remaining: Remaining, start: int, goal: int, rounds: int) -> Iterator[Edge]:
    """From node to node of a component, and so often round it by where most time can be spent."""
    group, latest = remaining.group[start], remaining.latest
    out: dict[int, list[Edge]] = {}
    for edge in group:
        out.setdefault(edge.source, []).append(edge)
    common = latest.lasting(group)

    def spent(id: int) -> int:
        own = [length for name, length in latest.spans(remaining.graph.nodes[id]).items() if name not in common]
        return min(own, default=max(common.values(), default=0))

    if rounds == STRAIGHT:
        yield from way(out, start, goal) or ()
        return
    slow = max(sorted(out), key=spent)
    first = out[slow][0]
    trip = [first, *(way(out, first.target, slow) or ())]
    yield from way(out, start, slow) or ()
    allowed = min(min(common.values(), default=0) // max(spent(slow), 1), MOST_ROUNDS)
    for _ in range(rounds - 1 if rounds > 0 else allowed + rounds + 1):
        yield from trip
    yield from way(out, slow, goal) or ()


def _step(inquiry: Inquiry, at: Arrival, edge: Edge, chosen: bool) -> Arrival | None:
    """The step of an edge from an arrival at its source, to its target: as the search took it; or along the same run
    with other payloads, or with another payload of its own."""
    made = follow(inquiry, at, edge, at.now)
    if made is not None and _at(inquiry, made.instance, edge.target):
        return made
    fan, passage = edge.arrival.fan, edge.arrival.passage
    if fan is None or passage is None or not chosen:
        return None
    source, target = inquiry.graph.nodes[edge.source], inquiry.graph.nodes[edge.target]
    states, realise = inquiry.states, inquiry.explorer.closing.realise
    wanted = inquiry.encoder.all(
        states.before(source.control.place, source.data),
        passage.condition,
        states.after(passage, target.control.place, target.data),
    )
    found = realise(at, wanted, fan, edge.move)
    if found is None:
        return None
    again, payload, now = found
    for move in moves(inquiry.kernel, again.instance):
        if (move.kind, move.answer, move.leaf) == (edge.move.kind, edge.move.answer, edge.move.leaf) and (
            move.kind is MoveKind.ANSWER or move.name == edge.move.name
        ):
            step = inquiry.attempts.step(again, move, payload, now)
            if step is not None and _at(inquiry, step.instance, edge.target):
                return step.along(fan, passage)
    return None


def _at(inquiry: Inquiry, at: Instance, id: int) -> bool:
    node, control = inquiry.graph.nodes[id], inquiry.abstraction.control(at)
    return control == node.control and inquiry.states.answers(control.place, at) == node.data


# ---------------------------------------------------------------- told


def told(inquiry: Inquiry, latest: Latest, slow: Slow) -> tuple[Leg, ...]:
    """The slowest run, step by step, and why each of them takes so long."""
    run = slow[0].run()
    legs: list[Leg] = []
    begun: dict[str, int] = {}
    for k, (arrival, step) in enumerate(zip(run, inquiry.tracer.tell(slow[0]), strict=True)):
        before = arrival.before
        took = timedelta(0) if before is None else arrival.now - before.now
        why = "" if before is None or not took else _why(inquiry, latest, run, k, begun)
        legs.append(Leg(step, arrival.now - run[0].now, took, why))
        begun = {call.key: begun.get(call.key, k) for call in arrival.instance.calls if not call.answer}
    return tuple(legs)


def _why(inquiry: Inquiry, latest: Latest, run: Sequence[Arrival], k: int, begun: dict[str, int]) -> str:
    """What the wait before a step ends with, if it is as long as can be."""
    kernel, before, now = inquiry.kernel, run[k - 1].instance, run[k].now
    if before.undoing is not None:
        activity = kernel.activity[before.log.top.activity]
        if before.undoing.running is None:
            return f"an attempt of `{activity.name}` that was interrupted"
        return _attempts(activity, undone=True)
    for call in before.calls:
        longest = None if call.answer else latest.answered(call.leaf)
        if longest is not None and call.key in begun and run[begun[call.key]].now + longest * MICRO == now:
            return _attempts(kernel.activity[call.activity], undone=False)
    for armed in before.timers:
        if armed.timer in inquiry.explorer.clock.ticking and armed.due == now:
            said = triggered(kernel, Fired(armed.timer), NOBODY)
            return f"waits for `{said}`{_escalated(inquiry, before, run[k])}"
    return ""


def _escalated(inquiry: Inquiry, before: Instance, after: Arrival) -> str:
    """Whom the tasks that are waited for have been escalated to by then."""
    timers = [(armed.due, inquiry.kernel.timer[armed.timer].escalates) for armed in before.timers]
    said = [
        f"{task} escalated to {to.role} after {shown(to.after, DurationType())}"
        for task, to in (
            escalates for due, escalates in sorted(timers, key=lambda t: t[0]) if escalates and due < after.now
        )
    ]
    return "".join(f", {each}" for each in said)


def _attempts(activity: Activity, undone: bool) -> str:
    """`5 attempts of 30s, and 31s between them`."""
    effect = activity.effect
    undoes = undone and isinstance(effect, Compensation)
    timeout, retry = (
        (effect.timeout, effect.retry)
        if isinstance(effect, Compensation) and undone
        else (activity.timeout, activity.retry)
    )
    name = effect.name if isinstance(effect, Compensation) and undoes else activity.name
    return f"{_count(retry)} of `{name}`, {shown(timeout, DurationType())} each{_between(retry)}"


def _count(retry: Retry) -> str:
    return f"{retry.attempts} attempt{'' if retry.attempts == 1 else 's'}"


def _between(retry: Retry) -> str:
    between = waits(retry)
    return f", and {shown(between, DurationType())} between them" if between else ""


# ---------------------------------------------------------------- without end


def endless(inquiry: Inquiry, trouble: Trouble) -> tuple[Leg, ...]:
    """A run to where it may wait for ever, or once round a cycle that nothing ends; nothing, if none is known."""
    node = inquiry.graph.nodes[trouble.node]
    if trouble.rank == WAITS:
        return _shown(inquiry, node.arrivals[0] if node.real else None, None, "nothing has to happen from here on")
    cycle = ring(inquiry, trouble.group, drives)
    trip = None if cycle is None else round_trip(inquiry, cycle, drives)
    if cycle is None or trip is None:
        return ()
    home = inquiry.graph.nodes[cycle[0].source].length
    return _shown(inquiry, trip, home, "and again from here, without end")


def _shown(inquiry: Inquiry, arrival: Arrival | None, home: int | None, end: str) -> tuple[Leg, ...]:
    replayed = None if arrival is None else inquiry.tracer.replayed(arrival, lambda _: True)
    if replayed is None:
        return ()
    run, steps = replayed.run(), inquiry.tracer.tell(replayed)
    legs = [
        Leg(step, each.now - run[0].now, timedelta(0) if each.before is None else each.now - each.before.now)
        for each, step in zip(run, steps, strict=True)
    ]
    marks = {len(legs) - 1: end} | ({} if home is None else {home - 1: "the cycle begins here"})
    return tuple(Leg(leg.step, leg.at, leg.took, marks.get(k, "")) for k, leg in enumerate(legs))
