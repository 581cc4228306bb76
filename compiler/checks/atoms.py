"""A kernel in, for each place the **atoms** out: the smallest questions about data on which anything later depends.

Two instances in one place that answer all its atoms alike are merged by the search. Atoms are found backwards: those
of guards, properties, ranges and unwraps, seen through the updates that come before them (`x < 3` before `x = x + 1`
asks `x < 2`), to a fixpoint. Numeric ones are cuts of a linear form, `total - limit <= 0`; the rest are equalities,
booleans and *is it some*. What depends on a payload is left out: Z3 looks at payloads itself.

Nothing here is trusted: atoms that are missing cost completeness, never soundness.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from math import gcd, prod

from ...dsl.model import (
    Always,
    Assign,
    Binary,
    BoolType,
    Expr,
    IntType,
    IsNone,
    LeadsTo,
    Literal,
    OneOf,
    OptionalType,
    Reach,
    Ref,
    Unary,
    Unwrap,
    Value,
)
from ...dsl.source import NOWHERE, Span
from ..evaluate import Fault, Scope, evaluate
from ..kernel import Goto, Kernel, Leaf, Stay, Target
from .encode import Encoder, Env, scaled
from .rewrite import (
    Linear,
    bare,
    cases,
    closed,
    equals,
    inside,
    is_some,
    linear,
    literal,
    numeric,
    placed,
    replaced,
    unwrapped,
)
from .solver import Term

MOST_CUTS = 24  # of one form, where nothing written bounds them
MOST_ATOMS = 160  # in one place
MOST_PARTS = 24  # of one atom
FEW = 32  # combinations of values that are told apart one by one

Place = tuple[str, str]
"""("leaf", name), or ("undo", node) while a compensation is under way that leads to the node."""


@dataclass(frozen=True, slots=True)
class Cut:
    """Whether the sum of terms, each times its factor, in scaled integers, is at most `bound`."""

    form: tuple[tuple[Expr, int], ...]
    bound: int


@dataclass(frozen=True, slots=True)
class Test:
    """A boolean expression with no smaller one inside."""

    expr: Expr


Atom = Cut | Test


def answer(atom: Atom, variables: Mapping[str, Value], now: datetime) -> bool:
    """The atom's answer for these data; where it is not defined: no."""
    scope = Scope(variables, now)
    try:
        if isinstance(atom, Test):
            return evaluate(atom.expr, scope) is True
        return sum(scaled(evaluate(term, scope), term.type) * factor for term, factor in atom.form) <= atom.bound
    except Fault:
        return False


def asked(atom: Atom, encoder: Encoder, env: Env) -> Term:
    """The same answer as a term."""
    if isinstance(atom, Test):
        return encoder.condition(atom.expr, env)
    total: Term = 0
    needs: list[Term] = []
    for term, factor in atom.form:
        symbol, more = encoder.expression(term, env)
        needs += [need.term for need in more]
        total = total + symbol.term * factor
    return encoder.all(*needs, total <= atom.bound)


# ---------------------------------------------------------------- taking conditions apart


def atoms(condition: Expr) -> Iterator[Atom]:
    """The atoms of a boolean expression without spans."""
    split = cases(condition)
    if split is not None:
        for part in split:
            yield from atoms(part)
        return
    match condition:
        case Literal():
            return
        case Unary(op="not"):
            yield from atoms(condition.operand)
        case Binary(op="and" | "or" | "implies"):
            yield from atoms(condition.left)
            yield from atoms(condition.right)
        case OneOf():
            for member in condition.members:
                yield from atoms(equals(condition.operand, member))
        case Binary():
            yield from _comparison(condition)
        case IsNone():
            yield from needs(condition.operand)
            yield Test(is_some(condition.operand))
        case _:
            yield from needs(condition)
            yield Test(condition)


def needs(expr: Expr) -> Iterator[Atom]:
    """The atoms of what an expression needs to be defined: unwraps of some, divisors that are not zero."""
    for part in inside(expr):
        match part:
            case Unwrap():
                yield from atoms(is_some(part.operand))
            case Binary(op="/" | "%"):
                zero = bare(Binary("-", part.right, part.right, part.right.type, NOWHERE))
                yield from atoms(equals(part.right, zero))
            case _:
                pass


def _comparison(condition: Binary) -> Iterator[Atom]:
    left, right = condition.left, condition.right
    if isinstance(left.type, OptionalType) or isinstance(right.type, OptionalType):
        for side in (left, right):
            if isinstance(side.type, OptionalType):
                yield from atoms(is_some(side))
        if not (_none(left) or _none(right)):
            yield from atoms(equals(unwrapped(left), unwrapped(right)))
    elif isinstance(left.type, BoolType):
        yield from atoms(left)
        yield from atoms(right)
    elif numeric(left):
        yield from needs(condition)
        difference = linear(left).plus(linear(right).times(-1))
        for bound in {"<": (-1,), "<=": (0,), ">": (0,), ">=": (-1,)}.get(condition.op, (-1, 0)):
            yield from cut(difference, bound)
    else:
        yield from needs(condition)
        if left != right:
            yield Test(condition if condition.op not in {"==", "!="} else equals(*sorted((left, right), key=repr)))


def _none(expr: Expr) -> bool:
    return isinstance(expr, Literal) and expr.value is None


def cut(form: Linear, bound: int) -> Iterator[Atom]:
    """The atom `form <= bound`, in its one normal shape; nothing where it is known."""
    terms = sorted(form.terms.items(), key=lambda pair: repr(pair[0]))
    bound -= form.constant
    if not terms:
        return
    if terms[0][1] < 0:
        terms, bound = [(term, -factor) for term, factor in terms], -bound - 1
    common = gcd(*(factor for _, factor in terms))
    shaped = Cut(tuple((term, factor // common) for term, factor in terms), bound // common)
    type = terms[0][0].type
    if len(terms) == 1 and isinstance(type, IntType):
        below = type.low is not None and shaped.bound < type.low
        if below or (type.high is not None and shaped.bound >= type.high):
            return
    yield shaped


def before(atom: Atom, assign: Assign) -> Iterator[Atom]:
    """The atoms that tell, before an update, what the atom will answer after it."""
    if not any(isinstance(part, Ref) and part.name == assign.name for part in _terms(atom)):
        yield atom
        return
    value = bare(assign.value)

    def change(expr: Expr) -> Expr | None:
        return value if isinstance(expr, Ref) and expr.name == assign.name else None

    if isinstance(atom, Test):
        yield from atoms(replaced(atom.expr, change))
    else:
        yield from _cut_before([(replaced(term, change), factor) for term, factor in atom.form], atom.bound)


def _cut_before(pairs: Sequence[tuple[Expr, int]], bound: int) -> Iterator[Atom]:
    for index, (term, factor) in enumerate(pairs):
        split = cases(term)
        if split is not None:
            condition, *either = split
            yield from atoms(condition)
            for case in either:
                yield from _cut_before([*pairs[:index], (case, factor), *pairs[index + 1 :]], bound)
            return
    total = Linear({})
    for term, factor in pairs:
        yield from needs(term)
        total = total.plus(linear(term).times(factor))
    yield from cut(total, bound)


def exact(atom: Atom) -> Iterator[Atom]:
    """Instead of an atom that is more than one variable and a bound, where its variables have few values: those."""
    involved = any(isinstance(part, Binary) and part.op in "*/%" for part in _terms(atom))
    if isinstance(atom, Test) or not (involved or len(atom.form) > 1):
        yield atom
        return
    variables = dict.fromkeys(part for part in _terms(atom) if isinstance(part, Ref))
    sizes = [_values(ref) for ref in variables]
    if not sizes or prod(len(values) or FEW + 1 for values in sizes) > FEW:
        yield atom
        return
    for ref, values in zip(variables, sizes, strict=True):
        if isinstance(ref.type, OptionalType):
            yield Test(is_some(ref))
        for value in values[:-1]:
            yield Cut(((unwrapped(ref), 1),), value)


def _values(ref: Ref) -> range:
    """The values of a ranged int, or of a `T?` of one; empty: there are too many."""
    item = ref.type.item if isinstance(ref.type, OptionalType) else ref.type
    if isinstance(item, IntType) and item.low is not None and item.high is not None:
        return range(item.low, item.high + 1)
    return range(0)


def _terms(atom: Atom) -> Iterator[Expr]:
    for expr in (atom.expr,) if isinstance(atom, Test) else (term for term, _ in atom.form):
        yield from inside(expr)


# ---------------------------------------------------------------- the fixpoint


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
                yield from filter(_data_only, atoms(placed(condition, state)))

    def _through(self, place: Place) -> Iterator[Atom]:
        """The atoms that a place owes to what can happen in it."""
        kind, name = place
        if kind == "undo":
            yield from filter(_data_only, self._target(Goto(name), name, ()))
            return
        for command in self.kernel.commands:
            if command.leaf != name:
                continue
            found = dict.fromkeys(self._updates(command.updates, self._target(command.target, name, ())))
            guard = () if command.guard is None else atoms(bare(command.guard))
            yield from filter(_data_only, (*guard, *found))

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
            self._seen_before[key] = tuple(filter(_simple, found))
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


def _data_only(atom: Atom) -> bool:
    """Whether it depends on data, and on nothing else."""
    roots = (atom.expr,) if isinstance(atom, Test) else (term for term, _ in atom.form)
    return _simple(atom) and all(map(closed, roots))


def _simple(atom: Atom) -> bool:
    """Whether it depends on something, can be defined at all, and is not too involved."""
    parts = list(_terms(atom))
    if len(parts) > MOST_PARTS or sum(isinstance(part, Binary) and part.op in "*/%" for part in parts) > 2:
        return False
    return any(isinstance(p, Ref) for p in parts) and not any(isinstance(p, Unwrap) and _none(p.operand) for p in parts)
