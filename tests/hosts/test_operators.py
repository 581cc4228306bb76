"""The contract of every client: what operators skip, withdraw, claim and send, and what they may not."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from kernels import flow, kernels
from order_flow import Cancel, Order, Review, ReviewVerdict
from orders import (
    CLEO,
    DORA,
    LARGE,
    MAX,
    OLGA,
    SMALL,
    Hang,
    House,
    doing,
    finishing,
    inputs,
    pass_time,
    sound,
    triggers,
)
from penstock.runtime.codec import Invalid
from penstock.runtime.core import Actor, Rejected, Withdraw
from penstock.runtime.errors import TooLate, Unknown
from penstock.runtime.hosts.protocol import Host
from penstock.runtime.journal import replay
from penstock.runtime.store import EntryKind, Status
from penstock.runtime.story import story
from twins import generated

HOUR = timedelta(hours=1)
LOST = ConnectionError("lost")

FAULTY = """
  input { by: int }
  data { n: int = 0 }
  activity ask() { timeout 10s retry 1 readonly }
  start -> Asking
  state Asking { do ask() on done { n = 1 / by } -> Done on failed -> Given }
  final Done
  final Given
"""
HOLD = """
  activity hold() { timeout 10s retry 1 then park compensate release() { retry 1 } }
  start -> Holding
  state Holding { do hold() on done -> Done }
  final Done
"""
FAMILY = """
flow Shipping version 1 {
  event sent
  activity book() -> text { timeout 10s  retry 1  compensate unbook(result) }
  start -> Booking
  state Booking { do book()  on done(_) -> Waiting  on failed -> compensate -> Lost }
  state Waiting { on sent -> Sent  wait forever "the carrier tells" }
  final Sent
  final failure Lost
}

flow Order version 1 {
  event refuse
  start -> Sending
  state Sending { do flow Shipping()  on done -> Sent  on failed -> Failed }
  state Sent { on refuse -> compensate -> Failed  after 1d -> Done }
  final Done
  final failure Failed
}
"""
FLOWS = {name: generated(kernel) for name, kernel in kernels(FAMILY).items()}
ORDER, SHIPPING = FLOWS["Order"], FLOWS["Shipping"]
SHIP = "o/Shipping#1"


def family(house: House) -> Host:
    """A host of both flows."""
    work = doing(book=["b-1"], unbook=[None])
    return house.open_for({ORDER: work, SHIPPING: work})


def test_a_compensation_that_is_skipped_counts_as_done_and_its_row_says_that_it_was_not(house: House) -> None:
    house.shop.script["charge_card"] = [LOST] * 5
    house.shop.script["refund"] = [LOST] * 12

    async def run() -> None:
        async with house.open() as host, house.client() as client:
            await host.start(Order, "o-1", SMALL)
            await host.run_until_idle()
            await pass_time(host, house.clock, *[HOUR] * 20)
            with pytest.raises(ValueError, match="reason"):
                await client.skip("o-1", "charge_card#3/undo", reason="", by=OLGA)
            with pytest.raises(Unknown, match=r"parked, or waiting: 'charge_card#3/undo'"):
                await client.skip("o-1", "charge_card#3", reason="wrong key", by=OLGA)
            await client.skip("o-1", "charge_card#3/undo", reason="nothing was charged", by=OLGA)
            assert (await host.settled("o-1")).configuration == ("Cancelled",)
            assert house.shop.names()[-1] == "release_stock"
            journal = await sound(host, "o-1")
            (row,) = [entry for entry in journal if entry.kind is EntryKind.SKIPPED]
            assert (row.note, json.loads(row.actor)["id"]) == ("nothing was charged", "olga")
            told = story(Order.spec, journal)
            assert 'refund (undoing charge_card) is skipped by olga ("nothing was charged")' in told

    finishing(run())


def test_a_call_that_still_has_attempts_can_be_skipped(house: House) -> None:
    house.shop.script["charge_card"] = [LOST] * 5
    house.shop.script["refund"] = [LOST] * 2

    async def run() -> None:
        async with house.open() as host:
            await host.start(Order, "o-1", SMALL)
            await host.run_until_idle()
            await pass_time(host, house.clock, HOUR)
            await host.skip("o-1", "charge_card#3", reason="the bank is gone", by=OLGA)
            await host.run_until_idle()
            await pass_time(host, house.clock, HOUR)
            assert house.shop.names().count("refund") == 2 and await host.parked() == []
            await host.skip("o-1", "charge_card#3/undo", reason="nothing was charged", by=OLGA)
            assert (await host.settled("o-1")).configuration == ("Cancelled",)
            journal = await sound(host, "o-1")
            assert [row.note for row in journal if row.kind is EntryKind.SKIPPED] == [
                "the bank is gone", "nothing was charged"
            ]  # fmt: skip

    finishing(run())


def test_a_call_that_the_flow_was_proved_to_park_cannot_be_skipped(house: House) -> None:
    house.shop.script["ship"] = [LOST] * 24

    async def run() -> None:
        async with house.open() as host:
            await host.start(Order, "o-1", SMALL)
            await host.run_until_idle()
            await pass_time(host, house.clock, *[HOUR] * 23)
            before = await host.instance("o-1")
            with pytest.raises(Invalid, match=r"ship is parked rather than failed.* answered by hand \(done\)"):
                await host.skip("o-1", "ship#4", reason="forget it", by=OLGA)
            with pytest.raises(TooLate, match="ship may have had its effect"):
                await host.cancel("o-1", reason="forget it", by=OLGA)
            assert await host.instance("o-1") == before and len(await host.parked()) == 1

    finishing(run())


def test_a_call_that_is_skipped_where_it_may_fail_goes_the_way_of_its_failure(house: House) -> None:
    made = generated(flow(FAULTY))

    async def run() -> None:
        async with house.open_for({made: doing(ask=[None])}) as host:
            await host.start(made, "sore", inputs(made, 0))
            await host.run_until_idle()
            (call,) = await host.parked()
            await host.skip("sore", call.key, reason="nobody needs the answer", by=OLGA)
            assert (await host.settled("sore")).configuration == ("Given",)
            journal = await host.journal("sore")
            assert triggers(journal) == ["start", "ask#1 parked", "ask#1 failed"]
            assert replay(made, journal) == await host.record("sore")

    finishing(run())


def test_a_sub_flow_that_could_not_begin_can_be_skipped_as_failed(house: House) -> None:
    async def run() -> None:
        async with family(house) as host:
            await host.start(SHIPPING, "o/Shipping#1", inputs(SHIPPING))
            await host.start(ORDER, "o", inputs(ORDER))
            (parked,) = await host.parked()
            assert parked.key == "Shipping#1"
            await host.skip("o", "Shipping#1", reason="there is one by another way", by=OLGA)
            assert (await host.instance("o")).configuration == ("Failed",)

    finishing(run())


# ---------------------------------------------------------------- cancel


def test_a_cancelled_instance_breaks_off_what_runs_and_undoes_what_it_has_done(house: House) -> None:
    house.shop.script["charge_card"] = [Hang]

    async def run() -> None:
        async with house.open() as host, house.client() as client:
            await host.start(Order, "o-1", SMALL, by=CLEO)
            await house.shop.called("charge_card")
            with pytest.raises(ValueError, match="reason"):
                await client.cancel("o-1", reason=" ", by=OLGA)
            await client.cancel("o-1", reason="a fraud", by=OLGA)
            ended = await host.settled("o-1")
            assert (ended.status, ended.configuration) == (Status.FAILED, ())
            assert house.shop.names()[-2:] == ["refund", "release_stock"]
            journal = await sound(host, "o-1")
            assert 'cancelled by olga ("a fraud"); charge_card is interrupted → compensating' in story(
                Order.spec, journal
            )
            with pytest.raises(TooLate, match="has ended"):
                await client.cancel("o-1", reason="a fraud", by=OLGA)
            with pytest.raises(Rejected, match="finished"):
                await client.send("o-1", Cancel(), by=CLEO)

    finishing(run())


def test_a_parked_call_is_undone_when_its_instance_is_cancelled(house: House) -> None:
    made = generated(flow(HOLD))

    async def run() -> None:
        async with house.open_for({made: doing(hold=[LOST], release=[LOST, None])}) as host:
            await host.start(made, "h", inputs(made))
            await host.run_until_idle()
            await host.cancel("h", reason="it will never come", by=OLGA)
            await host.run_until_idle()
            with pytest.raises(TooLate, match="being withdrawn already"):
                await host.cancel("h", reason="it will never come", by=OLGA)
            (call,) = await host.parked()
            assert call.key == "hold#1/undo"
            await host.retry("h", call.key, reason="now it can be undone", by=OLGA)
            assert (await host.settled("h")).status is Status.FAILED
            assert await host.parked() == []

    finishing(run())


def test_cancelling_while_it_compensates_ends_where_it_was_cancelled_and_undoes_nothing_twice(house: House) -> None:
    house.shop.script["release_stock"] = [LOST, None]

    async def run() -> None:
        async with house.open() as host:
            await host.start(Order, "o-1", LARGE, by=CLEO)
            await host.settled("o-1")
            await host.send("o-1", Cancel(), by=CLEO)
            await host.run_until_idle()
            await host.cancel("o-1", reason="not even that", by=OLGA)
            await pass_time(host, house.clock, HOUR)
            ended = await host.settled("o-1")
            assert (ended.status, ended.configuration) == (Status.FAILED, ())
            assert house.shop.names()[2:] == ["release_stock"] * 2
            await sound(host, "o-1")

    finishing(run())


def test_what_has_succeeded_is_not_cancelled(house: House) -> None:
    async def run() -> None:
        async with family(house) as host:
            await host.start(ORDER, "o", inputs(ORDER))
            await host.run_until_idle()
            await host.send(SHIP, SHIPPING.event("sent"))
            before = await host.instance(SHIP)
            with pytest.raises(TooLate, match=r"has ended \(succeeded\)"):
                await host.cancel(SHIP, reason="the parcel came back", by=OLGA)
            assert await host.instance(SHIP) == before

    finishing(run())


def test_a_parent_hears_that_its_child_was_cancelled_as_that_it_failed(house: House) -> None:
    async def run() -> None:
        async with family(house) as host:
            await host.start(ORDER, "o", inputs(ORDER))
            await host.run_until_idle()
            await host.cancel(SHIP, reason="no carrier", by=OLGA)
            await host.run_until_idle()
            assert (await host.instance(SHIP)).status is Status.FAILED
            assert (await host.instance("o")).configuration == ("Failed",)

    finishing(run())


def test_cancelling_a_parent_withdraws_its_children(house: House) -> None:
    async def run() -> None:
        async with family(house) as host:
            await host.start(ORDER, "o", inputs(ORDER))
            await host.run_until_idle()
            await host.cancel("o", reason="a fraud", by=OLGA)
            await host.run_until_idle()
            for id in ("o", SHIP):
                ended = await host.instance(id)
                assert (ended.status, ended.configuration) == (Status.FAILED, ())

    finishing(run())


# ---------------------------------------------------------------- people


def test_an_operators_signal_has_its_reason_in_the_journal(house: House) -> None:
    async def run() -> None:
        async with house.open() as host:
            await host.start(Order, "o-1", LARGE, by=CLEO)
            await host.settled("o-1")
            clerk = Actor("olga", frozenset({"customer"}))
            entry = await host.send("o-1", Cancel(), by=clerk, reason="asked for by telephone")
            assert entry.note == "asked for by telephone"
            await host.settled("o-1")
            assert "cancel by olga" in story(Order.spec, await sound(host, "o-1"))
            with pytest.raises(TypeError, match="`cancel`"):
                await host.send("o-1", Withdraw(), by=clerk)

    finishing(run())


def test_who_claims_a_task_is_alone_to_do_it(house: House) -> None:
    async def run() -> None:
        async with house.open() as host:
            await host.start(Order, "o-1", LARGE, by=CLEO)
            await host.settled("o-1")
            with pytest.raises(Rejected, match="role"):
                await host.claim("o-1", "review", by=DORA)
            with pytest.raises(Rejected, match="payload"):
                await host.claim("o-1", "review", by=Actor("", MAX.roles))
            await host.claim("o-1", "review", by=MAX, reason="I know them")
            assert [task.persons for task in await host.tasks(for_=MAX)] == [("max",)]
            other = Actor("mia", MAX.roles)
            assert await host.tasks(for_=other) == []
            with pytest.raises(Rejected, match="role"):
                await host.complete("o-1", Review(ReviewVerdict.ACCEPT, None), by=other)
            await host.complete("o-1", Review(ReviewVerdict.ACCEPT, None), by=MAX, reason="in their absence")
            await host.settled("o-1")
            journal = await sound(host, "o-1")
            assert [entry.note for entry in journal if entry.note] == ["I know them", "in their absence"]

    finishing(run())
