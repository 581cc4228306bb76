"""Laws of the pure parts of a host: when a call is tried again, and what a journal proves."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from order_flow import Order
from orders import SMALL, START, House, finishing
from penstock.runtime.core import Outcome, RetryPolicy
from penstock.runtime.journal import Diverged, replay
from penstock.runtime.outbox import Result, backoff, follow
from penstock.runtime.store import JournalEntry, PendingCall
from penstock.runtime.timers import micros, moment

pauses = st.timedeltas(timedelta(0), timedelta(days=36500))


def policy(attempts: int | None, one: timedelta, other: timedelta, park: bool) -> RetryPolicy:
    return RetryPolicy(attempts, min(one, other), max(one, other), park)


policies = st.builds(policy, st.none() | st.integers(1, 1000), pauses, pauses, st.booleans())
kinds = st.sampled_from(["done", "declined", "timeout", "failed", "interrupted"])


@given(policies, st.integers(1, 10**6))
def test_pauses_double_up_to_the_limit(policy: RetryPolicy, repeat: int) -> None:
    pause = backoff(policy, repeat)
    assert pause == (policy.first if repeat == 1 else min(2 * backoff(policy, repeat - 1), policy.limit))


@given(policies, kinds, st.integers(0, 2000), st.integers(0, 2000), st.booleans())
def test_a_call_ends_waits_or_parks_as_its_policy_says(
    policy: RetryPolicy, kind: str, used: int, forgiven: int, interrupted: bool
) -> None:
    attempts = forgiven + used + 1
    call = PendingCall("i", "F/1", "a#1", "a", "{}", None, START, attempts, forgiven, "w", START, interrupted)
    after = follow(call, Result(kind, error="why"), policy, START)
    left = policy.attempts is None or used + 1 < policy.attempts
    if kind in ("done", "declined"):
        assert after == Outcome("a#1", kind)
    elif interrupted:
        assert after == Outcome("a#1", "interrupted")
    elif left or policy.park:
        assert isinstance(after, PendingCall)
        due = START + backoff(policy, used + 1) if left else None
        assert (after.due, after.owner, after.began, after.attempts, after.error) == (due, None, None, attempts, "why")
    else:
        assert after == Outcome("a#1", "timeout" if kind == "timeout" else "failed")


@given(st.datetimes(timezones=st.just(START.tzinfo)))
def test_moments_are_kept_exactly(at: object) -> None:
    assert isinstance(at, type(START))
    assert moment(micros(at)) == at


def test_a_journal_that_was_edited_is_found_out(house: House) -> None:
    async def run() -> list[JournalEntry]:
        async with house.open() as host:
            await host.start(Order, "o-1", SMALL)
            await host.settled("o-1")
            return list(await host.journal("o-1"))

    journal = finishing(run())
    replay(Order, journal)
    with pytest.raises(Diverged, match="row 3 is missing"):
        replay(Order, [*journal[:2], *journal[3:]])
    with pytest.raises(Diverged, match="row 3: other effects follow"):
        replay(Order, [*journal[:2], journal[2]._replace(effects="[]"), *journal[3:]])
    with pytest.raises(Diverged, match="no journal"):
        replay(Order, [])
