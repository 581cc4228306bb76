"""A small shop: what the order flow asks of the outside world, kept in memory."""

from __future__ import annotations

from decimal import Decimal

from order_flow import Carrier, Declined, OutOfStock


class Shop:
    """The activities of `specs/order.flow`. It implements the generated protocol `OrderActivities`.

    A call may come twice with the same key, after a crash or a timeout, and has its effect once. An undo gets the key
    of the call it undoes, whether or not that call ever arrived."""

    def __init__(self, stock: dict[str, int], declined: set[Decimal]) -> None:
        """`declined`: the amounts that this shop's card company does not like."""
        self.stock = stock
        self.declined = declined
        self.reserved: dict[str, tuple[str, int]] = {}
        self.charged: dict[str, Decimal] = {}
        self.undone: set[str] = set()
        self.shipped: set[str] = set()

    def reserve_stock(self, sku: str, qty: int, *, key: str) -> str:
        if key not in self.reserved and key not in self.undone:
            if self.stock.get(sku, 0) < qty:
                raise OutOfStock(f"{self.stock.get(sku, 0)} of {sku} left")
            self.stock[sku] -= qty
            self.reserved[key] = (sku, qty)
        return f"r-{_order(key)}"

    def release_stock(self, result: str | None, *, key: str) -> None:
        self.undone.add(key)
        if key in self.reserved:
            sku, qty = self.reserved.pop(key)
            self.stock[sku] += qty

    def charge_card(self, total: Decimal, *, key: str) -> str:
        if total in self.declined:
            raise Declined(f"{total} is over the card's limit")
        if key not in self.undone:
            self.charged[key] = total
        return f"p-{_order(key)}"

    def refund(self, result: str | None, *, key: str) -> None:
        self.undone.add(key)
        self.charged.pop(key, None)

    def quote(self, sku: str, *, key: str) -> Carrier:
        return Carrier.UPS

    def ship(self, sku: str, qty: int, carrier: Carrier, *, key: str) -> str:
        self.shipped.add(key)
        return f"{carrier}-{_order(key)}"


def _order(key: str) -> str:
    """A key begins with the instance: `o-1/charge_card#3`."""
    return key.partition("/")[0]
