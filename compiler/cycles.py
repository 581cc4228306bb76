"""A kernel in, its cycles of choices out: ways that come back without ever resting in a state."""

from __future__ import annotations

from .kernel import Kernel, ScopeKind


def cycles(kernel: Kernel) -> tuple[tuple[str, ...], ...]:
    """The shortest way from each choice back to itself through choices and the starts of states alone, each cycle once,
    first written first. Named are only the choices on the way.

    A compensation on the way counts as none: it takes no time when there is nothing to undo."""
    order = {choice.name: index for index, choice in enumerate(kernel.choices)}
    found: dict[tuple[str, ...], None] = {}
    for choice in kernel.choices:
        way = _back(kernel, choice.name)
        if way:
            first = min(range(len(way)), key=lambda index: order[way[index]])
            found[way[first:] + way[:first]] = None
    return tuple(found)


def _back(kernel: Kernel, start: str) -> tuple[str, ...]:
    """The shortest cycle through a choice, breadth first; empty: none."""
    level: list[tuple[str, tuple[str, ...]]] = [(start, (start,))]
    seen: set[str] = set()
    while level:
        ways, level = level, []
        for last, way in ways:
            for node in _next(kernel, last):
                if node == start:
                    return way
                if node not in seen:
                    seen.add(node)
                    level.append((node, (*way, node) if node in kernel.choice else way))
    return ()


def _next(kernel: Kernel, node: str) -> tuple[str, ...]:
    """Where a choice, or the start of a state, leads."""
    if node in kernel.choice:
        return tuple(branch.target.node for branch in kernel.choice[node].branches)
    scope = kernel.scope.get(node)
    if scope is None:
        return ()
    if scope.kind is ScopeKind.PARALLEL:
        return kernel.inside[node]
    return () if scope.start is None else (scope.start.target.node,)
