"""Kernel in, Picture out: the neutral graph (nodes, edges, short labels, source lines) that every format renders.

Each leaf and each choice is a node, each start a dot; states with states in them, parallel states and their regions are
groups around them, which edges may lead to and from. The deadline leaves from one node that stands for every state.
Each written transition is one label of one edge; edges between the same two nodes that look alike are one edge with
several labels. What stays in its state (`stay`) is a line in the node: a loop would say less and take more room.
"""

from __future__ import annotations

import textwrap
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import PurePosixPath
from urllib.parse import quote

from ...dsl.model import ActivityCall, Assign, Compensation, Effect, Emit, Expr, Parameter, Retry, Task, Update
from ...dsl.source import Source, Span
from ..kernel import (
    Choice,
    Command,
    Goto,
    Kernel,
    Leaf,
    LeafKind,
    Place,
    Scope,
    ScopeKind,
    Stay,
    Timer,
    TriggerKind,
    Undo,
)

MAIL = "✉"
WORK, RETRY, UNDO, CLOCK, RESUME, FLOW = (
    "⚙",
    "↻",
    "↩",
    "◷",
    "↺",
    "▣",
)  # all of them are in the fonts of every desktop, unlike the emoji clocks
LABEL_WIDTH, LABEL_LINES, DOC_WIDTH, TOOLTIP_LINES = 28, 4, 76, 12
START, ANYWHERE = "", "*"  # node ids that no state can have


class NodeLook(StrEnum):
    START = "start"
    STATE = "state"
    WORK = "work"
    TASK = "task"
    CHOICE = "choice"
    SUCCESS = "success"
    FAILURE = "failure"
    ANYWHERE = "anywhere"


class GroupLook(StrEnum):
    OUTER = "outer"
    PARALLEL = "parallel"
    REGION = "region"


class EdgeLook(StrEnum):
    MOVE = "move"
    TIMER = "timer"
    UNDO = "undo"


@dataclass(frozen=True, slots=True)
class Node:
    """`lines` are short and already wrapped; `tooltip` is what there is to know; `line` is 1-based, 0 for nowhere;
    `group` is the innermost group it lies in, "" for none."""

    id: str
    look: NodeLook
    title: str
    lines: tuple[str, ...]
    tooltip: str
    line: int
    group: str = ""


@dataclass(frozen=True, slots=True)
class Group:
    """A frame around nodes and other groups; the fields are as those of a node."""

    id: str
    look: GroupLook
    title: str
    lines: tuple[str, ...]
    tooltip: str
    line: int
    group: str


@dataclass(frozen=True, slots=True)
class Edge:
    """Ends are nodes or groups. `main`: the first plain way out of its node that is no failure, in the order of the
    text; renderers keep it straight."""

    source: str
    target: str
    look: EdgeLook
    lines: tuple[str, ...]
    tooltip: str
    line: int
    main: bool


@dataclass(frozen=True, slots=True)
class Picture:
    """`href` is the relative, percent-encoded address of the source text; a line is `<href>#L<line>`."""

    title: str
    doc: tuple[str, ...]
    source: str
    href: str
    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]
    groups: tuple[Group, ...] = ()  # outer before inner

    def link(self, line: int) -> str:
        return f"{self.href}#L{line}"


@dataclass(frozen=True, slots=True)
class _Arrow:
    """One written transition, before arrows that look alike are merged."""

    source: str
    target: str
    look: EdgeLook
    label: str
    span: Span


def picture(kernel: Kernel, href: str | None = None) -> Picture:
    """The picture of a flow. `href` is the address of its source relative to where the picture will lie; without it
    the source's own name is taken (its last part, if that is an absolute path)."""
    source = kernel.source
    name = source.name if href is None else href
    return Picture(
        title=f"{kernel.name} · version {kernel.version}",
        doc=tuple(textwrap.wrap(kernel.doc, DOC_WIDTH)),
        source=source.name,
        href=_relative(name),
        groups=tuple(_group(kernel, scope) for scope in kernel.scopes[1:]),
        nodes=tuple(_nodes(kernel)),
        edges=tuple(_merged(_arrows(kernel), kernel)),
    )


def printable(text: str) -> str:
    """The text with every character that a terminal, XML or a reader could trip over (controls, direction overrides,
    surrogates) replaced; newlines stay."""
    return "".join("\ufffd" if unicodedata.category(c) in _UNPRINTABLE and c != "\n" else c for c in text)


_UNPRINTABLE = {"Cc", "Cf", "Cs", "Cn", "Co", "Zl", "Zp"}


def _relative(name: str) -> str:
    """A link that can only lead to a file below or beside: no scheme, no host, no root."""
    path = PurePosixPath(name.replace("\\", "/"))
    shown = path.name if path.is_absolute() else path.as_posix()
    return quote(printable(shown), safe="/")


# ---------------------------------------------------------------- nodes


def _nodes(kernel: Kernel) -> Iterator[Node]:
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


def inner_start(scope: str) -> str:
    """The id of the dot at which a group is entered; no state can have it."""
    return f"{scope}."


def _inside(name: str, kernel: Kernel) -> str:
    """The innermost scope of a choice, by its name."""
    outer = name.rpartition(".")[0]
    return outer if outer in kernel.scope else ""


def _group(kernel: Kernel, scope: Scope) -> Group:
    look = {ScopeKind.PARALLEL: GroupLook.PARALLEL, ScopeKind.REGION: GroupLook.REGION}.get(scope.kind, GroupLook.OUTER)
    lines = [line for task in scope.tasks for line in _task(kernel, task)]
    about = " · ".join([f"{scope.kind} {scope.name}", *_moods(scope)])
    drawn = _node(
        kernel, scope.name, NodeLook.STATE, _short(scope.name), lines + _stays(kernel, scope), about, scope.span
    )
    tooltip = "\n".join((drawn.tooltip, *textwrap.wrap(scope.doc, DOC_WIDTH)))
    return Group(scope.name, look, drawn.title, drawn.lines, tooltip, drawn.line, scope.path[-1] if scope.path else "")


def _short(name: str) -> str:
    """The name as it is written in its scope."""
    return name.rpartition(".")[2]


def _stays(kernel: Kernel, place: Place) -> list[str]:
    return [line for label in _internal(kernel, place) for line in _wrapped(f"{label} · stays")]


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
    lines += _stays(kernel, leaf)
    if leaf.waits is not None:
        lines.append("∞ may wait for ever")
    about = " · ".join([f"{kind} {leaf.name}", *_moods(leaf)])
    node = _node(kernel, leaf.name, look, _short(leaf.name), lines, about, leaf.span, leaf.doc)
    return replace(node, group=leaf.path[-1] if leaf.path else "")


def _call(kernel: Kernel, call: ActivityCall) -> Iterator[str]:
    activity = kernel.activity[call.activity]
    if activity.flow:
        yield f"{FLOW} flow {activity.name}"
    else:
        yield f"{WORK} {activity.name} {_retries(activity.retry)}".rstrip()
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
    yield from _wrapped(f"{task.name} · {_whom(kernel, task)}")
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
    about, name = f"choice {choice.name}", _short(choice.name)
    node = _node(kernel, choice.name, NodeLook.CHOICE, name, (), about, choice.span, choice.doc)
    return replace(node, group=_inside(choice.name, kernel))


# ---------------------------------------------------------------- edges


def _arrows(kernel: Kernel) -> Iterator[_Arrow]:
    """Every written way from node to node, in the order of the text."""
    for commands in _written(kernel):
        command = commands[0]
        if isinstance(command.target, Stay):
            continue
        deadline = _deadline(kernel, command)
        timed = command.on is not None and command.on.kind is TriggerKind.TIMER
        source = ANYWHERE if deadline is not None else _holder(kernel, commands)
        yield _arrow(source, command.target, _label(kernel, commands), command.span, timed)
    for scope in kernel.scopes:
        if scope.start is not None:
            label = _messages(scope.start.updates)
            yield _arrow(inner_start(scope.name), scope.start.target, label, scope.start.span, timed=False)
    for choice in kernel.choices:
        for branch in choice.branches:
            label = "else" if branch.guard is None else _text(kernel.source, branch.guard)
            label = f"{label} {_messages(branch.updates)}".rstrip()
            yield _arrow(choice.name, branch.target, label, branch.span, timed=False)


def _arrow(source: str, target: Goto | Undo, label: str, span: Span, timed: bool) -> _Arrow:
    if isinstance(target, Goto):
        label = f"{label} {RESUME} where it was".strip() if target.resume else label
        return _Arrow(source, target.node, EdgeLook.TIMER if timed else EdgeLook.MOVE, label, span)
    since = f" (since {target.since})" if target.since else ""
    return _Arrow(source, target.node, EdgeLook.UNDO, f"{UNDO} {label}{since}", span)


def _written(kernel: Kernel) -> Iterator[list[Command]]:
    """The commands grouped by the transition they were written as: `on failed` answers several outcomes, and what is
    written further out the outcomes of several leaves."""
    groups: dict[Span, list[Command]] = {}
    for command in kernel.commands:
        groups.setdefault(command.span, []).append(command)
    yield from groups.values()


def _holder(kernel: Kernel, commands: list[Command]) -> str:
    """The innermost place around all that a written transition counts for."""
    around = [kernel.above(command.scope) for command in commands]
    return next(name for name in around[0] if all(name in each for each in around))


def _deadline(kernel: Kernel, command: Command) -> Timer | None:
    deadline = kernel.deadline
    is_it = deadline is not None and command.on is not None and command.on.name == deadline.id
    return deadline if is_it else None


def _internal(kernel: Kernel, place: Place) -> Iterator[str]:
    for commands in _written(kernel):
        if _holder(kernel, commands) == place.name and isinstance(commands[0].target, Stay):
            yield _label(kernel, commands)


def _label(kernel: Kernel, commands: list[Command]) -> str:
    """Trigger, payload and guard of one written transition, shortly."""
    command, source = commands[0], kernel.source
    messages = _messages(command.updates)
    if command.on is None:
        return messages
    if command.on.kind is TriggerKind.TIMER:
        name = _timing(kernel, command.on.name)
    else:
        names = [c.on.name for c in commands if c.on is not None]
        name = "failed" if "failed" in names else ", ".join(dict.fromkeys(names))
    guard = "[else]" if command.otherwise else "" if command.guard is None else f"[{_text(source, command.guard)}]"
    return " ".join(part for part in (f"{name}{_payload(command.params)}", guard, messages) if part)


def _messages(updates: Iterable[Update]) -> str:
    """What goes out: `✉ Billing.invoice, shipped`."""
    sent = [u.message if isinstance(u, Emit) else f"{u.flow}.{u.event}" for u in updates if not isinstance(u, Assign)]
    return f"{MAIL} {', '.join(sent)}" if sent else ""


def _timing(kernel: Kernel, timer_id: str) -> str:
    timer = next(timer for timer in kernel.timers() if timer.id == timer_id)
    when = f"at {_text(kernel.source, timer.at)}" if timer.at else ""
    if timer.after:
        when = _text(kernel.source, timer.after)
    return f"{CLOCK} {'deadline ' if timer is kernel.deadline else ''}{when}"


def _payload(params: tuple[Parameter, ...]) -> str:
    names = [param.name for param in params if param.name != "_"]
    return f"({', '.join(names)})" if names else ""


def _text(source: Source, expr: Expr | Assign) -> str:
    return " ".join(source.slice(expr.span).split())


def _merged(arrows: Iterable[_Arrow], kernel: Kernel) -> Iterator[Edge]:
    source = kernel.source
    failures = {leaf.name for leaf in kernel.leaves if leaf.kind in (LeafKind.FAILURE, LeafKind.REGION_FAILED)}
    alike: dict[tuple[str, str, EdgeLook], list[_Arrow]] = {}
    main: dict[str, _Arrow] = {}
    for arrow in arrows:
        alike.setdefault((arrow.source, arrow.target, arrow.look), []).append(arrow)
        if arrow.look is EdgeLook.MOVE and arrow.target not in failures:
            main.setdefault(arrow.source, arrow)
    for (start, end, look), group in alike.items():
        lines = [line for arrow in group for line in _wrapped(arrow.label)]
        tooltip = "\n".join(_written_at(source, arrow.span) for arrow in group[:TOOLTIP_LINES])
        yield Edge(start, end, look, tuple(lines), tooltip, source.line(group[0].span), main.get(start) in group)


def _written_at(source: Source, span: Span) -> str:
    text = textwrap.shorten(source.slice(span), 2 * DOC_WIDTH, placeholder=" …")
    return f"{text}  ({source.place(span)})"


def _wrapped(label: str) -> list[str]:
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
