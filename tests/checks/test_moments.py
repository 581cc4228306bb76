"""What the checks answer where the moment of a step decides: time does not run backwards, and it may pass."""

from __future__ import annotations

import pytest

from kernels import flow
from penstock.compiler.checks.suite import check
from penstock.compiler.checks.verdict import Answer, Verdict


def answers(body: str, code: str) -> list[Answer]:
    return [answer for answer in check(flow(body)).answers if answer.rule.code == code]


def verdicts(body: str, code: str) -> set[Verdict]:
    return {answer.verdict for answer in answers(body, code)}


def test_what_only_time_running_backwards_would_show_is_not_refuted() -> None:
    body = """
      data { seen: instant?, late: bool = false }
      event ping
      start -> Open
      state Open {
        on ping { seen = now } -> Seen
        after 1d -> Done
      }
      state Seen { after 2h { late = seen is some and now - seen >= 2h } -> Which }
      choice Which { when late -> Done }
      final Done
    """
    assert verdicts(body, "F007") == {Verdict.UNKNOWN}


def test_what_is_wrong_only_later_is_shown_by_a_run_that_waits() -> None:
    body = """
      data { seen: instant? }
      event ping
      start -> Open
      state Open {
        on ping { seen = now } -> Seen
        after 1d -> Done
      }
      state Seen {
        on ping when seen is some and now - seen < 1h -> Done
        after 2h -> Done
      }
      final Done
    """
    (answer,) = (answer for answer in answers(body, "F007") if answer.verdict is Verdict.REFUTED)
    assert answer.diagnostic is not None
    last = answer.diagnostic.trace[-1]
    assert (last.at, last.trigger, last.place) == ("+1h", "ping", "Seen")


def test_an_input_that_guards_are_held_against_is_found_where_time_counts() -> None:
    body = """
      input { until: instant }
      data { rounds: int 0..3 = 0 }
      event ping
      start -> Open
      state Open {
        on ping when now < until -> Held
        on ping else -> Done
        at until -> Done
      }
      state Held {
        on ping when rounds < 3 { rounds = rounds + 1 } stay
        on ping when rounds == 3 -> Done
        after 2h -> Open
      }
      final Done
    """
    assert verdicts(body, "F001") == {Verdict.PROVED}
    assert verdicts(body, "F002") == {Verdict.PROVED}


def test_a_timer_whose_moment_is_data_ends_a_wait_however_late_that_is() -> None:
    body = """
      input { until: instant }
      event skip
      start -> Open
      state Open {
        on skip -> Held
        at until -> Done
      }
      state Held { at until + 1d -> Done }
      final Done
      start leads to Done
      start leads to Done within 1h
    """
    assert verdicts(body, "F301") == {Verdict.PROVED}
    (claim,) = answers(body, "F204")
    assert claim.verdict is Verdict.REFUTED
    assert claim.diagnostic is not None
    assert claim.diagnostic.trace[-1].at == "+1h0.000001s"


OVERFLOW = """
  input {{ x: int, base: instant }}
  data {{ d: duration = 1d, f: instant? }}
  event go
  start -> A
  state A {{
    on go {{ {update} }} -> A
    after 1d -> B
  }}
  state B {{ after d -> C }}
  final C
"""


def test_a_time_without_a_bound_is_not_proved_to_be_representable() -> None:
    for update in ("d = d * x", "d = d + 1h", "f = base\n d = now - base + d"):
        assert Verdict.UNKNOWN in verdicts(OVERFLOW.format(update=update), "F401"), update


def test_a_time_made_from_bounded_ones_is_representable() -> None:
    for update in ("d = 2h * 3", "f = base + 30d", "f = now + d", "d = now - base", "f = if x > 3 then base else now"):
        assert verdicts(OVERFLOW.format(update=update), "F401") <= {Verdict.PROVED}, update


def test_what_the_start_of_a_state_assigns_counts_as_well() -> None:
    body = """
      data {{ d: duration = 1d }}
      event go
      event stop
      start -> A
      state A {{
        start {{ {update} }} -> B
        state B {{ wait forever "somebody goes on" }}
        on go   -> A
        on stop -> C
      }}
      final C
    """
    assert Verdict.UNKNOWN in verdicts(body.format(update="d = d + 1h"), "F401")
    assert verdicts(body.format(update="d = 2h * 3"), "F401") <= {Verdict.PROVED}


def test_a_time_that_is_an_item_of_a_list_is_as_large_as_what_the_list_was_made_of() -> None:
    body = """
      input {{ first: duration, others: list<duration> at most 2 }}
      data {{ waits: list<duration> at most 2 = [] }}
      activity pause(length: duration) {{ readonly }}
      start {{ waits = [first * {factor}] }} -> Open
      state Open {{
        do for each in {items}: pause(each * 2)
        on done   -> Done
        on failed -> Done
      }}
      final Done
    """
    assert Verdict.UNKNOWN in verdicts(body.format(factor=20000, items="waits"), "F401")
    assert verdicts(body.format(factor=2, items="waits"), "F401") <= {Verdict.PROVED}
    assert verdicts(body.format(factor=2, items="others"), "F401") <= {Verdict.PROVED}


@pytest.mark.parametrize(
    ("clauses", "after", "verdict"),
    [
        ("", "", Verdict.PROVED),
        ("breaker 2 in 1m cool 30s", "", Verdict.REFUTED),
        ("limit 2 per 10s", "", Verdict.REFUTED),
        ("breaker 2 in 1m cool 30s limit 2 per 10s", "after 7m -> Lost", Verdict.PROVED),
    ],
)
def test_behind_a_breaker_or_a_limit_a_call_takes_longer_than_its_attempts(
    clauses: str, after: str, verdict: Verdict
) -> None:
    body = f"""
      activity look() {{ timeout 5s retry 30 backoff 1s..1s {clauses} readonly }}
      start -> Looking
      state Looking {{ do look() on done -> Done on failed -> Lost {after} }}
      final Done
      final Lost
      start leads to Done or Lost within 8m
    """
    assert verdicts(body, "F301") == {verdict}
    if verdict is Verdict.PROVED:
        assert verdicts(body, "F204") == {verdict}


def test_a_timer_that_counts_from_before_the_call_may_come_before_its_answer() -> None:
    body = """
      activity look() { timeout 10s retry 2 backoff 1s..2s readonly }
      event go
      start -> Early
      state Early { on go -> Looking  after 1h -> Looking }
      state Looking { do look()  on done -> Seen  on failed -> Seen  after 5m since Early -> Late }
      final Seen
      final Late
      start leads to in Seen
    """
    assert verdicts(body, "F202") == {Verdict.PROVED}
    (claim,) = answers(body, "F301")
    assert claim.verdict is Verdict.REFUTED
    assert claim.diagnostic is not None
    assert claim.diagnostic.trace[-1].place == "Late"


def test_a_call_that_is_interrupted_waits_for_no_turn() -> None:
    body = """
      activity book() { timeout 10s retry 2 backoff 1s..2s limit 1 per 1h compensate unbook() }
      start -> Booking
      state Booking { do book()  on done -> Booked  on failed -> compensate -> Off  after 1h -> compensate -> Off }
      final Booked
      final failure Off
      start leads to Booked or Off within 2h
    """
    assert verdicts(body, "F301") == verdicts(body, "F204") == {Verdict.PROVED}


def test_what_a_timer_does_that_something_shorter_beats_is_not_refuted() -> None:
    """The one that counts from elsewhere is armed too, but the run does not last so long."""
    body = """
      data { v: int 0..1 = 0 }
      start -> Outer
      state Outer {
        start -> Inner
        after SINCE { v = 1 / v } -> Done
        state Inner { after 2s -> Done }
      }
      final Done
    """
    assert Verdict.REFUTED not in verdicts(body.replace("SINCE", "4s since Inner"), "F403")
    assert verdicts(body.replace("SINCE", "1s since Inner"), "F403") == {Verdict.REFUTED}


def test_a_flow_may_start_before_any_moment_that_it_asks_about() -> None:
    """Brute force found it (seed 2444 of the flows about moments)."""
    body = """
      data { n: int 0..1 = 0 }
      start -> When
      choice When {
        when now < @1999-01-01T00:00:00Z { n = n - 1 } -> Good
        when now < @2026-01-01T00:00:00Z and now >= @1999-01-01T00:00:00Z -> Early
        else -> Good
      }
      final Early
      final Good
      never in Early
    """
    assert verdicts(body, "F006") == {Verdict.PROVED}
    assert verdicts(body, "F401") == verdicts(body, "F301") == {Verdict.REFUTED}
    assert [answer.verdict for answer in answers(body, "F001")] == [Verdict.PROVED] * 3


def test_what_only_an_earlier_start_comes_to_is_not_held_for_impossible() -> None:
    """Nor for a disagreement of interpreter and encoder. (Seed 4739 of the flows about moments.)"""
    body = """
      activity ask() { compensate forget() }
      start -> Asking
      state Asking {
        do ask()
        on done when now < @1999-01-01T00:00:00Z -> Bad
        on done else -> compensate -> Good
        on failed -> compensate -> Good
      }
      final failure Bad
      final Good
    """
    (claim,) = answers(body, "F101")
    assert claim.verdict is Verdict.REFUTED
    assert claim.diagnostic is not None
    assert verdicts(body, "F004") == {Verdict.PROVED}


BESIDE = """
  data {{ kept: instant = @2026-01-01T00:00:00Z }}
  input {{ told: instant }}
  event go
  event come
  start -> Open
  state Open {{
    on go {{ kept = {value} }} -> {goal}
    after 1d -> Between
  }}
  state Between {{ on come -> Waiting  after 3s -> Waiting }}
  state Waiting {{
    at kept  -> Good
    after 1s -> Late
  }}
  final Good
  final Late
"""


@pytest.mark.parametrize(
    ("value", "goal"), [("told", "Waiting"), ("told", "Between"), ("kept", "Waiting"), ("now + 2s", "Between")]
)
def test_of_a_moment_and_a_length_either_comes_first_if_a_run_shows_it(value: str, goal: str) -> None:
    """As `kept` was assigned long ago, or may be any; or the start was."""
    body = BESIDE.format(value=value, goal=goal)
    assert verdicts(body, "F001") == verdicts(body, "F002") == verdicts(body, "F202") == {Verdict.PROVED}


@pytest.mark.parametrize(("value", "never"), [("now + 2s", "at kept"), ("now", "after 1s")])
def test_that_one_always_comes_first_is_neither_claimed_nor_denied(value: str, never: str) -> None:
    body = BESIDE.format(value=value, goal="Waiting").replace("after 1d -> Between", "after 1d -> Good")
    body = body.replace("  state Between { on come -> Waiting  after 3s -> Waiting }\n", "")
    subject = flow(body)
    told = [answer for answer in check(subject).answers if answer.rule.code == "F202"]
    open_ones = [subject.source.slice(answer.span) for answer in told if answer.verdict is not Verdict.PROVED]
    assert len(open_ones) == 1
    assert open_ones[0].startswith(never)
    assert Verdict.REFUTED not in {answer.verdict for answer in told}


@pytest.mark.parametrize(
    ("before", "after", "verdict"),
    [
        ("done when told - now <= 1s", "done when told <= kept", Verdict.PROVED),
        ("go when told <= kept", "go else", Verdict.PROVED),
    ],
)
def test_a_run_may_have_started_earlier_than_the_one_that_was_found(before: str, after: str, verdict: Verdict) -> None:
    """For the second guard it has to, since it asks for a moment that is written."""
    body = f"""
      input {{ told: instant }}
      data {{ kept: instant = @2026-01-01T00:00:01Z }}
      activity look() {{ retry 2 backoff 1s..2s readonly }}
      event go
      start -> Looking
      state Looking {{
        do look()
        on {before} -> Good
        on {after} -> Seen
        on failed -> Good
        after 1s -> Good
      }}
      final Good
      final Seen
    """
    assert {answer.verdict for answer in answers(body, "F002")} == {verdict}


def test_what_a_timer_always_comes_before_is_not_shown_at_any_moment() -> None:
    """The guard asks for a moment at which `at kept` has long led away."""
    body = """
      data { kept: instant? }
      event go
      event come
      start -> Open
      state Open {
        on go { kept = now } -> Waiting
        after 1d -> Good
      }
      state Waiting {
        on come when kept is some and now > kept + 2s -> Late
        on come else stay
        after 1s -> Good
      }
      final Good
      final Late
    """
    assert Verdict.PROVED not in {answer.verdict for answer in answers(body, "F001") if answer.subject == "`Late`"}
