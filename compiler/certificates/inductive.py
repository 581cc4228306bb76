"""The nodes of a closed graph in; one invariant over the state variables of the transition relation, as SMT-LIB, out.

A node says where an instance is, what its data are, which calls run, which tasks are open, which timers are armed and
how long they have to go, and what is on the log. While a compensation is under way the invariant says less than the
nodes do: what may be left to undo is bounded, since the relation knows no order in which it is done.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from ..checks.control import Control, Segment
from ..checks.graph import Node
from ..checks.zones import Zone
from ..formats.smtlib import BOOL, INT, Definition, applied, both, either, no, number, words
from .formulas import Formulas
from .machine import FLY, LOG, OVER, STATUS, Machine, total
from .relation import AT, Relation, Where


@dataclass(frozen=True, slots=True)
class Number:
    """How many entries there are; open: or more."""

    least: int = 0
    open: bool = False

    def __add__(self, other: Number) -> Number:
        return Number(self.least + other.least, self.open or other.open)

    def of(self, term: str) -> str:
        return f"({'>=' if self.open else '='} {term} {self.least})"


NONE = Number()


@dataclass(eq=False, slots=True)
class _Shapes:
    """Formulas that several nodes have in common, each defined once. kind: what they are about."""

    kind: str
    sorts: Mapping[str, str]
    made: dict[str, str] = field(default_factory=dict[str, str])
    definitions: list[Definition] = field(default_factory=list[Definition])

    def __call__(self, parts: Iterable[str]) -> str:
        body = both([*parts])
        if body == "true":
            return body
        if body not in self.made:
            params = [word for word in dict.fromkeys(words(body)) if word in self.sorts]
            name = f"{self.kind}/{len(self.made) + 1}"
            self.definitions.append(Definition(name, tuple((each, self.sorts[each]) for each in params), BOOL, body))
            self.made[body] = applied(name, params)
        return self.made[body]


def where(node: Node) -> Where:
    return node.control.place, node.control.history


class Inductive:
    """The invariant of one flow: `definitions`, the last of which is `inv`, a function of `params`."""

    def __init__(self, machine: Machine, formulas: Formulas, nodes: Sequence[Node], relation: Relation) -> None:
        self.machine = machine
        self.formulas = formulas
        sorts = dict(machine.names())
        self.control, self.log = _Shapes("control", sorts), _Shapes("stands", sorts)
        self.zones = _Shapes("times", sorts)
        self.nodes: dict[str, dict[str, list[int]]] = {}
        for node in nodes:
            place = relation.place(where(node))
            self.nodes.setdefault(place, {}).setdefault(self._of(node), []).append(node.id)

    def _of(self, node: Node) -> str:
        """What a node says."""
        data = self.formulas.before(node)
        return both([data, self.control(self._controls(node)), self.log(self._stands(node)), self._times(node.zone)])

    def _controls(self, node: Node) -> Iterator[str]:
        control, machine = node.control, self.machine
        running = {leaf: rest for leaf, *rest in control.running}
        for leaf in machine.calls:
            runs, answered, gone = running.get(leaf, (0, 0, 0))
            yield f"(= runs/{leaf} {runs})"
            if leaf in machine.groups:
                yield f"(= answered/{leaf} {answered})"
                yield f"(= gone/{leaf} {gone})"
        for name, term in self._above(node).items():
            yield f"(= {name} {term})"
        for task in machine.kernel.task:
            yield f"open/{task}" if task in control.tasks else no(f"open/{task}")
        for timer in machine.timers:
            yield f"armed/{timer}" if timer in control.timers else no(f"armed/{timer}")
        for name in machine.completed:
            yield f"completed/{name}" if name in control.completed else no(f"completed/{name}")

    def _above(self, node: Node) -> dict[str, int]:
        """How many calls that run lie above the mark of each savepoint."""
        at = node.instance
        marks = dict(at.marks)
        index = {entry.key: place for place, entry in enumerate(at.log)}
        found = {name: 0 for name in self.machine.variables["calls"] if name.startswith("above.")}
        for call in (call for call in at.calls if not call.answer and call.key in index):
            for mark in self.machine.marks:
                found[f"above.{mark}/runs/{call.leaf}"] += index[call.key] >= marks.get(mark, 0)
        return found

    # ------------------------------------------------------------ the log

    def _stands(self, node: Node) -> Iterator[str]:
        control = node.control
        if control.finished:
            yield from self._left(control)
            return
        mark = control.undo_mark
        kept = control.log if mark < 0 else control.log[:mark]
        marks = dict(control.marks)
        counts = [self._counts(segment) for segment in kept]
        for entry in (name.removeprefix(f"{OVER}/") for name in self.machine.entries(OVER)):
            numbers = [count.get(entry, NONE) for count in counts]
            yield sum(numbers, NONE).of(f"{LOG}/{entry}")
            for each in self.machine.marks:
                cut = marks.get(each, 0)
                yield sum(numbers[cut:], NONE).of(f"above.{each}/{entry}")
                if any(one.open for one in numbers):
                    yield sum(numbers[:cut], NONE).of(f"(- {LOG}/{entry} above.{each}/{entry})")
        if mark >= 0:
            yield from self._bounded(control.log[mark:])

    def _left(self, control: Control) -> Iterator[str]:
        """Of a finished instance: what is on its log."""
        counts = [self._counts(segment) for segment in control.log]
        for entry in (name.removeprefix(f"{OVER}/") for name in self.machine.entries(OVER)):
            yield sum((count.get(entry, NONE) for count in counts), NONE).of(f"{LOG}/{entry}")

    def _counts(self, segment: Segment) -> dict[str, Number]:
        """The settled entries of a segment, and those in flight that do not run."""
        found: dict[str, Number] = {}
        numbers = segment.numbers or (1,) * len(segment.kinds)
        for (sort, status, state), many in zip(segment.kinds, numbers, strict=True):
            if state != "running":
                entry = f"{FLY if state == 'flying' else status}/{sort}"
                found[entry] = found.get(entry, NONE) + Number(many, bool(segment.numbers) and many >= self.machine.cap)
        return found

    def _bounded(self, segments: Sequence[Segment]) -> Iterator[str]:
        """What may be left to undo of some segments: a call that is not settled may become either, or nothing."""
        counts = [self._counts(segment) for segment in segments]
        for sort in self.machine.logged:
            fly, maybe, done = (sum((c.get(f"{s}/{sort}", NONE) for c in counts), NONE) for s in STATUS)
            terms = [f"{OVER}/{status}/{sort}" for status in STATUS]
            yield from (f"(>= {term} 0)" for term in terms)
            for most, parts in (
                (fly, terms[:1]),
                (fly + maybe, terms[:2]),
                (fly + done, [terms[0], terms[2]]),
                (fly + maybe + done, terms),
            ):
                if not most.open:
                    yield f"(<= {total(parts)} {most.least})"

    # ------------------------------------------------------------ times

    def _times(self, zone: Zone) -> str:
        clocks = ["0", *(f"left/{timer}" for timer in zone.names)]
        return self.zones(
            [
                f"(<= {_difference(clocks[i], clocks[j])} {number(bound)})"
                for i, row in enumerate(zone.bounds)
                for j, bound in enumerate(row)
                if i != j
            ]
        )

    # ------------------------------------------------------------ the whole

    def definitions(self, sorts: Mapping[str, str]) -> list[Definition]:
        """sorts: every state variable. The last one is the invariant, of all of them."""
        found: list[Definition] = [*self.control.definitions, *self.log.definitions, *self.zones.definitions]
        ways: list[str] = []
        for place, nodes in self.nodes.items():
            body = either(list(nodes))
            params = [word for word in dict.fromkeys(words(body)) if word in sorts]
            name = f"inv{place.removeprefix('in')}"
            ids = ", ".join(str(id) for each in nodes.values() for id in each)
            comment = f"nodes {ids}"
            found.append(Definition(name, tuple((each, sorts[each]) for each in params), BOOL, body, comment))
            ways.append(f"(and (= {AT} {place}) {applied(name, params)})")
        found.append(Definition("inv", ((AT, INT), *sorts.items()), BOOL, either(ways), "the invariant"))
        return found


def _difference(left: str, right: str) -> str:
    return left if right == "0" else f"(- {right})" if left == "0" else f"(- {left} {right})"
