"""Steps that need nobody and may take no time: an explored kernel in; those that make up rounds in no time, out.

Answers come at once, if they like. A timer is due at once where its length is nothing, or may be as data say, or where
it counts from the entry of a place that was long ago (`since`). A run that goes round at one moment, over a timer that
counts from a place, does not enter that place as it goes: the timer would count from that very moment. So of these
timers only those are left that lie on a round without such an entry.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import partial

from .components import strong
from .edges import some
from .graph import Doing, Edge, Graph
from .inquiry import Inquiry
from .moves import MoveKind


def at_once(inquiry: Inquiry) -> Sequence[Edge]:
    """The edges of all rounds in no time, and perhaps more; the starts are not among them."""
    graph, clock = inquiry.graph, inquiry.explorer.clock
    slow = frozenset(timer for timer in clock.ticking if lasts(inquiry, timer))
    counted = {timer: inquiry.kernel.timer[timer].since or "" for timer in slow if clock.counts(timer)}
    unaided = some(graph, partial(_unaided, slow - counted.keys()))
    fired = {edge.move.name for edge in unaided.ran if edge.move.kind is MoveKind.TIMER}
    homes = {timer: home for timer, home in counted.items() if timer in fired}
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


def _unaided(slow: Collection[str], edge: Doing) -> bool:
    """Whether an edge needs nobody, and may take no time. slow: the timers that take some, and count from when they are
    armed."""
    match edge.move.kind:
        case MoveKind.ANSWER | MoveKind.SETTLE | MoveKind.UNDONE:
            return True
        case MoveKind.TIMER:
            return edge.move.name not in slow
        case _:
            return False


def lasts(inquiry: Inquiry, timer: str) -> bool:
    """Whether a timer takes some time wherever it is armed, if it counts from then."""
    clock, lasting = inquiry.explorer.clock, inquiry.explorer.lasting
    if timer not in clock.lasting:
        return bool(clock.length(timer))
    armed = [e for e in inquiry.graph.edges() if e.taken and clock.place[timer] in {"", *e.entered}]
    ends = ((inquiry.graph.nodes[edge.target], edge.taken[-1].entered) for edge in armed)
    told = (
        lasting(node.control.place, node.data, last)([timer]) for node, last in ends if timer in node.control.timers
    )
    return all(clock.span(timer, each)[0] > 0 for each in told)


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
