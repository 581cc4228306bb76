"""The laws of the formatter over random texts, and its layout by example."""

from __future__ import annotations

import os
from pathlib import Path
from random import Random

import pytest

from penstock.dsl.diagnostics import Severity
from penstock.dsl.format import canonical, format_text
from penstock.dsl.parse import parse
from penstock.dsl.source import Source
from random_texts import laid_out, significant, words
from trees import plain

ROOT = Path(__file__).parents[2]
SPECS = sorted([*(ROOT / "specs").rglob("*.flow"), *(ROOT / "tests" / "broken").rglob("*.flow")])
TEXTS = int(os.environ.get("PENSTOCK_FUZZ", "1")) * 2000
SHARES = 8


def formatted(text: str) -> str:
    made = format_text(Source("x.flow", text))
    assert isinstance(made, str), [each.message for each in made]
    return made


@pytest.mark.parametrize("share", range(SHARES))
def test_formatting_random_texts_keeps_tokens_comments_and_meaning_and_does_nothing_twice(share: int) -> None:
    for seed in range(share, TEXTS, SHARES):
        random = Random(seed)
        text = laid_out(random, words(random, random.choice((4, 8, 12, 20, 30))))
        source = Source("x.flow", text)
        before = parse(source)
        assert [each for each in before.diagnostics if each.severity is Severity.ERROR] == [], seed
        once = formatted(text)
        after = Source("x.flow", once)
        assert significant(after) == significant(source), seed
        assert plain(parse(after).tree) == plain(before.tree), seed
        assert formatted(once) == once, seed
        assert canonical(after) == canonical(source), seed
        assert not any(line != line.rstrip() for line in once.split("\n")) and "\n\n\n" not in once, seed


@pytest.mark.parametrize("path", SPECS, ids=lambda path: path.stem)
def test_the_specs_are_laid_out_as_the_formatter_would(path: Path) -> None:
    text = path.read_text("utf-8")
    assert formatted(text) == text


@pytest.mark.parametrize("path", SPECS, ids=lambda path: path.stem)
def test_the_canonical_text_has_the_same_meaning_and_no_comments(path: Path) -> None:
    source = Source(path.name, path.read_text("utf-8"))
    bare = Source(path.name, canonical(source))
    assert canonical(bare) == bare.text and "#" not in bare.text.replace('"#', "")
    kinds = [type(each).__name__ for each in parse(source).tree.members]
    assert parse(bare).diagnostics == () and [type(each).__name__ for each in parse(bare).tree.members] == kinds


def test_a_text_on_one_line_is_laid_out() -> None:
    text = (
        "enum A{x,y}flow  F version 1{input{a:int 1..9,b:text?}start->S state S{do  pay ( a,-1 )on done(_)"
        "{n=n+1}->T ignore  c}final T}"
    )
    assert formatted(text) == (
        "enum A { x, y }\n"
        "flow F version 1 {\n"
        "  input { a: int 1..9, b: text? }\n"
        "  start -> S\n"
        "  state S { do pay(a, -1) on done(_) { n = n + 1 } -> T ignore c }\n"
        "  final T\n"
        "}\n"
    )


def test_a_rate_stands_close_wherever_it_is_written() -> None:
    text = "activity a() { retry 2 backoff 1s..2s jitter 5 % fails b 2 %, c 0.5 % attempt fails 1 % readonly }\n"
    line = "activity a() { retry 2 backoff 1s..2s jitter 5% fails b 2%, c 0.5% attempt fails 1% readonly }\n"
    assert formatted(text) == line


def test_a_block_with_a_line_break_has_a_line_for_each_of_its_lines() -> None:
    text = "flow F {\n\n\n\ninput {a: int, b: text? # last\n}\n\n\n# about S\n   state S\n{ on a->T on b\n->T }\n}"
    assert formatted(text) == (
        "flow F {\n"
        "  input {\n"
        "    a: int,\n"
        "    b: text?  # last\n"
        "  }\n"
        "\n"
        "  # about S\n"
        "  state S {\n"
        "    on a -> T\n"
        "    on b\n"
        "        -> T\n"
        "  }\n"
        "}\n"
    )


def test_what_is_aligned_stays_aligned_when_its_surroundings_grow() -> None:
    text = (
        "flow F {\nstate S {\non a         -> T\non b(x,y)   { n=1 }   -> T\n"
        "on c                  -> T\non d  -> T\n}\n}\n"
    )
    assert formatted(text) == (
        "flow F {\n"
        "  state S {\n"
        "    on a -> T\n"
        "    on b(x, y) { n = 1 } -> T\n"
        "    on c                 -> T\n"
        "    on d -> T\n"
        "  }\n"
        "}\n"
    )


def test_times_of_day_and_shares_are_written_without_blanks() -> None:
    text = """\
flow A version 1 {
  every day at 02:00 UTC
  every monday at 9:30 UTC
  data { x: int 0..10 = 7 % 5 }
  activity look() {
    retry 3 backoff 1s..30s jitter 20% then park
    fails lost 2%
    readonly
  }
  start -> Done
  final Done
}
"""
    assert formatted(text) == text
    assert formatted(text.replace("02:00", "02 : 00").replace("20%", "20 %").replace("2%", "2 %")) == text


def test_a_long_block_on_one_line_is_broken() -> None:
    names = ", ".join(f"field_{number}: text" for number in range(9))
    assert formatted(f"flow F {{ input {{ {names} }} }}").count("\n") == 13


def test_a_text_with_errors_is_not_formatted() -> None:
    made = format_text(Source("x.flow", "flow F { stat S { } }"))
    assert not isinstance(made, str) and [each.rule.code for each in made] == ["E121"]


def test_the_canonical_text_does_not_depend_on_layout_or_comments() -> None:
    one = "flow F { input { a: int\n b: text } # x\n state S { on a -> T } final T }"
    other = (
        "## doc\nflow F {\n  input {\n    a:   int   # y\n\n    b:   text\n  }\n"
        "  state S {\n    on a\n      -> T\n  }\n  final T\n}"
    )
    assert canonical(Source("x", one)) == canonical(Source("x", other))
    assert canonical(Source("x", one)) != canonical(Source("x", one.replace("int", "bool")))
