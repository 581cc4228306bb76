"""The tree of a flow's places: scopes and leaves in, what is around and inside them out. A name is a whole path.

None stands for the flow itself, the outermost scope. A configuration is the leaves that are active, one or one for each
region of a parallel state, in the order of the text.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from enum import StrEnum
from typing import Generic, TypeVar

S = TypeVar("S", bound=StrEnum)


class Places(Generic[S]):
    """`scopes` in the order of the text; `parallel` are those whose inner places are regions; `ends` the finals of
    regions."""

    def __init__(
        self, scopes: Collection[S], leaves: Collection[S], parallel: Collection[S], ends: Collection[S]
    ) -> None:
        self.named: Mapping[str, S] = {str(place): place for place in (*scopes, *leaves)}
        self.around: Mapping[S, tuple[S, ...]] = {place: self._around(place) for place in self.named.values()}
        """A place and the scopes around it, the innermost first."""
        self.regions: Mapping[S, tuple[S, ...]] = {
            outer: tuple(scope for scope in scopes if self.around[scope][1:2] == (outer,)) for outer in parallel
        }
        self.open: Mapping[S, tuple[S, ...]] = {
            leaf: self.around[leaf][2:] if leaf in ends else self.around[leaf] for leaf in leaves
        }
        """A leaf and the scopes around it that still answer: a region that is over does not."""
        order = {scope: number for number, scope in enumerate(scopes)}
        self._rank = {leaf: [order[scope] for scope in reversed(self.around[leaf][1:])] for leaf in leaves}

    def _around(self, place: S) -> tuple[S, ...]:
        parts = place.split(".")
        return tuple(self.named[".".join(parts[:length])] for length in range(len(parts), 0, -1))

    def active(self, at: Iterable[S]) -> dict[S, None]:
        """The leaves and every scope around them, inner before outer."""
        return dict.fromkeys(place for leaf in at for place in self.around[leaf])

    def ordered(self, leaves: Iterable[S]) -> tuple[S, ...]:
        """The leaves of a configuration in the order of the text."""
        return tuple(sorted(leaves, key=self._rank.__getitem__))

    def inside(self, domain: S | None, leaf: S) -> tuple[S, ...]:
        """A leaf and the scopes around it that lie inside the domain, the innermost first."""
        around = self.around[leaf]
        return around if domain is None else around[: around.index(domain)]

    def domain(self, place: S | None, goal: S) -> S | None:
        """The innermost scope that contains the goal, without being it, and contains or is the place."""
        if place is None or len(self.around[goal]) == 1:
            return None
        around = self.around[place]
        return next((scope for scope in self.around[goal][1:] if scope in around), None)

    def nearest(self, at: Iterable[S], says: Callable[[S], bool]) -> tuple[S, ...]:
        """The active places that count for an event: those that say anything of it and have no such place inside."""
        found = dict.fromkeys(place for leaf in at if (place := next(filter(says, self.open[leaf]), None)) is not None)
        return tuple(p for p in found if not any(p is not other and p in self.around[other] for other in found))

    def possible(self, at: tuple[S, ...], scope: S | None = None) -> bool:
        """Whether these leaves may be what is active inside an active scope."""
        if not at or at != self.ordered(at) or any(scope not in (None, *self.around[leaf][1:]) for leaf in at):
            return False
        inner = tuple(dict.fromkeys(self.inside(scope, leaf)[-1] for leaf in at))
        whole = inner == self.regions[scope] if scope is not None and scope in self.regions else len(inner) == 1
        return whole and all(
            at == (place,) if place in self._rank else self.possible(self._of(place, at), place) for place in inner
        )

    def _of(self, scope: S, at: tuple[S, ...]) -> tuple[S, ...]:
        return tuple(leaf for leaf in at if scope in self.around[leaf])
