"""The real specs are sound; each deliberately broken variant of them is refuted for the reasons it names, and no other.

A broken variant says in its first line what must be found: `# expect F101 F301`.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from penstock.compiler import pipeline
from penstock.compiler.checks import suite
from penstock.compiler.checks.verdict import Verdict
from penstock.compiler.pipeline import Examined

SPECS = Path(__file__).parents[2] / "specs"
SOUND = sorted(SPECS.glob("*.flow"))
BROKEN = sorted((Path(__file__).parents[1] / "broken").glob("*.flow"))


def name(path: Path) -> str:
    return path.stem


def expected(path: Path) -> set[str]:
    mark, word, *codes = path.read_text(encoding="utf-8").splitlines()[0].split()
    assert (mark, word) == ("#", "expect")
    return set(codes)


def checked(path: Path) -> Examined:
    file = pipeline.check(pipeline.read(path), seconds=300)
    assert not file.errors, [said.message for said in file.diagnostics]
    return file


def found(file: Examined, verdict: Verdict) -> set[str]:
    answers = [answer for report in file.reports for answer in report.answers if answer.accepted is None]
    return {answer.rule.code for answer in answers if answer.verdict is verdict}


@pytest.mark.parametrize("path", BROKEN, ids=name)
def test_a_broken_flow_is_refuted_for_what_it_names_and_nothing_else(path: Path) -> None:
    assert found(checked(path), Verdict.REFUTED) == expected(path)


@pytest.mark.parametrize("path", SOUND, ids=name)
def test_a_real_flow_is_proved_sound(path: Path) -> None:
    file = checked(path)
    assert found(file, Verdict.REFUTED) | found(file, Verdict.UNKNOWN) == set()


@pytest.mark.parametrize("path", SOUND, ids=name)
def test_every_scenario_of_a_real_flow_passes(path: Path) -> None:
    for report in pipeline.rehearse(pipeline.read(path)).reports:
        assert report.answers
        assert [answer.subject for answer in report.answers if answer.verdict is not Verdict.PROVED] == []


def test_there_is_a_broken_flow_for_every_check() -> None:
    soundness = {rule.code for rule in suite.RULES if rule.code < "F7"}
    everything = BROKEN[0].parent.rglob("*.flow")
    assert soundness <= {code for path in everything for code in expected(path)}


def test_every_real_flow_has_broken_variants() -> None:
    variants = Counter(path.stem.split("_")[0] for path in BROKEN)
    assert {path.stem for path in SOUND} == set(variants)
    assert min(variants.values()) >= 3
