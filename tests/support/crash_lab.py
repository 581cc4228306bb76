"""A laboratory for crashes: orders to run in, processes that die by SIGKILL out. `test_crashes` starts it as a program.

It reads one JSON request a line, forks a process that opens the host on a real file and drives orders to their ends,
and answers with how that process ended. The process kills itself at the n-th *point*, or is killed from outside after
some time. Points are: before and after each commit that writes, while the tables are made, before and after each
activity's effect; with PENSTOCK_EVERY_STATEMENT set, before every SQL statement too.
What activities did and what the host acknowledged stands in side files, forced to the disk line by line.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
import traceback
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

import billing_flow
from billing_flow import Billing, BillingInputs
from order_flow import Cancel, Carrier, Declined, Order, OrderInputs, Review, ReviewVerdict
from penstock.runtime.core import Actor, Rejected
from penstock.runtime.hosts.sqlite import SqliteHost
from penstock.runtime.timers import ManualClock
from penstock.runtime.worker import Limits
from purchase_flow import Purchase, PurchaseInputs, Withdraw

START = datetime(2026, 3, 1, 10, 0, tzinfo=UTC)
CLEO = Actor("cleo", frozenset({"customer"}))
MAX = Actor("max", frozenset({"manager"}))


class Kind(NamedTuple):
    """One kind of order: what is ordered tells the activities what to do. `cancel`, `review`: what people do."""

    id: str
    sku: str
    total: Decimal
    end: str
    cancel: bool = False
    review: ReviewVerdict | None = None


ORDERS = {
    order.id: order
    for order in (
        Kind("delivered", "good", Decimal(20), "Delivered"),
        Kind("declined", "declined", Decimal(20), "Cancelled"),
        Kind("broken", "broken", Decimal(20), "Cancelled"),
        Kind("approved", "good", Decimal(2000), "Delivered", review=ReviewVerdict.ACCEPT),
        Kind("refused", "good", Decimal(2000), "Cancelled", review=ReviewVerdict.REFUSE),
        Kind("expired", "good", Decimal(2000), "Expired"),
        Kind("interrupted", "slow", Decimal(20), "Cancelled", cancel=True),
    )
}


@dataclass
class Mine:
    """Goes off at its n-th point; 0: never."""

    at: int
    passed: int = 0

    def point(self) -> None:
        self.passed += 1
        if self.passed == self.at:
            os.kill(os.getpid(), signal.SIGKILL)


def note(path: Path, *words: object) -> None:
    """Append a line and force it to the disk."""
    file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(file, (json.dumps(words, default=str) + "\n").encode())
    os.fsync(file)
    os.close(file)


class Shop:
    """Activities whose effects are lines of a file."""

    def __init__(self, folder: Path, mine: Mine) -> None:
        self.effects = folder / "effects"
        self.mine = mine
        self.skus: dict[str, str] = {order.id: order.sku for order in ORDERS.values()}

    def effect(self, name: str, key: str, *args: object) -> None:
        self.mine.point()
        note(self.effects, name, key, *args)
        self.mine.point()

    async def reserve_stock(self, sku: str, qty: int, *, key: str) -> str:
        self.effect("reserve_stock", key)
        if sku == "slow":
            await asyncio.Event().wait()
        return f"r {key}"

    async def quote(self, sku: str, *, key: str) -> Carrier:
        return Carrier.UPS

    def charge_card(self, total: Decimal, *, key: str) -> str:
        kind = self.skus[key.partition("/")[0]]
        if kind == "declined":
            raise Declined("no money")
        self.effect("charge_card", key)
        if kind == "broken":
            raise ConnectionError("the answer was lost")
        return f"p {key}"

    def ship(self, sku: str, qty: int, carrier: Carrier, *, key: str) -> str:
        self.effect("ship", key)
        return f"t {key}"

    async def release_stock(self, result: str | None, *, key: str) -> None:
        self.effect("release_stock", key, result)

    async def refund(self, result: str | None, *, key: str) -> None:
        self.effect("refund", key, result)


EVERY_STATEMENT = "PENSTOCK_EVERY_STATEMENT" in os.environ


class MinedConnection(sqlite3.Connection):
    """A connection with the points of its process."""

    mine: Mine
    committed = 0

    def execute(self, sql: str, parameters: Any = (), /) -> sqlite3.Cursor:
        commits = sql == "COMMIT" and self.total_changes > self.committed
        if commits or EVERY_STATEMENT or "CREATE" in sql:
            self.mine.point()
        cursor = super().execute(sql, parameters)
        if commits:
            self.committed = self.total_changes
            self.mine.point()
        return cursor


class SavedClock(ManualClock):
    """A clock that remembers over a crash how far it was; a restart is a minute later."""

    def __init__(self, file: Path) -> None:
        self.file = file
        passed = int(file.read_text() or 0) if file.exists() else 0
        super().__init__(START + timedelta(seconds=passed))
        self.advance(timedelta(minutes=1))

    def advance(self, duration: timedelta) -> None:
        """Remembered before anybody is told: a lease of a moment that is forgotten would last for ever."""
        if duration:
            temporary = self.file.with_suffix(".new")
            temporary.write_text(str((self.now() + duration - START) // timedelta(seconds=1)))
            temporary.replace(self.file)
        super().advance(duration)


async def drive(folder: Path, ids: list[str], mine: Mine) -> None:
    """Start these orders if they are not, and see them through to their ends."""
    clock = SavedClock(folder / "clock")
    limits = Limits(poll=timedelta(milliseconds=1), pause=timedelta(milliseconds=1))
    async with SqliteHost(folder / "orders.db", {Order: Shop(folder, mine)}, clock=clock, limits=limits) as host:

        async def acknowledged(id: str, request: str, sending: Any) -> None:
            try:
                entry = await sending
            except Rejected as rejected:
                note(folder / "rejections", id, request, rejected.reason)
            else:
                note(folder / "acknowledgements", id, request, entry.sequence)

        for id in ids:
            order = ORDERS[id]
            inputs = OrderInputs(order.sku, 2, order.total)
            await acknowledged(id, "start", host.start(Order, id, inputs, by=CLEO))
            if order.cancel:
                await acknowledged(id, "cancel", host.send(id, Cancel(), by=CLEO, request="cancel"))
        while True:
            await host.run_until_idle()
            instances = [await host.instance(id) for id in ids]
            if all(instance.status.finished for instance in instances):
                return
            for task in await host.tasks("manager"):
                verdict = ORDERS[task.instance].review
                if verdict is not None:
                    sending = host.complete(task.instance, Review(verdict, None), by=MAX, request="review")
                    await acknowledged(task.instance, "review", sending)
            waiting = {i.id for i in instances if i.configuration == ("Approval",) and ORDERS[i.id].review is None}
            alone = all(i.status.finished for i in instances if i.id not in waiting)
            clock.advance(timedelta(hours=25) if alone else timedelta(minutes=1))


class Office:
    """The activities of both flows of the shop."""

    def __init__(self, folder: Path, mine: Mine) -> None:
        self.shop = Shop(folder, mine)

    async def ship(self, total: Decimal, *, key: str) -> str:
        self.shop.effect("ship", key)
        return f"t {key}"

    async def collect(self, total: Decimal, *, key: str) -> str:
        if total == 13:
            raise billing_flow.Declined("no money")
        self.shop.effect("collect", key)
        return f"r {key}"

    async def give_back(self, result: str | None, *, key: str) -> None:
        self.shop.effect("give_back", key, result)


PURCHASES = {"good": Decimal(20), "bad": Decimal(13), "withdrawn": Decimal(7)}


async def mail(folder: Path, ids: list[str], mine: Mine) -> None:
    """Start these purchases and then what bills them, read what is emitted, and see all of it through to its end."""
    clock = SavedClock(folder / "clock")
    limits = Limits(poll=timedelta(milliseconds=1), pause=timedelta(milliseconds=1))
    office = Office(folder, mine)
    flows: dict[Any, object] = {Purchase: office, Billing: office}
    async with SqliteHost(folder / "orders.db", flows, clock=clock, limits=limits) as host:
        for id in ids:
            await host.start(Purchase, id, PurchaseInputs(PURCHASES[id], f"bill {id}"))
            if id == "withdrawn":
                await host.send(id, Withdraw(), request="withdraw")
            await host.start(Billing, f"bill {id}", BillingInputs(id))
        while True:
            await host.run_until_idle()
            for message in await host.messages():
                note(folder / "messages", message.id, message.payload)
                mine.point()
                await host.acknowledge(message.id)
            instances = [await host.instance(each) for id in ids for each in (id, f"bill {id}")]
            if all(each.status.finished for each in instances):
                return
            clock.advance(timedelta(minutes=1))


async def sell(folder: Path, ids: list[str], mine: Mine) -> None:
    """Orders, or purchases with their bills."""
    await (mail if set(ids) <= set(PURCHASES) else drive)(folder, ids, mine)


Drive = Callable[[Path, list[str], Mine], Coroutine[Any, Any, None]]


def child(folder: Path, ids: list[str], crash_at: int, drive: Drive) -> NoReturn:
    """The process that is going to die, or to finish."""
    mine = Mine(crash_at)
    MinedConnection.mine = mine
    setattr(sqlite3, "connect", partial(sqlite3.connect, factory=MinedConnection))  # noqa: B010 - typed as a function
    try:
        asyncio.run(asyncio.wait_for(drive(folder, ids, mine), 60))
    except BaseException:  # noqa: BLE001 - told to the test, which fails
        (folder / "failure").write_text(traceback.format_exc())
        os._exit(1)
    os._exit(0)


def serve(answer: Callable[[str], None], drive: Drive) -> None:
    """Requests from the standard input, one a line: folder, ids, crash_at, kill_after (seconds)."""
    for line in sys.stdin:
        request = json.loads(line)
        pid = os.fork()
        if pid == 0:
            child(Path(request["folder"]), request["ids"], request["crash_at"], drive)
        if request["kill_after"] is not None:
            time.sleep(request["kill_after"])
            os.kill(pid, signal.SIGKILL)
        answer(json.dumps(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])))


class Lab:
    """A running laboratory: this program, or one that drives other flows with it."""

    def __init__(self, program: str = __file__) -> None:
        path = os.pathsep.join(filter(None, sys.path))
        self.process = subprocess.Popen(
            [sys.executable, program],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": path},
        )

    def run(self, folder: Path, ids: list[str], crash_at: int = 0, kill_after: float | None = None) -> bool:
        """Whether the process was killed; otherwise all orders have ended."""
        request = {"folder": str(folder), "ids": ids, "crash_at": crash_at}
        assert self.process.stdin is not None and self.process.stdout is not None
        self.process.stdin.write(json.dumps({**request, "kill_after": kill_after}) + "\n")
        self.process.stdin.flush()
        code = int(self.process.stdout.readline())
        assert code in (0, -9), (folder / "failure").read_text()
        return code == -9

    def close(self) -> None:
        with self.process:
            assert self.process.stdin is not None
            self.process.stdin.close()


def lines(path: Path) -> list[list[str]]:
    """A side file; the last line may have been cut short by the kill, when nobody had been told of it."""
    if not path.exists():
        return []
    return [json.loads(line) for line in path.read_text().splitlines(keepends=True) if line.endswith("\n")]


if __name__ == "__main__":
    serve(partial(print, flush=True), sell)
