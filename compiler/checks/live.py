"""A kernel in, for each place the atoms out on which anything later depends.

Two instances in one place that answer all its atoms alike are merged by the search. Atoms are found backwards: those
of guards, properties, ranges and unwraps, seen through the updates that come before them (`x < 3` before `x = x + 1`
asks `x < 2`), to a fixpoint. What depends on a payload is left out: Z3 looks at payloads itself.

Nothing here is trusted: atoms that are missing cost completeness, never soundness.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from ...dsl.model import (
    Always,
    Assign,
    Binary,
    BoolType,
    Expr,
    IntType,
    LeadsTo,
    Literal,
    OptionalType,
    Reach,
)
from ...dsl.source import NOWHERE, Span
from ..kernel import Goto, Kernel, Leaf, Stay, Target
from .atoms import Atom, Cut, Place, Test, atoms, before, data_only, exact, needs, simple
from .rewrite import bare, linear, literal, numeric, placed, unwrapped

MOST_CUTS = 24  # of one form, where nothing written bounds them
MOST_ATOMS = 160  # in one place


class Live:
    """The atoms of every place of a kernel, in a fixed order."""

    def __init__(self, kernel: Kernel) -> None:
        self.kernel = kernel
        self._found: dict[Place, dict[Atom, None]] = {}
        self._anchors: dict[tuple[tuple[Expr, int], ...], tuple[int, int]] = {}
        self._asking: dict[Place, dict[Atom, None]] = {}
        self._seen_before: dict[tuple[Atom, Span], tuple[Atom, ...]] = {}
        leaves = [("leaf", leaf.name) for leaf in kernel.leaves]
        undos = [("undo", leaf.name) for leaf in kernel.leaves] + [("undo", choice.name) for choice in kernel.choices]
        for place in (*leaves, *undos):
            self._asking[place] = dict.fromkeys(self._properties(place))
        self._note_anchors()
        self._settle()

    def __getitem__(self, place: Place) -> tuple[Atom, ...]:
        return tuple(self._found.get(place, ()))

    def _settle(self) -> None:
        places = list(self._asking)
        changed = True
        while changed:
            changed = False
            for place in reversed(places):
                found = self._found.setdefault(place, {})
                size = len(found)
                for atom in (
                    simpler for each in (*self._asking[place], *self._through(place)) for simpler in exact(each)
                ):
                    if len(found) < MOST_ATOMS and self._kept(atom, found):
                        found[atom] = None
                changed = changed or len(found) > size

    def _properties(self, place: Place) -> Iterator[Atom]:
        kind, name = place
        state = name if kind == "leaf" else None
        conditions: list[Expr | None] = []
        for claim in self.kernel.properties:
            match claim:
                case Always():
                    conditions.append(claim.condition)
                case Reach():
                    conditions.append(claim.condition if claim.state == state else None)
                case LeadsTo():
                    conditions += (claim.trigger, claim.goal)
        for condition in conditions:
            if condition is not None:
                yield from filter(data_only, atoms(placed(condition, state)))

    def _through(self, place: Place) -> Iterator[Atom]:
        """The atoms that a place owes to what can happen in it."""
        kind, name = place
        if kind == "undo":
            yield from filter(data_only, self._target(Goto(name), name, ()))
            return
        for command in self.kernel.commands:
            if command.on is None or command.scope not in self.kernel.above(name):
                continue
            found = dict.fromkeys(self._updates(command.updates, self._target(command.target, name, ())))
            guard = () if command.guard is None else atoms(bare(command.guard))
            yield from filter(data_only, (*guard, *found))

    def _target(self, target: Target, leaf: str, passed: tuple[str, ...]) -> Iterator[Atom]:
        if isinstance(target, Stay):
            yield from self._found.get(("leaf", leaf), ())
        elif not isinstance(target, Goto):
            yield from self._found.get(("undo", target.node), ())
        elif target.node in self.kernel.leaf:
            yield from self._found.get(("leaf", target.node), ())
            yield from self._entering(self.kernel.leaf[target.node])
        elif target.node not in passed:
            for branch in self.kernel.choice[target.node].branches:
                if branch.guard is not None:
                    yield from atoms(bare(branch.guard))
                yield from self._updates(branch.updates, self._target(branch.target, leaf, (*passed, target.node)))

    def _updates(self, updates: Sequence[Assign], after: Iterator[Atom]) -> Iterator[Atom]:
        found = dict.fromkeys(after)
        for assign in reversed(updates):
            found = dict.fromkeys(earlier for atom in found for earlier in self._before(atom, assign))
            found.update(dict.fromkeys(self._duties(assign)))
        yield from found

    def _before(self, atom: Atom, assign: Assign) -> tuple[Atom, ...]:
        key = atom, assign.span
        if key not in self._seen_before:
            found = (simpler for earlier in before(atom, assign) for simpler in exact(earlier))
            self._seen_before[key] = tuple(filter(simple, found))
        return self._seen_before[key]

    def _duties(self, assign: Assign) -> Iterator[Atom]:
        value = bare(assign.value)
        yield from needs(value)
        type = self.kernel.variable[assign.name].type
        item = type.item if isinstance(type, OptionalType) else type
        if not isinstance(item, IntType) or isinstance(value, Literal):
            return
        inner = unwrapped(value)
        for bound in (item.low, item.high):
            if bound is not None:
                edge = Literal(bound, item, NOWHERE)
                yield from atoms(Binary(">=" if bound == item.low else "<=", inner, edge, BoolType(), NOWHERE))

    def _entering(self, leaf: Leaf) -> Iterator[Atom]:
        asked: list[Expr] = [timer.after or timer.at or literal(True) for timer in leaf.timers]
        asked += [part for task in leaf.tasks for part in task.title if not isinstance(part, str)]
        if leaf.call is not None:
            for arg, param in zip(leaf.call.args, self.kernel.activity[leaf.call.activity].params, strict=True):
                asked.append(arg)
                if isinstance(param.type, IntType):
                    for bound in (param.type.low, param.type.high):
                        if bound is not None:
                            op = ">=" if bound == param.type.low else "<="
                            edge = Literal(bound, param.type, NOWHERE)
                            yield from atoms(bare(Binary(op, arg, edge, BoolType(), NOWHERE)))
        for expr in asked:
            yield from needs(bare(expr))

    # ------------------------------------------------------------ keeping cuts finite

    def _note_anchors(self) -> None:
        """For each form, from which bound to which its cuts matter: those written, and where its values start."""
        written: dict[Atom, None] = {}
        for place in self._asking:
            written.update(self._asking[place])
            written.update(dict.fromkeys(self._through(place)))
        for atom in written:
            if isinstance(atom, Cut):
                low, high = self._anchors.get(atom.form, (atom.bound, atom.bound))
                self._anchors[atom.form] = min(low, atom.bound), max(high, atom.bound)
        updates = [assign for command in self.kernel.commands for assign in command.updates]
        updates += [assign for c in self.kernel.choices for branch in c.branches for assign in branch.updates]
        for form, (low, high) in self._anchors.items():
            starts = [value for term, factor in form for value in self._starts(term, factor)]
            if len(form) == 1:
                name = getattr(form[0][0], "name", None)
                starts += [linear(bare(a.value)).constant for a in updates if a.name == name and _number(a.value)]
            ends = [low, high, *starts]
            if starts:
                self._anchors[form] = min(ends) - 1, max(ends) + 1

    def _starts(self, term: Expr, factor: int) -> Iterator[int]:
        variable = self.kernel.variable.get(getattr(term, "name", ""))
        if variable is None:
            return
        if variable.initial is not None and _number(variable.initial):
            yield linear(bare(variable.initial)).constant * factor
        elif isinstance(variable.type, IntType) and variable.type.low is not None and variable.type.high is not None:
            yield variable.type.low * factor
            yield variable.type.high * factor

    def _kept(self, atom: Atom, found: Mapping[Atom, None]) -> bool:
        if isinstance(atom, Test) or atom in found:
            return True
        span = self._anchors.get(atom.form)
        if span is not None and span[0] < span[1] and len(atom.form) == 1:
            return span[0] <= atom.bound <= span[1] and span[1] - span[0] <= MOST_ATOMS
        return sum(isinstance(other, Cut) and other.form == atom.form for other in found) < MOST_CUTS


def _number(expr: Expr) -> bool:
    value = bare(expr)
    return isinstance(value, Literal) and value.value is not None and numeric(value)
