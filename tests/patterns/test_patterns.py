"""The catalogue of workflow patterns: the page names all 43, and every flow it shows is proved and keeps its word."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kernels import kernels
from penstock.compiler import pipeline, report
from penstock.compiler.diagrams import dot, mermaid
from penstock.compiler.diagrams.picture import picture
from penstock.compiler.formats.style import Style
from penstock.compiler.kernel import Kernel
from twins import AnyFlow, Twins, drive, generated

DOCS = Path(__file__).parents[2] / "docs"
FLOWS = sorted((DOCS / "patterns").glob("*.flow"))
RUN = st.lists(st.tuples(st.integers(0, 10**6), st.sampled_from((0, 0, 1, 3, 3600, 86400))), min_size=2, max_size=30)
ROW = re.compile(r"^\| (\d+) \| (.+?) \| (.+) \|$", re.MULTILINE)


def rows() -> list[tuple[int, str, str]]:
    """Number, pattern and what is said of it."""
    return [(int(number), pattern, how) for number, pattern, how in ROW.findall((DOCS / "patterns.md").read_text())]


def test_the_page_names_each_of_the_43_patterns_once_and_refuses_no_more_than_6() -> None:
    assert sorted(number for number, _, _ in rows()) == list(range(1, 44))
    assert sum(how.startswith("Refused: ") for _, _, how in rows()) <= 6


def test_every_pattern_that_is_not_refused_links_to_its_flow() -> None:
    linked: list[str] = []
    for number, pattern, how in rows():
        link = re.fullmatch(r"\[.+\]\(patterns/(.+\.flow)\)", pattern)
        assert (link is None) == how.startswith("Refused: "), pattern
        if link is not None:
            assert link[1].startswith(f"{number:02}_")
            linked.append(link[1])
    assert sorted(linked) == [path.name for path in FLOWS]


@pytest.mark.parametrize("path", FLOWS, ids=lambda path: path.stem)
def test_the_flow_is_proved_with_nothing_open_and_its_scenarios_pass(path: Path) -> None:
    for tried in (pipeline.check(pipeline.read(path)), pipeline.rehearse(pipeline.read(path))):
        assert report.exit_code([tried]) == 0, report.render("concise", [tried], Style(False), "")


@pytest.mark.parametrize("path", FLOWS, ids=lambda path: path.stem)
@settings(max_examples=20)
@given(run=RUN)
def test_the_generated_code_does_what_the_interpreter_does(path: Path, run: list[tuple[int, int]]) -> None:
    for name in twins(path):
        drive(Twins(*twins(path)[name]), run)


@cache
def twins(path: Path) -> Mapping[str, tuple[Kernel, type[AnyFlow]]]:
    return {name: (kernel, generated(kernel)) for name, kernel in kernels(path.read_text()).items()}


@pytest.mark.parametrize("path", FLOWS, ids=lambda path: path.stem)
def test_the_flow_can_be_drawn(path: Path) -> None:
    for kernel in kernels(path.read_text()).values():
        drawn = picture(kernel)
        assert all(dot.render(drawn).count(f'"{leaf.name}"') for leaf in kernel.leaves)
        assert "subgraph" in mermaid.render(drawn) or len(kernel.scopes) == 1
