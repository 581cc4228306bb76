"""Evaluation: values are exact, what is undefined is a Fault, and a title shows a value in one way."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, timezone
from decimal import Context, Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kernels import flow
from penstock.compiler.evaluate import Fault, Scope, evaluate, fits, kept, shown, within
from penstock.dsl.model import (
    Assign,
    Binary,
    BoolType,
    DecimalType,
    DurationType,
    EnumType,
    InstantType,
    IntType,
    ListType,
    OptionalType,
    Parameter,
    RecordType,
    Ref,
    RefKind,
    TextType,
    Type,
    Value,
)
from penstock.dsl.source import NOWHERE

WIDE = Context(prec=1000)
EAST = timezone(timedelta(hours=9))
EARLIEST = datetime.min.replace(tzinfo=EAST)
NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)
INPUTS = """
  input {
    i: int, j: int, m: decimal(2), r: decimal(3), s: text, o: int?, p: text?
    d: duration, t: instant, b: bool, c: enum { red, green }
  }
"""
VALUES: Mapping[str, Value] = {
    "i": 7,
    "j": -2,
    "m": Decimal("10.05"),
    "r": Decimal("0.001"),
    "s": "abc",
    "o": None,
    "p": "x",
    "d": timedelta(hours=1),
    "t": NOW,
    "b": True,
    "c": "red",
}


def value(expression: str, type: str, **values: Value) -> Value:
    """What an expression is worth, typed as an optional so that everything can be assigned to it."""
    kernel = flow(f"{INPUTS} data {{ x: {type}? }} start {{ x = {expression} }} -> G final G")
    (assign,) = kernel.commands[0].updates
    assert isinstance(assign, Assign)
    return evaluate(assign.value, Scope({**VALUES, **values}, NOW))


@pytest.mark.parametrize(
    ("expression", "type", "expected"),
    [
        ("i / 2", "int", 3),
        ("i / j", "int", -4),
        ("i % j", "int", -1),
        ("-i / 2", "int", -4),
        ("m + r", "decimal(3)", Decimal("10.051")),
        ("m * m", "decimal(4)", Decimal("101.0025")),
        ("i - m", "decimal(2)", Decimal("-3.05")),
        ("-m", "decimal(2)", Decimal("-10.05")),
        ("abs(-m)", "decimal(2)", Decimal("10.05")),
        ("min(i, j, 3)", "int", -2),
        ("max(m, r)", "decimal(3)", Decimal("10.050")),
        ("len(s)", "int", 3),
        ("d * 3 - 30m", "duration", timedelta(hours=2, minutes=30)),
        ("t + d", "instant", NOW + timedelta(hours=1)),
        ("t - now", "duration", timedelta(0)),
        ("if o is none then i else o", "int", 7),
        ("o is some and o > 3", "bool", False),
        ("b implies p == s", "bool", False),
        ("not b or p is some", "bool", True),
        ("c in {green, red}", "bool", True),
        ("i in {1, 2}", "bool", False),
        ("o == none", "bool", True),
        ("p != none", "bool", True),
    ],
)
def test_an_expression_has_its_exact_value(expression: str, type: str, expected: Value) -> None:
    found = value(expression, type)
    assert found == expected
    assert str(found) == str(expected)


@pytest.mark.parametrize(
    ("expression", "code"),
    [
        ("i / (j + 2)", "F403"),
        ("i % 0", "F403"),
        ("o + 1", "F402"),
        ("if o is none then o + 1 else 1", "F402"),
        ("i + i / 0", "F403"),
    ],
)
def test_what_is_undefined_is_a_fault(expression: str, code: str) -> None:
    with pytest.raises(Fault) as fault:
        value(expression, "int")
    assert fault.value.code == code


@pytest.mark.parametrize(
    ("expression", "type"),
    [("t + d", "instant"), ("d * i", "duration"), ("d + d", "duration"), ("-d - d", "duration")],
)
def test_a_time_too_large_to_represent_is_a_fault(expression: str, type: str) -> None:
    with pytest.raises(Fault) as fault:
        value(expression, type, d=timedelta.max)
    assert fault.value.code == "F401"


def test_and_or_implies_and_if_evaluate_only_what_they_need() -> None:
    assert value("o is none or o > 1", "bool") is True
    assert value("o is some and o > 1", "bool") is False
    assert value("o is some implies o > 1", "bool") is True
    assert value("if o is some then o else 5", "int") == 5


@settings(deadline=None)
@given(st.integers(), st.integers(), st.integers(0, 18))
def test_decimals_never_round(left: int, right: int, places: int) -> None:
    a = Ref(RefKind.INPUT, "a", DecimalType(9), NOWHERE)
    b = Ref(RefKind.INPUT, "b", DecimalType(9), NOWHERE)
    values = {"a": Decimal(f"{left}E-9"), "b": Decimal(f"{right}E-9")}
    product = evaluate(Binary("*", a, b, DecimalType(18), NOWHERE), Scope(values, NOW))
    assert isinstance(product, Decimal)
    assert (int(product.scaleb(18, WIDE)), product.as_tuple().exponent) == (left * right, -18)
    wider = kept(left, OptionalType(DecimalType(places)))
    assert isinstance(wider, Decimal)
    assert (int(wider), wider.as_tuple().exponent) == (left, -places)


def test_decimals_in_lists_and_records_are_exact() -> None:
    kernel = flow(
        """
          record Line { what: text, prices: list<decimal(2)> at most 3 }
          data {
            line: Line = Line(what: "a", prices: [1, 1234567890123456789012345678.01, -0.50])
            least: decimal(2) = min(1234567890123456789012345678.01, 1234567890123456789012345678.02)
            most: decimal(3) = max(1234567890123456789012345678.01, 0.001)
            size: decimal(2) = abs(-1234567890123456789012345678.01)
          }
          start -> A
          state A { wait forever "on purpose" }
          final B
        """
    )
    found = {v.name: evaluate(v.initial, Scope({}, NOW)) for v in kernel.data if v.initial is not None}
    large = "1234567890123456789012345678.01"
    assert str(found["line"]) == f"('a', (Decimal('1.00'), Decimal('{large}'), Decimal('-0.50')))"
    assert [str(found[name]) for name in ("least", "most", "size")] == [large, f"{large}0", large]


# ---------------------------------------------------------------- values from outside

COLOR = EnumType("Color", ("red", "green"))
LINE = RecordType(
    "Line",
    (Parameter("what", TextType(), NOWHERE), Parameter("prices", ListType(DecimalType(2), 2), NOWHERE)),
)


@pytest.mark.parametrize(
    ("type", "good", "bad"),
    [
        (BoolType(), [True, False], [1, "true", None]),
        (IntType(), [0, -(10**40)], [True, Decimal(1), "1", None]),
        (IntType(1, 3), [1, 3], [0, 4]),
        (DecimalType(2), [Decimal("1.25"), Decimal(3), Decimal("-0.500")], [Decimal("1.125"), Decimal("NaN"), 1, "1"]),
        (DecimalType(0), [Decimal(1), Decimal("1E+9")], [Decimal("Infinity"), Decimal("1E+999999999")]),
        (TextType(), ["", "red"], [None, True]),
        (COLOR, ["red"], ["blue", "", None]),
        (DurationType(), [timedelta(0), timedelta(-1)], [NOW, 1]),
        (InstantType(), [NOW, NOW.astimezone(EAST)], [NOW.replace(tzinfo=None), EARLIEST, timedelta(0)]),
        (OptionalType(IntType(1, 3)), [None, 2], [4, "none"]),
        (ListType(IntType(1, 3), 2), [(), (1, 3)], [(1, 4), (1, 1, 1), [1], None]),
        (LINE, [("a", (Decimal(1),)), ("", ())], [("a",), ("a", (Decimal("0.001"),)), ("a", (), 1), "a", None]),
    ],
)
def test_a_value_fits_its_type_and_nothing_else_does(type: Type, good: list[Value], bad: list[Value]) -> None:
    assert [each for each in good if not fits(each, type)] == []
    assert [each for each in bad if fits(each, type)] == []


def test_a_value_is_kept_in_one_form() -> None:
    amount = kept(Decimal("-0.500"), DecimalType(2))
    moment = kept(NOW.astimezone(EAST), OptionalType(InstantType()))
    assert (str(amount), str(moment)) == ("-0.50", str(NOW))


def test_an_assignment_out_of_range_is_a_fault_and_others_pass() -> None:
    assert within(3, IntType(1, 3), NOWHERE) == 3
    assert within(None, OptionalType(IntType(1, 3)), NOWHERE) is None
    with pytest.raises(Fault) as fault:
        within(4, OptionalType(IntType(1, 3)), NOWHERE)
    assert fault.value.code == "F401"


# ---------------------------------------------------------------- titles


MONEY, SPAN = DecimalType(2), DurationType()
SHOWN: list[tuple[Value, Type, str]] = [
    ("a b", TextType(), "a b"),
    ("red", COLOR, "red"),
    (True, BoolType(), "true"),
    (-3, IntType(), "-3"),
    (Decimal(1000), MONEY, "1000.00"),
    (Decimal("-0.5"), MONEY, "-0.50"),
    (Decimal("-0"), MONEY, "0.00"),
    (Decimal("1E+3"), OptionalType(MONEY), "1000.00"),
    (Decimal(12), DecimalType(0), "12"),
    (None, OptionalType(MONEY), "none"),
    (timedelta(hours=24), SPAN, "1d"),
    (timedelta(minutes=90), SPAN, "1h30m"),
    (timedelta(0), SPAN, "0s"),
    (timedelta(seconds=-5), SPAN, "-5s"),
    (timedelta(milliseconds=1250), SPAN, "1.25s"),
    (timedelta(days=2, microseconds=1), SPAN, "2d0.000001s"),
    (NOW, InstantType(), "2026-01-31T12:00:00Z"),
    (NOW.replace(microsecond=1500), InstantType(), "2026-01-31T12:00:00.001500Z"),
]


@pytest.mark.parametrize(("value", "type", "text"), SHOWN)
def test_a_title_shows_a_value_in_one_way(value: Value, type: Type, text: str) -> None:
    assert shown(value, type) == text
