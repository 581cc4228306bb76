"""The terms that are made without Z3's classes: what is the same, what is kept, and what is refused."""

from __future__ import annotations

import gc
import random

import pytest

from penstock.compiler.checks import terms
from penstock.compiler.checks.native import Z3Error
from penstock.compiler.checks.solver import Solver, spelt


def test_the_same_term_is_made_once() -> None:
    z3 = Solver().z3
    x, y = z3.integers("x y")
    assert (x + y) is (x + y) and (x <= 3) is (x <= 3)
    assert (x + y) is not (y + x)


def test_what_is_known_is_not_asked() -> None:
    z3 = Solver().z3
    x, b = z3.integer("x"), z3.boolean("b")
    assert (x == z3.integer("x")) is True and (x != z3.integer("x")) is False
    assert (b == True) is b  # noqa: E712 - the comparison is what is tested
    assert spelt(b == False) == "(not b)"  # noqa: E712 - as above


def test_a_container_finds_a_term_and_no_other() -> None:
    x, y = Solver().z3.integers("x y")
    assert x in [y, x] and x not in [y]
    with pytest.raises(TypeError):
        bool(x < y)


@pytest.mark.parametrize("number", [0, -1, 2**62 - 1, 2**62, -(2**62), 2**63, 10**30, -(10**30)])
def test_a_number_of_any_size_comes_back_as_it_was(number: int) -> None:
    solver = Solver()
    x = solver.z3.integer("x")
    reply = solver.ask(x == number)
    assert reply.model is not None and reply.model.value(x) == number


def test_a_term_keeps_its_meaning_when_others_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    """What an address means is remembered with the term; a new term at an old address is never taken for the old."""
    monkeypatch.setattr(terms, "REMEMBERED", 20)
    z3 = Solver().z3
    draw = random.Random(7)
    kept: list[tuple[terms.Made, str]] = []
    for step in range(2000):
        a, b = draw.randrange(30), draw.randrange(30)
        made = (z3.integer(f"v{a}") + b) * (z3.integer(f"v{b}") - a) <= a * b
        kept.append((made, f"(<= (* (+ v{a} {b}) (- v{b} {a})) {a * b})"))
        if step % 100 == 0:
            del kept[: len(kept) // 2]
            gc.collect()
    assert all(spelt(made) == text for made, text in kept)


def test_what_z3_cannot_make_is_its_own_exception() -> None:
    z3 = Solver().z3
    with pytest.raises(Z3Error):
        z3.door.wrapped(0, True)


def test_one_is_put_for_another_in_all_that_was_made() -> None:
    z3 = Solver().z3
    x, y = z3.integers("x y")
    put = z3.substitution([(x, y + 1), (y, x)])
    assert spelt(put(x <= y)) == "(<= (+ y 1) x)"
    assert put(x <= y) is put(x <= y)
