"""The page about a project of one's own: its commands are run in a folder that has its files, and say what it says."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from repository import ROOT

PAGE = (ROOT / "docs" / "use" / "project.md").read_text(encoding="utf-8")
README = (ROOT / "README.md").read_text(encoding="utf-8")
APP = """
from decimal import Decimal

from penstock.runtime.hosts.sqlite import SqliteHost
from signup_flow import Signup, SignupInputs

INPUTS = SignupInputs("ann@example.org", Decimal("9.00"))


class Shop:
    def charge(self, price: Decimal, *, key: str) -> str: return key
    def refund(self, result: str | None, *, key: str) -> None: ...
    def open_account(self, email: str, *, key: str) -> None: ...
    def close_account(self, email: str, *, key: str) -> None: ...


def host() -> SqliteHost:
    return SqliteHost("signups.db", {Signup: Shop()})
"""
BOTH = """
import asyncio
from signup_app import INPUTS, Shop, Signup, SqliteHost
from v1 import signup_flow as v1


async def main() -> None:
    async with SqliteHost("signups.db", {Signup: Shop(), v1.Signup: Shop()}) as host:
        await host.start(v1.Signup, "s-1", v1.SignupInputs(*INPUTS))
        await host.start(Signup, "s-2", INPUTS)
        print([each.flow for each in await host.instances()])


asyncio.run(main())
"""


def blocks(page: str, language: str) -> list[str]:
    every = re.findall(r"^```(\w*)\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    return [text for written, text in every if written == language]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (flow, *_), (settings,) = blocks(README, "flow"), blocks(PAGE, "toml")
    (tmp_path / "specs").mkdir()
    sound = flow.replace("on failed -> Rejected", "on failed -> compensate -> Rejected")
    (tmp_path / "specs" / "signup.flow").write_text(sound, encoding="utf-8")
    (tmp_path / "pyproject.toml").write_text(settings, encoding="utf-8")
    (tmp_path / "signup_app.py").write_text(APP, encoding="utf-8")
    return tmp_path


def said(project: Path, command: str, **variables: str) -> str:
    """What a line of a shell says on both streams, in the project."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path, "PENSTOCK_CACHE_DIR": "", **variables}
    done = subprocess.run(["/bin/sh", "-c", f"{command} 2>&1"], cwd=project, env=environment, stdout=subprocess.PIPE)
    return done.stdout.decode()


def test_the_page_is_what_happens(project: Path) -> None:
    for block in blocks(PAGE, "console"):
        shown = "".join(f"$ {line}\n{said(project, line)}" for line in re.findall(r"^\$ (.*)$", block, re.MULTILINE))
        assert shown == block
    for file in re.findall(r"^(\S+)\s{2,}", blocks(PAGE, "text")[0], re.MULTILINE):
        assert (project / file).exists(), file
    assert "tests collected" in said(project, "python -m pytest --collect-only -q -p no:cacheprovider")
    (project / "both.py").write_text(BOTH, encoding="utf-8")
    assert said(project, "python both.py", PYTHONPATH="generated") == "['Signup/1', 'Signup/2']\n"


def test_an_editor_understands_what_is_said(project: Path) -> None:
    (tasks,) = blocks(PAGE, "json")
    (task,) = json.loads(tasks)["tasks"]
    (project / "specs" / "signup.flow").write_text(blocks(README, "flow")[0], encoding="utf-8")
    line = said(project, task["command"]).splitlines()[0]
    pattern = task["problemMatcher"]["pattern"]
    found = re.fullmatch(pattern["regexp"], line)
    assert found is not None, line
    assert found[pattern["file"]] == "specs/signup.flow" and (project / found[pattern["file"]]).exists()
    assert (found[pattern["line"]], found[pattern["severity"]], found[pattern["code"]]) == ("25", "error", "F101")
