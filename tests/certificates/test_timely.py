"""F204 in the model part of a certificate: what is late is refused, and the clocks of calls are those of real runs."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import cache
from random import Random

import pytest

from abstracted import MICRO, Model, Taken, walk
from kernels import kernels
from penstock.compiler.certificates import model
from penstock.compiler.certificates.durations import COUNTED, SPENT, Durations
from penstock.compiler.checks import missed, suite
from penstock.compiler.checks.inquiry import Inquiry
from penstock.compiler.checks.ledger import Proof
from penstock.compiler.formats.smtlib import either, number
from penstock.compiler.instance import Instance
from second_solver import answers, refuses

LONGEST = timedelta(minutes=29, seconds=46)
FLOW = """\
flow Delivery version 1 {
  input { fragile: bool }
  roles clerk
  event ask by clerk
  deadline 28m -> compensate -> Late
  activity pack() -> text { timeout 10s retry 3 backoff 1s..2s fails broken
    compensate unpack(result) { timeout 20s retry 2 backoff 1m..1m } }
  activity insure() -> text { timeout 5m retry 2 backoff 1m..1m then park compensate cancel(result)
    { timeout 5m retry 2 backoff 1m..1m } }
  activity weigh() -> int { timeout 4s retry 1 readonly }
  start -> Packing
  state Packing {
    do pack()
    on done(_) -> Sort
    on broken  -> Packing2
    on failed  -> compensate -> Dropped
  }
  state Packing2 {
    do pack()
    on done(_) -> Sort
    on failed  -> compensate -> Dropped
  }
  choice Sort {
    when fragile -> Both
    else         -> Sent
  }
  parallel Both {
    region Insurance {
      start -> Insuring
      state Insuring {
        do insure()
        on done(_) -> Insured
      }
      final Insured
    }
    region Scales {
      start -> Weighing
      state Weighing {
        do weigh()
        on done(_) -> Weighed
        on failed  -> Weighed
        after 9s   -> Stuck
      }
      state Stuck {
        after 3d -> Weighed
      }
      final Weighed
    }
    on all done -> Sent
    after 30m   -> compensate -> Sent
  }
  state Sent {
    after 40s -> Done
    on ask stay
  }
  final Done
  final failure Dropped
  final failure Late
  start leads to in Done or in Dropped or in Late within 29m46s
}
"""


@cache
def delivery() -> tuple[Inquiry, list[Proof]]:
    return proved(FLOW)


def proved(text: str) -> tuple[Inquiry, list[Proof]]:
    """An explored flow, and what is proved of the times of its promises."""
    found: list[Inquiry] = []
    suite.check_all(tuple(kernels(text).values()), (), None, audit=found.append)
    (inquiry,) = found
    assert inquiry.ledger is not None
    return inquiry, [each for each in inquiry.ledger.proofs if each.answer.rule is missed.RULE]


@cache
def text() -> str:
    inquiry, proofs = delivery()
    return model.made(inquiry, proofs, ()).script.text()


@cache
def asked() -> Model:
    return Model(*delivery())


# ---------------------------------------------------------------- what another solver refuses


def test_the_longest_is_proved_and_a_microsecond_less_is_refused() -> None:
    longest = number(LONGEST // MICRO)
    assert answers(text()) == ["unsat"] * text().count("(check-sat)")
    shorter, found = re.subn(rf"\(<= spent {longest}\)", f"(<= spent {int(longest) - 1})", text())
    assert found and "sat" in answers(shorter)


def test_a_wait_as_long_as_data_say_is_bounded_by_the_most_that_they_can_say() -> None:
    made = model.made(
        *proved("""
          flow Stay version 1 {
            input { nights: int 1..30 }
            start -> Staying
            state Staying { after 1d * nights -> Leaving }
            state Leaving { after 2h -> Left }
            final Left
            start leads to Left within 722h
          }
        """),
        (),
    ).script.text()
    longest = 722 * 3_600_000_000
    assert f"(<= spent {longest})" in made and set(answers(made)) == {"unsat"}
    assert "sat" in answers(made.replace(f"(<= spent {longest})", f"(<= spent {longest - 1})"))


def test_nothing_is_claimed_of_what_is_known_by_more_than_a_bound_for_each_clock() -> None:
    inquiry, proofs = proved(FLOW.replace("within 29m46s", "within 29m45s"))
    made = model.made(inquiry, proofs, ()).script.text()
    assert proofs and "until.1" not in made and set(answers(made)) == {"unsat"}


CORRUPTED = {
    "a call that may take longer": (r"(\(define-fun call-most/Packing \(\) Int) 33000000", r"\1 33000001"),
    "something undone that may take longer": (r"\(\* 100000000 ((?:next/)?over/done/pack)\)", r"(* 100000001 \1)"),
    "something settled that may take longer": (r"\(\* 960000000 ((?:next/)?over/fly/insure)\)", r"(* 960000001 \1)"),
    "a timer that is armed for longer": (
        r"\(<= 40000000 fresh/Sent\.after1 40000000\)",
        "(= fresh/Sent.after1 50000000)",
    ),
    "a call on which no time passes": (
        r"\(- (call-left/Both\.Insurance\.Insuring) counted\)",
        r"\1",
    ),
    "a call that begins anew all the time": (
        r"\(= next/call-left/Both.Insurance.Insuring \(- call-left/",
        "(= next/call-left/Both.Insurance.Insuring (- call-most/",
    ),
    "a compensation on which no time passes": (
        r"\(<= \(\+ next/undo-left counted\) undo-left\)",
        "(<= next/undo-left undo-left)",
    ),
    "calls and compensations that take for ever": (r"(\(define-fun (?:next/)?in-time \(\) Bool) .*\)", r"\1 true)"),
    "a timer that does not begin with its call": (
        r"\(<= \(- ((?:next/)?call-left/Both\.Scales\.Weighing) (?:next/)?left/Both\.Scales\.Weighing\.after1\) ",
        r"(<= (- \1 \1) ",
    ),
    "time that passes for no timer": (r"\(or \(<= counted elapsed\)", "(or true"),
    "an earlier end than there is": (
        r"(\(define-fun (?:next/)?until\.1/0 \(\) Bool) .*\)$",
        r"\1 false)",
    ),
    "a later end than is kept": (
        r"(\(define-fun (?:next/)?until\.1/0 \(\) Bool) .*\)$",
        r"\1 true)",
    ),
}


@pytest.mark.parametrize("name", CORRUPTED)
def test_another_solver_refuses(name: str) -> None:
    assert refuses(text(), *CORRUPTED[name])


# ---------------------------------------------------------------- the clocks are those of real runs


def clocks(durations: Durations, at: Instance, born: dict[str, datetime], now: datetime, prefix: str) -> dict[str, int]:
    """What is left of the calls that run, as variables. born: when each call was made."""
    calls = {call.leaf: now - born[call.key] for call in at.calls if not call.answer}
    most = durations.longest
    return {f"{prefix}call-left/{leaf}": most[leaf] - since // MICRO for leaf, since in calls.items() if leaf in most}


def _known(durations: Durations) -> list[str]:
    return [name.removeprefix("until.1/") for name in durations.definitions if name.startswith("until.1/")]


def timely(durations: Durations, run: Sequence[Taken]) -> dict[int, list[str]]:
    """The steps of a run as long as every call is in time, by identity, with what is so of the clocks then."""
    found: dict[int, list[str]] = {}
    born: dict[str, datetime] = {}
    steps = [name for name in durations.definitions if name.startswith("timed/")]
    ends = [f"(and next/node/{each} next/until.1/{each})" for each in _known(durations)]
    for each in run:
        before = {} if each.before is None else clocks(durations, each.before, born, each.now, "")
        for call in each.after.calls:
            born.setdefault(call.key, each.now)
        after = clocks(durations, each.after, born, each.then, "next/")
        if min((*before.values(), *after.values()), default=0) < 0:
            break
        values = {**before, **after, COUNTED: (each.then - each.now) // MICRO}
        values |= {SPENT: (each.now - run[0].now) // MICRO, f"next/{SPENT}": (each.then - run[0].now) // MICRO}
        parts = [f"(= {name} {number(value)})" for name, value in values.items()]
        given = ["begins-to-spend"] if each.before is None else ["spends", "limits", "in-time"]
        there = [] if each.after.finished else [either(ends)]
        found[id(each)] = [*parts, *given, "next/in-time", "next/limits", either(steps), *there]
    return found


def test_every_step_in_time_is_one_of_the_relation_with_its_clocks() -> None:
    durations = asked().proof.progress.durations
    assert durations is not None
    steps: list[Taken] = []
    said: dict[int, list[str]] = {}
    for seed in range(120):
        run = list(walk(asked(), Random(seed), 30, timedelta(seconds=seed % 5 + 1)))
        found = timely(durations, run)
        steps += [each for each in run if id(each) in found and asked().matters(each)]
        said |= found
    assert len(steps) > 150
    assert not asked().refused(steps, also=lambda each: said[id(each)])
