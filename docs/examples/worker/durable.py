"""The durable host as a worker process: it works until it is told to stop, and gives back what it had begun.

PYTHONPATH=generated:docs/examples/order python docs/examples/worker/durable.py orders.db
"""

from __future__ import annotations

import asyncio
import signal
import sys
from pathlib import Path

from order_flow import Order
from penstock.runtime.hosts.sqlite import SqliteHost
from penstock.runtime.worker import Limits
from shop import Shop


async def main(file: Path) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    shop = Shop(stock={"A1": 10}, declined=set())
    async with SqliteHost(file, {Order: shop}, limits=Limits(concurrency=32)) as host:
        print("working", flush=True)
        await host.work(stop)
    print("stopped", flush=True)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
