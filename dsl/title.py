"""The text of a task's title in; out come its pieces, plain text and the expressions written in braces."""

from __future__ import annotations

import re
from collections.abc import Callable

from .literals import unescape
from .syntax import Expr
from .tokens import Token

TitleReader = Callable[[Token], tuple[str | Expr, ...]]

_PIECES = re.compile(r"(?P<brace>\{\{|\}\})|\{(?P<hole>[^{}]*)\}|(?P<odd>[{}])|(?P<plain>(?:[^{}\\]|\\.)+)")


def read_title(
    token: Token, read: Callable[[int, int], Expr | None], refuse: Callable[[int], None]
) -> tuple[str | Expr, ...]:
    """The pieces of a title. `read` makes the expression between two offsets (None: it is wrong, and has been said);
    `refuse` is told the offset of a brace without its partner."""
    parts: list[str | Expr] = []
    plain = ""
    for piece in _PIECES.finditer(token.text, 1, len(token.text) - 1):
        start = token.start + piece.start()
        match piece.lastgroup:
            case "hole":
                if plain:
                    parts.append(plain)
                    plain = ""
                hole = read(start + 1, token.start + piece.end() - 1)
                if hole is not None:
                    parts.append(hole)
            case "brace":
                plain += piece.group()[0]
            case "odd":
                refuse(start)
            case _:
                plain += unescape(piece.group())
    if plain:
        parts.append(plain)
    return tuple(parts)
