"""F103: does a run end well while it is not known whether something it did has happened?

No `final` that is no failure may be entered while an entry of the log is `maybe` and nothing more will be heard of its
call: it timed out, failed, or was interrupted and answered neither `done` nor a declared error. Asked of the log in
every reachable configuration. A call that is still in flight then is F009's; a parked one runs, or is interrupted by
leaving its state; a readonly one has no entry, and a sub-flow is done or has undone itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from ...dsl.diagnostics import Fix, Label, Rule
from ...dsl.model import Compensation
from ..instance import Entry, Outcome
from ..kernel import DONE, FAILED, TIMEOUT, LeafKind
from .graph import Arrival
from .inquiry import Finding, Inquiry
from .verdict import Answer

RULE = Rule(
    "F103",
    "unsettled-effect",
    "A run ends well, and nobody knows whether something it did has happened.",
    """\
A call that timed out, failed or was interrupted may have taken effect all the same. A success that leaves it at that
leaves somebody charged for nothing, or two parcels under way.

```flow
flow Sale version 1 {
  activity charge() -> text { retry 2 backoff 1s..2s compensate refund(result) }
  start -> Charging
  state Charging {
    do charge()
    on done(_) -> Paid
    on failed  -> ByInvoice
  }
  final Paid
  final ByInvoice
}
```

Who pays by invoice because the card did not answer may have paid by card, too. Mended: undo what may have happened
first. Where it cannot be undone, `then park` leaves it to an operator to find out.

```flow
flow Sale version 1 {
  activity charge() -> text { retry 2 backoff 1s..2s compensate refund(result) }
  start -> Charging
  state Charging {
    do charge()
    on done(_) -> Paid
    on failed  -> compensate -> ByInvoice
  }
  final Paid
  final ByInvoice
}
```
""",
)


def check(inquiry: Inquiry) -> Iterator[Answer]:
    for leaf in inquiry.kernel.leaves:
        if leaf.kind is LeafKind.FINAL and inquiry.entered[leaf.name]:
            nodes = (node for node in inquiry.come_to(leaf.name) if _shows(node.arrivals[0]))
            arrivals = [node.arrivals[0] for node in nodes]
            seen = partial(inquiry.enters, leaf.name, f"enters `{leaf.name}` with every effect settled")
            yield inquiry.by_run(RULE, f"`{leaf.name}`", leaf.span, arrivals, _shows, partial(_finding, inquiry), seen)


def _unsettled(arrival: Arrival) -> list[Entry]:
    return [entry for entry in arrival.instance.log if entry.status != DONE and not entry.in_flight]


def _shows(arrival: Arrival) -> bool:
    return bool(_unsettled(arrival))


def _finding(inquiry: Inquiry, arrival: Arrival) -> Finding:
    kernel = inquiry.kernel
    final = kernel.leaf[arrival.instance.configuration[0]]
    entry = _unsettled(arrival)[-1]
    activity = kernel.activity[entry.activity]
    park = "let it park, so that an operator finds out:  `then park`"
    undo = "undo it first, where its call is given up:  `-> compensate -> …`"
    return Finding(
        f"the run ends in `{final.name}`, and nobody knows whether `{entry.activity}` has happened",
        inquiry.way_in(arrival, final.span),
        "ends well all the same",
        others=(Label(activity.span, "may have happened"),),
        why=(f"{_left(arrival, entry)}: it may have happened, and is neither confirmed nor undone.",),
        fixes=(Fix(undo if isinstance(activity.effect, Compensation) else park),),
    )


def _left(arrival: Arrival, entry: Entry) -> str:
    """What became of the call of an entry."""
    triggers = (step.trigger for step in arrival.run())
    said = next((t.kind for t in triggers if isinstance(t, Outcome) and t.key == entry.key), "")
    words = {TIMEOUT: "used up its attempts, the last of which timed out", FAILED: "used up its attempts"}
    return f"`{entry.activity}` {words.get(said, 'was interrupted')}"
