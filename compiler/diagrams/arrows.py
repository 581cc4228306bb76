"""Written transitions and branches of a kernel in, the edges of its picture out.

Each written transition is one label of one edge; edges between the same two ends that look alike are one edge with
several labels. The deadline leaves from one node that stands for every state.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from dataclasses import dataclass

from ...dsl.source import Source, Span
from ..kernel import Goto, Kernel, LeafKind, Stay, TriggerKind, Undo
from .graph import ANYWHERE, DOC_WIDTH, RESUME, TOOLTIP_LINES, UNDO, Edge, EdgeLook, inner_start
from .labels import mail, said, source_text, wrapped


@dataclass(frozen=True, slots=True)
class _Arrow:
    """One written transition, before arrows that look alike are merged."""

    source: str
    target: str
    look: EdgeLook
    label: str
    span: Span


def _arrows(kernel: Kernel) -> Iterator[_Arrow]:
    """Every written way from node to node, in the order of the text."""
    for span, commands in kernel.written_as.items():
        command = commands[0]
        if isinstance(command.target, Stay):
            continue
        timed = command.on is not None and command.on.kind is TriggerKind.TIMER
        source = kernel.holder[span]
        if not source and command.on is not None:  # the deadline
            source = ANYWHERE
        yield _arrow(source, command.target, said(kernel, commands), command.span, timed)
    for scope in kernel.scopes:
        if scope.start is not None:
            label = mail(scope.start.updates)
            yield _arrow(inner_start(scope.name), scope.start.target, label, scope.start.span, timed=False)
    for choice in kernel.choices:
        for branch in choice.branches:
            label = "else" if branch.guard is None else source_text(kernel.source, branch.guard)
            label = f"{label} {mail(branch.updates)}".rstrip()
            yield _arrow(choice.name, branch.target, label, branch.span, timed=False)


def _arrow(source: str, target: Goto | Undo, label: str, span: Span, timed: bool) -> _Arrow:
    if isinstance(target, Goto):
        label = f"{label} {RESUME} where it was".strip() if target.resume else label
        return _Arrow(source, target.node, EdgeLook.TIMER if timed else EdgeLook.MOVE, label, span)
    since = f" (since {target.since})" if target.since else ""
    return _Arrow(source, target.node, EdgeLook.UNDO, f"{UNDO} {label}{since}", span)


def edges(kernel: Kernel) -> Iterator[Edge]:
    """Every written way from end to end, in the order of the text, those that look alike in one."""
    source = kernel.source
    failures = {leaf.name for leaf in kernel.leaves if leaf.kind in (LeafKind.FAILURE, LeafKind.REGION_FAILED)}
    alike: dict[tuple[str, str, EdgeLook], list[_Arrow]] = {}
    main: dict[str, _Arrow] = {}
    for arrow in _arrows(kernel):
        alike.setdefault((arrow.source, arrow.target, arrow.look), []).append(arrow)
        if arrow.look is EdgeLook.MOVE and arrow.target not in failures:
            main.setdefault(arrow.source, arrow)
    for (start, end, look), group in alike.items():
        lines = [line for arrow in group for line in wrapped(arrow.label)]
        tooltip = "\n".join(_written_at(source, arrow.span) for arrow in group[:TOOLTIP_LINES])
        yield Edge(start, end, look, tuple(lines), tooltip, source.line(group[0].span), main.get(start) in group)


def _written_at(source: Source, span: Span) -> str:
    text = textwrap.shorten(source.slice(span), 2 * DOC_WIDTH, placeholder=" …")
    return f"{text}  ({source.place(span)})"
