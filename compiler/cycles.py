"""A kernel in, its cycles of choices out: ways that come back without ever resting in a state."""

from __future__ import annotations

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
            for branch in kernel.choice[way[-1]].branches:
                node = branch.target.node
                if node == start:
                    return way
                if node in kernel.choice and node not in seen:
                    seen.add(node)
                    level.append((*way, node))
    return ()
