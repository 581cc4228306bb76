"""What is said to the user: rules, and diagnostics that cite them. Rendering is `compiler.report`'s."""

from __future__ import annotations

from enum import StrEnum

from .source import Span
from .values import dataclass


class Severity(StrEnum):
    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Rule:
    """A stable code and kebab-case name, with the page that `penstock explain` prints.

    `page` is Markdown: what is wrong, why it matters, a small bad flow, the mended one.
    """

    code: str
    name: str
    summary: str
    page: str = ""


@dataclass(frozen=True, slots=True)
class Label:
    """A place in the text and at most eight words about it."""

    span: Span
    text: str


@dataclass(frozen=True, slots=True)
class Fix:
    """A mend: one sentence and, where it can be done by machine, the edits (span, new text).

    checked: what is known of the text with the edits, e.g. `with this edit the flow is sound`. trials: edits that may
    mend it, the likeliest first, none of which has been checked yet; nobody is shown them."""

    text: str
    edits: tuple[tuple[Span, str], ...] = ()
    safe: bool = False
    checked: str = ""
    trials: tuple[Fix, ...] = ()


class LaneKind(StrEnum):
    """Who takes part in a run, in the order of a picture's lanes."""

    OUTSIDE = "outside"  # who starts flows and sends events
    PEOPLE = "people"  # who does tasks
    CLOCK = "clock"
    FLOW = "flow"
    SERVICES = "services"  # what carries out activities


@dataclass(frozen=True, slots=True)
class Lane:
    """Somebody who takes part in a run. `name`: a role, an activity, a flow; empty for the clock."""

    kind: LaneKind
    name: str = ""


class SignalKind(StrEnum):
    CALL = "call"
    UNDO = "undo"
    TASK = "task"
    MESSAGE = "message"


@dataclass(frozen=True, slots=True)
class Signal:
    """What a step asks of somebody: a call, a compensation, a task, a message."""

    kind: SignalKind
    to: Lane
    text: str


class Rest(StrEnum):
    """What a step leads to."""

    STATE = "state"
    SUCCESS = "success"
    FAILURE = "failure"
    UNDOING = "undoing"
    REFUSED = "refused"  # nothing: it was rejected, or stopped with a fault


@dataclass(frozen=True, slots=True)
class TraceStep:
    """One step of a counterexample as shown to a person.

    trigger: what happened, e.g. `charge_card done("p")`; place: the configuration after it;
    changes: only what changed, e.g. `payment = "p"`; span: the line that made the step; at: the time since the step
    before, e.g. `+2d`. For pictures: by, whose step it is; flow, whom it happened to; sent, what that asked of others.
    """

    trigger: str
    place: str
    changes: tuple[str, ...] = ()
    span: Span | None = None
    at: str = ""
    by: Lane | None = None
    flow: str = ""
    sent: tuple[Signal, ...] = ()
    rest: Rest = Rest.STATE


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One finding. `span` None means the file as a whole (unreadable, empty)."""

    rule: Rule
    message: str
    span: Span | None
    label: str = ""
    severity: Severity = Severity.ERROR
    others: tuple[Label, ...] = ()
    why: tuple[str, ...] = ()
    trace: tuple[TraceStep, ...] = ()
    fixes: tuple[Fix, ...] = ()
    note: str = ""
