"""Every check, one line each: a kernel and limits in, a Report out.

`accept CODE "reason"` in a state (or on the flow) covers the answers about that state (or any) of that code, but not of
the codes that make the run itself unsafe.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from ...dsl.diagnostics import Diagnostic, Fix, Rule
from ...dsl.model import Accept
from ...dsl.values import replace
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
    fragile,
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
    undoing,
    unhandled,
    unreachable,
    unset,
    unsettled,
    vacuity,
    waits,
)
from .budget import Budget
from .claims import RULE as PROPERTY
from .explore import MOST_NODES, Explorer, Limits
from .horizon import horizons
from .inquiry import Inquiry
from .ledger import Ledger
from .odds import odds
from .verdict import Answer, Horizon, Odds, Report, Verdict

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
    (unsettled.RULE, unsettled.check),
    (undoing.RULE, undoing.check),
    (fragile.RULE, fragile.check),
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

MANY = "there are too many configurations for the longest run"
MORE = "allow it more, with `--timeout` or `--max-memory`"

Audit = Callable[[Inquiry], None]
"""Looks at what was explored when every check has answered; the inquiry's ledger says what the proofs rest on."""

UNSAFE = {"F003", "F006", "F008", "F101", "F102", "F104", "F301", "F401", "F402", "F403", "F502"}
"""What no `accept` covers."""

__all__ = ["CHECKS", "RULES", "UNSAFE", "Audit", "Limits", "answers", "check", "check_all", "lasting"]


def check_all(
    kernels: Sequence[Kernel],
    around: Sequence[Kernel],
    limits: Limits | None = None,
    staff: Staff | None = None,
    likely: bool = False,
    audit: Audit | None = None,
) -> tuple[Report, ...]:
    """Every answer about each flow; first about those that it does, of the same file or around it, for their times.
    likely: also how likely it ends where. audit: of the flows themselves, not of those around them."""
    known = {kernel.name: kernel for kernel in (*around, *kernels)}
    reports: dict[str, Report] = {}
    doing = {each.name: {a.name for a in each.activities if a.flow} - {each.name} for each in known.values()}

    def report(kernel: Kernel) -> Report:
        if kernel.name not in reports:
            outer = any(kernel.name in done for done in doing.values())
            done = [each.name for each in kernel.activities if each.flow]
            others = {name: lasting(report(known[name])) for name in done if name != kernel.name and name in known}
            itself = {name: Horizon("", None, "it does itself") for name in done if name == kernel.name}
            fates = {name: fate for name in others if (fate := reports[name].odds) is not None} if likely else None
            wanted = audit if any(kernel is own for own in kernels) else None
            reports[kernel.name] = check(kernel, limits, staff, others | itself, fates, outer, wanted)
        return reports[kernel.name]

    return tuple(map(report, kernels))


def lasting(report: Report) -> Horizon:
    """How long a flow takes at the longest; in one that is refuted, or not fully explored, nobody knows."""
    return report.horizons[0] if report.horizons else Horizon("", None, "what is open about it comes first")


def check(
    kernel: Kernel,
    limits: Limits | None = None,
    staff: Staff | None = None,
    children: Mapping[str, Horizon] | None = None,
    fates: Mapping[str, Odds] | None = None,
    done: bool = False,
    audit: Audit | None = None,
) -> Report:
    """Every answer about one flow, in the order of the checks; with a staff, whether it suffices. children: how long
    the flows that it does take; fates: how likely they end where, None: that is not asked; done: whether another flow
    is known to do it; audit: looks at the rest.

    Combinations of places of regions are left out first, where that may be enough (`apart`). What is not proved then,
    and how long runs take if that is bounded, is asked of all of them, unless they are too many."""
    limits = limits or Limits()
    budget = Budget(kernel.name, limits.seconds, limits.memory, limits.tell)
    try:
        ledger = None if audit is None else Ledger()
        each = limits if audit is None else replace(limits, spare=False)  # others are shown each step as it was run
        apart = audit is None and fates is None and staff is None
        inquiry = Inquiry(Explorer(kernel, each, budget, apart), staff, children, ledger)
        report = _report(inquiry, done, fates, audit)
        if inquiry.explorer.apart is not None and not _settled(report):
            if inquiry.explorer.apart.stands_for > MOST_NODES:
                return replace(report, horizons=(*map(_unbounded, report.horizons),))
            inquiry = Inquiry(Explorer(kernel, each, budget), staff, children, ledger)
            report = _report(inquiry, done, fates, audit)
    except Exception as error:
        if not (why := budget.ran_out(error)):
            raise
        return Report(kernel.name, tuple(_given_up(kernel, rule, why) for rule in RULES), cut=True)
    return replace(report, cut=bool(budget.met))


def _report(inquiry: Inquiry, done: bool, fates: Mapping[str, Odds] | None, audit: Audit | None) -> Report:
    """What one search says."""
    kernel, found = inquiry.kernel, tuple(answers(inquiry))
    left = any(answer.rule is compensation.RULE and answer.verdict is Verdict.REFUTED for answer in found)
    report = Report(kernel.name, found, _warnings(inquiry, not (done or left)), len(inquiry.graph.nodes))
    if audit is not None:
        _audited(inquiry, audit)
    if report.verdict is not Verdict.REFUTED:
        report = replace(report, horizons=_horizons(inquiry), odds=None if fates is None else _odds(inquiry, fates))
    return report


def _settled(report: Report) -> bool:
    """Whether all combinations would say the same: all is proved, and no run is known to end in time."""
    proved = all(answer.verdict is Verdict.PROVED for answer in report.answers)
    return proved and bool(report.horizons) and all(each.longest is None for each in report.horizons)


def _unbounded(found: Horizon) -> Horizon:
    """A horizon of a search that left combinations out: some of them may take longer."""
    return found if found.longest is None else Horizon(found.state, None, MANY, known=False)


def answers(inquiry: Inquiry) -> Iterator[Answer]:
    """Every answer about one flow, in the order of the checks, each when it is asked for."""
    for rule, ask in CHECKS:
        for answer in _asked(inquiry, rule, ask):
            yield _accepted(inquiry.kernel, answer)


def _asked(inquiry: Inquiry, rule: Rule, ask: Callable[[Inquiry], Iterable[Answer]]) -> Iterator[Answer]:
    """What a check answers; where time or memory run out before its end, that the rest is not known."""
    budget = inquiry.explorer.budget
    subject = f"the flow `{inquiry.kernel.name}`"
    try:
        budget.asks(rule.name)
        for answer in ask(inquiry):
            yield answer
            if inquiry.ledger is not None:
                inquiry.ledger.answered(answer)
            subject = f"what else there is in `{inquiry.kernel.name}`"
    except Exception as error:
        if not (why := budget.ran_out(error)):
            raise
        yield inquiry.unknown(rule, subject, inquiry.kernel.span, why, MORE)


def _audited(inquiry: Inquiry, audit: Audit) -> None:
    """Not where time or memory run out: the audit has nothing to show then."""
    budget = inquiry.explorer.budget
    try:
        budget.asks("what others can check")
        audit(inquiry)
    except Exception as error:
        if not budget.ran_out(error):
            raise


def _given_up(kernel: Kernel, rule: Rule, why: str) -> Answer:
    """What is answered where time or memory ran out before there was anything to look at."""
    message = f"it is not known whether `{rule.name}` holds of `{kernel.name}`: {why}"
    fixes = (Fix(MORE),)
    said = Diagnostic(rule, message, kernel.span, "could not be decided", fixes=fixes)
    return Answer(rule, f"`{kernel.name}`", Verdict.UNKNOWN, kernel.span, said, scope="what was examined")


def _warnings(inquiry: Inquiry, undoes: bool) -> tuple[Diagnostic, ...]:
    budget = inquiry.explorer.budget
    try:
        budget.asks("what never happens")
        return vacuity.warnings(inquiry, undoes)
    except Exception as error:
        if not budget.ran_out(error):
            raise
        return ()


def _horizons(inquiry: Inquiry) -> tuple[Horizon, ...]:
    budget = inquiry.explorer.budget
    try:
        budget.asks("the longest run")
        return horizons(inquiry)
    except Exception as error:
        if not budget.ran_out(error):
            raise
        return ()


def _odds(inquiry: Inquiry, fates: Mapping[str, Odds]) -> Odds | None:
    budget = inquiry.explorer.budget
    try:
        budget.asks("how likely it ends where")
        return odds(inquiry, fates)
    except Exception as error:
        if not (why := budget.ran_out(error)):
            raise
        return Odds(reason=why)


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
