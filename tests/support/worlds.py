"""The world around a host: what services did, what people were told. It outlives every crash, and is what a host is
held against afterwards.

It is a list of facts to which more are added, so that the world of an earlier moment is the beginning of the list.
Services do what the plan of an instance says: each call waits for its turn, and has its effect once for each attempt.
"""

from __future__ import annotations

import asyncio
import random
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any, NamedTuple

from penstock.runtime.core import Outcome
from penstock.runtime.journal import AnyFlow
from penstock.runtime.spec import ActivityKind, ActivitySpec, CompensationSpec
from plans import Plan, Subject, result

EFFECT, ACKNOWLEDGED, REFUSED, PASSED, RETRIED, CLOCK, READ = (
    *("effect", "acknowledged", "refused", "passed", "retried", "clock", "read"),
)


class Fact(NamedTuple):
    """kind, the instance it is about, a name (a method, a request, a call), and what more there is to say.

    `effect`: the method that had one, and the key of its call (`charge#3`, or `charge#3/undo`). `acknowledged`: a
    request and the sequence of its row; `refused`: and the reason. `passed`: so many moves of the plan are over.
    `retried`: a parked call. `clock`: the moment to which time passes. `read`: the id of a message."""

    kind: str
    instance: str
    name: str
    more: Any = None


class World:
    """What is true outside of the host."""

    def __init__(self, facts: Iterable[Fact] = (), heard: Callable[[Fact], object] | None = None) -> None:
        """heard: is told of every new fact, before anybody acts on it."""
        self.facts: list[Fact] = []
        self._of: defaultdict[tuple[str, str], list[Fact]] = defaultdict(list)
        self._heard: Callable[[Fact], object] | None = None
        for fact in facts:
            self.note(*fact)
        self._heard = heard

    def note(self, kind: str, instance: str, name: str, more: Any = None) -> None:
        fact = Fact(kind, instance, name, more)
        if self._heard is not None:
            self._heard(fact)
        self.facts.append(fact)
        self._of[kind, instance].append(fact)

    def of(self, kind: str, instance: str) -> Sequence[Fact]:
        return self._of[kind, instance]

    def alone(self) -> AbstractContextManager[None]:
        """Nobody else adds anything meanwhile."""
        return nullcontext()

    def answered(self, instance: str, request: str) -> bool:
        """Whether a sender knows what became of what it sent."""
        return any(f.name == request for kind in (ACKNOWLEDGED, REFUSED) for f in self.of(kind, instance))

    def passed(self, instance: str) -> int:
        return max((int(fact.more) for fact in self.of(PASSED, instance)), default=0)


class Site:
    """A process: its services, which know the plans and the world. `dead`: nothing has an effect any more."""

    def __init__(self, world: World, subjects: Mapping[str, Subject], seed: str = "") -> None:
        """subjects: by the names of their flows."""
        self.world = world
        self.plans: dict[str, Plan] = {}
        self.dead = False
        self.point: Callable[[], object] = lambda: None
        """Called where a process may die, before and after each effect."""
        self.pace: Callable[[str, str], Awaitable[object]] | None = None
        """How long a call takes that is in no plan, if it takes any time."""
        self.plain = False
        """Whether some services are plain methods, which answer at once."""
        self._subjects = subjects
        self._seed = seed
        self._open: set[tuple[str, str]] = set()
        self._opened = asyncio.Event()

    def dice(self, *about: object) -> random.Random:
        """The same for the same question."""
        return random.Random(f"{self._seed} {about}")

    def open(self, instance: str, key: str) -> None:
        """It is the turn of this call to answer."""
        self._open.add((instance, key))
        self._opened.set()
        self._opened = asyncio.Event()

    def services(self, flow: type[AnyFlow]) -> object:
        """An object with the methods of a flow's activities."""
        spec = flow.spec
        specs: list[ActivitySpec | CompensationSpec] = [each for each in spec.activities.values() if each.method]
        specs += spec.compensations.values()
        return type("Services", (), {each.method: staticmethod(self._method(flow, each)) for each in specs})()

    def _method(self, flow: type[AnyFlow], spec: ActivitySpec | CompensationSpec) -> Callable[..., Any]:
        undoes = isinstance(spec, CompensationSpec)

        async def call(*args: object, key: str) -> object:
            instance, called = _called(key, undoes)
            answer = self._answer(flow, instance, called, spec, args)
            try:
                await self._turn(instance, called)
            except asyncio.CancelledError:
                if answer.kind in ("timeout", "failed", "interrupted") or self.dead:
                    raise
            self._do(instance, called, spec, answer)
            return await _answered(spec, answer)

        def plain(*args: object, key: str) -> object:
            instance, called = _called(key, undoes)
            answer = self._answer(flow, instance, called, spec, args)
            self._do(instance, called, spec, answer)
            return _said(spec, answer)

        return plain if self.plain and self.dice("plain", spec.method).random() < 0.3 else call

    def _do(self, instance: str, key: str, spec: ActivitySpec | CompensationSpec, answer: Outcome) -> None:
        """Have the effect, if there is one. Of what came to nothing nobody knows whether it had one."""
        if isinstance(spec, ActivitySpec) and (spec.kind is ActivityKind.READONLY or answer.kind in spec.errors):
            return
        if answer.kind != "done" and self.dice("unseen", instance, key).random() < 0.5:
            return
        self.point()
        with self.world.alone():
            undone = any(fact.more == f"{key}/undo" for fact in self.world.of(EFFECT, instance))
            if not self.dead and not undone:  # a service does not do again what was undone under the same key
                self.world.note(EFFECT, instance, spec.method, key)
        self.point()

    async def _turn(self, instance: str, key: str) -> None:
        """Wait for it. What is in no plan has its turn at once."""
        plan = self.plans.get(instance)
        waits = [n for n, move in enumerate(plan.moves) if key == getattr(move.trigger, "key", None)] if plan else []
        if not waits and self.pace is not None:
            await self.pace(instance, key)
        while waits and (instance, key) not in self._open and self.world.passed(instance) <= waits[0]:
            await self._opened.wait()

    def _answer(
        self,
        flow: type[AnyFlow],
        instance: str,
        key: str,
        spec: ActivitySpec | CompensationSpec,
        args: tuple[object, ...],
    ) -> Outcome:
        """The same for every attempt, but for calls that were retried by hand: they succeed, as compensations do."""
        if isinstance(spec, CompensationSpec):
            return Outcome(key, "done")
        plan = self.plans.get(instance)
        planned = None if plan is None else plan.answers.get(key)
        retried = any(fact.name == key for fact in self.world.of(RETRIED, instance))
        if planned is not None and (not retried or planned.kind == "done"):
            return planned
        dice = self.dice("answer", instance, key)
        value = result(dice, self._subjects[flow.spec.name].kernel, spec, args)
        kinds = ["done"] * 8 + [*spec.errors] + ["failed"]
        return Outcome(key, "done" if retried else dice.choice(kinds), value)


def _called(key: str, undoes: bool) -> tuple[str, str]:
    """The instance and the call of an idempotency key."""
    instance, _, called = key.rpartition("/")
    return instance, f"{called}/undo" if undoes else called


async def _answered(spec: ActivitySpec | CompensationSpec, answer: Outcome) -> object:
    if answer.kind in ("timeout", "interrupted"):
        await asyncio.Event().wait()
    return _said(spec, answer)


def _said(spec: ActivitySpec | CompensationSpec, answer: Outcome) -> object:
    if isinstance(spec, ActivitySpec) and answer.kind in spec.errors:
        raise spec.errors[answer.kind]
    if answer.kind != "done":
        raise ConnectionError("the answer was lost")
    return answer.value
