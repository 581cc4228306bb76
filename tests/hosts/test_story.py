"""The story and the audit trail of an eventful order, as people read them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

from crash_lab import START
from fulfilment_flow import Fulfilment, FulfilmentInputs, Missing
from order_flow import Cancel, Order, Review, ReviewVerdict
from orders import CLEO, DORA, LARGE, OLGA, Hang, House, finishing, pass_time
from penstock.runtime.core import Outcome
from penstock.runtime.hosts.sqlite import SqliteHost
from penstock.runtime.journal import AnyFlow
from penstock.runtime.story import audit, story
from penstock.runtime.timers import ManualClock

HOUR = timedelta(hours=1)


def told(house: House, id: str, *, with_audit: bool) -> str:
    async def run() -> str:
        async with house.open() as host:
            journal = await host.journal(id)
            text = story(Order.spec, journal)
            return text + "\n" + audit(Order.spec, journal) if with_audit else text

    return finishing(run())


def test_the_story_of_an_order_that_needed_an_operator(house: House, golden: Callable[[str, str], None]) -> None:
    house.shop.script["charge_card"] = [ConnectionError("the line is down"), Hang]
    house.shop.script["ship"] = [OSError("no van")] * 24

    async def run() -> None:
        async with house.open() as host:
            await host.start(Order, "o-1", LARGE, by=CLEO)
            await host.settled("o-1")
            await pass_time(host, house.clock, 25 * HOUR)
            await host.complete("o-1", Review(ReviewVerdict.ACCEPT, "a good customer"), by=DORA)
            await host.run_until_idle()
            house.clock.advance(timedelta(seconds=2))
            await house.shop.called("charge_card", 2)
            await host.send("o-1", Cancel(), by=CLEO)
            await pass_time(host, house.clock, timedelta(seconds=30), timedelta(seconds=4), *[HOUR] * 24)
            house.shop.script["ship"] = [OSError("no driver")] * 24
            await host.retry("o-1", "ship#5", reason="a van is back", by=OLGA)
            await host.run_until_idle()
            await pass_time(host, house.clock, *[HOUR] * 24)
            await host.settle("o-1", Outcome("ship#5", "done", "t-9"), reason="sent by post", by=OLGA)
            await host.settled("o-1")

    finishing(run())
    golden("operator.txt", told(house, "o-1", with_audit=True))


def test_the_story_of_a_cancelled_order(house: House, golden: Callable[[str, str], None]) -> None:
    house.shop.script["reserve_stock"] = [Hang]
    house.shop.script["release_stock"] = [Hang]

    async def run() -> None:
        async with house.open() as host:
            await host.start(Order, "o-1", LARGE, by=CLEO)
            await house.shop.called("reserve_stock")
            house.clock.advance(timedelta(seconds=3))
            await host.send("o-1", Cancel(), by=CLEO)
            await house.shop.called("release_stock")
            await host.send("o-1", Cancel(), by=CLEO)
            await pass_time(host, house.clock, timedelta(seconds=30), timedelta(seconds=1))
            await host.settled("o-1")

    finishing(run())
    golden("cancelled.txt", told(house, "o-1", with_audit=False))


class Desk:
    """Activities that answer at once, but the money only when all is looked for: so answers come in one order."""

    def __init__(self) -> None:
        self._looked = asyncio.Event()

    async def pack(self, item: str, *, key: str) -> str:
        if item == "nothing":
            self._looked.set()
            raise Missing("none left")
        return f"{item} in a box"

    async def unpack(self, result: str | None, *, key: str) -> None: ...

    async def charge(self, total: Decimal, *, key: str) -> str:
        await self._looked.wait()
        return "p-1"

    async def refund(self, result: str | None, *, key: str) -> None: ...

    async def send_out(self, boxes: tuple[str, ...], *, key: str) -> None: ...


def test_calls_for_each_item_are_told_apart(tmp_path: Path, golden: Callable[[str, str], None]) -> None:
    async def run() -> str:
        flows: dict[type[AnyFlow], object] = {Fulfilment: Desk()}
        async with SqliteHost(tmp_path / "orders.db", flows, clock=ManualClock(START)) as host:
            await host.start(Fulfilment, "f-1", FulfilmentInputs(("cup", "pot", "nothing"), Decimal(20)))
            await host.run_until_idle()
            journal = await host.journal("f-1")
            assert (await host.instance("f-1")).status.finished
            return story(Fulfilment.spec, journal) + "\n" + audit(Fulfilment.spec, journal)

    golden("items.txt", finishing(run()))
