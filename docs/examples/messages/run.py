"""Two flows that send each other messages, on one embedded host: one purchase is shipped, one is called off in time.

By hand: `PYTHONPATH=generated .venv/bin/python docs/examples/messages/run.py`.
"""

from __future__ import annotations

import asyncio
import tempfile
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

from billing_flow import Billing, BillingInputs
from penstock.runtime.hosts.sqlite import SqliteHost
from penstock.runtime.story import story
from penstock.runtime.timers import ManualClock
from purchase_flow import Purchase, PurchaseInputs, Withdraw

MONDAY = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


class Office:
    """The activities of both flows."""

    def collect(self, total: Decimal, *, key: str) -> str:
        return f"receipt of {total}"

    def give_back(self, result: str | None, *, key: str) -> None: ...

    def ship(self, total: Decimal, *, key: str) -> str:
        return "parcel 7"


async def main() -> None:
    office = Office()
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "shop.db"
        async with SqliteHost(file, {Purchase: office, Billing: office}, clock=ManualClock(MONDAY)) as host:
            # What is sent to an instance that is not there yet waits for it.
            await host.start(Purchase, "p-1", PurchaseInputs(Decimal("20.00"), billing="b-1"))
            print([f"{letter.event} waits for {letter.to}" for letter in await host.letters()])
            await host.start(Billing, "b-1", BillingInputs(purchase="p-1"))
            await host.run_until_idle()

            # The second one is called off before anybody could collect anything.
            await host.start(Purchase, "p-2", PurchaseInputs(Decimal("80.00"), billing="b-2"))
            await host.send("p-2", Withdraw())
            await host.start(Billing, "b-2", BillingInputs(purchase="p-2"))
            await host.run_until_idle()

            for id, flow in (("p-1", Purchase), ("b-1", Billing), ("p-2", Purchase), ("b-2", Billing)):
                print(story(flow.spec, await host.journal(id)))

            # What was emitted stays until somebody has dealt with it.
            for message in await host.messages():
                print(f"{message.id}: {message.event} {message.payload}")
                await host.acknowledge(message.id)
            print(f"{len(await host.messages())} messages, {len(await host.letters())} letters left")


if __name__ == "__main__":
    asyncio.run(main())
