"""Deliveries that come twice, late, in another order or not at all: the host comes to where the reference interpreter
comes with each request once, in the order in which they first came."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import twins
from penstock.compiler import instance as reference
from penstock.compiler import simulate
from penstock.runtime.core import Fired, Outcome, Rejected
from penstock.runtime.hosts import sqlite
from penstock.runtime.store import JournalEntry
from penstock.runtime.worker import Limits
from plans import Move, Plan, Subject, everything
from reference import interpreted, trigger
from simulated_disk import Disk, Door
from virtual import VirtualClock, here, virtually
from worlds import Site, World

FLOWS = ("Hiring/1", "Support/1", "Expense/1", "Order/1", "Claims/1", "Onboarding/1", "Shipping/1", "Billing/1")


def sent(plan: Plan) -> Sequence[int]:
    """The moves of a plan that people make."""
    return [n for n, move in enumerate(plan.moves) if not isinstance(move.trigger, (Outcome, Fired))]


class PromptDisk(Disk):
    """Takes no time."""

    def pause(self) -> float:
        return 0.0


class Model:
    """The interpreter, which hears of each request once, and of what the host did by itself."""

    def __init__(self, subject: Subject, journal: Sequence[JournalEntry]) -> None:
        self.subject = subject
        self.rows = len(journal)
        self.at = interpreted(subject, journal)
        self.taken: dict[str, int] = {}

    def hear(self, journal: Sequence[JournalEntry]) -> None:
        """Answers, and timers that fired, since the last request."""
        fresh = journal[self.rows :]
        assert all(entry.request is None for entry in fresh), "nothing is taken that was not sent"
        self.rows = len(journal)
        self.at = interpreted(self.subject, journal) if fresh else self.at

    def tell(self, request: str, move: Move, clock: VirtualClock) -> str:
        """Why it is refused; nothing if it is taken."""
        by, given = reference.Actor(move.by.id, move.by.roles), trigger(self.subject.flow, move.trigger)
        try:
            made = simulate.step(self.subject.kernel, self.at, given, by, clock.now())
        except reference.Rejected as rejected:
            return rejected.reason
        self.at = made.after
        self.rows += 1
        self.taken[request] = self.rows
        return ""


async def delivered(subject: Subject, plan: Plan, schedule: Sequence[tuple[int, int]]) -> None:
    """schedule: which of the plan's requests comes next, and after how many seconds."""
    clock, disk = VirtualClock(here()), PromptDisk(random.Random(1), lambda *_: None)
    limits = Limits(poll=timedelta(days=36500))
    site = Site(World(), {subject.flow.spec.name: subject}, "deliveries")
    with pytest.MonkeyPatch.context() as patch:

        def opened(path: object, **_: object) -> Door:
            return Door(disk, str(path))

        patch.setattr(sqlite, "SqliteStore", opened)
        async with sqlite.SqliteHost(
            "w", {subject.flow: site.services(subject.flow)}, clock=clock, limits=limits
        ) as host:
            await host.start(subject.flow, "i", plan.inputs, by=plan.by)
            model = Model(subject, (await host.journal("i"))[:1])
            for number, pause in schedule:
                await asyncio.sleep(pause)
                model.hear(await settled(host))
                move, request = plan.moves[number], f"r-{number}"
                before = model.rows
                refused = "" if request in model.taken else model.tell(request, move, clock)
                said = await sending(host, move, request)
                assert said == (refused or model.taken[request])
                assert model.rows == (before if refused else max(before, model.taken[request]))
            model.hear(await settled(host))
            assert twins.seen(model.at) == twins.shown(await host.record("i"))
    disk.close()


async def settled(host: sqlite.SqliteHost) -> Sequence[JournalEntry]:
    """The journal, when nothing runs any more: what is sent then meets what the model has heard of."""
    await host.settled("i")
    while True:
        journal = await host.journal("i")
        await here().quiet()
        if len(await host.journal("i")) == len(journal):
            return journal


async def sending(host: sqlite.SqliteHost, move: Move, request: str) -> int | str:
    """The sequence of its row, or why it is refused."""
    try:
        return (await host.send("i", move.trigger, by=move.by, request=request)).sequence
    except Rejected as rejected:
        return rejected.reason


@pytest.mark.parametrize("label", FLOWS)
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_the_state_is_that_of_each_request_once(label: str, data: st.DataObject) -> None:
    subject = everything()[label]
    plan = data.draw(st.sampled_from([plan for plan in subject.plans if sent(plan)]))
    requests = st.sampled_from(sent(plan))
    pauses = st.sampled_from([0, 0, 0, 1, 60, 4000, 90000])
    virtually(delivered(subject, plan, data.draw(st.lists(st.tuples(requests, pauses), max_size=10))))
