"""F005: can a run go on for ever without an event, a task, or time passing?

A cycle of choices is found in the text. Otherwise the closed graph is searched for a cycle of answers, compensations
and timers that need not wait. Refuted by one whose every step all data of its nodes take, and that was run once round;
proved if there is none. A deadline does not help: answers may come at once, for ever.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial

from ...dsl.diagnostics import Fix, Label, Rule
from ...dsl.model import Value
from ...dsl.source import Span
from ..cycles import cycles
from ..instance import Instance
from ..kernel import FAILED
from . import duties
from .atoms import Place
from .components import strong
from .edges import Edges
from .following import follow
from .graph import Arrival, Doing, Edge, Node
from .inquiry import Finding, Inquiry, always
from .instant import at_once, entries
from .moves import INTERRUPTED, MoveKind, moves
from .states import covers
from .twice import Again, twice
from .undoing import faulted
from .verdict import Answer, Witness

RULE = Rule(
    "F005",
    "livelock",
    "A run can go round for ever without an event, a task, or time passing.",
    """\
A cycle that needs nobody and no time never ends by itself: it burns calls until somebody notices.

```flow
flow Import version 1 {
  activity fetch() -> text { retry 2 backoff 1s..2s readonly }
  start -> Fetching
  state Fetching {
    do fetch()
    on done(_) -> Loaded
    on failed  -> Fetching
  }
  final Loaded
}
```

As long as `fetch` fails it is called again, at once. Mended, with a bound:

```flow
flow Import version 1 {
  data { tries: int 0..3 = 0 }
  activity fetch() -> text { retry 2 backoff 1s..2s readonly }
  start -> Fetching
  state Fetching {
    do fetch()
    on done(_)                                     -> Loaded
    on failed when tries < 3 { tries = tries + 1 } -> Fetching
    on failed else                                 -> GivenUp
  }
  final Loaded
  final GivenUp
}
```
""",
)


def check(inquiry: Inquiry) -> Iterator[Answer]:
    kernel = inquiry.kernel
    subject = f"the flow `{kernel.name}`"
    written = cycles(kernel)
    for cycle in written:
        spans = [kernel.choice[name].span for name in cycle]
        finding = Finding(
            f"choices lead round in a circle: {' → '.join(f'`{name}`' for name in (*cycle, cycle[0]))}",
            spans[0],
            "leads back to itself",
            others=tuple(Label(span, "on the way round") for span in spans[1:]),
            why=("a choice takes no time, so a run that goes round never comes to rest.",),
            fixes=(Fix("put a state that waits for something on the way"),),
        )
        yield inquiry.refuted(RULE, f"`{cycle[0]}`", kernel.span, finding)
    if written:
        return
    yield from duties.check(inquiry, RULE, _again)
    yield from _delivered(inquiry)
    alone = at_once(inquiry)
    seen = partial(_alone, inquiry, alone)
    groups = [group for group in strong(len(inquiry.graph.nodes), alone) if any(map(drives, group))]
    rounds = [found for group in groups if (found := ring(inquiry, group, drives)) is not None]
    shown = [trip for found in rounds if (trip := _goes_round(inquiry, found)) is not None]
    if shown:
        shortest, steps = min(shown, key=lambda trip: trip[0].length)
        entered = [n for step in reversed(shortest.run()) for taken in step.taken for n in taken.entered]
        rests = [*(n for taken in shortest.taken for n in taken.entered), *shortest.instance.configuration, *entered]
        leaf = next(kernel.leaf[name] for name in rests if name in kernel.leaf)
        finding = Finding(
            f"a run can go round `{leaf.name}` for ever, without an event, a task, or time passing",
            leaf.span,
            "comes back here at once",
            why=("nothing but answers of calls is needed, and each may come at once.",),
            fixes=(Fix("bound the repeats with a counter, or wait with `after`"),),
        )
        home = inquiry.abstraction.control(shortest.instance).place, shortest.instance.values
        back = partial(_back, inquiry, home, steps)
        yield inquiry.by_run(RULE, subject, kernel.span, [shortest], back, always(finding), seen, shortest=False)
    elif groups:
        yield inquiry.unknown(RULE, subject, kernel.span, "a cycle was not ruled out, and no run round it was found")
    else:
        yield inquiry.proved(RULE, subject, kernel.span, seen)


def _delivered(inquiry: Inquiry) -> Iterator[Answer]:
    """What comes twice in one step, since an event that has waited leads back to it."""
    found: dict[Span, list[Again]] = {}
    for each in twice(inquiry):
        found.setdefault(each.span, []).append(each)
    for span, ways in found.items():
        text = " ".join(inquiry.kernel.source.slice(span).split())
        subject = f"`{text}` on line {inquiry.kernel.source.line(span)}"
        for way in ways:
            way.tried(inquiry)
        trace = faulted(inquiry, RULE.code, span)
        if trace is not None:
            yield inquiry.refuted(RULE, subject, span, _again(text, span), trace, shortest=False)
        else:
            reason = "an event that has waited may lead back to it in the same step"
            yield inquiry.unknown(RULE, subject, span, reason, "let the event wait no longer than until there")


def _alone(inquiry: Inquiry, alone: Sequence[Edge]) -> Witness:
    runs = alone.only(drives) if isinstance(alone, Edges) else [edge for edge in alone if drives(edge)]
    if not runs:
        return Witness("nothing ever goes on by itself")
    return inquiry.seen(runs, "goes on by itself, and no such steps lead in a circle", "no such run was found")


def _again(text: str, span: Span) -> Finding:
    return Finding(
        f"`{text}` is taken again and again in one step",
        span,
        "comes again at once",
        why=("what it leads to brings it about again, and nothing is waited for in between.",),
        fixes=(Fix("lead it to a state that waits for something"),),
    )


def _back(inquiry: Inquiry, home: tuple[Place, tuple[Value, ...]], steps: int, arrival: Arrival) -> bool:
    """Whether a run is back home, after so many steps that took no time."""
    then, place = arrival.run()[-1 - steps].now, inquiry.abstraction.control(arrival.instance).place
    return then == arrival.now and (place, arrival.instance.values) == home


def drives(edge: Doing) -> bool:
    """Whether going round over an edge, which needs nobody, can go on for ever."""
    return not undoes(edge)


def undoes(edge: Doing) -> bool:
    """Whether an edge only settles or undoes a call, which comes as often as calls are made. The last one leads on from
    the compensation to places, which may make calls anew."""
    return _compensates(edge) and not any(taken.entered for taken in edge.taken)


def _compensates(edge: Doing) -> bool:
    return edge.move.kind in {MoveKind.SETTLE, MoveKind.UNDONE}


def ring(inquiry: Inquiry, group: Sequence[Edge], begins: Callable[[Edge], bool]) -> list[Edge] | None:
    """A shortest cycle of a group that all data take, from a real node, with an edge that `begins`: if there is such a
    cycle, from where no compensation is under way."""
    sure: dict[int, list[Edge]] = {}
    for edge in group:
        if inquiry.must(edge):
            sure.setdefault(edge.source, []).append(edge)
    first = [edge for edges in sure.values() for edge in edges if begins(edge)]
    awake = [edge for edge in first if not _compensates(edge)]
    return _shortest(inquiry, sure, awake) or _shortest(inquiry, sure, first)


def _shortest(inquiry: Inquiry, sure: Mapping[int, Sequence[Edge]], begin: Sequence[Edge]) -> list[Edge] | None:
    best: list[Edge] | None = None
    for first in begin:
        if inquiry.graph.nodes[first.source].real:
            most = None if best is None else len(best) - 2
            back = None if most is not None and most < 0 else way(sure, first.target, first.source, most)
            if back is not None:
                best = [first, *back]
    return best


def way(out: Mapping[int, Sequence[Edge]], start: int, goal: int, most: int | None = None) -> list[Edge] | None:
    """The shortest way between two nodes over some edges, at most so many; empty from a node to itself."""
    came: dict[int, Edge | None] = {start: None}
    todo = deque([(start, 0)])
    while todo:
        node, length = todo.popleft()
        if node == goal:
            steps: list[Edge] = []
            while (edge := came[node]) is not None:
                steps.append(edge)
                node = edge.source
            return steps[::-1]
        for edge in out.get(node, ()) if most is None or length < most else ():
            if edge.target not in came:
                came[edge.target] = edge
                todo.append((edge.target, length + 1))
    return None


def _goes_round(inquiry: Inquiry, cycle: Sequence[Edge]) -> tuple[Arrival, int] | None:
    """The run to the cycle and round it in no time, and how many steps it goes round in."""
    home = inquiry.graph.nodes[cycle[0].source]
    trips = (_in_no_time(inquiry, cycle, at) for at in (home.arrivals[0], *_late(inquiry, cycle, home)))
    return next((trip for trip in trips if trip is not None), None)


def _in_no_time(inquiry: Inquiry, cycle: Sequence[Edge], at: Arrival) -> tuple[Arrival, int] | None:
    """The same from one arrival. Round once more where it took time, or a timer may have been due from before."""
    once = round_trip(inquiry, cycle, drives, at)
    if once is None or (once.now == at.now and all(edge.move.kind is not MoveKind.TIMER for edge in cycle)):
        return None if once is None else (once, once.length - at.length)
    twice = round_trip(inquiry, cycle, drives, once)
    if twice is None or twice.now != once.now:
        return None
    return once if once.now == at.now else twice, twice.length - once.length


def _late(inquiry: Inquiry, cycle: Sequence[Edge], home: Node) -> Iterator[Arrival]:
    """Arrivals at the cycle after a place was entered that a timer of it counts from."""
    graph, timers = inquiry.graph, inquiry.kernel.timer
    since = {timers[edge.move.name].since for edge in cycle if edge.move.kind is MoveKind.TIMER} - {None}
    out = {node.id: [edge for edge in graph.out[node.id] if edge.real] for node in graph.nodes}
    for first in [edge for edge in graph.edges() if edge.real and not since.isdisjoint(entries(edge))]:
        at: Arrival | None = first.arrival
        for edge in way(out, first.target, home.id) or ():
            at = None if at is None else follow(inquiry, at, edge, at.now)
        if at is not None and _alike(inquiry, home, at.instance):
            yield at


def round_trip(
    inquiry: Inquiry, cycle: Sequence[Edge], counts: Callable[[Edge], bool], after: Arrival | None = None
) -> Arrival | None:
    """The run to a cycle and once round it, compensations run to their end; None if it does not come back. after:
    another run that has come there than the shortest."""
    home = inquiry.graph.nodes[cycle[0].source]
    at: Arrival | None = after or home.arrivals[0]
    steps = [edge for edge in cycle if counts(edge) and not _compensates(edge)]
    if not steps:  # each compensation leads into the next
        return undone(inquiry, _settled(inquiry, at), lambda at: _led_on(at) and _alike(inquiry, home, at.instance))
    for edge in steps:
        at = undone(inquiry, at)
        at = None if at is None else follow(inquiry, at, edge, at.now)
    at = undone(inquiry, at)
    return at if at is not None and _alike(inquiry, home, at.instance) else None


def _led_on(at: Arrival) -> bool:
    return any(taken.entered for taken in at.taken)


def _ended(at: Arrival) -> bool:
    return not at.instance.compensating


def undone(inquiry: Inquiry, at: Arrival | None, until: Callable[[Arrival], bool] = _ended) -> Arrival | None:
    """The arrival when the compensation under way has ended, or come so far."""
    for _ in range(200):
        if at is None or until(at):
            return at
        at = _settled(inquiry, at)
    return None


def _settled(inquiry: Inquiry, at: Arrival | None) -> Arrival | None:
    """A compensation one answer further; None where it waits for none."""
    for move in () if at is None else moves(inquiry.kernel, at.instance):
        activity = inquiry.kernel.activity[move.name.partition("#")[0]]
        plain = FAILED if activity.flow else INTERRUPTED
        if move.kind is MoveKind.UNDONE or (move.kind is MoveKind.SETTLE and move.answer == plain):
            return None if at is None else inquiry.attempts.step(at, move, (), at.now)
    return None


def _alike(inquiry: Inquiry, node: Node, at: Instance) -> bool:
    place = inquiry.abstraction.control(at).place
    return place == node.control.place and covers(node.data, inquiry.states.answers(place, at))
