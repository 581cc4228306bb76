"""`kill -9` at any moment: the instance goes on where it was, nothing is lost, no step is applied twice.

PENSTOCK_KILLS says how many random kills the last test makes (by default a few; `-o log_cli=1 --log-level=INFO` shows
how it goes on), PENSTOCK_EVERY_STATEMENT that another one kills before every SQL statement. `test_crash_points` crashes
at every one of them for every spec, without a process for each.
"""

from __future__ import annotations

import json
import logging
import os
import random
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from billing_flow import Billing
from crash_lab import ORDERS, PURCHASES, Lab, lines
from order_flow import Order
from penstock.runtime.hosts.sqlite_store import SqliteStore
from penstock.runtime.journal import replay
from penstock.runtime.store import Attempt, Instance, JournalEntry, Status, Transaction
from purchase_flow import Purchase

LOG = logging.getLogger(__name__)

KILLS = int(os.environ.get("PENSTOCK_KILLS", "40"))
UNDO = {"reserve_stock": "release_stock", "charge_card": "refund"}

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork and SIGKILL")


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    lab = Lab()
    yield lab
    lab.close()


def assert_nothing_lost_or_doubled(folder: Path, ids: list[str]) -> dict[str, str]:
    """What must hold after any number of crashes; answers with the end of each order."""
    store = SqliteStore(folder / "orders.db")
    try:
        return {id: _examined(store, folder, id) for id in ids}
    finally:
        store.close()


def _examined(store: SqliteStore, folder: Path, id: str) -> str:
    def read(tx: Transaction) -> tuple[Instance | None, list[JournalEntry], list[Attempt], int]:
        left = len(tx.calls(id)) + len(tx.timers(id)) + len(tx.tasks(None))
        return tx.instance(id), [*tx.entries(id)], [*tx.attempts(id)], left

    instance, journal, attempts, left = store.now(read)
    assert instance is not None and instance.status.finished and left == 0
    # No step lost or applied twice: the rows are contiguous, and lead through the pure core to the stored record.
    assert replay(Order, journal).to_json() == json.loads(instance.snapshot)
    # Nothing acknowledged is lost, and nothing was acknowledged as two rows.
    for _, request, sequence in [line for line in lines(folder / "acknowledgements") if line[0] == id]:
        row = journal[int(sequence) - 1]
        assert request == ("start" if row.sequence == 1 else row.request)
    triggers = Counter(entry.trigger for entry in journal)
    assert all(triggers[entry.trigger] == 1 for entry in journal if "outcome" in entry.trigger)
    _examine_effects(id, instance, journal, attempts, [line[:2] for line in lines(folder / "effects")])
    return instance.configuration[0]


def _examine_effects(
    id: str, instance: Instance, journal: list[JournalEntry], attempts: list[Attempt], effects: list[list[str]]
) -> None:
    mine = [(name, key) for name, key in effects if key.startswith(f"{id}/")]
    started = {json.loads(e.effects)[i]["payload"]["key"] for e in journal for i in _starts(e)}
    keys = {key.partition("/")[2] for _, key in mine}
    assert keys <= started, "an effect repeats only with the key of the one call that the journal asked for"
    for name, key in set(mine):
        call = key.partition("/")[2] + ("/undo" if name in UNDO.values() else "")
        begun = sum(attempt.key == call for attempt in attempts)
        assert mine.count((name, key)) <= begun, "every attempt was counted before it began"
    undone = [key for name, key in mine if name in UNDO.values()]
    if instance.status is Status.SUCCEEDED:
        assert undone == []
        return
    for name, key in mine:
        if name in UNDO:  # whatever may have happened is undone, and not before it happened for the last time
            assert mine.index((UNDO[name], key)) > len(mine) - 1 - mine[::-1].index((name, key))
    order = [int(key.rpartition("#")[2]) for key in undone]
    assert order == sorted(order, reverse=True), "the newest effect is undone first"


def _starts(entry: JournalEntry) -> list[int]:
    return [i for i, effect in enumerate(json.loads(entry.effects)) if effect["effect"] == "StartActivity"]


def test_random_kills_of_a_process_with_many_orders(place: Path, lab: Lab) -> None:
    dice = random.Random(KILLS)
    kills = runs = 0
    while kills < KILLS:
        runs += 1
        folder = place / str(runs)
        folder.mkdir()
        restarts = 0
        while lab.run(folder, list(ORDERS), kill_after=dice.uniform(0, 0.15)):
            restarts += 1
        kills += restarts
        ends = assert_nothing_lost_or_doubled(folder, list(ORDERS))
        for id, end in ends.items():  # crashes may use up the attempts of a call; then the order is cancelled
            assert end in (ORDERS[id].end, "Cancelled")
        LOG.info("%d kills, %d times seven orders seen to their ends", kills, runs)


ENDS = {"good": ("Delivered", "Settled"), "bad": ("Cancelled", "NotPaid"), "withdrawn": ("Cancelled", "NotPaid")}
"""Of each purchase, and of what bills it."""


def assert_the_mail_is_right(folder: Path, ids: list[str]) -> None:
    """Whatever was sent was taken once, in the order it was sent; whatever was emitted was read, under one id."""
    store = SqliteStore(folder / "orders.db")
    try:
        pairs = {id: (id, f"bill {id}") for id in ids}
        both = [one for pair in pairs.values() for one in pair]
        journals = store.now(lambda tx: {id: [*tx.entries(id)] for id in both})
        left = store.now(lambda tx: [*tx.messages(100), *tx.letters()])
    finally:
        store.close()
    assert left == []
    emitted: set[str] = set()
    for id, pair in pairs.items():
        assert tuple(journals[one][-1].configuration[0] for one in pair) == ENDS[id]
        bought, billed = pair
        assert replay(Purchase, journals[bought]).finished and replay(Billing, journals[billed]).finished
        for one, other in ((bought, billed), (billed, bought)):
            sent = [each["payload"]["event"] for each in _effects(journals[other], "SendEvent")]
            letters = [entry for entry in journals[one] if (entry.request or "").startswith("letter ")]
            assert [json.loads(entry.trigger)["trigger"] for entry in letters] == sent
            assert len({entry.request for entry in letters}) == len(sent)
        emitted |= {f"{id}/{e.sequence}/0" for e in journals[id] if _effects([e], "EmitEvent")}
    assert {line[0] for line in lines(folder / "messages")} == emitted


def _effects(journal: list[JournalEntry], kind: str) -> list[dict[str, dict[str, str]]]:
    return [each for entry in journal for each in json.loads(entry.effects) if each["effect"] == kind]


@pytest.mark.parametrize("id", PURCHASES)
def test_a_crash_at_any_point_loses_and_doubles_no_message(place: Path, lab: Lab, id: str) -> None:
    crashes = 0
    while True:
        folder = place / str(crashes + 1)
        folder.mkdir()
        if not lab.run(folder, [id], crash_at=crashes + 1):
            break
        crashes += 1
        assert not lab.run(folder, [id])
        assert_the_mail_is_right(folder, [id])
    assert crashes > 20, "the points were there"


def test_random_kills_of_a_process_lose_and_double_no_message(place: Path, lab: Lab) -> None:
    dice = random.Random(KILLS + 1)
    kills = runs = 0
    while kills < KILLS // 4:
        runs += 1
        folder = place / str(runs)
        folder.mkdir()
        restarts = 0
        while restarts < 2 and lab.run(folder, list(PURCHASES), kill_after=dice.uniform(0, 0.1)):
            restarts += 1
        if restarts == 2:  # a third would use up the attempts of a call
            assert not lab.run(folder, list(PURCHASES))
        kills += restarts
        assert_the_mail_is_right(folder, list(PURCHASES))
