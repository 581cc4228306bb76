"""The journal is one chain: each row is linked to the one before it, whoever writes and whatever is undone."""

from __future__ import annotations

import contextlib
import hashlib
import json
import sqlite3
from collections.abc import Callable

import pytest

from order_flow import Order
from orders import LARGE, SMALL, START, House, finishing
from penstock.runtime.chain import Head, head_of
from penstock.runtime.core import NOBODY
from penstock.runtime.engine import Engine
from penstock.runtime.hosts.sqlite_store import SqliteStore
from penstock.runtime.store import JournalEntry, Transaction

ENGINE = Engine({"Order/1": Order})


def begin(id: str, inputs: object = SMALL) -> Callable[[Transaction], JournalEntry]:
    return lambda tx: ENGINE.start(tx, "Order/1", id, inputs, NOBODY, START)


def chain(house: House) -> list[tuple[object, ...]]:
    """All rows, checked as the documentation says that anybody can."""
    db = sqlite3.connect(house.folder / "orders.db")
    rows = db.execute("SELECT * FROM journal ORDER BY position").fetchall()
    db.close()
    before = ""
    for number, (position, hash, *columns) in enumerate(rows, 1):
        text = json.dumps([before, position, *columns], separators=(",", ":"))
        assert position == number and hash == hashlib.sha256(text.encode()).hexdigest()
        before = hash
    return rows


def test_rows_of_all_instances_are_one_chain_whichever_host_writes_them(house: House) -> None:
    async def run() -> None:
        async with house.open() as one, house.open() as other:
            for number in range(6):
                await (one, other)[number % 2].start(Order, f"o-{number}", LARGE)
            await one.run_until_idle()
            await other.run_until_idle()
        async with house.open() as host:
            await host.start(Order, "o-ä", SMALL)
            await host.settled("o-ä")

    finishing(run())
    rows = chain(house)
    assert len(rows) == 6 * 3 + 5 and {row[2] for row in rows} == {"o-ä", *(f"o-{n}" for n in range(6))}


def test_what_is_undone_leaves_no_gap_and_no_link(house: House) -> None:
    async def run() -> None:
        store, other = SqliteStore(house.folder / "orders.db"), SqliteStore(house.folder / "orders.db")

        def half(tx: Transaction) -> None:
            begin("o-1")(tx)
            with contextlib.suppress(KeyError), tx.savepoint():
                begin("o-2")(tx)
                begin("o-3")(tx)
                raise KeyError
            begin("o-4")(tx)

        def failing(tx: Transaction) -> None:
            begin("o-5")(tx)
            raise KeyError

        await store.write(half)
        with pytest.raises(KeyError):
            await store.write(failing)
        await other.write(begin("o-6"))
        await store.write(begin("o-7"))
        assert (await store.read(lambda tx: tx.head())).position == 4
        store.close()
        other.close()

    finishing(run())
    assert [row[2] for row in chain(house)] == ["o-1", "o-4", "o-6", "o-7"]


def test_a_head_is_written_and_read_again(house: House) -> None:
    async def run() -> None:
        store = SqliteStore(house.folder / "orders.db")
        assert await store.read(lambda tx: tx.head()) == Head() == head_of("0:")
        await store.write(begin("o-1"))
        head = await store.read(lambda tx: tx.head())
        assert head.position == 1 and head_of(f" {head}\n") == head
        store.close()

    finishing(run())


@pytest.mark.parametrize("text", ["", "1", "1:", "0:" + "a" * 64, "x:" + "a" * 64, "-1:" + "a" * 64, "1:abc"])
def test_what_is_no_head_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="head"):
        head_of(text)
