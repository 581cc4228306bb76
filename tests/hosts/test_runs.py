"""The contract of every host: what a flow's run looks like from outside, when all goes well and when it does not."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from order_flow import Cancel, Carrier, Declined, Order, OutOfStock, Review, ReviewVerdict
from orders import CLEO, DORA, LARGE, MAX, SMALL, Hang, House, finishing, pass_time, sound, triggers
from penstock.runtime.core import Rejected
from penstock.runtime.errors import Conflict, Unknown
from penstock.runtime.store import Status

HOUR = timedelta(hours=1)


def test_an_order_is_delivered(house: House) -> None:
    async def run() -> None:
        async with house.open() as host:
            await host.start(Order, "o-1", SMALL, by=CLEO)
            instance = await host.settled("o-1")
            assert (instance.status, instance.configuration) == (Status.SUCCEEDED, ("Delivered",))
            assert house.shop.calls == [
                ("reserve_stock", "o-1/reserve_stock#1", ("A1", 2)),
                ("quote", "o-1/quote#2", ("A1",)),
                ("charge_card", "o-1/charge_card#3", (Decimal("20.00"),)),
                ("ship", "o-1/ship#4", ("A1", 2, Carrier.UPS)),
            ]
            journal = await sound(host, "o-1")
            assert [entry.sequence for entry in journal] == [1, 2, 3, 4, 5]
            assert journal[0].actor == '{"id":"cleo","roles":["customer"]}'

    finishing(run())


def test_a_declined_card_is_never_tried_again_and_the_stock_is_released(house: House) -> None:
    house.shop.script["charge_card"] = [Declined("no money")]

    async def run() -> None:
        async with house.open() as host:
            await host.start(Order, "o-1", SMALL)
            instance = await host.settled("o-1")
            assert (instance.status, instance.configuration) == (Status.FAILED, ("Cancelled",))
            assert house.shop.names() == ["reserve_stock", "quote", "charge_card", "release_stock"]
            assert house.shop.calls[-1] == ("release_stock", "o-1/reserve_stock#1", ("r-1",))
            assert triggers(await sound(host, "o-1"))[3:] == ["charge_card#3 declined", "reserve_stock#1/undo done"]

    finishing(run())


def test_what_may_have_happened_is_undone_in_reverse_order_with_the_forward_keys(house: House) -> None:
    house.shop.script["charge_card"] = [ConnectionError("lost")] * 5

    async def run() -> None:
        async with house.open() as host:
            await host.start(Order, "o-1", SMALL)
            await host.run_until_idle()
            await pass_time(host, house.clock, *[timedelta(minutes=1)] * 4)
            assert (await host.settled("o-1")).configuration == ("Cancelled",)
            assert house.shop.calls[-2:] == [
                ("refund", "o-1/charge_card#3", (None,)),
                ("release_stock", "o-1/reserve_stock#1", ("r-1",)),
            ]
            assert "charge_card#3 failed" in triggers(await sound(host, "o-1"))

    finishing(run())


def test_a_manager_who_did_not_start_the_order_approves_it(house: House) -> None:
    accept = Review(ReviewVerdict.ACCEPT, None)

    async def run() -> None:
        async with house.open() as host:
            await host.start(Order, "o-1", LARGE, by=CLEO)
            await host.settled("o-1")
            (task,) = await host.tasks("manager")
            assert (task.task, task.title, task.excluded) == ("review", "Approve order of 2000.00", ("cleo",))
            assert await host.tasks("director") == []
            for by, reason in ((CLEO, "role"), (DORA, "role"), (MAX._replace(id="cleo"), "excluded")):
                with pytest.raises(Rejected) as rejected:
                    await host.complete("o-1", accept, by=by)
                assert rejected.value.reason == reason
            assert len(await host.journal("o-1")) == 3
            await host.complete("o-1", accept, by=MAX)
            assert (await host.settled("o-1")).configuration == ("Delivered",)
            assert await host.tasks() == []
            with pytest.raises(Rejected, match="finished"):
                await host.complete("o-1", accept, by=MAX)
            await sound(host, "o-1")

    finishing(run())


def test_a_task_goes_to_the_director_after_a_day_and_the_order_expires_after_three(house: House) -> None:
    async def run() -> None:
        async with house.open() as host:
            await host.start(Order, "o-1", LARGE, by=CLEO)
            await host.settled("o-1")
            await pass_time(host, house.clock, 24 * HOUR - timedelta(microseconds=1))
            assert await host.tasks("director") == []
            await pass_time(host, house.clock, timedelta(microseconds=1))
            assert [task.roles for task in await host.tasks("director")] == [("manager", "director")]
            await pass_time(host, house.clock, 48 * HOUR)
            assert (await host.settled("o-1")).configuration == ("Expired",)
            assert await host.tasks() == []
            await sound(host, "o-1")

    finishing(run())


def test_timers_that_fell_due_while_no_host_ran_fire_in_due_order_after_the_restart(house: House) -> None:
    async def run() -> None:
        async with house.open() as host:
            await host.start(Order, "o-1", LARGE, by=CLEO)
            await host.settled("o-1")
        house.clock.advance(100 * HOUR)
        async with house.open() as host:
            assert (await host.settled("o-1")).configuration == ("Expired",)
            told = triggers(await sound(host, "o-1"))[3:]
            assert told == ["Approval.review.escalate1", "Approval.after1", "reserve_stock#1/undo done"]

    finishing(run())


def test_an_overdue_timer_comes_before_the_event_that_finds_it(house: House) -> None:
    async def run() -> None:
        async with house.open() as host:
            await host.start(Order, "o-1", LARGE, by=CLEO)
            await host.settled("o-1")
            house.clock.advance(100 * HOUR)
            with pytest.raises(Rejected, match="closed"):
                await host.complete("o-1", Review(ReviewVerdict.ACCEPT, None), by=MAX)
            assert (await host.settled("o-1")).configuration == ("Expired",)

    finishing(run())


def test_an_event_by_the_wrong_role_or_in_the_wrong_state_is_rejected_without_a_trace(house: House) -> None:
    async def run() -> None:
        async with house.open() as host:
            await host.start(Order, "o-1", LARGE, by=CLEO)
            await host.settled("o-1")
            before = await host.journal("o-1")
            with pytest.raises(Rejected, match="role"):
                await host.send("o-1", Cancel(), by=MAX)
            with pytest.raises(TypeError):
                await host.send("o-1", "cancel", by=CLEO)
            with pytest.raises(Unknown):
                await host.send("o-2", Cancel(), by=CLEO)
            assert await host.journal("o-1") == before

    finishing(run())


def test_an_event_that_is_ignored_was_acknowledged_and_so_is_in_the_journal(house: House) -> None:
    house.shop.script["charge_card"] = [Hang]

    async def run() -> None:
        async with house.open() as host:
            await host.start(Order, "o-1", SMALL)
            await house.shop.called("charge_card")
            receipt = await host.send("o-1", Cancel(), by=CLEO)
            assert receipt.effects == "[]"
            assert receipt in await sound(host, "o-1")

    finishing(run())


def test_an_event_waits_while_the_flow_compensates_and_is_dropped_at_the_end(house: House) -> None:
    house.shop.script["charge_card"] = [Declined()]
    house.shop.script["release_stock"] = [Hang]

    async def run() -> None:
        async with house.open() as host:
            await host.start(Order, "o-1", SMALL)
            await house.shop.called("release_stock")
            assert (await host.send("o-1", Cancel(), by=CLEO)).status is Status.COMPENSATING
            await pass_time(host, house.clock, timedelta(seconds=30), timedelta(seconds=1))
            assert (await host.settled("o-1")).configuration == ("Cancelled",)
            assert "DropEvent" in (await sound(host, "o-1"))[-1].effects

    finishing(run())


def test_starting_again_with_the_same_id_is_the_same_start(house: House) -> None:
    async def run() -> None:
        async with house.open() as host:
            first = await host.start(Order, "o-1", SMALL)
            await host.settled("o-1")
            assert await host.start(Order, "o-1", SMALL) == first
            with pytest.raises(Conflict):
                await host.start(Order, "o-1", LARGE)
            with pytest.raises(Rejected, match="payload"):
                await host.start(Order, "o-2", SMALL._replace(qty=0))
            with pytest.raises(Unknown):
                await host.instance("o-2")
            assert house.shop.names().count("reserve_stock") == 1

    finishing(run())


def test_a_request_id_makes_sending_again_the_same_sending(house: House) -> None:
    async def run() -> None:
        async with house.open() as host:
            await host.start(Order, "o-1", LARGE, by=CLEO)
            await host.settled("o-1")
            review = Review(ReviewVerdict.ACCEPT, "fine")
            first = await host.complete("o-1", review, by=MAX, request="m-1")
            await host.settled("o-1")
            assert await host.complete("o-1", review, by=MAX, request="m-1") == first
            with pytest.raises(Conflict):
                await host.send("o-1", Cancel(), by=CLEO, request="m-1")
            assert triggers(await sound(host, "o-1")).count("review") == 1

    finishing(run())


def test_the_clock_may_be_put_back_without_time_running_backwards_in_the_journal(house: House) -> None:
    async def run() -> None:
        async with house.open() as host:
            await host.start(Order, "o-1", LARGE, by=CLEO)
            await host.settled("o-1")
            await pass_time(host, house.clock, 24 * HOUR, -30 * HOUR)
            await host.complete("o-1", Review(ReviewVerdict.ACCEPT, None), by=DORA)
            assert (await host.settled("o-1")).configuration == ("Delivered",)
            moments = [entry.at for entry in await sound(host, "o-1")]
            assert moments == sorted(moments)

    finishing(run())


def test_business_errors_of_the_first_activity_leave_nothing_to_undo(house: House) -> None:
    house.shop.script["reserve_stock"] = [OutOfStock()]

    async def run() -> None:
        async with house.open() as host:
            await host.start(Order, "o-1", SMALL)
            assert (await host.settled("o-1")).configuration == ("Cancelled",)
            assert house.shop.names() == ["reserve_stock"]

    finishing(run())
