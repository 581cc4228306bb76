"""Which calls a worker has: calls that steps make in, those it begins at once out.

A call is claimed in the transaction of the step that makes it, if the worker has a hand free: it needs none of its own.
What a transaction claims and releases counts once it is committed (`settle`); all of this on the store's thread.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from .store import Began, News, PendingCall, Transaction

Held = tuple[str, str, int]
"""An attempt: instance, key and number."""


def held(call: PendingCall) -> Held:
    return call.instance, call.key, call.attempts


class Claims:
    """Of one worker, who makes at most so many attempts at a time, and leases its calls for so long."""

    def __init__(self, worker: str, most: int, lease: timedelta) -> None:
        self.worker = worker
        self.lease = lease
        self.open = True  # False: the worker stops, and begins nothing more
        self.crowded = False  # calls wait for a free hand: then it is the turn of who waits longest
        self._most = most
        self._held: set[Held] = set()
        self._leased: datetime | None = None

    def free(self, news: News) -> int:
        """How many more it can begin."""
        return self._most - len(self._held) - len(news.claimed) + len(news.released) if self.open else 0

    def at_once(self, news: News) -> bool:
        """Whether it may begin a call in the step that makes it."""
        return not self.crowded and self.free(news) > 0

    def has(self, call: PendingCall, news: News) -> bool:
        """Whether the attempt is known to be under way, or about to begin."""
        return held(call) in self._held or held(call) in map(held, news.claimed)

    def claim(self, tx: Transaction, call: PendingCall, now: datetime) -> None:
        """The attempt is counted before it begins."""
        claimed = call._replace(owner=self.worker, began=now, attempts=call.attempts + 1)
        tx.put_call(claimed)
        tx.news.claimed.append(claimed)
        tx.report(Began(claimed, now))
        self.renew(tx, now)

    def unclaim(self, tx: Transaction, call: PendingCall) -> bool:
        """Whether the attempt had not begun, since its claim is not committed: then it is none."""
        if call not in tx.news.claimed:
            return False
        tx.news.claimed.remove(call)
        tx.retract(call)
        return True

    def renew(self, tx: Transaction, now: datetime) -> None:
        """Keep the lease, while there is something to keep it for; a third of it may pass between."""
        leased = tx.news.leased or self._leased
        busy = self._held or tx.news.claimed
        if busy and (leased is None or not now + self.lease * 2 / 3 < leased <= now + self.lease):
            tx.news.leased = now + self.lease
            tx.lease(self.worker, tx.news.leased)

    def settle(self, news: News) -> None:
        """What a transaction claimed and released is so: it is committed."""
        self._held.update(map(held, news.claimed))
        self._held.difference_update(map(held, news.released))
        self._leased = news.leased or self._leased

    def lost(self, tx: Transaction) -> Sequence[PendingCall]:
        """Calls that are this worker's, claimed in a transaction of whose success it never heard."""
        return [call for call in tx.owned_calls(self.worker) if not self.has(call, tx.news)]
