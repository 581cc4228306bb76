"""The README does what it says: its flow is refuted and mended as shown, and its Python runs."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
PENSTOCK = Path(sys.executable).parent / "penstock"


def blocks(language: str) -> list[str]:
    fenced = re.findall(r"^```(\w*)\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
    return [text for word, text in fenced if word == language]


def run(folder: Path, *command: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=folder, capture_output=True, encoding="utf-8", timeout=300)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (flow,) = blocks("flow")
    (tmp_path / "signup.flow").write_text(flow, encoding="utf-8")
    return tmp_path


def mend(folder: Path) -> None:
    spec = folder / "signup.flow"
    text = spec.read_text(encoding="utf-8")
    spec.write_text(
        text.replace("    on failed -> Rejected", "    on failed -> compensate -> Rejected"), encoding="utf-8"
    )


def test_the_first_flow_is_refuted_and_mended_as_shown(folder: Path) -> None:
    _, refuted, proved = blocks("")
    first = run(folder, PENSTOCK, "check", "signup.flow")
    assert (first.stdout.strip(), first.returncode) == (refuted.strip(), 1)
    mend(folder)
    second = run(folder, PENSTOCK, "check", "signup.flow")
    assert (second.stdout.strip(), second.returncode) == (proved.strip(), 0)


def test_the_python_runs_and_prints_what_it_says(folder: Path) -> None:
    mend(folder)
    assert run(folder, PENSTOCK, "build", "signup.flow", "--out", ".").returncode == 0
    pure, durable = blocks("python")
    driven = run(folder, sys.executable, "-c", pure)
    assert [line.split()[0] for line in driven.stdout.splitlines()] == ["Paying", "Opening"], driven.stderr
    ran = run(folder, sys.executable, "-c", durable)
    assert ran.stdout.splitlines() == ["refunded payment s-1/charge#1", "('Rejected',)"], ran.stderr
    assert "`refunded payment s-1/charge#1` and `('Rejected',)`" in README


def test_the_picture_shows_the_order_flow_as_it_is(folder: Path) -> None:
    picture = (ROOT / "docs" / "images" / "order.svg").read_text(encoding="utf-8")
    text = (ROOT / "specs" / "order.flow").read_text(encoding="utf-8")
    for name in re.findall(r"^  (?:state|choice|final(?: failure)?) (\w+)", text, re.MULTILINE):
        assert f">{name}<" in picture


def test_every_page_it_links_to_is_there() -> None:
    for link in re.findall(r"\]\(([^)#]+)\)", README):
        assert (ROOT / link).exists(), link
