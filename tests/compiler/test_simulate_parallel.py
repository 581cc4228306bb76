"""The reference interpreter: parallel states: regions, joins, compensation across them, deferred events."""

from __future__ import annotations

import pytest

from driving import CLERK, HOUR, NOW, Run
from kernels import flow
from penstock.compiler.effects import ArmTimer, CancelTimer, CloseTask, Finish, InterruptActivity, StartActivity
from penstock.compiler.evaluate import Fault
from penstock.compiler.instance import Completion, Event, Fired, Outcome, Taken
from penstock.compiler.simulate import enabled, holds
from penstock.compiler.trace import place
from penstock.dsl.model import Always

BASE = """
  data { n: int 0..9 = 0 }
  roles clerk
  event a
  event b
  event c
  event go
  event cancel
  activity law() -> text { fails refused  compensate unlaw(result) }
  activity pay() -> text { fails declined  compensate refund(result) }
  activity look() { readonly }
"""

CALLS = """
  start -> P
  parallel P {
    region L { start -> W  state W { do law() on done -> Done on failed -> Broken }  final Done  final failure Broken }
    region M { start -> W  state W { do pay() on done -> Done on failed -> Broken }  final Done  final failure Broken }
    on all done -> After
    on any failure -> compensate -> Bad
    on cancel -> compensate -> Bad
    after 9h -> compensate -> Bad
  }
  state After { on cancel -> compensate -> Bad  on go -> End }
  final End
  final failure Bad
"""


def region(name: str, event: str) -> str:
    return f"region {name} {{ start -> W  state W {{ on {event} -> D }}  final D }}"


def parallel(states: str) -> Run:
    return Run(flow(BASE + states))


# ---------------------------------------------------------------- regions


def test_every_region_is_entered_in_the_order_of_the_text() -> None:
    run = parallel(CALLS)
    assert run.at.configuration == ("P.L.W", "P.M.W")
    assert run.effects == (
        ArmTimer("P.after1", NOW + 9 * HOUR),
        StartActivity("law#1", "law", ()),
        StartActivity("pay#2", "pay", ()),
    )
    assert place(run.at) == "L.W + M.W"


def test_a_move_in_one_region_leaves_the_others_as_they_are() -> None:
    run = parallel(CALLS)(Outcome("pay#2", "done", "p"))
    assert run.at.configuration == ("P.L.W", "P.M.Done")
    assert run.effects == ()
    assert [call.leaf for call in run.at.calls] == ["P.L.W"]
    assert run.log == [("law#1", "maybe", True), ("pay#2", "done", False)]


def test_all_done_joins_in_the_same_step() -> None:
    run = parallel(CALLS)(Outcome("pay#2", "done", "p"))(Outcome("law#1", "done", "l"))
    assert run.at.configuration == ("After",)
    assert run.effects == (CancelTimer("P.after1"),)
    assert len(run.taken) == 2


def test_a_region_that_is_over_answers_nothing_more() -> None:
    run = parallel("""
      start -> P
      parallel P {
        region A {
          start -> W
          state W { on a -> D }
          final D
          task t for clerk { title "t" }
          on t -> D
          on b { n = 1 } -> W
          after 1h -> W
        }
        region B { start -> W  state W { on go -> D }  final D }
        on b { n = 2 } stay
        on all done -> End
      }
      final End
    """)
    run(Event("a"))
    assert run.effects == (CancelTimer("P.A.after1"), CloseTask("t#1"))
    assert run.rejects(Completion("t"), CLERK) == "closed"
    assert run(Event("b")).at.values == (2,), "so the parallel state's own command answers"
    assert run(Event("go")).at.finished


def test_a_choice_in_a_region_leads_within_it_or_out_of_all() -> None:
    text = """
      start -> P
      parallel P {
        region A {
          start -> W
          state W { on a -> C  on b { n = 1 } -> C }
          choice C { when n > 0 -> compensate -> Bad  else -> D }
          final D
        }
        region B { start -> W  state W { do law() on done -> D on failed -> D }  final D }
        on all done -> End
      }
      final End
      final failure Bad
    """
    assert parallel(text)(Event("a")).at.configuration == ("P.A.D", "P.B.W")
    out = parallel(text)(Event("b"))
    assert out.at.compensating and out.effects == (InterruptActivity("law#1"),)


def test_a_region_may_lead_out_of_the_parallel_state() -> None:
    run = parallel("""
      start -> P
      parallel P {
        region A { start -> W  state W { on a -> Out } }
        region B { start -> W  state W { do look() on done stay on failed stay } }
      }
      state Out { on go -> End }
      final End
    """)
    run(Event("a"))
    assert run.at.configuration == ("Out",) and run.effects == (InterruptActivity("look#1"),)


# ---------------------------------------------------------------- events


def test_inner_over_outer_whichever_region_answers() -> None:
    run = parallel("""
      start -> P
      parallel P {
        region A { start -> W  state W { on a { n = 1 } stay  on go -> V }  state V { ignore c } }
        region B { start -> W  state W { on b { n = 2 } stay } }
        on a { n = 3 } stay
        on c { n = 4 } stay
      }
    """)
    assert run(Event("b")).at.values == (2,)
    assert run(Event("a")).at.values == (1,)
    assert run(Event("c")).at.values == (4,)
    run(Event("go"))
    assert run.ignores(Event("c"))
    assert run(Event("a")).at.values == (3,)


def test_of_two_regions_that_answer_both_commands_are_enabled_and_the_first_is_taken() -> None:
    run = parallel("""
      start -> P
      parallel P {
        region A { start -> W  state W { on a when n > 0 { n = 1 } stay  on a else { n = 2 } stay } }
        region B { start -> W  state W { on a { n = 3 } stay } }
      }
    """)
    assert len(enabled(run.kernel, run.at, Event("a"), NOW)) == 2, "an `else` is about the guards beside it"
    assert run(Event("a")).at.values == (2,)


def test_a_command_of_one_region_wins_over_another_that_ignores_or_defers() -> None:
    text = """
      start -> P
      parallel P {
        region A { start -> W  state W { on a when n == 0 { n = 1 } stay } }
        region B { start -> W  state W { ignore a } }
        region C { start -> W  state W { defer a } }
      }
    """
    run = parallel(text)
    assert run(Event("a")).at.values == (1,)
    assert run.ignores(Event("a"))
    deferring = parallel(text.replace("ignore a", "on b stay"))(Event("a"))
    assert deferring(Event("a")).at.deferred == (Event("a"),)


def test_a_deferred_event_waits_until_its_region_answers_it() -> None:
    run = parallel("""
      start -> P
      parallel P {
        region A { start -> W  state W { defer c  on a -> V }  state V { on c -> D }  final D }
        region B { start -> W  state W { on b -> D }  final D }
        on all done -> End
      }
      final End
    """)
    run(Event("c"))(Event("b"))
    assert run.at.configuration == ("P.A.W", "P.B.D") and run.at.deferred == (Event("c"),)
    after = run(Event("a")).at
    assert after.finished and after.deferred == ()
    assert len(run.taken) == 3


# ---------------------------------------------------------------- joins


JOINS = (
    "start -> P  parallel P { "
    + region("A", "a")
    + region("B", "b")
    + " region C { start -> W  state W { on c -> D  on go -> F  do look() on done stay on failed stay }"
    + "   final D  final failure F }"
    + " %s }  final One  final Two  final All  final failure Bad"
)


def test_n_of_m_joins_as_soon_as_so_many_are_done_and_interrupts_the_rest() -> None:
    run = parallel(JOINS % "on 2 done -> Two  on all done -> All")(Event("b"))
    assert run.at.configuration == ("P.A.W", "P.B.D", "P.C.W")
    assert run(Event("a")).at.configuration == ("Two",)
    assert run.effects == (InterruptActivity("look#1"), Finish("Two", False))


def test_a_failed_region_counts_as_none_that_is_done() -> None:
    run = parallel(JOINS % "on 2 done -> Two  on all done -> All")(Event("go"))(Event("a"))
    assert run.at.configuration == ("P.A.D", "P.B.W", "P.C.F")
    assert run(Event("b")).at.configuration == ("Two",)


def test_any_failure_comes_before_the_joins_of_what_is_done() -> None:
    run = parallel(JOINS % "on any done -> One  on any failure -> Bad")(Event("go"))
    assert run.at.configuration == ("Bad",)
    assert parallel(JOINS % "on any done -> One  on any failure -> Bad")(Event("c")).at.configuration == ("One",)


def test_the_largest_number_that_is_done_joins_first() -> None:
    text = """
      start -> P
      parallel P {
        region A { start -> D  final D }
        region B { start -> D  final D }
        region C { start -> W  state W { on c -> D }  final D }
        on any done -> One
        on 2 done -> Two
      }
      final One
      final Two
    """
    assert parallel(text).at.configuration == ("Two",)


def test_a_join_may_pass_choices_and_go_on_to_the_next_join() -> None:
    run = parallel("""
      start -> P
      parallel P {
        region A {
          start -> Q
          parallel Q { region X { start -> W  state W { on a -> D }  final D }
                       region Y { start -> W  state W { on b -> D }  final D }
                       on all done { n = n + 1 } -> C }
          choice C { when n == 1 -> D  else -> Q }
          final D
        }
        region B { start -> D  final D }
        on all done { n = n + 1 } -> End
      }
      final End
    """)
    assert run.at.configuration == ("P.A.Q.X.W", "P.A.Q.Y.W", "P.B.D")
    run(Event("b"))(Event("a"))
    assert run.at.finished and run.at.values == (2,)
    assert len(run.taken) == 3


def test_a_join_that_leads_back_at_once_is_a_fault() -> None:
    regions = "region A { start -> D final D } region B { start -> D final D }"
    run = parallel(f"start -> S  state S {{ on go -> P }}  parallel P {{ {regions} on all done -> P }}")
    with pytest.raises(Fault) as fault:
        run(Event("go"))
    assert fault.value.code == "F005"


# ---------------------------------------------------------------- compensation


def test_the_failure_of_a_region_interrupts_the_others_and_undoes_newest_first_across_them() -> None:
    run = parallel(CALLS)(Outcome("law#1", "done", "l"))(Outcome("pay#2", "timeout"))
    assert run.at.configuration == () and run.log == [("law#1", "done", False), ("pay#2", "maybe", False)]
    assert run(Outcome("pay#2/undo", "done")).log == [("law#1", "done", False)]
    assert run(Outcome("law#1/undo", "done")).at.configuration == ("Bad",)


def test_an_interrupted_sibling_is_settled_before_anything_older_is_undone() -> None:
    run = parallel(CALLS)(Outcome("law#1", "refused"))
    assert run.effects == (InterruptActivity("pay#2"), CancelTimer("P.after1"))
    assert run.log == [("pay#2", "maybe", True)], "what was refused has no entry left; the other call is in flight"
    run(Outcome("pay#2", "done", "late"))
    assert [type(effect).__name__ for effect in run.effects] == ["StartCompensation"]
    assert run.at.undoing is not None and run.at.undoing.running == "pay#2/undo"


def test_an_older_call_in_flight_waits_for_its_turn() -> None:
    run = parallel(CALLS)(Event("cancel"))
    run(Outcome("law#1", "interrupted"))
    assert run.effects == () and run.log == [("law#1", "maybe", False), ("pay#2", "maybe", True)]
    run(Outcome("pay#2", "declined"))
    assert run.log == [("law#1", "maybe", False)]
    assert run.at.undoing is not None and run.at.undoing.running == "law#1/undo"


def test_a_compensation_from_within_a_region_leaves_every_region() -> None:
    run = parallel("""
      start -> P
      parallel P {
        region A {
          start -> W
          state W { do law() on done -> V on failed -> D }
          state V { on a -> compensate since W -> Out }
          final D
        }
        region B { start -> W  state W { do pay() on done -> V on failed -> D } state V { on b -> D } final D }
        on all done -> Out
      }
      state Out { on cancel -> compensate -> Bad }
      final failure Bad
    """)
    run(Outcome("pay#2", "done", "p"))(Outcome("law#1", "done", "l"))(Event("a"))
    assert run.at.configuration == () and run.at.undoing is not None
    assert run.at.undoing.mark == 0, "the mark of W is older than all of the other region's calls"
    assert run(Outcome("pay#2/undo", "done"))(Outcome("law#1/undo", "done")).at.configuration == ("Out",)


def test_leaving_one_region_keeps_what_the_other_calls() -> None:
    run = parallel("""
      start -> P
      parallel P {
        region A { start -> W  state W { do law() on done -> D on failed -> D  after 1h -> W } final D }
        region B { start -> W  state W { do pay() on done -> D on failed -> D  after 2h -> W } final D }
        on all done -> End
      }
      final End
    """)
    run(Fired("P.A.W.after1"), after=HOUR)
    assert run.effects[0] == InterruptActivity("law#1")
    assert [call.key for call in run.at.calls] == ["pay#2", "law#3"]
    assert run.log == [("law#1", "maybe", True), ("pay#2", "maybe", True), ("law#3", "maybe", True)]
    run(Outcome("law#1", "refused"))
    assert run.log == [("pay#2", "maybe", True), ("law#3", "maybe", True)] and run.taken == ()


# ---------------------------------------------------------------- history, guards, properties


def test_resume_restores_every_region() -> None:
    run = parallel(
        "start -> P  parallel P { "
        "region A { start -> W  state W { on a -> V }  state V { on b -> D }  final D }"
        + region("B", "c")
        + " on go -> Out  on all done -> End }  state Out { on go -> resume P }  final End"
    )
    run(Event("a"))(Event("c"))(Event("go"))
    assert run.at.history == (("P", ("P.A.V", "P.B.D")),)
    assert run(Event("go")).at.configuration == ("P.A.V", "P.B.D")
    assert run(Event("b")).at.finished


def test_a_guard_in_one_region_may_ask_about_another() -> None:
    run = parallel("""
      start -> P
      parallel P {
        region A { start -> W  state W { on a when in B.V -> D  on a else { n = n + 1 } stay }  final D }
        region B { start -> W  state W { on b -> V }  state V { on b -> D }  final D }
        on all done -> End
      }
      final End
    """)
    assert run(Event("a")).at.values == (1,)
    run(Event("b"))
    assert run(Event("a")).at.configuration == ("P.A.D", "P.B.V")


def test_properties_ask_for_leaves_and_the_scopes_around_them() -> None:
    kernel = flow(BASE + CALLS + "always in P.L.W\nalways in P.M.Done\nalways in P\nalways in After\n")
    run = Run(kernel)(Outcome("pay#2", "done", "p"))
    claims = [claim.condition for claim in kernel.properties if isinstance(claim, Always)]
    assert [holds(kernel, run.at, claim, NOW) for claim in claims] == [True, True, True, False]


def test_the_branches_of_a_way_are_told_with_its_command() -> None:
    run = parallel("""
      start -> P
      parallel P {
        region A { start -> C  choice C { when n > 0 -> W else -> V }  state W { on a -> V }  state V { on a -> W } }
        region B { start -> C  choice C { when n > 0 -> W else -> V }  state W { on b -> V }  state V { on b -> W } }
      }
    """)
    assert run.taken == (Taken(0, (("P.A.C", 1), ("P.B.C", 1))),)
    assert run.at.configuration == ("P.A.V", "P.B.V")
