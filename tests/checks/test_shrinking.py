"""A flow that the checker and brute force disagree about becomes a small one: shown with either of them broken."""

from __future__ import annotations

import runpy
import signal
import sys
from functools import partial
from math import inf
from pathlib import Path
from random import Random

import pytest

import agreement
from agreement import alike
from brute_force import Search
from penstock.compiler.checks import suite
from penstock.compiler.checks.inquiry import Inquiry
from penstock.compiler.checks.verdict import Answer
from random_core import SmallFlow
from shrinking import shrink


def without(code: str, inquiry: Inquiry) -> tuple[Answer, ...]:
    """What the checks would say if one of them found nothing."""
    return tuple(answer for answer in suite.answers(inquiry) if answer.rule.code != code)


def overlooked(_: Search) -> None:
    """What an enumeration would find that does not look."""


def shrunk(way: tuple[str, str], lines: int) -> str:
    """The shrunk flow of the first seed that shows a disagreement in a text of so many lines."""

    def shows(text: str) -> bool:
        return bool(alike(text, way, 150))

    flows = (SmallFlow(Random(seed)).text() for seed in range(200))
    texts = (text for text in flows if text.count("\n") > lines)
    return shrink(next(text for text in texts if shows(text)), shows, inf)


def test_a_check_that_finds_nothing_is_shown_by_a_small_flow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(agreement, "check", partial(without, "F006"))
    small = shrunk(("F006", "proved"), 30)
    assert small.count("\n") <= 14, small
    assert small.split().count("when") >= 2, "two guards that overlap are what it takes"


def test_an_enumeration_that_overlooks_something_is_shown_by_a_small_flow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Search, "livelocks", overlooked)
    small = shrunk(("F005", "refuted"), 20)
    assert small.count("\n") <= 14, small
    assert small.count("state ") == 1, "one state that goes round is enough"


SCRIPT = Path(__file__).parents[2] / "benchmarks" / "agreement.py"


def script(monkeypatch: pytest.MonkeyPatch, *options: str) -> int:
    """The exit code of benchmarks/agreement.py, in this process."""
    monkeypatch.setattr(sys, "argv", [str(SCRIPT), "--jobs", "1", *options])
    monkeypatch.setattr(sys, "path", [*sys.path])
    handlers = {each: signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)}
    try:
        with pytest.raises(SystemExit) as ended:
            runpy.run_path(str(SCRIPT), run_name="__main__")
    finally:
        for each, handler in handlers.items():
            signal.signal(each, handler)
    assert isinstance(ended.value.code, int)
    return ended.value.code


def test_the_benchmark_ends_with_0_and_says_what_was_compared(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    kept = tmp_path / "summary.txt"
    assert script(monkeypatch, "--flows", "6", "--seed", "3", "--summary", str(kept)) == 0
    said = capsys.readouterr().out
    assert said.startswith("6 flows from seed 3 on\n")
    assert "\nno disagreement\n" in said
    assert kept.read_text(encoding="utf-8") == said


def test_the_benchmark_ends_with_1_and_a_small_flow_where_a_check_finds_nothing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(agreement, "check", partial(without, "F401"))
    assert script(monkeypatch, "--flows", "60", "--shrink", "inf") == 1
    said = capsys.readouterr().out
    first, small = said.split("\n\n")[:2]
    assert "F401 the flow is proved, brute force says otherwise" in first
    assert small.startswith("flow R version 1 {")
    assert small.count("\n") <= 14, small
    assert "brute force, " in said
    assert "at offset " in said


def test_the_benchmark_says_how_far_it_came_when_it_is_stopped(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(inquiry: Inquiry) -> tuple[Answer, ...]:
        if len(seen) == 3:
            signal.raise_signal(signal.SIGTERM)
        seen.append(inquiry)
        return tuple(suite.answers(inquiry))

    seen: list[Inquiry] = []
    monkeypatch.setattr(agreement, "check", interrupted)
    assert script(monkeypatch, "--flows", "500", "--seed", "40") == 0
    said = capsys.readouterr()
    assert "stopping" in said.err
    number = int(said.out.split()[0])
    assert 4 <= number < 500
    assert said.out.startswith(f"{number} flows from seed 40 on of 500; go on with `--seed {40 + number}`\n")
    assert len(seen) == 4, "not one flow more was checked"
