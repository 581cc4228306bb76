"""Seeded bugs are found, each by what should find it; what survives in a spec is listed with a reason.

Every mutant of every spec is tried by `benchmarks/mutants.py`, which takes long; here are some of them.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from penstock.compiler.checks.suite import Limits
from penstock.compiler.mutation.operators import OPERATORS, mutants, table
from penstock.compiler.mutation.rule import SURVIVES
from penstock.compiler.mutation.site import Site
from penstock.compiler.mutation.survey import sites_of
from penstock.compiler.mutation.trial import Bench, Net, Trial
from penstock.dsl.load import load_all
from penstock.dsl.source import Source
from survivors import LIST, SPECS, key, listed

NOTICED = {Net.LANGUAGE, Net.CHECKS, Net.PROPERTIES, Net.SCENARIOS}

SEEDS = """
flow Seeds version 1 {
  input { total: int 0..100 }
  data { kept: int 0..3 = 0, payment: text? }
  event pick(k: int 0..3)
  event cancel
  activity reserve() -> text { compensate release(result) }
  activity charge(total: int) -> text {
    fails declined
    compensate refund(result)
  }
  start -> Reserving
  state Reserving {
    do reserve()
    on done(_) -> Picking
    on failed  -> compensate -> Lost
  }
  state Picking {
    on pick(k) { kept = k } -> Sized
    on cancel               -> compensate -> Lost
    after 3d                -> compensate -> Lost
  }
  choice Sized {
    when kept > 1 -> Charging
    else          -> compensate -> Lost
  }
  state Charging {
    do charge(total)
    on done(id) { payment = id } -> Paid
    on declined                  -> compensate -> Lost
    on failed                    -> compensate -> Lost
  }
  final Paid
  final failure Lost
  always in Paid implies payment is some
}
"""

FOUND = {
    ("drop-compensation", "on failed -> compensate -> Lost"): {"F101"},
    ("drop-compensation", "on cancel -> compensate -> Lost"): {"F101"},
    ("drop-compensation", "after 3d -> compensate -> Lost"): {"F101"},
    ("drop-compensation", "else -> compensate -> Lost"): {"F101"},
    ("drop-compensation", "on declined -> compensate -> Lost"): {"F101"},
    ("forget-else", "else -> compensate -> Lost"): {"F007"},
    ("drop-timer", "after 3d -> compensate -> Lost"): {"F201"},
    ("widen-range", "event pick(k: int 0..3)"): {"F401"},
    ("narrow-range", "data { kept: int 0..3 = 0, payment: text? }"): {"F401"},
    ("drop-update", "on done(id) { payment = id } -> Paid"): {"F301"},
    ("drop-transition", "on done(_) -> Picking"): {"F001"},
    ("forget-effect", "activity reserve() -> text { compensate release(result) }"): {"F101"},
    ("other-target", "on done(_) -> Picking"): {"F001"},
}
"""Operator and line of a bug: the first check that finds it."""


def tried(source: Source, site: Site, operators: set[str]) -> list[Trial]:
    bench = Bench(source, site.flow.name.text, Limits())
    return [bench.try_out(mutant) for mutant in mutants(site) if mutant.operator in operators]


def spec(name: str) -> tuple[Source, Site]:
    loaded = load_all(SPECS / name)
    assert not isinstance(loaded, tuple)
    (site,) = sites_of(loaded.source)
    return loaded.source, site


def test_a_seeded_bug_is_found_for_what_it_is() -> None:
    source = Source("seeds.flow", SEEDS)
    (site,) = sites_of(source)
    found: dict[tuple[str, str], set[str]] = {}
    for trial in tried(source, site, {operator for operator, _ in FOUND}):
        line = key("Seeds", trial.mutant, source).line
        if (trial.mutant.operator, line) in FOUND and trial.net in NOTICED:
            found[trial.mutant.operator, line] = set(trial.codes)
    assert found == FOUND


SEEDED = {
    "drop-compensation": 8,
    "undo-less": 6,
    "forget-else": 1,
    "drop-timer": 1,
    "negate-guard": 3,
    "drop-guard": 2,
    "swap-guards": 1,
    "forget-effect": 4,
    "irreversible": 2,
}
"""So many mutants of the order are noticed; the others of these operators are proved to do the same."""


def test_every_bug_seeded_in_the_order_is_noticed_or_proved_to_be_none() -> None:
    trials = tried(*spec("order.flow"), set(SEEDED))
    assert Counter(trial.mutant.operator for trial in trials if trial.net in NOTICED) == SEEDED
    assert {trial.net for trial in trials} - NOTICED == {Net.EQUIVALENT}


def test_what_survives_in_a_spec_is_listed_and_nothing_else_is() -> None:
    source, site = spec("parcels/shipping.flow")
    trials = tried(source, site, {operator.name for operator in OPERATORS})
    survivors = {key("Shipping", t.mutant, source) for t in trials if t.net in {Net.SURVIVES, Net.OPEN}}
    assert survivors == {each for each in listed() if each.flow == "Shipping"}


def test_every_survivor_that_is_listed_is_a_mutant_of_its_spec_and_has_a_reason() -> None:
    there: set[object] = set()
    for path in SPECS.rglob("*.flow"):
        loaded = load_all(path)
        assert not isinstance(loaded, tuple)
        for site in sites_of(loaded.source):
            there |= {key(site.flow.name.text, mutant, loaded.source) for mutant in mutants(site)}
    assert listed().keys() <= there
    assert all(len(reason) > 20 for reason in listed().values())
    assert sum(line.startswith("- ") for line in LIST.read_text(encoding="utf-8").splitlines()) == len(listed())


@pytest.mark.parametrize(("which", "nets"), [(0, {Net.SURVIVES}), (1, {Net.PROPERTIES})])
def test_the_page_of_the_rule_shows_a_longer_wait_that_is_noticed_once_it_is_said(which: int, nets: set[Net]) -> None:
    text = SURVIVES.page.split("```flow\n")[which + 1].split("```")[0]
    source = Source("page.flow", text)
    (site,) = sites_of(source)
    assert {trial.net for trial in tried(source, site, {"longer-timer"})} == nets


def test_the_page_of_mutation_shows_the_operators_as_they_are() -> None:
    page = Path(__file__).parents[2] / "docs" / "mutation.md"
    assert table() in page.read_text(encoding="utf-8")
