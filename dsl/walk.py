"""Walks values made of frozen dataclasses and tuples: a flow, a state or an expression in, all its parts out."""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

from .source import Source, Span


def nodes(root: object) -> Iterator[object]:
    """Every dataclass in `root` but places in the text, itself first, each before its parts, in the order of the
    fields."""
    waiting: list[object] = [root]
    while waiting:
        node = waiting.pop()
        if isinstance(node, tuple):
            waiting.extend(cast("tuple[object, ...]", node)[::-1])
        elif not isinstance(node, Source | Span):
            fields: dict[str, object] | None = getattr(node, "__dataclass_fields__", None)  # `fields()` is slow
            if fields is not None:
                yield node
                waiting.extend([getattr(node, name) for name in reversed(fields)])
