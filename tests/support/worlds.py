"""The world around a host: what services did, what people were told. It outlives every crash, and is what a host is
held against afterwards.

It is a list of facts to which more are added, so that the world of an earlier moment is the beginning of the list.
Services do what the plan of an instance says: each call waits for its turn, and has its effect once for each attempt.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Iterable, Iterator, Mapping
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

    `effect`: the method that had one, and the key of the call that is done or undone. `acknowledged`: a request and the
    sequence of its row; `refused`: and the reason. `passed`: so many moves of the plan are over. `retried`: a parked
    call. `clock`: seconds since the start. `read`: the id of a message."""

    kind: str
    instance: str
    name: str
    more: Any = None


class World:
    """What is true outside of the host."""

    def __init__(self, facts: Iterable[Fact] = (), heard: Callable[[Fact], object] | None = None) -> None:
        """heard: is told of every new fact, before anybody acts on it."""
        self.facts = list(facts)
        self._heard = heard

    def note(self, kind: str, instance: str, name: str, more: Any = None) -> None:
        fact = Fact(kind, instance, name, more)
        if self._heard is not None:
            self._heard(fact)
        self.facts.append(fact)

    def of(self, kind: str, instance: str) -> Iterator[Fact]:
        yield from (fact for fact in self.facts if (fact.kind, fact.instance) == (kind, instance))

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
        specs = [*(a for a in spec.activities.values() if a.method), *spec.compensations.values()]
        return type("Services", (), {each.method: staticmethod(self._method(flow, each)) for each in specs})()

    def _method(self, flow: type[AnyFlow], spec: ActivitySpec | CompensationSpec) -> Callable[..., Any]:
        async def call(*args: object, key: str) -> object:
            instance, _, forward = key.rpartition("/")
            if isinstance(spec, CompensationSpec):
                await self._turn(instance, f"{forward}/undo")
                self._effect(instance, spec.method, forward)
                return None
            answer = self._answer(flow, instance, forward, spec, args)
            try:
                await self._turn(instance, forward)
            except asyncio.CancelledError:
                if answer.kind not in ("done", *spec.errors) or self.dead:
                    raise
            return await self._answered(instance, forward, spec, answer)

        return call

    async def _answered(self, instance: str, key: str, spec: ActivitySpec, answer: Outcome) -> object:
        if answer.kind in spec.errors:
            raise spec.errors[answer.kind]
        if spec.kind is not ActivityKind.READONLY and (
            answer.kind == "done" or self.dice("unseen", instance, key).random() < 0.5
        ):
            self._effect(instance, spec.method, key)
        if answer.kind == "done":
            return answer.value
        if answer.kind == "failed":
            raise ConnectionError("the answer was lost")
        await asyncio.Event().wait()
        return None

    def _effect(self, instance: str, method: str, key: str) -> None:
        self.point()
        if not self.dead:
            self.world.note(EFFECT, instance, method, key)
        self.point()

    async def _turn(self, instance: str, key: str) -> None:
        """Wait for it. What is in no plan has its turn at once."""
        plan = self.plans.get(instance)
        waits = [n for n, move in enumerate(plan.moves) if key == getattr(move.trigger, "key", None)] if plan else []
        while waits and (instance, key) not in self._open and self.world.passed(instance) <= waits[0]:
            await self._opened.wait()

    def _answer(
        self, flow: type[AnyFlow], instance: str, key: str, spec: ActivitySpec, args: tuple[object, ...]
    ) -> Outcome:
        """The same for every attempt, but for calls that were retried by hand: they succeed."""
        plan = self.plans.get(instance)
        planned = None if plan is None else plan.answers.get(key)
        dice = self.dice("answer", instance, key)
        retried = any(fact.name == key for fact in self.world.of(RETRIED, instance))
        if planned is not None and (not retried or planned.kind == "done"):
            return planned
        value = result(dice, self._subjects[flow.spec.name].kernel, spec, args)
        kinds = ["done"] * 8 + [*spec.errors] + ["failed"]
        return Outcome(key, "done" if retried else dice.choice(kinds), value)
