"""The neutral graph that every format renders: nodes, groups and edges with short labels, tooltips and source lines."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from enum import StrEnum

WORK, RETRY, UNDO, CLOCK, RESUME, FLOW, MAIL = "⚙", "↻", "↩", "◷", "↺", "▣", "✉"
"""All of them are in the fonts of every desktop, unlike the emoji clocks."""

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


def inner_start(scope: str) -> str:
    """The id of the dot at which a group is entered; no state can have it."""
    return f"{scope}."


def printable(text: str) -> str:
    """The text with every character that a terminal, XML or a reader could trip over (controls, direction overrides,
    surrogates) replaced; newlines stay."""
    return "".join("\ufffd" if unicodedata.category(c) in _UNPRINTABLE and c != "\n" else c for c in text)


_UNPRINTABLE = {"Cc", "Cf", "Cs", "Cn", "Co", "Zl", "Zp"}
