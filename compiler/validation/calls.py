"""The functions that generated modules call, Python's own and the runtime's: arguments in, what they give out."""

from __future__ import annotations

import ast
import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation

from ...dsl.model import (
    BoolType,
    DecimalType,
    DurationType,
    EnumType,
    InstantType,
    IntType,
    ListType,
    NoneType,
    RecordType,
    TextType,
)
from ..checks.solver import Term
from ..checks.symbols import EPOCH, MICRO, Symbol
from . import vocabulary
from .errors import Refused
from .logic import Logic, Unlike, Unread
from .meaning import decimal_computed
from .texts import written
from .things import (
    STATES,
    VOID,
    Crash,
    Fault,
    Group,
    Known,
    Made,
    Plain,
    Several,
    Shown,
    Spread,
    Thing,
)
from .trail import Trail
from .world import Fields, World

FOUND = re.compile(r"[+-]?[0-9]+(\.[0-9]*)?([eE][+-]?[0-9]{1,3})?|[+-]?\.[0-9]+")
"""The texts that `Decimal` is called with here."""


class Calls(ABC):
    """Calls on one trail."""

    FUNCTIONS = ("abs", "frozenset", "len", "max", "min", "tuple")

    def __init__(self, world: World, trail: Trail) -> None:
        self.world = world
        self.trail = trail
        self.logic: Logic = trail.logic

    @abstractmethod
    def value(self, node: ast.expr) -> Thing:
        """What an expression evaluates to."""

    # ------------------------------------------------------------ names with a dot

    def attribute(self, of: Thing, name: str) -> Thing:
        match of:
            case Known(kind="module", name=module):
                return self._from_runtime(f"{module}.{name}")
            case Known(kind="runtime", name=outer) if outer in vocabulary.PREFIXES:
                return self._from_runtime(f"{outer}.{name}")
            case Known(kind="class", name=cls) if cls in self.world.enums:
                if name not in self.world.enums[cls]:
                    raise Refused(self.trail.where, f"`{cls}` has no member `{name}`")
                return self.world.enums[cls][name]
            case _:
                return self.trail.one(lambda atom: self._field(atom, name), of)

    def _from_runtime(self, name: str) -> Known:
        tables = (vocabulary.MAKES, vocabulary.LISTS, vocabulary.CONSTANTS, vocabulary.PREFIXES, vocabulary.FUNCTIONS)
        if not any(name in table for table in tables):
            raise Refused(self.trail.where, f"`{name}` is not what penstock writes")
        return Known("new" if name == "rules.new" else "runtime", name, self.trail.where)

    def _field(self, of: Thing, name: str) -> Thing:
        names: tuple[str, ...] = ()
        if name == "alone" and isinstance(of, Plain) and isinstance(of.type, EnumType) and of.type.name == STATES:
            return Several((of,), self.trail.where)
        if isinstance(of, Made):
            names = of.names
        elif isinstance(of, Plain) and isinstance(of.type, RecordType):
            cls = next((cls for cls, record in self.world.records.items() if record.name == of.type.name), "")
            names = tuple(field for field, _ in self.world.classes.get(cls, ()))
        elif isinstance(of, Plain) and isinstance(of.type, NoneType):
            return self.trail.crash("AttributeError", f"None has no `{name}`")
        parts = self.logic.parts(of)
        if parts is None or name not in names:
            raise Refused(self.trail.where, f"`.{name}` is not what penstock writes here")
        part = parts[names.index(name)]
        return VOID if isinstance(part, Spread) else part

    # ------------------------------------------------------------ operators

    def negated(self, value: Thing) -> Thing:
        match value:
            case Plain(type=IntType(), symbol=symbol):
                return Plain(IntType(), Symbol(-symbol.term))
            case Plain(type=DurationType(), symbol=symbol):
                return self.trail.summed(-symbol.term, value.type)
            case Plain(type=InstantType() | TextType() | EnumType() | NoneType()) | Several() | Made():
                raise Unlike("has no opposite")
            case _:
                raise Refused(self.trail.where, "`-` of this is not what penstock writes")

    def computed(self, op: str, left: Thing, right: Thing) -> Thing:
        if any(
            isinstance(each, Plain) and isinstance(each.type, TextType | EnumType | BoolType) for each in (left, right)
        ):
            raise Refused(self.trail.where, f"`{op}` of these is not what penstock writes")
        if any(isinstance(each, Plain) and isinstance(each.type, NoneType) for each in (left, right)):
            raise Unlike("None is nothing to compute with")
        whole = all(isinstance(each, Plain) and isinstance(each.type, IntType) for each in (left, right))
        if op in {"//", "%"} and whole and isinstance(right, Plain):
            self.trail.end(right.symbol.term == 0, Crash("ZeroDivisionError", "division by zero"))
        try:
            return self.trail.added(op, left, right)
        except KeyError:
            pass
        if _never(op, left, right):
            raise Unlike(f"`{op}` is not for these")
        raise Refused(self.trail.where, f"`{op}` of these is not what penstock writes")

    # ------------------------------------------------------------ binding

    def bind(
        self,
        fields: Fields | Sequence[tuple[str, ast.expr | None]],
        args: Sequence[Thing],
        words: Mapping[str, Thing],
        name: str,
    ) -> tuple[Thing, ...] | None:
        """The argument of each parameter; None where Python raises a TypeError."""
        names = [field for field, _ in fields]
        given = dict(zip(names, args, strict=False))
        wrong = [word for word in words if word not in names or word in given]
        given |= words
        missing = [field for field, default in fields if field not in given and default is None]
        if len(args) > len(names) or wrong or missing:
            self.trail.crash("TypeError", f"`{name}` is called with the wrong arguments")
            return None
        bound: list[Thing] = []
        for field, default in fields:
            if field in given:
                bound.append(given[field])
            elif isinstance(default, ast.expr):
                bound.append(self.value(default))
            else:
                assert default is not None, "nothing is missing"
                bound.append(default)
        return tuple(bound)

    # ------------------------------------------------------------ calls

    def call(self, called: Known, args: Sequence[Thing], words: Mapping[str, Thing]) -> Thing:
        name, line = called.name, self.trail.where
        if called.kind == "runtime" and name in vocabulary.MAKES:
            params = vocabulary.parameters(vocabulary.MAKES[name])
            bound = self.bind(params, args, words, name)
            return VOID if bound is None else Made(name, bound, tuple(param for param, _ in params), line)
        if called.kind == "runtime" and name in vocabulary.LISTS and not words:
            params_ = vocabulary.LISTS[name]
            if len(args) >= len(params_) - 1:
                first, rest = args[: len(params_) - 1], args[len(params_) - 1 :]
                return Made(name, (*first, Several(tuple(rest), line)), params_, line)
        if called.kind == "runtime" and name in vocabulary.FUNCTIONS:
            bound = self.bind(vocabulary.parameters(vocabulary.FUNCTIONS[name]), args, words, name)
            return VOID if bound is None else self.trail.each(lambda *each: self._compute(name, each), *bound)
        if called.kind == "builtin":
            return self._builtin(name, args, words)
        if called.kind == "imported":
            return self._imported(name, args, words)
        raise Refused(line, f"`{name}` is not what penstock calls")

    def _compute(self, name: str, args: tuple[Thing, ...]) -> Thing:
        """A function of the runtime, of things that are neither optional nor one of two."""
        match name, args:
            case "values.some", (value, place):
                return self._unless(isinstance(value, Plain) and isinstance(value.type, NoneType), "F402", place, value)
            case "values.somebody", (person, place):
                return self._unless(self.logic.no(self.logic.holds(person)), "F502", place, person)
            case "values.within", (value, low, high, place):
                return self._within(value, low, high, place)
            case "values.at_most", (value, most, place):
                return self._at_most(value, most, place)
            case "values.items_within", (value, low, high, most, place):
                return self._items_within(self._at_most(value, most, place), low, high, place)
            case (("values.quotient" | "values.remainder"), (Plain() as dividend, Plain() as divisor, place)):
                return self._divided(name, dividend, divisor, place)
            case "values.decimal", (Plain() as value, Plain() as places):
                return self._quantized(value, places)
            case "values.shown", (value,):
                return written(self.logic, [Shown("shown", value)])
            case _, (Plain() as one,) if _number(one):
                term = one.symbol.term
                made = -term if name == "codec.EXACT.minus" else self.logic.pick(term < 0, -term, term)
                return Plain(_decimal(one), Symbol(made))
            case _, (Plain() as one, Plain() as other) if _number(one) and _number(other):
                op = {"codec.EXACT.add": "+", "codec.EXACT.subtract": "-", "codec.EXACT.multiply": "*"}[name]
                return decimal_computed(self.logic, op, one, other)
            case _ if any(isinstance(arg, Plain) and isinstance(arg.type, BoolType) for arg in args):
                raise Refused(self.trail.where, "truths are not computed with")
            case _ if all(isinstance(arg, Plain) for arg in args):
                raise Unlike(f"`{name}` is not for these")
            case _:
                raise Unread

    def _unless(self, condition: Term, code: str, place: Thing, value: Thing) -> Thing:
        """The value, or a Fault. Raises Refused for a place that is no text."""
        where = self.logic.word(place.symbol.term) if isinstance(place, Plain) and _text(place) else None
        if where is None:
            raise Refused(self.trail.where, "a place is a text")
        self.trail.end(condition, Fault(code, where))
        return VOID if condition is True else value

    def _within(self, value: Thing, low: Thing, high: Thing, place: Thing) -> Thing:
        if isinstance(value, Plain) and isinstance(value.type, NoneType):
            return value
        inside = self.logic.all(self.logic.no(self.logic.less(value, low)), self.logic.no(self.logic.less(high, value)))
        return self._unless(self.logic.no(inside), "F401", place, value)

    def _at_most(self, value: Thing, most: Thing, place: Thing) -> Thing:
        if isinstance(value, Plain) and isinstance(value.type, NoneType):
            return value
        many = self.logic.less(most, self.logic.integer(self.logic.count(value)))
        return self._unless(many, "F401", place, value)

    def _items_within(self, value: Thing, low: Thing, high: Thing, place: Thing) -> Thing:
        parts = self.logic.parts(value)
        if parts is None or not isinstance(low, Plain) or not isinstance(high, Plain):
            return value
        bounds = [each.symbol.term for each in (low, high)]
        if not all(isinstance(each, int) and not isinstance(each, bool) for each in bounds):
            raise Refused(self.trail.where, "bounds are numbers")
        fine = IntType(*bounds)
        for part in parts:
            if not isinstance(part, Spread):
                self._within(part, low, high, place)
            elif part.of.symbol.items is not None and isinstance(part.of.type, ListType):
                if not isinstance(part.of.type.item, IntType):
                    raise Unlike("these have no range")
                outside = part.of.symbol.items.any(lambda each: self.logic.no(self.logic.domain(each, fine)), fine)
                self._unless(outside, "F401", place, value)
        return value

    def _divided(self, name: str, dividend: Plain, divisor: Plain, place: Thing) -> Thing:
        for operand in (divisor, dividend):
            if isinstance(operand.type, NoneType):
                raise Unlike("None is nothing to compute with")
            if not isinstance(operand.type, IntType):
                raise Unread
            if operand is divisor:  # before anybody looks at the other one
                self._unless(divisor.symbol.term == 0, "F403", place, dividend)
        return self.trail.added("//" if name == "values.quotient" else "%", dividend, divisor)

    def _quantized(self, value: Plain, places: Plain) -> Thing:
        to = places.symbol.term
        if not isinstance(places.type, IntType) or not isinstance(to, int):
            raise Refused(self.trail.where, "places are a number")
        if isinstance(value.type, TextType | EnumType | BoolType):
            raise Unread
        if not _number(value):
            raise Unlike("is no number")
        shift = to - (value.type.places if isinstance(value.type, DecimalType) else 0)
        term = value.symbol.term
        if shift < 0:
            size = 10**-shift
            whole = self.trail.quotient(term, size)
            fits = term == whole * size
            self.trail.end(self.logic.no(fits), Crash("Inexact", f"it does not fit {to} places"))
            return Plain(DecimalType(to), Symbol(whole))
        return Plain(DecimalType(to), Symbol(term * 10**shift))

    # ------------------------------------------------------------ Python's own

    def _builtin(self, name: str, args: Sequence[Thing], words: Mapping[str, Thing]) -> Thing:
        if words or (not args and name != "frozenset"):
            return self.trail.crash("TypeError", f"`{name}` is called with the wrong arguments")
        match name, args:
            case "len", [of]:
                return self.trail.one(lambda atom: self.logic.integer(self.logic.count(atom)), of)
            case "abs", [of]:
                return self.trail.each(self._absolute, of)
            case (("min" | "max"), [first, _, *_]):
                best = first
                for arg in args[1:]:
                    best = self.trail.two(lambda one, other: self._better(name, one, other), best, arg)
                return best
            case "frozenset", []:
                return Group((), self.trail.where)
            case _:
                raise Refused(self.trail.where, f"such a call of `{name}` is not what penstock writes")

    def _absolute(self, value: Thing) -> Thing:
        match value:
            case Plain(type=IntType() | DurationType(), symbol=symbol):
                made = self.logic.pick(symbol.term < 0, -symbol.term, symbol.term)
                return (
                    self.trail.summed(made, value.type)
                    if isinstance(value.type, DurationType)
                    else Plain(value.type, Symbol(made))
                )
            case Plain(type=TextType() | EnumType() | InstantType() | NoneType()):
                raise Unlike("`abs` is not for these")
            case _:
                raise Refused(self.trail.where, "`abs` of this is not what penstock writes")

    def _better(self, name: str, best: Thing, other: Thing) -> Thing:
        better = self.logic.less(other, best) if name == "min" else self.logic.less(best, other)
        return self.logic.choose_thing(better, other, best)

    def _imported(self, name: str, args: Sequence[Thing], words: Mapping[str, Thing]) -> Thing:
        match name, args:
            case "Decimal", [Plain(type=TextType(), symbol=symbol)] if not words:
                return self._decimal(self.logic.word(symbol.term))
            case "timedelta", _:
                return self._duration(args, words)
            case "datetime", _:
                return self._instant(args, words)
            case _:
                raise Refused(self.trail.where, f"such a call of `{name}` is not what penstock writes")

    def _decimal(self, text: str | None) -> Thing:
        if text is None:
            raise Refused(self.trail.where, "a Decimal is written out")
        if not FOUND.fullmatch(text):
            try:
                Decimal(text)
            except InvalidOperation:
                return self.trail.crash("InvalidOperation", "this is no number")
            raise Refused(self.trail.where, "such a number is not what penstock writes")
        sign, digits, exponent = Decimal(text).as_tuple()
        assert isinstance(exponent, int), "it is finite"
        size = int("".join(map(str, digits)))
        return Plain(DecimalType(-exponent), Symbol(-size if sign else size))

    def _whole(self, values: Sequence[Thing]) -> list[int]:
        """Known integers. Raises Refused."""
        found: list[int] = []
        for value in values:
            if not isinstance(value, Plain) or not isinstance(value.type, IntType):
                raise Refused(self.trail.where, "such a moment or duration is not what penstock writes")
            if not isinstance(value.symbol.term, int):
                raise Refused(self.trail.where, "moments and durations are written out")
            found.append(value.symbol.term)
        return found

    def _duration(self, args: Sequence[Thing], words: Mapping[str, Thing]) -> Thing:
        def made() -> Thing:
            parts = dict(zip(words, self._whole(list(words.values())), strict=True))
            span = timedelta(*self._whole(args), **parts)
            return Plain(DurationType(), Symbol(span // MICRO))

        return self._raised(made)

    def _instant(self, args: Sequence[Thing], words: Mapping[str, Thing]) -> Thing:
        zone = words.get("tzinfo")
        if not isinstance(zone, Known) or zone.name != "UTC" or len(words) > 1:
            raise Refused(self.trail.where, "a moment is in UTC")

        def made() -> Thing:
            year, month, day, *clock = self._whole(args)
            hour, minute, second, micro = (*clock, *[0] * (4 - len(clock)))
            moment = datetime(year, month, day, hour, minute, second, micro, tzinfo=UTC)
            return Plain(InstantType(), Symbol((moment - EPOCH) // MICRO))

        return self._raised(made)

    def _raised(self, make: Callable[[], Thing]) -> Thing:
        try:
            return make()
        except OverflowError:
            self.trail.end(True, Fault("F401", ""))
            return VOID
        except (TypeError, ValueError) as error:
            return self.trail.crash(type(error).__name__, str(error))


def _number(plain: Plain) -> bool:
    return isinstance(plain.type, IntType | DecimalType)


def _decimal(plain: Plain) -> DecimalType:
    return plain.type if isinstance(plain.type, DecimalType) else DecimalType(0)


def _text(plain: Plain) -> bool:
    return isinstance(plain.type, TextType)


NUMBERS = (IntType, DecimalType)
TIMES = (DurationType, InstantType)


def _never(op: str, left: Thing, right: Thing) -> bool:
    """Whether Python surely raises a TypeError; neither is a text or a truth."""
    if not isinstance(left, Plain) or not isinstance(right, Plain):
        return False
    one, other = left.type, right.type
    if isinstance(one, InstantType) or isinstance(other, InstantType):
        return True  # what there is of them has been computed
    if op in "+-":
        return (isinstance(one, NUMBERS) and not isinstance(other, NUMBERS)) or (
            isinstance(one, TIMES) and not isinstance(other, TIMES)
        )
    return False
