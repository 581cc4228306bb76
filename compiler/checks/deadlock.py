"""F003: can a run come to rest where nothing can ever happen again, and it is not finished?

Asked of every configuration in which no call runs and no timer is armed: is there an event or a task, with some
payload, that is accepted? Sending is free: anybody entitled may send anything at any time.
"""

from __future__ import annotations

from collections.abc import Iterator

from ...dsl.diagnostics import Fix, Rule
from .graph import Arrival, Node
from .inquiry import Finding, Inquiry, always
from .moves import OUTSIDE
from .solver import Term
from .verdict import Answer

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


def quiet(node: Node) -> bool:
    """Whether only events and tasks can move a node."""
    control = node.control
    return not control.finished and control.place[0] == "leaf" and not control.running


def accepts(inquiry: Inquiry, node: Node) -> Term:
    """That some event or task, with the payload the terms name, is accepted."""
    taken = [
        passage.condition
        for reaction in node.reactions
        if reaction.move.kind in OUTSIDE
        for passage in reaction.fan.passages
    ]
    return inquiry.encoder.any(*taken)


def accepting(inquiry: Inquiry, node: Node) -> Term:
    """That an event or task is accepted with one of the payloads a run has brought: enough, and free of unknowns."""
    return inquiry.enabled(node, lambda edge: edge.move.kind in OUTSIDE)


def check(inquiry: Inquiry) -> Iterator[Answer]:
    kernel = inquiry.kernel
    for leaf in kernel.leaves:
        if leaf.final or not inquiry.entered[leaf.name]:
            continue
        stuck: list[Arrival] = []
        for node in inquiry.nodes(leaf.name):
            if quiet(node) and not node.control.timers:
                stuck += inquiry.lacking(node, accepting(inquiry, node), accepts(inquiry, node))
        finding = Finding(
            f"a run can come to rest in `{leaf.name}`, and nothing can ever happen there",
            leaf.span,
            "nothing is accepted here",
            why=("no call runs, no timer is armed, and no event or task is accepted with these data.",),
            fixes=(Fix("add a transition that can be taken, or an `after`"),),
        )
        yield inquiry.by_run(RULE, f"`{leaf.name}`", leaf.span, stuck, _rests, always(finding))


def _rests(arrival: Arrival) -> bool:
    at = arrival.instance
    return not (at.finished or at.calls or at.timers or at.compensating)
