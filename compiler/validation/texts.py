"""Texts that are put together: parts in, the thing out, the same for the same text as far as that can be."""

from __future__ import annotations

from collections.abc import Sequence

from ...dsl.model import EnumType, IntType, ListType, NoneType, RecordType, TextType
from ..checks.symbols import unwrapped
from ..evaluate import shown
from .logic import Logic
from .things import Plain, Shown, Thing, Written


def written(logic: Logic, parts: Sequence[str | Shown]) -> Thing:
    """A text of parts, as few as there can be: known ones are run together."""
    few: list[str | Shown] = []
    for part in parts:
        for piece in _pieces(logic, part):
            if isinstance(piece, str) and few and isinstance(few[-1], str):
                few[-1] += piece
            elif piece != "":
                few.append(piece)
    if all(isinstance(part, str) for part in few):
        return logic.words("".join(part for part in few if isinstance(part, str)))
    return Written(tuple(few))


def _pieces(logic: Logic, part: str | Shown) -> Sequence[str | Shown]:
    """A text, an integer and a member of an enumeration are shown as Python formats them."""
    if isinstance(part, str):
        return [part]
    of = part.of
    if isinstance(of, Written):
        return of.parts
    if isinstance(of, Plain) and (text := _known(logic, part.style, of)) is not None:
        return [text]
    plainly = isinstance(of, Plain) and isinstance(of.type, TextType | EnumType | IntType)
    return [Shown("shown", of) if plainly else part]


def _known(logic: Logic, style: str, plain: Plain) -> str | None:
    """What a value reads like, if it is known."""
    symbol, item = plain.symbol, unwrapped(plain.type)
    if symbol.some is False or isinstance(item, NoneType):
        return "none" if style == "shown" else "None"
    if isinstance(item, TextType):
        return logic.word(symbol.term) if symbol.some is True else None
    if symbol.some is not True or not isinstance(symbol.term, (bool, int)) or isinstance(item, RecordType | ListType):
        return None
    value = logic.read(None, symbol, item)
    return shown(value, item) if style == "shown" else f"{value}"
