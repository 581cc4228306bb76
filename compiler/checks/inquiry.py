"""What every check works with: one explored kernel, its evidence told as runs, and answers in one shape.

The rule of all checks: a refutation shows a run that was replayed, or a proof that nothing does what is asked. A proof
needs a graph that is not open, and Z3's *no* for every node. All else is unknown, and says what is missing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import cached_property, partial, wraps
from heapq import nsmallest
from itertools import islice
from operator import attrgetter
from typing import TYPE_CHECKING, TypeVar
from weakref import WeakKeyDictionary

from ...dsl.diagnostics import Diagnostic, Fix, Label, Rest, Rule, TraceStep
from ...dsl.model import Expr, Value
from ...dsl.source import Span
from ...dsl.values import dataclass, replace
from ..instance import Actor, Instance, Step, Trigger
from ..kernel import Configuration, Kernel, LeafKind
from ..lanes import sender
from ..staff import Staff
from ..trace import told, triggered
from .control import Control, Grain
from .doable import Doable
from .edges import Edges
from .encode import Need
from .explore import Explorer
from .graph import Arrival, Edge, Node, Reaction
from .latest import Latest
from .ledger import Ledger
from .moves import BEGIN, STARTING, Move, actor, alike
from .possible import Possibilities
from .queues import Queues
from .solver import Term
from .states import covers
from .trace import Tracer
from .verdict import Answer, Horizon, Verdict, Witness

if TYPE_CHECKING:
    from .doubts import Doubts

Told = TypeVar("Told")


@dataclass(frozen=True, slots=True)
class Finding:
    """What a refuted answer says, apart from the run."""

    message: str
    span: Span
    label: str = ""
    others: tuple[Label, ...] = ()
    why: tuple[str, ...] = ()
    fixes: tuple[Fix, ...] = ()


MOST_LINES = 3  # of why


@dataclass(frozen=True, slots=True)
class Why:
    """Why something never happens: so many lines at the most, and what they point at."""

    lines: tuple[str, ...]
    labels: tuple[Label, ...] = ()


def always(finding: Finding) -> Callable[[Arrival], Finding]:
    """The same finding, whichever run shows it."""
    return lambda _: finding


@dataclass(frozen=True, eq=False, slots=True)
class Breach:
    """Data for which something bad holds when a move comes. `arrival` None: at the start. `real`: a run gets there;
    otherwise it was only not ruled out. `now`: when the move comes; None: the moment decides nothing."""

    reaction: Reaction
    arrival: Arrival | None
    payload: tuple[Value, ...]
    real: bool
    now: datetime | None = None


def quiet(node: Node) -> bool:
    """Whether only events, tasks and timers can move a node."""
    control = node.control
    return not control.running and control.resting and not control.finished


class _Resting:
    """Some nodes, by the places that they rest in."""

    def __init__(self, kernel: Kernel, nodes: Sequence[Node]) -> None:
        self._kernel = kernel
        self._nodes = nodes
        self._scopes: dict[str, Sequence[Node]] = {}
        self._leaves: defaultdict[str, list[Node]] = defaultdict(list)
        for node in nodes:
            for leaf in node.control.configuration:
                self._leaves[leaf].append(node)

    def __call__(self, place: str) -> Sequence[Node]:
        if place in self._kernel.leaf:
            return self._leaves.get(place, ())
        if place not in self._scopes:
            inner = {leaf for leaf in self._leaves if place in self._kernel.above(leaf)}
            self._scopes[place] = [n for n in self._nodes if not inner.isdisjoint(n.control.configuration)]
        return self._scopes[place]


Showing = str | Witness | Callable[[], Witness]
"""A witness, or what looks for one when a proof needs it."""

Shortest = bool | Callable[[int], bool]
"""Whether no shorter run shows it, if there is none among the configurations that were found; or what finds out, of a
run of so many steps, when that is claimed."""

MOST_PLAYED = 8  # runs that are replayed to find one that shows something


def _a_run(arrival: Arrival) -> str:
    length = arrival.length
    return f"a run of {length} step{'s' if length > 1 else ''}"


def _soonest(runs: Iterable[Arrival | Edge | Node]) -> Sequence[Arrival | Edge | Node]:
    if isinstance(runs, Edges):
        return runs.soonest(MOST_PLAYED)
    return nsmallest(MOST_PLAYED, (each for each in runs if each.real), key=attrgetter("length"))


def _before(edges: Sequence[Edge]) -> Arrival | None:
    """Where one of some edges begins."""
    return next((edge.arrival.before or edge.arrival for edge in edges), None)


def once(ask: Callable[[Inquiry], Told]) -> Callable[[Inquiry], Told]:
    """What is asked of an inquiry as a whole, and answered alike whenever somebody asks again."""
    known: WeakKeyDictionary[Inquiry, Told] = WeakKeyDictionary()

    @wraps(ask)
    def asked(inquiry: Inquiry) -> Told:
        if inquiry not in known:
            known[inquiry] = ask(inquiry)
        return known[inquiry]

    return asked


class Inquiry(Possibilities):
    """One kernel, explored."""

    def __init__(
        self,
        explorer: Explorer,
        staff: Staff | None = None,
        children: Mapping[str, Horizon] | None = None,
        ledger: Ledger | None = None,
    ) -> None:
        super().__init__(explorer, ledger)
        self.children = children or {}  # how long the flows that this one does take
        self.kernel: Kernel = explorer.kernel
        self.staff = staff
        self.attempts = explorer.attempts
        self.abstraction = explorer.abstraction
        self.tracer = Tracer(self.kernel, explorer.attempts, explorer.abstraction, explorer.clock)
        self.begin = BEGIN
        # conditions of properties, by node and the condition's id, which is kept so that it stays its own
        self.encodings: dict[tuple[int, int], tuple[Expr, tuple[Term, tuple[Need, ...]]]] = {}
        self._doubts: Doubts | None = None
        self._accepted: dict[tuple[Reaction, tuple[Value, ...]], Term] = {}
        self._played: dict[int, tuple[Arrival, bool]] = {}

    @cached_property
    def queues(self) -> Queues:
        """Which events may wait where."""
        return Queues(self.kernel, self.graph)

    @cached_property
    def latest(self) -> Latest:
        """How long what is under way takes."""
        return Latest(self.kernel, self.graph, self.explorer.clock, self.children)

    @cached_property
    def exact(self) -> bool:
        """Whether all that is known of was done by runs: then what the shortest run shows, no shorter one does."""
        graph = self.graph
        if self.explorer.apart is not None:
            return False  # of what is left out some run may be shorter
        if self.explorer.grain is Grain.CUBES or self.explorer.lengthened:
            return False  # the shortest run to a cube need not have been where in it something shows
        if self.states.passages.timed:
            return False  # a shorter run may show it that starts, or goes on, at another moment
        return graph.complete and all(n.real for n in graph.nodes) and all(edge.real for edge in graph.ran)

    @property
    def scope(self) -> str:
        number = len(self.graph.nodes)
        if number == 1:
            return "the one configuration"
        if self.explorer.apart is not None:
            return f"{number} configurations that stand for all"
        return f"{'all ' if self.graph.complete else ''}{number} configurations"

    def nodes(self, place: str | None = None) -> Iterator[Node]:
        """Nodes (with one place active), real ones before others, those with a shorter run before. Raises Spent."""
        self.explorer.budget.check()
        return iter(self._ordered if place is None else self._resting(place))

    def come_to(self, place: str) -> Iterator[Node]:
        """Those with a place active; not those that are only come to by what nobody can do."""
        return filter(self.doable.comes, self.nodes(place))

    def quiet(self, place: str) -> Sequence[Node]:
        """Those with a place active that only events, tasks and timers can move."""
        self.explorer.budget.check()
        return self._quiet(place)

    def active(self, node: Node) -> frozenset[str]:
        """The leaves and scopes a node rests in; none while it compensates."""
        return self.kernel.active(node.control.configuration)

    @cached_property
    def _resting(self) -> _Resting:
        return _Resting(self.kernel, self._ordered)

    @cached_property
    def _quiet(self) -> _Resting:
        return _Resting(self.kernel, [node for node in self._ordered if quiet(node)])

    @cached_property
    def _ordered(self) -> list[Node]:
        return sorted(self.graph.nodes, key=lambda node: (not node.real, node.length))

    def blamed(self, configuration: Configuration) -> str:
        """Whose fault it is that nothing happens: the first state that could do something, else the parallel state."""
        states = [leaf for leaf in configuration if self.kernel.leaf[leaf].kind is LeafKind.STATE]
        if states:
            return states[0]
        (first, *others) = configuration
        return self.kernel.above(first)[2] if others else first

    # ------------------------------------------------------------ answers

    def proved(self, rule: Rule, subject: str, span: Span, witness: Showing = "") -> Answer:
        """Nothing breaks it; unknown if the search was cut short. witness: see `Answer`; only looked for if need be."""
        if not self.graph.complete:
            return self.unknown(rule, subject, span, next(iter(self.graph.open)))
        seen = Witness(witness) if isinstance(witness, str) else witness if isinstance(witness, Witness) else witness()
        return Answer(rule, subject, Verdict.PROVED, span, scope=self.scope, witness=seen.text, vacuous=seen.vacuous)

    def shown(self, rule: Rule, subject: str, span: Span, arrival: Arrival, does: str) -> Answer:
        """Proved by a run. does: what it does, e.g. "enters it"."""
        if self.ledger is not None:
            self.ledger.shown(arrival)
        return Answer(rule, subject, Verdict.PROVED, span, scope="a run", witness=f"{_a_run(arrival)} {does}")

    def seen(self, runs: Iterable[Arrival | Edge | Node], does: str, otherwise: str) -> Witness:
        """The shortest of some runs, of those to some nodes, replayed; otherwise: what to say if there is none."""
        for run in _soonest(runs):
            arrival = run.arrival if isinstance(run, Edge) else run.arrivals[0] if isinstance(run, Node) else run
            if self.plays(arrival):
                return Witness(f"{_a_run(arrival)} {does}")
        return Witness(otherwise, vacuous=True)

    def enters(self, place: str, does: str) -> Witness:
        """A run that enters a place, or passes a choice."""
        return self.seen(self.entered[place], does, f"no run that enters `{place}` was found")

    def comes(self, place: str, does: str) -> Witness:
        """A run that comes to rest in a place."""
        return self.seen(islice(self.nodes(place), MOST_PLAYED), does, f"no run rests in `{place}`")

    def following(self, node: Node | None, reaction: Reaction) -> list[Edge]:
        """What a move of a node leads to; of no node, the start."""
        edges = self.graph.begin if node is None else self.graph.out[node.id]
        move = reaction.move
        return [edge for edge in edges if node is None or (edge.move.name == move.name and edge.move == move)]

    def plays(self, arrival: Arrival) -> bool:
        """Whether a run can be replayed as it is."""
        if id(arrival) not in self._played:
            self._played[id(arrival)] = arrival, self.tracer.plays(arrival)
        return self._played[id(arrival)][1]

    def unknown(
        self, rule: Rule, subject: str, span: Span, reason: str, help: str = "", doubt: Arrival | None = None
    ) -> Answer:
        """help, doubt: see `Doubts`."""
        from .doubts import Doubts  # a sound flow does without

        self._doubts = self._doubts or Doubts(self.kernel, self.graph, self.states.live)
        diagnostic = self._doubts(rule, subject, span, reason, help, doubt)
        return Answer(rule, subject, Verdict.UNKNOWN, span, diagnostic, scope="what was examined")

    def refuted(
        self,
        rule: Rule,
        subject: str,
        place: Span,
        finding: Finding,
        trace: Sequence[TraceStep] = (),
        shortest: Shortest = True,
    ) -> Answer:
        claimed = bool(trace) and self.exact and (shortest if isinstance(shortest, bool) else shortest(len(trace)))
        note = f"{self.scope} examined" + ("; no shorter run shows it" if claimed else "")
        diagnostic = Diagnostic(
            rule,
            finding.message,
            finding.span,
            label=finding.label,
            others=finding.others,
            why=finding.why,
            trace=tuple(trace),
            fixes=finding.fixes,
            note=note,
        )
        return Answer(rule, subject, Verdict.REFUTED, place, diagnostic, scope=self.scope)

    def by_run(
        self,
        rule: Rule,
        subject: str,
        place: Span,
        arrivals: Iterable[Arrival],
        shows: Callable[[Arrival], bool],
        finding: Callable[[Arrival], Finding],
        witness: Showing = "",
        shortest: Shortest = True,
    ) -> Answer:
        """Refuted by the shortest of the runs that can be replayed; unknown if only made-up ones show it."""
        known = sorted(arrivals, key=lambda arrival: arrival.length)
        for arrival in (arrival for arrival in known if arrival.real):
            replayed = self.tracer.replayed(arrival, shows)
            if replayed is not None:
                return self.refuted(rule, subject, place, finding(replayed), self.tracer.tell(replayed), shortest)
        for arrival in self._otherwise(known):
            replayed = self.tracer.replayed(arrival, shows)
            if replayed is not None:
                return self.refuted(rule, subject, place, finding(replayed), self.tracer.tell(replayed), False)
        if known:
            reason = "what may break it was not ruled out, and no run to it was found"
            reason, help = self._unmet(known) or (reason, "")
            return self.unknown(rule, subject, place, reason, help, doubt=known[0])
        return self.proved(rule, subject, place, witness)

    def nothing_does(
        self, rule: Rule, subject: str, place: Span, edges: Sequence[Edge], finding: Callable[[], Finding], does: str
    ) -> Answer:
        """For what some run should do: proved by a run that does, refuted by a proof that none does."""
        for edge in edges:
            if edge.real and self.plays(edge.arrival):
                return self.shown(rule, subject, place, edge.arrival, does)
        for arrival in self._otherwise(edge.arrival for edge in edges if edge.real):
            if self.plays(arrival):
                return self.shown(rule, subject, place, arrival, does)
        if edges or not self.graph.complete:
            reason = next(iter(self.graph.open), "it was not ruled out, and no run that does it was found")
            found = self._unmet(edge.arrival for edge in edges) if self.graph.complete else None
            reason, help = found or (reason, "")
            return self.unknown(rule, subject, place, reason, help, doubt=_before(edges))
        return self.refuted(rule, subject, place, finding())

    def _otherwise(self, arrivals: Iterable[Arrival]) -> Iterator[Arrival]:
        """Runs that cannot be as they are, at moments at which they can."""
        for arrival in islice(arrivals, MOST_PLAYED):
            found = self.explorer.closing.realise.otherwise(arrival)
            if found is not None:
                yield found

    def _unmet(self, arrivals: Iterable[Arrival]) -> tuple[str, str] | None:
        """Why no run was found that does something, and what would help, where a timer may not come in time for it, or
        there may be nobody who may."""
        from .doubts import unable, untimely  # a sound flow does without

        known = [*arrivals]
        found = (
            *(untimely(self.kernel, self.explorer.clock, arrival) for arrival in known),
            *(unable(self.kernel, arrival) for arrival in known),
        )
        return next((each for each in found if each is not None), None)

    def among(self, nodes: Iterable[Node]) -> Callable[[Arrival], bool]:
        """Whether an arrival lies in one of the nodes, as far as control and data tell."""
        ids = {node.id for node in nodes}
        return lambda arrival: any(node.id in ids for node in self.around(arrival.instance))

    def node(self, arrival: Arrival) -> Node | None:
        """A node an arrival lies in, as far as control and data tell."""
        return next(self.around(arrival.instance), None)

    def around(self, at: Instance) -> Iterator[Node]:
        """The nodes an instance lies in, as far as control and data tell."""
        control = self.abstraction.control(at)
        data = self.states.answers(control.place, at)
        return (node for node in self._by_control.get(control, ()) if covers(node.data, data))

    @cached_property
    def _by_control(self) -> Mapping[Control, list[Node]]:
        found: defaultdict[Control, list[Node]] = defaultdict(list)
        for node in self.graph.nodes:
            found[node.control].append(node)
        return found

    # ------------------------------------------------------------ questions about data

    @cached_property
    def each_reaction(self) -> tuple[Reaction, ...]:
        """What some node can do about some move, the start first; what many can do alike comes once."""
        found = {} if self.graph.starting is None else {self.graph.starting: None}
        found |= dict.fromkeys(known.reaction for known in self.graph.sharing)
        return (*(found | dict.fromkeys(reaction for node in self.graph.nodes for reaction in node.noted)),)

    def reactions(self, wanted: Callable[[Reaction], bool]) -> Iterator[tuple[Node | None, Reaction]]:
        """Every move of every node that is of some kind, the start first, real nodes before others."""
        found = {reaction for reaction in self.each_reaction if wanted(reaction)}
        if self.graph.starting in found:
            yield None, self.graph.starting
        for node in self.nodes() if found else ():
            yield from ((node, reaction) for reaction in node.reactions if reaction in found)

    def breach(self, node: Node | None, reaction: Reaction, bad: Term) -> Breach | None:
        """Data of the node, and a payload, for which something bad holds when the move comes."""
        if not self.possible(node, bad):
            return None
        arrivals: list[Arrival | None] = [None]
        if node is not None:
            arrivals = [arrival for arrival in node.arrivals if arrival.real]
        realise = self.explorer.closing.realise
        for arrival in arrivals:
            exact: Term = True
            if arrival is not None:
                if not self.attempts.in_turn(arrival, reaction.move):
                    continue
                called = self.states.called(arrival.instance, reaction.fan, self.move(reaction, arrival).name)
                ordered = realise.in_order(arrival, reaction.move)
                exact = self.encoder.all(self.states.exactly(arrival.instance), called, ordered)
            for moment in realise.moments(arrival, reaction.move):
                reply = self.states.ask(self.state(node), bad, exact, moment)
                if reply.model is None:
                    continue
                pairs = zip(reaction.fan.payload, reaction.fan.params, strict=True)
                payload = tuple(self.encoder.read(reply.model, symbol, param.type) for symbol, param in pairs)
                now = realise.read_now(reply) if self.states.passages.timed else None
                return Breach(reaction, arrival, payload or self._brought(arrival, reaction), True, now)
        for arrival in arrivals:
            if arrival is not None:
                wanted = self.encoder.all(self.state(node), bad)
                found = realise(arrival, wanted, reaction.fan, reaction.move)
                if found is not None and self.attempts.in_turn(found[0], reaction.move):
                    payload = found[1] or self._brought(found[0], reaction)
                    return Breach(reaction, found[0], payload, True, found[2] if self.states.passages.timed else None)
        return Breach(reaction, arrivals[0] if arrivals else None, (), False)

    def _brought(self, arrival: Arrival | None, reaction: Reaction) -> tuple[Value, ...]:
        """What a settled call answers with."""
        if arrival is None or reaction.move is STARTING:
            return ()
        return self.attempts.settling(arrival.instance, self.move(reaction, arrival)) or ()

    def move(self, reaction: Reaction, arrival: Arrival) -> Move:
        """The move of a reaction as one arrival of its node has it."""
        return alike(reaction.move, arrival.instance) or reaction.move

    def trigger(self, breach: Breach) -> tuple[Trigger, Actor]:
        assert breach.arrival is not None, "the start has no trigger"
        move = self.move(breach.reaction, breach.arrival)
        at, brought, _ = self.attempts.brought(breach.arrival.instance, move, breach.payload)
        return move.trigger(brought), actor(self.kernel, at, move)

    def tried(self, breach: Breach, replayed: Arrival) -> Arrival | None:
        """The trigger of a breach handed in after its run, which was replayed; None if a timer comes before it."""
        trigger, who = self.trigger(breach)
        now = max(self.attempts.moment(replayed, trigger), breach.now or replayed.now)
        tried = replace(replayed, before=replayed, trigger=trigger, actor=who, now=now)
        return tried if breach.now is None or self.tracer.in_time(replayed, tried) else None

    def accepted(self, reaction: Reaction, values: tuple[Value, ...]) -> Term:
        """That a move is answered to its end with a payload with which it is for such values; False: there is none."""
        key = reaction, values
        if key not in self._accepted:
            fan, term = reaction.fan, self.succeeds(reaction)
            reply = self.states.ask(self.states.valued(values), term)
            self._accepted[key] = False
            if reply.model is not None:
                pairs = zip(fan.payload, fan.params, strict=True)
                payload = tuple(self.encoder.read(reply.model, symbol, param.type) for symbol, param in pairs)
                self._accepted[key] = self.explorer.closing.realise.given(term, fan, payload)
        return self._accepted[key]

    def last_step(self, tried: Arrival) -> TraceStep:
        """A trigger that was tried as a step that does not succeed."""
        assert tried.before is not None and tried.trigger is not None, "it is tried after a run"
        said = triggered(self.kernel, tried.trigger, tried.actor)
        by = sender(self.kernel, tried.trigger, tried.actor)
        last = told(self.kernel, said, None, Step(tried.instance, (), ()), tried.now - tried.before.now, by)
        refused = replace(last, rest=Rest.REFUSED)
        self.tracer.note(refused, tried)
        return refused

    # ------------------------------------------------------------ what edges do

    @cached_property
    def doable(self) -> Doable:
        """What somebody can do."""
        return Doable(self.kernel, self.graph, self.explorer.clock)

    @cached_property
    def entered(self) -> Mapping[str, Edges]:
        """The edges that enter a place, or pass a choice, by its name; not those that nobody takes."""
        found: defaultdict[str, Edges] = defaultdict(partial(Edges, self.graph))
        for way in filter(self.doable.__contains__, self.graph.ways):
            choices = [name for taken in way.taken for name, _ in taken.branches]
            for name in dict.fromkeys((*choices, *way.entered)):
                found[name].add(way)
        return found

    @cached_property
    def taken(self) -> Mapping[Span, Edges]:
        """The edges that take a written transition or branch, by its span; not those that nobody takes."""
        found: defaultdict[Span, Edges] = defaultdict(partial(Edges, self.graph))
        for way in filter(self.doable.__contains__, self.graph.ways):
            spans = [self.kernel.commands[t.command].span for t in way.taken if t.command is not None]
            for taken in way.taken:
                spans += [self.kernel.choice[name].branches[index].span for name, index in taken.branches]
            for span in dict.fromkeys(spans):
                found[span].add(way)
        return found

    def way_in(self, arrival: Arrival, otherwise: Span) -> Span:
        """The line that made the last step of a run: of the latest branch or transition taken."""
        for step in reversed(arrival.run()):
            for taken in reversed(step.taken):
                if taken.branches:
                    name, index = taken.branches[-1]
                    return self.kernel.choice[name].branches[index].span
                if taken.command is not None:
                    return self.kernel.commands[taken.command].span
        return otherwise
