"""What a check answers: refuted, unknown or proved, for one subject."""

from __future__ import annotations

from datetime import timedelta
from enum import IntEnum

from ...dsl.diagnostics import Diagnostic, Rule, TraceStep
from ...dsl.source import Span
from ...dsl.values import dataclass
from .fate import Range

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
class Leg:
    """A step of a run as it is told, when it comes since the start, how long it was waited for, and why so long."""

    step: TraceStep
    at: timedelta
    took: timedelta
    why: str = ""


@dataclass(frozen=True, slots=True)
class Horizon:
    """How long a run takes at the longest, from a state on, or (`state` empty) from the start. `longest` None: without
    end, or if not `known` perhaps not, and `reason` says why. Time parked with an operator is not counted.

    found: the longest that a run was found to take, by replaying it; None: none was found. legs, of the flow's own:
    that run, or if there is no bound one that comes to where it may wait, or go round, for ever. always, of the flow's
    own: a run takes as long whatever the inputs."""

    state: str
    longest: timedelta | None
    reason: str = ""
    found: timedelta | None = None
    legs: tuple[Leg, ...] = ()
    known: bool = True
    always: bool = False

    @property
    def exact(self) -> bool:
        """Whether a run takes as long as the bound says."""
        return self.longest is not None and self.found == self.longest


@dataclass(frozen=True, slots=True)
class End:
    """A final, and how likely a run ends there."""

    final: str
    chance: Range


@dataclass(frozen=True, slots=True)
class Effort:
    """How many calls of an activity, or of a compensation, a run makes on average, and how many attempts in all."""

    name: str
    calls: Range
    attempts: Range


@dataclass(frozen=True, slots=True)
class Odds:
    """How likely runs end where, from the rates that are stated: the least and the most, whatever is `left` open (what
    people do, what comes first, data). failing: that it ends in any `final failure`; never: that it does not end.

    unrated: failures without a rate, which are taken not to happen. reason: why it is not known, if it is not; then
    there is nothing else."""

    ends: tuple[End, ...] = ()
    failing: Range | None = None
    never: Range | None = None
    efforts: tuple[Effort, ...] = ()
    left: tuple[str, ...] = ()
    unrated: tuple[str, ...] = ()
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
    cut: a limit of time or memory was met, so another run may say more. mutants: where they were asked for."""

    flow: str
    answers: tuple[Answer, ...]
    warnings: tuple[Diagnostic, ...] = ()
    configurations: int = 0
    horizons: tuple[Horizon, ...] = ()
    cut: bool = False
    odds: Odds | None = None  # where they were asked for, of a flow in which nothing was refuted
    mutants: Mutants | None = None

    @property
    def verdict(self) -> Verdict:
        return min((a.verdict for a in self.answers if a.accepted is None), default=Verdict.PROVED)
