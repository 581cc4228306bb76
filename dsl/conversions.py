"""Which type fits where: typed expressions in, the same with every implicit conversion made a node out."""

from __future__ import annotations

from decimal import Decimal

from . import rules_of_meaning as rules
from .findings import Findings
from .model import (
    Convert,
    DecimalType,
    DurationType,
    Expr,
    InstantType,
    IntType,
    ItemType,
    ListType,
    Literal,
    NewList,
    NoneType,
    OptionalType,
    RecordType,
    ScalarType,
    Type,
    Unwrap,
)
from .resolve import BROKEN
from .source import Span

ORDERED = (IntType, DecimalType, DurationType, InstantType)


def broken(span: Span) -> Expr:
    """What stands for an expression that was already reported."""
    return Literal(None, BROKEN, span)


def is_broken(*exprs: Expr) -> bool:
    return any(expr.type == BROKEN for expr in exprs)


def decimal_places(value: Decimal) -> int:
    """How many digits after the point a decimal is written with."""
    exponent = value.as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0


def wide(type_: Type) -> Type:
    """The type without the bounds of its integers."""
    match type_:
        case IntType():
            return IntType()
        case ListType(IntType(), most):
            return ListType(IntType(), most)
        case OptionalType(IntType()):
            return OptionalType(IntType())
        case OptionalType(ListType(IntType(), most)):
            return OptionalType(ListType(IntType(), most))
        case _:
            return type_


def _bare(type_: Type) -> Type:
    """The type without what only the checks ask of it: the bounds of integers and how many items a list may have."""
    match wide(type_):
        case ListType(item):
            return ListType(item, 0)
        case OptionalType(ListType(item)):
            return OptionalType(ListType(item, 0))
        case bare:
            return bare


def hull(left: Type, right: Type) -> Type:
    """The smallest type that holds both of two that differ in ranges only."""
    match left, right:
        case IntType(), IntType():
            low = None if left.low is None or right.low is None else min(left.low, right.low)
            high = None if left.high is None or right.high is None else max(left.high, right.high)
            return IntType() if low is None or high is None else IntType(low, high)
        case ListType(), ListType():
            item = hull(left.item, right.item)
            return ListType(item if isinstance(item, IntType) else left.item, max(left.most, right.most))
        case OptionalType(), OptionalType():
            inner = hull(left.item, right.item)
            return OptionalType(inner if isinstance(inner, IntType | ListType) else left.item)
        case _:
            return left


class Conversions:
    """Converts, and reports what cannot be converted."""

    def __init__(self, findings: Findings) -> None:
        self.findings = findings

    def read(self, expr: Expr) -> Expr:
        """The expression where a value is needed: a `T?` is read as its `T`."""
        match expr.type:
            case OptionalType(item):
                return Unwrap(expr, item, expr.span)
            case NoneType():
                self._mismatch(expr.span, "`none` stands for no value, but here a value is needed.", "no value")
                return broken(expr.span)
            case _:
                return expr

    def fit(self, expr: Expr, expected: Type) -> Expr:
        """The expression as a value of the expected type."""
        found = expr.type
        if BROKEN in (found, expected) or found == expected:
            return expr
        match found, expected:
            case NoneType(), OptionalType():
                return Convert(expr, expected, expr.span)
            case NoneType(), _:
                message = f"`none` does not fit here, for `{expected}` always has a value."
                note = f"Where there may be no value, the type is `{expected}?`."
                self._mismatch(expr.span, message, "always needs a value", note)
                return broken(expr.span)
            case OptionalType(item), OptionalType(wanted):
                if _bare(item) == _bare(wanted):
                    return expr
            case OptionalType(item), _:
                return self.fit(Unwrap(expr, item, expr.span), expected)
            case _, OptionalType(item):
                inner = self.fit(expr, item)
                return inner if is_broken(inner) else Convert(inner, expected, expr.span)
            case ListType(), ListType(item):
                if isinstance(expr, NewList):
                    return self._listed(expr, expected)
                if _bare(found) == _bare(expected):
                    return expr
            case IntType(), IntType():
                return self._in_range(expr, expected)
            case IntType(), DecimalType():
                return Convert(expr, expected, expr.span)
            case DecimalType(has), DecimalType(holds):
                if has <= holds:
                    return Convert(expr, expected, expr.span)
                return self._too_many_places(expr, has, expected)
            case _:
                pass
        self._mismatch(expr.span, f"This is `{found}`, but here `{expected}` is needed.", f"this is `{found}`")
        return broken(expr.span)

    def alike(self, left: Expr, right: Expr, doing: str) -> tuple[Expr, Expr]:
        """Both expressions as one type, to be compared or chosen between; `doing` ends "cannot be ..." in the message.

        Both are broken where there is no such type."""
        if is_broken(left, right):
            return broken(left.span), broken(right.span)
        match left.type, right.type:
            case (NoneType(), NoneType()) | (IntType(), IntType()):
                return left, right
            case (IntType() | DecimalType(), IntType() | DecimalType()):
                places = max(_places(left.type), _places(right.type))
                return self.fit(left, DecimalType(places)), self.fit(right, DecimalType(places))
            case (OptionalType(), _) | (_, OptionalType()) | (NoneType(), _) | (_, NoneType()):
                return self._alike_optional(left, right, doing)
            case ListType(), ListType():
                return self._alike_lists(left, right, doing)
            case one, other if one == other:
                return left, right
            case one, other:
                span = left.span.to(right.span)
                self._mismatch(span, f"`{one}` and `{other}` cannot be {doing}.", "two different types")
                return broken(left.span), broken(right.span)

    def _alike_lists(self, left: Expr, right: Expr, doing: str) -> tuple[Expr, Expr]:
        """Lists differ in how many items they may have; one that is written out takes on the type of the other."""
        if _bare(left.type) == _bare(right.type):
            return left, right
        if isinstance(left, NewList) and isinstance(right.type, ListType):
            left = self.fit(left, ListType(right.type.item, len(left.items)))
        elif isinstance(right, NewList) and isinstance(left.type, ListType):
            right = self.fit(right, ListType(left.type.item, len(right.items)))
        else:
            span = left.span.to(right.span)
            message = f"`{left.type}` and `{right.type}` cannot be {doing}."
            self._mismatch(span, message, "lists of different items")
            return broken(left.span), broken(right.span)
        return (broken(left.span), broken(right.span)) if is_broken(left, right) else (left, right)

    def _alike_optional(self, left: Expr, right: Expr, doing: str) -> tuple[Expr, Expr]:
        """One of the two may be none: so may both, then."""
        wanted: Type
        match left.type, right.type:
            case OptionalType(), OptionalType():
                if _bare(left.type) == _bare(right.type):
                    return left, right
                wanted = left.type
            case (OptionalType(), _) | (NoneType(), _):
                wanted = left.type if isinstance(left.type, OptionalType) else _optional(right.type)
            case _:
                wanted = right.type if isinstance(right.type, OptionalType) else _optional(left.type)
        if doing == "compared" and (isinstance(left.type, NoneType) or isinstance(right.type, NoneType)):
            certain = right if isinstance(left.type, NoneType) else left
            if not isinstance(certain.type, OptionalType):
                message = f"This is `{certain.type}`, which is never `none`."
                self._mismatch(certain.span, message, "always has a value")
                return broken(left.span), broken(right.span)
        left, right = self.fit(left, wide(wanted)), self.fit(right, wide(wanted))
        return (broken(left.span), broken(right.span)) if is_broken(left, right) else (left, right)

    def _in_range(self, expr: Expr, expected: IntType) -> Expr:
        """Integers fit one another but for their range, which the checks prove (F401); a literal is judged here."""
        if isinstance(expr, Literal) and isinstance(expr.value, int):
            below = expected.low is not None and expr.value < expected.low
            above = expected.high is not None and expr.value > expected.high
            if below or above:
                message = f"{expr.value} lies outside `{expected}`."
                self.findings.error(rules.OUT_OF_RANGE, expr.span, message, "above it" if above else "below it")
                return broken(expr.span)
        return expr

    def _listed(self, expr: NewList, expected: ListType) -> Expr:
        """A list that is written out, item by item."""
        items = tuple(self.fit(each, expected.item) for each in expr.items)
        if is_broken(*items):
            return broken(expr.span)
        if len(items) > expected.most:
            message = f"These are {len(items)} items, more than `{expected}` holds."
            self.findings.error(rules.OUT_OF_RANGE, expr.span, message, f"{len(items)} items")
            return broken(expr.span)
        return NewList(items, listed_type(expected.item, len(items)), expr.span)

    def _too_many_places(self, expr: Expr, has: int, expected: DecimalType) -> Expr:
        digits = "digit" if has == 1 else "digits"
        if isinstance(expr, Literal):
            message = f"{expr.value} has {has} {digits} after the point, more than `{expected}` holds."
            self.findings.error(rules.OUT_OF_RANGE, expr.span, message, f"{has} {digits} after the point")
        else:
            message = f"This has {has} {digits} after the point, more than `{expected}` holds."
            note = "Nothing is rounded silently; give the target as many places as the value has."
            self._mismatch(expr.span, message, f"this is `{expr.type}`", note)
        return broken(expr.span)

    def _mismatch(self, span: Span, message: str, label: str, note: str = "") -> None:
        self.findings.error(rules.WRONG_TYPE, span, message, label, note=note)


def _places(type_: Type) -> int:
    return type_.places if isinstance(type_, DecimalType) else 0


def _optional(type_: Type) -> Type:
    return type_ if isinstance(type_, OptionalType | NoneType) else OptionalType(type_)


def scalar(type_: Type) -> ScalarType | None:
    """The type of the single value inside, None where there is none."""
    match type_:
        case OptionalType(item):
            return scalar(item)
        case NoneType() | RecordType() | ListType():
            return None
        case _:
            return type_


def listed_type(item: ItemType, count: int) -> ListType:
    """The type of a list that is written out; the ranges of its items are nobody's promise yet."""
    return ListType(IntType() if isinstance(item, IntType) else item, count)
