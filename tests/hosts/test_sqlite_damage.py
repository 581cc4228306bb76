"""What the SQLite host says when file, folder or disk are not as they should be: a clear error, and nothing lost."""

from __future__ import annotations

import os
import sqlite3
import time
from contextlib import closing, suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from order_flow import Cancel, Order
from orders import CLEO, LARGE, SMALL, Hang, House, finishing, sound
from penstock.runtime.errors import Busy, Corrupt, DiskFull, NotAStore, NotWritable, TooNew, TooOld, Unfit, Unknown
from penstock.runtime.hosts.sqlite import SqliteClient
from penstock.runtime.hosts.sqlite_store import SqliteStore


@pytest.fixture
def connections(monkeypatch: pytest.MonkeyPatch) -> list[sqlite3.Connection]:
    """The connections that are opened from now on, so that a test can narrow what they may do."""
    opened: list[sqlite3.Connection] = []
    connect = sqlite3.connect

    def remember(path: Path, **options: Any) -> sqlite3.Connection:
        opened.append(connect(path, **options))
        return opened[-1]

    monkeypatch.setattr(sqlite3, "connect", remember)
    return opened


def test_a_file_that_is_no_database_is_refused_and_kept(tmp_path: Path) -> None:
    path = tmp_path / "orders.db"
    path.write_bytes(b"Dear diary, " * 1000)
    with pytest.raises(NotAStore):
        SqliteStore(path)
    assert path.read_bytes() == b"Dear diary, " * 1000


def test_another_programs_database_is_refused_and_kept(tmp_path: Path) -> None:
    path = tmp_path / "orders.db"
    other = sqlite3.connect(path)
    other.executescript("CREATE TABLE diary (day TEXT); INSERT INTO diary VALUES ('monday');")
    other.close()
    before = path.read_bytes()
    with pytest.raises(NotAStore, match="belongs to another program"):
        SqliteStore(path)
    assert path.read_bytes() == before


def test_a_file_of_a_later_version_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "orders.db"
    SqliteStore(path).close()
    later = sqlite3.connect(path)
    later.execute("PRAGMA user_version = 99")
    later.close()
    with pytest.raises(TooNew, match="schema 99"):
        SqliteStore(path)


def test_a_file_of_an_earlier_version_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "orders.db"
    earlier = sqlite3.connect(path)
    earlier.execute("CREATE TABLE instance (id TEXT)")
    earlier.executescript("PRAGMA application_id = 0x50454E53; PRAGMA user_version = 1")
    earlier.close()
    before = path.read_bytes()
    with pytest.raises(TooOld, match="schema 1"):
        SqliteStore(path)
    assert path.read_bytes() == before and [*tmp_path.iterdir()] == [path]


def test_a_folder_that_does_not_exist_is_named(tmp_path: Path) -> None:
    with pytest.raises(NotWritable):
        SqliteStore(tmp_path / "missing" / "orders.db")


def test_the_file_is_written_ahead_and_synchronously(tmp_path: Path, connections: list[sqlite3.Connection]) -> None:
    store = SqliteStore(tmp_path / "orders.db")
    wanted = {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "user_version": 4}
    assert {name: connections[0].execute(f"PRAGMA {name}").fetchone()[0] for name in wanted} == wanted
    store.close()


def test_a_worker_says_at_once_that_it_may_not_write_and_who_asks_need_not(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    def access(path: Path, mode: int) -> bool:
        return mode != os.W_OK

    async def run() -> None:
        async with house.open() as host:
            await host.start(Order, "o-1", LARGE)
            monkeypatch.setattr(os, "access", access)
            with pytest.raises(NotWritable, match="may not be written"):
                await house.open().__aenter__()
            async with SqliteClient(house.folder / "orders.db") as client:
                assert (await client.instance("o-1")).id == "o-1"

    finishing(run())


def test_a_file_that_may_only_be_read_refuses_what_would_change_it(
    house: House, connections: list[sqlite3.Connection]
) -> None:
    async def run() -> None:
        async with house.open() as host:
            await host.start(Order, "o-1", LARGE)
            await host.settled("o-1")
            connections[0].execute("PRAGMA query_only = 1")
            with pytest.raises(NotWritable, match="readonly"):
                await host.send("o-1", Cancel(), by=CLEO)
            connections[0].execute("PRAGMA query_only = 0")
            await host.send("o-1", Cancel(), by=CLEO)
            assert (await host.settled("o-1")).configuration == ("Cancelled",)

    finishing(run())


def test_on_a_full_disk_nothing_acknowledged_is_lost_and_the_host_goes_on_when_there_is_room(
    house: House, connections: list[sqlite3.Connection]
) -> None:
    async def run() -> None:
        async with house.open() as host:
            await host.start(Order, "o-0", SMALL)
            await host.settled("o-0")
            (pages,) = connections[0].execute("PRAGMA page_count").fetchone()
            connections[0].execute(f"PRAGMA max_page_count = {pages + 2}")
            acknowledged = ["o-0"]
            refused = ""
            while not refused:
                id = f"o-{len(acknowledged)}"
                try:
                    await host.start(Order, id, SMALL)
                    acknowledged.append(id)
                except DiskFull:
                    refused = id
            with pytest.raises(Unknown):
                await host.instance(refused)
            connections[0].execute("PRAGMA max_page_count = 1000000")
            await host.start(Order, refused, SMALL)
            await host.run_until_idle()
            for id in (*acknowledged, refused):
                await sound(host, id)
                assert (await host.instance(id)).configuration == ("Delivered",)

    finishing(run())


def test_a_damaged_file_ends_the_host_with_its_name(house: House) -> None:
    async def fill() -> None:
        async with house.open() as host:
            for number in range(20):
                await host.start(Order, f"o-{number}", LARGE)
            await host.run_until_idle()

    async def run() -> None:
        async with house.open() as host:
            await host.settled("o-1")

    finishing(fill())
    path = house.folder / "orders.db"
    content = path.read_bytes()
    path.write_bytes(content[:4096] + b"\xff" * (len(content) - 4096))
    with pytest.raises(Corrupt, match="malformed"):
        finishing(run())


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        ("UPDATE instance SET snapshot = CAST(x'7bff' AS TEXT)", "Could not decode to UTF-8 column 'snapshot'$"),
        ("DROP TABLE timer", "no such table: timer$"),
    ],
)
def test_a_file_whose_rows_or_tables_are_not_ours_ends_the_host(house: House, damage: str, message: str) -> None:
    async def fill() -> None:
        async with house.open() as host:
            await host.start(Order, "o-1", LARGE)
            await host.run_until_idle()

    async def run() -> None:
        async with house.open() as host:
            await host.settled("o-1")

    finishing(fill())
    db = sqlite3.connect(house.folder / "orders.db", isolation_level=None)
    db.execute(damage)
    db.close()
    with pytest.raises(Corrupt, match=message):
        finishing(run())


def test_a_file_that_another_process_keeps_locked_can_be_read_and_is_busy_for_who_writes(tmp_path: Path) -> None:
    async def run() -> None:
        path = tmp_path / "orders.db"
        SqliteStore(path).close()
        blocker = sqlite3.connect(path, isolation_level=None)
        blocker.execute("BEGIN IMMEDIATE")
        store = SqliteStore(path, busy=timedelta(milliseconds=20))
        assert await store.read(lambda tx: tx.instance("o-1")) is None
        with pytest.raises(Busy):
            await store.write(lambda tx: tx.drop_message("m-1"))
        blocker.close()
        await store.write(lambda tx: tx.drop_message("m-1"))
        store.close()

    finishing(run())


def test_a_new_file_that_another_process_is_making_ours_is_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "orders.db"
    other = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    waits: list[float] = []

    def sleep(seconds: float) -> None:
        waits.append(seconds)
        if len(waits) == 3:
            other.execute("ROLLBACK")

    monkeypatch.setattr(time, "sleep", sleep)
    SqliteStore(path).close()
    assert len(waits) == 3, "SQLite itself does not wait here"
    other.close()


def test_a_new_file_is_ours_whenever_another_process_has_made_it_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    connect = sqlite3.connect

    def opened(path: Path, at: int) -> int:
        """Open a file that another process opens before the statement of this number; how many there were."""
        made: list[sqlite3.Connection] = []
        statements: list[str] = []

        def meanwhile(statement: str) -> None:
            statements.append(statement)
            if len(statements) == at:
                with suppress(Busy):  # what we do is in its way
                    SqliteStore(path, busy=timedelta(0)).close()

        def traced(*args: Any, **options: Any) -> sqlite3.Connection:
            made.append(connect(*args, **options))
            if len(made) == 1:
                made[0].set_trace_callback(meanwhile)
            return made[-1]

        monkeypatch.setattr(sqlite3, "connect", traced)
        SqliteStore(path).close()
        return len(statements)

    total = opened(tmp_path / "alone.db", 0)
    assert total > 10
    for at in range(1, total + 1):
        opened(tmp_path / f"{at}.db", at)


def test_an_instance_that_cannot_be_read_is_put_before_an_operator_and_the_others_go_on(tmp_path: Path) -> None:
    """Its row was touched, or the flow was changed and kept its version."""
    house = House("sqlite", tmp_path)
    house.shop.script["reserve_stock"] = [Hang]

    async def run() -> None:
        async with house.open() as host:
            await host.start(Order, "o-1", SMALL)
            await house.shop.called("reserve_stock")
        with closing(sqlite3.connect(house.folder / "orders.db", isolation_level=None)) as db:
            db.execute("UPDATE instance SET snapshot = replace(snapshot, 'Reserving', 'Elsewhere')")
        async with house.open() as host:
            with pytest.raises(Unfit, match="'o-1' is not as it was written"):
                await host.send("o-1", Cancel(), by=CLEO)
            await host.start(Order, "o-2", SMALL)
            assert (await host.settled("o-2")).configuration == ("Delivered",)
            await host.run_until_idle()
            (call,) = await host.parked()
            assert call.instance == "o-1" and "Unfit" in call.error

    finishing(run())
