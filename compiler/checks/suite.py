"""Every check, one line each: a kernel and limits in, a Report out.

`accept CODE "reason"` in a state (or on the flow) covers the answers about that state (or any) of that code, but not of
the codes that make the run itself unsafe.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from ...dsl.diagnostics import Rule
from ...dsl.model import Accept
from ..kernel import Kernel
from ..staff import Staff
from . import (
    compensation,
    completion,
    dead,
    deadlock,
    division,
    endless,
    finish,
    fires,
    fits,
    livelock,
    missed,
    outcomes,
    overlap,
    pivot,
    properties,
    ranges,
    recursion,
    separation,
    unassigned,
    unhandled,
    unreachable,
    unset,
    vacuity,
    waits,
)
from .claims import RULE as PROPERTY
from .explore import Explorer, Limits
from .horizon import horizons
from .inquiry import Inquiry
from .verdict import Answer, Horizon, Report, Verdict

CHECKS = (
    (unreachable.RULE, unreachable.check),
    (dead.RULE, dead.check),
    (deadlock.RULE, deadlock.check),
    (finish.RULE, finish.check),
    (livelock.RULE, livelock.check),
    (overlap.RULE, overlap.check),
    (unhandled.RULE, unhandled.check),
    (outcomes.RULE, outcomes.check),
    (completion.RULE, completion.check),
    (compensation.RULE, compensation.check),
    (pivot.RULE, pivot.check),
    (waits.RULE, waits.check),
    (fires.RULE, fires.check),
    (fits.RULE, fits.check),
    (missed.RULE, missed.check),
    (endless.RULE, endless.check),
    (recursion.RULE, recursion.check),
    (PROPERTY, properties.check),
    (ranges.RULE, ranges.check),
    (unset.RULE, unset.check),
    (division.RULE, division.check),
    (separation.RULE, separation.check),
    (unassigned.RULE, unassigned.check),
)
RULES: tuple[Rule, ...] = tuple(rule for rule, _ in CHECKS)

UNSAFE = {"F003", "F006", "F008", "F101", "F102", "F301", "F401", "F402", "F403", "F502"}
"""What no `accept` covers."""

__all__ = ["CHECKS", "RULES", "UNSAFE", "Limits", "check", "check_all"]


def check_all(
    kernels: Sequence[Kernel], around: Sequence[Kernel], limits: Limits | None = None, staff: Staff | None = None
) -> tuple[Report, ...]:
    """Every answer about each flow; first about those that it does, of the same file or around it, for their times."""
    known = {kernel.name: kernel for kernel in (*around, *kernels)}
    reports: dict[str, Report] = {}
    doing = {each.name: {a.name for a in each.activities if a.flow} - {each.name} for each in known.values()}

    def report(kernel: Kernel) -> Report:
        if kernel.name not in reports:
            outer = any(kernel.name in done for done in doing.values())
            done = [each.name for each in kernel.activities if each.flow]
            others = {name: _time(report(known[name])) for name in done if name != kernel.name and name in known}
            itself = {name: Horizon("", None, "it does itself") for name in done if name == kernel.name}
            reports[kernel.name] = check(kernel, limits, staff, others | itself, outer)
        return reports[kernel.name]

    return tuple(map(report, kernels))


def _time(report: Report) -> Horizon:
    """How long a flow takes at the longest; in one that is refuted, or not fully explored, nobody knows."""
    return report.horizons[0] if report.horizons else Horizon("", None, "what is open about it comes first")


def check(
    kernel: Kernel,
    limits: Limits | None = None,
    staff: Staff | None = None,
    children: Mapping[str, Horizon] | None = None,
    done: bool = False,
) -> Report:
    """Every answer about one flow, in the order of the checks; with a staff, whether it suffices. children: how long
    the flows that it does take; done: whether another flow is known to do it."""
    inquiry = Inquiry(Explorer(kernel, limits), staff, children)
    answers = tuple(_accepted(kernel, answer) for _, ask in CHECKS for answer in ask(inquiry))
    left = any(a.rule is compensation.RULE and a.verdict is Verdict.REFUTED for a in answers)
    said = vacuity.warnings(inquiry, undoes=not (done or left))
    report = Report(kernel.name, answers, said, len(inquiry.graph.nodes))
    return report if report.verdict is Verdict.REFUTED else replace(report, horizons=horizons(inquiry))


def _accepted(kernel: Kernel, answer: Answer) -> Answer:
    if answer.verdict is Verdict.PROVED or answer.rule.code in UNSAFE:
        return answer
    reason = next((accept.reason for accept in _accepts(kernel, answer) if accept.code == answer.rule.code), None)
    return replace(answer, accepted=reason)


def _accepts(kernel: Kernel, answer: Answer) -> Iterator[Accept]:
    """The clauses of the flow, of the state the answer is about (its name, or a transition of it), and around it."""
    yield from kernel.accepts
    about = {command.scope for command in kernel.commands if command.span == answer.span}
    for place in kernel.place.values():
        if place.name and (place.span == answer.span or place.name in about):
            for name in kernel.above(place.name)[:-1]:
                yield from kernel.place[name].accepts
