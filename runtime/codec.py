"""Typed codecs: an untrusted value in, a checked one out; and each to a JSON value and back, exactly.

`check` takes what a caller hands in, `decode` what `json.loads` gave; both answer with a value of exactly the type, or
raise `Invalid`, which names the field. Decimals travel as strings, durations as whole microseconds, instants as
ISO 8601 in UTC. Nothing here rounds.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import MAX_EMAX, MAX_PREC, MIN_EMIN, Context, Decimal, Inexact, InvalidOperation, Overflow
from enum import StrEnum
from typing import Generic, TypeVar, cast

Json = None | bool | int | float | str | Sequence["Json"] | Mapping[str, "Json"]

EXACT = Context(prec=MAX_PREC, Emax=MAX_EMAX, Emin=MIN_EMIN, traps=[Inexact, InvalidOperation, Overflow])
"""Decimal arithmetic that is exact or raises; the default context would round to 28 digits without a word."""

MOST_DIGITS = 1000
"""Longer numbers are refused: no real amount is, and each would be a way to exhaust a host."""

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)
M = TypeVar("M", bound=StrEnum)


class Invalid(ValueError):
    """A value that does not fit its type: what is wrong, and the way to it from outside (`items`, `0`, `price`)."""

    def __init__(self, problem: str, *path: str) -> None:
        super().__init__(problem, path)
        self.problem = problem
        self.path = path

    def __str__(self) -> str:
        return f"{'.'.join(self.path)}: {self.problem}" if self.path else self.problem

    def within(self, field: str) -> Invalid:
        """The same complaint, seen from one level further out."""
        return Invalid(self.problem, field, *self.path)


def _brief(value: object) -> str:
    """A value in a message, short whatever it is."""
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


class Codec(ABC, Generic[T_co]):
    """How values of one type are checked, written to JSON and read back: `decode(encode(v)) == check(v)`."""

    @abstractmethod
    def check(self, value: object) -> T_co:
        """The value, in its normal form. Raises Invalid."""

    @abstractmethod
    def encode(self, value: object) -> Json:
        """The JSON value of a value that was checked. Raises Invalid where it was not."""

    @abstractmethod
    def decode(self, json: object) -> T_co:
        """The value of a JSON value. Raises Invalid."""


@dataclass(frozen=True, slots=True)
class _Bool(Codec[bool]):
    def check(self, value: object) -> bool:
        if not isinstance(value, bool):
            raise Invalid(f"expected true or false, not {_brief(value)}")
        return value

    def encode(self, value: object) -> Json:
        return self.check(value)

    def decode(self, json: object) -> bool:
        return self.check(json)


@dataclass(frozen=True, slots=True)
class _Int(Codec[int]):
    low: int | None = None
    high: int | None = None

    def check(self, value: object) -> int:
        if not isinstance(value, int) or isinstance(value, bool):
            raise Invalid(f"expected a whole number, not {_brief(value)}")
        if value.bit_length() > MOST_DIGITS * 3:
            raise Invalid(f"a number of more than {MOST_DIGITS} digits")
        if (self.low is not None and value < self.low) or (self.high is not None and value > self.high):
            raise Invalid(f"{value} is not in {self.low}..{self.high}")
        return value

    def encode(self, value: object) -> Json:
        return self.check(value)

    def decode(self, json: object) -> int:
        return self.check(json)


_DECIMAL = re.compile(r"-?[0-9]+(\.[0-9]+)?", re.ASCII)


@dataclass(frozen=True, slots=True)
class _Decimal(Codec[Decimal]):
    """Its normal form has exactly `places` digits after the point."""

    places: int

    def check(self, value: object) -> Decimal:
        if not isinstance(value, Decimal):
            raise Invalid(f"expected a Decimal, not {_brief(value)}")
        if not value.is_finite() or value.adjusted() > MOST_DIGITS:
            raise Invalid(f"{_brief(value)} is not an amount")
        try:
            return value.quantize(Decimal((0, (1,), -self.places)), context=EXACT)
        except Inexact:
            raise Invalid(f"{_brief(value)} has more than {self.places} digits after the point") from None

    def encode(self, value: object) -> Json:
        return f"{self.check(value):f}"

    def decode(self, json: object) -> Decimal:
        if not isinstance(json, str) or len(json) > 2 * MOST_DIGITS or not _DECIMAL.fullmatch(json):
            raise Invalid(f"expected a decimal in a string, such as '12.50', not {_brief(json)}")
        return self.check(Decimal(json))


@dataclass(frozen=True, slots=True)
class _Text(Codec[str]):
    def check(self, value: object) -> str:
        if not isinstance(value, str):
            raise Invalid(f"expected text, not {_brief(value)}")
        return str(value)

    def encode(self, value: object) -> Json:
        return self.check(value)

    def decode(self, json: object) -> str:
        return self.check(json)


_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class _Duration(Codec[timedelta]):
    def check(self, value: object) -> timedelta:
        if not isinstance(value, timedelta):
            raise Invalid(f"expected a timedelta, not {_brief(value)}")
        return value

    def encode(self, value: object) -> Json:
        return self.check(value) // _MICROSECOND

    def decode(self, json: object) -> timedelta:
        if not isinstance(json, int) or isinstance(json, bool):
            raise Invalid(f"expected a duration in microseconds, not {_brief(json)}")
        try:
            return timedelta(microseconds=json)
        except OverflowError:
            raise Invalid(f"{_brief(json)} microseconds are too long a duration") from None


@dataclass(frozen=True, slots=True)
class _Instant(Codec[datetime]):
    """Its normal form is in UTC."""

    def check(self, value: object) -> datetime:
        if not isinstance(value, datetime) or value.utcoffset() is None:
            raise Invalid(f"expected a datetime with a time zone, not {_brief(value)}")
        try:
            return value.astimezone(UTC)
        except OverflowError:
            raise Invalid(f"{_brief(value)} is not a moment in UTC") from None

    def encode(self, value: object) -> Json:
        return self.check(value).isoformat().replace("+00:00", "Z")

    def decode(self, json: object) -> datetime:
        try:
            return self.check(datetime.fromisoformat(json) if isinstance(json, str) else None)
        except ValueError:
            raise Invalid(f"expected a moment such as '2026-01-31T12:00:00Z', not {_brief(json)}") from None


@dataclass(frozen=True, slots=True)
class _Enum(Codec[M]):
    members: type[M]

    def check(self, value: object) -> M:
        if isinstance(value, str):
            for member in self.members:
                if member == value:
                    return member
        raise Invalid(f"expected one of {', '.join(self.members)}, not {_brief(value)}")

    def encode(self, value: object) -> Json:
        return self.check(value).value

    def decode(self, json: object) -> M:
        return self.check(json)


@dataclass(frozen=True, slots=True)
class _Optional(Codec[T_co | None]):
    item: Codec[T_co]

    def check(self, value: object) -> T_co | None:
        return None if value is None else self.item.check(value)

    def encode(self, value: object) -> Json:
        return None if value is None else self.item.encode(value)

    def decode(self, json: object) -> T_co | None:
        return None if json is None else self.item.decode(json)


@dataclass(frozen=True, slots=True)
class Record(Codec[T_co]):
    """A NamedTuple or dataclass as a JSON object. The fields have their names in the flow; `attributes` are theirs in
    Python, which differ where the flow's name is no Python name."""

    type: type[T_co]
    fields: tuple[tuple[str, Codec[object]], ...]

    @property
    def attributes(self) -> tuple[str, ...]:
        return cast(tuple[str, ...], getattr(self.type, "__match_args__", ()))

    def values(self, value: object) -> tuple[object, ...]:
        """The values of the fields, in order. Raises Invalid for a value of another class."""
        if not isinstance(value, self.type):
            raise Invalid(f"expected {self.type.__name__}, not {_brief(value)}")
        return tuple(getattr(value, attribute) for attribute in self.attributes)

    def check(self, value: object) -> T_co:
        old = self.values(value)
        return self.type(*(_in(name, codec.check, item) for (name, codec), item in zip(self.fields, old, strict=True)))

    def encode(self, value: object) -> Json:
        old = self.values(value)
        return {name: _in(name, codec.encode, item) for (name, codec), item in zip(self.fields, old, strict=True)}

    def decode(self, json: object) -> T_co:
        return self.type(*_decoded(self.fields, json))


def _in(field: str, convert: Callable[[object], T], value: object) -> T:
    try:
        return convert(value)
    except Invalid as invalid:
        raise invalid.within(field) from None


def members(json: object) -> Mapping[str, object]:
    """The members of a JSON object. Raises Invalid for any other JSON value."""
    if not isinstance(json, Mapping):
        raise Invalid(f"expected an object, not {_brief(json)}")
    return cast(Mapping[str, object], json)


def _decoded(fields: tuple[tuple[str, Codec[object]], ...], json: object) -> tuple[object, ...]:
    """The values of a JSON object with exactly these fields, in their order."""
    given = members(json)
    names = [name for name, _ in fields]
    for name in names:
        if name not in given:
            raise Invalid("missing", name)
    for key in given:
        if key not in names:
            raise Invalid("no such field", key)
    return tuple(_in(name, codec.decode, given[name]) for name, codec in fields)


@dataclass(frozen=True, slots=True)
class Variant(Codec[T_co]):
    """Records of one class whose other fields depend on the text in field `tag`, such as the activity of a call."""

    tag: str
    records: Mapping[str, Record[T_co]]

    def check(self, value: object) -> T_co:
        return self._of(getattr(value, self.tag, None)).check(value)

    def encode(self, value: object) -> Json:
        return self._of(getattr(value, self.tag, None)).encode(value)

    def decode(self, json: object) -> T_co:
        return self._of(members(json).get(self.tag)).decode(json)

    def _of(self, tag: object) -> Record[T_co]:
        if not isinstance(tag, str) or tag not in self.records:
            raise Invalid(f"expected one of {', '.join(self.records) or 'none'}, not {_brief(tag)}", self.tag)
        return self.records[tag]


@dataclass(frozen=True, slots=True)
class Union(Codec[T_co]):
    """Values of several classes: a JSON object of the class's name under `tag`, and the value under `payload`."""

    tag: str
    variants: Mapping[str, tuple[type[T_co], Codec[T_co]]]

    def check(self, value: object) -> T_co:
        return self._of(value)[1].check(value)

    def encode(self, value: object) -> Json:
        name, codec = self._of(value)
        return {self.tag: name, "payload": codec.encode(value)}

    def decode(self, json: object) -> T_co:
        name, payload = _decoded(((self.tag, TEXT), ("payload", _ANY)), json)
        if not isinstance(name, str) or name not in self.variants:
            raise Invalid(f"expected one of {', '.join(self.variants) or 'none'}, not {_brief(name)}", self.tag)
        return _in(name, self.variants[name][1].decode, payload)

    def _of(self, value: object) -> tuple[str, Codec[T_co]]:
        for name, (kind, codec) in self.variants.items():
            if type(value) is kind:
                return name, codec
        raise Invalid(f"{_brief(value)} is none of {', '.join(self.variants)}")


@dataclass(frozen=True, slots=True)
class _Any(Codec[object]):
    """A JSON value that is looked at later."""

    def check(self, value: object) -> object:
        return value

    def encode(self, value: object) -> Json:
        raise NotImplementedError("only ever decoded")

    def decode(self, json: object) -> object:
        return json


_ANY = _Any()


@dataclass(frozen=True, slots=True)
class Arguments(Codec[tuple[object, ...]]):
    """The arguments of a call, by position in Python, as a JSON object by name."""

    params: tuple[tuple[str, Codec[object]], ...]

    def check(self, value: object) -> tuple[object, ...]:
        return tuple(_in(name, codec.check, item) for name, codec, item in self._paired(value))

    def encode(self, value: object) -> Json:
        return {name: _in(name, codec.encode, item) for name, codec, item in self._paired(value)}

    def decode(self, json: object) -> tuple[object, ...]:
        return _decoded(self.params, json)

    def _paired(self, value: object) -> list[tuple[str, Codec[object], object]]:
        if not isinstance(value, tuple):
            raise Invalid(f"expected {len(self.params)} arguments, not {_brief(value)}")
        given = cast(tuple[object, ...], value)
        if len(given) != len(self.params):
            raise Invalid(f"expected {len(self.params)} arguments, not {len(given)}")
        return [(name, codec, item) for (name, codec), item in zip(self.params, given, strict=True)]


def _each(convert: Callable[[object], T], values: Iterable[object]) -> list[T]:
    return [_in(str(index), convert, value) for index, value in enumerate(values)]


def _list(json: object) -> list[object]:
    if not isinstance(json, list):
        raise Invalid(f"expected a list, not {_brief(json)}")
    return cast(list[object], json)


@dataclass(frozen=True, slots=True)
class _Sequence(Codec[tuple[T_co, ...]]):
    item: Codec[T_co]

    def check(self, value: object) -> tuple[T_co, ...]:
        if not isinstance(value, tuple):
            raise Invalid(f"expected a tuple, not {_brief(value)}")
        return tuple(_each(self.item.check, cast(tuple[object, ...], value)))

    def encode(self, value: object) -> Json:
        return _each(self.item.encode, self.check(value))

    def decode(self, json: object) -> tuple[T_co, ...]:
        return tuple(_each(self.item.decode, _list(json)))


@dataclass(frozen=True, slots=True)
class _Group(Codec[frozenset[str]]):
    def check(self, value: object) -> frozenset[str]:
        if not isinstance(value, frozenset):
            raise Invalid(f"expected a frozenset, not {_brief(value)}")
        return frozenset(_each(TEXT.check, cast(frozenset[object], value)))

    def encode(self, value: object) -> Json:
        return sorted(self.check(value))

    def decode(self, json: object) -> frozenset[str]:
        return frozenset(_each(TEXT.decode, _list(json)))


@dataclass(frozen=True, slots=True)
class _Nothing(Codec[None]):
    def check(self, value: object) -> None:
        if value is not None:
            raise Invalid(f"expected None, not {_brief(value)}")

    def encode(self, value: object) -> Json:
        self.check(value)
        return None

    def decode(self, json: object) -> None:
        self.check(json)


BOOL: Codec[bool] = _Bool()
INT: Codec[int] = _Int()
TEXT: Codec[str] = _Text()
DURATION: Codec[timedelta] = _Duration()
INSTANT: Codec[datetime] = _Instant()
TEXTS: Codec[frozenset[str]] = _Group()
"""A set of texts; a sorted list in JSON."""
NOTHING: Codec[None] = _Nothing()
"""The result of an activity that has none."""


def integer(low: int, high: int) -> Codec[int]:
    """`int low..high`."""
    return _Int(low, high)


def decimal(places: int) -> Codec[Decimal]:
    """`decimal(places)`."""
    return _Decimal(places)


def enum(members: type[M]) -> Codec[M]:
    """An enumeration; a plain string that names a member becomes the member."""
    return _Enum(members)


def optional(item: Codec[T]) -> Codec[T | None]:
    """`T?`."""
    return _Optional(item)


def sequence(item: Codec[T]) -> Codec[tuple[T, ...]]:
    """A tuple of any length; a list in JSON."""
    return _Sequence(item)


def record(type: type[T], *fields: tuple[str, Codec[object]]) -> Record[T]:
    """A NamedTuple or dataclass whose fields are these, in order."""
    return Record(type, fields)


def arguments(*params: tuple[str, Codec[object]]) -> Arguments:
    """The parameters of an activity, in order."""
    return Arguments(params)
