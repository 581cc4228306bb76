"""What expressions of the kernel mean, as things: an expression and what it may refer to in, its value out; where it is
undefined, the trail ends in the Fault that the reference interpreter (`compiler.evaluate`) would raise.
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
    DurationType,
    Expr,
    Field,
    InState,
    IntType,
    IsNone,
    ListType,
    Literal,
    NewList,
    NewRecord,
    Now,
    OneOf,
    OptionalType,
    Ref,
    RefKind,
    Type,
    Unary,
    Unwrap,
)
from ...dsl.source import Span
from ..checks.solver import Term
from ..checks.symbols import Symbol, unwrapped
from ..evaluate import position
from .logic import Logic
from .things import NONE, Fault, Made, Plain, Several, Spread, Thing
from .trail import Trail


@dataclass(frozen=True)
class Seen:
    """What an expression may refer to."""

    inputs: Mapping[str, Thing]
    data: Mapping[str, Thing]
    now: Thing
    params: Mapping[str, Thing] = field(default_factory=dict[str, Thing])
    result: Thing = NONE
    active: Mapping[str, Term] = field(default_factory=dict[str, Term])  # by place


class Meaning:
    """Evaluates expressions on one trail. place: how faults call a place of the text."""

    def __init__(self, trail: Trail, place: Callable[[Span], str]) -> None:
        self.trail = trail
        self.logic: Logic = trail.logic
        self.place = place

    def apart(self) -> Meaning:
        """The same on a trail of its own."""
        return Meaning(Trail(self.logic), self.place)

    def value(self, expr: Expr, seen: Seen) -> Thing:
        match expr:
            case Literal():
                return self.logic.plain(expr.value, expr.type)
            case Ref():
                return _referred(expr, seen)
            case Now():
                return seen.now
            case Unary():
                return self._unary(expr, self.value(expr.operand, seen))
            case Binary():
                return self._binary(expr, seen)
            case Conditional():
                return self._conditional(expr, seen)
            case OneOf():
                return self._one_of(expr, seen)
            case IsNone():
                some = self.some(self.value(expr.operand, seen))
                return self.logic.truth(some if expr.negated else self.logic.no(some))
            case Unwrap():
                return self._unwrapped(expr, self.value(expr.operand, seen))
            case Convert():
                return self._converted(expr, self.value(expr.operand, seen))
            case Builtin():
                return self._builtin(expr, [self.value(arg, seen) for arg in expr.args])
            case Field():
                operand = self.value(expr.operand, seen)
                return self.trail.one(lambda record: self._part(record, position(expr)), operand)
            case NewRecord():
                pairs = zip(expr.values, expr.type.fields, strict=True)
                return Made(expr.type.name, tuple(self.stored(v, each.type, v.span, seen) for v, each in pairs))
            case NewList():
                return Several(tuple(self.value(item, seen) for item in expr.items))
            case Contains():
                operand, items = self.value(expr.operand, seen), self.value(expr.items, seen)
                return self.logic.truth(self.logic.among(operand, items))
            case InState():
                return self.logic.truth(seen.active[expr.state])
            case _:
                raise AssertionError("only properties and scenarios ask for this")

    def condition(self, expr: Expr, seen: Seen) -> Term:
        return self.trail.truth(self.value(expr, seen))

    def stored(self, expr: Expr, type: Type, span: Span, seen: Seen) -> Thing:
        """The value where one of `type` is taken: in range, or a Fault F401."""
        value = self.value(expr, seen)
        self.fault(self.logic.no(self.within(value, type)), "F401", span)
        return value

    def fault(self, condition: Term, code: str, span: Span) -> None:
        before, self.trail.where = self.trail.where, span.start
        self.trail.end(condition, Fault(code, self.place(span)))
        self.trail.where = before

    # ------------------------------------------------------------ ranges

    def within(self, thing: Thing, type: Type) -> Term:
        """Whether a value keeps the ranges of a type."""
        item = unwrapped(type)
        if not isinstance(item, IntType | ListType) or item == IntType():
            return True
        cut = self.logic.split(thing)
        if cut is not None:
            one, other = self.within(cut[1], type), self.within(cut[2], type)
            return self.logic.all(self.logic.given(cut[0], one), self.logic.any(cut[0], other))
        parts = self.logic.parts(thing)
        if isinstance(item, ListType) and parts is not None:
            few = self.logic.count(thing) <= item.most
            return self.logic.all(few, *(self._item_within(part, item) for part in parts))
        if isinstance(item, IntType) and isinstance(thing, Plain) and isinstance(thing.type, IntType):
            return self.logic.domain(thing.symbol, item)
        return True

    def _item_within(self, part: Thing | Spread, type: ListType) -> Term:
        if not isinstance(part, Spread):
            return self.within(part, type.item)
        items, item = part.of.symbol.items, type.item
        if items is None or not isinstance(item, IntType) or item == IntType():
            return True
        return self.logic.no(items.any(lambda each: self.logic.no(self.logic.domain(each, item)), item))

    # ------------------------------------------------------------ operators

    def some(self, thing: Thing) -> Term:
        cut = self.logic.split(thing)
        if cut is not None:
            one, other = self.some(cut[1]), self.some(cut[2])
            return self.logic.any(self.logic.all(cut[0], one), self.logic.all(self.logic.no(cut[0]), other))
        return not (isinstance(thing, Plain) and thing.symbol.some is False)

    def _unwrapped(self, expr: Unwrap, operand: Thing) -> Thing:
        self.fault(self.logic.no(self.some(operand)), "F402", expr.span)
        return self._there(operand)

    def _there(self, thing: Thing) -> Thing:
        """What an optional is if it is not none."""
        cut = self.logic.split(thing)
        if cut is None:
            return thing
        if self.some(cut[1]) is False:
            return self._there(cut[2])
        if self.some(cut[2]) is False:
            return self._there(cut[1])
        return self.logic.choose_thing(cut[0], self._there(cut[1]), self._there(cut[2]))

    def _unary(self, expr: Unary, operand: Thing) -> Thing:
        assert isinstance(operand, Plain), "numbers, durations and truths are plain"
        if expr.op == "not":
            return self.logic.truth(self.logic.no(operand.symbol.term))
        if isinstance(expr.type, DurationType):
            return self.trail.summed(-operand.symbol.term, expr.type)
        return Plain(operand.type, Symbol(-operand.symbol.term))

    def _binary(self, expr: Binary, seen: Seen) -> Thing:
        logic, op = self.logic, expr.op
        left = self.value(expr.left, seen)
        if op in {"and", "or", "implies"}:
            term = self.trail.truth(left)
            with self.trail.under(logic.no(term) if op == "or" else term):
                right = self.trail.truth(self.value(expr.right, seen))
            first = logic.no(term) if op == "implies" else term
            return logic.truth(logic.all(first, right) if op == "and" else logic.any(first, right))
        right_thing = self.value(expr.right, seen)
        match op:
            case "==":
                return logic.truth(logic.equal(left, right_thing))
            case "!=":
                return logic.truth(logic.no(logic.equal(left, right_thing)))
            case "<":
                return logic.truth(logic.less(left, right_thing))
            case ">":
                return logic.truth(logic.less(right_thing, left))
            case "<=":
                return logic.truth(logic.no(logic.less(right_thing, left)))
            case ">=":
                return logic.truth(logic.no(logic.less(left, right_thing)))
            case _:
                return self._computed(expr, left, right_thing)

    def _computed(self, expr: Binary, left: Thing, right: Thing) -> Thing:
        op = expr.op
        if isinstance(expr.type, ListType):
            one, other = self.logic.parts(left), self.logic.parts(right)
            assert one is not None and other is not None, "typecheck joins lists only"
            return Several((*one, *other))
        assert isinstance(left, Plain) and isinstance(right, Plain), "typecheck computes with plain values only"
        if isinstance(expr.type, DecimalType):
            return decimal_computed(self.logic, op, left, right)
        if op in "/%":
            self.fault(right.symbol.term == 0, "F403", expr.span)
            return self.trail.added("//" if op == "/" else op, left, right)
        return self.trail.added(op, left, right)

    def _conditional(self, expr: Conditional, seen: Seen) -> Thing:
        test = self.condition(expr.condition, seen)
        with self.trail.under(test):
            then = self.value(expr.then, seen)
        with self.trail.under(self.logic.no(test)):
            otherwise = self.value(expr.otherwise, seen)
        return self.logic.choose_thing(test, then, otherwise)

    def _one_of(self, expr: OneOf, seen: Seen) -> Thing:
        """Members after a match are not looked at."""
        operand = self.value(expr.operand, seen)
        found: Term = False
        for member in expr.members:
            with self.trail.under(self.logic.no(found)):
                value = self.value(member, seen)
            found = self.logic.any(found, self.logic.equal(operand, value))
        return self.logic.truth(found)

    def _converted(self, expr: Convert, operand: Thing) -> Thing:
        item = unwrapped(expr.type)
        if not isinstance(item, DecimalType) or not isinstance(operand, Plain):
            return operand
        return _widened(operand, item)

    def _builtin(self, expr: Builtin, args: list[Thing]) -> Thing:
        logic, first = self.logic, args[0]
        if expr.name == "len":
            return logic.integer(logic.count(first))
        assert isinstance(first, Plain), "typecheck gives `abs`, `min` and `max` plain values only"
        if expr.name == "abs":
            term = first.symbol.term
            made = logic.pick(term < 0, -term, term)
            return (
                self.trail.summed(made, first.type)
                if isinstance(first.type, DurationType)
                else Plain(first.type, Symbol(made))
            )
        best: Thing = first
        for arg in args[1:]:
            better = logic.less(arg, best) if expr.name == "min" else logic.less(best, arg)
            best = logic.choose_thing(better, arg, best)
        return best

    def _part(self, record: Thing, index: int) -> Thing:
        parts = self.logic.parts(record)
        part = None if parts is None else parts[index]
        assert part is not None and not isinstance(part, Spread), "typecheck lets only records have fields"
        return part


def decimal_computed(logic: Logic, op: str, left: Plain, right: Plain) -> Plain:
    """Exact arithmetic of decimals, and of integers among them."""
    one, other = (places_of(left), places_of(right))
    if op == "*":
        product = logic.as_number(left, one) * logic.as_number(right, other)
        return Plain(DecimalType(one + other), Symbol(product))
    a, b = logic.scaled(left, right)
    return Plain(DecimalType(max(one, other)), Symbol(a + b if op == "+" else a - b))


def places_of(number: Plain) -> int:
    return number.type.places if isinstance(number.type, DecimalType) else 0


def _referred(ref: Ref, seen: Seen) -> Thing:
    match ref.kind:
        case RefKind.INPUT:
            return seen.inputs[ref.name]
        case RefKind.DATA:
            return seen.data[ref.name]
        case RefKind.PARAM:
            return seen.params[ref.name]
        case RefKind.RESULT:
            return seen.result


def _widened(number: Plain, to: DecimalType) -> Plain:
    """A number, or none, with the places of a decimal."""
    optional = isinstance(number.type, OptionalType)
    of = unwrapped(number.type)
    if not isinstance(of, IntType | DecimalType):
        return number
    shift = to.places - (of.places if isinstance(of, DecimalType) else 0)
    symbol = replace(number.symbol, term=number.symbol.term * 10**shift)
    return Plain(OptionalType(to) if optional else to, symbol)
