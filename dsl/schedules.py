"""Schedules: `every ..` as written in, the minutes, hours and days it means out.

The text form is that of cron (POSIX `crontab`): minute, hour, day of the month, month, day of the week, each `*`, a
number, a range, a list of these, and `/step`. Days of the month and of the week that are both restricted are both
meant: either will do. All times are UTC.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_SUNDAY_FIRST = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_LONGEST = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


class Moments(NamedTuple):
    """The times of a schedule, ascending. days: of the month; weekdays: Monday is 0. None: every day."""

    minutes: tuple[int, ...]
    hours: tuple[int, ...]
    days: tuple[int, ...] | None
    months: tuple[int, ...]
    weekdays: tuple[int, ...] | None


class Unreadable(ValueError):
    """What is wrong with the text of a schedule, as a sentence."""


class _Part(NamedTuple):
    name: str
    low: int
    high: int
    names: tuple[str, ...] = ()


_PARTS = (
    _Part("minute", 0, 59),
    _Part("hour", 0, 23),
    _Part("day of the month", 1, 31),
    _Part("month", 1, 12, MONTHS),
    _Part("day of the week", 0, 7, _SUNDAY_FIRST),
)


def daily(hour: int, minute: int, weekday: int | None = None) -> Moments:
    """Every day at a time, or one day of every week (Monday is 0). Raises Unreadable."""
    if not (0 <= hour <= 23 and 0 <= minute <= 59):
        raise Unreadable(f"{hour:02}:{minute:02} is no time of the day: hours go to 23, minutes to 59")
    return Moments((minute,), (hour,), None, tuple(range(1, 13)), None if weekday is None else (weekday,))


def cron(text: str) -> Moments:
    """The moments of a text with five parts. Raises Unreadable."""
    words = text.lower().split()
    if len(words) != len(_PARTS):
        raise Unreadable(f"a schedule has five parts ({', '.join(part.name for part in _PARTS)}), not {len(words)}")
    minutes, hours, days, months, weekdays = (_numbers(w, part) for w, part in zip(words, _PARTS, strict=True))
    moments = Moments(
        minutes,
        hours,
        None if words[2] == "*" else days,
        months,
        None if words[4] == "*" else tuple(sorted({(day - 1) % 7 for day in weekdays})),
    )
    if moments.weekdays is None and min(days) > max(_LONGEST[month - 1] for month in months):
        raise Unreadable("no such day ever comes: the month has fewer days")
    return moments


def _numbers(text: str, part: _Part) -> tuple[int, ...]:
    found: set[int] = set()
    for each in text.split(","):
        span, slash, step = each.partition("/")
        low, dash, high = span.partition("-")
        every = int(step) if step.isascii() and step.isdigit() and len(step) < 4 else 0
        if slash and every < 1:
            raise Unreadable(f"`{step}` after `/` is no number of steps")
        if span == "*":
            first, last = part.low, part.high
        else:
            first = _number(low, part)
            last = _number(high, part) if dash else part.high if slash else first
        if first > last:
            raise Unreadable(f"`{span}` runs backwards")
        found.update(range(first, last + 1, every or 1))
    return tuple(sorted(found))


def _number(text: str, part: _Part) -> int:
    if text in part.names:
        return part.names.index(text) + part.low
    number = int(text) if text.isascii() and text.isdigit() and len(text) < 4 else -1
    if not part.low <= number <= part.high:
        raise Unreadable(f"`{text}` is no {part.name}: {part.low} to {part.high}{_named(part.names)}")
    return number


def _named(names: Sequence[str]) -> str:
    return f", or {names[0]} to {names[-1]}" if names else ""
