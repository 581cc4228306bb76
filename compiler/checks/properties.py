"""F301: do the properties of the text hold?

`always` and `never` are asked of every configuration a run can rest in, and of all data it can have there. `reach` is
proved by a run, and refuted if no configuration can be so. `leads to` is `leads`'s. What depends on `elapsed` is tried
when a place is entered and when it is left at the latest; if that breaks nothing, the answer is unknown, or proved
where it holds whatever time has passed.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from itertools import islice

from ...dsl.diagnostics import Fix
from ...dsl.model import Always, Elapsed, LeadsTo, Now, Reach
from ..trace import source
from . import leads
from .claims import RULE, broken, holds_in, occurs, premises, required
from .explaining import Explaining
from .graph import Arrival
from .inquiry import MOST_PLAYED, Finding, Inquiry, Why, always
from .rewrite import inside
from .verdict import Answer, Witness


def check(inquiry: Inquiry) -> Iterator[Answer]:
    for claim in inquiry.kernel.properties:
        match claim:
            case Always():
                yield _always(inquiry, claim)
            case Reach():
                yield _reach(inquiry, claim)
            case LeadsTo():
                yield leads.eventually(inquiry, claim)


def _always(inquiry: Inquiry, claim: Always) -> Answer:
    text = " ".join(inquiry.kernel.source.slice(claim.span).split())
    condition = required(claim)
    shown: list[Arrival] = []
    times = any(isinstance(part, (Elapsed, Now)) for part in inside(condition))
    into = inquiry.graph.into if times else inquiry.graph.ran_into
    for node in inquiry.nodes():
        arrivals = [*node.runs, *(edge.arrival for edge in into[node.id] if edge.ran or times)]  # at different times
        shown += [arrival for arrival in arrivals if arrival.real and broken(inquiry, condition, arrival)]
        if not (shown and node.runs):
            shown += holds_in(inquiry, node, condition, wanted=False)
    finding = Finding(
        f"`{text}` does not hold",
        claim.span,
        "broken by a run",
        why=("the run ends where the property is not true.",),
        fixes=(Fix("mend the flow, or the property"),),
    )
    seen = partial(_premise, inquiry, claim)
    breaks = partial(broken, inquiry, condition)
    # a shorter run that takes longer may break what is about time: not all moments are tried
    shortest = not any(isinstance(part, Elapsed) for part in inside(condition))
    return inquiry.by_run(RULE, f"`{text}`", claim.span, shown, breaks, always(finding), seen, shortest)


def _premise(inquiry: Inquiry, claim: Always) -> Witness:
    """A run to where what the property is about is so."""
    seen: list[Witness] = []
    for part in premises(claim):
        text = source(inquiry.kernel, part)
        found = occurs(inquiry, part)
        if not found:
            return Witness(f"`{text}` is never so", vacuous=True)
        seen.append(inquiry.seen(found, f"comes to where `{text}`", f"no run to where `{text}` was found"))
    if seen:
        return seen[0]
    return inquiry.seen(islice(inquiry.nodes(), MOST_PLAYED), "rests where it holds", "nothing ever rests")


def _reach(inquiry: Inquiry, claim: Reach) -> Answer:
    text = " ".join(inquiry.kernel.source.slice(claim.span).split())
    subject = f"`{text}`"
    found: list[Arrival] = []
    for node in inquiry.nodes(claim.state):
        found += node.arrivals[:1] if claim.condition is None else holds_in(inquiry, node, claim.condition, wanted=True)
    if claim.state in inquiry.kernel.choice:
        found += [edge.arrival for edge in inquiry.entered[claim.state]]
    for arrival in found:
        if arrival.real and inquiry.plays(arrival):
            return inquiry.shown(RULE, subject, claim.span, arrival, "comes there")
    if found or not inquiry.graph.complete:
        reason = next(iter(inquiry.graph.open), "it was not ruled out, and no run was found")
        return inquiry.unknown(RULE, subject, claim.span, reason)
    why: Why | None = None
    if not inquiry.entered[claim.state]:
        why = Why((f"nothing ever enters `{claim.state}`.",))
    elif claim.condition is not None:
        why = Explaining(inquiry).because.reached(claim.condition, claim.state, claim.span)
    finding = Finding(
        f"`{text}` is impossible: no run ever gets there",
        claim.span,
        "no run does this",
        others=() if why is None else why.labels,
        why=("no configuration a run can rest in is so.",) if why is None else why.lines,
        fixes=(Fix("mend the flow, or the property"),),
    )
    return inquiry.refuted(RULE, subject, claim.span, finding)
