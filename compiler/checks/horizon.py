"""How long a run takes at the longest: an explored kernel in; a time, or why there is none, for each state out.

The longest way through the closed graph to a final, as `latest` bounds it: calls and compensations within their
budgets, time parked with an operator not counted, events and tasks as late as the timers of the place allow. Where
something need never happen, or a cycle need never end, there is no bound, and the reason says what it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from ...dsl.model import Assign, Expr, Ref
from ..kernel import Kernel, LeafKind
from .graph import Edge, Node
from .inquiry import Inquiry
from .latest import MICRO, Latest, gated
from .leads import drives, late_run
from .livelock import strong
from .rewrite import inside
from .undoing import BALKS, doubtful
from .verdict import Horizon


def horizons(inquiry: Inquiry) -> tuple[Horizon, ...]:
    """The flow's own, then that of every state a run can come to, in the order of the text."""
    graph, kernel = inquiry.graph, inquiry.kernel
    if not graph.complete:
        return ()
    latest = Latest(kernel, graph, inquiry.explorer.clock, inquiry.children)
    edges = [[edge for edge in out if not latest.beaten(graph.nodes[edge.source], edge)] for out in graph.out]
    begun = [graph.nodes[id] for id in dict.fromkeys(edge.target for edge in graph.begin)]
    found = [_horizon("", inquiry, latest, edges, begun)]
    inner = _reached(edges, begun)
    for leaf in (leaf for leaf in kernel.leaves if leaf.kind is LeafKind.STATE):
        nodes = [node for node in graph.nodes if node.id in inner and leaf.name in node.control.configuration]
        if nodes:
            found.append(_horizon(leaf.name, inquiry, latest, edges, nodes))
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


def _horizon(
    name: str, inquiry: Inquiry, latest: Latest, out: Sequence[Sequence[Edge]], sources: Sequence[Node]
) -> Horizon:
    inquiry.explorer.budget.check()
    graph = inquiry.graph
    inner = [graph.nodes[id] for id in sorted(_reached(out, sources))]
    resting = [node for node in inner if not node.control.finished]
    edges = [edge for node in resting for edge in out[node.id]]
    waits = next((node for node in resting if not latest.spans(node)), None)
    if waits is not None:
        return Horizon(name, None, _wait(inquiry, latest, waits))
    if doubtful(inquiry):
        return Horizon(name, None, BALKS)
    groups = strong(len(graph.nodes), edges)
    for group in groups:
        if any(map(drives, group)) and latest.ended_by(group) is None:
            first = next(edge for edge in group if drives(edge))
            return Horizon(name, None, f"it can go round {_where(graph.nodes[first.source])} again and again")
        if any(not edge.stay and not drives(edge) for edge in group):
            return Horizon(name, None, "how many calls there may be to undo is not bounded")
    found = latest.longest(sources, edges, [group for group in groups if any(map(drives, group))])
    if not found.converged:
        return Horizon(name, None, "the longest way was not found")
    ends = [(latest.left(found, edge), edge) for edge in edges if graph.nodes[edge.target].control.finished]
    longest, last = max(ends, key=lambda end: end[0], default=(0, None))
    asked = not name and last is not None and not _steered(inquiry.kernel)
    played = late_run(inquiry, latest, found.way(last), sources) if asked and last is not None else None
    return Horizon(name, timedelta(0) + longest * MICRO, shown=played is not None and played[1] == longest)


def _steered(kernel: Kernel) -> bool:
    """Whether what a flow is given may decide which way a run goes, or how long it waits."""
    guards = [command.guard for command in kernel.commands]
    guards += [branch.guard for choice in kernel.choices for branch in choice.branches]
    moments = [moment for timer in kernel.timers() for moment in (timer.after, timer.at)]
    items = [leaf.call.each.items for leaf in kernel.leaves if leaf.call is not None and leaf.call.each is not None]
    names = {name for expr in (*guards, *moments, *items) if expr is not None for name in _read(expr)}
    updates = [update for update in kernel.updates() if isinstance(update, Assign)]
    while fresh := {name for each in updates if each.name in names for name in _read(each.value)} - names:
        names |= fresh
    return any(variable.name in names for variable in kernel.inputs)


def _read(expr: Expr) -> set[str]:
    return {part.name for part in inside(expr) if isinstance(part, Ref)}


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
