"""What an activity and a flow say to their host about time and failure, and what is refused."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from penstock.dsl.diagnostics import Severity
from penstock.dsl.model import Breaker, Flow, Limit
from penstock.dsl.parse import parse
from penstock.dsl.source import Source
from penstock.dsl.typecheck import analyse


def read(clauses: str, schedule: str = "", inputs: str = "") -> tuple[tuple[Flow, ...], list[str]]:
    text = f"""flow F {{ {inputs} {schedule}
  activity act() {{ {clauses}
    readonly }}
  start -> A  state A {{ do act() on done -> B on failed -> B }}  final B }}"""
    source = Source("test.flow", text)
    parsed = parse(source)
    found = analyse(parsed.tree, source)
    said = (*parsed.diagnostics, *found.diagnostics)
    return found.flows, [f"{each.rule.code} {each.message}" for each in said if each.severity is Severity.ERROR]


def test_an_activity_says_when_its_attempts_have_to_wait_and_when_they_are_dead() -> None:
    clauses = "timeout 1h retry 4 backoff 1s..1m jitter 12.5% heartbeat 30s breaker 5 in 1m cool 30s limit 10 per 1s"
    (flow,), errors = read(clauses)
    (activity,) = flow.activities
    assert errors == []
    assert activity.retry.jitter == Decimal("0.125")
    assert activity.heartbeat == timedelta(seconds=30)
    assert activity.breaker == Breaker(5, timedelta(minutes=1), timedelta(seconds=30))
    assert activity.limit == Limit(10, timedelta(seconds=1))


@pytest.mark.parametrize(
    ("clauses", "says"),
    [
        ("retry 3 backoff 1s..2s jitter 101%", "share of the wait"),
        ("timeout 10s heartbeat 10s", "shorter than its timeout"),
        ("breaker 0 in 1m cool 1s", "between 1 and 10000"),
        ("breaker 5 in 0s cool 1s", "longer than nothing"),
        ("limit 10001 per 1s", "between 1 and 10000"),
        ("limit 1 per 1s limit 2 per 1s", "more than once"),
    ],
)
def test_what_makes_no_sense_is_refused(clauses: str, says: str) -> None:
    _, errors = read(clauses)
    assert len(errors) == 1 and says in errors[0]


@pytest.mark.parametrize(
    ("schedule", "inputs", "says"),
    [
        ("every day at 24:00 UTC", "", "no time of the day"),
        ("every frieday at 10:00 UTC", "", "no day of the week"),
        ('every "* * * *"', "", "five parts"),
        ("every day at 10:00 UTC", "input { n: int }", "also needs `n`"),
        ("every day at 10:00 UTC (m: 1)", "input { n: int }", "takes no `m`"),
        ("every day at 10:00 UTC (n: 11)", "input { n: int 0..10 }", "11"),
    ],
)
def test_a_schedule_that_cannot_be_kept_is_refused(schedule: str, inputs: str, says: str) -> None:
    _, errors = read("", schedule, inputs)
    assert errors and says in errors[0]
