"""The reference interpreter: compensation, savepoints, what waits meanwhile."""

from __future__ import annotations

from driving import HOUR, NOW, TWO, Run, saga
from kernels import flow
from penstock.compiler.effects import (
    ArmTimer,
    CancelTimer,
    Finish,
    InterruptActivity,
    StartCompensation,
)
from penstock.compiler.instance import (
    Event,
    Fired,
    Outcome,
    Taken,
    Undoing,
)

# ---------------------------------------------------------------- compensation


def test_the_log_is_undone_newest_first_and_the_target_entered_then() -> None:
    run = Run(saga(TWO), 3)(Outcome("book#1", "done", "r"))(Outcome("pay#2", "done", "p"))
    run = run(Event("cancel"))
    assert run.at.configuration == ()
    assert run.at.undoing == Undoing(0, "Bad", "pay#2/undo")
    assert run.effects == (CancelTimer("Wait.after1"), StartCompensation("pay#2/undo", "refund", ("p",), "pay#2"))
    assert run.rejects(Outcome("pay#2/undo", "failed")) == "unhandled"
    run = run(Outcome("pay#2/undo", "done"))
    assert run.log == [("book#1", "done", False)]
    assert run.effects == (StartCompensation("book#1/undo", "unbook", ("r", 3), "book#1"),)
    assert run.ignores(Outcome("pay#2/undo", "done"))
    run = run(Outcome("book#1/undo", "done"))
    assert run.effects == (Finish("Bad", True),)
    assert run.taken == (Taken(None),)
    assert not run.at.log


def test_an_entry_in_flight_is_settled_before_it_is_undone() -> None:
    run = Run(saga(TWO), 3)(Outcome("book#1", "done", "r"))(Event("cancel"))
    assert run.effects == (InterruptActivity("pay#2"),)
    assert run.at.undoing == Undoing(0, "Bad", None)
    run = run(Outcome("pay#2", "done", "late"))
    assert run.effects == (StartCompensation("pay#2/undo", "refund", ("late",), "pay#2"),)
    declined = Run(saga(TWO), 3)(Outcome("book#1", "done", "r"))(Event("cancel"))(Outcome("pay#2", "declined"))
    assert declined.effects == (StartCompensation("book#1/undo", "unbook", ("r", 3), "book#1"),)


def test_events_and_the_deadline_wait_for_a_compensation() -> None:
    kernel = saga("""
      start -> A
      state A { do book(n) on done -> B on failed -> A }
      state B { on cancel -> compensate -> C }
      state C { on later(x) when x > 1 { id = "late" } stay on later else stay on cancel -> G }
      deadline 1h -> G
      final G
    """)
    run = Run(kernel, 3)(Outcome("book#1", "done", "r"))(Event("cancel"))
    assert run.ignores(Fired("deadline"), after=2 * HOUR)
    run = run(Event("later", (2,)), after=2 * HOUR)
    assert run.at.deferred == (Event("later", (2,)),)
    assert run.rejects(Event("later", ("x",))) == "payload"
    run = run(Outcome("book#1/undo", "done"))
    assert run.at.configuration == ("C",)
    assert run.at.values[1] == "late"
    assert run.effects == (ArmTimer("deadline", NOW + HOUR),)
    later = kernel.commands[6]
    assert kernel.source.slice(later.span).startswith("on later(x) when")
    assert [taken.command for taken in run.taken] == [None, later.id]
    assert run(Fired("deadline")).at.finished


def test_a_deadline_that_is_not_due_yet_is_not_asked_for_again() -> None:
    kernel = saga("""
      start -> A
      state A { do book(n) on done -> B on failed -> A }
      state B { on cancel -> compensate -> C }
      state C { on cancel -> G }
      deadline 1h -> G
      final G
    """)
    run = Run(kernel, 3)(Outcome("book#1", "done", "r"))(Event("cancel"))(Outcome("book#1/undo", "done"))
    assert run.effects == ()
    assert run(Fired("deadline"), after=HOUR).at.finished


SINCE = """
  start -> A
  state A { do book(n) on done -> M on failed -> A }
  state M { do pay() on done -> X on failed -> M on cancel -> A }
  state X { on cancel -> compensate since M -> M on later -> compensate -> Bad after 1h -> compensate since Y -> Bad }
  state Y { after 1h -> G }
  final G
  final failure Bad
"""


def test_since_undoes_to_the_mark_of_the_last_entry() -> None:
    run = Run(saga(SINCE), 3)(Outcome("book#1", "done", "r"))(Outcome("pay#2", "done", "p"))
    assert run.at.marks == (("M", 1),)
    run = run(Event("cancel"))(Outcome("pay#2/undo", "done"))
    assert run.at.configuration == ("M",)
    assert run.log == [("book#1", "done", False), ("pay#3", "maybe", True)]


def test_since_a_state_that_was_never_entered_undoes_everything() -> None:
    run = Run(saga(SINCE), 3)(Outcome("book#1", "done", "r"))(Outcome("pay#2", "done", "p"))
    run = run(Fired("X.after1"), after=HOUR)
    assert run.at.undoing == Undoing(0, "Bad", "pay#2/undo")
    run = run(Outcome("pay#2/undo", "done"))(Outcome("book#1/undo", "done"))
    assert run.at.finished


def test_an_entry_that_leaves_the_log_lowers_the_marks_above_it() -> None:
    run = Run(
        saga("""
          start -> A
          state A { do book(n) on done -> M on failed -> A on cancel -> M }
          state M { do pay() on done -> X on failed -> M }
          state X { on cancel -> compensate since M -> G }
          final G
        """),
        3,
    )
    run = run(Event("cancel"))
    assert run.at.marks == (("M", 1),)
    run = run(Outcome("book#1", "full"))
    assert run.at.marks == (("M", 0),)
    run = run(Outcome("pay#2", "done", "p"))(Event("cancel"))
    assert run.effects == (StartCompensation("pay#2/undo", "refund", ("p",), "pay#2"),)
    assert run(Outcome("pay#2/undo", "done")).at.finished


def test_a_mark_below_which_an_entry_goes_while_undoing_comes_down_too() -> None:
    run = Run(
        saga("""
          start -> A
          state A { do book(n) on done -> M on failed -> A on cancel -> M }
          state M { do pay() on done -> X on failed -> M }
          state X { on cancel -> compensate since M -> G }
          final G
        """),
        3,
    )(Event("cancel"))(Outcome("pay#2", "done", "p"))(Event("cancel"))
    assert run.at.undoing == Undoing(1, "G", "pay#2/undo")
    run = run(Outcome("book#1", "full"))
    assert run.at.undoing == Undoing(0, "G", "pay#2/undo")
    assert run.log == [("pay#2", "done", False)]


def test_an_irreversible_entry_is_dropped_so_that_every_flow_has_a_meaning() -> None:
    run = Run(
        flow("""
          activity ship() { irreversible }
          event stop
          start -> A
          state A { do ship() on done -> B on failed -> A }
          state B { on stop -> compensate -> Bad }
          final failure Bad
        """)
    )(Outcome("ship#1", "done"))(Event("stop"))
    assert run.at.finished
    assert run.effects == (Finish("Bad", True),)
    assert run.taken[1] == Taken(None)


def test_a_compensation_may_end_in_a_choice_and_begin_in_one() -> None:
    kernel = saga("""
      start -> A
      state A { do book(n) on done(r) { id = r } -> C on failed -> A }
      choice C { when n > 5 -> compensate -> D else -> G }
      choice D { when id is some { id = none } -> A else -> G }
      final G
    """)
    run = Run(kernel, 6)(Outcome("book#1", "done", "r"))
    assert run.taken == (Taken(1, (("C", 0),)),)
    run = run(Outcome("book#1/undo", "done"))
    assert run.taken == (Taken(None, (("D", 0),)),)
    assert run.at.configuration == ("A",)
    assert run.at.calls[0].key == "book#2"
