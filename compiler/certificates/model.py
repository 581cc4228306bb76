"""The whole argument in one text: an explored kernel in; transition relation, invariant and obligations out.

Every start lies in the invariant; every step leads from the invariant into it; the invariant implies what is claimed.
Control, data, the compensation log and times are in it together, so nothing of it has to be believed but that the
relation is what the flow means. In some flows the relation is too coarse for it, and some are too large: then there is
no such text, and the reason is said.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from ..checks.inquiry import Inquiry
from ..checks.ledger import Proof
from ..checks.solver import answers
from ..formats.smtlib import BOOL, INT, Definition, Obligation, Script, Section, both
from .assertions import Assertions, Claim
from .formulas import Formulas
from .inductive import AFTER, INVARIANT, Inductive, where
from .machine import ELAPSED, next_
from .progress import Progress
from .relation import AT, Relation

MOST = 40_000  # nodes times variables
LIMIT = 40_000_000  # of Z3's resource units, for one answer

THE_END = 0  # is no proof's identity

LARGE = "the flow is too large for it: its nodes times its state variables are more than {most}"
STOPPED = "an argument of a compensation may stop a step with a fault (F104), which the relation does not know"
OPEN = "what is known of long lists is no function of the data"
COARSE = "the relation allows more than the nodes do: Z3 does not find the invariant closed under it"


@dataclass(eq=False, slots=True)
class _Noted:
    """A claim. `says`: what it is for, of each proof that needs it."""

    claim: Claim
    says: dict[str, None] = field(default_factory=dict[str, None])
    refused: bool = False


@dataclass(frozen=True, eq=False, slots=True)
class Model:
    """`why` there is none, if so; the script says it too. `claims`: the ids of what each proof (by identity) claims;
    `ends`: how long a run takes at the most, and the ids of what claims that."""

    script: Script
    why: str = ""
    claims: Mapping[int, tuple[str, ...]] = field(default_factory=dict[int, tuple[str, ...]])
    ends: tuple[timedelta, tuple[str, ...]] | None = None


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
        closed = len(script.obligations) - proof.claimed
        if len(found) != len(script.obligations) or found[:closed] != ["unsat"] * closed:
            return _none(head, COARSE)
        if not proof.refuse(found[closed:]):
            named = proof.named()
            ends = None if not named.get(THE_END) or proof.within is None else (proof.within, named[THE_END])
            return Model(script, "", named, ends)


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
        self.claims: dict[Claim, _Noted] = {}
        self._of: dict[int, list[Claim]] = {}
        self.within: timedelta | None = None
        if self.size <= MOST and not self.open:
            self.assertions = Assertions(inquiry, self.formulas, self.relation)
            self.progress = Progress(inquiry, self.formulas, self.relation, self.inductive)
            for proof in proofs:
                answer = proof.answer
                text = f"{answer.rule.code} {answer.subject} (line {self.kernel.source.line(answer.span)})"
                self._note(id(proof), (*self.assertions.of(proof), *self.progress.of(proof)), text)
            if (ends := self.progress.ends()) is not None:
                self.within, claims = ends
                self._note(THE_END, claims, "how long a run takes")

    def _note(self, key: int, claims: Iterable[Claim], text: str) -> None:
        """key: whose they are."""
        found = dict.fromkeys(claims)
        self._of[key] = list(found)
        for claim in found:
            self.claims.setdefault(claim, _Noted(claim)).says[text] = None

    # ------------------------------------------------------------ claims

    def _kept(self) -> list[_Noted]:
        """What is needed by a proof of which nothing was left out."""
        refused = {each.claim for each in self.claims.values() if each.refused}
        whole = (claims for claims in self._of.values() if refused.isdisjoint(claims))
        return [self.claims[claim] for claim in dict.fromkeys(claim for claims in whole for claim in claims)]

    @property
    def claimed(self) -> int:
        """How many obligations are claims; they are the last."""
        return len(self._kept())

    def refuse(self, found: Sequence[str]) -> bool:
        """Leave out the claims that were not answered `unsat`; whether there were any."""
        for each, line in zip(self._kept(), found, strict=True):
            each.refused = line != "unsat"
        return any(line != "unsat" for line in found)

    def named(self) -> dict[int, tuple[str, ...]]:
        """The ids of the obligations of each proof; none of a proof of which one was left out."""
        ids = {each.claim: f"c{index + 1}" for index, each in enumerate(self._kept())}
        return {
            key: tuple(ids[claim] for claim in claims) if ids.keys() >= {*claims} else ()
            for key, claims in self._of.items()
        }

    def _obligations(self) -> Iterable[Obligation]:
        for index, each in enumerate(self._kept()):
            yield Obligation(f"c{index + 1}", "; ".join(each.says), each.claim.given, each.claim.then)

    # ------------------------------------------------------------ the whole

    def script(self, head: Sequence[str]) -> Script:
        formulas, relation = self.formulas, self.relation
        starts, steps, data = self._written()
        kinds = relation.kinds()
        sorts = dict(self.machine.names()) | {name: formulas.sorts[name] for name in data}
        state = {AT: INT, **sorts}
        fresh = [f"(declare-fun fresh/{timer} () Int)" for timer in self.machine.clocks]
        others = [line for line in formulas.declarations() if line.split()[1] not in sorts]
        closed = [
            self.inductive.invariant(INVARIANT, str),
            self.inductive.invariant(AFTER, next_),
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
                Section("what steps have in common; `same/..`: it stays as it was", [*relation.shared.values()]),
                Section("starts", [*starts, _any("start", starts)]),
                Section(
                    "the transition relation: what may happen, by configuration and trigger",
                    [
                        *steps,
                        *kinds,
                        Definition("step", (), BOOL, f"(or {' '.join(each.name for each in kinds)} false)"),
                    ],
                ),
                Section(
                    "the invariant",
                    [*formulas.types, *formulas.invariants, *self.inductive.definitions(state), *closed],
                ),
                Section("initiation", [Obligation("i1", "every start lies in the invariant", ("start",), AFTER)]),
                Section(
                    "consecution",
                    [
                        Obligation(f"s{index + 1}", f"{kind.name}: from the invariant into it", given, AFTER)
                        for index, kind in enumerate(kinds)
                        for given in [(self.inductive.source(kind.name), kind.name)]
                    ],
                ),
                Section("what the parts of the invariant are", [self._placed(), self._alike(state)]),
                Section("numbers that fall, and what is asked of them", self.progress.defined()),
                Section("how long things take, and what `within` asks of it (microseconds)", self.progress.timed()),
                Section("people: who did what, and whom tasks are for and shut out; 0 is nobody", self.progress.who()),
                Section("claims: the invariant implies what was proved", [*self._obligations()]),
            ),
        )

    def _placed(self) -> Obligation:
        parts = [f"(=> (= {AT} {place}) {self.inductive.at(place)})" for place in self.inductive.nodes]
        return Obligation("p1", "the invariant at a place is that of the place", (INVARIANT,), both(parts))

    def _alike(self, state: Iterable[str]) -> Obligation:
        given = tuple(f"(= {next_(name)} {name})" for name in state)
        names = dict.fromkeys(self.inductive.node(node.id) for node in self.nodes)
        says = "if the state after a step is the one before it, it is in the same nodes"
        return Obligation("n1", says, given, both([f"(= {next_(name)} {name})" for name in names]))

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
    """The disjunction of steps, each of which is two definitions."""
    return Definition(name, (), BOOL, f"(or {' '.join(each.name for each in parts[1::2])} false)")
