"""What may be handed to an instance next: a Kernel and an Instance in; sensible, stale and wrong triggers out.

Shared by whatever drives an implementation with random triggers. The order is fixed, so an index names a trigger.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import cycle, islice

from penstock.compiler.instance import NOBODY, Actor, Completion, Delegation, Event, Fired, Instance, Outcome, Trigger
from penstock.compiler.kernel import DONE, Kernel
from penstock.dsl.model import (
    BoolType,
    DecimalType,
    DurationType,
    EnumType,
    InstantType,
    IntType,
    ListType,
    OptionalType,
    Parameter,
    RecordType,
    TextType,
    Type,
    Value,
    Variable,
)

Move = tuple[Trigger, Actor]


def samples(type: Type) -> list[Value]:
    """A few values of a type, and last one that is none of it."""
    match type:
        case BoolType():
            return [True, False, None]
        case IntType():
            low = 0 if type.low is None else type.low
            high = low + 7 if type.high is None else type.high
            return [low, high, (low + high) // 2, "wrong"]
        case DecimalType():
            unit = Decimal(1).scaleb(-type.places)
            return [Decimal(0), 2000 * unit, Decimal(2000), unit / 10]
        case TextType():
            return ["a", "", "b", None]
        case EnumType():
            return [*type.members, "wrong"]
        case DurationType():
            return [timedelta(0), timedelta(hours=1), "wrong"]
        case InstantType():
            return [datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 2, tzinfo=UTC), "wrong"]
        case RecordType():
            *rows, wrong = zip(*(_cycled(samples(each.type)) for each in type.fields), strict=True)
            return [*dict.fromkeys(rows), wrong]
        case ListType():
            good = samples(type.item)[:-1]
            return [(), (good[0],), (good[-1], good[0]), tuple(good[:1] * type.most), tuple(good[:1] * (type.most + 1))]
        case OptionalType():
            return [None, *samples(type.item)[:-1], samples(type.item)[-1] or Decimal("0.5")]
        case _:
            return [None]


def _cycled(values: list[Value]) -> list[Value]:
    """Seven of the good ones, over and over, then the wrong one."""
    return [*islice(cycle(values[:-1]), 7), values[-1]]


def payloads(fields: Sequence[Parameter | Variable]) -> Iterator[tuple[Value, ...]]:
    """For each sample of the first field a payload, the others varied with it; a wrong one last; one too short."""
    choices = [samples(field.type) for field in fields]
    for row in range(max(map(len, choices), default=1)):
        yield tuple(choice[min(row, len(choice) - 1)] if row else choice[0] for choice in choices)
    if fields:
        yield ()


def inputs(kernel: Kernel) -> list[tuple[Value, ...]]:
    return list(payloads(kernel.inputs))


def actors(kernel: Kernel) -> list[Actor]:
    return [
        *(Actor(f"the {role}", frozenset({role})) for role in kernel.roles),
        Actor("all", frozenset(kernel.roles)),
        NOBODY,
    ]


def moves(kernel: Kernel, at: Instance) -> list[Move]:
    """Every kind of trigger, most of them of use: by a sender of each role, with sample payloads, with live and dead
    keys."""
    found: list[Move] = [(outcome, NOBODY) for outcome in _outcomes(kernel, at)]
    senders = actors(kernel)
    for event in kernel.events:
        found += [(Event(event.name, payload), sender) for payload in payloads(event.params) for sender in senders]
    for item in at.tasks:
        form = kernel.task[item.task].form
        able = [*senders, *(Actor(person) for person in item.persons)]
        found += [(Completion(item.task, payload), sender) for payload in payloads(form) for sender in able]
        found += [(Delegation(item.task, to), sender) for to in ("ann", "all", "") for sender in able]
    found += [(trigger, senders[0]) for task in kernel.task for trigger in (Completion(task), Delegation(task, "ann"))]
    found += [(Fired(armed.timer), NOBODY) for armed in at.timers]
    found += [(Fired(timer.id), NOBODY) for timer in kernel.timers()]
    return found


def _outcomes(kernel: Kernel, at: Instance) -> Iterator[Outcome]:
    if at.undoing is not None and at.undoing.running is not None:
        yield Outcome(at.undoing.running, DONE)
    live = {call.key: call.activity for call in at.calls} | {e.key: e.activity for e in at.log if e.in_flight}
    for key, name in live.items():
        activity = kernel.activity[name]
        for value in [None] if activity.result is None else samples(activity.result):
            yield Outcome(key, DONE, value)
        for kind in (*kernel.outcomes(activity)[1:], "interrupted"):
            yield Outcome(key, kind)
    for activity in kernel.activities:
        yield Outcome(f"{activity.name}#{at.counter + 1}", DONE)
        yield Outcome(f"{activity.name}#1/undo", DONE)
