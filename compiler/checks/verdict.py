"""What a check answers: refuted, unknown or proved, for one subject."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import IntEnum

from ...dsl.diagnostics import Diagnostic, Rule
from ...dsl.source import Span


class Verdict(IntEnum):
    """Ordered, so that the verdict of a run is the minimum of its answers."""

    REFUTED = 0
    UNKNOWN = 1
    PROVED = 2


@dataclass(frozen=True, slots=True)
class Answer:
    """One check's answer about one subject (a state, a transition, a property, the flow).

    diagnostic: always there when refuted (its trace was replayed) or unknown (it says which obligation stayed open,
    what was tried, and what would help), absent when proved. accepted: the reason of an `accept` that covers it.
    scope: what the answer covers, e.g. "all 23 configurations", "to depth 12"; witness: for a proof, the run or place
    that shows it is not vacuous, or empty where the check has no premise.
    """

    rule: Rule
    subject: str
    verdict: Verdict
    span: Span
    diagnostic: Diagnostic | None = None
    accepted: str | None = None
    scope: str = ""
    witness: str = ""


@dataclass(frozen=True, slots=True)
class Horizon:
    """How long a run takes at the longest, from a state on, or (`state` empty) from the start. `longest` None: without
    end, and `reason` says why. Time parked with an operator is not counted."""

    state: str
    longest: timedelta | None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Mutants:
    """What became of the small changes of a flow: how many there are, by whom they are noticed first, how many are
    proved to change nothing, and how many nobody notices, could not be decided, or were not tried in time."""

    made: int
    language: int
    checks: int
    properties: int
    scenarios: int
    equivalent: int
    survivors: int
    open: int
    untried: int


@dataclass(frozen=True, slots=True)
class Report:
    """Every answer about one flow, in the order of the checks, the warnings (F7xx), how much was looked at, and of a
    flow in which nothing was refuted how long its runs take: the flow's own horizon first, then those of its states.
    mutants: where they were asked for."""

    flow: str
    answers: tuple[Answer, ...]
    warnings: tuple[Diagnostic, ...] = ()
    configurations: int = 0
    horizons: tuple[Horizon, ...] = ()
    mutants: Mutants | None = None

    @property
    def verdict(self) -> Verdict:
        return min((a.verdict for a in self.answers if a.accepted is None), default=Verdict.PROVED)
