"""What Python does with things, as logic: equality, order, truth, choice; things in, terms and things out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import cast

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
    Value,
)
from ..checks.encode import Encoder
from ..checks.solver import Term
from ..checks.symbols import Symbol, unwrapped
from ..checks.terms import Terms
from .things import (
    NONE,
    Active,
    Either,
    Known,
    Made,
    Plain,
    Several,
    Spread,
    Thing,
    Void,
)

Number = BoolType | IntType | DecimalType


class Unlike(Exception):
    """Python raises a TypeError; the text says why."""


class Unread(Exception):
    """Python does something with it that is not read here."""


def alike(one: Type, other: Type) -> bool:
    """Whether values of two types, neither optional, are represented in the same way; ranges do not matter."""
    match one, other:
        case ListType(item=a), ListType(item=b):
            return alike(a, b)
        case EnumType() | RecordType(), EnumType() | RecordType():
            return type(one) is type(other) and one.name == other.name
        case DecimalType(places=a), DecimalType(places=b):
            return a == b
        case _:
            return type(one) is type(other)


class Logic(Encoder):
    """Makes terms of things."""

    def __init__(self, z3: Terms, records: Mapping[str, RecordType] | None = None) -> None:
        super().__init__(z3)
        self.records = records or {}
        self.items: dict[str, Plain] = {}
        self._words: dict[int, str] = {0: ""}
        self._guesses = 0

    # ------------------------------------------------------------ values

    def plain(self, value: Value, type: Type) -> Plain:
        """A known value."""
        self._note(value, type)
        return Plain(type, self.value(value, type))

    def _note(self, value: Value, type: Type) -> None:
        item = unwrapped(type)
        if isinstance(value, str) and isinstance(item, TextType):
            self._words[cast("int", self.value(value, item).term)] = value
        elif isinstance(value, tuple) and isinstance(item, ListType):
            for part in value:
                self._note(part, item.item)
        elif isinstance(value, tuple) and isinstance(item, RecordType):
            for part, each in zip(value, item.fields, strict=True):
                self._note(part, each.type)

    def truth(self, term: Term) -> Plain:
        return Plain(BoolType(), Symbol(term))

    def integer(self, term: Term) -> Plain:
        return Plain(IntType(), Symbol(term))

    def words(self, text: str) -> Plain:
        return self.plain(text, TextType())

    def word(self, term: Term) -> str | None:
        """A text that is known."""
        return self._words.get(term) if isinstance(term, int) else None

    # ------------------------------------------------------------ cases

    def split(self, thing: Thing) -> tuple[Term, Thing, Thing] | None:
        """A thing of two cases: the condition, and what it is if it holds or not."""
        if isinstance(thing, Either):
            return thing.condition, thing.then, thing.otherwise
        if isinstance(thing, Plain) and isinstance(thing.type, OptionalType):
            return thing.symbol.some, self.item(thing), NONE
        return None

    def item(self, plain: Plain) -> Plain:
        """The value of an optional that has one."""
        type = plain.type
        return Plain(type.item, replace(plain.symbol, some=True)) if isinstance(type, OptionalType) else plain

    def choose_thing(self, condition: Term, then: Thing, otherwise: Thing) -> Thing:
        """One of two."""
        if isinstance(condition, bool):
            return then if condition else otherwise
        if then is otherwise or isinstance(otherwise, Void):
            return then
        if isinstance(then, Void):
            return otherwise
        if isinstance(then, Plain) and isinstance(otherwise, Plain):
            joined = _joined(then.type, otherwise.type)
            if joined is not None and not _lists(joined):  # a list is known by its identity
                blank = self.blank(joined)
                one = blank if isinstance(then.type, NoneType) else then.symbol
                other = blank if isinstance(otherwise.type, NoneType) else otherwise.symbol
                return Plain(joined, self.choose(condition, one, other))
        if isinstance(then, Made) and isinstance(otherwise, Made) and then.of == otherwise.of:
            pairs = list(zip(then.fields, otherwise.fields, strict=False))
            if len(pairs) == len(then.fields) == len(otherwise.fields):
                fields = tuple(self.choose_thing(condition, *pair) for pair in pairs)
                return replace(then, fields=fields)
        return Either(condition, then, otherwise)

    def parts(self, thing: Thing) -> tuple[Thing | Spread, ...] | None:
        """What a tuple has in it; None for what is no tuple."""
        match thing:
            case Several():
                return thing.parts
            case Made():
                return thing.fields
            case Plain(type=ListType()):
                return (Spread(thing),)
            case Plain(type=RecordType(fields=fields), symbol=symbol):
                return tuple(Plain(each.type, part) for each, part in zip(fields, symbol.fields, strict=True))
            case _:
                return None

    # ------------------------------------------------------------ Python's operators

    def holds(self, thing: Thing) -> Term:
        """Whether Python takes it for true. As for the others, it is neither optional nor one of two, and Unlike or
        Unread may be raised."""
        match thing:
            case Plain(type=NoneType()):
                return False
            case Plain(type=BoolType(), symbol=symbol):
                return symbol.term
            case Plain(type=IntType() | DecimalType() | DurationType() | TextType(), symbol=symbol):
                return self.no(symbol.term == 0)
            case Plain(type=EnumType(members=members), symbol=symbol):
                return self.any(*(symbol.term == index for index, member in enumerate(members) if member))
            case Plain(type=InstantType()):
                return True
            case Plain() | Several() | Made():
                return self.no(self.count(thing) == 0)
            case _:
                raise Unread

    def count(self, thing: Thing) -> Term:
        """`len` of a tuple or a text. Raises Unlike."""
        if isinstance(thing, Plain) and isinstance(thing.type, TextType):
            known = self.word(thing.symbol.term)
            return self.length(thing.symbol.term) if known is None else len(known)
        if isinstance(thing, Plain) and isinstance(thing.type, EnumType):
            size: Term = 0
            for index, member in enumerate(thing.type.members):
                size = self.pick(thing.symbol.term == index, len(member), size)
            return size
        parts = self.parts(thing)
        if parts is None:
            raise Unlike("has no length") if isinstance(thing, Plain) else Unread
        total: Term = sum(1 for part in parts if not isinstance(part, Spread))
        for part in parts:
            if isinstance(part, Spread):
                total = total + part.of.symbol.term
        return total

    def equal(self, one: Thing, other: Thing) -> Term:
        """`==` of Python."""
        for first, second in ((one, other), (other, one)):
            if (cut := self.split(first)) is not None:
                return self.either(cut[0], self.equal(cut[1], second), self.equal(cut[2], second))
        if one is other:
            return True
        match one, other:
            case Plain(type=NoneType()), Plain(type=NoneType()):
                return True
            case Plain(type=BoolType()), Plain(type=BoolType()):
                return one.symbol.term == other.symbol.term
            case Plain(type=BoolType() | IntType() | DecimalType()), Plain(type=BoolType() | IntType() | DecimalType()):
                a, b = self.scaled(one, other)
                return a == b
            case Plain(type=TextType() | EnumType()), Plain(type=TextType() | EnumType()):
                return self._same_words(one, other)
            case Plain(type=DurationType()), Plain(type=DurationType()):
                return one.symbol.term == other.symbol.term
            case Plain(type=InstantType()), Plain(type=InstantType()):
                return one.symbol.term == other.symbol.term
            case _:
                pass
        parts, others = self.parts(one), self.parts(other)
        if parts is not None and others is not None:
            return self.same_parts(parts, others, self.equal)
        if isinstance(one, Plain) and isinstance(other, Plain):
            return False
        if isinstance(one, Known) and isinstance(other, Known):
            return (one.kind, one.name) == (other.kind, other.name)
        if isinstance(one, Known) is not isinstance(other, Known) and "float" not in (_kind(one), _kind(other)):
            return False  # modules, classes, functions and codecs are equal to themselves alone
        return self.guess()

    def less(self, one: Thing, other: Thing) -> Term:
        """`<` of Python. Raises Unlike."""
        match one, other:
            case Plain(type=BoolType() | IntType() | DecimalType()), Plain(type=BoolType() | IntType() | DecimalType()):
                a, b = self.scaled(one, other)
                return a < b
            case Plain(type=DurationType()), Plain(type=DurationType()):
                return one.symbol.term < other.symbol.term
            case Plain(type=InstantType()), Plain(type=InstantType()):
                return one.symbol.term < other.symbol.term
            case Plain(type=TextType() | EnumType()), Plain(type=TextType() | EnumType()):
                return self._before(one, other)
            case Plain(), Plain() if self.parts(one) is None and self.parts(other) is None:
                raise Unlike("have no order")
            case _:
                raise Unread

    def scaled(self, one: Plain, other: Plain) -> tuple[Term, Term]:
        """Two numbers as multiples of the smaller of their units."""
        most = max(places(one.type), places(other.type))
        return self.as_number(one, most), self.as_number(other, most)

    def as_number(self, number: Plain, to: int) -> Term:
        """How many units of `to` places a number is."""
        term = number.symbol.term
        if isinstance(number.type, BoolType):
            term = int(term) if isinstance(term, bool) else self.pick(term, 1, 0)
        return term * 10 ** (to - places(number.type))

    def text(self, thing: Plain) -> Term:
        """A text, or a member of an enumeration, which is one."""
        if not isinstance(thing.type, EnumType):
            return thing.symbol.term
        members = thing.type.members
        found: Term = self.words(members[0]).symbol.term if members else 0
        for index, member in enumerate(members[1:], 1):
            found = self.pick(thing.symbol.term == index, self.words(member).symbol.term, found)
        return found

    def _same_words(self, one: Plain, other: Plain) -> Term:
        if isinstance(one.type, EnumType) and isinstance(other.type, EnumType) and one.type.name == other.type.name:
            return one.symbol.term == other.symbol.term
        return self.text(one) == self.text(other)

    def _before(self, one: Plain, other: Plain) -> Term:
        """The order of texts; of one that nothing is known of, it is left open."""
        words, others = self._words_of(one), self._words_of(other)
        if words is None or others is None:
            return self.z3.function("before", 2, True)(self.text(one), self.text(other))
        pairs = [(a, b) for a, word in words for b, more in others if word < more]
        return self.any(*(self.all(a, b) for a, b in pairs))

    def _words_of(self, plain: Plain) -> list[tuple[Term, str]] | None:
        """The texts that something may be, each with its condition; None: any."""
        if isinstance(plain.type, EnumType):
            return [(plain.symbol.term == index, member) for index, member in enumerate(plain.type.members)]
        known = self.word(plain.symbol.term)
        return None if known is None else [(True, known)]

    def same_parts(
        self,
        parts: tuple[Thing | Spread, ...],
        others: tuple[Thing | Spread, ...],
        same: Callable[[Thing, Thing], Term],
    ) -> Term:
        """Whether two tuples are the same; what is spread out in both at one place is compared as a whole first."""
        if len(parts) == len(others) and all(_aligned(a, b) for a, b in zip(parts, others, strict=True)):
            pairs = [(a, b) for a, b in zip(parts, others, strict=True) if not isinstance(a, Spread)]
            return self.all(*(same(a, cast("Thing", b)) for a, b in pairs if not isinstance(a, Spread)))
        if not any(isinstance(part, Spread) for part in (*parts, *others)):
            return False  # of different lengths, or it would have been aligned
        if not parts or not others:
            return self.count(Several(parts or others)) == 0
        items, others_items = self.expanded(parts), self.expanded(others)
        if items is not None and others_items is not None:
            return len(items) == len(others_items) and self.all(*map(same, items, others_items))
        one, other = self.list_of(parts), self.list_of(others)
        if one is None or other is None:
            return self.guess()
        if not alike(one.type, other.type):  # they are the same only if both are empty
            return self.all(one.symbol.term == 0, other.symbol.term == 0)
        return self.same(one.symbol, other.symbol)

    def expanded(self, parts: Sequence[Thing | Spread]) -> list[Thing] | None:
        """The items one by one; None where it is not known how many they are."""
        found: list[Thing] = []
        for part in parts:
            if not isinstance(part, Spread):
                found.append(part)
            elif isinstance(part.of.symbol.term, int):
                found += self._known(part.of)
            else:
                return None
        return found

    def _known(self, of: Plain) -> list[Thing]:
        """The items of a list of known length."""
        assert isinstance(of.type, ListType) and of.symbol.items is not None, "only lists have items"
        return [Plain(of.type.item, of.symbol.items.slot(index)) for index in range(of.symbol.term)]

    def item_of(self, whole: Plain) -> Plain:
        """The unknown value that stands for any item of a list; there is one for each type."""
        assert isinstance(whole.type, ListType), "only lists have items"
        type = whole.type.item
        if repr(type) not in self.items:
            self.items[repr(type)] = Plain(type, self.variable("item", type))
        return self.items[repr(type)]

    def guess(self) -> Term:
        """A truth that nothing is known of: what is told apart by it alone is not refuted, as its replay shows."""
        self._guesses += 1
        return self.z3.boolean(f"guess.{self._guesses}")

    def list_of(self, parts: tuple[Thing | Spread, ...]) -> Plain | None:
        """The tuple as a list of a flow, if its items are all of one type."""
        if len(parts) == 1 and isinstance(parts[0], Spread):
            return parts[0].of
        types = [part.of.type if isinstance(part, Spread) else self._item_list(part) for part in parts]
        first = types[0] if types else None
        if not isinstance(first, ListType) or not all(isinstance(t, ListType) and alike(first, t) for t in types):
            return None
        if isinstance(first.item, IntType) and any(t != first for t in types):
            first = ListType(IntType(), first.most)
        whole: Symbol = self.listed((), first.item)
        for part in parts:
            one = (
                part.of.symbol
                if isinstance(part, Spread)
                else self.listed((self.symbol(part, first.item),), first.item)
            )
            whole = self.join(whole, one)
        assert whole.items is not None, "a list has items"
        return Plain(ListType(first.item, whole.items.most), whole)

    def _item_list(self, thing: Thing) -> Type | None:
        """The type of a list of such items."""
        if isinstance(thing, Plain) and not isinstance(thing.type, OptionalType | NoneType | ListType):
            return ListType(thing.type, 1)
        if isinstance(thing, Made) and thing.of in self.records:
            return ListType(self.records[thing.of], 1)
        return None

    def symbol(self, thing: Thing, type: ItemType) -> Symbol:
        """A thing of a type of flows as its terms."""
        if isinstance(thing, Plain):
            return thing.symbol
        assert isinstance(thing, Made) and isinstance(type, RecordType), "only records are made"
        pairs = zip(thing.fields, type.fields, strict=True)
        return Symbol(0, fields=tuple(self._field(part, each.type) for part, each in pairs))

    def _field(self, thing: Thing, type: Type) -> Symbol:
        match thing:
            case Plain():
                return thing.symbol
            case Several() if isinstance(unwrapped(type), ListType):
                whole = self.list_of(thing.parts)
                return self.listed((), cast("ListType", unwrapped(type)).item) if whole is None else whole.symbol
            case Either():
                return self.choose(thing.condition, self._field(thing.then, type), self._field(thing.otherwise, type))
            case _:
                return self.symbol(thing, cast("ItemType", unwrapped(type)))

    def among(self, thing: Thing, items: Thing) -> Term:
        """`in` of Python. Raises Unlike for what nothing is in."""
        if isinstance(items, Active):
            if not isinstance(thing, Plain) or not isinstance(thing.type, EnumType) or thing.type.name != items.of:
                raise Unread
            term = thing.symbol.term
            return self.any(*(self.all(term == index, there) for index, there in items.members.items()))
        parts = self.parts(items)
        if parts is None:
            raise Unlike("has nothing in it") if isinstance(items, Plain) else Unread
        found: list[Term] = []
        for part in parts:
            if isinstance(part, Spread):
                inner, listed = part.of.symbol.items, part.of.type
                assert inner is not None and isinstance(listed, ListType), "only lists are spread"
                found.append(inner.any(partial(self._equals, thing, listed.item), None))
            else:
                found.append(self.equal(thing, part))
        return self.any(*found)

    def _equals(self, thing: Thing, type: ItemType, item: Symbol) -> Term:
        return self.equal(thing, Plain(type, item))

    def either(self, condition: Term, then: Term, otherwise: Term) -> Term:
        """One of two truths."""
        if isinstance(condition, bool):
            return then if condition else otherwise
        return self.any(self.all(condition, then), self.all(self.no(condition), otherwise))


def _aligned(one: Thing | Spread, other: Thing | Spread) -> bool:
    """Whether both are single items, or the same list."""
    if isinstance(one, Spread) or isinstance(other, Spread):
        return (
            isinstance(one, Spread)
            and isinstance(other, Spread)
            and (one.of is other.of or one.of.symbol.items is other.of.symbol.items)
        )
    return True


def places(type: Type) -> int:
    """After the point, of a number."""
    return type.places if isinstance(type, DecimalType) else 0


def _joined(one: Type, other: Type) -> Type | None:
    """The type that has the values of both; None where there is none."""
    a, b = unwrapped(one), unwrapped(other)
    if isinstance(a, NoneType) and isinstance(b, NoneType):
        return NoneType()
    if isinstance(a, NoneType) or isinstance(b, NoneType):
        item = b if isinstance(a, NoneType) else a
        return OptionalType(cast("ItemType", item))
    if not alike(a, b):
        return None
    wide: Type = IntType() if isinstance(a, IntType) else a
    if isinstance(a, ListType) and isinstance(b, ListType):
        wide = ListType(a.item, max(a.most, b.most))
    optional = isinstance(one, OptionalType) or isinstance(other, OptionalType)
    return OptionalType(cast("ItemType", wide)) if optional else wide


def _lists(type: Type) -> bool:
    """Whether values of a type are lists, or have lists in them."""
    match unwrapped(type):
        case ListType():
            return True
        case RecordType(fields=fields):
            return any(_lists(field.type) for field in fields)
        case _:
            return False


def _kind(thing: Thing) -> str:
    return thing.kind if isinstance(thing, Known) else ""
