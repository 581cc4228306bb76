"""Text fit for a terminal: the user's characters in, harmless ones of known width out; colours where wanted."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator

from ...dsl.values import dataclass

TAB = 4

_CONTROL_PICTURES = 0x2400
_DELETE_PICTURE = "\u2421"


def clean(text: str) -> str:
    """The text with each control, bidirectional or invisible character as one visible one, so that no escape sequence
    reaches a terminal and no text reorders its neighbours. Length and offsets stay as they are."""
    return text if text.isascii() and text.isprintable() else "".join(map(_visible, text))


def _visible(char: str) -> str:
    if char < " ":
        return chr(_CONTROL_PICTURES + ord(char))
    if char == "\x7f":
        return _DELETE_PICTURE
    # Cc: C1 controls; Cf: bidirectional and zero-width; Zl, Zp: separators that break lines; Cs: lone surrogates.
    return "\ufffd" if unicodedata.category(char) in {"Cc", "Cf", "Zl", "Zp", "Cs"} else char


def width(text: str) -> int:
    """How many columns a clean text takes."""
    return len(text) if text.isascii() else sum(map(_width, text))


def _width(char: str) -> int:
    if unicodedata.combining(char) or unicodedata.category(char) in {"Mn", "Me"}:
        return 0
    return 2 if unicodedata.east_asian_width(char) in {"W", "F"} else 1


def pad(text: str, columns: int) -> str:
    """The text, filled up with blanks to so many columns."""
    return text + " " * (columns - width(text))


def columns(text: str) -> tuple[str, tuple[int, ...]]:
    """A source line as shown (tabs widened), and the column each of its characters starts at, and the end's."""
    starts = tuple(_starts(text))
    shown = "".join(
        " " * (starts[i + 1] - starts[i]) if char == "\t" else _visible(char) for i, char in enumerate(text)
    )
    return shown, starts


def _starts(text: str) -> Iterator[int]:
    column = 0
    for char in text:
        yield column
        column += TAB - column % TAB if char == "\t" else _width(_visible(char))
    yield column


@dataclass(frozen=True, slots=True)
class Style:
    """Colours by meaning; without `colored` every method gives its text back."""

    colored: bool = False

    def paint(self, code: str, text: str) -> str:
        return f"\x1b[{code}m{text}\x1b[0m" if self.colored and text else text

    def error(self, text: str) -> str:
        return self.paint("1;31", text)

    def warning(self, text: str) -> str:
        return self.paint("1;33", text)

    def unknown(self, text: str) -> str:
        return self.paint("1;35", text)

    def good(self, text: str) -> str:
        return self.paint("32", text)

    def strong(self, text: str) -> str:
        return self.paint("1", text)

    def faint(self, text: str) -> str:
        return self.paint("2", text)

    def gutter(self, text: str) -> str:
        return self.paint("34", text)

    def second(self, text: str) -> str:
        return self.paint("36", text)


PLAIN = Style()
