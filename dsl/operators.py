"""Applies operators and functions to typed operands: operands in, a typed expression out."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal

from . import rules_of_meaning as rules
from .conversions import ORDERED, Conversions, broken, decimal_places, hull, is_broken, wide
from .model import (
    Binary,
    BoolType,
    Builtin,
    DecimalType,
    DurationType,
    Expr,
    InstantType,
    IntType,
    IsNone,
    ListType,
    Literal,
    NoneType,
    OptionalType,
    TextType,
    Type,
    Unary,
    Value,
)
from .source import Span

FUNCTIONS = ("len", "abs", "min", "max")

SIGNED = (IntType, DecimalType, DurationType)


class Operators:
    """Applies, and reports what an operator is not defined for. A broken operand makes a broken result."""

    def __init__(self, conversions: Conversions) -> None:
        self.conversions = conversions
        self.findings = conversions.findings

    def negate(self, operand: Expr, span: Span) -> Expr:
        """`-x`; of a literal, the literal below zero."""
        match operand:
            case Literal(bool()):
                pass
            case Literal(Decimal() as number, type_):
                return Literal(number.copy_negate() if number else number, type_, span)  # `-` would round to 28 digits
            case Literal(int() | timedelta() as number, type_):
                return Literal(-number, type_, span)
            case _ if isinstance(operand.type, SIGNED):
                return Unary("-", operand, wide(operand.type), span)
            case _:
                pass
        if not is_broken(operand):
            message = f"`-` turns the sign of a number or a duration, and this is `{operand.type}`."
            self.findings.error(rules.WRONG_OPERAND, operand.span, message, f"this is `{operand.type}`")
        return broken(span)

    def order(self, op: str, left: Expr, right: Expr, span: Span) -> Expr:
        """`< <= > >=`."""
        left, right = self.conversions.alike(left, right, "compared")
        if not is_broken(left, right) and not isinstance(left.type, ORDERED):
            message = f"`{left.type}` has no order, so `{op}` cannot compare it."
            note = "Numbers, durations and instants have an order; everything else is only equal or not."
            self.findings.error(rules.WRONG_OPERAND, span, message, "no order", note=note)
        return Binary(op, left, right, BoolType(), span)

    def compute(self, op: str, left: Expr, right: Expr, span: Span) -> Expr:
        """`+ - * / %`, as `model.Binary` says."""
        if is_broken(left, right):
            return broken(span)
        if op == "+" and isinstance(left.type, ListType) and isinstance(right.type, ListType):
            return self._joined(*self.conversions.alike(left, right, "joined"), span)
        match op, left.type, right.type:
            case _, IntType(), IntType():
                return Binary(op, left, right, IntType(), span)
            case "+" | "-", (IntType() | DecimalType()), (IntType() | DecimalType()):
                left, right = self.conversions.alike(left, right, "added")
                return Binary(op, left, right, left.type, span)
            case "*", (IntType() | DecimalType()), (IntType() | DecimalType()):
                left, right = self._as_decimal(left), self._as_decimal(right)
                places = sum(each.type.places for each in (left, right) if isinstance(each.type, DecimalType))
                return Binary(op, left, right, DecimalType(places), span)
            case ("+" | "-", DurationType(), DurationType()) | ("*", DurationType(), IntType()):
                return Binary(op, left, right, DurationType(), span)
            case "*", IntType(), DurationType():
                return Binary(op, right, left, DurationType(), span)
            case "+" | "-", InstantType(), DurationType():
                return Binary(op, left, right, InstantType(), span)
            case "+", DurationType(), InstantType():
                return Binary(op, right, left, InstantType(), span)
            case "-", InstantType(), InstantType():
                return Binary(op, left, right, DurationType(), span)
            case "/" | "%", (IntType() | DecimalType()), (IntType() | DecimalType()):
                message = f"`{op}` is for whole numbers, because a decimal could not be divided exactly."
                note = "Multiply by a fraction instead (`total * 0.25`), or let an activity do the rounding."
                self.findings.error(rules.WRONG_OPERAND, span, message, "divides a decimal", note=note)
            case _, one, other:
                message = f"`{op}` is not defined between `{one}` and `{other}`."
                text = isinstance(one, TextType) or isinstance(other, TextType)
                note = "Text is compared, never computed with." if text else ""
                self.findings.error(rules.WRONG_OPERAND, span, message, "not defined", note=note)
        return broken(span)

    def _joined(self, left: Expr, right: Expr, span: Span) -> Expr:
        """`items + [x]`."""
        type_ = hull(left.type, right.type)
        if is_broken(left, right) or not isinstance(left.type, ListType) or not isinstance(right.type, ListType):
            return broken(span)
        assert isinstance(type_, ListType), "both are lists"
        return Binary("+", left, right, ListType(type_.item, left.type.most + right.type.most), span)

    def _as_decimal(self, expr: Expr) -> Expr:
        return self.conversions.fit(expr, DecimalType(0)) if isinstance(expr.type, IntType) else expr

    def is_none(self, operand: Expr, negated: bool, span: Span) -> Expr:
        """`x is none`, or negated, `x is some`."""
        if not is_broken(operand) and not isinstance(operand.type, OptionalType):
            message = f"This is `{operand.type}`, which is {'always `some`' if negated else 'never `none`'}."
            if isinstance(operand.type, NoneType):
                message = "`none` is always none, so this asks nothing."
            note = "Only a variable whose type ends in `?` may be without a value."
            self.findings.error(rules.WRONG_TYPE, operand.span, message, "asks nothing", note=note)
        return IsNone(operand, negated, span)

    def apply(self, name: str, args: list[Expr], span: Span) -> Expr:
        """`len`, `abs`, `min` and `max`."""
        several = name in ("min", "max")
        if (len(args) < 2) if several else (len(args) != 1):
            message = (
                f"`{name}` takes {'two or more values' if several else 'one value'}, and here it is given {len(args)}."
            )
            self.findings.error(rules.WRONG_COUNT, span, message, f"given {len(args)}")
            return broken(span)
        widest = args[0]
        if name == "len" and isinstance(widest.type, ListType):
            return Builtin(name, (widest,), IntType(0, widest.type.most), span)
        if name == "len":
            return Builtin(name, (self.conversions.fit(widest, TextType()),), IntType(0, None), span)
        for arg in args[1:]:
            widest = self.conversions.alike(widest, arg, "compared")[0]
        if not is_broken(widest) and not isinstance(widest.type, ORDERED if several else SIGNED):
            message = f"`{name}` is not defined for `{widest.type}`."
            self.findings.error(rules.WRONG_OPERAND, span, message, "not defined")
            return broken(span)
        alike = tuple(self.conversions.alike(arg, widest, "compared")[0] for arg in args)
        return broken(span) if is_broken(*alike) else Builtin(name, alike, wide(widest.type), span)


def literal_type(value: Value) -> Type:
    """The type a literal has by itself."""
    match value:
        case None:
            return NoneType()
        case bool():
            return BoolType()
        case int():
            return IntType()
        case Decimal():
            return DecimalType(decimal_places(value))
        case str():
            return TextType()
        case timedelta():
            return DurationType()
        case datetime():
            return InstantType()
        case tuple():
            raise AssertionError("lists and records have no literals")
