"""Runs told to a person: a trigger and the step it made in; one TraceStep, in the words of the text, out."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime, timedelta

from ..dsl.diagnostics import Lane, TraceStep
from ..dsl.model import (
    Compensation,
    DurationType,
    Expr,
    Literal,
    OptionalType,
    Parameter,
    RecordType,
    TextType,
    Type,
    Value,
    Variable,
)
from .effects import EmitEvent, SendEvent
from .evaluate import parted, shown
from .instance import Actor, Completion, Delegation, Event, Instance, Outcome, Step, Trigger, Withdraw
from .kernel import DONE, Kernel, Timer
from .lanes import rest, signals


def told(
    kernel: Kernel,
    trigger: str,
    before: Instance | None,
    step: Step,
    waited: timedelta = timedelta(0),
    by: Lane | None = None,
) -> TraceStep:
    """One step of a run. Its line is that of the last written transition it took; its changes are those of data.

    waited: the time since the step before it; by: whose step it is, for pictures."""
    spans = [kernel.commands[taken.command].span for taken in step.taken if taken.command is not None]
    return TraceStep(
        trigger=trigger,
        place=place(step.after),
        changes=() if before is None else changes(kernel, before, step.after),
        span=spans[-1] if spans else None,
        at=f"+{shown(waited, DurationType())}" if waited else "",
        by=by,
        flow=kernel.name,
        sent=tuple(signals(kernel, step.effects)),
        rest=rest(kernel, step.after),
    )


def place(instance: Instance) -> str:
    """Where it is. Of several leaves, what is around all of them is left out: `Legal.Waiting + Finance.Paid`."""
    parts = [leaf.split(".") for leaf in instance.configuration]
    shared = 0
    while len(parts) > 1 and len({part[shared] for part in parts}) == 1:
        shared += 1
    return " + ".join(".".join(part[shared:]) for part in parts) or (
        "compensating" if instance.compensating else "withdrawn"
    )


def changes(kernel: Kernel, before: Instance, after: Instance) -> tuple[str, ...]:
    """`payment = "p"` for each data variable that has another value now."""
    rows = zip(kernel.variable.values(), before.values, after.values, strict=True)
    return tuple(f"{variable.name} = {written(new, variable.type)}" for variable, old, new in rows if new != old)


# ---------------------------------------------------------------- triggers


def started(kernel: Kernel, inputs: Sequence[Value], actor: Actor) -> str:
    """`start(sku: "A1", qty: 2)`, with `by customer "ann"` where somebody in particular did it."""
    return f"start{_by(actor)}{_fields(inputs, kernel.inputs)}"


def triggered(kernel: Kernel, trigger: Trigger, actor: Actor) -> str:
    """A trigger as a scenario writes it: `charge_card done("p")`, `refund done`, `cancel by customer`, `after 72h`."""
    match trigger:
        case Outcome():
            return _answered(kernel, trigger)
        case Event(name, payload):
            return f"{name}{_by(actor)}{_fields(payload, kernel.event[name].params)}"
        case Completion(name, payload):
            return f"{name}{_by(actor)}{_fields(payload, kernel.task[name].form)}"
        case Withdraw():
            return "withdraw"
        case Delegation(name, to):
            return f"delegate {name}{_by(actor)} to {json.dumps(to, ensure_ascii=False)}"
        case _:
            return _fired(kernel, kernel.timer[trigger.timer])


def _answered(kernel: Kernel, outcome: Outcome) -> str:
    name, _, _ = outcome.key.partition("#")
    activity = kernel.activity[name]
    if outcome.key.endswith("/undo") and isinstance(activity.effect, Compensation):
        return f"{activity.effect.name} {outcome.kind}"
    if outcome.kind == DONE and activity.result is not None:
        return f"{name} {DONE}({written(outcome.value, activity.result)})"
    return f"{name} {outcome.kind}"


def _fired(kernel: Kernel, timer: Timer) -> str:
    if timer.escalates is not None:
        task, escalation = timer.escalates
        return f"{task} escalates to {escalation.role} after {shown(escalation.after, DurationType())}"
    if timer.reminds is not None and isinstance(timer.after, Literal):
        return f"{timer.reminds} reminds after {shown(timer.after.value, DurationType())}"
    if timer.after is not None:
        word = "deadline" if timer is kernel.deadline else "after"
        return f"{word} {source(kernel, timer.after)}"
    return f"at {source(kernel, timer.at)}" if timer.at is not None else timer.id


def source(kernel: Kernel, expr: Expr) -> str:
    """An expression as it is written, on one line."""
    return " ".join(kernel.source.slice(expr.span).split())


def messaged(kernel: Kernel, message: EmitEvent | SendEvent) -> str:
    """`emit shipped(tracking: "t-1")`, `send Billing.invoice(total: 20.00) to "b-1"`."""
    if isinstance(message, EmitEvent):
        return f"emit {message.event}{_fields(message.payload, kernel.message[message.event].params)}"
    params = kernel.sends[message.flow, message.event]
    name = f"{message.flow}.{message.event}"
    return f"send {name}{_fields(message.payload, params)} to {written(message.to, TextType())}"


def _by(actor: Actor) -> str:
    role = min(actor.roles, default="")
    name = json.dumps(actor.id, ensure_ascii=False) if actor.id and actor.id != role else ""
    return f" by {' '.join(filter(None, (role, name)))}" if role or name else ""


def _fields(values: Sequence[Value], fields: Sequence[Parameter | Variable]) -> str:
    pairs = zip(fields, values, strict=True)
    return f"({', '.join(f'{field.name}: {written(value, field.type)}' for field, value in pairs)})" if values else ""


def written(value: Value, type: Type) -> str:
    """A value as the language writes it: text quoted, an instant after `@`, else as `evaluate.shown`."""
    item = type.item if isinstance(type, OptionalType) else type
    if isinstance(value, tuple):
        parts = [written(part, inner) for part, inner in parted(value, item)]
        if isinstance(item, RecordType):
            named = (f"{field.name}: {part}" for field, part in zip(item.fields, parts, strict=True))
            return f"{item.name}({', '.join(named)})"
        return f"[{', '.join(parts)}]"
    if isinstance(value, str) and isinstance(item, TextType):
        return json.dumps(value, ensure_ascii=False)
    return f"@{shown(value, type)}" if isinstance(value, datetime) else shown(value, type)
