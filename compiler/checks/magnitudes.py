"""How large times can get: a kernel in; the sums, products and timers of it that may be too large to represent, out.

A duration goes to 999,999,999 days, an instant from the year 1 to 9999; beyond, a step faults (F401). Intervals are
computed over the text alone, data variables to a fixed point (Cousot and Cousot 1977): a bound that still grows after
as many rounds as there are variables goes on to the next time that is written, and at last has none. Values from
outside lie where `encode` assumes them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import count, product
from math import inf

from ...dsl.model import (
    Assign,
    Binary,
    Builtin,
    Conditional,
    Convert,
    DurationType,
    Each,
    Expr,
    Field,
    InstantType,
    IntType,
    Literal,
    NewList,
    NewRecord,
    Now,
    OptionalType,
    RecordType,
    Ref,
    RefKind,
    Type,
    Unary,
    Unwrap,
)
from ...dsl.source import Span
from ..kernel import Kernel, Timer
from .encode import scaled
from .symbols import DURATIONS, EARLIEST, INSTANTS, LATEST, LONGEST

Interval = tuple[float, float]
"""Inclusive bounds in microseconds (of an int: itself), exact where they are finite."""
ANY: Interval = (-inf, inf)


def too_large(kernel: Kernel) -> Iterator[Span]:
    """The places where a duration or an instant is computed that may not be representable."""
    data = _data(kernel)
    for node in kernel.parts:
        match node:
            case Binary() | Unary() if isinstance(node.type, DurationType | InstantType):
                if not _within(_interval(node, data), DURATIONS if isinstance(node.type, DurationType) else INSTANTS):
                    yield node.span
            case Timer(after=after) if after is not None:
                if not _within(_sum((EARLIEST, LATEST), _interval(after, data)), INSTANTS):
                    yield after.span
            case _:
                pass


def between(kernel: Kernel, exprs: Mapping[str, Expr]) -> dict[str, Interval]:
    """Between which times some expressions lie, each by its name, whatever guards say."""
    data = _data(kernel) if exprs else {}
    return {name: _interval(expr, data) for name, expr in exprs.items()}


def _data(kernel: Kernel) -> dict[str, Interval]:
    """Where each data variable of a time type can lie; nothing is said of the others."""
    assigned: dict[str, list[Expr]] = {
        v.name: [v.initial]
        for v in kernel.data
        if v.initial is not None and isinstance(_item(v.type), DurationType | InstantType)
    }
    for node in kernel.parts:
        if isinstance(node, Assign) and node.name in assigned:
            assigned[node.name].append(node.value)
    known: dict[str, Interval] = dict.fromkeys(assigned, (0, 0))
    for name, type, values in _parts(kernel.parts):
        if isinstance(_item(type), DurationType | InstantType):
            assigned.setdefault(name, []).extend(values)
            known[name] = _typed(type)
    first, steps = known, _written(kernel)

    def once_more(least: dict[str, Interval], known: dict[str, Interval]) -> dict[str, Interval]:
        made = ((name, (_interval(each, known) for each in values)) for name, values in assigned.items())
        return {name: _hull([least[name], *intervals]) for name, intervals in made}

    for number in count():
        before, known = known, once_more(known, known)
        if known == before:
            break
        if number > len(assigned):
            known = {name: _widened(before[name], known[name], steps) for name in assigned}
    for _ in assigned:  # what was widened too far comes back
        known = once_more(first, known)
    return known


def _written(kernel: Kernel) -> list[float]:
    """The times that are written, and those from outside at the most, in their order."""
    literals = (node for node in kernel.parts if isinstance(node, Literal))
    times = (each for each in literals if isinstance(each.type, DurationType | InstantType))
    known = {int(scaled(each.value, each.type)) for each in times if isinstance(each.value, timedelta | datetime)}
    return sorted({-LONGEST, EARLIEST, LATEST, LONGEST, *known})


def _widened(before: Interval, now: Interval, steps: Sequence[float]) -> Interval:
    """What has grown, so far that it stays within the next time that is written."""
    low = now[0] if now[0] == before[0] else max((step for step in steps if step <= now[0]), default=-inf)
    high = now[1] if now[1] == before[1] else min((step for step in steps if step >= now[1]), default=inf)
    return low, high


def _parts(everything: Sequence[object]) -> Iterator[tuple[str, Type, Sequence[Expr]]]:
    """What fields of records, and items of lists that something is done for, are made of, wherever that is."""
    for node in everything:
        if isinstance(node, NewRecord):
            for value, field in zip(node.values, node.type.fields, strict=True):
                yield _field(node.type, field.name), field.type, (value,)
        elif isinstance(node, Each):
            type = node.param.type
            lists = (other for other in everything if isinstance(other, NewList) and other.type.item == type)
            yield _each(node.param.name), type, [item for other in lists for item in other.items]


def _interval(expr: Expr, data: dict[str, Interval]) -> Interval:
    match expr:
        case Literal(value=None):
            return (0, 0)
        case Literal():
            number = scaled(expr.value, expr.type) if not isinstance(expr.value, str) else 0
            return (int(number), int(number))
        case Ref(kind=RefKind.DATA) if expr.name in data:
            return data[expr.name]
        case Ref(kind=RefKind.PARAM):
            return data.get(_each(expr.name), _typed(expr.type))
        case Ref():
            return _typed(expr.type)
        case Field(name=name) if isinstance(expr.operand.type, RecordType):
            return data.get(_field(expr.operand.type, name), _typed(expr.type))
        case Now():
            return (EARLIEST, LATEST)
        case Unwrap() | Convert():
            return _interval(expr.operand, data)
        case Conditional():
            return _hull([_interval(expr.then, data), _interval(expr.otherwise, data)])
        case Builtin(name="min" | "max" as name):
            lows, highs = zip(*(_interval(arg, data) for arg in expr.args), strict=True)
            return (min(lows), min(highs)) if name == "min" else (max(lows), max(highs))
        case Builtin(name="abs") | Unary():
            inside = _interval(expr.operand if isinstance(expr, Unary) else expr.args[0], data)
            return min(-inside[1], inside[0]), max(-inside[0], inside[1])
        case Binary(op="+"):
            return _sum(_interval(expr.left, data), _interval(expr.right, data))
        case Binary(op="-"):
            right = _interval(expr.right, data)
            return _sum(_interval(expr.left, data), (-right[1], -right[0]))
        case Binary(op="*"):
            left, right = _interval(expr.left, data), _interval(expr.right, data)
            corners = [a * b if a and b else 0 for a, b in product(left, right)]
            return min(corners), max(corners)
        case _:
            return ANY


def _typed(type: Type) -> Interval:
    match _item(type):
        case DurationType():
            return (-LONGEST, LONGEST)
        case InstantType():
            return (EARLIEST, LATEST)
        case IntType(low=int(low), high=int(high)):
            return (low, high)
        case _:
            return ANY


def _field(record: RecordType, name: str) -> str:
    """How a field is called among the variables; wherever the record was made."""
    return f"{record.name}.{name}"


def _each(item: str) -> str:
    """How an item that something is done for is called among the variables."""
    return f"for {item}"


def _item(type: Type) -> Type:
    return type.item if isinstance(type, OptionalType) else type


def _sum(left: Interval, right: Interval) -> Interval:
    return left[0] + right[0], left[1] + right[1]


def _hull(parts: Sequence[Interval]) -> Interval:
    return min(low for low, _ in parts), max(high for _, high in parts)


def _within(inside: Interval, bounds: tuple[int, ...]) -> bool:
    return bounds[0] <= inside[0] and inside[1] <= bounds[-1]
