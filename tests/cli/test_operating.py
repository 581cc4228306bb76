"""The operators' commands, in process: what they say and do on a file whose host had a bad day."""

from __future__ import annotations

import io
import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import operated
from operated import Console
from order_flow import Order
from orders import finishing
from penstock.compiler import cli
from penstock.runtime.hosts.sqlite import SqliteClient
from penstock.runtime.store import EntryKind, JournalEntry
from repository import ROOT

AS_OLGA = '--by olga --reason "asked for by telephone"'


@pytest.fixture
def console(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Console]:
    with operated.console(tmp_path, capsys, monkeypatch) as made:
        yield made


def transcript(console: Console, *lines: str) -> str:
    """As a terminal shows it, with the exit codes that are not 0. Attempts that are due at once end in any
    order, so the chain's hashes are left out."""
    parts: list[str] = []
    for line in lines:
        said = re.sub("[0-9a-f]{64}", "HASH", console.run(line))
        parts.append(f"$ {line}\n{said}" + (f"[{console.codes[-1]}]\n" if console.codes[-1] else ""))
    return "\n".join(parts)


def journal(console: Console, id: str) -> list[JournalEntry]:
    async def run() -> list[JournalEntry]:
        async with SqliteClient(console.house.folder / "orders.db") as client:
            return [*await client.journal(id)]

    return finishing(run())


def data(console: Console, line: str) -> Any:
    """What a command prints as JSON."""
    value = json.loads(console.run(f"{line} --json"))
    assert (value.pop("schema"), value.pop("exit"), value.pop("error")) == (1, console.codes[-1], None)
    return value


# ---------------------------------------------------------------- what people read


def test_what_a_tired_engineer_sees_and_does(console: Console, golden: Callable[[str, str], None]) -> None:
    lines = [
        "penstock instances list",
        "penstock instances list --parked --limit 1",
        "penstock instances list --status succeeded",
        "penstock instances show o-17",
        f"penstock instances retry o-17 {AS_OLGA}",
        "penstock instances show o-19",
        f"penstock instances skip o-19 {AS_OLGA}",
        "penstock tasks list",
        "penstock tasks list --by cleo --role manager",
        "penstock instances show o-18",
        "penstock tasks claim o-18 review --by max --role manager",
        "penstock tasks delegate o-18 review mia --by max --reason 'on holiday'",
        "penstock tasks complete o-18 review verdict=accept comment=null --by mia",
        "penstock letters list",
        "penstock instances list --all",
        "penstock instances export o-18",
        "penstock audit verify",
        "penstock audit verify --db orders.db",
        "penstock audit head",
    ]
    golden("operating.txt", transcript(console, *lines))
    assert [entry.note for entry in journal(console, "o-18") if entry.note] == ["on holiday"]


def test_every_mistake_has_a_message_and_a_way_on(
    console: Console, monkeypatch: pytest.MonkeyPatch, golden: Callable[[str, str], None]
) -> None:
    (console.house.folder / "broken.py").write_text("import nothing_of_the_kind\n")
    (console.house.folder / "raising.py").write_text("def host():\n    raise OSError('no such disk')\nnumber = 7\n")
    (console.house.folder / "empty.db").touch()
    (console.house.folder / "folder").mkdir()
    monkeypatch.chdir(console.house.folder)
    lines = [
        "penstock instances",
        "penstock instances shwo o-17",
        "penstock instances show o-71",
        "penstock instances show elsewhere",
        "penstock instances retry o-17",
        "penstock instances retry o-17 --by olga",
        "penstock instances retry o-17 --by olga --reason ' '",
        f"penstock instances retry o-17 --call shop#4 {AS_OLGA}",
        f"penstock instances retry o-18 {AS_OLGA}",
        f"penstock instances skip o-17 {AS_OLGA}",
        f"penstock instances cancel o-17 {AS_OLGA}",
        f"penstock instances resolve o-17 done {AS_OLGA}",
        f"penstock instances resolve o-17 doen t-9 {AS_OLGA}",
        f"penstock instances resolve o-17 failed {AS_OLGA}",
        f"penstock instances resolve o-19 done x {AS_OLGA}",
        f"penstock instances signal o-18 cancle {AS_OLGA}",
        f"penstock instances signal o-18 review {AS_OLGA}",
        f"penstock instances signal o-18 cancel {AS_OLGA}",
        f"penstock instances signal o-18 cancel why=so --role customer {AS_OLGA}",
        "penstock tasks complete o-18 review verdict=yes --by max --role manager",
        "penstock tasks complete o-18 review verdikt=accept --by max --role manager",
        "penstock tasks complete o-18 review accept --by max --role manager",
        "penstock tasks complete o-18 review comment=fine --by max --role manager",
        "penstock tasks complete o-18 review --payload '{\"verdict\": 1}' --by max --role manager",
        "penstock tasks complete o-18 review --payload '{' --by max --role manager",
        "penstock tasks complete o-18 review verdict=accept --by max",
        "penstock tasks complete o-18 review verdict=accept --by cleo --role manager",
        "penstock tasks complete o-17 review verdict=accept --by max --role manager",
        "penstock tasks claim o-18 cancel --by max",
        "penstock instances start Ordre o-20 --by cleo",
        "penstock instances start Order o-20 sku=A1 qty=200 total=1.00 --by cleo",
        "penstock instances start Order o-17 sku=A1 qty=2 total=1.00 --by cleo",
        "penstock letters discard o-17/1/0 --by olga --reason 'not wanted'",
        "penstock audit verify --head 17",
        "penstock instances show o-17 --app operated",
        "penstock instances show o-17 --app operated:hots",
        "penstock instances show o-17 --app no_such_module:host",
        "penstock instances show o-17 --app broken:host",
        "penstock instances show o-17 --app raising:host",
        "penstock instances show o-17 --app raising:number",
        "penstock instances list --db missing.db",
        "penstock instances list --db empty.db",
        "penstock instances list --db folder",
        "penstock instances list --db broken.py",
        "penstock instances show O-17",
        "penstock instances show o-17 o-18",
        "penstock instances list --troubel",
        "penstock instances signal o-18 cancel --db orders.db --by olga --reason so",
        "penstock instances export o-18 --db orders.db",
    ]
    said = transcript(console, *lines).replace(str(console.house.folder), "FOLDER")
    golden("operating_mistakes.txt", said)
    assert 0 not in console.codes and "Traceback" not in said and "internal" not in said
    assert len(journal(console, "o-17")) == 28 and len(journal(console, "o-18")) == 3


def test_what_is_suggested_can_be_pasted_and_does_what_it_says(console: Console) -> None:
    for id, done in (("o-17", "retry"), ("o-19", "skip"), ("o-18", "cancel")):
        (command,) = [
            each
            for each in data(console, f"penstock instances show {id}")["suggestions"]
            if f" instances {done} " in each
        ]
        console.run(command)
        assert console.codes[-1] == 0
    assert [each.kind for each in journal(console, "o-19")][-2:] == [EntryKind.SKIPPED, EntryKind.STEP]
    assert {each["status"] for each in data(console, "penstock instances list --all")["instances"]} == {
        "succeeded", "failed"
    }  # fmt: skip


def test_what_is_suggested_says_where_the_file_is_if_that_was_said(console: Console) -> None:
    (first, *_) = data(console, "penstock instances show o-17 --app operated:host --db orders.db")["suggestions"]
    assert first.endswith("--by YOU --reason WHY --app operated:host --db orders.db")
    assert console.run(first).startswith("o-17: written down as its row 29")


def test_a_task_is_not_suggested_to_whom_it_shuts_out(console: Console, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, who in (("cleo", "--by ANOTHER --role manager"), ("max", "--role manager")):
        monkeypatch.setenv("PENSTOCK_BY", name)
        (complete,) = [
            each
            for each in data(console, "penstock instances show o-18")["suggestions"]
            if each.startswith("penstock tasks complete")
        ]
        assert complete.endswith(f"[comment=TEXT] {who}")


# ---------------------------------------------------------------- what programs read


def test_everything_is_said_as_json_too(console: Console) -> None:
    listed = data(console, "penstock instances list")["instances"]
    assert [(each["id"], each["parked"]) for each in listed] == [
        ("o-17", ["ship#4"]), ("o-18", []), ("o-19", ["charge_card#3/undo"])
    ]  # fmt: skip
    shown = data(console, "penstock instances show o-18")
    assert (shown["accepted"], shown["tasks"][0]["excluded"]) == (["review", "cancel"], ["cleo"])
    assert data(console, "penstock tasks list --role director")["tasks"] == []
    assert data(console, "penstock tasks list --role manager")["tasks"][0]["form"] == ["verdict", "comment"]
    assert data(console, "penstock letters list --dead") == {"letters": [], "suggestions": []}
    acted = data(console, f"penstock instances retry o-17 {AS_OLGA}")
    assert (acted["instance"], acted["sequence"], acted["kind"]) == ("o-17", 29, "retry")
    head = data(console, "penstock audit head")["head"]
    assert data(console, f"penstock audit verify --head {head}")["findings"] == []
    assert set(console.codes) == {0}


def test_a_refusal_is_json_where_that_was_asked_for(console: Console, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["instances", "show", "nobody", "--json"]) == 2
    said = json.loads(capsys.readouterr().out)
    assert (said["error"]["kind"], said["exit"]) == ("input", 2)
    assert cli.main(["instances", "cancel", "o-17", "--by", "olga", "--reason", "so", "--json"]) == 1
    said = json.loads(capsys.readouterr().out)
    assert (said["error"]["kind"], said["exit"]) == ("refused", 1)
    assert "cannot be undone any more" in said["error"]["message"]


def test_a_payload_comes_from_a_file_or_the_input(console: Console, monkeypatch: pytest.MonkeyPatch) -> None:
    (console.house.folder / "inputs.json").write_text('{"sku": "A1", "qty": 2, "total": "20.00"}')
    console.run("penstock instances start Order/1 o-20 --payload @inputs.json --by cleo")
    monkeypatch.setattr(sys, "stdin", io.StringIO('{"verdict": "refuse", "comment": "no"}'))
    console.run("penstock tasks complete o-18 review --payload - --by max --role manager --reason 'in writing'")
    assert console.codes == [0, 0]
    assert [entry.note for entry in journal(console, "o-18") if entry.note] == ["in writing"]
    assert journal(console, "o-20")[-1].status == "succeeded"


def test_who_acts_can_be_said_once_for_all(console: Console, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PENSTOCK_BY", "olga")
    (first, *_) = data(console, "penstock instances show o-17")["suggestions"]
    assert first == "penstock instances retry o-17 --reason WHY"
    console.run("penstock instances retry o-17 --reason 'the van is back'")
    assert [json.loads(each.actor)["id"] for each in journal(console, "o-17") if each.kind == "retry"] == ["olga"]


def test_the_app_is_named_by_the_project_if_nothing_else_names_it(
    console: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PENSTOCK_APP")
    assert "no app is named" in console.run("penstock instances list")
    project = console.house.folder / "pyproject.toml"
    project.write_text('[tool.penstock]\napp = "operated:host"\n')
    assert "o-17" in console.run("penstock instances list")
    project.write_text("[tool.penstock]\napp = 7\n")
    assert 'such as "shop:host"' in console.run("penstock instances list")
    project.write_text("[tool.penstock")
    assert "is no TOML" in console.run("penstock instances list")
    assert "o-17" in console.run("penstock instances list --db orders.db")
    assert console.codes == [2, 0, 2, 2, 0]


def test_characters_that_a_terminal_would_obey_are_shown(console: Console) -> None:
    console.run("penstock instances start Order 'o-\x1b[2J' sku='\u202eA1' qty=2 total=2000.00 --by $'\a'")
    said = console.run("penstock instances list") + console.run("penstock instances show 'o-\x1b[2J'")
    assert not {"\x1b", "\a", "\u202e"}.intersection(said) and "o-\u241b[2J" in said


# ---------------------------------------------------------------- the audit, and a process of its own


def test_an_audit_names_the_row_that_was_changed(console: Console) -> None:
    db = sqlite3.connect("orders.db")
    db.execute("UPDATE journal SET note = 'nothing' WHERE instance = 'o-17' AND kind = 'parked'")
    db.commit()
    db.close()
    said = console.run("penstock audit verify")
    assert said.splitlines()[0] == "row 28 (row 28 of o-17): it is not as it was written, or the row before it is not"
    assert "1 finding in 51 rows of 3 instances" in said
    assert data(console, "penstock audit verify")["findings"][0]["position"] == 28
    assert console.codes == [1, 1]


def test_the_runtime_alone_has_a_door(console: Console) -> None:
    command = [sys.executable, "-m", "penstock.runtime.operating", "instances", "list", "--db", "orders.db"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=console.house.folder)
    assert (done.returncode, done.stderr) == (0, "") and "o-17  Order/1  in Shipping" in done.stdout


APP = """
from order_flow import Order
from penstock.runtime.hosts.sqlite import SqliteHost
from shop import Shop

host = SqliteHost("shop.db", {Order: Shop(stock={"A1": 10}, declined=set())})
"""


@pytest.mark.parametrize("number", ["SIGTERM", "SIGINT"])
def test_a_worker_runs_until_it_is_told_to_stop(tmp_path: Path, number: str) -> None:
    (tmp_path / "app.py").write_text(APP)
    places = os.pathsep.join(str(ROOT / folder) for folder in ("generated", "docs/examples/order"))
    environment = os.environ | {"PYTHONPATH": places, "PENSTOCK_BY": "cleo"}
    penstock = [sys.executable, "-m", "penstock.compiler.cli"]
    worker = subprocess.Popen(
        [*penstock, "run", "app:host", "--json"], cwd=tmp_path, env=environment, stderr=subprocess.PIPE, text=True
    )
    assert worker.stderr is not None
    try:
        assert json.loads(worker.stderr.readline())["message"] == "working on shop.db: Order/1"
        start = ["instances", "start", "Order", "o-1", "sku=A1", "qty=2", "total=20", "--app", "app:host"]
        subprocess.run([*penstock, *start], cwd=tmp_path, env=environment, check=True, capture_output=True)

        async def delivered() -> tuple[str, ...]:
            async with SqliteClient(tmp_path / "shop.db", [Order]) as client:
                return (await client.settled("o-1")).configuration

        assert finishing(delivered()) == ("Delivered",)
        worker.send_signal(getattr(signal, number))
        assert worker.wait(20) == 0
        said = [json.loads(line) for line in worker.stderr]
        assert [line["message"] for line in said if line["level"] == "INFO"][-2:] == ["stopping", "stopped"]
    finally:
        worker.kill()
        worker.wait()
        worker.stderr.close()


def test_a_worker_without_an_app_or_on_a_strange_file_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("PENSTOCK_APP", raising=False)
    assert cli.main(["run"]) == 2
    assert "no app is named" in capsys.readouterr().err
    (tmp_path / "clients_only.py").write_text(
        'from penstock.runtime.hosts.sqlite import SqliteClient\nhost = SqliteClient("x.db")\n'
    )
    assert cli.main(["run", "clients_only:host"]) == 2
    assert "only a host has a worker" in capsys.readouterr().err
    (tmp_path / "strange.db").write_text("Dear diary, " * 100)
    (tmp_path / "strange.py").write_text(
        'from penstock.runtime.hosts.sqlite import SqliteHost\nhost = SqliteHost("strange.db", {})\n'
    )
    assert cli.main(["run", "strange:host", "--log", "error"]) == 2
    assert "strange.db" in capsys.readouterr().err
