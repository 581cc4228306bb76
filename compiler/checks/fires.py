"""F202: is there a timer that never fires, because something shorter always comes before it?

Proved by a run in which it fires. Refuted by the closed graph, whose zones leave no moment for it; or, of a timer of a
state that calls, by the call's budget: attempts times timeout, and the waits between, are over before.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from ...dsl.diagnostics import Fix, Label, Rule
from ...dsl.model import DurationType
from ..evaluate import shown
from ..kernel import On, TriggerKind
from .graph import Edge
from .inquiry import Finding, Inquiry
from .latest import MICRO, Latest
from .mends import removal
from .moves import MoveKind
from .performing import nothing_does
from .verdict import Answer

RULE = Rule(
    "F202",
    "timeout-never-fires",
    "Something shorter always comes before a timer.",
    """\
A timer that never fires promises what does not happen: a shorter one of the same state, of a state around it or the
deadline always leaves the state before; or the call of the state has long answered, since its attempts are used up.

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
    kernel, clock, latest = inquiry.kernel, inquiry.explorer.clock, inquiry.latest
    fires = come(inquiry)
    for timer in (timer for timer in kernel.timers() if timer.id in clock.ticking):
        home = clock.place[timer.id]
        if home and not inquiry.entered[home]:
            continue
        commands = kernel.answering[home, On(TriggerKind.TIMER, timer.id)]
        edges = [e for e in inquiry.graph.ran if e.move.kind is MoveKind.TIMER and e.move.name == timer.id]
        if timer.id in fires and not edges:
            continue  # it fires, and nothing is done about it: F007, or F401 to F403
        in_time = [edge for edge in edges if not latest.beaten(inquiry.graph.nodes[edge.source], edge)]
        line = kernel.source.line(timer.span)
        subject = f"the timer on line {line}"
        finding = partial(_finding, inquiry, timer.id, latest if edges else None)
        span = commands[0].span
        yield nothing_does(inquiry, RULE, subject, span, _known(in_time), finding, "has it fire")


def come(inquiry: Inquiry) -> frozenset[str]:
    """The timers that may fire somewhere."""
    moves = (reaction.move for reaction in inquiry.each_reaction)
    return frozenset(move.name for move in moves if move.kind is MoveKind.TIMER)


def _known(edges: list[Edge]) -> list[Edge]:
    """Real ones first, those with a shorter run before."""
    return sorted(edges, key=lambda edge: (not edge.real, edge.length))


def _finding(inquiry: Inquiry, timer: str, latest: Latest | None) -> Finding:
    kernel = inquiry.kernel
    home = kernel.home[timer]
    command = kernel.answering[home, On(TriggerKind.TIMER, timer)][0]
    text = " ".join(kernel.source.slice(command.span).split())
    leaf = kernel.leaf.get(home)
    if latest is not None and leaf is not None and leaf.call is not None:
        spent = shown((latest.answered(home) or 0) * MICRO, DurationType())
        why = f"`{leaf.call.activity}` has answered after {spent} at the longest: its attempts are used up then."
        others: tuple[Label, ...] = (Label(leaf.call.span, "answers before"),)
    else:
        why = "whenever it is armed, something shorter leaves the state before it falls due."
        others = (Label(kernel.place[home].span, "always left before"),) if home else ()
    return Finding(
        f"`{text}` never fires",
        command.span,
        "something shorter always comes first",
        others=others,
        why=(why,),
        fixes=(Fix("shorten it, or remove it", trials=removal(kernel, command.span)),),
    )
