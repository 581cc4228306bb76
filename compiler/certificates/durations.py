"""How long things take: the relation of a model in; clocks of calls and of compensations beside it, as SMT-LIB, out.

Nothing bounds how long a call takes in the relation: it may be parked, or wait for ever. That it keeps its budget is
what F204 assumes, so the clocks are beside the relation, and `in-time` is given to the claims of F204 alone. What is
left of a call is its budget when it begins, and falls as time passes. What is left of a compensation is at most what
all takes together that it has yet to settle and to undo. Time in which something is parked does not count (`counted`):
it passes for timers, and not for calls that may be parked. Microseconds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

from ..checks.control import Control
from ..checks.graph import Node
from ..checks.inquiry import Inquiry
from ..checks.latest import UNDOING, settling, undoing
from ..formats.smtlib import BOOL, INT, Definition, both, either, number
from .assertions import Claim
from .inductive import NONE, Inductive
from .machine import ELAPSED, FLY, OVER, STATUS, Machine, next_
from .relation import AT, Relation, Step

COUNTED, SPENT = "counted", "spent"
"""Of the time that passes until the next step, what is not parked; and all of it since a moment that is asked about."""

UNDO_LEFT, UNDO_MOST = "undo-left", "undo-most"
IN_TIME, LIMITS = "in-time", "limits"
COUNTS, BEGINS = "spends", "begins-to-spend"

Until = Mapping[str, int]
"""By what is under way (a timer, the leaf of a call, UNDOING), when it ends at the latest, since that moment."""


class Durations:
    """The clocks of one flow, and the steps of its relation with them. `definitions`: by name."""

    def __init__(self, inquiry: Inquiry, relation: Relation, inductive: Inductive) -> None:
        self.kernel = inquiry.kernel
        self.relation = relation
        self.machine: Machine = relation.machine
        self.inductive = inductive
        self.latest = inquiry.latest
        longest = ((leaf, self.latest.answered(leaf)) for leaf in self.machine.calls)
        self.longest = {leaf: length for leaf, length in longest if length is not None}
        self.costs = {entry: cost for entry in self.machine.entries(OVER) if (cost := self._cost(entry)) is not None}
        self.variables = [SPENT, UNDO_LEFT, *map(call_left, self.longest)]
        self.definitions: dict[str, Definition] = {}
        self._times: dict[str, str] = {}
        inductive.know(self.variables)
        self._define_state()
        self.starts = [self._timed(f"start/{index + 1}", step) for index, step in enumerate(relation.starts)]
        for name, step in relation.numbered():
            self._timed(name, step)

    def _cost(self, entry: str) -> int | None:
        """How long a compensation is busy with an entry at the most; None: nobody knows."""
        _, status, sort = entry.split("/", 2)
        activity = self.kernel.activity[sort]
        settled, undone = settling(activity), undoing(activity) if self.machine.undoable(sort) else 0
        if settled is None or undone is None:
            return None
        return settled + undone if status == FLY else undone

    def some(self, steps: Iterable[str]) -> str:
        """The name of that one of some steps is taken, with its clocks."""
        body = either(timed(steps))
        if body not in self._times:
            self._times[body] = self._define(f"timed-steps/{len(self._times) + 1}", BOOL, body)
        return self._times[body]

    def parks(self, leaf: str) -> bool:
        """Whether an operator may be waited for before the call of a leaf is answered."""
        activity = self.kernel.activity[self.machine.calls[leaf].activity]
        return activity.retry.park or activity.flow  # a sub-flow may park calls of its own

    def kept(self) -> Iterator[Claim]:
        """What is said of all clocks holds at the start, and is kept."""
        yield Claim((either(self.starts),), next_(LIMITS))
        for kind, steps in self.relation.grouped().items():
            yield Claim((self.inductive.source(kind), LIMITS, self.some(steps)), next_(LIMITS))

    def declared(self) -> list[str]:
        return [f"(declare-fun {name} () Int)" for name in (COUNTED, *self.variables, *map(next_, self.variables))]

    # ------------------------------------------------------------ what is so of the clocks

    def _define(self, name: str, sort: str, body: str, comment: str = "") -> str:
        self.definitions[name] = Definition(name, (), sort, body, comment)
        self.inductive.know([name])
        return name

    def _define_both(self, name: str, sort: str, body: str, comment: str) -> None:
        """A term over the state, before a step and after it."""
        self._define(name, sort, body, comment)
        self.definitions[next_(name)] = self.inductive.afterwards(name, sort, body)

    def _define_state(self) -> None:
        for leaf, length in self.longest.items():
            activity = self.machine.calls[leaf].activity
            self.definitions[most(leaf)] = Definition(most(leaf), (), INT, number(length), f"{activity} is answered")
        each = [f"(* {number(cost)} {entry})" for entry, cost in self.costs.items()]
        self._define_both(UNDO_MOST, INT, f"(+ {' '.join(each)} 0 0)", "what a compensation has yet to do takes")
        running = [(leaf, f"(> runs/{leaf} 0)") for leaf in self.longest]
        undoing = f"(compensating {AT})"
        still = [f"(=> {runs} (>= {call_left(leaf)} 0))" for leaf, runs in running]
        said = "what is under way takes no longer than it may"
        self._define_both(IN_TIME, BOOL, both([*still, f"(=> {undoing} (>= {UNDO_LEFT} 0))"]), said)
        within = [f"(=> {runs} (<= {call_left(leaf)} {most(leaf)}))" for leaf, runs in running]
        known = both([undoing, *self._all_known(str)])
        limits = [*within, *self._with_calls(), f"(=> {known} (<= {UNDO_LEFT} {UNDO_MOST}))"]
        said = "no more is left than there was, and timers began with the calls of their states"
        self._define_both(LIMITS, BOOL, both(limits), said)
        self._define(COUNTS, BOOL, f"(= {next_(SPENT)} (+ {SPENT} {COUNTED}))")
        self._define(BEGINS, BOOL, f"(= {next_(SPENT)} {COUNTED})")

    def _all_known(self, named: Callable[[str], str]) -> list[str]:
        """That a compensation has nothing to do of which nobody knows how long it takes."""
        return [f"(= {named(entry)} 0)" for entry in self.machine.entries(OVER) if entry not in self.costs]

    def _with_calls(self) -> Iterator[str]:
        """A timer of a leaf began with its call; so the call ends before it, if it never takes so long."""
        for timer in self.machine.clocks:
            leaf, length = self.machine.clock.place[timer], self.machine.clock.length(timer)
            known = leaf in self.longest and not self.parks(leaf) and not self.machine.clock.counts(timer)
            if known and length is not None:
                apart = f"(- {most(leaf)} {number(length)})"
                given = f"(and armed/{timer} (> runs/{leaf} 0))"
                yield f"(=> {given} (<= (- {call_left(leaf)} left/{timer}) {apart}))"

    # ------------------------------------------------------------ steps

    def _timed(self, name: str, step: Step) -> str:
        """The name of a step with what it does to the clocks."""
        begins = step.passage is not None and step.here is not None and step.here[0][0] != "at"
        body = both([*self._passing(), *self._calls(step), *self._undone(begins)])
        if body not in self._times:
            self._times[body] = self._define(f"clocks/{len(self._times) + 1}", BOOL, body)
        return self._define(f"timed/{name}", BOOL, both([name, self._times[body]]))

    def _passing(self) -> list[str]:
        """What is parked does not count. A deadline that is due while it compensates waits, and time passes on."""
        deadline = self.machine.clock.deadline
        known = [f"(<= {COUNTED} {ELAPSED})"]
        if deadline in self.machine.clocks:
            due = f"(= {next_(f'left/{deadline}')} 0)"
            overdue = both([f"(compensating {next_(AT)})", next_(f"armed/{deadline}"), due])
            known = [f"(or {known[0]} {overdue})"]
        return [f"(>= {ELAPSED} 0)", f"(>= {COUNTED} 0)", *known]

    def _calls(self, step: Step) -> Iterator[str]:
        for leaf in self.longest:
            before = most(leaf) if leaf in step.change.called else call_left(leaf)
            yield f"(= {next_(call_left(leaf))} (- {before} {COUNTED if self.parks(leaf) else ELAPSED}))"

    def _undone(self, begins: bool) -> Iterator[str]:
        undoing, left = f"(compensating {next_(AT)})", f"(+ {next_(UNDO_LEFT)} {COUNTED})"
        if not begins:
            yield f"(=> {undoing} (<= {left} {UNDO_LEFT}))"
        yield f"(=> {both([undoing, *self._all_known(next_)])} (<= {left} {next_(UNDO_MOST)}))"

    # ------------------------------------------------------------ nodes

    def undo_most(self, control: Control) -> int | None:
        """How long a compensation in a node may take yet; None: nobody knows."""
        counts = self.inductive.counts(control.log[control.undo_mark :])
        total = 0
        for sort in self.machine.logged:
            for status in STATUS:
                many, cost = counts.get(f"{status}/{sort}", NONE), self.costs.get(f"{OVER}/{status}/{sort}")
                if many.open or (many.least and cost is None):
                    return None
                total += many.least * (cost or 0)
        return total

    def lengths(self, node: Node) -> Until:
        """What is under way in a node, and how long it takes if it has just begun."""
        control = node.control
        lengths = ((timer, self.latest.lasts(node, timer)) for timer in node.zone.names)
        found = {timer: length for timer, length in lengths if length is not None}
        found |= {leaf: self.longest[leaf] for leaf, *_ in control.running if leaf in self.longest}
        undo = None if control.resting or control.finished else self.undo_most(control)
        return found if undo is None else {**found, UNDOING: undo}

    def left(self, name: str) -> str:
        """What is left of it, as a variable."""
        if name == UNDOING:
            return UNDO_LEFT
        return call_left(name) if name in self.longest else f"left/{name}"

    def until(self, name: str, node: Node, ends: Until) -> str:
        """Define, and name, that in a node everything ends when it does at the latest."""
        parts = [f"(<= (+ {SPENT} {self.left(each)}) {number(end)})" for each, end in sorted(ends.items())]
        self._define_both(f"{name}/{node.id}", BOOL, both(parts), "")
        return f"{name}/{node.id}"


def call_left(leaf: str) -> str:
    return f"call-left/{leaf}"


def most(leaf: str) -> str:
    return f"call-most/{leaf}"


def timed(names: Iterable[str]) -> list[str]:
    """The names of some steps with their clocks."""
    return [f"timed/{name}" for name in names]
