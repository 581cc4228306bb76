"""Walks values made of frozen dataclasses and tuples: a flow, a state or an expression in, all its parts out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from typing import cast

from .source import Source


def nodes(root: object) -> Iterator[object]:
    """Every dataclass in `root`, itself first, each before its parts, in the order of the fields."""
    waiting: list[object] = [root]
    while waiting:
        node = waiting.pop()
        if isinstance(node, tuple):
            waiting.extend(cast("tuple[object, ...]", node)[::-1])
        elif is_dataclass(node) and not isinstance(node, Source):
            yield node
            waiting.extend(getattr(node, each.name) for each in reversed(fields(node)))
