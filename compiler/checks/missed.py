"""F204: does a run take longer than a property allows? Asked of every `leads to .. within`, as `leads` says."""

from __future__ import annotations

from collections.abc import Iterator

from ...dsl.diagnostics import Rule
from ...dsl.model import LeadsTo
from . import leads
from .inquiry import Inquiry
from .verdict import Answer

RULE = Rule(
    "F204",
    "deadline-missed",
    "A run takes longer than a property allows.",
    """\
`A leads to B within D` promises a time. The longest run from A to B is looked for: every call answers as late as its
`retry` and `timeout` allow, and so does every compensation; timers come when they fall due; events and tasks come last
of all. Time parked with an operator does not count.

```flow
flow Delivery version 1 {
  event delivered
  activity pack() -> text { timeout 10s retry 3 backoff 1s..2s compensate unpack(result) }
  start -> Packing
  state Packing {
    do pack()
    on done(_) -> Sent
    on failed  -> compensate -> Dropped
  }
  state Sent {
    on delivered -> Done
    after 3d     -> Lost
  }
  final Done
  final Lost
  final failure Dropped
  in Packing leads to in Done or in Lost or in Dropped within 3d
}
```

Packing alone may take half a minute before the three days begin. Mended:

```flow
flow Delivery version 1 {
  event delivered
  activity pack() -> text { timeout 10s retry 3 backoff 1s..2s compensate unpack(result) }
  start -> Packing
  state Packing {
    do pack()
    on done(_) -> Sent
    on failed  -> compensate -> Dropped
  }
  state Sent {
    on delivered -> Done
    after 2d     -> Lost
  }
  final Done
  final Lost
  final failure Dropped
  in Packing leads to in Done or in Lost or in Dropped within 3d
}
```
""",
)


def check(inquiry: Inquiry) -> Iterator[Answer]:
    for claim in inquiry.kernel.properties:
        if isinstance(claim, LeadsTo) and claim.within is not None:
            answer = leads.timely(inquiry, claim, RULE)
            if answer is not None:
                yield answer
