"""A flow that does another one, over shared files: sound as it is, and refuted where its variants are broken.

A broken variant says in its first line what must be found: `# expect F101 F301`.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from penstock.compiler import pipeline
from penstock.compiler.checks.verdict import Verdict
from penstock.compiler.pipeline import Examined

ROOT = Path(__file__).parents[2]
SOUND = sorted((ROOT / "specs" / "parcels").glob("*.flow"))
BROKEN = sorted((ROOT / "tests" / "broken" / "parcels").glob("*.flow"))


def name(path: Path) -> str:
    return path.stem


def checked(path: Path, monkeypatch: pytest.MonkeyPatch) -> Examined:
    monkeypatch.chdir(ROOT)
    file = pipeline.check(pipeline.read(path), seconds=300)
    assert not file.errors, [said.message for said in file.diagnostics]
    return file


def found(file: Examined, *verdicts: Verdict) -> set[str]:
    answers = [answer for report in file.reports for answer in report.answers if answer.accepted is None]
    return {answer.rule.code for answer in answers if answer.verdict in verdicts}


@pytest.mark.parametrize("path", SOUND, ids=name)
def test_the_flows_are_proved_sound_and_their_scenarios_pass(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = checked(path, monkeypatch)
    assert found(file, Verdict.REFUTED, Verdict.UNKNOWN) == set()
    assert found(pipeline.rehearse(file), Verdict.REFUTED, Verdict.UNKNOWN) == set()


@pytest.mark.parametrize("path", BROKEN, ids=name)
def test_a_broken_flow_is_refuted_for_what_it_names(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _, _, *codes = path.read_text(encoding="utf-8").splitlines()[0].split()
    assert codes and found(checked(path, monkeypatch), Verdict.REFUTED) == set(codes)
