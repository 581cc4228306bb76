"""The runs that findings show are as plain as runs can be: no payload plainer, no turn from region to region spared.

With `PENSTOCK_AGREEMENT=60` more random flows are tried, and all the broken ones.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal
from itertools import product
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kernels import flow, kernels
from penstock.compiler import pipeline
from penstock.compiler.checks.graph import Arrival
from penstock.compiler.checks.moves import MoveKind, alike
from penstock.compiler.checks.order import turns
from penstock.compiler.checks.plain import Hints, plainest, rank
from penstock.compiler.checks.suite import Limits, check
from penstock.compiler.checks.trace import Shows, Tracer
from penstock.compiler.checks.verdict import Verdict
from penstock.compiler.evaluate import fits
from penstock.compiler.kernel import Kernel
from penstock.dsl.model import (
    BoolType,
    DecimalType,
    DurationType,
    EnumType,
    IntType,
    ListType,
    OptionalType,
    Parameter,
    RecordType,
    TextType,
    Type,
    Value,
    Variable,
)
from random_flows import random_flow
from random_trees import random_tree

MORE = os.environ.get("PENSTOCK_AGREEMENT", "")
BROKEN = sorted((Path(__file__).parents[1] / "broken").glob("*.flow" if MORE else "[eo]*.flow"))
NUMBERS = range(-9, 10)
FLOWS, TREES = range(int(MORE) if MORE else 8), range(int(MORE) if MORE else 4)
SMALL = Limits(nodes=400)
HINTS = Hints(flow("start -> Done\nfinal Done"))


@dataclass(frozen=True)
class Shown:
    """A run that was replayed, and what it shows."""

    tracer: Tracer
    arrival: Arrival
    shows: Shows


@pytest.fixture
def replays(monkeypatch: pytest.MonkeyPatch) -> list[Shown]:
    """Every run that the checks replay while a test runs."""
    found: list[Shown] = []
    replayed = Tracer.replayed

    def noting(self: Tracer, arrival: Arrival, shows: Shows) -> Arrival | None:
        made = replayed(self, arrival, shows)
        if made is not None:
            found.append(Shown(self, made, shows))
        return made

    monkeypatch.setattr(Tracer, "replayed", noting)
    return found


# ---------------------------------------------------------------- payloads


def plainer(value: Value, type: Type) -> Iterator[Value]:
    """Values of a type that are plainer than one, as many as there are of a small type."""
    yield from (each for each in values(value, type) if fits(each, type) and rank(each, type) < rank(value, type))


def values(value: Value, type: Type) -> Iterator[Value]:
    match type:
        case OptionalType():
            yield None
            if value is not None:
                yield from values(value, type.item)
        case BoolType():
            yield False
        case EnumType():
            yield from type.members
        case IntType():
            assert isinstance(value, int)
            yield from (*NUMBERS, value - 1, value + 1, value // 2)
        case DecimalType():
            assert isinstance(value, Decimal)
            unit = Decimal(1).scaleb(-type.places)
            yield from (*(n * unit for n in NUMBERS), value - unit, value + unit)
        case DurationType():
            yield from (timedelta(seconds=n) for n in NUMBERS)
        case TextType():
            assert isinstance(value, str)
            yield from ("", *"abcdz", *map("".join, product("ab", repeat=2)), value[1:], value[:-1])
        case RecordType():
            assert isinstance(value, tuple)
            for place, part_type in enumerate(each.type for each in type.fields):
                yield from (put(value, place, part) for part in values(value[place], part_type))
        case ListType():
            assert isinstance(value, tuple)
            yield from (value[:n] for n in range(len(value)))
            yield from ((*value[:n], *value[n + 1 :]) for n in range(len(value)))
            for place, part in enumerate(value):
                yield from (put(value, place, other) for other in values(part, type.item))
        case _:
            pass


def put(value: tuple[Value, ...], place: int, part: Value) -> tuple[Value, ...]:
    return (*value[:place], part, *value[place + 1 :])


def spared(shown: Shown) -> list[str]:
    """The parts of payloads of a run that could be plainer, and it would still take the same way and show it."""
    run = shown.arrival.run()
    times = shown.tracer.schedule(run)
    assert times is not None
    found: list[str] = []
    for index, step in enumerate(run):
        params: Sequence[Parameter | Variable] = () if step.fan is None else step.fan.params
        params = shown.tracer.kernel.inputs if step.move is None else params
        if step.move is not None and step.move.kind is MoveKind.SETTLE:
            continue
        if len(params) != len(step.payload):
            continue
        for place, param in enumerate(params):
            for other in plainer(step.payload[place], param.type):
                trial = [*run[:index], replace(step, payload=put(step.payload, place, other)), *run[index + 1 :]]
                again = shown.tracer.at(trial, times)
                brought = None if again is None else again.run()[index].payload  # of a group of calls, what all bring
                if again is not None and brought == trial[index].payload and shown.shows(again):
                    found.append(f"{param.name} of step {index}: {other!r} instead of {step.payload[place]!r}")
    return found


@pytest.mark.parametrize("path", BROKEN, ids=lambda path: path.stem)
def test_no_part_of_a_payload_of_a_broken_flow_can_be_plainer(path: Path, replays: list[Shown]) -> None:
    pipeline.check(pipeline.read(path), seconds=300)
    assert [(each, said) for each in replays for said in spared(each)] == []


def test_no_part_of_a_payload_of_a_random_flow_can_be_plainer(replays: list[Shown]) -> None:
    brought = 0
    for subject in subjects():
        check(subject, SMALL)
        brought += sum(len(step.payload) for each in replays for step in each.arrival.run())
        assert [said for each in replays for said in spared(each)] == [], subject.source.text
        replays.clear()
    assert brought > 20


def subjects() -> Iterator[Kernel]:
    yield from (kernels(random_flow(seed))["R"] for seed in FLOWS)
    yield from (kernels(random_tree(seed))["R"] for seed in TREES)


@given(st.integers(0, 10**9), st.integers(0, 10**9), st.sampled_from([1, -1]))
def test_the_number_nearest_to_a_bound_is_found(one: int, other: int, sign: int) -> None:
    low, high = sorted((one, other))
    found = plainest(sign * high, IntType(None, None), HINTS, lambda n: isinstance(n, int) and sign * n >= low)
    assert found == sign * low


@settings(max_examples=30)
@given(st.text(min_size=1, max_size=40), st.integers(0, 40))
def test_the_shortest_text_is_found(value: str, least: int) -> None:
    least = min(least, len(value))
    found = plainest(value, TextType(), HINTS, lambda text: isinstance(text, str) and len(text) >= least)
    assert found == "a" * least


def last(body: str, code: str) -> list[str]:
    found = next(a for a in check(flow(body)).answers if a.rule.code == code and a.verdict is Verdict.REFUTED)
    assert found.diagnostic is not None
    return [step.trigger for step in found.diagnostic.trace]


def test_numbers_are_the_nearest_to_zero_that_show_it() -> None:
    body = """
      input {
        total: decimal(2)
        number: int
        name: text
      }
      start -> Limit
      choice Limit { when total > 1000.00 and number < -70 and len(name) > 3 -> Stuck  else -> Done }
      state Stuck { wait forever "on purpose" }
      final Done
    """
    assert last(body, "F003") == ['start(total: 1000.01, number: -71, name: "aaaa")']


def test_what_must_be_the_same_in_two_places_is_plain_in_both() -> None:
    body = """
      input {
        name: text
        paid: int
      }
      event pay(who: text, due: int)
      start -> Open
      state Open {
        on pay(who, due) when who == name and due == paid + 5 and paid > 3 -> Stuck
        on pay else -> Done
        after 1d -> Done
      }
      state Stuck { wait forever "on purpose" }
      final Done
    """
    assert last(body, "F003") == ['start(name: "", paid: 4)', 'pay(who: "", due: 9)']


# ---------------------------------------------------------------- turns


def orders(shown: Shown, at: Arrival, left: Sequence[Arrival]) -> Iterator[Arrival]:
    """The run with its middle steps in any order."""
    if not left:
        yield at
    for index, step in enumerate(left if len(left) == 1 else left[:-1]):
        move = None if step.move is None else alike(step.move, at.instance)
        if move is not None and move.kind is MoveKind.TASK and move.name not in {t.task for t in at.instance.tasks}:
            continue
        after = None if move is None else shown.tracer.attempts.step(at, move, step.payload, at.now)
        if after is not None and after.real and after.taken[:1] == step.taken[:1]:
            yield from orders(shown, after.along(step.fan, step.passage), [*left[:index], *left[index + 1 :]])


def calmer(shown: Shown) -> list[Arrival]:
    """The orders of a run's steps with fewer turns that play, do the same in all, and show it."""
    run, kernel = shown.arrival.run(), shown.tracer.kernel
    if not 3 < len(run) < 8:
        return []
    done = sorted(map(repr, (taken for step in run for taken in step.taken)))
    found: list[Arrival] = []
    for other in orders(shown, run[0], run[1:]):
        same = done == sorted(map(repr, (taken for step in other.run() for taken in step.taken)))
        there = other.instance.configuration == shown.arrival.instance.configuration and other.taken == run[-1].taken
        if same and there and turns(kernel, other.run()) < turns(kernel, run):
            times = shown.tracer.schedule(other.run())
            again = None if times is None else shown.tracer.at(other.run(), times)
            found += [other] if again is not None and shown.shows(again) else []
    return found


def test_no_other_order_of_a_random_run_has_fewer_turns(replays: list[Shown]) -> None:
    looked = 0
    for seed in range(int(MORE) if MORE else 15):
        subject = kernels(random_tree(seed))["R"]
        check(subject, SMALL)
        looked += sum(len(each.arrival.run()) > 3 for each in replays)
        assert [each for each in replays if calmer(each)] == [], subject.source.text
        replays.clear()
    assert looked


def test_regions_that_run_side_by_side_are_told_one_after_the_other() -> None:
    calls = "".join(
        f"""
        region {name} {{
          start -> First
          state First {{ do {name.lower()}1()  on done -> Second  on failed -> Lost }}
          state Second {{ do {name.lower()}2()  on done -> Over  on failed -> Lost }}
          final Over
          final failure Lost
        }}"""
        for name in ("A", "B", "C")
    )
    acts = "".join(f"activity {x}{n}() {{ retry 1 readonly }}\n" for x in "abc" for n in "12")
    body = f"{acts} start -> Both\n parallel Both {{ {calls}\n on all done -> Stuck\n on any failure -> Done }}\n"
    told = last(body + 'state Stuck { wait forever "on purpose" }\nfinal Done', "F003")
    assert told[0] == "start"
    assert sorted(told[1::2]) == ["a1 done", "b1 done", "c1 done"]
    assert told[2::2] == [each.replace("1", "2") for each in told[1::2]]
