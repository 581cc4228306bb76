"""F205: is there a call, or a compensation, that is tried again for ever?

Read off the text, for every state that a run enters and whose call may be made, or have to be undone.
"""

from __future__ import annotations

from collections.abc import Iterator

from ...dsl.diagnostics import Fix, Label, Rule
from ...dsl.model import Compensation
from ..kernel import Leaf
from .inquiry import Finding, Inquiry
from .verdict import Answer, Verdict

RULE = Rule(
    "F205",
    "endless-retry",
    "A call is tried again for ever.",
    """\
`retry forever` never gives up: if what it calls is gone for good, the instance stays where it is, and nobody is told.
`retry N .. then park` gives up in the same way for the flow, and puts the call before an operator.

```flow
flow Ship version 1 {
  activity ship() -> text { retry forever backoff 1m..1h irreversible }
  start -> Shipping
  state Shipping {
    do ship()
    on done(_) -> Shipped
  }
  final Shipped
}
```

Mended; or say that it is meant, `accept F205 "why"`.

```flow
flow Ship version 1 {
  activity ship() -> text { retry 24 backoff 1m..1h then park irreversible }
  start -> Shipping
  state Shipping {
    do ship()
    on done(_) -> Shipped
  }
  final Shipped
}
```
""",
)


def check(inquiry: Inquiry) -> Iterator[Answer]:
    for leaf in inquiry.kernel.leaves:
        if leaf.call is not None and inquiry.entered[leaf.name]:
            yield _of_leaf(inquiry, leaf)


def _of_leaf(inquiry: Inquiry, leaf: Leaf) -> Answer:
    assert leaf.call is not None, "it calls"
    activity = inquiry.kernel.activity[leaf.call.activity]
    undoing = isinstance(activity.effect, Compensation) and activity.effect.retry.attempts is None
    if activity.retry.attempts is not None and not undoing:
        times = activity.retry.attempts
        witness = f"`{activity.name}` is tried {times} time{'s' if times > 1 else ''} at the most"
        return Answer(RULE, f"`{leaf.name}`", Verdict.PROVED, leaf.span, scope="the text", witness=witness)
    if not any(edge.real for edge in inquiry.entered[leaf.name]):
        return inquiry.unknown(RULE, f"`{leaf.name}`", leaf.span, f"no run that enters `{leaf.name}` was found")
    name = activity.name
    if activity.retry.attempts is not None and isinstance(activity.effect, Compensation):
        name = activity.effect.name
    finding = Finding(
        f"`{name}` is tried again for ever",
        leaf.call.span,
        "may never be over",
        others=(Label(activity.span, "never gives up"),),
        why=("if it never succeeds, the instance stays there, and nobody is told.",),
        fixes=(Fix('give up some time: `retry N .. then park`; or `accept F205 "why"`'),),
    )
    return inquiry.refuted(RULE, f"`{leaf.name}`", leaf.span, finding)
