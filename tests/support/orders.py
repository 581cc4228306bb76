"""The order flow under a test's control: activities that answer as scripted, a clock, a host that can be restarted."""

from __future__ import annotations

import asyncio
import json
from collections import defaultdict, deque
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import count
from pathlib import Path
from typing import Any, TypeVar, cast

from order_flow import Carrier, Order, OrderInputs
from penstock.runtime.core import Actor
from penstock.runtime.hosts.protocol import Client, Host
from penstock.runtime.hosts.sqlite import SqliteClient, SqliteHost
from penstock.runtime.journal import AnyFlow, replay
from penstock.runtime.sealing import PayloadCodec
from penstock.runtime.store import JournalEntry
from penstock.runtime.timers import ManualClock
from penstock.runtime.worker import Limits
from vault import KeyRing

T = TypeVar("T")

START = datetime(2026, 3, 1, 10, 0, tzinfo=UTC)
CLEO = Actor("cleo", frozenset({"customer"}))
MAX = Actor("max", frozenset({"manager"}))
DORA = Actor("dora", frozenset({"director"}))
OLGA = Actor("olga")
SMALL = OrderInputs("A1", 2, Decimal("20.00"))
LARGE = OrderInputs("A1", 2, Decimal("2000.00"))


KEYS = KeyRing({"k1": bytes(range(32))}, "k1")

QUICK = Limits(poll=timedelta(milliseconds=5), pause=timedelta(milliseconds=5))


class Hang:
    """An answer that never comes."""


@dataclass
class Shop:
    """The activities of an order. `script` holds the next answers by name: values, exceptions to raise, or Hang."""

    script: dict[str, list[object]] = field(default_factory=lambda: defaultdict(list))
    calls: list[tuple[str, str, tuple[object, ...]]] = field(default_factory=list[tuple[str, str, tuple[object, ...]]])
    bell: asyncio.Event = field(default_factory=asyncio.Event)

    def names(self) -> list[str]:
        return [name for name, _, _ in self.calls]

    async def called(self, name: str, times: int = 1) -> None:
        """Wait until it has been called so often."""
        while self.names().count(name) < times:
            bell = self.bell
            await bell.wait()

    async def answer(self, name: str, key: str, args: tuple[object, ...], usual: T) -> T:
        self.calls.append((name, key, args))
        self.bell.set()
        self.bell = asyncio.Event()
        answer = self.script[name].pop(0) if self.script[name] else usual
        if answer is Hang:
            await asyncio.Event().wait()
        if isinstance(answer, BaseException):
            raise answer
        return cast(T, answer)  # or whatever a bad implementation answers

    async def reserve_stock(self, sku: str, qty: int, *, key: str) -> str:
        return await self.answer("reserve_stock", key, (sku, qty), "r-1")

    async def quote(self, sku: str, *, key: str) -> Carrier:
        return await self.answer("quote", key, (sku,), Carrier.UPS)

    async def charge_card(self, total: Decimal, *, key: str) -> str:
        return await self.answer("charge_card", key, (total,), "p-1")

    async def ship(self, sku: str, qty: int, carrier: Carrier, *, key: str) -> str:
        return await self.answer("ship", key, (sku, qty, carrier), "t-1")

    async def release_stock(self, result: str | None, *, key: str) -> None:
        await self.answer("release_stock", key, (result,), None)

    async def refund(self, result: str | None, *, key: str) -> None:
        await self.answer("refund", key, (result,), None)


@dataclass
class House:
    """A place for a host, its clock, and its shop. Opening it again is a restart; twice at a time, two processes."""

    kind: str
    folder: Path
    clock: ManualClock = field(default_factory=lambda: ManualClock(START))
    shop: Shop = field(default_factory=Shop)
    limits: Limits = QUICK
    workers: Iterator[int] = field(default_factory=lambda: count(1))

    def open(self) -> Host:
        return self.open_for({Order: self.shop})

    def open_for(self, flows: Mapping[type[AnyFlow], object]) -> Host:
        file = self.folder / "orders.db"
        worker = f"w{next(self.workers)}"
        return SqliteHost(file, flows, clock=self.clock, limits=self.limits, worker=worker, codec=self.codec)

    @property
    def codec(self) -> PayloadCodec | None:
        return {"sqlite": None, "sealed": KEYS}[self.kind]

    def client(self, *flows: type[AnyFlow]) -> Client:
        """One beside the hosts, which works at nothing."""
        return SqliteClient(self.folder / "orders.db", flows or (Order,), clock=self.clock, codec=self.codec)


def doing(**answers: Sequence[object]) -> object:
    """Activities that answer so, attempt by attempt; exceptions are raised, and the last answer is given for ever."""

    def method(answers: Sequence[object]) -> Callable[..., Awaitable[object]]:
        left = deque(answers)

        async def call(*args: object, key: str) -> object:
            answer = left.popleft() if len(left) > 1 else left[0]
            if isinstance(answer, Exception):
                raise answer
            return answer

        return call

    return type("Activities", (), {name: staticmethod(method(given)) for name, given in answers.items()})()


def inputs(flow: type[AnyFlow], *values: object) -> object:
    return flow.spec.inputs.type(*values)


def finishing(work: Coroutine[Any, Any, T]) -> T:
    """Run it to its end; half a minute without one is a failure."""
    return asyncio.run(asyncio.wait_for(work, 30))


async def pass_time(host: Host, clock: ManualClock, *steps: timedelta) -> None:
    """Let the host do what is due after each of these durations."""
    for step in steps:
        clock.advance(step)
        await host.run_until_idle()


async def sound(host: Client, id: str) -> list[JournalEntry]:
    """The journal, when its triggers lead through the pure core to exactly what is stored, and the audit agrees."""
    assert (await host.audit()).findings == ()
    journal = list(await host.journal(id))
    assert replay(Order, journal) == await host.record(id)
    return journal


def triggers(journal: Sequence[JournalEntry]) -> list[str]:
    """Each row in a word: an event's or timer's name, or a call and its outcome."""
    words: list[str] = []
    for entry in journal:
        content = json.loads(entry.trigger)
        if isinstance(content, str):
            words.append(f"{content} {entry.kind}")
        elif "outcome" in content:
            words.append(f"{content['key']} {content['outcome']}")
        else:
            words.append(content.get("timer") or content.get("trigger") or "start")
    return words
