"""The strongly connected components of a graph: where each node leads to in; sets of nodes, the last first, or of the
edges inside them, out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from .edges import Edges
from .graph import Edge


def strongly(targets: Mapping[int, Sequence[int]]) -> Iterator[list[int]]:
    """Each component after those it leads to (Tarjan 1972)."""
    index: dict[int, int] = {}
    low: dict[int, int] = {}
    open: list[int] = []
    waiting: set[int] = set()
    for root in targets:
        stack = [] if root in index else [(root, iter(targets[root]))]
        while stack:
            node, rest = stack[-1]
            if node not in index:
                index[node] = low[node] = len(index)
                open.append(node)
                waiting.add(node)
            for target in rest:
                if target not in index:
                    stack.append((target, iter(targets[target])))
                    break
                if target in waiting:
                    low[node] = min(low[node], index[target])
            else:
                stack.pop()
                if stack:
                    low[stack[-1][0]] = min(low[stack[-1][0]], low[node])
                if low[node] == index[node]:
                    found: list[int] = []
                    while not found or found[-1] != node:
                        found.append(open.pop())
                    waiting.difference_update(found)
                    yield found


def strong(number: int, edges: Sequence[Edge]) -> list[list[Edge]]:
    """The edges of each strongly connected component of so many nodes that has any."""
    out: dict[int, list[int]] = {node: [] for node in range(number)}
    rows = edges.rows() if isinstance(edges, Edges) else [([e.source for e in edges], [e.target for e in edges])]
    for sources, targets in rows:
        for source, target in zip(sources, targets, strict=True):
            out[source].append(target)
    group = {node: min(found) for found in strongly(out) if len(found) > 1 for node in found}

    def inside(source: int, target: int) -> bool:
        return source == target or (source in group and group[source] == group.get(target))

    inner: dict[int, list[Edge]] = {}
    for edge in edges.between(inside) if isinstance(edges, Edges) else edges:
        if inside(edge.source, edge.target):
            inner.setdefault(group.get(edge.source, edge.source), []).append(edge)
    return [found for _, found in sorted(inner.items())]
