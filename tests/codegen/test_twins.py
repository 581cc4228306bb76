"""The generated code is what the flow means: with any triggers it does exactly what the reference interpreter does."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from composed_flows import GROUPS, NESTED, PARALLEL
from kernels import kernel, kernels
from odd_flows import MESSAGES, NAMES, PEOPLE, QUICK, STRUCTURES, TYPES, WAITING
from penstock.compiler.kernel import Kernel
from random_flows import random_flow
from random_groups import random_groups
from random_trees import random_tree
from twins import AnyFlow, Twins, drive, generated

SPECS = sorted((Path(__file__).parents[2] / "specs").glob("*.flow"))
EXAMPLES = int(os.environ.get("PENSTOCK_EXAMPLES", "150"))
"""For a longer run by hand: `PENSTOCK_EXAMPLES=5000 pytest tests/codegen/test_twins.py`."""

RUN = st.lists(st.tuples(st.integers(0, 10**6), st.sampled_from((0, 0, 1, 2, 3, 3600, 86400))), min_size=2, max_size=40)


def real() -> dict[str, Kernel]:
    """The flows of the specs, by name."""
    return {name: made for path in SPECS for name, made in kernels(path.read_text(encoding="utf-8")).items()}


REAL = real()
MODULES = {name: generated(made) for name, made in REAL.items()}


@cache
def twins(text: str) -> tuple[Kernel, type[AnyFlow]]:
    made = kernel(text)
    return made, generated(made)


@pytest.mark.parametrize("name", REAL)
@settings(max_examples=EXAMPLES)
@given(run=RUN)
def test_a_real_flow_runs_as_the_interpreter_says(name: str, run: list[tuple[int, int]]) -> None:
    drive(Twins(REAL[name], MODULES[name]), run)


ODD = {
    "types": TYPES,
    "names": NAMES,
    "waiting": WAITING,
    "people": PEOPLE,
    "messages": MESSAGES,
    "structures": STRUCTURES,
    "quick": QUICK,
    "nested": NESTED,
    "parallel": PARALLEL,
    "groups": GROUPS,
}


@pytest.mark.parametrize("text", ODD.values(), ids=ODD)
@settings(max_examples=3 * EXAMPLES)
@given(run=RUN)
def test_an_odd_flow_runs_as_the_interpreter_says(text: str, run: list[tuple[int, int]]) -> None:
    drive(Twins(*twins(text)), run)


@cache
def small(text: str) -> tuple[Kernel, type[AnyFlow]] | None:
    """A random flow, unless the language refuses it."""
    try:
        made = kernel(text)
    except AssertionError:
        return None
    return made, generated(made)


@settings(max_examples=10 * EXAMPLES)
@given(seed=st.integers(0, 10_000), run=RUN)
def test_a_random_flow_runs_as_the_interpreter_says(seed: int, run: list[tuple[int, int]]) -> None:
    compare(random_flow(seed), run)


@settings(max_examples=2 * EXAMPLES)
@given(seed=st.integers(0, 10_000), run=RUN)
def test_a_random_tree_of_states_runs_as_the_interpreter_says(seed: int, run: list[tuple[int, int]]) -> None:
    compare(random_tree(seed), run)


@settings(max_examples=2 * EXAMPLES)
@given(seed=st.integers(0, 10_000), run=RUN)
def test_random_calls_for_each_item_run_as_the_interpreter_says(seed: int, run: list[tuple[int, int]]) -> None:
    compare(random_groups(seed), run)


def compare(text: str, run: list[tuple[int, int]]) -> None:
    made = small(text)
    assume(made is not None)
    assert made is not None
    drive(Twins(*made), run)
