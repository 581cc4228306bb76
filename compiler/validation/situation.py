"""The values that the functions of a module are called with: a kernel in, unknown or known ones out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import cast

from ...dsl.model import InstantType, ItemType, OptionalType, Parameter, Type, Value, Variable
from ..checks.solver import Term
from ..kernel import Kernel, ScopeKind
from .logic import Logic
from .things import Plain

Values = Mapping[str, Value]
"""By the names of `Situation.named`."""


@dataclass(frozen=True)
class Situation:
    """A call. inputs and data by their names in the flow; payload: what the trigger brings, or the arguments of the
    call that is undone; active: of each place, whether it is."""

    inputs: Mapping[str, Plain]
    data: Mapping[str, Plain]
    now: Plain
    payload: tuple[tuple[str, Plain], ...] = ()
    result: Plain | None = None
    active: Mapping[str, Term] = field(default_factory=dict[str, Term])

    def named(self) -> dict[str, Plain]:
        """Every value but for the places, as a person would call it."""
        found = {f"inputs.{name}": value for name, value in self.inputs.items()}
        found |= {f"data.{name}": value for name, value in self.data.items()}
        found |= dict(self.payload)
        found |= {} if self.result is None else {"result": self.result}
        return {**found, "now": self.now}


@dataclass(frozen=True)
class Signature:
    """What a function is called with beside inputs, data and the moment."""

    payload: tuple[tuple[str, Type], ...] = ()
    result: Type | None = None
    located: bool = False


def of(params: tuple[Parameter, ...]) -> tuple[tuple[str, Type], ...]:
    """Parameters by their names; of those called the same, each has one of its own."""
    found: dict[str, Type] = {}
    for param in params:
        name = param.name
        while name in found or name in {"now", "result"}:
            name += "'"
        found[name] = param.type
    return tuple(found.items())


def unknown(logic: Logic, kernel: Kernel, signature: Signature, others: Mapping[Signature, Situation]) -> Situation:
    """Any call there may be; `bounds` says of what values. others: situations whose inputs and data may be taken."""

    def made(name: str, type: Type) -> Plain:
        return Plain(type, logic.variable(name, type))

    active = {place: logic.z3.boolean(f"in {place}") for place in kernel.place if place} if signature.located else {}
    like = next(iter(others.values()), None)
    if like is None:
        return _situation(kernel, signature, made, active)
    payload = tuple((name, made(name, type)) for name, type in signature.payload)
    result = None if signature.result is None else made("result", signature.result)
    return replace(like, payload=payload, result=result, active=active)


def known(logic: Logic, kernel: Kernel, signature: Signature, values: Values, active: Mapping[str, bool]) -> Situation:
    """A call with these values, by the names of `Situation.named`."""
    return _situation(kernel, signature, lambda name, type: logic.plain(values[name], type), active)


def _situation(
    kernel: Kernel, signature: Signature, made: Callable[[str, Type], Plain], active: Mapping[str, Term]
) -> Situation:
    def variables(group: str, of: tuple[Variable, ...]) -> dict[str, Plain]:
        return {each.name: made(f"{group}.{each.name}", each.type) for each in of}

    return Situation(
        inputs=variables("inputs", kernel.inputs),
        data=variables("data", kernel.data),
        now=made("now", InstantType()),
        payload=tuple((name, made(name, type)) for name, type in signature.payload),
        result=None if signature.result is None else made("result", signature.result),
        active=active,
    )


def bounds(logic: Logic, kernel: Kernel, situation: Situation) -> list[Term]:
    """That every value is one of its type, and the active places are a configuration."""
    values = (*situation.named().values(), *logic.items.values())
    terms = [logic.domain(plain.symbol, plain.type, grown=True) for plain in values]
    return [*terms, *_configured(logic, kernel, situation.active)] if situation.active else terms


def _configured(logic: Logic, kernel: Kernel, active: Mapping[str, Term]) -> list[Term]:
    """One place at the top; of a scope that is active, one place in it, or every region; of another, none."""
    terms: list[Term] = []
    for scope in kernel.scopes:
        inner = [active[name] for name in kernel.inside[scope.name]]
        here: Term = True if scope.kind is ScopeKind.FLOW else active[scope.name]
        whole = logic.all(*inner) if scope.kind is ScopeKind.PARALLEL else _one(logic, inner)
        terms += [logic.given(here, whole), logic.any(here, logic.no(logic.any(*inner)))]
    return terms


def _one(logic: Logic, terms: list[Term]) -> Term:
    """Exactly one."""
    pairs = [logic.no(logic.all(one, other)) for index, one in enumerate(terms) for other in terms[index + 1 :]]
    return logic.all(logic.any(*terms), *pairs)


def optional(type: Type) -> Type:
    """The type with `none` in it."""
    return type if isinstance(type, OptionalType) else OptionalType(cast("ItemType", type))
