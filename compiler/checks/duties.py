"""What must hold lest a step fault: every duty of a kernel in, one answer for each place it is owed at, out.

Shared by F401, F402, F403 and F502. Asked in every configuration that comes to the place, short-circuits taken into
account: guards, updates, arguments, timers, titles, `ensures`, properties (of the arguments of compensations `undoing`
asks). Durations from outside lie within 36500d, instants in the years 1900 to 2199, since others are refused; of `now`
it is assumed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

from ...dsl.diagnostics import Rule, TraceStep
from ...dsl.model import Expr, Value
from ...dsl.source import Span
from ...dsl.values import dataclass
from ..evaluate import Fault
from ..instance import Rejected
from ..simulate import holds, step
from .claims import conditions, encoded
from .evidence import evidence, refused_start
from .graph import Arrival, Edge, Node, Reaction
from .inquiry import Breach, Finding, Inquiry
from .moves import STARTING
from .solver import Term
from .verdict import Answer, Witness


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
    for node, reaction in inquiry.reactions(
        lambda each: any(d.code == code for part in each.parts for d in part.duties)
    ):
        for part in reaction.parts:
            for duty in part.duties:
                if duty.code == code:
                    bad = terms.setdefault(id(duty), encoder.all(duty.premise, encoder.no(duty.need)))
                    found.setdefault(duty.span, []).append(Owed(node, reaction, bad))
    for node in inquiry.nodes() if inquiry.kernel.properties else ():
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
    doubt: Breach | None = None
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
        doubt = breach
    if doubt is not None:
        reason = "data for which it is not so were not ruled out"
        return inquiry.unknown(rule, subject, span, reason, doubt=doubt.arrival)
    return inquiry.proved(rule, subject, span, partial(_come_to, inquiry, span, group))


def _come_to(inquiry: Inquiry, span: Span, group: list[Owed]) -> Witness:
    """A run that takes what the place is written in; else one that comes near it."""
    kernel = inquiry.kernel
    written = [command.span for command in kernel.commands]
    written += [branch.span for choice in kernel.choices for branch in choice.branches]
    around = (each for each in dict.fromkeys(written) if each.start <= span.start and span.end <= each.end)
    runs: list[Arrival | Edge] = [edge for each in around for edge in inquiry.taken[each]]
    for owed in group if not any(run.real for run in runs) else ():
        asked = owed.claim is not None and owed.node is not None
        runs += owed.node.arrivals if asked and owed.node is not None else inquiry.following(owed.node, owed.reaction)
    return inquiry.seen(runs, "comes to it", "no run that comes to it was found")


def _told(inquiry: Inquiry, breach: Breach, bad: Term, code: str, span: Span) -> tuple[TraceStep, ...] | None:
    """The run to the fault, replayed, with the trigger that the interpreter faults at; None if it does not."""
    if breach.arrival is None:
        payload = _plain_start(inquiry, breach, code)
        return None if payload is None else (refused_start(inquiry, payload, "does not start", span),)

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


def _plain_start(inquiry: Inquiry, breach: Breach, code: str) -> tuple[Value, ...] | None:
    """Plainer inputs with which it faults as it starts; None if it does not."""

    def fault(trial: tuple[Value, ...]) -> Span | None:
        known = len(inquiry.attempts.faults)
        inquiry.attempts.start(trial, breach.now or inquiry.begin)
        return next((each.span for each in inquiry.attempts.faults[known:] if each.code == code), None)

    place = fault(breach.payload)
    types = [variable.type for variable in inquiry.kernel.inputs]
    return (
        None if place is None else inquiry.tracer.plainest(breach.payload, types, lambda trial: fault(trial) == place)
    )


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
