"""How long what is under way takes at the most: a node or an edge of the closed graph in; its calls and timers, what it
settles or undoes, and what ends going round, out.

Assumed: a call answers within its budget, attempts times timeout and the waits between, and so does a compensation; a
sub-flow within its own worst case, where that is known; but no call behind a breaker or a limit. Time parked with an
operator does not count. Events and tasks come as late as timers and calls allow.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from datetime import timedelta
from functools import cache
from math import inf

from ...dsl.model import Activity, Compensation, Effect, Literal, Retry
from ..instance import Entry, Instance
from ..kernel import Kernel
from .clock import Clock
from .graph import Arrival, Edge, Graph, Node
from .moves import MoveKind
from .rewrite import bare
from .schedule import Bound
from .verdict import Horizon

MICRO = timedelta(microseconds=1)
UNDOING = "compensating"
FLYING = "~"  # and the name of an activity, a call of which was interrupted: its settlement


@cache
def budget(timeout: timedelta, retry: Retry) -> int | None:
    """The longest a call may take, in microseconds, parking not counted; None: without end."""
    if retry.attempts is None:
        return None
    spent: int = (timeout * retry.attempts + waits(retry)) // MICRO
    return spent


def waits(retry: Retry) -> timedelta:
    """What the waits between all attempts add up to."""
    attempts = retry.attempts or 1
    found = sum((min(retry.first * 2**n, retry.limit) for n in range(min(attempts - 1, 60))), timedelta(0))
    return found + retry.limit * max(0, attempts - 61)


def answering(activity: Activity) -> int | None:
    """The longest until a call of the activity is answered, or parked; None: of a sub-flow its text does not tell, and
    one behind a breaker or a limit waits for the calls of other instances."""
    return None if activity.flow or gated(activity) else budget(activity.timeout, activity.retry)


def gated(activity: Activity) -> bool:
    """Whether its calls wait their turn: for how long, only the other instances know."""
    return activity.breaker is not None or activity.limit is not None


def settling(activity: Activity) -> int | None:
    """The longest until an interrupted call is settled: it makes no further attempt, so it waits for no turn."""
    return None if activity.flow else activity.timeout // MICRO


def undoing(activity: Activity) -> int | None:
    """The longest until its compensation has succeeded, or is parked."""
    if activity.flow or not isinstance(activity.effect, Compensation):
        return settling(activity)
    return budget(activity.effect.timeout, activity.effect.retry)


def interrupted(at: Instance) -> Iterator[Entry]:
    """The calls that were interrupted and are not settled."""
    running = {call.key for call in at.calls if not call.answer}
    return (entry for entry in at.log.in_flight if entry.key not in running)


class Latest:
    """`children`: how long the flows that this one does take, as far as that is known."""

    def __init__(self, kernel: Kernel, graph: Graph, clock: Clock, children: Mapping[str, Horizon]) -> None:
        self.kernel = kernel
        self.graph = graph
        self.clock = clock
        self._alike: dict[frozenset[tuple[str, int]], Mapping[str, int]] = {}
        self._spans: dict[int, Mapping[str, int]] = {}
        self._clocks: dict[int, Mapping[str, int]] = {}
        self._settling: dict[int, Mapping[str, int]] = {}
        self.children = children

    def _one(self, lengths: Mapping[str, int]) -> Mapping[str, int]:
        """The one mapping of all that say the same."""
        return self._alike.setdefault(frozenset(lengths.items()), lengths)

    def spans(self, node: Node) -> Mapping[str, int]:
        """What is under way in a node, and how long it takes at the most, where that is known; of all nodes where that
        is the same, the same mapping, as for `under_way` and `clocks`."""
        if node.id not in self._spans:
            self._spans[node.id] = self._one(self._under_way(node))
        return self._spans[node.id]

    def _under_way(self, node: Node) -> Mapping[str, int]:
        control = node.control
        if control.finished:
            return {}
        if not control.resting:
            longest = self._undone(node.instance)
            return {} if longest is None else {UNDOING: longest}
        found = {name: length for name in control.timers if (length := self.lasts(node, name)) is not None}
        return found | {leaf: longest for leaf, *_ in control.running if (longest := self.answered(leaf)) is not None}

    def bounded(self, node: Node) -> bool:
        """Whether something is under way in a node of which it is known how long it takes."""
        control = node.control
        if control.finished or not control.resting:
            return bool(self.spans(node))
        ends = any(self.answered(leaf) is not None for leaf, *_ in control.running)
        return ends or any(self.lasts(node, name) is not None for name in control.timers)

    def lasts(self, node: Node, timer: str) -> int | None:
        """How long a timer takes that is armed in a node: as it is written, or the most that is left of it there if
        data say how long; None: nobody knows."""
        length = self.clock.length(timer)
        if length is None and timer in node.zone.names and (high := node.zone.high(timer)) < inf:
            return int(high)
        return length

    def answered(self, leaf: str) -> int | None:
        """How long the call of a leaf takes to be answered, or parked."""
        call = self.kernel.leaf[leaf].call
        assert call is not None, "its call runs"
        activity = self.kernel.activity[call.activity]
        return self._child(activity.name) if activity.flow else answering(activity)

    def _child(self, name: str) -> int | None:
        """How long a sub-flow takes, by its own worst case."""
        known = self.children.get(name)
        return None if known is None or known.longest is None else known.longest // MICRO

    def awaited(self, node: Node) -> str | None:
        """Why it is not known how long the sub-flow takes that is waited for in a node; None: none such is."""
        if node.control.finished:
            return None
        if not node.control.resting:
            name = node.instance.log.top.activity
            return f"how long `{name}` takes to undo itself is not known" if self.kernel.activity[name].flow else None
        return next((self._open_end(leaf) for leaf in self._open_ended(node)), None)

    def _open_ended(self, node: Node) -> list[str]:
        """The leaves whose calls run, of sub-flows that nobody knows how long they take."""
        running = ((leaf, self.kernel.leaf[leaf].call) for leaf, *_ in node.control.running)
        called = [(leaf, call.activity) for leaf, call in running if call is not None]
        return [leaf for leaf, name in called if self.kernel.activity[name].flow and self._child(name) is None]

    def _open_end(self, leaf: str) -> str:
        call = self.kernel.leaf[leaf].call
        assert call is not None, "its call runs"
        known = self.children.get(call.activity)
        reason = "" if known is None or not known.reason else f", for {known.reason}"
        return f"how long `{call.activity}` takes is not known{reason}"

    def lent(self, node: Node) -> bool:
        """Whether the worst case of a sub-flow bounds a node: it takes no longer, but perhaps never so long."""
        calls = (self.kernel.leaf[leaf].call for leaf, *_ in node.control.running)
        return any(call is not None and self._child(call.activity) is not None for call in calls)

    def waits_for_data(self, node: Node) -> bool:
        """Whether a timer is armed whose moment is data: it comes, perhaps nobody knows when."""
        return node.control.resting and any(map(self.clock.unknown, node.control.timers))

    def never_ends(self, node: Node) -> bool:
        """Whether a run may stay in a node for ever: it is finished, or nothing has to happen."""
        return node.control.finished or not (self.spans(node) or self.waits_for_data(node))

    def beaten(self, node: Node, edge: Edge) -> bool:
        """Whether a timer cannot come, because a call that began with it has been answered by then."""
        length = self.clock.length(edge.move.name) if edge.move.kind is MoveKind.TIMER else None
        leaf = self.clock.place.get(edge.move.name, "")
        if length is None or all(leaf != running for running, *_ in node.control.running):
            return False
        if self.kernel.timer[edge.move.name].since not in {None, leaf}:
            return False  # it counts from before the call
        call, answered = self.kernel.leaf[leaf].call, self.answered(leaf)
        parks = call is not None and self.kernel.activity[call.activity].retry.park
        return answered is not None and answered < length and not parks

    def ended_by(self, group: Iterable[Edge]) -> str | None:
        """What ends going round over some edges: under way all the time, it never begins anew; None: nothing does."""
        common = self.lasting(group)
        return min(common, key=common.__getitem__) if common else None

    def overtaken(self, group: Sequence[Edge]) -> bool:
        """Whether nobody goes round over some edges for ever, since some time a timer is due at every place on the way
        that leads elsewhere, however often it is armed anew: it is for a moment that is written, or counts from the
        entry of a place around it, which is not entered on the way."""
        fired = {edge.move.name for edge in group if edge.move.kind is MoveKind.TIMER}
        entered = {place for edge in group for place in edge.entered}
        return all(
            any(self._comes(timer, entered) for timer in self.graph.nodes[edge.source].control.timers - fired)
            for edge in group
        )

    def _comes(self, name: str, entered: Container[str]) -> bool:
        """Whether a timer is due some time, however often it is armed anew while no place is entered but some."""
        timer = self.kernel.timer[name]
        if timer.at is not None:
            return isinstance(bare(timer.at), Literal)
        since, around = timer.since, self.kernel.above(self.clock.place[name])
        return since in around and since not in entered and self.clock.length(name) is not None

    def perhaps_ended(self, group: Sequence[Edge]) -> str | None:
        """Why it is not known whether something ends going round over some edges; None: nothing does. A sub-flow may,
        that is under way all the time and never begins anew, and a timer that is not put off by being armed anew."""
        calls = [
            {leaf for leaf in self._open_ended(self.graph.nodes[edge.source]) if not self.again(edge, leaf)}
            for edge in group
        ]
        if found := set[str]().union(*calls).intersection(*calls):
            return self._open_end(min(found))
        entered = {place for edge in group for place in edge.entered}
        timers = [[self.kernel.timer[name] for name in self.graph.nodes[e.source].control.timers] for e in group]
        late = all(any(t.at or (t.since and t.since not in entered) for t in armed) for armed in timers)
        return "when a timer falls due does not depend on when it is armed" if late else None

    def lasting(self, group: Iterable[Edge]) -> dict[str, int]:
        """What is under way all the time while a run goes round over some edges, and never begins anew."""
        common: dict[str, int] | None = None
        for edge in group:
            spans = self.spans(self.graph.nodes[edge.source])
            left = {name: span for name, span in spans.items() if not self.again(edge, name)}
            common = left if common is None else {name: span for name, span in common.items() if name in left}
        return common or {}

    def answers(self, run: Sequence[Arrival]) -> list[Bound]:
        """What bounds the steps of a run beside timers: when a call was made, or one is undone, the answer; when it was
        interrupted, its settlement."""
        bounds: list[Bound] = []
        begun: dict[str, int] = {}
        stopped: dict[str, tuple[int, int]] = {}  # when each call was made, and interrupted
        undone: dict[str, int] = {}
        for k in range(1, len(run)):
            before, step = run[k - 1].instance, run[k].move
            made, begun = begun, {call.key: begun.get(call.key, k - 1) for call in before.calls if not call.answer}
            fresh = [entry.key for entry in interrupted(before) if entry.key not in stopped]
            stopped |= {key: (made.get(key, k - 1), k - 1) for key in fresh}
            for call in (call for call in before.calls if not call.answer):
                longest = self.answered(call.leaf)
                if longest is not None:
                    bounds.append((k, begun[call.key], longest))
            if step is not None and step.kind is MoveKind.SETTLE and step.name in stopped:
                activity = self.kernel.activity[step.name.rpartition("#")[0]]
                ends = zip(stopped[step.name], (answering(activity), settling(activity)), strict=True)
                bounds += [(k, since, longest) for since, longest in ends if longest is not None]
            if before.undoing is not None:
                longest = self._undone(before)
                running = before.undoing.running
                since = k - 1 if running is None else undone.setdefault(running, k - 1)
                if longest is not None:
                    bounds.append((k, since, longest))
        return bounds

    def _undone(self, at: Instance) -> int | None:
        """How long the compensation under way waits for what it is at."""
        activity = self.kernel.activity[at.log.top.activity]
        if at.undoing is None or at.undoing.running is None or not isinstance(activity.effect, Compensation):
            return settling(activity)
        return undoing(activity)

    def carried(self, node: Node) -> Mapping[str, int]:
        """What is under way, the deadline also while it compensates, each with its whole length."""
        deadline = self.clock.deadline
        length = None if deadline is None or deadline not in node.zone.names else self.lasts(node, deadline)
        if deadline is None or length is None or node.control.resting:
            return self.spans(node)
        return {**self.spans(node), deadline: length}

    def under_way(self, node: Node) -> Mapping[str, int]:
        """What is under way in a node, and the settlements that are waited for, each by itself: so they are not waited
        for one after the other."""
        spans, flying = self.spans(node), self._flying(node)
        if not flying:
            return spans
        at = node.instance
        waited = at.undoing is not None and at.undoing.running is None and FLYING + at.log.top.activity in flying
        kept = {name: length for name, length in spans.items() if not waited or name != UNDOING}
        return self._one({**kept, **flying})

    def clocks(self, node: Node) -> Mapping[str, int]:
        """All that is under way in a node, the deadline also while it compensates."""
        if node.id not in self._clocks:
            lasting = {name: length for name, length in self.carried(node).items() if name not in self.spans(node)}
            self._clocks[node.id] = self._one({**self.under_way(node), **lasting})
        return self._clocks[node.id]

    def _flying(self, node: Node) -> Mapping[str, int]:
        """The interrupted calls that are not settled, of activities of which there is but one."""
        if node.id not in self._settling:
            none = node.control.finished or not node.control.flying
            self._settling[node.id] = {} if none else self._flying_calls(node)
        return self._settling[node.id]

    def _flying_calls(self, node: Node) -> Mapping[str, int]:
        found: Counter[str] = Counter()
        for segment in node.control.log:
            for (activity, _, _), number in segment.flying.items():
                found[activity] += number
        lengths = {name: settling(self.kernel.activity[name]) for name, number in found.items() if number == 1}
        return {FLYING + name: length for name, length in lengths.items() if length is not None}

    def left_at(self, node: Node) -> Mapping[str, int]:
        """The most that is left of what is under way in a node, when it is rested in first."""
        high = node.zone.high
        return {
            name: int(high(name)) if name in node.zone.names else length for name, length in self.clocks(node).items()
        }

    def _interrupting(self, edge: Edge) -> Mapping[str, str]:
        """The same of a step that was spared: the calls of leaves that it leaves, but for that which answers."""
        source, target = self.graph.nodes[edge.source].control, self.graph.nodes[edge.target].control
        on = {leaf for leaf, number, *_ in target.running if number} - {*edge.entered, edge.move.leaf}
        left = [leaf for leaf, number, *_ in source.running if number and leaf not in {*on, edge.move.leaf}]
        called = {leaf: call.activity for leaf in left if (call := self.kernel.leaf[leaf].call) is not None}
        logged = {leaf: a for leaf, a in called.items() if self.kernel.activity[a].effect is not Effect.READONLY}
        return {FLYING + activity: leaf for leaf, activity in logged.items()}

    def again(self, edge: Edge, name: str) -> bool:
        """Whether something begins anew with an edge, though it was under way before."""
        if name.startswith(FLYING):
            before = edge.arrival.before
            known = () if before is None else tuple(entry.key for entry in interrupted(before.instance))
            new = (each for each in interrupted(edge.arrival.instance) if FLYING + each.activity == name)
            return any(each.key not in known for each in new)
        if name == UNDOING:
            before, after = edge.arrival.before, edge.arrival.instance.undoing
            running = None if before is None or before.instance.undoing is None else before.instance.undoing.running
            return running is None or after is None or after.running != running
        return self.clock.place.get(name, name) in edge.entered

    def curtailed(self, edge: Edge, name: str) -> bool:
        """Whether a timer that begins with an edge may have less to go than it takes at the most: data measure it, or
        it counts from before."""
        if self.clock.exact or name not in self.clock.ticking:
            return False
        known = frozenset[str]() if edge.source < 0 else self.graph.nodes[edge.source].control.entered
        entered = frozenset((*edge.entered, *(place for taken in edge.taken for place in taken.entered)))
        return name in self.clock.lasting or not self.clock.anew(name, entered, known)

    def tied(self, edge: Edge) -> Mapping[str, str]:
        """The settlements that begin with an edge, each with the leaf of the call: it ends no later than that would."""
        if not edge.ran:
            return self._interrupting(edge)
        before = edge.arrival.before
        calls = () if before is None else before.instance.calls
        leaves = {call.key: call.leaf for call in calls if not call.answer}
        new = (entry for entry in interrupted(edge.arrival.instance) if entry.key in leaves)
        return {FLYING + entry.activity: leaves[entry.key] for entry in new}
