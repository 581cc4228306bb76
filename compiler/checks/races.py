"""Timers that race: a kernel and a leaf in; what to ask of data to know which of the timers there comes first, out.

A timer that takes as long as data say may be armed beside others: those of its place, of the places around it and of
regions side by side, and the deadline. Which is shorter decides what may come.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import timedelta
from itertools import product

from ...dsl.model import Binary, BoolType, DurationType, Expr, Literal, Now, Ref
from ...dsl.source import NOWHERE
from ..kernel import Kernel, Timer
from .rewrite import bare, cases, inside

COMPARED = ("<", "<=", ">", ">=", "==", "!=")
NO_TIME = Literal(timedelta(0), DurationType(), NOWHERE)


def lasts(timer: Timer) -> Expr | None:
    """How long a timer takes, where data say so and the moment has no part in it."""
    if timer.after is None:
        return None
    said = bare(timer.after)
    return None if isinstance(said, Literal) or any(isinstance(part, Now) for part in inside(said)) else said


def races(kernel: Kernel, leaf: str, beside: Collection[str], ticking: Collection[str]) -> Iterator[Expr]:
    """The comparisons that tell, in a leaf, which of two timers is shorter, one of which data measure; whether that
    takes any time; and how long, as far as guards have asked. None that have one answer whatever data say.

    beside: the places in other regions; ticking: the timers that lead somewhere."""
    above = kernel.above(leaf)
    near = [timer for place in (*above, *sorted(beside)) for timer in kernel.place[place].timers]
    racing = [timer for timer in near if timer.id in ticking]
    for timer in racing:
        said = lasts(timer)
        if said is None or kernel.home[timer.id] not in above:
            continue
        others = [lasts(other) or bare(other.after) for other in racing if other != timer and other.after is not None]
        asked = [("<=", NO_TIME), *product(("<", "<="), others)]
        found = (bare(Binary(op, said, length, BoolType(), NOWHERE)) for op, length in asked)
        yield from (each for each in found if _answer(each) is None)
        yield from _guarded(kernel, _read(said))


def _guarded(kernel: Kernel, measure: set[Ref]) -> Iterator[Expr]:
    """The comparisons in guards of nothing but what measures a timer."""
    for part in (part for guard in kernel.guards.values() for part in inside(bare(guard))):
        if isinstance(part, Binary) and part.op in COMPARED and (read := _read(part)) and read <= measure:
            yield part


def _read(expr: Expr) -> set[Ref]:
    return {part for part in inside(expr) if isinstance(part, Ref)}


def _answer(asked: Expr) -> bool | None:
    """The answer of a comparison that is the same in all its cases; None: data decide it."""
    split = cases(asked)
    if split is None:
        return asked.value is True if isinstance(asked, Literal) else None
    _, then, otherwise = split
    answer = _answer(then)
    return answer if answer == _answer(otherwise) else None
