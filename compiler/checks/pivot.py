"""F102: does a run fail, or compensate, when something irreversible may have happened?

A `final failure` must not be entered, and a compensation not pass, while an entry of an irreversible activity is on the
log: done, or perhaps done. Asked of the log in every reachable configuration and at every compensation that starts.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

from ...dsl.diagnostics import Fix, Label, Rule
from ...dsl.model import Activity, Effect
from ..instance import Entry, Instance
from ..kernel import LeafKind, Undo
from .edges import some
from .graph import Arrival
from .inquiry import MOST_PLAYED, Finding, Inquiry
from .moves import MoveKind
from .passages import begun
from .verdict import Answer, Witness
from .whose import Whose

RULE = Rule(
    "F102",
    "failure-after-pivot",
    "A run fails or compensates when something irreversible may have happened.",
    """\
Once something irreversible may have happened, a flow can only go forward: what came before it cannot be undone
without it.

```flow
flow Dispatch version 1 {
  event recall
  activity reserve() -> text { retry 2 backoff 1s..2s compensate release(result) }
  activity ship() -> text { retry 9 backoff 1m..1h then park irreversible }
  start -> Reserving
  state Reserving {
    do reserve()
    on done(_) -> Shipping
    on failed  -> compensate -> Failed
  }
  state Shipping {
    do ship()
    on done(_) -> Shipped
    on recall  -> compensate -> Failed
  }
  final Shipped
  final failure Failed
}
```

When the recall comes the parcel may be on its way. Mended:

```flow
flow Dispatch version 1 {
  event recall
  activity reserve() -> text { retry 2 backoff 1s..2s compensate release(result) }
  activity ship() -> text { retry 9 backoff 1m..1h then park irreversible }
  start -> Reserving
  state Reserving {
    do reserve()
    on done(_) -> Shipping
    on failed  -> compensate -> Failed
    on recall  -> compensate -> Failed
  }
  state Shipping {
    do ship()
    on done(_) -> Shipped
    ignore recall
  }
  final Shipped
  final failure Failed
}
```
""",
)


def check(inquiry: Inquiry) -> Iterator[Answer]:
    kernel = inquiry.kernel
    for leaf in kernel.leaves:
        if leaf.kind is LeafKind.FAILURE and inquiry.entered[leaf.name]:
            left = partial(_left, inquiry)
            arrivals = [node.arrivals[0] for node in inquiry.nodes(leaf.name) if left(node.arrivals[0])]
            found = partial(_failed, inquiry)
            yield inquiry.by_run(
                RULE, f"`{leaf.name}`", leaf.span, arrivals, left, found, partial(_failing, inquiry, leaf.name)
            )
    for activity in kernel.activities:
        if activity.effect is Effect.IRREVERSIBLE:
            yield _passed_over(inquiry, activity)


def _failing(inquiry: Inquiry, final: str) -> Witness:
    pivots = [activity.name for activity in inquiry.kernel.activities if activity.effect is Effect.IRREVERSIBLE]
    before = f"before `{pivots[0]}` can have happened" if len(pivots) == 1 else "before anything irreversible"
    return inquiry.enters(final, f"fails in `{final}`, {before if pivots else 'and nothing is irreversible here'}")


def _spared(inquiry: Inquiry, activity: Activity) -> Witness:
    """A run that compensates, which is before the activity can have happened; else one that does the activity."""
    undoing = some(inquiry.graph, lambda way: bool(begun(inquiry.kernel, way.taken)))
    seen = inquiry.seen(undoing, f"compensates, before `{activity.name}` can have happened", "")
    if not seen.vacuous:
        return seen
    leaves = (leaf.name for leaf in inquiry.kernel.leaves if leaf.call and leaf.call.activity == activity.name)
    runs = [edge for name in leaves for edge in inquiry.entered[name].soonest(MOST_PLAYED)]
    return inquiry.seen(runs, f"does `{activity.name}`, and no run compensates", f"no run does `{activity.name}`")


def _irreversible(inquiry: Inquiry, log: Sequence[Entry]) -> list[Entry]:
    return [entry for entry in log if inquiry.kernel.activity[entry.activity].effect is Effect.IRREVERSIBLE]


def _left(inquiry: Inquiry, arrival: Arrival) -> bool:
    return bool(_irreversible(inquiry, arrival.instance.log))


def _failed(inquiry: Inquiry, arrival: Arrival) -> Finding:
    kernel = inquiry.kernel
    final = kernel.leaf[arrival.instance.configuration[0]]
    entry = _irreversible(inquiry, arrival.instance.log)[-1]
    return Finding(
        f"the run fails in `{final.name}` although `{entry.activity}` may have happened",
        inquiry.way_in(arrival, final.span),
        "fails after the pivot",
        others=(Label(kernel.activity[entry.activity].span, "cannot be undone"),),
        why=(f"`{entry.activity}` is irreversible: once it may have run, the flow can only go forward.",),
        fixes=(Fix("lead on to a success, or move the pivot later"),),
    )


def _passed_over(inquiry: Inquiry, activity: Activity) -> Answer:
    """Whether a compensation starts while an entry of the activity lies above the mark it goes down to. Where the
    search does not tell it from others, a run stands for theirs: then it is asked whether it may be this one. No
    step is spared that starts one while something irreversible is on the log."""

    def shows(arrival: Arrival) -> bool:
        return activity.name in _undone(inquiry, arrival)

    def finding(arrival: Arrival) -> Finding:
        return Finding(
            f"a compensation starts although `{activity.name}` may have happened",
            inquiry.way_in(arrival, activity.span),
            "cannot undo it",
            others=(Label(activity.span, "cannot be undone"),),
            why=(f"`{activity.name}` is irreversible: what came before it must not be undone any more.",),
            fixes=(Fix("go forward instead, or move the pivot later"),),
        )

    arrivals = _alike(inquiry, activity)
    known = [arrival for arrival in arrivals if shows(arrival)] or _of_its_own(inquiry, activity, arrivals)
    return inquiry.by_run(
        RULE, f"`{activity.name}`", activity.span, known, shows, finding, partial(_spared, inquiry, activity)
    )


def _alike(inquiry: Inquiry, activity: Activity) -> list[Arrival]:
    """The runs that show it of an activity, or of others of its sort."""
    sorts = inquiry.abstraction.sorts
    alike = {each for each, sort in sorts.items() if sort == sorts[activity.name]}
    return [edge.arrival for edge in inquiry.graph.ran if not alike.isdisjoint(_undone(inquiry, edge.arrival))]


def of_its_sort(inquiry: Inquiry, activity: Activity) -> bool:
    """Whether it is proved of an activity since it is so of all of its sort."""
    return not _alike(inquiry, activity)


def _of_its_own(inquiry: Inquiry, activity: Activity, alike: Sequence[Arrival]) -> Sequence[Arrival]:
    """The runs in which it may be an activity itself, where others of its sort were shown; none, if that cannot be."""
    if not alike:
        return ()
    whose = Whose(inquiry, activity)
    edges = sorted(whose.compensations(), key=lambda edge: edge.length)
    return (*whose.runs(edges), *alike[:1]) if edges else ()


def _undone(inquiry: Inquiry, arrival: Arrival) -> set[str]:
    """The irreversible activities a compensation that starts with this step would have to undo; also those whose calls
    the step has begun before, as it does where a join comes at once."""
    targets = begun(inquiry.kernel, arrival.taken)
    if not targets:
        return set()
    log: Sequence[Entry] = ()
    if arrival.before is not None:
        at = arrival.before.instance
        log = _answered(inquiry, at, arrival)
        log = log[min(_mark(target, at) for target in targets) :]
    return {entry.activity for entry in _irreversible(inquiry, (*log, *_begun(arrival)))}


def _begun(arrival: Arrival) -> tuple[Entry, ...]:
    """What this step has put on the log, and a compensation under way has to wait for."""
    undoing = arrival.instance.undoing
    if undoing is None:
        return ()
    known = {entry.key for entry in arrival.before.instance.log} if arrival.before is not None else set[str]()
    return tuple(entry for entry in arrival.instance.log[undoing.mark :] if entry.key not in known)


def _mark(target: Undo, at: Instance) -> int:
    return 0 if target.since is None else dict(at.marks).get(target.since, 0)


def _answered(inquiry: Inquiry, at: Instance, arrival: Arrival) -> Sequence[Entry]:
    """The log once the answer that comes with the step is on it: a declared error takes its entry off."""
    move = arrival.move
    if move is None or move.kind not in {MoveKind.ANSWER, MoveKind.SETTLE, MoveKind.UNDONE}:
        return at.log
    key = move.name.removesuffix("/undo")
    entry = next((entry for entry in at.log if entry.key == key), None)
    if entry is None:
        return at.log
    errors = {failure.name for failure in inquiry.kernel.activity[entry.activity].fails}
    if move.kind is MoveKind.UNDONE or move.answer in errors:
        return tuple(other for other in at.log if other is not entry)
    return at.log
