"""The worker examples: one around the pure record, with a queue and files; one that is the durable host."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from queue import Queue
from types import ModuleType
from typing import Any

import pytest

import orders
from order_flow import Order, OrderInputs, OrderState
from penstock.runtime.core import Rejected
from penstock.runtime.errors import Corrupt
from penstock.runtime.hosts.sqlite import SqliteHost
from penstock.runtime.hosts.sqlite_store import SqliteStore
from penstock.runtime.snapshot import Corrupt as CorruptSnapshot
from penstock.runtime.timers import ManualClock
from repository import ROOT
from shop import Shop

NOW = datetime(2026, 1, 1, tzinfo=UTC)
CLEO = {"id": "cleo", "roles": ["customer"]}
MAX = {"id": "max", "roles": ["manager"]}


def start(message: str, total: str = "20.00", id: str = "o-1") -> dict[str, Any]:
    return {"message": message, "id": id, "by": CLEO, "start": {"sku": "A1", "qty": 2, "total": total}}


def send(message: str, by: object, trigger: str, **payload: object) -> dict[str, Any]:
    return {"message": message, "id": "o-1", "by": by, "trigger": trigger, "payload": payload}


ACCEPT = send("m-2", MAX, "review", verdict="accept", comment=None)


@pytest.fixture
def pure(example: Callable[[str], ModuleType]) -> Any:
    return example("worker/pure.py")


def queue(*messages: object) -> Queue[Any]:
    made: Queue[Any] = Queue()
    for message in messages:
        made.put(message)
    return made


def test_it_takes_messages_until_it_is_told_to_stop(pure: Any, tmp_path: Path) -> None:
    shop, shelf = Shop({"A1": 10}, {Decimal("800.00")}), pure.Shelf(tmp_path)
    taken = queue(start("m-1", "2000.00"), ACCEPT, start("m-3", "800.00", "o-2"), None, start("m-4", id="o-3"))
    pure.Worker(shelf, shop).run(taken)
    assert {id: kept.order.state for id, kept in shelf} == {"o-1": OrderState.DELIVERED, "o-2": OrderState.CANCELLED}
    assert taken.qsize() == 1
    assert shop.stock["A1"] == 8


def test_a_message_that_comes_again_changes_nothing(pure: Any, tmp_path: Path) -> None:
    worker = pure.Worker(pure.Shelf(tmp_path), Shop({"A1": 10}, set()))
    for message in (start("m-1", "2000.00"), start("m-1", "2000.00"), ACCEPT, ACCEPT):
        worker.take(message)
    with pytest.raises(Rejected, match="finished"):
        worker.take(send("m-3", CLEO, "cancel"))


def test_a_rejected_message_is_logged_and_the_next_one_taken(
    pure: Any, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    shelf = pure.Shelf(tmp_path)
    early = send("m-2", CLEO, "review", verdict="accept", comment=None)
    pure.Worker(shelf, Shop({"A1": 10}, set())).run(
        queue(start("m-1", "2000.00"), early, ACCEPT | {"message": "m-3"}, None)
    )
    assert [record.message.split("(")[-1] for record in caplog.records] == ["role)"]
    assert shelf.get("o-1").order.state is OrderState.DELIVERED


class Killed(BaseException):
    """The process ends here."""


@pytest.mark.parametrize("where", ["reserve_stock", "quote", "charge_card", "ship"])
def test_it_goes_on_where_a_killed_process_was(pure: Any, tmp_path: Path, where: str) -> None:
    shop, shelf = Shop({"A1": 10}, set()), pure.Shelf(tmp_path)
    call = getattr(shop, where)

    def killed(*args: object, key: str) -> object:
        call(*args, key=key)
        setattr(shop, where, call)
        raise Killed

    setattr(shop, where, killed)
    with pytest.raises(Killed):
        pure.Worker(shelf, shop).run(queue(start("m-1"), None))
    pure.Worker(pure.Shelf(tmp_path), shop).run(queue(None))
    assert shelf.get("o-1").order.state is OrderState.DELIVERED
    assert shop.stock["A1"] == 8
    assert [*shop.charged] == ["o-1/charge_card#3"]


def test_timers_fire_without_a_message(pure: Any, tmp_path: Path) -> None:
    clock, shelf = ManualClock(NOW), pure.Shelf(tmp_path)
    worker = pure.Worker(shelf, Shop({"A1": 10}, set()), clock)
    worker.take(start("m-1", "2000.00"))
    worker.wake()
    assert shelf.get("o-1").order.state is OrderState.APPROVAL
    clock.advance(timedelta(days=3))
    worker.wake()
    assert shelf.get("o-1").order.state is OrderState.EXPIRED


def test_an_order_of_another_version_is_refused(pure: Any, tmp_path: Path) -> None:
    shelf = pure.Shelf(tmp_path)
    pure.Worker(shelf, Shop({"A1": 10}, set())).take(start("m-1"))
    file = tmp_path / "o-1.json"
    file.write_text(file.read_text("utf-8").replace('"version": 1', '"version": 2'), "utf-8")
    with pytest.raises(
        CorruptSnapshot, match="expected a snapshot of Order version 1 in format 2, not of Order version 2"
    ):
        shelf.get("o-1")


# ---------------------------------------------------------------- the durable host


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_worker_process_stops_when_it_is_asked_to(tmp_path: Path, number: signal.Signals) -> None:
    file = tmp_path / "orders.db"

    async def start_order() -> None:
        async with SqliteHost(file, {Order: orders.Shop(script={"reserve_stock": [orders.Hang]})}) as host:
            await host.start(Order, "o-1", OrderInputs("A1", 2, Decimal("20.00")))

    async def look() -> object:
        async with SqliteHost(file, {Order: orders.Shop()}) as host:
            await host.settled("o-1")
            return (await host.instance("o-1")).configuration

    orders.finishing(start_order())
    process = subprocess.Popen(
        [sys.executable, "docs/examples/worker/durable.py", str(file)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": "generated:docs/examples/order"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "working\n"
    process.send_signal(number)
    assert process.communicate(timeout=30) == ("stopped\n", "")
    assert process.returncode == 0
    assert orders.finishing(look()) == ("Delivered",)


def test_what_ends_the_worker_is_raised(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def broken(*_: object) -> None:
        raise Corrupt("the disk is on fire")

    async def main() -> None:
        import asyncio

        async with SqliteHost(tmp_path / "orders.db", {Order: orders.Shop()}, limits=orders.QUICK) as host:
            monkeypatch.setattr(SqliteStore, "write", broken)
            await host.start(Order, "o-1", OrderInputs("A1", 2, Decimal("20.00")))
            await host.work(asyncio.Event())

    with pytest.raises(Corrupt, match="the disk is on fire"):
        orders.finishing(main())
