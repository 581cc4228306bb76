"""How long is left from every node at the most: the edges of a closed graph in; for each node its slowest ways, out.

One pass backward over the strongly connected components, the last first. What is left from a node depends on what is
left of the clocks that are under way there (calls, timers, a compensation): a way from it to the end takes at the most
the least of `most` and, for each clock it is limited by, what is left of that one and so much more. For a node is left
in time t, no clock that is under way there having less than t left; behind it those that go on have t less left, and
those that begin all of their length. So ways are functions of one shape, and only those are kept that no other is
always slower than. Where they become too many, some are taken together: still at the most, no longer exact.

A component that something ends (`Latest.ended_by`) is left when that ends at the latest; whatever begins in it, does so
by then. One that nothing ends has no longest way, and neither has anything before it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from .components import strongly
from .graph import Edge, Graph
from .latest import Latest
from .leads import drives

MOST_WAYS = 16  # from one node


@dataclass(frozen=True, eq=False, slots=True)
class Way:
    """From a node to the end: by an edge, of this node or of another of its component, and then onward. Times are
    microseconds. `most` None: nothing but the clocks limits it. `merged`: it bounds several ways, and may be none."""

    most: int | None
    limits: Mapping[str, int]
    edge: Edge | None = None
    onward: Way | None = None
    merged: bool = False

    def longest(self, left: Mapping[str, int]) -> int:
        """What it takes, if so much is left of the clocks."""
        ends = [left[clock] + more for clock, more in self.limits.items()]
        return min(ends if self.most is None else [*ends, self.most])

    def edges(self) -> list[Edge]:
        """The edges it leaves components by, in order."""
        found: list[Edge] = []
        at: Way | None = self
        while at is not None and at.edge is not None:
            found.append(at.edge)
            at = at.onward
        return found


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why there is no longest way: a node in which nothing has to happen, or a cycle that nothing ends. The least is
    told: what waits before what goes round, what was found early before what was found late."""

    rank: int
    node: int
    group: tuple[Edge, ...] = ()

    def key(self) -> tuple[int, int]:
        return self.rank, self.node


WAITS, ROUND = 0, 1
END = Way(0, {})


class Remaining:
    """`ways` of every node from which all runs end; `trouble` of every other."""

    def __init__(self, graph: Graph, latest: Latest, out: Mapping[int, Sequence[Edge]]) -> None:
        self.graph = graph
        self.latest = latest
        self.out = out
        self.ways: dict[int, tuple[Way, ...]] = {}
        self.trouble: dict[int, Trouble] = {}
        self.group: dict[int, tuple[Edge, ...]] = {}  # the edges inside the component of a node, if there are any
        self.round: set[int] = set()  # the nodes of components in which a run may go round without end
        for nodes in strongly({id: [edge.target for edge in edges] for id, edges in out.items()}):
            self._component(nodes)

    def _component(self, ids: Sequence[int]) -> None:
        inner = frozenset(ids)
        edges = [edge for id in sorted(ids) for edge in self.out[id]]
        group = tuple(edge for edge in edges if edge.target in inner)
        if group:
            self.group.update(dict.fromkeys(ids, group))
        found = [*self._own_trouble(sorted(ids), group)]
        found += [self.trouble[edge.target] for edge in edges if edge.target in self.trouble]
        if found:
            self.trouble.update(dict.fromkeys(ids, min(found, key=Trouble.key)))
        elif group:
            ways = self._slowest(ids[0], self._left(group, [edge for edge in edges if edge.target not in inner]))
            self.ways.update(dict.fromkeys(ids, ways))
        else:
            (id,) = ids
            finished = self.graph.nodes[id].control.finished
            ways = (way for edge in edges for onward in self.ways[edge.target] for way in self._by(edge, onward))
            self.ways[id] = (END,) if finished else self._slowest(id, ways)

    def _own_trouble(self, ids: Sequence[int], group: tuple[Edge, ...]) -> Iterator[Trouble]:
        for id in ids:
            node = self.graph.nodes[id]
            if not node.control.finished and not self.latest.spans(node):
                yield Trouble(WAITS, id)
                break
        if group and any(map(drives, group)) and self.latest.ended_by(group) is None:
            self.round.update(ids)
        calls = any(not edge.stay and not drives(edge) for edge in group)  # to undo, and nobody knows how many
        if group and (calls or self.latest.ended_by(group) is None):
            yield Trouble(ROUND, ids[0], group)

    # ------------------------------------------------------------ ways over one edge

    def _by(self, edge: Edge, onward: Way) -> Iterator[Way]:
        """The ways of the source of an edge, by it."""
        source = self.graph.nodes[edge.source]
        spans = self.latest.spans(source)
        for most, limits in self._begun(edge, onward):
            found = dict(limits)
            for clock in spans:
                if most is not None:
                    found[clock] = min(most, found.get(clock, most))
            yield Way(None, found, edge, onward, onward.merged)

    def _left(self, group: Sequence[Edge], exits: Sequence[Edge]) -> Iterator[Way]:
        """The ways of the nodes of a component: some time, when what ends it has to end at the latest, by an exit."""
        common = self.latest.lasting(group)
        last = min(common, key=common.__getitem__)
        for edge in exits:
            lengths = self.latest.spans(self.graph.nodes[edge.source])
            for onward in self.ways[edge.target]:
                for most, limits in self._begun(edge, onward):
                    found = {clock: more for clock, more in limits.items() if clock in common}
                    later = [lengths.get(clock, 0) + more for clock, more in limits.items() if clock not in common]
                    if most is not None:
                        found = {clock: min(most, found.get(clock, most)) for clock in common}
                    if later:
                        found[last] = min(*later, found.get(last, later[0]))
                    yield Way(None, found, edge, onward, onward.merged)

    def _begun(self, edge: Edge, onward: Way) -> Iterator[tuple[int | None, dict[str, int]]]:
        """What limits a way onward after an edge: what begins with it, in all; what goes on. The deadline that was
        overrun during a compensation falls due as soon as that has ended."""
        source, target = self.graph.nodes[edge.source], self.graph.nodes[edge.target]
        before, lengths = self.latest.carried(source), self.latest.carried(target)
        kept = {clock for clock in onward.limits if clock in before and not self.latest.again(edge, clock)}
        fresh = [lengths[clock] + more for clock, more in onward.limits.items() if clock not in kept]
        fresh += [] if onward.most is None else [onward.most]
        limits = {clock: onward.limits[clock] for clock in kept}
        yield min(fresh, default=None), limits
        deadline = self.latest.clock.deadline
        if deadline in limits and target.control.resting and not source.control.resting:
            most = min([limits.pop(deadline), *fresh])
            yield most, limits

    # ------------------------------------------------------------ the slowest

    def _slowest(self, id: int, ways: Iterator[Way]) -> tuple[Way, ...]:
        """Those that no other is always as slow as."""
        kept: list[Way] = []
        for way in ways:
            if not any(_covers(other, way) for other in kept):
                kept = [other for other in kept if not _covers(way, other)]
                kept.append(way)
        if len(kept) <= MOST_WAYS:
            return tuple(kept)
        lengths = self.latest.carried(self.graph.nodes[id])
        kept.sort(key=lambda way: -way.longest(lengths))
        return (*kept[: MOST_WAYS - 1], _together(kept[MOST_WAYS - 1 :], lengths))


def _covers(slower: Way, way: Way) -> bool:
    """Whether a way takes as long as another, whatever is left of the clocks: each of its limits is none below those
    of the other, for there is never less than nothing left."""
    if slower.most is not None and (way.most is None or way.most > slower.most):
        return False
    return all(
        (way.most is not None and way.most <= more) or (clock in way.limits and way.limits[clock] <= more)
        for clock, more in slower.limits.items()
    )


def _together(ways: Sequence[Way], lengths: Mapping[str, int]) -> Way:
    """One that takes as long as any of some ways, of which there never is more left than their clocks are long."""
    most = max(way.longest(lengths) for way in ways)
    common = frozenset.intersection(*(frozenset(way.limits) for way in ways))
    limits = {clock: max(way.limits[clock] for way in ways) for clock in sorted(common)}
    return Way(most, limits, ways[0].edge, ways[0].onward, merged=True)
