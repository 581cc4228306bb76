"""The app of the command line's tests, and a console: commands in, what they print and their exit codes out."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import pytest

from order_flow import Order
from orders import CLEO, LARGE, SMALL, House, finishing, pass_time
from penstock.compiler import cli
from penstock.runtime.hosts.sqlite import SqliteClient, SqliteHost
from penstock.runtime.journal import AnyFlow
from penstock.runtime.operating import showing
from penstock.runtime.operating.answers import Place
from penstock.runtime.operating.questions import record_of
from penstock.runtime.overview import Overview
from penstock.runtime.sealing import PayloadCodec

HOUR = timedelta(hours=1)
LOST = ConnectionError("the line is down")

APPS: list[Callable[[], SqliteHost]] = []
"""The last one is the app."""


def host() -> SqliteHost:
    """The app, `operated:host`."""
    return APPS[-1]()


@dataclass
class Console:
    """Runs commands in the folder of a house, whose worker does what there is to do after each."""

    house: House
    capsys: pytest.CaptureFixture[str]
    codes: list[int] = field(default_factory=list[int])

    def run(self, line: str) -> str:
        """What `penstock ..` prints, errors last."""
        self.codes.append(cli.main(shlex.split(line)[1:]))
        said = self.capsys.readouterr()
        self.house_works()
        return said.out + said.err

    def house_works(self, *steps: timedelta) -> None:
        async def run() -> None:
            async with host() as working:
                await working.run_until_idle()
                await pass_time(working, self.house.clock, *steps)

        finishing(run())


@contextmanager
def opened(
    flows: Mapping[type[AnyFlow], object],
    house: House,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    codec: PayloadCodec | None = None,
) -> Generator[Console]:
    """In the folder of a house, with an app of these flows on a file of their own."""
    APPS.append(lambda: SqliteHost("orders.db", flows, clock=house.clock, limits=house.limits, codec=codec))
    monkeypatch.chdir(house.folder)
    monkeypatch.setenv("PENSTOCK_APP", "operated:host")
    monkeypatch.delenv("PENSTOCK_BY", raising=False)
    monkeypatch.setenv("COLUMNS", "100")
    made = Console(house, capsys)
    try:
        made.house_works()
        yield made
    finally:
        APPS.pop()


@contextmanager
def console(folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Generator[Console]:
    """In a folder with an app, after a bad day: o-17 cannot be shipped, o-18 waits for its manager, o-19 cannot be paid
    back."""
    house = House("sqlite", folder)
    house.shop.script["ship"] = [OSError("no van")] * 24

    async def run() -> None:
        async with house.open() as host:
            await host.start(Order, "o-17", SMALL, by=CLEO)
            await host.run_until_idle()
            await pass_time(host, house.clock, *[HOUR] * 24)
            house.shop.script["charge_card"] = [LOST] * 5
            house.shop.script["refund"] = [LOST] * 12
            await host.start(Order, "o-19", SMALL, by=CLEO)
            await host.run_until_idle()
            await pass_time(host, house.clock, *[HOUR] * 17)
            await host.start(Order, "o-18", LARGE, by=CLEO)
            await host.run_until_idle()
            house.clock.advance(timedelta(minutes=80))

    finishing(run())
    with opened({Order: house.shop}, house, capsys, monkeypatch) as made:
        yield made


def shown(client: SqliteClient, seen: Overview) -> str:
    """What `penstock instances show` says."""
    record = record_of(client, seen)
    return showing.shown(seen, record, {}, Place(client, (), "penstock", by=""), client.now())
