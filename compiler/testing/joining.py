"""Few runs of many: runs in; the same things done by fewer, each carried to where it rests, out.

A run that ends where another one passes by goes on as that one does, and does for both. A run that ends while effects
are being undone goes on until they are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from ..instance import Instance
from ..kernel import Kernel
from .acts import INTERRUPTED, Act, Kind, undoing
from .goals import Goal, reached
from .play import Played, play

MOST_UNDONE = 30  # steps of a compensation that are added
LONGEST = 14  # steps of a run that does for two


def rounded(kernel: Kernel, acts: Sequence[Act]) -> tuple[Act, ...]:
    """The acts, and those that end a compensation under way."""
    told = tuple(acts)
    for _ in range(MOST_UNDONE):
        at = play(kernel, told)[-1].after
        if at is None or at.undoing is None:
            return told
        told = (*told, _onward(kernel, at, told[-1].at))
    return tuple(acts)


def _onward(kernel: Kernel, at: Instance, moment: timedelta) -> Act:
    name = undoing(at)
    if name:
        return Act(Kind.UNDONE, name, at=moment)
    waited = at.log[-1].activity
    return Act(Kind.ANSWER, waited, "failed" if kernel.activity[waited].flow else INTERRUPTED, at=moment)


def joined(kernel: Kernel, runs: Sequence[tuple[Played, ...]]) -> list[tuple[Played, ...]]:
    """The runs, every one that stops midway continued by another one where that does for both."""
    left = list(runs)
    for short in sorted(runs, key=len):
        end = short[-1].after
        if short not in left or end is None or end.finished or end.compensating:
            continue
        for other in [each for each in reversed(left) if each is not short]:
            both = _through(kernel, short, other, left)
            if both is not None:
                left = [both if each is other else each for each in left if each is not short]
                break
    return left


def _through(
    kernel: Kernel, short: tuple[Played, ...], other: tuple[Played, ...], runs: Sequence[tuple[Played, ...]]
) -> tuple[Played, ...] | None:
    """The short run, continued as the other one goes on from the same place; None where that does less than both."""
    needed = [reached(kernel, run) for run in runs if run is not short and run is not other]
    goals = (reached(kernel, short) | reached(kernel, other)) - set[Goal]().union(*needed)
    end = short[-1].after
    for index, step in enumerate(other[:-1]):
        if step.after is None or end is None or _rests(step.after) != _rests(end):
            continue
        later = short[-1].now - step.now
        onward = (replace(s.act, at=max(timedelta(0), s.act.at + later)) for s in other[index + 1 :] if s.act)
        script = (*(s.act for s in short if s.act), *onward)
        played = play(kernel, script)
        if len(played) <= LONGEST and all(each.took for each in played) and goals <= reached(kernel, played):
            return played
    return None


def _rests(at: Instance) -> tuple[object, ...]:
    calls = tuple(call.activity for call in at.calls if not call.answer)
    return at.configuration, calls, tuple(item.task for item in at.tasks), at.compensating
