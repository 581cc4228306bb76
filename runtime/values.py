"""The operations of a flow's expressions that Python's operators do not do: exact, and a Fault where undefined.

`place` is where the expression is written (`specs/order.flow:71`).
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TypeVar, overload

from .codec import EXACT
from .core import Fault

T = TypeVar("T")


def some(value: T | None, place: str) -> T:
    """An optional value read where one is needed. Raises Fault F402."""
    if value is None:
        raise Fault("F402", place, "none is read where a value is needed")
    return value


def somebody(person: str, place: str) -> str:
    """Whom a task is for. Raises Fault F502 for the empty id."""
    if not person:
        raise Fault("F502", place, "the task would be for nobody")
    return person


@overload
def within(value: int, low: int, high: int, place: str) -> int: ...
@overload
def within(value: int | None, low: int, high: int, place: str) -> int | None: ...
def within(value: int | None, low: int, high: int, place: str) -> int | None:
    """A number, or none, assigned to an `int low..high` (or `int low..high?`). Raises Fault F401."""
    if value is not None and not low <= value <= high:
        raise Fault("F401", place, f"{value} is not in {low}..{high}")
    return value


@overload
def at_most(value: tuple[T, ...], most: int, place: str) -> tuple[T, ...]: ...
@overload
def at_most(value: tuple[T, ...] | None, most: int, place: str) -> tuple[T, ...] | None: ...
def at_most(value: tuple[T, ...] | None, most: int, place: str) -> tuple[T, ...] | None:
    """A list, or none, assigned to a `list<T> at most N`. Raises Fault F401."""
    if value is not None and len(value) > most:
        raise Fault("F401", place, f"{len(value)} items are more than {most}")
    return value


@overload
def items_within(value: tuple[int, ...], low: int, high: int, most: int, place: str) -> tuple[int, ...]: ...
@overload
def items_within(
    value: tuple[int, ...] | None, low: int, high: int, most: int, place: str
) -> tuple[int, ...] | None: ...
def items_within(value: tuple[int, ...] | None, low: int, high: int, most: int, place: str) -> tuple[int, ...] | None:
    """A list, or none, assigned to a `list<int low..high> at most N`. Raises Fault F401."""
    for item in at_most(value, most, place) or ():
        within(item, low, high, place)
    return value


def quotient(dividend: int, divisor: int, place: str) -> int:
    """`/`: rounds toward minus infinity. Raises Fault F403."""
    if divisor == 0:
        raise Fault("F403", place, "division by zero")
    return dividend // divisor


def remainder(dividend: int, divisor: int, place: str) -> int:
    """`%`: takes the divisor's sign. Raises Fault F403."""
    if divisor == 0:
        raise Fault("F403", place, "division by zero")
    return dividend % divisor


def decimal(value: int | Decimal, places: int) -> Decimal:
    """A number as a decimal with so many places, which it must fit."""
    return EXACT.quantize(Decimal(value), Decimal((0, (1,), -places)))


def shown(value: object) -> str:
    """A value as it stands in a task's title: `true`, `1000.00`, `1h30m`, `2026-01-31T12:00:00Z`, `none`."""
    match value:
        case None:
            return "none"
        case bool():
            return "true" if value else "false"
        case Decimal():
            return format(value if value else value.copy_abs(), "f")
        case timedelta():
            return _duration(value)
        case datetime():
            return value.astimezone(UTC).replace(tzinfo=None).isoformat() + "Z"
        case _:
            return str(value)


def _duration(value: timedelta) -> str:
    total = value // timedelta(microseconds=1)
    seconds, micros = divmod(abs(total), 1_000_000)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    parts = [f"{n}{unit}" for n, unit in ((days, "d"), (hours, "h"), (minutes, "m")) if n]
    fraction = f".{micros:06}".rstrip("0").rstrip(".")
    if seconds or fraction or not parts:
        parts.append(f"{seconds}{fraction}s")
    return ("-" if total < 0 else "") + "".join(parts)
