"""How long a run takes at the longest: an explored kernel in; a time, or why there is none, for each state out.

The longest way through the closed graph to a final, as `remaining` bounds it: calls and compensations within their
budgets, time parked with an operator not counted, events and tasks as late as the timers of the place allow. Where
something need never happen, or a cycle need never end, there is no bound, and the reason says what it is. A bound is
**exact** if `slowest` finds a run that takes so long.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import timedelta
from functools import partial

from ...dsl.model import Assign, Expr, Ref
from ..kernel import Kernel, LeafKind
from .edges import Edges
from .graph import Doing, Edge, Node
from .inquiry import Inquiry
from .latest import Latest, gated
from .remaining import WAITS, Remaining, Trouble, drives
from .rewrite import inside
from .slowest import Slow, endless, onward, since, slowest, told, took
from .undoing import BALKS, doubtful
from .verdict import Horizon


def horizons(inquiry: Inquiry) -> tuple[Horizon, ...]:
    """The flow's own, then that of every state a run can come to, in the order of the text."""
    graph, kernel = inquiry.graph, inquiry.kernel
    if not graph.complete:
        return ()
    if doubtful(inquiry):
        return (Horizon("", None, BALKS, known=False),)
    remaining = left(inquiry)
    whole, run = _whole(inquiry, remaining)
    into = _into(inquiry, remaining)
    states = (leaf.name for leaf in kernel.leaves if leaf.kind is LeafKind.STATE and leaf.name in into)
    known: dict[str, timedelta] = {} if run is None else since(run)
    found = (_from(state, inquiry, remaining, into[state], known) for state in states)
    return whole, *(horizon for horizon in found if horizon is not None)


def longest(inquiry: Inquiry) -> timedelta | None:
    """The bound of the flow's own, if there is one and it is known; no run is looked for that takes so long."""
    if not inquiry.graph.complete or doubtful(inquiry):
        return None
    remaining, begun = left(inquiry), inquiry.graph.begin
    found = None if _trouble(remaining, begun) else onward(remaining, begun)
    return max((each.most for each in found), default=None) if found else None


def left(inquiry: Inquiry) -> Remaining:
    """How long is left from every node that a run comes to, in a graph that is complete."""
    return Remaining(inquiry.graph, inquiry.latest)


def _into(inquiry: Inquiry, remaining: Remaining) -> Mapping[str, Edges]:
    """The edges that come to rest in each leaf which they enter."""
    graph = inquiry.graph
    found: defaultdict[str, Edges] = defaultdict(partial(Edges, graph))

    def entered(way: Doing, source: int, target: int) -> list[str]:
        before = () if source < 0 else graph.nodes[source].control.configuration
        leaves = graph.nodes[target].control.configuration
        return [leaf for leaf in leaves if leaf not in before or leaf in way.entered]

    for edge in filter(remaining.out.has, graph.ran):
        for leaf in entered(edge, edge.source, edge.target):
            found[leaf].add(edge)
    for way, (sources, targets) in graph.sharing.items():  # where one enters a leaf, all do
        for leaf in entered(way, sources[0], targets[0]):
            found[leaf].add(way)
    return found


def _whole(inquiry: Inquiry, remaining: Remaining) -> tuple[Horizon, Slow | None]:
    """The flow's own, and the run that takes so long."""
    begun = inquiry.graph.begin
    trouble = _trouble(remaining, begun)
    if trouble is not None:
        return _endless("", inquiry, remaining.latest, trouble), None
    ways = onward(remaining, begun)
    longest = max(each.most for each in ways)
    run = slowest(inquiry, remaining, ways, chosen=True)
    if run is None:
        return Horizon("", longest), None
    found, legs = took(run), told(inquiry, remaining.latest, run)
    return Horizon("", longest, "", found, legs, always=found == longest and not _steered(inquiry.kernel)), run


def _steered(kernel: Kernel) -> bool:
    """Whether what a flow is given may decide which way a run goes, or how long it waits."""
    moments = [moment for timer in kernel.timers() for moment in (timer.after, timer.at)]
    items = [leaf.call.each.items for leaf in kernel.leaves if leaf.call is not None and leaf.call.each is not None]
    names = {name for expr in (*kernel.guards.values(), *moments, *items) if expr is not None for name in _read(expr)}
    updates = [update for update in kernel.updates() if isinstance(update, Assign)]
    while fresh := {name for each in updates if each.name in names for name in _read(each.value)} - names:
        names |= fresh
    return any(variable.name in names for variable in kernel.inputs)


def _read(expr: Expr) -> set[str]:
    return {part.name for part in inside(expr) if isinstance(part, Ref)}


def _from(
    name: str, inquiry: Inquiry, remaining: Remaining, into: Sequence[Edge], known: dict[str, timedelta]
) -> Horizon | None:
    """That of a state, from when it is entered. known: how long slow runs that were found take from the states on that
    they come to: some may be as slow as can be from there."""
    inquiry.explorer.budget.check()
    trouble = _trouble(remaining, into)
    if trouble is not None:
        return _endless(name, inquiry, remaining.latest, trouble)
    ways = onward(remaining, (edge for edge in into if edge.source < 0 or edge.source in remaining.out))
    if not ways:
        return None  # no run comes there in time
    longest = max(each.most for each in ways)
    if known.get(name) != longest and (run := slowest(inquiry, remaining, ways, chosen=False)) is not None:
        for state, time in since(run).items():
            known[state] = max(time, known.get(state, time))
    return Horizon(name, longest, "", known.get(name))


def _trouble(remaining: Remaining, into: Sequence[Edge]) -> Trouble | None:
    rows = into.rows() if isinstance(into, Edges) else [([e.source for e in into], [e.target for e in into])]
    pairs = (pair for sources, targets in rows for pair in zip(sources, targets, strict=True))
    targets = {target for source, target in pairs if source < 0 or source in remaining.out}
    found = (remaining.trouble[target] for target in targets if target in remaining.trouble)
    return min(found, key=Trouble.key, default=None)


def _endless(name: str, inquiry: Inquiry, latest: Latest, trouble: Trouble) -> Horizon:
    """Of a state, or (no name) of the flow, from which there is no bound, or none is known."""
    node = inquiry.graph.nodes[trouble.node]
    unknown = _unknown(latest, trouble, node)
    if unknown is not None:
        return Horizon(name, None, unknown, known=False)
    return Horizon(name, None, _why(inquiry, trouble, node), legs=() if name else endless(inquiry, trouble))


def _unknown(latest: Latest, trouble: Trouble, node: Node) -> str | None:
    """Why nobody knows how long it takes from a node, though it may have an end."""
    if trouble.rank == WAITS:
        data = f"when {_where(node)} is left depends on data" if latest.waits_for_data(node) else None
        return latest.awaited(node) or data
    turns = any(map(drives, trouble.group)) and latest.ended_by(trouble.group) is None
    return None if turns else "how many calls there may be to undo is not known"


def _why(inquiry: Inquiry, trouble: Trouble, node: Node) -> str:
    """Why nothing has to happen in a node, or ends a cycle."""
    where = _where(node)
    if trouble.rank != WAITS:
        first = next(edge for edge in trouble.group if drives(edge))
        return f"it can go round {_where(inquiry.graph.nodes[first.source])} again and again"
    if not node.control.resting:
        return "a compensation is tried again for ever"
    if node.control.running:
        call = inquiry.kernel.leaf[node.control.running[0][0]].call
        if call is not None and gated(inquiry.kernel.activity[call.activity]):
            return f"`{call.activity}` may wait its turn, behind a breaker or a limit"
        return f"`{call.activity if call else where}` is tried again for ever"
    return f"somebody is waited for in {where}"


def _where(node: Node) -> str:
    return f"`{node.name}`" if node.name else "a compensation"
