"""What must hold lest a step fault: every duty of a kernel in, one answer for each place it is owed at, out.

Shared by F401, F402, F403 and F502. Asked in every configuration that comes to the place, short-circuits taken into
account: guards, updates, arguments, timers, titles, `ensures`, properties, and the arguments of compensations (for any
argument of the call, and a result that may be none). Durations from outside lie within 36500d, instants in the years
1900 to 2199, since others are refused; of `now` it is assumed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from ...dsl.diagnostics import Rule, TraceStep
from ...dsl.model import Compensation, Expr, NoneType, OptionalType, Value
from ...dsl.source import Span
from ..evaluate import Fault
from ..instance import Rejected
from ..simulate import holds, step
from ..trace import started
from .claims import conditions, encoded
from .encode import Env
from .evidence import evidence, refused_start
from .graph import Arrival, Node, Reaction
from .inquiry import Breach, Finding, Inquiry
from .moves import STARTING
from .solver import Term
from .symbols import Symbol
from .verdict import Answer
from .ways import in_range


@dataclass(frozen=True, eq=False, slots=True)
class Owed:
    """A duty where it is owed: `bad` says that it is not met. claim: the condition of a property that owes it."""

    node: Node | None
    reaction: Reaction
    bad: Term
    claim: Expr | None = None


def check(inquiry: Inquiry, rule: Rule, finding: Callable[[str, Span], Finding]) -> Iterator[Answer]:
    """One answer for each place of the text that owes something to the rule; finding: of the text and its place."""
    seen: set[Span] = set()
    for span, group in _owed(inquiry, rule.code).items():
        seen.add(span)
        yield _answer(inquiry, rule, span, group, finding)
    for span in _compensations(inquiry, rule.code):
        if span not in seen:
            yield _faulted(inquiry, rule, span, finding)


def _owed(inquiry: Inquiry, code: str) -> dict[Span, list[Owed]]:
    encoder = inquiry.encoder
    found: dict[Span, list[Owed]] = {}
    terms: dict[int, Term] = {}
    for node, reaction in inquiry.reactions():
        for part in reaction.parts:
            for duty in part.duties:
                if duty.code == code:
                    bad = terms.setdefault(id(duty), encoder.all(duty.premise, encoder.no(duty.need)))
                    found.setdefault(duty.span, []).append(Owed(node, reaction, bad))
    for node in inquiry.nodes():
        for condition in (
            each for claim in inquiry.kernel.properties for each in conditions(claim, inquiry.active(node))
        ):
            for need in encoded(inquiry, node, condition)[1]:
                if need.code == code:
                    owed = Owed(node, Reaction(STARTING, inquiry.nothing, ()), encoder.no(need.term), condition)
                    found.setdefault(need.span, []).append(owed)
    return found


def _answer(
    inquiry: Inquiry, rule: Rule, span: Span, group: list[Owed], finding: Callable[[str, Span], Finding]
) -> Answer:
    text = " ".join(inquiry.kernel.source.slice(span).split())
    subject = f"`{text}` on line {inquiry.kernel.source.line(span)}"
    doubt = False
    for owed in group:
        breach = inquiry.breach(owed.node, owed.reaction, owed.bad)
        if breach is None:
            continue
        trace = None
        if breach.real:
            if owed.claim is None:
                trace = _told(inquiry, breach, owed.bad, rule.code, span)
            else:
                trace = _asked(inquiry, breach, owed.claim, rule.code)
        if trace is not None:
            return inquiry.refuted(rule, subject, span, finding(text, span), trace)
        doubt = True
    if doubt:
        return inquiry.unknown(rule, subject, span, "data for which it is not so were not ruled out")
    return inquiry.proved(rule, subject, span)


def _told(inquiry: Inquiry, breach: Breach, bad: Term, code: str, span: Span) -> tuple[TraceStep, ...] | None:
    """The run to the fault, replayed, with the trigger that the interpreter faults at; None if it does not."""
    if breach.arrival is None:
        payload = _plain_start(inquiry, breach.payload, code)
        said = None if payload is None else started(inquiry.kernel, payload, inquiry.attempts.starter)
        return None if said is None else (refused_start(inquiry, said, "does not start", span),)

    def comes(tried: Arrival) -> bool:
        assert tried.trigger is not None, "it is tried after a run"
        try:
            step(inquiry.kernel, tried.instance, tried.trigger, tried.actor, tried.now)
        except Fault as fault:
            return fault.code == code
        except Rejected:
            pass
        return False

    tried = evidence(inquiry, breach, bad, comes)
    if tried is None or tried.before is None:
        return None
    return (*inquiry.tracer.tell(tried.before), inquiry.last_step(tried))


def _plain_start(inquiry: Inquiry, inputs: tuple[Value, ...], code: str) -> tuple[Value, ...] | None:
    """Plainer inputs with which it faults as it starts; None if it does not."""

    def fault(trial: tuple[Value, ...]) -> Span | None:
        known = len(inquiry.attempts.faults)
        inquiry.attempts.start(trial, inquiry.begin)
        return next((each.span for each in inquiry.attempts.faults[known:] if each.code == code), None)

    place = fault(inputs)
    types = [variable.type for variable in inquiry.kernel.inputs]
    return None if place is None else inquiry.tracer.plainest(inputs, types, lambda trial: fault(trial) == place)


def _asked(inquiry: Inquiry, breach: Breach, claim: Expr, code: str) -> tuple[TraceStep, ...] | None:
    """The run to where a property cannot be evaluated, replayed."""

    def shows(arrival: Arrival) -> bool:
        try:
            holds(inquiry.kernel, arrival.instance, claim, arrival.now)
        except Fault as fault:
            return fault.code == code
        return False

    replayed = None if breach.arrival is None else inquiry.tracer.replayed(breach.arrival, shows)
    return None if replayed is None else inquiry.tracer.tell(replayed)


# ---------------------------------------------------------------- the arguments of compensations


def _compensations(inquiry: Inquiry, code: str) -> Iterator[Span]:
    """The arguments of compensations that may be undefined, or out of range, as far as their types tell."""
    yield from (span for found, span in fragile(inquiry) if found == code)


def fragile(inquiry: Inquiry) -> Iterator[tuple[str, Span]]:
    encoder, kernel = inquiry.encoder, inquiry.kernel
    inputs = {v.name: encoder.variable(v.name, v.type) for v in kernel.inputs}
    for activity in kernel.activities:
        if not isinstance(activity.effect, Compensation):
            continue
        params = {p.name: encoder.variable(p.name, p.type) for p in activity.params}
        typed = [encoder.domain(params[p.name], p.type) for p in activity.params]
        typed += [encoder.domain(inputs[v.name], v.type) for v in kernel.inputs]
        result = None
        if activity.result is not None and not activity.flow:
            given = activity.result
            optional = given if isinstance(given, OptionalType | NoneType) else OptionalType(given)
            result = encoder.variable("result", optional)
            typed.append(encoder.domain(result, optional))
        env = Env(inputs, inquiry.states.passages.now, params, result or Symbol(0, False))
        for value, param in zip(activity.effect.values, activity.effect.args, strict=True):
            symbol, needs = encoder.expression(value, env)
            for need in (*needs, *in_range(encoder, symbol, param.type, value.span)):
                if not inquiry.states.ask(*typed, encoder.no(need.term)).impossible:
                    yield need.code, need.span


def _faulted(inquiry: Inquiry, rule: Rule, span: Span, finding: Callable[[str, Span], Finding]) -> Answer:
    """Refuted if a run has faulted there."""
    text = " ".join(inquiry.kernel.source.slice(span).split())
    subject = f"`{text}` on line {inquiry.kernel.source.line(span)}"
    for fault in inquiry.attempts.faults:
        attempt = fault.attempt
        if fault.code == rule.code and fault.span == span and attempt.before is not None and attempt.move is not None:
            replayed = inquiry.tracer.replayed(attempt.before, _with(attempt.before.instance.values))
            if replayed is not None:
                now = max(attempt.now, replayed.now)
                tried = replace(attempt, before=replayed, instance=replayed.instance, now=now)
                trace = (*inquiry.tracer.tell(replayed), inquiry.last_step(tried))
                return inquiry.refuted(rule, subject, span, finding(text, span), trace)
    return inquiry.unknown(rule, subject, span, "it is only safe for some arguments and results of the call")


def _with(values: tuple[Value, ...]) -> Callable[[Arrival], bool]:
    """Whether an arrival has these values."""
    return lambda arrival: arrival.instance.values == values
