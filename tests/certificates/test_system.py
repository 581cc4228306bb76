"""Certificates of systems: another solver answers them, and refuses what is corrupted or does not hold."""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from penstock.compiler import pipeline
from penstock.compiler.certificates.certificate import Certificate, Undischarged
from penstock.compiler.certificates.system import make
from penstock.compiler.checks.verdict import Answer, Report, Verdict
from penstock.compiler.pipeline import Examined
from random_dealings import OVERTAKEN
from random_systems import random_system
from second_solver import answers

ROOT = Path(__file__).parents[2]
SHOP = ROOT / "specs" / "shop.flow"
BROKEN = sorted((ROOT / "tests" / "broken").glob("shop_*.flow"))


def examined(path: Path) -> tuple[Examined, Report]:
    file = pipeline.read(path)
    assert not file.errors
    (report,) = pipeline.check_systems(file)
    return file, report


def certified(path: Path) -> Certificate:
    file, report = examined(path)
    return make(file.systems[0], {kernel.name: kernel for kernel in file.kernels}, report, path.name)


@cache
def shop() -> Certificate:
    return certified(SHOP)


def text(certificate: Certificate) -> str:
    return certificate.files[0][1]


def index(certificate: Certificate) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(certificate.files[-1][1])
    return found


@pytest.mark.parametrize("path", [SHOP, *BROKEN], ids=lambda path: path.stem)
def test_another_solver_accepts_it_and_each_proved_answer_rests_on_something(path: Path) -> None:
    certificate = certified(path)
    said = index(certificate)
    assert answers(text(certificate)) == ["unsat"] * certificate.obligations
    assert said["files"][0]["obligations"] == certificate.obligations
    assert len(said["proved"]) == certificate.proofs > 0
    ids = set(re.findall(r"^; ([a-z]\d+): ", text(certificate), re.MULTILINE))
    assert all(each["model"] and set(each["model"]) <= ids for each in said["proved"])


@pytest.mark.parametrize("share", range(3))
def test_another_solver_accepts_those_of_random_systems(tmp_path: Path, share: int) -> None:
    proofs = 0
    for seed in range(share, 30, 3):
        path = tmp_path / "system.flow"
        path.write_text(random_system(seed), encoding="utf-8")
        certificate = certified(path)
        assert answers(text(certificate)) == ["unsat"] * certificate.obligations, seed
        proofs += certificate.proofs
    assert proofs > 20


def test_what_came_from_outside_has_its_turn_in_the_midst_of_a_step(tmp_path: Path) -> None:
    """It may have waited for longer than a message: a local state of its own tells of that."""
    path = tmp_path / "system.flow"
    path.write_text(OVERTAKEN, encoding="utf-8")
    certificate = certified(path)
    assert answers(text(certificate)) == ["unsat"] * certificate.obligations
    said = index(certificate)
    assert "F313" not in {each["code"] for each in said["proved"] if each["subject"] == "a.m"}
    assert any(each.get("midway") for each in said["local states"])


CORRUPTED = {
    "a joint state that is left out": r"(\(define-fun inv .*?\(or )\(and (?:\([^()]*\) ?)+\) ",
    "a message that is lost": r"\(= next/size/billing \(\+ size/billing 1\)\)",
    "a message out of nothing": r"\(> box/billing/\w+ 0\)|\(= box/billing/1 \d\)",
    "a member that never ends": r"(\(define-fun finished/billing \(\(loc Int\)\) Bool) .*(\))",
    "a way that is no step": r"(\(define-fun way .*?\(= number 9\) \(= onward) \d+",
    "a bound that is lower": r"\(> \(\+ next/size/billing (.*?)\) \d+\)",
}
CHANGED = {
    "a joint state that is left out": r"\1",
    "a message that is lost": "(= next/size/billing size/billing)",
    "a message out of nothing": "true",
    "a member that never ends": r"\1 false\2",
    "a way that is no step": r"\1 0",
    "a bound that is lower": r"(> (+ next/size/billing \1) 0)",
}


@pytest.mark.parametrize("name", CORRUPTED)
def test_another_solver_refuses_one_with(name: str) -> None:
    corrupted, number = re.subn(CORRUPTED[name], CHANGED[name], text(shop()), flags=re.MULTILINE)
    assert number > 0 and "sat" in answers(corrupted)


@pytest.mark.parametrize("path", [SHOP, *BROKEN], ids=lambda path: path.stem)
def test_what_does_not_hold_has_no_certificate(path: Path) -> None:
    """As if the checks had proved what they refuted."""
    file, report = examined(path)
    kernels = {kernel.name: kernel for kernel in file.kernels}
    wrong = [answer for answer in report.answers if answer.verdict is Verdict.REFUTED]
    assert wrong
    for answer in wrong:
        lying = Report(report.flow, (Answer(answer.rule, answer.subject, Verdict.PROVED, answer.span),))
        with pytest.raises(Undischarged):
            make(file.systems[0], kernels, lying, path.name)


def test_nothing_is_proved_because_nothing_can_be() -> None:
    head, _, _ = text(shop()).partition("(push 1)")
    steps = re.findall(r"^\(define-fun (step/\d+) ", head, re.MULTILINE)
    asked = ["start", "inv.before", "(and inv.before ended)", *(f"(and inv.before {step})" for step in steps)]
    said = answers(head + "".join(f"(push 1)(assert {each})(check-sat)(pop 1)" for each in asked))
    assert said[:3] == ["sat"] * 3
    assert said[3:].count("sat") > len(steps) / 2


def test_it_is_the_same_each_time() -> None:
    assert certified(SHOP) == shop()
