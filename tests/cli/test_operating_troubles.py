"""Finding what is wrong by the command line: what fails, hangs, waits for a worker, is overdue or was not taken."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest

import operated
from forgetting import KeyPerInstance
from kernels import kernels
from operated import Console
from orders import KEYS, Hang, House, Shop, doing, finishing, inputs
from penstock.runtime.errors import Busy, DiskFull
from penstock.runtime.hosts.sqlite import SqliteClient, SqliteHost
from penstock.runtime.operating.running import look_around
from twins import generated

SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)

RENTALS = """
flow Rental version 1 {
  input { car: text, garage: text }
  roles clerk

  activity reserve(car: text) -> text { timeout 5s  retry 3 backoff 1h..2h  compensate release(result) { retry 1 } }
  activity print_contract(car: text) { timeout 5s  retry 1 then park  irreversible }

  start -> Reserving
  state Reserving { do reserve(car)  on done(_) -> Inspecting  on failed -> compensate -> Lost }
  state Inspecting {
    task inspect for clerk { title "Inspect {car}"  form { scratched: bool }  due 1h }
    on inspect(_) -> Contracting
    wait forever "a clerk comes to it"
  }
  state Contracting {
    do print_contract(car)
    on done { send Garage.clean(car) to garage } -> Out
  }
  final Out
  final failure Lost
}

flow Garage version 1 {
  event clean(car: text)
  event close
  start -> Open
  state Open { on clean(_) stay  on close -> Closed  wait forever "a garage waits" }
  final Closed
}
"""
RENTAL, GARAGE = map(generated, kernels(RENTALS).values())
AS_OLGA = "--by olga --reason 'it is mended'"


class Desk(Shop):
    """The activities of a rental, as scripted."""

    async def reserve(self, car: str, *, key: str) -> str:
        return await self.answer("reserve", key, (car,), f"r {car}")

    async def release(self, result: str | None, *, key: str) -> None:
        await self.answer("release", key, (result,), None)

    async def print_contract(self, car: str, *, key: str) -> None:
        await self.answer("print_contract", key, (car,), None)


@pytest.fixture
def console(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Console]:
    house = House("sqlite", tmp_path, shop=Desk())
    with operated.opened({RENTAL: house.shop, GARAGE: doing()}, house, capsys, monkeypatch) as made:
        yield made


def nobody_works(*_: object) -> None:
    """No worker runs."""


def transcript(console: Console, *lines: str) -> str:
    parts: list[str] = []
    for line in lines:
        said = console.run(line)
        parts.append(f"$ {line}\n{said}" + (f"[{console.codes[-1]}]\n" if console.codes[-1] else ""))
    return "\n".join(parts)


def test_all_that_is_wrong_is_found_and_mended(console: Console, golden: Callable[[str, str], None]) -> None:
    fleet, printer = ConnectionError("the fleet does not answer"), OSError("no paper")
    console.house.shop.script["reserve"] = [fleet] * 3
    console.house.shop.script["print_contract"] = [printer]
    console.run("penstock instances start Garage g --by cleo")
    for id in ("r-1", "r-2", "r-3"):
        console.run(f"penstock instances start Rental {id} car={id} garage=g --by cleo")
    for id in ("r-4", "r-5"):
        console.run(f"penstock instances start Rental {id} car={id} garage=g --by cleo")
    console.run("penstock tasks complete r-4 inspect scratched=false --by carl --role clerk")
    console.run(f"penstock instances signal g close {AS_OLGA}")
    said = [
        transcript(
            console,
            "penstock instances list",
            "penstock instances show r-1",
            f"penstock instances retry r-1 {AS_OLGA}",
            f"penstock instances resolve r-2 done 'r 2' --call reserve {AS_OLGA}",
            f"penstock instances skip r-3 {AS_OLGA}",
            f"penstock instances retry r-4 {AS_OLGA}",
            "penstock instances list",
            "penstock letters list --dead",
        )
    ]
    console.house_works(2 * HOUR)
    said.append(
        transcript(
            console,
            "penstock instances list --trouble",
            "penstock tasks list --overdue",
            "penstock tasks list --limit 1",
            "penstock instances show r-5",
            "penstock instances list --trouble --limit 2",
            "penstock instances list --trouble --after r-4 --limit 1",
            "penstock instances show r-3",
            f"penstock letters discard r-4/6/0 {AS_OLGA}",
            "penstock tasks complete r-1 inspect scratched=false --by carl --role clerk",
            "penstock tasks complete r-2 inspect scratched=true --by carl --role clerk",
            "penstock tasks complete r-5 inspect scratched=false --by carl --role clerk",
            "penstock instances list --trouble",
        )
    )
    golden("operating_troubles.txt", "\n".join(said))
    assert "whole, and none was changed; replayed 6 instances" in console.run("penstock audit verify")
    assert set(console.codes) == {0}


def test_what_no_worker_comes_to_is_said(
    console: Console, monkeypatch: pytest.MonkeyPatch, golden: Callable[[str, str], None]
) -> None:
    monkeypatch.setattr(Console, "house_works", nobody_works)
    console.run("penstock instances start Rental r-1 car=A garage=g --by cleo")
    said = [transcript(console, f"penstock instances retry r-1 {AS_OLGA}")]
    console.house.clock.advance(20 * SECOND)
    said += [transcript(console, "penstock instances list", "penstock instances show r-1")]
    golden("operating_no_worker.txt", "\n".join(said))


def test_a_call_that_runs_says_for_how_long_and_that_it_is_left_alone(console: Console) -> None:
    console.house.shop.script["reserve"] = [Hang]

    async def looked() -> None:
        async with operated.host() as host:
            await host.start(RENTAL, "r-1", inputs(RENTAL, "A", "g"))
            await console.house.shop.called("reserve")
            console.house.clock.advance(2 * SECOND)
            seen = await host.overview("r-1")
            assert "attempt 1 runs, for 2 s of at most 5 s" in operated.shown(host, seen)
            console.house.clock.advance(4 * SECOND)
            await host.run_until_idle()

    finishing(looked())
    assert "begins in" in console.run("penstock instances show r-1")


def test_an_app_without_the_code_of_an_instance_says_what_it_runs(console: Console) -> None:
    console.run("penstock instances start Rental r-1 car=A garage=g --by cleo")
    newer = SqliteHost("orders.db", {GARAGE: doing()}, clock=console.house.clock, limits=console.house.limits)
    operated.APPS.append(lambda: newer)
    try:
        lacking = "this app runs Garage/1; while there are instances of Rental/1, something has to run that, too"
        assert f"\n1 instance of Rental/1: {lacking}.\n" in console.run("penstock instances list")
        assert lacking in console.run("penstock instances show r-1")
        assert lacking in console.run(f"penstock instances cancel r-1 {AS_OLGA}")
        assert lacking in console.run("penstock instances export r-1")
    finally:
        operated.APPS.pop()


def test_a_worker_warns_of_instances_that_it_does_not_run(console: Console, caplog: pytest.LogCaptureFixture) -> None:
    console.run("penstock instances start Rental r-1 car=A garage=g --by cleo")

    async def run() -> None:
        async with SqliteHost("orders.db", {GARAGE: doing()}, clock=console.house.clock) as newer:
            await look_around(newer)
        async with operated.host() as host:
            await look_around(host)

    finishing(run())
    warning = "1 instance: nobody here goes on with it, for this app does not run Rental/1"
    assert [record.message for record in caplog.records if record.levelname == "WARNING"] == [warning]


def test_what_is_sealed_is_not_shown_as_if_it_said_something(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    house = House("sealed", tmp_path, shop=Desk())
    with operated.opened({RENTAL: house.shop, GARAGE: doing()}, house, capsys, monkeypatch, codec=KEYS) as console:
        console.run("penstock instances start Rental r-1 car=A garage=g --by cleo")
        said = console.run("penstock tasks list --db orders.db")
        assert "r-1       inspect  (sealed)  clerk, (sealed)" in said and "sealed:" not in said


def test_an_audit_counts_what_was_forgotten(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    codec = KeyPerInstance(tmp_path)
    house = House("sealed", tmp_path, shop=Desk())
    with operated.opened({GARAGE: doing()}, house, capsys, monkeypatch, codec=codec) as console:
        console.run("penstock instances start Garage g --by cleo")
        console.run("penstock instances start Garage h --by cleo")
        console.run(f"penstock instances signal g close {AS_OLGA}")
        codec.forget("g")
        said = console.run("penstock audit verify")
        assert "3 rows of 2 instances: whole, and none was changed; replayed 1 instance, not 1 whose key was" in said
        assert set(console.codes) == {0}


@pytest.mark.parametrize(
    ("error", "hint"), [(Busy("database is locked"), "try again"), (DiskFull("disk is full"), "make room")]
)
def test_trouble_with_the_file_says_what_to_do(
    console: Console, monkeypatch: pytest.MonkeyPatch, error: Exception, hint: str
) -> None:
    async def refused(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(SqliteClient, "page", refused)
    assert hint in console.run("penstock instances list")
    assert console.codes == [2]


def test_an_app_that_imports_what_lies_in_a_folder_says_where(
    console: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    (console.house.folder / "generated").mkdir()
    (console.house.folder / "generated" / "rental_code.py").write_text("")
    (console.house.folder / "needy.py").write_text("import rental_code\n")
    said = console.run("penstock instances list --app needy:host")
    how = 'set PYTHONPATH=generated, or in pyproject.toml [tool.penstock] path = ["generated"]'
    assert said.endswith(f"generated/rental_code.py is there: {how}\n")
    monkeypatch.setattr(sys, "path", [*sys.path])
    (console.house.folder / "pyproject.toml").write_text('[tool.penstock]\npath = ["generated"]\n')
    assert "needy has no 'host'" in console.run("penstock instances list --app needy:host")
    (console.house.folder / "pyproject.toml").write_text('[tool.penstock]\npath = "generated"\n')
    assert 'such as ["generated"]' in console.run("penstock instances list --app needy:host")
