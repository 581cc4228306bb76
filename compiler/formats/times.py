"""How long everything may take, for people: the worst case of each flow, and from each of its states to the end."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ...dsl.model import DurationType
from ..checks.verdict import Horizon, Report
from ..evaluate import shown
from ..pipeline import Examined
from .page import summary
from .style import Style, clean, pad, width


def times(files: Sequence[Examined], style: Style) -> str:
    """A summary line for each flow, then its states, each with the longest time that is left from there."""
    lines: list[str] = []
    for file in files:
        lines += summary([file], style)
        for report in file.reports:
            lines += _states(report, style, len(file.reports) > 1)
    return "".join(f"{line}\n" for line in lines)


def _states(report: Report, style: Style, several: bool) -> Iterator[str]:
    of_states = report.horizons[1:]
    if several and of_states:
        yield f"  {style.strong(clean(report.flow))}"
    wide = max((width(clean(horizon.state)) for horizon in of_states), default=0)
    for horizon in of_states:
        yield f"    {pad(clean(horizon.state), wide)}  {_left(horizon)}"
    if report.answers and not report.horizons:
        yield style.faint("  how long it takes is only told of a flow that is proved")


def _left(horizon: Horizon) -> str:
    if horizon.longest is None:
        return clean(f"for ever: {horizon.reason}")
    return shown(horizon.longest, DurationType())
