"""Clocks that jump: no timer fires early, none is lost, and of two the one that is due first comes first."""

from __future__ import annotations

import asyncio
import json
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kernels import flow
from orders import QUICK, START, doing, finishing, inputs
from penstock.runtime.core import ArmTimer, CancelTimer
from penstock.runtime.hosts.sqlite import SqliteHost
from penstock.runtime.journal import AnyFlow, replay
from penstock.runtime.store import JournalEntry
from penstock.runtime.timers import ManualClock
from twins import generated

SECOND, MINUTE, HOUR, DAY, YEAR = (timedelta(seconds=n) for n in (1, 60, 3600, 86400, 31556952))

CLOCKED = """
  input { name: text }
  data { turns: int 0..3 = 0 }
  every day at 02:30 UTC (name: "nightly")
  start -> Both
  parallel Both {
    region Short {
      start -> Ticking
      state Ticking { after 40m -> Again }
      choice Again { when turns < 3 -> Resting else -> Quiet }
      state Resting { after 20m { turns = turns + 1 } -> Ticking }
      final Quiet
    }
    region Long {
      start -> Waiting
      state Waiting { after 5h -> Waited }
      state Waited { after 1d -> Over }
      final Over
    }
    on all done -> Done
  }
  final Done
"""

JUMPS = st.sampled_from(
    [
        SECOND,
        -SECOND,
        7 * MINUTE,
        40 * MINUTE,
        HOUR,
        -HOUR,
        5 * HOUR,
        -5 * HOUR,
        DAY,
        -DAY,
        40 * DAY,
        YEAR,
        -YEAR,
        9 * YEAR,
    ]
)
"""An hour forward or back is also what daylight saving does to a clock that is set by hand."""


@pytest.fixture(scope="module")
def made() -> type[AnyFlow]:
    return generated(flow(CLOCKED))


def armed(made: type[AnyFlow], journal: list[JournalEntry]) -> dict[str, datetime]:
    """When each timer is due after these rows."""
    due: dict[str, datetime] = {}
    for entry in journal:
        due.pop(json.loads(entry.trigger).get("timer", ""), None)
        for effect in (made.spec.effect_from_json(each) for each in json.loads(entry.effects)):
            match effect:
                case ArmTimer(timer, moment):
                    due[timer] = moment
                case CancelTimer(timer):
                    due.pop(timer, None)
                case _:
                    pass
    return due


def hold(made: type[AnyFlow], journal: list[JournalEntry]) -> None:
    """Every timer fires at its moment or later, by the time of the instance, and no earlier one is passed over."""
    for number, entry in enumerate(journal[1:], 1):
        before = armed(made, journal[:number])
        fired = json.loads(entry.trigger)["timer"]
        assert before[fired] <= entry.at
        assert before[fired] == min(before.values())
        assert entry.at >= journal[number - 1].at
    replay(made, journal)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(jumps=st.lists(st.tuples(JUMPS, st.booleans()), max_size=12))
def test_whatever_the_clock_does_no_timer_is_early_or_lost(
    tmp_path_factory: pytest.TempPathFactory, made: type[AnyFlow], jumps: list[tuple[timedelta, bool]]
) -> None:
    """After each jump the host may be opened anew. In the end time just passes."""
    path = tmp_path_factory.mktemp("clocks") / "clocks.db"
    clock = ManualClock(START)

    async def run() -> None:
        host = SqliteHost(path, {made: doing()}, clock=clock, limits=QUICK)
        await host.__aenter__()
        await host.start(made, "i", inputs(made, "by hand"))
        for jump, anew in jumps:
            clock.advance(jump)
            if anew:
                await host.__aexit__(None, None, None)
                host = SqliteHost(path, {made: doing()}, clock=clock, limits=QUICK)
                await host.__aenter__()
            await host.run_until_idle()
        latest = max(START, clock.now(), *[START + sum((j for j, _ in jumps[:n]), timedelta(0)) for n in range(13)])
        clock.advance(latest - clock.now())
        for _ in range(9):
            await host.run_until_idle()
            clock.advance(2 * DAY)
        await host.run_until_idle()
        started: list[str] = []
        for instance in await host.instances():
            journal = [*await host.journal(instance.id)]
            hold(made, journal)
            started.append(instance.id)
            if instance.id == "i":
                assert instance.configuration == ("Done",)
        nightly = [id for id in started if "02:30" in id]
        assert len(nightly) >= 9 and all(id.endswith("T02:30Z") for id in nightly)
        await host.__aexit__(None, None, None)

    finishing(run())


@pytest.mark.parametrize("zone", ["America/New_York", "Australia/Lord_Howe"])
def test_daylight_saving_of_the_process_changes_nothing(
    tmp_path: Path, made: type[AnyFlow], zone: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Through spring, in a zone that changes by an hour in March, and one that does by half of one in April."""
    monkeypatch.setenv("TZ", zone)
    time.tzset()
    clock = ManualClock(datetime(2026, 3, 1, tzinfo=UTC))

    async def run() -> list[str]:
        async with SqliteHost(tmp_path / "zone.db", {made: doing()}, clock=clock, limits=QUICK) as host:
            await host.run_until_idle()
            for _ in range(45):
                clock.advance(DAY)
                await host.run_until_idle()
            return [instance.id for instance in await host.instances()]

    try:
        ids = asyncio.run(run())
    finally:
        monkeypatch.undo()
        time.tzset()
    assert len(ids) == 45 == len({id[-17:] for id in ids})
    assert all(id.endswith("T02:30Z") for id in ids)
