"""Some edges of a graph, as what they do in, as edges out when these are asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from heapq import merge, nsmallest
from operator import itemgetter
from typing import overload

from .graph import Doing, Edge, Graph, Known


class Edges(Sequence[Edge]):
    """Some edges of a graph, in the order of their nodes, made when they are asked for. `ran`: those that were run;
    `shared`: those of known steps."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        self.ran: list[Edge] = []
        self.shared: list[Known] = []

    def add(self, way: Doing) -> None:
        if isinstance(way, Edge):
            self.ran.append(way)
        else:
            self.shared.append(way)

    def __len__(self) -> int:
        return len(self.ran) + sum(len(self._graph.sharing[way][0]) for way in self.shared)

    def __bool__(self) -> bool:
        return bool(self.ran or self.shared)

    @overload
    def __getitem__(self, index: int) -> Edge: ...

    @overload
    def __getitem__(self, index: slice) -> list[Edge]: ...

    def __getitem__(self, index: int | slice) -> Edge | list[Edge]:
        return [*self][index]

    def __iter__(self) -> Iterator[Edge]:
        return self.between(lambda _source, _target: True) if self.shared else iter(self.ran)

    def between(self, wanted: Callable[[int, int], bool]) -> Iterator[Edge]:
        """Those that lead from and to such nodes."""
        nodes, sharing = self._graph.nodes, self._graph.sharing
        rows: list[Iterator[tuple[int, int, Doing]]] = [_run(self.ran, wanted)]
        rows += [_taken(way, zip(*sharing[way], strict=True), wanted) for way in self.shared]
        for source, target, way in merge(*rows, key=itemgetter(0)):
            yield way if isinstance(way, Edge) else self._graph.edge(nodes[source], target, way)

    def only(self, wanted: Callable[[Doing], bool]) -> Edges:
        """Those that do something of some kind."""
        found = Edges(self._graph)
        found.ran, found.shared = [*filter(wanted, self.ran)], [*filter(wanted, self.shared)]
        return found

    def rows(self) -> Iterator[tuple[list[int], list[int]]]:
        """Where they lead from and to, in no particular order."""
        yield [edge.source for edge in self.ran], [edge.target for edge in self.ran]
        yield from (self._graph.sharing[way] for way in self.shared)

    def soonest(self, most: int) -> list[Edge]:
        """So many of the real ones, with the shortest runs."""
        nodes = self._graph.nodes
        found: list[tuple[int, int, int, int, Doing]] = []
        for number, way in enumerate(self.shared):
            sources, targets = self._graph.sharing[way]
            first = self._graph.soonest(sources, most)
            found += [(nodes[sources[at]].length + 1, sources[at], number, targets[at], way) for at in first]
        found += [(edge.length, edge.source, -1, edge.target, edge) for edge in self.ran if edge.real]
        kept = nsmallest(most, found, key=itemgetter(0, 1, 2))
        return [w if isinstance(w, Edge) else self._graph.edge(nodes[s], t, w) for _, s, _, t, w in kept]


def some(graph: Graph, wanted: Callable[[Doing], bool]) -> Edges:
    """The edges, the starts among them, that do something of some kind."""
    found = Edges(graph)
    found.ran, found.shared = [*filter(wanted, graph.ran)], [*filter(wanted, graph.sharing)]
    return found


def _run(edges: Iterable[Edge], wanted: Callable[[int, int], bool]) -> Iterator[tuple[int, int, Doing]]:
    return ((each.source, each.target, each) for each in edges if wanted(each.source, each.target))


def _taken(
    way: Known, pairs: Iterable[tuple[int, int]], wanted: Callable[[int, int], bool]
) -> Iterator[tuple[int, int, Doing]]:
    return ((source, target, way) for source, target in pairs if wanted(source, target))
