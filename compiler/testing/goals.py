"""What a run takes of a flow: steps in; commands, branches of choices, compensations and escalations out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ..checks.graph import Arrival
from ..instance import Fired, Outcome, Taken
from ..kernel import Kernel
from .acts import UNDO
from .play import Played

Goal = tuple[str, object]
"""What a test may be for: `command` with its id, `branch` with choice and index, `undone` with the activity, `timer`
of a task with its id."""


def wanted(arrival: Arrival) -> set[Goal]:
    """What a run of the search takes."""
    found: set[Goal] = set()
    for step in arrival.run():
        found.update(_made(step.taken))
        if isinstance(step.trigger, Outcome) and step.trigger.key.endswith(UNDO):
            found.add(("undone", step.trigger.key.partition("#")[0]))
    return found


def reached(kernel: Kernel, played: Sequence[Played]) -> set[Goal]:
    """What steps that were played take."""
    return {goal for step in played for goal in made(kernel, step)}


def made(kernel: Kernel, step: Played) -> Iterator[Goal]:
    """What one step takes."""
    yield from _made(taken(step))
    if isinstance(step.trigger, Outcome) and step.trigger.key.endswith(UNDO) and step.took:
        yield "undone", step.trigger.key.partition("#")[0]
    if isinstance(step.trigger, Fired) and kernel.timer[step.trigger.timer].task is not None and step.took:
        yield "timer", step.trigger.timer


def taken(step: Played) -> tuple[Taken, ...]:
    return () if step.step is None else step.step.taken


def _made(taken: Sequence[Taken]) -> Iterator[Goal]:
    for each in taken:
        if each.command is not None:
            yield "command", each.command
        for branch in each.branches:
            yield "branch", branch
