"""`kill -9` at any moment while regions run beside each other: the calls of each are made and undone as asked."""

from __future__ import annotations

import json
import os
import random
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

import fulfilment_lab
from crash_lab import Lab, lines
from fulfilment_flow import Fulfilment
from fulfilment_lab import ORDERS
from penstock.runtime.hosts.sqlite_store import SqliteStore
from penstock.runtime.journal import replay
from penstock.runtime.store import Attempt, Instance, JournalEntry, Status, Transaction

KILLS = int(os.environ.get("PENSTOCK_KILLS", "20"))
UNDO = {"pack": "unpack", "charge": "refund"}

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork and SIGKILL")


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    lab = Lab(fulfilment_lab.__file__)
    yield lab
    lab.close()


def examine(folder: Path, id: str) -> str:
    """What must hold after any number of crashes; answers with where the order ended."""
    store = SqliteStore(folder / "orders.db")

    def read(tx: Transaction) -> tuple[Instance | None, list[JournalEntry], list[Attempt]]:
        assert not (*tx.calls(id), *tx.timers(id))
        assert all(task.instance != id for task in tx.tasks(None))
        return tx.instance(id), [*tx.entries(id)], [*tx.attempts(id)]

    try:
        instance, journal, attempts = store.now(read)
    finally:
        store.close()
    assert instance is not None and instance.status.finished
    assert replay(Fulfilment, journal).to_json() == json.loads(instance.snapshot)
    answers = Counter(entry.trigger for entry in journal if "outcome" in entry.trigger)
    assert set(answers.values()) <= {1}, "no answer counts twice"
    asked = [e["payload"] for entry in journal for e in json.loads(entry.effects) if e["effect"] == "StartActivity"]
    effects = [line[:2] for line in lines(folder / "effects") if line[1].startswith(f"{id}/")]
    assert {key.partition("/")[2] for _, key in effects} <= {call["key"] for call in asked}
    for name, key in effects:
        call = key.partition("/")[2] + ("/undo" if name in UNDO.values() else "")
        assert effects.count([name, key]) <= sum(each.key == call for each in attempts)
    _examine_undoing(instance, effects)
    if instance.status is Status.SUCCEEDED:
        assert {key for name, key in effects if name == "pack"} == {
            f"{id}/{call['key']}" for call in asked if call["activity"] == "pack"
        }
    return instance.configuration[0]


def _examine_undoing(instance: Instance, effects: list[list[str]]) -> None:
    undone = [key for name, key in effects if name in UNDO.values()]
    if instance.status is Status.SUCCEEDED:
        assert undone == []
        return
    for name, key in effects:
        if name in UNDO:  # whatever may have happened is undone, and not before it happened for the last time
            assert effects.index([UNDO[name], key]) > len(effects) - 1 - effects[::-1].index([name, key])
    order = [int(key.rpartition("#")[2]) for key in undone]
    assert order == sorted(order, reverse=True), "the newest effect is undone first, whatever its region"


def test_random_kills_of_a_process_with_many_orders(place: Path, lab: Lab) -> None:
    dice = random.Random(KILLS)
    kills = runs = 0
    while kills < KILLS:
        runs += 1
        folder = place / str(runs)
        folder.mkdir()
        while lab.run(folder, list(ORDERS), kill_after=dice.uniform(0, 0.15)):
            kills += 1
        for id in ORDERS:  # crashes may use up the attempts of a call; then the order is cancelled
            assert examine(folder, id) in (ORDERS[id].end, "Cancelled")
