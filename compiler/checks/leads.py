"""`A leads to B within D`: does every run that comes to A come to B, and in that time?

Asked of the closed graph, from the places with A, those with B taken away. Assumed, here and in `latest`: a call
answers within its budget. Events and tasks come as late as the timers of the place allow; where there is no timer,
never. A compensation counts as `compensating` also when there is nothing to undo. Refuted by a run that ends, waits, or
goes round without B (F301), or takes longer (F204); a longest way that does not replay is unknown.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from datetime import timedelta
from functools import cached_property, partial

from ...dsl.diagnostics import Fix, Rule
from ...dsl.model import DurationType, Elapsed, Expr, LeadsTo, Literal
from ...dsl.values import replace
from ..evaluate import Fault, shown
from ..instance import Taken
from ..simulate import holds
from ..trace import place
from .claims import RULE, may_hold, occurs
from .components import strong
from .following import follow
from .graph import Arrival, Edge, Node
from .inquiry import Finding, Inquiry
from .latest import MICRO, gated
from .livelock import ring, round_trip, way
from .moves import STARTING, Move, MoveKind
from .queues import Events, by_event
from .remaining import Out, Remaining, drives
from .rewrite import inside, placed
from .slowest import Onward, Slow, as_late, onward, prolonged, slowest, took
from .undoing import BALKS, doubtful
from .verdict import Answer, Verdict, Witness
from .waiting import Leg, waiting_run

MOST_TRIED = 20  # ways to be late
BESIDE = "add a timer of the longest time that this may be, written out: the first of the two ends the wait"
Passing = tuple[int, bool]
"""A node, and whether it is passed in the middle of a step, by an event that has waited."""


def eventually(inquiry: Inquiry, claim: LeadsTo) -> Answer:
    """Whether every run that comes to A comes to B, some time."""
    return Question(inquiry, claim).eventually()


def timely(inquiry: Inquiry, claim: LeadsTo, rule: Rule) -> Answer | None:
    """Whether it comes there in time; None: not even that it comes there is proved, which is `eventually`'s to say."""
    question = Question(inquiry, claim, rule)
    return question.timely() if question.eventually().verdict is Verdict.PROVED else None


class Question:
    def __init__(self, inquiry: Inquiry, claim: LeadsTo, rule: Rule = RULE) -> None:
        self.inquiry = inquiry
        self.claim = claim
        self.graph = inquiry.graph
        self.latest = inquiry.latest
        self.text = " ".join(inquiry.kernel.source.slice(claim.span).split())
        self.subject = f"`{self.text}`"
        self.rule = rule
        self._met: dict[int, bool] = {}
        self._came: dict[Passing, tuple[Passing, Edge] | None] = {}  # where it was come from first, and how

    def eventually(self) -> Answer:
        inquiry, claim = self.inquiry, self.claim
        if not self.graph.complete:
            return inquiry.proved(RULE, self.subject, claim.span, self._seen)
        stuck = [node for node in self.inner if not self.met(node) and self.latest.never_ends(node)]
        sure = [node for node in stuck if self.latest.awaited(node) is None]
        if sure:
            runs = (run for node in sure for run in self._runs_to(self.sources, self.inner, node))
            by_run, seen = inquiry.by_run, self._seen
            return by_run(RULE, self.subject, claim.span, runs, self._without, self._stays, seen, shortest=False)
        for group in self.groups:
            if any(map(drives, group)) and self.latest.ended_by(group) is None and not self.latest.overtaken(group):
                return self._goes_round(group)
        if stuck or doubtful(inquiry):
            return self._unknown((self.latest.awaited(stuck[0]) if stuck else BALKS) or "")
        return inquiry.proved(RULE, self.subject, claim.span, self._seen)

    def timely(self) -> Answer:
        if unbounded := [node for node in self.inner if not self.latest.spans(node)]:
            reason = "when a timer falls due depends on data"
            return self._missed_there(unbounded) or self._unknown(reason, BESIDE)
        if any(not edge.stay and not drives(edge) for group in self.groups for edge in group):
            return self._unknown("how many calls there may be to undo is not known")
        return self._timed()

    @cached_property
    def sources(self) -> list[Node]:
        return self._sources()

    @cached_property
    def inner(self) -> list[Node]:
        return self._inside(self.sources)

    @cached_property
    def edges(self) -> list[Edge]:
        return [edge for node in self.inner for edge in self._onward(node)]

    @cached_property
    def kept(self) -> list[Edge]:
        ids = {node.id for node in self.inner}
        return [edge for edge in self.edges if edge.target in ids]

    @cached_property
    def groups(self) -> list[list[Edge]]:
        """The rounds without B: over a place with B, which is passed by an event that has waited, only where more of
        these may come to wait on the way. Else the last one has been taken some time."""
        edges = self.kept
        while True:
            groups = strong(len(self.graph.nodes), edges)
            drained = {id(edge) for group in groups for edge in self._drained(group)}
            if not drained:
                return groups
            edges = [edge for edge in edges if id(edge) not in drained]

    def _drained(self, group: Sequence[Edge]) -> list[Edge]:
        """The edges of a round over which it cannot be gone round for ever, since what leads on there has waited."""
        sources = {edge.source: self.graph.nodes[edge.source] for edge in group}
        coming = Events().union(*(self.inquiry.queues.coming(node) for node in sources.values() if not self.met(node)))
        return [edge for edge in group if self.met(sources[edge.source]) and edge.move.name not in coming]

    def _unknown(self, reason: str, help: str = "") -> Answer:
        return self.inquiry.unknown(self.rule, self.subject, self.claim.span, reason, help)

    def _goes_round(self, group: list[Edge]) -> Answer:
        """A cycle without B: refuted by a run that goes round, every step of which all data take; else unknown."""
        if self._under_deadline(group):
            group = [edge for edge in group if edge.move.kind is not MoveKind.TIMER]
        cycle = ring(self.inquiry, group, drives)
        if cycle is not None and (reason := self.latest.perhaps_ended(cycle)) is not None:
            return self._unknown(reason)
        if cycle is not None and (self.latest.ended_by(cycle) is not None or self.latest.overtaken(cycle)):
            cycle = None  # only other rounds, over what puts off what ends this one, may go on
        trip = None if cycle is None else self._trip(cycle)
        if trip is None:
            return self._unknown("a cycle that does not come to it was not ruled out")
        by_run, span, seen = self.inquiry.by_run, self.claim.span, self._seen
        return by_run(RULE, self.subject, span, [trip], self._without, self._rounds, seen, shortest=False)

    def _trip(self, cycle: Sequence[Edge]) -> Arrival | None:
        """A run that goes round a cycle, and does not come to B from A on."""
        trip = round_trip(self.inquiry, cycle, drives)
        if trip is not None and self._without(trip):
            return trip
        waited = self._waited(self.graph.nodes[cycle[0].source])
        trip = None if waited is None else round_trip(self.inquiry, cycle, drives, waited)
        return trip if trip is not None and self._without(trip) else None

    def _under_deadline(self, group: Sequence[Edge]) -> bool:
        """Whether the deadline is armed all the time. A compensation puts it off, so that it may be overdue at each
        rest on the way; an answer can come before it even then, but no timer that has yet to run."""
        deadline = self.latest.clock.deadline
        nodes = (self.graph.nodes[edge.source] for edge in group)
        return deadline is not None and all(deadline in {*node.zone.names, *node.control.timers} for node in nodes)

    # ------------------------------------------------------------ what shows that it happens

    def _seen(self) -> Witness:
        """A run that comes to A and then to B; else one that comes to both at once; else that there is no A."""
        ids = {node.id for node in self.inner}
        there = [edge for edge in self.edges if edge.target not in ids]
        seen = self.inquiry.seen(there, "comes to it, and then to what it leads to", "")
        if not seen.vacuous:
            return seen
        if self.claim.trigger is None:
            return self.inquiry.seen(self.graph.begin, "comes to it at once", "no run comes to it")
        text = " ".join(self.inquiry.kernel.source.slice(self.claim.trigger.span).split())
        found = occurs(self.inquiry, self.claim.trigger)
        return self.inquiry.seen(found, f"comes to where `{text}`", f"`{text}` is never so")

    def _longest(self, said: str) -> Witness:
        seen = self._seen()
        return Witness(seen.text if seen.vacuous else f"at the longest {said}; {seen.text}", seen.vacuous)

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
            yield self._waited(goal) or replace(first, real=False)

    def _waited(self, goal: Node) -> Arrival | None:
        """A run from A on to a node, on which an event that has waited leads on where it would have come to B."""
        legs: list[Leg] = []
        at: Passing = goal.id, False
        while (came := self._came.get(at)) is not None:
            at, edge = came
            legs.insert(0, Leg(edge, waited=at[1]))
        found = waiting_run(self.inquiry, self.graph.nodes[at[0]].arrivals[0], legs, goal)
        return found if found is not None and self._without(found) else None

    def _stays(self, arrival: Arrival) -> Finding:
        ended = arrival.instance.finished
        reason = "the run has ended there." if ended else "nothing has to happen there, so the run may stay for ever."
        activities = self.inquiry.kernel.activity
        if any(not call.answer and gated(activities[call.activity]) for call in arrival.instance.calls):
            reason = "behind a breaker or a limit a call waits for those of other instances, however long."
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
            return [self.graph.nodes[id] for id in ids if not self.met(self.graph.nodes[id])]
        trigger = self.claim.trigger
        return [
            node
            for node in self.graph.nodes
            if not self.met(node) and may_hold(self.inquiry, node, trigger, wanted=True)
        ]

    def met(self, node: Node) -> bool:
        """Whether B holds in a node, for all its data."""
        if node.id not in self._met:
            self._met[node.id] = not may_hold(self.inquiry, node, self.claim.goal, wanted=False)
        return self._met[node.id]

    def _passes(self, step: Edge | Arrival) -> bool:
        return self.passes(step.taken, step.move)

    def passes(self, way: Sequence[Taken], move: Move | None) -> bool:
        """Whether a compensation with nothing to undo, on the way of a step, makes B true by itself."""
        undone = sum(taken.command is None for taken in way)
        if move is not None and move.kind in {MoveKind.SETTLE, MoveKind.UNDONE}:
            undone -= 1
        goal = placed(self.claim.goal, dict.fromkeys(self.inquiry.kernel.place, False))
        return undone > 0 and isinstance(goal, Literal) and goal.value is True

    def _inside(self, sources: Sequence[Node]) -> list[Node]:
        """The nodes that can be reached from A before B. One with B is, where a run may pass it in the middle of a
        step, since an event that has waited leads on."""
        queues = self.inquiry.queues
        found = self._came
        found.update(dict.fromkeys((node.id, False) for node in sources))
        todo = deque(found)
        while todo:
            id, passed = todo.popleft()
            node = self.graph.nodes[id]
            waits = queues.arriving(node) if passed else queues.resting(node)
            for edge in self._onward(node):
                if passed and not (by_event(edge) and edge.move.name in waits):
                    continue
                target = self.graph.nodes[edge.target]
                reached = [(target.id, False)] if not self.met(target) else []
                reached += [(target.id, True)] if waits & queues.leaving(target) else []
                new = {each: ((id, passed), edge) for each in reached if each not in found}
                todo += new
                found.update(new)
        return [self.graph.nodes[id] for id in sorted({id for id, _ in found})]

    def _onward(self, node: Node) -> list[Edge]:
        return [edge for edge in self._in_time(node) if not self._passes(edge)]

    def _in_time(self, node: Node) -> list[Edge]:
        return [edge for edge in self.graph.out[node.id] if not self.latest.beaten(node, edge)]

    # ------------------------------------------------------------ how long

    def _timed(self) -> Answer:
        """The slowest ways from A, to B."""
        assert self.claim.within is not None, "only asked with a time"
        allowed = self.claim.within
        edges = {node.id: self._in_time(node) for node in self.inner}
        remaining = Remaining(self.graph, self.latest, Out(edges, self._passes))
        if any(node.id in remaining.trouble for node in self.sources):
            return self._unknown("the longest way was not found")
        ways = [*self._begun(remaining)]
        longest = max((each.most for each in ways), default=timedelta(0))
        said = shown(longest, DurationType())
        if longest <= allowed:
            return self.inquiry.proved(self.rule, self.subject, self.claim.span, self._longest(said))
        late = [each for each in ways if each.most > allowed]
        slow = slowest(self.inquiry, remaining, late, True, lambda slow: self._late(slow, allowed), MOST_TRIED)
        if slow is not None:
            return self._missed(slow, longest)
        return self._unknown(f"it may take {said}, and no run was found that does")

    def _begun(self, remaining: Remaining) -> Iterator[Onward]:
        """The ways from where A begins: with a step, or, where it asks for the time, perhaps later, when no more is
        left of what is under way than there was then."""
        trigger, graph, ids = self.claim.trigger, self.graph, {node.id for node in self.sources}
        begin = [edge for edge in graph.begin if edge.target in ids]
        if trigger is None or not any(isinstance(part, Elapsed) for part in inside(trigger)):
            before = sorted({each for id in ids for each in graph.sources[id]} if trigger is not None else ())
            steps = (edge for each in before for edge in graph.out[each] if edge.target in ids)
            yield from onward(remaining, (*begin, *steps))
            return
        for node in self.sources:
            here = Edge(-1, node.id, STARTING, (), False, node.real, (), node.length, partial(first, node))
            for each in remaining.ways[node.id]:
                most = each.bound.within(self.latest.left_at(node), ())
                yield from () if most is None else [Onward(here, each, most * MICRO)]

    def _missed_there(self, unbounded: Sequence[Node]) -> Answer | None:
        """That it is missed by a timer that data make as late as they like, in one of some nodes; None: that was not
        found."""
        assert self.claim.within is not None, "only asked with a time"
        clock = self.inquiry.explorer.clock
        out: dict[int, list[Edge]] = {node.id: [] for node in self.inner}
        for edge in (edge for edge in self.kept if edge.real):
            out[edge.source].append(edge)
        for node in unbounded[:MOST_TRIED]:
            steps = (way(out, source.id, node.id) for source in self.sources)
            before = min((found for found in steps if found is not None), key=len, default=None)
            timers = [e for e in self._onward(node) if e.move.kind is MoveKind.TIMER and clock.unknown(e.move.name)]
            for edge in timers if before is not None else ():
                late = self._played([*(before or ()), edge], self.claim.within)
                if late is not None:
                    return self._missed(late)
        return None

    def _missed(self, slow: Slow, longest: timedelta | None = None) -> Answer:
        """longest: what no run takes longer than, if it is known."""
        said = shown(took(slow), DurationType())
        which = "the longest run" if took(slow) == longest else "a run"
        finding = self._finding(f"can take {said}", (f"{which} takes {said}, when every answer comes last.",))
        trace, refuted = self.inquiry.tracer.tell(slow[0]), self.inquiry.refuted
        return refuted(self.rule, self.subject, self.claim.span, finding, trace, shortest=False)

    def _late(self, slow: Slow, allowed: timedelta) -> bool:
        """Whether a run shows that it takes longer from A to B than is allowed: A is so where it is counted from, and B
        not before the last step."""
        run, begin = slow
        trigger, before = self.claim.trigger, run.before
        begins = trigger is None or self._holds(trigger, run.run()[begin])
        return took(slow) > allowed and begins and before is not None and self._without(before)

    def _played(self, legs: Sequence[Edge], allowed: timedelta) -> Slow | None:
        """A way from a source as a run, every step as late as it may be, if that is too late; if data measure it, with
        such as make it too late, if there are.

        None: it cannot be played so, or it counts on the worst case of a sub-flow."""
        home, lent = self.graph.nodes[legs[0].source], self.latest.lent
        if home not in self.sources or not home.real or any(lent(self.graph.nodes[edge.source]) for edge in legs):
            return None
        at: Arrival | None = home.arrivals[0]
        for edge in legs:
            at = None if at is None else follow(self.inquiry, at, edge, at.now)
        if at is None or at.before is None or not at.real:
            return None
        since = home.arrivals[0].length - 1
        for run in (at, prolonged(self.inquiry, self.latest, at, since, allowed // MICRO + 1)):
            slow = None if run is None else as_late(self.inquiry, self.latest, run, since)
            if slow is not None and self._late(slow, allowed):
                return slow
        return None


def first(node: Node) -> Arrival:
    """The run by which a node was come to first."""
    return node.arrivals[0]
