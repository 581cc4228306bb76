"""The kept table is what Lark makes of the grammar; a table of another grammar is not used."""

from __future__ import annotations

from pathlib import Path

import pytest

from penstock.dsl import table
from penstock.dsl.grammar import made


def test_the_kept_table_is_that_of_the_grammar() -> None:
    fresh = table.packed(made(table.grammar()), table.grammar())
    assert table.KEPT.read_text("utf-8") == fresh, "dsl/grammar.lark has changed: run `python3 dev.py table`"


def test_a_table_is_unpacked_as_it_was_packed() -> None:
    text = 'start: "a"* NAME\n%declare NAME INT FRACTION DURATION INSTANT STRING _END\nfile: start\nexpression: INT'
    machine = made(text)
    assert table.unpacked(table.packed(machine, text), text) == machine


def test_a_table_of_another_grammar_is_left_alone() -> None:
    kept = table.KEPT.read_text("utf-8")
    assert table.unpacked(kept, table.grammar()) is not None
    assert table.unpacked(kept, table.grammar() + " ") is None


@pytest.mark.parametrize("kept", ["", None], ids=["an empty file", "no file"])
def test_without_a_table_lark_is_asked(kept: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    other = tmp_path / "grammar.json"
    if kept is not None:
        other.write_text(kept)
    monkeypatch.setattr(table, "KEPT", other)
    expected = table.automaton()
    table.automaton.cache_clear()
    try:
        assert table.automaton() == expected
    finally:
        table.automaton.cache_clear()
