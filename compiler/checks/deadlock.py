"""F003: can a run come to rest where nothing can ever happen again, and it is not finished?

Asked of every configuration in which no call runs and no timer is armed: is there an event or a task, with some
payload, that is accepted: answered to its end, without a fault or an open case? Sending is free: anybody entitled may
send anything at any time.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from ...dsl.diagnostics import Fix, Rule
from ..kernel import Kernel, Leaf, LeafKind, Place, ScopeKind
from .graph import Arrival, Node
from .holdups import held_up, holdups, mend
from .inquiry import Finding, Inquiry
from .mends import A_WHILE, leaving
from .moves import OUTSIDE
from .passages import Fan
from .solver import Term
from .undoing import BALKS, MENDED, stoppable
from .verdict import HELD_UP, Answer, Witness

RULE = Rule(
    "F003",
    "deadlock",
    "A run comes to rest where nothing can ever be accepted, and it is not finished.",
    """\
An instance that rests in a state without a call, a timer, or an event it accepts stays there for ever, and nobody is
told.

```flow
flow Parcel version 1 {
  event collected
  event returned
  start -> Waiting
  state Waiting {
    on collected -> Handed
    after 7d     -> Overdue
  }
  state Overdue {
    ignore collected, returned
  }
  final Handed
}
```

Nothing ends `Overdue`. Mended:

```flow
flow Parcel version 1 {
  event collected
  event returned
  start -> Waiting
  state Waiting {
    on collected -> Handed
    after 7d     -> Overdue
  }
  state Overdue {
    on collected -> Handed
    on returned  -> Back
    after 30d    -> Back
  }
  final Handed
  final Back
}
```
""",
)


def rests(kernel: Kernel, place: Place) -> bool:
    """Whether a run can be said to rest there: in a state, or in a parallel state whose regions are over."""
    if isinstance(place, Leaf):
        return place.kind is LeafKind.STATE
    return kernel.scope[place.name].kind is ScopeKind.PARALLEL


def accepts(inquiry: Inquiry, node: Node) -> list[tuple[Fan, Term]]:
    """For each event or task a node answers: that it is answered, over the fan's payload."""
    outside = (reaction for reaction in node.reactions if reaction.move.kind in OUTSIDE)
    return [(reaction.fan, inquiry.succeeds(reaction)) for reaction in outside]


def accepting(inquiry: Inquiry, node: Node) -> Term:
    """That something is accepted with payloads that are known: those one of the node's instances would accept."""
    outside = (reaction for reaction in node.reactions if reaction.move.kind in OUTSIDE)
    return inquiry.encoder.any(*(inquiry.accepted(reaction, node.held[0]) for reaction in outside))


def accepts_nothing(inquiry: Inquiry, node: Node, arrival: Arrival) -> bool:
    """Whether no event or task at all is accepted by an instance of a node."""
    terms = [term for _, term in accepts(inquiry, node)]
    return inquiry.states.ask(inquiry.states.exactly(arrival.instance), inquiry.encoder.any(*terms)).impossible


def check(inquiry: Inquiry) -> Iterator[Answer]:
    kernel = inquiry.kernel
    blocked = holdups(inquiry)
    for place in kernel.place.values():
        if not rests(kernel, place) or not inquiry.entered[place.name]:
            continue
        stuck: list[Arrival] = []
        balks = False
        for node in inquiry.quiet(place.name):
            if not node.control.timers and inquiry.blamed(node.control.configuration) == place.name:
                balks = balks or stoppable(inquiry, node)
                terms = [term for _, term in accepts(inquiry, node)]
                stuck += inquiry.lacking(node, accepting(inquiry, node), inquiry.encoder.any(*terms))
        if not stuck and (balks or held_up(inquiry, place.name, blocked)):
            reason, help = (BALKS, MENDED) if balks else (HELD_UP, mend(blocked))
            yield inquiry.unknown(RULE, f"`{place.name}`", place.span, reason, help)
            continue
        shows, found = partial(_stuck, inquiry), partial(_finding, kernel, place)
        seen = partial(_rests, inquiry, place)
        yield inquiry.by_run(RULE, f"`{place.name}`", place.span, stuck, shows, found, seen)


def _finding(kernel: Kernel, place: Place, _: Arrival) -> Finding:
    edits = leaving(kernel, place.name, f"after {A_WHILE}")
    return Finding(
        f"a run can come to rest in `{place.name}`, and nothing can ever happen there",
        place.span,
        "nothing is accepted here",
        why=("no call runs, no timer is armed, and no event or task is accepted with these data.",),
        fixes=(Fix("add a transition that can be taken, or an `after`", trials=edits),),
    )


def _rests(inquiry: Inquiry, place: Place) -> Witness:
    """A run to where it was asked; else one to where something goes on by itself."""
    asked = [node for node in inquiry.quiet(place.name) if not node.control.timers]
    if asked:
        does = f"rests in `{place.name}`, where something is accepted"
        return inquiry.seen(asked, does, "no run to where it rests was found")
    return inquiry.comes(place.name, f"rests in `{place.name}`, where a call always runs or a timer is armed")


def _stuck(inquiry: Inquiry, arrival: Arrival) -> bool:
    at, node = arrival.instance, inquiry.node(arrival)
    quiet = not (at.finished or at.calls or at.timers or at.compensating)
    return quiet and node is not None and accepts_nothing(inquiry, node, arrival)
