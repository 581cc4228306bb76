"""A value of a payload, its type and a trial in; the plainest value of the type that the trial lets pass, out.

Plainer is: none before something, false before true, a number nearer to zero (of two as near the positive one), a text
that is shorter (of two as short the one earlier in the alphabet), a member written earlier, a list with fewer items, a
moment nearer to the beginning of the run; of a list or a record as plain in its size, what has plainer parts. Durations
and moments are whole seconds before any other.

Small numbers are tried one by one, and so are the neighbours of what the flow compares with; between the largest that
failed and the smallest that passed the answer is found by halving. Where the trial says yes below some bound and no
above it, between two such neighbours, nothing plainer passes; so it is for guards that compare.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from functools import cached_property

from ...dsl.model import (
    BoolType,
    DecimalType,
    DurationType,
    EnumType,
    InstantType,
    IntType,
    ListType,
    Literal,
    OptionalType,
    RecordType,
    TextType,
    Type,
    Value,
)
from ...dsl.values import dataclass
from ..evaluate import EXACT, fits
from ..kernel import Kernel
from .moves import BEGIN, simplest

Accepts = Callable[[Value], bool]

FEW = 12  # numbers of each sign that are tried one by one
MOST_HINTS = 60
SECOND = 1_000_000
MICRO = timedelta(microseconds=1)
LETTERS = "abc"


@dataclass(frozen=True)
class Hints:
    """What the text of a flow compares with: its literals. Numbers next to them may be where a guard turns."""

    kernel: Kernel

    @cached_property
    def values(self) -> tuple[Value, ...]:
        found = (node.value for node in self.kernel.parts if isinstance(node, Literal))
        return tuple(dict.fromkeys(value for value in found if not isinstance(value, bool | tuple)))

    @cached_property
    def texts(self) -> tuple[str, ...]:
        return tuple(sorted({value for value in self.values if isinstance(value, str)}, key=_spelt))

    def numbers(self, type: Type) -> Iterator[int]:
        """The literals as numbers of a type, and their neighbours."""
        for value in self.values[:MOST_HINTS]:
            number = _counted(value, type)
            if number is not None:
                step = SECOND if isinstance(type, DurationType | InstantType) else 1
                yield from (number, number - 1, number + 1, number - step, number + step)


def rank(value: Value, type: Type) -> tuple[object, ...]:
    """What orders values of one type, the plainest first."""
    if isinstance(type, OptionalType):
        return (0,) if value is None else (1, rank(value, type.item))
    match value:
        case bool():
            return (value,)
        case tuple():
            if isinstance(type, RecordType):
                return tuple(rank(part, field.type) for part, field in zip(value, type.fields, strict=True))
            assert isinstance(type, ListType), "nothing else has parts"
            return (len(value), tuple(rank(part, type.item) for part in value))
        case str():
            return (type.members.index(value),) if isinstance(type, EnumType) else _spelt(value)
        case None:
            return ()
        case _:
            number = _counted(value, type)
            assert number is not None, "a value is of its type"
            odd = isinstance(type, DurationType | InstantType) and number % SECOND != 0
            return (odd, *_size(number))


def plainest(value: Value, type: Type, hints: Hints, accepts: Accepts) -> Value:
    """The plainest value that `accepts`; it does accept `value`, and is asked about nothing that is not plainer."""
    plain = simplest(type)
    if value == plain or (fits(plain, type) and accepts(plain)):
        return plain
    item = type.item if isinstance(type, OptionalType) else type
    match item:
        case IntType() | DecimalType() | DurationType() | InstantType():
            return _numbers(value, item, hints, accepts)
        case TextType():
            assert isinstance(value, str), "a text"
            return _text(value, hints, accepts)
        case EnumType() | BoolType():
            members: tuple[Value, ...] = item.members if isinstance(item, EnumType) else (False, True)
            return next((each for each in members[: members.index(value)] if accepts(each)), value)
        case ListType():
            assert isinstance(value, tuple), "a list"
            shorter = _shortened(value, accepts)
            return _parts(shorter, [item.item] * len(shorter), hints, accepts)
        case RecordType():
            assert isinstance(value, tuple), "a record"
            return _parts(value, [field.type for field in item.fields], hints, accepts)
        case _:
            return value


# ---------------------------------------------------------------- numbers, moments and durations


def _counted(value: Value, type: Type) -> int | None:
    """A number in the smallest unit of a type; None: it is not one, or has a finer unit."""
    match value, type:
        case bool(), _:
            return None
        case int(), IntType():
            return value
        case ((int() | Decimal()), DecimalType()):
            unit = EXACT.scaleb(Decimal(value), type.places)
            return int(unit) if unit == unit.to_integral_value() else None
        case timedelta(), DurationType():
            return value // MICRO
        case datetime(), InstantType():
            return (value - BEGIN) // MICRO
        case _:
            return None


def _made(number: int, type: Type) -> Value:
    """The value of a type that counts so many of its smallest units."""
    match type:
        case DecimalType():
            return EXACT.scaleb(Decimal(number), -type.places)
        case DurationType():
            return number * MICRO
        case InstantType():
            return BEGIN + number * MICRO
        case _:
            return number


def _size(number: int) -> tuple[int, bool]:
    return abs(number), number < 0


def _numbers(value: Value, type: Type, hints: Hints, accepts: Accepts) -> Value:
    start = _counted(value, type)
    assert start is not None, "a value is of its type"

    def passes(number: int) -> bool:
        try:
            made = _made(number, type)
        except OverflowError:
            return False
        return fits(made, type) and accepts(made)

    near = list(hints.numbers(type))
    if isinstance(type, DurationType | InstantType):
        below = start // SECOND
        whole = [n for n in (below, below + 1) if n * SECOND == start or passes(n * SECOND)]
        if whole:
            seconds = [n // SECOND for n in near if n % SECOND == 0]
            found = _nearest(min(whole, key=_size), seconds, lambda n: passes(n * SECOND))
            return _made(found * SECOND, type)
    return _made(_nearest(start, near, passes), type)


def _nearest(start: int, near: Iterable[int], passes: Callable[[int], bool]) -> int:
    """The number nearest to zero that passes, `start` being one that does."""
    small = {sign * n for n in range(FEW) for sign in (1, -1)}
    wishes = sorted({n for each in near for n in (each, -each)} | small, key=_size)
    best, failed = start, [0]
    for wish in wishes:
        if _size(wish) >= _size(start):
            break
        if passes(wish):
            best = wish
            break
        failed.append(wish)
    sign = -1 if best < 0 else 1
    low, high = max(abs(each) for each in failed if each * sign >= 0), abs(best)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if passes(sign * middle) else (middle, high)
    return sign * high


# ---------------------------------------------------------------- texts, lists and records


def _spelt(text: str) -> tuple[int, tuple[tuple[bool, str], ...]]:
    return len(text), tuple((not "a" <= char <= "z", char) for char in text)


def _text(value: str, hints: Hints, accepts: Accepts) -> str:
    wishes = sorted({*LETTERS, *hints.texts}, key=_spelt)
    found = next((wish for wish in wishes if _spelt(wish) < _spelt(value) and accepts(wish)), None)
    found = found if found is not None else value
    repeated = LETTERS[0] * len(found)
    if found != repeated and accepts(repeated):
        found = repeated
    if found == repeated:
        low = 0
        while len(found) - low > 1:
            middle = (low + len(found)) // 2
            shorter = LETTERS[0] * middle
            low, found = (low, shorter) if accepts(shorter) else (middle, found)
    return found


def _shortened(value: tuple[Value, ...], accepts: Accepts) -> tuple[Value, ...]:
    """Without items that are not needed; the empty list was tried."""
    for length in range(1, len(value)):
        if accepts(value[:length]):
            value = value[:length]
            break
    place = 0
    while place < len(value) and len(value) > 1:
        without = (*value[:place], *value[place + 1 :])
        value, place = (without, place) if accepts(without) else (value, place + 1)
    return value


def _parts(value: tuple[Value, ...], types: Iterable[Type], hints: Hints, accepts: Accepts) -> tuple[Value, ...]:
    """Part by part, each as plain as the others allow."""
    for place, type in enumerate(types):
        value = at_place(value, place, type, hints, accepts)
    return value


def at_place(
    value: tuple[Value, ...], place: int, type: Type, hints: Hints, accepts: Callable[[tuple[Value, ...]], bool]
) -> tuple[Value, ...]:
    """Several values, the one at a place as plain as can be."""

    def put(part: Value) -> tuple[Value, ...]:
        return (*value[:place], part, *value[place + 1 :])

    return put(plainest(value[place], type, hints, lambda part: accepts(put(part))))
