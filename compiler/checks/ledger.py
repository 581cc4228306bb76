"""What a proof rests on: what Z3 closed and runs that were replayed, noted while the checks ask, answer by answer.

There is no ledger unless a certificate is wanted; nothing is noted then.
"""

from __future__ import annotations

from ...dsl.values import dataclass, field
from .graph import Arrival, Node
from .solver import Term
from .verdict import Answer, Verdict


@dataclass(frozen=True, eq=False, slots=True)
class Claim:
    """For no data of the node (None: of no start) `bad` can be true, whatever the payload."""

    node: Node | None
    bad: Term


@dataclass(frozen=True, eq=False, slots=True)
class Proof:
    """A proved answer. `claims`: what was ruled out since the answer before it; `run`: the one that shows it."""

    answer: Answer
    claims: tuple[Claim, ...]
    run: Arrival | None


@dataclass(eq=False, slots=True)
class Ledger:
    """`proofs` in the order of the answers; `others` what is refuted or not known: what was closed on the way to it is
    forgotten."""

    proofs: list[Proof] = field(default_factory=list[Proof])
    others: list[Answer] = field(default_factory=list[Answer])
    _claims: list[Claim] = field(default_factory=list[Claim])
    _run: Arrival | None = None

    def ruled_out(self, node: Node | None, bad: Term) -> None:
        self._claims.append(Claim(node, bad))

    def shown(self, arrival: Arrival) -> None:
        self._run = arrival

    def answered(self, answer: Answer) -> None:
        if answer.verdict is Verdict.PROVED:
            self.proofs.append(Proof(answer, tuple(self._claims), self._run))
        else:
            self.others.append(answer)
        self._claims.clear()
        self._run = None
