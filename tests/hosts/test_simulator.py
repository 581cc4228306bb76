"""The whole host in a simulation: whatever happens, every promise is kept; and a seed is a run.

PENSTOCK_STORMS says how many storms there are, each of another kind (by default a few; `benchmarks/simulate.py` makes
more of them, and repeats one by its seed).
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

import repository
from calendar_flows import calendar
from penstock.runtime.hosts import sqlite_thread
from penstock.runtime.hosts.sqlite_thread import Answer, Turn
from penstock.runtime.hosts.sqlite_transaction import SqliteTransaction
from plans import Subject, everything
from random_subjects import random_subjects
from simulator import CALENDAR, CALM, STORM, simulate, varied

STORMS = int(os.environ.get("PENSTOCK_STORMS", "6"))
HOURS = timedelta(hours=4)


def flows() -> list[Subject]:
    return [*everything().values()]


@pytest.mark.parametrize("seed", range(STORMS))
def test_every_promise_is_kept_in_a_storm(seed: int) -> None:
    seen = simulate(str(seed), flows(), HOURS, varied(str(seed)))
    assert seen.instances > 0 and seen.examined > 0
    assert seen.counted["crash"] > 1 and seen.counted["effect"] > 0


@pytest.mark.parametrize("seed", range(STORMS // 2))
def test_every_promise_is_kept_of_random_flows(seed: int, tmp_path: Path) -> None:
    seen = simulate(f"random {seed}", random_subjects(seed, 6, tmp_path), HOURS / 2, varied(f"random {seed}"))
    assert seen.instances > 0 and seen.examined > 0
    assert seen.counted["crash"] > 1


def test_the_same_seed_gives_the_same_log_to_the_last_byte(tmp_path: Path) -> None:
    lines: list[str] = []
    span = HOURS / 2
    simulate("7", flows(), span, STORM, lines.append)
    program = str(repository.ROOT / "benchmarks" / "simulate.py")
    log = tmp_path / "log"
    command = [sys.executable, program, "--seed", "7", "--days", str(span / timedelta(days=1)), "--log", str(log)]
    subprocess.run(command, check=True, capture_output=True, env={**os.environ, "PYTHONHASHSEED": "99"})
    assert log.read_text(encoding="utf-8") == "".join(lines)
    other: list[str] = []
    simulate("8", flows(), span, STORM, other.append)
    assert lines != other


def test_works_share_commits_and_some_that_raise_share_them_with_others() -> None:
    seen = simulate("1", flows(), HOURS, STORM)
    assert seen.counted["shared"] > 100 and seen.counted["disagreement"] > 5


def test_what_a_work_that_raises_leaves_behind_in_a_shared_commit_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    def careless(tx: SqliteTransaction, turns: Sequence[Turn]) -> list[Answer]:
        answers: list[Answer] = []
        for turn in turns:
            try:
                answers.append((turn.done(tx), None))
            except BaseException as error:  # noqa: BLE001 - it is raised where the answer is awaited
                answers.append((None, error))
        return answers

    monkeypatch.setattr(sqlite_thread, "_together", careless)
    with pytest.raises(AssertionError):
        simulate("1", flows(), timedelta(days=1), replace(STORM, trouble=timedelta(minutes=10)))


def test_in_fair_weather_timers_and_schedules_keep_to_the_calendar() -> None:
    days = 60
    seen = simulate("1", calendar(), timedelta(days=days), CALENDAR)
    nights = days // 7
    assert days + nights <= seen.instances <= days + nights + 2
    assert seen.fired >= 3 * (days - 2) + 9 * nights
    assert seen.ended >= seen.instances - 2


def test_in_fair_weather_everybody_is_served() -> None:
    seen = simulate("1", flows(), timedelta(days=20), CALM)
    assert seen.ended > seen.instances / 2 > 5
    assert "unserved" not in seen.counted


def test_while_a_worker_lives_nobody_takes_it_for_dead() -> None:
    busy = replace(
        CALM, processes=2, poll=timedelta(seconds=4), call=timedelta(minutes=2), arrival=timedelta(minutes=5)
    )
    seen = simulate("1", flows(), timedelta(hours=3), busy)
    assert seen.counted["effect"] > 10
    assert seen.lost == 0, "its lease is kept however often it looks at the store"


def forget(*_: object) -> None:
    """Instead of writing it down."""


def test_a_timer_that_is_forgotten_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(SqliteTransaction, "put_timer", forget)
    with pytest.raises(AssertionError, match="timers"):
        simulate("1", calendar(), timedelta(days=9), CALENDAR)
