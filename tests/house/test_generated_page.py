"""The page about generated modules shows what they are: its excerpts are theirs."""

from __future__ import annotations

import re

import repository

PAGE = (repository.ROOT / "docs" / "generated.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```([^\n]*)\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


def test_its_excerpts_are_in_the_module() -> None:
    excerpts = [(kind.partition('"')[2].rstrip('"'), text) for kind, text in BLOCKS if "title=" in kind]
    assert len(excerpts) == 2
    for file, text in excerpts:
        assert text in (repository.ROOT / file).read_text(encoding="utf-8")
