"""The pages about operating say what happens: each command is run in order, and prints what stands there."""

from __future__ import annotations

import hashlib
import json
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

import operated
from operated import Console
from repository import ROOT

OPERATING, AUDIT = ROOT / "docs" / "operating.md", ROOT / "docs" / "audit.md"
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@pytest.fixture
def console(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Console]:
    with operated.console(tmp_path, capsys, monkeypatch) as made:
        yield made


def blocks(page: Path, language: str) -> list[str]:
    return [text for name, text in BLOCK.findall(page.read_text(encoding="utf-8")) if name == language]


def played(console: Console, block: str) -> str:
    """The block as it must be: its commands, each with what it prints."""
    commands = [line[2:] for line in block.splitlines() if line.startswith("$ ")]
    return "\n".join(f"$ {command}\n{console.run(command)}" for command in commands)


def but_for_hashes(block: str) -> str:
    """Attempts of several instances that are due at the same moment end in any order."""
    return re.sub("[0-9a-f]{64}", "HASH", block)


@pytest.mark.parametrize("page", [OPERATING, AUDIT], ids=lambda page: page.stem)
def test_what_a_page_shows_happens(page: Path, console: Console, request: pytest.FixtureRequest) -> None:
    text = page.read_text(encoding="utf-8")
    shown = blocks(page, "console")
    real = [played(console, block) for block in shown]
    if request.config.getoption("--remake-goldens"):
        for old, new in zip(shown, real, strict=True):
            if but_for_hashes(old) != but_for_hashes(new):
                text = text.replace(f"```console\n{old}```", f"```console\n{new}```", 1)
        page.write_text(text, encoding="utf-8")
    assert [*map(but_for_hashes, shown)] == [*map(but_for_hashes, real)]
    assert len(shown) >= 2


def test_the_code_of_the_page_is_the_example() -> None:
    example = (ROOT / "docs" / "examples" / "operating" / "shop_app.py").read_text(encoding="utf-8")
    (block,) = blocks(OPERATING, "python")
    assert block in example


def test_the_other_means_of_the_page_agree(console: Console) -> None:
    (block,) = blocks(AUDIT, "python")
    names = {"hashlib": hashlib, "json": json, "sqlite3": sqlite3, "closing": closing}
    exec(block, names)
    verify = names["verify"]
    assert callable(verify)
    assert console.run("penstock audit head").strip().endswith(f":{verify('orders.db')}")
    with closing(sqlite3.connect("orders.db")) as db:
        db.execute("UPDATE journal SET note = 'nothing' WHERE position = 5")
        db.commit()
    with pytest.raises(AssertionError, match="5"):
        verify("orders.db")


@pytest.mark.parametrize("page", [OPERATING, AUDIT], ids=lambda page: page.stem)
def test_every_link_leads_somewhere(page: Path) -> None:
    for link in re.findall(r"\]\(([^)#\s:]+)\)", page.read_text(encoding="utf-8")):
        assert (page.parent / link).exists(), link
