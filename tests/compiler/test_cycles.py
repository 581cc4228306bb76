"""Cycles of choices: which there are, and how each is told."""

from __future__ import annotations

from kernels import flow, order
from penstock.compiler.cycles import cycles

CYCLE = """
  data { n: int = 0 }
  start -> C
  choice C { when n > 0 -> D else -> A }
  choice D { when n > 1 -> compensate -> C else -> G }
  choice E { when n > 2 -> E else -> G }
  state A { after 1h -> E }
  final G
"""


def test_cycles_of_choices_are_found_through_compensations_too() -> None:
    assert cycles(flow(CYCLE)) == (("C", "D"), ("E",))
    assert cycles(order()) == ()
