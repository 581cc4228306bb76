"""The durable host under a name, for `penstock run` and the operators' commands.

PYTHONPATH=generated:docs/examples/order:docs/examples/operating penstock run shop_app:host
"""

from __future__ import annotations

from order_flow import Order
from penstock.runtime.hosts.sqlite import SqliteHost
from shop import Shop


def host() -> SqliteHost:
    return SqliteHost("shop.db", {Order: Shop(stock={"A1": 10}, declined=set())})
