"""What a host tells its observers: what is durable, when it is, in order; and nothing of what was undone."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Sequence
from contextvars import ContextVar
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from order_flow import Cancel, Order, OrderInputs
from orders import CLEO, LARGE, QUICK, SMALL, START, Hang, House, Shop, finishing, pass_time
from penstock.runtime.core import NOBODY, Rejected
from penstock.runtime.engine import Engine
from penstock.runtime.errors import DiskFull
from penstock.runtime.hosts.sqlite import SqliteHost
from penstock.runtime.hosts.sqlite_store import SqliteStore
from penstock.runtime.observing import Audience, Observer
from penstock.runtime.outbox import Result
from penstock.runtime.store import (
    Began,
    Committed,
    Ended,
    Happening,
    PendingCall,
    Refused,
    Status,
    Stepped,
    Tally,
    Transaction,
)

SENDER: ContextVar[str] = ContextVar("sender", default="nobody")
ATTEMPT: ContextVar[str] = ContextVar("attempt", default="none")


class Listener(Observer):
    """Keeps what it hears, each with the sender in whose context it was told."""

    def __init__(self) -> None:
        self.heard: list[Happening] = []
        self.senders: list[str] = []
        self.ended: list[tuple[str, int, str]] = []
        self.looks: list[Callable[[], Tally]] = []
        self.open = False

    def opened(self, look: Callable[[], Tally]) -> None:
        self.looks.append(look)
        self.open = True

    def happened(self, happenings: Sequence[Happening]) -> None:
        self.heard += happenings
        self.senders += [SENDER.get()] * len(happenings)

    def begins(self, call: PendingCall) -> None:
        ATTEMPT.set(f"{call.key} {call.attempts}")

    def ends(self, call: PendingCall, result: Result) -> None:
        self.ended.append((call.key, call.attempts, result.kind))
        assert ATTEMPT.get() == f"{call.key} {call.attempts}"

    def closed(self) -> None:
        self.open = False

    def steps(self) -> list[Stepped]:
        return [each for each in self.heard if isinstance(each, Stepped)]


def listened(house: House, *observers: Observer) -> SqliteHost:
    file = house.folder / "orders.db"
    return SqliteHost(
        file, {Order: house.shop}, clock=house.clock, limits=QUICK, observers=observers, codec=house.codec
    )


def test_every_row_and_every_attempt_is_told_once_and_in_order(house: House) -> None:
    listener = Listener()
    house.shop.script["charge_card"] = [ConnectionError("lost")]

    async def run() -> None:
        async with listened(house, listener) as host:
            assert listener.open
            await host.start(Order, "o-1", SMALL, by=CLEO)
            await host.run_until_idle()
            await pass_time(host, house.clock, timedelta(seconds=2))
            assert (await host.settled("o-1")).configuration == ("Delivered",)
            assert [step.entry for step in listener.steps()] == await host.journal("o-1")
            assert [step.before for step in listener.steps()] == [None, *(e.entry.at for e in listener.steps()[:-1])]
            told = [
                each for each in listener.heard if isinstance(each, Began | Ended) and each.call.name == "charge_card"
            ]
            assert [(type(each), each.call.attempts) for each in told] == [
                (Began, 1),
                (Ended, 1),
                (Began, 2),
                (Ended, 2),
            ]
            ends = [(e.kind, e.error, e.call.began, e.at) for e in told if isinstance(e, Ended)]
            later = START + timedelta(seconds=2)
            assert ends == [("failed", "ConnectionError: lost", START, START), ("done", "", later, later)]
            assert listener.ended[2:4] == [("charge_card#3", 1, "failed"), ("charge_card#3", 2, "done")]
        assert not listener.open

    finishing(run())


def test_it_is_told_before_the_sender_hears_of_it_and_in_the_context_of_the_sender(house: House) -> None:
    listener = Listener()

    async def run() -> None:
        async with listened(house, listener) as host:
            SENDER.set("mine")
            entry = await host.start(Order, "o-1", LARGE, by=CLEO)
            assert [(s.entry, s.flow) for s in listener.steps()] == [(entry, "Order/1")]
            assert listener.senders[listener.heard.index(listener.steps()[0])] == "mine"
            await host.run_until_idle()
            assert "mine" not in listener.senders[listener.heard.index(listener.steps()[1]) :]

    finishing(run())


def test_a_refusal_is_told_and_nothing_else_of_it(house: House) -> None:
    listener = Listener()

    async def run() -> None:
        async with listened(house, listener) as host:
            await host.start(Order, "o-1", SMALL)
            await host.run_until_idle()
            listener.heard.clear()
            with pytest.raises(Rejected):
                await host.send("o-1", Cancel(), by=CLEO)
            with pytest.raises(Rejected):
                await host.start(Order, "o-2", SMALL._replace(qty=0))
            refusals = [each for each in listener.heard if not isinstance(each, Committed)]
            assert refusals == [Refused("o-1", "Order/1", "finished"), Refused("o-2", "Order/1", "payload")]

    finishing(run())


class Undone(Exception):
    pass


def test_what_was_rolled_back_is_not_told(tmp_path: Path, house: House) -> None:
    listener = Listener()
    engine = Engine({"Order/1": Order})

    def start(tx: Transaction, id: str) -> None:
        engine.start(tx, "Order/1", id, SMALL, NOBODY, START)

    def whole(tx: Transaction) -> None:
        start(tx, "o-1")
        raise Undone

    def undone(tx: Transaction) -> None:
        with tx.savepoint():
            whole(tx)

    def part(tx: Transaction) -> None:
        start(tx, "o-2")
        with pytest.raises(Undone):
            undone(tx)
        start(tx, "o-4")

    async def run() -> None:
        store = SqliteStore(tmp_path / "orders.db", audience=Audience([listener]))
        with pytest.raises(Undone):
            await store.write(whole)
        assert listener.heard == []
        await store.write(part)
        assert [step.entry.instance for step in listener.steps()] == ["o-2", "o-4"]
        assert listener.heard[-1] == Committed(1)
        store.close()

    finishing(run())


def test_an_activity_runs_in_the_context_that_its_attempt_began_in(house: House) -> None:
    found: list[str] = []

    class Plain(Shop):
        async def reserve_stock(self, sku: str, qty: int, *, key: str) -> str:
            found.append(ATTEMPT.get())
            return "r-1"

        def charge_card(self, total: Decimal, *, key: str) -> str:  # type: ignore[override]  # a plain method too
            assert threading.current_thread() is not threading.main_thread()
            found.append(ATTEMPT.get())
            return "p-1"

    house.shop = Plain()

    async def run() -> None:
        async with listened(house, Listener()) as host:
            await host.start(Order, "o-1", SMALL)
            await host.settled("o-1")
            assert found == ["reserve_stock#1 1", "charge_card#3 1"]
            assert ATTEMPT.get() == "none"

    finishing(run())


def test_an_attempt_that_a_stop_breaks_off_ends_as_interrupted(house: House) -> None:
    listener = Listener()
    house.shop.script["reserve_stock"] = [Hang]

    async def run() -> None:
        async with listened(house, listener) as host:
            await host.start(Order, "o-1", SMALL)
            await house.shop.called("reserve_stock")
        assert listener.ended == [("reserve_stock#1", 1, "interrupted")]
        assert [each.kind for each in listener.heard if isinstance(each, Ended)] == ["interrupted"]

    finishing(run())


class Broken(Observer):
    def opened(self, look: Callable[[], Tally]) -> None:
        raise RuntimeError("no")

    happened = begins = ends = closed = opened  # type: ignore[assignment]  # each of them raises, whatever it is given


def test_an_observer_that_raises_is_logged_once_and_harms_nobody(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    listener = Listener()

    async def run() -> None:
        async with listened(house, Broken(), listener) as host:
            await host.start(Order, "o-1", SMALL)
            assert (await host.settled("o-1")).configuration == ("Delivered",)
            assert [step.entry for step in listener.steps()] == await host.journal("o-1")

    finishing(run())
    assert len([record for record in caplog.records if "failed to listen" in record.message]) == 1


def test_a_look_counts_what_there_is(house: House) -> None:
    listener = Listener()
    house.shop.script["ship"] = [ConnectionError("lost")] * 24

    async def run() -> None:
        async with listened(house, listener) as host:
            await host.start(Order, "o-1", SMALL)
            await host.start(Order, "o-2", SMALL._replace(total=Decimal("2000.00")))
            await host.run_until_idle()
            (look,) = listener.looks
            running = {("Order/1", Status.RUNNING): 2}
            assert look() == Tally(running, parked=0, tasks=1, lag=0.0)
            await pass_time(host, house.clock, *[timedelta(hours=1)] * 24)
            assert look() == Tally(running, parked=1, tasks=1, lag=0.0)
        house.clock.advance(timedelta(hours=50))
        store = SqliteStore(house.folder / "orders.db", codec=house.codec)
        assert store.tally(house.clock.now()).lag == 2 * 3600
        store.close()

    finishing(run())


def test_of_works_that_share_a_commit_only_what_failed_is_left_out(house: House) -> None:
    listener = Listener()

    async def run() -> None:
        async with listened(house, listener) as host:
            given = [SMALL if number % 3 else SMALL._replace(qty=0) for number in range(9)]
            starts = (host.start(Order, f"o-{number}", each) for number, each in enumerate(given))
            answers = await asyncio.gather(*starts, return_exceptions=True)
            assert [isinstance(each, Rejected) for each in answers] == [number % 3 == 0 for number in range(9)]
            begun = sorted(step.entry.instance for step in listener.steps() if step.entry.sequence == 1)
            assert begun == [f"o-{number}" for number in range(9) if number % 3]
            refused = sorted(each.instance for each in listener.heard if isinstance(each, Refused))
            assert refused == ["o-0", "o-3", "o-6"]
            assert max(each.works for each in listener.heard if isinstance(each, Committed)) > 1

    finishing(run())


def test_of_a_commit_that_fails_nothing_is_told(house: House) -> None:
    listener = Listener()
    store = SqliteStore(house.folder / "orders.db", audience=Audience([listener]))
    engine = Engine({"Order/1": Order})

    def start(id: str, inputs: OrderInputs) -> Callable[[Transaction], object]:
        def work(tx: Transaction) -> None:
            engine.start(tx, "Order/1", id, inputs, NOBODY, START)
            raise DiskFull("no room")

        return work

    async def run() -> None:
        works = [start("o-1", SMALL), start("o-2", SMALL._replace(qty=0)), start("o-3", SMALL)]
        answers = await asyncio.gather(*map(store.write, works), return_exceptions=True)
        assert [type(each) for each in answers] == [DiskFull, Rejected, DiskFull]
        assert listener.heard == [Refused("o-2", "Order/1", "payload")]
        store.close()

    finishing(run())
