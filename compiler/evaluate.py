"""Evaluation: a model expression and the values in scope in, its value out; and how values are checked and shown.

Everything is exact. What is not defined is a Fault: out of range or too many items F401, `none` read F402, division by
zero F403.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from decimal import MAX_EMAX, MAX_PREC, MIN_EMIN, Context, Decimal, Inexact, InvalidOperation
from functools import lru_cache
from typing import Any, TypeGuard, cast

from ..dsl.model import (
    Binary,
    BoolType,
    Builtin,
    Compensating,
    Conditional,
    Contains,
    Convert,
    Count,
    DecimalType,
    DurationType,
    Elapsed,
    EnumType,
    Expr,
    Field,
    InstantType,
    InState,
    IntType,
    IsNone,
    ListType,
    Literal,
    NewList,
    NewRecord,
    NoneType,
    Now,
    OneOf,
    OptionalType,
    RecordType,
    Ref,
    RefKind,
    Standing,
    TextType,
    Type,
    Unary,
    Unwrap,
    Value,
)
from ..dsl.source import Span
from ..dsl.values import dataclass, field

EXACT = Context(prec=MAX_PREC, Emax=MAX_EMAX, Emin=MIN_EMIN, traps=[Inexact, InvalidOperation])
"""Decimal arithmetic that never rounds."""
LONGEST = timedelta(days=36500)
EARLIEST, LATEST = datetime(1900, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)
"""Durations and instants from outside lie within these: what the checks assume is what the door lets in."""
HALF = re.compile("[\\ud800-\\udfff]")
"""A lone surrogate, which no UTF-8 holds."""

MOST_DIGITS = 1000


class Fault(Exception):
    """The flow does something undefined: the code of the check that rules it out, and the place."""

    def __init__(self, code: str, span: Span) -> None:
        super().__init__(code)
        self.code = code
        self.span = span


@dataclass(frozen=True, slots=True)
class Facts:
    """What properties and scenarios ask of an instance beside its values."""

    standing: frozenset[str]  # activities with a completed call that has not been undone
    counts: Mapping[str, int]  # activity -> its entries on the log
    compensating: bool
    elapsed: timedelta


@dataclass(frozen=True, slots=True)
class Scope:
    """The values an expression may refer to."""

    variables: Mapping[str, Value]
    now: datetime
    params: Mapping[str, Value] = field(default_factory=dict[str, Value])
    result: Value = None
    facts: Facts | None = None
    configuration: tuple[str, ...] = ()


# ---------------------------------------------------------------- expressions

COMPARE: Mapping[str, Callable[[Any, Any], bool]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
COMPUTE: Mapping[str, Callable[[Any, Any], Value]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": lambda left, right: left // right,
    "%": operator.mod,
}
COMPUTE_DECIMAL: Mapping[str, Callable[[Any, Any], Decimal]] = {
    "+": EXACT.add,
    "-": EXACT.subtract,
    "*": EXACT.multiply,
}


def evaluate(expr: Expr, scope: Scope) -> Value:
    """The value of a well-typed expression. Raises Fault; a duration or instant too large to represent is F401."""
    try:
        return _value(expr, scope)
    except OverflowError:
        raise Fault("F401", expr.span) from None


def _value(expr: Expr, scope: Scope) -> Value:
    match expr:
        case Literal():
            return expr.value
        case Ref():
            return _refer(expr, scope)
        case Binary():
            return _binary(expr, scope)
        case Unary():
            operand: Any = evaluate(expr.operand, scope)
            if expr.op == "not":
                return not operand
            return EXACT.minus(operand) if isinstance(operand, Decimal) else -operand
        case OneOf():
            value = evaluate(expr.operand, scope)
            return any(value == evaluate(member, scope) for member in expr.members)
        case IsNone():
            return (evaluate(expr.operand, scope) is None) is not expr.negated
        case Unwrap():
            value = evaluate(expr.operand, scope)
            if value is None:
                raise Fault("F402", expr.span)
            return value
        case Convert():
            return kept(evaluate(expr.operand, scope), expr.type)
        case Conditional():
            return evaluate(expr.then if evaluate(expr.condition, scope) else expr.otherwise, scope)
        case Builtin():
            worth: Value = BUILTIN[expr.name](*(evaluate(arg, scope) for arg in expr.args))
            return worth
        case Now():
            return scope.now
        case InState():
            return rests(scope.configuration, expr.state)
        case Field() | NewRecord() | NewList() | Contains():
            return _structure(expr, scope)
        case _:
            return _fact(expr, scope.facts)


def _structure(expr: Field | NewRecord | NewList | Contains, scope: Scope) -> Value:
    match expr:
        case Field():
            record: Any = evaluate(expr.operand, scope)
            part: Value = record[position(expr)]
            return part
        case NewRecord():
            pairs = zip(expr.values, expr.type.fields, strict=True)
            return tuple(within(evaluate(value, scope), field.type, value.span) for value, field in pairs)
        case NewList():
            return tuple(evaluate(item, scope) for item in expr.items)
        case Contains():
            operand, items = evaluate(expr.operand, scope), evaluate(expr.items, scope)
            assert isinstance(items, tuple), "typecheck lets `in` look into lists only"
            return operand in items


def position(expr: Field) -> int:
    """Which of its record's fields it is."""
    assert isinstance(expr.operand.type, RecordType), "typecheck lets only records have fields"
    return next(index for index, field in enumerate(expr.operand.type.fields) if field.name == expr.name)


def _refer(expr: Ref, scope: Scope) -> Value:
    match expr.kind:
        case RefKind.INPUT | RefKind.DATA:
            return scope.variables[expr.name]
        case RefKind.PARAM:
            return scope.params[expr.name]
        case RefKind.RESULT:
            return scope.result


def _binary(expr: Binary, scope: Scope) -> Value:
    op = expr.op
    left: Any = evaluate(expr.left, scope)
    match op:
        case "and" if not left:
            return False
        case "or" if left:
            return True
        case "implies" if not left:
            return True
        case "and" | "or" | "implies":
            return evaluate(expr.right, scope)
        case _:
            pass
    right: Any = evaluate(expr.right, scope)
    if op in COMPARE:
        return COMPARE[op](left, right)
    if op in "/%" and right == 0:
        raise Fault("F403", expr.span)
    if isinstance(left, Decimal):
        return COMPUTE_DECIMAL[op](left, right)
    return COMPUTE[op](left, right)


def _absolute(value: Any) -> Any:
    return EXACT.abs(value) if isinstance(value, Decimal) else abs(value)


BUILTIN: Mapping[str, Callable[..., Value]] = {"len": len, "abs": _absolute, "min": min, "max": max}


def rests(configuration: tuple[str, ...], place: str) -> bool:
    """Whether a place is active."""
    return any(leaf == place or leaf.startswith(f"{place}.") for leaf in configuration)


def _fact(expr: Standing | Count | Compensating | Elapsed, facts: Facts | None) -> Value:
    assert facts is not None, "only properties and scenarios ask for facts"
    match expr:
        case Standing():
            return expr.activity in facts.standing
        case Count():
            return facts.counts.get(expr.activity, 0)
        case Compensating():
            return facts.compensating
        case Elapsed():
            return facts.elapsed


def within(value: Value, type: Type, span: Span) -> Value:
    """The value itself. Raises Fault F401 where it is out of the type's range."""
    if not fits(value, type):
        raise Fault("F401", span)
    return value


# ---------------------------------------------------------------- values


def fits(value: object, type: Type) -> TypeGuard[Value]:
    """Whether a value is one of the type: its class, bounds, members, no more decimal places than it has.

    A number has at most MOST_DIGITS digits before the point, so that a few characters cannot ask for gigabytes; an
    instant is aware, in any time zone."""
    match type:
        case BoolType():
            return isinstance(value, bool)
        case IntType():
            return (
                isinstance(value, int)
                and not isinstance(value, bool)
                and value.bit_length() <= MOST_DIGITS * 3
                and (type.low is None or type.low <= value)
                and (type.high is None or value <= type.high)
            )
        case DecimalType():
            return isinstance(value, Decimal) and _has_places(value, type.places)
        case TextType():
            return isinstance(value, str)
        case EnumType():
            return isinstance(value, str) and value in type.members
        case DurationType():
            return isinstance(value, timedelta)
        case InstantType():
            return isinstance(value, datetime) and _has_utc(value)
        case RecordType():
            parts = _parts(value)
            return (
                parts is not None
                and len(parts) == len(type.fields)
                and all(fits(part, field.type) for part, field in zip(parts, type.fields, strict=True))
            )
        case ListType():
            parts = _parts(value)
            return parts is not None and len(parts) <= type.most and all(fits(part, type.item) for part in parts)
        case OptionalType():
            return value is None or fits(value, type.item)
        case NoneType():
            return value is None


def admitted(value: object, type: Type) -> TypeGuard[Value]:
    """Whether a value may come from outside: it fits, arithmetic can bear its times, and UTF-8 can hold its text."""
    return fits(value, type) and _bearable(value)


def _bearable(value: object) -> bool:
    match value:
        case timedelta():
            return abs(value) <= LONGEST
        case datetime():
            return EARLIEST <= value < LATEST
        case str():
            return not HALF.search(value)
        case _:
            return all(map(_bearable, _parts(value) or ()))


def _parts(value: object) -> tuple[object, ...] | None:
    return cast("tuple[object, ...]", value) if isinstance(value, tuple) else None


def kept(value: Value, type: Type) -> Value:
    """A fitting value as it is kept: a decimal with exactly the places of its type (an int made one where due), an
    instant in UTC; so also in lists and records."""
    item = _item(type)
    if isinstance(value, tuple):
        return tuple(kept(part, inner) for part, inner in parted(value, item))
    if isinstance(item, DecimalType) and isinstance(value, (int, Decimal)):
        return EXACT.quantize(Decimal(value), _unit(item.places))
    return value.astimezone(UTC) if isinstance(value, datetime) else value


def parted(value: tuple[Value, ...], type: Type) -> Iterator[tuple[Value, Type]]:
    """The parts of a list or a record, each with its type."""
    match _item(type):
        case RecordType(fields=fields):
            yield from zip(value, (field.type for field in fields), strict=True)
        case ListType(item=item):
            yield from ((part, item) for part in value)
        case _:
            raise AssertionError("nothing else has parts")


def _item(type: Type) -> Type:
    return type.item if isinstance(type, OptionalType) else type


def _has_places(value: Decimal, places: int) -> bool:
    if not value.is_finite() or value.adjusted() > MOST_DIGITS:
        return False
    try:
        EXACT.quantize(value, _unit(places))
    except Inexact:
        return False
    return True


def _has_utc(value: datetime) -> bool:
    try:
        return value.utcoffset() is not None and value.astimezone(UTC).tzinfo is UTC
    except OverflowError:
        return False


@lru_cache
def _unit(places: int) -> Decimal:
    return Decimal((0, (1,), -places))


def shown(value: Value, type: Type) -> str:
    """A value as it stands in the text of a task's title; generated code writes it the same way.

    Text and enum members as they are; `true`, `false`; an int in digits; a decimal with exactly its places, no
    exponent and no sign on zero (`1000.00`, `-0.50`, `0.00`); a duration as days, hours, minutes and seconds without
    the zero ones (`1d`, `1h30m`, `-5s`, `1.25s`, `0s`); an instant as `2026-01-31T12:00:00Z`, with six digits of
    microseconds after the seconds unless they are 0; `none`.
    """
    match value:
        case None:
            return "none"
        case bool():
            return "true" if value else "false"
        case Decimal():
            item = _item(type)
            exact = EXACT.quantize(value, _unit(item.places if isinstance(item, DecimalType) else 0))
            return format(exact if exact else exact.copy_abs(), "f")
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
    fraction = f".{micros:06}".rstrip("0").rstrip(".")
    parts = [f"{n}{unit}" for n, unit in ((days, "d"), (hours, "h"), (minutes, "m")) if n]
    if seconds or fraction or not parts:
        parts.append(f"{seconds}{fraction}s")
    return ("-" if total < 0 else "") + "".join(parts)
