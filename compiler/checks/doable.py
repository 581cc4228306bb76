"""What somebody can do on some run: an explored kernel in; the edges that people may take, and runs of these, out.

The search takes it that a task can be done wherever it is open, so an edge may be one that nobody ever takes: the task
is for whoever did something that was never done, or shuts out the one whom it is for. Casts (`people`) say which are
left, of people any of whom may have any role. Nothing is left out that the kernel allows: whoever may do a task may
delegate it, to anybody whom it does not shut out; and who has a role need not have a name.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property

from ..kernel import Kernel
from .clock import Clock
from .graph import Doing, Edge, Graph, Node
from .moves import MoveKind
from .people import Cast, Casting, People, Scene, kin


class Anybody(People):
    """As many people as may be remembered at a time, and one more, each with every role."""

    def __init__(self, kernel: Kernel) -> None:
        super().__init__(kernel, None)
        most = len(self.moments) + sum(len(task.excluded) + 1 for task in kernel.task.values()) + 1
        named = {name for name, has in self.kin.items() if has == (f'"{name}"',)}
        everybody = [*(f"person {n}" for n in range(1, most + 1)), *sorted(named)]
        self.roles = {name: frozenset(kernel.roles) for name in everybody}
        self.kin = {name: kin(name, kernel.roles, named) for name in everybody}

    def doers(self, cast: Cast, task: str) -> list[str]:
        """Who may do it, as far as it matters who; then whom they may give it to, and `""`, somebody without a name."""
        opened = cast.opened(task)
        able = [*self.roles] if self.free(self.kernel.task[task]) else self.perhaps(opened)
        if task not in self.moments or not able:
            return able[:1]
        known = {who for _, who in cast.done}
        known |= {who for each in cast.open for who in (*each.excluded, *(each.persons or ()))}
        fresh = next(name for name in self.roles if name not in known)
        others = [name for name in (fresh, *sorted(known)) if name not in opened.excluded]
        first = [name for name in others if name in able]
        return [*first, *(name for name in others if name not in able), *([""] if opened.perhaps else [])]


class Doable:
    """Of one kernel whose graph is complete."""

    def __init__(self, kernel: Kernel, graph: Graph, clock: Clock) -> None:
        self.kernel = kernel
        self.graph = graph
        self.clock = clock

    @cached_property
    def casting(self) -> Casting | None:
        """None: there is no doubt that somebody does every task wherever it is open, or there are too many ways to."""
        asked = any(task.excluded or task.doer is not None for task in self.kernel.task.values())
        if not asked or all(edge.real or edge.move.kind is not MoveKind.TASK for edge in self.graph.ran):
            return None
        casting = Casting(self.graph, self.clock, Anybody(self.kernel))
        return casting if casting.whole else None

    @cached_property
    def _nodes(self) -> frozenset[int]:
        return frozenset(scene.cast.node for scene in self._scenes)

    @cached_property
    def _edges(self) -> frozenset[int]:
        """By their ids; a node makes its edges once."""
        pairs = ((scene.cast, edge) for scene in self._scenes for edge in self.graph.out[scene.cast.node])
        return frozenset(id(edge) for cast, edge in pairs if self.casting and self.casting.takers(cast, edge))

    @property
    def _scenes(self) -> Sequence[Scene]:
        return self.casting.scenes if self.casting is not None else ()

    def __contains__(self, way: Doing) -> bool:
        """Whether somebody may take an edge on some run, or a step that several nodes share from one of them."""
        if self.casting is None or (isinstance(way, Edge) and way.real):
            return True
        if isinstance(way, Edge):
            return way.source < 0 or id(way) in self._edges
        return not self._nodes.isdisjoint(self.graph.sharing[way][0])

    def comes(self, node: Node) -> bool:
        """Whether some run may come to a node."""
        return self.casting is None or node.real or node.id in self._nodes

    def does(self, task: str) -> bool:
        """Whether somebody may do a task on some run, wherever it is."""
        if self.casting is None:
            return True
        doers, scenes = self.casting.people.doers, self.casting.opening(task)
        return any(doers(scene.cast, task) for scene in scenes)

    def plays(self, edges: Iterable[Edge]) -> Iterator[Scene]:
        """Scenes that end with one of some edges, and say who did what before."""
        wanted = {id(edge) for edge in edges}
        for scene in self._scenes:
            assert self.casting is not None, "the scenes are its own"
            yield from (way for way in self.casting.ways(scene) if id(way.edge) in wanted)
