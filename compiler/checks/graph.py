"""What the search hands to the checks: nodes (what instances have in common), edges, and the runs that show them.

A node is **real** if a run of the interpreter has been there; the others were only not ruled out. So what holds of all
nodes holds of every run, if nothing is **open**; and what a real node or edge shows, a run shows.

Of a step that an equal one has shown (`spared`) a node keeps where it leads and the step, which many nodes share; the
edge of it is made when it is asked for, and its run, and that to a node which only such a step has come to, is made
when somebody wants to see it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import cached_property, partial
from heapq import nsmallest
from itertools import pairwise
from typing import overload

from ...dsl.model import Value
from ...dsl.source import Span
from ...dsl.values import dataclass, field, replace
from ..effects import Effect
from ..instance import NOBODY, Actor, Instance, Taken, Trigger
from .control import Control
from .moves import Move
from .passages import Fan, Passage
from .zones import Zone


@dataclass(frozen=True, eq=False, slots=True)
class Arrival:
    """An instance, and the step that led to it. `before` None: the start, whose payload are the inputs."""

    instance: Instance
    now: datetime
    real: bool
    payload: tuple[Value, ...]
    taken: tuple[Taken, ...]
    before: Arrival | None = None
    move: Move | None = None
    trigger: Trigger | None = None
    actor: Actor = NOBODY
    effects: tuple[Effect, ...] = ()  # what the step asked for
    fan: Fan | None = None  # what the move could do, and what it did; None: nothing that depends on data
    passage: Passage | None = None
    length: int = field(init=False)  # of the run to here, in steps, the start included

    def __post_init__(self) -> None:
        object.__setattr__(self, "length", 1 if self.before is None else self.before.length + 1)

    def along(self, fan: Fan | None, passage: Passage | None) -> Arrival:
        return replace(self, fan=fan, passage=passage)

    def run(self) -> tuple[Arrival, ...]:
        """From the start to here."""
        steps: list[Arrival] = [self]
        while (before := steps[-1].before) is not None:
            steps.append(before)
        return tuple(reversed(steps))


@dataclass(frozen=True, eq=False, slots=True)
class Reaction:
    """What a node can do about a move. `parts`: the fan, and those of compensations with nothing to undo behind it."""

    move: Move
    fan: Fan
    parts: tuple[Fan, ...]


@dataclass(frozen=True, eq=False, slots=True)
class Known:
    """A step that many nodes make alike. `reaction`: as the first one had it that made the step, whose move stands for
    that of all."""

    reaction: Reaction
    taken: tuple[Taken, ...]
    entered: tuple[str, ...]
    stays: bool
    move: Move = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "move", self.reaction.move)

    @property
    def real(self) -> bool:
        return True


@dataclass(eq=False, slots=True)
class Node:
    """`data` answers the atoms of the place, in their order; None: either. `runs`: to it, the shortest first. `born`:
    by which known step of which node it was come to, if by no run; `values` and `depth`: of inputs and data, and how
    long such a run is, then. `ways`: what its moves do, each of which leads to one of `targets`. `noted`: reactions, if
    not all of its moves were spared."""

    id: int
    control: Control
    data: tuple[bool | None, ...]
    zone: Zone
    graph: Graph
    runs: list[Arrival] = field(default_factory=list[Arrival])
    born: tuple[int, Known] | None = None
    values: tuple[Value, ...] = ()
    depth: int = 0
    targets: Sequence[int] = ()
    ways: Sequence[Known | Edge] = ()
    noted: Sequence[Reaction] = ()
    edges: list[Edge] | None = None

    @property
    def real(self) -> bool:
        return self.born is not None or self.runs[0].real

    @property
    def length(self) -> int:
        """Of the shortest run that comes here, in steps."""
        return self.depth if self.born is not None else self.runs[0].length

    @property
    def arrivals(self) -> list[Arrival]:
        """The runs that are known to come here, the shortest first."""
        if not self.runs:
            self.graph.play(self)
        return self.runs

    @property
    def instance(self) -> Instance:
        return self.arrivals[0].instance

    @property
    def held(self) -> list[tuple[Value, ...]]:
        """The values of inputs and data in its runs."""
        return [run.instance.values for run in self.runs] or [self.values]

    @property
    def reactions(self) -> Sequence[Reaction]:
        """What it can do about its moves."""
        return self.noted or [way.reaction for way in self.ways if isinstance(way, Known)]

    def noting(self) -> list[Reaction]:
        """What it can do about its moves, to be added to."""
        if not isinstance(self.noted, list):
            self.noted = [*self.reactions]
        return self.noted

    def show(self, targets: Sequence[int], ways: Sequence[Known | Edge]) -> None:
        """Where its moves lead, those first that it was shown before."""
        if isinstance(self.noted, list):
            self.noted += [way.reaction for way in ways[len(self.ways) :] if isinstance(way, Known)]
        self.targets, self.ways, self.edges = (*targets,), (*ways,), None

    def leads(self, target: int, way: Edge) -> None:
        """That one of its moves leads somewhere."""
        self.targets, self.ways, self.edges = [*self.targets, target], [*self.ways, way], None

    def does(self, edge: Edge) -> bool:
        """Whether a known step of it is the same."""
        steps = zip(self.targets, self.ways, strict=True)
        known = ((target, way.move.kind, way.taken) for target, way in steps if isinstance(way, Known))
        return (edge.target, edge.move.kind, edge.taken) in known

    def leads_no_more(self, way: Edge) -> None:
        kept = [(target, each) for target, each in zip(self.targets, self.ways, strict=True) if each is not way]
        self.targets, self.ways, self.edges = [each[0] for each in kept], [each[1] for each in kept], None

    def edge(self, index: int) -> Edge:
        """One of its edges."""
        way = self.ways[index]
        return way if isinstance(way, Edge) else self.graph.edge(self, self.targets[index], way)

    @property
    def name(self) -> str:
        """The leaves it rests in, or nothing while it compensates."""
        return " + ".join(self.control.configuration)


@dataclass(eq=False, slots=True)
class Edge:
    """What a move leads to. `real`: it is a run of the interpreter from a real node. `entered`: the places that were
    entered, outer before inner. `length`: of the run with it. `found`: the instance it led to, or what runs the step if
    that is asked for."""

    source: int
    target: int
    move: Move
    taken: tuple[Taken, ...]
    stay: bool
    real: bool
    entered: tuple[str, ...]
    length: int
    found: Arrival | Callable[[], Arrival]

    @property
    def ran(self) -> bool:
        """Whether it is known what instance it led to. If not, one with such data has come to the target before."""
        return isinstance(self.found, Arrival)

    @property
    def arrival(self) -> Arrival:
        if not isinstance(self.found, Arrival):
            self.found = self.found()
        return self.found


def edge_of(source: int, target: int, move: Move, done: Arrival, stay: bool) -> Edge:
    """The edge of a step that was run."""
    entered = () if done.passage is None else done.passage.entered
    return Edge(source, target, move, done.taken, stay, done.real, entered, done.length, done)


@dataclass(frozen=True, eq=False, slots=True)
class Faulted:
    """A run that the interpreter refused to go on with: the code, the place, and the last step tried."""

    code: str
    span: Span
    attempt: Arrival  # its instance is the one before


Doing = Known | Edge
"""What an edge does: itself, or what it has in common with those that other nodes have."""


class Rows(Sequence[list[Edge]]):
    """The edges from each node, by its id, made when they are first asked for."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph

    def __len__(self) -> int:
        return len(self.graph.nodes)

    @overload
    def __getitem__(self, index: int) -> list[Edge]: ...

    @overload
    def __getitem__(self, index: slice) -> list[list[Edge]]: ...

    def __getitem__(self, index: int | slice) -> list[Edge] | list[list[Edge]]:
        if isinstance(index, slice):
            return [self.graph.leading(node) for node in self.graph.nodes[index]]
        return self.graph.leading(self.graph.nodes[index])


class Graph:
    """The nodes and edges of one search. rerun: runs a step that was spared, from a node that is known by a run."""

    def __init__(self, rerun: Callable[[Node, Known], Arrival]) -> None:
        self.nodes: list[Node] = []
        self.out = Rows(self)
        self.begin: list[Edge] = []  # the starts, from no node (-1)
        self.starting: Reaction | None = None
        self.open: dict[str, None] = {}  # why something may be missing
        self.rerun = rerun

    def leading(self, node: Node) -> list[Edge]:
        """The edges from a node, each made once."""
        if node.edges is None:
            node.edges = [node.edge(index) for index in range(len(node.ways))]
        return node.edges

    def edge(self, node: Node, target: int, way: Known) -> Edge:
        """The edge of a known step."""
        stay = way.stays and self.nodes[target].control.place == node.control.place
        move, length = way.reaction.move, node.length + 1
        return Edge(node.id, target, move, way.taken, stay, True, way.entered, length, partial(self.rerun, node, way))

    def play(self, node: Node) -> None:
        """Make the run to a node that was come to by known steps only."""
        ahead = [node]
        while not ahead[-1].runs:
            assert ahead[-1].born is not None, "a run or a known step has come here"
            ahead.append(self.nodes[ahead[-1].born[0]])
        source = ahead.pop()
        while ahead:
            after = ahead.pop()
            assert after.born is not None, "a known step has come here"
            after.runs.append(self.rerun(source, after.born[1]))
            source = after

    def origin(self, edge: Edge) -> Arrival:
        """The run of an edge that was run; else that to where the known steps begin which lead to it and are the rest
        of its run: none of them goes on with a compensation, or settles a call."""
        if isinstance(edge.found, Arrival):
            return edge.found
        node = self.nodes[edge.source]
        while not node.runs:
            assert node.born is not None, "a run or a known step has come here"
            node = self.nodes[node.born[0]]
        return node.runs[0]

    def edges(self) -> Iterator[Edge]:
        yield from self.begin
        for edges in self.out:
            yield from edges

    @cached_property
    def into(self) -> list[list[Edge]]:
        """The edges to each node, by its id, when the search is over."""
        return self._by_target(self.edges())

    @cached_property
    def ran_into(self) -> list[list[Edge]]:
        """Those of them that were run."""
        return self._by_target(self.ran)

    def _by_target(self, edges: Iterable[Edge]) -> list[list[Edge]]:
        found: list[list[Edge]] = [[] for _ in self.nodes]
        for edge in edges:
            if edge.source >= 0:
                found[edge.target].append(edge)
        return found

    @cached_property
    def sources(self) -> list[list[int]]:
        """The nodes with edges to each node, by its id and in their order, when the search is over."""
        found: list[list[int]] = [[] for _ in self.nodes]
        for node in self.nodes:
            for target in {*node.targets}:
                found[target].append(node.id)
        return found

    @cached_property
    def ran(self) -> list[Edge]:
        """The edges that were run, the starts first, when the search is over."""
        return [*self.begin, *(way for node in self.nodes for way in node.ways if isinstance(way, Edge))]

    @cached_property
    def sharing(self) -> Mapping[Known, tuple[list[int], list[int]]]:
        """The nodes that make each known step, in their order, and where it leads from each (the search is over)."""
        found: dict[Known, tuple[list[int], list[int]]] = {}
        for node in self.nodes:
            id = node.id
            for target, way in zip(node.targets, node.ways, strict=True):
                if isinstance(way, Known):
                    rows = found.get(way)
                    if rows is None:
                        rows = found[way] = [], []
                    rows[0].append(id)
                    rows[1].append(target)
        return found

    def soonest(self, ids: Sequence[int], most: int) -> Iterable[int]:
        """Where in a list of nodes so many of those lie that the shortest runs come to, the first ones first."""
        if self._breadth_first:
            return range(min(most, len(ids)))
        return nsmallest(most, range(len(ids)), key=lambda at: self.nodes[ids[at]].length)

    @cached_property
    def _breadth_first(self) -> bool:
        """Whether no shorter run comes to a later node."""
        lengths = [node.length for node in self.nodes]
        return all(before <= after for before, after in pairwise(lengths))

    @property
    def ways(self) -> Iterator[Doing]:
        """What the edges do, each that many nodes share once: the starts first."""
        yield from self.ran
        yield from self.sharing

    @property
    def complete(self) -> bool:
        """Whether every run is accounted for."""
        return not self.open

    def reaching(self, targets: set[int]) -> set[int]:
        """The nodes from which some edge path leads to a target."""
        found, todo = set(targets), list(targets)
        while todo:
            fresh = [source for source in self.sources[todo.pop()] if source not in found]
            found.update(fresh)
            todo += fresh
        return found
