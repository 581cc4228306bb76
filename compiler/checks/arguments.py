"""What the arguments of compensations need lest they fault: a kernel in, each place that owes something out.

A compensation is handed what the call was handed, and `result: T?`: none, unless the call is known to be done. What the
search tells apart is whether it is; not with what arguments it was called, nor what it answered.
"""

from __future__ import annotations

from collections.abc import Iterator

from ...dsl.model import Activity, Compensation, NoneType, OptionalType
from ...dsl.source import Span
from ...dsl.values import dataclass, replace
from ..kernel import Kernel
from .encode import Env
from .solver import Term
from .states import States
from .symbols import Symbol
from .ways import in_range


@dataclass(frozen=True, slots=True)
class Owed:
    """What an argument needs. `safe`: it has it, whatever the call was handed and answered. `decided`: whether it has
    follows from whether the call is done."""

    code: str
    span: Span
    safe: bool
    decided: bool


def owed(kernel: Kernel, states: States) -> tuple[Owed, ...]:
    """Of the arguments of all compensations, each place once for each code."""
    found: dict[tuple[str, Span], Owed] = {}
    for activity in kernel.activities:
        if isinstance(activity.effect, Compensation):
            for each in _of(kernel, states, activity, activity.effect):
                old = found.get((each.code, each.span), each)
                both = replace(each, safe=each.safe and old.safe, decided=each.decided and old.decided)
                found[each.code, each.span] = both
    return tuple(found.values())


def _of(kernel: Kernel, states: States, activity: Activity, undone: Compensation) -> Iterator[Owed]:
    encoder, inputs = states.encoder, states.passages.variables
    params = {p.name: encoder.variable(p.name, p.type) for p in activity.params}
    result, optional = Symbol(0, False), None
    if activity.result is not None and not activity.flow:
        given = activity.result
        optional = given if isinstance(given, OptionalType | NoneType) else OptionalType(given)
        result = encoder.variable("result", optional)
    env = Env({v.name: inputs[v.name] for v in kernel.inputs}, states.passages.now, params, result)

    def cases() -> list[list[Term]]:
        """What may be known when it is started."""
        typed = [encoder.domain(params[p.name], p.type) for p in activity.params]
        typed += [encoder.domain(inputs[v.name], v.type) for v in kernel.inputs]
        if optional is None:
            return [typed]
        typed.append(encoder.domain(result, optional))
        done = True if optional is activity.result else result.some
        return [[*typed, done], [*typed, encoder.no(result.some)]]

    def never(case: list[Term], wanted: Term) -> bool:
        return states.ask(*case, wanted).impossible

    for value, param in zip(undone.values, undone.args, strict=True):
        symbol, needs = encoder.expression(value, env)
        for need in (*needs, *in_range(encoder, symbol, param.type, value.span)):
            known = cases()
            had = [never(case, encoder.no(need.term)) for case in known]
            lacked = [never(case, need.term) for case in known]
            decided = all(each or other for each, other in zip(had, lacked, strict=True))
            yield Owed(need.code, need.span, all(had), decided)
