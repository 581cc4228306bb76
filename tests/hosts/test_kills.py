"""`kill -9` at any moment, of processes that run every flow of the specs in one file: nothing that was acknowledged is
lost, nothing is stuck, and what is undone is undone in order.

PENSTOCK_KILLS says how many kills there are (by default a few; `-o log_cli=1 --log-level=INFO` shows how it goes on).
"""

from __future__ import annotations

import json
import logging
import os
import random
import shutil
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from kill_lab import FACTS, FILE, Episode, KillLab
from orders import finishing
from penstock.runtime.core import EmitEvent, SendEvent
from penstock.runtime.hosts.sqlite import SqliteClient
from penstock.runtime.hosts.sqlite_store import SqliteStore
from penstock.runtime.operating.door import main
from penstock.runtime.store import Transaction
from plans import everything
from reference import examine, rows
from shared_world import SharedWorld
from worlds import READ, World

LOG = logging.getLogger(__name__)

KILLS = int(os.environ.get("PENSTOCK_KILLS", "40"))

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork and SIGKILL")


@pytest.fixture(scope="module")
def lab() -> Iterator[KillLab]:
    lab = KillLab()
    yield lab
    lab.close()


def examined(folder: Path) -> Counter[str]:
    """What must hold after any number of kills; how many instances of each flow there are."""
    world = SharedWorld(folder / FACTS)
    world.read()
    store = SqliteStore(folder / FILE)
    try:
        return store.now(lambda tx: _examined(tx, world))
    finally:
        store.close()


def _examined(tx: Transaction, world: World) -> Counter[str]:
    seen: Counter[str] = Counter()
    for instance in tx.instances(None):
        if instance.status.finished:
            assert not (*tx.calls(instance.id), *tx.timers(instance.id), *tx.tasks_of(instance.id))
        else:  # the clock of a schedule has begun one when all others were done
            assert tx.parent(instance.id) is None and not world.answered(instance.id, "start"), instance
        found = rows(tx, instance.id)
        examine(everything()[instance.flow], found, world)
        seen[instance.flow] += 1
    assert set(seen) == set(everything())
    _examine_mail(tx, world)
    return seen


def _examine_mail(tx: Transaction, world: World) -> None:
    """What was emitted was read, under one id; what was sent was taken once, or is a dead letter."""
    emitted, sent, taken = set[str](), set[str](), list[str]()
    for instance in tx.instances(None):
        for entry in tx.entries(instance.id):
            effects = [each["effect"] for each in json.loads(entry.effects)]
            mail = [each for each in effects if each in (EmitEvent.__name__, SendEvent.__name__)]
            for number, each in enumerate(mail):
                (emitted if each == EmitEvent.__name__ else sent).add(f"{instance.id}/{entry.sequence}/{number}")
            if (entry.request or "").startswith("letter "):
                taken.append((entry.request or "").removeprefix("letter "))
    assert {fact.name for fact in world.facts if fact.kind == READ} == emitted and not tx.messages(1)
    letters = tx.letters()
    assert all(letter.reason for letter in letters), "everybody is there: none waits"
    assert sorted((*taken, *(letter.id for letter in letters))) == sorted(sent)


def assert_the_audit_finds_nothing(path: Path) -> None:
    client = SqliteClient(path, [each.flow for each in everything().values()])

    async def findings() -> object:
        async with client:
            return (await client.audit()).findings

    assert finishing(findings()) == ()
    assert main(["audit", "verify", "--db", str(path)]) == 0


@pytest.mark.parametrize("processes", [1, 2])
def test_random_kills_of_processes_that_run_every_flow(place: Path, lab: KillLab, processes: int) -> None:
    dice = random.Random(f"{KILLS} {processes}")
    kills = runs = 0
    ended: Counter[str] = Counter()
    while kills < KILLS:
        runs += 1
        folder = place / f"{processes}-{runs}"
        folder.mkdir()
        copies, most, spread = dice.randrange(1, 4), dice.randrange(3, 30), dice.choice((0.05, 0.15, 0.4))
        kills += lab.play(Episode(str(folder), f"{processes} {runs}", copies, processes, most, spread))
        ended += examined(folder)
        assert_the_audit_finds_nothing(folder / FILE)
        shutil.rmtree(folder)
        LOG.info("%d kills, %d instances of %d flows seen to their ends", kills, ended.total(), len(ended))
