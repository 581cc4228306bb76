"""The README's first flow does what the README says: its blocks are run in order, and what they print is compared."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

import repository
from penstock.compiler import cli

README = (repository.ROOT / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    """The README's blocks in this language, or, for ``, in none."""
    every = re.findall(r"^```(\w*)\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
    return [text for written, text in every if written == language]


def test_the_first_flow_is_refuted_mended_built_and_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    flow, _ = blocks("flow")
    refuted, sound = (block for block in blocks("") if "proved" in block)
    spec = tmp_path / "signup.flow"
    spec.write_text(flow, encoding="utf-8")
    assert cli.main(["check", "signup.flow"]) == 1
    assert capsys.readouterr().out == refuted

    spec.write_text(flow.replace("on failed -> Rejected", "on failed -> compensate -> Rejected"), encoding="utf-8")
    assert cli.main(["check", "signup.flow"]) == 0
    assert capsys.readouterr().out == sound

    assert cli.main(["build", "signup.flow", "--out", "."]) == 0
    *_, last = [printed(block, tmp_path) for block in blocks("python")]
    for line in last.splitlines():
        assert f"`{line}`" in README


def test_the_larger_flow_is_the_example_and_sound(capsys: pytest.CaptureFixture[str]) -> None:
    example = repository.ROOT / "docs" / "examples" / "parcel.flow"
    assert blocks("flow")[1] == example.read_text(encoding="utf-8")
    assert cli.main(["check", str(example)]) == 0
    first = capsys.readouterr().out.splitlines()[0]
    assert f"`{first}`" in README


def printed(program: str, folder: Path) -> str:
    """What a program of the README prints."""
    done = subprocess.run([sys.executable, "-c", program], cwd=folder, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout
    return done.stdout


@pytest.mark.parametrize("flow", ["specs/order", "docs/examples/parcel"])
def test_the_pictures_show_the_flows_as_they_are(flow: str) -> None:
    text = (repository.ROOT / f"{flow}.flow").read_text(encoding="utf-8")
    picture = (repository.ROOT / "docs" / "images" / f"{Path(flow).name}.svg").read_text(encoding="utf-8")
    for name in re.findall(r"^ +(?:state|choice|final(?: failure)?) (\w+)", text, re.MULTILINE):
        assert f">{name}<" in picture


def test_every_page_it_links_to_is_there() -> None:
    for link in re.findall(r"\]\(([^)#]+)\)", README):
        assert (repository.ROOT / link).exists(), link
