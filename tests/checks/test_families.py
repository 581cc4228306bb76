"""The families of flows that the benchmarks measure: each is sound, and so is its model for other checkers."""

from __future__ import annotations

import pytest

from families import FAMILIES, Model
from kernels import kernels
from peers import PEERS, horn, promela, tla
from penstock.compiler import pipeline
from penstock.compiler.checks.verdict import Verdict
from penstock.dsl.source import Source


@pytest.mark.parametrize("family", FAMILIES)
def test_the_smallest_of_a_family_is_proved(family: str) -> None:
    make, sizes = FAMILIES[family]
    problem = make(sizes[0])
    file = pipeline.check(pipeline.meaning(Source(f"{family}.flow", problem.text)))
    assert not file.errors
    assert {report.verdict for report in file.reports} == {Verdict.PROVED}


def explored(model: Model) -> set[int]:
    """The locations a model comes to, by enumeration; asserts that it is never stuck, nor comes to anything bad."""
    first: list[dict[str, int]] = [{}]
    for name, (low, high, begin) in model.variables.items():
        first = [{**one, name: v} for one in first for v in ([begin] if begin is not None else range(low, high + 1))]
    todo = [(0, tuple(sorted(one.items()))) for one in first]
    seen = set(todo)
    while todo:
        place, values = todo.pop()
        known = dict(values)
        assert not any(place == bad and _holds(atom, known) for bad, atom in model.bad)
        ways = [e for e in model.edges if e.source == place and all(_holds(atom, known) for atom in e.guard)]
        assert ways or place in model.finals
        for edge in ways:
            after = dict(known)
            for name, how, value in edge.changes:
                number = value if isinstance(value, int) else known[value]
                after[name] = number if how == "=" else known[name] + number
            state = edge.target, tuple(sorted(after.items()))
            if state not in seen:
                seen.add(state)
                todo.append(state)
    return {place for place, _ in seen}


def _holds(atom: tuple[str, str, int | str], values: dict[str, int]) -> bool:
    name, sign, other = atom
    left, right = values[name], other if isinstance(other, int) else values[other]
    signs = {"==": left == right, "!=": left != right, "<": left < right, "<=": left <= right}
    return signs.get(sign, left > right if sign == ">" else left >= right)


@pytest.mark.parametrize("family", FAMILIES)
def test_the_model_of_the_smallest_is_sound_too(family: str) -> None:
    make, sizes = FAMILIES[family]
    model = make(sizes[0]).model
    assert model is not None
    assert explored(model) == set(range(model.locations))
    assert "proctype" in promela(model)
    assert tla(model)[0].startswith("---- MODULE Model ----")
    assert horn(model).startswith("(set-logic HORN)")
    assert set(PEERS) == {"SPIN", "TLC", "Spacer"}


def test_a_family_grows_with_its_size() -> None:
    make, _ = FAMILIES["saga"]
    assert len(kernels(make(10).text)["Saga"].leaves) < len(kernels(make(40).text)["Saga"].leaves)
