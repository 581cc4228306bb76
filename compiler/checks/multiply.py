"""A graph that grew too large in; what multiplies its nodes, the worst first, out.

Of everything that tells nodes apart: how many fewer there would be without it. Found by leaving it out of all nodes
and counting those that are still different.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

from ...dsl.model import Ref
from ...dsl.source import Span
from ...dsl.values import dataclass, replace
from ..kernel import Kernel, ScopeKind
from .atoms import Atom, Test
from .control import Control
from .graph import Graph
from .live import Live
from .rewrite import inside
from .states import Answers
from .zones import Zone


@dataclass(frozen=True, slots=True)
class Factor:
    """`what` multiplies the nodes by `by`. many: it is more than one thing."""

    what: str
    by: float
    help: str
    span: Span | None = None
    many: bool = False


Key = tuple[Control, Answers, Zone]
LEAST = 1.5  # what multiplies by less is not to blame
MOST = 20_000  # nodes that are counted, the first that were found


def factors(kernel: Kernel, live: Live, graph: Graph) -> list[Factor]:
    keys: list[Key] = [(node.control, node.data, node.zone) for node in graph.nodes[:MOST]]
    total = len(set(keys))
    found: list[Factor] = []
    for made, strip in _dimensions(kernel, live, graph):
        fewer = len({strip(key) for key in keys})
        if fewer and total / fewer >= LEAST:
            found.append(replace(made, by=total / fewer))
    return sorted(found, key=lambda factor: -factor.by)


def _dimensions(kernel: Kernel, live: Live, graph: Graph) -> Iterator[tuple[Factor, Callable[[Key], object]]]:
    for variable in kernel.variable.values():
        help = f"compare `{variable.name}` with fewer values, or give it a smaller range or an `enum`"
        factor = Factor(f"`{variable.name}`", 1, help, variable.span)
        yield factor, partial(_without, live, variable.name)
    for scope in kernel.scopes:
        if scope.kind is ScopeKind.REGION:
            help = f"do what is in `{scope.name}` in a flow of its own, with `do flow`, or after the others"
            factor = Factor(f"region `{scope.name}`", 1, help, scope.span)
            yield factor, partial(_outside, kernel, scope.name)
    for leaf in kernel.leaves:
        if leaf.call is not None and leaf.call.each is not None:
            help = f"let it be fewer than {leaf.call.each.most} at a time: `at most`"
            factor = Factor(f"the group of calls in `{leaf.name}`", 1, help, leaf.call.span)
            yield factor, partial(_ungrouped, leaf.name)
    names = {kind[0] for node in graph.nodes for segment in node.control.log for kind in segment.kinds}
    if names:
        listed = ", ".join(f"`{name}`" for name in sorted(names)[:3])
        help = f"let fewer effects stand at a time: of {listed}"
        factor = Factor("the calls that stand to be undone", 1, help, many=True)
        yield factor, _unlogged
    factor = Factor("the timers that run at the same time", 1, "let fewer timers run at a time", many=True)
    yield factor, _untimed


def _without(live: Live, name: str, key: Key) -> object:
    """A node but for its answers about a variable."""
    control, data, zone = key
    atoms = live[control.place]
    return control, tuple(yes for atom, yes in zip(atoms, data, strict=True) if name not in _about(atom)), zone


def _unlogged(key: Key) -> object:
    return replace(key[0], log=(), calling=(), marks=(), undo_mark=-1), key[1], key[2]


def _untimed(key: Key) -> object:
    return key[:2]


def _about(atom: Atom) -> set[str]:
    roots = (atom.expr,) if isinstance(atom, Test) else tuple(term for term, _ in atom.form)
    return {part.name for root in roots for part in inside(root) if isinstance(part, Ref)}


def _outside(kernel: Kernel, region: str, key: Key) -> object:
    """A node but for what is in a region."""
    control, data, zone = key
    if not control.resting:
        return key
    inner = {name for name in (*kernel.leaf, *kernel.scope) if region in kernel.above(name)}
    place = control.place[0], tuple(leaf for leaf in control.place[1] if leaf not in inner)
    left = replace(
        control,
        place=place,
        running=tuple(each for each in control.running if each[0] not in inner),
        tasks=tuple(task for task in control.tasks if kernel.home[task] not in inner),
        timers=frozenset(timer for timer in control.timers if kernel.home[timer] not in inner),
        log=(),
        calling=(),
    )
    return left, data, zone.only(left.timers)


def _ungrouped(leaf: str, key: Key) -> object:
    running = tuple(each for each in key[0].running if each[0] != leaf)
    return replace(key[0], running=running, log=(), calling=()), key[1], key[2]
