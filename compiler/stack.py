"""Sequences that grow and shrink at their end, as values: those that begin alike share what they begin with.

Where each of n states has one item more than the one before, tuples of them hold n² items, and stacks n.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, Self, TypeVar, overload

Item = TypeVar("Item")

UNKNOWN = -1  # which Python never takes for a hash


class Stack(Sequence[Item]):
    """It never changes. `top` is its last item and `below` the stack of all others; the empty one is below itself.

    What is on top is at hand, and the rest is walked to. Two of one class are equal if their items are."""

    __slots__ = ("_hash", "below", "size", "top")

    below: Self
    top: Item
    size: int

    def __init__(self, below: Self | None = None, top: Any = None) -> None:
        """The empty one, or an item on top of another one."""
        self.below, self.top = self if below is None else below, top
        self.size = 0 if below is None else below.size + 1
        self._hash = UNKNOWN

    @classmethod
    def of(cls, items: Iterable[Item]) -> Self:
        """These items, the last one on top."""
        return cls().extended(items)

    def push(self, item: Item) -> Self:
        """With one item more."""
        return type(self)(self, item)

    def extended(self, items: Iterable[Item]) -> Self:
        """With these items more, the last one on top."""
        found = self
        for item in items:
            found = found.push(item)
        return found

    def first(self, size: int) -> Self:
        """So many of its items, from the lowest on."""
        found = self
        while found.size > size:
            found = found.below
        return found

    def changed(self, index: int, *items: Item) -> Self:
        """With these items, or none, in the place of one."""
        over = [*islice(reversed(self), self.size - index - 1)]
        return self.first(index).extended(items).extended(reversed(over))

    def __len__(self) -> int:
        return self.size

    def __reversed__(self) -> Iterator[Item]:
        at = self
        while at.size:
            yield at.top
            at = at.below

    def __iter__(self) -> Iterator[Item]:
        found: list[Item] = []
        at = self
        while at.size:
            found.append(at.top)
            at = at.below
        return reversed(found)

    @overload
    def __getitem__(self, index: int) -> Item: ...

    @overload
    def __getitem__(self, index: slice) -> tuple[Item, ...]: ...

    def __getitem__(self, index: int | slice) -> Item | tuple[Item, ...]:
        if isinstance(index, slice):
            return (*self,)[index]
        if not -self.size <= index < self.size:
            raise IndexError("a stack is not so high")
        return self.first(index + 1 + (self.size if index < 0 else 0)).top

    def __hash__(self) -> int:
        if self._hash == UNKNOWN:
            fresh, at = [self], self.below
            while at._hash == UNKNOWN and at.size:
                fresh.append(at)
                at = at.below
            for each in reversed(fresh):
                each._hash = hash((each.below._hash, each.top))
        return self._hash

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        if type(other) is not type(self):
            return NotImplemented
        if self.size != other.size or hash(self) != hash(other):
            return False
        mine, its = self, other
        while mine is not its and mine.size:
            if mine.top != its.top:
                return False
            mine, its = mine.below, its.below
        return True

    def __repr__(self) -> str:
        return f"{type(self).__name__}.of({[*self]!r})"
