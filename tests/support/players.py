"""People and time as a plan has them: a host and plans in; runs to their ends out, also where the plan fails them.

Whoever plays may die and be played again: what was passed is passed, and what was not acknowledged is sent again.
"""

from __future__ import annotations

import contextlib
import random
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import Any

from penstock.runtime.core import Actor, Fired, Outcome, Rejected
from penstock.runtime.hosts.protocol import Host
from penstock.runtime.journal import AnyFlow
from penstock.runtime.store import Instance, JournalEntry, Store
from penstock.runtime.timers import Clock
from plans import Move, Plan, Subject, event, everybody
from virtual import here
from worlds import ACKNOWLEDGED, CLOCK, PASSED, REFUSED, RETRIED, Site

PATIENCE = 300
"""So often is waited for the next moment until one call has answered."""
MOST = 60
"""Moves that are made up to bring an instance to an end."""


class LostWakeUp(AssertionError):
    """Something is due, all is quiet, and nobody does it."""


class Stuck(AssertionError):
    """An instance is not finished, and nothing can happen to it."""


class Player:
    """Plays on a host whose worker looks at the store only when it is told to, so that it must always be told."""

    def __init__(self, host: Host, store: Store, clock: Clock, site: Site, subjects: Sequence[Subject]) -> None:
        self.host = host
        self.store = store
        self.clock = clock
        self.site = site
        self.subjects = {f"{each.flow.spec.name}/{each.flow.spec.version}": each for each in subjects}

    # ------------------------------------------------------------ time

    async def due(self) -> datetime | None:
        """When something is to be done next."""
        labels = tuple(self.subjects)
        return await self.store.read(lambda tx: tx.next_due(labels, calls=True))

    async def until(self, moment: datetime) -> None:
        """Let time pass, and everything happen that is due by then."""
        await here().quiet()
        if moment > self.clock.now():
            self.site.world.note(CLOCK, "", "", moment.isoformat())
            await self.clock.sleep(moment - self.clock.now())
            await here().quiet()

    async def advance(self) -> bool:
        """To the next moment at which something is to be done; False: there is none. Raises LostWakeUp."""
        await here().quiet()
        due = await self.due()
        if due is None:
            return False
        if due <= self.clock.now():
            raise LostWakeUp(f"{due} is due at {self.clock.now()}")
        await self.until(due)
        return True

    # ------------------------------------------------------------ a plan

    async def play(self, plan: Plan, id: str) -> None:
        """From its start, or from where it is, to its end."""
        self.site.plans[id] = plan
        await self._told(id, "start", lambda: self.host.start(plan.flow, id, plan.inputs, by=plan.by))
        begun = (await self.host.journal(id))[0].at
        for number, move in enumerate(plan.moves):
            if number < self.site.world.passed(id):
                continue
            if (await self.host.instance(id)).status.finished:
                break
            await self.until(begun + move.after)
            await self._make(id, number, move)
            self.site.world.note(PASSED, id, "", number + 1)
        self.site.world.note(PASSED, id, "", len(plan.moves))
        for move in plan.moves:
            if isinstance(move.trigger, Outcome):
                self.site.open(id, move.trigger.key)
        await self.to_the_end(id)

    async def _make(self, id: str, number: int, move: Move) -> None:
        match move.trigger:
            case Outcome(key):
                self.site.open(id, key)
                await self._answered(id, key)
            case Fired(timer):
                record = await self.host.record(id)
                armed = [each.due for each in record.ledger.timers if each.timer == timer]
                if armed and not record.compensating:
                    await self.until(armed[0])
            case trigger:
                request = f"move {number}"
                await self._told(id, request, lambda: self.host.send(id, trigger, by=move.by, request=request))

    async def _answered(self, id: str, key: str) -> None:
        """Until a call has answered, or cannot any more: it is not there, or parked."""
        for _ in range(PATIENCE):
            await here().quiet()
            child = await self.store.read(lambda tx: tx.child(id, key.removesuffix("/undo")))
            if child is not None:
                await self.to_the_end(child.instance)
                return
            call = await self.store.read(lambda tx: tx.call(id, key))
            if call is None or call.due is None or not await self.advance():
                return
        raise AssertionError(f"{key} of {id} does not answer")

    async def _told(self, id: str, request: str, send: Callable[[], Awaitable[JournalEntry]]) -> None:
        """Send it until it is known what became of it."""
        if self.site.world.answered(id, request):
            return
        try:
            entry = await send()
        except Rejected as rejected:
            self.site.world.note(REFUSED, id, request, rejected.reason)
        else:
            self.site.world.note(ACKNOWLEDGED, id, request, entry.sequence)

    # ------------------------------------------------------------ without a plan

    async def to_the_end(self, id: str) -> bool:
        """Do what can be done until the instance ends; False: that would take too long. Raises Stuck."""
        for _ in range(MOST):
            await here().quiet()
            instance = await self.host.instance(id)
            if instance.status.finished:
                return True
            await self._move(instance)
        return False

    async def _move(self, instance: Instance) -> None:
        """One thing that can be done. Which is drawn, the same whenever the instance is there again."""
        dice = self.site.dice("move", instance.id, instance.sequence)
        children = await self.host.children(instance.id)
        for child in children:
            if not (await self.host.instance(child.instance)).status.finished:
                await self._move(await self.host.instance(child.instance))
                return
        calls = await self.store.read(lambda tx: tx.calls(instance.id))
        parked = [call.key for call in calls if call.due is None and call.owner is None]
        if parked:
            self.site.world.note(RETRIED, instance.id, parked[0])
            await self.host.retry(instance.id, parked[0], reason="it may work now")
            return
        subject = self.subjects[instance.flow]
        payloads = self.site.dice("payload", instance.id, instance.sequence)
        patient = calls and dice.random() < 0.7
        acts = [] if patient else await possible(self.host, subject, instance, payloads)
        if acts and (dice.random() < 0.8 or not await self.advance()):
            trigger, by = dice.choice(acts)
            kind = subject.flow.spec.kinds[type(trigger)]
            if kind.task and dice.random() < 0.2:
                await self._handed_on(instance.id, kind.name, by)
                return
            request = f"after {instance.sequence}"
            await self._told(instance.id, request, lambda: self.host.send(instance.id, trigger, by=by, request=request))
        elif not acts and not await self.advance():
            raise Stuck(f"nothing can happen to {instance.id} in {instance.configuration}")

    async def _handed_on(self, id: str, task: str, by: Actor) -> None:
        with contextlib.suppress(Rejected):
            await self.host.delegate(id, task, "deputy", by=by, reason="away")


async def possible(host: Host, subject: Subject, instance: Instance, dice: random.Random) -> list[tuple[Any, Actor]]:
    """Tasks that can be completed, and events there are ways for, with somebody who may."""
    record: AnyFlow = await host.record(instance.id)
    found: list[tuple[Any, Actor]] = []
    for item in await host.tasks():
        if item.instance == instance.id:
            one = next((p for p in item.persons if p not in item.excluded), f"somebody {instance.sequence}")
            by = Actor(one, everybody(subject.flow).roles | frozenset(item.roles))
            found.append((event(dice, subject.kernel, subject.flow, item.task), by))
    for kind in record.accepted():
        spec = subject.flow.spec.kinds[kind]
        if not spec.task:
            found.append((event(dice, subject.kernel, subject.flow, spec.name), everybody(subject.flow)))
    return found
