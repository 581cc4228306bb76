"""How long a run takes at the longest: an explored kernel in; a time, or why there is none, for each state out.

The longest way through the closed graph to a final, as `remaining` bounds it: calls and compensations within their
budgets, time parked with an operator not counted, events and tasks as late as the timers of the place allow. Where
something need never happen, or a cycle need never end, there is no bound, and the reason says what it is. A bound is
**exact** if `slowest` finds a run that takes so long.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from ..kernel import LeafKind
from .graph import Edge, Node
from .inquiry import Inquiry
from .latest import MICRO, Latest, gated
from .leads import drives
from .remaining import WAITS, Remaining, Trouble, Way
from .slowest import Slow, endless, since, slowest, told, took
from .verdict import Horizon


def horizons(inquiry: Inquiry) -> tuple[Horizon, ...]:
    """The flow's own, then that of every state a run can come to, in the order of the text."""
    graph, kernel = inquiry.graph, inquiry.kernel
    if not graph.complete:
        return ()
    begun = [graph.nodes[id] for id in dict.fromkeys(edge.target for edge in graph.begin)]
    remaining = left(inquiry)
    whole, run = _whole(inquiry, remaining, begun)
    places: dict[str, list[Node]] = {}
    for node in (graph.nodes[id] for id in remaining.out):
        for leaf in node.control.configuration:
            places.setdefault(leaf, []).append(node)
    states = (leaf.name for leaf in kernel.leaves if leaf.kind is LeafKind.STATE and leaf.name in places)
    return whole, *(_from(state, inquiry, remaining, places[state], run) for state in states)


def left(inquiry: Inquiry) -> Remaining:
    """How long is left from every node that a run comes to, in a graph that is complete."""
    graph = inquiry.graph
    latest = Latest(inquiry.kernel, graph, inquiry.explorer.clock, inquiry.children)
    edges = [[edge for edge in out if not latest.beaten(graph.nodes[edge.source], edge)] for out in graph.out]
    inner = _reached(edges, [graph.nodes[edge.target] for edge in graph.begin])
    return Remaining(graph, latest, {id: edges[id] for id in sorted(inner)})


def _reached(out: Sequence[Sequence[Edge]], sources: Sequence[Node]) -> set[int]:
    found = {node.id for node in sources}
    todo = list(found)
    while todo:
        for edge in out[todo.pop()]:
            if edge.target not in found:
                found.add(edge.target)
                todo.append(edge.target)
    return found


def _whole(inquiry: Inquiry, remaining: Remaining, begun: Sequence[Node]) -> tuple[Horizon, Slow | None]:
    """The flow's own, and the run that takes so long."""
    trouble = _trouble(remaining, begun)
    if trouble is not None:
        reason = _why(inquiry, remaining.latest, trouble)
        return Horizon("", None, reason, legs=endless(inquiry, trouble)), None
    ways, longest = _ways(remaining, begun)
    run = slowest(inquiry, remaining, ways, chosen=True)
    if run is None:
        return Horizon("", longest), None
    return Horizon("", longest, "", took(run), told(inquiry, remaining.latest, run)), run


def _from(name: str, inquiry: Inquiry, remaining: Remaining, sources: Sequence[Node], whole: Slow | None) -> Horizon:
    """That of a state; `whole`: the slowest run of the flow, which may be as slow from there."""
    trouble = _trouble(remaining, sources)
    if trouble is not None:
        return Horizon(name, None, _why(inquiry, remaining.latest, trouble))
    ways, longest = _ways(remaining, sources)
    found = None if whole is None else since(whole, name)
    if found != longest:
        run = slowest(inquiry, remaining, ways, chosen=False)
        found = max((each for each in (found, None if run is None else took(run)) if each is not None), default=None)
    return Horizon(name, longest, "", found)


def _trouble(remaining: Remaining, sources: Sequence[Node]) -> Trouble | None:
    found = (remaining.trouble[node.id] for node in sources if node.id in remaining.trouble)
    return min(found, key=Trouble.key, default=None)


def _ways(remaining: Remaining, sources: Sequence[Node]) -> tuple[list[tuple[Node, Way]], timedelta]:
    """The slowest ways from any of some nodes, and how long one takes at the most."""
    ways = [(node, way) for node in sources for way in remaining.ways[node.id]]
    longest = max(way.longest(remaining.latest.left_at(node)) for node, way in ways)
    return ways, longest * MICRO


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
