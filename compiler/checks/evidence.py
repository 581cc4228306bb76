"""A breach, and what is bad about it, in; the run to it and the trigger that does it, replayed and as plain as can be,
out.

That the interpreter comes to the place is what the caller asks of each trial (`comes`); that it is as bad there with
plainer data as it was with those Z3 found, Z3 is asked.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TypeGuard

from ...dsl.diagnostics import Rest, TraceStep
from ...dsl.model import Value
from ...dsl.source import Span
from ...dsl.values import replace
from ..instance import Instance
from ..lanes import sender
from ..trace import started
from .graph import Arrival
from .inquiry import Breach, Inquiry
from .moves import answering
from .solver import Term

Comes = Callable[[Arrival], bool]
"""Whether a trigger that is tried after a run comes to the place in question."""


def evidence(inquiry: Inquiry, breach: Breach, bad: Term, comes: Comes) -> Arrival | None:
    """The trigger after its run, which is the arrival before it; None if it does not replay."""
    arrival = breach.arrival
    assert arrival is not None, "a start has no run before it"
    if _of_group(inquiry, breach, arrival):
        return _as_found(inquiry, breach, arrival, comes)

    def shows(at: Arrival, payload: tuple[Value, ...] = breach.payload) -> bool:
        tried = inquiry.tried(replace(breach, arrival=at, payload=payload), at)
        return _may(tried, inquiry) and comes(tried) and _bad(inquiry, breach, bad, tried, payload)

    replayed = inquiry.tracer.replayed(arrival, shows)
    if replayed is None:
        return _as_found(inquiry, breach, arrival, comes)
    types = [param.type for param in breach.reaction.fan.params]
    payload = breach.payload
    if len(types) == len(payload):
        payload = inquiry.tracer.plainest(payload, types, partial(shows, replayed))
        replayed = inquiry.tracer.replayed(replayed, lambda at: shows(at, payload)) or replayed
    return inquiry.tried(replace(breach, arrival=replayed, payload=payload), replayed)


def _as_found(inquiry: Inquiry, breach: Breach, arrival: Arrival, comes: Comes) -> Arrival | None:
    """With the very data that Z3 found."""
    values = arrival.instance.values
    replayed = inquiry.tracer.replayed(arrival, lambda at: at.instance.values == values)
    tried = None if replayed is None else inquiry.tried(replace(breach, arrival=replayed), replayed)
    return tried if _may(tried, inquiry) and tried.trigger is not None and comes(tried) else None


def _may(tried: Arrival | None, inquiry: Inquiry) -> TypeGuard[Arrival]:
    """Whether there is a trigger that may come then: no timer had to fire before."""
    return tried is not None and inquiry.attempts.timely(tried)


def refused_start(inquiry: Inquiry, inputs: tuple[Value, ...], place: str, span: Span) -> TraceStep:
    """The start as a step that does not succeed."""
    who = inquiry.attempts.starter
    said, by = started(inquiry.kernel, inputs, who), sender(inquiry.kernel, None, who)
    told = TraceStep(said, place, span=span, by=by, flow=inquiry.kernel.name, rest=Rest.REFUSED)
    nothing = Instance((), inputs, inquiry.begin)
    inquiry.tracer.note(told, Arrival(nothing, inquiry.begin, True, inputs, (), actor=who))
    return told


def _of_group(inquiry: Inquiry, breach: Breach, arrival: Arrival) -> bool:
    """Whether the move answers one call of several: then what it brings is what they all brought."""
    leaf = answering(arrival.instance, inquiry.move(breach.reaction, arrival))
    called = inquiry.kernel.leaf[leaf].call if leaf else None
    return called is not None and called.each is not None


def _bad(inquiry: Inquiry, breach: Breach, bad: Term, tried: Arrival, payload: tuple[Value, ...]) -> bool:
    reaction, states = breach.reaction, inquiry.states
    key = inquiry.move(reaction, tried).name
    realise = inquiry.explorer.closing.realise
    term = realise.given(
        inquiry.encoder.all(bad, states.called(tried.instance, reaction.fan, key)), reaction.fan, payload
    )
    return states.ask(states.exactly(tried.instance), realise.moment(tried.now), term).model is not None
