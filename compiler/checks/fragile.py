"""F105: after the pivot, is there a call that can give up and leave no way forward?

A call gives up when its attempts are used up and it answers `timeout` or `failed`: one that parks never does, a
declared error is an answer, and a sub-flow that failed has undone itself. Asked wherever that may come while something
irreversible may have happened, the call itself included. Refuted by a run to there, and by the closed graph, in which
no success can be reached any more; proved by a rank, as F004 is, of every configuration it leads to. Whether every way
on from there is a good one is F102's and F103's to say; here there must be one. An event that was sent before and has
to wait counts as one that is sent later.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property, partial

from ...dsl.diagnostics import Fix, Label, Rule
from ...dsl.model import Activity, ActivityCall, Effect
from ...dsl.values import dataclass
from ..instance import Instance
from ..kernel import FAILED, TIMEOUT, Kernel, Leaf, LeafKind
from .finish import lost_first, ranked
from .graph import Arrival, Edge
from .inquiry import Finding, Inquiry
from .moves import Move, MoveKind
from .undoing import BALKS, doubtful
from .verdict import Answer

RULE = Rule(
    "F105",
    "fragile-pivot",
    "After the pivot a call can give up, and no way forward is left.",
    """\
Once something irreversible may have happened a flow can only go forward. What it still has to do must not give up then,
unless there is another way to a success.

```flow
flow Dispatch version 1 {
  activity ship() -> text { retry 9 backoff 1m..1h then park irreversible }
  activity charge() -> text { retry 3 backoff 1s..2s compensate refund(result) }
  start -> Shipping
  state Shipping {
    do ship()
    on done(_) -> Charging
  }
  state Charging {
    do charge()
    on done(_) -> Sold
    on failed  -> compensate -> Failed
  }
  final Sold
  final failure Failed
}
```

The parcel is gone when the card does not answer. Mended: `then park` leaves it to an operator, who tries again or
settles it by hand; better still, what can fail comes before the pivot.

```flow
flow Dispatch version 1 {
  activity ship() -> text { retry 9 backoff 1m..1h then park irreversible }
  activity charge() -> text { retry 3 backoff 1s..2s then park compensate refund(result) }
  start -> Shipping
  state Shipping {
    do ship()
    on done(_) -> Charging
  }
  state Charging {
    do charge()
    on done(_) -> Sold
  }
  final Sold
}
```
""",
)


def check(inquiry: Inquiry) -> Iterator[Answer]:
    kernel = inquiry.kernel
    if all(activity.effect is not Effect.IRREVERSIBLE for activity in kernel.activities):
        return
    question = _Question(inquiry)
    for leaf in kernel.leaves:
        if leaf.call is not None and inquiry.entered[leaf.name] and _gives_up(kernel.activity[leaf.call.activity]):
            yield question.of(leaf, leaf.call)


def _gives_up(activity: Activity) -> bool:
    """Whether its attempts can be used up with nobody told but the flow."""
    return not activity.flow and {TIMEOUT, FAILED} <= set(Kernel.outcomes(activity))


def gave_up(move: Move | None) -> bool:
    return move is not None and move.kind is MoveKind.ANSWER and move.answer in {TIMEOUT, FAILED}


@dataclass(frozen=True)
class _Question:
    inquiry: Inquiry

    @cached_property
    def goals(self) -> set[int]:
        """The nodes in which a run has ended well."""
        leaf, nodes = self.inquiry.kernel.leaf, self.inquiry.graph.nodes
        ended = [node for node in nodes if node.control.finished]
        return {node.id for node in ended if leaf[node.control.configuration[0]].kind is LeafKind.FINAL}

    @cached_property
    def alive(self) -> set[int]:
        return self.inquiry.graph.reaching(self.goals)

    @cached_property
    def sure(self) -> set[int]:
        return set(ranked(self.inquiry, self.goals))

    def of(self, leaf: Leaf, call: ActivityCall) -> Answer:
        inquiry, graph = self.inquiry, self.inquiry.graph
        subject = f"`{leaf.name}`"
        if not graph.complete:
            return inquiry.proved(RULE, subject, leaf.span)  # unknown, for what is open
        edges = [edge for edge in graph.edges() if self._asked(edge, leaf)]
        lost = [edge for edge in edges if edge.target not in self.alive]
        if lost:
            inside = inquiry.among(graph.nodes[edge.target] for edge in lost)

            def shows(arrival: Arrival) -> bool:
                at = arrival.before
                after = at is not None and self._pivot(at.instance) is not None
                return after and gave_up(arrival.move) and inside(arrival)

            def finding(arrival: Arrival) -> Finding:
                return self._finding(leaf, call, arrival)

            arrivals = [edge.arrival for edge in lost]
            soonest = partial(lost_first, inquiry, self.goals, [graph.nodes[edge.target] for edge in edges])
            return inquiry.by_run(RULE, subject, leaf.span, arrivals, shows, finding, shortest=soonest)
        if edges and doubtful(inquiry):
            return inquiry.unknown(RULE, subject, leaf.span, BALKS)
        unsure = [graph.nodes[edge.target] for edge in edges if edge.target not in self.sure]
        if unsure:
            where = ", ".join(dict.fromkeys(f"`{node.name or 'compensating'}`" for node in unsure[:4]))
            reason = f"no move was found that leads on to a success from {where} for all data"
            return inquiry.unknown(RULE, subject, leaf.span, reason)
        runs = [edge for edge in edges if edge.real]
        does = "gives up there after the pivot, and can still end well"
        seen = partial(inquiry.seen, runs, does, "no run that gives up there after the pivot was found")
        never = partial(inquiry.enters, leaf.name, f"comes to `{leaf.name}`; it never gives up after the pivot there")
        return inquiry.proved(RULE, subject, leaf.span, seen if runs else never)

    def _asked(self, edge: Edge, leaf: Leaf) -> bool:
        """Whether the call of a leaf gives up with an edge, after the pivot."""
        ended = edge.source >= 0 and edge.taken and edge.move.leaf == leaf.name and gave_up(edge.move)
        return bool(ended) and self._pivot(self.inquiry.graph.nodes[edge.source].instance) is not None

    def _pivot(self, at: Instance) -> Activity | None:
        """The latest irreversible activity that may have happened."""
        activities = (self.inquiry.kernel.activity[entry.activity] for entry in reversed(at.log))
        return next((each for each in activities if each.effect is Effect.IRREVERSIBLE), None)

    def _finding(self, leaf: Leaf, call: ActivityCall, arrival: Arrival) -> Finding:
        pivot = None if arrival.before is None else self._pivot(arrival.before.instance)
        others = () if pivot is None else (Label(pivot.span, "cannot be undone"),)
        name = call.activity if pivot is None else pivot.name
        return Finding(
            f"`{call.activity}` can give up in `{leaf.name}`, after the pivot, and no way forward is left",
            self.inquiry.way_in(arrival, call.span),
            "leads to no success any more",
            others=others,
            why=(
                f"`{name}` may have happened, so the run can only go forward; and from here no success can be reached.",
            ),
            fixes=(Fix("let it park:  `then park`; lead on to a success; or do it before the pivot"),),
        )
