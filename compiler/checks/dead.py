"""F002: is there a transition, or a branch of a choice, that no run takes?

Proved by a run that takes it. Refuted by the closed graph, in which nothing does. A transition written once for several
triggers is dead only if none of them takes it. What stands in a state that nothing enters is not asked here.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from ...dsl.diagnostics import Fix, Label, Rule
from ...dsl.source import Span
from ..kernel import TriggerKind
from .explaining import Explaining
from .fires import come
from .inquiry import Finding, Inquiry
from .performing import nothing_does
from .verdict import Answer

RULE = Rule(
    "F002",
    "dead-transition",
    "No run takes the transition or branch.",
    """\
A transition that is never taken says something that is not so: its guard is never true where it stands, or its trigger
never comes. (Of a timer that never fires, F202 speaks.)

```flow
flow Offer version 1 {
  input { price: int 1..500 }
  event accept
  start -> Open
  state Open {
    on accept when price <= 500 -> Sold
    on accept else              -> Refused
    after 7d                    -> Refused
  }
  final Sold
  final Refused
}
```

No price is above 500, so nothing is ever refused so. Mended:

```flow
flow Offer version 1 {
  input { price: int 1..900 }
  event accept
  start -> Open
  state Open {
    on accept when price <= 500 -> Sold
    on accept else              -> Refused
    after 7d                    -> Refused
  }
  final Sold
  final Refused
}
```
""",
)


def check(inquiry: Inquiry) -> Iterator[Answer]:
    kernel = inquiry.kernel
    explaining = Explaining(inquiry)
    holders: dict[Span, list[str]] = {}
    within: dict[str, list[str]] = {}  # the leaves in a place
    for leaf in kernel.leaves:
        for around in kernel.above(leaf.name):
            within.setdefault(around, []).append(leaf.name)
    fires = come(inquiry)
    for command in kernel.commands[1:]:
        if command.on is not None and command.on.kind is TriggerKind.TIMER and command.on.name not in fires:
            continue  # F202 speaks of it
        holders.setdefault(command.span, []).extend(within.get(command.scope, ()))
    for choice in kernel.choices:
        for branch in choice.branches:
            holders.setdefault(branch.span, []).append(choice.name)
    for span, places in holders.items():
        if any(inquiry.entered[place] for place in places):
            line = kernel.source.line(span)
            finding = partial(_finding, inquiry, explaining, span, places)
            yield nothing_does(
                inquiry, RULE, f"the transition on line {line}", span, inquiry.taken[span], finding, "takes it"
            )


def _finding(inquiry: Inquiry, explaining: Explaining, span: Span, places: list[str]) -> Finding:
    kernel = inquiry.kernel
    text = " ".join(kernel.source.slice(span).split())
    place = next(place for place in places if inquiry.entered[place])
    where = kernel.leaf[place].span if place in kernel.leaf else kernel.choice[place].span
    why = explaining.because.of(span)
    return Finding(
        f"no run ever takes `{text}`",
        span,
        "never taken",
        others=why.labels or (Label(where, "entered, but never left this way"),),
        why=why.lines,
        fixes=(Fix("correct it, or remove it"),),
    )
