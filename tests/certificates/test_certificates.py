"""Another solver finds every obligation proved, and refuses what is corrupted; the index says what each is for."""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from kernels import flow, kernels
from penstock.compiler import pipeline
from penstock.compiler.certificates.certificate import Certificate, Undischarged, discharge, make
from penstock.compiler.checks import suite
from penstock.compiler.checks.control import Grain
from penstock.compiler.formats.smtlib import Obligation, Script, Section
from penstock.compiler.kernel import Kernel
from penstock.compiler.staff import Staff
from random_crossings import random_crossing
from random_durations import random_durations
from random_flows import random_flow
from random_groups import random_groups
from random_mixtures import random_mixture
from random_trees import random_tree
from second_solver import answers

ROOT = Path(__file__).parents[2]
SPECS = [*sorted((ROOT / "specs").glob("*.flow")), *sorted((ROOT / "specs" / "parcels").glob("*.flow"))]
PATTERNS = sorted((ROOT / "docs" / "patterns").glob("*.flow"))
ORDER = ROOT / "specs" / "order.flow"
RANDOM = {
    "plain": random_flow,
    "mixed": random_mixture,
    "nested": random_tree,
    "groups": random_groups,
    "lasting": random_durations,
    "crossed": random_crossing,
}
SEEDS = [
    *(("plain", seed) for seed in (0, 3, 17)),  # 17: irreversible calls, any number of which a compensation drops
    ("plain", 8),  # a call is settled in a step of another instance than the node's own: its key is another one
    *(("mixed", seed) for seed in (1, 9)),  # 9: a step that goes on behind a compensation, found with data made up
    ("mixed", 408),  # a call that is settled while it compensates, and an argument of what undoes it then faults
    *(("nested", seed) for seed in (2, 27)),  # 27: a deadline that leaves a savepoint for a final
    ("nested", 19),  # of two irreversible activities of one sort one is never called
    *(("lasting", seed) for seed in (3, 7, 34)),  # timers as long as data say, beside each other, around others
    *(("crossed", seed) for seed in (4, 6, 61)),  # who did what, texts and decimals in states of states and regions
    *(("groups", seed) for seed in (8, 12)),  # groups of calls without items beside groups that have some
]


@cache
def certified(path: Path) -> list[Certificate]:
    maker = pipeline.Certifier(path.name)
    pipeline.check(pipeline.read(path), seconds=300, audit=maker.audit)
    return maker.made


def certificates(*found: Kernel, limits: suite.Limits | None = None, staff: Staff | None = None) -> list[Certificate]:
    made: list[Certificate] = []
    suite.check_all(found, (), limits, staff=staff, audit=lambda inquiry: made.append(make(inquiry, "test.flow")))
    return made


def files(certificate: Certificate) -> dict[str, str]:
    return dict(certificate.files)


def index(certificate: Certificate) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(files(certificate)[f"{certificate.flow}.json"])
    return found


def obligations(text: str) -> list[str]:
    """The ids, in their order."""
    return re.findall(r"^; ([a-z]\d+): .*\n\(push 1\)$", text, re.MULTILINE)


def accepted(certificate: Certificate) -> None:
    """Another solver finds every obligation proved, and there are as many as the index says."""
    said = index(certificate)
    for each in said["files"]:
        text = files(certificate)[each["name"]]
        assert len(obligations(text)) == text.count("(check-sat)") == each["obligations"]
        assert answers(text) == ["unsat"] * each["obligations"]
    model = files(certificate)[f"{certificate.flow}.model.smt2"]
    if "(push 1)" in model:  # there are starts, if any is possible, and, unless all are ends, steps from the invariant
        head, _, _ = model.partition("(push 1)")
        asked = ("start", "(and inv.before step)")
        goes_on = any(row["from"] is not None and row["to"] for row in said["rows"])
        wanted = ["sat" if said["nodes"] else "unsat", "sat" if goes_on else "unsat"]
        assert answers(head + "".join(f"(push 1)(assert {each})(check-sat)(pop 1)" for each in asked)) == wanted
    assert certificate.obligations == sum(each["obligations"] for each in said["files"])
    assert certificate.proofs == len(said["proved"])


def owes(row: dict[str, Any], part: str) -> list[str]:
    """The obligations of a row of the table in a part; the model has two for all of them."""
    found: str | list[str] = row.get(part, [])
    return [found] if isinstance(found, str) else found


def listed(certificate: Certificate) -> None:
    """The obligations are those that the rows and proofs of the index rest on, and each proof rests on something."""
    said = index(certificate)
    for part in ("data", "effects", "order", "model"):
        ids = set(obligations(files(certificate)[f"{certificate.flow}.{part}.smt2"]))
        owed: set[str] = {id for row in said["rows"] for id in owes(row, part)}
        claimed = {id for proof in said["proved"] for id in proof[part]}
        assert owed | claimed <= ids
        assert ids == owed | claimed or part in {"order", "model"}  # timers that never fall due are of no row
    for proof in said["proved"]:
        assert proof["invariant"] or proof["run"] is not None or proof["scope"] == "the text", proof
    assert all(step["id"] == place for place, step in enumerate(said["steps"]))
    assert all(step["after"] is None or step["after"] < step["id"] for step in said["steps"])
    shown = {proof["run"] for proof in said["proved"]} - {None}
    assert shown <= {step["id"] for step in said["steps"]}


def leads_on(certificate: Certificate) -> None:
    """The table alone shows that every node comes from the start, and leads on unless it is finished."""
    said = index(certificate)
    nodes = {node["id"]: node for node in said["nodes"]}
    leads: dict[int | None, set[int]] = {}
    for row in said["rows"]:
        leads.setdefault(row["from"], set()).update(row["to"])
    reached = todo = leads[None]
    while todo:
        todo = {end for node in todo for end in leads.get(node, set())} - reached
        reached = reached | todo
    assert reached == nodes.keys()
    assert all(bool(leads.get(id)) != node["finished"] for id, node in nodes.items())


@pytest.mark.parametrize("path", [*SPECS, *PATTERNS], ids=lambda path: path.stem)
def test_a_certificate_is_accepted_by_another_solver_and_says_what_it_is(path: Path) -> None:
    for certificate in certified(path):
        accepted(certificate)
        listed(certificate)
        leads_on(certificate)


@pytest.mark.parametrize(("kind", "seed"), SEEDS)
def test_another_solver_accepts_every_obligation_of_a_random_flow(kind: str, seed: int) -> None:
    for certificate in certificates(*kernels(RANDOM[kind](seed)).values(), limits=suite.Limits(nodes=400)):
        accepted(certificate)


@pytest.mark.parametrize("kind", RANDOM)
@pytest.mark.parametrize("grain", [Grain.SORTS, Grain.CUBES])
def test_a_coarse_search_has_certificates_too(grain: Grain, kind: str) -> None:
    for seed in range(2):
        for certificate in certificates(
            *kernels(RANDOM[kind](seed)).values(), limits=suite.Limits(nodes=400, grain=grain)
        ):
            accepted(certificate)


def test_a_group_that_waits_drops_nothing() -> None:
    """What a compensation drops has gone from steps that begin one, not from others by the same answer."""
    kernel = flow(
        "activity ship() { retry 1 backoff 1s..1s then park irreversible }\n"
        " activity pack() { retry 1 backoff 1s..1s then park fails torn compensate unpack() }\n"
        " start -> Shipping\n state Shipping { do ship() on done -> Packing }\n"
        " state Packing { do pack() on done -> Group on torn -> Good }\n"
        " state Group { do for item in [1, 2]: pack() on done -> compensate -> Good on torn -> compensate -> Good }\n"
        " final Good\n always count(ship) <= 1"
    )
    for certificate in certificates(kernel):
        accepted(certificate)


def test_a_flow_that_never_starts_has_a_certificate_of_nothing() -> None:
    kernel = flow(
        "data { found: list<int 0..1> at most 1 = [0] }\n"
        " start { found = found + [0] } -> Open\n state Open { after 1s -> Good }\n final Good"
    )
    (certificate,) = certificates(kernel)
    said = index(certificate)
    assert said["nodes"] == [] and "F401" in {each["code"] for each in said["not proved"]}
    for each in said["files"]:
        assert answers(files(certificate)[each["name"]]) == ["unsat"] * each["obligations"]


# ---------------------------------------------------------------- what is corrupted

CORRUPTED = {
    "an invariant that holds nowhere": ("data", r"(\(define-fun at/Charging\.1 .* Bool )\(typed/all .*\)", r"\1false)"),
    "a stronger atom": ("data", r"(define-fun ask/Quoting\.1 .*) 100000", r"\1 99999"),
    "another guard": ("data", r"(define-fun way/\d+ .*total.*) 100000", r"\1 100001"),
    "an end that is left out": ("data", r"\(or (\(at/Reserving\.1 [^()]*\)) \(at/Reserving\.2 [^()]*\)\)", r"\1"),
    "an update that is forgotten": ("data", r"(define-fun payment\.\d+\?/way\.\d+ \(\) Bool) true", r"\1 false"),
    "a bound that is forgotten": ("data", r"(define-fun typed/all .*)\(<= qty\.2 100\)", r"\1(<= qty.2 99)"),
    "a property that is not so": ("data", r"(define-fun bad/\d+ \(\) Bool) \(not payment\.5\?\)\)", r"\1 true)"),
    "an effect that is forgotten": ("effects", r"(define-fun node\.10 .*?\(within log) \(bvor.*?\)\)", r"\1 none)"),
    "an effect that is left behind": (
        "effects",
        r"(define-fun node\.3 .*?\(within log) none",
        r"\1 effect.reserve_stock",
    ),
    "a compensation that does nothing": ("effects", r"\(without log effect\.reserve_stock\)", "log"),
    "a pivot that is passed over": ("effects", r"(define-fun node\.8 .*?\(within log) [^)]*\)", r"\1 effect.ship)"),
    "a rank that does not fall": ("order", r"(define-fun rank\.0 \(\) Int) \d+", r"\1 0"),
    "a level that rises": ("order", r"(define-fun level\.4 \(\) Int) \d+", r"\1 9"),
    "a timer that may take longer": ("order", r"(<= new\.Approval\.after1) \d+", r"\1 999999999999999"),
}


@pytest.mark.parametrize("name", CORRUPTED)
def test_another_solver_refuses_a_certificate_with(name: str) -> None:
    part, pattern, replacement = CORRUPTED[name]
    (certificate,) = certified(ORDER)
    text = files(certificate)[f"Order.{part}.smt2"]
    corrupted, number = re.subn(pattern, replacement, text)
    assert number > 0 and corrupted != text
    said = answers(corrupted)
    assert len(said) == text.count("(check-sat)")
    assert "sat" in said


@pytest.mark.parametrize("path", [ORDER, ROOT / "specs" / "trip.flow"], ids=lambda path: path.stem)
def test_the_invariants_are_not_closed_without_one_of_the_ends_of_a_step(path: Path) -> None:
    (certificate,) = certified(path)
    text = files(certificate)[f"{certificate.flow}.data.smt2"]
    found = list(re.finditer(r"\(assert \(not \(or( \(at/[^()]*\))+\)\)\)", text))
    assert found
    for each in found:
        for end in re.findall(r" \(at/[^()]*\)", each[0]):
            assert "sat" in answers(f"{text[: each.start()]}{each[0].replace(end, '')}{text[each.end() :]}")


@pytest.mark.parametrize("path", [ORDER, ROOT / "specs" / "claims.flow"], ids=lambda path: path.stem)
def test_nothing_is_proved_because_nothing_can_be(path: Path) -> None:
    """What is assumed can be true, and every invariant has data."""
    (certificate,) = certified(path)
    head, _, _ = files(certificate)[f"{certificate.flow}.data.smt2"].partition("(push 1)")
    found = re.findall(r"^\(define-fun (at/\S+) \((.*?)\) Bool ", head, re.MULTILINE)
    for name, params in found:
        head += f"(push 1)(assert ({name} {' '.join(re.findall(r'[(]([^ ()]+) ', params))}))(check-sat)(pop 1)"
    assert answers(f"{head}(check-sat)") == ["sat"] * (len(found) + 1) and found


def test_what_z3_does_not_find_proved_is_never_handed_out() -> None:
    wrong = Script((), "QF_LIA", [Section("claims", ["(declare-fun x () Int)", Obligation("c1", "x", (), "(< x 3)")])])
    with pytest.raises(Undischarged, match=r"^wrong\.smt2 does not hold as it is written: .* to c1 \(x\)$"):
        discharge("wrong.smt2", wrong, wrong.text())
    with pytest.raises(Undischarged, match="unknown constant y"):
        discharge("wrong.smt2", wrong, wrong.text().replace("(< x 3)", "(< y 3)"))


# ---------------------------------------------------------------- the index


def test_every_answer_is_listed() -> None:
    (certificate,) = certified(ORDER)
    said = index(certificate)
    (report,) = pipeline.check(pipeline.read(ORDER)).reports
    listed = [(each["code"], each["subject"], each["verdict"]) for each in (*said["proved"], *said["not proved"])]
    assert sorted(listed) == sorted((a.rule.code, a.subject, a.verdict.name.lower()) for a in report.answers)


def test_a_run_is_told_step_by_step() -> None:
    said = index(certified(ORDER)[0])
    steps = {step["id"]: step for step in said["steps"]}
    (proof,) = (each for each in said["proved"] if (each["code"], each["subject"]) == ("F001", "`Delivered`"))
    places: list[str] = []
    at: int | None = proof["run"]
    while at is not None:
        places.append(steps[at]["place"])
        at = steps[at]["after"]
    assert places[::-1] == ["Reserving", "Quoting", "Charging", "Shipping", "Delivered"]


def test_the_ends_of_a_row_are_what_its_obligation_says() -> None:
    (certificate,) = certified(ORDER)
    said, text = index(certificate), files(certificate)["Order.data.smt2"]
    says = dict(re.findall(r"^; ([is]\d+): (.*)\n\(push 1\)$", text, re.MULTILINE))
    nodes = {node["id"]: node for node in said["nodes"]}
    for row in said["rows"]:
        _, _, ends = says[row["data"][0]].rpartition(" leads to ")
        wanted = {nodes[id]["data"] for id in row["to"]}
        assert set(ends.split(", ")) == wanted if wanted else ends == "nowhere: it cannot be taken"


def test_a_refuted_answer_has_no_proof_and_the_others_have() -> None:
    (certificate,) = certified(ROOT / "tests" / "broken" / "order_forgotten_compensation.flow")
    accepted(certificate)
    said = index(certificate)
    refuted = [(each["code"], each["subject"]) for each in said["not proved"] if each["verdict"] == "refuted"]
    assert {code for code, _ in refuted} == {"F101", "F301"}
    assert not {(each["code"], each["subject"]) for each in said["proved"]} & set(refuted)
    assert {each["code"] for each in said["proved"]} >= {"F004", "F006", "F009"}


def test_a_search_that_was_cut_short_proves_nothing_of_all_runs() -> None:
    (kernel,) = kernels(ORDER.read_text(encoding="utf-8")).values()
    (certificate,) = certificates(kernel, limits=suite.Limits(questions=5))
    said = index(certificate)
    assert not said["complete"] and said["open"]
    assert not any(each["invariant"] or each["data"] or each["effects"] or each["order"] for each in said["proved"])
    assert certificate.obligations == 0 and said["proved"]


def test_the_effects_part_knows_no_data() -> None:
    """So what it proves holds for any number of steps and retries."""
    (certificate,) = certified(ORDER)
    text = files(certificate)["Order.effects.smt2"]
    assert "(set-logic QF_BV)" in text and "Int" not in text
    declared = set(re.findall(r"declare-fun (\S+)", text))
    assert declared == {"log", "flying", "over", "kept"}


def test_a_certificate_is_the_same_each_time_and_says_nothing_of_the_machine() -> None:
    (kernel,) = kernels(ORDER.read_text(encoding="utf-8")).values()
    first, second = certificates(kernel)[0], certificates(kernel)[0]
    assert first == second
    assert not any(str(ROOT) in text for _, text in first.files)


def test_hostile_text_stays_inside_its_comment() -> None:
    kernel = flow(
        'start -> Open\n state Open {\n  on go(\n    x\n  ) when x\n   == "(check-sat)" -> Shut\n'
        "  on go(_) else -> Shut\n"
        '  wait forever "\\n(assert false)"\n }\n event go(x: text)\n final Shut'
    )
    (certificate,) = certificates(kernel)
    accepted(certificate)
    assert all(line.startswith((";", "(")) or not line for _, t in certificate.files[:4] for line in t.splitlines())


def test_names_of_the_text_never_meet_those_of_the_certificate() -> None:
    kernel = flow(
        "input { bad: bool, at: int 0..9, way: text, typed: int, select: bool }\n"
        " data { open: int 0..3 = 0, len: int = 0 }\n"
        " event and(log: text)\n activity node() -> text { retry 2 backoff 1s..2s compensate none(result) }\n"
        " start -> ask\n state ask {\n  do node()\n"
        "  on done(flying) when bad or select { open = min(at, 3), len = typed } -> over\n  on done(_) else -> over\n"
        "  on failed -> compensate -> kept\n"
        "  on and(log) when len(log) > len(way) -> over\n  on and(_) else stay\n  after 1s -> over\n }\n"
        " state over { after 2s since ask -> compensate since ask -> undoable }\n"
        " final undoable\n final failure kept\n always open <= 3 or in over"
    )
    (certificate,) = certificates(kernel)
    accepted(certificate)


GIVEN = """
  input { owner: text }
  roles lawyer
  start -> Owned
  choice Owned { when owner == "" -> Refused  else -> Drafting }
  state Drafting {
    task draft for person owner { title "Draft"  OUT }
    on draft -> Reviewing
    after 7d -> Refused
  }
  state Reviewing {
    task review for lawyer { title "Review"  except actor of draft }
    on review -> Signed
    after 7d  -> Refused
  }
  final Signed
  final failure Refused
"""
LAWYERS = Staff({"ann": frozenset({"lawyer"}), "bob": frozenset({"lawyer"})})


@pytest.mark.parametrize("staff", [None, LAWYERS])
@pytest.mark.parametrize(
    ("out", "claimed"), [("", True), ("except actor of draft", True), ("except actor of start", False)]
)
def test_whom_data_name_may_do_a_task_that_shuts_nobody_out(out: str, claimed: bool, staff: Staff | None) -> None:
    """Whoever started may be whom the data name: whether somebody is left then is unknown."""
    (certificate,) = certificates(flow(GIVEN.replace("OUT", out)), staff=staff)
    accepted(certificate)
    found = {each["subject"]: each["model"] for each in index(certificate)["proved"] if each["code"] == "F501"}
    assert all(found.values()) and found.keys() >= {"the task `review`"}
    assert ("the task `draft`" in found) == (claimed and bool(out or staff))


SORTED = """
  event stop
  activity ship() { retry 1 backoff 1s..1s then park fails bad irreversible }
  activity send() { retry 1 backoff 1s..1s then park fails bad irreversible }
  start -> Shipping
  state Shipping { do ship() on done -> Sending on bad -> Lost ignore stop }
  state Sending { do send() on done -> Done on bad -> compensate -> Done ignore stop }
  final Done
  final failure Lost
"""


@pytest.mark.parametrize("grain", [Grain.FINE, Grain.SORTS])
def test_nothing_is_claimed_of_an_activity_of_a_sort_of_which_another_is_refuted(grain: Grain) -> None:
    (certificate,) = certificates(flow(SORTED), limits=suite.Limits(grain=grain))
    accepted(certificate)
    (sent,) = [each for each in index(certificate)["proved"] if each["subject"] == "`send`" and each["code"] == "F102"]
    assert bool(sent["model"] and sent["effects"]) == (grain is Grain.FINE)


HELPLESS = """
  roles clerk
  activity act() { retry 1 backoff 1s..1s compensate undo() }
  start -> Early
  state Early { task one for clerk { title "1" } on one -> Lost after 1s -> Late }
  state Late {
    do act()
    on done   -> Lost
    on failed -> compensate -> Bad
    task two for actor of one { title "2" }
    on two -> LEADS
  }
  state Lost { after 1s -> Good }
  state Again { do act() on done -> Lost on failed -> Good }
  final Good
  final failure Bad
"""


@pytest.mark.parametrize(("leads", "code"), [("Good", "F009"), ("Again", "F103")])
def test_nothing_is_claimed_of_where_only_a_task_leads_that_nobody_can_do(leads: str, code: str) -> None:
    (certificate,) = certificates(flow(HELPLESS.replace("LEADS", leads)))
    accepted(certificate)
    (proved,) = [each for each in index(certificate)["proved"] if (each["code"], each["subject"]) == (code, "`Good`")]
    assert not proved["model"]
