"""The page about times and chances shows what the commands on it print."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import repository
from penstock.compiler import cli

PAGE = (repository.ROOT / "docs" / "times.md").read_text(encoding="utf-8")


def test_the_commands_print_what_the_page_shows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (flow, times, odds) = re.findall(r"^```(?:flow)?\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    Path("booking.flow").write_text(flow, encoding="utf-8")
    for form, shown in (("times", times), ("odds", odds)):
        assert f"`penstock check --format {form} booking.flow`" in PAGE
        assert cli.main(["check", "--format", form, "booking.flow"]) == 0
        assert capsys.readouterr().out == shown
    assert cli.main(["fmt", "--check", "booking.flow"]) == 0


def test_every_test_it_names_is_there() -> None:
    for name in re.findall(r"`(?:tests/checks/)?(test_\w+\.py)`", PAGE):
        assert (repository.ROOT / "tests" / "checks" / name).exists()
