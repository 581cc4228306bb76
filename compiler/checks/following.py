"""The step of an edge, made from another instance than the one it was found with."""

from __future__ import annotations

from datetime import datetime

from .graph import Arrival, Edge
from .inquiry import Inquiry
from .moves import Move, moves


def follow(inquiry: Inquiry, at: Arrival, edge: Edge, now: datetime) -> Arrival | None:
    """The step of an edge, from another instance of its source; from its own, as it was made, if it came then."""
    known = edge.arrival
    if (
        known.before is at
        and known.trigger is not None
        and known.now == max(now, inquiry.attempts.moment(at, known.trigger))
    ):
        return known
    for move in moves(inquiry.kernel, at.instance):
        if _same(move, edge.move):
            made = inquiry.attempts.step(at, move, edge.arrival.payload, now)
            return None if made is None else made.along(edge.arrival.fan, edge.arrival.passage)
    return None


def _same(move: Move, other: Move) -> bool:
    return (move.kind, move.answer, move.name.partition("#")[0]) == (
        other.kind,
        other.answer,
        other.name.partition("#")[0],
    )
