"""How long a run takes at the most, in the model part of a certificate: another solver proves it, and refuses less."""

from __future__ import annotations

import json
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from kernels import kernels
from penstock.compiler import pipeline
from penstock.compiler.certificates import model
from penstock.compiler.certificates.model import Model
from penstock.compiler.checks import suite
from penstock.compiler.checks.horizon import longest
from penstock.compiler.checks.inquiry import Inquiry
from penstock.compiler.formats.smtlib import number
from second_solver import answers, refuses

ROOT = Path(__file__).parents[2]
TIMED = ("order", "hiring", "expense")
MICRO = timedelta(microseconds=1)

FLOW = """\
flow Letter version 1 {
  roles clerk
  event hurry by clerk
  deadline 8m -> compensate -> Late
  activity print() -> text { timeout 10s retry 3 backoff 1s..2s
    compensate shred(result) { timeout 20s retry 2 backoff 1m..1m } }
  start -> Printing
  state Printing {
    do print()
    on done(_) -> Both
    on failed  -> compensate -> Dropped
  }
  parallel Both {
    region Stamps {
      start -> Stamping
      state Stamping { on hurry -> Stamped  after 5m -> Stamped }
      final Stamped
    }
    region Signatures {
      start -> Signing
      state Signing {
        task sign for clerk { title "Sign" }
        on sign -> Signed
        after 7m -> compensate -> Dropped
      }
      final Signed
    }
    on all done -> Sent
  }
  state Sent { after 40s -> Done }
  final Done
  final failure Dropped
  final failure Late
}
"""


def explored(text: str) -> Inquiry:
    found: list[Inquiry] = []
    suite.check_all(tuple(kernels(text).values()), (), None, audit=found.append)
    (inquiry,) = found
    return inquiry


def made(text: str) -> Model:
    """With the claims of how long a run takes, and no others."""
    return model.made(explored(text), (), ())


@cache
def letter() -> Model:
    return made(FLOW)


def test_another_solver_proves_the_longest_and_refuses_a_microsecond_less() -> None:
    ends, text = letter().ends, letter().script.text()
    assert ends is not None and ends[0] == longest(explored(FLOW))
    assert answers(text) == ["unsat"] * text.count("(check-sat)")
    most = ends[0] // MICRO
    assert refuses(text, rf"\(<= spent {number(most)}\)", f"(<= spent {most - 1})")


def test_where_more_was_found_out_than_the_claims_say_they_are_of_a_longer_time() -> None:
    """The deadline never falls due in time, which only clocks seen together tell."""
    ends = made(FLOW.replace("deadline 8m", "deadline 9m")).ends
    assert ends is not None
    assert ends[0] == timedelta(minutes=9, seconds=53)
    assert longest(explored(FLOW.replace("deadline 8m", "deadline 9m"))) == timedelta(minutes=9, seconds=13)


CORRUPTED = {
    "a level that does not fall": (r"(\(define-fun before\.end/\d+ \(\) Int) \d+\)", r"\1 1)"),
    "an earlier end than there is": (r"(\(define-fun (?:next/)?until\.end/0 \(\) Bool) .*\)$", r"\1 false)"),
    "a later end than is kept": (r"(\(define-fun (?:next/)?until\.end/0 \(\) Bool) .*\)$", r"\1 true)"),
    "a call that may take longer": (r"(\(define-fun call-most/Printing \(\) Int) 33000000", r"\1 33000001"),
    "a timer that is armed for longer": (
        r"\(<= 40000000 fresh/Sent\.after1 40000000\)",
        "(= fresh/Sent.after1 41000000)",
    ),
    "calls and compensations that take for ever": (r"(\(define-fun (?:next/)?in-time \(\) Bool) .*\)", r"\1 true)"),
}


@pytest.mark.parametrize("name", CORRUPTED)
def test_another_solver_refuses(name: str) -> None:
    assert refuses(letter().script.text(), *CORRUPTED[name])


def test_what_waits_for_somebody_has_no_longest() -> None:
    assert (
        made(FLOW.replace("  deadline 8m -> compensate -> Late\n", "").replace("  after 5m -> Stamped ", "")).ends
        is None
    )


def test_where_a_step_may_be_stopped_nothing_is_said_of_the_end() -> None:
    """What was to come never comes then, so a run may stay where it is."""
    stopped = FLOW.replace("  start -> Printing\n", "  data { left: int 0..1 = 0 }\n  start -> Printing\n").replace(
        "after 40s -> Done", "after 40s { left = left - 1 } -> Done"
    )
    assert made(stopped).ends is None


# ---------------------------------------------------------------- in the index


def index(path: Path) -> tuple[dict[str, Any], float | None]:
    """The index of a flow's certificate; the longest run, as it is reported, in seconds."""
    maker = pipeline.Certifier(path.name)
    checked = pipeline.check(pipeline.read(path), seconds=300, audit=maker.audit)
    (certificate,), (report,) = maker.made, checked.reports
    most = report.horizons[0].longest
    return json.loads(dict(certificate.files)[certificate.index]), None if most is None else most.total_seconds()


@pytest.mark.parametrize("name", TIMED)
def test_the_index_says_what_claims_that_no_run_takes_longer_than_is_reported(name: str) -> None:
    found, reported = index(ROOT / "specs" / f"{name}.flow")
    assert found["longest"]["seconds"] == reported is not None
    assert found["longest"]["model"] and "budgets" in found["longest"]["how"]


def test_the_index_of_a_flow_that_may_take_for_ever_says_nothing_of_it() -> None:
    found, reported = index(ROOT / "specs" / "backup.flow")
    assert found["longest"] is None and reported is None
