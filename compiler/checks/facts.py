"""Facts: conditions that hold, with where the text says so. Written guards, types and contracts in, facts out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from enum import IntEnum

from ...dsl.model import (
    Activity,
    Assign,
    Binary,
    BoolType,
    Builtin,
    EnumType,
    Expr,
    Field,
    IntType,
    ListType,
    Literal,
    Now,
    OneOf,
    OptionalType,
    Parameter,
    RecordType,
    Ref,
    RefKind,
    Type,
    Unwrap,
)
from ...dsl.source import NOWHERE, Span
from ...dsl.values import dataclass, replace
from ..kernel import Choice, Command, Kernel, ScopeKind, Stay
from ..trace import source
from .encode import Encoder, Env
from .prose import denied, said
from .rewrite import bare, inside, is_some, parts, replaced, unwrapped
from .solver import Term

Put = Mapping[tuple[bool, str], Expr]
"""What variables (False) and parameters (True) are made of, by name."""


class Origin(IntEnum):
    """Where a fact comes from; what is preferred to explain something comes first."""

    ASKED = 0  # by what is explained
    LEFT = 1  # what other guards leave to it
    FITS = 2  # a value that is assigned has to be of its type
    TYPE = 3
    CONTRACT = 4  # an `ensures`
    STEP = 5  # asked before, in the same step
    WAY = 6  # asked on every way to where it rests
    SET = 7  # assigned on every way there
    FIRST = 8  # the first value
    KNOWN = 9  # of every instance that rests there


@dataclass(frozen=True, slots=True)
class Fact:
    """`expr`, in terms of the data and the payload before the step, is (not) true. span: where it is written, or
    NOWHERE. text: as it is written, or would be. since: the updates of the step that come before it, as written."""

    origin: Origin
    expr: Expr
    truth: bool
    span: Span
    text: str
    since: tuple[str, ...] = ()

    def term(self, encoder: Encoder, env: Env) -> Term:
        """What is known of all instances is also known where it is not defined; all else was evaluated."""
        symbol, needs = encoder.expression(self.expr, env)
        defined = encoder.all(*(need.term for need in needs))
        if self.truth:
            return encoder.all(defined, symbol.term)
        if self.origin is Origin.KNOWN:
            return encoder.no(encoder.all(defined, symbol.term))
        return encoder.all(defined, encoder.no(symbol.term))

    def put(self, change: Put) -> Fact:
        """The same, in terms of what variables and parameters are made of."""
        return replace(self, expr=substituted(self.expr, change))


def substituted(expr: Expr, change: Put) -> Expr:
    def new(part: Expr) -> Expr | None:
        return change.get((part.kind is RefKind.PARAM, part.name)) if isinstance(part, Ref) else None

    return replaced(expr, new)


def refs(expr: Expr) -> Iterator[Ref]:
    return (part for part in inside(expr) if isinstance(part, Ref))


# ---------------------------------------------------------------- what is written


def asked(kernel: Kernel, guard: Expr, truth: bool, origin: Origin, span: Span | None = None) -> Iterator[Fact]:
    """A guard that is (not) true; span: where it is said, if not where the guard is written."""
    for part, holds in parts(guard, truth):
        text = source(kernel, part) if holds else denied(part)
        yield Fact(origin, bare(part), holds, part.span if span is None else span, text)


def typed(expr: Expr, type: Type) -> Iterator[Expr]:
    """What is true of an expression because it is of a type: its bounds, one by one."""
    match type:
        case OptionalType(item=item):
            for fact in typed(unwrapped(expr), item):
                yield Binary("implies", is_some(expr), fact, BoolType(), NOWHERE)
        case IntType(low=low, high=high):
            for op, bound in ((">=", low), ("<=", high)):
                if bound is not None:
                    yield Binary(op, expr, Literal(bound, IntType(), NOWHERE), BoolType(), NOWHERE)
        case EnumType(members=members):
            yield OneOf(expr, tuple(Literal(member, type, NOWHERE) for member in members), NOWHERE)
        case RecordType(fields=fields):
            for field in fields:
                yield from typed(Field(expr, field.name, field.type, NOWHERE), field.type)
        case ListType(most=most):
            length = Builtin("len", (expr,), IntType(0, None), NOWHERE)
            for op, bound in ((">=", 0), ("<=", most)):
                yield Binary(op, length, Literal(bound, IntType(), NOWHERE), BoolType(), NOWHERE)
        case _:
            return


def of_type(expr: Expr, type: Type, span: Span, origin: Origin = Origin.TYPE) -> Iterator[Fact]:
    for fact in typed(expr, type):
        shown = fact.right if isinstance(fact, Binary) and fact.op == "implies" else fact
        yield Fact(origin, fact, True, span, said(shown))


def fitting(value: Expr, type: Type, span: Span) -> Iterator[Fact]:
    """What a value owes that is assigned: that it can be read, and is within its type."""
    for part in inside(value):
        if isinstance(part, Unwrap):
            yield Fact(Origin.FITS, is_some(part.operand), True, span, f"{said(part.operand)} is some")
    item = type.item if isinstance(type, OptionalType) else type
    if isinstance(item, IntType | ListType):
        yield from of_type(value, type, span, Origin.FITS)


# ---------------------------------------------------------------- guards beside each other


def guarded(kernel: Kernel, command: Command, origin: Origin, name: Mapping[int, Put]) -> Iterator[Fact]:
    """What must be true for a command to be taken: its guard, or for an `else` that those beside it are not. name: how
    the parameters of each command of this trigger are called."""
    beside = () if command.on is None else kernel.answering[command.scope, command.on]
    if command.guard is not None:
        for fact in asked(kernel, command.guard, True, origin):
            yield fact.put(name[command.id])
    for other in beside:
        earlier = other.id < command.id and origin is Origin.ASKED
        if other.guard is not None and (command.otherwise or (earlier and not command.otherwise)):
            left = Origin.LEFT if origin is Origin.ASKED else origin
            for fact in asked(kernel, other.guard, False, left, other.span):
                yield fact.put(name[other.id])


def branched(kernel: Kernel, choice: Choice, index: int, origin: Origin) -> Iterator[Fact]:
    """What must be true for a branch to be taken: its guard, and that those tried before it are not."""
    branch = choice.branches[index]
    if branch.guard is not None:
        yield from asked(kernel, branch.guard, True, origin)
    left = Origin.LEFT if origin is Origin.ASKED else origin
    for number, other in enumerate(choice.branches):
        if other.guard is not None and (branch.guard is None or number < index):
            yield from asked(kernel, other.guard, False, left, other.span)


def called(commands: Sequence[Command]) -> tuple[tuple[Parameter, ...], dict[int, Put]]:
    """The payload of a trigger under one name for each place, and how each command's own names read so."""
    width = max((len(command.params) for command in commands), default=0)
    params: list[Parameter] = []
    for place in range(width):
        bound = [command.params[place] for command in commands if place < len(command.params)]
        named = next((param for param in bound if param.name != "_"), bound[0])
        taken = {param.name for param in params}
        name = named.name if named.name != "_" and named.name not in taken else f"{named.name}{place}"
        params.append(replace(named, name=name))
    return tuple(params), {
        command.id: {(True, own.name): reference(param) for own, param in zip(command.params, params, strict=False)}
        for command in commands
    }


def reference(param: Parameter) -> Ref:
    return Ref(RefKind.PARAM, param.name, param.type, NOWHERE)


def promised(kernel: Kernel, command: Command, params: Sequence[Parameter], changed: frozenset[str]) -> Iterator[Fact]:
    """What the contract of a call says of its result. Arguments that may have changed since stay unknown."""
    leaf = kernel.leaf.get(command.scope)
    if leaf is None or leaf.call is None or leaf.call.each is not None or len(params) != 1:
        return
    activity: Activity = kernel.activity[leaf.call.activity]
    result = reference(params[0])
    args = dict(zip((param.name for param in activity.params), leaf.call.args, strict=True))
    fixed = {n: bare(a) for n, a in args.items() if not _moves(a, changed)}
    unknown = {
        n: Ref(RefKind.PARAM, f"{activity.name}.{n}", a.type, NOWHERE) for n, a in args.items() if n not in fixed
    }

    def new(part: Expr) -> Expr | None:
        if isinstance(part, Ref):
            return result if part.kind is RefKind.RESULT else {**fixed, **unknown}.get(part.name)
        return None

    given = {(True, name): arg for name, arg in {**fixed, **unknown}.items()}
    for ensure in activity.ensures:
        for part, holds in parts(ensure, True):
            told = substituted(part, given)
            text = said(told) if holds else denied(told)
            yield Fact(Origin.CONTRACT, replaced(part, new), holds, part.span, text)


def _moves(arg: Expr, changed: frozenset[str]) -> bool:
    return any(isinstance(p, Now) or (isinstance(p, Ref) and p.name in changed) for p in inside(arg))


def changing(kernel: Kernel) -> frozenset[str]:
    """The data that may change while a call runs, at most: what is assigned by something that stays, or beside it."""
    beside = any(scope.kind is ScopeKind.PARALLEL for scope in kernel.scopes)
    kept = (command for command in kernel.commands if isinstance(command.target, Stay))
    updates = kernel.updates() if beside else (update for command in kept for update in command.updates)
    return frozenset(update.name for update in updates if isinstance(update, Assign))
