"""Expressions in, equivalent expressions without spans out: parts replaced, what is known folded, cases split off."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime

from ...dsl.model import (
    Binary,
    BoolType,
    Builtin,
    Compensating,
    Conditional,
    Contains,
    Convert,
    DecimalType,
    DurationType,
    Expr,
    Field,
    InstantType,
    InState,
    IntType,
    IsNone,
    Literal,
    NewList,
    NewRecord,
    NoneType,
    OneOf,
    OptionalType,
    Ref,
    RefKind,
    TextType,
    Unary,
    Unwrap,
)
from ...dsl.source import NOWHERE
from ...dsl.values import dataclass, replace
from ..evaluate import Fault, Scope, evaluate, position
from .encode import scaled

ANY_TIME = datetime(2026, 1, 1, tzinfo=UTC)


def children(expr: Expr) -> tuple[Expr, ...]:
    match expr:
        case Unary() | IsNone() | Unwrap() | Convert() | Field():
            return (expr.operand,)
        case NewRecord():
            return expr.values
        case NewList():
            return expr.items
        case Contains():
            return (expr.operand, expr.items)
        case Binary():
            return (expr.left, expr.right)
        case Conditional():
            return (expr.condition, expr.then, expr.otherwise)
        case OneOf():
            return (expr.operand, *expr.members)
        case Builtin():
            return expr.args
        case _:
            return ()


def inside(expr: Expr) -> Iterator[Expr]:
    """The expression and everything in it."""
    yield expr
    for child in children(expr):
        yield from inside(child)


def parts(expr: Expr, truth: bool) -> Iterator[tuple[Expr, bool]]:
    """The conditions that must all be so for an expression to be (not) true."""
    match expr:
        case Unary(op="not"):
            yield from parts(expr.operand, not truth)
        case Binary(op="and") if truth:
            yield from parts(expr.left, True)
            yield from parts(expr.right, True)
        case Binary(op="or") if not truth:
            yield from parts(expr.left, False)
            yield from parts(expr.right, False)
        case Binary(op="implies") if not truth:
            yield from parts(expr.left, True)
            yield from parts(expr.right, False)
        case _:
            yield expr, truth


def replaced(expr: Expr, change: Callable[[Expr], Expr | None]) -> Expr:
    """Without spans, each part that `change` answers for replaced by its answer, and folded."""
    new = change(expr)
    if new is not None:
        return new
    kids = tuple(replaced(child, change) for child in children(expr))
    match expr:
        case Unary() | IsNone() | Unwrap() | Convert() | Field():
            made: Expr = replace(expr, operand=kids[0], span=NOWHERE)
        case NewRecord():
            made = replace(expr, values=kids, span=NOWHERE)
        case NewList():
            made = replace(expr, items=kids, span=NOWHERE)
        case Contains():
            made = replace(expr, operand=kids[0], items=kids[1], span=NOWHERE)
        case Binary():
            made = replace(expr, left=kids[0], right=kids[1], span=NOWHERE)
        case Conditional():
            made = replace(expr, condition=kids[0], then=kids[1], otherwise=kids[2], span=NOWHERE)
        case OneOf():
            made = replace(expr, operand=kids[0], members=kids[1:], span=NOWHERE)
        case Builtin():
            made = replace(expr, args=kids, span=NOWHERE)
        case _:
            made = replace(expr, span=NOWHERE)
    return folded(made)


def bare(expr: Expr) -> Expr:
    return replaced(expr, lambda _: None)


def somebody(person: Expr) -> Expr:
    """That the text names somebody."""
    return Binary("!=", person, Literal("", TextType(), NOWHERE), BoolType(), NOWHERE)


def literal(truth: bool) -> Expr:
    return Literal(truth, BoolType(), NOWHERE)


def folded(expr: Expr) -> Expr:
    """Computed, where everything it depends on is written."""
    kids = children(expr)
    if kids and all(isinstance(kid, Literal) for kid in kids):
        try:
            return Literal(evaluate(expr, Scope({}, ANY_TIME)), expr.type, NOWHERE)
        except Fault:
            return expr
    match expr:
        case Binary(op="and" | "or" | "implies"):
            return _folded_logic(expr)
        case Conditional(condition=Literal(value=bool(known))):
            return expr.then if known else expr.otherwise
        case Field(operand=NewRecord() as made):
            return made.values[position(expr)]
        case Builtin(name="len", args=(NewList(items=items),)):
            return Literal(len(items), expr.type, NOWHERE)
        case Builtin(name="len", args=(Binary(op="+") as joined,)):
            left, right = (folded(replace(expr, args=(side,))) for side in (joined.left, joined.right))
            return folded(Binary("+", left, right, expr.type, NOWHERE))
        case IsNone(operand=Convert(operand=inner)) if not isinstance(inner.type, (OptionalType, NoneType)):
            return literal(expr.negated)
        case Unwrap(operand=Convert(operand=inner)) if not isinstance(inner.type, (OptionalType, NoneType)):
            fits = inner.type == expr.type or not isinstance(expr.type, DecimalType)
            return inner if fits else folded(Convert(inner, expr.type, NOWHERE))
        case _:
            return expr


def _folded_logic(expr: Binary) -> Expr:
    left = expr.left.value if isinstance(expr.left, Literal) else None
    right = expr.right.value if isinstance(expr.right, Literal) else None
    if left is not None:
        if expr.op == "and":
            return expr.right if left else literal(False)
        return literal(True) if left is (expr.op == "or") else expr.right
    if right is None:
        return expr
    if expr.op == "and":
        return expr.left if right else literal(False)
    if right:
        return literal(True)
    return Unary("not", expr.left, BoolType(), NOWHERE) if expr.op == "implies" else expr.left


def closed(expr: Expr) -> bool:
    """Whether it depends on inputs and data alone."""
    kinds = (
        Literal, Unary, Binary, Conditional, OneOf, IsNone, Unwrap, Convert, Builtin, Field, NewRecord, NewList,
        Contains,
    )  # fmt: skip
    return all(
        part.kind in {RefKind.INPUT, RefKind.DATA} if isinstance(part, Ref) else isinstance(part, kinds)
        for part in inside(expr)
    )


def placed(condition: Expr, active: Mapping[str, bool]) -> Expr:
    """A property as it reads where it is known of some places whether they are active; none is while it compensates."""

    def known(expr: Expr) -> Expr | None:
        match expr:
            case InState() if expr.state in active:
                return literal(active[expr.state])
            case Compensating():
                return literal(not any(active.values()))
            case _:
                return None

    return replaced(condition, known)


def equals(left: Expr, right: Expr) -> Expr:
    return Binary("==", left, right, BoolType(), NOWHERE)


def is_some(operand: Expr) -> Expr:
    return folded(IsNone(operand, True, NOWHERE))


def unwrapped(operand: Expr) -> Expr:
    """The value of a `T?` where it is some."""
    if isinstance(operand.type, OptionalType):
        return folded(Unwrap(operand, operand.type.item, NOWHERE))
    return operand


def numeric(expr: Expr) -> bool:
    return isinstance(expr.type, (IntType, DecimalType, DurationType, InstantType))


def _case(expr: Expr) -> tuple[Expr, Expr, Expr, Expr] | None:
    """A part that has cases: (the part, condition, what it is then, what it is otherwise)."""
    for part in inside(expr):
        match part:
            case Conditional():
                return part, part.condition, part.then, part.otherwise
            case Builtin(name="min" | "max"):
                first, *rest = part.args
                if not rest:
                    return part, literal(True), first, first
                other: Expr = replace(part, args=tuple(rest)) if len(rest) > 1 else rest[0]
                op = "<=" if part.name == "min" else ">="
                return part, Binary(op, first, other, BoolType(), NOWHERE), first, other
            case Builtin(name="abs"):
                arg = part.args[0]
                minus = folded(Unary("-", arg, arg.type, NOWHERE))
                zero = bare(Binary("-", arg, arg, arg.type, NOWHERE))
                return part, Binary(">=", arg, zero, BoolType(), NOWHERE), arg, minus
            case _:
                pass
    return None


def cases(expr: Expr) -> tuple[Expr, Expr, Expr] | None:
    """Where a part has cases (`if`, `min`, `max`, `abs`): the condition, and the expression in either case."""
    found = _case(expr)
    if found is None:
        return None
    part, condition, then, otherwise = found
    return (
        condition,
        replaced(expr, lambda e: then if e == part else None),
        replaced(expr, lambda e: otherwise if e == part else None),
    )


@dataclass(frozen=True, slots=True)
class Linear:
    """The sum of terms, each times its factor, and a constant, in the scaled integers of the expression's type."""

    terms: dict[Expr, int]
    constant: int = 0

    def times(self, factor: int) -> Linear:
        return Linear({term: n * factor for term, n in self.terms.items()}, self.constant * factor)

    def plus(self, other: Linear) -> Linear:
        terms = dict(self.terms)
        for term, n in other.terms.items():
            terms[term] = terms.get(term, 0) + n
        return Linear({term: n for term, n in terms.items() if n}, self.constant + other.constant)


def linear(expr: Expr) -> Linear:
    """A numeric expression as a linear form; what is not linear in it stays a term of its own."""
    match expr:
        case Literal(value=value) if value is not None:
            return Linear({}, int(scaled(value, expr.type)))
        case Unary(op="-"):
            return linear(expr.operand).times(-1)
        case Binary(op="+" | "-"):
            return linear(expr.left).plus(linear(expr.right).times(1 if expr.op == "+" else -1))
        case Binary(op="*"):
            left, right = linear(expr.left), linear(expr.right)
            if not left.terms:
                return right.times(left.constant)
            if not right.terms:
                return left.times(right.constant)
            return Linear({expr: 1})
        case Convert() if not isinstance(expr.operand.type, OptionalType) and isinstance(expr.type, DecimalType):
            source = expr.operand.type
            places = source.places if isinstance(source, DecimalType) else 0
            return linear(expr.operand).times(10 ** (expr.type.places - places))
        case _:
            return Linear({expr: 1})
