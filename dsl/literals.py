"""A literal's token in, its Python value out; and what is wrong with a token that means no value."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from .tokens import Token

Value = bool | int | Decimal | str | timedelta | datetime | None

MOST_DIGITS = 30
LONGEST = timedelta(days=36500)

_UNITS = {
    "ms": timedelta(milliseconds=1),
    "s": timedelta(seconds=1),
    "m": timedelta(minutes=1),
    "h": timedelta(hours=1),
    "d": timedelta(days=1),
}
_WORDS: dict[str, Value] = {"true": True, "false": False, "none": None}
_ESCAPES = {"n": "\n", "t": "\t", '"': '"', "\\": "\\"}
_ESCAPE = re.compile(r"\\(.)")


def value_of(token: Token) -> Value:
    """The value of a token of kind name (`true`, `false`, `none`), int, fraction, duration, instant or string in which
    `problem_of` finds nothing wrong. An instant is returned in UTC."""
    match token.kind:
        case "int":
            return int(token.text)
        case "fraction":
            return Decimal(token.text)
        case "duration":
            return sum((_UNITS[unit] * int(count) for count, unit in _parts(token.text)), timedelta())
        case "instant":
            return datetime.fromisoformat(token.text[1:]).astimezone(UTC)
        case "string":
            return unescape(token.text[1:-1])
        case _:
            return _WORDS[token.text]


def unescape(text: str) -> str:
    """The text that is meant where backslashes are written."""
    return _ESCAPE.sub(lambda match: _ESCAPES[match.group(1)], text)


def problem_of(token: Token) -> str | None:
    """One sentence about what is wrong with a literal, or None."""
    match token.kind:
        case "int" | "fraction" if len(token.text.replace(".", "")) > MOST_DIGITS:
            return f"This number has more than {MOST_DIGITS} digits."
        case "duration" if _too_long(token.text):
            return f"This duration is longer than {LONGEST.days}d."
        case "instant":
            try:
                value_of(token)
            except (ValueError, OverflowError):
                return f"There is no such moment as `{token.text}`."
        case "string":
            for match in _ESCAPE.finditer(token.text[1:-1]):
                if match.group(1) not in _ESCAPES:
                    return f'`{match.group()}` means nothing in a text; write `\\\\`, `\\"`, `\\n` or `\\t`.'
        case "malformed":
            return _problem_of_malformed(token.text)
        case _:
            pass
    return None


def _problem_of_malformed(text: str) -> str:
    if text.startswith("@"):
        return f"`{text}` is not a moment; one is written as `@2026-01-31T12:00:00Z`."
    if not text.isascii():
        return f"`{text}` is not a name; names are written with the letters a to z, digits and `_`."
    if re.fullmatch(r"\d+\.\d+[a-z]+", text):
        return f"`{text}` is not a duration; one is written in whole numbers, such as `1h30m`."
    if re.fullmatch(r"\d+(_\d+)+", text):
        return f"`{text}` is not a number; its digits are written without `_`."
    return f"`{text}` is neither a number nor a name nor a duration such as `30s`, `72h` or `5d`."


def _parts(text: str) -> list[tuple[str, str]]:
    return re.findall(r"(\d+)([a-z]+)", text)


def _too_long(text: str) -> bool:
    parts = _parts(text)
    if any(len(count) > MOST_DIGITS for count, _ in parts):
        return True
    longest = LONGEST // timedelta(microseconds=1)
    return sum(int(count) * (_UNITS[unit] // timedelta(microseconds=1)) for count, unit in parts) > longest
