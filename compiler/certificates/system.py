"""The certificate of a system: its members and its answers in, one SMT-LIB text and an index out.

`SYSTEM.system.smt2`: how members and mailboxes step, which joint states there are, that no step leads out of them, and
what follows. What each member does by itself (its local states, and what it sends) is listed: it is what its own graph
says, which the certificate of the flow is about.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from ...dsl.model import System
from ..checks.budget import Budget
from ..checks.component import Component
from ..checks.explore import Limits
from ..checks.rehearsal import ORPHANED, OVERFLOWN, REJECTED, STUCK
from ..checks.verdict import Report, Verdict
from ..formats.smtlib import BOOL, INT, Definition, Obligation, Script, Section, applied, both, either, no
from ..kernel import Kernel
from ..outputs import MARK
from . import words as said
from .certificate import Certificate, discharge
from .jointly import Jointly
from .locally import BEGIN, Local, Locally
from .machine import next_
from .mailboxes import Mailboxes

SCHEMA = 1
TRUSTED = (
    "the front end and the lowering of the text to the kernels",
    (
        "the steps of each member: that `step/n` lists all that a member may do in a local state, alone and with a "
        "message, and what it sends then, as its own closed graph and the reference interpreter say"
    ),
    "which local states are sure to go on by themselves (`goes`), by a call that ends, a person or a timer",
    "the solver that answers the obligations",
)

BEFORE, AFTER = "inv.before", "inv.after"
HEAD = (
    "`start` and `step` say how members and mailboxes step together, `inv` lists their joint states. The start lies in",
    "them (i1), no step leads out of them (s1), they imply each claim, and there is a way to the end (r1 to r4).",
    "`loc` is a local state of a member (the index lists them), `size` and `box` what waits in its mailbox.",
    "",
    "Each check-sat has to be answered `unsat`. By hand:  z3 FILE   or   cvc5 --incremental FILE",
)


def make(system: System, kernels: Mapping[str, Kernel], report: Report, spec: str) -> Certificate:
    """The certificate of a system of which this was said. Raises Undischarged."""
    mark = f"{MARK} from {spec}. DO NOT EDIT."
    file = f"{system.name}.system.smt2"
    proof = SystemProof(system, kernels, report)
    script = proof.script((mark, "", f"Certificate of the system {system.name}.", *HEAD))
    text = script.text()
    discharge(file, script, text)
    index = proof.index(mark, script, file)
    proofs = sum(answer.verdict is Verdict.PROVED for answer in report.answers)
    files = (file, text), (f"{system.name}.system.json", index)
    return Certificate(system.name, files, len(script.obligations), proofs)


@dataclass(frozen=True, slots=True)
class Claimed:
    """An answer that was proved, and the ids of the obligations it rests on."""

    code: str
    subject: str
    obligations: tuple[str, ...]


class SystemProof:
    """The text about one system, under way. `why`: there is none."""

    def __init__(self, system: System, kernels: Mapping[str, Kernel], report: Report) -> None:
        self.system = system
        self.report = report
        limits = Limits()
        flows = [kernels[member.flow] for member in system.members]
        budget = Budget(system.name, limits.seconds, limits.memory, limits.tell)
        self.members = [Locally(Component(flow, hears(flows, flow), limits, budget)) for flow in flows]
        self.why = next((member.component.open for member in self.members if member.component.open), "")
        if not self.why:
            self.joint = Jointly(system, self.members)
            self.why = "" if self.joint.complete else "there are too many joint states"
        if not self.why:
            self.boxes = Mailboxes(self.joint)
        self.claimed: list[Claimed] = []

    # ------------------------------------------------------------ claims

    def _claims(self) -> Iterator[Obligation]:
        for answer in self.report.answers:
            if answer.verdict is Verdict.PROVED:
                name, _, event = answer.subject.partition(".")
                id = f"c{len(self.claimed) + 1}"
                ids = (id, "r1", "r2", "r3", "r4") if answer.rule.code == STUCK and self.joint.ends else (id,)
                self.claimed.append(Claimed(answer.rule.code, answer.subject, ids))
                bad = self._bad(answer.rule.code, name, event)
                yield Obligation(id, f"{answer.rule.code} {answer.subject}", (BEFORE,), no(bad))

    def _bad(self, code: str, name: str, event: str) -> str:
        """What must not be."""
        boxes, names = self.boxes, self.boxes.names
        if code == OVERFLOWN:
            return both(["step", boxes.full(name)])
        if code == STUCK:
            waits = [f"(and (not (finished/{each} loc/{each})) (> size/{each} 0))" for each in names]
            return both(["quiet", no("ended"), *map(no, waits), *(no(f"(goes/{each} loc/{each})") for each in names)])
        index, loc = names.index(name), f"loc/{name}"
        if code == REJECTED:
            there = self.members[index].rejected.get(event, {})
            return both([boxes.head(name, event), boxes.among(index, there, loc)])
        assert code == ORPHANED, "there are no other checks of systems"
        kept = [each for each in boxes.numbers[index].known if event in each.deferred]
        return both([f"(finished/{name} {loc})", either([boxes.holds(name, event), boxes.among(index, kept, loc)])])

    def _ways(self) -> list[Obligation]:
        """F311: from every joint state that is no end, a step leads to one with a lower number, if there are ends."""
        if not self.joint.ends or STUCK not in {claim.code for claim in self.claimed}:
            return []
        last = len(self.joint.states)
        there = f"(and (<= {self.joint.ends} number) (< number {last}))"
        lower = both(["(< next/number number)", "(<= 0 next/number)", f"(< next/number {last})"])
        way = "(way number next/number)"
        every = either([f"(= number {each})" for each in self.joint.onward])
        ends = ("(is.before number)", f"(< number {self.joint.ends})")
        return [
            Obligation("r1", "every way leads from a number that is no end to a lower one", (there, way), lower),
            Obligation("r2", "every way is a step", ("(is.before number)", "(is.after next/number)", way), "step"),
            Obligation("r3", "every number that is no end has a way", (there,), every),
            Obligation("r4", "the others are ends", ends, "ended"),
        ]

    # ------------------------------------------------------------ the whole

    def script(self, head: Sequence[str]) -> Script:
        if self.why:
            return Script((*head, "", f"There is no such text of this system: {self.why}."), "QF_LIA", ())
        boxes = self.boxes
        steps = boxes.steps()
        claims = [*self._claims()]
        ways = self._ways()
        variables = boxes.variables()
        after = [next_(each) for each in variables]
        first = both([f"(= {next_(each)} 0)" for each in variables])
        step = Definition("step", (), BOOL, either([each.name for each in steps]))
        declared = [f"(declare-fun {each} () Int)" for each in (*variables, *after, "number", "next/number")]
        consecution = Obligation(
            "s1", "every step leads into it, that fits", (BEFORE, "step", "(not overflows)"), AFTER
        )
        return Script(
            head,
            "QF_LIA",
            (
                Section(
                    "the members and their mailboxes, and the same after a step; numbers of joint states", declared
                ),
                Section("what is known of the local states of each member", [*boxes.predicates()]),
                Section("the start: no member has begun", [Definition("start", (), BOOL, first)]),
                Section("steps", [*steps, step]),
                Section("the invariant", self._invariant(variables, after, bool(ways))),
                Section("initiation", [Obligation("i1", "the start lies in the invariant", ("start",), AFTER)]),
                Section("consecution", [consecution]),
                Section("claims: the invariant implies what was proved", claims),
                Section("there is a way to the end from everywhere", ways),
            ),
        )

    def _invariant(self, variables: Sequence[str], after: Sequence[str], numbered: bool) -> list[Definition]:
        params = tuple((each, INT) for each in variables)
        states = [self.boxes.equal(state) for state in self.joint.states]
        found = [
            Definition("inv", params, BOOL, either(states), "the joint states"),
            Definition(BEFORE, (), BOOL, applied("inv", variables)),
            Definition(AFTER, (), BOOL, applied("inv", after)),
        ]
        if not numbered:
            return found
        number = ("number", INT)
        each = [f"(and (= number {index}) {state})" for index, state in enumerate(states)]
        ways = [f"(and (= number {one}) (= onward {other}))" for one, other in self.joint.onward.items()]
        return [
            *found,
            Definition("is", (number, *params), BOOL, either(each), "the joint states by number"),
            Definition("is.before", (number,), BOOL, applied("is", ["number", *variables])),
            Definition("is.after", (number,), BOOL, applied("is", ["number", *after])),
            Definition("way", (number, ("onward", INT)), BOOL, either(ways), "where a step leads on to"),
        ]

    # ------------------------------------------------------------ the index

    def index(self, mark: str, script: Script, file: str) -> str:
        """What each proved answer rests on, and the local states of each member, as JSON."""
        ids = {(each.code, each.subject): list(each.obligations) for each in self.claimed}
        files = [
            {"name": file, "logic": script.logic, "obligations": len(script.obligations), "expected": "unsat"},
        ]
        head: dict[str, object] = {
            "certificate": mark,
            "schema": SCHEMA,
            "system": self.system.name,
            "no model": self.why,
            "files": files,
            "trusted": list(TRUSTED),
        }
        proved: list[dict[str, object]] = []
        others: list[dict[str, object]] = []
        for answer in self.report.answers:
            code, verdict = answer.rule.code, answer.verdict
            row: dict[str, object] = {"code": code, "subject": answer.subject, "verdict": verdict.name.lower()}
            if verdict is Verdict.PROVED:
                proved.append({**row, "model": ids.get((code, answer.subject), [])})
            else:
                others.append(row)
        parts = [f"{json.dumps(key)}: {json.dumps(value, ensure_ascii=False)}" for key, value in head.items()]
        for key, rows in {"local states": self._locals(), "proved": proved, "not proved": others}.items():
            lines = ",\n  ".join(json.dumps(row, ensure_ascii=False) for row in rows)
            parts.append(f"{json.dumps(key)}: [\n  {lines}\n ]" if rows else f"{json.dumps(key)}: []")
        return "{\n " + ",\n ".join(parts) + "\n}\n"

    def _locals(self) -> list[dict[str, object]]:
        if self.why:
            return []
        return [
            {"member": name, "number": number, **self._told(index, local)}
            for index, name in enumerate(self.boxes.names)
            for local, number in self.boxes.numbers[index].known.items()
        ]

    def _told(self, index: int, local: Local) -> dict[str, object]:
        if local == BEGIN:
            return {"where": "has not begun"}
        control = self.members[index].component.control(local.key)
        told: dict[str, object] = {"where": said.resting(control), "log": said.log(control)}
        told["deferred"] = list(local.deferred)
        if local.midway:
            told["midway"] = True
        return told


def hears(flows: Sequence[Kernel], flow: Kernel) -> frozenset[str]:
    """The events of a flow that come from members."""
    return frozenset(event for other in flows for receiver, event in other.sends if receiver == flow.name)
