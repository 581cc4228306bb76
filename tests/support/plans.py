"""What is done to flows from outside: specs in; each flow's covering runs out, said so that any host can be driven by
them: what people do and when, and how each call answers, by its key.

A plan is what was meant to happen. A host that crashes may come to lose an attempt, and so take another way; what is
asked for then and stands in no plan is made up here.
"""

from __future__ import annotations

import importlib
import random
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import repository
import twins
from penstock.compiler import pipeline
from penstock.compiler.codegen import names
from penstock.compiler.kernel import Kernel
from penstock.compiler.testing.acts import Kind
from penstock.compiler.testing.cover import Example, cover
from penstock.compiler.testing.play import Played
from penstock.compiler.testing.vivid import telling
from penstock.dsl.model import Parameter, Type
from penstock.runtime.core import NOBODY, Actor, Outcome
from penstock.runtime.journal import AnyFlow, label
from penstock.runtime.spec import ActivitySpec

SPECS = sorted((repository.ROOT / "specs").rglob("*.flow"))


@dataclass(frozen=True, slots=True)
class Move:
    """What happens next, so long after the start: a call answers, a timer fires, or somebody sends an event or does
    a task (any other trigger)."""

    after: timedelta
    trigger: object
    by: Actor = NOBODY


@dataclass(frozen=True, slots=True)
class Plan:
    """A run. answers: how each call ends, by its key."""

    name: str
    flow: type[AnyFlow]
    inputs: object
    by: Actor
    moves: tuple[Move, ...] = ()
    answers: Mapping[str, Outcome] = field(default_factory=dict[str, Outcome])


@dataclass(frozen=True)
class Subject:
    """A flow of the specs."""

    spec: Path
    kernel: Kernel
    flow: type[AnyFlow]

    @cached_property
    def plans(self) -> tuple[Plan, ...]:
        """Its covering runs."""
        cover = covers(self.spec)[self.kernel.name]
        found = (_plan(self.kernel, self.flow, f"{self.kernel.name}-{n}", e.played) for n, e in enumerate(cover))
        return tuple(plan for plan in found if plan is not None)


@cache
def subjects_of(spec: Path) -> tuple[Subject, ...]:
    """The flows of a spec."""
    return tuple(_subject(spec, kernel) for kernel in pipeline.read(spec).kernels)


def _subject(spec: Path, kernel: Kernel) -> Subject:
    flow: type[AnyFlow] = getattr(importlib.import_module(names.module(kernel)), names.Names(kernel).flow)
    return Subject(spec, kernel, flow)


@cache
def covers(spec: Path) -> Mapping[str, Sequence[Example]]:
    """The covering runs of the flows of a spec, by name."""
    found = pipeline.Explorations()
    file = pipeline.check(pipeline.read(spec), audit=found.audit)
    return {kernel.name: cover(found.inquiries[kernel.name]).examples for kernel in file.kernels}


def _plan(kernel: Kernel, flow: type[AnyFlow], name: str, played: Sequence[Played]) -> Plan | None:
    """None for a start that is refused."""
    first, translated = played[0], twins.Twins(kernel, flow).translated
    if first.act is None or first.step is None:
        return None
    moves = [
        Move(each.now - first.now, _normal(flow, translated(each.trigger)), Actor(each.actor.id, each.actor.roles))
        for each in played[1:]
        if each.trigger is not None and (each.act is None or each.act.kind is not Kind.LOST)
    ]
    answers = {move.trigger.key: move.trigger for move in moves if isinstance(move.trigger, Outcome)}
    given = flow.spec.inputs.check(twins.made(flow.spec.inputs, first.act.values))
    by = Actor(first.act.actor.id, first.act.actor.roles)
    return Plan(name, flow, given, by, tuple(moves), answers)


def _normal(flow: type[AnyFlow], trigger: object) -> Any:
    """The trigger with members of enumerations where the interpreter has their names."""
    return flow.spec.trigger_from_json(flow.spec.trigger_to_json(trigger))


# ---------------------------------------------------------------- flows that are run together


@cache
def everything() -> Mapping[str, Subject]:
    """All flows of the specs, by label."""
    return {label(each.flow): each for path in SPECS for each in subjects_of(path)}


def household(flow: type[AnyFlow]) -> tuple[type[AnyFlow], ...]:
    """The flow and those it does."""
    inner = {activity.flow for activity in flow.spec.activities.values() if activity.flow}
    children = [each.flow for each in everything().values() if each.flow.spec.name in inner]
    return (flow, *(one for child in children for one in household(child)))


# ---------------------------------------------------------------- what no plan says


def invented(dice: random.Random, codec: Any, type: Type, name: str) -> object:
    """Some value of a type, for generated code."""
    found = list(telling(name, type, dice.randrange(1, 9)))
    return codec.check(twins.made(codec, dice.choice(found) if found else None))


def result(dice: random.Random, kernel: Kernel, spec: ActivitySpec, args: tuple[object, ...]) -> object:
    """What an activity may well answer, as its contract wants it, if that can be guessed."""
    type = kernel.activity[spec.name].result
    if type is None:
        return None
    value = None
    for _ in range(20):
        value = invented(dice, spec.result, type, spec.name)
        if spec.ensures is None or spec.ensures(value, *args):
            break
    return value


def event(dice: random.Random, kernel: Kernel, flow: type[AnyFlow], name: str) -> object:
    """An event or the completion of a task, with some payload."""
    spec = flow.spec.events[name]
    params: Sequence[Parameter] = kernel.task[name].form if spec.task else kernel.event[name].params
    return _built(spec.record, _filled(dice, spec.record.fields, [(each.name, each.type) for each in params]))


def inputs(dice: random.Random, kernel: Kernel, flow: type[AnyFlow]) -> object:
    """What an instance may be started with."""
    spec = flow.spec.inputs
    return _built(spec, _filled(dice, spec.fields, [(each.name, each.type) for each in kernel.inputs]))


def given(flow: type[AnyFlow], *values: object) -> object:
    """Inputs of these values."""
    return _built(flow.spec.inputs, values)


def _built(record: Any, values: Iterable[object]) -> object:
    return record.type(*values)


def _filled(
    dice: random.Random, fields: Sequence[tuple[str, Any]], params: Sequence[tuple[str, Type]]
) -> Iterator[object]:
    for (_, codec), (name, type) in zip(fields, params, strict=True):
        yield invented(dice, codec, type, name)


def everybody(flow: type[AnyFlow], id: str = "everybody") -> Actor:
    """Somebody who has all the roles of a flow."""
    events = flow.spec.events.values()
    return Actor(id, frozenset(role for event in events for role in event.roles))
