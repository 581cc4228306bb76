"""What must hold lest a step fault: every duty of a kernel in, one answer for each place it is owed at, out.

Shared by F401, F402, F403 and F502. Asked in every configuration that comes to the place, short-circuits taken into
account: guards, updates, arguments, timers, titles, `ensures`, properties (of the arguments of compensations `undoing`
asks). Durations from outside lie within 36500d, instants in the years 1900 to 2199, since others are refused; of `now`
it is assumed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from ...dsl.diagnostics import Rule, TraceStep
from ...dsl.model import Expr
from ...dsl.source import Span
from ..evaluate import Fault
from ..instance import Rejected
from ..simulate import holds, step
from ..trace import started
from .claims import conditions, encoded
from .graph import Arrival, Node, Reaction
from .inquiry import Breach, Finding, Inquiry
from .moves import STARTING
from .solver import Term
from .verdict import Answer


@dataclass(frozen=True, eq=False, slots=True)
class Owed:
    """A duty where it is owed: `bad` says that it is not met. claim: the condition of a property that owes it."""

    node: Node | None
    reaction: Reaction
    bad: Term
    claim: Expr | None = None


def check(inquiry: Inquiry, rule: Rule, finding: Callable[[str, Span], Finding]) -> Iterator[Answer]:
    """One answer for each place of the text that owes something to the rule; finding: of the text and its place."""
    for span, group in _owed(inquiry, rule.code).items():
        yield _answer(inquiry, rule, span, group, finding)


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
                trace = _told(inquiry, breach, rule.code, span)
            else:
                trace = _asked(inquiry, breach, owed.claim, rule.code)
        if trace is not None:
            return inquiry.refuted(rule, subject, span, finding(text, span), trace)
        doubt = True
    if doubt:
        return inquiry.unknown(rule, subject, span, "data for which it is not so were not ruled out")
    return inquiry.proved(rule, subject, span)


def _told(inquiry: Inquiry, breach: Breach, code: str, span: Span) -> tuple[TraceStep, ...] | None:
    """The run to the fault, replayed, with the trigger that the interpreter faults at; None if it does not."""
    if breach.arrival is None:
        said = started(inquiry.kernel, breach.payload, inquiry.attempts.starter)
        inquiry.attempts.start(breach.payload, inquiry.begin)
        faults = [fault for fault in inquiry.attempts.faults[-1:] if fault.code == code]
        return (TraceStep(said, "does not start", span=span),) if faults else None
    arrival = breach.arrival
    replayed = inquiry.tracer.replayed(arrival, lambda at: at.instance.values == arrival.instance.values)
    if replayed is None:
        return None
    tried = inquiry.tried(breach, replayed)
    if tried is None or tried.trigger is None:
        return None
    try:
        step(inquiry.kernel, replayed.instance, tried.trigger, tried.actor, tried.now)
    except Fault as fault:
        if fault.code == code:
            return (*inquiry.tracer.tell(replayed), inquiry.last_step(tried))
    except Rejected:
        pass
    return None


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
