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
from .explaining import Explaining
from .inquiry import MOST_LINES, Finding, Inquiry, Why
from .performing import nothing_does
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
    explaining = Explaining(inquiry)
    nodes: tuple[Place | Choice, ...] = (*kernel.leaves, *kernel.scopes[1:], *kernel.choices)
    for node in nodes:
        if isinstance(node, Place) and not all(inquiry.entered[scope] for scope in node.path):
            continue  # what is around it is what cannot be entered
        finding = partial(_finding, inquiry, explaining, node)
        yield nothing_does(inquiry, RULE, f"`{node.name}`", node.span, inquiry.entered[node.name], finding, "enters it")


def _finding(inquiry: Inquiry, explaining: Explaining, node: Place | Choice) -> Finding:
    every = list(_ways(inquiry.kernel, node.name))
    ways = [(span, holder) for span, holder in every if inquiry.entered[holder] or not holder]
    if not ways:
        return _nowhere(inquiry, node, [(span, holder) for span, holder in every if holder != node.name])
    source = inquiry.kernel.source
    told = "the ways that lead there are" if len(ways) > 1 else "the way that leads there is"
    lines: dict[str, None] = {}
    labels = [Label(span, "never taken") for span, _ in ways[:4]]
    for span, holder in ways:
        why = explaining.because.of(span, f"on line {source.line(span)}")
        if not any(span == command.span for command in inquiry.kernel.commands) and holder in inquiry.kernel.scope:
            why = Why((f"`{holder}` is never entered at its start, on line {source.line(span)}.",))
        lines.update(dict.fromkeys(why.lines))
        labels += [label for label in why.labels if label.span not in {other.span for other in labels}]
    return Finding(
        f"nothing ever enters `{node.name}`: {told} never taken",
        node.span,
        "never entered",
        others=tuple(labels[:6]),
        why=tuple(lines)[:MOST_LINES],
        fixes=(Fix("correct the guards, or remove what cannot happen"),),
    )


def _nowhere(inquiry: Inquiry, node: Place | Choice, others: list[tuple[Span, str]]) -> Finding:
    """No way leads there, or only some from where nothing comes either."""
    if not others:
        return Finding(
            f"nothing ever enters `{node.name}`",
            node.span,
            "no way leads here",
            why=(f"no transition leads to `{node.name}`.",),
            fixes=(Fix(f"lead a transition to `{node.name}`, or remove it"),),
        )
    names = " and ".join(f"`{holder}`" for holder in list(dict.fromkeys(holder for _, holder in others))[:3])
    return Finding(
        f"nothing ever enters `{node.name}`",
        node.span,
        "never entered",
        others=tuple(Label(span, "leads here, but is never come to") for span, _ in others[:4]),
        why=(f"the only ways there begin in {names}, which nothing enters either.",),
        fixes=(Fix("mend what nothing enters there first"),),
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
