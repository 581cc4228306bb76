"""The contract of every host: several of them on one place, late and repeated deliveries, workers that are lost."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from order_flow import Cancel, Carrier, Order
from orders import CLEO, LARGE, SMALL, START, Hang, House, finishing, sound, triggers
from penstock.runtime.claims import Claims
from penstock.runtime.core import NOBODY, Fired, Outcome
from penstock.runtime.engine import Engine
from penstock.runtime.errors import StoreError
from penstock.runtime.hosts.sqlite import SqliteHost
from penstock.runtime.hosts.sqlite_store import SqliteStore
from penstock.runtime.outbox import Result
from penstock.runtime.store import EntryKind, Instance, JournalEntry, News, PendingCall, Status, Transaction
from penstock.runtime.timers import SystemClock
from penstock.runtime.worker import Limits

LEASE = timedelta(seconds=15)


def test_two_hosts_share_the_work_and_each_call_is_made_once(house: House) -> None:
    async def run() -> None:
        async with house.open() as one, house.open() as other:
            ids = [f"o-{number}" for number in range(30)]
            for number, id in enumerate(ids):
                await (one, other)[number % 2].start(Order, id, SMALL)
            await asyncio.gather(one.run_until_idle(), other.run_until_idle())
            for id in ids:
                assert (await one.settled(id)).configuration == ("Delivered",)
                await sound(other, id)
            assert len(house.shop.calls) == 30 * 4 == len(set(house.shop.calls))
            workers = {attempt.worker for id in ids for attempt in await one.attempts(id)}
            assert len(workers) == 2

    finishing(run())


def test_two_hosts_that_send_to_one_instance_leave_one_unbroken_journal(house: House) -> None:
    house.shop.script["charge_card"] = [Hang]

    async def run() -> None:
        async with house.open() as one, house.open() as other:
            await one.start(Order, "o-1", SMALL)
            await house.shop.called("charge_card")
            receipts = await asyncio.gather(
                *[(one, other)[n % 2].send("o-1", Cancel(), by=CLEO, request=f"r-{n % 25}") for n in range(50)]
            )
            journal = await sound(one, "o-1")
            assert [entry.sequence for entry in journal] == list(range(1, len(journal) + 1))
            assert {r.sequence for r in receipts} == {e.sequence for e in journal if e.request is not None}
            assert len({r.sequence for r in receipts}) == 25

    finishing(run())


def test_an_event_sent_through_one_host_interrupts_the_call_that_runs_in_the_other(house: House) -> None:
    house.shop.script["reserve_stock"] = [Hang]

    async def run() -> None:
        async with house.open() as one:
            await one.start(Order, "o-1", SMALL)
            await house.shop.called("reserve_stock")
            async with house.open() as other:
                await other.send("o-1", Cancel(), by=CLEO)
                await one.run_until_idle()
                assert (await other.settled("o-1")).configuration == ("Cancelled",)
                assert house.shop.names() == ["reserve_stock", "release_stock"]

    finishing(run())


def test_a_host_notices_in_real_time_what_another_process_has_written(house: House) -> None:
    async def run() -> None:
        path = house.folder / "orders.db"
        soon = timedelta(milliseconds=10)
        async with (
            SqliteHost(
                path, {Order: house.shop}, clock=SystemClock(), limits=Limits(concurrency=0, poll=soon)
            ) as sender,
            SqliteHost(path, {Order: house.shop}, clock=SystemClock(), limits=Limits(poll=soon)),
        ):
            await sender.start(Order, "o-1", SMALL)
            assert (await sender.settled("o-1")).configuration == ("Delivered",)

    finishing(run())


# ---------------------------------------------------------------- the engine itself, on a store


class Bench:
    """An engine on a real store, driven by hand as two workers would."""

    def __init__(self, house: House) -> None:
        self.clock = house.clock
        self.engine = Engine({"Order/1": Order})
        self.store = SqliteStore(house.folder / "orders.db", codec=house.codec)

    async def start(self, inputs: object = SMALL) -> None:
        await self.store.write(lambda tx: self.engine.start(tx, "Order/1", "o-1", inputs, NOBODY, self.clock.now()))

    async def claim(self, worker: str, *known: PendingCall) -> tuple[PendingCall, ...]:
        """What it gets, if it knows of these calls of its own."""
        claims = Claims(worker, 10, LEASE)
        claims.settle(News(claimed=[*known]))

        def work(tx: Transaction) -> tuple[PendingCall, ...]:
            self.engine.round(tx, claims, self.clock.now())
            return (*tx.news.claimed,)

        return await self.store.write(work)

    async def conclude(self, call: PendingCall, result: Result) -> bool:
        return await self.store.write(lambda tx: self.engine.conclude(tx, call, result, self.clock.now()))

    async def react(self, trigger: object) -> None:
        await self.store.write(lambda tx: self.engine.deliver(tx, "o-1", trigger, NOBODY, self.clock.now()))

    async def instance(self, id: str) -> Instance | None:
        return await self.store.read(lambda tx: tx.instance(id))

    async def journal(self) -> list[JournalEntry]:
        return list(await self.store.read(lambda tx: tx.entries("o-1")))


def test_a_lost_workers_call_is_made_again_and_its_late_answer_is_refused(house: House) -> None:
    async def run() -> None:
        bench = Bench(house)
        await bench.start()
        (first,) = await bench.claim("w-1")
        assert await bench.claim("w-2") == ()
        bench.clock.advance(LEASE)
        assert await bench.claim("w-2") == (), "a lost attempt failed; the next has its pause"
        bench.clock.advance(timedelta(seconds=1))
        (second,) = await bench.claim("w-2")
        assert second.idempotency_key == first.idempotency_key
        assert not await bench.conclude(first, Result("done", "r-late"))
        assert await bench.conclude(second, Result("done", "r-2"))
        assert not await bench.conclude(second, Result("done", "r-again"))
        assert triggers(await bench.journal()) == ["start", "reserve_stock#1 attempt", "reserve_stock#1 done"]
        bench.store.close()

    finishing(run())


def test_a_call_that_loses_its_worker_every_time_is_exhausted(house: House) -> None:
    async def run() -> None:
        bench = Bench(house)
        await bench.start()
        for _ in range(3):
            assert len(await bench.claim("w")) == 1
            bench.clock.advance(LEASE)
            await bench.claim("w-2")
            bench.clock.advance(timedelta(minutes=1))
        assert triggers(await bench.journal())[1:] == [*["reserve_stock#1 attempt"] * 2, "reserve_stock#1 failed"]
        bench.store.close()

    finishing(run())


def test_an_interrupted_call_whose_worker_was_lost_is_settled_without_another_attempt(house: House) -> None:
    async def run() -> None:
        bench = Bench(house)
        await bench.start()
        await bench.claim("w-1")
        await bench.store.write(lambda tx: bench.engine.deliver(tx, "o-1", Cancel(), CLEO, bench.clock.now()))
        assert triggers(await bench.journal()) == ["start", "cancel"]
        bench.clock.advance(LEASE)
        (undo,) = await bench.claim("w-2")
        assert (undo.name, undo.idempotency_key) == ("release_stock", "o-1/reserve_stock#1")
        assert triggers(await bench.journal())[2:] == ["reserve_stock#1 interrupted"]
        bench.store.close()

    finishing(run())


def test_a_call_whose_claim_its_worker_never_heard_of_is_made_again(house: House) -> None:
    async def run() -> None:
        bench = Bench(house)
        await bench.start()
        (call,) = await bench.claim("w-1")
        assert await bench.claim("w-1", call) == ()
        assert await bench.claim("w-1") == ()
        bench.clock.advance(timedelta(seconds=1))
        (again,) = await bench.claim("w-1")
        assert (again.key, again.attempts) == (call.key, 2)
        bench.store.close()

    finishing(run())


def test_a_lost_call_of_a_flow_that_a_host_does_not_run_waits_for_one_that_does(house: House) -> None:
    async def run() -> None:
        bench = Bench(house)
        await bench.start()
        await bench.claim("w-1")
        bench.clock.advance(LEASE)
        knows, bench.engine = bench.engine, Engine({})
        assert await bench.claim("w-2") == ()
        assert await bench.store.read(lambda tx: tx.next_due([], calls=True)) is None
        bench.engine = knows
        assert await bench.claim("w-3") == ()
        bench.clock.advance(timedelta(seconds=1))
        assert len(await bench.claim("w-3")) == 1
        bench.store.close()

    finishing(run())


def test_stale_outcomes_and_timers_change_nothing(house: House) -> None:
    async def run() -> None:
        async with house.open() as host:
            await host.start(Order, "o-1", LARGE)
            await host.settled("o-1")
            record = await host.record("o-1")
            for stale in (Outcome("reserve_stock#1", "done", "r-2"), Outcome("ship#9", "done", "t"), Fired("x")):
                step = record.step(stale, now=START)
                assert (step[0], step[1]) == (record, ())
            with pytest.raises(TypeError):
                await host.send("o-1", Outcome("reserve_stock#1", "done", "r-2"))

    finishing(run())


def test_a_second_writer_of_the_same_sequence_is_refused_by_the_primary_key(house: House) -> None:
    async def run() -> None:
        bench = Bench(house)
        await bench.start()
        other = SqliteStore(house.folder / "orders.db", codec=house.codec)

        def clash(tx: Transaction) -> None:
            tx.append(JournalEntry("o-1", 1, START, EntryKind.STEP, "{}", "{}"))

        before = await bench.journal()
        with pytest.raises(StoreError, match="UNIQUE"):
            await other.write(clash)
        assert await bench.journal() == before
        other.close()
        bench.store.close()

    finishing(run())


def test_no_timer_fires_a_microsecond_early(house: House) -> None:
    async def run() -> None:
        bench = Bench(house)
        await bench.start(LARGE)
        for answer in ("r-1", Carrier.UPS):
            (call,) = await bench.claim("w")
            assert await bench.conclude(call, Result("done", answer))
        bench.clock.advance(timedelta(hours=24) - timedelta(microseconds=1))
        await bench.claim("w")
        assert len(await bench.journal()) == 3
        bench.clock.advance(timedelta(microseconds=1))
        await bench.claim("w")
        assert triggers(await bench.journal())[3:] == ["Approval.review.escalate1"]
        bench.store.close()

    finishing(run())


def test_timers_of_all_instances_fire_in_due_order(house: House) -> None:
    async def run() -> None:
        async with house.open() as host:
            for number in (2, 0, 1):
                await host.start(Order, f"o-{number}", LARGE)
                await host.run_until_idle()
                house.clock.advance(timedelta(hours=1))
        house.clock.advance(timedelta(hours=200))
        bench = Bench(house)
        due = await bench.store.read(lambda tx: tx.due_timers(["Order/1"], house.clock.now(), 100))
        assert [timer.due for timer in due] == sorted(timer.due for timer in due)
        assert [timer.instance for timer in due] == ["o-2", "o-0", "o-1"] * 2
        await bench.claim("w")
        for id in ("o-0", "o-1", "o-2"):
            instance = await bench.instance(id)
            assert instance is not None and instance.status is Status.COMPENSATING
        bench.store.close()

    finishing(run())


def test_after_a_clock_was_put_back_the_call_of_a_lost_worker_does_not_wait_for_days(house: House) -> None:
    async def run() -> None:
        bench = Bench(house)
        await bench.start()
        (call,) = await bench.claim("w-1")
        bench.clock.advance(timedelta(days=-2))
        assert await bench.claim("w-2") == (), "its worker may still live, and gets its lease again"
        bench.clock.advance(LEASE)
        assert await bench.claim("w-2") == (), "it waits for its next attempt"
        bench.clock.advance(timedelta(seconds=1))
        (again,) = await bench.claim("w-2")
        assert (again.key, again.attempts) == (call.key, 2)
        bench.store.close()

    finishing(run())
