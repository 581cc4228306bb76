"""docs/checks.md is what the program says of itself."""

from __future__ import annotations

import repository
from penstock.compiler.commands import book
from penstock.compiler.pipeline import rules

PAGE = repository.ROOT / "docs" / "checks.md"


def test_the_page_of_checks_is_written_by_explain() -> None:
    """When this fails: `penstock explain --all > docs/checks.md`."""
    assert PAGE.read_text(encoding="utf-8") == book(rules())


def test_every_rule_has_a_page() -> None:
    assert [rule.code for rule in rules() if not rule.page.strip()] == []
