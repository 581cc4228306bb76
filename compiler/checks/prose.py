"""Expressions of the model in, the text of the language out: for what nobody wrote, so that no source can be quoted.

Conversions and unwraps are left out, as in the language. Operators inside operators are put in brackets where they bind
less tightly.
"""

from __future__ import annotations

from decimal import Decimal

from ...dsl.model import (
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
    Expr,
    Field,
    InstantType,
    InState,
    IntType,
    IsNone,
    Literal,
    NewList,
    NewRecord,
    Now,
    OneOf,
    Ref,
    RefKind,
    Standing,
    Type,
    Unary,
    Unwrap,
    Value,
)
from ...dsl.source import NOWHERE
from ..evaluate import EXACT
from ..trace import written
from .atoms import Atom, Test
from .rewrite import inside
from .symbols import EPOCH, MICRO

FLIPPED = {"==": "!=", "!=": "==", "<": ">=", "<=": ">", ">": "<=", ">=": "<"}
BINDING = {
    "implies": 1, "or": 2, "and": 3, "==": 5, "!=": 5, "<": 5, "<=": 5, ">": 5, ">=": 5, "+": 6, "-": 6, "*": 7,
    "/": 7, "%": 7,
}  # fmt: skip


def said(expr: Expr, outside: int = 0) -> str:
    """outside: how tightly what is around it binds."""
    match expr:
        case Literal():
            return written(expr.value, expr.type)
        case Ref():
            return "result" if expr.kind is RefKind.RESULT else expr.name
        case Convert() | Unwrap():
            return said(expr.operand, outside)
        case Unary(op="not"):
            return _bracketed(f"not {said(expr.operand, 4)}", 4, outside)
        case Unary():
            return f"-{said(expr.operand, 8)}"
        case Binary():
            own = BINDING[expr.op]
            return _bracketed(f"{said(expr.left, own)} {expr.op} {said(expr.right, own + 1)}", own, outside)
        case Conditional():
            parts = (said(part) for part in (expr.condition, expr.then, expr.otherwise))
            return _bracketed("if {} then {} else {}".format(*parts), 0, outside)
        case OneOf():
            return _bracketed(f"{said(expr.operand, 5)} in {{{', '.join(map(said, expr.members))}}}", 5, outside)
        case IsNone():
            return _bracketed(f"{said(expr.operand, 5)} is {'some' if expr.negated else 'none'}", 5, outside)
        case _:
            return _simple(expr)


def _simple(expr: Expr) -> str:
    match expr:
        case Field():
            return f"{said(expr.operand, 9)}.{expr.name}"
        case Builtin():
            return f"{expr.name}({', '.join(map(said, expr.args))})"
        case NewRecord():
            pairs = zip(expr.type.fields, expr.values, strict=True)
            return f"{expr.type.name}({', '.join(f'{field.name}: {said(value)}' for field, value in pairs)})"
        case NewList():
            return f"[{', '.join(map(said, expr.items))}]"
        case Contains():
            return f"{said(expr.operand, 5)} in {said(expr.items, 5)}"
        case InState():
            return f"in {expr.state}"
        case Standing():
            return f"done({expr.activity})"
        case Count():
            return f"count({expr.activity})"
        case Now():
            return "now"
        case Elapsed():
            return "elapsed"
        case Compensating():
            return "compensating"
        case _:
            raise AssertionError("`said` takes the others")


def _bracketed(text: str, own: int, outside: int) -> str:
    return f"({text})" if own < outside else text


def denied(expr: Expr) -> str:
    """The text of its opposite. Where a `T?` is read, it may also be that there is nothing to read."""
    partial = any(isinstance(part, Unwrap) for part in inside(expr))
    match expr:
        case Binary(op=op) if op in FLIPPED and not partial:
            own = BINDING[op]
            return f"{said(expr.left, own)} {FLIPPED[op]} {said(expr.right, own + 1)}"
        case IsNone():
            return f"{said(expr.operand, 5)} is {'none' if expr.negated else 'some'}"
        case Unary(op="not"):
            return said(expr.operand)
        case Ref() | InState():
            return f"not {said(expr)}"
        case _:
            return f"not ({said(expr)})"


# ---------------------------------------------------------------- atoms


def spelt(atom: Atom) -> Expr | None:
    """An atom as a condition; None: it cannot be written in one scale."""
    if isinstance(atom, Test):
        return atom.expr
    places = [term.type.places if isinstance(term.type, DecimalType) else 0 for term, _ in atom.form]
    if len(set(places)) > 1 or len({type(term.type) for term, _ in atom.form}) > 1:
        return None
    ((first, factor), *others) = atom.form
    if not others and factor == 1:
        return Binary("<=", first, _literal(atom.bound, first.type), BoolType(), NOWHERE)
    if isinstance(first.type, InstantType):
        return _moments(atom.form, atom.bound)
    ups = [_times(term, factor) for term, factor in atom.form if factor > 0]
    downs = [_times(term, -factor) for term, factor in atom.form if factor < 0]
    rest = _literal(abs(atom.bound), first.type)
    if atom.bound > 0 or not downs:
        downs.append(rest if atom.bound >= 0 else _literal(atom.bound, first.type))
    elif atom.bound < 0:
        ups.append(rest)
    return Binary("<=", _sum(ups), _sum(downs), BoolType(), NOWHERE)


def _moments(form: tuple[tuple[Expr, int], ...], bound: int) -> Expr | None:
    """Two moments: one is at most so long behind the other."""
    if [factor for _, factor in form] != [1, -1]:
        return None
    (one, _), (other, _) = form
    later: Expr = other if bound == 0 else Binary("+", other, _literal(bound, DurationType()), other.type, NOWHERE)
    return Binary("<=", one, later, BoolType(), NOWHERE)


def _times(term: Expr, factor: int) -> Expr:
    return term if factor == 1 else Binary("*", Literal(factor, IntType(), NOWHERE), term, term.type, NOWHERE)


def _sum(terms: list[Expr]) -> Expr:
    first, *others = terms
    for other in others:
        first = Binary("+", first, other, first.type, NOWHERE)
    return first


def _literal(number: int, type: Type) -> Expr:
    value: Value = number
    match type:
        case DecimalType():
            value = EXACT.scaleb(Decimal(number), -type.places)
        case DurationType():
            value = number * MICRO
        case InstantType():
            value = EPOCH + number * MICRO
        case _:
            type = IntType()
    return Literal(value, type, NOWHERE)
