"""Breakers and limits: laws over every order of attempts."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from penstock.runtime.core import RetryPolicy
from penstock.runtime.gates import Breaker, Gate, Limit
from penstock.runtime.outbox import backoff, wait

START = datetime(2026, 1, 1, tzinfo=UTC)
SECOND = timedelta(seconds=1)
BREAKER = Breaker(failures=3, window=10 * SECOND, cool=30 * SECOND)


@given(st.integers(1, 5), st.lists(st.integers(0, 4), max_size=60))
def test_no_window_of_the_length_of_the_limit_sees_more_attempts_than_it_allows(most: int, pauses: list[int]) -> None:
    limit, gate, now = Limit(most, 10 * SECOND), Gate(), START
    begun: list[datetime] = []
    for pause in pauses:
        now += pause * SECOND
        if gate.admits(None, limit, now) <= now:
            begun.append(now)
            gate = gate.entered(limit, SECOND, now)
        assert len(gate.begun) <= most
    for first in begun:
        assert sum(first <= moment < first + limit.per for moment in begun) <= most


@given(st.integers(1, 5), st.lists(st.integers(0, 4), max_size=60))
def test_an_attempt_that_had_to_wait_may_begin_when_it_was_told(most: int, pauses: list[int]) -> None:
    limit, gate, now = Limit(most, 10 * SECOND), Gate(), START
    for pause in pauses:
        now += pause * SECOND
        now = gate.admits(None, limit, now)
        assert gate.admits(None, limit, now) == now
        gate = gate.entered(limit, SECOND, now)


def failed(gate: Gate, *after: int) -> Gate:
    for seconds in after:
        gate = gate.left(BREAKER, True, START + seconds * SECOND)
    return gate


def test_the_breaker_opens_after_as_many_failures_within_its_window() -> None:
    assert failed(Gate(), 0, 5).opens is None
    assert failed(Gate(), 0, 5, 9).opens == START + 39 * SECOND
    assert failed(Gate(), 0, 5, 10).opens is None, "the first is forgotten by then"


def test_a_success_forgets_the_failures() -> None:
    gate = failed(Gate(), 0, 1).left(BREAKER, False, START + 2 * SECOND)
    assert failed(gate, 3, 4).opens is None


def test_when_it_has_cooled_one_attempt_is_tried_and_decides_for_all() -> None:
    opened = failed(Gate(), 0, 1, 2)
    cooled = START + 32 * SECOND
    assert opened.admits(BREAKER, None, START + 3 * SECOND) == cooled
    assert opened.admits(BREAKER, None, cooled) == cooled
    tried = opened.entered(None, 60 * SECOND, cooled)
    assert tried.admits(BREAKER, None, cooled) == cooled + 60 * SECOND, "the others wait for it"
    assert tried.left(BREAKER, False, cooled + SECOND) == Gate()
    assert tried.left(BREAKER, True, cooled + SECOND).opens == cooled + 31 * SECOND


@given(st.integers(1, 12), st.floats(0, 1), st.text(max_size=5))
def test_jitter_shortens_a_wait_by_no_more_than_its_share_and_always_alike(repeat: int, share: float, key: str) -> None:
    plain = RetryPolicy(None, SECOND, 60 * SECOND, park=False)
    policy = plain._replace(jitter=share)
    full, drawn = backoff(plain, repeat), wait(policy, repeat, key)
    assert full * (1 - share) - timedelta(microseconds=2) <= drawn <= full
    assert wait(policy, repeat, key) == drawn
    assert wait(plain, repeat, key) == full


def test_jitter_spreads_the_calls() -> None:
    policy = RetryPolicy(None, SECOND, 60 * SECOND, park=False, jitter=0.5)
    assert len({wait(policy, 1, f"o-{number}") for number in range(100)}) > 90
