"""Three orders on the embedded host, from start to end, and what became of each.

`python3 dev.py demo` runs this; by hand: `PYTHONPATH=generated .venv/bin/python docs/examples/order/run.py`.
The clock is a manual one, so a day passes at once and every run tells the same story.
"""

from __future__ import annotations

import asyncio
import tempfile
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

from order_flow import Order, OrderInputs, Review, ReviewVerdict
from penstock.runtime.core import Actor, Rejected
from penstock.runtime.hosts.sqlite import SqliteHost
from penstock.runtime.story import audit, story
from penstock.runtime.timers import ManualClock
from shop import Shop

CUSTOMER = Actor("cleo", frozenset({"customer"}))
MANAGER = Actor("mia", frozenset({"manager"}))
MONDAY = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


async def main() -> None:
    shop = Shop(stock={"A1": 10}, declined={Decimal("800.00")})
    clock = ManualClock(MONDAY)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "shop.db"

        async with SqliteHost(file, {Order: shop}, clock=clock) as host:
            await small_order(host)
            await declined_order(host, shop)
            await host.start(Order, "o-3", OrderInputs("A1", 2, Decimal("2000.00")), by=CUSTOMER)
            await host.settled("o-3")

        # The process may end here: everything is in the file. Another host takes it from there, a day later.
        clock.advance(timedelta(hours=26))
        async with SqliteHost(file, {Order: shop}, clock=clock) as host:
            await large_order(host)
    print(f"\nIn stock: {shop.stock['A1']} of 10. Paid: {sum(shop.charged.values())}. Shipped: {len(shop.shipped)}.")


async def small_order(host: SqliteHost) -> None:
    print("\n1. A small order is delivered.\n")
    await host.start(Order, "o-1", OrderInputs("A1", 1, Decimal("40.00")), by=CUSTOMER)
    await host.settled("o-1")
    await tell(host, "o-1")


async def declined_order(host: SqliteHost, shop: Shop) -> None:
    print("\n2. The card is declined, so what was reserved is released.\n")
    await host.start(Order, "o-2", OrderInputs("A1", 5, Decimal("800.00")), by=CUSTOMER)
    await host.settled("o-2")
    await tell(host, "o-2")
    assert shop.stock["A1"] == 9


async def large_order(host: SqliteHost) -> None:
    print("\n3. A large order waits for its manager, over night and over a restart.\n")
    await host.settled("o-3")
    (task,) = await host.tasks("manager")
    print(f"   Open for a manager, and by now for a director: {task.title}")
    try:
        await host.complete("o-3", Review(ReviewVerdict.ACCEPT, None), by=Actor("cleo", frozenset({"manager"})))
    except Rejected as rejected:
        print(f"   cleo, who ordered it, may not approve it herself: {rejected.reason}\n")
    await host.complete("o-3", Review(ReviewVerdict.ACCEPT, "a good customer"), by=MANAGER)
    await host.settled("o-3")
    await tell(host, "o-3")


async def tell(host: SqliteHost, id: str) -> None:
    """The story of an instance for people, and its journal for auditors."""
    journal = await host.journal(id)
    for text in (story(Order.spec, journal), audit(Order.spec, journal)):
        print("".join(f"   {line}\n" for line in text.splitlines()))


if __name__ == "__main__":
    asyncio.run(main())
