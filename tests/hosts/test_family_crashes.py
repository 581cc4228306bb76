"""`kill -9` at any moment while a flow does another one: the child is started, withdrawn and heard of exactly once."""

from __future__ import annotations

import json
import os
import random
from collections.abc import Iterator
from pathlib import Path

import pytest

import family_lab
from crash_lab import Lab, lines
from family_lab import GIFTS, parcel
from gift_flow import Gift
from penstock.runtime.hosts.sqlite_store import SqliteStore
from penstock.runtime.journal import AnyFlow, replay
from penstock.runtime.store import EntryKind, Instance, JournalEntry, Status, Transaction
from shipping_flow import Shipping

KILLS = int(os.environ.get("PENSTOCK_KILLS", "20"))
UNDO = {"book": "cancel_booking", "charge": "refund"}

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork and SIGKILL")


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    lab = Lab(family_lab.__file__)
    yield lab
    lab.close()


def examine(folder: Path, id: str) -> None:
    """What must hold after any number of crashes."""
    store = SqliteStore(folder / "orders.db")

    def read(tx: Transaction) -> list[tuple[Instance, list[JournalEntry]]]:
        found: list[tuple[Instance, list[JournalEntry]]] = []
        for each in (id, parcel(id)):
            instance = tx.instance(each)
            assert instance is not None
            assert not (*tx.calls(each), *tx.timers(each), *tx.tasks(None))
            found.append((instance, [*tx.entries(each)]))
        (link,) = tx.children(id)
        assert (link.instance, link.key) == (parcel(id), "Shipping#2")
        return found

    try:
        (gift, journal), (shipped, inner) = store.now(read)
    finally:
        store.close()
    kind = GIFTS[id]
    assert (gift.configuration, shipped.configuration) == (kind.end, kind.parcel_end)
    rows: list[tuple[type[AnyFlow], Instance, list[JournalEntry]]] = [(Gift, gift, journal), (Shipping, shipped, inner)]
    for flow, instance, entries in rows:
        assert replay(flow, entries).to_json() == json.loads(instance.snapshot)
        assert sum(entry.kind is EntryKind.START for entry in entries) == 1
    heard = [entry for entry in journal if "Shipping#2" in entry.trigger]
    undone = kind.taken_back == "Shipped"
    assert [json.loads(entry.trigger)["key"] for entry in heard] == ["Shipping#2", "Shipping#2/undo"][: 1 + undone]
    withdrawn = [entry for entry in inner if "withdraw" in entry.trigger]
    assert len(withdrawn) == bool(kind.taken_back)
    effects = [line[:2] for line in lines(folder / "effects") if line[1].startswith(f"{id}/")]
    for name, key in effects:
        if name in UNDO and gift.status is Status.FAILED:  # whatever may have happened is undone, and after it
            assert effects.index([UNDO[name], key]) > len(effects) - 1 - effects[::-1].index([name, key])
    assert gift.status is Status.FAILED or not any(name in UNDO.values() for name, _ in effects)


def test_random_kills_of_a_process_with_many_gifts(place: Path, lab: Lab) -> None:
    dice = random.Random(KILLS)
    kills = runs = 0
    while kills < KILLS:
        runs += 1
        folder = place / str(runs)
        folder.mkdir()
        deaths = 0  # few enough that no call has used up its attempts, however slow the machine is
        while lab.run(folder, list(GIFTS), kill_after=dice.uniform(0, 0.15) if deaths < 3 else None):
            kills, deaths = kills + 1, deaths + 1
        for id in GIFTS:
            examine(folder, id)
