"""The pages of `tests/language`: each flow in them, and word for word what is said about it.

A block that holds no `flow` is put inside one that starts in `Done`. `--remake-goldens` writes what is said now into
the pages; then read the difference.
"""

import re
from pathlib import Path

import pytest

from penstock.dsl.diagnostics import Diagnostic
from penstock.dsl.parse import parse
from penstock.dsl.source import Source
from penstock.dsl.typecheck import analyse

PAGES = sorted((Path(__file__).parent.parent / "language").glob("*.md"))
SECTION = re.compile(r"^(?P<head>## .+?)^```flow\n(?P<flow>.*?)^```\n.*?(?=^## |\Z)", re.M | re.S)


def whole(block: str) -> Source:
    """The block as a file; the lines of the block keep their numbers."""
    if re.search(r"^flow ", block, re.M):
        return Source("page.flow", block)
    return Source("page.flow", f"flow Example {{ start -> Done  final Done  {block}}}\n")


def said(block: str) -> str:
    """Everything the parser and the analysis say about the block."""
    source = whole(block)
    parsed = parse(source)
    analysed = analyse(parsed.tree, source)
    return "".join(shown(each, source) for each in (*parsed.diagnostics, *analysed.diagnostics)) or "nothing\n"


def shown(diagnostic: Diagnostic, source: Source) -> str:
    assert diagnostic.span is not None
    at = source.slice(diagnostic.span).split("\n")[0]
    lines = [f"{source.line(diagnostic.span)}: {diagnostic.severity} {diagnostic.rule.code}: {diagnostic.message}"]
    lines.append(f"     at `{at}`: {diagnostic.label}")
    lines += [f"     and line {source.line(other.span)}: {other.text}" for other in diagnostic.others]
    lines += [f"     help: {fix.text}" for fix in diagnostic.fixes]
    lines += [f"     note: {diagnostic.note}"] if diagnostic.note else []
    return "\n".join(lines) + "\n"


def remade(page: str) -> str:
    def section(match: re.Match[str]) -> str:
        return f"{match['head']}```flow\n{match['flow']}```\n\n```text\n{said(match['flow'])}```\n\n"

    assert SECTION.search(page)
    return SECTION.sub(section, page).rstrip() + "\n"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_page_tells_what_the_analysis_says(page: Path, request: pytest.FixtureRequest) -> None:
    if request.config.getoption("--remake-goldens"):
        page.write_text(remade(page.read_text("utf-8")), "utf-8")
    assert page.read_text("utf-8") == remade(page.read_text("utf-8"))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_what_is_said_is_one_sentence_with_a_place_and_a_short_label(page: Path) -> None:
    for section in SECTION.finditer(page.read_text("utf-8")):
        source = whole(section["flow"])
        for each in analyse(parse(source).tree, source).diagnostics:
            assert each.message.endswith(".") and ". " not in each.message
            assert 1 <= len(each.label.split()) <= 8
            assert each.span is not None and 0 <= each.span.start < each.span.end <= len(source.text)
            assert all(len(other.text.split()) <= 8 for other in each.others)
