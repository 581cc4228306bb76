"""Random expressions of the model, well typed, and values for what they refer to: what Python computes for one and what
the reference interpreter does.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from hypothesis import strategies as st

from kernels import flow
from penstock.compiler import evaluate as reference
from penstock.compiler.codegen.behaviour import Behaviour
from penstock.compiler.codegen.expressions import Printer
from penstock.compiler.codegen.names import Names
from penstock.dsl.model import (
    Binary,
    BoolType,
    Builtin,
    Conditional,
    Convert,
    DecimalType,
    DurationType,
    Expr,
    InstantType,
    IntType,
    IsNone,
    Literal,
    Now,
    OneOf,
    Ref,
    RefKind,
    ScalarType,
    TextType,
    Type,
    Unary,
    Unwrap,
    Value,
)
from penstock.dsl.source import NOWHERE
from penstock.runtime import codec, core, values

BOOL, INT, MONEY, FINE, TEXT, TIME, WAIT = (
    BoolType(), IntType(), DecimalType(2), DecimalType(4), TextType(), InstantType(), DurationType()
)  # fmt: skip
NOW = datetime(2026, 1, 1, tzinfo=UTC)

KERNEL = flow(
    """
  input { i: int, m: decimal(2), t: instant, d: duration }
  data { b: bool = true, o: int?, p: decimal(2)?, s: text = "s", w: duration?, u: instant? }
  start -> A
  state A { wait forever "on purpose" }
  final B
"""
)
TYPES: dict[str, Type] = {variable.name: variable.type for variable in KERNEL.variable.values()}
PRINTER = Printer(Names(KERNEL), Behaviour(KERNEL, Names(KERNEL), "x.flow").place)


def variable(name: str) -> Expr:
    kind = RefKind.INPUT if name in "imtd" else RefKind.DATA
    return Ref(kind, name, TYPES[name], NOWHERE)


OPTIONAL: dict[ScalarType, str] = {INT: "o", MONEY: "p", WAIT: "w", TIME: "u"}


def optional(type: ScalarType) -> st.SearchStrategy[Expr]:
    return st.just(variable(OPTIONAL[type]))


def leaves(type: ScalarType, values: st.SearchStrategy[Value], name: str) -> st.SearchStrategy[Expr]:
    return values.map(lambda value: Literal(value, type, NOWHERE)) | st.just(variable(name))


CENTS = st.integers(-300, 900).map(lambda cents: Decimal(f"{cents}E-2"))
MINUTES = st.integers(-3, 9).map(lambda minutes: timedelta(minutes=minutes))
LEAVES: dict[ScalarType, st.SearchStrategy[Expr]] = {
    BOOL: leaves(BOOL, st.booleans(), "b"),
    INT: leaves(INT, st.integers(-3, 9), "i"),
    MONEY: leaves(MONEY, CENTS, "m"),
    TEXT: leaves(TEXT, st.sampled_from(("", "s", 'a "b"')), "s"),
    WAIT: leaves(WAIT, MINUTES, "d"),
    TIME: st.just(Now(NOWHERE)) | st.just(variable("t")),
}
SCALARS: tuple[ScalarType, ...] = (BOOL, BOOL, INT, MONEY, WAIT, TIME)
ORDERED: tuple[ScalarType, ...] = (INT, MONEY, WAIT, TIME)


@st.composite
def expressions(draw: st.DrawFn, type: ScalarType, depth: int = 3) -> Expr:
    """A well-typed expression of a scalar type."""
    if depth == 0 or draw(st.integers(0, 4)) == 0:
        return draw(LEAVES[type])

    def of(type: ScalarType) -> Expr:
        return draw(expressions(type, depth - 1))

    if draw(st.integers(0, 7)) == 0:
        return Conditional(of(BOOL), of(type), of(type), type, NOWHERE)
    if type in ORDERED and draw(st.integers(0, 5)) == 0:
        return Unwrap(draw(optional(type)), type, NOWHERE)
    if type in ORDERED and draw(st.integers(0, 7)) == 0:
        return Builtin(draw(st.sampled_from(("min", "max"))), (of(type), of(type)), type, NOWHERE)
    match type:
        case BoolType():
            return draw(conditions(depth))
        case IntType():
            op = draw(st.sampled_from(("+", "-", "*", "/", "%", "neg", "abs", "len")))
            if op == "neg":
                return Unary("-", of(INT), INT, NOWHERE)
            if op == "abs":
                return Builtin("abs", (of(INT),), INT, NOWHERE)
            if op == "len":
                return Builtin("len", (of(TEXT),), INT, NOWHERE)
            return Binary(op, of(INT), of(INT), INT, NOWHERE)
        case DecimalType():
            op = draw(st.sampled_from(("+", "-", "neg", "abs", "int")))
            if op == "neg":
                return Unary("-", of(MONEY), MONEY, NOWHERE)
            if op == "abs":
                return Builtin("abs", (of(MONEY),), MONEY, NOWHERE)
            if op == "int":
                return Convert(of(INT), MONEY, NOWHERE)
            return Binary(op, of(MONEY), of(MONEY), MONEY, NOWHERE)
        case DurationType():
            op = draw(st.sampled_from(("+", "-", "*", "since")))
            if op == "since":
                return Binary("-", of(TIME), of(TIME), WAIT, NOWHERE)
            return Binary(op, of(WAIT), of(INT if op == "*" else WAIT), WAIT, NOWHERE)
        case InstantType():
            return Binary(draw(st.sampled_from("+-")), of(TIME), of(WAIT), TIME, NOWHERE)
        case _:
            return draw(LEAVES[type])


@st.composite
def conditions(draw: st.DrawFn, depth: int) -> Expr:

    def of(type: ScalarType) -> Expr:
        return draw(expressions(type, depth - 1))

    type = draw(st.sampled_from(ORDERED))
    match draw(st.sampled_from(("logic", "logic", "guarded", "compare", "compare", "among", "none", "not", "wide"))):
        case "logic":
            return Binary(draw(st.sampled_from(("and", "or", "implies"))), of(BOOL), of(BOOL), BOOL, NOWHERE)
        case "guarded":
            maybe = draw(optional(type))
            test = Binary(">", Unwrap(maybe, type, NOWHERE), of(type), BOOL, NOWHERE)
            some = IsNone(maybe, draw(st.booleans()), NOWHERE)
            return Binary(draw(st.sampled_from(("and", "or", "implies"))), some, test, BOOL, NOWHERE)
        case "compare":
            op = draw(st.sampled_from(("==", "!=", "<", "<=", ">", ">=")))
            return Binary(op, of(type), of(type), BOOL, NOWHERE)
        case "among":
            members = tuple(of(type) for _ in range(draw(st.integers(1, 3))))
            return OneOf(of(type), members, NOWHERE)
        case "none":
            return IsNone(draw(optional(type)), draw(st.booleans()), NOWHERE)
        case "wide":
            product = Binary("*", of(MONEY), of(MONEY), FINE, NOWHERE)
            return Binary("<", Convert(of(MONEY), FINE, NOWHERE), product, BOOL, NOWHERE)
        case _:
            return Unary("not", of(BOOL), BOOL, NOWHERE)


@st.composite
def valuations(draw: st.DrawFn) -> dict[str, Value]:
    return {
        "i": draw(st.integers(-3, 9)),
        "m": draw(CENTS),
        "t": NOW + draw(MINUTES),
        "d": draw(MINUTES),
        "b": draw(st.booleans()),
        "o": draw(st.none() | st.integers(-3, 9)),
        "p": draw(st.none() | CENTS),
        "s": draw(st.sampled_from(("", "s"))),
        "w": draw(st.none() | MINUTES),
        "u": draw(st.none() | MINUTES.map(lambda d: NOW + d)),
    }


class Fields:
    """Attribute access to a valuation, as a record gives it."""

    def __init__(self, of: dict[str, Value]) -> None:
        self.__dict__.update(of)


def computed(text: str, given: dict[str, Value]) -> object:
    scope = {
        "values": values,
        "codec": codec,
        "Decimal": Decimal,
        "datetime": datetime,
        "timedelta": timedelta,
        "UTC": UTC,
    }
    try:
        return eval(text, {**scope, "inputs": Fields(given), "data": Fields(given), "now": NOW})
    except core.Fault as fault:
        return fault.code


def meant(expr: Expr, given: dict[str, Value]) -> object:
    try:
        return reference.evaluate(expr, reference.Scope(given, NOW))
    except reference.Fault as fault:
        return fault.code
