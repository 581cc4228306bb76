"""Times that grow: whether they can become too large to represent."""

from __future__ import annotations

import pytest

from kernels import flow
from penstock.compiler.checks.suite import check
from penstock.compiler.checks.verdict import Verdict

GROWING = """
  data { wait: duration = 1h, due: instant = @2026-01-01T00:00:00Z }
  event more
  start -> Open
  state Open {
    after wait -> Done
    on more { UPDATE } -> Open
  }
  final Done
"""


@pytest.mark.parametrize(
    ("update", "verdict"),
    [
        ("wait = min(wait + 1m, 5d)", Verdict.PROVED),
        ("wait = min(wait * 2, 36500d)", Verdict.PROVED),
        ("wait = max(wait - 1m, 1m)", Verdict.PROVED),
        ("wait = abs(wait - 1h)", Verdict.UNKNOWN),
        ("wait = wait + 1m", Verdict.UNKNOWN),
        ("due = now + wait", Verdict.PROVED),
        ("due = max(due, now) + 1m", Verdict.UNKNOWN),
        ("due = min(due + 1d, now + 1d)", Verdict.PROVED),
    ],
)
def test_a_time_is_bounded_where_the_text_bounds_it(update: str, verdict: Verdict) -> None:
    answers = check(flow(GROWING.replace("UPDATE", update))).answers
    found = [answer.verdict for answer in answers if answer.rule.code == "F401"]
    assert min(found, default=Verdict.PROVED) is verdict
