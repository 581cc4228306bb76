"""The examples of the language reference can be read, all of them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from penstock.dsl.parse import parse
from penstock.dsl.source import Source

PAGE = Path(__file__).parents[2] / "docs" / "language.md"
EXAMPLES = [
    text for text in re.findall(r"^```flow\n(.*?)^```", PAGE.read_text("utf-8"), re.M | re.S) if "…" not in text
]


def wrapped(text: str) -> str:
    return text if re.search(r"^(flow|import|system) ", text, re.M) else f"flow Example {{\n{text}\n}}"


@pytest.mark.parametrize("text", EXAMPLES, ids=lambda text: text.split("\n")[0])
def test_an_example_can_be_read(text: str) -> None:
    assert [each.message for each in parse(Source("example.flow", wrapped(text))).diagnostics] == []
