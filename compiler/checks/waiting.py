"""A way through the graph in, on which events lead on that have waited; the run that goes it, out.

The graph does not know what waits: of an event that was deferred it has a step like that of any other. In a run it is
sent before, at a rest where it has to wait, and comes in one step with what leads to the place that handles it. So the
run has no rest there. Where it is sent is tried out, the last rest first.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice

from ...dsl.values import dataclass
from .following import follow
from .graph import Arrival, Edge, Node
from .inquiry import Inquiry
from .moves import MoveKind

MOST_TRIED = 40  # ways to send what waits


@dataclass(frozen=True, slots=True)
class Leg:
    """A step of a way. `waited`: it is an event that leads on in the middle of the step before."""

    edge: Edge
    waited: bool


@dataclass(frozen=True, slots=True)
class _Sent:
    """An event that has to wait where it is sent."""

    edge: Edge


def waiting_run(inquiry: Inquiry, begin: Arrival, legs: Sequence[Leg], goal: Node) -> Arrival | None:
    """The run after another one that goes a way to a node; None: none was found, or nothing on it has waited."""
    if not begin.real or not any(leg.waited for leg in legs):
        return None
    before: list[Arrival | Leg | _Sent] = [*begin.run()]
    runs = (_played(inquiry, plan) for plan in islice(_plans([*before, *legs], 1), MOST_TRIED))
    return next((run for run in runs if run is not None and goal in inquiry.around(run.instance)), None)


def held_back(inquiry: Inquiry, begin: Arrival, legs: Sequence[Leg]) -> None:
    """Try the first step of a way, in all ways to send what leads on behind it, until the interpreter refuses it there:
    it notes why (`Attempts.faults`)."""
    before: list[Arrival | Leg | _Sent] = [*begin.run()]
    for plan in islice(_plans([*before, *legs], 1), MOST_TRIED if begin.real else 0):
        at, known = _played(inquiry, plan[:-1]), len(inquiry.attempts.faults)
        if at is not None:
            _played(inquiry, plan)
        if len(inquiry.attempts.faults) > known:
            return


def _plans(steps: list[Arrival | Leg | _Sent], first: int) -> Iterator[list[Arrival | Leg | _Sent]]:
    """The steps with every event that has waited sent somewhere before, but not as the first ones."""
    index = next((i for i, step in enumerate(steps) if isinstance(step, Leg) and step.waited), None)
    if index is None:
        yield steps
        return
    step = steps[index]
    assert isinstance(step, Leg), "it is one that has waited"
    for place in range(index - 1, first - 1, -1):
        yield from _plans([*steps[:place], _Sent(step.edge), *steps[place:index], *steps[index + 1 :]], first)


def _played(inquiry: Inquiry, steps: Sequence[Arrival | Leg | _Sent]) -> Arrival | None:
    """A run of these steps, as early as it may come; None: it does not go so."""
    at: Arrival | None = None
    for step in steps:
        if isinstance(step, Arrival):
            at = inquiry.attempts.again(at, step, step.payload, step.now)
        elif at is None:
            return None
        elif isinstance(step, _Sent):
            at = _waits(inquiry, at, step.edge)
        else:
            at = follow(inquiry, at, step.edge, at.now)
        if at is None or not at.real:
            return None
    return at


def _waits(inquiry: Inquiry, at: Arrival, edge: Edge) -> Arrival | None:
    """The event of an edge sent where it has to wait; None: it does not."""
    assert edge.move.kind is MoveKind.EVENT, "only events wait"
    made = inquiry.attempts.step(at, edge.move, edge.arrival.payload, at.now)
    return made if made is not None and len(made.instance.deferred) > len(at.instance.deferred) else None
