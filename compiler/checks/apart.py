"""Regions that have nothing to do with each other in; which combinations of their places need no search, out.

What a step of a region does does not depend on where the others are (`spared`), and what leaves all regions depends on
little: which join follows, and what is on the log. So places of a region are of one **kind** if the others, and
questions about a whole configuration, see no difference; the first one that is found stands for its kind. The search
follows no step to where more than a few regions are in a place that stands for nothing. Each place of a region, each of
its steps, and each combination of kinds around it is still come to, by runs that are as short as any.

That the others need no search (docs/soundness.md) is looked at when the search is over (`Apart.covers`).
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from itertools import product
from math import prod

from ...dsl.values import dataclass, field
from ..kernel import Kernel, LeafKind, On, ScopeKind, TriggerKind
from .control import DROPPED, Kind
from .graph import Doing, Graph, Known, Node
from .latest import answering
from .moves import MoveKind
from .parts import Local, Locals, Resting, Trait
from .queues import Queues
from .spared import Option, Spared

VECTORS = 50_000  # combinations of kinds
SUMS = 10_000  # logs, of one combination

Deltas = frozenset[tuple[int, ...]]
"""How many more entries of each kind of call may be on the log."""


def combinations(kernel: Kernel) -> int:
    """How many combinations of places there may be in the parallel state with the most; 0 if its text does not keep
    regions apart: an event is answered in several, or in one and around it, or something asks for the way a run took,
    or where several regions are."""
    asks = kernel.properties or kernel.savepoints or kernel.resumed or kernel.counted
    excludes = any(task.excluded or task.doer is not None for task in kernel.task.values())
    defers = any(place.defers for place in kernel.place.values())
    drops = any(activity.effect in DROPPED for activity in kernel.activities)
    again = any(activity.flow and activity.name == kernel.name for activity in kernel.activities)
    if asks or excludes or defers or drops or again:
        return 0
    parallels = [scope.name for scope in kernel.scopes if scope.kind is ScopeKind.PARALLEL]
    if not all(_apart(kernel, name) for name in parallels):
        return 0
    return max((_rests(kernel, name) for name in parallels), default=0)


def _rests(kernel: Kernel, parallel: str) -> int:
    resting = [leaf for leaf in kernel.leaves if leaf.kind is not LeafKind.REGION_FAILED]
    return prod(sum(region in leaf.path for leaf in resting) for region in kernel.inside[parallel])


def _apart(kernel: Kernel, parallel: str) -> bool:
    inner = [[n for n in kernel.place if region in kernel.above(n)] for region in kernel.inside[parallel]]
    nested = any(n in kernel.scope and kernel.scope[n].kind is ScopeKind.PARALLEL for each in inner for n in each)
    return not nested and all(_one_answers(kernel, parallel, inner, event.name) for event in kernel.events)


def _one_answers(kernel: Kernel, parallel: str, inner: Sequence[Sequence[str]], event: str) -> bool:
    on = On(TriggerKind.EVENT, event)
    said = [any(_says(kernel, name, on) for name in names) for names in (*inner, kernel.above(parallel))]
    return sum(said) <= 1


def _says(kernel: Kernel, name: str, on: On) -> bool:
    return (name, on) in kernel.answering or on.name in kernel.place[name].ignores


@dataclass(eq=False, slots=True)
class _Room:
    """The combinations that were come to with the same data, and the same open. `entries`: where it is entered."""

    found: list[tuple[Resting, list[Option]]] = field(default_factory=list[tuple[Resting, list[Option]]])
    entries: list[Resting] = field(default_factory=list[Resting])


class Apart:
    """What one search leaves out: where more than `most` regions are in places that stand for nothing.

    `stands_for`: how many combinations of places there are, when it is known that it covers them. `vain`: it is known
    that it does not, since something else may happen in regions than steps that are known."""

    def __init__(self, kernel: Kernel, most: int) -> None:
        self.kernel = kernel
        self.most = most
        self.stands_for = 0
        self.vain = False
        self._first: dict[object, Local] = {}
        self._placing: dict[Local, bool] = {}
        self._kinds: dict[Local, object] = {}
        self._rests: dict[int, Resting] = {}
        self._moves: dict[int, list[Option]] = {}

    # ------------------------------------------------------------ while it is searched

    def expanded(self, node: Node, rest: Resting) -> Callable[[int, Local | None], bool]:
        """Note where the search has come to; whether it should follow a step of a region there to another place."""
        self._rests[node.id] = rest
        self.vain |= len(rest[0]) > 1 and not _still(node)
        placed = [self._placed(local) for local in rest[0]]
        room = self.most - sum(placed)
        return lambda at, next: next is None or placed[at] + room >= self._placed(next)

    def _placed(self, local: Local) -> bool:
        """Whether a place stands for nothing. The first one of its kind that is asked about does."""
        placed = self._placing.get(local)
        if placed is None:
            placed = self._placing[local] = self._first.setdefault(self.kind(local), local) is not local
        return placed

    def kind(self, local: Local) -> object:
        """What joins, events, and what is asked of whole configurations (F003, F201, how long it takes) see of it."""
        found = self._kinds.get(local)
        if found is None:
            leaf = self.kernel.leaf[local.leaf]
            activity = None if local.running is None or leaf.call is None else leaf.call.activity
            called = None if activity is None else self.kernel.activity[activity]
            runs = None if called is None else (called.flow and called.name, answering(called) is not None)
            meant = any(self.kernel.place[name].waits is not None for name in self.kernel.above(leaf.name))
            found = self._kinds[local] = local.shape, local.says, leaf.kind, runs, meant
        return found

    def first(self, kind: object) -> Local:
        """The place that stands for a kind."""
        return self._first[kind]

    def stands(self, local: Local) -> bool:
        return self._first.get(self.kind(local)) is local

    # ------------------------------------------------------------ when it is over

    def covers(self, graph: Graph, spared: Spared) -> bool:
        """Whether what was found says all there is to know of the combinations that were left out."""
        if self.vain:
            return False
        numbers = [_Covered(self, spared, room).combinations() for room in self._rooms(graph, spared)]
        self.stands_for = sum(numbers)
        return bool(numbers) and all(numbers)

    def _rooms(self, graph: Graph, spared: Spared) -> Sequence[_Room]:
        """All combinations that were come to, by what they share; none, if something else may happen in one of them
        than steps that are known, or one may be entered again."""
        within = [node for node in graph.nodes if len(node.control.configuration) > 1]
        waited = {id for id, _ in Queues(self.kernel, graph).waited}
        if not all(node.id in self._rests and node.id not in waited and self._plain(node, spared) for node in within):
            return ()
        rooms: defaultdict[object, _Room] = defaultdict(_Room)
        room = {node.id: rooms[self._regions(node), node.data, node.zone] for node in within}
        for node in within:
            room[node.id].found.append((self._rests[node.id], self._moves[node.id]))
        inside = spared.inside
        onward = {node.id: {*node.targets} for node in graph.nodes}
        for node in within:
            onward[node.id] = {
                t for t, way in zip(node.targets, node.ways, strict=True) if not _stays(node, way, inside)
            }
        entered = {edge.target for edge in graph.begin}.union(*onward.values())
        for id in entered & room.keys():
            room[id].entries.append(self._rests[id])
        families: defaultdict[object, set[int]] = defaultdict(set)
        for node in within:
            families[self._regions(node)].add(node.id)
        return () if any(_again(graph, family, onward) for family in families.values()) else (*rooms.values(),)

    def _plain(self, node: Node, spared: Spared) -> bool:
        """Whether all that can happen is answers and events of which it is known what they do."""
        self._moves[node.id] = [*spared.moves(self._rests[node.id])]
        return node.real and all(option.known for option in self._moves[node.id])

    def _regions(self, node: Node) -> tuple[str, ...]:
        around = (self.kernel.leaf[leaf].path for leaf in node.control.configuration)
        return tuple(next(n for n in path if self.kernel.scope[n].kind is ScopeKind.REGION) for path in around)


def _still(node: Node) -> bool:
    """Whether no time matters, nor people, nor calls that were interrupted."""
    control = node.control
    return not (control.flying or control.tasks or control.timers or control.entered)


def _stays(node: Node, way: Doing, inside: Set[Known]) -> bool:
    """Whether a step stays in the regions that it is made in."""
    if isinstance(way, Known):
        return way in inside
    passage = way.arrival.passage
    return passage is not None and not passage.left.issuperset(node.control.configuration)


def _again(graph: Graph, family: Set[int], onward: Mapping[int, Set[int]]) -> bool:
    """Whether from where some regions lead, when they are left, they may be entered again."""
    found = set[int]().union(*(onward[id] for id in family))
    todo = [*found]
    while todo and found.isdisjoint(family):
        fresh = {*graph.nodes[todo.pop()].targets} - found
        found |= fresh
        todo += fresh
    return not found.isdisjoint(family)


class _Covered:
    """Whether the combinations of a room that were come to say all of those that were left out, from one entry on."""

    def __init__(self, apart: Apart, spared: Spared, room: _Room) -> None:
        self.apart = apart
        self.spared = spared
        self.kernel = apart.kernel
        self.room = room
        self.cap = spared.abstraction.cap
        self.events = {event.name: number for number, event in enumerate(apart.kernel.events)}
        self.seen = {rest[0] for rest, _ in room.found}
        self.leaving: list[tuple[Resting, list[tuple[object, int, int]]]] = []
        self.steps: defaultdict[Local, set[tuple[Local, tuple[Kind, ...], tuple[Kind, ...]]]] = defaultdict(set)
        self.ways: defaultdict[Local, defaultdict[Trait, set[Local]]] = defaultdict(lambda: defaultdict(set))
        for rest, options in room.found:
            self.leaving.append((rest, []))
            for option in options:
                at, inside = self._own(rest[0], option), option.inside
                if inside is not None and inside.next is not None:
                    self.steps[rest[0][option.at]].add((inside.next, inside.removed, inside.added))
                    self.ways[rest[0][at]][option.trait].add(inside.next)
                elif option.first is not None and option.leaves:
                    self.leaving[-1][1].append((option.first.like, option.joined, at))
                    for local in rest[0] if at < 0 else rest[0][at : at + 1]:
                        self.ways[local].setdefault(option.trait, set())
        logs = (kind for log in {rest[2] for rest, _ in room.found} for kind in spared.log(log))
        added = (kind for steps in self.steps.values() for _, _, more in steps for kind in more)
        self.calls = sorted({*logs, *added})
        self.running = [kind[2] == "running" for kind in self.calls]
        self._numbers: dict[Deltas, int] = {}
        self._sums: dict[tuple[int, ...], Deltas] = {(): frozenset({(0,) * len(self.calls)})}

    def combinations(self) -> int:
        """How many combinations of places there are; 0: not all of them are covered."""
        entries = {(locals, self._counts(log)): None for locals, _, log in self.room.entries}
        taken = (removed for steps in self.steps.values() for _, removed, _ in steps)
        if not entries or any(kind[2] != "running" for removed in taken for kind in removed):
            return 0
        return min(self._from(*entry) for entry in entries)

    def _from(self, entry: Locals, base: tuple[int, ...]) -> int:
        inner = [self._reached(local) for local in entry]
        alike: list[dict[object, list[Local]]] = [{} for _ in inner]
        for places, found in zip(alike, inner, strict=True):
            for local in found:
                places.setdefault(self.apart.kind(local), []).append(local)
        if not self._lead_home(inner) or prod(map(len, alike)) > VECTORS:
            return 0
        number = self._come_to(alike)
        return number if number and self._logs_come_to(inner, alike, base) else 0

    def _reached(self, start: Local) -> Mapping[Local, set[tuple[int, ...]]]:
        """The places a region comes to by its own steps, and what is then on the log more than at first."""
        nothing = (0,) * len(self.calls)
        found: dict[Local, set[tuple[int, ...]]] = {start: {nothing}}
        todo: list[tuple[Local, tuple[int, ...]]] = [(start, nothing)]
        while todo:
            local, delta = todo.pop()
            for target, removed, added in self.steps.get(local, ()):
                counts = Counter(added)
                counts.subtract(removed)
                after = self._plus(delta, tuple(counts[kind] for kind in self.calls))
                known = found.setdefault(target, set())
                if after not in known:
                    known.add(after)
                    todo.append((target, after))
        return found

    def _plus(self, one: Sequence[int], other: Sequence[int]) -> tuple[int, ...]:
        """More than control counts is not counted, but of calls that run, which answer."""
        rows = zip(one, other, self.running, strict=True)
        return tuple([a + b if runs else min(a + b, self.cap) for a, b, runs in rows])

    def _lead_home(self, inner: Sequence[Mapping[Local, object]]) -> bool:
        """Whether from all places of each region steps lead to one that stands for others, or outside: some step that
        does either, wherever the others are, or leads to where such a step is."""
        for places in inner:
            home = {local for local in places if self.apart.stands(local)}
            while more := {p for p in places.keys() - home if any(to <= home for to in self.ways[p].values())}:
                home |= more
            if len(home) < len(places):
                return False
        return True

    def _come_to(self, alike: Sequence[Mapping[object, Sequence[Local]]]) -> int:
        """How many combinations there are; 0: there is a place of a region, with others around it of some kinds, that
        was not come to with those that stand for them."""
        number = 0
        for kinds in product(*alike):
            standing = tuple(self.apart.first(kind) for kind in kinds)
            if self.kernel.joined(tuple(local.leaf for local in standing)) is not None:
                continue
            rows = [places[kind] for places, kind in zip(alike, kinds, strict=True)]
            number += prod(map(len, rows))
            every = ((*standing[:at], local, *standing[at + 1 :]) for at, row in enumerate(rows) for local in row)
            if not all(locals in self.seen for locals in every):
                return 0
        return number

    def _logs_come_to(
        self,
        inner: Sequence[Mapping[Local, set[tuple[int, ...]]]],
        alike: Sequence[Mapping[object, Sequence[Local]]],
        base: tuple[int, ...],
    ) -> bool:
        """Whether each step that leads outside was made with each log with which it may be."""
        numbers: list[dict[Local | object, int]] = []
        for found, kinds in zip(inner, alike, strict=True):
            numbers.append({local: self._number(found[local]) for local in found})
            numbers[-1] |= {kind: self._number(d for p in same for d in found[p]) for kind, same in kinds.items()}
        made: defaultdict[object, set[int]] = defaultdict(set)
        wanted: dict[tuple[object, tuple[int, ...]], None] = {}
        for (locals, _, log), steps in self.leaving:
            if not all(local in found for local, found in zip(locals, inner, strict=True)):
                continue
            around = [each[self.apart.kind(local)] for each, local in zip(numbers, locals, strict=True)]
            for like, joined, at in steps:
                each = [*around]
                if at >= 0:
                    each[at] = numbers[at][locals[at]]
                made[like, joined].add(log)
                wanted[(like, joined), tuple(sorted(each))] = None
        with_logs = {step: {self._told(self._counts(log)) for log in logs} for step, logs in made.items()}
        return all(self._all_made(base, each, with_logs[step]) for step, each in wanted)

    def _all_made(self, base: Sequence[int], each: tuple[int, ...], made: Set[tuple[int, ...]]) -> bool:
        """Whether a step was made with each log to which regions may have added something."""
        sums = self._all(each)
        return len(sums) <= SUMS and {self._told(self._plus(base, more)) for more in sums} <= made

    def _number(self, deltas: Iterable[tuple[int, ...]]) -> int:
        return self._numbers.setdefault(frozenset(deltas), len(self._numbers))

    def _own(self, locals: Locals, option: Option) -> int:
        """The region that a step is made in; -1: all of them."""
        kind, name, _ = option.trait
        if kind is MoveKind.ANSWER:
            return next(at for at, local in enumerate(locals) if local.leaf == name)
        for at, local in enumerate(locals):
            for number, place in local.says:
                if number == self.events[name]:
                    return at if self._in_region(place) else -1
        return -1

    def _in_region(self, name: str) -> bool:
        scopes = (self.kernel.scope[each] for each in self.kernel.above(name) if each in self.kernel.scope)
        return any(scope.kind is ScopeKind.REGION for scope in scopes)

    def _all(self, each: tuple[int, ...]) -> Deltas:
        """What may be more on the log, if each region adds something."""
        found = self._sums.get(each)
        if found is None:
            before, added = self._all(each[1:]), [*self._numbers][each[0]]
            found = self._sums[each] = frozenset({self._plus(one, other) for one in added for other in before})
        return found

    def _counts(self, log: int) -> tuple[int, ...]:
        """How many calls of each kind are on a log."""
        counts = Counter(self.spared.log(log))
        return tuple(counts[kind] for kind in self.calls)

    def _told(self, counts: Sequence[int]) -> tuple[int, ...]:
        """So many as control counts; of calls that run one more, since one of them answers as the others end."""
        rows = zip(counts, self.running, strict=True)
        return tuple([min(count, self.cap + 1 if runs else self.cap) for count, runs in rows])
