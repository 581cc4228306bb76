"""The contract of every host: schedules, circuit breakers, rate limits, heartbeats and jitter."""

from __future__ import annotations

import asyncio
import threading
from datetime import timedelta

import pytest

from kernels import flow
from orders import START, House, doing, finishing, inputs, pass_time
from penstock.runtime.heartbeat import heartbeat
from penstock.runtime.hosts.protocol import Host
from penstock.runtime.journal import AnyFlow
from penstock.runtime.store import Status
from twins import generated

SECOND, MINUTE, HOUR, DAY = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


def fetching(clauses: str) -> type[AnyFlow]:
    return generated(
        flow(f"""
  input {{ n: int }}
  activity fetch(n: int) -> int {{ {clauses} readonly }}
  start -> Fetching
  state Fetching {{ do fetch(n) on done(_) -> Fetched on failed -> Lost }}
  final Fetched
  final failure Lost
""")
    )


async def begun(host: Host, ids: list[str]) -> list[float]:
    """When attempts began, in seconds since the start."""
    attempts = [attempt for id in ids for attempt in await host.attempts(id)]
    return sorted((attempt.started - START).total_seconds() for attempt in attempts)


@pytest.mark.parametrize("restart", [False, True])
def test_no_more_attempts_begin_within_a_time_than_the_limit_allows(house: House, restart: bool) -> None:
    made = fetching("timeout 1m limit 2 per 10s")
    ids = [f"i-{number}" for number in range(7)]

    async def run() -> None:
        async with house.open_for({made: doing(fetch=[1])}) as host:
            for number, id in enumerate(ids):
                await host.start(made, id, inputs(made, number))
            await host.run_until_idle()
            if not restart:
                await pass_time(host, house.clock, *[10 * SECOND] * 3)
        if restart:
            async with house.open_for({made: doing(fetch=[1])}) as host:
                await host.run_until_idle()
                await pass_time(host, house.clock, *[10 * SECOND] * 3)
        async with house.open_for({made: doing(fetch=[1])}) as host:
            assert await begun(host, ids) == [0, 0, 10, 10, 20, 20, 30]
            assert [(await host.instance(id)).status for id in ids] == [Status.SUCCEEDED] * 7

    finishing(run())


def test_an_open_breaker_lets_nothing_through_until_one_attempt_has_shown_that_it_may(house: House) -> None:
    made = fetching("timeout 5s retry 1 breaker 2 in 1m cool 30s")
    down = ConnectionError("down")
    work = doing(fetch=[down, down, down, 1])
    ids = [f"i-{number}" for number in range(6)]

    async def run() -> None:
        async with house.open_for({made: work}) as host:
            for id in ids[:2]:
                await host.start(made, id, inputs(made, 0))
                await host.settled(id)
            for id in ids[2:]:
                await host.start(made, id, inputs(made, 0))
            await host.run_until_idle()
            assert await begun(host, ids) == [0, 0], "it is open"
            await pass_time(host, house.clock, 30 * SECOND)
            assert await begun(host, ids) == [0, 0, 30], "one is tried, and fails"
            await pass_time(host, house.clock, 29 * SECOND)
            assert len(await begun(host, ids)) == 3
            await pass_time(host, house.clock, SECOND, 5 * SECOND)
            assert (await begun(host, ids))[:4] == [0, 0, 30, 60], "the next one succeeds, and the others follow"
            assert len(await begun(host, ids)) == 6
            states = [(await host.instance(id)).status for id in ids]
            assert (states.count(Status.FAILED), states.count(Status.SUCCEEDED)) == (3, 3)

    finishing(run())


class Beating:
    """Beats every 5 seconds for a while, then is silent for ever; as a coroutine."""

    def __init__(self, house: House, beats: int) -> None:
        self.house = house
        self.beats = beats

    async def fetch(self, n: int, *, key: str) -> int:
        for _ in range(self.beats):
            await self.house.clock.sleep(5 * SECOND)
            heartbeat()
        if self.beats > 3:
            return 1
        await asyncio.Event().wait()
        return 0


@pytest.mark.parametrize(("beats", "ends"), [(9, Status.SUCCEEDED), (2, Status.FAILED)])
def test_an_attempt_lives_as_long_as_its_heart_beats(house: House, beats: int, ends: Status) -> None:
    made = fetching("timeout 1h retry 1 heartbeat 8s")

    async def run() -> None:
        async with house.open_for({made: Beating(house, beats)}) as host:
            await host.start(made, "h", inputs(made, 0))
            while not (await host.instance("h")).status.finished:
                for _ in range(5):
                    await asyncio.sleep(0)
                house.clock.advance(SECOND)
                await asyncio.sleep(0.001)
            assert (await host.settled("h")).status is ends
            if ends is Status.FAILED:
                (attempt,) = await host.attempts("h")
                assert "no heartbeat" in attempt.result

    finishing(run())


def test_a_thread_may_beat_too_and_outside_of_an_attempt_a_heartbeat_is_nothing(house: House) -> None:
    heartbeat()
    made = fetching("timeout 1h retry 1 heartbeat 10m")
    beaten = threading.Event()

    class Threaded:
        def fetch(self, n: int, *, key: str) -> int:
            heartbeat()
            beaten.set()
            return 1

    async def run() -> None:
        async with house.open_for({made: Threaded()}) as host:
            await host.start(made, "h", inputs(made, 0))
            assert (await host.settled("h")).status is Status.SUCCEEDED
            assert beaten.is_set()

    finishing(run())


def every(*schedules: str, version: int = 1) -> type[AnyFlow]:
    text = "\n".join(f"  every {schedule}" for schedule in schedules)
    return generated(
        flow(f"{'version 2' if version == 2 else ''}\n  input {{ n: int }}\n{text}\n  start -> Done\n  final Done")
    )


async def ids(host: Host) -> list[str]:
    return [instance.id for instance in await host.instances()]


def test_a_schedule_starts_an_instance_at_each_of_its_moments_and_only_once(house: House) -> None:
    made = every('"0 */6 * * *" (n: 1)')
    first = "Test 0 */6 * * * 2026-"

    async def run() -> None:
        async with house.open_for({made: doing()}) as host, house.open_for({made: doing()}) as other:
            await host.run_until_idle()
            await other.run_until_idle()
            for _ in range(8):
                house.clock.advance(6 * HOUR)
                await host.run_until_idle()
                await other.run_until_idle()
            found = await ids(host)
            assert len(found) == 8 and all(id.startswith(first) for id in found)

    finishing(run())


def test_of_the_moments_that_were_missed_the_last_one_is_made_up_for(house: House) -> None:
    made = every('"0 */6 * * *" (n: 1)')

    async def run() -> None:
        async with house.open_for({made: doing()}) as host:
            await host.run_until_idle()
        house.clock.advance(10 * DAY)
        async with house.open_for({made: doing()}) as host:
            await host.run_until_idle()
            assert len(await ids(host)) == 1
            house.clock.advance(6 * HOUR)
            await host.run_until_idle()
            assert len(await ids(host)) == 2

    finishing(run())


def test_a_schedule_that_is_gone_from_the_text_starts_nothing_more(house: House) -> None:
    async def run() -> None:
        async with house.open_for({every('"0 * * * *" (n: 1)'): doing()}) as host:
            await host.run_until_idle()
        async with house.open_for({every('"30 3 * * *" (n: 1)'): doing()}) as host:
            await host.run_until_idle()
            house.clock.advance(DAY)
            await host.run_until_idle()
            assert all("30 3 * * *" in id for id in await ids(host)) and await ids(host)

    finishing(run())


@pytest.mark.parametrize(
    "clauses",
    ["retry 9 backoff 10s..10s", "retry 9 backoff 1s..1s breaker 2 in 1m cool 30s", "limit 1 per 10s"],
)
def test_after_a_clock_was_put_back_by_days_no_call_waits_for_days(house: House, clauses: str) -> None:
    made = fetching(f"timeout 5s {clauses}")
    down = ConnectionError("down")
    work = doing(fetch=[1] if "limit" in clauses else [down, down, 1])
    ids = ["i-0", "i-1"]

    async def run() -> None:
        async with house.open_for({made: work}) as host:
            for id in ids:
                await host.start(made, id, inputs(made, 0))
            await host.run_until_idle()
        house.clock.advance(-2 * DAY)
        async with house.open_for({made: work}) as host:
            await pass_time(host, house.clock, *[timedelta(0), *[10 * SECOND] * 6])
            assert [(await host.instance(id)).status for id in ids] == [Status.SUCCEEDED] * 2

    finishing(run())


def test_after_a_clock_was_put_back_schedules_go_on_and_start_nothing_twice(house: House) -> None:
    made = generated(
        flow("""
  input { n: int }
  every day at 12:00 UTC (n: 1)
  start -> Done
  final Done
""")
    )

    async def run() -> list[str]:
        async with house.open_for({made: object()}) as host:
            await pass_time(host, house.clock, timedelta(0), DAY)
            return [instance.id[-17:] for instance in await host.instances()]

    assert finishing(run()) == ["2026-03-01T12:00Z"]
    house.clock.advance(100 * DAY)
    assert finishing(run()) == ["2026-03-01T12:00Z", "2026-06-09T12:00Z", "2026-06-10T12:00Z"]
    house.clock.advance(-102 * DAY)
    again = finishing(run())
    assert again == ["2026-03-01T12:00Z", "2026-06-09T12:00Z", "2026-06-10T12:00Z"], "it is the same moment again"
    assert finishing(run())[:2] == ["2026-03-01T12:00Z", "2026-03-02T12:00Z"]
