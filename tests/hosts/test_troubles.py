"""The contract of every client: what is the matter with which instance, so that somebody finds it in time."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import pytest

from kernels import kernels
from order_flow import Order
from orders import CLEO, LARGE, OLGA, SMALL, House, doing, finishing, inputs, pass_time
from penstock.runtime.errors import NotParked
from penstock.runtime.hosts.protocol import Client
from penstock.runtime.hosts.sqlite_store import SqliteStore
from penstock.runtime.troubles import Kind
from twins import generated

HOUR, MINUTE, SECOND = timedelta(hours=1), timedelta(minutes=1), timedelta(seconds=1)
LOST = ConnectionError("lost")

TALK = """
flow Talker version 1 {
  input { to: text }
  start { send Listener.hear to to } -> Done
  final Done
}

flow Listener version 1 {
  event hear
  event wake
  start -> Asleep
  state Asleep { on wake -> Done  wait forever "it sleeps" }
  final Done
}
"""


async def found(client: Client) -> Sequence[tuple[str, Kind, str]]:
    """Of every instance; those that are asked for one by one say the same."""
    all = await client.troubled()
    assert [*all] == [each for each in await client.matters(await client.page()) if each[1]]
    return [(instance.id, matter.kind, matter.about) for instance, matters in all for matter in matters]


def test_what_fails_is_found_and_then_what_is_parked(house: House) -> None:
    house.shop.script["ship"] = [LOST] * 24

    async def run() -> None:
        async with house.open() as host:
            await host.start(Order, "o-1", SMALL)
            await host.start(Order, "o-2", LARGE, by=CLEO)
            await host.run_until_idle()
            assert await found(host) == [("o-1", Kind.FAILING, "ship#4")]
            ((_, (matter,)),) = await host.troubled()
            assert (matter.at, matter.error) == (house.clock.now() + MINUTE, "ConnectionError: lost")
            await pass_time(host, house.clock, *[HOUR] * 23)
            assert await found(host) == [("o-1", Kind.PARKED, "ship#4")]
            await host.retry("o-1", "ship#4", reason="the carrier is back", by=OLGA)
            await host.settled("o-1")
            assert await found(host) == []

    finishing(run())


def test_a_task_is_found_when_it_is_overdue(house: House) -> None:
    async def run() -> None:
        async with house.open() as host:
            await host.start(Order, "o-1", LARGE, by=CLEO)
            await host.run_until_idle()
            await pass_time(host, house.clock, 24 * HOUR)
            assert await found(host) == []
            await pass_time(host, house.clock, SECOND)
            assert await found(host) == [("o-1", Kind.OVERDUE, "review")]

    finishing(run())


def test_calls_and_timers_are_found_when_nobody_comes_to_them(house: House) -> None:
    async def run() -> None:
        async with house.open() as host:
            await host.start(Order, "o-1", LARGE, by=CLEO)
            await host.run_until_idle()
        async with house.client() as client:
            await client.start(Order, "o-2", SMALL)
            house.clock.advance(10 * SECOND)
            assert await found(client) == []
            house.clock.advance(SECOND)
            assert await found(client) == [("o-2", Kind.LATE, "reserve_stock#1")]
            house.clock.advance(24 * HOUR)
            assert await found(client) == [
                ("o-1", Kind.LATE, "Approval.review.escalate1"),
                ("o-1", Kind.OVERDUE, "review"),
                ("o-2", Kind.LATE, "reserve_stock#1"),
            ]

    finishing(run())


def test_a_call_is_found_when_the_lease_of_its_worker_has_run_out(house: House) -> None:
    async def run() -> None:
        async with house.client() as client:
            await client.start(Order, "o-1", SMALL)
            store = SqliteStore(house.folder / "orders.db", codec=house.codec)
            (call,) = await store.read(lambda tx: tx.calls("o-1"))
            begun = call._replace(owner="ghost", attempts=1, began=house.clock.now())
            await store.write(lambda tx: tx.put_call(begun))
            await store.write(lambda tx: tx.lease("ghost", house.clock.now() + 15 * SECOND))
            store.close()
            house.clock.advance(14 * SECOND)
            assert await found(client) == []
            house.clock.advance(SECOND)
            assert await found(client) == [("o-1", Kind.LOST, "reserve_stock#1")]
            with pytest.raises(NotParked, match="has lost its worker: another one takes it over, if one is running"):
                await client.retry("o-1", "reserve_stock#1", reason="it hangs", by=OLGA)
        async with house.open() as host:
            await host.run_until_idle()
            assert await found(host) == [("o-1", Kind.FAILING, "reserve_stock#1")]
            await pass_time(host, house.clock, MINUTE)
            assert (await host.settled("o-1")).status.finished
            assert await found(host) == []

    finishing(run())


def test_a_letter_that_was_not_taken_is_found_with_its_sender_though_that_has_ended(house: House) -> None:
    talker, listener = map(generated, kernels(TALK).values())

    async def run() -> None:
        async with house.open_for({talker: doing(), listener: doing()}) as host:
            await host.start(listener, "l", inputs(listener))
            await host.start(talker, "t", inputs(talker, "l"))
            await host.start(talker, "u", inputs(talker, "nobody yet"))
            await host.run_until_idle()
            assert await found(host) == [("t", Kind.DEAD, "t/1/0")]
            assert await host.troubled("t") == []
            await host.discard("t/1/0", reason="it sleeps", by=OLGA)
            assert await found(host) == []

    finishing(run())


def test_instances_are_found_whose_flow_nobody_here_runs(house: House) -> None:
    talker, listener = map(generated, kernels(TALK).values())

    async def run() -> None:
        async with house.open_for({talker: doing(), listener: doing()}) as host:
            await host.start(listener, "l", inputs(listener))
            await host.start(talker, "t", inputs(talker, "l"))
            await host.run_until_idle()
            assert await host.unknown() == {}
        async with house.client() as client:
            assert await client.unknown() == {"Listener/1": 1}, "of those that have not ended"

    finishing(run())
