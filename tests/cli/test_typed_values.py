"""What operators type for values: read as their types are, or refused with what would do."""

from __future__ import annotations

from datetime import timedelta
from typing import NamedTuple

import pytest

from penstock.runtime.codec import BOOL, DURATION, INSTANT, INT, TEXT, Codec, decimal, integer, optional
from penstock.runtime.operating.answers import Trouble
from penstock.runtime.operating.values import form, kind, typed
from penstock.runtime.records import Record, sequence


class Guest(NamedTuple):
    name: str
    stays: timedelta | None
    vip: bool


GUEST = Record(Guest, (("name", TEXT), ("stays", optional(DURATION)), ("vip", BOOL)))


@pytest.mark.parametrize("text", ["2h30m", "150m", "9000s", "2h29m60s", "8999s1000ms", "9000000000"])
def test_a_duration_is_typed_as_flows_write_it(text: str) -> None:
    assert DURATION.decode(typed(DURATION, text, "wait")) == timedelta(hours=2, minutes=30)


@pytest.mark.parametrize("text", ["2 hours", "2h 30m", "-1h", "h", "", "1w", f"{'9' * 18}d"])
def test_what_is_no_duration_is_told_how_one_is_written(text: str) -> None:
    with pytest.raises(Trouble) as trouble:
        typed(DURATION, text, "wait")
    assert str(trouble.value) == f"wait: expected a duration such as 2h30m, not {text!r}"
    assert trouble.value.hint == "wait takes DURATION"


@pytest.mark.parametrize(
    ("codec", "shown"),
    [
        (INT, "NUMBER"),
        (integer(1, 9), "1..9"),
        (decimal(2), "DECIMAL"),
        (INSTANT, "MOMENT"),
        (optional(DURATION), "DURATION"),
        (sequence(TEXT, 4), '["TEXT", ..]'),
        (GUEST, '{"name": "TEXT", "stays": MICROSECONDS or null, "vip": true/false}'),
        (sequence(GUEST, 4), '[{"name": "TEXT", "stays": MICROSECONDS or null, "vip": true/false}, ..]'),
    ],
)
def test_what_a_value_looks_like_is_told(codec: Codec[object], shown: str) -> None:
    assert kind(codec) == shown


def test_what_is_suggested_is_one_word_for_a_shell() -> None:
    class Booking(NamedTuple):
        guest: Guest
        note: str | None

    booking = Record(Booking, (("guest", GUEST), ("note", optional(TEXT))))
    shape = '{"name": "TEXT", "stays": MICROSECONDS or null, "vip": true/false}'
    assert form(booking) == f"guest='{shape}' [note=TEXT]"
