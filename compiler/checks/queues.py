"""Which events may wait where: a closed graph in; what may wait at a node, when it is come to and at rest, out.

The graph does not know what waits: an event that was deferred comes there as any other. So it shows rests that some
runs pass in one step, which matters to who asks where a run *must* rest. Here the events that may wait are found by the
least sets that agree with each other along all edges: what a place defers, and anything while a compensation is under
way, waits until a place is come to that surely takes or ignores it.
"""

from __future__ import annotations

from collections.abc import Iterator

from ..kernel import Configuration, Kernel, On, TriggerKind
from .graph import Edge, Graph, Node
from .moves import MoveKind

Events = frozenset[str]


class Queues:
    def __init__(self, kernel: Kernel, graph: Graph) -> None:
        self.kernel = kernel
        self.graph = graph
        self._arriving: dict[int, Events] = {}  # what may wait when a node is come to, by its id
        self._on = [On(TriggerKind.EVENT, event.name) for event in kernel.events]
        self._known: dict[tuple[tuple[str, ...], ...], tuple[Events, Events]] = {}  # by what says something of each
        if kernel.waiting:
            self._spread()

    def resting(self, node: Node) -> Events:
        """What may wait where a run rests in a node."""
        return self._resting(node, self.arriving(node))

    def arriving(self, node: Node) -> Events:
        """What may wait when a run comes to a node, in the middle of a step."""
        return self._arriving.get(node.id, Events())

    @property
    def waited(self) -> Iterator[tuple[int, Events]]:
        """The nodes, by their ids in order, where something may wait when they are come to, and what."""
        return ((id, self._arriving[id]) for id in sorted(self._arriving))

    def coming(self, node: Node) -> Events:
        """What may be sent while a run rests in a node, and has to wait."""
        if not node.control.resting:  # whatever comes has to (K6)
            return Events(event.name for event in self.kernel.events)
        return self._at(node.control.configuration)[1]

    def leaving(self, node: Node) -> Events:
        """The events that lead on from a node: one that waits does so at once."""
        return Events(each.move.name for each in self.graph.out[node.id] if by_event(each) and not each.stay)

    def _spread(self) -> None:
        """From where something comes to wait along the edges, again from each node at which that makes a difference."""
        todo = [node for node in self.graph.nodes if self._resting(node, Events())]
        while todo:
            for edge in self.graph.out[todo.pop().id]:
                known = self.arriving(self.graph.nodes[edge.target])
                more = known | self._with(edge)
                if more != known:
                    self._arriving[edge.target] = more
                    todo.append(self.graph.nodes[edge.target])

    def _with(self, edge: Edge) -> Events:
        """What may wait when the end of an edge is come to: what waited at rest, and, of an event that had waited
        itself, whatever came with it."""
        node = self.graph.nodes[edge.source]
        arriving = self.arriving(node)
        passing = by_event(edge) and edge.move.name in arriving
        return self._resting(node, arriving) | (arriving if passing else Events())

    def _resting(self, node: Node, arriving: Events) -> Events:
        if not node.control.resting:
            return self.coming(node)
        taken, deferred = self._at(node.control.configuration)
        return (arriving - taken) | deferred

    def _at(self, configuration: Configuration) -> tuple[Events, Events]:
        """The events that a configuration surely takes or ignores, and those that it may defer."""
        said = tuple([self.kernel.answerable(configuration, on) for on in self._on])
        if said not in self._known:
            self._known[said] = self._asked(configuration)
        return self._known[said]

    def _asked(self, configuration: Configuration) -> tuple[Events, Events]:
        kernel = self.kernel
        names = [event.name for event in kernel.events]
        written = {name: kernel.written(configuration, On(TriggerKind.EVENT, name)) for name in names}
        taken = [n for n in names if kernel.ignored(configuration, n) or any(c.guard is None for c in written[n])]
        return Events(taken), Events(name for name in names if kernel.deferred(configuration, name))


def by_event(edge: Edge) -> bool:
    return edge.move.kind is MoveKind.EVENT
