"""The checker and brute force say the same of random small flows, check by check and place by place.

A longer run: `PENSTOCK_AGREEMENT=2000 python3 dev.py test tests/checks/test_agreement.py`, or benchmarks/agreement.py.
"""

from __future__ import annotations

import os

import pytest

from agreement import CODES, Tally, compare
from random_groups import random_groups
from random_trees import random_tree

GROUPS = int(os.environ.get("PENSTOCK_AGREEMENT", "20"))
TREES = int(os.environ.get("PENSTOCK_AGREEMENT", "20"))
FLOWS = int(os.environ.get("PENSTOCK_AGREEMENT", "80"))
CHUNK = 10


@pytest.mark.parametrize("first", range(0, FLOWS, CHUNK))
def test_the_checker_agrees_with_brute_force(first: int) -> None:
    tally = Tally()
    for seed in range(first, first + CHUNK):
        compare(seed, tally)
    assert tally.disagreements == []
    assert tally.flows, "at least one of ten flows is small enough to enumerate"
    asked = sum((tally.refuted + tally.proved + tally.unknown).values())
    assert sum(tally.unknown.values()) <= asked / 20, "unknown must stay rare"
    assert {*tally.refuted, *tally.proved, *tally.unknown} == set(CODES)


@pytest.mark.parametrize("first", range(0, TREES, CHUNK))
def test_the_checker_agrees_with_brute_force_about_states_in_states(first: int) -> None:
    tally = Tally()
    for seed in range(first, first + CHUNK):
        compare(seed, tally, random_tree)
    assert tally.disagreements == []
    assert tally.flows, "at least one of ten flows is small enough to enumerate"
    asked = sum((tally.refuted + tally.proved + tally.unknown).values())
    assert sum(tally.unknown.values()) <= asked / 10, "unknown must stay rare"


@pytest.mark.parametrize("first", range(0, GROUPS, CHUNK))
def test_the_checker_agrees_with_brute_force_about_calls_for_each_item(first: int) -> None:
    tally = Tally()
    for seed in range(first, first + CHUNK):
        compare(seed, tally, random_groups)
    assert tally.disagreements == []
    assert tally.flows, "at least one of ten flows is small enough to enumerate"
    asked = sum((tally.refuted + tally.proved + tally.unknown).values())
    assert sum(tally.unknown.values()) <= asked / 10, "unknown must stay rare"
