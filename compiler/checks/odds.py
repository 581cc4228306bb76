"""How likely a run ends where: an explored kernel and the rates it states in; for every final the least and most, out.

The closed graph becomes a process (`fate`). Chance decides what a call answers: of those that are answered, the stated
share are the declared errors; each attempt times out or fails as often as stated, and if all do, so does the call. All
else is left open, and the bounds hold however it is decided, also by who has seen everything before: what people do and
customers send, which of several things comes first, what data come, whether a call that used up its attempts timed out
or failed, and what becomes of interrupted calls. So attempts are counted one by one where something else may happen.

Assumed: a failure without a rate does not happen (which ones, is said); calls fail independently; a call that is parked
is tried again until it is answered; compensations succeed; nothing waits for ever but for people. Data that exclude
each other are told apart as far as the graph does: the bounds always hold, and may be wide.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from fractions import Fraction

from ...dsl.model import Activity, Compensation
from ..kernel import DONE, FAILED, TIMEOUT, LeafKind
from .fate import NONE, ONE, Action, Fate, Process, Range
from .graph import Edge, Node
from .horizon import left
from .inquiry import Inquiry
from .moves import OUTSIDE, MoveKind
from .verdict import Effort, End, Odds

MOST_STATES = 60_000
MOST_COUNTED = 1_000  # attempts of one call

Counted = tuple[tuple[str, int], ...]
"""How many attempts of the calls of some leaves have failed, if any have."""

TIMING, DATA, INTERRUPTED = "what comes first", "data", "what becomes of interrupted calls"


class Undecided(Exception):
    """The odds cannot be computed; the text says why."""


def odds(inquiry: Inquiry, children: Mapping[str, Odds]) -> Odds | None:
    """None: no rate is stated. children: the odds of the flows that this one does, as far as they are known."""
    activities = inquiry.kernel.activities
    rated = any(each.attempt_fails is not None or any(f.rate is not None for f in each.fails) for each in activities)
    if not rated and not any(each.flow and each.name in children for each in activities):
        return None
    if not inquiry.graph.complete:
        return Odds(reason="not all that can happen is known")
    try:
        return Casting(inquiry, children).odds()
    except Undecided as why:
        return Odds(reason=str(why))


class Casting:
    """The process of one graph, while it is made."""

    def __init__(self, inquiry: Inquiry, children: Mapping[str, Odds]) -> None:
        self.inquiry = inquiry
        self.kernel = inquiry.kernel
        self.children = children
        self.remaining = left(inquiry)
        self.latest = self.remaining.latest
        self.left: dict[str, None] = {}
        self.unrated: dict[str, None] = {}
        self.states: dict[tuple[object, ...], int] = {("begin",): 0}
        self.todo: list[tuple[int, Counted]] = []
        self.actions: list[list[Action]] = [[]]
        self.lingers: set[int] = set()
        self.ends: dict[str, list[int]] = {}

    def process(self) -> Process:
        """Begun, and followed to every end. Raises Undecided."""
        self.actions[0] = [self._sure(edge, ()) for edge in self.inquiry.graph.begin]
        self._note(DATA, len(self.actions[0]) > 1)
        while self.todo:
            id, counted = self.todo.pop()
            if len(self.states) > MOST_STATES:
                raise Undecided(f"there are more than {MOST_STATES} states, attempts counted")
            self._expand(self.states["node", id, counted], self.inquiry.graph.nodes[id], counted)
        return Process(self.actions, frozenset(self.lingers))

    def odds(self) -> Odds:
        fate = Fate(self.process())
        finals = [leaf for leaf in self.kernel.leaves if leaf.name in self.ends]
        failing = [leaf.name for leaf in finals if leaf.kind is LeafKind.FAILURE]
        names = [*(each.name for each in self.kernel.activities), *(each.name for each in self.kernel.compensations)]
        efforts = [Effort(name, fate.count(f"call {name}"), fate.count(f"attempt {name}")) for name in names]
        return Odds(
            tuple(End(leaf.name, fate.chance(frozenset(self.ends[leaf.name]))) for leaf in finals),
            fate.chance(frozenset(end for name in failing for end in self.ends[name])),
            fate.never(),
            tuple(each for each in efforts if each.calls.most != 0),
            tuple(self.left),
            tuple(self.unrated),
        )

    # ------------------------------------------------------------ states

    def _state(self, id: int, counted: Counted) -> int:
        key = "node", id, counted
        if key not in self.states:
            self.states[key] = len(self.actions)
            self.actions.append([])
            self.todo.append((id, counted))
        return self.states[key]

    def _expand(self, state: int, node: Node, counted: Counted) -> None:
        if node.control.finished:
            self.ends.setdefault("".join(node.control.configuration), []).append(state)
            return
        edges = self.remaining.out[node.id]
        answers: dict[str, dict[str, list[Edge]]] = {}
        others: list[Edge] = []
        for edge in edges:
            if edge.move.kind is MoveKind.ANSWER:
                answers.setdefault(edge.move.leaf, {}).setdefault(edge.move.answer, []).append(edge)
            else:
                others.append(edge)
        actions = self.actions[state]
        actions += [self._sure(edge, counted) for edge in others]
        alone = len(answers) == 1 and not others
        for leaf, outcomes in answers.items():
            actions += self._answered(node, leaf, outcomes, counted, alone)
        if node.id in self.remaining.round or self._waits(node):
            self.lingers.add(state)
            actions += [Action({state: ONE})] if self._waits(node) else []
        self._leave(others, several=len(answers) + len(others) > 1)

    def _waits(self, node: Node) -> bool:
        """Whether only people end the wait in a node, who need not."""
        at = node.control
        return at.resting and not (at.running or self.latest.spans(node) or self.latest.waits_for_data(node))

    def _leave(self, others: Sequence[Edge], several: bool) -> None:
        """Note what a state leaves open beside what is answered."""
        moves = [edge.move for edge in others]
        for move in moves:
            if move.kind in OUTSIDE:
                self._note(f"`{move.name}`", several)
            elif move.kind is MoveKind.SETTLE:
                self._note(INTERRUPTED, several)
            elif several:
                self._note(
                    DATA if moves.count(move) > 1 else TIMING, move.kind is MoveKind.TIMER or moves.count(move) > 1
                )
        self._note(TIMING, several and not others)

    def _note(self, what: str, is_so: bool) -> None:
        if is_so:
            self.left[what] = None

    # ------------------------------------------------------------ actions

    def _sure(self, edge: Edge, counted: Counted) -> Action:
        return Action({self._target(edge, counted): ONE}, self._gains(edge))

    def _target(self, edge: Edge, counted: Counted) -> int:
        """Where an edge leads; calls that go on have failed as often as before."""
        running = {leaf for leaf, *_ in self.inquiry.graph.nodes[edge.target].control.running}
        kept = tuple((leaf, n) for leaf, n in counted if leaf in running and leaf not in edge.entered)
        return self._state(edge.target, kept)

    def _gains(self, edge: Edge) -> Mapping[str, Fraction]:
        """The calls an edge makes, each with its first attempt; a compensation that has succeeded."""
        found: dict[str, Fraction] = {}
        before = edge.arrival.before
        known = () if before is None else before.instance.calls
        names = [call.activity for call in edge.arrival.instance.calls if all(call.key != each.key for each in known)]
        if edge.move.kind is MoveKind.UNDONE:
            effect = self.kernel.activity[edge.move.name.partition("#")[0]].effect
            names += [effect.name] if isinstance(effect, Compensation) else []
        for name in names:
            for what in ("call", "attempt"):
                found[f"{what} {name}"] = found.get(f"{what} {name}", NONE) + 1
        return found

    def _answered(
        self, node: Node, leaf: str, outcomes: Mapping[str, Sequence[Edge]], counted: Counted, alone: bool
    ) -> Iterator[Action]:
        """What the call of a leaf may answer. An attempt at a time, if something else may come in between."""
        call = self.kernel.leaf[leaf].call
        assert call is not None, "its call runs"
        activity = self.kernel.activity[call.activity]
        again = f"attempt {activity.name}"
        fails = Fraction(activity.attempt_fails or 0)
        others = tuple(each for each in counted if each[0] != leaf)
        failed = dict(counted).get(leaf, 0)
        for shares in self._shares(activity):
            if not fails or activity.flow:
                yield self._mixed(node, leaf, outcomes, shares, others, {})
            elif TIMEOUT not in self.kernel.outcomes(activity):  # it is tried until it is answered
                if alone or call.each is not None:
                    yield self._mixed(node, leaf, outcomes, shares, others, {again: fails / (1 - fails)})
                else:
                    onward = {self._state(node.id, counted): fails}
                    answered = {name: share * (1 - fails) for name, share in shares.items()}
                    yield self._mixed(node, leaf, outcomes, answered, others, {again: fails}, onward)
            else:
                attempts = (activity.retry.attempts or 1) - failed
                if attempts > MOST_COUNTED:
                    raise Undecided(f"`{activity.name}` may take more than {MOST_COUNTED} attempts")
                yield from self._attempted(
                    node, leaf, outcomes, shares, others, attempts, alone or call.each is not None
                )

    def _attempted(
        self,
        node: Node,
        leaf: str,
        outcomes: Mapping[str, Sequence[Edge]],
        shares: Mapping[str, Fraction],
        others: Counted,
        attempts: int,
        whole: bool,
    ) -> Iterator[Action]:
        """One attempt of those that are left, or `whole` all of them at once."""
        call = self.kernel.leaf[leaf].call
        assert call is not None, "its call runs"
        activity = self.kernel.activity[call.activity]
        fails = Fraction(activity.attempt_fails or 0)
        again = f"attempt {activity.name}"
        made = attempts if whole else 1
        left = fails**made
        more = sum((fails**n for n in range(1, made)), NONE)
        answered = {name: share * (1 - left) for name, share in shares.items()}
        if made == attempts:
            for last in (FAILED,) if self._same(outcomes) else (TIMEOUT, FAILED):
                yield self._mixed(node, leaf, outcomes, {**answered, last: left}, others, {again: more})
        else:
            failed = (activity.retry.attempts or 1) - attempts + 1
            onward = self._state(node.id, tuple(sorted((*others, (leaf, failed)))))
            yield self._mixed(node, leaf, outcomes, answered, others, {again: more + left}, {onward: left})

    @staticmethod
    def _same(outcomes: Mapping[str, Sequence[Edge]]) -> bool:
        """Whether it makes no difference whether a call timed out or failed."""
        one, other = ({edge.target for edge in outcomes.get(name, ())} for name in (TIMEOUT, FAILED))
        return one == other

    def _shares(self, activity: Activity) -> Iterator[Mapping[str, Fraction]]:
        """How the calls of an activity that are answered are shared out among the answers; the extremes, if open."""
        if activity.flow:
            known = self.children.get(activity.name)
            range = None if known is None else known.failing
            if range is None or range.most is None:
                self._note(f"how `{activity.name}` ends", True)
                range = Range(NONE, ONE)
            for share in dict.fromkeys((range.least, range.most or NONE)):
                yield {DONE: 1 - share, FAILED: share}
            return
        unrated = [failure.name for failure in activity.fails if failure.rate is None]
        if activity.attempt_fails is None and TIMEOUT in self.kernel.outcomes(activity):
            unrated += [TIMEOUT, FAILED]
        self.unrated.update(dict.fromkeys(f"`{activity.name}` {name}" for name in unrated))
        shares = {failure.name: Fraction(failure.rate) for failure in activity.fails if failure.rate is not None}
        yield {DONE: 1 - sum(shares.values(), NONE), **shares}

    def _mixed(
        self,
        node: Node,
        leaf: str,
        outcomes: Mapping[str, Iterable[Edge]],
        shares: Mapping[str, Fraction],
        counted: Counted,
        gains: Mapping[str, Fraction],
        onward: Mapping[int, Fraction] | None = None,
    ) -> Action:
        """Chance picks the answer; where data decide what follows from it, that is left open."""
        to = dict(onward or {})
        found = dict(gains)
        for answer, share in shares.items():
            if not share:
                continue
            edges = list(outcomes.get(answer, ()))
            if not edges:
                raise Undecided(f"in `{leaf}` nothing is known to follow from `{answer}`")
            if len(edges) == 1:
                target = self._target(edges[0], counted)
                for name, number in self._gains(edges[0]).items():
                    found[name] = found.get(name, NONE) + share * number
            else:
                self._note(DATA, True)
                target = self._pick(("pick", node.id, leaf, answer, counted), edges, counted)
            to[target] = to.get(target, NONE) + share
        return Action(to, found)

    def _pick(self, key: tuple[object, ...], edges: Sequence[Edge], counted: Counted) -> int:
        if key not in self.states:
            self.states[key] = len(self.actions)
            self.actions.append([])
            self.actions[self.states[key]] = [self._sure(edge, counted) for edge in edges]
        return self.states[key]
