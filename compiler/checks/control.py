"""An instance in, its **control** out: everything but the data that decides what can happen, exactly.

Two instances with the same control, and data that answer the same atoms, can do the same. Control is the place, the
call that runs, the tasks open, the timers armed, and the compensation log. The log can grow without end, so a segment
of it (between savepoints that are used) in which an activity comes twice is kept as a set of kinds of entries: what
compensations answer decides nothing, and how many of a kind there are matters only to `count`. What that forgets, the
order in such a segment and how many of a kind, is put back by `variants`, for every step taken from there. Whose calls
run in which segment is kept besides.

Where regions run side by side the order in which calls were made is left out too, unless a property asks for what is
done while it compensates, or a compensation may stop with a fault: else it undoes all of a segment in the end, whatever
the order, and changes no data.
How many entries of a kind there are is then exact, until there are too many of them.

Where telling calls apart makes too many configurations, all activities are taken for one (a **sort**) that a
compensation treats alike, takes as long for, and that no property names.

Deferred events are left out: one that waits is like the same event sent later, when a state handles it. So the search
sends an event only where it is handled. Who acted is left out as well: somebody else who is entitled can always act.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from enum import IntEnum
from itertools import pairwise
from typing import Any, Self

from ...dsl.model import (
    Always,
    Binary,
    Compensation,
    Convert,
    Count,
    Effect,
    Expr,
    LeadsTo,
    Literal,
    Reach,
    Ref,
    Standing,
)
from ...dsl.values import dataclass
from ..instance import Entry, Instance, Log
from ..kernel import DONE, Configuration, Kernel, ScopeKind, Stay, TriggerKind
from ..stack import Stack
from .atoms import Place
from .passages import Rest
from .rewrite import inside, placed
from .ways import History

REMEMBERED = 1000  # instances whose control is known
DROPPED = (Effect.IRREVERSIBLE, Effect.UNDECLARED)  # what a compensation does not undo
MOST_COUNTED = 8  # entries of one group that are told apart by how many they are


class Grain(IntEnum):
    """What the search tells apart: all there is; of calls on the log only their sorts; and of data only what is the
    same for all that one way leads to (a cube of answers: Cartesian abstraction, Ball, Podelski, Rajamani 2001)."""

    FINE = 0
    SORTS = 1
    CUBES = 2


Kind = tuple[str, str, str]
"""(activity or its sort, `maybe` or `done`, `running`, `flying` (interrupted, not settled) or `settled`)."""


Running = tuple[str, int, int, int]
"""A leaf with calls that run: how many of them do, how many have answered done, and how many otherwise."""


class Kinds(Stack[Kind]):
    """What entries of a log are like, oldest first."""

    __slots__ = ("flying",)

    def __init__(self, below: Self | None = None, top: Any = None) -> None:
        super().__init__(below, top)
        self.flying: tuple[Kind, ...] = () if below is None else below.flying
        if below is not None and top[2] == "flying":
            self.flying += (top,)


@dataclass(frozen=True, slots=True)
class Segment:
    """Entries of the log, oldest first, or sorted where their order decides nothing; or, if `loose`, one of each kind
    with how many there are (capped), sorted."""

    kinds: Sequence[Kind]
    numbers: tuple[int, ...] = ()
    loose: bool = False

    @property
    def flying(self) -> Mapping[Kind, int]:
        """The calls that were interrupted and are not settled, and how many there are of each kind."""
        if isinstance(self.kinds, Kinds):
            return Counter(self.kinds.flying)
        numbers = self.numbers or (1,) * len(self.kinds)
        return {kind: number for kind, number in zip(self.kinds, numbers, strict=True) if kind[2] == "flying"}


@dataclass(frozen=True, eq=False, slots=True)
class Seen:
    """What some entries of a log are like, oldest first. `sorts`: a bit for each sort among them; `once`: whether none
    comes twice."""

    kinds: Kinds = Kinds()
    sorts: int = 0
    once: bool = True


NOTHING = Seen()


@dataclass(frozen=True, slots=True)
class Control:
    place: Place
    history: History  # where scopes were left that some `resume` names
    finished: bool
    running: tuple[Running, ...]
    tasks: tuple[str, ...]
    timers: frozenset[str]  # armed, those that only escalate left out, the deadline included
    log: tuple[Segment, ...]
    calling: tuple[tuple[str, int], ...]  # leaf -> number of the segment its calls that run are on
    marks: tuple[tuple[str, int], ...]  # savepoint -> number of the segment it is below
    undo_mark: int  # the segment the compensation under way goes down to; -1: none is
    completed: frozenset[str]  # readonly activities that a property asks about
    entered: frozenset[str]  # of the places that some timer counts from

    @property
    def loose(self) -> bool:
        return any(segment.loose for segment in self.log)

    @property
    def flying(self) -> bool:
        """Whether a call was interrupted that is not settled yet."""
        return any(segment.flying for segment in self.log)

    @property
    def resting(self) -> bool:
        """Whether it rests in its leaves: no compensation is under way."""
        return self.place[0] == "at"

    @property
    def configuration(self) -> Configuration:
        return self.place[1] if self.resting else ()

    @property
    def rest(self) -> Rest:
        return Rest(self.configuration, self.history)


class Abstraction:
    """How the instances of one kernel are told apart. `ordered`: the order of what comes once in a segment counts;
    `shows_order`: a property may ask in which order calls are undone, or a fault may tell; `seen_undone`: of which;
    `drops`: a compensation may drop what is on the log."""

    def __init__(self, kernel: Kernel, grain: Grain = Grain.FINE, ordered: bool = False) -> None:
        self.kernel = kernel
        coarse = grain > Grain.FINE
        self._made: dict[int, tuple[Instance, Control]] = {}
        self._seen: dict[tuple[int, int], tuple[Log, Seen]] = {}  # by ids of logs at rest, and height
        self._onto: dict[tuple[Seen, Kind], Seen] = {}  # so that what is alike is the same
        self.drops = any(activity.effect in DROPPED for activity in kernel.activities)
        on = (command.on for command in kernel.commands if command.on is not None)
        self._ticking = frozenset(each.name for each in on if each.kind is TriggerKind.TIMER)
        claims = [expr for claim in kernel.properties for expr in _conditions(claim)]
        asked = [part for claim in claims for part in inside(claim)]
        self._completed = frozenset(part.activity for part in asked if isinstance(part, Standing))
        groups = [leaf.call.each.most for leaf in kernel.leaves if leaf.call is not None and leaf.call.each is not None]
        apart = bool(groups) or any(scope.kind is ScopeKind.PARALLEL for scope in kernel.scopes)
        self.ordered = ordered or not (apart or coarse) or any(isinstance(part, (Standing, Count)) for part in asked)
        compared = [
            part for part in asked if isinstance(part, Binary) and any(isinstance(i, Count) for i in inside(part))
        ]
        bounds = [i.value for part in compared for i in inside(part) if isinstance(i, Literal)]
        self.cap = 1 + max((abs(b) for b in bounds if isinstance(b, int)), default=0)
        group = 0 if coarse else min(max(groups, default=0), MOST_COUNTED)
        if coarse and not groups and (once := _once(kernel)) <= MOST_COUNTED:
            group = once
        self.cap = max(self.cap, 2, 1 + group)  # whether one comes twice, at least
        self._named = frozenset(part.activity for part in asked if isinstance(part, (Standing, Count)))
        undoing = dict.fromkeys(kernel.place, False)
        met = (part for claim in claims for part in inside(placed(claim, undoing)))
        seen = {part.activity for part in met if isinstance(part, (Standing, Count))}
        self.seen_undone = {each.name for each in kernel.activities} if ordered else seen
        self.shows_order = self.ordered and bool(self.seen_undone)
        self.sorts = sorts(kernel, self._named) if coarse else {each.name: each.name for each in kernel.activities}
        self._settled: Mapping[str, Mapping[str, Kind]] = {
            status: {name: (sort, status, "settled") for name, sort in self.sorts.items()} for status in ("maybe", DONE)
        }
        self._bit = {name: 1 << number for number, name in enumerate(self.sorts)}

    @property
    def sorted(self) -> bool:
        """Whether there are activities of one sort."""
        return len(set(sorts(self.kernel, self._named).values())) < len(self.kernel.activities)

    def kind(self, entry: Entry, running: set[str]) -> Kind:
        """What an entry of the log is like. running: the keys of the calls that run."""
        if not entry.in_flight:
            return self._settled[entry.status][entry.activity]
        return self.sorts[entry.activity], entry.status, "running" if entry.key in running else "flying"

    def control(self, at: Instance) -> Control:
        """The control of an instance, made once for each of the latest ones."""
        known = self._made.get(id(at))
        if known is None or known[0] is not at:
            if len(self._made) >= REMEMBERED:
                self._made.clear()
            known = self._made[id(at)] = at, self._control(at)
        return known[1]

    def _control(self, at: Instance) -> Control:
        place = ("at", at.configuration) if at.undoing is None else ("undo", (at.undoing.node,))
        ids = {call.key for call in at.calls if not call.answer}
        edges: list[int] = []
        segments: tuple[Segment, ...]
        if at.undoing is None and not at.marks:
            segments = (self._above(at.log, 0, ids),)
        else:
            cuts = {mark for _, mark in at.marks} | (set[int]() if at.undoing is None else {at.undoing.mark})
            edges = sorted(cut for cut in cuts if 0 < cut < len(at.log))
            bounds = [0, *edges, len(at.log)]
            segments = tuple(self._above(at.log.first(high), low, ids) for low, high in pairwise(bounds))

        def number(mark: int) -> int:
            return sum(edge <= mark for edge in edges) + (mark >= len(at.log) > 0)

        return Control(
            place,
            at.history,
            at.finished,
            _running(at),
            tuple(item.task for item in at.tasks) if self.ordered else tuple(sorted(item.task for item in at.tasks)),
            frozenset(armed.timer for armed in at.timers if armed.timer in self._ticking),
            segments,
            self._calling(at, edges) if edges and at.calls else (),
            () if at.finished else tuple((name, number(mark)) for name, mark in at.marks),
            -1 if at.undoing is None else number(at.undoing.mark),
            at.completed & self._completed,
            frozenset() if at.finished else frozenset(place for place, _ in at.moments),
        )

    def _above(self, log: Log, low: int, running: set[str]) -> Segment:
        """What a log is like from some height on."""
        if not self.ordered:
            return self.segment([self.kind(entry, running) for entry in log[low:]])
        seen = self._all_seen(log, low, running)
        return Segment(seen.kinds) if seen.once else self.segment([*seen.kinds])

    def _all_seen(self, log: Log, low: int, running: set[str]) -> Seen:
        """The same, in order, starting from the last entry below which it is known."""
        fresh: list[Log] = []
        at, known = log, None
        while at.size > low and (at.in_flight or (known := self._seen.get((id(at), low))) is None):
            fresh.append(at)
            at = at.below
        found = NOTHING if known is None else known[1]
        for log in reversed(fresh):
            found = self._with_one_more(found, self.kind(log.top, running))
            if not log.in_flight:
                self._seen[id(log), low] = log, found
        return found

    def _with_one_more(self, seen: Seen, kind: Kind) -> Seen:
        found = self._onto.get((seen, kind))
        if found is None:
            bit = self._bit[kind[0]]
            found = Seen(seen.kinds.push(kind), seen.sorts | bit, seen.once and not seen.sorts & bit)
            self._onto[seen, kind] = found
        return found

    @staticmethod
    def _calling(at: Instance, edges: Sequence[int]) -> tuple[tuple[str, int], ...]:
        """Where there are savepoints, in which segments calls run: kinds do not say whose call it is, if several leaves
        call one activity, and what its answer settles or takes off may lie above a savepoint or below it."""
        leaves = {call.key: call.leaf for call in at.calls if not call.answer}
        known = ((entry.key, index) for index, entry in enumerate(at.log) if entry.key in leaves)
        return tuple(sorted({(leaves[key], sum(edge <= index for edge in edges)) for key, index in known}))

    def segment(self, kinds: Sequence[Kind]) -> Segment:
        """What control keeps of the entries of a segment whose order it does not keep."""
        if len({sort for sort, _, _ in kinds}) == len(kinds):
            return Segment(tuple(sorted(kinds)))
        numbers = Counter(kinds)
        counted = tuple(min(numbers[kind], self.cap) for kind in sorted(numbers))
        return Segment(tuple(sorted(numbers)), counted, self.ordered or max(counted) >= self.cap)


def _running(at: Instance) -> tuple[Running, ...]:
    """What runs, for each leaf that calls; a leaf whose calls have all answered has gone on."""
    groups: dict[str, list[str]] = {}
    for call in at.calls:
        groups.setdefault(call.leaf, []).append(call.answer)
    return tuple(
        (leaf, answers.count(""), answers.count("done"), answers.count("gone"))
        for leaf, answers in sorted(groups.items())
    )


def sorts(kernel: Kernel, named: Collection[str]) -> Mapping[str, str]:
    """The first activity of its sort, for every activity: those of a sort differ in nothing that decides what becomes
    of a log with their calls on it, and how long it takes. What is `named` is a sort of its own, and so is what has a
    contract, is a sub-flow, is never called, or has a compensation whose arguments are more than a name."""
    called = {leaf.call.activity for leaf in kernel.leaves if leaf.call is not None}
    first: dict[object, str] = {}
    found: dict[str, str] = {}
    for each in kernel.activities:
        effect = each.effect
        undo: object = effect
        if isinstance(effect, Compensation):
            plain = all(isinstance(_given(value), Ref | Literal) for value in effect.values)
            undo = (effect.timeout, effect.retry) if plain else each.name
        alone = each.name if each.flow or each.ensures or each.name in named or each.name not in called else ""
        key = undo, each.timeout, each.retry, bool(each.fails), each.result is None, alone
        found[each.name] = first.setdefault(key, each.name)
    return found


def _once(kernel: Kernel) -> int:
    """How many calls a run makes at the most that may have to be undone, where every way leads on in the text, and no
    state is entered twice; 0: some way does not."""
    starts = {place.name: place.span.start for place in kernel.place.values()}
    starts |= {choice.name: choice.span.start for choice in kernel.choices}
    ways = [(command.scope, command.target) for command in kernel.commands if command.scope]
    ways += [(choice.name, branch.target) for choice in kernel.choices for branch in choice.branches]
    goals = [(source, target.node) for source, target in ways if not isinstance(target, Stay)]
    if kernel.resumed or any(starts[n] <= starts[source] or n.startswith(f"{source}.") for source, n in goals):
        return 0
    called = (kernel.activity[leaf.call.activity] for leaf in kernel.leaves if leaf.call is not None)
    return sum(activity.effect is not Effect.READONLY for activity in called)


def _given(value: Expr) -> Expr:
    return value.operand if isinstance(value, Convert) else value


def standing(at: Instance) -> frozenset[str]:
    """The activities with a completed call that stands (of a readonly one: that ever completed)."""
    return at.completed | {entry.activity for entry in at.log if entry.status == DONE}


def _conditions(claim: Always | Reach | LeadsTo) -> Iterator[Expr]:
    match claim:
        case Always():
            yield claim.condition
        case Reach():
            if claim.condition is not None:
                yield claim.condition
        case LeadsTo():
            yield claim.goal
            if claim.trigger is not None:
                yield claim.trigger
