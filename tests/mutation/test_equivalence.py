"""What is proved to change nothing changes nothing, and what only nearly does the same is not taken for the same."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from kernels import kernel
from penstock.compiler import simulate
from penstock.compiler.checks.suite import Limits
from penstock.compiler.evaluate import Fault
from penstock.compiler.instance import Actor, Instance, Rejected
from penstock.compiler.kernel import Kernel
from penstock.compiler.mutation.equivalence import equal
from penstock.compiler.mutation.operators import mutants
from penstock.compiler.mutation.site import Mutant
from penstock.compiler.mutation.survey import sites_of
from penstock.compiler.mutation.trial import Bench, Net
from penstock.dsl.source import Source
from triggers import Move, inputs, moves

TALLY = """
flow Tally version 1 {
  input { vip: bool }
  data { n: int 0..5 = 0, m: int 0..9 = 0, seen: bool = false }
  event add(k: int 1..3)
  event close
  start -> Open
  state Open {
    on add(_) when n < 5 { n = n + 1, seen = true } -> Open
    on add(_) else                                  -> Full
    on close when n == 0                            -> Empty
    on close else { m = n }                         -> Full
    after 1d                                        -> Empty
  }
  final Full
  final Empty
}
"""

SAME = {
    "a comparison of whole numbers": ("n < 5 {", "n <= 4 {"),
    "a comparison at the edge of the range": ("n == 0 ", "n <= 0 "),
    "the contrary of the contrary": ("n < 5 {", "not (n >= 5) {"),
    "a range that is wider than what is assigned": ("n: int 0..5", "n: int 0..6"),
    "two assignments that have nothing to do with each other": (
        "{ n = n + 1, seen = true }",
        "{ seen = true, n = n + 1 }",
    ),
    "a value that is the same by what is known there": ("{ m = n }", "{ m = max(n, 1) }"),
    "nothing but a comment": ("start ->", "# from here\n  start ->"),
}

OTHER = {
    "a comparison that is off by one": ("n < 5 {", "n < 4 {"),
    "a comparison that lets one more pass": ("n == 0 ", "n <= 1 "),
    "a range that is narrower": ("n: int 0..5", "n: int 0..4"),
    "a wider range of a payload": ("k: int 1..3", "k: int 1..4"),
    "a value that is another for the smallest": ("{ m = n }", "{ m = max(n, 2) }"),
    "a value that is not set": ("{ m = n }", ""),
    "another time": ("after 1d", "after 2d"),
    "another first value": ("m: int 0..9 = 0", "m: int 0..9 = 1"),
    "a guard that is not asked": (
        "on close when n == 0                            -> Empty\n    on close else",
        "on close",
    ),
}

DEPENDING = TALLY.replace("{ n = n + 1, seen = true }", "{ n = n + 1, m = n }")


@pytest.mark.parametrize("name", SAME)
def test_a_flow_that_says_the_same_otherwise_is_proved_equal(name: str) -> None:
    assert equal(kernel(TALLY), kernel(TALLY.replace(*SAME[name])), Limits())


@pytest.mark.parametrize("name", OTHER)
def test_a_flow_that_does_not_do_the_same_is_not_proved_equal(name: str) -> None:
    changed = TALLY.replace(*OTHER[name])
    assert changed != TALLY
    assert not equal(kernel(TALLY), kernel(changed), Limits())


def test_assignments_of_which_one_reads_the_other_may_not_change_places() -> None:
    swapped = DEPENDING.replace("{ n = n + 1, m = n }", "{ m = n, n = n + 1 }")
    assert not equal(kernel(DEPENDING), kernel(swapped), Limits())


WORK = """
flow Work version 1 {
  data { n: int 0..5 = 3 }
  activity work(n: int 0..5) -> int 0..9 { ensures result >= n  readonly }
  start -> Working
  state Working {
    do work(n)
    on done(k) when k >= 3 -> Much
    on done(_) else        -> Little
    on failed              -> Little
  }
  final Much
  final Little
}
"""


def test_an_activity_may_take_more_than_it_is_given_but_not_answer_more() -> None:
    flow = kernel(WORK)
    assert equal(flow, kernel(WORK.replace("work(n: int 0..5)", "work(n: int 0..6)")), Limits())
    assert not equal(flow, kernel(WORK.replace("work(n: int 0..5)", "work(n: int 0..4)")), Limits())
    assert not equal(flow, kernel(WORK.replace("-> int 0..9", "-> int 0..8")), Limits())
    assert not equal(flow, kernel(WORK.replace("ensures result >= n ", "")), Limits())


def test_a_guard_about_an_answer_is_equal_only_where_it_is_for_every_answer() -> None:
    assert equal(kernel(WORK), kernel(WORK.replace("k >= 3", "k > 2")), Limits())
    assert not equal(kernel(WORK), kernel(WORK.replace("k >= 3", "k >= 4")), Limits())


# ---------------------------------------------------------------- how far it is undone

TRIP = """
flow Trip version 1 {
  event stop
  activity one() -> text { fails full  compensate undo_one(result) }
  activity two() -> text { compensate undo_two(result) }
  start -> First
  state First {
    do one()
    on done(_) -> Second
    on full    -> compensate -> Lost
    on failed  -> compensate -> Lost
  }
  state Second {
    do two()
    on done(_) -> Open
    on failed  -> compensate -> Lost
  }
  state Open {
    on stop  -> compensate -> Lost
    after 1d -> Kept
  }
  final Kept
  final failure Lost
}
"""


def tried(text: str, operator: str, line: str) -> Net:
    """What becomes of the mutant that an operator makes of a line."""
    source = Source("test.flow", text)
    (site,) = sites_of(source)
    found = [m for m in mutants(site) if m.operator == operator and line in source.slice(m.span)]
    (mutant,) = found
    return Bench(source, site.flow.name.text, Limits()).try_out(mutant).net


def test_undoing_since_a_state_that_was_entered_with_nothing_done_is_undoing_all() -> None:
    assert tried(TRIP, "undo-less", "on full") is Net.EQUIVALENT


def test_undoing_since_a_state_that_was_entered_with_something_done_is_noticed() -> None:
    assert tried(TRIP, "undo-less", "on stop") is Net.CHECKS


def test_not_compensating_a_call_that_failed_for_certain_and_is_the_first_is_the_same() -> None:
    assert tried(TRIP, "drop-compensation", "on full") is Net.EQUIVALENT


def test_not_compensating_what_was_done_is_noticed() -> None:
    assert tried(TRIP, "drop-compensation", "on stop") is Net.CHECKS


# ---------------------------------------------------------------- held against the interpreter

RUNS, STEPS = 60, 25


def step(flow: Kernel, at: Instance, move: Move, now: datetime) -> tuple[Instance, object]:
    """The next instance and everything to be seen of the step; marks are nobody's business but the interpreter's."""
    try:
        made = simulate.step(flow, at, *move, now)
    except Rejected as rejected:
        return at, rejected.reason
    except Fault as fault:
        return at, fault.code
    return made.after, (replace(made.after, marks=()), made.effects)


def run(flow: Kernel, other: Kernel, dice: random.Random) -> int:
    """The same random triggers to both, which must do the same; how many changed something."""
    now = datetime(2026, 1, 1, tzinfo=UTC)
    row = dice.choice([row for row in inputs(flow) if len(row) == len(flow.inputs)])
    try:
        at = simulate.start(flow, row, Actor(), now).after
        also = simulate.start(other, row, Actor(), now).after
    except Rejected:
        return 0
    changed = 0
    for _ in range(STEPS):
        now += timedelta(seconds=dice.choice((0, 1, 86400)))
        move = dice.choice([*moves(flow, at)])
        before = at
        at, seen = step(flow, at, move, now)
        also, seen_also = step(other, also, move, now)
        assert seen == seen_also
        changed += at != before
    return changed


def equivalents(text: str) -> list[Mutant]:
    source = Source("test.flow", text)
    (site,) = sites_of(source)
    bench = Bench(source, site.flow.name.text, Limits())
    return [mutant for mutant in mutants(site) if bench.try_out(mutant).net is Net.EQUIVALENT]


@pytest.mark.parametrize("text", [TALLY, DEPENDING, TRIP], ids=["tally", "depending", "trip"])
def test_a_mutant_that_is_proved_equal_does_the_same_in_every_run(text: str) -> None:
    found = equivalents(text)
    assert found
    flow, dice = kernel(text), random.Random(1)
    for mutant in found:
        other = kernel(mutant.of(Source("test.flow", text)).text)
        assert sum(run(flow, other, dice) for _ in range(RUNS)) > RUNS
