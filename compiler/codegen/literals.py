"""Literals and types in Python: a value or a type of the model in, the text that makes it out."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import MAX_EMAX, MAX_PREC, MIN_EMIN, Context, Decimal

from ...dsl.model import (
    BoolType,
    DecimalType,
    DurationType,
    EnumType,
    InstantType,
    IntType,
    ListType,
    NoneType,
    OptionalType,
    RecordType,
    TextType,
    Type,
    Value,
)
from .names import Names

EXACT = Context(prec=MAX_PREC, Emax=MAX_EMAX, Emin=MIN_EMIN)

# How tightly Python binds: an operand of a lower level than its place needs parentheses.
CONDITIONAL, OR, AND, NOT, COMPARISON, SUM, PRODUCT, PREFIX, ATOM = range(9)


@dataclass(frozen=True, slots=True)
class Code:
    """The text of an expression, its level, and whether evaluating it may raise a Fault."""

    text: str
    level: int = ATOM
    partial: bool = False

    def at(self, level: int) -> str:
        """The text, in parentheses where its place asks for a tighter one."""
        return self.text if self.level >= level else f"({self.text})"


def quoted(text: str) -> str:
    """A string literal; nothing unprintable is in it."""
    if '"' in text and "'" not in text:
        return f"'{visible(text)}'"
    return f'"{inside(text)}"'


def inside(text: str) -> str:
    """What stands between the double quotes of a string literal."""
    return visible(text).replace('"', '\\"')


def visible(text: str) -> str:
    """The text with escapes for backslashes and for all that does not print, text direction marks included."""
    return "".join(char if char.isprintable() and char != "\\" else repr(char)[1:-1] for char in text)


def type_name(type: Type, names: Names) -> str:
    """The annotation."""
    match type:
        case BoolType():
            return "bool"
        case IntType():
            return "int"
        case DecimalType():
            return "Decimal"
        case TextType():
            return "str"
        case DurationType():
            return "timedelta"
        case InstantType():
            return "datetime"
        case EnumType():
            return names.enum[type.name]
        case RecordType():
            return names.record[type.name]
        case ListType():
            return f"tuple[{type_name(type.item, names)}, ...]"
        case OptionalType():
            return f"{type_name(type.item, names)} | None"
        case NoneType():
            return "None"


def codec(type: Type, names: Names) -> str:
    """The expression of its codec."""
    match type:
        case BoolType():
            return "codec.BOOL"
        case IntType(None, None):
            return "codec.INT"
        case IntType():
            return f"codec.integer({type.low}, {type.high})"
        case DecimalType():
            return f"codec.decimal({type.places})"
        case TextType():
            return "codec.TEXT"
        case DurationType():
            return "codec.DURATION"
        case InstantType():
            return "codec.INSTANT"
        case EnumType():
            return f"codec.enum({names.enum[type.name]})"
        case RecordType():
            return names.codec[type.name]
        case ListType():
            return f"records.sequence({codec(type.item, names)}, {type.most})"
        case OptionalType():
            return f"codec.optional({codec(type.item, names)})"
        case NoneType():
            return "codec.NOTHING"


def literal(value: Value, type: Type, names: Names) -> Code:
    """A value of a type."""
    if isinstance(type, OptionalType) and value is not None:
        return literal(value, type.item, names)
    match value:
        case bool() | None:
            return Code(repr(value))
        case timedelta():
            return Code(duration(value))
        case datetime():
            return Code(f"datetime({', '.join(_clock(value))}, tzinfo=UTC)")
        case int() | Decimal() if isinstance(type, DecimalType):
            return Code(f'Decimal("{_exactly(value, type.places):f}")')
        case str() if isinstance(type, EnumType):
            return Code(f"{names.enum[type.name]}.{names.member[type.name][value]}")
        case str():
            return Code(quoted(value))
        case Decimal():
            return Code(f'Decimal("{value:f}")')
        case int():
            return Code(repr(value), ATOM if value >= 0 else PREFIX)
        case tuple():
            raise AssertionError("lists and records have no literals")


def duration(value: timedelta) -> str:
    """`timedelta(hours=36)`: in the largest unit that says it in one number."""
    micros = value // timedelta(microseconds=1)
    for unit in ("days", "hours", "minutes", "seconds"):
        size = timedelta(**{unit: 1}) // timedelta(microseconds=1)
        if micros % size == 0:
            return f"timedelta({unit}={micros // size})"
    return f"timedelta(microseconds={micros})"


def _clock(moment: datetime) -> list[str]:
    parts = [moment.year, moment.month, moment.day, moment.hour, moment.minute, moment.second, moment.microsecond]
    while len(parts) > 5 and not parts[-1]:
        parts.pop()
    return [str(part) for part in parts]


def _exactly(value: int | Decimal, places: int) -> Decimal:
    return EXACT.quantize(Decimal(value), Decimal((0, (1,), -places)))
