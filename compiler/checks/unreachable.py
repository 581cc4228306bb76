"""F001: is there a state, choice or final that no run enters?

Proved by a run that enters it. Refuted by the closed graph, in which nothing does: the message says whether no
transition leads there, or the data forbid it, and by which guards.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from ...dsl.diagnostics import Fix, Label, Rule
from ...dsl.source import Span
from ..kernel import Choice, Kernel, Place, Stay
from .inquiry import Finding, Inquiry
from .verdict import Answer

RULE = Rule(
    "F001",
    "unreachable-state",
    "No run enters the state, choice or final.",
    """\
A state that no run can enter is a mistake in the way to it: a transition that is missing, or a guard that is never
true. What was meant to happen there never will.

```flow
flow Visit version 1 {
  input { guests: int 1..4 }
  event leave
  start -> Table
  choice Table {
    when guests > 6 -> Banquet
    else            -> Small
  }
  state Small {
    on leave -> Home
    after 3h -> Home
  }
  state Banquet {
    on leave -> Home
    after 6h -> Home
  }
  final Home
}
```

`Banquet` wants more than six guests, and there are never more than four. Mended:

```flow
flow Visit version 1 {
  input { guests: int 1..12 }
  event leave
  start -> Table
  choice Table {
    when guests > 6 -> Banquet
    else            -> Small
  }
  state Small {
    on leave -> Home
    after 3h -> Home
  }
  state Banquet {
    on leave -> Home
    after 6h -> Home
  }
  final Home
}
```
""",
)


def check(inquiry: Inquiry) -> Iterator[Answer]:
    kernel = inquiry.kernel
    nodes: tuple[Place | Choice, ...] = (*kernel.leaves, *kernel.scopes[1:], *kernel.choices)
    for node in nodes:
        if isinstance(node, Place) and not all(inquiry.entered[scope] for scope in node.path):
            continue  # what is around it is what cannot be entered
        yield inquiry.nothing_does(
            RULE, f"`{node.name}`", node.span, inquiry.entered[node.name], partial(_finding, inquiry, node)
        )


def _finding(inquiry: Inquiry, node: Place | Choice) -> Finding:
    ways = [
        (span, holder) for span, holder in _ways(inquiry.kernel, node.name) if inquiry.entered[holder] or not holder
    ]
    if not ways:
        return Finding(
            f"nothing ever enters `{node.name}`",
            node.span,
            "no way leads here",
            why=(f"no transition from a state that can be entered leads to `{node.name}`.",),
            fixes=(Fix(f"lead a transition to `{node.name}`, or remove it"),),
        )
    return Finding(
        f"nothing ever enters `{node.name}`: the ways that lead there are never taken",
        node.span,
        "never entered",
        others=tuple(Label(span, "never taken") for span, _ in ways[:4]),
        why=("what these transitions ask for is never true when they could be taken.",),
        fixes=(Fix("correct the guards, or remove what cannot happen"),),
    )


def _ways(kernel: Kernel, name: str) -> Iterator[tuple[Span, str]]:
    """What is written to lead to a node: the place, and the leaf or choice it stands in (the start: nothing)."""
    for command in kernel.commands:
        if not isinstance(command.target, Stay) and command.target.node == name:
            yield command.span, command.scope
    for choice in kernel.choices:
        for branch in choice.branches:
            if branch.target.node == name:
                yield branch.span, choice.name
    for scope in kernel.scopes:
        if scope.start is not None and scope.start.target.node == name:
            yield scope.start.span, scope.name
