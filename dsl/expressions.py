"""Types expressions: an expression as written and what it may see in, a typed expression out.

An enum member is recognised by the type expected of it; `hint` carries that type down. Whatever cannot be right is
reported once and becomes a broken expression, about which nothing more is said.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal

from . import rules_of_meaning as rules
from . import syntax
from .conversions import ORDERED, Conversions, broken, decimal_places, hull, is_broken, scalar, wide
from .findings import did_you_mean, listed
from .model import (
    Binary,
    BoolType,
    Builtin,
    Compensating,
    Conditional,
    Count,
    DecimalType,
    DurationType,
    Elapsed,
    EnumType,
    Expr,
    InstantType,
    InState,
    IntType,
    IsNone,
    Literal,
    NoneType,
    Now,
    OneOf,
    OptionalType,
    Ref,
    RefKind,
    Standing,
    TextType,
    Type,
    Unary,
    Value,
)
from .resolve import BROKEN, OWN_MEANING, Kind, Names
from .source import Span

SPOKEN = {
    RefKind.INPUT: "the input",
    RefKind.DATA: "the variable",
    RefKind.PARAM: "what came along",
    RefKind.RESULT: "the result",
}


@dataclass(frozen=True, slots=True)
class Scope:
    """What an expression may see: variables by name; `now` where a trigger is handled; what only properties may ask
    (`in S`, `done(..)`, `count(..)`, `compensating`, `elapsed`)."""

    variables: Mapping[str, tuple[RefKind, Type]] = field(default_factory=dict[str, tuple[RefKind, Type]])
    now: bool = False
    asks: bool = False

    def adding(self, variables: Mapping[str, tuple[RefKind, Type]]) -> Scope:
        return replace(self, variables={**self.variables, **variables})


class Typing:
    """Types the expressions of one flow."""

    def __init__(self, names: Names, enums: Mapping[str, EnumType]) -> None:
        self.names = names
        self.enums = enums
        self.findings = names.findings
        self.conversions = Conversions(names.findings)

    def value(self, tree: syntax.Expr, expected: Type, scope: Scope) -> Expr:
        """The expression as a value of the expected type."""
        if isinstance(tree, syntax.Conditional):
            condition = self.condition(tree.condition, scope)
            then = self.value(tree.then, expected, scope)
            otherwise = self.value(tree.otherwise, expected, scope)
            return _choose(condition, then, otherwise, tree)
        return self.conversions.fit(self.infer(tree, scope, expected), expected)

    def condition(self, tree: syntax.Expr, scope: Scope) -> Expr:
        return self.value(tree, BoolType(), scope)

    def infer(self, tree: syntax.Expr, scope: Scope, hint: Type | None = None) -> Expr:
        """The expression with the type it has by itself; `hint` only decides whose member a bare name is."""
        match tree:
            case syntax.Name():
                return self._name(tree, scope, hint)
            case syntax.Literal(value, span):
                return Literal(value, _literal_type(value), span)
            case syntax.Unary(op, operand, span):
                return self._unary(op, operand, scope, span)
            case syntax.Binary():
                return self._binary(tree, scope, hint)
            case syntax.Conditional(condition, then, otherwise):
                test = self.condition(condition, scope)
                first, second = self._pair(then, otherwise, scope, hint)
                return _choose(test, *self.conversions.alike(first, second, "chosen between"), tree)
            case syntax.OneOf(operand, members, span):
                one = self._operand_of_members(operand, members, scope)
                return OneOf(one, tuple(self.value(each, wide(one.type), scope) for each in members), span)
            case syntax.IsNone(operand, negated, span):
                return self._is_none(self.infer(operand, scope), negated, span)
            case syntax.Call():
                return self._call(tree, scope, hint)
            case syntax.InState(state, span):
                found = self.names.find(state, Kind.STATE, Kind.FINAL)
                self._ask(f"in {state.text}", span, scope)
                return InState(state.text, span) if found else Literal(False, BoolType(), span)

    # ------------------------------------------------------------ names

    def _name(self, name: syntax.Name, scope: Scope, hint: Type | None) -> Expr:
        text, span = name.text, name.span
        if text in OWN_MEANING and text not in scope.variables:
            return self._own_meaning(text, span, scope)
        expected = scalar(hint) if hint else None
        enum = expected if isinstance(expected, EnumType) else None
        if text in scope.variables:
            kind, type_ = scope.variables[text]
            if enum and text in enum.members:
                message = f"`{text}` can be {SPOKEN[kind]} or the member of `{enum}`."
                self.findings.error(
                    rules.AMBIGUOUS_NAME, span, message, "which of the two?", note="Rename one of them."
                )
                return broken(span)
            return Ref(kind, text, type_, span)
        if enum and text in enum.members:
            return Literal(text, enum, span)
        owners = {each for each in self.enums.values() if text in each.members}
        if len(owners) == 1:
            return Literal(text, owners.pop(), span)
        if len(owners) > 1:
            message = f"`{text}` is a member of {listed(sorted(each.name for each in owners))}."
            note = "Compare it with something whose type says which one is meant."
            self.findings.error(rules.AMBIGUOUS_NAME, span, message, "whose member?", note=note)
            return broken(span)
        if scope.asks and (self.names.has(Kind.STATE, text) or self.names.has(Kind.FINAL, text)):
            return InState(text, span)  # `start leads to Shipping`
        if hint == BROKEN:
            return broken(span)
        if self.names.has(Kind.INPUT, text) or self.names.has(Kind.DATA, text):
            message = f"`{text}` cannot be read here."
            note = f"Known here: {listed(scope.variables)}." if scope.variables else ""
            self.findings.error(rules.MISPLACED_NAME, span, message, "not known here", note=note)
            return broken(span)
        if enum and not did_you_mean(text, span, scope.variables):
            self.names.unknown(name, f"a member of `{enum}`", enum.members)
        else:
            members = [member for each in self.enums.values() for member in each.members]
            self.names.unknown(name, "a variable", [*scope.variables, *members])
        return broken(span)

    def _own_meaning(self, text: str, span: Span, scope: Scope) -> Expr:
        match text:
            case "now" if scope.now:
                return Now(span)
            case "compensating" if scope.asks:
                return Compensating(span)
            case "elapsed" if scope.asks:
                return Elapsed(span)
            case "now":
                message = "`now` is the moment of the trigger being handled, and here none is."
            case "result":
                message = "`result` has a meaning only in the `ensures` and `compensate` of an activity with a result."
            case _:
                message = f"`{text}` can only be asked in properties and expectations."
        self.findings.error(rules.MISPLACED_NAME, span, message, "has no meaning here")
        return broken(span)

    def _ask(self, what: str, span: Span, scope: Scope) -> None:
        if not scope.asks:
            message = f"`{what}` can only be asked in properties and expectations."
            note = "Handlers already know their state; a variable can remember what happened."
            self.findings.error(rules.MISPLACED_NAME, span, message, "has no meaning here", note=note)

    def _is_member(self, tree: syntax.Expr, scope: Scope) -> bool:
        """Whether a bare name is no variable, so that the other operand has to tell its type."""
        return isinstance(tree, syntax.Name) and tree.text not in scope.variables and tree.text not in OWN_MEANING

    def _pair(self, left: syntax.Expr, right: syntax.Expr, scope: Scope, hint: Type | None = None) -> tuple[Expr, Expr]:
        """Two operands of one type: each tells whose member the other one is."""
        if self._is_member(left, scope) and not self._is_member(right, scope):
            second = self.infer(right, scope, hint)
            return self.infer(left, scope, hint or second.type), second
        first = self.infer(left, scope, hint)
        return first, self.infer(right, scope, hint or first.type)

    def _operand_of_members(self, operand: syntax.Expr, members: tuple[syntax.Expr, ...], scope: Scope) -> Expr:
        one = self.infer(operand, scope)
        if isinstance(one.type, NoneType):
            message = "`none` is not looked for among others; `x is none` asks for it."
            self.findings.error(rules.WRONG_TYPE, one.span, message, "no value")
            return broken(one.span)
        return one

    # ------------------------------------------------------------ operators

    def _unary(self, op: str, operand: syntax.Expr, scope: Scope, span: Span) -> Expr:
        if op == "not":
            return Unary(op, self.condition(operand, scope), BoolType(), span)
        inner = self.conversions.read(self.infer(operand, scope))
        match inner:
            case Literal(bool()):
                pass
            case Literal(int() | Decimal() | timedelta() as number, type_):
                return Literal(-number, type_, span)
            case _ if isinstance(inner.type, IntType | DecimalType | DurationType):
                return Unary(op, inner, wide(inner.type), span)
            case _:
                pass
        if not is_broken(inner):
            message = f"`-` turns the sign of a number or a duration, and this is `{inner.type}`."
            self.findings.error(rules.WRONG_OPERAND, inner.span, message, f"this is `{inner.type}`")
        return broken(span)

    def _binary(self, tree: syntax.Binary, scope: Scope, hint: Type | None) -> Expr:
        op, span = tree.op, tree.span
        if op in ("and", "or", "implies"):
            left, right = self.condition(tree.left, scope), self.condition(tree.right, scope)
            return Binary(op, left, right, BoolType(), span)
        if op in ("==", "!="):
            left, right = self.conversions.alike(*self._pair(tree.left, tree.right, scope), "compared")
            return Binary(op, left, right, BoolType(), span)
        left, right = self._pair(tree.left, tree.right, scope)
        left, right = self.conversions.read(left), self.conversions.read(right)
        if op in ("<", "<=", ">", ">="):
            left, right = self.conversions.alike(left, right, "compared")
            if not is_broken(left, right) and not isinstance(left.type, ORDERED):
                message = f"`{left.type}` has no order, so `{op}` cannot compare it."
                note = "Numbers, durations and instants have an order; everything else is only equal or not."
                self.findings.error(rules.WRONG_OPERAND, span, message, "no order", note=note)
            return Binary(op, left, right, BoolType(), span)
        return broken(span) if is_broken(left, right) else self._arithmetic(op, left, right, span)

    def _arithmetic(self, op: str, left: Expr, right: Expr, span: Span) -> Expr:
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

    def _as_decimal(self, expr: Expr) -> Expr:
        return self.conversions.fit(expr, DecimalType(0)) if isinstance(expr.type, IntType) else expr

    def _is_none(self, operand: Expr, negated: bool, span: Span) -> Expr:
        if not is_broken(operand) and not isinstance(operand.type, OptionalType):
            message = f"This is `{operand.type}`, which is {'always `some`' if negated else 'never `none`'}."
            if isinstance(operand.type, NoneType):
                message = "`none` is always none, so this asks nothing."
            note = "Only a variable whose type ends in `?` may be without a value."
            self.findings.error(rules.WRONG_TYPE, operand.span, message, "asks nothing", note=note)
        return IsNone(operand, negated, span)

    # ------------------------------------------------------------ functions

    def _call(self, tree: syntax.Call, scope: Scope, hint: Type | None) -> Expr:
        name = tree.function.text
        if name in ("done", "count"):
            return self._ask_activity(tree, scope)
        if name not in ("len", "abs", "min", "max"):
            known = ["len", "abs", "min", "max", *(["done", "count"] if scope.asks else [])]
            self.names.unknown(tree.function, "a function", known)
            return broken(tree.span)
        args = [self.conversions.read(self.infer(each, scope, hint)) for each in tree.args]
        wanted, right = (
            ("two or more values", len(args) >= 2) if name in ("min", "max") else ("one value", len(args) == 1)
        )
        if not right:
            message = f"`{name}` takes {wanted}, and here it is given {len(args)}."
            self.findings.error(rules.WRONG_COUNT, tree.span, message, f"given {len(args)}")
            return broken(tree.span)
        if is_broken(*args):
            return broken(tree.span)
        first = args[0]
        if name == "len":
            return Builtin(name, (self.conversions.fit(first, TextType()),), IntType(0, None), tree.span)
        for arg in args[1:]:  # the widest type of all; then each is made that type
            first = self.conversions.alike(first, arg, "compared")[0]
        args = [self.conversions.alike(arg, first, "compared")[0] for arg in args]
        ordered = ORDERED if name != "abs" else (IntType, DecimalType, DurationType)
        if is_broken(first):
            return first
        if not isinstance(first.type, ordered):
            message = f"`{name}` is not defined for `{first.type}`."
            self.findings.error(rules.WRONG_OPERAND, tree.span, message, "not defined")
            return broken(tree.span)
        return Builtin(name, tuple(args), wide(first.type), tree.span)

    def _ask_activity(self, tree: syntax.Call, scope: Scope) -> Expr:
        """`done(activity)` and `count(activity)`."""
        what = tree.function.text
        self._ask(f"{what}(..)", tree.span, scope)
        if len(tree.args) != 1 or not isinstance(tree.args[0], syntax.Name):
            message = f"`{what}` asks about one activity, by its name."
            self.findings.error(rules.WRONG_COUNT, tree.span, message, "which activity?")
            return broken(tree.span)
        activity = tree.args[0]
        if self.names.find(activity, Kind.ACTIVITY) is None:
            return broken(tree.span)
        return Standing(activity.text, tree.span) if what == "done" else Count(activity.text, tree.span)


def _literal_type(value: Value) -> Type:
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


def _choose(condition: Expr, then: Expr, otherwise: Expr, tree: syntax.Conditional) -> Expr:
    """The conditional over two branches of one type, but for the ranges of integers."""
    if is_broken(then, otherwise):
        return broken(tree.span)
    type_ = then.type
    if isinstance(then.type, IntType) and isinstance(otherwise.type, IntType):
        type_ = hull(then.type, otherwise.type)
    return Conditional(condition, then, otherwise, wide(type_) if isinstance(type_, OptionalType) else type_, tree.span)
