"""`A leads to B within D`: does every run that comes to A come to B, in that time?

The longest way through the closed graph from the places with A, those with B taken away. Assumed, and only here: a call
answers within its budget, attempts times timeout and the waits between; so does a compensation. Time parked with an
operator does not count. Events and tasks come as late as the timers of the place allow; where there is no timer, never.
A compensation counts as `compensating` also when there is nothing to undo. Refuted by a run that ends, waits, or goes
round without B, or takes longer; a longest way that does not replay is unknown.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import timedelta

from ...dsl.diagnostics import Fix
from ...dsl.model import Compensation, DurationType, Expr, LeadsTo, Literal, Retry
from ..evaluate import Fault, shown
from ..simulate import holds
from ..trace import place
from .claims import RULE, holds_in
from .graph import Arrival, Edge, Node
from .inquiry import Finding, Inquiry
from .livelock import follow, ring, round_trip, strong, way
from .moves import MoveKind
from .rewrite import placed
from .verdict import Answer

MICRO = timedelta(microseconds=1)


def budget(timeout: timedelta, retry: Retry) -> int | None:
    """The longest a call may take, in microseconds, parking not counted; None: without end."""
    if retry.attempts is None:
        return None
    waits = sum((min(retry.first * 2**n, retry.limit) for n in range(min(retry.attempts - 1, 60))), timedelta(0))
    waits += retry.limit * max(0, retry.attempts - 61)
    return (timeout * retry.attempts + waits) // MICRO


def _drives(edge: Edge) -> bool:
    """Whether going round over an edge can go on for ever: calls are settled, and undone, only as often as made."""
    return not edge.stay and edge.move.kind not in {MoveKind.SETTLE, MoveKind.UNDONE}


def answer(inquiry: Inquiry, claim: LeadsTo) -> Answer:
    return _Question(inquiry, claim).answer()


class _Question:
    def __init__(self, inquiry: Inquiry, claim: LeadsTo) -> None:
        self.inquiry = inquiry
        self.claim = claim
        self.graph = inquiry.graph
        self.clock = inquiry.explorer.clock
        self.text = " ".join(inquiry.kernel.source.slice(claim.span).split())
        self.subject = f"`{self.text}`"
        self._met: dict[int, bool] = {}

    def answer(self) -> Answer:
        inquiry, claim = self.inquiry, self.claim
        if not self.graph.complete:
            return inquiry.proved(RULE, self.subject, claim.span)
        sources = self._sources()
        inner = self._inside(sources)
        stuck = [node for node in inner if self._never_ends(node)]
        if stuck:
            runs = (run for node in stuck for run in self._runs_to(sources, inner, node))
            return inquiry.by_run(RULE, self.subject, claim.span, runs, self._without, self._stays)
        ids = {node.id for node in inner}
        edges = [edge for node in inner for edge in self._onward(node)]
        kept = [edge for edge in edges if edge.target in ids]
        groups = strong(len(self.graph.nodes), kept)
        for group in groups:
            if any(map(_drives, group)) and not self._ended_by_deadline(group):
                return self._goes_round(group)
        if claim.within is None:
            return inquiry.proved(RULE, self.subject, claim.span)
        if any(self._bound(node) is None for node in inner):
            return self._unknown("when a timer falls due depends on data")
        if any(not edge.stay and not _drives(edge) for group in groups for edge in group):
            return self._unknown("how many calls there may be to undo is not bounded")
        return self._timed(sources, kept, edges)

    def _unknown(self, reason: str) -> Answer:
        return self.inquiry.unknown(RULE, self.subject, self.claim.span, reason)

    def _goes_round(self, group: list[Edge]) -> Answer:
        """A cycle without B: refuted by a run that goes round, every step of which all data take; else unknown."""
        cycle = ring(self.inquiry, group, _drives)
        trip = None if cycle is None else round_trip(self.inquiry, cycle, _drives)
        if trip is None or not self._without(trip):
            return self._unknown("a cycle that does not come to it was not ruled out")
        return self.inquiry.by_run(RULE, self.subject, self.claim.span, [trip], self._without, self._rounds)

    # ------------------------------------------------------------ runs

    def _without(self, arrival: Arrival) -> bool:
        """Whether a run comes to A, and not to B from there on."""
        run = arrival.run()
        since = 0 if self.claim.trigger is None else None
        for index, step in enumerate(run):
            if self._goal(step) or (since is not None and self._passes(step)):
                since = None
            elif self.claim.trigger is not None and since is None and self._holds(self.claim.trigger, step):
                since = index
        return since is not None

    def _goal(self, step: Arrival) -> bool:
        return self._holds(self.claim.goal, step)

    def _holds(self, condition: Expr, step: Arrival) -> bool:
        try:
            return holds(self.inquiry.kernel, step.instance, condition, step.now)
        except Fault:
            return True  # F402 or F403 speaks of it; it shows nothing here

    def _runs_to(self, sources: Sequence[Node], inner: Sequence[Node], goal: Node) -> Iterator[Arrival]:
        """The run to a node that is known, and one from A to it; one that is not real if neither stays without B."""
        first = goal.arrivals[0]
        ids = {node.id for node in inner}
        edges = {id: [e for e in self._onward(self.graph.nodes[id]) if e.real and e.target in ids] for id in ids}
        found = first.real and self._without(first)
        if found:
            yield first
        for source in sources if not found else ():
            steps = way(edges, source.id, goal.id) if source.real else None
            at: Arrival | None = source.arrivals[0]
            for edge in steps or ():
                at = None if at is None else follow(self.inquiry, at, edge, at.now)
            if steps is not None and at is not None and self._without(at):
                yield at
                return
        if not found:
            yield replace(first, real=False)

    def _stays(self, arrival: Arrival) -> Finding:
        ended = arrival.instance.finished
        reason = "the run has ended there." if ended else "nothing has to happen there, so the run may stay for ever."
        return self._finding("a run never gets there", (reason,))

    def _rounds(self, arrival: Arrival) -> Finding:
        name = place(arrival.instance)
        return self._finding(
            "a run goes round without it", (f"from `{name}` it can come back to `{name}`, again and again.",)
        )

    def _finding(self, label: str, why: tuple[str, ...]) -> Finding:
        fixes = (Fix("mend the flow, or the property"),)
        return Finding(f"`{self.text}` does not hold", self.claim.span, label, why=why, fixes=fixes)

    # ------------------------------------------------------------ where A and B are

    def _sources(self) -> list[Node]:
        if self.claim.trigger is None:
            ids = dict.fromkeys(edge.target for edge in self.graph.begin if not self._passes(edge))
            return [self.graph.nodes[id] for id in ids if not self._met_in(self.graph.nodes[id])]
        trigger = self.claim.trigger
        return [
            node
            for node in self.graph.nodes
            if not self._met_in(node) and holds_in(self.inquiry, node, trigger, wanted=True)
        ]

    def _met_in(self, node: Node) -> bool:
        """Whether B holds in a node, for all its data."""
        if node.id not in self._met:
            self._met[node.id] = not holds_in(self.inquiry, node, self.claim.goal, wanted=False)
        return self._met[node.id]

    def _passes(self, step: Edge | Arrival) -> bool:
        """Whether a compensation with nothing to undo, on the way of a step, makes B true by itself."""
        undone = sum(taken.command is None for taken in step.taken)
        if step.move is not None and step.move.kind in {MoveKind.SETTLE, MoveKind.UNDONE}:
            undone -= 1
        goal = placed(self.claim.goal, dict.fromkeys(self.inquiry.kernel.place, False))
        return undone > 0 and isinstance(goal, Literal) and goal.value is True

    def _inside(self, sources: Sequence[Node]) -> list[Node]:
        """The nodes that can be reached from A before B."""
        found = dict.fromkeys(node.id for node in sources)
        todo = list(found)
        while todo:
            for edge in self._onward(self.graph.nodes[todo.pop()]):
                if edge.target not in found and not self._met_in(self.graph.nodes[edge.target]):
                    found[edge.target] = None
                    todo.append(edge.target)
        return [self.graph.nodes[id] for id in sorted(found)]

    def _onward(self, node: Node) -> list[Edge]:
        return [
            edge for edge in self.graph.out[node.id] if not self._passes(edge) and self._latest(node, edge) is not None
        ]

    # ------------------------------------------------------------ how long

    def _bound(self, node: Node) -> int | None:
        """How long after its place was entered something happens in a node at the latest; None: perhaps never."""
        kernel, at = self.inquiry.kernel, node.instance
        if at.undoing is not None:
            entry = at.log[-1]
            activity = kernel.activity[entry.activity]
            if at.undoing.running is None:
                return budget(activity.timeout, activity.retry)
            assert isinstance(activity.effect, Compensation), "only what can be undone is being undone"
            return budget(activity.effect.timeout, activity.effect.retry)
        bounds = [self.clock.dwell(node.control).high]
        bounds += [self._answered(node)] if at.calls else []
        if self.clock.tracked(node.control) and self.clock.limit is not None:
            bounds.append(max(0, self.clock.limit - node.window.low))
        return min((bound for bound in bounds if bound is not None), default=None)

    def _answered(self, node: Node) -> int | None:
        """When the call of a node has been answered, or parked, at the latest."""
        activity = self.inquiry.kernel.activity[node.instance.calls[0].activity]
        return budget(activity.timeout, activity.retry)

    def _latest(self, node: Node, edge: Edge) -> int | None:
        """How long after the place was entered an edge comes at the latest; None: it cannot, calls having answered."""
        bound = self._bound(node)
        if edge.move.kind is not MoveKind.TIMER:
            return 0 if bound is None else bound
        length = self.clock.length(edge.move.name) if edge.move.name != self.clock.deadline else bound
        if node.instance.calls and length is not None:
            answered = self._answered(node)
            activity = self.inquiry.kernel.activity[node.instance.calls[0].activity]
            if answered is not None and answered < length:
                return answered if activity.retry.park else None
        return length if length is not None else bound if bound is not None else 0

    def _never_ends(self, node: Node) -> bool:
        """Whether a run may stay in a node, and so without B, for ever: it is finished, or nothing has to happen."""
        return node.control.finished or (self._bound(node) is None and not self._waits_for_data(node))

    def _waits_for_data(self, node: Node) -> bool:
        """Whether a timer is armed whose moment is data: it comes, and nobody knows when."""
        control = node.control
        return control.resting and any(self.clock.length(timer) is None for timer in control.timers)

    def _ended_by_deadline(self, group: list[Edge]) -> bool:
        return all(self.clock.tracked(self.graph.nodes[edge.source].control) for edge in group)

    def _timed(self, sources: Sequence[Node], kept: Sequence[Edge], edges: Sequence[Edge]) -> Answer:
        """The longest way: to every place, and on to B."""
        assert self.claim.within is not None, "only asked with a time"
        allowed = self.claim.within // MICRO
        entered: dict[int, int] = {node.id: 0 for node in sources}  # when a place was entered, at the latest
        came: dict[int, Edge] = {}
        for _ in range(len(self.graph.nodes) + 1):
            later = [
                (edge, time)
                for edge in kept
                if edge.source in entered
                and (time := self._time(entered[edge.source], edge)) > entered.get(edge.target, -1)
            ]
            for edge, time in later:
                if time > entered.get(edge.target, -1):
                    entered[edge.target], came[edge.target] = time, edge
            if not later:
                break
        else:
            return self.inquiry.unknown(RULE, self.subject, self.claim.span, "the longest way was not found")
        ends = [(self._left(entered[edge.source], edge), edge) for edge in edges if edge.source in entered]
        longest, last = max(ends, key=lambda end: end[0], default=(0, None))
        said = shown(longest * MICRO, DurationType())
        if longest <= allowed or last is None:
            return self.inquiry.proved(RULE, self.subject, self.claim.span, f"at the longest {said}")
        late = self._late(last, came, sources, allowed)
        if late is None:
            reason = f"it may take {said}, and no run was found that does"
            return self.inquiry.unknown(RULE, self.subject, self.claim.span, reason)
        finding = self._finding(f"can take {said}", (f"the longest run takes {said}, when every answer comes last.",))
        return self.inquiry.refuted(RULE, self.subject, self.claim.span, finding, self.inquiry.tracer.tell(late))

    def _left(self, entered: int, edge: Edge) -> int:
        """When an edge comes at the latest, its place having been entered so late."""
        node = self.graph.nodes[edge.source]
        time = entered + (self._latest(node, edge) or 0)
        return (
            time if self.clock.limit is None or not self._bounded(node) else max(entered, min(time, self.clock.limit))
        )

    def _time(self, entered: int, edge: Edge) -> int:
        """When the target of an edge was entered, at the latest: a `stay` enters nothing."""
        return entered if edge.stay else self._left(entered, edge)

    def _bounded(self, node: Node) -> bool:
        return self.clock.tracked(node.control) and node.control.resting

    def _late(self, last: Edge, came: dict[int, Edge], sources: Sequence[Node], allowed: int) -> Arrival | None:
        """The longest way as a run, every step as late as it may be."""
        legs = [last]
        first = {node.id for node in sources}
        while legs[0].source in came and len(legs) < len(self.graph.nodes):
            legs.insert(0, came[legs[0].source])
        if legs[0].source not in first:
            return None
        home = self.graph.nodes[legs[0].source]
        at = self.inquiry.tracer.replayed(home.arrivals[0], self.inquiry.among([home])) if home.real else None
        if at is None:
            return None
        begin = entered = at.now
        for edge in legs:
            node = self.graph.nodes[edge.source]
            wait = self._latest(node, edge) or 0
            now = max(at.now, entered + timedelta(microseconds=0 if edge.stay else wait))
            step = follow(self.inquiry, at, edge, now)
            if step is None or not self.inquiry.tracer.in_time(at, step) or step.taken != edge.taken:
                return None
            at = step
            entered = entered if edge.stay else at.now
        before = at.before
        late = (at.now - begin) // MICRO > allowed
        return at if late and before is not None and self._without(before) else None
