"""A node, a move and what the move can do in; its runs out without a question, if they were asked for where data are
alike.

What a move leads to is asked of Z3 for all data of a node at once, and most nodes of a place differ in data that have
no part in it. Data **bear** on a step if they share an unknown, be it through other atoms, types or axioms, with a
condition of the step or with an atom whose answer it changes. The rest of the data are free of the step: whatever they
are, the successors are the same but for the answers that the step leaves as they were. So where control is the same
and all atoms that bear on the step are answered alike, each successor that was found there is run here, with the same
payload, and no other one has to be looked for.

A run that does not come to where the first one came (what bears on a step need not decide it) shows nothing; then it is
asked as ever.
"""

from __future__ import annotations

from collections.abc import Sequence

from ...dsl.values import dataclass
from ..kernel import Undo
from .attempt import Attempts
from .control import Abstraction, Control, Grain
from .graph import Arrival, Node
from .moves import Move, MoveKind
from .passages import Fan
from .solver import Term
from .states import Answers, States

SHARED = {MoveKind.ANSWER, MoveKind.EVENT, MoveKind.TASK, MoveKind.TIMER}


@dataclass(frozen=True, eq=False, slots=True)
class _Shown:
    """A run, where it came to, and what of its answers there is the step's doing: their numbers, and they."""

    run: Arrival
    control: Control
    changed: tuple[int, ...]
    answers: Answers


@dataclass(frozen=True, eq=False, slots=True)
class _Found:
    """All successors of nodes that are alike, and how the step went on behind a compensation of nothing."""

    shown: tuple[_Shown, ...]
    onward: tuple[Fan, ...]


class Repeated:
    """The steps of one search that may be made again."""

    def __init__(self, states: States, attempts: Attempts, abstraction: Abstraction, grain: Grain) -> None:
        self.states = states
        self._cubes = grain is Grain.CUBES  # then one run stands for all that its way leads to
        self.attempts = attempts
        self.abstraction = abstraction
        self._found: dict[tuple[object, ...], dict[tuple[int, ...], dict[Answers, _Found]]] = {}

    @staticmethod
    def able(states: States) -> bool:
        """Whether nodes tell data apart, and no step asks for the moment."""
        return states.live.asks and not states.passages.timed

    def __call__(self, node: Node, move: Move, fan: Fan) -> tuple[list[Arrival], tuple[Fan, ...]] | None:
        """The runs of a move of a node at rest, one or more for each successor, and how the step went on; None: that is
        not known."""
        alike = self._found.get(self._key(node, move, fan), {}) if self._looks(node, move) else {}
        for bearing, found in alike.items():
            known = found.get(_picked(node.data, bearing))
            if known is not None:
                runs = [self._again(node, move, shown) for shown in known.shown]
                made = [run for run in runs if run is not None]
                return (made, known.onward) if len(made) == len(runs) else None
        return None

    def learn(self, node: Node, move: Move, fan: Fan, runs: Sequence[Arrival], onward: Sequence[Fan]) -> None:
        """What a move of a node at rest led to, each run real and none missing."""
        if not self._looks(node, move):
            return
        parts = (fan, *onward)
        passages = [passage for part in parts for passage in part.passages]
        if node.control.loose and any(isinstance(passage.target, Undo) for passage in passages):
            return  # what is undone is not all in control
        before = self.states.now(node.control.place)
        same = {term.ast for term in before if not isinstance(term, bool)}
        shown: list[_Shown] = []
        asked: list[Term] = [passage.condition for passage in passages]
        for run in runs:
            if run.passage is None:
                return
            control = self.abstraction.control(run.instance)
            after = self.states.then(run.passage, control.place)
            changed = tuple(n for n, term in enumerate(after) if isinstance(term, bool) or term.ast not in same)
            changed = () if self._cubes else changed
            asked += [after[number] for number in changed]
            shown.append(_Shown(run, control, changed, self.states.answers(control.place, run.instance, changed)))
        bearing = self.states.bearing(node.control.place, asked)
        alike = self._found.setdefault(self._key(node, move, fan), {}).setdefault(bearing, {})
        alike[_picked(node.data, bearing)] = _Found(tuple(shown), tuple(onward))

    def _looks(self, node: Node, move: Move) -> bool:
        """Whether a move is such that equal controls make the same of it."""
        call = self.states.kernel.leaf[move.leaf].call if move.leaf else None
        return move.kind in SHARED and node.real and node.control.resting and (call is None or call.each is None)

    @staticmethod
    def _key(node: Node, move: Move, fan: Fan) -> tuple[object, ...]:
        """Which call of a leaf it is that answers is no control."""
        return node.control, fan.id, move.kind, "" if move.kind is MoveKind.ANSWER else move.name, move.answer

    def _again(self, node: Node, move: Move, shown: _Shown) -> Arrival | None:
        """The step as it was shown, of this node's own instance."""
        source, old = node.arrivals[0], shown.run
        done = self.attempts.step(source, move, old.payload, source.now)
        if done is None or not done.real or done.taken != old.taken:
            return None
        control = self.abstraction.control(done.instance)
        if control != shown.control:
            return None
        answers = self.states.answers(control.place, done.instance, shown.changed)
        return done.along(old.fan, old.passage) if answers == shown.answers else None


def _picked(answers: Answers, numbers: tuple[int, ...]) -> Answers:
    return tuple([answers[number] for number in numbers])
