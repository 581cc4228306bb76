"""How long everything may take, for people: the worst case of each flow, and from each of its states to the end; and
the longest run step by step, or the one that has no end."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta

from ...dsl.model import DurationType
from ..checks.verdict import Horizon, Leg, Report
from ..evaluate import shown
from ..pipeline import Examined
from .page import summary
from .style import Style, clean, pad, width


def times(files: Sequence[Examined], style: Style) -> str:
    """A summary line for each flow, then its states, each with the longest time that is left, then the longest run."""
    lines: list[str] = []
    for file in files:
        lines += summary([file], style)
        for report in file.reports:
            lines += _states(report, style, len(file.reports) > 1)
            lines += _run(report, style)
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
        return clean(f"{'for ever' if horizon.known else 'not known'}: {horizon.reason}")
    said = _shown(horizon.longest)
    return said if horizon.exact else f"at most {said}"


def _run(report: Report, style: Style) -> Iterator[str]:
    """The slowest run that is known, a line for each step: when it comes, and what it had to wait for."""
    for horizon in (horizon for horizon in report.horizons[:1] if horizon.legs):
        yield f"  {style.strong(_title(horizon))}"
        yield from _legs(horizon.legs, style)


def _title(horizon: Horizon) -> str:
    if horizon.longest is None:
        return "the run that may have no end"
    if horizon.exact or horizon.found is None:
        return "the longest run"
    return f"the longest run that was found takes {_shown(horizon.found)}"


def _legs(legs: Sequence[Leg], style: Style) -> Iterator[str]:
    rows = [(_shown(leg.at), clean(leg.step.trigger), clean(leg.step.place), clean(leg.why)) for leg in legs]
    wide = [max(width(row[column]) for row in rows) for column in range(3)]
    for at, trigger, place, why in rows:
        cells = (pad(at, wide[0]), pad(trigger, wide[1]), f"→ {pad(place, wide[2])}" if place else "")
        yield f"    {'  '.join(cells)}  {style.faint(why) if why else ''}".rstrip()


def _shown(length: timedelta) -> str:
    return shown(length, DurationType())
