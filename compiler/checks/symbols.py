"""Types of the model in, values of them as Z3 terms out: unknown ones, their bounds, and what is put together of them.

Everything is an integer or a boolean: decimals, durations (microseconds) and instants (microseconds since 1970) are
scaled, enum members and texts are numbered. A `T?` also says *is it some*; a record has a symbol for each field; a list
is its length and a **slot** for each item it may have, made when it is first looked at. Where more than MOST_SLOTS
would have to be looked at, the answer is left open: a boolean that nothing is known of. What is known stays a plain
Python bool or int, so constants fold by themselves.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache

from ...dsl.model import (
    BoolType,
    DecimalType,
    DurationType,
    EnumType,
    InstantType,
    IntType,
    ItemType,
    ListType,
    NoneType,
    OptionalType,
    RecordType,
    TextType,
    Type,
)
from ...dsl.values import dataclass, field, replace
from .. import evaluate
from .solver import Term
from .terms import Terms

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICRO = timedelta(microseconds=1)
LONGEST = evaluate.LONGEST // MICRO
EARLIEST, LATEST = ((moment - EPOCH) // MICRO for moment in (evaluate.EARLIEST, evaluate.LATEST))
DURATIONS = timedelta.min // MICRO, timedelta.max // MICRO
INSTANTS = tuple((at - EPOCH) // MICRO for at in (datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)))
MOST_SLOTS = 24


@dataclass(frozen=True, slots=True)
class Symbol:
    """A value as terms. `some` is False where a `T?` is none; all the rest is then without meaning.

    term: of a list, its length; of a record, without meaning."""

    term: Term
    some: Term = True
    fields: tuple[Symbol, ...] = ()
    items: Items | None = None


Test = Callable[[Symbol], Term]


@dataclass(frozen=True, eq=False, slots=True)
class Items:
    """The items of a list. slot: the item at a place, of whatever value behind the last one. any: whether a test holds
    of one of them; it never holds of items of a list of `fine`. made: the slots of an unknown list, by place."""

    most: int
    slot: Callable[[int], Symbol]
    any: Callable[[Test, IntType | None], Term]
    made: dict[int, Symbol] = field(default_factory=dict[int, Symbol])
    unknown: bool = False


def unwrapped(type: Type) -> Type:
    return type.item if isinstance(type, OptionalType) else type


class Symbols:
    """Makes terms. `axioms` (about the texts and slots met so far) belong to every question; the list only grows."""

    def __init__(self, z3: Terms) -> None:
        self.z3 = z3
        self.axioms: list[Term] = []
        self._fresh = 0
        self._open: dict[tuple[object, ...], tuple[Term, object]] = {}

    # ------------------------------------------------------------ logic, folding what is known

    def all(self, *terms: Term) -> Term:
        left = [term for term in terms if term is not True]
        if any(term is False for term in left):
            return False
        return True if not left else left[0] if len(left) == 1 else self.z3.all(*left)

    def any(self, *terms: Term) -> Term:
        left = [term for term in terms if term is not False]
        if any(term is True for term in left):
            return True
        return False if not left else left[0] if len(left) == 1 else self.z3.any(*left)

    def no(self, term: Term) -> Term:
        return not term if isinstance(term, bool) else self.z3.no(term)

    def given(self, premise: Term, term: Term) -> Term:
        """The term where the premise holds, else true."""
        return self.any(self.no(premise), term)

    def pick(self, condition: Term, then: Term, otherwise: Term) -> Term:
        if isinstance(condition, bool):
            return then if condition else otherwise
        return self.z3.pick(condition, then, otherwise)

    def term(self, known: Term) -> Term:
        """A term in any case, also of what is known."""
        return self.z3.value(known) if isinstance(known, (bool, int)) else known

    # ------------------------------------------------------------ unknown values

    def variable(self, name: str, type: Type) -> Symbol:
        """A new unknown of the type; its range is `domain`'s to state."""
        self._fresh += 1
        label = f"{name}.{self._fresh}"
        some = self.z3.boolean(f"{label}?") if isinstance(type, OptionalType) else True
        match unwrapped(type):
            case BoolType():
                return Symbol(self.z3.boolean(label), some)
            case RecordType(fields=fields):
                return Symbol(0, some, tuple(self.variable(f"{name}.{each.name}", each.type) for each in fields))
            case ListType() as list_:
                length = self.z3.integer(label)
                return Symbol(length, some, items=self._unknown(label, length, list_))
            case _:
                return Symbol(self.z3.integer(label), some)

    def _unknown(self, label: str, length: Term, type: ListType) -> Items:
        """Slots nothing is known of but that their items are of the type."""
        made: dict[int, Symbol] = {}

        def slot(index: int) -> Symbol:
            if index not in made:
                made[index] = self.variable(f"{label}.{index}", type.item)
                bounds = self.domain(made[index], type.item, grown=True)
                self.axioms += [] if bounds is True else [bounds]
            return made[index]

        def any(test: Test, fine: IntType | None = None) -> Term:
            if fine is not None and isinstance(type.item, IntType) and _inside(type.item, fine):
                return False
            return self._among(length, type.most, slot, test)

        return Items(type.most, slot, any, made, True)

    def _among(self, length: Term, most: int, slot: Callable[[int], Symbol], test: Test) -> Term:
        """Whether one of the first items passes a test; of too many, that is left open."""
        looked = range(min(most, MOST_SLOTS))
        found = [self.all(index < length, test(slot(index))) for index in looked]
        if most > MOST_SLOTS:
            found.append(self.all(length > MOST_SLOTS, self._left_open((slot,), found)))
        return self.any(*found)

    def _left_open(self, of: tuple[object, ...], begun: Sequence[Term]) -> Term:
        """An unknown boolean, the same for the same lists and the same answers of their first items."""
        key = *map(id, of), *(term if isinstance(term, bool) else f"{term.get_id()}" for term in begun)
        if key not in self._open:
            self._fresh += 1
            self._open[key] = self.z3.boolean(f"open.{self._fresh}"), (of, begun)  # kept, so that the ids stay theirs
        return self._open[key][0]

    def domain(self, symbol: Symbol, type: Type, grown: bool = False) -> Term:
        """That a symbol is a value of the type, bounds included. Times come from outside and lie within the times
        assumed of those, or have grown and are only representable."""
        term = symbol.term
        match type:
            case OptionalType():
                return self.given(symbol.some, self.domain(replace(symbol, some=True), type.item, grown))
            case IntType():
                low = True if type.low is None else term >= type.low
                return self.all(low, True if type.high is None else term <= type.high)
            case EnumType():
                return self.all(term >= 0, term < len(type.members))
            case TextType():
                return term >= 0
            case DurationType():
                low, high = DURATIONS if grown else (-LONGEST, LONGEST)
                return self.all(term >= low, term <= high)
            case InstantType():
                low, high = INSTANTS if grown else (EARLIEST, LATEST - 1)
                return self.all(term >= low, term <= high)
            case RecordType():
                parts = zip(symbol.fields, type.fields, strict=True)
                return self.all(*(self.domain(part, each.type, grown) for part, each in parts))
            case ListType():
                return self.all(term >= 0, term <= type.most)
            case BoolType() | DecimalType() | NoneType():
                return True

    def within(self, symbol: Symbol, type: Type) -> Term:
        """That a value keeps the ranges of a type it is of otherwise; a record does, since it was made."""
        match type:
            case OptionalType():
                return self.given(symbol.some, self.within(replace(symbol, some=True), type.item))
            case IntType():
                return self.domain(symbol, type)
            case ListType(item=IntType() as item) if symbol.items is not None:
                outside = symbol.items.any(lambda each: self.no(self.domain(each, item)), item)
                return self.all(symbol.term <= type.most, self.no(outside))
            case ListType():
                return symbol.term <= type.most
            case _:
                return True

    # ------------------------------------------------------------ putting together

    def blank(self, type: Type) -> Symbol:
        """Some value, for where it does not matter."""
        match type:
            case OptionalType():
                return replace(self.blank(type.item), some=False)
            case BoolType():
                return Symbol(False)
            case RecordType():
                return Symbol(0, fields=tuple(self.blank(each.type) for each in type.fields))
            case ListType():
                return self.listed((), type.item)
            case _:
                return Symbol(0)

    def listed(self, items: Sequence[Symbol], type: ItemType) -> Symbol:
        """The list of these items."""

        def slot(index: int) -> Symbol:
            return items[index] if index < len(items) else self.blank(type)

        def any(test: Test, fine: IntType | None = None) -> Term:
            return self.any(*map(test, items))

        return Symbol(len(items), items=Items(len(items), slot, any))

    def join(self, left: Symbol, right: Symbol) -> Symbol:
        """The items of one list, then those of another."""
        first, second = left.items, right.items
        assert first is not None and second is not None, "both are lists"

        @cache
        def slot(index: int) -> Symbol:
            found = first.slot(index)
            for before in range(min(index, first.most) + 1):
                if index - before <= second.most:
                    found = self.choose(left.term == before, second.slot(index - before), found)
            return found

        def any(test: Test, fine: IntType | None = None) -> Term:
            return self.any(first.any(test, fine), second.any(test, fine))

        return Symbol(left.term + right.term, items=Items(first.most + second.most, slot, any))

    def choose(self, condition: Term, then: Symbol, otherwise: Symbol) -> Symbol:
        """One of two values of one type."""
        if isinstance(condition, bool):
            return then if condition else otherwise
        items: Items | None = None
        first, second = then.items, otherwise.items
        if first is not None and second is not None:

            @cache
            def slot(index: int) -> Symbol:
                return self.choose(condition, first.slot(index), second.slot(index))

            items = Items(
                max(first.most, second.most),
                slot,
                lambda test, fine: self.pick(condition, first.any(test, fine), second.any(test, fine)),
            )
        return Symbol(
            self.pick(condition, then.term, otherwise.term),
            self.pick(condition, then.some, otherwise.some),
            tuple(self.choose(condition, *pair) for pair in zip(then.fields, otherwise.fields, strict=True)),
            items,
        )

    def same(self, left: Symbol, right: Symbol) -> Term:
        both = self.all(left.some, right.some)
        neither = self.all(self.no(left.some), self.no(right.some))
        equal = self.all(*(self.same(*pair) for pair in zip(left.fields, right.fields, strict=True)))
        if left.items is not None and right.items is not None:
            equal = self.all(equal, self._same_items(left, left.items, right.items))
        return self.any(self.all(both, left.term == right.term, equal), neither)

    def _same_items(self, left: Symbol, first: Items, second: Items) -> Term:
        """Of two lists of one length."""
        most = min(first.most, second.most)
        alike = [
            self.given(left.term > index, self.same(first.slot(index), second.slot(index)))
            for index in range(min(most, MOST_SLOTS))
        ]
        if most > MOST_SLOTS:
            alike.append(self.given(left.term > MOST_SLOTS, self._left_open((first, second), alike)))
        return self.all(*alike)

    # ------------------------------------------------------------ one value for another

    def pairs(self, old: Symbol, new: Symbol) -> Iterator[tuple[Term, Term]]:
        """The terms of an unknown value that were made so far, each with that of another value."""
        for term, value in ((old.term, new.term), (old.some, new.some)):
            if not isinstance(term, (bool, int)):
                yield term, self.term(value)
        for one, other in zip(old.fields, new.fields, strict=True):
            yield from self.pairs(one, other)
        if old.items is not None and new.items is not None:
            for index, slot in list(old.items.made.items()):
                yield from self.pairs(slot, new.items.slot(index))

    @property
    def made(self) -> int:
        """How many unknowns were made so far."""
        return self._fresh

    def logical(self, term: Term) -> bool:
        """Whether a term is a boolean."""
        return isinstance(term, bool) or (not isinstance(term, int) and bool(term.logical))

    def put(self, symbol: Symbol, change: Callable[[Term], Term]) -> Symbol:
        """The value with each of its terms changed."""
        items: Items | None = None
        if symbol.items is not None:
            old, length = symbol.items, change(symbol.term)

            @cache
            def slot(index: int) -> Symbol:
                return self.put(old.slot(index), change)

            items = Items(old.most, slot, lambda test, fine: self._among(length, old.most, slot, test))
        fields = tuple(self.put(each, change) for each in symbol.fields)
        return Symbol(change(symbol.term), change(symbol.some), fields, items)


def _inside(inner: IntType, outer: IntType) -> bool:
    """Whether all of one range lies in another."""
    low = outer.low is None or (inner.low is not None and inner.low >= outer.low)
    return low and (outer.high is None or (inner.high is not None and inner.high <= outer.high))


def ranged(type: Type) -> bool:
    """Whether a value may be out of range of a type it is of otherwise."""
    match unwrapped(type):
        case IntType(None, None):
            return False
        case IntType() | ListType():
            return True
        case _:
            return False
