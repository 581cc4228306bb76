"""A look in, its colours out: one hue a meaning, for light and for dark backgrounds."""

from __future__ import annotations

from typing import NamedTuple

from .graph import EdgeLook, GroupLook, NodeLook


class Hue(NamedTuple):
    """Hex colours of an area, its outline, and the words in it."""

    fill: str
    stroke: str
    text: str


class Paper(NamedTuple):
    """What everything is drawn on: the background, a hairline, plain words and quiet words."""

    ground: str
    line: str
    text: str
    quiet: str


LIGHT_PAPER = Paper("#ffffff", "#e2e8f0", "#0f172a", "#64748b")
DARK_PAPER = Paper("#0f172a", "#334155", "#f1f5f9", "#94a3b8")

_SLATE = Hue("#f1f5f9", "#64748b", "#1e293b"), Hue("#1e293b", "#94a3b8", "#e2e8f0")
_AMBER = Hue("#fffbeb", "#d97706", "#78350f"), Hue("#33250a", "#f59e0b", "#fde68a")
_GREEN = Hue("#f0fdf4", "#16a34a", "#14532d"), Hue("#0f2e1c", "#4ade80", "#bbf7d0")
_RED = Hue("#fef2f2", "#dc2626", "#7f1d1d"), Hue("#3a1414", "#f87171", "#fecaca")
_ROSE = Hue("#fff1f2", "#e11d48", "#be123c"), Hue("#3b0d1b", "#fb7185", "#fda4af")
_VIOLET = Hue("#f5f3ff", "#7c3aed", "#4c1d95"), Hue("#251a47", "#a78bfa", "#ddd6fe")

_FRAME = Hue("#f8fafc", "#94a3b8", "#475569"), Hue("#162033", "#64748b", "#cbd5e1")
_SHEET = Hue("#ffffff", "#94a3b8", "#475569"), Hue("#0f172a", "#64748b", "#cbd5e1")

LOOKS: dict[NodeLook | EdgeLook | GroupLook, tuple[Hue, Hue]] = {
    NodeLook.START: _SLATE,
    NodeLook.STATE: _SLATE,
    NodeLook.WORK: _AMBER,
    NodeLook.TASK: _VIOLET,
    NodeLook.CHOICE: _SLATE,
    NodeLook.SUCCESS: _GREEN,
    NodeLook.FAILURE: _RED,
    NodeLook.ANYWHERE: _SLATE,
    GroupLook.OUTER: _FRAME,
    GroupLook.PARALLEL: _FRAME,
    GroupLook.REGION: _SHEET,
    EdgeLook.MOVE: _SLATE,
    EdgeLook.TIMER: _AMBER,
    EdgeLook.UNDO: _ROSE,
}
"""(light, dark) of every look."""
