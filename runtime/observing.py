"""What a host tells those who listen: happenings of a transaction in, the same out to observers once it is committed.

What was rolled back is told to nobody, be it a whole transaction or a savepoint in one; only refusals are, since a
sender has heard of them. Observers are called on the host's event loop, before who asked hears of it, in the context
(`contextvars`) of who asked. One that raises is logged once, and harms nobody.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence

from .outbox import Result
from .store import Began, Happening, PendingCall, Refused, Tally

LOG = logging.getLogger("penstock")


class Observer:
    """What listens to a host. A subclass overrides what it wants to hear of."""

    def opened(self, look: Callable[[], Tally]) -> None:
        """A host has opened. Until it has closed `look` counts what is in its store, and may be asked from any thread;
        it raises StoreError."""

    def happened(self, happenings: Sequence[Happening]) -> None:
        """These are durable now (refusals: final), in this order."""

    def works(self) -> None:
        """The host's worker begins, in a context of its own from here on: attempts run in copies of it."""

    def begins(self, call: PendingCall) -> None:
        """The attempt is about to run here. What is put into context variables, the activity finds there."""

    def ends(self, call: PendingCall, result: Result) -> None:
        """It has run, in the same context. Whether the result counts is told by `happened`."""

    def closed(self) -> None:
        """The host has closed."""


class Tellings:
    """What a piece of work in a transaction has to tell."""

    __slots__ = ("_happened",)

    def __init__(self) -> None:
        self._happened: list[Happening] = []

    def tell(self, happening: Happening) -> None:
        self._happened.append(happening)

    def retract(self, call: PendingCall) -> None:
        """The attempt has not begun after all."""
        self._happened[:] = [each for each in self._happened if not (isinstance(each, Began) and each.call == call)]

    def clear(self) -> None:
        self._happened.clear()

    def mark(self) -> int:
        """Where a savepoint begins."""
        return len(self._happened)

    def undo(self, mark: int) -> None:
        """What came since then has not happened, but for refusals."""
        self._happened[mark:] = [each for each in self._happened[mark:] if isinstance(each, Refused)]

    def told(self, failed: bool) -> Sequence[Happening]:
        """All of it; of work that failed, what is true all the same."""
        return [each for each in self._happened if not failed or isinstance(each, Refused)]


class Audience(Observer):
    """Several observers as one that never raises."""

    def __init__(self, observers: Sequence[Observer] = ()) -> None:
        self._observers = observers
        self._failed: set[int] = set()

    def __bool__(self) -> bool:
        """Whether anybody listens."""
        return bool(self._observers)

    def opened(self, look: Callable[[], Tally]) -> None:
        self._each(lambda observer: observer.opened(look))

    def happened(self, happenings: Sequence[Happening]) -> None:
        self._each(lambda observer: observer.happened(happenings))

    def works(self) -> None:
        self._each(lambda observer: observer.works())

    def begins(self, call: PendingCall) -> None:
        self._each(lambda observer: observer.begins(call))

    def ends(self, call: PendingCall, result: Result) -> None:
        self._each(lambda observer: observer.ends(call, result))

    def closed(self) -> None:
        self._each(lambda observer: observer.closed())

    def _each(self, tell: Callable[[Observer], None]) -> None:
        for number, observer in enumerate(self._observers):
            try:
                tell(observer)
            except Exception:
                if number not in self._failed:
                    self._failed.add(number)
                    LOG.exception("%r has failed to listen; it is not said again", observer)
