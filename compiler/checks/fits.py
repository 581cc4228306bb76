"""F203: can a call use up its attempts before a timer around it ends the wait?

Read off the text: attempts times timeout and the waits between are held against every timer of a written length that
leaves the state: its own, those of the states around it, and the deadline. A sub-flow has its own worst case, where
that is known: refuted only if it takes so long in a run that was played when it was checked, whatever it is given.
"""

from __future__ import annotations

from collections.abc import Iterator

from ...dsl.diagnostics import Fix, Label, Rule
from ...dsl.model import ActivityCall, DurationType
from ...dsl.values import replace
from ..evaluate import shown
from ..kernel import Kernel, Leaf, On, Stay, Timer, TriggerKind
from .inquiry import Finding, Inquiry
from .latest import MICRO, answering
from .verdict import Answer, Horizon, Verdict

RULE = Rule(
    "F203",
    "budget-exceeds-timeout",
    "A call cannot use up its attempts before a timer ends the wait.",
    """\
`retry 5` promises five attempts. Where a timer around the call is shorter than they take with the waits between, the
last of them are never made. A sub-flow that may take longer than a timer around it is withdrawn before its own time is
up, in the same way.

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
            child = inquiry.children.get(activity.name) if activity.flow else None
            needed = answering(activity)
            if child is not None and child.longest is not None:
                needed = child.longest // MICRO
            if needed is not None:
                yield _of_leaf(inquiry, leaf, leaf.call, needed, child)


def _of_leaf(inquiry: Inquiry, leaf: Leaf, call: ActivityCall, longest: int, child: Horizon | None) -> Answer:
    clock = inquiry.explorer.clock
    subject = f"`{leaf.name}`"
    ending = [(clock.length(timer.id), timer) for timer in _ending(inquiry.kernel, leaf)]
    known = ((length, timer) for length, timer in ending if length is not None)
    shortest, timer = min(known, key=lambda end: end[0], default=(longest, None))
    if timer is None or shortest >= longest:
        most = shown(longest * MICRO, DurationType())
        room = (
            "no timer ends the wait"
            if timer is None
            else f"{shown(shortest * MICRO, DurationType())} are left for them"
        )
        witness = f"its attempts take {most} at the most, and {room}"
        return Answer(RULE, subject, Verdict.PROVED, leaf.span, scope="the text", witness=witness)
    needed, given = (shown(time * MICRO, DurationType()) for time in (longest, shortest))
    if child is not None and not child.always:
        reason = (
            f"`{call.activity}` takes no longer than {needed}, and whether it ever takes more than {given} is not known"
        )
        return inquiry.unknown(RULE, subject, leaf.span, reason, "make the timer longer, or accept it with a reason")
    finding = _spent(call, needed, given, leaf) if child is None else _withdrawn(call, needed, given, leaf)
    ended = replace(finding, others=(Label(timer.span, "ends the wait before"),))
    return inquiry.refuted(RULE, subject, leaf.span, ended)


def _spent(call: ActivityCall, needed: str, given: str, leaf: Leaf) -> Finding:
    return Finding(
        f"the attempts of `{call.activity}` take up to {needed}, and `{leaf.name}` is left after {given}",
        call.span,
        f"may take {needed}",
        why=("attempts times timeout, and the waits between them, do not fit: the last attempts are never made.",),
        fixes=(Fix("fewer attempts, shorter timeouts, or a longer timer"),),
    )


def _withdrawn(call: ActivityCall, needed: str, given: str, leaf: Leaf) -> Finding:
    return Finding(
        f"`{call.activity}` takes up to {needed}, and `{leaf.name}` is left after {given}",
        call.span,
        f"may take {needed}",
        why=(
            f"the longest run of `{call.activity}` takes {needed}: it would be withdrawn before it comes to its end.",
        ),
        fixes=(Fix(f"shorter waits in `{call.activity}`, or a longer timer"),),
    )


def _ending(kernel: Kernel, leaf: Leaf) -> Iterator[Timer]:
    """The timers, of a leaf and what is around it, that may end its wait."""
    for name in kernel.above(leaf.name):
        for timer in kernel.place[name].timers:
            commands = kernel.answering.get((name, On(TriggerKind.TIMER, timer.id)), ())
            if any(not isinstance(command.target, Stay) for command in commands):
                yield timer
