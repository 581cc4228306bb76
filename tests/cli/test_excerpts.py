"""Carets stand under what they mean, whatever the text is made of, and nothing in it reaches a terminal raw."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.compiler.formats.excerpt import WIDEST, excerpt
from penstock.compiler.formats.style import PLAIN, clean, columns, width
from penstock.dsl.diagnostics import Label
from penstock.dsl.source import Source, Span


def shown(text: str, start: int, end: int, *others: Label) -> list[str]:
    label = Label(Span(start, end), "here")
    return excerpt(Source("a.flow", text), label, others, PLAIN, str).splitlines()


def test_a_span_in_one_line() -> None:
    assert shown("one\ntwo three\n", 8, 13) == [
        "  ╭─ a.flow:2:5",
        "2 │ two three",
        "  │     ^^^^^ here",
        "  ╰─",
    ]


def test_wide_and_combining_characters_take_the_columns_they_are_shown_in() -> None:
    text = "状態 e\u0301 x"  # two wide characters, one combining accent
    assert shown(text, text.index("x"), len(text))[1:3] == [f"1 │ {text}", "  │        ^ here"]
    assert shown(text, 0, 2)[2] == "  │ ^^^^ here"


def test_tabs_are_widened_under_their_carets() -> None:
    assert shown("\ta\tb", 3, 4)[1:3] == ["1 │     a   b", "  │         ^ here"]


def test_a_span_over_several_lines_shows_its_first_and_its_last() -> None:
    text = "a {\n  b\n  c\n} d\n"
    assert shown(text, 2, text.index("}") + 1) == [
        "  ╭─ a.flow:1:3",
        "1 │ a {",
        "  │   ^",
        "  ┆",
        "4 │ } d",
        "  │ ^ here",
        "  ╰─",
    ]


@pytest.mark.parametrize("text", ["ab", "ab\n", "ab\n\n \n"])
def test_the_end_of_the_file_is_shown_behind_the_last_character(text: str) -> None:
    assert shown(text, len(text), len(text))[1:3] == ["1 │ ab", "  │   ^ here"]


def test_an_empty_file_and_an_empty_span_have_a_caret_too() -> None:
    assert shown("", 0, 0)[1:3] == ["1 │", "  │ ^ here"]
    assert shown("abc", 1, 1)[2] == "  │  ^ here"


def test_two_places_on_one_line_show_the_line_once() -> None:
    assert shown("a b c", 0, 1, Label(Span(4, 5), "and here"))[1:] == [
        "1 │ a b c",
        "  │ ^ here",
        "  │     ─ and here",
        "  ╰─",
    ]


def test_line_numbers_of_different_length_line_up() -> None:
    text = "x\n" * 12
    rows = shown(text, 22, 23, Label(Span(0, 1), "first"))
    assert rows[0].startswith("   ╭─")
    assert rows[1] == "12 │ x"
    assert " 1 │ x" in rows


def test_a_line_of_enormous_length_is_cut_around_its_carets() -> None:
    text = "a" * 5000 + "HERE" + "b" * 5000
    _, line, carets, _ = shown(text, 5000, 5004)
    assert len(line) < WIDEST + 10
    column = carets.index("^")
    assert line[column : column + 4] == "HERE"
    assert carets.count("^") == 4


def test_nothing_in_the_text_reaches_the_terminal_raw() -> None:
    text = "a\x1b[2J\x07\x7f\x9b\u202e\u2066b\rc"
    rows = "\n".join(shown(text, 0, len(text)))
    assert not {char for char in rows if char != "\n" and not (char.isprintable())}
    assert "␛[2J␇␡" in rows
    assert clean("\x1b[31mred\n") == "␛[31mred␊"


@settings(deadline=None, max_examples=300)
@given(st.text(max_size=60), st.data())
def test_any_span_of_any_text_can_be_shown(text: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, len(text)))
    rows = shown(text, start, end, Label(Span(0, len(text)), "whole"))
    assert rows[-1].endswith("╰─")
    assert any("^" in row for row in rows)
    assert not {unicodedata.category(char) for row in rows for char in row} & {"Cc", "Cf", "Cs", "Zl", "Zp"}


@given(st.text(st.characters(exclude_characters="\n"), max_size=40))
def test_columns_say_where_each_character_is_shown(line: str) -> None:
    shown_line, starts = columns(line)
    assert len(starts) == len(line) + 1
    assert starts[-1] == width(shown_line)
    assert list(starts) == sorted(starts)
