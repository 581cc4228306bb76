"""F203: can a call use up its attempts before a timer around it ends the wait?

Attempts times timeout and the waits between are held against every timer of a written length that leaves the state, its
own, those of the states around it and the deadline, as long as it is armed. A sub-flow has its own worst case, where
that is known: refuted only if it takes so long in a run that was played when it was checked, whatever it is given.
"""

from __future__ import annotations

from collections.abc import Iterator, Set

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
    subject, needed = f"`{leaf.name}`", shown(longest * MICRO, DurationType())
    calling: dict[tuple[bool, frozenset[str]], None] = {}
    for node in inquiry.nodes(leaf.name):
        key = node.real, node.control.timers
        if key not in calling and any(each == leaf.name for each, *_ in node.control.running):
            calling[key] = None
    rooms = [_room(inquiry, leaf, timers, longest) for _, timers in calling]
    seen = rooms[: sum(real for real, _ in calling)]
    shortest, timer = max(seen, key=_time, default=(0, None))
    if shortest >= longest or (inquiry.graph.complete and not calling):
        room = (
            "it never waits"
            if not calling
            else "no timer ends the wait"
            if timer is None
            else f"{shown(shortest * MICRO, DurationType())} are left for them"
        )
        witness = f"its attempts take {needed} at the most, and {room}"
        return Answer(RULE, subject, Verdict.PROVED, leaf.span, scope="the text", witness=witness, vacuous=not calling)
    if not inquiry.graph.complete:
        rooms = [_room(inquiry, leaf, {each.id for each in leaf.timers}, longest)]  # these are armed in any case
    shortest, timer = max(rooms, key=_time)
    if timer is None or shortest >= longest or not seen:
        reason = f"whether a run enters `{leaf.name}`" + (" where no shorter timer is armed" if seen else "")
        reason += " is not known"
        return inquiry.unknown(RULE, subject, leaf.span, reason, "make the timers longer, or accept it with a reason")
    given = shown(shortest * MICRO, DurationType())
    if child is not None and not child.always:
        reason = (
            f"`{call.activity}` takes no longer than {needed}, and whether it ever takes more than {given} is not known"
        )
        return inquiry.unknown(RULE, subject, leaf.span, reason, "make the timer longer, or accept it with a reason")
    finding = _spent(call, needed, given, leaf) if child is None else _withdrawn(call, needed, given, leaf)
    ended = replace(finding, others=(Label(timer.span, "ends the wait before"),))
    return inquiry.refuted(RULE, subject, leaf.span, ended)


def _room(inquiry: Inquiry, leaf: Leaf, armed: Set[str], longest: int) -> tuple[int, Timer | None]:
    """The shortest of the armed timers that end the wait in a leaf. That of a state around it, or the deadline, may
    have fired before it is entered."""
    ends = ((inquiry.explorer.clock.length(timer.id), timer) for timer in _ending(inquiry.kernel, leaf))
    known = ((length, timer) for length, timer in ends if length is not None and timer.id in armed)
    return min(known, key=_time, default=(longest, None))


def _time(room: tuple[int, Timer | None]) -> int:
    return room[0]


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
