"""The pages under `docs/use` say what the examples are: code is quoted from them, and what is shown is run."""

from __future__ import annotations

import doctest
import re
from pathlib import Path
from textwrap import dedent

import pytest

from penstock.runtime.core import Rejected
from repository import ROOT

PAGES = sorted((ROOT / "docs" / "use").glob("*.md"))
EXAMPLES = ROOT / "docs" / "examples"


def blocks(page: Path, language: str) -> list[str]:
    every = re.findall(r"^```(\w*)\n(.*?)^```$", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    return [text for written, text in every if written == language]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_what_is_quoted_stands_in_the_example(page: Path) -> None:
    files = [file.read_text(encoding="utf-8") for file in (EXAMPLES / page.stem).glob("*.py")]
    for block in blocks(page, "python"):
        assert any(block in file for file in files), block
    for file in files:
        assert any(block in file for block in blocks(page, "python"))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_what_is_quoted_is_quoted_whole(page: Path) -> None:
    """A function or class that a page begins, it ends."""
    files = [file.read_text(encoding="utf-8").splitlines() for file in (EXAMPLES / page.stem).glob("*.py")]
    for block in blocks(page, "python"):
        lines = block.splitlines()
        indent = len(block) - len(block.lstrip(" "))
        for file in files:
            for start in (at for at in range(len(file)) if file[at : at + len(lines)] == lines):
                after = file[start + len(lines) :]
                following = next((line for line in after if line), "")
                assert len(following) - len(following.lstrip(" ")) <= indent, following


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_what_is_shown_happens(page: Path) -> None:
    names: dict[str, object] = {}
    for number, block in enumerate(blocks(page, "pycon")):
        test = doctest.DocTestParser().get_doctest(dedent(block), names, f"{page.name} {number}", str(page), 0)
        runner = doctest.DocTestRunner(optionflags=doctest.FAIL_FAST)
        said: list[str] = []
        failed = runner.run(test, out=said.append, clear_globs=False).failed
        assert not failed, "".join(said)
        names = test.globs


def test_the_reasons_of_a_rejection_are_all_explained() -> None:
    page = (ROOT / "docs" / "use" / "python.md").read_text(encoding="utf-8")
    table = page.partition("| reason |")[2].partition("\n\n")[0]
    explained = re.findall(r"^\| `(\w+)`", table, re.MULTILINE)
    there_are = str(Rejected.__doc__).partition("reason:")[2].partition("detail:")[0]
    assert sorted(explained) == sorted(re.findall(r"`(\w+)`", there_are)) != []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_link_leads_somewhere(page: Path) -> None:
    for link, anchor in re.findall(r"\]\(([^)#\s]*)(?:#([^)\s]+))?\)", page.read_text(encoding="utf-8")):
        target = (page.parent / link).resolve() if link else page
        assert target.exists(), link
        if anchor:
            titles = re.findall(r"^#+ (.*)$", target.read_text(encoding="utf-8"), re.MULTILINE)
            assert anchor in {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}
