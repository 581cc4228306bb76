"""Generated modules are what their flows say: those of the specs, of odd flows and of random ones."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import repository
from composed_flows import GROUPS, NESTED, PARALLEL
from kernels import flow, kernel
from odd_flows import MESSAGES, NAMES, PEOPLE, STRUCTURES, TYPES, WAITING
from penstock.compiler.codegen import render
from penstock.compiler.kernel import Kernel
from penstock.compiler.validation.validate import Validated, validate
from random_flows import random_flow
from random_groups import random_groups
from random_trees import random_tree
from translated import Translated

MODULES = sorted((repository.ROOT / "generated").glob("*_flow.py"))
DIGEST = "0" * 64


def generated(made: Kernel) -> Validated:
    return validate(render.module(made, DIGEST, "specs/twin.flow"), made, DIGEST)


def proved(said: Validated) -> bool:
    assert said.findings == ()
    assert said.open == ()
    return bool(said.counts)


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_every_module_of_ours_is_what_its_spec_says(path: Path) -> None:
    module = Translated.load(path)
    assert proved(module.validate(module.text))


ODD = {
    "types": TYPES,
    "names": NAMES,
    "waiting": WAITING,
    "people": PEOPLE,
    "messages": MESSAGES,
    "structures": STRUCTURES,
    "nested": NESTED,
    "parallel": PARALLEL,
    "groups": GROUPS,
}


@pytest.mark.parametrize("guard", ["o > 1 / o", "7 % o == 0", "o / 2 > 3", "o % 2 == 1"])
def test_what_is_none_elsewhere_may_be_divided_and_divided_by(guard: str) -> None:
    ways = f"on go when o is none or {guard} -> B\non go else -> C"
    body = f"data {{ o: int? }}\nevent go\nstart -> A\nstate A {{\n{ways}\n}}\nfinal B\nfinal C"
    assert proved(generated(flow(body)))


@pytest.mark.parametrize("text", ODD.values(), ids=ODD)
def test_the_module_of_an_odd_flow_is_what_it_says(text: str) -> None:
    assert proved(generated(kernel(text)))


@settings(max_examples=60)
@given(seed=st.integers(0, 10_000), write=st.sampled_from((random_flow, random_tree, random_groups)))
def test_the_module_of_a_random_flow_is_what_it_says(seed: int, write: Callable[[int], str]) -> None:
    try:
        made = kernel(write(seed))
    except AssertionError:
        assume(False)
        raise
    assert proved(generated(made))


def test_there_is_no_quick_way_where_a_guard_asks_for_places() -> None:
    """The answers of such a flow are asked with the active places, of which the quick way knows nothing."""
    made = kernel("""
flow Door version 1 {
  event push
  start -> Shut
  state Shut { on push when in Shut -> Wide  on push else stay  wait forever "on purpose" }
  state Wide { on push -> Shut  wait forever "on purpose" }
}
""")
    text = render.module(made, DIGEST, "specs/twin.flow")
    assert "_quick" not in text
    assert proved(validate(text, made, DIGEST))
