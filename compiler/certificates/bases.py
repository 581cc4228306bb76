"""A proved answer in, what it rests on out: obligations of the parts, a run, or the text."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from ...dsl.model import Activity, Effect
from ..checks import compensation, completion, finish, livelock, pivot
from ..checks.graph import Node
from ..checks.inquiry import Inquiry
from ..checks.ledger import Proof
from ..kernel import Leaf, LeafKind
from .data import DataProof
from .effects import EffectProof
from .model import Model
from .order import OrderProof
from .rows import Row

HOW = {
    "F001": "a run enters it",
    "F002": "a run takes it",
    "F003": "every other node that rests there has a call that runs or a timer armed, as the table of nodes says",
    "F004": "the ranks, in the model and beside it; a compensation comes to its end by K5 and K6",
    "F005": "the levels, in the model and beside it",
    "F006": "where no obligation is listed, the guards exclude each other as they are written",
    "F007": "where no obligation is listed, an `else` or the way the guards are written covers the rest",
    "F008": "read off the text: each answer and each task has a transition",
    "F009": "the effects; of a node that nothing leads to but what nobody can do, how who may do what was enumerated",
    "F101": "the effects",
    "F102": "the effects; where no obligation is listed, where its calls are made along the table, as one of another "
    "activity of its sort may stand there",
    "F103": "no log of a node that rests there, as the table says, has anything settled and only perhaps done; of a "
    "node that nothing leads to but what nobody can do, how who may do what was enumerated",
    "F104": "Z3 ruled it out for any arguments of the call and what it may have answered; that is not written out",
    "F105": "a rank as for F004, of the nodes where a run has ended well; it is written out in the model only",
    "F201": "every other node that rests there has a call that runs or a timer armed, or is meant to wait",
    "F202": "a run in which it fires",
    "F203": "read off the text: attempts, timeouts and waits added up",
    "F204": "calls and compensations that keep their budgets, and timers that come when they are due; where the model "
    "claims nothing, the longest way through the table is trusted",
    "F205": "read off the text: each retry has a bound",
    "F206": "the data",
    "F301": "where no obligation is listed, it holds by where a node rests and what is on its log; of `leads to`, that "
    "calls are answered, those that keep their budget before a timer of their state that is longer; where the model "
    "claims nothing, the way through the table is trusted",
    "F401": "the data; where no obligation is listed, it fits by its type",
    "F402": "the data",
    "F403": "the data",
    "F501": "people who have names, and no delegation; of a task that data give to somebody, that they may do it. "
    "Where the model claims nothing, how who may do what was enumerated is trusted",
    "F502": "the data",
}
"""What each proof rests on beside the obligations that are listed, by code."""


@dataclass(frozen=True, slots=True)
class Basis:
    """What one proof rests on: the ids of obligations in each part."""

    proof: Proof
    data: tuple[str, ...] = ()
    effects: tuple[str, ...] = ()
    order: tuple[str, ...] = ()
    model: tuple[str, ...] = ()

    @property
    def how(self) -> str:
        return HOW.get(self.proof.answer.rule.code, "")


class Bases:
    """Makes the bases, and the obligations they need."""

    def __init__(
        self,
        inquiry: Inquiry,
        rows: Sequence[Row],
        data: DataProof,
        effects: EffectProof,
        order: OrderProof,
        model: Model,
    ) -> None:
        self.inquiry = inquiry
        self.kernel = inquiry.kernel
        self.rows = rows
        self.data = data
        self.effects = effects
        self.order = order
        self.model = model

    def of(self, proof: Proof) -> Basis:
        answer = proof.answer
        text = f"{answer.rule.code} {answer.subject} (line {self.kernel.source.line(answer.span)})"
        claims = (self.data.claim(claim.node, claim.bad, text) for claim in proof.claims)
        effects, order = _once(self._effects(proof, text)), _once(self._order(proof, text))
        return Basis(proof, _once(claims), effects, order, self.model.claims.get(id(proof), ()))

    def _effects(self, proof: Proof, text: str) -> Iterator[str]:
        answer = proof.answer
        leaf = next((leaf for leaf in self.kernel.leaves if leaf.span == answer.span), None)
        activity = next((each for each in self.kernel.activities if each.span == answer.span), None)
        match answer.rule.code:
            case compensation.RULE.code if leaf is not None:
                yield from (self.effects.failing(node, text) for node in self._at(leaf))
            case pivot.RULE.code if leaf is not None and leaf.kind is LeafKind.FAILURE:
                yield from (self.effects.pivoted(node, text) for node in self._at(leaf))
            case pivot.RULE.code if activity is not None:
                yield from self._passed_over(activity, text)
            case completion.RULE.code if leaf is not None:
                come_to = filter(self.inquiry.doable.comes, self._at(leaf))
                yield from (self.effects.completed(node, text) for node in come_to)
            case _:
                pass

    def _at(self, leaf: Leaf) -> Iterator[Node]:
        return (node for node in self.inquiry.graph.nodes if leaf.name in node.control.configuration)

    def _passed_over(self, activity: Activity, text: str) -> Iterator[str]:
        if activity.effect is Effect.IRREVERSIBLE and pivot.of_its_sort(self.inquiry, activity):
            for row in self.rows:
                yield from self.effects.passed_over(row, activity, text) if row.targets else ()

    def _order(self, proof: Proof, text: str) -> Iterator[str]:
        answer, kernel = proof.answer, self.kernel
        if answer.subject != f"the flow `{kernel.name}`" or answer.span != kernel.span:
            return
        if answer.rule is finish.RULE:
            finals = {node.id for node in self.inquiry.graph.nodes if node.control.finished}
            yield from self.order.ranks(finish.ranked(self.inquiry, finals), text)
        elif answer.rule is livelock.RULE:
            yield from self.order.levels(text)


def _once(ids: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(ids))
