"""Runs in, a tree of their steps out, so that what several have in common is told once."""

from __future__ import annotations

from typing import Any

from ..checks.graph import Arrival
from ..instance import NOBODY, Actor, Step
from ..kernel import Kernel
from ..trace import started, told, triggered


class Runs:
    """`steps`: each has an id and the id of the step before it (`after`), None for a start. starter: who starts, where
    a run does not say it."""

    def __init__(self, kernel: Kernel, starter: Actor) -> None:
        self.kernel = kernel
        self.starter = starter
        self.steps: list[dict[str, Any]] = []
        self._known: dict[int, tuple[int, Arrival]] = {}  # by identity; the arrival is kept, so that its id stays its

    def of(self, arrival: Arrival) -> int:
        """The id of the last step of a run."""
        new: list[Arrival] = []
        at: Arrival | None = arrival
        while at is not None and id(at) not in self._known:
            new.append(at)
            at = at.before
        last = None if at is None else self._known[id(at)][0]
        for step in reversed(new):
            self.steps.append({"id": len(self.steps), "after": last, **self._told(step)})
            last = len(self.steps) - 1
            self._known[id(step)] = last, step
        return self._known[id(arrival)][0]

    def _told(self, step: Arrival) -> dict[str, Any]:
        made, before = Step(step.instance, (), step.taken), step.before
        if before is None or step.trigger is None:
            who = self.starter if step.actor == NOBODY else step.actor
            said = told(self.kernel, started(self.kernel, step.payload, who), None, made)
        else:
            trigger = triggered(self.kernel, step.trigger, step.actor)
            said = told(self.kernel, trigger, before.instance, made, step.now - before.now)
        line = None if said.span is None else self.kernel.source.line(said.span)
        return {"trigger": said.trigger, "place": said.place, "changes": list(said.changes), "line": line}
