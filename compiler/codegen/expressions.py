"""Expressions in Python: a typed expression of the model in, the text that computes exactly the same out.

What Python's operators do not do exactly or totally becomes a call of `penstock.runtime.values`, with its place.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from ...dsl.model import (
    Binary,
    Builtin,
    Conditional,
    Contains,
    Convert,
    DecimalType,
    Expr,
    Field,
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
    Type,
    Unary,
    Unwrap,
)
from ...dsl.source import Span
from .literals import (
    AND,
    ATOM,
    COMPARISON,
    CONDITIONAL,
    NOT,
    OR,
    PREFIX,
    PRODUCT,
    SUM,
    Code,
    literal,
    quoted,
)
from .names import Names

COMPARISONS = {"==", "!=", "<", "<=", ">", ">="}
CONTRARY = {"==": "!=", "!=": "==", "<": ">=", ">=": "<", ">": "<=", "<=": ">"}
DECIMAL = {"+": "add", "-": "subtract", "*": "multiply"}

Key = tuple[RefKind, str]


def bounds(expr: Expr) -> tuple[int | None, int | None]:
    """Within what an int surely is, as far as its form tells."""
    match expr:
        case Literal(int() as value):
            return value, value
        case Unwrap() | Convert():
            return bounds(expr.operand)
        case Conditional():
            (a, b), (c, d) = bounds(expr.then), bounds(expr.otherwise)
            return None if a is None or c is None else min(a, c), None if b is None or d is None else max(b, d)
        case _:
            type = expr.type.item if isinstance(expr.type, OptionalType) else expr.type
            return (type.low, type.high) if isinstance(type, IntType) else (None, None)


def contraries(condition: Expr) -> list[Expr]:
    """Conditions that hold if and only if this one does not, as somebody may have written them."""
    found: list[Expr] = [Unary("not", condition, condition.type, condition.span)]
    if isinstance(condition, Binary) and condition.op in CONTRARY:
        found.append(replace(condition, op=CONTRARY[condition.op]))
    elif isinstance(condition, IsNone):
        found.append(replace(condition, negated=not condition.negated))
    elif isinstance(condition, Unary):
        found.append(condition.operand)
    return found


# ---------------------------------------------------------------- expressions


@dataclass(frozen=True)
class Printer:
    """Expressions of one place. `params` are the local names of what the trigger brought; `some` are the optionals
    that a test around the place has shown to be there. owner: whose attributes inputs and data are, where they are not
    `inputs` and `data` themselves; `attributes` are the data's then."""

    names: Names
    place: Callable[[Span], str]
    params: Mapping[str, str] = field(default_factory=dict[str, str])
    some: frozenset[Key] = frozenset()
    owner: str = ""
    attributes: Mapping[str, str] = field(default_factory=dict[str, str])

    def assuming(self, condition: Expr, holds: bool = True) -> Printer:
        """The same place after a test."""
        return replace(self, some=self.some | shown(condition, holds))

    def after_update(self) -> Printer:
        """The same place after `data` has been given a new value."""
        return replace(self, some=frozenset(key for key in self.some if key[0] is not RefKind.DATA))

    def stored(self, expr: Expr, type: Type, span: Span) -> Code:
        """The value where a variable or parameter of `type` takes it: in its range, or a Fault."""
        code = self.code(expr)
        item = type.item if isinstance(type, OptionalType) else type
        if isinstance(item, ListType):
            return self._stored_list(expr, code, item, span)
        if not isinstance(item, IntType) or (item.low is None and item.high is None):
            return code
        if (isinstance(expr, Literal) and expr.value is None) or isinstance(expr.type, NoneType):
            return code
        if isinstance(expr, Convert) and isinstance(expr.operand, Literal) and expr.operand.value is None:
            return code
        low, high = bounds(expr)
        fits_low = item.low is None or (low is not None and low >= item.low)
        fits_high = item.high is None or (high is not None and high <= item.high)
        if fits_low and fits_high:
            return code
        return Code(f"values.within({code.text}, {item.low}, {item.high}, {self._at(span)})", partial=True)

    def _stored_list(self, expr: Expr, code: Code, type: ListType, span: Span) -> Code:
        """A list that may be too long, or may have items out of range. Records are in range since they were made."""
        item = type.item
        if isinstance(item, IntType) and item.low is not None and item.high is not None:
            inside = [bounds(each) for each in _items(expr)]
            if not all(
                low is not None and low >= item.low and high is not None and high <= item.high for low, high in inside
            ):
                limits = f"{item.low}, {item.high}, {type.most}"
                return Code(f"values.items_within({code.text}, {limits}, {self._at(span)})", partial=True)
        if _most(expr) <= type.most:
            return code
        return Code(f"values.at_most({code.text}, {type.most}, {self._at(span)})", partial=True)

    def code(self, expr: Expr) -> Code:
        """The text of any expression a flow may compute."""
        match expr:
            case Literal():
                return literal(expr.value, expr.type, self.names)
            case Ref():
                return Code(self._reference(expr))
            case Now():
                return Code("now")
            case Unary():
                return self._unary(expr)
            case Binary():
                return self._binary(expr)
            case Conditional():
                return self._conditional(expr)
            case OneOf():
                return self._one_of(expr)
            case IsNone():
                operand = self.code(expr.operand)
                test = "is not None" if expr.negated else "is None"
                return Code(f"{operand.at(SUM)} {test}", COMPARISON, operand.partial)
            case Unwrap():
                if _key(expr.operand) in self.some:
                    return self.code(expr.operand)
                return Code(f"values.some({self.code(expr.operand).text}, {self._at(expr.span)})", partial=True)
            case Convert():
                return self._convert(expr)
            case Builtin():
                return self._builtin(expr)
            case Field():
                operand = self.code(expr.operand)
                assert isinstance(expr.operand.type, RecordType), "only a record has fields"
                name = self.names.part[expr.operand.type.name][expr.name]
                return Code(f"{operand.at(ATOM)}.{name}", partial=operand.partial)
            case NewRecord() | NewList():
                return self._made(expr)
            case Contains():
                operand, items = self.code(expr.operand), self.code(expr.items)
                return Code(f"{operand.at(SUM)} in {items.at(SUM)}", COMPARISON, operand.partial or items.partial)
            case InState(state):
                return Code(f"{self.names.states}.{self.names.state[state]} in at", COMPARISON)
            case _:
                raise AssertionError("only properties and scenarios ask for this")

    def _made(self, expr: NewRecord | NewList) -> Code:
        if isinstance(expr, NewRecord):
            pairs = zip(expr.values, expr.type.fields, strict=True)
            parts = [self.stored(value, field.type, value.span) for value, field in pairs]
            text = f"{self.names.record[expr.type.name]}({', '.join(part.text for part in parts)})"
        else:
            return _tuple([self.code(item) for item in expr.items])
        return Code(text, partial=any(part.partial for part in parts))

    def _at(self, span: Span) -> str:
        return quoted(self.place(span))

    def _reference(self, ref: Ref) -> str:
        match ref.kind:
            case RefKind.INPUT:
                return f"{f'{self.owner}.' if self.owner else ''}inputs.{self.names.variable[ref.name]}"
            case RefKind.DATA:
                return (
                    f"{self.owner}.{self.attributes[ref.name]}"
                    if self.owner
                    else f"data.{self.names.variable[ref.name]}"
                )
            case RefKind.PARAM:
                return self.params[ref.name]
            case RefKind.RESULT:
                return "result"

    def _unary(self, expr: Unary) -> Code:
        if expr.op == "not":
            return self._denied(expr.operand)
        operand = self.code(expr.operand)
        if isinstance(expr.type, DecimalType):
            return Code(f"codec.EXACT.minus({operand.text})", partial=operand.partial)
        return Code(f"-{operand.at(PREFIX)}", PREFIX, operand.partial)

    def _joined(self, expr: Expr) -> list[Code]:
        """What stands in the parentheses of a list that is joined of others."""
        match expr:
            case Binary():
                return [*self._joined(expr.left), *self._joined(expr.right)]
            case NewList():
                return [self.code(item) for item in expr.items]
            case _:
                code = self.code(expr)
                return [Code(f"*{code.at(SUM)}", partial=code.partial)]

    def _binary(self, expr: Binary) -> Code:
        op = expr.op
        if isinstance(expr.type, ListType):
            return _tuple(self._joined(expr))
        left = self.code(expr.left)
        right = (
            self.assuming(expr.left, op != "or").code(expr.right)
            if op in {"and", "or", "implies"}
            else self.code(expr.right)
        )
        partial = left.partial or right.partial
        match op:
            case "and":
                return Code(f"{left.at(AND)} and {right.at(AND + 1)}", AND, partial)
            case "or":
                return Code(f"{left.at(OR)} or {right.at(OR + 1)}", OR, partial)
            case "implies":
                return Code(f"{self._denied(expr.left).at(OR)} or {right.at(OR + 1)}", OR, partial)
            case "/" | "%":
                return self._divided(expr, left, right)
            case _ if op in COMPARISONS:
                return Code(f"{left.at(SUM)} {op} {right.at(SUM)}", COMPARISON, partial)
            case _ if isinstance(expr.type, DecimalType):
                return Code(f"codec.EXACT.{DECIMAL[op]}({left.text}, {right.text})", partial=partial)
            case _:
                level = PRODUCT if op == "*" else SUM
                overflows = not isinstance(expr.type, IntType)  # a duration or instant too large to represent
                return Code(f"{left.at(level)} {op} {right.at(level + 1)}", level, partial or overflows)

    def _denied(self, expr: Expr) -> Code:
        """The opposite of a condition."""
        match expr:
            case IsNone():
                return self.code(replace(expr, negated=not expr.negated))
            case Binary("==" | "!="):
                return self.code(replace(expr, op="!=" if expr.op == "==" else "=="))
            case OneOf():
                return self._one_of(expr, " not in ", " and ", "!=")
            case InState(state):
                return Code(f"{self.names.states}.{self.names.state[state]} not in at", COMPARISON)
            case Contains():
                operand, items = self.code(expr.operand), self.code(expr.items)
                return Code(f"{operand.at(SUM)} not in {items.at(SUM)}", COMPARISON, operand.partial or items.partial)
            case _:
                code = self.code(expr)
                return Code(f"not {code.at(NOT)}", NOT, code.partial)

    def _divided(self, expr: Binary, left: Code, right: Code) -> Code:
        if isinstance(expr.right, Literal) and expr.right.value:
            op = "//" if expr.op == "/" else "%"
            return Code(f"{left.at(PRODUCT)} {op} {right.at(PREFIX)}", PRODUCT, left.partial)
        name = "quotient" if expr.op == "/" else "remainder"
        return Code(f"values.{name}({left.text}, {right.text}, {self._at(expr.span)})", partial=True)

    def _conditional(self, expr: Conditional) -> Code:
        condition = self.code(expr.condition)
        then = self.assuming(expr.condition).code(expr.then)
        otherwise = self.assuming(expr.condition, False).code(expr.otherwise)
        text = f"{then.at(OR)} if {condition.at(OR)} else {otherwise.text}"
        return Code(text, CONDITIONAL, condition.partial or then.partial or otherwise.partial)

    def _one_of(self, expr: OneOf, among: str = " in ", chain: str = " or ", test: str = "==") -> Code:
        operand = self.code(expr.operand)
        members = [self.code(member) for member in expr.members]
        if any(member.partial for member in members):  # each only as far as it is needed
            tests = chain.join(f"{operand.at(SUM)} {test} {member.at(SUM)}" for member in members)
            return Code(tests, OR if len(members) > 1 else COMPARISON, True)
        listed = ", ".join(member.text for member in members) + ("," if len(members) == 1 else "")
        return Code(f"{operand.at(SUM)}{among}({listed})", COMPARISON, operand.partial)

    def _convert(self, expr: Convert) -> Code:
        if isinstance(expr.operand, Literal):
            return literal(expr.operand.value, expr.type, self.names)
        operand = self.code(expr.operand)
        to = expr.type.item if isinstance(expr.type, OptionalType) else expr.type
        type = expr.operand.type
        if not isinstance(to, DecimalType) or isinstance(type, NoneType):
            return operand
        if isinstance(type, DecimalType) and type.places == to.places:
            return operand
        if isinstance(type, OptionalType):
            if isinstance(type.item, DecimalType) and type.item.places == to.places:
                return operand
            text = f"values.decimal({operand.text}, {to.places}) if {operand.at(SUM)} is not None else None"
            return Code(text, CONDITIONAL, operand.partial)
        return Code(f"values.decimal({operand.text}, {to.places})", partial=operand.partial)

    def _builtin(self, expr: Builtin) -> Code:
        args = [self.code(arg) for arg in expr.args]
        name = "codec.EXACT.abs" if expr.name == "abs" and isinstance(expr.type, DecimalType) else expr.name
        return Code(f"{name}({', '.join(arg.text for arg in args)})", partial=any(arg.partial for arg in args))


def _tuple(parts: list[Code]) -> Code:
    text = f"({', '.join(part.text for part in parts)}{',' if len(parts) == 1 else ''})"
    return Code(text, partial=any(part.partial for part in parts))


def _items(expr: Expr) -> tuple[Expr, ...]:
    """What the items of a list are like: those that are written out, and for others one that stands for all."""
    match expr:
        case NewList():
            return expr.items
        case Binary():
            return (*_items(expr.left), *_items(expr.right))
        case Conditional():
            return (*_items(expr.then), *_items(expr.otherwise))
        case Unwrap() | Convert():
            return _items(expr.operand)
        case _:
            type = expr.type.item if isinstance(expr.type, OptionalType) else expr.type
            return (Literal(None, type.item, expr.span),) if isinstance(type, ListType) else ()


def _most(expr: Expr) -> int:
    """How many items a list may surely have at most."""
    match expr:
        case Binary():
            return _most(expr.left) + _most(expr.right)
        case Conditional():
            return max(_most(expr.then), _most(expr.otherwise))
        case Unwrap() | Convert():
            return _most(expr.operand)
        case _:
            type = expr.type.item if isinstance(expr.type, OptionalType) else expr.type
            return type.most if isinstance(type, ListType) else 0


def _key(expr: Expr) -> Key | None:
    return (expr.kind, expr.name) if isinstance(expr, Ref) else None


def shown(condition: Expr, holds: bool) -> frozenset[Key]:
    """The optionals that surely have a value where the condition holds (or fails)."""
    match condition:
        case IsNone():
            key = _key(condition.operand)
            return frozenset({key}) if key is not None and condition.negated == holds else frozenset()
        case Unary("not"):
            return shown(condition.operand, not holds)
        case Binary("and") if holds:
            return shown(condition.left, True) | shown(condition.right, True)
        case Binary("or") if not holds:
            return shown(condition.left, False) | shown(condition.right, False)
        case Binary("implies") if not holds:
            return shown(condition.left, True) | shown(condition.right, False)
        case _:
            return frozenset()
