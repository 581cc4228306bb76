"""Random values that fit: a codec in, a Hypothesis strategy of what a caller may hand in for it out."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, cast

from hypothesis import strategies as st

from ..codec import (
    BOOL,
    DURATION,
    EARLIEST,
    INSTANT,
    INT,
    LATEST,
    LONGEST,
    NOTHING,
    TEXT,
    Codec,
    decimal,
    integer,
    optional,
)
from ..records import Arguments, Record, sequence

Values = st.SearchStrategy[Any]

MOST_ITEMS = 5  # of a list without a bound
AMOUNT = 10**6


def fitting(codec: Codec[Any], constants: Sequence[object] = ()) -> Values:
    """Values of a codec's type. constants: what the flow compares with, so that both sides of a guard are met."""
    kind: object = type(codec)
    whole = cast(Any, codec)
    if kind is type(BOOL):
        return st.booleans()
    if kind in (type(INT), type(integer(0, 1))):
        return _near(st.integers(whole.low, whole.high), _integers(whole.low, whole.high, constants))
    if kind is type(decimal(0)):
        return _decimals(whole.places, constants)
    if kind is type(TEXT):
        return _near(st.text(max_size=6), [value for value in constants if isinstance(value, str)])
    if kind is type(DURATION):
        return _durations(constants)
    if kind is type(INSTANT):
        moments = st.datetimes(EARLIEST.replace(tzinfo=None), LATEST.replace(tzinfo=None) - timedelta(seconds=1))
        return _near(moments.map(lambda m: m.replace(tzinfo=UTC)), [v for v in constants if isinstance(v, datetime)])
    if kind is type(NOTHING):
        return st.none()
    return _made(codec, whole, constants)


def _made(codec: Codec[Any], whole: Any, constants: Sequence[object]) -> Values:
    """Values of types that have parts, and of enumerations."""
    kind: object = type(codec)
    if kind is type(optional(TEXT)):
        return st.none() | fitting(whole.item, constants)
    if kind is type(sequence(TEXT)):
        most = MOST_ITEMS if whole.most is None else whole.most
        return st.lists(fitting(whole.item, constants), max_size=most).map(tuple)
    if isinstance(codec, Record):
        return st.builds(whole.type, *(fitting(part, constants) for _, part in whole.fields))
    if isinstance(codec, Arguments):
        return st.tuples(*(fitting(part, constants) for _, part in codec.params))
    return st.sampled_from(list(whole.members))


def _near(values: Values, constants: Sequence[object]) -> Values:
    return st.sampled_from(list(constants)) | values if constants else values


def _integers(low: int | None, high: int | None, constants: Sequence[object]) -> list[int]:
    """The constants and those beside them, as far as they fit."""
    known = [value for value in constants if isinstance(value, int) and not isinstance(value, bool)]
    wide = sorted({value + step for value in known for step in (-1, 0, 1)})
    return [value for value in wide if (low is None or value >= low) and (high is None or value <= high)]


def _decimals(places: int, constants: Sequence[object]) -> Values:
    unit = Decimal(1).scaleb(-places)
    known = [Decimal(value) for value in constants if isinstance(value, (int, Decimal)) and not isinstance(value, bool)]
    wide = sorted({(value + step).quantize(unit) for value in known for step in (-unit, Decimal(0), unit)})
    amounts = st.integers(-AMOUNT, AMOUNT * 10**places).map(lambda number: Decimal(number).scaleb(-places))
    return _near(amounts, wide)


def _durations(constants: Sequence[object]) -> Values:
    known = [value for value in constants if isinstance(value, timedelta)]
    return _near(st.timedeltas(timedelta(0), timedelta(days=30)) | st.timedeltas(-LONGEST, LONGEST), known)
