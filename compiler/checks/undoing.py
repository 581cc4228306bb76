"""F104: can a compensation be started, or does one of its arguments read what is none?

Its arguments are evaluated when it is started, at the end of a step or between two; that step faults then, again and
again, and the compensation never gets on. That they can be evaluated follows from their types (`arguments`); or, where
it hangs on whether the call is done, from a search in which none was started so. What else it hangs on is unknown,
unless a run has faulted there. F401 and F403 ask alike for what is out of range there, or divides by zero.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import partial

from ...dsl.diagnostics import Fix, Rule, TraceStep
from ...dsl.model import Compensation
from ...dsl.source import Span
from ...dsl.values import replace
from ..evaluate import Fault
from ..instance import Rejected
from ..kernel import Undo
from ..simulate import step
from .arguments import Owed
from .graph import Arrival, Faulted, Node
from .inquiry import Finding, Inquiry
from .moves import MoveKind
from .passages import Fan
from .verdict import Answer, Witness

RULE = Rule(
    "F104",
    "compensation-reads-unset",
    "A compensation needs a value that may be none.",
    """\
A compensation also undoes calls of which nobody knows whether they have happened: then `result` is none. If one of its
arguments needs it, the compensation cannot be started, and what stands stays.

```flow
flow Sale version 1 {
  activity charge() -> int { retry 2 backoff 1s..2s fails declined compensate refund(result + 0) }
  start -> Charging
  state Charging {
    do charge()
    on done(_)  -> Charged
    on declined -> Failed
    on failed   -> compensate -> Failed
  }
  final Charged
  final failure Failed
}
```

When the call times out there is no number to refund. Mended: hand on `result` as it is; whoever undoes the call finds
it by its key, which comes along.

```flow
flow Sale version 1 {
  activity charge() -> int { retry 2 backoff 1s..2s fails declined compensate refund(result) }
  start -> Charging
  state Charging {
    do charge()
    on done(_)  -> Charged
    on declined -> Failed
    on failed   -> compensate -> Failed
  }
  final Charged
  final failure Failed
}
```
""",
)

UNSET = "F402"
"""What the interpreter stops with there."""

BALKS = "a compensation may stop with a fault, which F104 tells of"
MENDED = "mend what the compensation is handed first"


def check(inquiry: Inquiry) -> Iterator[Answer]:
    return arguments(inquiry, RULE, UNSET, _finding)


def _finding(text: str, span: Span) -> Finding:
    return Finding(
        f"a compensation needs `{text}`, which can be none",
        span,
        "none for some runs",
        why=("the step that starts it would stop here with a fault, and what stands would never be undone.",),
        fixes=(Fix(f"hand it on as it is, or say what to take instead:  `if {text} is some then {text} else …`"),),
    )


def doubtful(inquiry: Inquiry) -> bool:
    """Whether a compensation may stop with a fault: then what it is said to come to need not be come to."""
    return any(not _kept(inquiry, each) for each in inquiry.explorer.owed)


def stoppable(inquiry: Inquiry, node: Node, untried: Iterable[Fan] = ()) -> bool:
    """Whether a step out of a node may stop with such a fault. untried: what it would do that never had its turn."""
    tried = (part for reaction in node.reactions for part in reaction.parts)
    return (_undoes(tried) and doubtful(inquiry)) or (
        not all(each.safe for each in inquiry.explorer.owed) and _undoes(untried)
    )


def _undoes(parts: Iterable[Fan]) -> bool:
    return any(isinstance(passage.target, Undo) for part in parts for passage in part.passages)


def _kept(inquiry: Inquiry, owed: Owed) -> bool:
    """Whether an argument has what it needs wherever it is evaluated, if the graph is complete."""
    return owed.safe or (owed.decided and (owed.code, owed.span) not in inquiry.attempts.balked)


def arguments(inquiry: Inquiry, rule: Rule, code: str, finding: Callable[[str, Span], Finding]) -> Iterator[Answer]:
    """One answer for each place in an argument of a compensation that owes something; finding: of the text there."""
    for each in inquiry.explorer.owed:
        if each.code == code:
            text = " ".join(inquiry.kernel.source.slice(each.span).split())
            subject = f"`{text}` on line {inquiry.kernel.source.line(each.span)}"
            if _kept(inquiry, each):
                yield inquiry.proved(rule, subject, each.span, partial(_undone, inquiry, each.span))
            else:
                yield _faulted(inquiry, rule, code, subject, each.span, finding(text, each.span))


def _undone(inquiry: Inquiry, span: Span) -> Witness:
    """A run with the compensation that an argument belongs to."""
    effects = ((each.name, each.effect) for each in inquiry.kernel.activities)
    undone = ((name, effect.values) for name, effect in effects if isinstance(effect, Compensation))
    written = ((name, value.span) for name, values in undone for value in values)
    name = next(name for name, given in written if given.start <= span.start and span.end <= given.end)
    edges = (edge for edge in inquiry.graph.ran if edge.move.kind is MoveKind.UNDONE)
    runs = (edge for edge in edges if edge.move.name.partition("#")[0] == name)
    return inquiry.seen(runs, f"undoes `{name}`", f"no run that undoes `{name}` was found")


def _faulted(inquiry: Inquiry, rule: Rule, code: str, subject: str, span: Span, finding: Finding) -> Answer:
    """Refuted by the shortest run that has faulted there and can be replayed."""
    trace = faulted(inquiry, code, span)
    if trace is not None:
        return inquiry.refuted(rule, subject, span, finding, trace)
    return inquiry.unknown(rule, subject, span, "it is only safe for some arguments and results of the call")


def faulted(inquiry: Inquiry, code: str, span: Span) -> tuple[TraceStep, ...] | None:
    """The shortest run that has faulted somewhere and can be replayed, with the step that it faults in."""
    faults = [fault for fault in inquiry.attempts.faults if (fault.code, fault.span) == (code, span)]
    for fault in sorted(faults, key=lambda fault: fault.attempt.length):
        before = fault.attempt.before
        replayed = None if before is None else inquiry.tracer.replayed(before, partial(_faults, inquiry, fault))
        tried = None if replayed is None else _tried(inquiry, fault, replayed)
        if replayed is not None and tried is not None:
            return (*inquiry.tracer.tell(replayed), inquiry.last_step(tried))
    return None


def _faults(inquiry: Inquiry, fault: Faulted, at: Arrival) -> bool:
    return _tried(inquiry, fault, at) is not None


def _tried(inquiry: Inquiry, fault: Faulted, at: Arrival) -> Arrival | None:
    """The last step of a run that faulted, tried again from where it was replayed; None: it does not fault."""
    trigger, actor = fault.attempt.trigger, fault.attempt.actor
    if trigger is None:
        return None
    now = max(fault.attempt.now, at.now)
    try:
        step(inquiry.kernel, at.instance, trigger, actor, now)
    except Fault as found:
        if (found.code, found.span) == (fault.code, fault.span):
            return replace(fault.attempt, before=at, instance=at.instance, now=now)
    except Rejected:
        pass
    return None
