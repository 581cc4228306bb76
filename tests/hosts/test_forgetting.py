"""What an instance was told is forgotten with its key, in every copy of the file; all others go on."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from forgetting import KeyPerInstance
from order_flow import Order, Review, ReviewVerdict
from orders import CLEO, LARGE, MAX, QUICK, SMALL, House, finishing
from penstock.runtime.errors import Conflict, StoreError, Unreadable
from penstock.runtime.hosts.sqlite import SqliteClient, SqliteHost
from penstock.runtime.sealing import FORGOTTEN, Place


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House("sealed", tmp_path)


@pytest.fixture
def codec(tmp_path: Path) -> KeyPerInstance:
    folder = tmp_path / "keys"
    folder.mkdir()
    return KeyPerInstance(folder)


def opened(house: House, codec: KeyPerInstance) -> SqliteHost:
    return SqliteHost(house.folder / "orders.db", {Order: house.shop}, clock=house.clock, limits=QUICK, codec=codec)


def test_what_was_forgotten_is_gone_in_every_copy_and_the_others_go_on(house: House, codec: KeyPerInstance) -> None:
    copy = house.folder / "copy.db"

    async def run() -> None:
        async with opened(house, codec) as host:
            await host.start(Order, "o-1", SMALL, by=CLEO)
            await host.start(Order, "o-2", LARGE, by=CLEO)
            await host.run_until_idle()
            assert "cleo" in (await host.journal("o-1"))[0].actor
        shutil.copy(house.folder / "orders.db", copy)
        codec.forget("o-1")
        async with opened(house, codec) as host:
            assert [each.id for each in await host.instances()] == ["o-1", "o-2"]
            rows = await host.journal("o-1")
            assert {text for row in rows for text in (row.actor, row.trigger, row.effects)} == {FORGOTTEN}
            assert (await host.instance("o-1")).configuration == ("Delivered",), "where it ended is no secret"
            with pytest.raises(Conflict):
                await host.start(Order, "o-1", SMALL, by=CLEO)
            await host.complete("o-2", Review(ReviewVerdict.ACCEPT, None), by=MAX)
            assert (await host.settled("o-2")).configuration == ("Delivered",)
            report = await host.audit()
            assert (report.findings, report.instances, report.forgotten) == ((), 2, 1)
        async with SqliteClient(house.folder / "orders.db") as client:
            assert (await client.audit()).findings == (), "the chain is whole, and needs no key"
        async with SqliteClient(copy, [Order], clock=house.clock, codec=codec) as client:
            assert {row.trigger for row in await client.journal("o-1")} == {FORGOTTEN}
            assert "cleo" in (await client.journal("o-2"))[0].actor

    finishing(run())


@pytest.mark.parametrize("column", ["instance.snapshot", "journal.trigger"])
def test_what_is_forgotten_in_part_was_edited(house: House, codec: KeyPerInstance, column: str) -> None:
    class Partly(KeyPerInstance):
        """A codec that says so of one column alone, as somebody might make a file look who has its key."""

        def unseal(self, sealed: str, place: Place) -> str:
            return FORGOTTEN if place.column == column else super().unseal(sealed, place)

    async def run() -> None:
        async with opened(house, codec) as host:
            await host.start(Order, "o-1", SMALL, by=CLEO)
            await host.settled("o-1")
        async with SqliteClient(house.folder / "orders.db", [Order], codec=Partly(codec.folder)) as client:
            report = await client.audit()
            assert [finding.instance for finding in report.findings] == ["o-1"]
            assert report.forgotten == 0

    finishing(run())


def test_a_key_that_is_lost_is_not_one_that_was_destroyed(house: House, codec: KeyPerInstance) -> None:
    async def run() -> None:
        async with opened(house, codec) as host:
            await host.start(Order, "o-1", SMALL, by=CLEO)
            await host.settled("o-1")
        (key,) = codec.folder.iterdir()
        key.unlink()
        with pytest.raises(Unreadable):
            async with opened(house, codec):
                pass

    finishing(run())


def test_nothing_is_sealed_for_one_that_was_forgotten(house: House, codec: KeyPerInstance) -> None:
    codec.forget("o-1")

    async def run() -> None:
        async with opened(house, codec) as host:
            with pytest.raises(StoreError, match="o-1 was forgotten"):
                await host.start(Order, "o-1", SMALL, by=CLEO)
            assert await host.instances() == []

    finishing(run())
