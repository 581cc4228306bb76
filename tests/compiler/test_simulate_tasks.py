"""The reference interpreter: events, deferred and ignored ones, and tasks."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

from driving import BOSS, CLERK, HOUR, NOW, Run
from kernels import flow
from penstock.compiler.effects import (
    ArmTimer,
    CancelTimer,
    CloseTask,
    DelegateTask,
    DropEvent,
    EscalateTask,
    Finish,
    OpenTask,
    RemindTask,
)
from penstock.compiler.instance import (
    Actor,
    Completion,
    Delegation,
    Event,
    Fired,
)
from penstock.compiler.kernel import Kernel
from penstock.compiler.simulate import enabled

# ---------------------------------------------------------------- 3: events and tasks


def test_an_event_is_checked_for_payload_then_role_then_whether_it_is_handled() -> None:
    run = Run(
        flow("""
          roles clerk
          event e(x: int 0..3) by clerk
          event f
          start -> A
          state A { on f -> G }
          final G
        """)
    )
    assert run.rejects(Event("e", (4,))) == "payload"
    assert run.rejects(Event("e", ())) == "payload"
    assert run.rejects(Event("e", (1, 2))) == "payload"
    assert run.rejects(Event("nonsense")) == "payload"
    assert run.rejects(Event("e", (1,))) == "role"
    assert run.rejects(Event("e", (1,)), BOSS) == "role"
    assert run.rejects(Event("e", (1,)), CLERK) == "unhandled"


def test_a_guard_decides_and_else_is_what_remains() -> None:
    kernel = flow("""
      data { n: int = 0 }
      event e(x: int)
      start -> A
      state A { on e(x) when x > 5 { n = x } stay on e(y) else { n = 0 - y } stay }
      final G
    """)
    run = Run(kernel)
    assert run(Event("e", (6,))).at.values == (6,)
    assert run(Event("e", (5,))).at.values == (-5,)
    assert [command.id for command in enabled(kernel, run.at, Event("e", (6,)), NOW)] == [1]
    assert [command.id for command in enabled(kernel, run.at, Event("e", (5,)), NOW)] == [2]


def test_overlapping_commands_are_all_enabled_and_the_first_of_the_text_is_taken() -> None:
    kernel = flow(
        """
          event e(x: int)
          start -> A
          state A { on e(x) when x > 1 -> B on e(x) when x > 2 -> C }
          final B
          final C
        """
    )
    run = Run(kernel)
    assert [command.id for command in enabled(kernel, run.at, Event("e", (3,)), NOW)] == [1, 2]
    assert run.rejects(Event("e", (1,))) == "unhandled"
    assert run(Event("e", (3,))).at.configuration == ("B",)


def test_ignored_events_change_nothing_and_deferred_ones_wait_in_order() -> None:
    kernel = flow("""
      data { seen: int = 0 }
      event go
      event note(x: int)
      event noise
      start -> A
      state A { on go -> B ignore noise defer note }
      state B { on note(x) { seen = seen * 10 + x } stay on go -> G }
      final G
    """)
    run = Run(kernel)
    assert run.ignores(Event("noise"))
    run = run(Event("note", (1,)))(Event("note", (2,)))
    assert run.at.deferred == (Event("note", (1,)), Event("note", (2,)))
    run = run(Event("go"))
    assert run.at.values == (12,)
    assert run.at.deferred == ()
    assert [taken.command for taken in run.taken] == [1, 2, 2]


def test_deferred_events_are_dropped_at_the_end_each_with_an_effect() -> None:
    run = Run(
        flow("""
          event go
          event note
          start -> A
          state A { on go -> G defer note }
          deadline 2h -> G
          final G
        """)
    )
    run = run(Event("note"))(Event("note"))(Event("go"))
    assert run.effects == (CancelTimer("deadline"), DropEvent("note"), DropEvent("note"), Finish("G", False))
    assert run.at.deferred == ()
    assert run.at.timers == ()


def test_a_redelivered_event_may_leave_the_state_that_took_it() -> None:
    kernel = flow("""
      event go
      event note
      start -> A
      state A { on go -> B defer note }
      state B { on note -> C }
      state C { ignore note after 1h -> G }
      final G
    """)
    run = Run(kernel)(Event("note"))(Event("note"))(Event("go"))
    assert run.at.configuration == ("C",)
    assert run.at.deferred == ()
    assert run.effects == (ArmTimer("C.after1", NOW + HOUR),)


def test_deferred_events_are_looked_at_after_a_command_only() -> None:
    kernel = flow("""
      input { t: instant }
      event note(x: int)
      event go
      start -> A
      state A { on note(x) when x > 1 and now >= t -> G  on go stay  defer note }
      final G
    """)
    run = Run(kernel, NOW + HOUR)(Event("note", (2,)))
    run = run(Event("note", (1,)), after=2 * HOUR)
    assert run.at.deferred == (Event("note", (2,)), Event("note", (1,)))
    assert run(Event("go")).at.finished


def test_each_redelivered_event_may_pass_the_same_choice() -> None:
    kernel = flow("""
      data { n: int = 0 }
      event note
      event go
      start -> A
      state A { on go -> B  defer note }
      state B { on note -> C  ignore go }
      choice C { when n > 1 -> G  else { n = n + 1 } -> B }
      final G
    """)
    run = Run(kernel)(Event("note"))(Event("note"))(Event("note"))(Event("go"))
    assert run.at.finished
    assert [taken.branches for taken in run.taken] == [(), (("C", 1),), (("C", 1),), (("C", 0),)]


TASK = """
  input { total: decimal(2) }
  roles clerk, boss
  event again
  start -> A
  state A {
    task check for clerk {
      title "Check {total} of {if total > 5 then "many" else "few"}"
      form { ok: bool, why: text? }
      due 4h
      escalate to boss after 1h
      except actor of start
    }
    on check(ok, _) when ok -> B
    on check(ok, _) when not ok stay
    on again -> A
    after 9h -> G
  }
  state B {
    task sign for boss, clerk { title "Sign" except actor of check }
    on sign -> G
    after 9h -> G
  }
  final G
"""


def task_flow() -> Kernel:
    return flow(TASK.replace('of {if total > 5 then "many" else "few"}', ""))


def test_entering_a_state_opens_its_tasks_and_arms_its_timers() -> None:
    run = Run(task_flow(), Decimal(7), actor=Actor("ann"))
    assert run.effects == (
        ArmTimer("A.check.escalate1", NOW + HOUR),
        ArmTimer("A.after1", NOW + 9 * HOUR),
        OpenTask("check#1", "check", ("clerk",), "Check 7.00 ", NOW + 4 * HOUR, ("ann",)),
    )


def test_a_completion_is_checked_for_payload_then_open_then_role_then_exclusion() -> None:
    run = Run(task_flow(), Decimal(7), actor=Actor("carl"))
    assert run.rejects(Completion("check", (1, None)), CLERK) == "payload"
    assert run.rejects(Completion("nonsense")) == "payload"
    assert run.rejects(Completion("sign"), CLERK) == "closed"
    assert run.rejects(Completion("check", (True, None)), BOSS) == "role"
    assert run.rejects(Completion("check", (True, None)), CLERK) == "excluded"


def test_a_completed_task_is_closed_and_its_actor_may_be_excluded_later() -> None:
    run = Run(task_flow(), Decimal(7))
    run = run(Completion("check", (True, "fine")), CLERK)
    assert run.effects == (
        CloseTask("check#1"),
        CancelTimer("A.check.escalate1"),
        CancelTimer("A.after1"),
        ArmTimer("B.after1", NOW + 9 * HOUR),
        OpenTask("sign#2", "sign", ("boss", "clerk"), "Sign", None, ("carl",)),
    )
    assert run.rejects(Completion("sign"), CLERK) == "excluded"
    assert run(Completion("sign"), BOSS).at.finished


def test_nobody_in_particular_is_never_excluded() -> None:
    run = Run(task_flow(), Decimal(7))
    assert run.at.tasks[0].excluded == ()
    assert run(Completion("check", (True, None)), Actor("", frozenset({"clerk"}))).at.configuration == ("B",)


def test_a_task_completed_in_place_stays_closed_and_escalates_no_more() -> None:
    run = Run(task_flow(), Decimal(7))(Completion("check", (False, None)), CLERK)
    assert run.at.tasks == ()
    assert [armed.timer for armed in run.at.timers] == ["A.after1"]
    assert run.rejects(Completion("check", (True, None)), CLERK) == "closed"
    assert run.ignores(Fired("A.check.escalate1"), after=HOUR)
    assert [task.key for task in run(Event("again")).at.tasks] == ["check#2"]


def test_an_escalation_adds_a_role_to_the_open_task() -> None:
    run = Run(task_flow(), Decimal(7))
    assert run.ignores(Fired("A.check.escalate1"), after=HOUR - timedelta(microseconds=1))
    run = run(Fired("A.check.escalate1"), after=HOUR)
    assert run.effects == (EscalateTask("check#1", "boss"),)
    assert run.at.tasks[0].roles == ("clerk", "boss")
    assert run.ignores(Fired("A.check.escalate1"))
    assert run(Completion("check", (True, None)), BOSS).at.configuration == ("B",)


# ---------------------------------------------------------------- tasks for somebody in particular


def test_a_task_for_a_person_is_for_nobody_else_whatever_their_roles() -> None:
    run = Run(
        flow("""
          data { who: text = "ann" }
          roles clerk, boss
          start -> A
          state A { task t for person who { title "t" } on t -> G }
          final G
        """)
    )
    (opened,) = (effect for effect in run.effects if isinstance(effect, OpenTask))
    assert (opened.roles, opened.persons) == ((), ("ann",))
    assert run.rejects(Completion("t"), BOSS) == "role"
    assert run.rejects(Completion("t"), Actor("", frozenset())) == "role"
    assert run(Completion("t"), Actor("ann")).at.finished


def test_a_task_for_the_actor_of_another_is_for_nobody_until_it_is_escalated_if_nobody_is_known() -> None:
    body = """
      roles clerk, boss
      start -> A
      state A { task t for clerk { title "t" } on t -> B }
      state B { task u for actor of t { title "u" escalate to boss after 1h } on u -> G }
      final G
    """
    run = Run(flow(body))
    run(Completion("t"), Actor("ann", frozenset({"clerk"})))
    assert run.rejects(Completion("u"), Actor("bob", frozenset({"clerk"}))) == "role"
    assert run(Completion("u"), Actor("ann")).at.finished
    run = Run(flow(body))
    run(Completion("t"), Actor("", frozenset({"clerk"})))
    assert run.rejects(Completion("u"), Actor("", frozenset({"clerk"}))) == "role"
    run(Fired("B.u.escalate1"), after=HOUR)
    assert run(Completion("u"), BOSS).at.finished


def test_reminders_are_counted_and_stop_with_the_task_or_when_they_are_used_up() -> None:
    run = Run(
        flow("""
          roles clerk
          start -> A
          state A { task t for clerk { title "t" remind every 1h at most 2 } on t -> G }
          final G
        """)
    )
    run(Fired("A.t.remind"), after=HOUR)
    assert run.effects == (RemindTask("t#1"), ArmTimer("A.t.remind", NOW + 2 * HOUR))
    run(Fired("A.t.remind"), after=3 * HOUR)
    assert list(run.effects) == [RemindTask("t#1")]
    assert [(item.reminders, run.at.timers) for item in run.at.tasks] == [(2, ())]


def test_who_may_do_a_task_hands_it_on_and_it_is_escalated_all_the_same() -> None:
    kernel = flow("""
      roles clerk, boss
      start -> A
      state A { task t for clerk { title "t" except actor of start escalate to boss after 1h } on t -> G }
      final G
    """)
    run = Run(kernel, actor=Actor("eve"))
    assert run.rejects(Delegation("t", "bob"), BOSS) == "role"
    assert run.rejects(Delegation("t", "eve"), CLERK) == "excluded"
    assert run.rejects(Delegation("t", "bob"), CLERK_EVE) == "excluded"
    assert run.rejects(Delegation("t", ""), CLERK) == "payload"
    assert run.rejects(Delegation("nonsense", "bob"), CLERK) == "payload"
    run(Delegation("t", "bob"), CLERK)
    assert run.effects == (DelegateTask("t#1", "bob"),)
    assert run.rejects(Completion("t"), CLERK) == "role"
    run(Fired("A.t.escalate1"), after=HOUR)
    assert [(item.roles, item.persons) for item in run.at.tasks] == [(("boss",), ("bob",))]
    run(Completion("t"), Actor("bob"))
    assert dict(run.at.actors)["t"] == "bob"
    assert run.rejects(Delegation("t", "bob"), CLERK) == "finished"


CLERK_EVE = Actor("eve", frozenset({"clerk"}))
