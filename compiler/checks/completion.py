"""F009: can a final state be entered while a call is still open?

In this version of the language that is a call that was interrupted and is not settled yet: its effect may still come,
and nothing would hear of it. Tasks are closed, and readonly calls have no effect.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from itertools import islice

from ...dsl.diagnostics import Fix, Label, Rule
from .graph import Arrival
from .inquiry import MOST_PLAYED, Finding, Inquiry
from .mends import compensations
from .moves import MoveKind
from .verdict import Answer, Witness

RULE = Rule(
    "F009",
    "improper-completion",
    "A final state is entered while an interrupted call is still in flight.",
    """\
Leaving a state interrupts its call, but the call may still take effect. A run that finishes at that moment never hears
of it.

```flow
flow Booking version 1 {
  event withdraw
  activity book() -> text { retry 2 backoff 1s..2s compensate unbook(result) }
  start -> Booking
  state Booking {
    do book()
    on done(_)  -> Booked
    on failed   -> compensate -> Dropped
    on withdraw -> Withdrawn
  }
  final Booked
  final Withdrawn
  final failure Dropped
}
```

Mended: compensating waits until the call is settled, and undoes it.

```flow
flow Booking version 1 {
  event withdraw
  activity book() -> text { retry 2 backoff 1s..2s compensate unbook(result) }
  start -> Booking
  state Booking {
    do book()
    on done(_)  -> Booked
    on failed   -> compensate -> Dropped
    on withdraw -> compensate -> Withdrawn
  }
  final Booked
  final Withdrawn
  final failure Dropped
}
```
""",
)


def check(inquiry: Inquiry) -> Iterator[Answer]:
    for leaf in inquiry.kernel.leaves:
        if leaf.final and inquiry.entered[leaf.name]:
            nodes = (node for node in inquiry.come_to(leaf.name) if _open(node.arrivals[0]))
            found = partial(_finding, inquiry)
            arrivals = [node.arrivals[0] for node in nodes]
            yield inquiry.by_run(
                RULE, f"`{leaf.name}`", leaf.span, arrivals, _open, found, partial(_closed, inquiry, leaf.name)
            )


def _closed(inquiry: Inquiry, final: str) -> Witness:
    """A run that ends there with an interrupted call settled before, if there is one."""
    edges = sorted((edge for edge in inquiry.entered[final] if edge.real), key=lambda edge: edge.length)
    settled = (edge for edge in edges if any(_settles(step) for step in inquiry.graph.origin(edge).run()))
    does = f"ends in `{final}`, after a call that was interrupted was settled"
    seen = inquiry.seen(islice(settled, MOST_PLAYED), does, "")
    return inquiry.enters(final, f"ends in `{final}`, and nothing is open then") if seen.vacuous else seen


def _settles(step: Arrival) -> bool:
    return step.move is not None and step.move.kind is MoveKind.SETTLE


def _open(arrival: Arrival) -> bool:
    return bool(arrival.instance.log.in_flight)


def _finding(inquiry: Inquiry, arrival: Arrival) -> Finding:
    kernel = inquiry.kernel
    final = kernel.leaf[arrival.instance.configuration[0]]
    activity = kernel.activity[arrival.instance.log.in_flight[0].activity]
    span = inquiry.way_in(arrival, final.span)
    return Finding(
        f"`{activity.name}` is still in flight when the run ends in `{final.name}`",
        span,
        "ends the run at once",
        others=(Label(activity.span, "interrupted, and not settled"),),
        why=(f"`{activity.name}` was interrupted; it may still take effect, and nothing would hear of it.",),
        fixes=(
            Fix(
                "compensate on the way out, which settles it first",
                trials=compensations(kernel, span, final.name),
            ),
        ),
    )
