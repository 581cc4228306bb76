"""A run that shows something, and a way to replay it, in; the same run with payloads as plain as they can be out.

Part by part, from the start on, until nothing changes; then what is the same in several places, or differs by the same
number, is made plainer together, and it begins again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal

from ...dsl.model import DecimalType, IntType, TextType, Type, Value
from ..evaluate import fits, kept
from .graph import Arrival
from .moves import simplest
from .plain import Hints, plainest

MOST_TRIED = 2500  # replays for one run
MOST_ROUNDS = 6  # as making one part plainer may make room for another

Payloads = tuple[tuple[Value, ...], ...]
Replay = Callable[[Payloads, Sequence[Arrival]], Arrival | None]
"""Payloads, and the arrivals of the steps before the first that brings something else -> the run, if it shows it."""

Part = tuple[int, int]
"""The step, and which of its values."""


class Smallest:
    """One run being made plainer. `types` are those of the values that each step brings."""

    def __init__(self, best: Arrival, types: Sequence[Sequence[Type]], hints: Hints, replay: Replay) -> None:
        self.best = best
        self.types = types
        self.hints = hints
        self.replay = replay
        self.payloads: Payloads = tuple(step.payload for step in best.run())
        self.tried = 0

    def run(self) -> Arrival:
        """The plainest found."""
        for _ in range(MOST_ROUNDS):
            before = self.payloads
            for part in self._parts():
                step, place = part
                plainest(self.payloads[step][place], self.types[step][place], self.hints, self._accepting([part]))
            if self.payloads == before:
                self._together()
            if self.payloads == before or self.tried >= MOST_TRIED:
                break
        return self.best

    def _parts(self) -> Iterator[Part]:
        for step, types in enumerate(self.types):
            for place in range(min(len(types), len(self.payloads[step]))):
                if fits(self.payloads[step][place], types[place]):
                    yield step, place

    def _accepting(self, parts: Sequence[Part]) -> Callable[[Value], bool]:
        """Whether the run shows it with one value in several places."""
        return lambda value: self._accepts(dict.fromkeys(parts, value))

    def _accepts(self, values: dict[Part, Value]) -> bool:
        """Whether the run shows it with other values; if so it is the best one now."""
        trial = [list(payload) for payload in self.payloads]
        for (step, place), value in values.items():
            trial[step][place] = kept(value, self.types[step][place])
        payloads = tuple(map(tuple, trial))
        if payloads == self.payloads or self.tried >= MOST_TRIED:
            return payloads == self.payloads
        self.tried += 1
        first = min(step for step, _ in values)
        found = self.replay(payloads, self.best.run()[:first])
        if found is not None:
            self.best, self.payloads = found, payloads
        return found is not None

    # ------------------------------------------------------------ several at once

    def _together(self) -> None:
        """What has the same value in several places, or may keep its distance, at once."""
        alike: dict[tuple[type, Value], list[Part]] = {}
        for step, place in self._parts():
            value, type = self.payloads[step][place], self.types[step][place]
            if isinstance(type, TextType | IntType | DecimalType) and value != simplest(type):
                alike.setdefault((type.__class__, value), []).append((step, place))
        for parts in alike.values():
            if len(parts) > 1:
                step, place = parts[0]
                value, type = self.payloads[step][place], self.types[step][place]
                plainest(value, type, self.hints, self._accepting(parts))
        self._nearer([part for (_, value), parts in alike.items() if not isinstance(value, str) for part in parts])

    def _nearer(self, parts: Sequence[Part]) -> None:
        """Numbers that are all above nothing, less by the same."""
        values = [self.payloads[step][place] for step, place in parts]
        numbers = [value for value in values if isinstance(value, int | Decimal) and value > 0]
        if len(numbers) != len(values) or len(numbers) < 2:
            return
        before = dict(zip(parts, numbers, strict=True))
        low, high = 0, int(min(numbers))  # less by `low` is known to pass
        while low < high:
            middle = (low + high + 1) // 2
            less: dict[Part, Value] = {part: number - middle for part, number in before.items()}
            fitting = all(fits(value, self.types[step][place]) for (step, place), value in less.items())
            low, high = (middle, high) if fitting and self._accepts(less) else (low, middle - 1)
