"""Activities in processes of their own: real ones, which crash, hang, beat, log, and answer too much."""

from __future__ import annotations

import asyncio
import importlib
import logging
import os
import re
import subprocess
import sys
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from kernels import flow
from order_flow import Cancel, Carrier, Order
from orders import CLEO, QUICK, SMALL, House, Shop, finishing, inputs, pass_time, sound, triggers
from penstock.runtime.hosts.protocol import Host
from penstock.runtime.hosts.sqlite import SqliteHost
from penstock.runtime.processes import in_process
from studio import Fetching, Studio
from twins import generated

SECOND = timedelta(seconds=1)


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House("sqlite", tmp_path)


@pytest.fixture
def studio(tmp_path: Path) -> Studio:
    (tmp_path / "studio").mkdir()
    return Studio(tmp_path / "studio")


def there(house: House, studio: object, processes: int = 1) -> SqliteHost:
    limits = replace(QUICK, processes=processes)
    return SqliteHost(house.folder / "orders.db", {Order: studio}, clock=house.clock, limits=limits)


async def begun(studio: Studio | Fetching) -> int:
    """Wait until a call has begun that says so; the process it is in."""
    file = studio.folder / "begun"
    while not file.exists() or not file.read_text():
        await asyncio.sleep(0.002)
    number = int(file.read_text())
    file.unlink()
    return number


async def gone(process: int) -> None:
    """Wait until the process has ended."""
    status = Path(f"/proc/{process}/status")
    with suppress(FileNotFoundError, ProcessLookupError):
        while "\nState:\tZ" not in status.read_text():
            await asyncio.sleep(0.002)


async def attempts(host: Host, activity: str) -> list[str]:
    return [a.result for a in await host.attempts("o-1") if a.key.startswith(f"{activity}#") and "/" not in a.key]


def test_calls_run_in_another_process_that_is_used_again(house: House, studio: Studio) -> None:
    async def run() -> None:
        async with there(house, studio) as host:
            await host.start(Order, "o-1", SMALL)
            assert (await host.settled("o-1")).configuration == ("Delivered",)
            data: Any = (await host.record("o-1")).data
            assert data.reservation == data.payment != f"{os.getpid()}"
            process = int(data.payment)
            assert Path(f"/proc/{process}").exists()
            await sound(host, "o-1")
        await gone(process)

    finishing(run())


@pytest.mark.parametrize(
    ("how", "told"),
    [
        ("segfault", "failed: Died: its process was ended by SIGSEGV"),
        ("exit", "failed: Died: its process ended with exit code 3"),
        ("broken", "failed: ConnectionError: the answer was lost"),
        ("leaves", "failed: SystemExit: 4"),
        ("picky", "failed: Unpicklable: Picky: this and that"),
        ("unpicklable", "failed: AttributeError: Can't "),  # each Python goes on differently
        ("large", "failed: the answer is 2000002 bytes of JSON, and `Limits.answer` allows 1048576"),
        ("huge", "failed: ValueError: an answer of 1000"),
    ],
)
def test_what_goes_wrong_there_is_one_failed_attempt_and_all_go_on(
    house: House, studio: Studio, how: str, told: str
) -> None:
    studio.script("charge_card", how)

    async def run() -> None:
        async with there(house, studio, processes=2) as host:
            for id in ("o-1", "o-2"):
                await host.start(Order, id, SMALL)
            await host.run_until_idle()
            await pass_time(host, house.clock, 2 * SECOND)
            for id in ("o-1", "o-2"):
                assert (await host.settled(id)).configuration == ("Delivered",)
            results = [a.result for id in ("o-1", "o-2") for a in await host.attempts(id) if "charge" in a.key]
            assert len(results) == 3 and results.count("done") == 2
            (failed,) = {*results} - {"done"}
            assert failed.startswith(told)

    finishing(run())


def test_a_declared_error_comes_back_as_such(house: House, studio: Studio) -> None:
    studio.script("charge_card", "declined")

    async def run() -> None:
        async with there(house, studio) as host:
            await host.start(Order, "o-1", SMALL)
            assert (await host.settled("o-1")).configuration == ("Cancelled",)
            assert "charge_card#3 declined" in triggers(await sound(host, "o-1"))
            assert await attempts(host, "charge_card") == ["declined: Declined: no money"]

    finishing(run())


def test_the_log_shows_where_in_the_process_it_failed(
    house: House, studio: Studio, caplog: pytest.LogCaptureFixture
) -> None:
    studio.script("charge_card", "broken")

    async def run() -> None:
        async with there(house, studio) as host:
            await host.start(Order, "o-1", SMALL)
            await host.run_until_idle()

    finishing(run())
    (record,) = (record for record in caplog.records if "charge_card" in record.message)
    assert vars(record)["flow_key"] == "o-1/charge_card#3"
    text = logging.Formatter().format(record)
    assert re.search(r'in its process:\n.*studio\.py", line \d+, in charge_card', text, re.DOTALL)


def test_a_call_whose_time_is_up_is_killed(house: House, studio: Studio) -> None:
    studio.script("reserve_stock", "hangs", "hangs")

    async def run() -> None:
        async with there(house, studio) as host:
            await host.start(Order, "o-1", SMALL)
            first = await begun(studio)
            await pass_time(host, house.clock, 10 * SECOND)
            await gone(first)
            house.clock.advance(30 * SECOND)
            second = await begun(studio)
            (studio.folder / "go").touch()
            assert (await host.settled("o-1")).configuration == ("Delivered",)
            assert second != first
            assert await attempts(host, "reserve_stock") == ["timeout: no answer within 0:00:10", "done"]

    finishing(run())


def test_a_call_that_is_no_longer_wanted_is_killed(house: House, studio: Studio) -> None:
    studio.script("reserve_stock", "hangs")

    async def run() -> None:
        async with there(house, studio) as host:
            await host.start(Order, "o-1", SMALL)
            process = await begun(studio)
            await host.send("o-1", Cancel(), by=CLEO)
            assert (await host.settled("o-1")).configuration == ("Cancelled",)
            await gone(process)
            told = triggers(await sound(host, "o-1"))
            assert told == ["start", "cancel", "reserve_stock#1 interrupted", "reserve_stock#1/undo done"]

    finishing(run())


def test_a_stop_kills_a_call_without_counting_it(house: House, studio: Studio) -> None:
    studio.script("reserve_stock", "hangs", "hangs", "hangs")

    async def run() -> None:
        for _ in range(3):
            async with there(house, studio) as host:
                await host.start(Order, "o-1", SMALL)
                process = await begun(studio)
            await gone(process)
        async with there(house, studio) as host:
            assert (await host.settled("o-1")).configuration == ("Delivered",)
            assert await attempts(host, "reserve_stock") == ["interrupted: its worker stopped"] * 3 + ["done"]

    finishing(run())


HOSTING = """
import asyncio, sys
from pathlib import Path
from order_flow import Order
from orders import SMALL
from penstock.runtime.hosts.sqlite import SqliteHost
from studio import Studio

async def main(folder):
    async with SqliteHost(folder / "orders.db", {Order: Studio(folder)}) as host:
        await host.start(Order, "o-1", SMALL)
        await host.settled("o-1")

GUARD:
    asyncio.run(main(Path(sys.argv[1])))
"""


def hosting(studio: Studio, guard: str) -> subprocess.Popen[str]:
    """A program that starts an order."""
    file = studio.folder / "program.py"
    file.write_text(HOSTING.replace("GUARD", guard))
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    return subprocess.Popen([sys.executable, file, studio.folder], env=environment, stderr=subprocess.PIPE, text=True)


def test_a_process_ends_with_its_host_whatever_happens_to_that(studio: Studio) -> None:
    studio.script("reserve_stock", "hangs")

    async def run() -> None:
        with hosting(studio, 'if __name__ == "__main__"') as program:
            process = await begun(studio)
            program.kill()
        await gone(process)

    finishing(run())


def test_a_program_whose_start_is_not_guarded_is_told_so(studio: Studio) -> None:
    with hosting(studio, "if True") as program:
        assert program.stderr is not None
        told = any("ended with exit code 1 before it was ready: is the start" in line for line in program.stderr)
        program.kill()
    assert told


def test_waiting_for_a_process_takes_nothing_of_a_calls_time(house: House, studio: Studio) -> None:
    studio.script("ship", "hangs")

    async def run() -> None:
        async with there(house, studio) as host:
            await host.start(Order, "o-1", SMALL)
            await begun(studio)
            await host.start(Order, "o-2", SMALL)
            while not await host.attempts("o-2"):
                await asyncio.sleep(0.002)
            house.clock.advance(timedelta(minutes=1))
            (studio.folder / "go").touch()
            for id in ("o-1", "o-2"):
                assert (await host.settled(id)).configuration == ("Delivered",)
                assert {a.result for a in await host.attempts(id)} == {"done"}

    finishing(run())


SLOW = """
import multiprocessing
from pathlib import Path
from order_flow import Carrier
from penstock.runtime.processes import in_process
from studio import wait_for

HERE = Path(__file__).parent
if multiprocessing.parent_process() is not None:
    (HERE / "begun").write_text("1")
    wait_for(HERE / "go")

class Slow:
    @in_process
    def reserve_stock(self, sku, qty, *, key):
        return "r-1"

    def quote(self, sku, *, key):
        return Carrier.UPS

    charge_card = ship = release_stock = refund = lambda self, *args, key: "x-1"
"""


def test_neither_does_importing_what_it_needs(house: House, studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    (studio.folder / "slow_to_import.py").write_text(SLOW)
    monkeypatch.setattr(sys, "path", [str(studio.folder), *sys.path])
    monkeypatch.delitem(sys.modules, "slow_to_import", raising=False)
    slow = importlib.import_module("slow_to_import").Slow()

    async def run() -> None:
        async with there(house, slow) as host:
            await host.start(Order, "o-1", SMALL)
            await begun(studio)
            house.clock.advance(timedelta(minutes=1))
            (studio.folder / "go").touch()
            assert (await host.settled("o-1")).configuration == ("Delivered",)
            assert {a.result for a in await host.attempts("o-1")} == {"done"}

    finishing(run())


def test_a_call_that_waits_for_a_process_can_be_interrupted(house: House, studio: Studio) -> None:
    studio.script("ship", "hangs")

    async def run() -> None:
        async with there(house, studio) as host:
            await host.start(Order, "o-1", SMALL)
            await begun(studio)
            await host.start(Order, "o-2", SMALL)
            while not await host.attempts("o-2"):
                await asyncio.sleep(0.002)
            await host.send("o-2", Cancel(), by=CLEO)
            while (await host.instance("o-2")).sequence < 3:
                await asyncio.sleep(0.002)
            (studio.folder / "go").touch()
            for id, end in (("o-1", "Delivered"), ("o-2", "Cancelled")):
                assert (await host.settled(id)).configuration == (end,)
            assert triggers(list(await host.journal("o-2")))[2] == "reserve_stock#1 interrupted"

    finishing(run())


def test_its_heart_can_beat_there(house: House, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    made = generated(
        flow("""
  input { n: int }
  activity fetch(n: int) -> int { timeout 1m heartbeat 10s readonly }
  start -> Fetching
  state Fetching { do fetch(n) on done(_) -> Fetched on failed -> Lost }
  final Fetched
  final failure Lost
""")
    )
    work = Fetching(tmp_path)

    async def heard(number: int) -> None:
        (tmp_path / f"beat {number}").touch()
        while f"beat {number}" not in caplog.messages:
            await asyncio.sleep(0.002)
        for _ in range(20):  # until the host has taken notice
            await asyncio.sleep(0)

    async def run() -> None:
        async with house.open_for({made: work}) as host:
            for id, beats in (("lives", 4), ("dies", 2)):
                assert not [*tmp_path.glob("beat *")]
                await host.start(made, id, inputs(made, 7))
                process = await begun(work)
                for number in range(beats):
                    house.clock.advance(6 * SECOND)
                    await heard(number)
                if id == "lives":
                    (tmp_path / "go").touch()
                    assert (await host.settled(id)).configuration == ("Fetched",)
                else:
                    await pass_time(host, house.clock, 10 * SECOND)
                    await gone(process)
                    (attempt,) = await host.attempts(id)
                    assert attempt.result == "timeout: no heartbeat within 0:00:10"
                for file in [*tmp_path.glob("beat *"), tmp_path / "go"]:
                    file.unlink(missing_ok=True)
                caplog.clear()

    finishing(run())


def test_log_lines_of_the_process_come_out_here_with_their_attempt(
    house: House, studio: Studio, caplog: pytest.LogCaptureFixture
) -> None:
    studio.script("reserve_stock", "logs")

    async def run() -> None:
        async with there(house, studio) as host:
            await host.start(Order, "o-1", SMALL)
            await host.settled("o-1")
            data: Any = (await host.record("o-1")).data
            assert data.reservation == "o-1 1"

    finishing(run())
    (record,) = (record for record in caplog.records if record.name == "studio")
    assert record.message == "line of o-1/reserve_stock#1"
    fields = {name: value for name, value in vars(record).items() if name.startswith("flow_")}
    assert fields == {
        "flow_instance": "o-1", "flow_name": "Order", "flow_version": "1", "flow_key": "o-1/reserve_stock#1",
        "flow_attempt": 1,
    }  # fmt: skip


def test_what_cannot_run_in_a_process_is_refused_at_once(house: House) -> None:
    class Local(Shop):
        @in_process
        def ship(self, *args: object, key: str) -> str:  # type: ignore[override]  # a plain method too
            return "t-1"

    class Awaited(Shop):
        @in_process
        async def ship(self, sku: str, qty: int, carrier: Carrier, *, key: str) -> str:
            return "t-1"

    with pytest.raises(TypeError, match=r"Local.ship cannot be sent to a process: .*Local"):
        there(house, Local())
    with pytest.raises(TypeError, match=r"Awaited.ship is a coroutine function"):
        there(house, Awaited())


@pytest.mark.parametrize("plain", [False, True])
def test_an_answer_that_is_too_large_is_a_failed_attempt_wherever_it_comes_from(house: House, plain: bool) -> None:
    answers = ["x" * 1_048_575, "x" * 1_048_574]

    class Plain(Shop):
        def reserve_stock(self, sku: str, qty: int, *, key: str) -> str:  # type: ignore[override]  # a plain method too
            return answers.pop(0)

    if plain:
        house.shop = Plain()
    else:
        house.shop.script["reserve_stock"] = [*answers]

    async def run() -> None:
        async with house.open() as host:
            await host.start(Order, "o-1", SMALL)
            await host.run_until_idle()
            await pass_time(host, house.clock, SECOND)
            assert (await host.settled("o-1")).configuration == ("Delivered",)
            told = "failed: the answer is 1048577 bytes of JSON, and `Limits.answer` allows 1048576"
            assert await attempts(host, "reserve_stock") == [told, "done"]

    finishing(run())
