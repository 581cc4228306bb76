"""The successors of a node by one move, all of them: run, let Z3 look for one that is missing, run that, until none is.

What Z3 proposes is run on an instance that has been in the node, if its data allow it; else, when `made_up`, on one
with the data Z3 made up. Control after a passage does not depend on data, so only the data of a successor are asked.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from datetime import datetime

from ...dsl.model import Value
from ...dsl.values import dataclass, field, replace
from ..kernel import Undo
from .attempt import Attempts
from .control import Abstraction, Control, Grain
from .graph import Arrival
from .moves import BEGIN, Move, alike, simplest
from .passages import Fan, Passage
from .realise import Realise
from .solver import Reply, Term
from .states import Answers, States

TURNS = 64  # successors of one passage from one node

SUCCESSORS = "one step has too many successors"
CYCLES = "choices lead back to themselves, or there are too many ways through them"
DISAGREE = "the interpreter and the encoder disagree (a bug of penstock)"


@dataclass(slots=True)
class _Search:
    """One node, one move, under way. `payload`: what the move brings beside what the fan asks for."""

    state: Term
    arrivals: Sequence[Arrival]
    move: Move
    payload: tuple[Value, ...]
    fan: Fan
    made_up: bool
    runs: list[Arrival] = field(default_factory=list[Arrival])
    refused: bool = False  # the interpreter did not do what Z3 proposed


class Closing:
    """`open`: why something may be missing. `wanting`: whether the last answer lacks what only made-up data reach.
    `onward`: where the step of the last answer went on after a compensation with nothing to undo."""

    def __init__(self, states: States, attempts: Attempts, abstraction: Abstraction, grain: Grain) -> None:
        self.states = states
        self.grain = grain
        self.encoder = states.encoder
        self.attempts = attempts
        self.abstraction = abstraction
        self.realise = Realise(states, attempts)
        self.open: dict[str, None] = {}
        self.wanting = False
        self.onward: list[Fan] = []
        self._closed: set[tuple[object, ...]] = set()

    def successors(
        self, state: Term, arrivals: Sequence[Arrival], move: Move, payload: tuple[Value, ...], fan: Fan, made_up: bool
    ) -> list[Arrival]:
        """One arrival, or more, for each successor; the first ones in the order of the text."""
        self.wanting = False
        self.onward.clear()
        search = _Search(state, arrivals, move, payload, fan, made_up)
        first = arrivals[0] if arrivals else None
        self._attempt(search, first, tuple(simplest(param.type) for param in fan.params), self._now(first))
        self.wanting = False
        self._whole(fan)
        work = deque(fan.passages)
        done: list[Arrival] = []
        while work:
            passage = work.popleft()
            if self._close(search, passage):
                onward = self.states.passages.after(passage)
                self._whole(onward)
                self.onward.append(onward)
                work.extend(onward.passages)
            ended = (run for run in search.runs if run.taken == passage.trail and self._sized(run, passage))
            done += [run.along(fan, passage) for run in ended]
        return done

    def _whole(self, fan: Fan) -> None:
        if not fan.complete:
            self.open[CYCLES] = None

    def _close(self, search: _Search, passage: Passage) -> bool:
        """Find what a passage leads to. True: the step goes on, by a join or behind a compensation of nothing."""
        if self.states.passages.goes_on(passage):
            if passage.sizes:
                self.open["a group of calls is left in the step that begins it"] = None
            return True
        depth = len(passage.trail)
        undoes = isinstance(passage.target, Undo)
        for _ in range(TURNS):
            runs = [run for run in search.runs if run.taken[:depth] == passage.trail and self._sized(run, passage)]
            if undoes and any(len(run.taken) > depth for run in runs):
                return True
            # what goes on from groups without items, on the same way, may come to as many calls later on
            runs = [run for run in runs if undoes or len(run.taken) == depth]
            missing = self._missing(search, passage, runs)
            if missing is None:
                return False
            if not self._run(search, passage, missing):
                return self._goes_on(search, passage)
            if search.runs[-1].taken[:depth] != passage.trail or not self._agrees(search.runs[-1], passage):
                self.open[DISAGREE] = None
                return False
        self.open[SUCCESSORS] = None
        return False

    @staticmethod
    def _sized(run: Arrival, passage: Passage) -> bool:
        """Whether a run has begun as many calls for items as the passage says, and none where it says that."""
        if not (passage.sizes or passage.vacant):
            return True
        calls = [call.leaf for call in run.instance.calls]
        begun = all(calls.count(leaf) == size for leaf, size in passage.sizes)
        return begun and not any(leaf in calls for leaf in passage.vacant)

    def _agrees(self, run: Arrival, passage: Passage) -> bool:
        """Whether a run that ends with a passage came to where the passage says."""
        at = run.instance
        return run.taken != passage.trail or at.compensating or at.configuration == passage.rest.configuration

    def _goes_on(self, search: _Search, passage: Passage) -> bool:
        """Whether what could not be run is a compensation with nothing to undo, whose step is refused further on. One
        that an argument stops leads nowhere."""
        if self.attempts.balking:
            search.refused = False
            return False
        if isinstance(passage.target, Undo) and search.refused:
            search.refused = False
            return True
        if search.refused:
            self.open[DISAGREE] = None
        return False

    def _missing(self, search: _Search, passage: Passage, runs: Sequence[Arrival]) -> Term | None:
        """What a successor not found yet is like, if Z3 does not rule it out."""
        found: dict[tuple[Control, Answers], None] = {}
        for run in runs:
            control = self.abstraction.control(run.instance)
            all_of_it = self.grain is Grain.CUBES  # one run of a passage stands for the whole cube it leads to
            data = () if all_of_it else self.states.answers(control.place, run.instance)
            if not data:
                return None  # one run stands for all that the passage leads to
            found[control, data] = None
        memo = id(search.state), passage.id, frozenset((control.place, data) for control, data in found)
        if memo in self._closed:
            return None
        new = self.encoder.all(
            *(self.encoder.no(self.states.after(passage, control.place, data)) for control, data in found)
        )
        reply = self.states.ask(search.state, passage.condition, new, shown=False)
        if reply.impossible:
            self._closed.add(memo)
        if reply.unknown:
            self.open[f"Z3 could not decide a step: {reply.unknown}"] = None
        return new if reply.model is not None else None

    def _run(self, search: _Search, passage: Passage, missing: Term) -> bool:
        """Reach the missing successor: from an arrival as it was, or along its run with other payloads, or made up."""
        wanted = self.encoder.all(search.state, passage.condition, missing)
        for arrival in search.arrivals or (None,):
            known = True
            if arrival is not None:
                move = alike(search.move, arrival.instance)
                if move is None:
                    continue
                known = self.encoder.all(
                    self.states.exactly(arrival.instance),
                    self.states.called(arrival.instance, search.fan, move.name),
                    self.realise.in_order(arrival, move),
                )
            for moment in self.realise.moments(arrival, search.move):
                reply = self.states.ask(wanted, known, moment)
                if reply.model is not None:
                    return self._attempted(search, arrival, reply)
        for arrival in search.arrivals:
            found = self.realise(arrival, wanted, search.fan, search.move) if arrival.real else None
            if found is not None and self._attempt(search, *found):
                return True
        if not search.arrivals:
            self.open["Z3 could not decide how it may start"] = None
            return False
        if not search.made_up:
            self.wanting = True
            return False
        reply = self.states.ask(wanted)
        first = search.arrivals[0]
        imagined = self.states.imagined(first.instance, search.fan, search.move.name, reply)
        return self._attempted(search, self._at(replace(first, instance=imagined, real=False), reply), reply)

    def _at(self, arrival: Arrival, reply: Reply) -> Arrival:
        """An arrival that was made up, at a time at which the step can come at the moment of a model."""
        if not self.states.passages.timed:
            return arrival
        now = min(arrival.now, self.realise.read_now(reply))
        at = arrival.instance
        timers = tuple(replace(armed, due=min(armed.due, now)) for armed in at.timers)
        moments = tuple((place, min(moment, now)) for place, moment in at.moments)
        earlier = replace(at, timers=timers, moments=moments, started=min(at.started, now))
        return replace(arrival, now=now, instance=earlier)

    def _attempted(self, search: _Search, arrival: Arrival | None, reply: Reply) -> bool:
        pairs = zip(search.fan.payload, search.fan.params, strict=True)
        payload = tuple(self.encoder.read(reply.model, symbol, param.type) for symbol, param in pairs)
        now = self.realise.read_now(reply) if self.states.passages.timed else self._now(arrival)
        self.wanting, wanted = False, self.wanting
        done = self._attempt(search, arrival, payload, now)
        search.refused = not (done or self.wanting)
        self.wanting = self.wanting or wanted
        return done

    def _attempt(self, search: _Search, arrival: Arrival | None, payload: tuple[Value, ...], now: datetime) -> bool:
        """Run it, and keep what it leads to. Until made-up data are allowed, only real runs are kept."""
        if arrival is None:
            done = self.attempts.start(payload, now)
        else:
            move = alike(search.move, arrival.instance)
            done = None if move is None else self.attempts.step(arrival, move, (*search.payload, *payload), now)
        if done is None:
            return False
        if not (done.real or search.made_up):
            self.wanting = True
            return False
        search.runs.append(done)
        return True

    def _now(self, arrival: Arrival | None) -> datetime:
        return BEGIN if arrival is None else arrival.now
