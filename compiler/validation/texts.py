"""Texts that are put together: parts in, the thing out, the same for the same text as far as that can be."""

from __future__ import annotations

from collections.abc import Sequence

from ...dsl.model import EnumType, IntType, TextType
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
    if isinstance(of, Plain) and isinstance(of.type, TextType) and (text := logic.word(of.symbol.term)) is not None:
        return [text]
    plainly = isinstance(of, Plain) and isinstance(of.type, TextType | EnumType | IntType)
    return [Shown("shown", of) if plainly else part]
