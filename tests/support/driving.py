"""An instance on the reference interpreter, driven by hand, and a small saga to drive."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from kernels import flow
from penstock.compiler.effects import (
    Effect,
)
from penstock.compiler.instance import (
    NOBODY,
    Actor,
    Instance,
    Rejected,
    Taken,
    Trigger,
)
from penstock.compiler.kernel import Kernel
from penstock.compiler.simulate import start, step
from penstock.dsl.model import Value

NOW = datetime(2026, 1, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
CLERK, BOSS = Actor("carl", frozenset({"clerk"})), Actor("bea", frozenset({"boss"}))


class Run:
    """An instance that is driven from outside, with the effects and commands of its last step."""

    def __init__(self, kernel: Kernel, *inputs: Value, actor: Actor = NOBODY) -> None:
        self.kernel = kernel
        self.now = NOW
        made = start(kernel, inputs, actor, NOW)
        self.at: Instance = made.after
        self.effects: tuple[Effect, ...] = made.effects
        self.taken: tuple[Taken, ...] = made.taken

    def __call__(self, trigger: Trigger, actor: Actor = NOBODY, after: timedelta = timedelta(0)) -> Run:
        self.now += after
        made = step(self.kernel, self.at, trigger, actor, self.now)
        self.at, self.effects, self.taken = made.after, made.effects, made.taken
        return self

    def rejects(self, trigger: Trigger, actor: Actor = NOBODY) -> str:
        with pytest.raises(Rejected) as rejected:
            step(self.kernel, self.at, trigger, actor, self.now)
        return rejected.value.reason

    def ignores(self, trigger: Trigger, after: timedelta = timedelta(0)) -> bool:
        made = step(self.kernel, self.at, trigger, NOBODY, self.now + after)
        return made.after == self.at and made.effects == () and made.taken == ()

    @property
    def log(self) -> list[tuple[str, str, bool]]:
        return [(entry.key, entry.status, entry.in_flight) for entry in self.at.log]


SAGA = """
  input { n: int 0..9 }
  data { id: text?, other: text? }
  event cancel
  event later(x: int)
  activity book(n: int) -> text { fails full compensate unbook(result, n) }
  activity pay() -> text { fails declined compensate refund(result) }
  activity peek() -> int { ensures result > n  readonly }
"""


def saga(states: str) -> Kernel:
    return flow(SAGA.replace("ensures result > n  ", "") + states)


TWO = """
  start -> Booking
  state Booking {
    do book(n) on done(r) { id = r } -> Paying on failed -> compensate -> Bad on cancel -> compensate -> Bad
  }
  state Paying {
    do pay() on done(r) { other = r } -> Wait on failed -> compensate -> Bad on cancel -> compensate -> Bad
  }
  state Wait { on cancel -> compensate -> Bad after 1h -> Good }
  final Good
  final failure Bad
"""
