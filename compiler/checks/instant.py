"""Steps that need nobody and may take no time: an explored kernel in; those that make up rounds in no time, out.

Answers come at once, if they like. A timer is due at once where its length is nothing, or data, or where it counts from
the entry of a place that was long ago (`since`). A run that goes round at one moment, over a timer that counts from a
place, does not enter that place as it goes: the timer would count from that very moment. So of these timers only those
are left that lie on a round without such an entry.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from .components import strong
from .edges import some
from .graph import Doing, Edge, Graph
from .inquiry import Inquiry
from .moves import MoveKind


def at_once(inquiry: Inquiry) -> Sequence[Edge]:
    """The edges of all rounds in no time, and perhaps more; the starts are not among them."""
    graph = inquiry.graph
    unaided = some(graph, partial(_unaided, inquiry))
    homes = {edge.move.name: home for edge in unaided.ran if (home := _counted(inquiry, edge))}
    if not homes:
        return unaided
    edges = [*unaided]
    for name, home in homes.items():
        since = _since(graph, home)
        edges = [edge for edge in edges if edge.move.name != name or edge.source in since]
    left = -1
    while homes and left != len(edges):
        left = len(edges)
        for name, home in homes.items():
            without = [edge for edge in edges if home not in entries(edge)]
            rounds = {id(edge) for group in strong(len(graph.nodes), without) for edge in group}
            edges = [edge for edge in edges if edge.move.name != name or id(edge) in rounds]
    return edges


def _unaided(inquiry: Inquiry, edge: Doing) -> bool:
    """Whether an edge needs nobody, and may take no time."""
    match edge.move.kind:
        case MoveKind.ANSWER | MoveKind.SETTLE | MoveKind.UNDONE:
            return True
        case MoveKind.TIMER:
            return not inquiry.explorer.clock.length(edge.move.name) or bool(_counted(inquiry, edge))
        case _:
            return False


def _counted(inquiry: Inquiry, edge: Doing) -> str:
    """The place that the timer of an edge counts from, so long that it is not due as soon as that is entered."""
    clock, name = inquiry.explorer.clock, edge.move.name
    if edge.move.kind is not MoveKind.TIMER or not clock.length(name) or not clock.counts(name):
        return ""
    return inquiry.kernel.timer[name].since or ""


def entries(edge: Edge) -> frozenset[str]:
    """The places that are entered on the way of an edge."""
    return frozenset((*edge.entered, *(place for taken in edge.taken for place in taken.entered)))


def _since(graph: Graph, place: str) -> set[int]:
    """The nodes that a run may come to after it has entered a place."""
    found = {edge.target for edge in graph.edges() if place in entries(edge)}
    todo = list(found)
    while todo:
        new = {edge.target for edge in graph.out[todo.pop()]} - found
        found |= new
        todo += new
    return found
