"""Timers that race: a kernel and a leaf in; what to ask of data to know which of the timers there comes first, out.

A timer that takes as long as data say may be armed beside others: those of its place, of the places around it and of
regions side by side, and the deadline. Which is shorter decides what may come.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import timedelta

from ...dsl.model import Binary, BoolType, DurationType, Expr, Literal, Now
from ...dsl.source import NOWHERE
from ..kernel import Kernel, Timer
from .rewrite import bare, inside

NO_TIME = Literal(timedelta(0), DurationType(), NOWHERE)


def lasts(timer: Timer) -> Expr | None:
    """How long a timer takes, where data say so and the moment has no part in it."""
    if timer.after is None:
        return None
    said = bare(timer.after)
    return None if isinstance(said, Literal) or any(isinstance(part, Now) for part in inside(said)) else said


def races(kernel: Kernel, leaf: str, beside: Collection[str], ticking: Collection[str]) -> Iterator[Expr]:
    """The comparisons that tell, in a leaf, which of two timers is shorter, one of which data measure; and whether that
    takes any time.

    beside: the places in other regions; ticking: the timers that lead somewhere."""
    above = kernel.above(leaf)
    near = [timer for place in (*above, *sorted(beside)) for timer in kernel.place[place].timers]
    racing = [timer for timer in near if timer.id in ticking]
    for timer in racing:
        said = lasts(timer)
        if said is None or kernel.home[timer.id] not in above:
            continue
        yield Binary("<=", said, NO_TIME, BoolType(), NOWHERE)
        for other in racing:
            length = None if other.after is None else lasts(other) or bare(other.after)
            if other != timer and length is not None:
                yield from (Binary(op, said, length, BoolType(), NOWHERE) for op in ("<", "<="))
