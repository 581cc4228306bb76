"""F203: can a call use up its attempts before a timer around it ends the wait?

Read off the text: attempts times timeout and the waits between are held against every timer of a written length that
leaves the state: its own, those of the states around it, and the deadline.
"""

from __future__ import annotations

from collections.abc import Iterator

from ...dsl.diagnostics import Fix, Label, Rule
from ...dsl.model import DurationType
from ..evaluate import shown
from ..kernel import Kernel, Leaf, On, Stay, Timer, TriggerKind
from .inquiry import Finding, Inquiry
from .latest import MICRO, answering
from .verdict import Answer, Verdict

RULE = Rule(
    "F203",
    "budget-exceeds-timeout",
    "A call cannot use up its attempts before a timer ends the wait.",
    """\
`retry 5` promises five attempts. Where a timer around the call is shorter than they take with the waits between, the
last of them are never made.

```flow
flow Fetch version 1 {
  activity load() -> text { timeout 1m retry 5 backoff 1m..5m readonly }
  start -> Loading
  state Loading {
    do load()
    on done(_)  -> Loaded
    on failed   -> Given
    after 10m   -> Given
  }
  final Loaded
  final Given
}
```

Five attempts of a minute, and the eleven minutes between them, do not fit in ten. Mended:

```flow
flow Fetch version 1 {
  activity load() -> text { timeout 1m retry 3 backoff 1m..5m readonly }
  start -> Loading
  state Loading {
    do load()
    on done(_)  -> Loaded
    on failed   -> Given
  }
  final Loaded
  final Given
}
```
""",
)


def check(inquiry: Inquiry) -> Iterator[Answer]:
    for leaf in inquiry.kernel.leaves:
        if leaf.call is not None and inquiry.entered[leaf.name]:
            activity = inquiry.kernel.activity[leaf.call.activity]
            longest = answering(activity)
            if longest is not None:
                yield _of_leaf(inquiry, leaf, longest)


def _of_leaf(inquiry: Inquiry, leaf: Leaf, longest: int) -> Answer:
    clock = inquiry.explorer.clock
    subject = f"`{leaf.name}`"
    ending = [(clock.length(timer.id), timer) for timer in _ending(inquiry.kernel, leaf)]
    known = ((length, timer) for length, timer in ending if length is not None)
    shortest, timer = min(known, key=lambda end: end[0], default=(longest, None))
    if timer is None or shortest >= longest or leaf.call is None:
        most = shown(longest * MICRO, DurationType())
        room = (
            "no timer ends the wait"
            if timer is None
            else f"{shown(shortest * MICRO, DurationType())} are left for them"
        )
        witness = f"its attempts take {most} at the most, and {room}"
        return Answer(RULE, subject, Verdict.PROVED, leaf.span, scope="the text", witness=witness)
    needed, given = (shown(time * MICRO, DurationType()) for time in (longest, shortest))
    finding = Finding(
        f"the attempts of `{leaf.call.activity}` take up to {needed}, and `{leaf.name}` is left after {given}",
        leaf.call.span,
        f"may take {needed}",
        others=(Label(timer.span, "ends the wait before"),),
        why=("attempts times timeout, and the waits between them, do not fit: the last attempts are never made.",),
        fixes=(Fix("fewer attempts, shorter timeouts, or a longer timer"),),
    )
    return inquiry.refuted(RULE, subject, leaf.span, finding)


def _ending(kernel: Kernel, leaf: Leaf) -> Iterator[Timer]:
    """The timers, of a leaf and what is around it, that may end its wait."""
    for name in kernel.above(leaf.name):
        for timer in kernel.place[name].timers:
            commands = kernel.answering.get((name, On(TriggerKind.TIMER, timer.id)), ())
            if any(not isinstance(command.target, Stay) for command in commands):
                yield timer
