"""A kernel and that of a mutant in; whether they provably do the same out. *No* only means that it was not proved.

Three arguments, each sound by itself:

-   The kernels differ in nothing but their places in the text, in the order of two neighbouring assignments neither of
    which reads or writes what the other writes, or in a range of data or of an activity's parameter that is wider: in a
    sound flow every value lies within the narrower one (F401), so the wider one is never asked.
-   They differ in expressions alone: guards, values, moments (no guard is `true`; no update is `x = x`). The question
    whether the old and the new one ever differ is put to the checks as a division: each old expression becomes one that
    divides by zero where the new one has another value. If F403 is proved of that flow, and so is that nothing in it is
    undefined (F401, F402), then in every reachable configuration both are the same wherever they are evaluated.
-   They differ in how far compensations go (`undone`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass, replace
from typing import TypeVar, cast, get_args

from ...dsl.model import (
    Activity,
    Assign,
    Binary,
    BoolType,
    Conditional,
    Expr,
    IntType,
    Literal,
    Parameter,
    Ref,
    RefKind,
    Scenario,
    Type,
    Update,
    Variable,
)
from ...dsl.source import NOWHERE, Source, Span
from ...dsl.walk import nodes
from ..checks import division, ranges, unset
from ..checks.explore import Explorer, Limits
from ..checks.inquiry import Inquiry
from ..checks.verdict import Verdict
from ..kernel import Command, Kernel

EXPRESSIONS = cast("tuple[type, ...]", get_args(Expr))
TRUE = Literal(True, BoolType(), NOWHERE)
Whole = TypeVar("Whole")


@dataclass(frozen=True, slots=True)
class Differences:
    """Pairs of an expression and what it became. `only`: there is no other difference."""

    pairs: tuple[tuple[Expr, Expr], ...]
    only: bool


class _Otherwise(Exception):
    """There is a difference that is not one of expressions."""


def equal(kernel: Kernel, mutant: Kernel, limits: Limits) -> bool:
    """Whether the first two arguments prove it. The kernel is sound."""
    found = differences(kernel, mutant)
    if not found.only:
        return False
    if not found.pairs:
        return True
    if any(not _perhaps_equal(old, new) for old, new in found.pairs):
        return False
    instrumented = replace(kernel, properties=(), scenarios=())
    swaps = {id(old): _compared(old, new) for old, new in found.pairs}
    inquiry = Inquiry(Explorer(_swapped(instrumented, swaps), limits))
    asked = [*unset.check(inquiry), *division.check(inquiry), *ranges.check(inquiry)]
    return inquiry.graph.complete and all(answer.verdict is Verdict.PROVED for answer in asked)


def _compared(old: Expr, new: Expr) -> Expr:
    """The old expression, undefined where the new one differs."""
    span, number = old.span, IntType()
    one, zero = Literal(1, number, span), Literal(0, number, span)
    same = Binary("==", old, new, BoolType(), span)
    divided = Binary("/", one, Conditional(same, one, zero, number, span), number, span)
    return Conditional(Binary("==", divided, one, BoolType(), span), old, old, old.type, span)


def _perhaps_equal(old: Expr, new: Expr) -> bool:
    """Whether it is worth asking: their types are the same, and they are no two constants."""
    if isinstance(old, Literal) and isinstance(new, Literal):
        return False
    return old.type == new.type or (isinstance(old.type, IntType) and isinstance(new.type, IntType))


# ---------------------------------------------------------------- what differs


def differences(kernel: Kernel, mutant: Kernel) -> Differences:
    try:
        return Differences(tuple(_differ(kernel, mutant, kernel)), True)
    except _Otherwise:
        return Differences((), False)


def _differ(old: object, new: object, kernel: Kernel) -> Iterator[tuple[Expr, Expr]]:
    """Raises _Otherwise."""
    if isinstance(old, EXPRESSIONS) and isinstance(new, EXPRESSIONS):
        if not alike(old, new):
            yield cast("Expr", old), cast("Expr", new)
    elif (olds := _parts(old)) is not None and (news := _parts(new)) is not None:
        if len(olds) != len(news):
            raise _Otherwise
        for one, other in zip(olds, news, strict=True):
            yield from _differ(one, other, kernel)
    elif old.__class__ is not new.__class__:
        raise _Otherwise
    elif isinstance(old, Span | Source | Scenario):
        return
    elif isinstance(old, Variable) and isinstance(new, Variable) and _wider(old, new, kernel):
        yield from _differ(old.initial, new.initial, kernel)
    elif is_dataclass(old) and not isinstance(old, type):
        yield from _fields(old, new, [field.name for field in fields(old)], kernel)
    elif old != new:
        raise _Otherwise


APART = {"properties", "schedules", "ensures", "effect", "each", "title", "person"}
"""What is not asked in every step that evaluates it, so that expressions in it may not differ."""


def _fields(old: object, new: object, names: Iterable[str], kernel: Kernel) -> Iterator[tuple[Expr, Expr]]:
    for name in names:
        one, other = getattr(old, name), getattr(new, name)
        if name in APART:
            if any(True for _ in _differ(one, other, kernel)):
                raise _Otherwise
        elif name == "params" and isinstance(old, Activity) and _wider_params(one, other):
            continue
        elif name == "updates":
            yield from _updates(one, other, kernel)
        elif name == "guard" and isinstance(old, Command):
            yield from _guards(old, cast("Command", new), kernel)
        else:
            yield from _differ(one, other, kernel)


def _guards(old: Command, new: Command, kernel: Kernel) -> Iterator[tuple[Expr, Expr]]:
    if old.guard is not None and new.guard is None and not new.otherwise:
        yield old.guard, TRUE
    else:
        yield from _differ(old.guard, new.guard, kernel)


def _updates(old: tuple[Update, ...], new: tuple[Update, ...], kernel: Kernel) -> Iterator[tuple[Expr, Expr]]:
    for index, update in enumerate(old):
        rest = (*old[:index], *old[index + 1 :])
        if isinstance(update, Assign) and len(new) == len(rest) and alike(rest, new):
            variable = kernel.variable[update.name]
            yield update.value, Ref(RefKind.DATA, update.name, variable.type, update.span)
            return
        if index and alike((*old[: index - 1], update, old[index - 1], *old[index + 1 :]), new):
            if _independent(old[index - 1], update):
                return
            raise _Otherwise
    yield from _differ(old, new, kernel)


def _independent(first: Update, second: Update) -> bool:
    if not isinstance(first, Assign) or not isinstance(second, Assign) or first.name == second.name:
        return False
    read = [{node.name for node in nodes(each.value) if isinstance(node, Ref)} for each in (first, second)]
    return first.name not in read[1] and second.name not in read[0]


def _wider(old: Variable, new: Variable, kernel: Kernel) -> bool:
    """Whether data of the flow have a wider range, or the same."""
    if all(old is not variable for variable in kernel.data) or old.name != new.name:
        return False
    return _wider_type(old.type, new.type)


def _wider_params(old: tuple[Parameter, ...], new: tuple[Parameter, ...]) -> bool:
    """Whether an activity may be given all that it might, and perhaps more."""
    same = [each.name for each in old] == [each.name for each in new]
    return same and all(
        one.type == other.type or _wider_type(one.type, other.type) for one, other in zip(old, new, strict=True)
    )


def _wider_type(one: Type, other: Type) -> bool:
    if not isinstance(one, IntType) or not isinstance(other, IntType):
        return False
    low = other.low is None or (one.low is not None and other.low <= one.low)
    return low and (other.high is None or (one.high is not None and one.high <= other.high))


def alike(old: object, new: object) -> bool:
    """Whether two parts are the same but for their places and the ranges of integers in their expressions."""
    if isinstance(old, Span) or (isinstance(old, IntType) and isinstance(new, IntType)):
        return True
    if old.__class__ is not new.__class__:
        return False
    if (olds := _parts(old)) is not None and (news := _parts(new)) is not None:
        return len(olds) == len(news) and all(map(alike, olds, news))
    if is_dataclass(old) and not isinstance(old, type):
        return all(alike(getattr(old, field.name), getattr(new, field.name)) for field in fields(old))
    return old == new


def _parts(value: object) -> tuple[object, ...] | None:
    """The parts of a tuple."""
    return cast("tuple[object, ...]", value) if isinstance(value, tuple) else None


# ---------------------------------------------------------------- putting the question


def _swapped(whole: Whole, swaps: Mapping[int, Expr]) -> Whole:
    """The value with some expressions, known by what they are and not by what they say, replaced."""
    if id(whole) in swaps:
        return cast("Whole", swaps[id(whole)])
    if (parts := _parts(whole)) is not None:
        made = tuple(_swapped(part, swaps) for part in parts)
        same = all(one is other for one, other in zip(made, parts, strict=True))
        return cast("Whole", parts if same else made)
    if not is_dataclass(whole) or isinstance(whole, Span | Source | type):
        return whole
    changed: dict[str, object] = {}
    for field in fields(whole):
        part = getattr(whole, field.name)
        made_part = _swapped(part, swaps)
        if made_part is not part:
            changed[field.name] = made_part
    return replace(whole, **changed) if changed else whole
