"""What a step brings and asks for, in Python: a value, an actor or an effect in, an expression that makes it out.

Everything is written as somebody would who uses the generated module: enumerations and records by their classes,
moments as `T0` and what has passed since.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import datetime

from ...dsl.model import Effect, ListType, OptionalType, RecordType, Type, Value
from .. import effects
from ..codegen.literals import duration, literal, quoted
from ..codegen.names import Names, Scope, upper
from ..effects import EmitEvent, SendEvent, StartActivity, StartCompensation
from ..instance import NOBODY, Actor
from ..kernel import Kernel
from .play import BEGIN


class Values:
    """The expressions of one test module. `people`: the actors it names, by the names of their constants."""

    def __init__(self, kernel: Kernel, taken: Iterable[str]) -> None:
        self.kernel = kernel
        self.names = Names(kernel)
        self._free = Scope(taken)
        self.people: dict[Actor, str] = {}

    def value(self, value: Value, type: Type) -> str:
        item = type.item if isinstance(type, OptionalType) and value is not None else type
        if isinstance(item, RecordType) and isinstance(value, tuple):
            names = self.names.part[item.name]
            fields = zip(item.fields, value, strict=True)
            inner = ", ".join(f"{names[field.name]}={self.value(part, field.type)}" for field, part in fields)
            return f"{self.names.record[item.name]}({inner})"
        if isinstance(item, ListType) and isinstance(value, tuple):
            return tupled([self.value(part, item.item) for part in value])
        return literal(value, item, self.names).text

    def values(self, values: Sequence[Value], types: Iterable[Type]) -> list[str]:
        return [self.value(value, type) for value, type in zip(values, types, strict=True)]

    def moment(self, moment: datetime) -> str:
        passed = moment - BEGIN
        return f"T0 + {duration(passed)}" if passed else "T0"

    def by(self, actor: Actor) -> str:
        """The argument, with what follows it; nothing for nobody in particular."""
        if actor == NOBODY:
            return ""
        if actor not in self.people:
            said = actor.id or next(iter(sorted(actor.roles)), "")
            words = re.sub("[^A-Za-z0-9]+", "_", said).strip("_") or "somebody"
            self.people[actor] = self._free.name(upper(words))
        return f"by={self.people[actor]}, "

    def actor(self, actor: Actor) -> str:
        roles = ", ".join(map(quoted, sorted(actor.roles)))
        return f"core.Actor({quoted(actor.id)}" + (f", frozenset({{{roles}}}))" if roles else ")")

    # ------------------------------------------------------------ effects

    def effect(self, effect: effects.Effect) -> str:
        """A step's effect, as `penstock.runtime.core` has it."""
        kernel = self.kernel
        inner: list[str] = []
        match effect:
            case StartActivity(key, activity, args):
                types = [param.type for param in kernel.activity[activity].params]
                inner = [quoted(key), quoted(activity), tupled(self.values(args, types))]
            case StartCompensation(key, compensation, args, forward):
                inner = [quoted(key), quoted(compensation), self.undone_with(forward, args), quoted(forward)]
            case effects.ArmTimer(timer, due):
                inner = [quoted(timer), self.moment(due)]
            case effects.OpenTask():
                inner = self.opened(effect)
            case EmitEvent(event, payload):
                types = [param.type for param in kernel.message[event].params]
                inner = [quoted(event), tupled(self.values(payload, types))]
            case SendEvent(flow, event, payload, to):
                types = [param.type for param in kernel.sends[flow, event]]
                inner = [quoted(flow), quoted(event), tupled(self.values(payload, types)), quoted(to)]
            case effects.Finish(state, failure):
                inner = [quoted(state), f"failure={failure}"]
            case effects.EscalateTask(key, other) | effects.DelegateTask(key, other):
                inner = [quoted(key), quoted(other)]
            case effects.InterruptActivity(key) | effects.RemindTask(key) | effects.CloseTask(key):
                inner = [quoted(key)]
            case effects.CancelTimer(name) | effects.DropEvent(name):
                inner = [quoted(name)]
        return f"core.{type(effect).__name__}({', '.join(inner)})"

    def undone_with(self, forward: str, args: Sequence[Value]) -> str:
        """The arguments of a compensation."""
        effect = self.kernel.activity[forward.partition("#")[0]].effect
        if not args or isinstance(effect, Effect):
            return "()"
        return tupled(self.values(args, [param.type for param in effect.args]))

    def opened(self, task: effects.OpenTask) -> list[str]:
        texts = {"roles": task.roles, "excluded": task.excluded, "persons": task.persons}
        due = "None" if task.due is None else self.moment(task.due)
        parts = {name: tupled([quoted(text) for text in found]) for name, found in texts.items()}
        inner = [quoted(task.key), quoted(task.task), f"roles={parts['roles']}", f"title={quoted(task.title)}"]
        inner += [f"due={due}", f"excluded={parts['excluded']}"]
        return inner + ([f"persons={parts['persons']}"] if task.persons else [])


def tupled(items: Sequence[str]) -> str:
    return f"({', '.join(items)}{',' if len(items) == 1 else ''})"
