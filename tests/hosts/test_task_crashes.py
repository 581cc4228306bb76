"""`kill -9` at any moment of a flow that people work on: nothing is handed on, reminded of or done twice, or lost."""

from __future__ import annotations

import asyncio
import json
import os
from collections import Counter
from pathlib import Path

import pytest

import hiring_lab
from crash_lab import Lab
from hiring_flow import Hiring
from penstock.runtime.hosts.sqlite_store import SqliteStore
from penstock.runtime.journal import replay
from penstock.runtime.store import Instance, JournalEntry, Transaction

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork and SIGKILL")


def kept(folder: Path) -> tuple[Instance, list[JournalEntry], int]:
    """The instance, its journal, and how much is left to do."""

    def read(tx: Transaction) -> tuple[Instance, list[JournalEntry], int]:
        instance = tx.instance("h-1")
        assert instance is not None
        return instance, [*tx.entries("h-1")], len(tx.timers("h-1")) + len(tx.tasks(None)) + len(tx.calls("h-1"))

    store = SqliteStore(folder / "orders.db")
    try:
        return asyncio.run(store.read(read))
    finally:
        store.close()


def test_a_crash_at_any_point_loses_and_doubles_nothing_that_people_did(tmp_path: Path) -> None:
    lab = Lab(hiring_lab.__file__)
    crashes = 0
    try:
        while True:
            folder = tmp_path / str(crashes + 1)
            folder.mkdir()
            if not lab.run(folder, ["h-1"], crash_at=crashes + 1):
                break
            crashes += 1
            assert not lab.run(folder, ["h-1"])
            instance, journal, left = kept(folder)
            assert (instance.configuration, left) == (("Hired",), 0)
            assert replay(Hiring, journal).to_json() == json.loads(instance.snapshot)
            asked = [json.loads(entry.trigger) for entry in journal]
            done = Counter(each.get("trigger") for each in asked)
            assert all(done[task] == 1 for task in hiring_lab.WORK)
            assert [each["to"] for each in asked if "delegate" in each] == ["rob"]
            fired = sum(str(each.get("timer", "")).endswith(".remind") for each in asked)
            effects = [effect["effect"] for entry in journal for effect in json.loads(entry.effects)]
            assert fired == effects.count("RemindTask") == 1
    finally:
        lab.close()
    assert crashes > 20, "the points were there"
