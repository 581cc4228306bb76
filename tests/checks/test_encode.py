"""The encoder says what the interpreter's evaluation says: same values, and undefined in the same cases."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.compiler.checks.encode import Encoder, Env
from penstock.compiler.checks.solver import Solver
from penstock.compiler.checks.symbols import Symbol
from penstock.compiler.evaluate import Fault, Scope, evaluate
from penstock.dsl.model import (
    Binary,
    BoolType,
    Builtin,
    Conditional,
    Contains,
    Convert,
    DecimalType,
    DurationType,
    EnumType,
    Expr,
    Field,
    InstantType,
    IntType,
    IsNone,
    ItemType,
    ListType,
    Literal,
    NewList,
    NewRecord,
    OneOf,
    OptionalType,
    Parameter,
    RecordType,
    Ref,
    RefKind,
    TextType,
    Type,
    Unary,
    Unwrap,
    Value,
)
from penstock.dsl.source import NOWHERE

BOOL, INT, TEXT, MONEY, FINE = BoolType(), IntType(), TextType(), DecimalType(2), DecimalType(3)
LENGTH, MOMENT, COLOR = DurationType(), InstantType(), EnumType("Color", ("red", "green", "blue"))
NOW = datetime(2026, 1, 1, tzinfo=UTC)


def field(name: str, type: Type) -> Parameter:
    return Parameter(name, type, NOWHERE)


TAGS = ListType(TEXT, 3)
ITEM = RecordType("Item", (field("n", INT), field("price", MONEY), field("note", OptionalType(TEXT))))
BOX = RecordType("Box", (field("size", IntType(-2, 3)), field("item", ITEM), field("tags", TAGS)))
ITEMS, NUMBERS = ListType(ITEM, 2), ListType(INT, 3)

VARIABLES: Mapping[str, Type] = {
    "b": BOOL,
    "n": INT,
    "m": IntType(-2, 3),
    "maybe": OptionalType(INT),
    "t": TEXT,
    "note": OptionalType(TEXT),
    "d": MONEY,
    "span": LENGTH,
    "when": MOMENT,
    "c": COLOR,
    "flag": OptionalType(BOOL),
    "item": ITEM,
    "gift": OptionalType(ITEM),
    "box": BOX,
    "tags": TAGS,
    "labels": OptionalType(TAGS),
    "items": ITEMS,
    "numbers": NUMBERS,
    "many": ListType(IntType(0, 3), 30),
}


def refs(*names: str) -> st.SearchStrategy[Expr]:
    return st.sampled_from([Ref(RefKind.DATA, name, VARIABLES[name], NOWHERE) for name in names])


def literals(type: Type, values: st.SearchStrategy[Value]) -> st.SearchStrategy[Expr]:
    return values.map(lambda value: Literal(value, type, NOWHERE))


def values(type: Type) -> st.SearchStrategy[Value]:
    match type:
        case BoolType():
            return st.booleans()
        case IntType():
            return st.integers(-3 if type.low is None else type.low, 4 if type.high is None else type.high)
        case DecimalType():
            return st.integers(-300, 300).map(lambda n: Decimal(n).scaleb(-type.places))
        case TextType():
            return st.sampled_from(["", "a", "b", "ab"])
        case DurationType():
            return st.integers(-5, 5).map(lambda n: timedelta(seconds=n))
        case InstantType():
            return st.integers(-5, 5).map(lambda n: NOW + timedelta(seconds=n))
        case EnumType():
            return st.sampled_from(type.members)
        case OptionalType():
            return st.none() | values(type.item)
        case RecordType():
            return st.tuples(*(values(each.type) for each in type.fields))
        case ListType():
            return st.lists(values(type.item), max_size=min(type.most, 4)).map(tuple)
        case _:
            return st.none()


def combined(
    atoms: st.SearchStrategy[Expr], ops: str, right: st.SearchStrategy[Expr], type: Type
) -> st.SearchStrategy[Expr]:
    parts = st.tuples(st.sampled_from(ops.split()), atoms, right)
    return parts.map(lambda part: Binary(part[0], part[1], part[2], type, NOWHERE))


def selected(operand: st.SearchStrategy[Expr], record: RecordType, name: str) -> st.SearchStrategy[Expr]:
    found = next(each.type for each in record.fields if each.name == name)
    return operand.map(lambda e: Field(e, name, found, NOWHERE))


def listed(item: st.SearchStrategy[Expr], type: ItemType, of: st.SearchStrategy[Expr]) -> st.SearchStrategy[Expr]:
    """Lists: written out, joined, chosen between, or those of variables."""
    written = st.lists(item, max_size=2).map(lambda e: NewList(tuple(e), ListType(type, len(e)), NOWHERE))
    return st.recursive(
        of | written,
        lambda inner: (
            st.tuples(inner, inner).map(lambda p: Binary("+", p[0], p[1], ListType(type, 9), NOWHERE))
            | st.tuples(refs("b"), inner, inner).map(lambda p: Conditional(*p, ListType(type, 9), NOWHERE))
        ),
        max_leaves=3,
    )


texts = (
    refs("t")
    | literals(TEXT, values(TEXT))
    | selected(refs("item"), ITEM, "note").map(lambda e: Unwrap(e, TEXT, NOWHERE))
)
tags = listed(
    texts,
    TEXT,
    refs("tags") | refs("labels").map(lambda e: Unwrap(e, TAGS, NOWHERE)) | selected(refs("box"), BOX, "tags"),
)
gifts = refs("gift").map(lambda e: Unwrap(e, ITEM, NOWHERE)) | selected(refs("box"), BOX, "item")

ints = st.recursive(
    refs("n", "m")
    | selected(refs("item") | gifts, ITEM, "n")
    | selected(refs("box"), BOX, "size")
    | tags.map(lambda e: Builtin("len", (e,), INT, NOWHERE))
    | refs("many").map(lambda e: Builtin("len", (e,), INT, NOWHERE))
    | literals(INT, st.integers(-3, 3))
    | refs("maybe").map(lambda e: Unwrap(e, INT, NOWHERE))
    | refs("t").map(lambda e: Builtin("len", (e,), INT, NOWHERE)),
    lambda inner: (
        combined(inner, "+ - * / %", inner, INT)
        | inner.map(lambda e: Unary("-", e, INT, NOWHERE))
        | inner.map(lambda e: Builtin("abs", (e,), INT, NOWHERE))
        | st.tuples(st.sampled_from(["min", "max"]), inner, inner).map(lambda p: Builtin(p[0], p[1:], INT, NOWHERE))
        | st.tuples(combined(inner, "< <= == !=", inner, BOOL), inner, inner).map(
            lambda p: Conditional(p[0], p[1], p[2], INT, NOWHERE)
        )
    ),
    max_leaves=6,
)
money = st.recursive(
    refs("d")
    | selected(gifts, ITEM, "price")
    | literals(MONEY, values(MONEY))
    | ints.map(lambda e: Convert(e, MONEY, NOWHERE)),
    lambda inner: combined(inner, "+ -", inner, MONEY),
    max_leaves=3,
)
fine = money.map(lambda e: Convert(e, FINE, NOWHERE)) | combined(
    literals(DecimalType(1), values(DecimalType(1))), "*", money, FINE
)
spans = refs("span") | combined(refs("span"), "*", ints, LENGTH) | literals(LENGTH, values(LENGTH))
moments = refs("when") | combined(refs("when"), "+ -", spans, MOMENT)


notes = refs("note") | selected(gifts, ITEM, "note") | literals(OptionalType(TEXT), values(OptionalType(TEXT)))
made = st.tuples(ints, money, notes).map(lambda p: NewRecord(p, ITEM, NOWHERE))
records = refs("item") | gifts | made
records |= st.tuples(refs("b"), records, records).map(lambda p: Conditional(*p, ITEM, NOWHERE))
boxes = refs("box") | st.tuples(ints, records, tags).map(lambda p: NewRecord(p, BOX, NOWHERE))
items = listed(records, ITEM, refs("items"))
numbers = listed(ints, INT, refs("numbers", "many"))


def contained(item: st.SearchStrategy[Expr], of: st.SearchStrategy[Expr]) -> st.SearchStrategy[Expr]:
    return st.tuples(item, of).map(lambda p: Contains(p[0], p[1], NOWHERE))


def compared(side: st.SearchStrategy[Expr], ops: str = "== != < <= > >=") -> st.SearchStrategy[Expr]:
    return combined(side, ops, side, BOOL)


conditions = st.recursive(
    refs("b")
    | refs("flag").map(lambda e: Unwrap(e, BOOL, NOWHERE))
    | compared(ints)
    | compared(money)
    | compared(fine)
    | compared(spans)
    | compared(moments)
    | compared(refs("t") | literals(TEXT, values(TEXT)), "== !=")
    | compared(refs("c") | literals(COLOR, values(COLOR)), "== !=")
    | compared(refs("maybe") | ints.map(lambda e: Convert(e, OptionalType(INT), NOWHERE)), "== !=")
    | compared(refs("note") | literals(OptionalType(TEXT), values(OptionalType(TEXT))), "== !=")
    | compared(records, "== !=")
    | compared(boxes, "== !=")
    | compared(tags, "== !=")
    | compared(items, "== !=")
    | compared(numbers, "== !=")
    | compared(refs("gift") | records.map(lambda e: Convert(e, OptionalType(ITEM), NOWHERE)), "== !=")
    | compared(refs("labels") | tags.map(lambda e: Convert(e, OptionalType(TAGS), NOWHERE)), "== !=")
    | contained(texts, tags)
    | contained(records, items)
    | contained(ints, numbers)
    | st.tuples(ints, st.lists(ints, min_size=1, max_size=3)).map(lambda p: OneOf(p[0], tuple(p[1]), NOWHERE))
    | st.tuples(refs("maybe", "note", "flag", "gift", "labels"), st.booleans()).map(
        lambda p: IsNone(p[0], p[1], NOWHERE)
    ),
    lambda inner: (
        combined(inner, "and or implies == !=", inner, BOOL) | inner.map(lambda e: Unary("not", e, BOOL, NOWHERE))
    ),
    max_leaves=5,
)


@pytest.mark.filterwarnings("ignore:Generating overly large repr")
@settings(deadline=None, max_examples=250)
@given(condition=conditions, data=st.fixed_dictionaries({name: values(type) for name, type in VARIABLES.items()}))
def test_a_condition_is_true_false_or_undefined_as_the_interpreter_has_it(
    condition: Expr, data: dict[str, Value]
) -> None:
    solver = Solver()
    encoder = Encoder(solver.z3)
    unknown = {name: encoder.variable(name, type) for name, type in VARIABLES.items()}
    pinned = [encoder.same(unknown[name], encoder.value(value, VARIABLES[name])) for name, value in data.items()]
    known = {name: encoder.value(value, VARIABLES[name]) for name, value in data.items()}
    for variables in (unknown, known):
        symbol, needs = encoder.expression(condition, Env(variables, 0))
        defined = encoder.all(*(need.term for need in needs))
        try:
            truth = evaluate(condition, Scope(data, NOW)) is True
        except Fault as fault:
            broken = [need.term for need in needs if need.code == fault.code]
            expected = encoder.any(*(encoder.no(term) for term in broken))
        else:
            expected = encoder.all(defined, symbol.term if truth else encoder.no(symbol.term))
        solver.assume(encoder.axioms)
        assert solver.ask(*pinned).model is not None
        assert solver.ask(*pinned, encoder.no(expected)).impossible


@settings(deadline=None, max_examples=60)
@given(data=st.fixed_dictionaries({name: values(type) for name, type in VARIABLES.items()}))
def test_a_value_is_read_back_from_a_model_as_it_was_put_in(data: dict[str, Value]) -> None:
    solver = Solver()
    encoder = Encoder(solver.z3)
    unknown = {name: encoder.variable(name, type) for name, type in VARIABLES.items()}
    pinned = [encoder.same(unknown[name], encoder.value(value, VARIABLES[name])) for name, value in data.items()]
    solver.assume(encoder.axioms)
    model = solver.ask(*pinned).model
    assert {name: encoder.read(model, unknown[name], type) for name, type in VARIABLES.items()} == data


def test_a_text_that_was_never_met_is_invented_with_the_length_that_is_asked_for() -> None:
    solver = Solver()
    encoder = Encoder(solver.z3)
    text = encoder.variable("t", TEXT)
    length = encoder.length(text.term)
    solver.assume(encoder.axioms)
    model = solver.ask(encoder.domain(text, TEXT), length == 7).model
    found = encoder.read(model, text, TEXT)
    assert isinstance(found, str)
    assert len(found) == 7


def test_an_undecided_question_is_unknown_and_not_impossible() -> None:
    solver = Solver(rlimit=1)
    encoder = Encoder(solver.z3)
    x, y, z = (encoder.variable(name, INT).term for name in "xyz")
    reply = solver.ask(x * x * x + y * y * y + z * z * z == 114, x > 3, y > 3)
    assert reply.model is None
    assert reply.unknown
    assert not reply.impossible


def test_when_the_budget_of_questions_is_used_up_the_answer_is_unknown() -> None:
    solver = Solver(questions=1)
    term, other = (Symbol(solver.z3.boolean(name)).term for name in "bc")
    assert solver.ask(term).model is not None
    assert not solver.ask(term, False).unknown
    assert "used up" in solver.ask(other).unknown


def test_of_long_lists_an_answer_is_found_in_the_first_items_or_left_open() -> None:
    solver = Solver()
    encoder = Encoder(solver.z3)
    numbers, others = (encoder.variable(name, ListType(INT, 100)) for name in "ab")
    asked = Contains(Literal(7, INT, NOWHERE), Ref(RefKind.DATA, "a", ListType(INT, 100), NOWHERE), NOWHERE)
    found = encoder.condition(asked, Env({"a": numbers}, 0))
    assert numbers.items is not None
    solver.assume(encoder.axioms)
    assert solver.ask(numbers.term == 3, numbers.items.slot(1).term == 7, encoder.no(found)).impossible
    assert solver.ask(numbers.term == 0, found).impossible
    short = [numbers.items.slot(place).term == 0 for place in range(24)]
    assert solver.ask(numbers.term == 24, *short, found).impossible
    assert solver.ask(numbers.term == 25, *short, found).model is not None
    assert solver.ask(numbers.term == 25, *short, encoder.no(found)).model is not None
    same = encoder.same(numbers, others)
    solver.assume(encoder.axioms)
    assert solver.ask(same, numbers.term != others.term).impossible
    assert solver.ask(encoder.no(same), numbers.term == 2, others.term == 2, *_alike(numbers, others, 2)).impossible
    assert solver.ask(encoder.no(same), numbers.term == 25, others.term == 25, *_alike(numbers, others, 24)).model
    again = encoder.same(numbers, others)
    assert solver.ask(same, encoder.no(again)).impossible


def _alike(one: Symbol, other: Symbol, count: int) -> list[object]:
    assert one.items is not None and other.items is not None
    return [one.items.slot(place).term == other.items.slot(place).term for place in range(count)]


def test_slots_that_nothing_asks_about_are_never_made() -> None:
    encoder = Encoder(Solver().z3)
    numbers = encoder.variable("a", ListType(ITEM, 100))
    length = Builtin("len", (Ref(RefKind.DATA, "a", ListType(ITEM, 100), NOWHERE),), INT, NOWHERE)
    encoder.expression(length, Env({"a": numbers}, 0))
    assert numbers.items is not None and numbers.items.made == {}
