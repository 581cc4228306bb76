"""A flow that the checker and brute force disagree about becomes a small one: shown with either of them broken."""

from __future__ import annotations

from functools import partial
from math import inf
from random import Random

import pytest

import agreement
from agreement import alike
from brute_force import Search
from penstock.compiler.checks import suite
from penstock.compiler.checks.verdict import Report
from penstock.compiler.kernel import Kernel
from random_core import SmallFlow
from shrinking import shrink


def without(code: str, kernel: Kernel) -> Report:
    """What the checks would say if one of them found nothing."""
    report = suite.check(kernel)
    return Report(report.flow, tuple(answer for answer in report.answers if answer.rule.code != code))


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
