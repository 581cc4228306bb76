"""Types expressions: an expression as written and what it may see in, a typed expression out.

An enum member is recognised by the type expected of it; `hint` carries that type down. Whatever cannot be right is
reported once and becomes a broken expression, about which nothing more is said.
"""

from __future__ import annotations

from collections.abc import Mapping

from . import rules_of_meaning as rules
from . import syntax
from .conversions import Conversions, broken, hull, is_broken, scalar, wide
from .findings import did_you_mean, listed
from .model import (
    Binary,
    BoolType,
    Compensating,
    Conditional,
    Count,
    Elapsed,
    EnumType,
    Expr,
    InState,
    Literal,
    NoneType,
    Now,
    OneOf,
    OptionalType,
    RecordType,
    Ref,
    RefKind,
    Standing,
    Type,
    Unary,
)
from .nodes import PLACES, called, place
from .operators import FUNCTIONS, Operators, literal_type
from .resolve import BROKEN, OWN_MEANING, Kind, Names
from .scope import Scope
from .source import Span
from .structures import Structures

SPOKEN = {
    RefKind.INPUT: "the input",
    RefKind.DATA: "the variable",
    RefKind.PARAM: "what came along",
    RefKind.RESULT: "the result",
}


class Typing(Structures):
    """Types the expressions of one flow."""

    def __init__(self, names: Names, enums: Mapping[str, EnumType], records: Mapping[str, RecordType]) -> None:
        self.names = names
        self.enums = enums
        self.records = records
        self.findings = names.findings
        self.conversions = Conversions(names.findings)
        self.operators = Operators(self.conversions)

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
                return Literal(value, literal_type(value), span)
            case syntax.Unary("not", operand, span):
                return Unary("not", self.condition(operand, scope), BoolType(), span)
            case syntax.Unary(_, operand, span):
                return self.operators.negate(self.conversions.read(self.infer(operand, scope)), span)
            case syntax.Binary():
                return self._binary(tree, scope)
            case syntax.Conditional(condition, then, otherwise):
                test = self.condition(condition, scope)
                first, second = self._pair(then, otherwise, scope, hint)
                return _choose(test, *self.conversions.alike(first, second, "chosen between"), tree)
            case syntax.OneOf(operand, members, span):
                one = self._operand_of_members(operand, members, scope)
                return OneOf(one, tuple(self.value(each, wide(one.type), scope) for each in members), span)
            case syntax.IsNone(operand, negated, span):
                return self.operators.is_none(self.infer(operand, scope), negated, span)
            case syntax.Call():
                return self._call(tree, scope, hint)
            case syntax.Select():
                text = _dotted(tree, scope)
                if text and scope.asks and (found := called(self.names, text, "")):
                    return InState(found, tree.span)
                return self._select(tree, scope)
            case syntax.NewRecord():
                return self._new_record(tree, scope)
            case syntax.NewList():
                return self._new_list(tree, scope, hint)
            case syntax.Contains():
                return self._contains(tree, scope)
            case syntax.InState(state, span):
                if scope.here is None:
                    message = f"`in {state.text}` can only be asked in guards, properties and expectations."
                    self.findings.error(rules.MISPLACED_NAME, span, message, "has no meaning here")
                found = place(self.names, state, scope.here or "", *PLACES)
                return InState(found, span) if found else Literal(False, BoolType(), span)

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
        if scope.asks and (found := called(self.names, text, "")):
            return InState(found, span)  # `start leads to Shipping`
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
            states = self.names.all(*PLACES) if scope.asks else []
            self.names.unknown(name, "a variable", [*scope.variables, *members, *states])
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
        """Whether a bare name is no variable, or a list empty, so that the other operand has to tell its type."""
        if isinstance(tree, syntax.NewList):
            return not tree.items
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

    # ------------------------------------------------------------ operators and functions

    def _binary(self, tree: syntax.Binary, scope: Scope) -> Expr:
        op, span = tree.op, tree.span
        if op in ("and", "or", "implies"):
            left, right = self.condition(tree.left, scope), self.condition(tree.right, scope)
            return Binary(op, left, right, BoolType(), span)
        if op in ("==", "!="):
            left, right = self.conversions.alike(*self._pair(tree.left, tree.right, scope), "compared")
            return Binary(op, left, right, BoolType(), span)
        left, right = (self.conversions.read(each) for each in self._pair(tree.left, tree.right, scope))
        compares = op in ("<", "<=", ">", ">=")
        return (self.operators.order if compares else self.operators.compute)(op, left, right, span)

    def _call(self, tree: syntax.Call, scope: Scope, hint: Type | None) -> Expr:
        name = tree.function.text
        if name in ("done", "count"):
            return self._ask_activity(tree, scope)
        if name not in FUNCTIONS:
            self.names.unknown(tree.function, "a function", [*FUNCTIONS, *(["done", "count"] if scope.asks else [])])
            return broken(tree.span)
        args = [self.conversions.read(self.infer(each, scope, hint)) for each in tree.args]
        return self.operators.apply(name, args, tree.span)

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


def _dotted(tree: syntax.Select, scope: Scope) -> str:
    """The tree as a path of names, "" where it is a field of something."""
    match tree.operand:
        case syntax.Name(text):
            return f"{text}.{tree.name.text}" if text not in scope.variables else ""
        case syntax.Select() as inner:
            before = _dotted(inner, scope)
            return f"{before}.{tree.name.text}" if before else ""
        case _:
            return ""


def _choose(condition: Expr, then: Expr, otherwise: Expr, tree: syntax.Conditional) -> Expr:
    """The conditional over two branches of one type, but for the ranges of integers."""
    if is_broken(then, otherwise):
        return broken(tree.span)
    type_ = hull(then.type, otherwise.type)
    return Conditional(condition, then, otherwise, wide(type_) if isinstance(type_, OptionalType) else type_, tree.span)
