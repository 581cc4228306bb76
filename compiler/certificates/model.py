"""The whole argument in one text: an explored kernel in; transition relation, invariant and three obligations out.

Every start lies in the invariant; every step leads from the invariant into it; the invariant implies what is claimed.
Control, data, the compensation log and times are in it together, so nothing of it has to be believed but that the
relation is what the flow means. In some flows the relation is too coarse for it, and some are too large: then there is
no such text, and the reason is said.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from ..checks.inquiry import Inquiry
from ..checks.ledger import Proof
from ..checks.solver import answers
from ..formats.smtlib import BOOL, INT, Definition, Obligation, Script, Section, applied, both, no
from .assertions import Assertions, Bad
from .formulas import Formulas
from .inductive import Inductive, where
from .machine import ELAPSED, next_
from .relation import AT, Relation

INVARIANT, AFTER = "inv.before", "inv.after"
MOST = 40_000  # nodes times variables
LIMIT = 40_000_000  # of Z3's resource units, for one answer

LARGE = "the flow is too large for it: its nodes times its state variables are more than {most}"
STOPPED = "an argument of a compensation may stop a step with a fault (F104), which the relation does not know"
OPEN = "what is known of long lists is no function of the data"
COARSE = "the relation allows more than the nodes do: Z3 does not find the invariant closed under it"


@dataclass(eq=False, slots=True)
class _Claim:
    """`says`: what it is for, of each proof that needs it."""

    bad: Bad
    says: dict[str, None] = field(default_factory=dict[str, None])
    refused: bool = False


@dataclass(frozen=True, eq=False, slots=True)
class Model:
    """`why` there is none, if so; the script says it too. `claims`: the ids of what each proof (by identity) claims."""

    script: Script
    why: str = ""
    claims: Mapping[int, tuple[str, ...]] = field(default_factory=dict[int, tuple[str, ...]])


def _none(head: Sequence[str], why: str) -> Model:
    return Model(Script((*head, "", f"There is no such text of this flow: {why}."), "ALL", ()), why)


def made(inquiry: Inquiry, proofs: Sequence[Proof], head: Sequence[str]) -> Model:
    """The model part of a certificate. What Z3 does not find proved of the claims is left to the other parts."""
    if not inquiry.graph.complete:
        return _none(head, "the search was cut short")
    if inquiry.attempts.balked:
        return _none(head, STOPPED)
    proof = ModelProof(inquiry, proofs)
    if proof.size > MOST:
        return _none(head, LARGE.format(most=MOST))
    if proof.open:
        return _none(head, OPEN)
    while True:
        script = proof.script(head)
        said = answers(f"(set-option :rlimit {LIMIT})\n{script.text()}")
        found = [line for line in said if line in {"unsat", "sat", "unknown"}]
        if len(found) != len(script.obligations) or found[:2] != ["unsat", "unsat"]:
            return _none(head, COARSE)
        if not proof.refuse(found[2:]):
            return Model(script, "", proof.named())


class ModelProof:
    """The model part of one certificate, under way."""

    def __init__(self, inquiry: Inquiry, proofs: Sequence[Proof]) -> None:
        self.kernel = inquiry.kernel
        self.formulas = Formulas(inquiry)
        self.nodes = inquiry.graph.nodes
        self.relation = Relation(inquiry, self.formulas, list(dict.fromkeys(map(where, self.nodes))))
        self.machine = self.relation.machine
        self.size = len(self.nodes) * sum(map(len, self.machine.variables.values()))
        self.open = any(ask.open for node in self.nodes for ask in self.formulas.asked(node))
        if self.size <= MOST:
            self.inductive = Inductive(self.machine, self.formulas, self.nodes, self.relation)
        self.proofs = proofs
        self.claims: dict[Bad, _Claim] = {}
        self._of: dict[int, list[Bad]] = {}
        assertions = Assertions(inquiry, self.formulas, self.relation)
        for proof in proofs:
            answer = proof.answer
            self._of[id(proof)] = list(dict.fromkeys(assertions.of(proof)))
            for bad in self._of[id(proof)]:
                text = f"{answer.rule.code} {answer.subject} (line {self.kernel.source.line(answer.span)})"
                self.claims.setdefault(bad, _Claim(bad)).says[text] = None

    # ------------------------------------------------------------ claims

    def _kept(self) -> list[_Claim]:
        return [claim for claim in self.claims.values() if not claim.refused]

    def refuse(self, found: Sequence[str]) -> bool:
        """Leave out the claims that were not answered `unsat`; whether there were any."""
        for claim, line in zip(self._kept(), found, strict=True):
            claim.refused = line != "unsat"
        return any(line != "unsat" for line in found)

    def named(self) -> dict[int, tuple[str, ...]]:
        """The ids of the obligations of each proof; none of a proof of which one was left out."""
        ids = {claim.bad: f"c{index + 1}" for index, claim in enumerate(self._kept())}
        return {
            key: tuple(ids[bad] for bad in bads) if all(bad in ids for bad in bads) else ()
            for key, bads in self._of.items()
        }

    def _obligations(self) -> Iterable[Obligation]:
        for index, claim in enumerate(self._kept()):
            given = () if claim.bad.free else (INVARIANT,)
            yield Obligation(f"c{index + 1}", "; ".join(claim.says), given, no(both(claim.bad.parts)))

    # ------------------------------------------------------------ the whole

    def script(self, head: Sequence[str]) -> Script:
        formulas, relation = self.formulas, self.relation
        starts, steps, data = self._written()
        sorts = dict(self.machine.names()) | {name: formulas.sorts[name] for name in data}
        state = {AT: INT, **sorts}
        fresh = [f"(declare-fun fresh/{timer} () Int)" for timer in self.machine.clocks]
        others = [line for line in formulas.declarations() if line.split()[1] not in sorts]
        closed = [
            Definition(INVARIANT, (), BOOL, applied("inv", [*state])),
            Definition(AFTER, (), BOOL, applied("inv", [next_(name) for name in state])),
        ]
        return Script(
            head,
            "ALL",
            (
                Section("the state of an instance", _declared(state, lambda name: name)),
                Section("the state after a step", _declared(state, next_)),
                Section(
                    "payloads, the moment; how long timers just armed have to go, and the time that passes",
                    [*others, *fresh, f"(declare-fun {ELAPSED} () Int)"],
                ),
                Section(
                    "assumed of the encoding: texts, slots of lists, moments",
                    [f"(assert {each})" for each in formulas.assumed()],
                ),
                Section("places, as numbers", relation.numbers()),
                Section("ways: what must be true of data and payload, and the data after it", formulas.ways),
                Section("what stays as it was", [*relation.same.values()]),
                Section("starts", [*starts, _any("start", starts)]),
                Section(
                    "the transition relation: what may happen, by configuration and trigger",
                    [*steps, _any("step", steps)],
                ),
                Section(
                    "the invariant",
                    [*formulas.types, *formulas.invariants, *self.inductive.definitions(sorts), *closed],
                ),
                Section("initiation", [Obligation("i1", "every start lies in the invariant", ("start",), AFTER)]),
                Section(
                    "consecution",
                    [Obligation("s1", "every step leads from the invariant into it", (INVARIANT, "step"), AFTER)],
                ),
                Section("claims: the invariant implies what was proved", [*self._obligations()]),
            ),
        )

    def _written(self) -> tuple[list[Definition], list[Definition], list[str]]:
        """Starts and steps, and the unknowns of the data; what a list holds may only come to light on the way."""
        formulas, relation = self.formulas, self.relation
        while True:
            data = list(formulas.sorts)
            starts = relation.written(relation.starts, "start", data)
            steps = relation.written(relation.steps, "step", data)
            if len(data) == len(formulas.sorts):
                return starts, steps, data


def _declared(state: dict[str, str], named: Callable[[str], str]) -> list[str]:
    return [f"(declare-fun {named(name)} () {sort})" for name, sort in state.items()]


def _any(name: str, parts: Sequence[Definition]) -> Definition:
    return Definition(name, (), BOOL, f"(or {' '.join(each.name for each in parts)} false)")
