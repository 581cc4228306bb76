"""What is proved of `A leads to B`: a question of the check in, claims that every run from A comes to B, out.

The nodes that a run from A may come to before B have a level, and something under way in each helps: a call that is
answered some time, a timer that is due some time, or a compensation, which ends. Whatever happens leads to B, to a
lower level, or leaves the level and what helps as it is; and where it is what helps that happens, to B or to a lower
level. So no run stays for ever (Manna and Pnueli 1984, Lehmann, Pnueli and Stavi 1981). Where a call that keeps its
budget is answered before a timer that began with it falls due, the steps are those with clocks (`durations`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from ...dsl.model import Count, Elapsed, Expr, LeadsTo, Standing
from ..checks.claims import possible
from ..checks.components import strongly
from ..checks.graph import Edge, Graph, Node
from ..checks.inquiry import Inquiry
from ..checks.latest import UNDOING
from ..checks.leads import Question
from ..checks.moves import MoveKind
from ..checks.rewrite import inside
from ..formats.smtlib import BOOL, INT, Definition, both, either, no
from .assertions import Claim
from .durations import IN_TIME, LIMITS, Durations
from .formulas import Formulas
from .inductive import Inductive, where
from .machine import next_
from .relation import AT, Relation, Step


@dataclass(frozen=True, slots=True)
class _Helped:
    """A node before B. `by`: the leaf of a call, a timer, or UNDOING."""

    level: int
    by: str


def _asked(claim: LeadsTo) -> Iterator[Expr]:
    for condition in (claim.trigger, claim.goal):
        yield from () if condition is None else inside(condition)


class Eventually:
    """Makes the claims of one property, and the `definitions` that they need; none where the argument is another."""

    def __init__(
        self,
        inquiry: Inquiry,
        claim: LeadsTo,
        formulas: Formulas,
        relation: Relation,
        inductive: Inductive,
        less: str,
        clocks: Callable[[], Durations],
        called: str,
    ) -> None:
        """less: that a step settles or undoes something and begins nothing that may have to be. clocks: asked for where
        a call is in time. called: what the property is named after."""
        self.inquiry = inquiry
        self.claim = claim
        self.graph = inquiry.graph
        self.formulas = formulas
        self.relation = relation
        self.inductive = inductive
        self.less = less
        self.question = Question(inquiry, claim)
        self.inner = {node.id: node for node in self.question.inner}
        self.met = {node.id for node in self.graph.nodes if self.question.met(node)}
        latest, out = self.question.latest, inquiry.graph.out
        told = not any(isinstance(part, Count | Elapsed | Standing) for part in _asked(claim))
        hurried = told and any(latest.beaten(node, edge) for node in self.inner.values() for edge in out[node.id])
        self.clocks = clocks() if hurried else None
        self.helped = self._helped() if told and self.met.isdisjoint(self.inner) else None
        self.called = called
        self.name = f"before.{called}"
        levels = (self.helped or {}).items()
        self.definitions = [Definition(f"{self.name}/{id}", (), INT, str(each.level)) for id, each in levels]
        self._disjunctions: dict[str, str] = {}

    def _helped(self) -> Mapping[int, _Helped] | None:
        """The levels are those of components: what goes round in one is ended by what is under way all the time."""
        latest, found = self.question.latest, dict[int, _Helped]()
        kept: dict[int, list[Edge]] = {id: [] for id in self.inner}
        for edge in self.question.kept:
            kept[edge.source].append(edge)
        components = strongly({id: [edge.target for edge in edges] for id, edges in kept.items()})
        for level, ids in enumerate(components):
            group = [edge for id in ids for edge in kept[id] if edge.target in ids]
            node = self.inner[ids[0]]
            lasting = latest.lasting(group) if group else latest.spans(node)
            timers = sorted(node.control.timers) if latest.waits_for_data(node) and not group else []
            if not node.control.resting:
                by = UNDOING
            elif not (by := min(lasting, key=lasting.__getitem__, default=next(iter(timers), ""))):
                return None
            found |= {id: _Helped(level, by) for id in ids}
        return found

    def claims(self) -> Iterator[Claim]:
        if self.helped is None:
            return
        if self.clocks is not None:
            yield from self.clocks.kept()
        there = [next_(self.inductive.node(id)) for id in sorted(self.met | self.inner.keys())]
        if self.claim.trigger is None:
            yield Claim(("start",), either([*dict.fromkeys(there)]))
        for node in self.graph.nodes:
            here = self.inductive.node(node.id)
            if node.id in self.met:
                yield Claim((here,), no(self._possible(node, self.claim.goal, wanted=False)))
            elif node.id not in self.inner and self.claim.trigger is not None:
                yield Claim((here,), no(self._possible(node, self.claim.trigger, wanted=True)))
        for node in self.inner.values():
            yield from self._leads(node, self.helped)

    def _possible(self, node: Node, condition: Expr, wanted: bool) -> str:
        return self.formulas.text(possible(self.inquiry, node, condition, wanted))

    def _leads(self, node: Node, helped: Mapping[int, _Helped]) -> Iterator[Claim]:
        here, mine = self.inductive.node(node.id), helped[node.id]
        ends = reached(self.graph, node)
        met = [next_(self.inductive.node(id)) for id in ends if id in self.met]
        before = [id for id in ends if id in helped]
        lower = [self._there(id, "<", node) for id in before]
        kept = [self._there(id, "=", node) for id in before if helped[id].by == mine.by]
        if mine.by == UNDOING:
            kept = [both([either(kept), self.less])]
        yield Claim((here,), self._under_way(mine.by))
        others, own = self._steps(node, mine.by)
        for steps, ways in ((others, [*met, *lower, *kept]), (own, [*met, *lower])):
            if steps:
                in_time = () if self.clocks is None else (LIMITS, IN_TIME)
                yield Claim((here, *in_time, self._some(steps)), either(ways))

    def _some(self, steps: Sequence[str]) -> str:
        """The name of that one of some steps is taken."""
        if self.clocks is not None:
            return self.clocks.some(steps)
        body = either(steps)
        if body not in self._disjunctions:
            self._disjunctions[body] = f"steps.{self.called}/{len(self._disjunctions) + 1}"
            self.definitions.append(Definition(self._disjunctions[body], (), BOOL, body))
        return self._disjunctions[body]

    def _there(self, id: int, than: str, node: Node) -> str:
        return both([next_(self.inductive.node(id)), f"({than} {self._level(id)} {self._level(node.id)})"])

    def _level(self, id: int) -> str:
        return f"{self.name}/{id}"

    def _under_way(self, by: str) -> str:
        if by == UNDOING:
            return f"(compensating {AT})"
        return f"(> runs/{by} 0)" if by in self.relation.machine.calls else f"armed/{by}"

    def _steps(self, node: Node, by: str) -> tuple[list[str], list[str]]:
        """What may happen in a node and leaves what helps as it is, and what does not: its own steps, and those with
        which it begins anew. What passes B on its way is none of either."""
        others: list[str] = []
        own: list[str] = []
        for name, step in self.relation.numbered():
            if step.source in {None, where(node)} and not self.question.passes(step.trail, step.move):
                (own if _ends(step, by) else others).append(name)
        return others, own


def reached(graph: Graph, node: Node) -> list[int]:
    """The nodes that steps from a node may lead to, itself included: while it compensates, those of all that is left to
    undo, as the relation knows no order in which it is."""
    found, todo = {node.id}, [node]
    while todo:
        at = todo.pop()
        for target in (edge.target for edge in graph.out[at.id] if edge.target not in found):
            found.add(target)
            there = graph.nodes[target]
            if not at.control.resting and there.control.place == at.control.place:
                todo.append(there)
    return sorted(found)


def _ends(step: Step, by: str) -> bool:
    if by == UNDOING:
        return bool(step.trail)
    if step.move.kind is MoveKind.TIMER and step.move.name == by:
        return True
    changed = step.change.terms.get(f"runs/{by}", f"runs/{by}") != f"runs/{by}"
    return changed or step.change.terms.get(f"armed/{by}", f"armed/{by}") != f"armed/{by}"
