"""Of activities that the search takes for one (a sort): a closed graph and one of them in; which compensations may
begin above a call of that very one, and runs that may show it, out.

Control knows of a log that an entry is of some sort; but edges know which leaves they enter and whose call answers, and
a leaf calls one activity. So where an activity may stand is found again along the edges, with as many entries of it as
there may be above a mark: none, one, or more.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence

from ...dsl.model import Activity
from .following import follow
from .graph import Arrival, Edge
from .inquiry import Inquiry
from .livelock import way
from .moves import MoveKind
from .passages import begun

MANY = 2
MOST_TRIED = 12  # ways to a compensation
Spot = tuple[int, int]
"""A node, and how many entries of the activity may lie above the mark there."""


class Whose:
    """Of one activity."""

    def __init__(self, inquiry: Inquiry, activity: Activity) -> None:
        self.inquiry = inquiry
        self.graph = inquiry.graph
        calls = ((leaf.name, leaf.call) for leaf in inquiry.kernel.leaves if leaf.call is not None)
        self.each = {name: call.each is not None for name, call in calls if call.activity == activity.name}
        self.fails = {failure.name for failure in activity.fails}
        sorts = inquiry.abstraction.sorts
        self.alike = {each for each, sort in sorts.items() if sort == sorts[activity.name]}

    def compensations(self) -> Iterator[Edge]:
        """The edges that begin a compensation down to a mark above which a call of the activity may stand."""
        begin = [(edge, begun(self.inquiry.kernel, edge.taken)) for edge in self.graph.edges()]
        for mark in dict.fromkeys(target.since for _, targets in begin for target in targets):
            standing = self._standing(mark)
            for edge, targets in begin:
                if any(target.since == mark for target in targets) and self._stands(edge, mark, standing):
                    yield edge

    def _stands(self, edge: Edge, mark: str | None, standing: set[Spot]) -> bool:
        before = {number for node, number in standing if node == edge.source} if edge.source >= 0 else {0}
        return any(after for number in before for after in self._after(edge, number, mark))

    def _standing(self, mark: str | None) -> set[Spot]:
        """How many entries may lie above a mark, wherever a run comes to. Of no mark: on the whole log."""
        found = {(edge.target, number) for edge in self.graph.begin for number in self._after(edge, 0, mark)}
        todo = list(found)
        while todo:
            node, number = todo.pop()
            new = {(e.target, after) for e in self.graph.out[node] for after in self._after(e, number, mark)} - found
            found |= new
            todo += new
        return found

    def _after(self, edge: Edge, number: int, mark: str | None) -> set[int]:
        """How many there may be after an edge. An error that is declared takes one off the log."""
        before = {number}
        if edge.move.answer in self.fails and number:
            if edge.move.kind is MoveKind.ANSWER and edge.move.leaf in self.each:
                before = {number - 1, *([number] if number == MANY else [])}
            elif edge.move.kind is MoveKind.SETTLE and edge.move.name.partition("#")[0] in self.alike:
                before = {number - 1, number}
        entered = edge.entered
        made = [name for name in entered if name in self.each]
        if mark in entered:
            before = {0, *(before if entered.count(mark) > 1 else ())}
        more = sum(MANY if self.each[name] else 1 for name in made)
        return {min(number + more, MANY) for number in before}

    def runs(self, edges: Sequence[Edge]) -> Iterator[Arrival]:
        """Runs that make a call of the activity, and come to one of some edges after that."""
        out = {node.id: [edge for edge in self.graph.out[node.id] if edge.real] for node in self.graph.nodes}
        calling = [e for e in self.graph.edges() if e.real and not self.each.keys().isdisjoint(e.entered)]
        tried = 0
        todo = deque((first, last) for last in edges for first in sorted(calling, key=lambda edge: edge.length))
        while todo and tried < MOST_TRIED:
            first, last = todo.popleft()
            steps = way(out, first.target, last.source) if last.source >= 0 else None
            if steps is not None:
                tried += 1
                at: Arrival | None = first.arrival
                for edge in (*steps, last):
                    at = None if at is None else follow(self.inquiry, at, edge, at.now)
                if at is not None:
                    yield at
