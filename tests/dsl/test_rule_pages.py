"""The pages of the rules of meaning: their first block shows the mistake, their second one mends it."""

import re

import pytest

from penstock.dsl.diagnostics import Rule
from penstock.dsl.parse import parse
from penstock.dsl.rules import RULES
from penstock.dsl.rules_of_meaning import MEANING_RULES
from penstock.dsl.rules_of_use import USE_RULES
from penstock.dsl.source import Source
from penstock.dsl.typecheck import analyse

OURS = (*MEANING_RULES, *USE_RULES)
BLOCK = re.compile(r"```flow\n(.*?)```", re.S)


def found(block: str) -> set[str]:
    source = Source("page.flow", f"flow Example {{ start -> Done  final Done\n{block}}}\n")
    parsed = parse(source)
    assert parsed.diagnostics == ()
    return {each.rule.code for each in analyse(parsed.tree, source).diagnostics}


@pytest.mark.parametrize("rule", [rule for rule in OURS if "```flow" in rule.page], ids=lambda rule: rule.code)
def test_a_page_shows_the_mistake_and_the_mended_flow(rule: Rule) -> None:
    bad, mended = BLOCK.findall(rule.page)
    assert found(bad) - {"F701", "F702", "F703", "F704"} or found(bad) == {rule.code}
    assert rule.code in found(bad)
    assert not {code for code in found(mended) if code.startswith("E") or code == rule.code}


def test_every_rule_has_its_own_code_name_and_page() -> None:
    assert set(OURS) <= set(RULES)
    assert len({rule.code for rule in RULES}) == len({rule.name for rule in RULES}) == len(RULES)
    assert [rule.code for rule in OURS] == sorted(rule.code for rule in OURS)
    for rule in OURS:
        assert rule.page and rule.summary.endswith(".") and re.fullmatch(r"[a-z]+(-[a-z]+)*", rule.name)
