"""Places and choices of a kernel in, the nodes and groups of its picture out.

Each leaf and each choice is a node, each start a dot; states with states in them, parallel states and their regions are
groups around them. What stays in its state (`stay`) is a line in the node: a loop would say less and take more room.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator
from dataclasses import replace

from ...dsl.model import ActivityCall, Compensation, Effect, Retry, Task
from ...dsl.source import Span
from ..kernel import Choice, Kernel, Leaf, LeafKind, Place, Scope, ScopeKind
from .graph import (
    ANYWHERE,
    CLOCK,
    DOC_WIDTH,
    FLOW,
    RETRY,
    START,
    UNDO,
    WORK,
    Group,
    GroupLook,
    Node,
    NodeLook,
    inner_start,
)
from .labels import short, source_text, stays, wrapped


def nodes(kernel: Kernel) -> Iterator[Node]:
    start = kernel.commands[0]
    inputs = "".join(f"\n  {variable.name}: {variable.type}" for variable in kernel.inputs)
    yield _node(kernel, START, NodeLook.START, "", (), f"start{inputs}", start.span)
    for scope in kernel.scopes:
        if scope.start is not None:
            about, span = f"start of {scope.name}", scope.start.span
            yield replace(_node(kernel, inner_start(scope.name), NodeLook.START, "", (), about, span), group=scope.name)
    for leaf in kernel.leaves:
        yield _leaf(kernel, leaf)
    for choice in kernel.choices:
        yield _choice(kernel, choice)
    if kernel.deadline is not None:
        yield _node(kernel, ANYWHERE, NodeLook.ANYWHERE, "any state", (), "in every state", kernel.deadline.span)


def _node(
    kernel: Kernel, id: str, look: NodeLook, title: str, lines: Iterable[str], about: str, span: Span, doc: str = ""
) -> Node:
    parts = (f"{about}  ({kernel.source.place(span)})", *textwrap.wrap(doc, DOC_WIDTH))
    return Node(id, look, title, tuple(lines), "\n".join(parts), kernel.source.line(span))


def _inside(name: str, kernel: Kernel) -> str:
    """The innermost scope of a choice, by its name."""
    outer = name.rpartition(".")[0]
    return outer if outer in kernel.scope else ""


def group(kernel: Kernel, scope: Scope) -> Group:
    look = {ScopeKind.PARALLEL: GroupLook.PARALLEL, ScopeKind.REGION: GroupLook.REGION}.get(scope.kind, GroupLook.OUTER)
    lines = [line for task in scope.tasks for line in _task(kernel, task)]
    about = " · ".join([f"{scope.kind} {scope.name}", *_moods(scope)])
    drawn = _node(
        kernel, scope.name, NodeLook.STATE, short(scope.name), lines + stays(kernel, scope), about, scope.span
    )
    tooltip = "\n".join((drawn.tooltip, *textwrap.wrap(scope.doc, DOC_WIDTH)))
    return Group(scope.name, look, drawn.title, drawn.lines, tooltip, drawn.line, scope.path[-1] if scope.path else "")


def _moods(place: Place) -> Iterator[str]:
    """What a place does with events that it does not handle."""
    if place.waits is not None:
        yield f"waits for ever: {place.waits}"
    if place.ignores:
        yield f"ignores {', '.join(sorted(place.ignores))}"
    if place.defers:
        yield f"defers {', '.join(sorted(place.defers))}"


_KINDS = {
    LeafKind.STATE: (NodeLook.STATE, "state"),
    LeafKind.FINAL: (NodeLook.SUCCESS, "final"),
    LeafKind.FAILURE: (NodeLook.FAILURE, "final failure"),
    LeafKind.REGION_DONE: (NodeLook.SUCCESS, "final of its region"),
    LeafKind.REGION_FAILED: (NodeLook.FAILURE, "final failure of its region"),
}


def _leaf(kernel: Kernel, leaf: Leaf) -> Node:
    look, kind = _KINDS[leaf.kind]
    if leaf.tasks:
        look = NodeLook.TASK
    elif leaf.call is not None:
        look = NodeLook.WORK
    lines: list[str] = []
    if leaf.call is not None:
        lines += _call(kernel, leaf.call)
    for task in leaf.tasks:
        lines += _task(kernel, task)
    lines += stays(kernel, leaf)
    if leaf.waits is not None:
        lines.append("∞ may wait for ever")
    about = " · ".join([f"{kind} {leaf.name}", *_moods(leaf)])
    node = _node(kernel, leaf.name, look, short(leaf.name), lines, about, leaf.span, leaf.doc)
    return replace(node, group=leaf.path[-1] if leaf.path else "")


def _call(kernel: Kernel, call: ActivityCall) -> Iterator[str]:
    activity = kernel.activity[call.activity]
    if activity.flow:
        yield f"{FLOW} flow {activity.name}"
    else:
        yield f"{WORK} {activity.name} {_retries(activity.retry)}".rstrip()
    if call.each is not None:
        until = "" if call.each.quota is None else f" until {call.each.quota} done"
        yield from wrapped(f"each of {source_text(kernel.source, call.each.items)}{until}")
    if isinstance(activity.effect, Compensation) and activity.flow:
        yield f"{UNDO} undoes itself"
    elif isinstance(activity.effect, Compensation):
        yield f"{UNDO} {activity.effect.name}"
    elif activity.effect is Effect.IRREVERSIBLE:
        yield "irreversible"


def _retries(retry: Retry) -> str:
    if retry.attempts is None:
        return f"{RETRY} ∞"
    return f"{RETRY} {retry.attempts}×" if retry.attempts > 1 else ""


def _task(kernel: Kernel, task: Task) -> Iterator[str]:
    yield from wrapped(f"{task.name} · {_whom(kernel, task)}")
    for escalation in task.escalations:
        yield f"{CLOCK} {_duration(escalation.after.total_seconds())}: also {escalation.role}"
    if task.remind is not None:
        most = "" if task.most_reminders is None else f" {task.most_reminders}×"
        yield f"{CLOCK} every {_duration(task.remind.total_seconds())}: remind{most}"


def _whom(kernel: Kernel, task: Task) -> str:
    if task.person is not None:
        return " ".join(kernel.source.slice(task.person.span).split())
    return " or ".join(task.roles) or f"actor of {task.doer}"


def _duration(seconds: float) -> str:
    for unit, size in (("d", 86400), ("h", 3600), ("m", 60)):
        if seconds >= size and seconds % size == 0 and (unit != "d" or seconds >= 2 * size):
            return f"{seconds / size:g}{unit}"
    return f"{seconds:g}s"


def _choice(kernel: Kernel, choice: Choice) -> Node:
    about, name = f"choice {choice.name}", short(choice.name)
    node = _node(kernel, choice.name, NodeLook.CHOICE, name, (), about, choice.span, choice.doc)
    return replace(node, group=_inside(choice.name, kernel))
