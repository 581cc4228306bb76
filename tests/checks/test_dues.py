"""Which of two timers for moments is always due first: what that decides (F202, F001), and what it must not."""

from __future__ import annotations

import pytest

from kernels import flow
from penstock.compiler.certificates import model
from penstock.compiler.checks import suite
from penstock.compiler.checks.inquiry import Inquiry
from penstock.compiler.checks.suite import check
from penstock.compiler.checks.verdict import Verdict
from second_solver import answers, refuses


def fires(body: str) -> dict[str, Verdict]:
    """By what is written, whether a timer fires."""
    subject = flow(body)
    found = [answer for answer in check(subject).answers if answer.rule.code == "F202"]
    return {subject.source.slice(answer.span).partition(" ->")[0]: answer.verdict for answer in found}


ONE_PLACE = """
  input {{ told: instant }}
  data {{ kept: instant = @2026-01-01T00:00:00Z }}
  event put(moment: instant)
  event go
  start -> Idle
  state Idle {{ on put(moment) {{ kept = moment }} -> Waiting  after 9d -> Done }}
  state Waiting {{
    on put(moment) {{ kept = moment }} stay
    {first} -> {then}
    {second} -> Done
  }}
  final Done
  final Other
"""


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("at kept", "at kept + 1s"),
        ("at kept - 1d", "at kept"),
        ("after (kept - now)", "at kept + 1s"),
        ("at kept", "after (kept + 1s - now)"),
        ("at now + 1s", "after 2s"),
        ("at told", "at told + 1s"),
        ("at @2026-01-01T00:00:00Z", "at @2026-01-02T00:00:00Z"),
    ],
)
def test_of_two_that_are_armed_together_the_later_one_never_fires(first: str, second: str) -> None:
    body = ONE_PLACE.format(first=first, second=second, then="Other")
    assert fires(body)[second] is Verdict.REFUTED
    assert fires(body)[first] is Verdict.PROVED


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("at kept", "at kept"),  # either may come first
        ("at kept", "at told + 1s"),
        ("at kept", "after 1s"),
        ("after 2s", "at kept + 1s"),
        ("after 1h since Idle", "at kept"),
    ],
)
def test_where_no_sum_says_which_comes_first_both_may_fire(first: str, second: str) -> None:
    body = ONE_PLACE.format(first=first, second=second, then="Other")
    assert Verdict.REFUTED not in fires(body).values()


def test_the_later_one_fires_where_the_first_leaves_everything_as_it_is() -> None:
    body = ONE_PLACE.replace("-> {then}", "stay").format(first="at kept", second="at kept + 1s")
    assert set(fires(body).values()) == {Verdict.PROVED}


AROUND = """
  input {{ told: instant }}
  data {{ kept: instant = @2026-01-01T00:00:00Z }}
  event put(moment: instant)
  start -> Outer
  state Outer {{
    start -> Outer.Inner
    {outer} -> Other
    state Inner {{ on put(moment) {{ kept = moment }} -> Outer.Inner  {inner} -> Done }}
  }}
  final Done
  final Other
"""


def test_a_moment_that_inputs_decide_is_the_same_in_every_place() -> None:
    assert fires(AROUND.format(outer="at told + 1s", inner="at told"))["at told + 1s"] is Verdict.REFUTED


def test_a_timer_around_another_one_may_have_been_armed_with_other_data() -> None:
    assert fires(AROUND.format(outer="at kept + 1s", inner="at kept"))["at kept + 1s"] is not Verdict.REFUTED


# ---------------------------------------------------------------- in a certificate


def test_another_solver_proves_what_rests_on_it_and_refuses_that_the_later_one_comes_first() -> None:
    found: list[Inquiry] = []
    subject = flow("""
      data { kept: instant = @2026-01-01T00:00:00Z, late: bool = false }
      event put(moment: instant)
      start -> Idle
      state Idle { on put(moment) { kept = moment } -> Waiting  after 9d -> Done }
      state Waiting { at kept -> Done  at kept + 1s { late = true } -> Done }
      final Done
      never late
    """)
    suite.check_all((subject,), (), None, audit=found.append)
    (inquiry,) = found
    assert inquiry.ledger is not None
    made = model.made(inquiry, inquiry.ledger.proofs, ())
    text = made.script.text()
    assert not made.why and answers(text) == ["unsat"] * text.count("(check-sat)")
    assert refuses(text, r"\(not armed/Waiting\.at1\)", "true")
