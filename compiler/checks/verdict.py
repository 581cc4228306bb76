"""What a check answers: refuted, unknown or proved, for one subject."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import IntEnum

from ...dsl.diagnostics import Diagnostic, Rule
from ...dsl.source import Span

HELD_UP = "an event that had to wait may be refused when it is handled, and hold up what leads there"
"""Why it is unknown whether something goes on, where F007 or F401 to F403 tell the cause."""


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
    scope: what the answer covers, e.g. "all 23 configurations", "to depth 12"; witness: of every proof, the run or fact
    that shows what it is about; vacuous: no run ever comes to what it is about, and the witness says so.
    """

    rule: Rule
    subject: str
    verdict: Verdict
    span: Span
    diagnostic: Diagnostic | None = None
    accepted: str | None = None
    scope: str = ""
    witness: str = ""
    vacuous: bool = False


@dataclass(frozen=True, slots=True)
class Witness:
    """What shows that a proof is about something; or, if it is `vacuous`, what never happens."""

    text: str
    vacuous: bool = False


@dataclass(frozen=True, slots=True)
class Horizon:
    """How long a run takes at the longest, from a state on, or (`state` empty) from the start. `longest` None: without
    end, and `reason` says why. Time parked with an operator is not counted."""

    state: str
    longest: timedelta | None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Report:
    """Every answer about one flow, in the order of the checks, the warnings (F7xx), how much was looked at, and of a
    flow in which nothing was refuted how long its runs take: the flow's own horizon first, then those of its states."""

    flow: str
    answers: tuple[Answer, ...]
    warnings: tuple[Diagnostic, ...] = ()
    configurations: int = 0
    horizons: tuple[Horizon, ...] = ()

    @property
    def verdict(self) -> Verdict:
        return min((a.verdict for a in self.answers if a.accepted is None), default=Verdict.PROVED)
