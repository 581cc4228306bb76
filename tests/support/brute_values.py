"""The values of every type that brute force tries, and how it tells those that are instants apart."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import cache
from itertools import pairwise, product

from penstock.dsl.model import (
    BoolType,
    DecimalType,
    DurationType,
    EnumType,
    InstantType,
    IntType,
    ListType,
    OptionalType,
    RecordType,
    TextType,
    Type,
    Value,
)

EPOCH = datetime(2026, 1, 1, tzinfo=UTC)
SECOND = timedelta(seconds=1)
LONGEST = 10 * SECOND
"""No timer of these flows takes so long: what is longer ago than that is long ago."""

DECIMALS = tuple(Decimal(tenths) / 10 for tenths in (-12, -10, -9, -5, -2, 0, 2, 5, 7, 10, 12, 15, 19))
"""Every multiple of a half that is written, with what lies between: decimals are compared with these alone."""
TEXTS = ("", "a", "b", "c", "d", "ee")
"""Those that are written, two others of one sign and one of two: texts are compared, and counted to one."""
INSTANTS = tuple(EPOCH + second * SECOND for second in range(-2, 4))
"""Those that come from outside: what `random_instants` write, what is a second away from that, and beyond."""

DURATIONS = tuple(second * SECOND for second in range(8))
"""Those that come from outside: what `random_durations` write or compute, what is longer though some is taken off it
twice, and nothing at all."""


class TooLarge(Exception):
    """The flow has more instances than the enumeration is willing to visit."""


@cache
def domain(type: Type, finely: bool = False) -> tuple[Value, ...]:
    """finely: with times that lie between whole seconds, and with durations that are less than nothing."""
    match type:
        case BoolType():
            return (False, True)
        case IntType(low=int(low), high=int(high)):
            return tuple(range(low, high + 1))
        case EnumType():
            return type.members
        case OptionalType():
            return (None, *domain(type.item, finely))
        case ListType():
            item, sizes = domain(type.item, finely), range(type.most + 1)
            return tuple(items for size in sizes for items in product(item, repeat=size))
        case RecordType():
            return payloads(tuple(field.type for field in type.fields), finely)
        case DecimalType(places=1):
            return DECIMALS
        case TextType():
            return TEXTS
        case DurationType():
            between = (each - SECOND / 2 for each in DURATIONS)
            return (*DURATIONS, *between, *(-each for each in DURATIONS[1:4])) if finely else DURATIONS
        case InstantType():
            return (*INSTANTS, *(moment + SECOND / 2 for moment in INSTANTS)) if finely else INSTANTS
        case _:
            raise TooLarge(f"cannot enumerate {type}")


@cache
def payloads(types: tuple[Type, ...], finely: bool = False) -> tuple[tuple[Value, ...], ...]:
    return tuple(product(*(domain(type, finely) for type in types)))


def moments(value: Value) -> Iterator[datetime]:
    """The instants in a value."""
    if isinstance(value, datetime):
        yield value
    elif isinstance(value, tuple):
        for part in value:
            yield from moments(part)


def relative(values: tuple[Value, ...], now: datetime) -> object:
    """Values with instants as how far they are from now and from each other; what is long ago is long ago."""
    known = sorted({*moments(values)})
    if not known:
        return values
    gaps = tuple(min(later - earlier, LONGEST) for earlier, later in pairwise(known))
    told = {moment: (number, max(moment - now, -LONGEST)) for number, moment in enumerate(known)}
    return tuple(_put(value, told) for value in values), gaps


def _put(value: Value, told: Mapping[datetime, object]) -> object:
    if isinstance(value, tuple):
        return tuple(_put(part, told) for part in value)
    return told[value] if isinstance(value, datetime) else value
