"""Walks values made of frozen dataclasses and tuples: a flow, a state or an expression in, all its parts out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from operator import attrgetter
from typing import cast

from .source import Source, Span
from .values import fields_of, is_declared

_SIMPLE = {"str", "str | None", "int", "int | None", "bool", "Span", "Source"}
"""The types, as they are written, of fields in which there is no dataclass; most fields have one of these."""

_Parts = Callable[[object], object]
_PARTS: dict[type, _Parts | None] = {}
"""By the type of a node, what takes its parts from it; None where there is nothing to be taken."""


def nodes(root: object) -> Iterator[object]:
    """Every dataclass in `root` but places in the text, itself first, each before its parts, in the order of the
    fields."""
    waiting: list[object] = [root]
    while waiting:
        node = waiting.pop()
        if isinstance(node, tuple):
            waiting.extend(cast("tuple[object, ...]", node)[::-1])
            continue
        kind = type(node)
        try:
            parts = _PARTS[kind]
        except KeyError:
            parts = _PARTS[kind] = _taking(kind)
        if parts is not None:
            yield node
            waiting.append(parts(node))


def _nothing(_node: object) -> tuple[()]:
    return ()


def _taking(kind: type[object]) -> _Parts | None:
    if not is_declared(kind) or issubclass(kind, Source | Span):
        return None
    names = [name for name, said in fields_of(kind).items() if said.type not in _SIMPLE]
    return attrgetter(*names) if len(names) > 1 else attrgetter(names[0]) if names else _nothing
