"""`crash_lab` for a flow that does another one: gifts to send in, processes that die by SIGKILL out."""

from __future__ import annotations

import contextlib
from datetime import timedelta
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import NamedTuple

import shipping_flow
from crash_lab import Mine, SavedClock, note, serve
from gift_flow import Gift, GiftInputs, TakeBack
from penstock.runtime.core import Actor, Rejected
from penstock.runtime.errors import Unknown
from penstock.runtime.hosts.sqlite import SqliteHost
from penstock.runtime.journal import AnyFlow
from penstock.runtime.worker import Limits
from shipping_flow import Delivered, Lost, Shipping

CLEO = Actor("cleo", frozenset({"customer"}))
CARL = Actor("carl", frozenset({"clerk"}))


class Kind(NamedTuple):
    """One kind of gift: what becomes of its parcel, when the giver takes it back, and where both flows end."""

    id: str
    parcel: str  # delivered, lost or nothing
    taken_back: str  # the state of the gift in which it is, if it is
    end: tuple[str, ...]
    parcel_end: tuple[str, ...]


GIFTS = {
    gift.id: gift
    for gift in (
        Kind("kept", "delivered", "", ("Kept",), ("Delivered",)),
        Kind("lost", "lost", "", ("Returned",), ("Failed",)),
        Kind("underway", "", "Shipping", ("Returned",), ()),
        Kind("shipped", "delivered", "Shipped", ("Returned",), ()),
    )
}


def parcel(id: str) -> str:
    """The instance that ships a gift."""
    return f"{id}/Shipping#2"


class Post:
    """Activities of both flows, whose effects are lines of a file."""

    def __init__(self, folder: Path, mine: Mine) -> None:
        self.effects = folder / "effects"
        self.mine = mine

    def effect(self, name: str, key: str) -> str:
        self.mine.point()
        note(self.effects, name, key)
        self.mine.point()
        return f"{name} {key}"

    async def price_of(self, speed: shipping_flow.Speed, *, key: str) -> Decimal:
        return Decimal("4.50")

    async def book(self, order: str, speed: shipping_flow.Speed, *, key: str) -> str:
        return self.effect("book", key)

    async def cancel_booking(self, result: str | None, order: str, *, key: str) -> None:
        self.effect("cancel_booking", key)

    def charge(self, total: Decimal, *, key: str) -> str:
        return self.effect("charge", key)

    def refund(self, result: str | None, *, key: str) -> None:
        self.effect("refund", key)

    async def thank(self, parcel: str, *, key: str) -> None:
        self.effect("thank", key)


async def drive(folder: Path, ids: list[str], mine: Mine) -> None:
    """Start these gifts if they are not, and see them through to their ends."""
    clock = SavedClock(folder / "clock")
    limits = Limits(poll=timedelta(milliseconds=1), pause=timedelta(milliseconds=1))
    post = Post(folder, mine)
    flows: dict[type[AnyFlow], object] = {Gift: post, Shipping: post}
    async with SqliteHost(folder / "orders.db", flows, clock=clock, limits=limits) as host:
        for id in ids:
            await host.start(Gift, id, GiftInputs(id, Decimal(20)), by=CLEO)
        while True:
            await host.run_until_idle()
            instances = {id: await host.instance(id) for id in ids}
            if all(instance.status.finished for instance in instances.values()):
                return
            for id, instance in instances.items():
                gift = GIFTS[id]
                if instance.configuration == ("Shipping",) and gift.parcel:
                    event = Delivered() if gift.parcel == "delivered" else Lost()
                    await _sent(host, parcel(id), event, CARL)
                if (gift.taken_back,) == instance.configuration:
                    await _sent(host, id, TakeBack(), CLEO)
            waiting = {id for id, instance in instances.items() if instance.configuration == ("Shipped",)}
            alone = all(instance.status.finished or id in waiting for id, instance in instances.items())
            clock.advance(timedelta(days=14) if alone else timedelta(minutes=1))


async def _sent(host: SqliteHost, id: str, event: object, by: Actor) -> None:
    with contextlib.suppress(Rejected, Unknown):  # it is too early, and sent again
        await host.send(id, event, by=by, request=type(event).__name__)


if __name__ == "__main__":
    serve(partial(print, flush=True), drive)
