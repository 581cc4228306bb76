"""Payloads that are sealed: nothing of them in the file, nothing lost of them, and nothing done without their key."""

from __future__ import annotations

import asyncio
import sqlite3
import typing
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from hiring_flow import Hiring, HiringInputs, Screen
from kernels import kernels
from order_flow import Cancel, Order, OrderInputs, Review, ReviewVerdict
from orders import KEYS, QUICK, SMALL, Hang, House, Shop, doing, finishing, inputs, pass_time, sound
from penstock.runtime.core import Actor, Outcome
from penstock.runtime.errors import Conflict, StoreError, Unreadable
from penstock.runtime.hosts.sqlite import SqliteClient, SqliteHost
from penstock.runtime.hosts.sqlite_sealed import SealedTransaction
from penstock.runtime.hosts.sqlite_transaction import SqliteTransaction
from penstock.runtime.letters import Letter, Message
from penstock.runtime.sealing import PayloadCodec, Place
from penstock.runtime.store import Attempt, Instance, JournalEntry, PendingCall, TaskItem
from twins import generated
from vault import KeyRing

HOUR = timedelta(hours=1)
SECRET = "S3CRET"
CLEO = Actor(f"cleo {SECRET}", frozenset({"customer"}))
MAX = Actor(f"max {SECRET}", frozenset({"manager"}))
OTHER = bytes(range(32, 64))


def sealed(house: House, codec: PayloadCodec | None, flows: dict[Any, object] | None = None) -> SqliteHost:
    file = house.folder / "orders.db"
    return SqliteHost(file, flows or {Order: house.shop}, clock=house.clock, limits=QUICK, codec=codec)


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House("sealed", tmp_path)


def content(folder: Path) -> bytes:
    """Everything on the disk, the log that is not yet in the file too."""
    return b"".join(file.read_bytes() for file in sorted(folder.glob("orders.db*")))


def clean(folder: Path) -> bool:
    """Whether nothing of a payload is there; what is there is not nothing."""
    bytes_ = content(folder)
    assert b"reserve_stock#1" in bytes_ or b"h-1" in bytes_ or b"t-1" in bytes_
    return SECRET.encode() not in bytes_


def test_nothing_of_a_payload_is_in_the_file_or_its_log(house: House) -> None:
    house.shop.script |= {
        "reserve_stock": [ConnectionError(SECRET), f"r {SECRET}"],
        "charge_card": [f"p {SECRET}"],
        "ship": [OSError(SECRET)] * 24,
    }

    async def run() -> None:
        async with sealed(house, KEYS) as host:
            await host.start(Order, "o-1", OrderInputs(f"sku {SECRET}", 2, Decimal("2000.00")), by=CLEO)
            await host.run_until_idle()
            assert clean(house.folder)
            await pass_time(host, house.clock, timedelta(seconds=1))
            assert clean(house.folder)
            (task,) = await host.tasks(for_=MAX)
            assert (task.title, task.excluded) == ("Approve order of 2000.00", (CLEO.id,))
            await host.delegate("o-1", "review", MAX.id, by=MAX, reason=f"because {SECRET}")
            await host.complete("o-1", Review(ReviewVerdict.ACCEPT, f"fine {SECRET}"), by=MAX, request="r-1")
            await host.run_until_idle()
            await pass_time(host, house.clock, *[HOUR] * 24)
            (parked,) = await host.parked()
            assert SECRET in parked.error and SECRET in parked.args
            assert clean(house.folder)
            await host.settle("o-1", Outcome(parked.key, "done", f"t {SECRET}"), reason=f"by hand {SECRET}", by=MAX)
            assert (await host.settled("o-1")).configuration == ("Delivered",)
            journal = await sound(host, "o-1")
            assert sum(SECRET in f"{entry}" for entry in journal) == len(journal)
            assert f"failed: ConnectionError: {SECRET}" in [a.result for a in await host.attempts("o-1")]
            assert clean(house.folder)
            assert b"2000.00" not in content(house.folder) and b"customer" not in content(house.folder)
        assert clean(house.folder)

    finishing(run())


def test_persons_of_tasks_messages_and_letters_are_sealed_too(house: House) -> None:
    talker, listener = map(
        generated,
        kernels("""
flow Talker version 1 {
  input { to: text, word: text }
  emits spoke(word: text)
  start { send Listener.hear(word) to to, emit spoke(word) } -> Gone
  final Gone
}

flow Listener version 1 {
  data { last: text? }
  event hear(word: text)
  event stop
  start -> Listening
  state Listening {
    on hear(word) { last = word } stay
    on stop -> Done
    wait forever "it listens"
  }
  final Done
}
""").values(),
    )
    flows = {talker: object(), listener: object(), Hiring: doing(send_offer=["o-1"], revoke_offer=[None])}
    rita = f"rita {SECRET}"

    async def run() -> None:
        async with sealed(house, KEYS, flows) as host:
            await host.start(talker, "t-1", inputs(talker, "l-1", SECRET))
            await host.start(Hiring, "h-1", HiringInputs(f"Kim {SECRET}", rita))
            await host.run_until_idle()
            assert clean(house.folder)
            (letter,), (message,) = await host.letters(), await host.messages()
            assert SECRET in letter.payload and SECRET in message.payload
            (task,) = await host.tasks(for_=Actor(rita))
            assert (task.title, task.persons) == (f"Screen Kim {SECRET}", (rita,))
            await host.complete("h-1", Screen(True), by=Actor(rita))
            await host.start(listener, "l-1", inputs(listener))
            await host.run_until_idle()
            heard: Any = (await host.record("l-1")).data
            assert heard.last == SECRET
            assert (await host.tasks())[0].excluded == (rita,)
            assert clean(house.folder)

    finishing(run())


def test_what_is_sealed_anew_each_time_is_still_the_same(house: House) -> None:
    async def run() -> None:
        house.shop.script["reserve_stock"] = [Hang]
        async with sealed(house, KEYS) as host:
            first = await host.start(Order, "o-1", SMALL)
            assert await host.start(Order, "o-1", SMALL) == first
            with pytest.raises(Conflict):
                await host.start(Order, "o-1", SMALL._replace(qty=3))
            sent = await host.send("o-1", Cancel(), by=CLEO, request="r-1")
            assert await host.send("o-1", Cancel(), by=CLEO, request="r-1") == sent

    finishing(run())


async def refused(house: House, codec: PayloadCodec | None, why: str) -> None:
    """It is not opened, and not changed."""
    before = content(house.folder)
    with pytest.raises(Unreadable, match=why):
        async with sealed(house, codec):
            pass
    assert content(house.folder) == before


def test_without_the_key_the_file_is_refused_and_left_alone(house: House) -> None:
    async def run() -> None:
        async with sealed(house, KEYS) as host:
            await host.start(Order, "o-1", SMALL)
            await host.settled("o-1")
        await refused(house, None, "sealed: open it with their codec")
        await refused(house, KeyRing({"k1": OTHER}, "k1"), "instance.snapshot of instance 'o-1' cannot be unsealed")
        await refused(house, KeyRing({"k2": OTHER}, "k2"), "the key 'k1' is missing")
        async with sealed(house, KEYS) as host:
            await sound(host, "o-1")

    finishing(run())


def test_a_file_that_is_not_sealed_is_refused_with_a_codec(house: House) -> None:
    async def run() -> None:
        async with sealed(house, None) as host:
            await host.start(Order, "o-1", SMALL)
        await refused(house, KEYS, "is not sealed")

    finishing(run())


def test_a_new_key_seals_what_comes_and_the_old_one_still_opens_what_was(house: House) -> None:
    both = KeyRing({**KEYS.keys, "k2": OTHER}, "k2")

    async def run() -> None:
        async with sealed(house, KEYS) as host:
            await host.start(Order, "o-1", SMALL._replace(total=Decimal("2000.00")))
            await host.run_until_idle()
        assert b"sealed:k2:" not in content(house.folder)
        async with sealed(house, both) as host:
            await host.send("o-1", Cancel(), by=CLEO)
            await host.settled("o-1")
            await sound(host, "o-1")
        assert b"sealed:k2:" in content(house.folder)
        async with sealed(house, KeyRing({"k2": OTHER}, "k2")) as host:
            with pytest.raises(Unreadable, match=r"journal\.\w+ of instance 'o-1'.*the key 'k1' is missing"):
                await host.journal("o-1")
            assert (await host.instance("o-1")).configuration == ("Cancelled",)

    finishing(run())


OTHERS = "SELECT trigger FROM journal WHERE instance = 'o-2' AND sequence = 1"


async def looked_at(house: House, id: str) -> None:
    async with sealed(house, KEYS) as host:
        await host.journal(id)
        await host.instance(id)


@pytest.mark.parametrize(
    "swap",
    [
        "UPDATE instance SET snapshot = (SELECT snapshot FROM instance WHERE id = 'o-2') WHERE id = 'o-1'",
        "UPDATE instance SET sequence = sequence + 1 WHERE id = 'o-1'",
        f"UPDATE journal SET trigger = ({OTHERS}) WHERE instance = 'o-1' AND sequence = 1",
        "UPDATE journal SET trigger = effects WHERE instance = 'o-1' AND sequence = 2",
        """UPDATE journal SET actor = '{"id":"","roles":[]}' WHERE instance = 'o-1'""",
    ],
)
def test_a_text_that_was_put_elsewhere_is_not_taken(house: House, swap: str) -> None:
    async def run() -> None:
        async with sealed(house, KEYS) as host:
            for id in ("o-1", "o-2"):
                await host.start(Order, id, SMALL)
            await host.run_until_idle()
        db = sqlite3.connect(house.folder / "orders.db")
        assert db.execute(swap).rowcount > 0
        db.commit()
        db.close()
        with pytest.raises(Unreadable, match="of instance 'o-1'"):
            await looked_at(house, "o-1")

    finishing(run())


def rows(folder: Path) -> dict[str, int]:
    db = sqlite3.connect(folder / "orders.db")
    counts = {
        table: db.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in ("instance", "journal", "call")
    }
    db.close()
    return counts


class Distant:
    """Keys that are somewhere else, and cannot be had now and then."""

    def __init__(self) -> None:
        self.away = False

    def seal(self, text: str, place: Place) -> str:
        if self.away:
            raise TimeoutError("no answer from the vault")
        return KEYS.seal(text, place)

    def unseal(self, sealed: str, place: Place) -> str:
        if self.away:
            raise StoreError("no answer from the vault")
        return KEYS.unseal(sealed, place)


def test_while_the_keys_cannot_be_had_nothing_changes_and_then_it_goes_on(house: House) -> None:
    distant = Distant()

    class Stolen(Shop):
        async def reserve_stock(self, sku: str, qty: int, *, key: str) -> str:
            distant.away = True
            return "r-1"

    house.shop = Stolen()

    async def run() -> None:
        async with sealed(house, distant) as host:
            await host.start(Order, "o-1", SMALL)
            while not distant.away:
                await asyncio.sleep(0)
            with pytest.raises(StoreError, match="no answer from the vault"):
                await host.start(Order, "o-2", SMALL)
            assert rows(house.folder) == {"instance": 1, "journal": 1, "call": 1}
            distant.away = False
            assert (await host.settled("o-1")).configuration == ("Delivered",)

    finishing(run())


def test_the_journal_is_audited_with_the_key_and_without(house: House) -> None:
    async def run() -> None:
        async with sealed(house, KEYS) as host:
            await host.start(Order, "o-1", SMALL, by=CLEO)
            await host.settled("o-1")
            report = await host.audit()
            assert (report.findings, report.rows, report.unknown) == ((), 5, {})
        async with SqliteClient(house.folder / "orders.db") as auditor:
            report = await auditor.audit()
            assert (report.findings, report.rows, report.unknown) == ((), 5, {"Order/1": 1})
        db = sqlite3.connect(house.folder / "orders.db")
        db.execute("UPDATE journal SET note = 'sealed:k1:' WHERE sequence = 3")
        db.commit()
        db.close()
        async with SqliteClient(house.folder / "orders.db") as auditor:
            assert [finding.sequence for finding in (await auditor.audit()).findings] == [3]

    finishing(run())


KEPT = (Instance, JournalEntry, PendingCall, Attempt, TaskItem, Message, Letter)


def test_every_statement_about_a_payload_is_sealed() -> None:
    """A method that is added below and takes or gives what is sealed has to be added above."""

    def about(hint: object) -> bool:
        return any(hint is kind for kind in KEPT) or any(map(about, typing.get_args(hint)))

    methods = {name: getattr(SqliteTransaction, name) for name in dir(SqliteTransaction) if not name.startswith("_")}
    hints = {name: typing.get_type_hints(method) for name, method in methods.items() if callable(method)}
    plain = {"retract", "report"}  # for observers, not for the file
    plain |= {"attempts", "instances"}  # made of what other methods give
    needed = {name for name, each in hints.items() if any(map(about, each.values()))} - plain
    assert {"append", "entry", "put_call", "next_letter", "tasks"} <= needed
    assert needed <= {*vars(SealedTransaction)}
