"""`crash_lab` for regions, calls for each item and a task: orders to prepare in, processes that die by SIGKILL out."""

from __future__ import annotations

import asyncio
import contextlib
from datetime import timedelta
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import NamedTuple

from crash_lab import Mine, SavedClock, note, serve
from fulfilment_flow import CallCustomer, Cancel, Declined, Fulfilment, FulfilmentInputs, FulfilmentState, Missing
from penstock.runtime.core import Actor, Rejected
from penstock.runtime.hosts.sqlite import SqliteHost
from penstock.runtime.worker import Limits

CLEO = Actor("cleo", frozenset({"customer"}))
CARL = Actor("carl", frozenset({"clerk"}))


class Kind(NamedTuple):
    """One kind of order: what is in it tells the activities what to do; and where it ends."""

    id: str
    items: tuple[str, ...]
    total: Decimal
    end: str
    cancel: bool = False


ORDERS = {
    order.id: order
    for order in (
        Kind("sent", ("cup", "pot", "lid"), Decimal(20), "Sent"),
        Kind("empty", (), Decimal(20), "Sent"),
        Kind("lacking", ("cup", "nothing", "pot"), Decimal(20), "Cancelled"),
        Kind("declined", ("cup",), Decimal(13), "Cancelled"),
        Kind("cancelled", ("cup", "slow"), Decimal(20), "Cancelled", cancel=True),
    )
}


class Warehouse:
    """Activities whose effects are lines of a file."""

    def __init__(self, folder: Path, mine: Mine) -> None:
        self.effects = folder / "effects"
        self.mine = mine

    def effect(self, name: str, key: str) -> str:
        self.mine.point()
        note(self.effects, name, key)
        self.mine.point()
        return f"{name} {key}"

    async def pack(self, item: str, *, key: str) -> str:
        if item == "nothing":
            raise Missing("none left")
        answer = self.effect("pack", key)
        if item == "slow":
            await asyncio.Event().wait()
        return answer

    def charge(self, total: Decimal, *, key: str) -> str:
        if total == 13:
            raise Declined("no money")
        return self.effect("charge", key)

    def send_out(self, boxes: tuple[str, ...], *, key: str) -> None:
        self.effect("send_out", key)

    async def unpack(self, result: str | None, *, key: str) -> None:
        self.effect("unpack", key)

    async def refund(self, result: str | None, *, key: str) -> None:
        self.effect("refund", key)


async def drive(folder: Path, ids: list[str], mine: Mine) -> None:
    """Start these orders if they are not, and see them through to their ends."""
    clock = SavedClock(folder / "clock")
    limits = Limits(poll=timedelta(milliseconds=1), pause=timedelta(milliseconds=1))
    async with SqliteHost(
        folder / "orders.db", {Fulfilment: Warehouse(folder, mine)}, clock=clock, limits=limits
    ) as host:
        for id in ids:
            await host.start(Fulfilment, id, FulfilmentInputs(ORDERS[id].items, ORDERS[id].total), by=CLEO)
        while True:
            records = {id: await host.record(id) for id in ids}
            if all(record.finished for record in records.values()):
                return
            for id, record in records.items():
                if ORDERS[id].cancel and record.is_in(FulfilmentState.PREPARING_MONEY_PAID):
                    await _sent(host, id, Cancel(), CLEO)
            for task in await host.tasks("clerk"):
                await _sent(host, task.instance, CallCustomer(False), CARL)
            if any(ORDERS[id].cancel and not record.compensating for id, record in records.items()):
                await asyncio.sleep(0.001)  # it is never idle: something is packed that takes for ever
                clock.advance(timedelta(milliseconds=50))
            else:
                await host.run_until_idle()
                clock.advance(timedelta(minutes=1))


async def _sent(host: SqliteHost, id: str, event: object, by: Actor) -> None:
    with contextlib.suppress(Rejected):  # it has come already
        await host.send(id, event, by=by, request=type(event).__name__)


if __name__ == "__main__":
    serve(partial(print, flush=True), drive)
