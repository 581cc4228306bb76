"""A node and a move in; where it leads out, without a run, if an equal step was run elsewhere.

Regions that run side by side make the same steps in every combination of the others' places. What a `straight` step
does to control depends on little of the node, and once a run has shown it for that little, it is known:

-   One that stays **inside** its region leaves one leaf and enters one. It changes nothing of the others, and what it
    does to calls, tasks, timers and the log depends on the commands that answer, on what its leaf runs, and on the
    tasks and timers there are.
-   One that goes **outside**, by itself or by a join that follows, leaves of the leaves nothing but interrupted calls.
    Where it comes to depends on how many calls of which kind are on the log (their order is not kept), on what the
    answer did to its own, on the command or the join, and on the tasks and timers there are.

What needs to know more takes a run: savepoints, what `resume` and `in S` ask for, calls for each item, and what a
compensation drops. Where a step inside comes to a combination of places that no run has come to, the node is **born**:
its control is put together from what is known, and the run to it is only made if somebody asks for it.

What is known is looked up by what it depends on (`parts`): a move of one region is an `Option` that all nodes share
in which that region is so, and the node it leads to is found by exchanging one local.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence, Set
from itertools import groupby

from ...dsl.model import Effect
from ...dsl.values import dataclass, field
from ..instance import Taken
from ..kernel import DONE, Configuration, Goto, Kernel, ScopeKind, Stay, Target
from .clock import Clock
from .control import DROPPED, Abstraction, Control, Grain, Kind, Running
from .graph import Arrival, Known, Node, Reaction
from .moves import Move, MoveKind
from .parts import OPENED, Key, Local, Locals, Open, Parts, Resting, Trait, plain, traits
from .passages import Passage
from .states import Answers, States
from .straight import Straight
from .zones import Zone

SHARED = {MoveKind.ANSWER, MoveKind.EVENT}
"""What many nodes do alike, and at any time."""
NONE = -1  # no join
ALL = ("",)  # the leaves that a step leaves, if it leaves everything
TIMELESS = Zone()


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
    """What a step does that stays in its region. `next`: where it comes to there; None: no leaf is left or answers.
    `rooms`: the nodes it may lead to, by the log before it, if no data and no timers have a part in it."""

    known: Known
    removed: tuple[Kind, ...]
    added: tuple[Kind, ...]
    next: Local | None
    open: Open
    rooms: dict[int, dict[Locals, Node]] = field(default_factory=dict[int, dict["Locals", Node]])


@dataclass(frozen=True, eq=False, slots=True)
class _Outside:
    """Where a step comes to that leaves everything, and what was taken behind its first passage."""

    control: Control
    taken: tuple[Taken, ...]


@dataclass(eq=False, slots=True)
class Option:
    """A move of all nodes that are alike in what is open, in the shapes of their locals, and in the local `at` a place
    (-1: none).

    `first`, `inside`: what is known of it; `joined`: the join that follows; `ends`: where it leads outside, by the log,
    if no data and no timers have a part in it."""

    trait: Trait
    at: int = -1
    first: _First | None = None
    inside: _Inside | None = None
    joined: int = NONE
    ends: dict[int, tuple[Node, Known]] = field(default_factory=dict[int, tuple[Node, Known]])

    @property
    def leaves(self) -> bool:
        """Whether it is known to lead outside."""
        return self.first is not None and (self.first.leaves or self.joined != NONE)

    @property
    def known(self) -> bool:
        return self.leaves or self.inside is not None


Came = tuple[Arrival, Node, Zone]
"""A run, and the node and zone that it has come to."""

Ends = tuple[tuple[Node, ...], tuple[int, ...], tuple[Known, ...]]
"""Where some moves lead, the ids of these nodes, and how."""


@dataclass(eq=False, slots=True)
class _Options:
    """Some moves that follow each other in the text and lead outside, or another one. `ends`: of all of them."""

    options: tuple[Option, ...]
    ends: dict[int, Ends] = field(default_factory=dict[int, Ends])


Born = Callable[[Node, Known, Control, Answers, Zone, int], Node | None]
"""The node a known step of a node comes to, by its control, data, zone, and how many calls are on the log there: an old
one, or one that is born; None: that takes a run."""

Lead = Callable[[Node, Node, Known], None]
"""Notes that a known step of a node leads to another one, as an edge of its own."""

Follow = Callable[[Node, Resting], Callable[[int, Local | None], bool]]
"""Whether a step of a node is to be followed that stays in a region, by where in the configuration it is made, and the
local that it comes to there."""


class Spared:
    """The straight steps of one search."""

    def __init__(
        self,
        kernel: Kernel,
        states: States,
        clock: Clock,
        abstraction: Abstraction,
        born: Born,
        lead: Lead,
        follow: Follow | None = None,
    ) -> None:
        self.kernel = kernel
        self.states = states
        self.passages = states.passages
        self.clock = clock
        self.abstraction = abstraction
        self._born = born
        self._lead = lead
        self._follow = follow
        self._asks = states.live.asks
        self._straight = Straight(states, clock)
        dropped = (each.name for each in kernel.activities if each.effect in DROPPED)
        self._dropped = frozenset(abstraction.sorts[name] for name in dropped)
        self._parts = Parts(kernel, abstraction)
        self._within: dict[Key, frozenset[str]] = {}  # the leaves that commands may leave
        self._first: dict[tuple[Key, Configuration], _First] = {}
        self._ways: dict[Key, int] = {}  # how many ways a task or a timer may go
        self._reactions: dict[tuple[Known, ...], Reaction] = {}
        self._inside: dict[tuple[_First, Open, Running | None], _Inside] = {}
        self._outside: dict[tuple[object, int, Open, int], _Outside] = {}
        self._shown: dict[tuple[_First, int, tuple[Taken, ...]], Known] = {}
        self._changed: dict[tuple[int, _Inside], int] = {}
        self._rooms: dict[tuple[Open, int, Answers, Zone | None], dict[Locals, Node]] = {}
        self._after: dict[tuple[int, Answers, Zone | None], Node] = {}  # by the id of a control that `_outside` keeps
        self._resting: dict[int, Resting] = {}  # by the id of a node that is not expanded yet
        self._options: dict[tuple[object, ...], tuple[_Options, ...]] = {}

    @staticmethod
    def able(kernel: Kernel, abstraction: Abstraction, grain: Grain) -> bool:
        """Whether there may be such steps, and neither the order of the log is control (as it is where a property asks
        for calls) nor are nodes cubes of data."""
        apart = any(scope.kind is ScopeKind.PARALLEL for scope in kernel.scopes)
        return apart and not abstraction.ordered and grain is not Grain.CUBES

    # ------------------------------------------------------------ what is known

    def spread(self, node: Node, run: Callable[[Trait], None]) -> None:
        """Note where the moves of a real node lead, but for calls that are settled; run what is not known."""
        rest = self._resting.pop(node.id, None) or self._parts.of(node.control, node.instance)
        values = node.held[0] if self.kernel.variable else ()
        targets, ways = [*node.targets], [*node.ways]
        wanted = None if self._follow is None else self._follow(node, rest)
        left_out: list[Reaction] = []
        for options in self._moves(rest):
            inside = options.options[0].inside
            if wanted is not None and inside is not None and not wanted(options.options[0].at, inside.next):
                left_out += [inside.known.reaction] if inside.known.move.kind is MoveKind.EVENT else []
                continue
            ends = options.ends.get(rest[2]) or self._alike(rest, options.options[0])
            if ends is not None and (not values or all(values in target.held for target in ends[0])):
                targets += ends[1]
                ways += ends[2]
                continue
            for option in options.options:
                found = self._goes(node, rest, option)
                if found is not None and (not values or values in found[0].held):
                    targets.append(found[0].id)
                    ways.append(found[1])
                else:  # a run with other data may be worth keeping
                    node.show(targets, ways)
                    run(option.trait)
                    targets, ways = [*node.targets], [*node.ways]
            self._keep(rest, options)
        node.show(targets, ways)
        if left_out:  # what events do there is asked all the same
            node.noting().extend(left_out)
        for trait, commands in self._parts.opened(rest[0], rest[1]):
            self._spread_opened(node, rest, trait, commands, run)

    def _spread_opened(
        self, node: Node, rest: Resting, trait: Trait, commands: Key, run: Callable[[Trait], None]
    ) -> None:
        """The same of a task or a timer: each edge by itself, since not all nodes have all that others have."""
        kind, name, _ = trait
        moment = self.clock.moment(node.zone, Move(kind, name), rest[1][1])
        if moment is None:
            return
        options = self._opened(rest, trait, commands)
        found = [goes for option in options if (goes := self._goes(node, rest, option, moment)) is not None]
        values = node.held[0] if self.kernel.variable else ()
        if not found or len(found) < len(options) or (values and any(values not in end.held for end, _ in found)):
            run(trait)
            return
        node.noting().append(self._reaction(tuple([known for _, known in found])))
        for end, known in found:
            self._lead(node, end, known)

    def _opened(self, rest: Resting, trait: Trait, commands: Key) -> tuple[Option, ...]:
        """The ways that a task or a timer may go."""
        key = *rest[:2], commands
        if key not in self._options:
            ways = range(self._ways.get(commands, 0))
            self._options[key] = (_Options(tuple([self._option(rest, trait, (*commands, way)) for way in ways])),)
        return self._options[key][0].options

    def moves(self, rest: Resting) -> Iterator[Option]:
        """The answers and events of a node, and what is known of each."""
        return (option for options in self._moves(rest) for option in options.options)

    def log(self, number: int) -> Sequence[Kind]:
        """What is on a log."""
        return self._parts.logs[number]

    @property
    def inside(self) -> Set[Known]:
        """The steps that stay in a region."""
        return {inside.known for inside in self._inside.values()}

    def _alike(self, rest: Resting, option: Option) -> Ends | None:
        """Where a move leads that stays inside, if such a node is known, and neither data nor timers matter."""
        inside = option.inside
        room = None if inside is None else inside.rooms.get(rest[2])
        if inside is None or room is None:
            return None
        found = room.get(_moved(rest[0], option.at, inside.next))
        return None if found is None else ((found,), (found.id,), (inside.known,))

    def _keep(self, rest: Resting, options: _Options) -> None:
        """Note where moves lead outside, if that is so for all nodes with such a log."""
        ends = [option.ends.get(rest[2]) for option in options.options if option.leaves]
        known = [end for end in ends if end is not None]
        if len(known) == len(options.options):
            nodes = tuple(node for node, _ in known)
            options.ends[rest[2]] = nodes, tuple(node.id for node in nodes), tuple(way for _, way in known)

    def _moves(self, rest: Resting) -> list[_Options]:
        """The moves of a node, in the order of the text."""
        locals, open, _ = rest
        shape = tuple([local.shape for local in locals])
        found: list[_Options] = []
        for at, local in enumerate(locals):
            if local.running is not None and local.running[1]:
                key: tuple[object, ...] = shape, at, local, open
                options = self._options.get(key)
                if options is None:
                    made = [self._option(rest, *answer) for answer in self._parts.answers(local.leaf)]
                    options = self._options[key] = tuple(_Options(each) for each in _together(made))
                found += options
        for trait, commands in self._parts.events(locals):
            within = self._within.get(commands)
            left = () if within is None else tuple([at for at, local in enumerate(locals) if local.leaf in within])
            key = shape, commands, open, left, locals[left[0]] if len(left) == 1 else None
            options = self._options.get(key)
            if options is None:
                options = self._options[key] = (_Options((self._option(rest, trait, commands),)),)
            found += options
        return found

    def _option(self, rest: Resting, trait: Trait, commands: Key) -> Option:
        """What is known of a move, wherever what it depends on is as in one node."""
        locals, open, _ = rest
        within = self._within.get(commands)
        if within is None:
            return Option(trait)
        leaves = tuple([local.leaf for local in locals])
        left = _left(leaves, within)
        first = self._first.get((commands, left))
        if first is None:
            return Option(trait)
        joined = self._join(_replaced(leaves, first), first)
        if first.leaves or joined != NONE:
            return Option(trait, -1, first, None, joined)
        at = leaves.index(first.gone or first.own) if first.gone or first.own else -1
        if first.own and first.gone not in {None, first.own}:
            return Option(trait)
        inside = self._inside.get((first, open, locals[at].running if at >= 0 else None))
        return Option(trait, at, first, inside)

    def _goes(self, node: Node, rest: Resting, option: Option, moment: Zone | None = None) -> tuple[Node, Known] | None:
        """Where a move of a node leads, and how; None: that takes a run. moment: the zone when it comes, if that is not
        any time in the node."""
        first, inside = option.first, option.inside
        if first is None:
            return None
        if option.leaves:
            return option.ends.get(rest[2]) or self._goes_outside(node, rest, option, first, moment)
        return None if inside is None else self._stays_inside(node, rest, option.at, inside, moment)

    def _stays_inside(
        self, node: Node, rest: Resting, at: int, inside: _Inside, moment: Zone | None
    ) -> tuple[Node, Known] | None:
        locals, open, log = _moved(rest[0], at, inside.next), inside.open, rest[2]
        changed = self._changed.get((log, inside))
        if changed is None:
            changed = self._changed[log, inside] = self._parts.changed(log, inside.removed, inside.added)
        data = self._data(node, ("at", tuple([local.leaf for local in locals]))) if self._asks else ()
        if data is None:
            return None
        zone = self._zone(node, open[1], inside.known.entered, moment) if open[1] else None
        room = self._rooms.setdefault((open, changed, data, zone), {})
        if zone is None and not self._asks:
            inside.rooms[log] = room
        found = room.get(locals)
        if found is None:
            found = self._bear(node, (locals, open, changed), data, zone, inside.known)
        return (found, inside.known) if found is not None and found.real else None

    def _bear(self, node: Node, rest: Resting, data: Answers, zone: Zone | None, known: Known) -> Node | None:
        """The node at some combination of locals that none is known of; None: it takes a run."""
        locals, open, log = rest
        control, size = self._parts.control(rest), len(self._parts.logs[log])
        found = self._born(node, known, control, data, TIMELESS if zone is None else zone, size)
        if found is not None:
            self._rooms.setdefault((open, log, data, zone), {})[locals] = found
            if found.born is not None:
                self._resting.setdefault(found.id, rest)
        return found

    def _goes_outside(
        self, node: Node, rest: Resting, option: Option, first: _First, moment: Zone | None
    ) -> tuple[Node, Known] | None:
        _, open, log = rest
        outside = self._outside.get((first.like, option.joined, open, log))
        if outside is None:
            return None
        known = self._shown.get((first, option.joined, outside.taken))
        data = self._data(node, outside.control.place)
        if known is None or data is None:
            return None
        zone = self._zone(node, outside.control.timers, known.entered, moment)
        found = self._after.get((id(outside.control), data, zone))
        if found is None or not found.real:
            return None
        if zone is None and not self._asks:
            option.ends[log] = found, known
        return found, known

    def _reaction(self, ways: tuple[Known, ...]) -> Reaction:
        """What a node can do about a task or a timer, by the ways that it may go."""
        if ways not in self._reactions:
            first, parts = ways[0].reaction, [part for known in ways for part in known.reaction.parts[1:]]
            onward = sorted(parts, key=lambda part: len(part.passages[0].trail))  # as a run comes to them
            self._reactions[ways] = Reaction(first.move, first.fan, (*dict.fromkeys((first.fan, *onward)),))
        return self._reactions[ways]

    # ------------------------------------------------------------ what runs show

    def arrived(self, node: Node, control: Control, data: Answers, zone: Zone, done: Arrival) -> None:
        """That a run has come to a node."""
        if plain(control):
            locals, open, log = self._parts.of(control, done.instance)
            self._rooms.setdefault((open, log, data, zone if control.timers else None), {})[locals] = node

    def learn(self, node: Node, reaction: Reaction, came: Sequence[Came]) -> None:
        """What all the runs of a move of a real node have done."""
        if not self.shows(node) or not self._straight(reaction):
            return
        if reaction.move.kind in SHARED:
            if len(came) == 1:
                self._learn(node, reaction, reaction.fan.passages[0], came[0])
            return
        ends = [(passage, [c for c in came if _begins(c[0].taken, passage)]) for passage in reaction.fan.passages]
        ways = [(passage, each[0]) for passage, each in ends if len(each) == 1]
        if len(ways) == len(came) == len(reaction.fan.passages):
            self._ways[self._commands(node, reaction.move)] = len(ways)
            for number, (passage, end) in enumerate(ways):
                onward = [part for part in reaction.parts[1:] if _begins(part.passages[0].trail, passage)]
                own = Reaction(reaction.move, reaction.fan, (reaction.fan, *onward))
                self._learn(node, own, passage, end, (number,))

    def _learn(self, node: Node, reaction: Reaction, begun: Passage, came: Came, way: Key = ()) -> None:
        """What one of them has done, that begins with a passage. way: the number of the way, of a task or a timer."""
        done, target, zone = came
        passage = done.passage
        if passage is None or self.kernel.savepoints.intersection(passage.entered):
            return
        if self.kernel.resumed & passage.left:
            return
        first = self._begun(node, reaction, begun, way)
        if first is None:
            return
        control = self.abstraction.control(done.instance)
        locals, open, log = self._parts.of(node.control, node.instance)
        configuration = node.control.configuration
        joined = self._join(_replaced(configuration, first), first)
        if not first.leaves and joined == NONE:
            now, after, left = self._parts.of(control, done.instance)
            goes = _replaced(configuration, first)
            assert control.configuration == goes, "a leaf takes the place of another of its region"
            before, behind = Counter(self._parts.logs[log]), Counter(self._parts.logs[left])
            known = Known(reaction, done.taken, passage.entered, first.gone is None)
            at = configuration.index(first.gone or first.own) if first.gone or first.own else -1
            removed, added = (*(before - behind).elements(),), (*(behind - before).elements(),)
            inside = _Inside(known, removed, added, now[at] if at >= 0 else None, after)
            key = first, open, locals[at].running if at >= 0 else None
            if key not in self._inside:
                self._inside[key] = inside
                self._options.clear()
        elif passage.left.issuperset(configuration) and not self._drops(log, first):
            rest = done.taken[len(first.passage.trail) :]
            outside = self._outside.setdefault((first.like, joined, open, log), _Outside(control, rest))
            self._shown.setdefault((first, joined, rest), Known(reaction, done.taken, passage.entered, stays=False))
            data = self._data(node, control.place)
            if data is not None and outside.control == control:
                self._after[id(outside.control), data, zone if control.timers else None] = target

    @staticmethod
    def shows(node: Node) -> bool:
        """Whether what is known here may be enough for some move of a node."""
        return node.real and plain(node.control)

    def _commands(self, node: Node, move: Move) -> Key:
        """What says of a move which commands answer it, and whether it is refused otherwise."""
        if move.kind is MoveKind.ANSWER:
            return move.leaf, move.answer
        locals, open, _ = self._parts.of(node.control, node.instance)
        known = self._parts.opened(locals, open) if move.kind in OPENED else self._parts.events(locals)
        return next(key for trait, key in known if trait == traits(move))

    def _begun(self, node: Node, reaction: Reaction, passage: Passage, way: Key) -> _First | None:
        """What a straight step begins with; None: it leaves several leaves, and not all."""
        command = passage.command
        assert command is not None, "only the start and the end of a compensation answer to nothing"
        key = (*self._commands(node, reaction.move), *way)
        if key not in self._within:
            self._options.clear()
            self._within[key] = _inside(self.kernel, command.scope, passage.target)
        gone = _left(node.control.configuration, self._within[key])
        if (key, gone) not in self._first:
            new = [name for name in passage.entered if name in self.kernel.leaf]
            leaves = gone == ALL
            if not leaves and (len(gone) > 1 or len(new) != len(gone)):
                return None
            self._options.clear()
            self._first[key, gone] = self._made(reaction.move, passage, leaves, gone, new)
        return self._first[key, gone]

    def _made(self, move: Move, passage: Passage, leaves: bool, gone: Configuration, new: Sequence[str]) -> _First:
        own = move.leaf
        if leaves:
            return _First(passage, True, None, None, own, (), passage.id)
        called = [self.kernel.leaf[leaf].call for leaf in new]
        made = [call.activity for call in called if call is not None and self._logged(call.activity)]
        begun = tuple(self.abstraction.sorts[activity] for activity in made)
        like = self._answered(move), begun
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

    def _drops(self, log: int, first: _First) -> bool:
        """Whether a compensation may drop what is on the log: then the order counts."""
        begun = first.begun if self._dropped else ()
        return any(kind[0] in self._dropped for kind in self._parts.logs[log]) or not self._dropped.isdisjoint(begun)

    # ------------------------------------------------------------ parts

    def _join(self, after: Configuration, first: _First) -> int:
        """The join, by the id of its command, that follows a step which leaves some regions as they are."""
        joined = None if first.leaves else self.kernel.joined(after)
        return NONE if joined is None else joined.id

    def _data(self, node: Node, place: tuple[str, Configuration]) -> Answers | None:
        """What the data of a node answer to the atoms of another place; None: they do not say."""
        if not self.states.live.asks or not self.states.live[place]:
            return ()
        known = dict(zip(self.states.live[node.control.place], node.data, strict=True))
        wanted = self.states.live[place]
        return tuple(known[atom] for atom in wanted) if all(atom in known for atom in wanted) else None

    def _zone(self, node: Node, timers: frozenset[str], entered: Collection[str], moment: Zone | None) -> Zone | None:
        """Of where a step comes to; None: no timer runs there."""
        when = node.zone if moment is None else moment
        return self.clock.among(when, timers, frozenset(entered), node.control.entered) if timers else None


def _begins(taken: tuple[Taken, ...], passage: Passage) -> bool:
    """Whether what was taken begins with a passage."""
    return taken[: len(passage.trail)] == passage.trail


def _moved(locals: Locals, at: int, next: Local | None) -> Locals:
    """With another local in one place, if there is another."""
    return locals if next is None else (*locals[:at], next, *locals[at + 1 :])


def _together(options: Sequence[Option]) -> Iterator[tuple[Option, ...]]:
    """Those that follow each other and lead outside, as one; each other by itself."""
    for leaves, group in groupby(options, key=lambda option: option.leaves):
        if leaves:
            yield (*group,)
        else:
            yield from ((option,) for option in group)


def _inside(kernel: Kernel, scope: str, target: Target) -> frozenset[str]:
    """The leaves that a command may leave."""
    if isinstance(target, Stay):
        return frozenset()
    domain = kernel.domain(scope, target.node) if isinstance(target, Goto) else ""
    return frozenset(leaf.name for leaf in kernel.leaves if domain in kernel.above(leaf.name)[1:])


def _left(configuration: Configuration, within: frozenset[str]) -> Configuration:
    """Those of its leaves that are among some, or `ALL`."""
    left = tuple([leaf for leaf in configuration if leaf in within])
    return ALL if len(left) == len(configuration) else left


def _replaced(configuration: Configuration, first: _First) -> Configuration:
    """A region's leaves lie together in the text, so another of them takes the same place in the order."""
    if first.gone is None or first.new is None:
        return configuration
    return tuple([first.new if leaf == first.gone else leaf for leaf in configuration])
