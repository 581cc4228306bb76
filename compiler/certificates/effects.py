"""What is proved of effects: rows in; which effects may stand at each node, and the obligations that this is so, out.

A set of effects is a bit vector, a bit for each activity whose calls are on the compensation log. A node says which of
them may stand; a row says, by the rules of the kernel (K5, K6) and not by the interpreter's log, what a step does to
them: a call that begins pushes its effect, a declared error and a compensation take it off, an answer settles it, a
savepoint divides what is below from what is above, and a compensation ends when nothing above its mark stands. No data
occur here. So the compensation proof holds for any number of steps and retries, whatever the data.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce

from ...dsl.model import Activity, Compensation, Effect
from ..checks.graph import Node
from ..checks.inquiry import Inquiry
from ..checks.moves import MoveKind
from ..checks.passages import Passage
from ..checks.states import Answers
from ..formats.smtlib import BOOL, Definition, Obligation, Script, Section, applied, both, either
from ..instance import Entry, Instance
from ..kernel import Kernel, Undo
from . import words as said
from .rows import Row

LOG, FLYING, OVER, KEPT = "log", "flying", "over", "kept"
"""What stands, done or perhaps done; what is not settled yet; and what lies above the mark of a compensation under way,
and below it. Of a savepoint `M`: `above.M`, `below.M`."""

FEW = 6  # effects that a set is written out with


@dataclass(frozen=True, slots=True)
class _Sets:
    """Terms for the sets of effects of an instance, by name."""

    terms: tuple[tuple[str, str], ...]

    def __getitem__(self, name: str) -> str:
        return dict(self.terms)[name]

    def put(self, changes: Mapping[str, str]) -> _Sets:
        return _Sets(tuple((name, changes.get(name, term)) for name, term in self.terms))

    def each(self, operator: str, effects: str, names: Iterable[str]) -> _Sets:
        """With an operator and effects applied to some of them."""
        wanted = set(names)
        return _Sets(
            tuple((name, f"({operator} {term} {effects})" if name in wanted else term) for name, term in self.terms)
        )


class EffectProof:
    """The part of one certificate that is about effects, under way."""

    def __init__(self, inquiry: Inquiry) -> None:
        self.inquiry = inquiry
        self.kernel = inquiry.kernel
        logged = [each for each in self.kernel.activities if each.effect is not Effect.READONLY]
        self.sorts = inquiry.abstraction.sorts  # a bit is of all activities that the search took for one
        self.effects = {each.name: each for each in logged if self.sorts[each.name] == each.name}
        self.bits = {each.name: f"effect.{self.sorts[each.name]}" for each in logged}
        self.savepoints = sorted(_savepoints(self.kernel))
        marks = (f"{side}.{mark}" for mark in self.savepoints for side in ("below", "above"))
        self.names = (LOG, FLYING, OVER, KEPT, *marks)
        self.initiation: list[Obligation] = []
        self.consecution: list[Obligation] = []
        self.claims: list[Obligation] = []
        self._nodes: list[Definition] = []
        self._made: dict[tuple[str, ...], str] = {}
        self._known: dict[int, str] = {}

    # ------------------------------------------------------------ sets

    @property
    def _size(self) -> int:
        return max(1, len(self.effects))

    @property
    def sort(self) -> str:
        return f"(_ BitVec {self._size})"

    def of(self, names: Iterable[str]) -> str:
        """A set of effects as a term: by their names, if they are few."""
        wanted = set(names)
        bits = [self.bits[name] for name in self.effects if name in wanted]
        if len(bits) <= FEW:
            return reduce(lambda others, bit: f"(bvor {others} {bit})", bits) if bits else "none"
        value = sum(1 << index for index, name in enumerate(self.effects) if name in wanted)
        return f"(_ bv{value} {self._size})"

    def _those(self, *kinds: Effect) -> str:
        return self.of(name for name, each in self.effects.items() if each.effect in kinds)

    @property
    def undoable(self) -> str:
        return self.of(name for name, each in self.effects.items() if isinstance(each.effect, Compensation))

    def entries(self, at: Instance) -> dict[str, Sequence[Entry]]:
        """The entries of an instance's log that each set is about."""
        marks = dict(at.marks)
        found: dict[str, Sequence[Entry]] = {
            LOG: at.log,
            FLYING: at.log.in_flight,
            OVER: () if at.undoing is None else at.log[at.undoing.mark :],
            KEPT: () if at.undoing is None else at.log[: at.undoing.mark],
        }
        for mark in self.savepoints:
            cut = marks.get(mark, 0)
            found |= {f"below.{mark}": at.log[:cut], f"above.{mark}": at.log[cut:]}
        return found

    def sets(self, at: Instance) -> dict[str, set[str]]:
        """The sets of effects of an instance."""
        return {name: {self.sorts[entry.activity] for entry in each} for name, each in self.entries(at).items()}

    def invariant(self, node: Node) -> str:
        """The name of what a node says of effects."""
        if node.id not in self._known:
            name = f"node.{node.id}"
            sets = self.sets(node.instance)
            about = (LOG, FLYING) if node.control.finished else self.names
            body = both([f"(within {each} {self.of(sets[each])})" for each in about])
            comment = f"{said.resting(node.control)}; log: {said.log(node.control, FEW)}"
            self._nodes.append(Definition(name, tuple((n, self.sort) for n in self.names), BOOL, body, comment))
            self._known[node.id] = name
        return self._known[node.id]

    def _before(self, node: Node | None) -> tuple[str, _Sets]:
        if node is None:
            return "true", _Sets(tuple((name, "none") for name in self.names))
        return applied(self.invariant(node), self.names), _Sets(tuple((name, name) for name in self.names))

    # ------------------------------------------------------------ what a step does

    def step(self, row: Row) -> list[str]:
        """The ids of the obligations that a row keeps what its targets say; of several with the same data, one of them
        (where a log is kept loosely, what is forgotten of it decides which)."""
        given, sets = self._before(row.source)
        sets = self._answered(row, sets)
        ended: list[str] = []
        undoing = row.source is not None and not row.source.control.resting
        if undoing and row.chain:
            sets = self._end(sets, ended)
        entered = 0
        for index, passage in enumerate(row.chain):
            sets = self._entered(sets, passage, passage.entered[entered:])
            entered = len(passage.entered)
            if isinstance(passage.target, Undo):
                sets = self._begin(sets, passage.target)
                if index + 1 < len(row.chain):
                    sets = self._end(sets, ended)
        source = "the start" if row.source is None else self.invariant(row.source)
        where, kind = (self.initiation, "i") if row.source is None else (self.consecution, "s")
        ids: list[str] = []
        for group in _alike(row.targets):
            ways: list[str] = []
            for target in group:
                dropped = self._dropped(row, target, sets)
                ways.append(applied(self.invariant(target), [dropped[name] for name in self.names]))
            goals = " or ".join(map(self.invariant, group))
            words = f"{source}: {said.row(self.kernel, row)} leads to {goals}"
            ids.append(self._oblige(kind, where, words, (given,), both([*ended, either([*dict.fromkeys(ways)])])))
        return ids

    def _answered(self, row: Row, sets: _Sets) -> _Sets:
        """An answer takes an effect off, or settles it; in a set with several entries of its activity it stays. Which
        entry it is, the step says that was run: other instances of the node may have other keys."""
        shown = row.shown
        if row.source is None or shown is None or shown.before is None or shown.move is None:
            return sets
        move, key = shown.move, shown.move.name.removesuffix("/undo")
        activity = self.kernel.activity.get(key.partition("#")[0])
        answers = move.kind in {MoveKind.ANSWER, MoveKind.SETTLE, MoveKind.UNDONE}
        if activity is None or activity.name not in self.bits or not answers:
            return sets
        removed = move.kind is MoveKind.UNDONE or move.answer in {failure.name for failure in activity.fails}
        known = self.entries(row.source.instance)
        gone: list[str] = []
        for name, entries in self.entries(shown.before.instance).items():
            number = [self.sorts[each.activity] for each in known[name]].count(self.sorts[activity.name])
            if (removed or name == FLYING) and number == 1 and any(each.key == key for each in entries):
                gone.append(name)
        return sets.each("without", self.bits[activity.name], gone)

    def _entered(self, sets: _Sets, passage: Passage, entered: Sequence[str]) -> _Sets:
        """Entering a savepoint moves its mark to the top; entering a leaf that calls pushes its effect."""
        for name in entered:
            if name in self.savepoints:
                sets = sets.put({f"below.{name}": sets[LOG], f"above.{name}": "none"})
            leaf = self.kernel.leaf.get(name)
            called = None if leaf is None or leaf.call is None else leaf.call.activity
            if called in self.bits and name not in passage.vacant:
                pushed = (LOG, FLYING, *(n for n in self.names if n.startswith("above.")))
                sets = sets.each("bvor", self.bits[called], pushed)
        return sets

    def _begin(self, sets: _Sets, target: Undo) -> _Sets:
        over, kept = (LOG, "") if target.since is None else (f"above.{target.since}", f"below.{target.since}")
        return sets.put({OVER: sets[over], KEPT: sets[kept] if kept else "none"})

    def _end(self, sets: _Sets, ended: list[str]) -> _Sets:
        """A compensation ends where nothing above its mark stands that can be undone. What was below it is left."""
        ended.append(f"(within {sets[OVER]} (bvnot undoable))")
        kept = sets[KEPT]
        left = sets.each("bvand", kept, (name for name in self.names if name not in {LOG, OVER, KEPT}))
        return left.put({LOG: kept, OVER: "none", KEPT: "none"})

    def _dropped(self, row: Row, target: Node, sets: _Sets) -> _Sets:
        """A compensation drops what is irreversible above its mark; F102 asks whether there is any."""
        if target.control.resting:
            return sets
        stand = self.sets(target.instance)
        kinds = {Effect.IRREVERSIBLE, Effect.UNDECLARED}
        known = self.sets(row.source.instance)[LOG] if row.source is not None else set[str]()
        dropped = {name for name in known if self.effects[name].effect in kinds}
        for name in self.names:
            gone = dropped - stand[name]
            sets = sets.each("without", self.of(gone), (name,)) if gone else sets
        return sets

    # ------------------------------------------------------------ claims

    def stands(self, node: Node, text: str, bad: str, among: str = LOG) -> str:
        """The id of the obligation that no effect of a set stands in a node."""
        given = applied(self.invariant(node), self.names)
        return self._oblige("c", self.claims, f"{text}: in {self.invariant(node)}", (given,), f"(within {among} {bad})")

    def failing(self, node: Node, text: str) -> str:
        """F101: nothing that can be undone stands where a run has failed."""
        return self.stands(node, text, "(bvnot undoable)")

    def pivoted(self, node: Node, text: str) -> str:
        """F102: nothing irreversible stands where a run has failed."""
        return self.stands(node, text, f"(bvnot {self._those(Effect.IRREVERSIBLE)})")

    def completed(self, node: Node, text: str) -> str:
        """F009: nothing is in flight where a run has ended."""
        return self.stands(node, text, "none", FLYING)

    def passed_over(self, row: Row, activity: Activity, text: str) -> list[str]:
        """F102: a compensation that a row begins has nothing of a pivot above its mark."""
        given, sets = self._before(row.source)
        sets = self._answered(row, sets)
        ids: list[str] = []
        entered = 0
        for passage in row.chain:
            sets = self._entered(sets, passage, passage.entered[entered:])
            entered = len(passage.entered)
            if isinstance(passage.target, Undo):
                since = passage.target.since
                above = sets[LOG] if since is None else sets[f"above.{since}"]
                source = "the start" if row.source is None else self.invariant(row.source)
                words = f"{text}: {source}: {said.row(self.kernel, row)}"
                then = f"(within {above} (bvnot {self.bits[activity.name]}))"
                ids.append(self._oblige("c", self.claims, words, (given,), then))
        return ids

    def _oblige(self, kind: str, where: list[Obligation], text: str, given: tuple[str, ...], then: str) -> str:
        key = (*given, then)
        if key not in self._made:
            self._made[key] = f"{kind}{len(where) + 1}"
            where.append(Obligation(self._made[key], text, given, then))
        return self._made[key]

    # ------------------------------------------------------------ the whole

    def script(self, head: Sequence[str]) -> Script:
        bits = [
            Definition(self.bits[name], (), self.sort, f"(_ bv{1 << index} {self._size})", _said(each))
            for index, (name, each) in enumerate(self.effects.items())
        ]
        sets = [
            Definition("none", (), self.sort, f"(_ bv0 {self._size})"),
            *bits,
            Definition("undoable", (), self.sort, self.undoable),
            Definition("within", (("x", self.sort), ("y", self.sort)), BOOL, "(= (bvand x (bvnot y)) none)"),
            Definition("without", (("x", self.sort), ("y", self.sort)), self.sort, "(bvand x (bvnot y))"),
        ]
        return Script(
            head,
            "QF_BV",
            (
                Section("effects, and sets of them", sets),
                Section("the sets of an instance", [f"(declare-fun {name} () {self.sort})" for name in self.names]),
                Section("which effects may stand at each node", self._nodes),
                Section("initiation: what every start leads to", self.initiation),
                Section("consecution: every step keeps what its end says", self.consecution),
                Section("claims", self.claims),
            ),
        )


def _alike(targets: Sequence[Node]) -> list[list[Node]]:
    """The targets of a row, those with the same data together."""
    found: dict[Answers, list[Node]] = {}
    for target in targets:
        found.setdefault(target.data, []).append(target)
    return list(found.values())


def _said(activity: Activity) -> str:
    if isinstance(activity.effect, Compensation):
        return f"undone by {activity.effect.name}"
    return "irreversible" if activity.effect is Effect.IRREVERSIBLE else "does not say how it is undone"


def _savepoints(kernel: Kernel) -> set[str]:
    """The places that some compensation goes back to."""
    ends = [command.target for command in kernel.commands]
    ends += [branch.target for choice in kernel.choices for branch in choice.branches]
    ends += [scope.start.target for scope in kernel.scopes if scope.start is not None]
    return {end.since for end in ends if isinstance(end, Undo) and end.since is not None}
