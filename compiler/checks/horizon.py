"""How long a run takes at the longest: an explored kernel in; a time, or why there is none, for each state out.

The longest way through the closed graph to a final, as `remaining` bounds it: calls and compensations within their
budgets, time parked with an operator not counted, events and tasks as late as the timers of the place allow. Where
something need never happen, or a cycle need never end, there is no bound, and the reason says what it is. A bound is
**exact** if `slowest` finds a run that takes so long.
"""

from __future__ import annotations

from collections.abc import Sequence

from ..kernel import LeafKind
from .graph import Edge, Node
from .inquiry import Inquiry
from .latest import MICRO, Latest, gated
from .leads import drives
from .remaining import WAITS, Remaining, Trouble
from .slowest import endless, slowest, told
from .verdict import Horizon


def horizons(inquiry: Inquiry) -> tuple[Horizon, ...]:
    """The flow's own, then that of every state a run can come to, in the order of the text."""
    graph, kernel = inquiry.graph, inquiry.kernel
    if not graph.complete:
        return ()
    latest = Latest(kernel, graph, inquiry.explorer.clock, inquiry.children)
    edges = [[edge for edge in out if not latest.beaten(graph.nodes[edge.source], edge)] for out in graph.out]
    begun = [graph.nodes[id] for id in dict.fromkeys(edge.target for edge in graph.begin)]
    inner = _reached(edges, begun)
    remaining = Remaining(graph, latest, {id: edges[id] for id in sorted(inner)})
    found = [_horizon("", inquiry, remaining, begun)]
    places: dict[str, list[Node]] = {}
    for node in (graph.nodes[id] for id in sorted(inner)):
        for leaf in node.control.configuration:
            places.setdefault(leaf, []).append(node)
    for leaf in (leaf for leaf in kernel.leaves if leaf.kind is LeafKind.STATE and leaf.name in places):
        found.append(_horizon(leaf.name, inquiry, remaining, places[leaf.name]))
    return tuple(found)


def _reached(out: Sequence[Sequence[Edge]], sources: Sequence[Node]) -> set[int]:
    found = {node.id for node in sources}
    todo = list(found)
    while todo:
        for edge in out[todo.pop()]:
            if edge.target not in found:
                found.add(edge.target)
                todo.append(edge.target)
    return found


def _horizon(name: str, inquiry: Inquiry, remaining: Remaining, sources: Sequence[Node]) -> Horizon:
    troubles = [remaining.trouble[node.id] for node in sources if node.id in remaining.trouble]
    if troubles:
        trouble = min(troubles, key=Trouble.key)
        legs = () if name else endless(inquiry, trouble)
        return Horizon(name, None, _why(inquiry, remaining.latest, trouble), legs=legs)
    ways = [(node, way) for node in sources for way in remaining.ways[node.id]]
    longest = max(way.longest(remaining.latest.left_at(node)) for node, way in ways)
    run, found = slowest(inquiry, remaining, [(node, way) for node, way in ways if not way.merged])
    return Horizon(name, longest * MICRO, "", found, () if name or run is None else told(inquiry, remaining.latest, run))


def _why(inquiry: Inquiry, latest: Latest, trouble: Trouble) -> str:
    node = inquiry.graph.nodes[trouble.node]
    if trouble.rank == WAITS:
        return _wait(inquiry, latest, node)
    first = next((edge for edge in trouble.group if drives(edge)), None)
    if first is None or latest.ended_by(trouble.group) is not None:
        return "how many calls there may be to undo is not bounded"
    return f"it can go round {_where(inquiry.graph.nodes[first.source])} again and again"


def _wait(inquiry: Inquiry, latest: Latest, node: Node) -> str:
    """Why nothing has to happen in a node."""
    where = _where(node)
    if (unknown := latest.awaited(node)) is not None:
        return unknown
    if latest.waits_for_data(node):
        return f"when {where} is left depends on data"
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
