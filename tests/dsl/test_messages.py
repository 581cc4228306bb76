"""What is said about each of the bad texts in `bad/`, word for word, and how much of the text was read all the same."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from penstock.dsl.diagnostics import Diagnostic, Severity
from penstock.dsl.parse import parse
from penstock.dsl.rules import RULES
from penstock.dsl.source import Source, Span
from trees import Tree

BAD = sorted((Path(__file__).parent / "bad").glob("*.flow"))


def told(source: Source, each: Diagnostic) -> str:
    line, column = source.position(each.span.start) if each.span else (0, 0)
    parts = [f"{each.rule.code} {line}:{column} {each.message}"]
    parts += [f"  ^ {each.label}"] if each.label else []
    parts += [f"  other {source.line(label.span)}: {label.text}" for label in each.others]
    parts += [f"  fix {fix.text}: {fix.edits[0][1]!r}" for fix in each.fixes]
    parts += [f"  note {each.note}"] if each.note else []
    return "\n".join(parts)


def outline(tree: Tree) -> str:
    """The kinds of what was read: `Flow(Version Input State)`."""
    members = getattr(tree, "members", ())
    inside = f"({' '.join(outline(each) for each in members)})" if members and hasattr(members[0], "span") else ""
    return type(tree).__name__ + inside


@pytest.mark.parametrize("path", BAD, ids=lambda path: path.stem)
def test_a_bad_text_is_told_in_these_words(path: Path, golden: Callable[[str, str], None]) -> None:
    source = Source(path.name, path.read_bytes().decode())
    parsed = parse(source)
    lines = [*(told(source, each) for each in parsed.diagnostics), f"read {outline(parsed.tree)}"]
    golden(f"{path.stem}.txt", "\n".join(lines) + "\n")


@pytest.mark.parametrize("path", BAD, ids=lambda path: path.stem)
def test_a_message_is_one_sentence_with_a_short_label_at_its_place(path: Path) -> None:
    source = Source(path.name, path.read_bytes().decode())
    parsed = parse(source)
    assert parsed.diagnostics
    for each in parsed.diagnostics:
        assert each.message.endswith((".", "?")) and "\n" not in each.message
        assert len(each.label.split()) <= 8 or "`" in each.label
        span = each.span or Span(0, 0)
        assert 0 <= span.start <= span.end <= len(source.text)
    errors = any(each.severity is Severity.ERROR for each in parsed.diagnostics)
    assert parsed.tree.complete is not errors


@pytest.mark.parametrize("path", [path for path in BAD if path.stem.startswith("misspelt")], ids=lambda path: path.stem)
def test_one_misspelt_word_gives_one_message_and_costs_nothing_of_the_rest(path: Path) -> None:
    source = Source(path.name, path.read_text("utf-8"))
    (each,) = parse(source).diagnostics
    assert each.rule.code == "E121"
    ((span, word),) = each.fixes[0].edits
    mended = parse(Source(path.name, source.text[: span.start] + word + source.text[span.end :]))
    assert mended.diagnostics == ()
    assert outline(mended.tree) == outline(parse(source).tree)


def test_every_rule_about_the_text_is_shown_by_a_bad_text() -> None:
    shown = {each.rule.code for path in BAD for each in parse(Source("", path.read_bytes().decode())).diagnostics}
    of_files = {"E101", "E102", "E103", "E106", "E107"}  # shown in test_load and test_imports
    of_many = {"E126"}  # shown in test_parse
    rules = [rule for rule in RULES if rule.code.startswith("E1")]
    assert {rule.code for rule in rules} == shown | of_files | of_many
    assert all(rule.page and rule.summary.endswith(".") for rule in rules)
