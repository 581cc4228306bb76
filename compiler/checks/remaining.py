"""How long is left from every node at the most: the edges of a closed graph in; for each node its slowest ways, out.

One pass backward over the strongly connected components, the last first. What is left from a node depends on what is
left of the clocks that are under way there (calls, timers, a compensation): a way from it to the end takes at the most
the least of `most` and, for each clock it is limited by, what is left of that one and so much more; and it can only be
gone if what it `needs` is so, as a timer only fires if what else is under way has not ended before. For a node is left
in some time t, no clock having less than t left; behind it those that go on have t less left, and those that begin all
of their length. So t is bounded by differences of clocks, and when it is eliminated (Fourier and Motzkin) the way of
the node before has the same shape. Only those are kept that no other is always slower than. Where they become too many,
some are taken together: still at the most, no longer exact.

A component that something ends (`Latest.ended_by`) is left when that ends at the latest; whatever begins in it, does so
by then. One that nothing ends has no longest way, and neither has anything before it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

from ...dsl.values import dataclass, field
from .components import strongly
from .graph import Edge, Graph
from .latest import Latest
from .livelock import undoes
from .moves import MoveKind

MOST_WAYS = 24  # from one node
NOW = ""  # the clock of which nothing is ever left

Needs = Mapping[tuple[str, str], int]
"""Of the first clock at most so much more is left than of the second."""


@dataclass(frozen=True, eq=False, slots=True)
class Bound:
    """How long it takes to the end at the most, in microseconds. `most` None: nothing but the clocks limits it."""

    most: int | None
    limits: Mapping[str, int]
    needs: Needs = field(default_factory=dict[tuple[str, str], int])

    def longest(self, left: Mapping[str, int]) -> int:
        """What it takes, if so much is left of the clocks."""
        ends = [left[clock] + more for clock, more in self.limits.items()]
        return min(ends if self.most is None else [*ends, self.most])

    def within(self, most: Mapping[str, int], begun: Collection[str]) -> int | None:
        """What it takes at the most, if no more is left of the clocks, and of those that have just begun no less; None:
        it cannot be gone. What it needs is so for as much as can be left, or for nothing (Bellman 1958)."""
        left = {**most, NOW: 0}
        for _ in left:
            for (clock, other), more in self.needs.items():
                left[clock] = min(left[clock], left[other] + more)
        below = any(left[clock] > left[other] + more for (clock, other), more in self.needs.items())
        lowered = any(left[clock] < most[clock] for clock in begun) or any(length < 0 for length in left.values())
        return None if below or lowered else self.longest(left)

    def covers(self, other: Bound) -> bool:
        """Whether it is as long as another, whatever is left of the clocks: it needs no more, and each of its limits is
        none below those of the other, for there is never less than nothing left."""
        if self.most is not None and (other.most is None or other.most > self.most):
            return False
        if any(pair not in other.needs or other.needs[pair] > more for pair, more in self.needs.items()):
            return False
        return all(
            (other.most is not None and other.most <= more) or (clock in other.limits and other.limits[clock] <= more)
            for clock, more in self.limits.items()
        )


@dataclass(frozen=True, eq=False, slots=True)
class Way:
    """From a node to the end: by an edge, of this node or of another of its component, and then onward. `merged`: it
    bounds several ways, and may be none."""

    bound: Bound
    edge: Edge | None = None
    onward: Way | None = None
    merged: bool = False

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
END = Way(Bound(0, {}))


def drives(edge: Edge) -> bool:
    """Whether going round over an edge can go on for ever."""
    return not edge.stay and not undoes(edge)


class Out(dict[int, Sequence[Edge]]):
    """The edges from some nodes. One that leads to none of these leads to the end, and so does one on whose way that
    is passed."""

    def __init__(self, edges: Mapping[int, Sequence[Edge]], passes: Callable[[Edge], bool]) -> None:
        super().__init__(edges)
        self.passes = passes

    def ends(self, edge: Edge) -> bool:
        """Whether it leads to the end."""
        return edge.target not in self or self.passes(edge)

    def targets(self, id: int) -> Sequence[int]:
        """Where those lead that do not lead to the end."""
        return [edge.target for edge in self[id] if not self.ends(edge)]

    def has(self, edge: Edge) -> bool:
        """Whether an edge is one of them, or a start."""
        return edge.source < 0 or edge.source in self


class InTime(Mapping[int, Sequence[Edge]]):
    """The edges from each node that a run comes to, but for those of timers that never come in time."""

    def __init__(self, graph: Graph, latest: Latest) -> None:
        self.graph = graph
        self._late: dict[int, list[Edge]] = {}
        for edge in graph.ran:
            if edge.source >= 0 and latest.beaten(graph.nodes[edge.source], edge):
                self._late.setdefault(edge.source, []).append(edge)
        self._ids = dict.fromkeys(sorted(self._reached()))

    def __iter__(self) -> Iterator[int]:
        return iter(self._ids)

    def __len__(self) -> int:
        return len(self._ids)

    def __contains__(self, id: object) -> bool:
        return id in self._ids

    def __getitem__(self, id: int) -> Sequence[Edge]:
        late = self._late.get(id, ())
        return [edge for edge in self.graph.out[id] if edge not in late] if late else self.graph.out[id]

    def ends(self, _edge: Edge) -> bool:
        """None does: the end is a final."""
        return False

    def targets(self, id: int) -> Sequence[int]:
        """Where they lead."""
        return [edge.target for edge in self[id]] if id in self._late else self.graph.nodes[id].targets

    def has(self, edge: Edge) -> bool:
        """Whether an edge that was run is one of them, or a start."""
        return edge.source < 0 or (edge.source in self._ids and edge not in self._late.get(edge.source, ()))

    def _reached(self) -> set[int]:
        found = {edge.target for edge in self.graph.begin}
        todo = [*found]
        while todo:
            fresh = {target for target in self.targets(todo.pop()) if target not in found}
            found |= fresh
            todo += fresh
        return found


class Remaining:
    """`ways` of every node from which all runs end; `trouble` of every other. out: the edges that count; else all that
    come in time, up to the finals."""

    def __init__(self, graph: Graph, latest: Latest, out: Out | InTime | None = None) -> None:
        out = InTime(graph, latest) if out is None else out
        self.graph = graph
        self.latest = latest
        self.out = out
        self.ways: dict[int, tuple[Way, ...]] = {}
        self.trouble: dict[int, Trouble] = {}
        self.group: dict[int, tuple[Edge, ...]] = {}  # the edges inside the component of a node, if there are any
        self.round: set[int] = set()  # the nodes of components in which a run may go round without end
        self._bounds: dict[object, Bound] = {}
        self._leavings: dict[object, _Leaving] = {}
        for nodes in strongly({id: out.targets(id) for id in out}):
            if not self._alone_in_trouble(nodes):
                self._component(nodes)

    def _alone_in_trouble(self, ids: Sequence[int]) -> bool:
        """Note the trouble of a node that leads nowhere back, if there is any: no edge is asked for then."""
        id, targets = ids[0], {*self.out.targets(ids[0])}
        if len(ids) > 1 or id in targets:
            return False
        troubles = [self.trouble[target] for target in targets if target in self.trouble]
        troubles += self._own_trouble(ids, ())
        if troubles:
            self.trouble[id] = min(troubles, key=Trouble.key)
        return bool(troubles)

    def _component(self, ids: Sequence[int]) -> None:
        inner = frozenset(ids)
        edges = [edge for id in sorted(ids) for edge in self.out[id]]
        group = tuple(edge for edge in edges if edge.target in inner and not self.out.ends(edge))
        if group:
            self.group.update(dict.fromkeys(ids, group))
        troubles = [*self._own_trouble(sorted(ids), group)]
        onward = (edge for edge in edges if not self.out.ends(edge))
        troubles += [self.trouble[edge.target] for edge in onward if edge.target in self.trouble]
        if troubles:
            self.trouble.update(dict.fromkeys(ids, min(troubles, key=Trouble.key)))
        elif group:
            exits = [edge for edge in edges if edge.target not in inner or self.out.ends(edge)]
            ways = self._slowest(ids[0], self._left(group, exits))
            self.ways.update(dict.fromkeys(ids, ways))
        else:
            (id,) = ids
            finished = self.graph.nodes[id].control.finished
            found = (way for edge in edges for way in self._by(edge))
            self.ways[id] = (END,) if finished else self._slowest(id, found)

    def _own_trouble(self, ids: Sequence[int], group: tuple[Edge, ...]) -> Iterator[Trouble]:
        for id in ids:
            node = self.graph.nodes[id]
            if not node.control.finished and not self.latest.bounded(node):
                yield Trouble(WAITS, id)
                break
        if group and any(map(drives, group)) and self.latest.ended_by(group) is None:
            self.round.update(ids)
        calls = any(not edge.stay and not drives(edge) for edge in group)  # to undo, and nobody knows how many
        if group and (calls or self.latest.ended_by(group) is None):
            yield Trouble(ROUND, ids[0], group)

    # ------------------------------------------------------------ ways over one edge

    def _behind(self, edge: Edge) -> tuple[Way, ...]:
        """The ways from where an edge leads to."""
        return (END,) if self.out.ends(edge) else self.ways[edge.target]

    def _by(self, edge: Edge) -> Iterator[Way]:
        """The ways of the source of an edge, by it."""
        leavings = self._leaving(edge, self.latest.under_way(self.graph.nodes[edge.source]))
        for onward in self._behind(edge):
            for leaving in leavings:
                bound = leaving.by(onward.bound, self._one)
                if bound is not None:
                    yield Way(bound, edge, onward, onward.merged)

    def _left(self, group: Sequence[Edge], exits: Sequence[Edge]) -> Iterator[Way]:
        """The ways of the nodes of a component: some time, when what ends it has to end at the latest, by an exit. What
        began in it is not known, but that it did so by then."""
        common = self.latest.lasting(group)
        last = min(common, key=common.__getitem__)
        for edge in exits:
            lengths, leavings = self.latest.clocks(self.graph.nodes[edge.source]), self._leaving(edge, common)
            for onward in self._behind(edge):
                for leaving in leavings:
                    left = _Left(leaving, onward.bound)
                    inner = [clock for clock in left.limits if clock not in common]
                    later = [lengths.get(clock, 0) + left.limits.pop(clock) for clock in inner]
                    left.lowers = [each for each in left.lowers if each[0] in common or each[0] == NOW]
                    left.uppers = [each for each in left.uppers if each[0] in common]
                    left.needs = {pair: more for pair, more in left.needs.items() if {*pair} <= {*common, NOW}}
                    bound = left.bound()
                    if bound is not None:
                        ends = [*later, bound.limits[last]] if last in bound.limits else later
                        limits = {**bound.limits, last: min(ends)} if ends else bound.limits
                        yield Way(self._one(Bound(None, limits, bound.needs)), edge, onward, onward.merged)

    def begun(self, edge: Edge) -> dict[str, int]:
        """What begins with an edge, each with its length."""
        after = self.latest.clocks(self.graph.nodes[edge.target])
        if edge.source < 0:
            return dict(after)
        before = self.latest.clocks(self.graph.nodes[edge.source])
        return {
            clock: length for clock, length in after.items() if clock not in before or self.latest.again(edge, clock)
        }

    def exactly(self, edge: Edge) -> dict[str, int]:
        """The same without those that may have less to go."""
        return {clock: length for clock, length in self.begun(edge).items() if not self.latest.curtailed(edge, clock)}

    def _leaving(self, edge: Edge, spans: Mapping[str, int]) -> list[_Leaving]:
        """How a node is left by an edge. The deadline that was overrun during a compensation falls due as soon as that
        has ended."""
        source, target = self.graph.nodes[edge.source], self.graph.nodes[edge.target]
        before, lengths = self.latest.clocks(source), self.latest.clocks(target)
        begun = {**self.begun(edge), NOW: 0}
        less = frozenset(clock for clock in begun if self.latest.curtailed(edge, clock))
        fired = edge.move.name if edge.move.kind is MoveKind.TIMER and edge.move.name in spans else None
        settles: Mapping[str, str] = self.latest.tied(edge) if target.control.flying else {}
        tied = {name: leaf for name, leaf in settles.items() if leaf in before}
        deadline = self.latest.clock.deadline
        ended = target.control.resting and not source.control.resting
        found = [self._the(_Leaving(before, spans, begun, less, fired, tied, None))]
        if ended and deadline is not None and deadline in lengths and deadline not in begun:
            found.append(self._the(_Leaving(before, spans, {**begun, deadline: 0}, less, fired, tied, deadline)))
        return found

    def _the(self, new: _Leaving) -> _Leaving:
        """The one of all that say the same. It keeps its mappings, so that no others have the ids of `before` and
        `spans`."""
        begun, tied = frozenset(new.begun.items()), frozenset(new.tied.items())
        key = id(new.before), id(new.spans), begun, new.less, new.fired, tied, new.overrun
        return self._leavings.setdefault(key, new)

    def _one(self, bound: Bound) -> Bound:
        """The one bound of all that say the same."""
        key = bound.most, frozenset(bound.limits.items()), frozenset(bound.needs.items())
        return self._bounds.setdefault(key, bound)

    # ------------------------------------------------------------ the slowest

    def _slowest(self, id: int, ways: Iterator[Way]) -> tuple[Way, ...]:
        """Those that no other is always as slow as."""
        kept: list[Way] = []
        seen: set[Bound] = set()
        for way in ways:
            bound = way.bound
            if bound not in seen and not any(other.bound.covers(bound) for other in kept):
                kept = [other for other in kept if not bound.covers(other.bound)]
                kept.append(way)
            seen.add(bound)
        if len(kept) <= MOST_WAYS:
            return tuple(kept)
        lengths = self.latest.clocks(self.graph.nodes[id])
        kept.sort(key=lambda way: -way.bound.longest(lengths))
        return (*kept[: MOST_WAYS - 1], self._together(kept[MOST_WAYS - 1 :], lengths))

    def _together(self, ways: Sequence[Way], lengths: Mapping[str, int]) -> Way:
        """One that takes as long as any of some ways, of which there never is more left than their clocks are long."""
        bounds = [way.bound for way in ways]
        most = max(bound.longest(lengths) for bound in bounds)
        common = [clock for clock in bounds[0].limits if all(clock in bound.limits for bound in bounds)]
        limits = {clock: max(bound.limits[clock] for bound in bounds) for clock in common}
        return Way(self._one(Bound(most, limits)), ways[0].edge, ways[0].onward, merged=True)


@dataclass(eq=False, slots=True)
class _Leaving:
    """How nodes are left in which clocks run (`before`, some of which, `spans`, have to end), and others in which some
    have `begun`, each with its length.

    less: those of them that may have less to go; fired: the clock that ends; tied: clocks that begin with no more left
    than others have then; overrun: the deadline, if it falls due by that; known: what is known of that, by what comes
    after."""

    before: Mapping[str, int]
    spans: Mapping[str, int]
    begun: Mapping[str, int]
    less: frozenset[str]
    fired: str | None
    tied: Mapping[str, str]
    overrun: str | None
    known: dict[Bound, Bound | None] = field(default_factory=dict[Bound, "Bound | None"])

    def by(self, onward: Bound, one: Callable[[Bound], Bound]) -> Bound | None:
        """Of the node that is left, where that is of the other; None: that cannot be gone. one: the one that says the
        same."""
        if onward not in self.known:
            found = _Left(self, onward).bound()
            self.known[onward] = None if found is None else one(found)
        return self.known[onward]


class _Left:
    """How a node is left for what is onward, after some time t.

    lowers: t is at least what is left of a clock, less so much; uppers: at most what is left of one, and so much; most,
    limits: of what is onward, counted from then on, what begins then being known; needs: what it needs of those that go
    on, however long they have."""

    def __init__(self, leaving: _Leaving, onward: Bound) -> None:
        begun, tied, less = leaving.begun, leaving.tied, leaving.less
        self.before = leaving.before
        self.possible = True
        fresh = [begun[clock] + more for clock, more in onward.limits.items() if clock in begun]
        self.most = min(fresh if onward.most is None else [*fresh, onward.most], default=None)
        self.limits = {clock: more for clock, more in onward.limits.items() if clock not in begun}
        for leaf, more in ((tied[clock], more) for clock, more in onward.limits.items() if clock in tied):
            self.limits[leaf] = min(more, self.limits.get(leaf, more))
        self.lowers = [(NOW, 0), *((each, 0) for each in (leaving.fired, leaving.overrun) if each is not None)]
        self.uppers = [(clock, 0) for clock in leaving.spans]
        self.needs: dict[tuple[str, str], int] = {}
        for (clock, other), more in onward.needs.items():
            if clock in tied or clock in less:
                continue  # it may have less left than its length
            if clock in begun and other in begun:
                self.possible &= begun[clock] <= begun[other] + more
            elif clock in begun:
                self.uppers.append((other, more - begun[clock]))
            elif other in begun:
                self.lowers.append((clock, more + begun[other]))
            else:
                self._need(clock, other, more)

    def bound(self) -> Bound | None:
        """That of the node, t eliminated; None: it cannot be gone."""
        limits = dict(self.limits)
        for clock, more in self.uppers:
            if self.most is not None:
                limits[clock] = min(more + self.most, limits.get(clock, more + self.most))
            for other, less in self.lowers:
                self._need(other, clock, less + more)
        return Bound(None, limits, self.needs) if self.possible else None

    def _need(self, clock: str, other: str, more: int) -> None:
        """That of one clock at most so much more is left than of another, if that is not so anyway."""
        if clock == other or more < -self.before.get(other, 0):
            self.possible &= more >= 0
        elif more < self.before.get(clock, 0) and (clock, other) not in self.needs:
            self.needs[clock, other] = more
        elif more < self.before.get(clock, 0):
            self.needs[clock, other] = min(more, self.needs[clock, other])
