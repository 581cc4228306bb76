"""The contract of every host: the inbox of a person, reminders, escalation and delegation, also over a restart."""

from __future__ import annotations

from datetime import timedelta

import pytest

from hiring_flow import Hiring, HiringInputs, Screen
from orders import House, doing, finishing, pass_time
from penstock.runtime.core import NOBODY, Actor, Rejected
from penstock.runtime.hosts.protocol import Host
from penstock.runtime.journal import replay
from penstock.runtime.spec import FlowSpec
from penstock.runtime.story import story

HOUR = timedelta(hours=1)
RITA, ROB = Actor("rita"), Actor("rob")
ANY = Actor("mia", frozenset({"recruiter"}))
HEAD = Actor("hugo", frozenset({"head"}))


def opened(house: House) -> Host:
    return house.open_for({Hiring: doing(send_offer=["o-1"], revoke_offer=[None])})


async def begun(host: Host) -> None:
    await host.start(Hiring, "h-1", HiringInputs("Kim", "rita"), by=NOBODY)
    await host.settled("h-1")


async def same(host: Host) -> str:
    """The story, when the journal leads through the pure core to what is stored."""
    journal = await host.journal("h-1")
    assert replay(Hiring, journal) == await host.record("h-1")
    spec: FlowSpec = Hiring.spec
    return story(spec, journal)


def test_an_inbox_shows_what_a_person_may_do_and_how_urgent_it_is(house: House) -> None:
    async def run() -> None:
        async with opened(house) as host:
            await begun(host)
            (item,) = await host.tasks(for_=RITA)
            assert (item.task, item.title, item.form) == ("screen", "Screen Kim", ("suitable",))
            assert (item.roles, item.persons, item.excluded, item.reminders) == ((), ("rita",), (), 0)
            assert item.due is not None and not item.overdue(house.clock.now())
            assert await host.tasks(for_=ROB) == await host.tasks(for_=ANY) == await host.tasks("recruiter") == []
            await pass_time(host, house.clock, 25 * HOUR, 24 * HOUR)
            (item,) = await host.tasks("recruiter", for_=ANY)
            assert item.overdue(house.clock.now())
            assert (item.roles, item.persons) == (("recruiter",), ("rita",))
            assert await host.tasks(for_=HEAD) == []

    finishing(run())


def test_reminders_come_again_as_often_as_was_said_and_a_restart_forgets_none(house: House) -> None:
    async def run() -> None:
        async with opened(house) as host:
            await begun(host)
            await pass_time(host, house.clock, 8 * HOUR)
            assert [item.reminders for item in await host.tasks()] == [1]
        house.clock.advance(30 * HOUR)  # a long time down is one reminder, not four
        async with opened(house) as host:
            await host.run_until_idle()
            assert [item.reminders for item in await host.tasks()] == [2]
            await pass_time(host, house.clock, 8 * HOUR, 8 * HOUR, 8 * HOUR)
            assert [item.reminders for item in await host.tasks()] == [3]
            assert (await same(host)).count("a reminder of screen") == 3

    finishing(run())


def test_a_task_that_was_handed_on_is_for_that_person_alone_until_it_is_escalated(house: House) -> None:
    async def run() -> None:
        async with opened(house) as host:
            await begun(host)
            for by, to, reason in ((ROB, "rob", "role"), (ANY, "mia", "role"), (RITA, "", "payload")):
                with pytest.raises(Rejected) as rejected:
                    await host.delegate("h-1", "screen", to, by=by)
                assert rejected.value.reason == reason
            assert len(await host.journal("h-1")) == 1
            await host.delegate("h-1", "screen", "rob", by=RITA, reason="on holiday")
        async with opened(house) as host:
            assert await host.tasks(for_=RITA) == []
            assert [item.persons for item in await host.tasks(for_=ROB)] == [("rob",)]
            with pytest.raises(Rejected, match="role"):
                await host.complete("h-1", Screen(True), by=RITA)
            assert 'screen is delegated to rob by rita ("on holiday")' in await same(host)
            await pass_time(host, house.clock, 48 * HOUR)
            assert await host.tasks(for_=ANY) == await host.tasks(for_=ROB) != []
            await host.complete("h-1", Screen(True), by=ROB)
            (item,) = await host.tasks()
            assert (item.task, item.excluded) == ("interview", ("rob",))
            with pytest.raises(Rejected, match="closed"):
                await host.delegate("h-1", "screen", "rob", by=RITA)
            await same(host)

    finishing(run())


def test_nobody_hands_a_task_on_to_somebody_it_shuts_out(house: House) -> None:
    lead = Actor("leo", frozenset({"lead"}))

    async def run() -> None:
        async with opened(house) as host:
            await begun(host)
            await host.complete("h-1", Screen(True), by=RITA)
            for by, to in ((lead, "rita"), (lead._replace(id="rita"), "leo")):
                with pytest.raises(Rejected, match="excluded"):
                    await host.delegate("h-1", "interview", to, by=by)
            await host.delegate("h-1", "interview", "lea", by=lead)
            assert [item.persons for item in await host.tasks(for_=Actor("lea"))] == [("lea",)]

    finishing(run())
