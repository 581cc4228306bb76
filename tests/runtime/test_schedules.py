"""Schedules: the moments of cron texts against a plain walk over the minutes, and against the calendar."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.dsl.schedules import Unreadable, cron, daily
from penstock.runtime.schedules import Schedule

MINUTE = timedelta(minutes=1)


def schedule(text: str) -> Schedule:
    return Schedule(text, *cron(text), inputs=None)


def numbers(low: int, high: int) -> st.SearchStrategy[str]:
    single = st.integers(low, high).map(str)
    spans = st.tuples(st.integers(low, high), st.integers(low, high)).map(lambda s: f"{min(s)}-{max(s)}")
    steps = st.tuples(st.one_of(st.just("*"), spans), st.integers(1, 30)).map(lambda s: f"{s[0]}/{s[1]}")
    return st.one_of(st.just("*"), single, spans, steps, st.tuples(single, spans).map(",".join))


TEXTS = st.tuples(numbers(0, 59), numbers(0, 23), numbers(1, 28), numbers(1, 12), numbers(0, 7)).map(" ".join)


def allowed(part: str, value: int, low: int, high: int) -> bool:
    """Whether a part of a text allows a value, read in the plainest way."""
    for each in part.split(","):
        span, _, step = each.partition("/")
        first, _, last = (f"{low}-{high}" if span == "*" else span).partition("-")
        end = int(last) if last else high if step else int(first)
        if int(first) <= value <= end and (value - int(first)) % int(step or 1) == 0:
            return True
    return False


def meant(text: str, at: datetime) -> bool:
    minute, hour, day, month, weekday = text.split()
    on_day = allowed(day, at.day, 1, 31)
    on_weekday = any(allowed(weekday, number, 0, 7) for number in range(8) if number % 7 == at.isoweekday() % 7)
    days = (on_day or on_weekday) if "*" not in (day, weekday) else (on_day and on_weekday)
    return (
        days and allowed(minute, at.minute, 0, 59) and allowed(hour, at.hour, 0, 23) and allowed(month, at.month, 1, 12)
    )


@settings(max_examples=150)
@given(TEXTS, st.integers(0, 7 * 365 * 24 * 3600))
def test_the_next_moment_is_the_first_minute_that_the_text_means(text: str, seconds: int) -> None:
    moment = datetime(2023, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)
    found = schedule(text).after(moment)
    assert found > moment and meant(text, found)
    minute = moment.replace(second=0, microsecond=0) + MINUTE
    for _ in range(3000):
        if minute == found:
            return
        assert not meant(text, minute), f"{minute} is left out"
        minute += MINUTE


def test_a_leap_day_is_waited_for() -> None:
    found = schedule("30 4 29 feb *").after(datetime(2097, 1, 1, tzinfo=UTC))
    assert found == datetime(2104, 2, 29, 4, 30, tzinfo=UTC)


def test_daily_and_weekly_are_what_cron_says() -> None:
    assert daily(2, 0) == cron("0 2 * * *")
    assert daily(9, 30, 0) == cron("30 9 * * mon")
    assert cron("0 0 * * 0") == cron("0 0 * * 7") == cron("0 0 * * sun")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("* * * *", "five parts"),
        ("60 * * * *", "`60` is no minute: 0 to 59"),
        ("* * * * fry", "`fry` is no day of the week: 0 to 7, or sun to sat"),
        ("*/0 * * * *", "no number of steps"),
        ("5-3 * * * *", "runs backwards"),
        ("0 0 30 2 *", "no such day ever comes"),
        ("0 0 31 4,6 *", "no such day ever comes"),
        ("² * * * *", "is no minute"),
        ("1e9 * * * *", "is no minute"),
    ],
)
def test_a_text_that_is_no_schedule_says_why(text: str, says: str) -> None:
    with pytest.raises(Unreadable) as error:
        cron(text)
    assert says in str(error.value)
