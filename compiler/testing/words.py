"""Names of tests that read as sentences: what was played in, the words of a function's name out."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ...dsl.model import BoolType, EnumType, OptionalType
from ..instance import Instance
from ..kernel import Kernel, On, TriggerKind
from ..trace import place, triggered
from .acts import Act, Kind, types
from .cover import Example
from .play import Played

LONGEST = 92


def slug(text: str, longest: int = LONGEST) -> str:
    """`the card "stays" charged` -> `the_card_stays_charged`, cut at a word."""
    words = re.findall(r"[a-z0-9]+", re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", text).lower())
    made = ""
    for word in words:
        if len(made) + len(word) + 1 > longest:
            break
        made = f"{made}_{word}" if made else word
    return made or "it"


def title(kernel: Kernel, example: Example) -> str:
    """`cancel_in_reserving_ends_in_cancelled`: what the example is there for, and how it ends."""
    parts = [_done(kernel, example.played[index]) for index in example.shows]
    return slug(f"{' then '.join(parts)} {_end(example.played[-1].after)}")


def _done(kernel: Kernel, step: Played) -> str:
    where = "" if step.before is None or not step.before.configuration else f" in {place(step.before)}"
    return f"{_what(kernel, step)}{where.replace('.', ' ').replace('+', 'and')}"


def _what(kernel: Kernel, step: Played) -> str:
    act = step.act
    if act is None or act.kind is Kind.TIMER:
        assert step.trigger is not None, "a timer is a trigger"
        return triggered(kernel, step.trigger, step.actor)
    match act.kind:
        case Kind.START:
            return "start"
        case Kind.ANSWER:
            return f"{act.name} {act.answer}{_which(kernel, act)}"
        case Kind.UNDONE:
            return f"{act.name} undone"
        case _:
            return f"{act.name}{_which(kernel, act)}"


def _which(kernel: Kernel, act: Act) -> str:
    """The alternatives that were chosen, where guards may ask for them."""
    kind = {Kind.EVENT: TriggerKind.EVENT, Kind.TASK: TriggerKind.TASK}.get(act.kind, TriggerKind.OUTCOME)
    on = On(kind, act.answer if kind is TriggerKind.OUTCOME else act.name)
    asked = any(command.on == on and command.guard is not None for command in kernel.commands)
    said = ""
    for (name, type), value in zip(types(kernel, act), act.values, strict=True):
        item = type.item if isinstance(type, OptionalType) else type
        if asked and isinstance(item, EnumType) and value is not None:
            said += f" {value}"
        elif asked and isinstance(item, BoolType) and value is not None:
            said += f" {'' if value else 'not '}{name}"
    return said


def _end(at: Instance | None) -> str:
    if at is None:
        return "does not start"
    if at.compensating:
        return "undoes what was done"
    return f"{'ends in' if at.finished else 'comes to'} {place(at).replace('.', ' ').replace('+', 'and')}"


def told(kernel: Kernel, played: Sequence[Played]) -> str:
    """The run in one sentence: `start, reserve_stock done, quote done, ...`."""
    said = ", ".join(_what(kernel, step) for step in played)
    return f"{said[:1].upper()}{said[1:]}."
