"""Several real processes on one file: each call is one process's, and one that was thought dead changes nothing."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import time
from collections.abc import Callable
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from orders import finishing
from penstock.runtime.errors import Busy
from penstock.runtime.hosts.sqlite_store import SqliteStore
from penstock.runtime.journal import replay
from penstock.runtime.store import Attempt, Instance, JournalEntry, Transaction
from penstock.runtime.timers import MICROSECOND
from rival import LEASE, acts, rival, working

pytestmark = pytest.mark.skipif(not hasattr(signal, "SIGSTOP"), reason="needs SIGSTOP and SIGKILL")

Found = tuple[Instance | None, list[JournalEntry], list[Attempt]]


def read(folder: Path, id: str) -> Found:
    store = SqliteStore(folder / "rivals.db")

    def found(tx: Transaction) -> Found:
        return tx.instance(id), [*tx.entries(id)], [*tx.attempts(id)]

    try:
        return store.now(found)
    finally:
        store.close()


def ended(process: subprocess.Popen[str]) -> tuple[int, str]:
    """The exit code, and what it said."""
    _, said = process.communicate(timeout=60)
    return process.returncode, said


def wait_until(condition: Callable[[], bool]) -> None:
    """For what another process does; a minute without it is a failure."""
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_the_answer_of_a_process_that_was_stopped_for_longer_than_its_lease_is_refused(place: Path) -> None:
    zombie = rival(place, "zombie", "slow")
    wait_until(lambda: len(acts(place)) == 2)
    os.kill(zombie.pid, signal.SIGSTOP)
    heir = rival(place, "heir", "quick")
    code, said = ended(heir)
    assert code == 0, said
    before = read(place, "i")
    (place / "go").touch()
    os.kill(zombie.pid, signal.SIGCONT)
    code, said = ended(zombie)
    assert code == 0, said
    assert said.count("came too late: another worker has it") == 2
    instance, journal, attempts = read(place, "i")
    assert (instance, journal, attempts) == before, "it has changed nothing"
    assert instance is not None and instance.configuration == ("Done",)
    assert [(attempt.worker, attempt.result) for attempt in attempts] == [
        ("zombie", "failed: its worker was lost"), ("heir", "done")
    ]  # fmt: skip
    assert sorted(acts(place)) == sorted(
        f"{who} {key}" for who in ("zombie", "heir") for key in ("i/act#1", "other/rest#1")
    )
    replay(working(), journal)


def test_while_a_process_lives_another_one_does_not_touch_its_calls(place: Path) -> None:
    first = rival(place, "first", "slow")
    wait_until(lambda: len(acts(place)) == 2)
    begun = leased_until(place)
    second = rival(place, "second", "quick")
    wait_until(lambda: (place / "second-works").exists() and leased_until(place) > begun + 2 * (LEASE // MICROSECOND))
    assert all(act.startswith("first ") for act in acts(place))
    (place / "go").touch()
    assert (ended(first)[0], ended(second)[0]) == (0, 0)
    assert len(acts(place)) == 2
    assert [attempt.worker for attempt in read(place, "i")[2]] == ["first"]


def leased_until(folder: Path) -> int:
    """In microseconds."""
    with closing(sqlite3.connect(folder / "rivals.db")) as db:
        (lease,) = db.execute("SELECT lease FROM worker WHERE id = 'first'").fetchone()
        return int(lease)


def test_an_activity_that_kills_its_process_is_exhausted_and_the_others_go_on(place: Path) -> None:
    deaths = 0
    while True:
        process = rival(place, f"p-{deaths}", "kill")
        code, said = ended(process)
        if code == 0:
            break
        assert code == -signal.SIGKILL, said
        deaths += 1
    assert deaths == 3, "as often as it may be tried"
    instance, journal, attempts = read(place, "i")
    assert instance is not None and instance.configuration == ("Lost",)
    assert [attempt.result for attempt in attempts if attempt.key == "act#1"] == ["failed: its worker was lost"] * 3
    assert [act for act in acts(place) if act.endswith("/undo")] == [f"p-{deaths} i/act#1/undo"]
    assert replay(working(), journal).finished
    other, _, _ = read(place, "other")
    assert other is not None and other.configuration == ("Done",)


def test_who_cannot_write_for_another_waits_and_then_says_so(place: Path) -> None:
    impatient = SqliteStore(place / "rivals.db", busy=timedelta(milliseconds=200))

    async def write() -> None:
        await impatient.write(lambda tx: None)

    with closing(sqlite3.connect(place / "rivals.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(Busy):
            finishing(write())
        other.execute("ROLLBACK")
        finishing(write())
    impatient.close()


@pytest.mark.parametrize("zone", ["America/New_York", "Australia/Lord_Howe"])
def test_the_zone_of_the_process_does_not_matter(place: Path, zone: str) -> None:
    process = rival(place, "here", "quick", TZ=zone)
    code, said = ended(process)
    assert code == 0, said
    instance, _, _ = read(place, "i")
    assert instance is not None and abs(instance.at.timestamp() - time.time()) < 3600
