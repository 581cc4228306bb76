"""Walks over syntax trees: every node with the span around it, and trees without their spans."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from typing import Any

from penstock.dsl.source import Span

Tree = Any
"""A node of `penstock.dsl.syntax`."""


def nodes(tree: Tree) -> Iterator[tuple[Tree, Span]]:
    """Every node and the span of the node it is part of."""
    yield tree, tree.span
    for field in fields(tree):
        value: Any = getattr(tree, field.name)
        for part in value if _several(value) else (value,):
            if is_dataclass(part) and not isinstance(part, Span):
                yield from ((node, tree.span if node is part else outer) for node, outer in nodes(part))


def plain(tree: Tree) -> Any:
    """The tree as nested tuples, the places in the text left out."""
    if _several(tree):
        return tuple(plain(part) for part in tree)
    if is_dataclass(tree) and not isinstance(tree, type):
        return (type(tree).__name__, *(plain(getattr(tree, f.name)) for f in fields(tree) if f.name != "span"))
    return type(tree).__name__, str(tree)


def _several(value: Any) -> bool:
    return isinstance(value, tuple)
