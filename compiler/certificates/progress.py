"""What is proved of going on: an answer about what some time must or can happen in, claims over the model out.

Of rounds that need nobody and no time (F005), and of `leads to`, others make them. That a final can be reached from
everywhere (F004, F105): each node has a rank; some step of it is sure to be possible, and leads to a node of a lower
one. The relation allows more steps than the kernel does, so such a step is one of those that the kernel never refuses:
an answer of a call that runs, an event, a task that is open, with a payload that is written down; where only time is
left, each timer that may fall due first; and while a compensation is under way, whatever it goes on with.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import reduce

from ...dsl.model import Binary, BoolType, Effect, Expr, InState, LeadsTo
from ..checks import claims as properties
from ..checks import finish, fragile, livelock, missed, separation
from ..checks.graph import Edge, Node
from ..checks.holdups import refusals
from ..checks.horizon import longest
from ..checks.inquiry import Inquiry
from ..checks.latest import MICRO
from ..checks.ledger import Proof
from ..checks.moves import Move, MoveKind
from ..checks.passages import Passage
from ..formats.smtlib import BOOL, INT, Definition, both, either, no
from ..kernel import LeafKind
from .assertions import Claim
from .durations import Durations
from .eventually import Eventually
from .falling import Falling
from .formulas import Formulas
from .inductive import INVARIANT, Inductive, where
from .machine import ELAPSED, LOG, OVER, STATUS, next_
from .performers import Performers
from .relation import AT, Relation, Step, Where, leading
from .timely import Timely

PASSES = "time-passes"
STOPPING = {"F007", "F008", "F104", "F401", "F402", "F403", "F502"}
"""Where one of these is not proved a step may be stopped, and what was to come never comes."""
ENDS = "end"
"""What is named after the end of the flow, as others are after a property's number."""


@dataclass(eq=False, slots=True)
class _Ranks:
    """The nodes from which some goals can be reached, by `ways` each of which leads lower. kind: what their numbers are
    called."""

    kind: str
    ways: Mapping[int, finish.Ways]
    numbers: dict[int, int] = field(default_factory=dict[int, int])

    def __post_init__(self) -> None:
        for id, ways in self.ways.items():
            self.numbers[id] = 1 + max((self.numbers[edge.target] for edge in ways), default=-1)

    def name(self, id: int) -> str:
        return f"{self.kind}.{id}"


class Progress:
    """Makes the claims. `definitions` are what they are about, beside the relation and the nodes."""

    def __init__(self, inquiry: Inquiry, formulas: Formulas, relation: Relation, inductive: Inductive) -> None:
        self.inquiry = inquiry
        self.kernel = inquiry.kernel
        self.graph = inquiry.graph
        self.formulas = formulas
        self.relation = relation
        self.machine = relation.machine
        self.inductive = inductive
        self.definitions: dict[str, Definition] = {}
        self.falling = Falling(inquiry, relation, inductive)
        self.performers: Performers | None = None  # people and clocks are made when some claim asks for them
        self.durations: Durations | None = None
        self._steps: dict[tuple[object, ...], list[tuple[str, Step]]] = {}
        for name, step in relation.numbered():
            self._steps.setdefault(self._key(step.source, step.move, step.passage), []).append((name, step))

    def of(self, proof: Proof) -> Iterator[Claim]:
        """What a proof claims of going on; nothing for those that do not."""
        answer, kernel = proof.answer, self.kernel
        whole = answer.subject == f"the flow `{kernel.name}`" and answer.span == kernel.span
        if answer.rule is livelock.RULE and whole:
            yield from self.falling.claims()
        elif answer.rule is finish.RULE and whole:
            yield from self._finishes()
        elif answer.rule is fragile.RULE:
            yield from self._succeeds(proof)
        elif answer.rule in {properties.RULE, missed.RULE}:
            claim = next((each for each in kernel.properties if each.span == answer.span), None)
            if isinstance(claim, LeadsTo):
                yield from self._leads_to(claim, in_time=answer.rule is missed.RULE)
        elif answer.rule is separation.RULE:
            yield from self._people(answer.subject)

    def _people(self, subject: str) -> Iterator[Claim]:
        """That somebody is left for a task, whoever did what; that who does it has not done what it is apart from."""
        if self.performers is None:
            self.performers = Performers(self.inquiry, self.relation, self.inductive)
        made = self.performers
        for event in (event for event in self.kernel.events if subject == separation.sent(event)):
            yield made.sendable(event)
        for task in self.kernel.task.values() if made.whole else ():
            found: list[Claim] = []
            if subject == separation.about(task):
                found = [*made.left(task)]
            for moment in task.excluded:
                if subject == separation.apart(task, moment):
                    found += made.apart(task, moment)
            yield from (*made.kept(), *found) if found else ()

    def who(self) -> list[str | Definition]:
        """The people, where some claim is about them."""
        made = self.performers
        return [] if made is None else [*made.declared(), *made.definitions.values()]

    def _leads_to(self, claim: LeadsTo, in_time: bool) -> Iterator[Claim]:
        """That it happens; in_time: and when at the latest."""
        called = str(self.kernel.properties.index(claim) + 1)
        found = self._eventually(claim, called)
        if in_time and found and claim.within is not None:
            timely = self._timely(claim, called)
            if timely.most is None or timely.most * MICRO > claim.within:
                return  # it keeps its time by more than these claims say
            yield from timely.claims(claim.within)
        yield from found

    def _eventually(self, claim: LeadsTo, called: str) -> Sequence[Claim]:
        self.falling.unsettled()
        about = self.inquiry, claim, self.formulas, self.relation, self.inductive
        made = Eventually(*about, self.falling.less, self._clocks, called)
        found = [*made.claims()]
        self.definitions |= {each.name: each for each in made.definitions}
        return found

    def _timely(self, claim: LeadsTo, called: str) -> Timely:
        return Timely(self.inquiry, claim, self.formulas, self.inductive, self._clocks(), called)

    def ends(self) -> tuple[timedelta, Sequence[Claim]] | None:
        """How long a run takes at the most, and that it does: that the start leads to a final within that time. It is
        as long as is reported, or longer, where that was found with more than the claims say. None: nobody knows."""
        ledger, finals = self.inquiry.ledger, [leaf for leaf in self.kernel.leaves if leaf.final]
        stopped = ledger is None or any(answer.rule.code in STOPPING for answer in ledger.others)
        if stopped or not finals or (most := longest(self.inquiry)) is None:
            return None
        states: list[Expr] = [InState(leaf.name, leaf.span) for leaf in finals]
        goal = reduce(lambda left, right: Binary("or", left, right, BoolType(), left.span), states)
        claim = LeadsTo(None, goal, None, self.kernel.span)
        found = self._eventually(claim, ENDS)
        timely = self._timely(claim, ENDS) if found else None
        if timely is None or timely.most is None:
            return None
        within = max(most, timely.most * MICRO)
        return within, (*found, *timely.claims(within))

    def _clocks(self) -> Durations:
        if self.durations is None:
            self.durations = Durations(self.inquiry, self.relation, self.inductive)
        return self.durations

    def timed(self) -> list[str | Definition]:
        """The clocks of calls and compensations, where some claim is about them."""
        return [] if self.durations is None else [*self.durations.declared(), *self.durations.definitions.values()]

    def defined(self) -> list[Definition]:
        return [*self.falling.definitions.values(), *self.definitions.values()]

    # ------------------------------------------------------------ a final can be reached (F004, F105)

    def _finishes(self) -> Iterator[Claim]:
        """Every node has a rank, and the lowest are finished."""
        goals = {node.id for node in self.graph.nodes if node.control.finished}
        ranks = _Ranks("rank", finish.ranked(self.inquiry, goals))
        yield Claim((INVARIANT,), either([*dict.fromkeys(map(self.inductive.node, ranks.ways))]))
        yield from (Claim((self.inductive.node(id),), f"(finished {AT})") for id in sorted(goals))
        for id in ranks.ways:
            yield from self._at_once(id, self._leads_lower(self.graph.nodes[id], ranks))
        yield from self._never_held_up()

    def _succeeds(self, proof: Proof) -> Iterator[Claim]:
        """Where the call of a leaf gives up after the pivot it comes to nodes that have a rank, and the lowest of which
        have ended well."""
        leaf = next((leaf for leaf in self.kernel.leaves if leaf.span == proof.answer.span), None)
        if leaf is None:
            return
        finals = {leaf.name for leaf in self.kernel.leaves if leaf.kind is LeafKind.FINAL}
        ended = [node for node in self.graph.nodes if node.control.finished]
        goals = {node.id for node in ended if finals.issuperset(node.control.configuration)}
        ranks = _Ranks("well", finish.ranked(self.inquiry, goals))
        left = [(n, s) for n, s in self.relation.numbered() if s.move.leaf == leaf.name and fragile.gave_up(s.move)]
        begun = [
            id
            for id in ranks.ways
            if any(e.move.leaf == leaf.name and fragile.gave_up(e.move) for e in self.graph.into[id])
        ]
        there = [next_(self.inductive.node(id)) for id in begun]
        for name, step in left:
            if step.passage is not None:
                yield Claim((INVARIANT, self._pivoted(), name), either([*dict.fromkeys(there)]))
        places = either([f"(= {AT} {self.relation.place(where(self.graph.nodes[id]))})" for id in sorted(goals)])
        todo, known = list(begun), set(begun)
        while todo:
            id = todo.pop()
            node = self.graph.nodes[id]
            if id in goals:
                yield Claim((self.inductive.node(id),), places)
            yield from self._at_once(id, self._leads_lower(node, ranks))
            new = {edge.target for edge in ranks.ways[id]} - known
            known |= new
            todo += sorted(new)
        yield from self._never_held_up()

    def _at_once(self, id: int, claims: Iterable[Claim]) -> Iterator[Claim]:
        """Claims about one node as one: it is asked of once."""
        parts = [f"(=> {both(claim.given[1:])} {claim.then})" if claim.given[1:] else claim.then for claim in claims]
        if parts:
            yield Claim((self.inductive.node(id),), both(parts))

    def _pivoted(self) -> str:
        """That something irreversible may have happened."""
        machine = self.machine
        pivots = {each.name for each in self.kernel.activities if each.effect is Effect.IRREVERSIBLE}
        stands = [f"{LOG}/{status}/{sort}" for sort in machine.logged if sort in pivots for status in STATUS]
        runs = [f"runs/{leaf}" for leaf, call in machine.calls.items() if call.activity in pivots]
        return either([f"(> {name} 0)" for name in (*stands, *runs)])

    def _never_held_up(self) -> Iterator[Claim]:
        """No event that has waited is refused where it is handled: its step would be refused with it."""
        for node, _, refused in refusals(self.inquiry):
            bad = self.formulas.text(refused)
            if bad != "false":
                yield Claim((self.inductive.node(node.id),), no(bad))

    def _leads_lower(self, node: Node, ranks: _Ranks) -> Iterator[Claim]:
        ways = ranks.ways[node.id]
        for id in (node.id, *(edge.target for edge in ways)):
            self.definitions[ranks.name(id)] = Definition(ranks.name(id), (), INT, str(ranks.numbers[id]))
        if not node.control.resting:
            yield from self._compensation_leads(node, ranks)
        elif ways and ways[0].move.kind is MoveKind.TIMER:
            yield from self._time_leads(node, ranks)
        elif ways:
            yield from self._somebody_leads(node, ranks)

    def _somebody_leads(self, node: Node, ranks: _Ranks) -> Iterator[Claim]:
        """An answer, an event or a task, with the payload it was found with; of several, one for each part of the
        data."""
        here, ways = self.inductive.node(node.id), ranks.ways[node.id]
        parts: list[str] = []
        for edge in ways:
            if len(ways) > 1:
                parts.append(self.formulas.text(self.inquiry.encoder.no(self.inquiry.misses(edge))))
            given = (here, *parts[-1:], *self._brought(edge), *self.relation.at_once)
            for name, _ in self._taken(node, edge):
                yield Claim((*given, leading(name)), both([name, self._lower(node, ranks, self._alike(node, edge))]))
        if parts:
            yield Claim((here,), either(parts))

    def _brought(self, edge: Edge) -> Iterator[str]:
        if edge.arrival.fan is not None:
            for old, new in self.inquiry.explorer.closing.realise.brings(edge.arrival.fan, edge.arrival.payload):
                yield f"(= {self.formulas.text(old)} {self.formulas.text(new)})"

    def _alike(self, node: Node, edge: Edge) -> list[Edge]:
        """The edges of one move by one way: a node whose log is kept loosely has several."""
        key = self._key(None, edge.move, edge.arrival.passage)
        return [e for e in self.graph.out[node.id] if self._key(None, e.move, e.arrival.passage) == key]

    def _lower(self, node: Node, ranks: _Ranks, edges: Iterable[Edge]) -> str:
        """That a step has led to a node of a lower rank, one of the ends of some edges."""
        low = dict.fromkeys(edge.target for edge in edges if edge.target in ranks.numbers)
        mine = ranks.name(node.id)
        for id in low:
            self.definitions[ranks.name(id)] = Definition(ranks.name(id), (), INT, str(ranks.numbers[id]))
        return either([both([next_(self.inductive.node(id)), f"(< {ranks.name(id)} {mine})"]) for id in low])

    def _time_leads(self, node: Node, ranks: _Ranks) -> Iterator[Claim]:
        """Time passes until a timer is due, and the first leads lower; of several due together, one of them."""
        here, chosen = self.inductive.node(node.id), {edge.move.name for edge in ranks.ways[node.id]}
        timers = [timer for timer in self.machine.timers if timer in node.control.timers]
        yield Claim((here,), either([f"armed/{timer}" for timer in timers]))
        yield Claim((here, self._passing()), next_(here))
        for timer in timers:
            due = f"(= left/{timer} 0)" if timer in self.machine.clocks else "true"
            if timer not in chosen:
                yield Claim((here, due), either([f"(= left/{each} 0)" for each in sorted(chosen)]))
                continue
            steps = [
                (name, step, edges)
                for name, step in self.relation.numbered()
                if step.source == where(node) and step.move.kind is MoveKind.TIMER and step.move.name == timer
                for edges in [[e for e in ranks.ways[node.id] if e.arrival.passage is step.passage]]
            ]
            yield from self._all_lead((here, due), [each for each in steps if each[2]], node, ranks)

    def _all_lead(
        self,
        given: tuple[str, ...],
        steps: Sequence[tuple[str, Step, Sequence[Edge]]],
        node: Node,
        ranks: _Ranks,
    ) -> Iterator[Claim]:
        """One of some steps is possible, and each of them, if it is, leads lower."""
        yield Claim(given, either([both(self.relation.taken(step)) for _, step, _ in steps]))
        for name, step, edges in steps:
            taken = (*given, *self.relation.taken(step), *self.relation.at_once, leading(name))
            yield Claim(taken, both([name, self._lower(node, ranks, edges)]))

    def _passing(self) -> str:
        """That some time passes, and no more than until a timer is due."""
        if PASSES not in self.definitions:
            state = [AT, *(name for name, _ in self.machine.names()), *self.formulas.sorts]
            left = {f"left/{timer}": timer for timer in self.machine.clocks}
            parts = [f"(= {next_(name)} {name})" for name in state if name not in left]
            for name, timer in left.items():
                parts.append(f"(= {next_(name)} (- {name} {ELAPSED}))")
                parts.append(f"(=> armed/{timer} (>= {next_(name)} 0))")
            body = both([f"(>= {ELAPSED} 0)", *parts] if left else parts)
            self.definitions[PASSES] = Definition(PASSES, (), BOOL, body, "time passes, and no more")
        return PASSES

    def _compensation_leads(self, node: Node, ranks: _Ranks) -> Iterator[Claim]:
        """Whatever a compensation settles or undoes, less is left, and the node is the same; the last of it leads
        lower."""
        here, last = self.inductive.node(node.id), self.relation.last
        self.falling.unsettled()
        steps, possible = self._undoing(where(node))
        yield Claim((here, steps, *self.relation.at_once), both([next_(here), self.falling.less]))
        yield Claim((here, no(last)), possible)
        ends = ranks.ways[node.id]
        exits = [
            (name, step, [edge for edge in ends if edge.arrival.passage is step.passage])
            for name, step in self.relation.numbered()
            if step.source == where(node) and step.trail
        ]
        yield from self._all_lead((here, last), [each for each in exits if each[2]], node, ranks)

    def _undoing(self, source: Where) -> tuple[str, str]:
        """Names for what a compensation goes on with, and for that it is possible."""
        place = self.relation.place(source).removeprefix("in/")
        found = {
            name: step
            for name, step in self.relation.numbered()
            if step.move.kind in {MoveKind.SETTLE, MoveKind.UNDONE}
            and not step.trail
            and step.source in {None, source}
            and any(each.startswith(f"{OVER}/") and term != each for each, term in step.change.terms.items())
        }
        possible = either([both(self.relation.taken(step)) for step in found.values()])
        for name, body in ((f"goes-on/{place}", either([*found])), (f"can-go-on/{place}", possible)):
            self.definitions[name] = Definition(name, (), BOOL, body)
        return f"goes-on/{place}", f"can-go-on/{place}"

    # ------------------------------------------------------------ steps of the relation

    def _key(self, source: Where | None, move: Move, passage: Passage | None) -> tuple[object, ...]:
        return source, move.kind, move.name.partition("#")[0], move.answer, move.leaf, id(passage)

    def _taken(self, node: Node, edge: Edge) -> list[tuple[str, Step]]:
        """The steps of the relation that an edge is: of a group of calls that goes on, the one of as many calls."""
        found = self._steps.get(self._key(where(node), edge.move, edge.arrival.passage), [])
        call = self.machine.calls.get(edge.move.leaf)
        if edge.arrival.passage is not None or call is None or call.each is None:
            return found
        size = next(sum(counts) for leaf, *counts in node.control.running if leaf == edge.move.leaf)
        needed = size if call.each.quota is None else min(size, call.each.quota)
        return [(name, step) for name, step in found if step.needed == needed]
