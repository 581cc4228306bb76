"""Whatever the text, the parser and the formatter answer with a value: no traceback, no span outside the text."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from composed import COMPOSED
from penstock.dsl.diagnostics import Diagnostic
from penstock.dsl.format import canonical, format_text
from penstock.dsl.load import text_of
from penstock.dsl.parse import parse
from penstock.dsl.source import Source
from penstock.dsl.table import automaton

LONGER = int(os.environ.get("PENSTOCK_FUZZ", "1"))
"""How many times longer than usual the fuzz runs."""

SPECS = [path.read_text("utf-8") for path in sorted((Path(__file__).parents[2] / "specs").glob("*.flow"))]
SPECS.append(COMPOSED)
ORDER = next(text for text in SPECS if "flow Order" in text)

ODD = [
    "@",
    "$",
    ";",
    "=>",
    '"',
    '"open',
    "\0",
    "é",
    "12abc",
    "1.5h",
    "\ufeff",
    "\u2028",
    "#",
    "##",
    "999999d",
    "-",
    "_",
]
PLAIN = ["a", "b", "Paying", "1", "0.5", "30s", '"text"', '"{a}"', '"{"', "@2026-01-31T12:00:00Z"]
WORDS = [*sorted(automaton().words), *PLAIN, *ODD, "migrate", "deadline", "list"]


def parses(text: str) -> None:
    source = Source("fuzz.flow", text)
    parsed = parse(source)
    assert len(parsed.diagnostics) <= 60
    for each in parsed.diagnostics:
        assert each.message and (each.span is None or 0 <= each.span.start <= each.span.end <= len(text))
        for fix in each.fixes:
            assert all(span.end <= len(text) for span, _ in fix.edits)
    if not parsed.diagnostics:
        assert parsed.tree.complete and isinstance(format_text(source), str) and canonical(source)


@settings(max_examples=200 * LONGER)
@given(st.binary(max_size=300))
def test_random_bytes(data: bytes) -> None:
    made = text_of("fuzz.flow", data)
    if isinstance(made, Source):
        parses(made.text)
    else:
        assert all(isinstance(each, Diagnostic) for each in made)


@settings(max_examples=200 * LONGER)
@given(st.text(max_size=200))
def test_random_text(text: str) -> None:
    parses(text)


@settings(max_examples=400 * LONGER)
@given(st.lists(st.tuples(st.sampled_from(WORDS), st.sampled_from(["", " ", " ", "\n", "\n  "])), max_size=60))
def test_random_tokens(pieces: list[tuple[str, str]]) -> None:
    parses("".join(word + space for word, space in pieces))


@settings(max_examples=200 * LONGER)
@given(st.lists(st.tuples(st.sampled_from(WORDS), st.sampled_from([" ", " ", "\n    "])), max_size=30))
def test_random_tokens_inside_a_state(pieces: list[tuple[str, str]]) -> None:
    inside = "".join(word + space for word, space in pieces)
    parses(f"flow A version 1 {{\n  state S {{\n    {inside}\n  }}\n  final F\n}}\n")


@st.composite
def mutations(draw: st.DrawFn) -> str:
    """A spec with some pieces deleted, doubled, moved or replaced."""
    text = draw(st.sampled_from([ORDER, *SPECS]))
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(text)))
        end = min(len(text), start + draw(st.sampled_from([0, 1, 1, 2, 5, 20, 200])))
        there = draw(st.integers(0, len(text)))
        kind = draw(st.sampled_from(["delete", "double", "move", "replace", "insert"]))
        piece = text[start:end]
        match kind:
            case "delete":
                text = text[:start] + text[end:]
            case "double":
                text = text[:end] + piece + text[end:]
            case "move":
                text = text[:there] + piece + text[there:]
            case "replace":
                text = text[:start] + draw(st.sampled_from(WORDS)) + text[end:]
            case _:
                text = f"{text[:start]} {draw(st.sampled_from(WORDS))} {text[start:]}"
    return text


@settings(max_examples=150 * LONGER)
@given(mutations())
def test_mutated_specs(text: str) -> None:
    parses(text)


@pytest.mark.parametrize("text", SPECS, ids=range(len(SPECS)))
def test_a_spec_cut_short_anywhere(text: str) -> None:
    for end in range(0, len(text), max(1, len(text) // (60 * LONGER))):
        parses(text[:end])
