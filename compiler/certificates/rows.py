"""An explored kernel in, its transition table out: every move of every node, and every way through it, with its ends.

The table is what the interpreter says of control. What is said of data beside it is proved: that the ends of a row are
all there are, for all data of its node and every payload.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ..checks.control import Control
from ..checks.graph import Arrival, Edge, Node, Reaction
from ..checks.inquiry import Inquiry
from ..checks.moves import Move, MoveKind
from ..checks.passages import Fan, Passage, Passages
from ..instance import Taken
from ..kernel import Undo

MoveKey = tuple[MoveKind, str, str, str]


@dataclass(frozen=True, eq=False, slots=True)
class Row:
    """`source` None: the start. `chain`: the passages of the step, the last its end; empty where no command is taken,
    and data stay as they are. `targets`: nodes of one control (with a log that is kept loosely, of one place); none:
    the data of the source rule the way out. `shown`: a step that was run so, None: it is ruled out."""

    source: Node | None
    move: Move
    chain: tuple[Passage, ...]
    targets: tuple[Node, ...]
    taken: tuple[Taken, ...]
    shown: Arrival | None


def table(inquiry: Inquiry) -> Iterator[Row]:
    graph = inquiry.graph
    if graph.starting is not None:
        yield from _rows(inquiry, None, [graph.starting], graph.begin)
    for node in graph.nodes:
        yield from _rows(inquiry, node, node.reactions, graph.out[node.id])


def _rows(inquiry: Inquiry, node: Node | None, reactions: Sequence[Reaction], edges: Sequence[Edge]) -> Iterator[Row]:
    found: dict[MoveKey, list[Edge]] = {}
    for edge in edges:
        found.setdefault(_key(edge.move), []).append(edge)
    fans = {_key(reaction.move): reaction for reaction in reactions}
    for key in {**fans, **found}:
        yield from _of_move(inquiry, node, fans.get(key), found.get(key, []))


def _of_move(inquiry: Inquiry, node: Node | None, reaction: Reaction | None, edges: Sequence[Edge]) -> Iterator[Row]:
    move = edges[0].move if reaction is None else reaction.move
    ends: dict[int, tuple[Fan, Passage]] = {}
    for edge in edges:
        fan, passage = edge.arrival.fan, edge.arrival.passage
        if fan is None or passage is None:
            yield Row(node, move, (), (inquiry.graph.nodes[edge.target],), edge.taken, edge.arrival)
        else:
            ends[passage.id] = fan, passage
    if reaction is not None:
        ends |= {end.id: (reaction.fan, end) for end in inquiry.ends(reaction.parts)}
    for fan, passage in ends.values():
        chain = _chain(inquiry.states.passages, fan, passage)
        mine = [edge for edge in edges if edge.arrival.passage is passage]
        alike = mine or [edge for edge in edges if edge.arrival.passage is not None and edge.taken == passage.trail]
        targets: dict[object, dict[int, Node]] = {}
        for edge in alike:
            target = inquiry.graph.nodes[edge.target]
            targets.setdefault(_kept_apart(node, target.control), {})[target.id] = target
        undoing = isinstance(passage.target, Undo) or move.kind in {MoveKind.SETTLE, MoveKind.UNDONE}
        stopped = undoing and inquiry.attempts.balked  # by an argument that faults (F104)
        if not targets and not stopped:
            yield Row(node, move, chain, (), passage.trail, None)
        for group in targets.values():
            yield Row(node, move, chain, tuple(group.values()), passage.trail, alike[0].arrival)


def _kept_apart(node: Node | None, control: Control) -> object:
    """Data decide among the nodes of one control; where the log is kept loosely, so may what is forgotten of it."""
    return control.place if node is not None and node.control.loose else control


def _key(move: Move) -> MoveKey:
    """Keys of calls count on; which call it is of its activity decides nothing."""
    calls = move.kind in {MoveKind.ANSWER, MoveKind.SETTLE, MoveKind.UNDONE}
    return move.kind, move.name.partition("#")[0] if calls else move.name, move.answer, move.leaf


def _chain(passages: Passages, fan: Fan, end: Passage) -> tuple[Passage, ...]:
    """The passages of one step, from the first of a fan to its end."""
    for passage in fan.passages:
        if passage is end:
            return (passage,)
        onward = isinstance(passage.target, Undo) or passages.goes_on(passage)
        if onward and len(passage.trail) < len(end.trail) and end.trail[: len(passage.trail)] == passage.trail:
            further = _chain(passages, passages.after(passage), end)
            if further:
                return (passage, *further)
    return ()
