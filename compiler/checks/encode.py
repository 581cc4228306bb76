"""Expressions and values of the model in, Z3 terms out, and values back from a Z3 model: the only encoder.

Values are encoded as `symbols` says; texts are numbered with distinct literals. An expression comes with its **needs**:
what must hold for it to be defined, short-circuits taken into account, exactly as `evaluate` faults.

Trusted beside Z3. A duration from outside lies within 36500d, an instant in the years 1900 to 2199: others are refused
at the door (`payload`). Assumed of `now`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import chain, count

from ...dsl.model import (
    Binary,
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
from ...dsl.source import Span
from ...dsl.values import dataclass, field, replace
from ..evaluate import COMPARE, EXACT, parted, position
from .moves import simplest
from .solver import Term
from .symbols import EPOCH, MICRO, Symbol, Symbols, ranged, unwrapped
from .terms import Made, Model, Terms


@dataclass(frozen=True, slots=True)
class Need:
    """What must hold for an expression to be defined: the code of the check that asks for it, and the place."""

    code: str
    span: Span
    term: Term


@dataclass(frozen=True, slots=True)
class Facts:
    """What properties ask of a configuration beside its data."""

    places: frozenset[str]
    standing: frozenset[str]
    counts: Mapping[str, int]
    compensating: bool
    elapsed: Term


@dataclass(frozen=True, slots=True)
class Env:
    """What an expression may refer to: inputs and data, parameters, `result`, `now`, and facts in a property."""

    variables: Mapping[str, Symbol]
    now: Term
    params: Mapping[str, Symbol] = field(default_factory=dict[str, Symbol])
    result: Symbol | None = None
    facts: Facts | None = None


def scaled(value: Value, type: Type) -> int | bool:
    """A value that is not none and not text as the integer (or bool) that stands for it."""
    match value:
        case Decimal():
            item = type.item if isinstance(type, OptionalType) else type
            assert isinstance(item, DecimalType)
            return int(EXACT.scaleb(value, item.places))
        case timedelta():
            return value // MICRO
        case datetime():
            return (value - EPOCH) // MICRO
        case str():
            item = type.item if isinstance(type, OptionalType) else type
            assert isinstance(item, EnumType)
            return item.members.index(value)
        case bool() | int():
            return value
        case None | tuple():
            raise AssertionError("none has no number, nor has a list or a record")


class Encoder(Symbols):
    """Makes the terms of values and expressions."""

    def __init__(self, z3: Terms) -> None:
        super().__init__(z3)
        self._texts: dict[str, int] = {"": 0}
        self._named: dict[int, str] = {0: ""}
        self._length: Callable[..., Made] | None = None

    # ------------------------------------------------------------ values

    def value(self, value: Value, type: Type) -> Symbol:
        """A known value."""
        item = unwrapped(type)
        if value is None:
            return replace(self.blank(item), some=False)
        if isinstance(value, tuple):
            parts = [self.value(part, inner) for part, inner in parted(value, item)]
            return self.listed(parts, item.item) if isinstance(item, ListType) else Symbol(0, fields=tuple(parts))
        if isinstance(value, str) and not isinstance(item, EnumType):
            return Symbol(self._text(value))
        return Symbol(scaled(value, item))

    def _text(self, value: str) -> int:
        if value not in self._texts:
            code = max(self._named) + 1
            self._texts[value], self._named[code] = code, value
            if self._length is not None:
                self.axioms.append(self._length(code) == len(value))
        return self._texts[value]

    def length(self, term: Term) -> Term:
        """`len` of a text. Only the empty text has none: said in the term itself, so that it is said of what is put in
        its place, too."""
        if isinstance(term, int):
            return len(self._named[term])
        if self._length is None:
            self._length = self.z3.function("len", 1, False)
            self.axioms.extend(self._length(code) == len(text) for code, text in self._named.items())
        size = self._length(term)
        return self.pick(term == 0, 0, self.pick(size >= 1, size, 1))

    def read(self, model: Model | None, symbol: Symbol, type: Type) -> Value:
        """The value a symbol has in a model."""
        if isinstance(type, OptionalType):
            return self.read(model, replace(symbol, some=True), type.item) if self._eval(model, symbol.some) else None
        if isinstance(type, RecordType):
            pairs = zip(symbol.fields, type.fields, strict=True)
            return tuple(self.read(model, part, each.type) for part, each in pairs)
        found = self._eval(model, symbol.term)
        if isinstance(type, ListType):
            return tuple(self._read_item(model, symbol, index, type.item) for index in range(min(found, type.most)))
        match type:
            case DecimalType():
                return EXACT.scaleb(Decimal(found), -type.places)
            case DurationType():
                return found * MICRO
            case InstantType():
                return EPOCH + found * MICRO
            case EnumType():
                return type.members[found]
            case TextType():
                return self._invent(model, found)
            case _:
                return found

    def _read_item(self, model: Model | None, symbol: Symbol, index: int, type: Type) -> Value:
        """An item of a list; the simplest there is where nothing was asked of it."""
        items = symbol.items
        assert items is not None, "only lists have items"
        asked = index in items.made or not items.unknown
        return self.read(model, items.slot(index), type) if asked else simplest(type)

    def number(self, model: Model | None, term: Term) -> int:
        return int(self._eval(model, term))

    def _eval(self, model: Model | None, term: Term) -> bool | int:
        if isinstance(term, (bool, int)):
            return term
        assert model is not None, "only what is known needs no model"
        return model.value(term)

    def _invent(self, model: Model | None, code: int) -> str:
        """The text a number stands for; a new one, of the length the model wants, if it is no text met so far."""
        if code not in self._named:
            text = f"t{code}"
            if self._length is not None:
                wanted = max(self._eval(model, self._length(code)), 1)
                text = str(code).rjust(wanted, "t")[-wanted:] if wanted < 10_000 else text
                self.axioms.append(self._length(code) == len(text))
            others = (f"{text[:-1]}{chr(last)}" for last in count(ord("a")))  # as long
            text = next(each for each in chain((text,), others) if each not in self._texts)
            self._named[code], self._texts[text] = text, code
        return self._named[code]

    # ------------------------------------------------------------ expressions

    def expression(self, expr: Expr, env: Env) -> tuple[Symbol, tuple[Need, ...]]:
        """The value of an expression, and what it needs to be defined."""
        match expr:
            case Literal():
                return self.value(expr.value, expr.type), ()
            case Ref():
                return self._refer(expr, env), ()
            case Binary():
                return self._binary(expr, env)
            case Unary():
                operand, needs = self.expression(expr.operand, env)
                return Symbol(self.no(operand.term) if expr.op == "not" else -operand.term), needs
            case Field() | NewRecord() | NewList() | Contains():
                return self._structure(expr, env)
            case OneOf():
                return self._one_of(expr, env)
            case IsNone():
                operand, needs = self.expression(expr.operand, env)
                return Symbol(operand.some if expr.negated else self.no(operand.some)), needs
            case Unwrap():
                operand, needs = self.expression(expr.operand, env)
                return replace(operand, some=True), (*needs, Need("F402", expr.span, operand.some))
            case Convert():
                operand, needs = self.expression(expr.operand, env)
                return self._convert(operand, expr.operand.type, expr.type), needs
            case Conditional():
                return self._conditional(expr, env)
            case Builtin():
                return self._builtin(expr, env)
            case Now():
                return Symbol(env.now), ()
            case _:
                return Symbol(self._fact(expr, env.facts)), ()

    def condition(self, expr: Expr, env: Env) -> Term:
        """That a boolean expression is defined and true."""
        symbol, needs = self.expression(expr, env)
        return self.all(*(need.term for need in needs), symbol.term)

    def _refer(self, expr: Ref, env: Env) -> Symbol:
        match expr.kind:
            case RefKind.INPUT | RefKind.DATA:
                return env.variables[expr.name]
            case RefKind.PARAM:
                return env.params[expr.name]
            case RefKind.RESULT:
                assert env.result is not None, "`result` is only in scope where there is one"
                return env.result

    def _binary(self, expr: Binary, env: Env) -> tuple[Symbol, tuple[Need, ...]]:
        left, needs = self.expression(expr.left, env)
        right, more = self.expression(expr.right, env)
        if expr.op in {"and", "or", "implies"}:
            asked = self.no(left.term) if expr.op == "or" else left.term
            needs = (*needs, *self._under(asked, more))
            first = self.no(left.term) if expr.op == "implies" else left.term
            join = self.all if expr.op == "and" else self.any
            return Symbol(join(first, right.term)), needs
        needs = (*needs, *more)
        a, b = left.term, right.term
        match expr.op:
            case "==":
                return Symbol(self.same(left, right)), needs
            case "!=":
                return Symbol(self.no(self.same(left, right))), needs
            case "<" | "<=" | ">" | ">=":
                if isinstance(expr.left.type, TextType):
                    return Symbol(self._text_order(expr.op, a, b)), needs
                return Symbol(COMPARE[expr.op](a, b)), needs
            case "/" | "%":
                quotient = self._quotient(a, b)
                needs = (*needs, Need("F403", expr.span, b != 0))
                return Symbol(quotient if expr.op == "/" else a - b * quotient), needs
            case "+" if isinstance(expr.type, ListType):
                return self.join(left, right), needs
            case "+":
                return Symbol(a + b), needs
            case "-":
                return Symbol(a - b), needs
            case _:
                return Symbol(a * b), needs

    def _text_order(self, op: str, a: Term, b: Term) -> Term:
        """The order of texts is left open: any relation."""
        return self.z3.function(f"text{op}", 2, True)(a, b)

    def _quotient(self, a: Term, b: Term) -> Term:
        """Division that rounds toward minus infinity; Z3's own leaves a remainder that is never negative."""
        if isinstance(a, int) and isinstance(b, int):
            return a // b if b else 0
        a = self.z3.value(a) if isinstance(a, int) else a
        return self.pick(b > 0, a / b, -a / -b)

    def _under(self, premise: Term, needs: Sequence[Need]) -> tuple[Need, ...]:
        return tuple(Need(need.code, need.span, self.given(premise, need.term)) for need in needs)

    def _one_of(self, expr: OneOf, env: Env) -> tuple[Symbol, tuple[Need, ...]]:
        """Members after a match are not looked at."""
        operand, needs = self.expression(expr.operand, env)
        found: Term = False
        for member in expr.members:
            symbol, more = self.expression(member, env)
            needs = (*needs, *self._under(self.no(found), more))
            found = self.any(found, self.same(operand, symbol))
        return Symbol(found), needs

    def _convert(self, symbol: Symbol, source: Type, target: Type) -> Symbol:
        if isinstance(source, NoneType):
            return self.value(None, target)
        source, target = unwrapped(source), unwrapped(target)
        if isinstance(target, DecimalType):
            places = source.places if isinstance(source, DecimalType) else 0
            return Symbol(symbol.term * 10 ** (target.places - places), symbol.some)
        return symbol

    def _conditional(self, expr: Conditional, env: Env) -> tuple[Symbol, tuple[Need, ...]]:
        condition, needs = self.expression(expr.condition, env)
        then, first = self.expression(expr.then, env)
        otherwise, second = self.expression(expr.otherwise, env)
        return self.choose(condition.term, then, otherwise), (
            *needs,
            *self._under(condition.term, first),
            *self._under(self.no(condition.term), second),
        )

    def _builtin(self, expr: Builtin, env: Env) -> tuple[Symbol, tuple[Need, ...]]:
        pairs = [self.expression(arg, env) for arg in expr.args]
        needs = tuple(need for _, more in pairs for need in more)
        terms = [symbol.term for symbol, _ in pairs]
        best = terms[0]
        if expr.name == "len" and isinstance(expr.args[0].type, ListType):
            return Symbol(best), needs
        if expr.name == "len":
            return Symbol(self.length(best)), needs
        if expr.name == "abs":
            return Symbol(self.pick(best < 0, -best, best)), needs
        for term in terms[1:]:
            best = self.pick(term < best if expr.name == "min" else term > best, term, best)
        return Symbol(best), needs

    def _structure(self, expr: Field | NewRecord | NewList | Contains, env: Env) -> tuple[Symbol, tuple[Need, ...]]:
        match expr:
            case Field():
                operand, needs = self.expression(expr.operand, env)
                return operand.fields[position(expr)], needs
            case NewRecord():
                owed: list[Need] = []
                fields: list[Symbol] = []
                for value, each in zip(expr.values, expr.type.fields, strict=True):
                    symbol, needs = self.expression(value, env)
                    owed += (*needs, *self.in_range(symbol, each.type, value.span))
                    fields.append(symbol)
                return Symbol(0, fields=tuple(fields)), tuple(owed)
            case NewList():
                pairs = [self.expression(item, env) for item in expr.items]
                symbols = [symbol for symbol, _ in pairs]
                return self.listed(symbols, expr.type.item), tuple(need for _, needs in pairs for need in needs)
            case Contains():
                operand, needs = self.expression(expr.operand, env)
                items, more = self.expression(expr.items, env)
                assert items.items is not None, "typecheck lets `in` look into lists only"
                return Symbol(items.items.any(lambda each: self.same(operand, each), None)), (*needs, *more)

    def in_range(self, symbol: Symbol, type: Type, span: Span) -> tuple[Need, ...]:
        """That a value is within the ranges of its type, where it has some."""
        return (Need("F401", span, self.within(symbol, type)),) if ranged(type) else ()

    def _fact(self, expr: InState | Standing | Count | Compensating | Elapsed, facts: Facts | None) -> Term:
        assert facts is not None, "only properties ask for facts"
        match expr:
            case InState():
                return expr.state in facts.places
            case Standing():
                return expr.activity in facts.standing
            case Count():
                return facts.counts.get(expr.activity, 0)
            case Compensating():
                return facts.compensating
            case Elapsed():
                return facts.elapsed
