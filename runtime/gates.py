"""When an attempt may begin: an activity's circuit breaker and rate limit, and its recent past in; now, or when, out.

A breaker (Nygard, Release It!) is closed, open until it has cooled, or half open: one attempt is tried, and the others
wait for what becomes of it. A limit counts the attempts begun in a window that slides. Both are about all instances
that one store holds; the past is kept there, so they outlive the process.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import NamedTuple


class Breaker(NamedTuple):
    """After so many failed attempts within `window`, none is made until it has cooled."""

    failures: int
    window: timedelta
    cool: timedelta


class Limit(NamedTuple):
    """At most so many attempts begin within any `per`."""

    attempts: int
    per: timedelta


class Gate(NamedTuple):
    """The recent past of an activity. begun: attempts; failed: those that came to nothing; both oldest first, and no
    more than are counted. opens: while the breaker is open, or one attempt is tried, when the next may be."""

    begun: tuple[datetime, ...] = ()
    failed: tuple[datetime, ...] = ()
    opens: datetime | None = None

    def admits(self, breaker: Breaker | None, limit: Limit | None, now: datetime) -> datetime:
        """When an attempt may begin: `now`, or later."""
        moment = now
        if breaker is not None and self.opens is not None:
            moment = max(moment, self.opens)
        if limit is not None and len(self.begun) >= limit.attempts:
            moment = max(moment, self.begun[-limit.attempts] + limit.per)
        return moment

    def rewound(self, longest: timedelta, now: datetime) -> Gate:
        """As it counts at a moment: what lies later (the clock was put back) was just now, or waits `longest`."""
        begun, failed = (tuple(min(moment, now) for moment in past) for past in (self.begun, self.failed))
        return Gate(begun, failed, None if self.opens is None else min(self.opens, now + longest))

    def entered(self, limit: Limit | None, timeout: timedelta, now: datetime) -> Gate:
        """After an attempt has begun. Of an open breaker it is the one that is tried."""
        begun = (*self.begun, now)[-limit.attempts :] if limit is not None else ()
        return Gate(begun, self.failed, None if self.opens is None else now + timeout)

    def left(self, breaker: Breaker | None, failure: bool, now: datetime) -> Gate:
        """After an attempt has ended."""
        if breaker is None:
            return self
        if not failure:
            return Gate(self.begun)
        recent = tuple(moment for moment in self.failed if moment > now - breaker.window)
        failed = (*recent, now)[-breaker.failures :]
        if self.opens is None and len(failed) < breaker.failures:
            return Gate(self.begun, failed)
        return Gate(self.begun, (), now + breaker.cool)
