"""Other instances of the same control: one that the search came to in, those out that may do otherwise from there.

What control forgets of a log, the order in a loose segment and how many there are of a kind, is put back here, for
every step that is taken from there. They need not be reachable: what the search finds with them is an upper bound.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import combinations, permutations, product

from ...dsl.model import Compensation
from ...dsl.values import replace
from ..instance import Entry, Instance, Log
from .control import DROPPED, Abstraction, Kind

MOST_ORDERED = 4  # entries of which every order is looked at


class Variants:
    """Of the instances that an abstraction tells apart."""

    def __init__(self, abstraction: Abstraction) -> None:
        self.abstraction = abstraction
        self.kernel = abstraction.kernel
        self.kind, self.segment, self.cap = abstraction.kind, abstraction.segment, abstraction.cap
        self.disordered = False  # whether there were too many orders to look at

    def of(self, at: Instance) -> Iterator[Instance]:
        """As many of each kind as are counted and no more, another entry on top of a loose segment, one more of a
        kind."""
        if not self.abstraction.control(at).loose:
            return
        base = self._fewest(at)
        if base != at:
            yield from self._resting(base)
        ids = {call.key for call in base.calls if not call.answer}
        mark = 0 if base.undoing is None else base.undoing.mark
        tops: dict[tuple[int, Kind], int] = {}
        for index, entry in enumerate(base.log):
            if index >= mark and self.kind(entry, ids)[2] != "running":
                tops[self._bounds(base, index)[0], self.kind(entry, ids)] = index
        for index in tops.values():
            yield from self._resting(self._with(base, index, more=False))
            low, high = self._bounds(base, index)
            same = [other for other in base.log[low:high] if self.kind(other, ids) == self.kind(base.log[index], ids)]
            if len(same) >= self.cap:
                yield from self._resting(self._with(base, index, more=True))
        if self.abstraction.shows_order:
            yield from self._reordered(base)

    def _resting(self, at: Instance) -> Iterator[Instance]:
        """The instance, if one can be so at rest: a compensation waits for a call, or undoes what can be undone."""
        if at.undoing is None or (len(at.log) > at.undoing.mark and self._awaited(at.log.top)):
            yield at

    def _awaited(self, entry: Entry) -> bool:
        return entry.in_flight or isinstance(self.kernel.activity[entry.activity].effect, Compensation)

    def _fewest(self, at: Instance) -> Instance:
        """Without the older entries of a kind that a loose segment has more of than are counted."""
        ids = {call.key for call in at.calls if not call.answer}
        index = len(at.log) - 1
        while index >= 0:
            low, high = self._bounds(at, index)
            inside = [self.kind(entry, ids) for entry in at.log[low:high]]
            newer = [self.kind(entry, ids) for entry in at.log[index + 1 : high]]
            own = self.kind(at.log[index], ids)
            if self.segment(inside).loose and own[2] != "running" and newer.count(own) >= self.cap:
                at = _without(at, index)
            index -= 1
        return _resumed(at)

    def _bounds(self, at: Instance, index: int) -> tuple[int, int]:
        """Of the segment an entry lies in."""
        cuts = [0, len(at.log), *(mark for _, mark in at.marks), *([at.undoing.mark] if at.undoing else [])]
        return max(cut for cut in cuts if cut <= index), min(cut for cut in cuts if cut > index)

    def _with(self, at: Instance, index: int, more: bool) -> Instance:
        """The entry brought to the top of its segment, or doubled."""
        entry = at.log[index]
        ids = {call.key for call in at.calls if not call.answer}
        _, end = self._bounds(at, index)
        pinned = end == len(at.log) and at.log.top.key in ids
        top = end - pinned
        rest = (*at.log,) if more else (*at.log.changed(index),)
        if more:
            extra = replace(entry, key=f"{entry.key}+")
            log = (*rest[:top], extra, *rest[top:])
            marks = tuple((name, mark + (mark >= end)) for name, mark in at.marks)
            undoing = at.undoing and replace(at.undoing, mark=at.undoing.mark + (at.undoing.mark >= end))
        else:
            log, marks, undoing = (*rest[: top - 1], entry, *rest[top - 1 :]), at.marks, at.undoing
        return _resumed(replace(at, log=Log.of(log), marks=marks, undoing=undoing))

    def dropped(self, at: Instance) -> Iterator[Instance]:
        """More of them, for what a compensation does with irreversible entries: it drops those it comes to, and the
        order in a loose segment is not known. So every number of them that may be left, the rest at the bottom, below
        any of the calls that run."""
        if not self.abstraction.drops or not self.abstraction.control(at).loose:
            return
        ids = {call.key for call in at.calls if not call.answer}
        groups: dict[tuple[int, Kind], list[Entry]] = {}
        answering = False  # whether what is dropped may be what answers
        for low, high in self._segments(at):
            entries = at.log[low:high]
            if self.segment([self.kind(other, ids) for other in entries]).loose:
                for entry in (each for each in entries if self.kernel.activity[each.activity].effect in DROPPED):
                    answering |= entry.key in ids
                    if not entry.in_flight:
                        groups.setdefault((low, self.kind(entry, ids)), []).append(entry)
        if not (groups or answering):
            return
        for left in product(*(range(min(len(group), self.cap) + 1) for group in groups.values())):
            kept = {entry.key for group, number in zip(groups.values(), left, strict=True) for entry in group[:number]}
            gone = {entry.key for group in groups.values() for entry in group} - kept
            yield from self._sunk(at, kept, gone)

    def _reordered(self, at: Instance) -> Iterator[Instance]:
        """Where one entry less makes the order of a segment known again: that entry on top, above every order of the
        others there may be."""
        for low, high in self._segments(at):
            entries = at.log[low:high]
            numbers = Counter(self.abstraction.sorts[entry.activity] for entry in entries)
            if len(entries) - len(numbers) != 1:
                continue
            for index, entry in enumerate(entries):
                leaves = entry.in_flight or at.undoing is not None
                if leaves and numbers[self.abstraction.sorts[entry.activity]] == 2:
                    for order in self._orders((*entries[:index], *entries[index + 1 :])):
                        yield from self._put(at, low, (*order, entry))

    def _orders(self, entries: Sequence[Entry]) -> Iterator[Sequence[Entry]]:
        """The orders of some entries, none of which comes twice, that may look different while they are undone: of
        those that nothing asks about it only matters between which others there are some."""
        seen = [entry for entry in entries if entry.activity in self.abstraction.seen_undone]
        others = [entry for entry in entries if entry.activity not in self.abstraction.seen_undone]
        if len(seen) > MOST_ORDERED:
            self.disordered = True
        else:
            sizes = range(min(len(others), 1), min(len(others), len(seen) + 1) + 1)
            gaps = [chosen for size in sizes for chosen in combinations(range(len(seen) + 1), size)]
            for order, chosen in product(permutations(seen), gaps):
                parted = {gap: others[n : n + 1] for n, gap in enumerate(chosen)}
                if chosen:
                    parted[chosen[0]] = [*parted[chosen[0]], *others[len(chosen) :]]
                yield [each for gap in range(len(seen) + 1) for each in (*parted.get(gap, ()), *order[gap : gap + 1])]

    def _put(self, at: Instance, low: int, entries: Sequence[Entry]) -> Iterator[Instance]:
        """With a segment in another order, if one can be so at rest."""
        log = (*at.log[:low], *entries, *at.log[low + len(entries) :])
        yield from self._resting(_resumed(replace(at, log=Log.of(log))))

    def _segments(self, at: Instance) -> Iterator[tuple[int, int]]:
        low = 0
        while low < len(at.log):
            yield self._bounds(at, low)
            low = self._bounds(at, low)[1]

    def _sunk(self, at: Instance, kept: set[str], gone: set[str]) -> Iterator[Instance]:
        """Without some entries, and with others at the bottom of their segments; then with every top there may be."""
        for index in range(len(at.log) - 1, -1, -1):
            if at.log[index].key in gone:
                at = _without(at, index)
        log: list[Entry] = []
        for low, high in self._segments(at):
            log += sorted(at.log[low:high], key=lambda entry: entry.key not in kept)
        at = _resumed(replace(at, log=Log.of(log)))
        yield from self._resting(at)
        yield from self.of(at)
        ids = {call.key for call in at.calls if not call.answer}
        for low, high in self._segments(at) if self.abstraction.shows_order else ():
            entries = at.log[low:high]
            for entry in (each for each in entries if each.key in ids):
                yield from self._put(at, low, (*(each for each in entries if each is not entry), entry))
            if gone and len({self.abstraction.sorts[each.activity] for each in entries}) == len(entries) > 1:
                for order in self._orders(entries):
                    yield from self._put(at, low, order)


def _without(at: Instance, index: int) -> Instance:
    """One entry less; marks above it come down."""
    marks = tuple((name, mark - (mark > index)) for name, mark in at.marks)
    undoing = at.undoing and replace(at.undoing, mark=at.undoing.mark - (at.undoing.mark > index))
    return replace(at, log=at.log.changed(index), marks=marks, undoing=undoing)


def _resumed(at: Instance) -> Instance:
    """A compensation under way waits for what is on top of the log now."""
    if at.undoing is None:
        return at
    if not at.log:
        return at
    top = at.log.top
    return replace(at, undoing=replace(at.undoing, running=None if top.in_flight else f"{top.key}/undo"))
