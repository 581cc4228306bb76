"""A kernel in, its Graph out: a search over instances on the interpreter, closed by Z3.

The search runs real instances, breadth first, and merges those that have the same control and answer the atoms of the
place alike. Then, for every node, every move and every passage, Z3 is asked whether some data the node stands for, and
some payload, lead to a place that is not among the successors found (`closing`). When Z3 says no for everything, the
nodes are an inductive invariant: every start lies in them, and every step stays in them.

A search that gets too large, a question Z3 does not decide, and a disagreement of interpreter and encoder leave the
graph open, and nothing that needs all runs is claimed then.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Sequence
from functools import partial

from ...dsl.model import Value
from ...dsl.values import dataclass, replace
from ..instance import Instance
from ..kernel import DONE, FAILED, TIMEOUT, Kernel, Stay, Undo
from .apart import Apart, combinations
from .arguments import owed
from .attempt import Attempts
from .budget import Budget, Tell
from .clock import Clock
from .closing import SUCCESSORS, Closing
from .control import Abstraction, Control, Grain
from .encode import Encoder
from .graph import Arrival, Edge, Graph, Known, Node, Reaction, edge_of
from .lasting import Lasting
from .moves import STARTING, Move, MoveKind, alike, answering, moves, needed, waits
from .parts import Trait, traits
from .passages import Fan, Passages, begun
from .repeated import Repeated
from .solver import Solver
from .spared import Came, Spared
from .states import Answers, States, covers
from .variants import Variants
from .zones import Zone

UNSEEN = 1 << 30  # entries
ALTERNATES = 6  # arrivals kept of one node
MOST = {Grain.FINE: 1500, Grain.SORTS: 2500}  # configurations up to which it is searched so
EACH = {Grain.FINE: 6, Grain.SORTS: 8, Grain.CUBES: 12}  # the same for each leaf, of a large flow
MOST_CUBES = 6  # of one control
LAST = 12000  # of the coarsest grain that makes a difference
SPARED = 25  # times as many, where so many steps are spared that
STEPS = 16  # for each of these many are run, at the most
MOST_NODES = SPARED * LAST
MOST_APART = 60_000  # where combinations are left out
MOST_PLACED = 3  # regions that are anywhere but where a place stands for others


@dataclass(frozen=True, slots=True)
class Limits:
    """When to give up and answer unknown. nodes: configurations; None: 12,000, and more of a large flow. seconds,
    memory (MB): backstops only, no verdict should depend on them. tell: is told how far it has come, if it takes long.
    """

    nodes: int | None = None
    questions: int = 150_000
    rlimit: int = 4_000_000
    seconds: float = 120.0
    grain: Grain = Grain.FINE  # what is told apart, until there is too much
    memory: int | None = None
    spare: bool = True  # whether a step may go without a run that an equal one was run for
    apart: int = 100  # combinations of places of regions, of which some may be left out if there are more (`apart`)
    tell: Tell | None = None


class Explorer:
    """One search. After `run`, `graph` is what it found, and the checks put their own questions to `states`."""

    def __init__(
        self, kernel: Kernel, limits: Limits | None = None, budget: Budget | None = None, apart: bool = False
    ) -> None:
        """apart: whether combinations of places of regions may be left out that say nothing more about proofs."""
        self.kernel = kernel
        self.limits = limits or Limits()
        self.budget = budget or Budget(kernel.name, self.limits.seconds, self.limits.memory, self.limits.tell)
        solver = Solver(self.limits.rlimit, self.limits.questions, self.budget)
        self.encoder = Encoder(solver.z3)
        self.passages = Passages(kernel, self.encoder)
        self.states = States(kernel, self.encoder, self.passages, solver)
        self.owed = owed(kernel, self.states)  # what the arguments of compensations need
        self.clock = Clock(kernel)
        self.lasting = Lasting(self.states, self.clock)
        self._may_leave_out = apart and self.limits.nodes is None and combinations(kernel) > self.limits.apart
        self._begin(self.limits.grain)

    def _begin(self, grain: Grain, apart: Apart | None = None) -> None:
        self.grain = grain
        self.abstraction = Abstraction(self.kernel, grain, not all(each.safe for each in self.owed))
        self.variants = Variants(self.abstraction)
        self.attempts = Attempts(self.kernel, self.clock, self.states)
        self.closing = Closing(self.states, self.attempts, self.abstraction, grain)
        self.graph = Graph(self._rerun)
        self._known: dict[tuple[Control, Answers], list[Node]] = {}
        self._real: deque[Node] = deque()
        self._later: deque[tuple[Node, Arrival, Move]] = deque()
        self._unreal: deque[Node] = deque()
        self._unreached: set[int] = set()  # the ids of nodes that no run has come to yet
        self._least: dict[int, int] = {}  # by the id of a node with a loose log: how short that was in its runs
        self._shorter: deque[tuple[Node, Arrival]] = deque()
        self._followed = 0  # moves, each in a run of its own
        able = self.limits.spare and not self.clock.lasting and Spared.able(self.kernel, self.abstraction, grain)
        given = self.kernel, self.states, self.clock, self.abstraction, self._born, self._lead
        self.spared = Spared(*given, None if apart is None else apart.expanded) if able else None
        self.apart = apart  # what was left out; None: nothing
        again = self.limits.spare and Repeated.able(self.states)
        self.repeated = Repeated(self.states, self.attempts, self.abstraction, grain) if again else None
        self.lengthened = False  # whether runs were looked at in another order than that of their lengths
        self._edges: dict[tuple[object, ...], Edge] = {}
        self._undoing: dict[tuple[object, ...], bool] = {}

    def run(self) -> Graph:
        """The whole search; once more, less fine, where there are too many configurations or successors of one step."""
        try:
            if not (self._may_leave_out and self._search_apart()):
                self._search_finely()
        except Exception as error:
            if not (why := self.budget.ran_out(error)):
                raise
            self.closing.open[why] = None
        self._balks()
        self.graph.open = self.closing.open
        self._known.clear()  # what only the search needs
        self._edges.clear()
        self.spared = None
        return self.graph

    def _search_apart(self) -> bool:
        """A search that leaves combinations of places out; whether it covers them, and there are many."""
        grain = Grain.SORTS if self._coarser(Grain.SORTS) else self.limits.grain
        for most in range(1, MOST_PLACED + 1):
            apart = Apart(self.kernel, most)
            self._begin(grain, apart)
            if self.spared is None or not self._search(MOST_APART) or self.closing.open:
                break
            if apart.covers(self.graph, self.spared):
                if apart.stands_for > self.limits.apart:
                    return True
                break
        self._begin(self.limits.grain)
        return False

    def _search_finely(self) -> None:
        grains = [grain for grain in Grain if grain == self.limits.grain or self._coarser(grain)]
        for grain in grains:
            if grain is not grains[0]:
                self._begin(grain)
            least = LAST if grain is grains[-1] else MOST[grain]
            most = max(least, EACH[grain] * len(self.kernel.leaves))
            if self._search(most if self.limits.nodes is None else min(most, self.limits.nodes)):
                break

    def _coarser(self, grain: Grain) -> bool:
        """Whether there may be less to tell apart than from the start."""
        tells = {Grain.FINE: False, Grain.SORTS: self.abstraction.sorted, Grain.CUBES: self.states.live.asks}
        return grain > self.limits.grain and tells[grain]

    def _search(self, most: int) -> bool:
        """Whether it was not too much."""
        self._start()
        while self._real or self._later or self._unreal or (self._shorter and self._unreached):
            if self.apart is not None and self.apart.vain:
                return False
            if self._too_much(most) or SUCCESSORS in self.closing.open:
                self.closing.open.setdefault(f"there are more than {most} configurations")
                return False
            if why := self.budget.search_over(self.graph.nodes.__len__):
                self.closing.open[why] = None
                break
            if self._real:
                self._expand(self._real.popleft(), False)
            elif self._later:
                self._follow(*self._later.popleft(), True)
            elif self._unreal:
                node = self._unreal.popleft()
                if not node.real:
                    self._expand(node, True)
            else:
                node, arrival = self._shorter.popleft()
                self.lengthened = True
                self._later.extend((node, arrival, move) for move in moves(self.kernel, arrival.instance))
        return True

    def _too_much(self, most: int) -> bool:
        """Whether there are more nodes than that; of the last grain, whether it takes more work than so many do."""
        nodes = len(self.graph.nodes)
        counted = self.spared is None or self.apart is not None or self.limits.nodes is not None or most < LAST
        if nodes <= most or counted:
            return nodes > most
        return nodes > SPARED * most or self._followed > STEPS * most

    def _balks(self) -> None:
        """Steps that an argument of a compensation stops are accounted for where the nodes tell them from others."""
        told = {(each.code, each.span) for each in self.owed if each.decided}
        if not self.attempts.balked <= told:
            self.closing.open["what a compensation is handed may stop it with a fault"] = None

    def _start(self) -> None:
        fan = self.passages.start()
        for done in self.closing.successors(True, (), STARTING, (), fan, True):
            control = self.abstraction.control(done.instance)
            data = self._data(None, control, done)
            zone = self.clock.begun(control, self.lasting(control.place, data, done.taken[-1].entered))
            node = self._arrive(control, data, zone, done)
            self.graph.begin.append(edge_of(-1, node.id, STARTING, done, False))
        self.graph.starting = Reaction(STARTING, fan, (fan, *self.closing.onward))

    def _expand(self, node: Node, made_up: bool) -> None:
        """Every successor of a node. Order and number of what its log keeps loosely are varied."""
        if node.control.finished:
            return
        if self.spared is None or not self.spared.shows(node):
            self._follow_all(node, [*MoveKind], made_up)
        else:
            self._follow_all(node, [MoveKind.SETTLE] if node.control.flying else (), made_up)
            self.spared.spread(node, partial(self._follow_one, node, made_up, dict[Trait, Move]()))
            if not (node.control.flying or (node.control.loose and self.abstraction.drops)):
                return
        arrival = node.arrivals[0]
        for other in self.variants.of(arrival.instance) if self._ever_varies(node) else ():
            imagined = replace(arrival, instance=other, real=False)
            varying = (move for move in moves(self.kernel, other) if self._varies(node, move))
            self._later.extend((node, imagined, move) for move in varying)
        for other in self.variants.dropped(arrival.instance):
            imagined = replace(arrival, instance=other, real=False)
            undoing = (move for move in moves(self.kernel, other) if self._undoes(node, other, move))
            self._later.extend((node, imagined, move) for move in undoing)
        if self.variants.disordered:
            self.closing.open["calls may be undone in too many orders, which a property can tell apart"] = None

    def _follow_all(self, node: Node, kinds: Collection[MoveKind], made_up: bool) -> None:
        """Every successor of a node by the moves of some kinds."""
        for move in moves(self.kernel, node.instance) if kinds else ():
            if move.kind in kinds:
                self._follow(node, node.arrivals[0], move, made_up)

    def _follow_one(self, node: Node, made_up: bool, every: dict[Trait, Move], trait: Trait) -> None:
        """Every successor of a node by one move. every: its moves, noted when the first one is followed."""
        if not every:
            every.update((traits(move), move) for move in moves(self.kernel, node.instance))
        self._follow(node, node.arrivals[0], every[trait], made_up)

    def _varies(self, node: Node, move: Move) -> bool:
        """Whether it depends on the number or the order of what is on the log what a move leaves there: it goes on with
        a compensation, settles one of several, or takes away a call that made another one come twice. All others leave
        what is there and put on top; what a compensation drops as it begins is `dropped`'s."""
        if not node.control.resting or move.kind is MoveKind.SETTLE:
            return True
        answer = move.kind is MoveKind.ANSWER and move.answer not in {DONE, TIMEOUT, FAILED}
        return answer and self.abstraction.ordered

    def _ever_varies(self, node: Node) -> bool:
        """Whether there may be such a move: a call that answers where the order counts, or one that is settled."""
        return not node.control.resting or self.abstraction.ordered or node.control.flying

    def _undoes(self, node: Node, at: Instance, move: Move) -> bool:
        """Whether a move may go on with a compensation, or start one, of itself or by a join that follows."""
        if not node.control.resting:
            return True
        if move.kind is MoveKind.SETTLE or waits(self.kernel, at, move):
            return False
        key = node.control.rest, move.on, move.leaf
        if key not in self._undoing:
            passages = self._fan(node, node.instance, move).passages
            goes_on = self.passages.goes_on
            self._undoing[key] = any(isinstance(each.target, Undo) or goes_on(each) for each in passages)
        return self._undoing[key]

    def _beginning(self, node: Node, arrival: Arrival, runs: Sequence[Arrival]) -> Sequence[Arrival]:
        """The runs that may be: where a compensation would have dropped something, those that begin one."""
        if not node.control.resting or self.abstraction.control(arrival.instance) == node.control:
            return runs
        return [run for run in runs if begun(self.kernel, run.taken)]

    def _fan(self, node: Node, at: Instance, move: Move) -> Fan:
        return self.passages.of(node.control.rest, move.on, answering(at, move), needed(self.kernel, at, move))

    def _follow(self, node: Node, arrival: Arrival, move: Move, made_up: bool) -> None:
        """Every successor of a node by one move."""
        moment = self.clock.moment(node.zone, move, node.control.timers)
        if moment is None:
            return
        own = arrival is node.arrivals[0]
        self._followed += 1
        payload: tuple[Value, ...] = ()
        if move.kind in {MoveKind.SETTLE, MoveKind.UNDONE} or waits(self.kernel, arrival.instance, move):
            settling = self.attempts.settling(arrival.instance, move)
            if settling is None:
                return
            done = self.attempts.step(arrival, move, settling, arrival.now)
            if done is not None and not done.taken:
                self._note(node, move, done, moment, stay=True)
                return
            if move.kind is MoveKind.ANSWER:
                return
            goal = node.control.place[1][0]  # also if its end was refused
            payload, fan = settling, self.passages.exit(goal, node.control.history)
        else:
            fan = self._fan(node, arrival.instance, move)
        again = None if self.repeated is None or payload or not own else self.repeated(node, move, fan)
        if again is not None:
            runs, onward = again
            self.closing.wanting = False
        else:
            runs = self._successors(node, arrival, move, payload, fan, made_up)
            onward = tuple(self.closing.onward)
        reaction = self._react(node, move, fan, onward) if own else None
        came: list[Came] = []
        for done in runs if own else self._beginning(node, arrival, runs):
            target, zone = self._note(node, move, done, moment, stay=self._stays(done))
            came.append((done, target, zone))
        shown = all(done.real for done in runs) and not self.closing.wanting
        if self.spared is not None and reaction is not None and shown and node.control.resting:
            self.spared.learn(node, reaction, came)
        if self.closing.wanting:
            self._later.append((node, arrival, move))

    def _successors(
        self, node: Node, arrival: Arrival, move: Move, payload: tuple[Value, ...], fan: Fan, made_up: bool
    ) -> list[Arrival]:
        """One run, or more, for each successor; what a node that is alike would come to by the same runs is learnt."""
        own = arrival is node.arrivals[0]
        before = len(self.closing.open), len(self.attempts.faults), len(self.attempts.balked)
        state = self.states.before(node.control.place, node.data)
        arrivals = tuple(node.arrivals) if own else (arrival,)
        runs = self.closing.successors(state, arrivals, move, payload, fan, made_up)
        whole = before == (len(self.closing.open), len(self.attempts.faults), len(self.attempts.balked))
        shown = whole and not self.closing.wanting and all(run.real for run in runs)
        if self.repeated is not None and own and not payload and shown:
            self.repeated.learn(node, move, fan, runs, self.closing.onward)
        return runs

    def _rerun(self, node: Node, known: Known) -> Arrival:
        """The run of a step that was spared."""
        move = alike(known.reaction.move, node.instance)
        assert move is not None, "it is a move of the node"
        state, fan = self.states.before(node.control.place, node.data), self._fan(node, node.instance, move)
        runs = self.closing.successors(state, node.arrivals[:1], move, (), fan, False)
        (done,) = (run for run in runs if run.taken == known.taken and run.real)
        return done

    def _born(self, source: Node, known: Known, control: Control, data: Answers, zone: Zone, size: int) -> Node | None:
        """The node that a step comes to which was spared, an old one if it can be. size: of the log there; None: only
        shorter ones have come to where they are looked at by runs (`_shortened`)."""
        alike = self._known.setdefault((control, data), [])
        node = next((old for old in alike if old.zone.covers(zone)), None)
        if node is not None:
            return None if control.loose and size < self._least.get(node.id, UNSEEN) else node
        node = Node(len(self.graph.nodes), control, data, zone, self.graph, born=(source.id, known))
        node.values, node.depth = source.held[0], source.length + 1
        alike.append(node)
        self.graph.nodes.append(node)
        self._real.append(node)
        if control.loose:
            self._least[node.id] = size
        return node

    @staticmethod
    def _react(node: Node, move: Move, fan: Fan, onward: Sequence[Fan]) -> Reaction:
        """Note what a node can do about a move; a second search, on data made up, may find that the step goes on."""
        parts = dict.fromkeys((fan, *onward))
        noted = node.noting()
        for index, known in enumerate(noted):
            if known.move == move:
                noted[index] = Reaction(move, fan, (*dict.fromkeys((*known.parts, *parts)),))
                return noted[index]
        noted.append(Reaction(move, fan, (*parts,)))
        return noted[-1]

    def _stays(self, done: Arrival) -> bool:
        command = done.taken[0].command
        return command is not None and isinstance(self.kernel.commands[command].target, Stay)

    def _note(self, node: Node, move: Move, done: Arrival, moment: Zone, stay: bool) -> tuple[Node, Zone]:
        """The node that a step comes to, and its zone there."""
        control = self.abstraction.control(done.instance)
        resting = stay and control.place == node.control.place and control.resting
        entered = frozenset(() if done.passage is None else done.passage.entered)
        data = self._data(node, control, done)
        told = self.lasting(control.place, data, done.taken[-1].entered if done.taken else ())
        zone = self.clock.entered(moment, control, entered, node.control.entered, told)
        target = self._arrive(control, data, zone, done)
        if self.spared is not None and done.real:
            self.spared.arrived(target, control, data, zone, done)
        self._leads(node, edge_of(node.id, target.id, move, done, resting))
        return target, zone

    def _lead(self, node: Node, target: Node, known: Known) -> None:
        """Note the edge of a known step, which no other node has."""
        self._leads(node, self.graph.edge(node, target.id, known))

    def _leads(self, node: Node, edge: Edge) -> None:
        """Note an edge, but for one that is there, or is one of a run instead."""
        key = edge.source, edge.target, traits(edge.move), edge.taken
        old = self._edges.get(key)
        if self.lengthened and old is None and node.does(edge):  # moves that were spared were followed all the same
            return
        if old is None or (edge.real and not old.real):
            if old is not None:
                node.leads_no_more(old)
            self._edges[key] = edge
            node.leads(edge.target, edge)

    def _data(self, source: Node | None, control: Control, done: Arrival) -> Answers:
        """What a run has come to answers; of cubes, what all that is led to by its way does."""
        if self.grain is Grain.CUBES and done.passage is not None:
            run = self.states.answers(control.place, done.instance)
            before = None if source is None else (source.control.place, source.data)
            return self.states.cube(before, done.passage, control.place, run)
        if self.grain is Grain.CUBES and source is not None:
            return source.data  # no data have changed, nor has the place
        return self.states.answers(control.place, done.instance)

    def _arrive(self, control: Control, data: Answers, zone: Zone, done: Arrival) -> Node:
        """The node of an instance, an old one if it can be."""
        alike = self._known.setdefault((control, () if self.grain is Grain.CUBES else data), [])
        if self.grain is Grain.CUBES:
            data = self._widened(alike, data)
        node = next((old for old in alike if covers(old.data, data) and old.zone.covers(zone)), None)
        if node is None:
            node = Node(len(self.graph.nodes), control, data, zone, self.graph, [done])
            alike.append(node)
            self.graph.nodes.append(node)
            (self._real if done.real else self._unreal).append(node)
            self._unreached.update(() if done.real else (node.id,))
            self._shortened(node, done)
        elif done.real and not node.real:
            node.arrivals.insert(0, done)
            self._real.append(node)
            self._unreached.discard(node.id)
            self._shortened(node, done)
        elif done.real:
            if self._shortened(node, done):
                self._shorter.append((node, done))
            if len(node.arrivals) < ALTERNATES and self._new_data(node, done.instance):
                node.arrivals.append(done)
        return node

    def _shortened(self, node: Node, done: Arrival) -> bool:
        """Whether a run comes to a node with fewer entries on a loose log than any before: to the end of a compensation
        only such runs come."""
        if not (done.real and node.control.loose) or len(done.instance.log) >= self._least.get(node.id, UNSEEN):
            return False
        self._least[node.id] = len(done.instance.log)
        return True

    @staticmethod
    def _widened(alike: Sequence[Node], data: Answers) -> Answers:
        """A cube, made so wide that it holds all others of its control, if there are many of them."""
        if len({node.data for node in alike}) < MOST_CUBES or any(covers(node.data, data) for node in alike):
            return data
        columns = zip(data, *(node.data for node in alike), strict=True)
        return tuple(column[0] if len(set(column)) == 1 else None for column in columns)

    def _new_data(self, node: Node, at: Instance) -> bool:
        return at.values not in node.held
