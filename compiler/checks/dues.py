"""What the text alone says of when timers fall due: a kernel in; which of two is always due first, out.

Timers of one place are armed together, with the same data at the same moment, so a difference that is a number says
which is first, whatever these are: `at due - 1d`, or `after due - 1d - now`, comes before `at due`. So it does of
timers for moments that inputs alone decide, wherever these are written. Two that are measured by how long they take are
left to the zones (`clock`).
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property

from ...dsl.model import Now, Ref, RefKind
from ...dsl.source import NOWHERE
from ..kernel import Kernel, Timer, TriggerKind
from .rewrite import Linear, bare, inside, linear

NOW = Now(NOWHERE)


def ticking(kernel: Kernel) -> frozenset[str]:
    """The timers that some command answers: not those that only escalate or remind."""
    answered = (command.on for command in kernel.commands if command.on is not None)
    return frozenset(on.name for on in answered if on.kind is TriggerKind.TIMER)


class Dues:
    """Of the timers of one kernel that some command answers."""

    def __init__(self, kernel: Kernel) -> None:
        self.kernel = kernel
        self._due = {timer: due for timer in sorted(ticking(kernel)) if (due := _due(kernel.timer[timer])) is not None}

    @cached_property
    def first(self) -> dict[str, frozenset[str]]:
        """By each timer, those that are always due before it, where both are armed; one of the two is for a moment."""
        found = {timer: frozenset(self._before(timer)) for timer in self._due}
        return {timer: others for timer, others in found.items() if others}

    def _before(self, timer: str) -> Iterator[str]:
        home, mine = self.kernel.home, self._due[timer]
        for other, theirs in self._due.items():
            together = home[other] == home[timer] or (_given(mine) and _given(theirs))
            apart = mine.plus(theirs.times(-1))
            if together and not apart.terms and apart.constant > 0 and not self._measured(timer, other):
                yield other

    def _measured(self, *timers: str) -> bool:
        """Whether all of some timers count from when they are armed."""
        known = (self.kernel.timer[timer].after for timer in timers)
        return all(after is not None and NOW not in inside(bare(after)) for after in known)


def _due(timer: Timer) -> Linear | None:
    """When a timer that is armed falls due, as a sum of data and the moment then; None: it counts from before."""
    if timer.since is not None:
        return None
    if timer.at is not None:
        return linear(bare(timer.at))
    assert timer.after is not None, "a timer has an `after` or an `at`"
    return linear(bare(timer.after)).plus(Linear({NOW: 1}))


def _given(due: Linear) -> bool:
    """Whether inputs alone, or nothing, decide a moment."""
    parts = [part for term in due.terms for part in inside(term)]
    return all(not isinstance(p, Now) and (not isinstance(p, Ref) or p.kind is RefKind.INPUT) for p in parts)
