"""F101: is every effect undone before a run fails?

An activity must say how its effect is undone, or that it has none, or that it cannot be: read off the text. And no
`final failure` may be entered while an effect that can be undone stands, done or perhaps done: asked of the log in
every reachable configuration.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from ...dsl.diagnostics import Fix, Label, Rule
from ...dsl.model import Compensation, Effect
from ..kernel import DONE, LeafKind
from .graph import Arrival
from .inquiry import Finding, Inquiry
from .mends import compensations
from .moves import MoveKind
from .verdict import Answer, Witness

RULE = Rule(
    "F101",
    "missing-compensation",
    "A run fails while an effect stands that nothing undid.",
    """\
When a flow ends in a `final failure`, nothing of what it did may be left behind. An effect that may have happened
counts: a call that timed out may have been made.

```flow
flow Sale version 1 {
  activity charge() -> text { retry 2 backoff 1s..2s fails declined compensate refund(result) }
  activity pack() -> text { retry 2 backoff 1s..2s fails broken readonly }
  start -> Charging
  state Charging {
    do charge()
    on done(_)  -> Packing
    on declined -> Failed
    on failed   -> compensate -> Failed
  }
  state Packing {
    do pack()
    on done(_) -> Sold
    on broken  -> Failed
    on failed  -> compensate -> Failed
  }
  final Sold
  final failure Failed
}
```

If what was sold is broken, the customer has paid for nothing. Mended:

```flow
flow Sale version 1 {
  activity charge() -> text { retry 2 backoff 1s..2s fails declined compensate refund(result) }
  activity pack() -> text { retry 2 backoff 1s..2s fails broken readonly }
  start -> Charging
  state Charging {
    do charge()
    on done(_)  -> Packing
    on declined -> Failed
    on failed   -> compensate -> Failed
  }
  state Packing {
    do pack()
    on done(_) -> Sold
    on broken  -> compensate -> Failed
    on failed  -> compensate -> Failed
  }
  final Sold
  final failure Failed
}
```
""",
)


def check(inquiry: Inquiry) -> Iterator[Answer]:
    kernel = inquiry.kernel
    for activity in kernel.activities:
        if activity.effect is Effect.UNDECLARED:
            finding = Finding(
                f"`{activity.name}` does not say how its effect is undone",
                activity.span,
                "no compensate, readonly or irreversible",
                why=("if a run fails after this call, nobody knows what is left behind.",),
                fixes=(Fix("add `compensate NAME(result)`, `readonly` or `irreversible`"),),
            )
            yield inquiry.refuted(RULE, f"`{activity.name}`", activity.span, finding)
    for leaf in kernel.leaves:
        if leaf.kind is LeafKind.FAILURE and inquiry.entered[leaf.name]:
            standing = partial(_standing, inquiry)
            nodes = (node for node in inquiry.nodes(leaf.name) if standing(node.arrivals[0]))
            found = partial(_finding, inquiry)
            arrivals = [node.arrivals[0] for node in nodes]
            seen = partial(_undone, inquiry, leaf.name)
            yield inquiry.by_run(RULE, f"`{leaf.name}`", leaf.span, arrivals, standing, found, seen)


def _undone(inquiry: Inquiry, final: str) -> Witness:
    """A run that fails there after something was undone; else one for which nothing has to be."""
    for edge in sorted(inquiry.entered[final], key=lambda edge: edge.length):
        run = inquiry.graph.origin(edge).run()
        undone = [s.move.name for s in run if s.move is not None and s.move.kind is MoveKind.UNDONE]
        if undone and edge.real and inquiry.plays(edge.arrival):
            name = undone[-1].partition("#")[0]
            return inquiry.seen([edge.arrival], f"enters `{final}` after `{name}` was undone", "")
    return inquiry.enters(final, f"enters `{final}`; nothing that can be undone ever stands then")


def _standing(inquiry: Inquiry, arrival: Arrival) -> bool:
    activity = inquiry.kernel.activity
    return any(isinstance(activity[entry.activity].effect, Compensation) for entry in arrival.instance.log)


def _finding(inquiry: Inquiry, arrival: Arrival) -> Finding:
    kernel = inquiry.kernel
    final = kernel.leaf[arrival.instance.configuration[0]]
    entries = [e for e in arrival.instance.log if isinstance(kernel.activity[e.activity].effect, Compensation)]
    entry = entries[-1]
    certain = "is done" if entry.status == DONE else "may have been done"
    way = inquiry.way_in(arrival, final.span)
    return Finding(
        f"the effect of `{entry.activity}` still stands after the run failed in `{final.name}`",
        way,
        "leaves without compensating",
        others=(Label(kernel.activity[entry.activity].span, "its effect still stands here"),),
        why=(f"`{entry.activity}` {certain}, and this way enters `final failure {final.name}` without undoing it.",),
        fixes=(
            Fix(
                f"compensate on the way out:  `-> compensate -> {final.name}`",
                trials=compensations(kernel, way, final.name),
            ),
        ),
    )
