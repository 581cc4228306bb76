"""What is proved of time and of order: rows and ranks in; clocks, numbers and the obligations they meet, out.

The zone of a node bounds the remaining times of its timers, at any moment it may be rested in. A rank is a number that
some move lowers from every node; a level is one that no step without an event, a task or time raises. Microseconds.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from math import inf

from ..checks.clock import NOTHING, Told
from ..checks.components import strong
from ..checks.finish import Ways
from ..checks.graph import Edge, Node
from ..checks.inquiry import Inquiry
from ..checks.instant import at_once
from ..checks.livelock import drives
from ..checks.moves import MoveKind
from ..checks.zones import Zone
from ..formats.smtlib import BOOL, INT, Definition, Obligation, Script, Section, applied, both, no, number
from . import words as said
from .data import DataProof
from .rows import Row

ELAPSED = "elapsed"


class OrderProof:
    """The part of one certificate that is about time and order, under way."""

    def __init__(self, inquiry: Inquiry, data: DataProof) -> None:
        self.inquiry = inquiry
        self.data = data
        self.kernel = inquiry.kernel
        self.clock = inquiry.explorer.clock
        self.times: list[Obligation] = []
        self.claims: list[Obligation] = []
        self._numbers: list[Definition] = []
        self._zones: list[Definition] = []
        self._names: dict[Zone, str] = {}
        self._clocks: dict[str, None] = {}
        self._made: dict[tuple[str, ...], str] = {}

    # ------------------------------------------------------------ time

    def zone(self, zone: Zone) -> str:
        """The name of what a zone says of its clocks."""
        if zone not in self._names:
            name = f"zone.{len(self._names) + 1}"
            clocks = ["0", *(f"t.{timer}" for timer in zone.names)]
            parts = [
                f"(<= {_difference(clocks[i], clocks[j])} {number(int(bound))})"
                for i, row in enumerate(zone.bounds)
                for j, bound in enumerate(row)
                if i != j and bound < inf
            ]
            params = tuple((clock, INT) for clock in clocks[1:])
            self._zones.append(Definition(name, params, BOOL, both(parts)))
            self._clocks.update(dict.fromkeys(zone.names))
            self._names[zone] = name
        return self._names[zone]

    def step(self, row: Row) -> tuple[list[str], list[str]]:
        """The ids of the obligations that the clocks, after a row, are in the zones of its ends; and, in the data part,
        of those they rest on."""
        before = Zone() if row.source is None else row.source.zone
        given = self._at(before, {})
        if row.move.kind is MoveKind.TIMER and row.move.name in before.names:
            given = both([given, f"(= t.{row.move.name} 0)"])
        entered = frozenset(row.chain[-1].entered if row.chain else ())
        ids: list[str] = []
        lengths: list[str] = []
        for target in (node for node in row.targets if node.zone.names):
            armed = {t for t in target.zone.names if t not in before.names or self.clock.place[t] in entered}
            known = frozenset[str]() if row.source is None else row.source.control.entered
            anew = {timer for timer in armed if self.clock.anew(timer, entered, known)}
            told = self._told(target, row, armed, lengths)
            fresh = [self._fresh(timer, timer in anew, told) for timer in sorted(armed)]
            fresh += [_apart(pair, most) for pair, most in told.apart.items() if anew.issuperset(pair)]
            now = {t: f"(- {f'new.{t}' if t in armed else f't.{t}'} {ELAPSED})" for t in target.zone.names}
            later = [f"(>= {ELAPSED} 0)", *(f"(>= {clock} 0)" for clock in now.values())]
            source = "the start" if row.source is None else f"node {row.source.id}"
            text = f"{source}: {said.row(self.kernel, row)} leads to the times of node {target.id}"
            ids.append(self._oblige("t", self.times, text, (given, *fresh, *later), self._at(target.zone, now)))
        return ids, lengths

    def never(self, node: Node, timer: str) -> str:
        """The id of the obligation that a timer, armed in a node, is never due there."""
        text = f"node {node.id}: the timer {timer} never falls due"
        return self._oblige("t", self.times, text, (self._at(node.zone, {}),), no(f"(= t.{timer} 0)"))

    def _at(self, zone: Zone, now: Mapping[str, str]) -> str:
        return applied(self.zone(zone), [now.get(timer, f"t.{timer}") for timer in zone.names])

    def _fresh(self, timer: str, anew: bool, told: Told) -> str:
        """How long a timer that is armed has to go: its length, or less where it counts from before."""
        low, high = self.clock.span(timer, told)
        parts = [f"(<= {number(int(low)) if anew else 0} new.{timer})"]
        parts += [f"(<= new.{timer} {number(int(high))})"] if high < inf else []
        return both(parts)

    def _told(self, target: Node, row: Row, armed: Collection[str], proved: list[str]) -> Told:
        """How long the timers take that data measure, which the data part proves of where they are armed."""
        timers = [timer for timer in armed if timer in self.clock.lasting]
        if not timers:
            return NOTHING
        before = row.chain[-2].entered if len(row.chain) > 1 else ()
        lasting, last = self.inquiry.explorer.lasting, row.chain[-1].entered[len(before) :] if row.chain else ()
        told = lasting(target.control.place, target.data, last)(timers)
        proved.append(self.data.claim(target, lasting.wrong(told), "timers take as long as data say"))
        return told

    # ------------------------------------------------------------ order

    def ranks(self, found: Mapping[int, Ways], text: str) -> list[str]:
        """F004: from every node that is not final some move leads to a lower rank."""
        rank = {id: index for index, id in enumerate(found)}
        self._numbers += [Definition(f"rank.{id}", (), INT, str(rank[id])) for id in sorted(rank)]
        ids: list[str] = []
        for id, ways in found.items():
            if not self.inquiry.graph.nodes[id].control.finished:
                lower = [f"(< rank.{edge.target} rank.{id})" for edge in ways]
                by = ", ".join(dict.fromkeys(said.move(self.kernel, edge.move) for edge in ways))
                ids.append(self._oblige("r", self.claims, f"{text}: from node {id} by {by}", (), both(_once(lower))))
        return ids

    def levels(self, text: str) -> list[str]:
        """F005: steps that need nobody and no time never lead to a higher level, and calls and timers to a lower."""
        nodes = self.inquiry.graph.nodes
        alone = at_once(self.inquiry)
        level = levels(len(nodes), alone)
        self._numbers += [Definition(f"level.{node.id}", (), INT, str(level[node.id])) for node in nodes]
        ids: list[str] = []
        for node in nodes:
            mine = (edge for edge in alone if edge.source == node.id)
            parts = [f"({'<' if drives(e) else '<='} level.{e.target} level.{e.source})" for e in mine]
            if parts:
                ids.append(self._oblige("l", self.claims, f"{text}: from node {node.id}", (), both(_once(parts))))
        return ids

    def _oblige(self, kind: str, where: list[Obligation], text: str, given: tuple[str, ...], then: str) -> str:
        key = (*given, then)
        if key not in self._made:
            self._made[key] = f"{kind}{sum(each.id.startswith(kind) for each in where) + 1}"
            where.append(Obligation(self._made[key], text, given, then))
        return self._made[key]

    # ------------------------------------------------------------ the whole

    def script(self, head: Sequence[str]) -> Script:
        names = [f"{kind}.{timer}" for timer in sorted(self._clocks) for kind in ("t", "new")]
        clocks = [f"(declare-fun {name} () Int)" for name in (*names, ELAPSED)]
        return Script(
            head,
            "QF_LIA",
            (
                Section("clocks: remaining times, those of timers that are armed, and the time that passes", clocks),
                Section("zones: how the remaining times of a node's timers can be", self._zones),
                Section("numbers of nodes: ranks and levels", self._numbers),
                Section("every step keeps the times of its end", self.times),
                Section("claims", self.claims),
            ),
        )


def _difference(left: str, right: str) -> str:
    return left if right == "0" else f"(- {right})" if left == "0" else f"(- {left} {right})"


def _apart(pair: tuple[str, str], most: float) -> str:
    """That one timer that is armed takes no more than so much longer than another."""
    one, other = pair
    return f"(<= (- new.{one} new.{other}) {number(int(most))})"


def _once(parts: Iterable[str]) -> list[str]:
    return [*dict.fromkeys(parts)]


def levels(number: int, edges: Sequence[Edge]) -> list[int]:
    """The most calls, timers and ends of compensations on a way over the edges, from each node; there is no cycle with
    a call or a timer, and what goes round by compensations alone is not counted."""
    round = {id(edge) for group in strong(number, edges) for edge in group}
    counted = {id(edge) for edge in edges if drives(edge) or (edge.taken and id(edge) not in round)}
    into: list[list[Edge]] = [[] for _ in range(number)]
    for edge in edges:
        into[edge.target].append(edge)
    level = [0] * number
    todo = list(range(number))
    while todo:
        target = todo.pop()
        for edge in into[target]:
            least = level[target] + (id(edge) in counted)
            if level[edge.source] < least:
                level[edge.source] = least
                todo.append(edge.source)
    return level
