"""Sets of clocks: the remaining times of armed timers, as a difference bound matrix, in; what time makes of them, out.

After Alur and Dill (1990) and Bengtsson and Yi (2004), on remaining times, which time counts down: so nothing passes a
timer that falls due, and every bound is a whole number of microseconds. Every zone here is closed (no bound can be
tightened) and not empty. What nothing bounds is infinite.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import product
from operator import ge

from ...dsl.values import dataclass

Span = tuple[float, float]
"""The least and the most."""


@dataclass(frozen=True, slots=True)
class Zone:
    """`bounds[i][j]` is the most that clock i can be above clock j; clock 0 is always zero, then come `names`."""

    names: tuple[str, ...] = ()
    bounds: tuple[tuple[float, ...], ...] = ((0,),)

    def low(self, name: str) -> float:
        return -self.bounds[0][self.names.index(name) + 1]

    def high(self, name: str) -> float:
        return self.bounds[self.names.index(name) + 1][0]

    def covers(self, other: Zone) -> bool:
        if self.names != other.names or self.bounds < other.bounds:  # where all are at least as large, the first is
            return False
        return all(all(map(ge, row, others)) for row, others in zip(self.bounds, other.bounds, strict=True))

    def together(self, names: Iterable[str]) -> bool:
        """Whether some clocks are always equal."""
        places = [self.names.index(name) + 1 for name in names]
        return all(self.bounds[i][j] == 0 for i in places for j in places)

    def elapsed(self) -> Zone:
        """After any time, until a clock is at zero: nothing bounds from below but that, and the other clocks."""
        size = len(self.bounds)
        lows = tuple(min((0, *(self.bounds[j][i] for j in range(1, size)))) if i else 0 for i in range(size))
        return Zone(self.names, (lows, *self.bounds[1:]))

    def due(self, name: str) -> Zone | None:
        """Where one clock is at zero; None: nowhere."""
        at = self.names.index(name) + 1
        if self.bounds[0][at] < 0:
            return None
        zero, rows = self.bounds[0], self.bounds
        found = tuple(tuple(min(own, row[at] + zero[j]) for j, own in enumerate(row)) for row in rows)
        return Zone(self.names, found)

    def only(self, names: frozenset[str]) -> Zone:
        """Of some clocks alone."""
        kept = [0, *(i + 1 for i, name in enumerate(self.names) if name in names)]
        if len(kept) == len(self.bounds):
            return self
        bounds = tuple(tuple(self.bounds[i][j] for j in kept) for i in kept)
        return Zone(tuple(self.names[i - 1] for i in kept[1:]), bounds)

    def armed(self, spans: Mapping[str, Span], apart: Mapping[tuple[str, str], float] | None = None) -> Zone:
        """With new clocks, each somewhere between two times. apart: the most by which some are above others."""
        if not spans:
            return self
        clocks = {name: (self.low(name), self.high(name)) for name in self.names} | dict(spans)
        names = tuple(sorted(clocks))
        ends = [(0, 0), *(clocks[name] for name in names)]
        old = {name: i + 1 for i, name in enumerate(self.names)}
        place = [0, *(old.get(name, -1) for name in names)]
        bounds = tuple(
            tuple(
                0 if i == j else self.bounds[p][q] if p >= 0 and q >= 0 else ends[i][1] - ends[j][0]
                for j, q in enumerate(place)
            )
            for i, p in enumerate(place)
        )
        return Zone(names, bounds)._closer(apart or {})

    def _closer(self, apart: Mapping[tuple[str, str], float]) -> Zone:
        """Where some clocks are not more than so much above others; they can be so."""
        if not apart:
            return self
        rows = [[*row] for row in self.bounds]
        for (one, other), most in apart.items():
            i, j = self.names.index(one) + 1, self.names.index(other) + 1
            rows[i][j] = min(rows[i][j], most)
        size = range(len(rows))
        for k, i, j in product(size, repeat=3):  # Floyd and Warshall's shortest paths
            rows[i][j] = min(rows[i][j], rows[i][k] + rows[k][j])
        return Zone(self.names, tuple(map(tuple, rows)))
