"""A transition whose trigger never comes to it in; what keeps it away, read off the graph and the text, out."""

from __future__ import annotations

from collections.abc import Iterator

from ...dsl.diagnostics import Label
from ...dsl.source import Span
from ..kernel import ANY_FAILURE, Command, LeafKind, On, TriggerKind
from .inquiry import Inquiry


def never_comes(inquiry: Inquiry, span: Span) -> tuple[str, tuple[Label, ...]] | None:
    """One sentence, and the places it is about. None: that is not why."""
    for command in inquiry.kernel.commands:
        if command.span == span and command.on is not None:
            found = _join(inquiry, command) or _shadowed(inquiry, command, command.on) or _undone(inquiry, command.on)
            if found is not None:
                return found
    return None


def _shadowed(inquiry: Inquiry, command: Command, on: On) -> tuple[str, tuple[Label, ...]] | None:
    """Whether, wherever an event could come to a command, something written further in says what happens."""
    kernel = inquiry.kernel
    if on.kind is not TriggerKind.EVENT:
        return None
    nearer: dict[str, None] = {}
    for node in inquiry.nodes(command.scope):
        answering = kernel.answerable(node.control.configuration, on)
        if command.scope in answering:
            return None
        nearer.update(dict.fromkeys(name for name in answering if command.scope in kernel.above(name)[1:]))
    if not nearer:
        return None
    labels = tuple(Label(span, text) for name in nearer for span, text in _says(inquiry, name, on))
    names = " and ".join(f"`{name}`" for name in list(nearer)[:3])
    rest = f", and {len(nearer) - 3} more," if len(nearer) > 3 else ""
    word = "says" if len(nearer) == 1 else "say"
    return f"never, because {names}{rest} {word} first what `{on.name}` does, and inner goes over outer.", labels[:5]


def _undone(inquiry: Inquiry, on: On) -> tuple[str, tuple[Label, ...]] | None:
    """Whether nobody ever does a task that is open."""
    if on.kind is not TriggerKind.TASK or inquiry.doable.does(on.name):
        return None
    task = inquiry.kernel.task[on.name]
    whom = "which shuts out whomever it is for"
    if task.doer is not None and not task.excluded:
        whom = f"which is for whoever did `{task.doer}`"
    return f"never, because there is nobody who can do `{task.name}`, {whom}.", (Label(task.span, "nobody for it"),)


def _says(inquiry: Inquiry, name: str, on: On) -> Iterator[tuple[Span, str]]:
    kernel = inquiry.kernel
    place = kernel.place[name]
    commands = kernel.answering.get((name, on), ())
    if commands:
        yield commands[0].span, "is taken instead"
    elif on.name in place.defers:
        yield place.span, "defers it"
    else:
        yield place.span, "ignores it"


def _join(inquiry: Inquiry, command: Command) -> tuple[str, tuple[Label, ...]] | None:
    """Which regions never come to the end that a join waits for."""
    kernel = inquiry.kernel
    if command.on is None or command.on.kind is not TriggerKind.JOIN:
        return None
    wanted = LeafKind.REGION_FAILED if command.on.name == ANY_FAILURE else LeafKind.REGION_DONE
    never: list[str] = []
    regions = kernel.inside[command.scope]
    for region in regions:
        ends = [leaf for leaf in kernel.leaves if region in leaf.path[-1:] and leaf.kind is wanted]
        if not any(inquiry.entered[leaf.name] for leaf in ends):
            never.append(region)
    names = ", ".join(f"`{name}`" for name in never)
    labels = tuple(Label(kernel.place[name].span, "never ends so") for name in never[:4])
    if wanted is LeafKind.REGION_FAILED and len(never) == len(regions):
        return f"never, because no region of `{command.scope}` ends in a failure.", labels
    if wanted is LeafKind.REGION_DONE and never:
        return f"never, because {names} never {'ends' if len(never) == 1 else 'end'} in a success.", labels
    others = [each for each in kernel.commands if each.scope == command.scope and each.on != command.on]
    joins = [each for each in others if each.on is not None and each.on.kind is TriggerKind.JOIN]
    if joins and any(inquiry.taken[each.span] for each in joins):
        said = tuple(Label(each.span, "comes first") for each in joins if inquiry.taken[each.span])
        return "never, because another join of it is always met before, or goes before this one.", said
    return "never, because its regions never end so at the same time.", ()
