"""Where a savepoint is entered between two calls of one activity, control says which of them lies above it; and what a
compensation drops is gone only where one begins."""

from __future__ import annotations

import pytest

from agreement import GRAPH, compared
from kernels import kernels
from penstock.compiler.checks import suite
from penstock.compiler.checks.control import Abstraction
from penstock.compiler.checks.inquiry import Inquiry
from penstock.compiler.checks.suite import check
from penstock.compiler.checks.verdict import Verdict

BESIDE = """flow R version 1 {
  event two
  event one
  event mark
  event go
  activity a() { retry 1 backoff 1s..1s then park fails bad compensate undo_a() }
  start -> P
  parallel P {
    on 3 done -> compensate -> Good
    on any failure -> compensate -> Good
    ignore one, two, mark, go
    region L {
      start -> L0
      state L0 { on one -> L1 }
      state L1 { do a() on done when in M.M1 -> LD on done else -> LX on bad -> LX }
      final LD
      final failure LX
    }
    region M {
      start -> M0
      state M0 { on two -> M1 }
      state M1 { do a() on done -> MX on bad -> MB }
      final MB
      final failure MX
    }
    region N {
      start -> N0
      state N0 { on mark when in M.M0 or in L.L0 -> N1 on mark else stay }
      state N1 { on go when in L.LD and in M.MB -> compensate since N1 -> Bad on go else stay }
      final NF
    }
  }
  final Good
  final failure Bad
}
"""


def test_which_of_two_calls_lies_above_a_savepoint_decides_what_is_undone() -> None:
    """`L`'s call before the mark and `M`'s behind it, or the other way round: the kinds on the log are the same, but
    when `L`'s is done and `M`'s is not, something stands below the mark or nothing does."""
    found = {answer.subject: answer for answer in check(kernels(BESIDE)["R"]).answers if answer.rule.code == "F101"}
    assert found["`Bad`"].verdict is Verdict.REFUTED
    tally = compared(BESIDE, 4000)
    assert tally.disagreements == [] and tally.flows and not tally.too_large


def test_an_instance_that_lies_in_no_node_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the leaves whose calls lie above a mark, the search follows one of the two orders only."""
    monkeypatch.setattr(Abstraction, "_calling", staticmethod(nobody))
    assert (GRAPH, "missed") in {each.way for each in compared(BESIDE, 4000).differences}


def nobody(*_: object) -> tuple[()]:
    return ()


GROUP = """flow R version 1 {
  data { torn: bool = false }
  activity ship() { retry 1 backoff 1s..1s then park irreversible }
  activity pack() { retry 1 backoff 1s..1s then park fails torn compensate unpack() }
  start -> Shipping
  state Shipping { do ship() on done -> Packing }
  state Packing { do pack() on done -> Group on torn -> Good }
  state Group {
    do for item in [1, 2]: pack()
    on done -> compensate -> Good
    on torn when torn -> Again
    on torn else { torn = true } -> Group
  }
  state Again { do pack() on done -> Good on torn -> Good }
  final Good
  always count(ship) <= 1
}
"""


def test_nothing_is_dropped_where_an_answer_begins_no_compensation() -> None:
    found: list[Inquiry] = []
    suite.check_all(tuple(kernels(GROUP).values()), (), audit=found.append)
    (inquiry,) = found
    later = [node for place in ("Group", "Again") for node in inquiry.nodes(place)]
    assert later
    for node in later:
        assert "ship" in {sort for segment in node.control.log for sort, _, _ in segment.kinds}
