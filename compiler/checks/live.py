"""A kernel in, for each place the atoms out on which anything later depends.

Two instances in one place that answer all its atoms alike are merged by the search. Atoms are found backwards: those
of guards, properties, ranges and unwraps, seen through the updates that come before them (`x < 3` before `x = x + 1`
asks `x < 2`), to a fixpoint. What depends on a payload is left out, since Z3 looks at payloads itself; but where there
are few, a guard is asked for each.

Nothing here is trusted: atoms that are missing cost completeness, never soundness.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import product
from math import prod

from ...dsl.model import (
    Always,
    Assign,
    Binary,
    BoolType,
    Builtin,
    Each,
    EnumType,
    Expr,
    IntType,
    LeadsTo,
    ListType,
    Literal,
    NewList,
    NewRecord,
    OptionalType,
    Reach,
    Ref,
    RefKind,
    Type,
    Update,
    Value,
)
from ...dsl.source import NOWHERE, Span
from ..kernel import Branch, Goto, Kernel, Leaf, ScopeKind, Stay, Target
from ..kernel import Place as KernelPlace
from .atoms import Atom, Cut, Place, Test, atoms, before, data_only, exact, needs, simple
from .dues import ticking
from .races import races
from .rewrite import bare, folded, inside, linear, literal, numeric, placed, replaced, somebody, unwrapped

MOST_CUTS = 24  # of one form, where nothing written bounds them
MOST_SIZES = 12  # of a group of calls
MOST_ATOMS = 160  # in one place
MOST_BROUGHT = 4  # payloads of a guard that are told apart


Spot = tuple[str, str]
"""("leaf", name), or ("undo", node): atoms are found for each leaf, also of those that are active together."""


class Live:
    """The atoms of every place of a kernel, in a fixed order."""

    def __init__(self, kernel: Kernel) -> None:
        self.kernel = kernel
        self._found: dict[Spot, dict[Atom, None]] = {}
        self._anchors: dict[tuple[tuple[Expr, int], ...], tuple[int, int]] = {}
        self._written: dict[Atom, None] = {}
        self._asking: dict[Spot, dict[Atom, None]] = {}
        self._seen_before: dict[tuple[Atom, Span], tuple[Atom, ...]] = {}
        self._places: dict[Place, tuple[Atom, ...]] = {}
        self._guarding: dict[int, tuple[Atom, ...]] = {}  # by the id of a guard, which the kernel keeps
        self._owed: dict[tuple[int, Type], tuple[Atom, ...]] = {}  # by the id of a value
        self._entered: dict[str, tuple[Atom, ...]] = {}
        leaves = [("leaf", leaf.name) for leaf in kernel.leaves]
        undos = [("undo", name) for name in (*kernel.place, *kernel.choice)]
        for spot in (*leaves, *undos):
            self._asking[spot] = dict.fromkeys(self._properties(spot))
        ticks = ticking(kernel)
        for leaf in kernel.leaves:
            raced = races(kernel, leaf.name, self._beside(leaf.name), ticks)
            self._asking["leaf", leaf.name].update(
                dict.fromkeys(atom for asked in raced for atom in filter(data_only, atoms(asked)))
            )
        self._concurrent = {leaf.name: self._beside(leaf.name) for leaf in kernel.leaves}
        self._note_anchors()
        self._settle()

    def __getitem__(self, place: Place) -> tuple[Atom, ...]:
        if place not in self._places:
            kind, names = place
            spots = [("leaf" if kind == "at" else kind, name) for name in names]
            found = dict.fromkeys(atom for spot in spots for atom in self._found.get(spot, ()))
            found.update(dict.fromkeys(atom for name in names if kind == "at" for atom in self._sizes(name)))
            self._places[place] = tuple(found)
        return self._places[place]

    @property
    def asks(self) -> bool:
        """Whether anything is asked of data anywhere."""
        return any(self._found.values())

    def _sizes(self, leaf: str) -> Iterator[Atom]:
        """How many items there are while they are called for. It tells nodes apart that control tells apart anyway."""
        called = self.kernel.leaf[leaf].call
        if called is not None and called.each is not None and called.each.most <= MOST_SIZES:
            yield from filter(data_only, _sizes(called.each, range(called.each.most + 1)))

    def _settle(self) -> None:
        spots = list(self._asking)
        changed = True
        while changed:
            changed = False
            for spot in reversed(spots):
                found = self._found.setdefault(spot, {})
                size = len(found)
                for atom in (
                    simpler for each in (*self._asking[spot], *self._through(spot)) for simpler in exact(each)
                ):
                    if len(found) < MOST_ATOMS and self._kept(atom, found):
                        found[atom] = None
                changed = changed or len(found) > size

    def _properties(self, spot: Spot) -> Iterator[Atom]:
        kind, name = spot
        active = self.kernel.above(name) if kind == "leaf" else ()
        conditions: list[Expr | None] = []
        for claim in self.kernel.properties:
            match claim:
                case Always():
                    conditions.append(claim.condition)
                case Reach():
                    conditions.append(claim.condition if claim.state in active else None)
                case LeadsTo():
                    conditions += (claim.trigger, claim.goal)
        for condition in conditions:
            if condition is not None:
                yield from filter(data_only, atoms(placed(condition, self._known(spot))))

    def _known(self, spot: Spot) -> Mapping[str, bool]:
        """Of every place, whether it is active there, as far as that is known: not of other regions' places."""
        kind, name = spot
        active = self.kernel.above(name) if kind == "leaf" else ()
        beside = self._beside(name) if kind == "leaf" else frozenset[str]()
        return {other: other in active for other in self.kernel.place if other not in beside}

    def _beside(self, leaf: str) -> frozenset[str]:
        """The places in other regions, where something may happen while the leaf stays."""
        kernel, active = self.kernel, self.kernel.above(leaf)
        around = (kernel.scope[name] for name in active[1:])
        parallel = [scope.name for scope in around if scope.kind is ScopeKind.PARALLEL]
        others = {region for name in parallel for region in kernel.inside[name] if region not in active}
        if not others:
            return frozenset()
        return frozenset(name for name in kernel.place if others.intersection(kernel.above(name)))

    def _through(self, spot: Spot) -> Iterator[Atom]:
        """The atoms that a place owes to what can happen in it."""
        kind, name = spot
        if kind == "undo":
            yield from filter(data_only, self._target(Goto(name), name, ()))
            return
        beside = self._concurrent[name]
        above = self.kernel.above(name)
        near = (command for scope in {*above, *beside} for command in self.kernel.scoped.get(scope, ()))
        for command in sorted(near, key=lambda command: command.id):
            own = command.scope in above
            found = dict.fromkeys(self._updates(command.updates, self._target(command.target, name, (), own)))
            guard = () if command.guard is None else self._guard(command.guard)
            yield from filter(data_only, (*guard, *found))
        if beside:
            yield from filter(data_only, self._elsewhere(name))

    def _elsewhere(self, leaf: str) -> Iterator[Atom]:
        """What choices and starts, of other regions too, make of the atoms of a leaf that stays."""
        for branch in self._branches():
            yield from self._updates(branch.updates, iter(tuple(self._found.get(("leaf", leaf), ()))))

    def _branches(self) -> Iterator[Branch]:
        for choice in self.kernel.choices:
            yield from choice.branches
        yield from (scope.start for scope in self.kernel.scopes if scope.start is not None)

    def _target(self, target: Target, leaf: str, passed: tuple[str, ...], own: bool = True) -> Iterator[Atom]:
        """The atoms of where a target leads; of another region's command, the leaf stays as well."""
        if isinstance(target, Stay) or not own:
            yield from self._found.get(("leaf", leaf), ())
        if isinstance(target, Stay):
            return
        if not isinstance(target, Goto):
            yield from self._found.get(("undo", target.node), ())
        elif target.node in self.kernel.choice:
            if target.node not in passed:
                for branch in self.kernel.choice[target.node].branches:
                    if branch.guard is not None:
                        yield from self._guard(branch.guard)
                    after = self._target(branch.target, leaf, (*passed, target.node))
                    yield from self._updates(branch.updates, after)
        else:
            yield from self._into(target, leaf, passed)

    def _into(self, target: Goto, leaf: str, passed: tuple[str, ...]) -> Iterator[Atom]:
        """The atoms of a leaf or scope that is entered, and of what lies on the way into it."""
        kernel, name = self.kernel, target.node
        yield from self._entering(kernel.place[name])
        if name in kernel.leaf:
            yield from self._found.get(("leaf", name), ())
            return
        scope = kernel.scope[name]
        if target.resume:
            for inner in (other for other in kernel.leaves if name in other.path):
                yield from self._into(Goto(inner.name), leaf, passed)
        if scope.kind is ScopeKind.PARALLEL:
            for region in kernel.inside[name]:
                yield from self._into(Goto(region), leaf, passed)
        elif scope.start is not None and name not in passed:
            after = self._target(scope.start.target, leaf, (*passed, name))
            yield from self._updates(scope.start.updates, after)

    def _updates(self, updates: Sequence[Update], after: Iterator[Atom]) -> Iterator[Atom]:
        found = dict.fromkeys(after)
        for assign in reversed(updates):
            if not isinstance(assign, Assign):
                for arg, type in self.kernel.carried(assign):
                    found.update(dict.fromkeys(self._fitting(arg, type)))
                continue
            found = dict.fromkeys(earlier for atom in found for earlier in self._before(atom, assign))
            found.update(dict.fromkeys(self._fitting(assign.value, self.kernel.variable[assign.name].type)))
        yield from found

    def _before(self, atom: Atom, assign: Assign) -> tuple[Atom, ...]:
        key = atom, assign.span
        if key not in self._seen_before:
            found = (simpler for earlier in before(atom, assign) for simpler in exact(earlier))
            self._seen_before[key] = tuple(filter(simple, found))
        return self._seen_before[key]

    def _guard(self, guard: Expr) -> tuple[Atom, ...]:
        if id(guard) not in self._guarding:
            asked = bare(guard)
            self._guarding[id(guard)] = tuple(atom for each in (asked, *_brought(asked)) for atom in atoms(each))
        return self._guarding[id(guard)]

    def _fitting(self, expr: Expr, type: Type) -> tuple[Atom, ...]:
        """What a value owes that must be of a type."""
        key = id(expr), type
        if key not in self._owed:
            self._owed[key] = tuple(_fitting(bare(expr), type))
        return self._owed[key]

    def _entering(self, place: KernelPlace) -> tuple[Atom, ...]:
        if place.name not in self._entered:
            self._entered[place.name] = tuple(_entering(self.kernel, place))
        return self._entered[place.name]

    # ------------------------------------------------------------ keeping cuts finite

    def _note_anchors(self) -> None:
        """For each form, from which bound to which its cuts matter: those written, and where its values start."""
        for spot in self._asking:
            self._written.update(self._asking[spot])
            self._written.update(dict.fromkeys(self._through(spot)))
        for atom in self._written:
            if isinstance(atom, Cut):
                low, high = self._anchors.get(atom.form, (atom.bound, atom.bound))
                self._anchors[atom.form] = min(low, atom.bound), max(high, atom.bound)
        written_updates = [update for command in self.kernel.commands for update in command.updates]
        written_updates += [update for branch in self._branches() for update in branch.updates]
        updates = [update for update in written_updates if isinstance(update, Assign)]
        for form, (low, high) in self._anchors.items():
            starts = [value for term, factor in form for value in self._starts(term, factor)]
            if len(form) == 1:
                starts += [start for a in updates for start in self._assigned(form[0][0], a)]
            ends = [low, high, *starts]
            if starts:
                self._anchors[form] = min(ends) - 1, max(ends) + 1

    def _starts(self, term: Expr, factor: int) -> Iterator[int]:
        counted = _counted(term)
        ref = term if counted is None else counted
        variable = self.kernel.variable.get(ref.name) if isinstance(ref, Ref) else None
        if variable is None:
            return
        if counted is not None:
            if isinstance(variable.initial, NewList):
                yield len(variable.initial.items) * factor
            elif isinstance(counted.type, ListType):
                yield from (0, counted.type.most * factor)
        elif variable.initial is not None and _number(variable.initial):
            yield linear(bare(variable.initial)).constant * factor
        elif isinstance(variable.type, IntType) and variable.type.low is not None and variable.type.high is not None:
            yield variable.type.low * factor
            yield variable.type.high * factor

    def _assigned(self, term: Expr, assign: Assign) -> Iterator[int]:
        """The number that an update gives to a variable, or the length that it gives to a list."""
        counted = _counted(term)
        value = bare(assign.value)
        if isinstance(term, Ref) and term.name == assign.name and _number(assign.value):
            yield linear(value).constant
        elif counted is not None and counted.name == assign.name and isinstance(value, NewList):
            yield len(value.items)

    def _kept(self, atom: Atom, found: Mapping[Atom, None]) -> bool:
        if isinstance(atom, Test) or atom in found or atom in self._written:
            return True
        span = self._anchors.get(atom.form)
        if span is not None and 0 < span[1] - span[0] <= MOST_ATOMS and len(atom.form) == 1:
            return span[0] <= atom.bound <= span[1]
        return sum(isinstance(other, Cut) and other.form == atom.form for other in found) < MOST_CUTS


def _brought(condition: Expr) -> Iterator[Expr]:
    """A condition as it reads for each payload, where there are few."""
    params = tuple(dict.fromkeys(p for p in inside(condition) if isinstance(p, Ref) and p.kind is RefKind.PARAM))
    values = [_few(param.type) for param in params]
    if not params or prod(len(each) or MOST_BROUGHT + 1 for each in values) > MOST_BROUGHT:
        return
    for chosen in product(*values):
        given: dict[Expr, Expr] = {
            param: Literal(value, param.type, NOWHERE) for param, value in zip(params, chosen, strict=True)
        }
        yield replaced(condition, given.get)


def _few(type: Type) -> Sequence[Value]:
    """The values of a type, if it has few; else none."""
    match type:
        case BoolType():
            return (False, True)
        case EnumType():
            return type.members
        case IntType(low=int(low), high=int(high)) if high - low < MOST_BROUGHT:
            return range(low, high + 1)
        case _:
            return ()


def _fitting(value: Expr, type: Type) -> Iterator[Atom]:
    yield from needs(value)
    yield from _in_range(value, type)
    for part in inside(value):
        if isinstance(part, NewRecord):
            for field, each in zip(part.values, part.type.fields, strict=True):
                yield from _in_range(field, each.type)


def _entering(kernel: Kernel, place: KernelPlace) -> Iterator[Atom]:
    """What is owed when a place is entered: by its timers, its tasks and its call."""
    asked: list[Expr] = [timer.after or timer.at or literal(True) for timer in place.timers]
    asked += [part for task in place.tasks for part in task.title if not isinstance(part, str)]
    for task in place.tasks:
        if task.person is not None:
            yield from atoms(bare(somebody(task.person)))
    if isinstance(place, Leaf) and place.call is not None:
        if place.call.each is not None:
            asked.append(place.call.each.items)
            each = place.call.each
            yield from _sizes(each, (0, (each.quota or 1) - 1, each.most))
        for arg, param in zip(place.call.args, kernel.activity[place.call.activity].params, strict=True):
            asked.append(arg)
            yield from _in_range(bare(arg), param.type)
    for expr in asked:
        yield from needs(bare(expr))


def _sizes(each: Each, bounds: Iterable[int]) -> Iterator[Atom]:
    """Whether there are at most so many items."""
    for bound in dict.fromkeys(bounds):
        yield from _in_range(bare(each.items), ListType(BoolType(), bound))


def _counted(term: Expr) -> Ref | None:
    """The list of which a term is the length."""
    match term:
        case Builtin(name="len", args=(Ref() as counted,)) if isinstance(counted.type, ListType):
            return counted
        case _:
            return None


def _in_range(value: Expr, type: Type) -> Iterator[Atom]:
    """What tells whether a value is in the range of a type."""
    item = type.item if isinstance(type, OptionalType) else type
    if isinstance(value, Literal) or not isinstance(item, IntType | ListType):
        return
    inner = unwrapped(value)
    if isinstance(item, ListType):
        length = IntType(0, None)
        inner, item = folded(Builtin("len", (inner,), length, NOWHERE)), IntType(None, item.most)
    for op, bound in ((">=", item.low), ("<=", item.high)):
        if bound is not None:
            for each in (inner, *_at_worst(inner, highest=op == "<=")):
                yield from atoms(bare(Binary(op, each, Literal(bound, IntType(), NOWHERE), BoolType(), NOWHERE)))


def _at_worst(value: Expr, highest: bool) -> Iterator[Expr]:
    """The most, or the least, that a value may be for any payload, where it is a sum with parts of one in it."""
    given: dict[Expr, Expr] = {}
    for term, factor in linear(value).terms.items() if numeric(value) else ():
        if any(isinstance(part, Ref) and part.kind is RefKind.PARAM for part in inside(term)):
            most = (factor > 0) == highest
            match term:
                case Ref(type=IntType(low=int(low), high=int(high))):
                    given[term] = Literal(high if most else low, term.type, NOWHERE)
                case Builtin(name="len", args=(Ref(type=ListType() as listed),)):
                    given[term] = Literal(listed.most if most else 0, term.type, NOWHERE)
                case _:
                    return
    if given:
        yield replaced(value, given.get)


def _number(expr: Expr) -> bool:
    value = bare(expr)
    return isinstance(value, Literal) and value.value is not None and numeric(value)
