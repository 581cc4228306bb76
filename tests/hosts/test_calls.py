"""The contract of every host: attempts, retries, timeouts, interruptions, dead letters."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from order_flow import Cancel, Declined, Order, OutOfStock
from orders import CLEO, LARGE, OLGA, SMALL, START, Hang, House, Shop, finishing, pass_time, sound, triggers
from penstock.runtime.codec import Invalid
from penstock.runtime.core import Outcome
from penstock.runtime.errors import HostError, NotParked, Unknown
from penstock.runtime.hosts.sqlite import SqliteHost

SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)
LOST = ConnectionError("lost")


def test_a_failed_attempt_is_repeated_with_the_same_key_after_a_growing_pause(house: House) -> None:
    house.shop.script["charge_card"] = [LOST] * 4

    async def run() -> None:
        async with house.open() as host:
            await host.start(Order, "o-1", SMALL)
            await host.run_until_idle()
            for pause in (2, 4, 8, 16):
                before = len(house.shop.calls)
                await pass_time(host, house.clock, timedelta(seconds=pause) - timedelta(microseconds=1))
                assert len(house.shop.calls) == before
                await pass_time(host, house.clock, timedelta(microseconds=1))
                assert len(house.shop.calls) > before
            assert (await host.settled("o-1")).configuration == ("Delivered",)
            charged = [key for name, key, _ in house.shop.calls if name == "charge_card"]
            assert charged == ["o-1/charge_card#3"] * 5
            attempts = [a for a in await host.attempts("o-1") if a.key == "charge_card#3"]
            assert [(a.number, a.started - START) for a in attempts] == [
                (1, 0 * SECOND), (2, 2 * SECOND), (3, 6 * SECOND), (4, 14 * SECOND), (5, 30 * SECOND),
            ]  # fmt: skip
            assert [a.result for a in attempts] == ["failed: ConnectionError: lost"] * 4 + ["done"]
            await sound(host, "o-1")

    finishing(run())


def test_attempts_are_counted_across_restarts(house: House) -> None:
    house.shop.script["reserve_stock"] = [LOST] * 3

    async def run() -> None:
        for _ in range(3):
            async with house.open() as host:
                await host.start(Order, "o-1", SMALL)
                await host.run_until_idle()
            house.clock.advance(MINUTE)
        async with house.open() as host:
            assert (await host.settled("o-1")).configuration == ("Cancelled",)
            assert house.shop.names() == ["reserve_stock"] * 3 + ["release_stock"]
            assert house.shop.calls[-1] == ("release_stock", "o-1/reserve_stock#1", (None,))

    finishing(run())


def test_an_attempt_without_an_answer_times_out(house: House) -> None:
    house.shop.script["reserve_stock"] = [Hang] * 3

    async def run() -> None:
        async with house.open() as host:
            await host.start(Order, "o-1", SMALL)
            for attempt in (1, 2, 3):
                await house.shop.called("reserve_stock", attempt)
                await pass_time(host, house.clock, 10 * SECOND)
                house.clock.advance(30 * SECOND)
            assert (await host.settled("o-1")).configuration == ("Cancelled",)
            assert "reserve_stock#1 timeout" in triggers(await sound(host, "o-1"))
            assert "no answer" in (await host.attempts("o-1"))[0].result

    finishing(run())


@pytest.mark.parametrize("answer", [7, None, Declined("not of this activity"), SystemExit(3), OSError("\ud800")])
def test_an_answer_that_is_none_counts_as_a_failed_attempt(house: House, answer: object) -> None:
    house.shop.script["reserve_stock"] = [answer]

    async def run() -> None:
        async with house.open() as host:
            await host.start(Order, "o-1", SMALL)
            await host.run_until_idle()
            assert (await host.attempts("o-1"))[0].result.startswith("failed: ")
            await pass_time(host, house.clock, SECOND)
            assert (await host.settled("o-1")).configuration == ("Delivered",)

    finishing(run())


def test_an_exhausted_call_is_parked_until_an_operator_retries_it(house: House) -> None:
    house.shop.script["ship"] = [LOST] * 25

    async def run() -> None:
        async with house.open() as host:
            await host.start(Order, "o-1", SMALL)
            await host.run_until_idle()
            await pass_time(host, house.clock, *[HOUR] * 23)
            (letter,) = await host.parked()
            assert (letter.instance, letter.key, letter.error) == ("o-1", "ship#4", "ConnectionError: lost")
            await pass_time(host, house.clock, 100 * HOUR)
            assert house.shop.names().count("ship") == 24
            with pytest.raises(ValueError, match="reason"):
                await host.retry("o-1", "ship#4", reason=" ", by=OLGA)
            with pytest.raises(Unknown):
                await host.retry("o-1", "charge_card#3", reason="why not", by=OLGA)
            await host.retry("o-1", "ship#4", reason="the carrier is back", by=OLGA)
            await host.run_until_idle()
            await pass_time(host, house.clock, MINUTE)
            assert (await host.settled("o-1")).configuration == ("Delivered",)
            assert await host.parked() == []
            journal = await sound(host, "o-1")
            assert triggers(journal)[-4:] == ["ship#4 parked", "ship#4 retry", "ship#4 attempt", "ship#4 done"]
            assert [(e.note, e.actor) for e in journal if e.kind == "retry"] == [
                ("the carrier is back", '{"id":"olga","roles":[]}')
            ]

    finishing(run())


def test_a_call_that_waits_for_its_next_attempt_has_it_at_once_if_an_operator_says_so(house: House) -> None:
    house.shop.script["ship"] = [LOST] * 9

    async def run() -> None:
        async with house.open() as host:
            await host.start(Order, "o-1", SMALL)
            await host.run_until_idle()
            await pass_time(host, house.clock, *[HOUR] * 7)
            before = house.clock.now()
            assert house.shop.names().count("ship") == 8 and await host.parked() == []
            with pytest.raises(ValueError, match="reason"):
                await host.retry("o-1", "ship#4", reason=" ", by=OLGA)
            await host.retry("o-1", "ship#4", reason="the carrier is back", by=OLGA)
            await host.run_until_idle()
            assert house.shop.names().count("ship") == 9, "it has failed again, and is at the beginning of a round"
            await pass_time(host, house.clock, MINUTE)
            assert (await host.settled("o-1")).configuration == ("Delivered",)
            assert house.clock.now() == before + MINUTE
            assert len({key for name, key, _ in house.shop.calls if name == "ship"}) == 1
            journal = await sound(host, "o-1")
            assert triggers(journal)[-3:] == ["ship#4 retry", "ship#4 attempt", "ship#4 done"]
            assert [(e.note, e.actor) for e in journal if e.kind == "retry"] == [
                ("the carrier is back", '{"id":"olga","roles":[]}')
            ]

    finishing(run())


def test_a_round_of_attempts_that_an_operator_begins_is_a_whole_one(house: House) -> None:
    house.shop.script["charge_card"] = [LOST] * 8

    async def run() -> None:
        async with house.open() as host:
            await host.start(Order, "o-1", SMALL)
            await host.run_until_idle()
            await pass_time(host, house.clock, *[HOUR] * 3)
            assert house.shop.names().count("charge_card") == 4, "of five"
            await host.retry("o-1", "charge_card#3", reason="the bank is back", by=OLGA)
            await pass_time(host, house.clock, *[HOUR] * 5)
            assert (await host.settled("o-1")).configuration == ("Delivered",)
            assert house.shop.names().count("charge_card") == 9

    finishing(run())


def test_what_a_worker_is_about_is_left_to_it_and_the_refusal_says_what_can_be_done(house: House) -> None:
    house.shop.script["ship"] = [*[LOST] * 24, Hang]

    async def run() -> None:
        async with house.open() as host:
            await host.start(Order, "o-1", SMALL)
            await host.run_until_idle()
            await pass_time(host, house.clock, *[HOUR] * 24)
            async with house.client() as client:
                await host.retry("o-1", "ship#4", reason="the carrier is back", by=OLGA)
                await house.shop.called("ship", 25)
                before = await host.instance("o-1")
                for act in (
                    client.retry("o-1", "ship#4", reason="now", by=OLGA),
                    client.skip("o-1", "ship#4", reason="now", by=OLGA),
                    client.settle("o-1", Outcome("ship#4", "done", "t-9"), reason="now", by=OLGA),
                ):
                    with pytest.raises(NotParked, match=r"attempt 25 of 'ship#4' .* is under way: wait .* or cancel"):
                        await act
                assert await host.instance("o-1") == before
            await pass_time(host, house.clock, HOUR, MINUTE)
            assert (await host.settled("o-1")).configuration == ("Delivered",)

    finishing(run())


def test_a_call_that_is_due_already_asks_for_a_worker_and_not_for_an_operator(house: House) -> None:
    house.shop.script["ship"] = [LOST] * 24

    async def run() -> None:
        async with house.open() as host:
            await host.start(Order, "o-1", SMALL)
            await host.run_until_idle()
            await pass_time(host, house.clock, *[HOUR] * 24)
        async with house.client() as client:
            await client.retry("o-1", "ship#4", reason="the carrier is back", by=OLGA)
            with pytest.raises(NotParked, match=r"due already: is a worker running\?"):
                await client.retry("o-1", "ship#4", reason="the carrier is back", by=OLGA)
            assert len([row for row in await client.journal("o-1") if row.kind == "retry"]) == 1

    finishing(run())


def test_a_call_that_waits_for_its_next_attempt_can_be_answered_by_hand(house: House) -> None:
    house.shop.script["ship"] = [LOST] * 3

    async def run() -> None:
        async with house.open() as host:
            await host.start(Order, "o-1", SMALL)
            await host.run_until_idle()
            await pass_time(host, house.clock, HOUR)
            assert await host.parked() == []
            await host.settle("o-1", Outcome("ship#4", "done", "t-9"), reason="sent by hand", by=OLGA)
            assert (await host.settled("o-1")).configuration == ("Delivered",)
            assert (await sound(host, "o-1"))[-1].note == "sent by hand"
            await pass_time(host, house.clock, *[HOUR] * 3)
            assert house.shop.names().count("ship") == 2, "it is not tried again"

    finishing(run())


def test_an_operator_settles_a_parked_call_by_hand_with_an_outcome_it_can_have(house: House) -> None:
    house.shop.script["ship"] = [LOST] * 24

    async def run() -> None:
        async with house.open() as host:
            await host.start(Order, "o-1", SMALL)
            await host.run_until_idle()
            await pass_time(host, house.clock, *[HOUR] * 23)
            for outcome in (Outcome("ship#4", "failed"), Outcome("ship#4", "done", 9)):
                with pytest.raises(Invalid):
                    await host.settle("o-1", outcome, reason="not possible", by=OLGA)
            assert len(await host.parked()) == 1
            await host.settle("o-1", Outcome("ship#4", "done", "t-9"), reason="sent by hand", by=OLGA)
            assert (await host.settled("o-1")).configuration == ("Delivered",)
            assert await host.parked() == []
            assert (await sound(host, "o-1"))[-1].note == "sent by hand"

    finishing(run())


def test_a_compensation_that_gives_up_is_parked_and_the_rest_of_the_log_waits_for_it(house: House) -> None:
    house.shop.script["charge_card"] = [LOST] * 5
    house.shop.script["refund"] = [LOST] * 12

    async def run() -> None:
        async with house.open() as host:
            await host.start(Order, "o-1", SMALL)
            await host.run_until_idle()
            await pass_time(host, house.clock, *[HOUR] * 20)
            (letter,) = await host.parked()
            assert (letter.key, letter.idempotency_key) == ("charge_card#3/undo", "o-1/charge_card#3")
            assert "release_stock" not in house.shop.names()
            with pytest.raises(Invalid):
                await host.settle("o-1", Outcome(letter.key, "failed"), reason="give up", by=OLGA)
            await host.settle("o-1", Outcome(letter.key, "done"), reason="paid back in cash", by=OLGA)
            assert (await host.settled("o-1")).configuration == ("Cancelled",)
            assert house.shop.names()[-1] == "release_stock"
            await sound(host, "o-1")

    finishing(run())


def test_a_call_that_runs_is_cancelled_and_settled_before_its_compensation_begins(house: House) -> None:
    house.shop.script["reserve_stock"] = [Hang]

    async def run() -> None:
        async with house.open() as host:
            await host.start(Order, "o-1", SMALL)
            await house.shop.called("reserve_stock")
            await host.send("o-1", Cancel(), by=CLEO)
            assert (await host.settled("o-1")).configuration == ("Cancelled",)
            assert house.shop.calls[-1] == ("release_stock", "o-1/reserve_stock#1", (None,))
            told = triggers(await sound(host, "o-1"))
            assert told == ["start", "cancel", "reserve_stock#1 interrupted", "reserve_stock#1/undo done"]

    finishing(run())


def test_a_call_that_waits_for_its_next_attempt_is_settled_at_once(house: House) -> None:
    house.shop.script["reserve_stock"] = [LOST]

    async def run() -> None:
        async with house.open() as host:
            await host.start(Order, "o-1", SMALL)
            await host.run_until_idle()
            await host.send("o-1", Cancel(), by=CLEO)
            assert (await host.settled("o-1")).configuration == ("Cancelled",)
            assert house.shop.names() == ["reserve_stock", "release_stock"]
            await pass_time(host, house.clock, HOUR)
            assert house.shop.names() == ["reserve_stock", "release_stock"]

    finishing(run())


@pytest.mark.parametrize(
    ("ending", "told"),
    [
        ("r-7", [("release_stock", "o-1/reserve_stock#1", ("r-7",))]),
        (OutOfStock(), []),
        (LOST, [("release_stock", "o-1/reserve_stock#1", (None,))]),
    ],
)
def test_an_interrupted_thread_is_waited_for_and_its_true_outcome_settles_the_call(
    house: House, ending: object, told: list[object]
) -> None:
    begun, go_on = threading.Event(), threading.Event()

    class SlowShop(Shop):
        def reserve_stock(self, sku: str, qty: int, *, key: str) -> str:  # type: ignore[override]  # a plain method too
            begun.set()
            assert go_on.wait(20)
            if isinstance(ending, Exception):
                raise ending
            return str(ending)

    house.shop = SlowShop()

    async def run() -> None:
        async with house.open() as host:
            await host.start(Order, "o-1", SMALL)
            while not begun.is_set():
                await host.instance("o-1")
            await host.send("o-1", Cancel(), by=CLEO)
            assert house.shop.calls == []
            go_on.set()
            assert (await host.settled("o-1")).configuration == ("Cancelled",)
            assert house.shop.calls == told
            await sound(host, "o-1")

    finishing(run())


def test_a_plain_method_runs_on_a_thread_and_does_not_stop_the_others(house: House) -> None:
    class PlainShop(Shop):
        def charge_card(self, total: Decimal, *, key: str) -> str:  # type: ignore[override]  # a plain method too
            return threading.current_thread().name

    house.shop = PlainShop()

    async def run() -> None:
        async with house.open() as host:
            await host.start(Order, "o-1", SMALL)
            assert (await host.settled("o-1")).configuration == ("Delivered",)
            assert (await host.record("o-1")).data.payment == "penstock-activity"

    finishing(run())


def test_stopping_the_host_breaks_an_attempt_off_without_counting_it(house: House) -> None:
    house.shop.script["reserve_stock"] = [Hang] * 3

    async def run() -> None:
        for _ in range(3):
            async with house.open() as host:
                await host.start(Order, "o-1", SMALL)
                await house.shop.called("reserve_stock")
            house.shop.calls.clear()
        async with house.open() as host:
            assert (await host.settled("o-1")).configuration == ("Delivered",)
            results = [a.result for a in await host.attempts("o-1") if a.key == "reserve_stock#1"]
            assert results == ["interrupted: its worker stopped"] * 3 + ["done"]

    finishing(run())


def test_an_interrupted_call_that_its_stopping_worker_leaves_behind_is_not_made_again(house: House) -> None:
    begun, go_on = threading.Event(), threading.Event()

    class SlowShop(Shop):
        def reserve_stock(self, sku: str, qty: int, *, key: str) -> str:  # type: ignore[override]  # a plain method too
            begun.set()
            go_on.wait(20)
            return "too late"

    house.shop = SlowShop()
    house.limits = replace(house.limits, grace=timedelta(0))

    async def run() -> None:
        async with house.open() as host:
            await host.start(Order, "o-1", SMALL)
            while not begun.is_set():
                await host.instance("o-1")
            await host.send("o-1", Cancel(), by=CLEO)
        begun.clear()
        async with house.open() as host:
            assert (await host.settled("o-1")).configuration == ("Cancelled",)
            go_on.set()
            assert not begun.is_set()
            assert house.shop.calls == [("release_stock", "o-1/reserve_stock#1", (None,))]
            assert "reserve_stock#1 interrupted" in triggers(await sound(host, "o-1"))

    finishing(run())


def test_a_host_that_is_not_open_says_so(house: House) -> None:
    with pytest.raises(HostError, match="async with"):
        finishing(house.open().instance("o-1"))


def test_a_host_refuses_activities_that_lack_a_method(house: House) -> None:
    with pytest.raises(TypeError, match=r"object lacks reserve_stock, .*refund, which Order calls"):
        SqliteHost(house.folder / "orders.db", {Order: object()})


def test_many_instances_run_side_by_side(house: House) -> None:
    async def run() -> None:
        async with house.open() as host:
            ids = [f"o-{number}" for number in range(40)]
            for number, id in enumerate(ids):
                await host.start(Order, id, LARGE if number % 4 == 0 else SMALL)
            await host.run_until_idle()
            for number, id in enumerate(ids):
                expected = "Approval" if number % 4 == 0 else "Delivered"
                assert (await host.instance(id)).configuration == (expected,)
                await sound(host, id)
            assert len(house.shop.calls) == 10 * 2 + 30 * 4 == len(set(house.shop.calls))

    finishing(run())


def test_what_an_attempt_raised_is_logged_whatever_it_says(house: House, caplog: pytest.LogCaptureFixture) -> None:
    house.shop.script["reserve_stock"] = [OSError("\ud800"), OSError("whole")]

    async def run() -> None:
        async with house.open() as host:
            await host.start(Order, "o-1", SMALL)
            await host.run_until_idle()
            await pass_time(host, house.clock, SECOND)

    finishing(run())
    half, whole = (
        record for record in caplog.records if record.name == "penstock" and "reserve_stock" in record.message
    )
    assert half.message.endswith(r"OSError: \ud800") and half.exc_info is None
    assert whole.message.endswith("OSError: whole") and whole.exc_info is not None
    caplog.text.encode()
