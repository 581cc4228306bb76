"""What the search hands to the checks: nodes (what instances have in common), edges, and the runs that show them.

A node is **real** if a run of the interpreter has been there; the others were only not ruled out. So what holds of all
nodes holds of every run, if nothing is **open**; and what a real node or edge shows, a run shows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime

from ...dsl.model import Value
from ...dsl.source import Span
from ...dsl.values import dataclass, field, replace
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


@dataclass(eq=False, slots=True)
class Node:
    """`data` answers the atoms of the place, in their order; None: either. The first arrival is the shortest."""

    id: int
    control: Control
    data: tuple[bool | None, ...]
    zone: Zone
    arrivals: list[Arrival]
    reactions: list[Reaction] = field(default_factory=list[Reaction])

    @property
    def real(self) -> bool:
        return self.arrivals[0].real

    @property
    def instance(self) -> Instance:
        return self.arrivals[0].instance

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
    found: Arrival | Callable[[Edge], Arrival]

    @property
    def ran(self) -> bool:
        """Whether it is known what instance it led to. If not, one with such data has come to the target before."""
        return isinstance(self.found, Arrival)

    @property
    def arrival(self) -> Arrival:
        if not isinstance(self.found, Arrival):
            self.found = self.found(self)
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


class Graph:
    """The nodes and edges of one search."""

    def __init__(self) -> None:
        self.nodes: list[Node] = []
        self.out: list[list[Edge]] = []
        self.into: list[list[Edge]] = []
        self.begin: list[Edge] = []  # the starts, from no node (-1)
        self.starting: Reaction | None = None
        self.open: dict[str, None] = {}  # why something may be missing

    def edges(self) -> Iterator[Edge]:
        yield from self.begin
        for edges in self.out:
            yield from edges

    @property
    def complete(self) -> bool:
        """Whether every run is accounted for."""
        return not self.open

    def reaching(self, targets: set[int]) -> set[int]:
        """The nodes from which some edge path leads to a target."""
        found, todo = set(targets), list(targets)
        while todo:
            for edge in self.into[todo.pop()]:
                if edge.source not in found:
                    found.add(edge.source)
                    todo.append(edge.source)
        return found
