"""The smallest questions about data: a condition in, its **atoms** out; and what an atom asks before an update.

Numeric atoms are cuts of a linear form, `total - limit <= 0`; the rest are equalities, booleans and *is it some*.
An atom that is more than one variable and a bound is split into values, where its variables have few.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from functools import cached_property, lru_cache
from math import gcd, prod

from ...dsl.model import (
    Assign,
    Binary,
    BoolType,
    Expr,
    IntType,
    IsNone,
    Literal,
    OneOf,
    OptionalType,
    Ref,
    Unary,
    Unwrap,
    Value,
)
from ...dsl.source import NOWHERE
from ...dsl.values import dataclass
from ..evaluate import Fault, Scope, evaluate
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
    numeric,
    replaced,
    unwrapped,
)
from .solver import Term

MOST_PARTS = 24  # of one atom
FEW = 32  # combinations of values that are told apart one by one

Place = tuple[str, tuple[str, ...]]
"""("at", configuration), or ("undo", (node,)) while a compensation is under way that leads to the node."""


class _Asked:
    """What all atoms have: they are put into sets again and again, so each computes its hash, and its parts, once."""

    @cached_property
    def hashed(self) -> int:
        return hash(self.roots)

    @property
    def roots(self) -> tuple[Expr, ...]:
        """What is asked about."""
        raise NotImplementedError

    @cached_property
    def parts(self) -> tuple[Expr, ...]:
        """Everything in what is asked about."""
        return tuple(part for root in self.roots for part in inside(root))


@dataclass(frozen=True)
class Cut(_Asked):
    """Whether the sum of terms, each times its factor, in scaled integers, is at most `bound`."""

    form: tuple[tuple[Expr, int], ...]
    bound: int

    @property
    def roots(self) -> tuple[Expr, ...]:
        return tuple(term for term, _ in self.form)

    def __hash__(self) -> int:
        return self.hashed + self.bound


@dataclass(frozen=True)
class Test(_Asked):
    """A boolean expression with no smaller one inside."""

    expr: Expr

    @property
    def roots(self) -> tuple[Expr, ...]:
        return (self.expr,)

    def __hash__(self) -> int:
        return self.hashed


Atom = Cut | Test

KEPT = 1 << 14
"""Of so many atoms it is remembered what they come to: the same ones are asked about on every way through a flow."""


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
        if not (none(left) or none(right)):
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


def none(expr: Expr) -> bool:
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
    if not any(isinstance(part, Ref) and part.name == assign.name for part in atom.parts):
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


@lru_cache(KEPT)
def exact(atom: Atom) -> tuple[Atom, ...]:
    """Instead of an atom that is more than one variable and a bound, where its variables have few values: those."""
    involved = any(isinstance(part, Binary) and part.op in "*/%" for part in atom.parts)
    if isinstance(atom, Test) or not (involved or len(atom.form) > 1):
        return (atom,)
    variables = dict.fromkeys(part for part in atom.parts if isinstance(part, Ref))
    sizes = [_values(ref) for ref in variables]
    if not sizes or prod(len(values) or FEW + 1 for values in sizes) > FEW:
        return (atom,)
    found: list[Atom] = []
    for ref, values in zip(variables, sizes, strict=True):
        if isinstance(ref.type, OptionalType):
            found.append(Test(is_some(ref)))
        found += [Cut(((unwrapped(ref), 1),), value) for value in values[:-1]]
    return tuple(found)


def _values(ref: Ref) -> range:
    """The values of a ranged int, or of a `T?` of one; empty: there are too many."""
    item = ref.type.item if isinstance(ref.type, OptionalType) else ref.type
    if isinstance(item, IntType) and item.low is not None and item.high is not None and item.high - item.low < FEW:
        return range(item.low, item.high + 1)
    return range(0)


@lru_cache(KEPT)
def data_only(atom: Atom) -> bool:
    """Whether it depends on data, and on nothing else."""
    return simple(atom) and all(map(closed, atom.roots))


@lru_cache(KEPT)
def simple(atom: Atom) -> bool:
    """Whether it depends on something, can be defined at all, and is not too involved."""
    parts = atom.parts
    if len(parts) > MOST_PARTS or sum(isinstance(part, Binary) and part.op in "*/%" for part in parts) > 2:
        return False
    return any(isinstance(p, Ref) for p in parts) and not any(isinstance(p, Unwrap) and none(p.operand) for p in parts)
