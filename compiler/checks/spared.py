"""A node and a move in; where it leads out, without a run, if an equal step was run elsewhere.

Regions that run side by side make the same steps in every combination of the others' places. A step is **straight** if
it goes one way, whatever the data and the payload, and changes no data. What a straight step does to control depends on
little of the node, and once a run has shown it for that little, it is known:

-   One that stays **inside** its region leaves one leaf and enters one. It changes nothing of the others, and what it
    does to calls, tasks, timers and the log depends on the commands that answer, on what its leaf runs, and on the
    tasks and timers there are.
-   One that goes **outside**, by itself or by a join that follows, leaves of the leaves nothing but interrupted calls.
    Where it comes to depends on how many calls of which kind are on the log (their order is not kept), on what the
    answer did to its own, on the command or the join, and on the tasks and timers there are.

What needs to know more takes a run: savepoints, what `resume` and `in S` ask for, calls for each item, and what a
compensation drops. And a node that no run has come to yet is never made here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from ...dsl.model import Effect, InState
from ...dsl.values import dataclass
from ...dsl.walk import nodes
from ..instance import Taken
from ..kernel import DONE, Configuration, Goto, Kernel, ScopeKind, Stay, Target
from .atoms import Place
from .clock import Clock
from .control import DROPPED, Abstraction, Control, Grain, Kind, Running
from .graph import Arrival, Node, Reaction
from .lasting import Lasting
from .moves import Move, MoveKind
from .passages import Fan, Passage
from .states import Answers, States
from .zones import Zone

SHARED = {MoveKind.ANSWER, MoveKind.EVENT}
"""What may be spared: who does a task, and when a timer falls due, is each instance's own."""

NONE = -1  # no join
ALL = ("",)  # the leaves that a step leaves, if it leaves everything

Open = tuple[tuple[str, ...], frozenset[str], frozenset[str]]
"""The tasks open, the timers armed, and the places entered that some count from."""

Resting = tuple[Configuration, tuple[Running, ...], Open, int]
"""Control at rest without savepoints and histories; the log by its number in `Spared`."""


@dataclass(frozen=True, eq=False, slots=True)
class Known:
    """A straight step. `reaction`: as the first node had it that made the step, whose move stands for that of all."""

    reaction: Reaction
    taken: tuple[Taken, ...]
    entered: tuple[str, ...]
    stays: bool


@dataclass(frozen=True, eq=False, slots=True)
class _First:
    """What commands do about a trigger before a join follows. `leaves`: everything; else it goes from one leaf to
    another (None: it stays). `own`: the leaf whose call answers."""

    passage: Passage
    leaves: bool
    gone: str | None
    new: str | None
    own: str
    begun: tuple[str, ...]  # the sorts of the calls that are made
    like: object  # what it does to the log, of one that a join follows


@dataclass(frozen=True, eq=False, slots=True)
class _Inside:
    """What a step does that stays in its region."""

    known: Known
    removed: tuple[Kind, ...]
    added: tuple[Kind, ...]
    running: tuple[Running, ...]
    open: Open


@dataclass(frozen=True, eq=False, slots=True)
class _Outside:
    """Where a step comes to that leaves everything, and what was taken behind its first passage."""

    control: Control
    taken: tuple[Taken, ...]


class Spared:
    """The straight steps of one search."""

    def __init__(
        self, kernel: Kernel, states: States, clock: Clock, lasting: Lasting, abstraction: Abstraction
    ) -> None:
        self.kernel = kernel
        self.states = states
        self.passages = states.passages
        self.clock = clock
        self.lasting = lasting
        self.abstraction = abstraction
        self._placed = frozenset(c.id for c in kernel.commands if any(isinstance(n, InState) for n in nodes(c)))
        dropped = (each.name for each in kernel.activities if each.effect in DROPPED)
        self._dropped = frozenset(abstraction.sorts[name] for name in dropped)
        self._within: dict[tuple[object, ...], frozenset[str]] = {}  # the leaves that commands may leave
        self._first: dict[tuple[tuple[object, ...], Configuration], _First] = {}
        self._inside: dict[tuple[object, ...], _Inside] = {}
        self._outside: dict[tuple[object, ...], _Outside] = {}
        self._shown: dict[tuple[_First, int, tuple[Taken, ...]], Known] = {}
        self._logs: list[tuple[Kind, ...]] = []
        self._number: dict[tuple[Kind, ...], int] = {}
        self._changed: dict[tuple[int, _Inside], int] = {}
        self._at: dict[tuple[Resting, Answers, Zone | None], Node] = {}
        self._after: dict[tuple[int, Answers, Zone | None], Node] = {}  # by the id of a control that `_outside` keeps
        self._resting: dict[int, Resting] = {}  # by the id of a node

    @staticmethod
    def able(kernel: Kernel, abstraction: Abstraction, grain: Grain) -> bool:
        """Whether there may be such steps, and neither the order of the log is control (as it is where a property asks
        for calls) nor are nodes cubes of data."""
        apart = any(scope.kind is ScopeKind.PARALLEL for scope in kernel.scopes)
        return apart and not abstraction.ordered and grain is not Grain.CUBES

    # ------------------------------------------------------------ what is known

    def __call__(self, node: Node, move: Move) -> tuple[Node, Known] | None:
        """Where a move of a real node leads, and how; None: that takes a run."""
        if not self._looks(node, move):
            return None
        key = self._commands(node, move)
        within = self._within.get(key)
        first = None if within is None else self._first.get((key, _left(node, within)))
        if first is None:
            return None
        rest = self._rest(node)
        after = _replaced(rest[0], first)
        joined = self._join(after, first)
        if first.leaves or joined != NONE:
            found = self._goes_outside(node, first, rest, joined)
        else:
            found = self._stays_inside(node, first, rest, after)
        if found is None or not found[0].real:
            return None
        target, values = found[0], node.instance.values
        if values and all(arrival.instance.values != values for arrival in target.arrivals):
            return None  # a run with other data may be worth keeping
        return found

    def _looks(self, node: Node, move: Move) -> bool:
        """Whether a node and a move are such that what is known here is enough."""
        call = self.kernel.leaf[move.leaf].call if move.leaf else None
        return move.kind in SHARED and _plain(node.control) and (call is None or call.each is None)

    def _commands(self, node: Node, move: Move) -> tuple[object, ...]:
        """What says of a move which commands answer it, and whether it is refused otherwise."""
        if move.kind is MoveKind.ANSWER:
            return move.leaf, move.answer
        kernel, configuration = self.kernel, node.control.configuration
        commands = kernel.written(configuration, move.on)
        left = kernel.ignored(configuration, move.name) or kernel.deferred(configuration, move.name)
        return move.name, left, tuple(command.id for command in commands)

    def _stays_inside(
        self, node: Node, first: _First, rest: Resting, after: Configuration
    ) -> tuple[Node, Known] | None:
        _, running, open, log = rest
        inside = self._inside.get((first, open, _held(running, first)))
        if inside is None:
            return None
        data = self._data(node, ("at", after))
        if data is None:
            return None
        zone = self._zone(node, inside.open[1], inside.known, ("at", after), data)
        kept = [each for each in running if each[0] != first.gone and each[0] != first.own]
        on = tuple(sorted([*kept, *inside.running]))
        found = self._at.get(((after, on, inside.open, self._change(log, inside)), data, zone))
        return None if found is None else (found, inside.known)

    def _goes_outside(self, node: Node, first: _First, rest: Resting, joined: int) -> tuple[Node, Known] | None:
        _, _, open, log = rest
        outside = self._outside.get((first.like, joined, open, log))
        if outside is None:
            return None
        known = self._shown.get((first, joined, outside.taken))
        data = self._data(node, outside.control.place)
        if known is None or data is None:
            return None
        zone = self._zone(node, outside.control.timers, known, outside.control.place, data)
        found = self._after.get((id(outside.control), data, zone))
        return None if found is None else (found, known)

    # ------------------------------------------------------------ what runs show

    def arrived(self, node: Node, control: Control, data: Answers, zone: Zone, done: Arrival) -> None:
        """That a run has come to a node."""
        if _plain(control):
            self._at[self._of(control, done), data, zone if control.timers else None] = node

    def learn(self, node: Node, reaction: Reaction, done: Arrival, target: Node, zone: Zone) -> None:
        """What the only run of a move of a real node has done. zone: of where it came to."""
        move, passage = reaction.move, done.passage
        if passage is None or not self._looks(node, move) or not self._straight(reaction.parts):
            return
        if self.kernel.savepoints.intersection(passage.entered) or self.kernel.resumed & passage.left:
            return
        first = self._begun(node, reaction)
        if first is None:
            return
        control = self.abstraction.control(done.instance)
        configuration, running, open, log = self._rest(node)
        joined = self._join(_replaced(configuration, first), first)
        if not first.leaves and joined == NONE:
            after = self._of(control, done)
            assert after[0] == _replaced(configuration, first), "a leaf takes the place of another of its region"
            before, behind = Counter(self._logs[log]), Counter(self._logs[after[3]])
            known = Known(reaction, done.taken, passage.entered, first.gone is None)
            inside = _Inside(
                known,
                (*(before - behind).elements(),),
                (*(behind - before).elements(),),
                (*(each for each in after[1] if each[0] == first.new),),
                after[2],
            )
            self._inside.setdefault((first, open, _held(running, first)), inside)
        elif passage.left.issuperset(configuration) and not self._drops(log, first):
            rest = done.taken[len(first.passage.trail) :]
            outside = self._outside.setdefault((first.like, joined, open, log), _Outside(control, rest))
            self._shown.setdefault((first, joined, rest), Known(reaction, done.taken, passage.entered, stays=False))
            data = self._data(node, control.place)
            if data is not None and outside.control == control:
                self._after[id(outside.control), data, zone if control.timers else None] = target

    def _begun(self, node: Node, reaction: Reaction) -> _First | None:
        """What a straight step begins with; None: it leaves several leaves, and not all."""
        passage, command = reaction.fan.passages[0], reaction.fan.passages[0].command
        assert command is not None, "only the start and the end of a compensation answer to nothing"
        key = self._commands(node, reaction.move)
        if key not in self._within:
            self._within[key] = _inside(self.kernel, command.scope, passage.target)
        gone = _left(node, self._within[key])
        if (key, gone) not in self._first:
            new = [name for name in passage.entered if name in self.kernel.leaf]
            leaves = gone == ALL
            if not leaves and (len(gone) > 1 or len(new) != len(gone)):
                return None
            self._first[key, gone] = self._made(reaction, leaves, gone, new)
        return self._first[key, gone]

    def _made(self, reaction: Reaction, leaves: bool, gone: Configuration, new: Sequence[str]) -> _First:
        passage, own = reaction.fan.passages[0], reaction.move.leaf
        if leaves:
            return _First(passage, True, None, None, own, (), passage.id)
        called = [self.kernel.leaf[leaf].call for leaf in new]
        made = [call.activity for call in called if call is not None and self._logged(call.activity)]
        begun = tuple(self.abstraction.sorts[activity] for activity in made)
        like = self._answered(reaction.move), begun
        return _First(passage, False, gone[0] if gone else None, new[0] if new else None, own, begun, like)

    def _answered(self, move: Move) -> object:
        """What an answer does to the log: to a call of which sort, and how."""
        call = self.kernel.leaf[move.leaf].call if move.leaf else None
        if call is None or not self._logged(call.activity):
            return None
        fails = {failure.name for failure in self.kernel.activity[call.activity].fails}
        return self.abstraction.sorts[call.activity], move.answer == DONE, move.answer in fails

    def _logged(self, activity: str) -> bool:
        return self.kernel.activity[activity].effect is not Effect.READONLY

    def _straight(self, parts: Sequence[Fan]) -> bool:
        """Whether there is one way, whatever the data and the payload, and it changes no data."""
        payload = zip(parts[0].payload, (param.type for param in parts[0].params), strict=True)
        any_payload = self.states.encoder.all(*(self.states.encoder.domain(each, type) for each, type in payload))
        return all(
            fan.complete
            and not (fan.given or fan.duties or fan.again)
            and len(fan.passages) == 1
            and fan.passages[0].condition is any_payload
            and fan.passages[0].after.variables is self.passages.variables
            and not (fan.passages[0].sizes or fan.passages[0].vacant)
            and not (self.passages.placed and self._asks_where(fan))
            for fan in parts
        )

    def _asks_where(self, fan: Fan) -> bool:
        """Whether guards may ask where other regions are: of commands, or of a choice that was passed."""
        spans = {span for fork in fan.forks for span, _ in fork.guards}
        asking = any(self.kernel.commands[id].span in spans for id in self._placed)
        return asking or any(taken.branches for passage in fan.passages for taken in passage.trail)

    def _drops(self, log: int, first: _First) -> bool:
        """Whether a compensation may drop what is on the log: then the order counts."""
        begun = first.begun if self._dropped else ()
        return any(kind[0] in self._dropped for kind in self._logs[log]) or not self._dropped.isdisjoint(begun)

    # ------------------------------------------------------------ parts

    def _join(self, after: Configuration, first: _First) -> int:
        """The join, by the id of its command, that follows a step which leaves some regions as they are."""
        joined = None if first.leaves else self.kernel.joined(after)
        return NONE if joined is None else joined.id

    def _rest(self, node: Node) -> Resting:
        found = self._resting.get(node.id)
        if found is None:
            found = self._resting[node.id] = self._of(node.control, node.arrivals[0])
        return found

    def _of(self, control: Control, arrival: Arrival) -> Resting:
        at = arrival.instance
        ids = {call.key for call in at.calls if not call.answer}
        log = tuple(sorted(self.abstraction.kind(entry, ids) for entry in at.log))
        return control.configuration, control.running, (control.tasks, control.timers, control.entered), self._log(log)

    def _log(self, kinds: tuple[Kind, ...]) -> int:
        number = self._number.get(kinds)
        if number is None:
            number = self._number[kinds] = len(self._logs)
            self._logs.append(kinds)
        return number

    def _change(self, log: int, inside: _Inside) -> int:
        found = self._changed.get((log, inside))
        if found is None:
            kinds = Counter(self._logs[log])
            kinds.subtract(inside.removed)
            kinds.update(inside.added)
            found = self._changed[log, inside] = self._log(tuple(sorted(kinds.elements())))
        return found

    def _data(self, node: Node, place: tuple[str, Configuration]) -> Answers | None:
        """What the data of a node answer to the atoms of another place; None: they do not say."""
        if not self.states.live.asks or not self.states.live[place]:
            return ()
        known = dict(zip(self.states.live[node.control.place], node.data, strict=True))
        wanted = self.states.live[place]
        return tuple(known[atom] for atom in wanted) if all(atom in known for atom in wanted) else None

    def _zone(self, node: Node, timers: frozenset[str], known: Known, place: Place, data: Answers) -> Zone | None:
        """Of where a step comes to; None: no timer runs there."""
        told = self.lasting(place, data, known.taken[-1].entered)
        entered = frozenset(known.entered)
        return self.clock.among(node.zone, timers, entered, node.control.entered, told) if timers else None


def _plain(control: Control) -> bool:
    """Whether it rests, and `Resting` says all of it."""
    return control.resting and not (control.finished or control.marks or control.history)


def _inside(kernel: Kernel, scope: str, target: Target) -> frozenset[str]:
    """The leaves that a command may leave."""
    if isinstance(target, Stay):
        return frozenset()
    domain = kernel.domain(scope, target.node) if isinstance(target, Goto) else ""
    return frozenset(leaf.name for leaf in kernel.leaves if domain in kernel.above(leaf.name)[1:])


def _left(node: Node, within: frozenset[str]) -> Configuration:
    """The leaves among some that a node rests in, or `ALL`."""
    configuration = node.control.configuration
    left = tuple([leaf for leaf in configuration if leaf in within])
    return ALL if len(left) == len(configuration) else left


def _replaced(configuration: Configuration, first: _First) -> Configuration:
    """A region's leaves lie together in the text, so another of them takes the same place in the order."""
    if first.gone is None or first.new is None:
        return configuration
    return tuple([first.new if leaf == first.gone else leaf for leaf in configuration])


def _held(running: tuple[Running, ...], first: _First) -> tuple[Running, ...]:
    """What runs in the leaf of a step."""
    return tuple([each for each in running if each[0] == first.gone or each[0] == first.own])
