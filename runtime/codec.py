"""Typed codecs: an untrusted value in, a checked one out; and each to a JSON value and back, exactly.

`check` takes what a caller hands in, `decode` what `json.loads` gave; both answer with a value of exactly the type, or
raise `Invalid`, which names the field. Decimals travel as strings, durations as whole microseconds, instants as
ISO 8601 in UTC. Nothing here rounds. `schema` says the same in JSON Schema (2020-12), for other languages.
"""

from __future__ import annotations

import json
import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from datetime import UTC, datetime, timedelta
from decimal import MAX_EMAX, MAX_PREC, MIN_EMIN, Context, Decimal, Inexact, InvalidOperation, Overflow
from enum import StrEnum
from json.encoder import encode_basestring_ascii
from typing import Any, Generic, TypeAlias, TypeVar, cast

Json = None | bool | int | float | str | Sequence["Json"] | Mapping[str, "Json"]
Teller: TypeAlias = Callable[[Any], str]
Schema: TypeAlias = Mapping[str, Json]
"""A JSON Schema. What has a `title` has a name of its own (an enumeration, a record)."""

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


quoted: Callable[[str], str] = encode_basestring_ascii
"""What `written` makes of a text."""


def _no_text(value: object) -> Json:
    """Bytes where text belongs: only somebody else can have stored them."""
    if isinstance(value, bytes):
        return {"no text": value.hex()}
    raise TypeError(f"{brief(value)} is no JSON value")


def _writer() -> Callable[[object], str]:
    """As `JSONEncoder.encode`, but that its part in C is made once, and not for every text."""
    make: Any = getattr(json.encoder, "c_make_encoder", None)
    if make is None:
        return json.JSONEncoder(separators=(",", ":"), default=_no_text).encode
    chunks: Callable[[object, int], tuple[str, ...]] = make(None, _no_text, quoted, None, ":", ",", False, False, True)
    return lambda value: "".join(chunks(value, 0))


written: Callable[[object], str] = _writer()
"""JSON text of a JSON value, in ASCII and without blanks, the same for the same value."""


def brief(value: object) -> str:
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

    @property
    def teller(self) -> Teller:
        """Writes what `written(encode(value))` is, of a value that was checked: it is not looked at again. To be kept
        by who tells more than once."""
        return lambda value: written(self.encode(value))

    @abstractmethod
    def decode(self, json: object) -> T_co:
        """The value of a JSON value. Raises Invalid."""

    @abstractmethod
    def schema(self) -> Schema:
        """What `decode` takes: all that `encode` writes is valid, and nothing is valid that `decode` refuses; but for
        numbers of a thousand digits, numbers with a point such as `1.0`, and days that do not exist."""


@dataclass(frozen=True, slots=True)
class _Bool(Codec[bool]):
    @property
    def teller(self) -> Teller:
        return {True: "true", False: "false"}.__getitem__

    def check(self, value: object) -> bool:
        if not isinstance(value, bool):
            raise Invalid(f"expected true or false, not {brief(value)}")
        return value

    def encode(self, value: object) -> Json:
        return self.check(value)

    def decode(self, json: object) -> bool:
        return self.check(json)

    def schema(self) -> Schema:
        return {"type": "boolean"}


@dataclass(frozen=True, slots=True)
class _Int(Codec[int]):
    low: int | None = None
    high: int | None = None

    @property
    def teller(self) -> Teller:
        return int.__repr__

    def check(self, value: object) -> int:
        if not isinstance(value, int) or isinstance(value, bool):
            raise Invalid(f"expected a whole number, not {brief(value)}")
        if value.bit_length() > MOST_DIGITS * 3:
            raise Invalid(f"a number of more than {MOST_DIGITS} digits")
        if (self.low is not None and value < self.low) or (self.high is not None and value > self.high):
            raise Invalid(f"{value} is not in {self.low}..{self.high}")
        return value

    def encode(self, value: object) -> Json:
        return self.check(value)

    def decode(self, json: object) -> int:
        return self.check(json)

    def schema(self) -> Schema:
        bounds = {"minimum": self.low, "maximum": self.high}
        return {"type": "integer", **{name: bound for name, bound in bounds.items() if bound is not None}}


_DECIMAL = re.compile(r"-?[0-9]+(\.[0-9]+)?", re.ASCII)


@dataclass(frozen=True, slots=True)
class _Decimal(Codec[Decimal]):
    """Its normal form has exactly `places` digits after the point."""

    places: int

    def check(self, value: object) -> Decimal:
        if not isinstance(value, Decimal):
            raise Invalid(f"expected a Decimal, not {brief(value)}")
        if not value.is_finite() or value.adjusted() > MOST_DIGITS:
            raise Invalid(f"{brief(value)} is not an amount")
        try:
            return value.quantize(Decimal((0, (1,), -self.places)), context=EXACT)
        except Inexact:
            raise Invalid(f"{brief(value)} has more than {self.places} digits after the point") from None

    def encode(self, value: object) -> Json:
        return f"{self.check(value):f}"

    def decode(self, json: object) -> Decimal:
        if not isinstance(json, str) or len(json) > 2 * MOST_DIGITS or not _DECIMAL.fullmatch(json):
            raise Invalid(f"expected a decimal in a string, such as '12.50', not {brief(json)}")
        return self.check(Decimal(json))

    def schema(self) -> Schema:
        point = rf"(\.[0-9]{{1,{self.places}}}0*)?" if self.places else r"(\.0+)?"
        return {"type": "string", "pattern": f"^-?[0-9]+{point}$", "maxLength": 2 * MOST_DIGITS}


@dataclass(frozen=True, slots=True)
class _Text(Codec[str]):
    @property
    def teller(self) -> Teller:
        return quoted

    def check(self, value: object) -> str:
        if not isinstance(value, str):
            raise Invalid(f"expected text, not {brief(value)}")
        return str(value)

    def encode(self, value: object) -> Json:
        return value if type(value) is str else self.check(value)

    def decode(self, json: object) -> str:
        return self.check(json)

    def schema(self) -> Schema:
        return {"type": "string"}


_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class _Duration(Codec[timedelta]):
    def check(self, value: object) -> timedelta:
        if not isinstance(value, timedelta):
            raise Invalid(f"expected a timedelta, not {brief(value)}")
        return value

    def encode(self, value: object) -> Json:
        return self.check(value) // _MICROSECOND

    def decode(self, json: object) -> timedelta:
        if not isinstance(json, int) or isinstance(json, bool):
            raise Invalid(f"expected a duration in microseconds, not {brief(json)}")
        try:
            return timedelta(microseconds=json)
        except OverflowError:
            raise Invalid(f"{brief(json)} microseconds are too long a duration") from None

    def schema(self) -> Schema:
        bounds = {"minimum": timedelta.min // _MICROSECOND, "maximum": timedelta.max // _MICROSECOND}
        return {"type": "integer", **bounds, "description": "microseconds"}


_RFC_3339 = (
    r"^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])"
    r"T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\.[0-9]+)?"
    r"(Z|[+-]([01][0-9]|2[0-3]):[0-5][0-9])$"
)
"""Which strings are moments, also for validators that take `format` for a comment."""


def _told(moment: datetime) -> str:
    """A moment in UTC, as JSON has it."""
    return moment.isoformat().replace("+00:00", "Z")


@dataclass(frozen=True, slots=True)
class _Instant(Codec[datetime]):
    """In Python always in UTC; JSON may name another zone, and write any form of ISO 8601 that Python knows."""

    def check(self, value: object) -> datetime:
        if not isinstance(value, datetime) or value.utcoffset() != timedelta(0):
            raise Invalid(f"expected a datetime in UTC, not {brief(value)}")
        return value.astimezone(UTC)

    def encode(self, value: object) -> Json:
        return _told(self.check(value))

    @property
    def teller(self) -> Teller:
        return lambda moment: f'"{_told(moment)}"'

    def decode(self, json: object) -> datetime:
        try:
            moment = datetime.fromisoformat(json) if isinstance(json, str) else None
            if moment is not None and moment.utcoffset() is not None:
                return moment.astimezone(UTC)
        except (ValueError, OverflowError):
            pass
        raise Invalid(f"expected a moment such as '2026-01-31T12:00:00Z', not {brief(json)}")

    def schema(self) -> Schema:
        return {"type": "string", "format": "date-time", "pattern": _RFC_3339}


@dataclass(frozen=True, slots=True)
class _Enum(Codec[M]):
    members: type[M]

    @property
    def teller(self) -> Teller:
        return quoted

    def check(self, value: object) -> M:
        if isinstance(value, str):
            for member in self.members:
                if member == value:
                    return member
        raise Invalid(f"expected one of {', '.join(self.members)}, not {brief(value)}")

    def encode(self, value: object) -> Json:
        return self.check(value).value

    def decode(self, json: object) -> M:
        return self.check(json)

    def schema(self) -> Schema:
        return {"title": self.members.__name__, "type": "string", "enum": [member.value for member in self.members]}


@dataclass(frozen=True, slots=True)
class _Optional(Codec[T_co | None]):
    item: Codec[T_co]

    @property
    def teller(self) -> Teller:
        tell = self.item.teller
        return lambda value: "null" if value is None else tell(value)

    def check(self, value: object) -> T_co | None:
        return None if value is None else self.item.check(value)

    def encode(self, value: object) -> Json:
        return None if value is None else self.item.encode(value)

    def decode(self, json: object) -> T_co | None:
        return None if json is None else self.item.decode(json)

    def schema(self) -> Schema:
        return {"anyOf": [self.item.schema(), {"type": "null"}]}


@dataclass(frozen=True, slots=True)
class _Nothing(Codec[None]):
    def check(self, value: object) -> None:
        if value is not None:
            raise Invalid(f"expected None, not {brief(value)}")

    def encode(self, value: object) -> Json:
        self.check(value)
        return None

    def decode(self, json: object) -> None:
        self.check(json)

    def schema(self) -> Schema:
        return {"type": "null"}


LONGEST = timedelta(days=36500)
EARLIEST, LATEST = datetime(1900, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)
"""What comes from outside lies within these, so that arithmetic with it can be proved not to overflow."""

HALF = re.compile("[\\ud800-\\udfff]")
"""Half of a character that UTF-16 writes in two: no UTF-8 holds it, so no file, title or message could."""


def admitted(codec: Codec[T], value: object) -> T:
    """A value from outside, in normal form. Raises Invalid, also for times that arithmetic may not bear, and for text
    that cannot be written down."""
    checked = codec.check(value)
    _require_bearable(checked)
    return checked


def _require_bearable(value: object) -> None:
    if isinstance(value, timedelta):
        if abs(value) > LONGEST:
            raise Invalid(f"{value} is longer than {LONGEST.days} days")
    elif isinstance(value, datetime):
        if not EARLIEST <= value < LATEST:
            raise Invalid(f"{value} is not in the years {EARLIEST.year} to {LATEST.year - 1}")
    elif isinstance(value, str):
        if HALF.search(value):
            raise Invalid(f"{brief(value)} has half a character in it, a lone surrogate")
    elif isinstance(value, tuple):
        for part in cast("tuple[object, ...]", value):
            _require_bearable(part)
    elif is_dataclass(value):
        for field in fields(value):
            _require_bearable(getattr(value, field.name))


BOOL: Codec[bool] = _Bool()
INT: Codec[int] = _Int()
TEXT: Codec[str] = _Text()
DURATION: Codec[timedelta] = _Duration()
INSTANT: Codec[datetime] = _Instant()
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
