"""A crash at every operation of the database, on every path of every spec: nothing is lost, and nobody waits for ever.

PENSTOCK_CRASHES=1 goes on from every state that a crash could have left; by default from each 20th of them.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from crash_points import Crashed, crash_everywhere
from penstock.runtime.engine import Engine
from penstock.runtime.hosts import sqlite_instances
from penstock.runtime.outbox import Result
from penstock.runtime.store import News, PendingCall, Transaction
from plans import SPECS, Plan, everything, subjects_of
from players import LostWakeUp

EVERY = int(os.environ.get("PENSTOCK_CRASHES", "20"))


def crashed(place: Path, plan: Plan, offset: int = 0) -> Crashed:
    folder = place / plan.name
    made = crash_everywhere(folder, plan, EVERY, offset)
    shutil.rmtree(folder)
    return made


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.stem)
def test_a_crash_at_any_operation_loses_nothing_and_leaves_nothing_standing(
    place: Path, spec: Path, record_property: Callable[[str, object], None]
) -> None:
    runs = [crashed(place, plan, n) for n, plan in enumerate(p for s in subjects_of(spec) for p in s.plans)]
    for name in ("points", "resumed", "ended"):
        record_property(name, sum(getattr(run, name) for run in runs))
    assert all(run.points > 50 for run in runs), "the points were there"
    if runs:  # a file of shared declarations has no flow
        assert sum(run.ended for run in runs) == sum(run.resumed for run in runs) > 0


# ---------------------------------------------------------------- what it would find


def ignore(*_: object) -> None:
    """What is left out."""


def order() -> Plan:
    """A run of the order flow in which something is undone."""
    plans = everything()["Order/1"].plans
    return max(plans, key=lambda plan: sum(key.endswith("/undo") for key in plan.answers))


def test_a_key_that_is_another_one_for_each_attempt_is_found_out(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def key(call: PendingCall) -> str:
        return f"{call.instance}/{call.forward or call.key}{call.attempts}"

    monkeypatch.setattr(PendingCall, "idempotency_key", property(key))
    with pytest.raises(AssertionError, match=r"for which nobody asked|nobody knows"):
        crash_everywhere(place / "keys", order())


def test_a_worker_that_is_not_told_is_found_out(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(News, "falls_due", ignore)
    with pytest.raises(LostWakeUp):
        crash_everywhere(place / "asleep", order())


def test_an_attempt_that_is_not_counted_before_it_begins_is_found_out(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A claim that is in memory, and not in the file."""
    row = "penstock.runtime.hosts.sqlite_instances.call_row"
    written = sqlite_instances.call_row

    def uncounted(call: PendingCall) -> tuple[object, ...]:
        if call.owner is None or call.due is None:
            return written(call)
        later = call.due + timedelta(hours=1)
        return written(call._replace(owner=None, began=None, attempts=call.attempts - 1, due=later))

    monkeypatch.setattr(row, uncounted)
    with pytest.raises(AssertionError, match="counted before it began"):
        crash_everywhere(place / "attempts", order())


def test_an_outcome_that_is_not_written_down_is_found_out(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    conclude = Engine.conclude

    def forgetful(engine: Engine, tx: Transaction, call: PendingCall, result: Result, now: datetime) -> bool:
        done = conclude(engine, tx, call, result, now)
        tx.drop_call(call.instance, call.key)
        return done

    monkeypatch.setattr(Engine, "conclude", forgetful)
    with pytest.raises(AssertionError):
        crash_everywhere(place / "forgetful", order())
