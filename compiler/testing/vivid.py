"""Values that can be told apart: acts with the plainest values in; the same run with telling ones, as far as it stays
the same run, out.

A test in which every text is empty and every number 0 passes when two of them are mixed up, and one in which a number
is far from what it is compared with passes when `>` is taken for `>=`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

from ...dsl.model import (
    BoolType,
    DecimalType,
    DurationType,
    EnumType,
    InstantType,
    IntType,
    ListType,
    Literal,
    NoneType,
    OptionalType,
    RecordType,
    TextType,
    Type,
    Value,
)
from ..evaluate import fits, kept
from ..kernel import Kernel
from .acts import Act, Inapplicable, types
from .claims import constants
from .play import BEGIN, Played, play


def vivid(kernel: Kernel, acts: Sequence[Act]) -> tuple[Act, ...]:
    """The acts with telling values in the place of plain ones, wherever that changes nothing about the way taken."""
    told: tuple[Act, ...] = tuple(acts)
    course = _course(play(kernel, told))
    first = [(v.initial.value, v.type) for v in kernel.data if isinstance(v.initial, Literal)]
    compared = constants(kernel)
    number = 0
    for index, act in enumerate(told):
        try:
            brings = list(types(kernel, act))
        except Inapplicable:
            continue
        if len(brings) != len(act.values):
            continue
        for place, (name, type) in enumerate(brings):
            number += 1
            for value in (*borders(compared, type), *_unlike(first, type, telling(name, type, number))):
                trial = _put(told, index, place, value)
                if value != told[index].values[place] and _course(play(kernel, trial)) == course:
                    told = trial
                    break
    return told


def _put(acts: tuple[Act, ...], index: int, place: int, value: Value) -> tuple[Act, ...]:
    """The acts with another value at a place of one of them."""
    values = acts[index].values
    act = replace(acts[index], values=(*values[:place], value, *values[place + 1 :]))
    return (*acts[:index], act, *acts[index + 1 :])


def _unlike(first: Sequence[tuple[Value, Type]], type: Type, values: Iterable[Value]) -> list[Value]:
    """The values, those last that some data of the type have from the start: nobody would see them assigned."""
    return sorted(values, key=lambda value: (value, type) in first)


def _course(played: Sequence[Played]) -> list[object]:
    """What must stay as it is: every step, which way it takes, and when."""
    return [
        (each.now, each.step is not None and each.step.taken, each.missing, each.took, str(each.refused or ""))
        for each in played
    ]


def borders(compared: Iterable[tuple[Value, Type]], type: Type) -> Iterator[Value]:
    """The numbers that values of a type are compared with, and those beside them: `>` and `>=` differ there only."""
    item = type.item if isinstance(type, OptionalType) else type
    for constant, other in compared:
        if isinstance(item, IntType) and isinstance(constant, int) and isinstance(other, IntType):
            found = [constant, constant + 1, constant - 1]
            yield from (value for value in found if fits(value, item))
        elif isinstance(item, DecimalType) and isinstance(constant, (int, Decimal)) and isinstance(other, DecimalType):
            unit = Decimal(1).scaleb(-item.places)
            amounts = [Decimal(constant) + step for step in (Decimal(0), unit, -unit)]
            yield from (kept(amount, item) for amount in amounts if fits(amount, item))


def telling(name: str, type: Type, number: int) -> Iterator[Value]:
    """A few values of a type that are not its plainest, different for every number, the most telling first."""
    match type:
        case OptionalType():
            yield from telling(name, type.item, number)
        case TextType():
            yield f"{name}-{number}"
        case IntType():
            low, high = type.low, type.high
            base = 0 if low is None else low
            for wish in (base + 10 + number, base + 1 + number, base + 1):
                if (low is None or wish >= low) and (high is None or wish <= high):
                    yield wish
            if high is not None:
                yield high
        case DecimalType():
            unit = Decimal(1).scaleb(-type.places)
            yield kept(Decimal(10 + number) + number * unit, type)
            yield kept(number * unit, type)
        case EnumType():
            yield from (type.members[(number + turn) % len(type.members)] for turn in range(len(type.members)))
        case BoolType():
            yield True
        case DurationType():
            yield timedelta(hours=number)
            yield timedelta(seconds=number)
        case InstantType():
            yield BEGIN + timedelta(days=number)
        case RecordType():
            parts = [list(telling(field.name, field.type, number + at)) for at, field in enumerate(type.fields)]
            if all(parts):
                yield tuple(part[0] for part in parts)
        case ListType():
            for size in (2, 1):
                items = [list(telling(name, type.item, number * 10 + at)) for at in range(min(size, type.most))]
                if all(items):
                    yield tuple(item[0] for item in items)
        case NoneType():
            return
