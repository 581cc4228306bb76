"""A kernel in, its cycles of choices out: ways that come back without ever resting in a state."""

from __future__ import annotations

from collections.abc import Iterator

from .kernel import Kernel


def cycles(kernel: Kernel) -> tuple[tuple[str, ...], ...]:
    """The shortest way from each choice back to itself through choices alone, each cycle once, first written first.

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
    level: list[tuple[str, ...]] = [(start,)]
    seen: set[str] = set()
    while level:
        ways, level = level, []
        for way in ways:
            targets = (branch.target.node for branch in kernel.choice[way[-1]].branches)
            for node in (choice for target in targets for choice in _entered(kernel, target)):
                if node == start:
                    return way
                if node in kernel.choice and node not in seen:
                    seen.add(node)
                    level.append((*way, node))
    return ()


def _entered(kernel: Kernel, node: str) -> Iterator[str]:
    """A choice, or those that the starts of a scope lead to."""
    if node in kernel.choice:
        yield node
    for inner in kernel.inside.get(node, ()) if node in kernel.scope and kernel.scope[node].start is None else ():
        yield from _entered(kernel, inner)
    start = kernel.scope[node].start if node in kernel.scope else None
    if start is not None:
        yield from _entered(kernel, start.target.node)
