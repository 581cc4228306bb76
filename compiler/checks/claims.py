"""The rule of F301, and its conditions: a condition and a node in, what Z3 and the runs say about it out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta

from ...dsl.diagnostics import Rule
from ...dsl.model import (
    Always,
    Binary,
    BoolType,
    Count,
    DurationType,
    Elapsed,
    Expr,
    LeadsTo,
    Literal,
    Property,
    Reach,
    Unary,
)
from ...dsl.values import replace
from ..evaluate import Fault
from ..simulate import holds
from .control import standing
from .encode import Env, Facts, Need
from .graph import Arrival, Node, Reaction
from .inquiry import Inquiry
from .moves import STARTING
from .rewrite import inside, parts
from .solver import Term

RULE = Rule(
    "F301",
    "property-violated",
    "A property of the flow does not hold.",
    """\
`always` and `never` must hold wherever a run can rest; `reach` must be possible; with `A leads to B` every run that
comes to A comes to B. Whether in time, with `within D`, is F204's to say. Where a timer runs beside a call, the call
is taken to answer within its timeout and attempts.

```flow
flow Payment version 1 {
  data { receipt: text? }
  event remind
  activity pay() -> text { retry 2 backoff 1s..2s readonly }
  start -> Paying
  state Paying {
    do pay()
    on done(id) { receipt = id } -> Paid
    on failed                    -> Open
  }
  state Open {
    on remind -> Paying
    after 30d -> Paid
  }
  final Paid
  always in Paid implies receipt is some
}
```

After thirty days `Paid` is entered without a receipt. Mended:

```flow
flow Payment version 1 {
  data { receipt: text? }
  event remind
  activity pay() -> text { retry 2 backoff 1s..2s readonly }
  start -> Paying
  state Paying {
    do pay()
    on done(id) { receipt = id } -> Paid
    on failed                    -> Open
  }
  state Open {
    on remind -> Paying
    after 30d -> Unpaid
  }
  final Paid
  final Unpaid
  always in Paid implies receipt is some
}
```
""",
)


# ---------------------------------------------------------------- conditions of properties


def required(claim: Always) -> Expr:
    """What must be true everywhere: of `never E`, that E is not."""
    if not claim.negated:
        return claim.condition
    return Unary("not", claim.condition, BoolType(), claim.condition.span)


def facts(inquiry: Inquiry, node: Node, elapsed: Term) -> Facts:
    """What a property may ask of a node beside its data."""
    at = node.instance
    return Facts(
        inquiry.active(node),
        standing(at),
        Counter(entry.activity for entry in at.log),
        at.compensating,
        elapsed,
    )


def conditions(claim: Property, active: frozenset[str]) -> Iterator[Expr]:
    """The conditions of a property that are looked at while an instance rests in places (none: it compensates)."""
    match claim:
        case Always():
            yield claim.condition
        case Reach():
            if claim.condition is not None and claim.state in active:
                yield claim.condition
        case LeadsTo():
            yield from (each for each in (claim.trigger, claim.goal) if each is not None)


def encoded(inquiry: Inquiry, node: Node, condition: Expr) -> tuple[Term, tuple[Need, ...]]:
    """A condition in a node as a term, and what it needs to be defined; whatever time has passed."""
    key = node.id, id(condition)
    if key not in inquiry.encodings:
        some = inquiry.encoder.variable("elapsed", DurationType()).term
        elapsed = inquiry.encoder.pick(some >= 0, some, -some)
        env = Env(inquiry.states.passages.variables, inquiry.states.passages.now, facts=facts(inquiry, node, elapsed))
        symbol, needs = inquiry.encoder.expression(condition, env)
        inquiry.encodings[key] = condition, (symbol.term, needs)
    return inquiry.encodings[key][1]


def possible(inquiry: Inquiry, node: Node, condition: Expr, wanted: bool) -> Term:
    """That a condition is (not) true in a node; not, wherever it is not defined."""
    truth, needs = encoded(inquiry, node, condition)
    defined = inquiry.encoder.all(*(need.term for need in needs))
    return inquiry.encoder.all(defined, truth if wanted else inquiry.encoder.no(truth))


def may_hold(inquiry: Inquiry, node: Node, condition: Expr, wanted: bool) -> bool:
    """Whether Z3 does not rule out that a condition is (not) true in a node."""
    term = possible(inquiry, node, condition, wanted)
    return (node.control.loose and _odd_count(condition)) or inquiry.possible(node, term)


def holds_in(inquiry: Inquiry, node: Node, condition: Expr, wanted: bool) -> list[Arrival]:
    """Evidence that a condition can be (not) true in a node: none if Z3 rules it out, an arrival if there is one with
    such data, else one that is not real."""
    if not may_hold(inquiry, node, condition, wanted):
        return []
    term = possible(inquiry, node, condition, wanted)
    breach = inquiry.breach(node, Reaction(STARTING, inquiry.nothing, ()), term)
    shown = breach.arrival if breach is not None and breach.real else None
    if shown is not None and broken(inquiry, condition, shown) is not wanted:
        return [shown]
    return [replace(node.arrivals[0], real=False)]


def occurs(inquiry: Inquiry, condition: Expr) -> list[Arrival]:
    """Evidence that a condition is true somewhere, at any moment: none if it never is, else a run, or one that is made
    up if none was found."""
    doubtful: list[Arrival] = []
    for node in inquiry.nodes():
        found = holds_in(inquiry, node, condition, wanted=True)
        if any(arrival.real and inquiry.plays(arrival) for arrival in found):
            return found
        doubtful += found
    return doubtful[:1]


def premises(claim: Always) -> tuple[Expr, ...]:
    """What must be true somewhere for a property to say anything: of `A implies B` A, of `never A and B` A and B."""
    if claim.negated:
        asked = [part for part, truth in parts(claim.condition, True) if truth]
        return tuple(asked) if len(asked) > 1 else ()
    match claim.condition:
        case Binary(op="implies", left=left):
            return (left,)
        case _:
            return ()


def broken(inquiry: Inquiry, condition: Expr, arrival: Arrival) -> bool:
    """Whether a condition is false of an arrival, when it comes or as late as it may still rest there."""
    moments = [arrival.now]
    if any(isinstance(part, Elapsed) for part in inside(condition)):
        moments.append(_latest(inquiry, condition, arrival))
    try:
        return not all(holds(inquiry.kernel, arrival.instance, condition, now) for now in moments)
    except Fault:
        return False


def _latest(inquiry: Inquiry, condition: Expr, arrival: Arrival) -> datetime:
    at = arrival.instance
    dues = [armed.due for armed in at.timers if armed.timer in inquiry.explorer.clock.ticking]
    if at.finished:
        return arrival.now
    if dues and not at.compensating:
        return max(arrival.now, min(dues))
    values = [part.value for part in inside(condition) if isinstance(part, Literal)]
    return arrival.now + max((v for v in values if isinstance(v, timedelta)), default=timedelta(0)) + timedelta(days=1)


def _odd_count(condition: Expr) -> bool:
    """Whether a count is compared with something that is not written: then how many there are matters exactly."""
    return any(
        isinstance(part, Binary)
        and part.op not in {"and", "or", "implies"}
        and any(isinstance(side, Count) for side in inside(part))
        and not (isinstance(part.left, Literal) or isinstance(part.right, Literal))
        for part in inside(condition)
    )
