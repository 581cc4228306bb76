"""Expressions and values of the model in, Z3 terms out, and values back from a Z3 model: the only encoder.

Everything is an integer or a boolean: decimals, durations (microseconds) and instants (microseconds since 1970) are
scaled, enum members are numbered, texts are numbered with distinct literals, a `T?` is a pair of *is it some* and the
value. What is known stays a plain Python bool or int, so constants fold by themselves. An expression comes with its
**needs**: what must hold for it to be defined, short-circuits taken into account, exactly as `evaluate` faults.

Trusted beside Z3. Assumed of values from outside: a duration lies within 36500d, an instant in the years 1900 to 2199.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from ...dsl.model import (
    Binary,
    BoolType,
    Builtin,
    Compensating,
    Conditional,
    Convert,
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
    Unwrap,
    Value,
)
from ...dsl.source import Span
from ..evaluate import COMPARE, EXACT
from .solver import Term

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICRO = timedelta(microseconds=1)
LONGEST = timedelta(days=36500) // MICRO
EARLIEST, LATEST = ((datetime(year, 1, 1, tzinfo=UTC) - EPOCH) // MICRO for year in (1900, 2200))


@dataclass(frozen=True, slots=True)
class Symbol:
    """A value as terms. `some` is False where a `T?` is none; the term is then without meaning."""

    term: Term
    some: Term = True


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
        case None:
            raise AssertionError("none has no number")


class Encoder:
    """Makes terms. `axioms` (about the texts met so far) belong to every question; the list only grows."""

    def __init__(self, z3: Any) -> None:
        self.z3 = z3
        self.axioms: list[Term] = []
        self._texts: dict[str, int] = {"": 0}
        self._named: dict[int, str] = {0: ""}
        self._length: Any = None
        self._fresh = 0

    # ------------------------------------------------------------ logic, folding what is known

    def all(self, *terms: Term) -> Term:
        left = [term for term in terms if term is not True]
        if any(term is False for term in left):
            return False
        return True if not left else left[0] if len(left) == 1 else self.z3.And(*left)

    def any(self, *terms: Term) -> Term:
        left = [term for term in terms if term is not False]
        if any(term is True for term in left):
            return True
        return False if not left else left[0] if len(left) == 1 else self.z3.Or(*left)

    def no(self, term: Term) -> Term:
        return not term if isinstance(term, bool) else self.z3.Not(term)

    def given(self, premise: Term, term: Term) -> Term:
        """The term where the premise holds, else true."""
        return self.any(self.no(premise), term)

    def pick(self, condition: Term, then: Term, otherwise: Term) -> Term:
        if isinstance(condition, bool):
            return then if condition else otherwise
        return self.z3.If(condition, then, otherwise)

    def same(self, left: Symbol, right: Symbol) -> Term:
        both = self.all(left.some, right.some)
        neither = self.all(self.no(left.some), self.no(right.some))
        return self.any(self.all(both, left.term == right.term), neither)

    def term(self, known: Term) -> Term:
        """A term in any case, also of what is known."""
        if isinstance(known, bool):
            return self.z3.BoolVal(known)
        return self.z3.IntVal(known) if isinstance(known, int) else known

    # ------------------------------------------------------------ values and variables

    def variable(self, name: str, type: Type) -> Symbol:
        """A new unknown of the type; its range is `domain`'s to state."""
        self._fresh += 1
        item = type.item if isinstance(type, OptionalType) else type
        label = f"{name}.{self._fresh}"
        term = self.z3.Bool(label) if isinstance(item, BoolType) else self.z3.Int(label)
        return Symbol(term, self.z3.Bool(f"{label}?") if isinstance(type, OptionalType) else True)

    def domain(self, symbol: Symbol, type: Type) -> Term:
        """That a symbol is a value of the type, bounds included."""
        term = symbol.term
        match type:
            case OptionalType():
                return self.given(symbol.some, self.domain(Symbol(term), type.item))
            case IntType():
                low = True if type.low is None else term >= type.low
                return self.all(low, True if type.high is None else term <= type.high)
            case EnumType():
                return self.all(term >= 0, term < len(type.members))
            case TextType():
                return term >= 0
            case DurationType():
                return self.all(term >= -LONGEST, term <= LONGEST)
            case InstantType():
                return self.all(term >= EARLIEST, term < LATEST)
            case BoolType() | DecimalType() | NoneType():
                return True

    def value(self, value: Value, type: Type) -> Symbol:
        """A known value."""
        item = type.item if isinstance(type, OptionalType) else type
        if value is None:
            return Symbol(False if isinstance(item, BoolType) else 0, False)
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
        """`len` of a text. Only the empty text has none."""
        if self._length is None:
            self._length = self.z3.Function("len", self.z3.IntSort(), self.z3.IntSort())
            self.axioms.extend(self._length(code) == len(text) for code, text in self._named.items())
        size = self._length(term)
        self.axioms.append(self.z3.And(size >= 0, (size == 0) == (term == 0)))
        return size

    def read(self, model: Any, symbol: Symbol, type: Type) -> Value:
        """The value a symbol has in a model."""
        if isinstance(type, OptionalType):
            return self.read(model, Symbol(symbol.term), type.item) if self._eval(model, symbol.some) else None
        found = self._eval(model, symbol.term)
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

    def number(self, model: Any, term: Term) -> int:
        return int(self._eval(model, term))

    def _eval(self, model: Any, term: Term) -> bool | int:
        if isinstance(term, (bool, int)):
            return term
        found = model.eval(term, model_completion=True)
        return bool(self.z3.is_true(found)) if self.z3.is_bool(found) else int(found.as_long())

    def _invent(self, model: Any, code: int) -> str:
        """The text a number stands for; a new one, of the length the model wants, if it is no text met so far."""
        if code not in self._named:
            text = f"t{code}"
            if self._length is not None:
                wanted = self._eval(model, self._length(code))
                text = str(code).rjust(wanted, "t")[-wanted:] if wanted < 10_000 else text
                self.axioms.append(self._length(code) == len(text))
            while text in self._texts:
                text += "'"
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
            case OneOf():
                return self._one_of(expr, env)
            case IsNone():
                operand, needs = self.expression(expr.operand, env)
                return Symbol(operand.some if expr.negated else self.no(operand.some)), needs
            case Unwrap():
                operand, needs = self.expression(expr.operand, env)
                return Symbol(operand.term), (*needs, Need("F402", expr.span, operand.some))
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
            case "+":
                return Symbol(a + b), needs
            case "-":
                return Symbol(a - b), needs
            case _:
                return Symbol(a * b), needs

    def _text_order(self, op: str, a: Term, b: Term) -> Term:
        """The order of texts is left open: any relation."""
        integer = self.z3.IntSort()
        return self.z3.Function(f"text{op}", integer, integer, self.z3.BoolSort())(a, b)

    def _quotient(self, a: Term, b: Term) -> Term:
        """Division that rounds toward minus infinity; Z3's own leaves a remainder that is never negative."""
        if isinstance(a, int) and isinstance(b, int):
            return a // b if b else 0
        a = self.z3.IntVal(a) if isinstance(a, int) else a
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
        source = source.item if isinstance(source, OptionalType) else source
        target = target.item if isinstance(target, OptionalType) else target
        if isinstance(target, DecimalType):
            places = source.places if isinstance(source, DecimalType) else 0
            return Symbol(symbol.term * 10 ** (target.places - places), symbol.some)
        return symbol

    def _conditional(self, expr: Conditional, env: Env) -> tuple[Symbol, tuple[Need, ...]]:
        condition, needs = self.expression(expr.condition, env)
        then, first = self.expression(expr.then, env)
        otherwise, second = self.expression(expr.otherwise, env)
        chosen = Symbol(
            self.pick(condition.term, then.term, otherwise.term),
            self.pick(condition.term, then.some, otherwise.some),
        )
        return chosen, (
            *needs,
            *self._under(condition.term, first),
            *self._under(self.no(condition.term), second),
        )

    def _builtin(self, expr: Builtin, env: Env) -> tuple[Symbol, tuple[Need, ...]]:
        pairs = [self.expression(arg, env) for arg in expr.args]
        needs = tuple(need for _, more in pairs for need in more)
        terms = [symbol.term for symbol, _ in pairs]
        best = terms[0]
        if expr.name == "len":
            return Symbol(self.length(best)), needs
        if expr.name == "abs":
            return Symbol(self.pick(best < 0, -best, best)), needs
        for term in terms[1:]:
            best = self.pick(term < best if expr.name == "min" else term > best, term, best)
        return Symbol(best), needs

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
