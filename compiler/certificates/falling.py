"""What is proved of rounds that need nobody and no time (F005): a closed graph in, claims that a number falls, out.

No run goes round for ever by itself, since it takes only so many steps of these: each lowers the level, or keeps it and
settles or undoes something.
"""

from __future__ import annotations

from collections.abc import Iterator

from ..checks.components import strong
from ..checks.graph import Edge
from ..checks.inquiry import Inquiry
from ..checks.instant import at_once, lasts
from ..checks.moves import MoveKind
from ..formats.smtlib import BOOL, INT, Definition, either
from .assertions import Claim
from .inductive import INVARIANT, Inductive
from .machine import FLY, LOG, OVER, next_
from .order import levels
from .relation import AT, Relation

BY_ITSELF = {MoveKind.ANSWER, MoveKind.SETTLE, MoveKind.UNDONE, MoveKind.TIMER}

LEVEL, DUE, UNSETTLED, FALLS = "level", "due", "unsettled", "falls"


class Falling:
    """The numbers of one flow that fall. `definitions` are what the claims are about."""

    def __init__(self, inquiry: Inquiry, relation: Relation, inductive: Inductive) -> None:
        self.inquiry = inquiry
        self.graph = inquiry.graph
        self.relation = relation
        self.machine = relation.machine
        self.inductive = inductive
        self.definitions: dict[str, Definition] = {}

    def _define(self, name: str, sort: str, body: str, comment: str = "") -> str:
        """A name for a term over the state, and one for what it is after a step."""
        if name not in self.definitions:
            self.definitions[name] = Definition(name, (), sort, body, comment)
            self.definitions[next_(name)] = self.inductive.afterwards(name, sort, body)
        return name

    def claims(self) -> Iterator[Claim]:
        """A step without an event, a task or time lowers the level, or keeps it and settles or undoes something. A
        timer that takes some time may fire so, but not twice: armed anew, it has that to go."""
        clock = self.machine.clock
        fixed = [t for t in self.machine.clocks if lasts(self.inquiry, t) and not clock.counts(t)]
        due = [f"(ite (and armed/{timer} (= left/{timer} 0)) 1 0)" for timer in fixed]
        self._define(DUE, INT, f"(+ {' '.join(due)} 0 0)", "timers that are due")
        self._define(LEVEL, INT, self._level(), "so many calls and timers there may be yet, without time")
        self.unsettled()
        falls = (
            f"(or (< {next_(DUE)} {DUE}) (and (<= {next_(DUE)} {DUE}) (or (< {next_(LEVEL)} {LEVEL}) "
            f"(and (<= {next_(LEVEL)} {LEVEL}) (<= 0 {UNSETTLED}) (< {next_(UNSETTLED)} {UNSETTLED})))))"
        )
        self.definitions[FALLS] = Definition(FALLS, (), BOOL, falls, "in this order, and none of them below nothing")
        for steps in self.relation.grouped().values():
            names = [name for name, step in steps.items() if step.move.kind in BY_ITSELF]
            if names:
                yield Claim((INVARIANT, either(names), *self.relation.at_once), FALLS)

    def _level(self) -> str:
        """The level of a state as that of its nodes, the lowest if it is in several."""
        found: dict[int, dict[str, None]] = {}
        for node, level in zip(self.graph.nodes, levels(len(self.graph.nodes), self._alone()), strict=True):
            found.setdefault(level, {})[self.inductive.node(node.id)] = None
        highest = max(found, default=0)  # where every start faults there is no node
        term = str(highest)
        for level in sorted(found.keys() - {highest}, reverse=True):
            term = f"(ite {either([*found[level]])} {level} {term})"
        return term

    def _alone(self) -> list[Edge]:
        """The steps of all rounds in no time, and timers that count since a place was entered and are on no round."""
        known = at_once(self.inquiry)
        counting = [
            edge
            for edge in self.graph.edges()
            if edge.source >= 0 and edge.move.kind is MoveKind.TIMER and self.machine.clock.counts(edge.move.name)
        ]
        edges = {id(edge): edge for edge in (*known, *counting)}
        round = {id(edge) for group in strong(len(self.graph.nodes), [*edges.values()]) for edge in group}
        return [*known, *(edge for edge in counting if id(edge) not in round)]

    @property
    def less(self) -> str:
        """That a step settles or undoes something, and begins nothing that may have to be."""
        return f"(<= 0 {next_(UNSETTLED)} (- {UNSETTLED} 1))"

    def unsettled(self) -> str:
        """How much there is to settle and to undo; what is in flight counts twice, since it may be undone when it is
        settled."""

        def weighed(part: str) -> str:
            names = self.machine.entries(part)
            return f"(+ {' '.join(f'(* 2 {name})' if f'/{FLY}/' in name else name for name in names)} 0 0)"

        body = f"(+ {weighed(LOG)} (ite (compensating {AT}) {weighed(OVER)} 0))"
        return self._define(UNSETTLED, INT, body, "what may be settled or undone yet")
