"""F711 to F713: what is written and never matters, though nothing is wrong with it. An Inquiry in, warnings out.

Read off the closed graph, so only where it is closed, and only where nothing is left that no run enters: that is the
cause then.
"""

from __future__ import annotations

from collections.abc import Iterator

from ...dsl.diagnostics import Diagnostic, Fix, Rule, Severity
from ...dsl.model import Always, Compensation, LeadsTo
from ...dsl.source import Span
from ..kernel import Choice, Place
from ..trace import source
from .claims import occurs, premises
from .explaining import Explaining
from .forks import meetings
from .inquiry import Inquiry
from .moves import MoveKind

UNDOES_NOTHING = Rule(
    "F711",
    "idle-compensation",
    "An activity is done, and no run ever undoes it.",
    """\
Somebody has to write the compensation, test it and keep it working, and it is never called. Most often a way out was
meant to compensate and does not.

```flow
flow Sale version 1 {
  activity charge() -> text { retry 3 backoff 1s..9s then park  fails declined  compensate refund(result) }
  start -> Charging
  state Charging {
    do charge()
    on done(_)  -> Sold
    on declined -> Failed
  }
  final Sold
  final failure Failed
}
```

`charge` either succeeds, and the sale is over, or is declined, and there is nothing to undo. It can be given back here:

```flow
flow Sale version 1 {
  event withdraw
  activity charge() -> text { retry 3 backoff 1s..9s then park  fails declined  compensate refund(result) }
  start -> Charging
  state Charging {
    do charge()
    on done(_)  -> Charged
    on declined -> Failed
  }
  state Charged {
    on withdraw -> compensate -> Failed
    after 14d   -> Sold
  }
  final Sold
  final failure Failed
}
```

It is not said of a flow that others do, or that has outputs: they may undo it as a whole.
""",
)

NEVER_FALSE = Rule(
    "F712",
    "idle-guard",
    "A guard that is never false where it is asked.",
    """\
A guard suggests that something else may happen. Where nothing else can, it misleads whoever reads the flow.

```flow
flow Rating version 1 {
  event rate(stars: int 1..5)
  start -> Open
  state Open {
    on rate(stars) when stars > 0 -> Rated
    after 7d                      -> Silent
  }
  final Rated
  final Silent
}
```

There are no ratings without a star. Leave the guard out, or let the range say what was meant:

```flow
flow Rating version 1 {
  event rate(stars: int 1..5)
  start -> Open
  state Open {
    on rate(_) -> Rated
    after 7d   -> Silent
  }
  final Rated
  final Silent
}
```
""",
)

ABOUT_NOTHING = Rule(
    "F713",
    "vacuous-property",
    "A property that holds only because what it is about never happens.",
    """\
`A implies B` is true where A is not, and `A leads to B` says nothing of runs that never come to A. Where no run does,
the property is proved, and protects nobody.

```flow
flow Order version 1 {
  input { total: int 1..500 }
  data { approved: bool = false }
  event approve
  start -> Open
  state Open {
    on approve { approved = true } -> Closed
    after 7d                       -> Closed
  }
  final Closed
  always total > 1000 implies not in Closed or approved
}
```

No total is above 500. Mended:

```flow
flow Order version 1 {
  input { total: int 1..500 }
  data { approved: bool = false }
  event approve
  start -> Limit
  choice Limit {
    when total > 100 -> Open
    else             -> Closed
  }
  state Open {
    on approve { approved = true } -> Closed
    after 7d                       -> Rejected
  }
  final Closed
  final Rejected
  always total > 100 and in Closed implies approved
}
```
""",
)

RULES = (UNDOES_NOTHING, NEVER_FALSE, ABOUT_NOTHING)


def warnings(inquiry: Inquiry, undoes: bool = True) -> tuple[Diagnostic, ...]:
    """undoes: whether all undoing is to be seen here: no other flow may undo this one, and no effect is left standing
    by mistake (F101), which is the cause then."""
    kernel = inquiry.kernel
    places: tuple[Place | Choice, ...] = (*kernel.leaves, *kernel.scopes[1:], *kernel.choices)
    if not inquiry.graph.complete or not all(inquiry.entered[place.name] for place in places):
        return ()
    idle = _compensations(inquiry) if undoes and not kernel.outputs else ()
    return (*idle, *_guards(inquiry), *_properties(inquiry))


def _warning(rule: Rule, message: str, span: Span, label: str, why: tuple[str, ...], help: str) -> Diagnostic:
    return Diagnostic(rule, message, span, label, Severity.WARNING, why=why, fixes=(Fix(help),))


def _compensations(inquiry: Inquiry) -> Iterator[Diagnostic]:
    kernel = inquiry.kernel
    sorts = inquiry.abstraction.sorts  # where the search took some for one, what it says of one is said of all
    edges = (way for way in inquiry.graph.ways if way.move.kind is MoveKind.UNDONE)
    undone = {sorts[edge.move.name.partition("#")[0]] for edge in edges}
    called = {leaf.call.activity for leaf in kernel.leaves if leaf.call is not None}
    for activity in kernel.activities:
        effect = activity.effect
        if (
            isinstance(effect, Compensation)
            and not activity.flow
            and activity.name in called
            and sorts[activity.name] not in undone
        ):
            yield _warning(
                UNDOES_NOTHING,
                f"no run ever undoes `{activity.name}`, so `{effect.name}` is never called",
                effect.span,
                "never called",
                ("no way out compensates while its effect stands.",),
                "compensate where a run turns back after it",
            )


def _guards(inquiry: Inquiry) -> Iterator[Diagnostic]:
    kernel, guards = inquiry.kernel, inquiry.kernel.guards
    for group in meetings(inquiry, lambda fork: any(span in guards for span, _ in fork.guards)).values():
        written = {span for meeting in group for span, _ in meeting.fork.guards}
        guard = guards.get(next(iter(written))) if len(written) == 1 else None
        if guard is None or any(meeting.fork.others for meeting in group):
            continue
        if not any(inquiry.possible(meeting.node, meeting.fork.stuck) for meeting in group):
            yield _warning(
                NEVER_FALSE,
                f"`{source(kernel, guard)}` is never false when it is asked",
                guard.span,
                "always true here",
                ("nothing else is written for when it is false, and it never is.",),
                "leave the guard out",
            )


def _properties(inquiry: Inquiry) -> Iterator[Diagnostic]:
    explaining = Explaining(inquiry)
    for claim in inquiry.kernel.properties:
        about = premises(claim) if isinstance(claim, Always) else ()
        if isinstance(claim, LeadsTo) and claim.trigger is not None:
            about = (claim.trigger,)
        for part in about:
            if not occurs(inquiry, part):
                text, whole = source(inquiry.kernel, part), inquiry.kernel.source.slice(claim.span)
                why = explaining.because.reached(part, "", claim.span)
                yield Diagnostic(
                    ABOUT_NOTHING,
                    f"`{' '.join(whole.split())}` says nothing, for `{text}` is never so",
                    part.span,
                    "never so",
                    Severity.WARNING,
                    others=() if why is None else why.labels,
                    why=("no configuration a run can rest in is so.",) if why is None else why.lines,
                    fixes=(Fix("say what was meant, or leave the property out"),),
                )
                break
