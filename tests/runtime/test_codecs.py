"""Codecs take what fits, refuse what does not with the way to it, and lose nothing on the way to JSON and back."""

from __future__ import annotations

import json
from contextlib import suppress
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal, localcontext
from enum import StrEnum
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.runtime import codec, records
from penstock.runtime.codec import Codec, Invalid


class Color(StrEnum):
    RED = "red"
    CLASS = "class"


class Line(NamedTuple):
    price: Decimal
    class_: Color | None


LINE = records.record(Line, ("price", codec.decimal(2)), ("class", codec.optional(codec.enum(Color))))

FITTING: list[tuple[Codec[object], st.SearchStrategy[object]]] = [
    (codec.BOOL, st.booleans()),
    (codec.INT, st.integers()),
    (codec.integer(-3, 3), st.integers(-3, 3)),
    (codec.decimal(2), st.integers().map(lambda cents: Decimal(f"{cents}E-2"))),
    (codec.decimal(0), st.integers().map(Decimal)),
    (codec.TEXT, st.text(st.characters(exclude_categories=()))),
    (codec.DURATION, st.timedeltas()),
    (codec.INSTANT, st.datetimes(timezones=st.just(UTC))),
    (codec.enum(Color), st.sampled_from(Color)),
    (codec.optional(codec.integer(0, 9)), st.none() | st.integers(0, 9)),
    (codec.NOTHING, st.none()),
    (records.sequence(codec.TEXT), st.lists(st.text()).map(tuple)),
    (records.sequence(codec.decimal(2), 2), st.lists(st.integers().map(Decimal), max_size=2).map(tuple)),
    (records.TEXTS, st.frozensets(st.text())),
    (LINE, st.builds(Line, st.integers().map(lambda n: Decimal(f"{n}E-2")), st.none() | st.sampled_from(Color))),
    (records.arguments(("a", codec.INT), ("b", codec.TEXT)), st.tuples(st.integers(), st.text())),
]


@given(data=st.data(), which=st.integers(0, len(FITTING) - 1))
def test_a_value_comes_back_from_json_as_it_was(data: st.DataObject, which: int) -> None:
    kind, values = FITTING[which]
    value = data.draw(values)
    with localcontext(prec=3):  # nothing depends on the context of the thread
        back = kind.decode(json.loads(json.dumps(kind.encode(value))))
        checked = kind.check(value)
        assert kind.teller(checked) == codec.written(kind.encode(checked))
    assert checked == value
    assert back == value
    assert type(back) is type(value)


@given(data=st.data(), which=st.integers(0, len(FITTING) - 1), other=st.integers(0, len(FITTING) - 1))
def test_a_wrong_value_is_refused_and_never_anything_else(data: st.DataObject, which: int, other: int) -> None:
    value = data.draw(FITTING[other][1])
    for convert in (FITTING[which][0].check, FITTING[which][0].encode, FITTING[which][0].decode):
        with suppress(Invalid):
            convert(value)


@pytest.mark.parametrize(
    ("kind", "value", "message"),
    [
        (codec.BOOL, 1, "expected true or false, not 1"),
        (codec.INT, True, "expected a whole number, not True"),
        (codec.INT, 1.0, "expected a whole number, not 1.0"),
        (codec.INT, 10**1001, "a number of more than 1000 digits"),
        (codec.integer(1, 100), 101, "101 is not in 1..100"),
        (codec.decimal(2), Decimal("0.001"), "Decimal('0.001') has more than 2 digits after the point"),
        (codec.decimal(2), Decimal("NaN"), "Decimal('NaN') is not an amount"),
        (codec.decimal(2), Decimal("sNaN"), "Decimal('sNaN') is not an amount"),
        (codec.decimal(2), Decimal("-Infinity"), "Decimal('-Infinity') is not an amount"),
        (codec.decimal(2), Decimal("1E+999999"), "Decimal('1E+999999') is not an amount"),
        (codec.decimal(2), 1, "expected a Decimal, not 1"),
        (codec.INSTANT, "now", "expected a datetime in UTC, not 'now'"),
        (codec.enum(Color), "blue", "expected one of red, class, not 'blue'"),
        (LINE, Line(Decimal("0.001"), None), "price: Decimal('0.001') has more than 2 digits after the point"),
        (records.arguments(("a", codec.INT)), (1, 2), "expected 1 arguments, not 2"),
        (records.sequence(codec.INT, 2), (1, 2, 3), "3 items are more than 2"),
        (records.sequence(codec.integer(1, 9), 2), (1, 10), "1: 10 is not in 1..9"),
        (records.sequence(LINE, 2), ((Decimal(1), None),), "0: expected Line, not (Decimal('1'), None)"),
    ],
)
def test_a_refusal_says_what_was_expected(kind: Codec[object], value: object, message: str) -> None:
    with pytest.raises(Invalid) as refused:
        kind.check(value)
    assert str(refused.value) == message


@pytest.mark.parametrize(
    ("kind", "text", "message"),
    [
        (codec.decimal(2), "12.50", "expected a decimal in a string, such as '12.50', not 12.5"),
        (codec.decimal(2), '"1e5"', "expected a decimal in a string, such as '12.50', not '1e5'"),
        (codec.DURATION, "1.5", "expected a duration in microseconds, not 1.5"),
        (codec.DURATION, "1" * 40, f"{'1' * 40} microseconds are too long a duration"),
        (codec.INSTANT, '"soon"', "expected a moment such as '2026-01-31T12:00:00Z', not 'soon'"),
        (codec.INSTANT, '"2026-01-01"', "expected a moment such as '2026-01-31T12:00:00Z', not '2026-01-01'"),
        (LINE, '{"price": "1.00"}', "class: missing"),
        (LINE, '{"price": "1.00", "class": null, "class_": null}', "class_: no such field"),
        (LINE, '{"price": "1.00", "class": "blue"}', "class: expected one of red, class, not 'blue'"),
        (LINE, "[]", "expected an object, not []"),
        (records.sequence(codec.INT, 2), "[1, 2, 3]", "3 items are more than 2"),
        (records.sequence(LINE), '[{"price": "1", "class": 2}]', "0.class: expected one of red, class, not 2"),
    ],
)
def test_json_that_does_not_fit_is_refused(kind: Codec[object], text: str, message: str) -> None:
    with pytest.raises(Invalid) as refused:
        kind.decode(json.loads(text))
    assert str(refused.value) == message


def test_normal_forms() -> None:
    assert str(codec.decimal(2).check(Decimal("5"))) == "5.00"
    assert str(codec.decimal(2).check(Decimal("5.000"))) == "5.00"
    assert codec.enum(Color).check("red") is Color.RED
    assert type(codec.TEXT.check(Color.RED)) is str
    elsewhere = datetime(2026, 1, 1, 2, tzinfo=timezone(timedelta(hours=2)))
    assert codec.INSTANT.decode(elsewhere.isoformat()) == datetime(2026, 1, 1, tzinfo=UTC)
    for moment in (elsewhere, elsewhere.replace(tzinfo=None)):
        with pytest.raises(Invalid, match="expected a datetime in UTC"):
            codec.INSTANT.check(moment)
    assert codec.INSTANT.encode(datetime(2026, 1, 31, 12, tzinfo=UTC)) == "2026-01-31T12:00:00Z"
    assert codec.DURATION.encode(timedelta(seconds=1, microseconds=5)) == 1_000_005
    assert LINE.encode(Line(Decimal(1), Color.CLASS)) == {"price": "1.00", "class": "class"}
