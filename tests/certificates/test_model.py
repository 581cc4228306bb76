"""The model part of a certificate: what the interpreter does is in its relation, and what is weakened is refused."""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

import pytest

from abstracted import Model, Taken, searched, walk
from kernels import kernels
from penstock.compiler import pipeline
from penstock.compiler.certificates import model
from penstock.compiler.certificates.certificate import Certificate, make
from penstock.compiler.checks import finish, following, livelock, solver, suite
from penstock.compiler.checks.graph import Arrival
from penstock.compiler.checks.inquiry import Inquiry
from penstock.compiler.checks.ledger import Proof
from random_flows import random_flow
from random_groups import random_groups
from random_mixtures import random_mixture
from random_trees import random_tree
from second_solver import answers, refuses

ROOT = Path(__file__).parents[2]
SPECS = ROOT / "specs"
ORDER = SPECS / "order.flow"
RANDOM = {"plain": random_flow, "mixed": random_mixture, "nested": random_tree, "groups": random_groups}
SEEDS = [("plain", 3), ("mixed", 1), ("mixed", 4), ("mixed", 7), ("nested", 3), ("nested", 4), ("groups", 5)]
FEW = suite.Limits(nodes=400, seconds=3600)
ENOUGH = 120  # steps of one flow


def inquiries(text: str, limits: suite.Limits = FEW) -> list[Inquiry]:
    found: list[Inquiry] = []
    suite.check_all(tuple(kernels(text).values()), (), limits, audit=found.append)
    return [inquiry for inquiry in found if inquiry.graph.complete]


@cache
def order() -> tuple[Inquiry, Certificate]:
    (inquiry,) = inquiries(ORDER.read_text(encoding="utf-8"))
    return inquiry, make(inquiry, "order.flow")


def text() -> str:
    return dict(order()[1].files)["Order.model.smt2"]


def index() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(dict(order()[1].files)["Order.json"])
    return found


def steps(asked: Model, walks: int = 12) -> list[Taken]:
    """Of random runs, and of those of the search: some of them, where there are many."""
    made = [each for seed in range(walks) for each in walk(asked, Random(seed), 30)]
    found = [each for each in (*made, *searched(asked)) if asked.matters(each)]
    return Random(0).sample(found, min(len(found), ENOUGH))


# ---------------------------------------------------------------- the relation is what the interpreter does


@pytest.mark.parametrize("name", ["order", "trip", "claims", "expense", "hiring", "backup", "shop"])
def test_every_step_that_the_interpreter_takes_is_one_of_the_relation(name: str) -> None:
    for inquiry in inquiries((SPECS / f"{name}.flow").read_text(encoding="utf-8"), suite.Limits()):
        asked = Model(inquiry)
        found = steps(asked)
        assert len(found) > 20
        assert not asked.refused(found)


@pytest.mark.parametrize(("kind", "seed"), SEEDS)
def test_every_step_of_a_random_flow_is_one_of_its_relation(kind: str, seed: int) -> None:
    for inquiry in inquiries(RANDOM[kind](seed)):
        asked = Model(inquiry)
        assert not asked.refused(steps(asked))


OTHERWISE = [
    {"at": "in/Expired"},
    {"log/done/charge_card": "7"},
    {"log/fly/ship": "1"},
    {"runs/Shipping": "1", "at": "in/Charging"},
    {"armed/Approval.after1": "true", "at": "in/Quoting"},
]


@pytest.mark.parametrize("changed", OTHERWISE, ids=str)
def test_what_the_interpreter_does_not_do_is_none_of_it(changed: dict[str, str]) -> None:
    asked = Model(order()[0])
    ends = ((each, asked.state(each.after, each.then)) for each in steps(asked))
    others = [each for each, end in ends if end | changed != end]
    assert others and asked.refused(others, changed) == others


LEFT_OUT = [
    "reserve_stock answers done, line 48",
    "quote answers done, line 55, then the choice NeedsApproval by line 61",
    "event cancel, line 57",
    "charge_card answers declined, line 82",
    "task review, line 73",
    "the timer Approval.after1 of line 76, line 76",
    "ship answers done, line 89",
    "the compensation of the last entry has succeeded, on from the compensation",
]


@pytest.mark.parametrize("says", LEFT_OUT)
def test_a_run_misses_a_transition_that_is_left_out(says: str) -> None:
    """No solver can: what is left out makes a relation smaller, and everything easier to prove."""
    asked = Model(order()[0])
    found = dict(re.findall(r"^; (.*)\n\(define-fun (step/\d+) ", text(), re.MULTILINE))
    assert asked.refused(steps(asked), without=found[says])


# ---------------------------------------------------------------- what another solver refuses


def test_it_is_an_induction_and_claims_of_the_invariant() -> None:
    said = re.findall(r"\(push 1\)\n((?:\(assert .*\)\n)+)\(set-info :status unsat\)", text())
    kinds = re.findall(
        r"^\(define-fun ((?:from|settle|undone)/\S+) \(\) Bool \(or (.*) false\)\)$", text(), re.MULTILINE
    )
    assert said[0] == "(assert start)\n(assert (not inv.after))\n"
    given = {kind: f"inv/{kind[5:]}" if kind.startswith("from/") else "inv.before" for kind, _ in kinds}
    steps = [f"(assert {given[kind]})\n(assert {kind})\n(assert (not inv.after))\n" for kind, _ in kinds]
    assert said[1 : len(steps) + 1] == steps
    assert f"(define-fun step () Bool (or {' '.join(kind for kind, _ in kinds)} false))" in text()
    disjuncts = re.findall(r"^\(define-fun (step/\d+) \(\) Bool", text(), re.MULTILINE)
    assert sorted(disjuncts) == sorted(name for _, names in kinds for name in names.split())
    claims = said[len(steps) + 1 :]
    assert claims and all("inv.after" not in claim for claim in claims)


def test_a_step_says_of_each_variable_once_what_it_is_after_it() -> None:
    """So there is a state after it, whatever it is before."""
    shared = dict(re.findall(r"^\(define-fun ((?:same|to)/\S+) \(\) Bool (.*)\)$", text(), re.MULTILINE))
    variables = set(re.findall(r"^\(declare-fun (next/\S+)", text(), re.MULTILINE))
    steps = re.findall(r"^\(define-fun (step/\d+)\.to \(\) Bool (.*)\)$", text(), re.MULTILINE)
    for _, body in steps:
        for name, meaning in shared.items():
            body = meaning.join(re.split(rf"(?<=[ (]){re.escape(name)}(?=[ )])", body))
        said = re.findall(r"\(= (next/\S+) ", body)
        assert len(said) == len(set(said)) and set(said) <= variables
        assert len(re.findall(r"next/", body)) == len(said)
    assert len(steps) > 40


def weakened(name: str) -> str:
    """The text with a definition that says nothing, before a step and after it."""
    found = text()
    for each in (name, f"next/{name}"):
        found, number = re.subn(
            rf"^\(define-fun {each} \(\) Bool .*$", f"(define-fun {each} () Bool true)", found, flags=re.M
        )
        assert number == 1
    return found


@pytest.mark.parametrize("kind", ["stands", "control"])
def test_an_invariant_that_says_less_is_refused(kind: str) -> None:
    found = re.findall(rf"^\(define-fun ({kind}/\d+) ", text(), re.MULTILINE)
    assert len(found) > 5
    for each in found:
        assert "sat" in answers(weakened(each)), each


def test_an_invariant_without_one_of_the_places_is_refused() -> None:
    places = re.findall(r"^\(define-fun (in/\S+) \(\) Int", text(), re.MULTILINE)
    assert len(places) == 10
    for place in places:
        none = r"\1 false)"
        without = re.sub(
            rf"^(\(define-fun (?:next/)?node/\d+ \(\) Bool) \(and \(= \S+ {place}\).*", none, text(), flags=re.M
        )
        assert without != text() and "sat" in answers(without), place


def test_nodes_that_are_others_after_a_step_are_refused() -> None:
    changed = re.sub(r"^(\(define-fun next/control/1 .*\(= next/runs/\w+) 1\)", r"\1 0)", text(), flags=re.M)
    assert changed != text() and "sat" in answers(changed)


CORRUPTED = {
    "a compensation that is forgotten": (
        r"(\(= next/at) in/undo\.Cancelled\)(.*) to/log/reserve_stock\.\d+",
        r"\1 in/Cancelled)\2 same/log/reserve_stock",
    ),
    "an effect that is not put on the log": (
        r"\(= next/log/done/reserve_stock \(\+ log/done/reserve_stock 1\)\)",
        "(= next/log/done/reserve_stock log/done/reserve_stock)",
    ),
    "a call that does not begin": (r"(\(= next/at in/Shipping\).*\(= next/runs/Shipping) 1\)", r"\1 0)"),
    "a timer that goes on": (r"(\(= next/at in/Charging\).*\(= next/armed/Approval\.after1) false\)", r"\1 true)"),
    "a value that is forgotten": (r"\(= next/payment\.5\? payment\.5\?/way\.\d+\)", "(= next/payment.5? payment.5?)"),
    "a level that does not fall": (r"(\(define-fun (?:next/)?level \(\) Int) .*\)", r"\1 0)"),
    "a rank that does not fall": (r"(\(define-fun rank\.9 \(\) Int) \d+", r"\1 99"),
    "a way to a success that does not lead to one": (r"(\(define-fun well\.7 \(\) Int) \d+", r"\1 0"),
    "an answer that is not possible": (r"(\(define-fun step/\d+ \(\) Bool) \(and \(= at in/Quoting\).*", r"\1 false)"),
    "a timer that leads nowhere": (
        r"(\(define-fun step/\d+ \(\) Bool) \(and \(= at in/Approval\) armed.*",
        r"\1 false)",
    ),
    "a compensation that does not get on": (
        r"\(= next/over/done/reserve_stock \(- over/done/reserve_stock 1\)\)",
        "(= next/over/done/reserve_stock over/done/reserve_stock)",
    ),
    "a way to what is led to that does not get nearer": (r"(\(define-fun before\.3/2 \(\) Int) \d+", r"\1 99"),
    "an answer that begins its call anew": (
        r"(\(= next/at in/Quoting\).*\(= next/runs/Quoting) 1\)",
        r"\1 2)",
    ),
    "effects that are not counted": (r"(\(define-fun (?:next/)?unsettled \(\) Int) .*\)", r"\1 0)"),
    "a start in the middle": (r"(\(define-fun start/\d+\.to .*\(= next/at) in/Reserving\)", r"\1 in/Shipping)"),
}


@pytest.mark.parametrize("name", CORRUPTED)
def test_another_solver_refuses_a_model_with(name: str) -> None:
    assert refuses(text(), *CORRUPTED[name])


def test_nothing_is_proved_because_nothing_can_be() -> None:
    """Every place has instances in the invariant; there are starts; and steps from the invariant to each place."""
    head, _, _ = text().partition("(push 1)")
    places = re.findall(r"^\(define-fun (in/\S+) \(\) Int", head, re.MULTILINE)
    asked = ["start", *(f"(and inv.before (= at {place}))" for place in places)]
    asked += [f"(and (or start (and inv.before step)) (= next/at {place}))" for place in places]
    asked = [f"(push 1)(assert {each})(check-sat)(pop 1)" for each in asked]
    assert answers(head + "".join(asked)) == ["sat"] * len(asked)


# ---------------------------------------------------------------- where it leads


def refuted(code: str) -> tuple[Inquiry, list[Proof]]:
    """The example of a check, and what it refutes there as if that were proved."""
    text = next(rule for rule in suite.RULES if rule.code == code).page.split("```flow\n")[1].split("```")[0]
    (inquiry,) = inquiries(text)
    assert inquiry.ledger is not None
    return inquiry, [Proof(each, (), None) for each in inquiry.ledger.others if each.rule.code == code]


@pytest.mark.parametrize("code", ["F004", "F105", "F201", "F501"])
def test_what_a_check_refutes_another_solver_refuses(code: str) -> None:
    inquiry, proofs = refuted(code)
    assert proofs and "sat" in answers(model.ModelProof(inquiry, proofs).script(()).text())


@pytest.mark.parametrize("name", ["order", "trip", "claims", "hiring"])
def test_what_is_said_to_lead_to_a_final_the_interpreter_does(name: str) -> None:
    """The relation allows more than it does; of the steps that ranks rest on it must not."""
    (inquiry,) = inquiries((SPECS / f"{name}.flow").read_text(encoding="utf-8"), suite.Limits())
    asked = Model(inquiry)
    ways = finish.ranked(inquiry, {node.id for node in inquiry.graph.nodes if node.control.finished})
    order = {id: index for index, id in enumerate(ways)}
    taken = 0
    for each in (each for seed in range(30) for each in walk(asked, Random(seed), 30)):
        at = Arrival(each.after, each.then, True, (), ())
        for node in inquiry.around(each.after):
            edges = [edge for edge in ways[node.id] if edge.move.kind in finish.FREE]
            made = [on for edge in edges if (on := following.follow(inquiry, at, edge, at.now)) is not None]
            lower = [on for step in made for on in inquiry.around(step.instance) if order[on.id] < order[node.id]]
            assert bool(lower) == bool(edges)
            taken += bool(edges)
    assert taken >= 20


AGAIN = """\
flow R version 1 {
  data { tries: int 0..1 = 0 }
  activity rent() -> text { timeout 5m retry 3 backoff 30s..5m compensate release(result) }
  activity train() -> text { timeout 5m retry 3 backoff 30s..5m compensate wipe(result) }
  start -> Renting
  state Renting {
    do rent()
    on done(_) -> Training
    on failed  -> compensate -> Bad
  }
  state Training {
    do train()
    on done(_) -> Good
    on failed  -> compensate since Training -> Again
  }
  choice Again {
    when tries < 1 { tries = tries + 1 } -> Training
    else                                 -> compensate -> Bad
  }
  final Good
  final failure Bad
}
"""


def test_a_compensation_that_leads_into_another_is_a_level_lower() -> None:
    """When it has come to its end there may be nothing left to undo, so that the number of what is does not fall."""
    (inquiry,) = inquiries(AGAIN)
    assert inquiry.ledger is not None
    proofs = [each for each in inquiry.ledger.proofs if each.answer.rule is livelock.RULE]
    said = model.made(inquiry, proofs, ())
    assert said.claims[id(proofs[0])]
    text = said.script.text()
    assert answers(text) == ["unsat"] * len(said.script.obligations)
    alike, number = re.subn(r"(\(define-fun (?:next/)?level \(\) Int) .*\)", r"\1 0)", text)
    assert number == 2 and "sat" in answers(alike)


# ---------------------------------------------------------------- what it is for


def test_the_index_says_which_proofs_rest_on_the_model_alone() -> None:
    said = index()
    assert said["no model"] == ""
    rests = {each["code"] for each in said["proved"] if each["model"]}
    wanted = {"F004", "F005", "F006", "F007", "F009", "F101", "F102", "F103", "F105", "F201", "F204", "F301"}
    assert wanted <= rests
    claimed = {id for each in (*said["proved"], said["longest"]) for id in each["model"]}
    assert claimed == set(re.findall(r"^; (c\d+): ", text(), re.MULTILINE))


def test_where_the_search_was_cut_short_there_is_none_and_the_reason_is_said() -> None:
    found: list[Certificate] = []
    few = suite.Limits(questions=5)
    only = tuple(kernels(ORDER.read_text(encoding="utf-8")).values())
    suite.check_all(only, (), few, audit=lambda inquiry: found.append(make(inquiry, "order.flow")))
    files = dict(found[0].files)
    assert json.loads(files["Order.json"])["no model"] == "the search was cut short"
    assert "; There is no such text of this flow: the search was cut short.\n" in files["Order.model.smt2"]
    assert "(check-sat)" not in files["Order.model.smt2"]


def test_what_z3_does_not_find_is_left_to_the_other_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    inquiry, _ = order()
    assert inquiry.ledger is not None

    def doubting(said: str) -> list[str]:
        found = solver.answers(said)
        return [*found[:2], *("unknown" for _ in found[2:3]), *found[3:]] if "c15:" in said else found

    monkeypatch.setattr(model, "answers", doubting)
    whole, part = text().count("(check-sat)"), model.made(inquiry, inquiry.ledger.proofs, ())
    assert len(part.script.obligations) < whole
    assert answers(part.script.text()) == ["unsat"] * len(part.script.obligations)


def test_a_flow_that_is_too_large_has_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(model, "MOST", 10)
    made = model.made(order()[0], (), ("head",))
    assert made.why.startswith("the flow is too large for it") and not made.script.obligations


def test_arguments_of_compensations_that_fault_are_not_in_the_relation() -> None:
    (inquiry,) = inquiries(
        "flow R version 1 {\n activity a() -> int 0..1 { retry 2 backoff 1s..2s compensate undo(result + 1) }\n"
        " start -> S\n state S {\n  do a()\n  on done(_) -> Good\n  on failed -> compensate -> Bad\n }\n"
        " final Good\n final failure Bad\n}\n"
    )
    assert model.made(inquiry, (), ()).why == model.STOPPED


def test_pipelines_write_it_with_the_rest(tmp_path: Path) -> None:
    (tmp_path / "order.flow").write_text(ORDER.read_text(encoding="utf-8"))
    maker = pipeline.Certifier("order.flow")
    pipeline.check(pipeline.read(tmp_path / "order.flow"), audit=maker.audit)
    assert dict(maker.made[0].files).keys() >= {"Order.model.smt2", "Order.json"}
