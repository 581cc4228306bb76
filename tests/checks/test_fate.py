"""What becomes of a process in which somebody decides and chance does the rest: by hand, and as Storm has it."""

from __future__ import annotations

from fractions import Fraction
from random import Random

import pytest

import storm
from penstock.compiler.checks.fate import Action, Fate, Process, Range, end_components

HALF, THIRD = Fraction(1, 2), Fraction(1, 3)


def sure(to: int, **gains: int) -> Action:
    return Action({to: Fraction(1)}, {name: Fraction(number) for name, number in gains.items()})


def test_chance_alone_leaves_nothing_to_decide() -> None:
    toss = Action({1: THIRD, 2: 1 - THIRD})
    assert Fate(Process([[toss], [], []])).chance(frozenset({1})) == Range(THIRD, THIRD)


def test_who_decides_may_choose_the_better_or_the_worse() -> None:
    fate = Fate(Process([[Action({1: HALF, 2: HALF}), sure(2)], [], []]))
    assert fate.chance(frozenset({1})) == Range(Fraction(0), HALF)
    assert fate.chance(frozenset({2})) == Range(HALF, Fraction(1))


def test_what_is_tried_until_it_succeeds_is_tried_so_often_on_average() -> None:
    again = Action({0: THIRD, 1: 1 - THIRD}, {"tries": Fraction(1)})
    assert Fate(Process([[again], []])).count("tries") == Range(Fraction(3, 2), Fraction(3, 2))


def test_a_circle_is_left_some_time_unless_one_may_linger_there() -> None:
    circle = [[sure(1)], [sure(0), sure(2)], []]
    left, lingering = Fate(Process(circle)), Fate(Process(circle, frozenset({0})))
    assert (left.chance(frozenset({2})), left.never()) == (
        Range(Fraction(1), Fraction(1)),
        Range(Fraction(0), Fraction(0)),
    )
    assert (lingering.chance(frozenset({2})), lingering.never()) == (Range(Fraction(0), Fraction(1)),) * 2


def test_what_happens_in_a_circle_may_happen_without_end_and_has_to_but_as_often_as_the_way_out_needs() -> None:
    fate = Fate(Process([[sure(1, calls=1)], [sure(0), sure(2, calls=1)], []]))
    assert fate.count("calls") == Range(Fraction(2), None)
    assert fate.count("nothing") == Range(Fraction(0), Fraction(0))


def test_what_has_no_way_out_never_ends() -> None:
    fate = Fate(Process([[Action({1: HALF, 2: HALF})], [sure(1, calls=1)], []]))
    assert fate.never() == Range(HALF, HALF)
    assert fate.count("calls") == Range(Fraction(0), None)


def test_an_end_component_is_closed_under_chance() -> None:
    actions = [[Action({0: HALF, 1: HALF})], [sure(0), sure(2)], [sure(2)], []]
    assert end_components(actions, lambda _: True) == [frozenset({0, 1}), frozenset({2})]


def random_process(seed: int) -> Process:
    """A small process: the last two states are ends, chances are sixths."""
    rng = Random(seed)
    size = rng.randint(3, 9)
    actions: list[list[Action]] = []
    for _ in range(size - 2):
        made: list[Action] = []
        for _ in range(rng.choice((1, 1, 2, 3))):
            to: dict[int, Fraction] = {}
            for target in (rng.randrange(size) for _ in range(rng.choice((1, 2, 3, 6)))):
                to[target] = to.get(target, Fraction(0)) + 1
            total = sum(to.values())
            made.append(
                Action({t: share / total for t, share in to.items()}, {"calls": Fraction(rng.choice((0, 0, 1, 2)))})
            )
        actions.append(made)
    return Process([*actions, [], []])


@pytest.mark.parametrize("seed", range(60))
def test_storm_says_the_same_of_random_processes(seed: int) -> None:
    process = random_process(seed)
    fate, ends = Fate(process), len(process.actions)
    for end in (ends - 1, ends - 2):
        mine = fate.chance(frozenset({end}))
        assert mine.most == storm.chance(process, end, "max")
        assert mine.least == storm.chance(fate.quotient, fate.place[end], "min")
        if not fate.inner:
            assert mine.least == storm.chance(process, end, "min")
    count = fate.count("calls")
    if not fate.inner:
        assert count == Range(storm.count(process, "calls", "min"), storm.count(process, "calls", "max"))
