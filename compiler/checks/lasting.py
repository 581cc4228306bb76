"""How long timers take that data measure: a place and the answers of its atoms in; bounds of what is armed there, out.

Z3 says between which of the times that are written a length lies, for all data of a node, or that it is longer or
shorter than one, and what is the most that it can be; and of two of them, which is shorter. What it does not say is
left open: bounds that are missing cost completeness, never soundness.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from datetime import timedelta
from itertools import combinations
from math import inf, isfinite

from ...dsl.model import Literal, Ref, RefKind
from .atoms import Place
from .clock import Clock, Telling, Told
from .encode import Env
from .magnitudes import between
from .rewrite import inside, linear
from .solver import Term
from .states import Answers, States
from .symbols import MICRO
from .zones import Span


class Lasting:
    """Of one kernel."""

    def __init__(self, states: States, clock: Clock) -> None:
        self.states = states
        self.clock = clock
        written = (node.value for node in states.kernel.parts if isinstance(node, Literal))
        lengths = (value // MICRO for value in written if isinstance(value, timedelta))
        steps = {step for length in (0, *lengths) for step in (length - 1, length, length + 1)}
        ends = between(states.kernel, clock.lasting)
        self._steps = {
            timer: sorted(step for step in (*steps, *map(int, filter(isfinite, ends[timer]))) if step >= 0)
            for timer in clock.lasting
        }
        self._lengths: dict[str, Term] = {}
        self._bounds: dict[tuple[int, str], tuple[Term, Span]] = {}  # by the id of a state, which is kept
        self._apart: dict[tuple[int, str, str], tuple[Term, Span]] = {}

    def __call__(self, place: Place, data: Answers, last: Collection[str]) -> Telling:
        """What tells, of timers that a step has armed that came to a place with data that answer so, how long they
        take. last: the places that the last command of the step has entered."""
        return lambda timers: self._told(place, data, [timer for timer in sorted(timers) if self._same(timer, last)])

    def _same(self, timer: str, last: Collection[str]) -> bool:
        """Whether the data that measure a timer are still those it was armed with: it was armed last, or inputs do."""
        if self.clock.place[timer] in last:
            return True
        return all(part.kind is RefKind.INPUT for part in inside(self.clock.lasting[timer]) if isinstance(part, Ref))

    def _told(self, place: Place, data: Answers, timers: Sequence[str]) -> Told:
        apart: dict[tuple[str, str], float] = {}
        for one, other in combinations(timers, 2):
            low, high = self._difference(place, data, one, other)
            apart[one, other], apart[other, one] = high, -low
        bounds = {timer: self._between(place, data, timer) for timer in timers}
        return Told(bounds, {pair: most for pair, most in apart.items() if most < inf})

    def length(self, timer: str, env: Env | None = None) -> Term:
        """How long a timer takes, in microseconds, if it is armed with data (None: those of a place): nothing, where
        that is less."""
        if env is not None:
            term = self.states.encoder.expression(self.clock.lasting[timer], env)[0].term
            return self.states.encoder.pick(term < 0, 0, term)
        if timer not in self._lengths:
            self._lengths[timer] = self.length(timer, Env(self.states.passages.variables, 0))
        return self._lengths[timer]

    def wrong(self, told: Told) -> Term:
        """That what is told of some timers is not so."""
        terms = {timer: self.length(timer) for timer in told.bounds}
        parts = [terms[timer] < low for timer, (low, _) in told.bounds.items() if low > 0]
        parts += [terms[timer] > high for timer, (_, high) in told.bounds.items() if high < inf]
        parts += [terms[one] - terms[other] > most for (one, other), most in told.apart.items()]
        return self.states.encoder.any(*parts)

    def _between(self, place: Place, data: Answers, timer: str) -> Span:
        """The least and the most that a timer takes."""
        term = self.length(timer)
        state = self.states.near(place, data, (term,))
        key = id(state), timer
        if key not in self._bounds:
            low, high = self._steps_around(state, term, self._steps[timer])
            self._bounds[key] = state, (low, self._most(state, term, int(low), int(high)) if high < inf else high)
        return self._bounds[key][1]

    def _steps_around(self, state: Term, term: Term, steps: Sequence[int]) -> Span:
        above = _first(len(steps), lambda n: not self._never(state, term < steps[n]))
        below = _first(len(steps), lambda n: self._never(state, term > steps[n]))
        return steps[above - 1] if above else 0, steps[below] if below < len(steps) else inf

    def _most(self, state: Term, term: Term, low: int, high: int) -> int:
        """The most that a length can be that lies between two times; no less, if Z3 cannot say."""
        if low >= high or not self._never(state, term >= high):
            return high
        return low + _first(high - low, lambda more: self._never(state, term > low + more))

    def _difference(self, place: Place, data: Answers, one: str, other: str) -> Span:
        """The least and the most that one timer takes longer than another."""
        term = self.length(one) - self.length(other)
        state = self.states.near(place, data, (self.length(one), self.length(other)))
        key = id(state), one, other
        if key not in self._apart:
            form = linear(self.clock.lasting[one]).plus(linear(self.clock.lasting[other]).times(-1))
            steps = {-1, 0, 1, *(() if form.terms else (form.constant,))}
            low = max((step for step in steps if self._never(state, term < step)), default=-inf)
            high = min((step for step in steps if self._never(state, term > step)), default=inf)
            self._apart[key] = state, (low, high)
        return self._apart[key][1]

    def _never(self, state: Term, condition: Term) -> bool:
        return self.states.ask(state, condition, shown=False).impossible


def _first(number: int, holds: Callable[[int], bool]) -> int:
    """The first of so many numbers for which something holds that holds for all later ones; else `number`."""
    low, high = 0, number
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if holds(middle) else (middle + 1, high)
    return low
