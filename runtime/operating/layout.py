"""How people are told: tables, moments and lengths of time as text, and no character that a terminal obeys."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

SECOND, MINUTE, HOUR, DAY = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


def clean(text: str) -> str:
    """The text with a visible sign for each character that is none: no escape sequence reaches a terminal."""
    return text if text.isprintable() else "".join(map(_visible, text))


def _visible(char: str) -> str:
    if char.isprintable():
        return char
    return chr(0x2400 + ord(char)) if char < " " else "\ufffd"


def table(head: Sequence[str], rows: Sequence[Sequence[str]], indent: str = "") -> str:
    """Columns side by side, each as wide as it must be. Without rows: nothing."""
    lines = [[clean(cell) for cell in row] for row in (*([head] if head else []), *rows)]
    if not rows:
        return ""
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    return "".join(
        (indent + "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True))).rstrip() + "\n"
        for line in lines
    )


def at(moment: datetime) -> str:
    """To the second, in UTC."""
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S}"


def relative(moment: datetime, now: datetime) -> str:
    """`3 h 20 min ago`, `in 2 d`."""
    return f"in {length(moment - now)}" if moment > now else f"{length(now - moment)} ago"


def length(time: timedelta) -> str:
    """In its two largest units."""
    parts: list[str] = []
    for unit, name in ((DAY, "d"), (HOUR, "h"), (MINUTE, "min"), (SECOND, "s")):
        number, time = divmod(time, unit)
        if number or parts or unit is SECOND:
            parts.append(f"{number} {name}")
    shown = parts[:2]
    return " ".join(part for part in shown if part == shown[0] or not part.startswith("0 "))


def count(number: int, one: str, more: str = "") -> str:
    """`1 row`, `3 rows`."""
    return f"{number} {one if number == 1 else more or f'{one}s'}"
