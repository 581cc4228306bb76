"""An instance at rest in; the parts of its control out by which `spared` knows what steps of regions do.

A **local** is the leaf of one region and the calls that run in it. What is **open** concerns all regions: tasks,
timers, and the places entered that timers count from. Of the log it only counts how many calls of each kind are on it,
which is a number here. At rest, without savepoints and histories, control is these parts and nothing else, so it can be
put together from them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection

from ...dsl.values import dataclass
from ..instance import Instance
from ..kernel import Kernel, LeafKind, On, TriggerKind
from .control import Abstraction, Control, Kind, Running, Segment
from .moves import Move, MoveKind

Open = tuple[tuple[str, ...], frozenset[str], frozenset[str]]
"""The tasks open, the timers armed, and the places entered that some count from."""

Key = tuple[object, ...]
"""Which commands answer a move, and whether it is refused otherwise."""

Trait = tuple[MoveKind, str, str]
"""What tells the moves of a node apart: the kind; the leaf whose call answers, or the event; the answer."""


def traits(move: Move) -> Trait:
    """What tells a move apart from the others of its node."""
    return move.kind, move.leaf or move.name, move.answer


@dataclass(frozen=True, eq=False, slots=True)
class Local:
    """The same object wherever it is the same. `shape`: what decides whether a join follows, and who else is left with
    it: the scopes around the leaf, and whether and how its region is over, as a number. `says`: the events, by their
    numbers, of which something is said in the leaf or around it, and the innermost place that does."""

    leaf: str
    running: Running | None
    shape: int
    says: tuple[tuple[int, str], ...]


Locals = tuple[Local, ...]

OPENED = MoveKind.TASK, MoveKind.TIMER
"""What each node does at its own time. Whoever does a task may decide which way it goes, by what is filled in."""

Resting = tuple[Locals, Open, int]
"""All parts; the last is the number of the log."""


def plain(control: Control) -> bool:
    """Whether it is nothing but its parts."""
    return control.resting and not (control.finished or control.marks or control.history)


class Parts:
    """Those of the instances of one search. `logs`: by their numbers, sorted."""

    def __init__(self, kernel: Kernel, abstraction: Abstraction) -> None:
        self.kernel = kernel
        self.abstraction = abstraction
        self.logs: list[tuple[Kind, ...]] = []
        self._events = [On(TriggerKind.EVENT, event.name) for event in kernel.events]
        self._number: dict[tuple[Kind, ...], int] = {}
        self._segments: dict[int, Segment] = {}
        self._local: dict[tuple[str, Running | None], Local] = {}
        self._shapes: dict[object, int] = {}
        self._answers: dict[str, tuple[tuple[Trait, Key], ...]] = {}
        self._handled: dict[tuple[int, tuple[str, ...]], tuple[Trait, Key] | None] = {}

    def of(self, control: Control, at: Instance) -> Resting:
        """Those of a plain control, as an instance has it."""
        ids = {call.key for call in at.calls if not call.answer}
        log = tuple(sorted([self.abstraction.kind(entry, ids) for entry in at.log]))
        running = {each[0]: each for each in control.running}
        locals = tuple([self._of_leaf(leaf, running.get(leaf)) for leaf in control.configuration])
        return locals, (control.tasks, control.timers, control.entered), self.number(log)

    def control(self, rest: Resting) -> Control:
        """The control that has these parts."""
        locals, (tasks, timers, entered), log = rest
        if log not in self._segments:
            self._segments[log] = self.abstraction.segment(self.logs[log])
        running = tuple(sorted([local.running for local in locals if local.running is not None]))
        place, segments = ("at", tuple([local.leaf for local in locals])), (self._segments[log],)
        return Control(place, (), False, running, tasks, timers, segments, (), (), -1, frozenset(), entered)

    def number(self, kinds: tuple[Kind, ...]) -> int:
        """Of a log with entries of these kinds, sorted."""
        found = self._number.get(kinds)
        if found is None:
            found = self._number[kinds] = len(self.logs)
            self.logs.append(kinds)
        return found

    def changed(self, log: int, removed: Collection[Kind], added: Collection[Kind]) -> int:
        """A log without some entries, and with others."""
        kinds = Counter(self.logs[log])
        kinds.subtract(removed)
        kinds.update(added)
        return self.number(tuple(sorted(kinds.elements())))

    # ------------------------------------------------------------ moves

    def answers(self, leaf: str) -> tuple[tuple[Trait, Key], ...]:
        """What a call of a leaf may answer, where that is handled."""
        if leaf not in self._answers:
            call = self.kernel.leaf[leaf].call
            outcomes = () if call is None else self.kernel.outcomes(self.kernel.activity[call.activity])
            handled = (o for o in outcomes if self.kernel.written((), On(TriggerKind.OUTCOME, o), leaf))
            self._answers[leaf] = tuple(((MoveKind.ANSWER, leaf, o), (leaf, o)) for o in handled)
        return self._answers[leaf]

    def events(self, locals: Locals) -> list[tuple[Trait, Key]]:
        """The events that are handled."""
        said: dict[int, tuple[str, ...]] = {}
        for local in locals:
            for number, place in local.says:
                said[number] = (*said[number], place) if number in said else (place,)
        found: list[tuple[Trait, Key]] = []
        for each in sorted(said.items()):
            if each not in self._handled:
                self._handled[each] = self._event(locals, self._events[each[0]])
            handled = self._handled[each]
            if handled is not None:
                found.append(handled)
        return found

    def opened(self, locals: Locals, open: Open) -> list[tuple[Trait, Key]]:
        """The tasks and timers that are answered, in the order in which they come."""
        kernel, configuration, found = self.kernel, tuple([local.leaf for local in locals]), list[tuple[Trait, Key]]()
        for kind, trigger, names in zip(OPENED, (TriggerKind.TASK, TriggerKind.TIMER), open, strict=False):
            for name in sorted(names, key=kernel.rank.__getitem__):
                commands = kernel.written(configuration, On(trigger, name))
                found += [((kind, name, ""), (name, tuple([each.id for each in commands])))] if commands else []
        return found

    def _event(self, locals: Locals, on: On) -> tuple[Trait, Key] | None:
        """What is known of an event only depends on the places that say something of it (`Kernel.answerable`)."""
        kernel, configuration = self.kernel, tuple(local.leaf for local in locals)
        commands = kernel.written(configuration, on)
        left = kernel.ignored(configuration, on.name) or kernel.deferred(configuration, on.name)
        key = on.name, left, tuple(command.id for command in commands)
        return ((MoveKind.EVENT, on.name, ""), key) if commands else None

    def _of_leaf(self, leaf: str, running: Running | None) -> Local:
        found = self._local.get((leaf, running))
        if found is None:
            place = self.kernel.leaf[leaf]
            over = place.kind if place.kind in {LeafKind.REGION_DONE, LeafKind.REGION_FAILED} else None
            shape = self._shapes.setdefault((place.path, over), len(self._shapes))
            near = ((number, self.kernel.near(leaf, on)) for number, on in enumerate(self._events))
            says = tuple((number, place) for number, place in near if place is not None)
            found = self._local[leaf, running] = Local(leaf, running, shape, says)
        return found
