"""Written transitions of a kernel in, the short labels that a picture has room for out."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator, Sequence

from ...dsl.model import Assign, Emit, Expr, Parameter, Update
from ...dsl.source import Source
from ..kernel import Command, Kernel, Place, Stay, TriggerKind
from .graph import CLOCK, LABEL_LINES, LABEL_WIDTH, MAIL


def short(name: str) -> str:
    """The name as it is written in its scope."""
    return name.rpartition(".")[2]


def stays(kernel: Kernel, place: Place) -> list[str]:
    """What a place answers without being left."""
    return [line for label in _internal(kernel, place) for line in wrapped(f"{label} · stays")]


def _internal(kernel: Kernel, place: Place) -> Iterator[str]:
    for commands in kernel.held.get(place.name, ()):
        if isinstance(commands[0].target, Stay):
            yield said(kernel, commands)


def said(kernel: Kernel, commands: Sequence[Command]) -> str:
    """Trigger, payload and guard of one written transition, shortly."""
    command, source = commands[0], kernel.source
    sent = mail(command.updates)
    if command.on is None:
        return sent
    if command.on.kind is TriggerKind.TIMER:
        name = _timing(kernel, command.on.name)
    else:
        names = [c.on.name for c in commands if c.on is not None]
        name = "failed" if "failed" in names else ", ".join(dict.fromkeys(names))
    asked = "else" if command.otherwise else "" if command.guard is None else source_text(source, command.guard)
    guard = f"[{asked}]" if asked else ""
    return " ".join(part for part in (f"{name}{_payload(command.params)}", guard, sent) if part)


def mail(updates: Iterable[Update]) -> str:
    """What goes out: `✉ Billing.invoice, shipped`."""
    sent = [u.message if isinstance(u, Emit) else f"{u.flow}.{u.event}" for u in updates if not isinstance(u, Assign)]
    return f"{MAIL} {', '.join(sent)}" if sent else ""


def _timing(kernel: Kernel, timer_id: str) -> str:
    timer = kernel.timer[timer_id]
    when = f"at {source_text(kernel.source, timer.at)}" if timer.at else ""
    if timer.after:
        when = source_text(kernel.source, timer.after)
    since = f" since {short(timer.since)}" if timer.since else ""
    return f"{CLOCK} {'deadline ' if timer is kernel.deadline else ''}{when}{since}"


def _payload(params: tuple[Parameter, ...]) -> str:
    names = [param.name for param in params if param.name != "_"]
    return f"({', '.join(names)})" if names else ""


def source_text(source: Source, expr: Expr | Assign) -> str:
    """An expression as it is written, on one line."""
    return " ".join(source.slice(expr.span).split())


def wrapped(label: str) -> list[str]:
    """A label in at most LABEL_LINES lines, a guard on lines of its own; what does not fit is in the tooltip."""
    trigger, bracket, guard = label.partition(" [")
    if bracket and trigger and len(label) > LABEL_WIDTH:
        lines = [*_filled(trigger, ""), *_filled(f"[{guard}", "  ")]
    else:
        lines = _filled(label, "")
    return lines if len(lines) <= LABEL_LINES else [*lines[: LABEL_LINES - 1], f"{lines[LABEL_LINES - 1]} …"]


def _filled(text: str, indent: str) -> list[str]:
    return textwrap.wrap(
        text, LABEL_WIDTH, initial_indent=indent, subsequent_indent=f"{indent}  ", break_on_hyphens=False
    )
