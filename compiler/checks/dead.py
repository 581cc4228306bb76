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
from .inquiry import Finding, Inquiry
from .verdict import Answer

RULE = Rule(
    "F002",
    "dead-transition",
    "No run takes the transition or branch.",
    """\
A transition that is never taken says something that is not so: its guard is never true where it stands, its trigger
never comes, or another timer always fires first.

```flow
flow Offer version 1 {
  event accept
  start -> Open
  state Open {
    on accept -> Sold
    after 2d  -> Lapsed
    after 7d  -> Lapsed
  }
  final Sold
  final Lapsed
}
```

After two days `Open` is left, so the timer of seven days never fires. Mended:

```flow
flow Offer version 1 {
  event accept
  start -> Open
  state Open {
    on accept -> Sold
    after 7d  -> Lapsed
  }
  final Sold
  final Lapsed
}
```
""",
)


def check(inquiry: Inquiry) -> Iterator[Answer]:
    kernel = inquiry.kernel
    holders: dict[Span, list[str]] = {}
    timers: set[Span] = set()
    for command in kernel.commands[1:]:
        inner = [leaf.name for leaf in kernel.leaves if command.scope in kernel.above(leaf.name)]
        holders.setdefault(command.span, []).extend(inner)
        if command.on is not None and command.on.kind is TriggerKind.TIMER:
            timers.add(command.span)
    for choice in kernel.choices:
        for branch in choice.branches:
            holders.setdefault(branch.span, []).append(choice.name)
    for span, places in holders.items():
        if any(inquiry.entered[place] for place in places):
            line = kernel.source.line(span)
            finding = partial(_finding, inquiry, span, places, span in timers)
            yield inquiry.nothing_does(RULE, f"the transition on line {line}", span, inquiry.taken[span], finding)


def _finding(inquiry: Inquiry, span: Span, places: list[str], timer: bool) -> Finding:
    kernel = inquiry.kernel
    text = " ".join(kernel.source.slice(span).split())
    place = next(place for place in places if inquiry.entered[place])
    where = kernel.leaf[place].span if place in kernel.leaf else kernel.choice[place].span
    reason = "something else always comes before it." if timer else "what it asks for is never true there."
    return Finding(
        f"no run ever takes `{text}`",
        span,
        "never taken",
        others=(Label(where, "entered, but never left this way"),),
        why=(reason,),
        fixes=(Fix("correct it, or remove it"),),
    )
