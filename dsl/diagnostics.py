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
    """A mend: one sentence and, where it can be done by machine, the edits (span, new text)."""

    text: str
    edits: tuple[tuple[Span, str], ...] = ()
    safe: bool = False


@dataclass(frozen=True, slots=True)
class TraceStep:
    """One step of a counterexample as shown to a person.

    trigger: what happened, e.g. `charge_card done("p")`; place: the configuration after it;
    changes: only what changed, e.g. `payment = "p"`; span: the line that made the step.
    """

    trigger: str
    place: str
    changes: tuple[str, ...] = ()
    span: Span | None = None
    at: str = ""


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
