"""The reference interpreter: states in states: entering and leaving, inner over outer, timers, resume."""

from __future__ import annotations

from driving import CLERK, HOUR, NOW, Run
from kernels import flow
from penstock.compiler.effects import ArmTimer, CancelTimer, CloseTask, InterruptActivity, OpenTask, StartActivity
from penstock.compiler.instance import Completion, Event, Fired, Outcome
from penstock.compiler.simulate import start

BASE = """
  data { n: int 0..9 = 0, m: int 0..9 = 0 }
  roles clerk
  event next
  event other
  event back
  event out
  event again
  activity work() -> int { fails broken  compensate undo(result) }
  activity look() { readonly }
"""

OUTER = """
  start -> O
  state O {
    start { n = n + 1 } -> A
    state A { on next -> B  on other stay  after 1h -> B }
    state B { on back -> A  on out -> End }
    on other -> End
    on again -> O
    on back -> A
    after 3h -> compensate -> Bad
  }
  final End
  final failure Bad
"""


def nested(states: str, *inputs: int) -> Run:
    return Run(flow(BASE + states), *inputs)


def armed(run: Run) -> dict[str, int]:
    return {armed.timer: (armed.due - NOW) // HOUR for armed in run.at.timers}


# ---------------------------------------------------------------- entering and leaving


def test_a_state_is_entered_at_its_start_with_the_updates_there() -> None:
    run = nested(OUTER)
    assert run.at.configuration == ("O.A",)
    assert run.at.values == (1, 0)
    assert armed(run) == {"O.after1": 3, "O.A.after1": 1}


def test_an_outer_timer_runs_across_inner_moves() -> None:
    run = nested(OUTER)(Event("next"), after=HOUR / 2)
    assert run.at.configuration == ("O.B",)
    assert run.effects == (CancelTimer("O.A.after1"),)
    assert armed(run) == {"O.after1": 3}
    assert run(Fired("O.after1"), after=3 * HOUR).at.configuration == ("Bad",)


def test_going_to_the_state_itself_leaves_and_enters_it() -> None:
    run = nested(OUTER)(Event("next"))(Event("again"), after=HOUR)
    assert run.at.configuration == ("O.A",)
    assert run.at.values == (2, 0)
    assert armed(run) == {"O.after1": 4, "O.A.after1": 2}
    assert run.effects[0] == CancelTimer("O.after1")


def test_an_outer_handler_into_the_state_does_not_leave_it() -> None:
    run = nested(OUTER)(Event("back"), after=HOUR / 2)
    assert run.at.configuration == ("O.A",)
    assert run.at.values == (1, 0), "its start is not passed"
    assert run.effects == (CancelTimer("O.A.after1"), ArmTimer("O.A.after1", NOW + 1.5 * HOUR))


def test_an_inner_target_may_be_named_from_outside() -> None:
    run = nested("start -> Out  state Out { on next -> O.B } " + OUTER.replace("start -> O", "", 1))(Event("next"))
    assert run.at.configuration == ("O.B",)
    assert run.at.values == (0, 0), "its start is not passed"
    assert armed(run) == {"O.after1": 3}


def test_outer_before_inner_and_in_the_order_written() -> None:
    run = nested("""
      start -> O
      state O {
        start -> I
        task t for clerk { title "t{n}" }
        on t stay
        after 2h -> O
        state I {
          start { n = n + 1 } -> X
          after 1h -> O
          state X { do work() on done -> End on failed -> End }
        }
      }
      final End
    """)
    assert run.effects == (
        ArmTimer("O.after1", NOW + 2 * HOUR),
        OpenTask("t#1", "t", ("clerk",), "t1", None, ()),
        ArmTimer("O.I.after1", NOW + HOUR),
        StartActivity("work#2", "work", ()),
    )
    assert run(Fired("O.I.after1"), after=HOUR).effects[:4] == (
        InterruptActivity("work#2"),
        CancelTimer("O.after1"),
        CloseTask("t#1"),
        ArmTimer("O.after1", NOW + 3 * HOUR),
    )


# ---------------------------------------------------------------- inner over outer


def test_the_inner_handler_answers_and_the_outer_one_answers_for_the_rest() -> None:
    run = nested(OUTER)
    assert run(Event("other")).at.configuration == ("O.A",)
    assert run(Event("next"))(Event("other")).at.configuration == ("End",)


def test_an_inner_handler_hides_the_outer_one_also_when_its_guard_does_not_hold() -> None:
    run = nested("""
      start -> O
      state O { start -> A  state A { on next when n > 0 -> End }  on next -> End }
      final End
    """)
    assert run.rejects(Event("next")) == "unhandled"


def test_inner_ignore_and_defer_hide_an_outer_handler() -> None:
    run = nested("""
      start -> O
      state O {
        start -> A
        state A { ignore next  defer other  on out -> B }
        state B { on back -> A }
        on next -> End
        on other { m = m + 1 } stay
      }
      final End
    """)
    assert run.ignores(Event("next"))
    assert run(Event("other")).at.deferred == (Event("other"),)
    run(Event("out"))
    assert run.at.values == (0, 1) and run.at.deferred == ()


def test_outcomes_are_answered_further_out_where_the_state_does_not_name_them() -> None:
    text = """
      start -> O
      state O {
        start -> A
        state A { do work() on done -> B on broken -> End }
        state B { do work() on done -> C on failed -> A }
        state C { do work() on done -> End }
        on broken -> Other
        on failed -> compensate -> Bad
      }
      final End
      final Other
      final failure Bad
    """
    assert nested(text)(Outcome("work#1", "broken")).at.configuration == ("End",)
    assert nested(text)(Outcome("work#1", "timeout")).at.compensating
    inner = nested(text)(Outcome("work#1", "done", 1))
    assert inner(Outcome("work#2", "broken")).at.configuration == ("O.A",), "`failed` further in wins over the name"
    last = nested(text)(Outcome("work#1", "done", 1))(Outcome("work#2", "done", 1))
    assert last(Outcome("work#3", "broken")).at.configuration == ("Other",), "in one place the name wins"


def test_a_task_of_an_outer_state_stays_open_and_may_be_answered_further_out() -> None:
    run = nested("""
      start -> O
      state O {
        start -> I
        state I {
          task t for clerk { title "t" }
          start -> A
          state A { on next -> B }
          state B { on back -> A }
        }
        on t -> End
      }
      final End
    """)
    run(Event("next"))
    assert run.effects == () and [item.task for item in run.at.tasks] == ["t"]
    assert run(Completion("t"), CLERK).at.configuration == ("End",)


# ---------------------------------------------------------------- choices and starts


def test_the_choices_of_a_start_are_followed_with_their_updates() -> None:
    run = nested("""
      start -> O
      state O {
        start { n = n + 1 } -> C
        choice C { when n > 1 { m = 5 } -> I  else -> A }
        state A { on next -> O }
        state I { start { m = m + n } -> X  state X { on out -> End } }
      }
      final End
    """)
    assert run.at.configuration == ("O.A",)
    run(Event("next"))
    assert run.at.configuration == ("O.I.X",) and run.at.values == (2, 7)
    assert [(taken.branches, taken.entered) for taken in run.taken] == [((("O.C", 0),), ("O", "O.I", "O.I.X"))]


# ---------------------------------------------------------------- savepoints, moments, history


def test_a_savepoint_may_be_an_outer_state() -> None:
    run = nested("""
      start -> Before
      state Before { do work() on done -> O on failed -> End }
      state O {
        start -> A
        state A { do work() on done -> B on failed -> End }
        state B { do work() on done -> C on failed -> End }
        state C { on out -> compensate since O -> End }
      }
      final End
    """)
    for number in range(1, 4):
        run(Outcome(f"work#{number}", "done", number))
    run(Event("out"))(Outcome("work#3/undo", "done"))(Outcome("work#2/undo", "done"))
    assert run.at.finished and run.log == [("work#1", "done", False)]


def test_a_timer_may_count_from_the_last_entry_to_another_state() -> None:
    run = nested("""
      start -> A
      state A { on next -> B }
      state B { on back -> A  after 5h since A -> End  after 7h since C -> C }
      state C { on next -> B }
      final End
    """)
    run(Event("next"), after=HOUR)
    assert armed(run) == {"B.after1": 5, "B.after2": 8}
    run(Event("back"), after=HOUR)(Event("next"), after=2 * HOUR)
    assert armed(run) == {"B.after1": 7, "B.after2": 11}
    assert run.at.moments == (("A", NOW + 2 * HOUR),)


HISTORY = """
  start -> O
  state O {
    start -> I
    state I { start -> A  state A { on next -> B }  state B { do look() on done stay  on back -> A } }
    state J { on next -> I }
    on other -> J
    on out -> Out
  }
  state Out { on back -> resume O  on again -> O  on next -> resume O.I }
  final End
"""


def test_resume_goes_to_the_leaf_the_state_was_left_at_however_deep() -> None:
    run = nested(HISTORY)(Event("next"))(Event("out"))
    assert run.at.history == (("O", ("O.I.B",)), ("O.I", ("O.I.B",)))
    run(Event("back"))
    assert run.at.configuration == ("O.I.B",)
    assert run.effects == (StartActivity("look#2", "look", ()),)


def test_each_state_remembers_where_it_itself_was_left() -> None:
    run = nested(HISTORY)(Event("next"))(Event("other"))(Event("out"))
    assert run.at.history == (("O", ("O.J",)), ("O.I", ("O.I.B",)))
    assert run(Event("back")).at.configuration == ("O.J",)
    run(Event("out"))
    assert run(Event("next")).at.configuration == ("O.I.B",)


def test_resuming_a_state_that_was_never_left_starts_it() -> None:
    run = nested("start -> Out" + HISTORY.replace("start -> O", "", 1))
    assert run(Event("back")).at.configuration == ("O.I.A",)


def test_a_guard_may_ask_where_the_instance_is() -> None:
    text = """
      start -> O
      state O {
        start -> A
        state A { on next -> B }
        state B { on back -> A }
        on out when in A -> Where
        on out when in O.B and not in A -> End
      }
      choice Where { when in O -> End  else -> Bad }
      final End
      final failure Bad
    """
    assert nested(text)(Event("out")).at.configuration == ("End",), "where it was before the command"
    assert nested(text)(Event("next"))(Event("out")).at.configuration == ("End",)


def test_after_a_compensation_the_instance_is_nowhere() -> None:
    run = nested("""
      start -> O
      state O { start -> A  state A { on out -> compensate -> Where } }
      choice Where { when in O -> Bad  else -> End }
      final End
      final failure Bad
    """)
    assert run(Event("out")).at.configuration == ("End",)


def test_what_is_wrong_changes_nothing() -> None:
    kernel = flow(BASE + OUTER)
    at = start(kernel, (), CLERK, NOW).after
    run = Run(kernel)
    assert run.rejects(Event("unheard_of")) == "payload"
    assert run.rejects(Event("out")) == "unhandled"
    assert run.at.configuration == at.configuration
