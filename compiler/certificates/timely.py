"""What is proved of `A leads to B within D` (F204): a question of the check in, claims that B comes in time, out.

While B has not come, everything under way (a timer, a call, a compensation) has a moment, counted from A, by which it
ends at the latest. `spent` is how long ago A was, so `spent` and what is left of it are together no more than that:
that is kept by whatever happens, and what begins does so by when the node before had to be left. So in no node before
B can more than D have been spent, as long as calls and compensations keep their budgets, and timers come when they are
due. That B comes at all, is claimed of the same property by `eventually`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from functools import cached_property

from ...dsl.model import LeadsTo
from ..checks.claims import possible
from ..checks.graph import Edge
from ..checks.inquiry import Inquiry
from ..checks.latest import MICRO, UNDOING
from ..checks.leads import Question
from ..checks.remaining import drives
from ..formats.smtlib import both, either, no, number
from .assertions import Claim
from .durations import BEGINS, COUNTS, IN_TIME, LIMITS, SPENT, Durations, Until
from .eventually import reached
from .formulas import Formulas
from .inductive import Inductive, where
from .machine import next_
from .relation import Relation


class Timely:
    """Makes the claims of one property. `most`: the time in which B comes, as far as these tell, in microseconds."""

    def __init__(
        self,
        inquiry: Inquiry,
        claim: LeadsTo,
        formulas: Formulas,
        inductive: Inductive,
        durations: Durations,
        called: str,
    ) -> None:
        """called: what the property is named after."""
        self.inquiry = inquiry
        self.claim = claim
        self.formulas = formulas
        self.inductive = inductive
        self.durations = durations
        self.relation: Relation = durations.relation
        self.graph = inquiry.graph
        self.question = Question(inquiry, claim)
        self.inner = {node.id: node for node in self.question.inner}
        self.met = {node.id for node in self.graph.nodes if self.question.met(node)}
        self.sources = {node.id for node in self.question.sources}
        self.called = called
        self.ends = self._ends()
        lasting = [min(found.values(), default=None) for found in (self.ends or {}).values()]
        self.most = None if self.ends is None or None in lasting else max(filter(None, lasting), default=0)

    @cached_property
    def until(self) -> Mapping[int, str]:
        """What is claimed of the clocks at each node, by its name."""
        ends = (self.ends or {}).items()
        return {id: self.durations.until(f"until.{self.called}", self.inner[id], found) for id, found in ends}

    def claims(self, within: timedelta) -> Iterator[Claim]:
        """None where the longest way was not found."""
        if not self.until:
            return
        yield from self.durations.kept()
        if self.claim.trigger is None:
            ids = sorted(self.met | self.inner.keys())
            yield Claim(
                (either(self.durations.starts), BEGINS, next_(IN_TIME)), either([*dict.fromkeys(map(self._there, ids))])
            )
        else:
            yield from self._begun()
        allowed = number(within // MICRO)
        for node in self.inner.values():
            here = (self.inductive.node(node.id), self.until[node.id], IN_TIME)
            yield Claim(here, f"(<= {SPENT} {allowed})")
            steps = [
                name
                for name, step in self.relation.numbered()
                if step.source in {None, where(node)} and not self.question.passes(step.trail, step.move)
            ]
            given = (*here, LIMITS, next_(IN_TIME), COUNTS, self.durations.some(steps))
            ends = (id for id in reached(self.graph, node) if id in self.met or id in self.inner)
            yield Claim(given, either([*dict.fromkeys(map(self._there, ends))]))

    def _there(self, id: int) -> str:
        """That a step has led to a node where B is, or where everything ends by when it has to."""
        node = next_(self.inductive.node(id))
        return node if id in self.met else both([node, next_(self.until[id])])

    # ------------------------------------------------------------ the clocks, and where they begin

    def _begun(self) -> Iterator[Claim]:
        """Wherever a step leads to A, everything under way ends in time, counted from there. Elsewhere A is not so."""
        assert self.claim.trigger is not None, "it is not the start"
        ends = {next_(self.inductive.node(id)): next_(self.until[id]) for id in sorted(self.sources)}
        then = both([f"(=> {node} {until})" for node, until in ends.items()])
        yield Claim((either(self.durations.starts), BEGINS, next_(IN_TIME)), then)
        for kind, steps in self.relation.grouped().items():
            given = (self.inductive.source(kind), LIMITS, BEGINS, next_(IN_TIME), self.durations.some(steps))
            yield Claim(given, then)
        for node in (node for id, node in self.inner.items() if id not in self.sources):
            bad = self.formulas.text(possible(self.inquiry, node, self.claim.trigger, wanted=True))
            yield Claim((self.inductive.node(node.id),), no(bad))

    # ------------------------------------------------------------ the longest way

    def _ends(self) -> Mapping[int, Until] | None:
        """When everything under way in each node before B ends at the latest; None: that was not found."""
        found: dict[int, dict[str, int]] = {id: {} for id in self.inner}
        latest = self.question.latest
        for source in self.sources:
            node = self.inner[source]
            known = (timer for timer in node.zone.names if latest.lasts(node, timer) is not None)
            high = {timer: int(node.zone.high(timer)) for timer in known}
            self._raise(found[source], self._put_off({**self.durations.lengths(node), **high}))
        rounds = [(group, latest.ended_by(group)) for group in self.question.groups if any(map(drives, group))]
        ended = {id(edge): end for group, end in rounds for edge in group if end is not None}
        reached = set(self.sources)
        for _ in range(2 * len(self.inner) + 2):
            changed = False
            for edge in (edge for edge in self.question.kept if edge.source in reached):
                ends = self._after(edge, found[edge.source], ended.get(id(edge)))
                changed = self._raise(found[edge.target], ends) or edge.target not in reached or changed
                reached.add(edge.target)
            if not changed:
                return found
        return None

    def _after(self, edge: Edge, before: Until, end: str | None) -> Until:
        """When everything ends at the latest that is under way behind an edge. end: what ends going round over it."""
        left = min(before.values(), default=0)
        begun = left if end is None else max(left, before.get(end, left))
        node = self.inner[edge.target]
        found: dict[str, int] = {}
        for name, length in self.durations.lengths(node).items():
            goes_on = name in before and not self._again(edge, name)
            found[name] = before[name] if goes_on else begun + length
        return self._put_off(found)

    def _put_off(self, ends: Until) -> Until:
        """A compensation puts off the deadline."""
        deadline = self.durations.machine.clock.deadline
        if deadline is None or deadline not in ends or UNDOING not in ends:
            return ends
        return {**ends, deadline: max(ends[deadline], ends[UNDOING])}

    def _again(self, edge: Edge, name: str) -> bool:
        """Whether something begins anew: of a compensation, whether it is another."""
        if name == UNDOING:
            return bool(edge.taken)
        return self.question.latest.again(edge, name)

    @staticmethod
    def _raise(ends: dict[str, int], others: Until) -> bool:
        higher = {name: end for name, end in others.items() if end > ends.get(name, end - 1)}
        ends.update(higher)
        return bool(higher)
