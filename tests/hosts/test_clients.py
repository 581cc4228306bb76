"""The contract of every client: it asks and acts on the place of a host, and works at nothing."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from order_flow import Cancel, Order, Review, ReviewVerdict
from orders import CLEO, LARGE, MAX, OLGA, SMALL, Hang, House, finishing, pass_time, sound
from penstock.runtime.core import Outcome, Rejected
from penstock.runtime.errors import HostError, Unknown
from penstock.runtime.hosts.sqlite import SqliteClient, SqliteHost

HOUR = timedelta(hours=1)


def test_what_a_client_starts_and_sends_waits_for_a_host_and_is_done_there(house: House) -> None:
    async def run() -> None:
        async with house.client() as client:
            await client.start(Order, "o-1", LARGE, by=CLEO)
            assert house.shop.calls == []
            async with house.open() as host:
                await host.settled("o-1")
            (task,) = await client.tasks(for_=MAX)
            assert (task.instance, task.task) == ("o-1", "review")
            await client.complete("o-1", Review(ReviewVerdict.ACCEPT, None), by=MAX)
            with pytest.raises(Rejected, match="role"):
                await client.send("o-1", Cancel(), by=MAX)
            async with house.open():
                assert (await client.settled("o-1")).configuration == ("Delivered",)
            await sound(client, "o-1")
            assert (await client.record("o-1")).data.payment == "p-1"

    finishing(run())


def test_a_client_that_waits_sees_what_a_host_of_another_process_does(house: House) -> None:
    async def run() -> None:
        async with house.client() as client:
            await client.start(Order, "o-1", SMALL)
            waiting = asyncio.create_task(client.settled("o-1"))
            async with house.open() as host:
                assert (await waiting).configuration == ("Delivered",)
                assert (await host.instance("o-1")) == await client.instance("o-1")

    finishing(run())


def test_an_operator_mends_what_is_parked_through_a_client_beside_the_host(house: House) -> None:
    house.shop.script["ship"] = [OSError("no van")] * 48

    async def run() -> None:
        async with house.open() as host, house.client() as client:
            await client.start(Order, "o-1", SMALL)
            await host.run_until_idle()
            await pass_time(host, house.clock, *[HOUR] * 23)
            (call,) = await client.parked()
            await client.retry("o-1", call.key, reason="a van is back", by=OLGA)
            await pass_time(host, house.clock, *[HOUR] * 24)
            await client.settle("o-1", Outcome(call.key, "done", "t-9"), reason="sent by post", by=OLGA)
            assert (await host.settled("o-1")).configuration == ("Delivered",)

    finishing(run())


def test_an_event_of_a_client_interrupts_the_call_that_runs_in_a_host(house: House) -> None:
    house.shop.script["reserve_stock"] = [Hang]

    async def run() -> None:
        async with house.open() as host, house.client() as client:
            await host.start(Order, "o-1", SMALL)
            await house.shop.called("reserve_stock")
            await client.send("o-1", Cancel(), by=CLEO)
            assert (await host.settled("o-1")).configuration == ("Cancelled",)

    finishing(run())


def test_a_client_without_flows_is_asked_what_needs_no_code(house: House) -> None:
    async def run() -> None:
        async with house.open() as host:
            await host.start(Order, "o-1", LARGE, by=CLEO)
            await host.settled("o-1")
        async with SqliteClient(house.folder / "orders.db") as client:
            assert [instance.id for instance in await client.instances()] == ["o-1"]
            assert len(await client.journal("o-1")) == 3 and len(await client.tasks("manager")) == 1
            with pytest.raises(Unknown, match="does not run Order/1"):
                await client.record("o-1")
            with pytest.raises(Unknown, match="does not run Order/1"):
                await client.send("o-1", Cancel(), by=CLEO)

    finishing(run())


def test_a_host_has_a_client_of_its_own_file_and_flows(house: House) -> None:
    host = SqliteHost(house.folder / "orders.db", {Order: house.shop}, clock=house.clock)
    client = host.client()
    assert (client.path, client.flows) == (house.folder / "orders.db", (Order,)) and not isinstance(client, SqliteHost)
    with pytest.raises(HostError, match="async with"):
        finishing(client.instance("o-1"))
