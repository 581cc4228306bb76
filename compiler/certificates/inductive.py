"""The nodes of a closed graph in; one invariant over the state variables of the transition relation, as SMT-LIB, out.

A node says where an instance is, what its data are, which calls run, which tasks are open, which timers are armed and
how long they have to go, and what is on the log. While a compensation is under way the invariant says less than the
nodes do: what may be left to undo is bounded, since the relation knows no order in which it is done.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from math import inf

from ..checks.control import Control, Segment
from ..checks.graph import Node
from ..checks.zones import Zone
from ..formats.smtlib import BOOL, Definition, both, no, number
from .formulas import Formulas
from .machine import FLY, LOG, OVER, STATUS, Machine, next_, total
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
    made: dict[str, str] = field(default_factory=dict[str, str])

    def __call__(self, parts: Iterable[str]) -> str:
        body = both([*parts])
        if body == "true":
            return body
        return self.made.setdefault(body, f"{self.kind}/{len(self.made) + 1}")


def where(node: Node) -> Where:
    return node.control.place, node.control.history


INVARIANT, AFTER = "inv.before", "inv.after"


class Inductive:
    """The invariant of one flow: its nodes, each a set of states."""

    def __init__(self, machine: Machine, formulas: Formulas, nodes: Sequence[Node], relation: Relation) -> None:
        self.machine = machine
        self.formulas = formulas
        self.entries, self.log = _Shapes("entries"), _Shapes("stands")
        self.control, self.zones = _Shapes("control"), _Shapes("times")
        self.nodes: dict[str, dict[str, list[int]]] = {}  # by place and by what they say
        self._names: dict[int, str] = {}
        for node in nodes:
            place = relation.place(where(node))
            ids = self.nodes.setdefault(place, {}).setdefault(self._of(node), [])
            ids.append(node.id)
            self._names[node.id] = f"node/{ids[0]}"
        shapes = (self.entries, self.control, self.log, self.zones)
        self._shapes = {name: body for each in shapes for body, name in each.made.items()}
        self._state = {
            AT,
            *(name for name, _ in machine.names()),
            *self._shapes,
            *self._names.values(),
            *map(self.at, self.nodes),
        }

    def _of(self, node: Node) -> str:
        """What a node says."""
        data = self.formulas.before(node)
        return both(
            [
                data,
                self.control(self._controls(node)),
                self.log(self._by_activity(self._stands(node))),
                self._times(node.zone),
            ]
        )

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
        for place in machine.kernel.counted if not control.finished else ():
            yield f"entered/{place}" if place in control.entered else no(f"entered/{place}")

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

    def _by_activity(self, said: Iterable[tuple[str, str]]) -> Iterator[str]:
        """What is said of the entries of each activity, which many nodes say alike."""
        found: dict[str, list[str]] = {}
        for sort, part in said:
            found.setdefault(sort, []).append(part)
        yield from map(self.entries, found.values())

    def _stands(self, node: Node) -> Iterator[tuple[str, str]]:
        """Of the entries of activities, each with a part of what is so of them."""
        control = node.control
        if control.finished:
            yield from self._left(control)
            return
        mark = control.undo_mark
        kept = control.log if mark < 0 else control.log[:mark]
        marks = dict(control.marks)
        counts = [self.counts([segment]) for segment in kept]
        for sort, entry in self._entries():
            numbers = [count.get(entry, NONE) for count in counts]
            yield sort, sum(numbers, NONE).of(f"{LOG}/{entry}")
            for each in self.machine.marks:
                cut = marks.get(each, 0)
                yield sort, sum(numbers[cut:], NONE).of(f"above.{each}/{entry}")
                if any(one.open for one in numbers):
                    yield sort, sum(numbers[:cut], NONE).of(f"(- {LOG}/{entry} above.{each}/{entry})")
        if mark >= 0:
            yield from self._bounded(control.log[mark:])

    def _entries(self) -> Iterator[tuple[str, str]]:
        return ((sort, f"{status}/{sort}") for sort in self.machine.logged for status in STATUS)

    def _left(self, control: Control) -> Iterator[tuple[str, str]]:
        """Of a finished instance: what is on its log."""
        counts = self.counts(control.log)
        for sort, entry in self._entries():
            yield sort, counts.get(entry, NONE).of(f"{LOG}/{entry}")

    def counts(self, segments: Iterable[Segment]) -> dict[str, Number]:
        """The settled entries of some segments, and those in flight that do not run, by `status/sort`."""
        found: dict[str, Number] = {}
        for segment in segments:
            numbers = segment.numbers or (1,) * len(segment.kinds)
            for (sort, status, state), many in zip(segment.kinds, numbers, strict=True):
                if state != "running":
                    entry = f"{FLY if state == 'flying' else status}/{sort}"
                    more = bool(segment.numbers) and many >= self.machine.cap
                    found[entry] = found.get(entry, NONE) + Number(many, more)
        return found

    def _bounded(self, segments: Sequence[Segment]) -> Iterator[tuple[str, str]]:
        """What may be left to undo of some segments: a call that is not settled may become either, or nothing."""
        counts = self.counts(segments)
        for sort in self.machine.logged:
            fly, maybe, done = (counts.get(f"{status}/{sort}", NONE) for status in STATUS)
            terms = [f"{OVER}/{status}/{sort}" for status in STATUS]
            yield from ((sort, f"(>= {term} 0)") for term in terms)
            for most, parts in (
                (fly, terms[:1]),
                (fly + maybe, terms[:2]),
                (fly + done, [terms[0], terms[2]]),
                (fly + maybe + done, terms),
            ):
                if not most.open:
                    yield sort, f"(<= {total(parts)} {most.least})"

    # ------------------------------------------------------------ times

    def _times(self, zone: Zone) -> str:
        clocks = ["0", *(f"left/{timer}" for timer in zone.names)]
        return self.zones(
            [
                f"(<= {_difference(clocks[i], clocks[j])} {number(int(bound))})"
                for i, row in enumerate(zone.bounds)
                for j, bound in enumerate(row)
                if i != j and bound < inf
            ]
        )

    # ------------------------------------------------------------ the whole

    def node(self, id: int) -> str:
        """The name of what says that an instance is in a node; of it after a step, `next_` of that."""
        return self._names[id]

    def definitions(self, sorts: Iterable[str]) -> list[Definition]:
        """Each node as a set of states, before a step and after it. sorts: every state variable."""
        said = [(name, body, "") for name, body in self._shapes.items()]
        for place, nodes in self.nodes.items():
            for body, ids in nodes.items():
                comment = f"node{'s' * (len(ids) > 1)} {', '.join(map(str, ids))}"
                said.append((self._names[ids[0]], both([f"(= {AT} {place})", body]), comment))
        for place, nodes in self.nodes.items():
            said.append((self.at(place), f"(or {' '.join(self._names[ids[0]] for ids in nodes.values())} false)", ""))
        self.know(sorts)
        made = ((Definition(n, (), BOOL, body, note), self.afterwards(n, BOOL, body)) for n, body, note in said)
        return [each for pair in made for each in pair]

    def know(self, names: Iterable[str]) -> None:
        """Take some names for terms over the state, which after a step are others."""
        self._state.update(names)

    def afterwards(self, name: str, sort: str, body: str) -> Definition:
        """The definition of what a term over the state is after a step."""
        after = re.sub(r"[^\s()]+", lambda word: next_(word[0]) if word[0] in self._state else word[0], body)
        return Definition(next_(name), (), sort, after)

    def invariant(self, name: str, named: Callable[[str], str]) -> Definition:
        """That an instance is in one of the nodes, named as they are before a step or after it."""
        return Definition(name, (), BOOL, f"(or {' '.join(named(self.at(place)) for place in self.nodes)} false)")

    def source(self, kind: str) -> str:
        """The name of that an instance is where steps of a kind are taken."""
        place = kind.replace("from/", "in/", 1)
        return self.at(place) if place in self.nodes else INVARIANT

    def at(self, place: str) -> str:
        """The name of that an instance is in one of the nodes of a place."""
        return f"inv/{place.removeprefix('in/')}"


def _difference(left: str, right: str) -> str:
    return left if right == "0" else f"(- {right})" if left == "0" else f"(- {left} {right})"
