"""`check --mutate`: what it makes, what it says, what it costs."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from penstock.compiler import pipeline, report
from penstock.compiler.cli import main
from penstock.compiler.formats.style import PLAIN
from penstock.compiler.mutation.operators import OPERATORS, mutants
from penstock.compiler.mutation.survey import Budget, sites_of, survey
from penstock.compiler.pipeline import Examined
from penstock.dsl.source import Source

DOOR = """
flow Door version 1 {
  event knock
  event note
  start -> Closed
  state Closed {
    on knock -> Open
    on note stay
    after 1d -> Left
  }
  final Open
  final Left
  start leads to Open or Left within 1d
  scenario "a knock opens it" {
    start()
    knock
    expect in Open
  }
}
"""
ALONE = Budget(processes=1)
Golden = Callable[[str, str], None]


def surveyed(text: str, budget: Budget = ALONE) -> Examined:
    return survey(pipeline.check(pipeline.meaning(Source("door.flow", text))), budget)


def test_each_mutant_is_counted_once_and_what_nobody_notices_is_told() -> None:
    (found,) = surveyed(DOOR).reports
    tally = found.mutants
    assert tally is not None
    noticed = (tally.language, tally.checks, tally.properties, tally.scenarios)
    assert all(noticed)
    assert sum((*noticed, tally.equivalent, tally.survivors, tally.open, tally.untried)) == tally.made
    assert [said.rule.code for said in found.warnings] == ["F710"] * tally.survivors
    assert found.warnings[0].message.endswith("takes `Open` for a failure (other-end)")


def test_survivors_are_no_findings() -> None:
    assert report.exit_code([surveyed(DOOR)]) == report.CLEAN


def test_two_processes_say_what_one_says() -> None:
    assert surveyed(DOOR, Budget(processes=2)) == surveyed(DOOR)


def test_when_the_time_is_up_the_rest_is_not_tried() -> None:
    (found,) = surveyed(DOOR, Budget(seconds=0, processes=1)).reports
    assert found.mutants is not None
    assert found.mutants.untried == found.mutants.made > 0


def test_a_flow_that_is_refuted_is_not_mutated() -> None:
    (found,) = surveyed(DOOR.replace("after 1d -> Left", "")).reports
    assert found.mutants is None


def test_a_survivor_is_shown_at_its_place_with_what_would_stand_there(golden: Golden) -> None:
    golden("full.txt", report.render("full", [surveyed(DOOR)], PLAIN, "0"))


def test_the_command_says_so_in_text_and_in_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "door.flow"
    file.write_text(DOOR.replace("  event note\n", "").replace("    on note stay\n", ""), encoding="utf-8")
    assert main(["check", "--mutate", "--format", "json", str(file)]) == 0
    said = json.loads(capsys.readouterr().out)
    (flow,) = said["files"][0]["flows"]
    assert flow["mutants"]["made"] == sum(number for net, number in flow["mutants"].items() if net != "made")
    assert {finding["code"] for finding in said["files"][0]["findings"]} <= {"F710"}


# ---------------------------------------------------------------- operators

EVERYTHING = """
flow Everything version 1 {
  input { limit: int 0..9 }
  data { n: int 0..9 = 0, sure: bool = false, done: text? }
  roles clerk, boss
  event go(k: int 0..9)
  event stop
  event other
  activity make(n: int) -> text {
    retry 2 backoff 1s..2s
    ensures len(result) > 0
    compensate unmake(result)
  }
  deadline 30d -> compensate -> Lost
  start -> First
  state First {
    on go(k) when k < limit and not sure { n = k, sure = true } -> Making
    on go(k) when k == 9 -> Check
    on go(_) else stay
    on stop -> compensate -> Lost
    ignore other
  }
  choice Check {
    when n > 3 -> Making
    else -> Both
  }
  state Making {
    do make(n)
    on done(it) { done = it } -> Asking
    on failed -> compensate since First -> Lost
    defer stop
    ignore other
  }
  state Asking {
    task ask for clerk {
      title "Ask"
      form { yes: bool }
      escalate to boss after 1d
      except actor of start
    }
    on ask(yes) -> Both
    after 3d -> resume Both
  }
  parallel Both {
    region One { start -> A  state A { after 1d -> B }  final B }
    region Two { start -> C  state C { after 2d -> D }  final D }
    on all done -> Kept
  }
  final Kept
  final failure Lost
}
"""


def listed() -> str:
    source = Source("everything.flow", EVERYTHING)
    (site,) = sites_of(source)
    return "".join(
        f"{source.line(m.span):3}  {m.operator:17}  {m.change}\n     {'':17}  {m.line(source) or '(nothing)'}\n"
        for m in mutants(site)
    )


def test_every_operator_makes_what_it_says(golden: Golden) -> None:
    golden("operators.txt", listed())


def test_every_operator_finds_something_to_change() -> None:
    (site,) = sites_of(Source("everything.flow", EVERYTHING))
    made = {mutant.operator for mutant in mutants(site)}
    assert {operator.name for operator in OPERATORS} == made


def test_each_operator_names_its_mutants_after_itself() -> None:
    (site,) = sites_of(Source("everything.flow", EVERYTHING))
    for operator in OPERATORS:
        assert {mutant.operator for mutant in operator.find(site)} == {operator.name}
