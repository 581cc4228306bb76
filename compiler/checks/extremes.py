"""A run again, given what makes it take longest: a run in; it, and others that go the same way, out.

How long is waited for a moment, or for as long as data say, is a matter of what a flow is given. Z3 is not asked for
what makes it longest: where that is not an end of what may be given, the longest run is not found.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta

from ...dsl.model import DurationType, InstantType, IntType, Parameter, Type, Value, Variable
from ..evaluate import LATEST, LONGEST
from .graph import Arrival
from .inquiry import Inquiry

FAR = LATEST - timedelta(days=1)  # a moment that lies behind every end

Given = Callable[[Type, Value], Value]
"""By the type of what is given, and what it was, what is given instead."""


def extremes(inquiry: Inquiry, at: Arrival) -> Iterator[Arrival]:
    """The run as it is; with moments in a far future; and, where timers take as long as data say, with the largest and
    the smallest numbers and durations."""
    yield at
    for given in (_far, _largest, _smallest) if inquiry.explorer.clock.lasting else (_far,):
        run = _again(inquiry, at, given)
        if run is not None:
            yield run


def _far(type: Type, value: Value) -> Value:
    return FAR if isinstance(type, InstantType) else value


def _largest(type: Type, value: Value) -> Value:
    match type:
        case IntType(high=int(high)):
            return high
        case DurationType():
            return LONGEST
        case _:
            return _far(type, value)


def _smallest(type: Type, value: Value) -> Value:
    match type:
        case IntType(low=int(low)):
            return low
        case DurationType():
            return timedelta(0)
        case _:
            return _far(type, value)


def _again(inquiry: Inquiry, at: Arrival, given: Given) -> Arrival | None:
    """None: it is given nothing else, or takes another way with it."""
    run = at.run()
    payloads: list[tuple[Value, ...]] = []
    for step in run:
        params: Sequence[Parameter | Variable] = inquiry.kernel.inputs
        if step.before is not None:
            params = () if step.fan is None else step.fan.params
        types = [param.type for param in params]
        told = (given(type, value) for type, value in zip(types, step.payload, strict=False))
        payloads.append(tuple(told) if types else step.payload)
    if payloads == [step.payload for step in run]:
        return None
    return inquiry.explorer.closing.realise.replay(run, payloads)
