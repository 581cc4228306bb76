"""The reference interpreter: outcomes, timers, commands, faults, properties (see the docstring of `kernel`)."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from driving import CLERK, HOUR, NOW, TWO, Run, saga
from kernels import flow, order
from penstock.compiler.effects import (
    ArmTimer,
    CancelTimer,
    Finish,
    InterruptActivity,
    OpenTask,
    StartActivity,
    StartCompensation,
)
from penstock.compiler.evaluate import Fault
from penstock.compiler.instance import (
    NOBODY,
    Actor,
    Armed,
    Completion,
    Event,
    Fired,
    Outcome,
    Rejected,
    Taken,
    Trigger,
)
from penstock.compiler.simulate import holds, start
from penstock.dsl.model import Always, Value

# ---------------------------------------------------------------- 1: finished


def test_a_finished_instance_rejects_events_and_tasks_and_ignores_the_rest() -> None:
    run = Run(
        flow(
            """
              roles clerk
              event e
              start -> A
              state A { task t for clerk { title "x" } on t -> G on e -> G after 1h -> G }
              final G
            """
        )
    )
    run = run(Event("e"))
    assert run.at.finished
    assert run.at.configuration == ("G",)
    assert run.rejects(Event("e")) == "finished"
    assert run.rejects(Event("unheard_of")) == "finished"
    assert run.rejects(Completion("t"), CLERK) == "finished"
    assert run.ignores(Fired("A.after1"), after=2 * HOUR)
    assert run.ignores(Outcome("x#1", "done"))


# ---------------------------------------------------------------- 2: outcomes


def test_a_call_is_logged_before_it_is_made_and_done_with_its_result() -> None:
    run = Run(saga(TWO), 3)
    assert run.effects == (StartActivity("book#1", "book", (3,)),)
    assert run.log == [("book#1", "maybe", True)]
    run = run(Outcome("book#1", "done", "r-1"))
    assert run.log == [("book#1", "done", False), ("pay#2", "maybe", True)]
    assert run.at.log[0].result == "r-1"
    assert run.at.values == (3, "r-1", None)


def test_a_declared_error_takes_the_entry_off_the_log_and_a_failure_leaves_it() -> None:
    run = Run(saga(TWO), 3)
    run = run(Outcome("book#1", "full"))
    assert run.at.finished
    assert run.log == []
    assert run.effects == (Finish("Bad", True),)
    unknown = Run(saga(TWO), 3)
    unknown(Outcome("book#1", "timeout"))
    assert unknown.log == [("book#1", "maybe", False)]
    assert unknown.effects == (StartCompensation("book#1/undo", "unbook", (None, 3), "book#1"),)


def test_a_readonly_call_leaves_no_entry_but_is_remembered() -> None:
    kernel = saga(
        "start -> A state A { do peek() on done(_) -> G on failed -> G } final G always done(peek) implies in G"
    )
    run = Run(kernel, 3)
    assert run.log == []
    run = run(Outcome("peek#1", "done", 7))
    assert run.at.completed == {"peek"}
    assert Run(kernel, 3)(Outcome("peek#1", "failed")).at.completed == frozenset()


@pytest.mark.parametrize("trigger", [Outcome("book#9", "done", "x"), Outcome("pay#1", "full"), Outcome("", "failed")])
def test_an_outcome_of_another_key_is_stale(trigger: Trigger) -> None:
    assert Run(saga(TWO), 3).ignores(trigger)


def test_an_outcome_comes_once() -> None:
    run = Run(saga(TWO), 3)(Outcome("book#1", "done", "r"))
    assert run.ignores(Outcome("book#1", "done", "r"))
    assert run.ignores(Outcome("book#1", "full"))


def test_a_result_is_checked_type_and_ensures() -> None:
    kernel = flow("""
      activity half(n: int) -> int 0..9 { ensures result * 2 == n  readonly }
      activity nothing() { readonly }
      start -> A
      state A { do half(8) on done -> B on failed -> A }
      state B { do nothing() on done -> G on failed -> B }
      final G
    """)
    run = Run(kernel)
    assert [run.rejects(Outcome("half#1", "done", value)) for value in (3, 10, "4", None, True)] == ["payload"] * 5
    run = run(Outcome("half#1", "done", 4))
    assert run.rejects(Outcome("nothing#2", "done", 1)) == "payload"
    assert run(Outcome("nothing#2", "done")).at.finished


def test_an_outcome_that_nothing_answers_is_unhandled_and_changes_nothing() -> None:
    run = Run(flow("activity a() { fails e readonly } start -> A state A { do a() on done -> G } final G"))
    assert [run.rejects(Outcome("a#1", kind)) for kind in ("e", "failed", "interrupted", "nonsense")] == [
        "unhandled"
    ] * 4


# ---------------------------------------------------------------- 4: timers


def test_a_timer_fires_when_due_and_never_after_its_state_was_left() -> None:
    run = Run(
        flow("""
          event e
          start -> A
          state A { on e -> B after 1h -> G }
          state B { after 3h -> G }
          final G
        """)
    )
    assert run.ignores(Fired("A.after1"))
    assert run.ignores(Fired("nonsense"))
    run = run(Event("e"))
    assert run.effects == (CancelTimer("A.after1"), ArmTimer("B.after1", NOW + 3 * HOUR))
    assert run.ignores(Fired("A.after1"), after=2 * HOUR)
    assert run(Fired("B.after1"), after=3 * HOUR).at.finished


def test_stay_goes_on_with_timers_and_a_self_loop_arms_them_anew() -> None:
    run = Run(
        flow("""
          event e
          event f
          start -> A
          state A { on e stay on f -> A after 1h -> G }
          final G
        """)
    )
    assert run(Event("e"), after=HOUR / 2).at.timers == (Armed("A.after1", NOW + HOUR),)
    run = run(Event("f"))
    assert run.effects == (CancelTimer("A.after1"), ArmTimer("A.after1", NOW + 1.5 * HOUR))


def test_a_timer_that_stays_is_spent() -> None:
    run = Run(flow("data { n: int = 0 } start -> A state A { after 1h { n = n + 1 } stay after 2h -> G } final G"))
    run = run(Fired("A.after1"), after=HOUR)
    assert (run.at.values, run.effects) == ((1,), ())
    assert run.ignores(Fired("A.after1"), after=HOUR)


def test_due_timers_fire_in_the_order_they_fall_due_then_as_written() -> None:
    run = Run(
        flow("input { t: instant } start -> A state A { after 2h -> G at t -> G after 1h -> G after 2h stay } final G"),
        NOW + HOUR,
    )
    assert [armed.timer for armed in run.at.due()] == ["A.at1", "A.after2", "A.after1", "A.after3"]


def test_a_moment_that_is_past_is_due_at_once() -> None:
    run = Run(flow("input { t: instant } start -> A state A { at t -> G } final G"), NOW - HOUR)
    assert run(Fired("A.at1")).at.finished


# ---------------------------------------------------------------- 5: commands


def test_updates_run_in_order_and_through_choices() -> None:
    kernel = flow("""
      data { a: int = 1, b: int = 0 }
      event e
      start { a = a + 1 } -> A
      state A { on e { b = a, a = b * 10 } -> C }
      choice C { when a > 5 { b = 0 - a } -> D else -> A }
      choice D { when b < 0 { a = 0 } -> A else -> G }
      final G
    """)
    run = Run(kernel)
    assert run.at.values == (2, 0)
    run = run(Event("e"))
    assert run.at.values == (0, -20)
    assert run.taken == (Taken(1, (("C", 0), ("D", 0))),)


def test_leaving_interrupts_the_call_and_cancels_before_it_enters() -> None:
    kernel = saga(
        "start -> A state A { do book(n) on done -> G on failed -> A on cancel -> B after 1h -> B } "
        "state B { do pay() on done -> G on failed -> B } final G"
    )
    run = Run(kernel, 1)(Event("cancel"))
    assert run.effects == (
        InterruptActivity("book#1"),
        CancelTimer("A.after1"),
        StartActivity("pay#2", "pay", ()),
    )
    assert run.log == [("book#1", "maybe", True), ("pay#2", "maybe", True)]


@pytest.mark.parametrize(
    ("kind", "value", "log"),
    [
        ("done", "r", [("book#1", "done", False), ("pay#2", "maybe", True)]),
        ("full", None, [("pay#2", "maybe", True)]),
        ("interrupted", None, [("book#1", "maybe", False), ("pay#2", "maybe", True)]),
        ("timeout", None, [("book#1", "maybe", False), ("pay#2", "maybe", True)]),
    ],
)
def test_an_interrupted_call_is_settled_by_its_outcome(
    kind: str, value: Value, log: list[tuple[str, str, bool]]
) -> None:
    kernel = saga(
        "start -> A state A { do book(n) on done -> G on failed -> A on cancel -> B } "
        "state B { do pay() on done -> G on failed -> B } final G"
    )
    run = Run(kernel, 1)(Event("cancel"))
    assert run.rejects(Outcome("book#1", "done", 5)) == "payload"
    run = run(Outcome("book#1", kind, value))
    assert run.log == log
    assert run.at.configuration == ("B",)
    assert (run.effects, run.taken) == ((), ())
    assert run.ignores(Outcome("book#1", kind, value))


def test_start_may_go_through_a_choice_to_a_final_state() -> None:
    kernel = flow(
        "input { n: int } start -> C choice C { when n > 1 -> G else -> A } state A { after 1h -> G } "
        "deadline 2h -> G final G"
    )
    assert Run(kernel, 2).effects == (ArmTimer("deadline", NOW + 2 * HOUR), CancelTimer("deadline"), Finish("G", False))
    assert Run(kernel, 1).at.configuration == ("A",)


@pytest.mark.parametrize("inputs", [(), (1, 2), ("1",), (10,), (-1,), (None,)])
def test_inputs_that_do_not_fit_are_refused(inputs: tuple[Value, ...]) -> None:
    with pytest.raises(Rejected) as rejected:
        start(saga(TWO), inputs, NOBODY, NOW)
    assert rejected.value.reason == "payload"


# ---------------------------------------------------------------- 7: faults


@pytest.mark.parametrize(
    ("update", "code"),
    [("n = n + x", "F401"), ("n = o", "F402"), ("n = n / x", "F403"), ("o = n + x", "F401")],
)
def test_an_undefined_update_is_a_fault_and_changes_nothing(update: str, code: str) -> None:
    kernel = flow(
        f"""
          data {{ n: int 0..3 = 3, o: int 0..3? }}
          event e(x: int)
          start -> A
          state A {{ on e(x) {{ {update} }} stay }}
        """
    )
    run = Run(kernel)
    before = replace(run.at)
    with pytest.raises(Fault) as fault:
        run(Event("e", (0 if code == "F403" else 1,)))
    assert fault.value.code == code
    assert run.at == before


def test_arguments_out_of_range_are_a_fault() -> None:
    kernel = flow(
        """
          data { n: int = 7 }
          event e
          activity a(x: int 0..3) { readonly }
          start -> A
          state A { on e -> B }
          state B { do a(n) on done -> G on failed -> G }
          final G
        """
    )
    with pytest.raises(Fault) as fault:
        Run(kernel)(Event("e"))
    assert fault.value.code == "F401"


def test_choices_that_lead_round_are_a_fault_not_a_hang() -> None:
    kernel = flow(
        """
          event e
          start -> A
          state A { on e -> C }
          choice C { when 1 > 2 -> A else -> compensate -> D }
          choice D { when 1 > 2 -> A else -> C }
        """
    )
    with pytest.raises(Fault) as fault:
        Run(kernel)(Event("e"))
    assert fault.value.code == "F005"


def test_a_choice_without_a_branch_for_the_case_is_unhandled() -> None:
    kernel = flow(
        """
          event e(x: int)
          data { n: int = 0 }
          start -> A
          state A { on e(x) { n = x } -> C }
          choice C { when n > 1 -> G }
          final G
        """
    )
    assert Run(kernel).rejects(Event("e", (1,))) == "unhandled"
    assert Run(kernel)(Event("e", (2,))).at.finished


# ---------------------------------------------------------------- properties


@pytest.mark.parametrize(
    ("condition", "truth"),
    [
        ("in Wait", [False, False, True, False]),
        ("compensating", [False, False, False, True]),
        ("done(book)", [False, True, True, True]),
        ("done(pay)", [False, False, True, True]),
        ("count(pay) == 1", [False, True, True, True]),
        ("elapsed >= 1h", [False, False, True, True]),
        ("other is none", [True, True, False, False]),
    ],
)
def test_a_property_holds_of_an_instance(condition: str, truth: list[bool]) -> None:
    kernel = saga(TWO + f"always {condition}")
    (always,) = kernel.properties
    assert isinstance(always, Always)
    run = Run(kernel, 3)
    found = [holds(kernel, run.at, always.condition, run.now)]
    moves: list[tuple[Trigger, timedelta]] = [
        (Outcome("book#1", "done", "r"), timedelta(0)),
        (Outcome("pay#2", "done", "p"), HOUR),
        (Event("cancel"), timedelta(0)),
    ]
    for trigger, wait in moves:
        run = run(trigger, after=wait)
        found.append(holds(kernel, run.at, always.condition, run.now))
    assert found == truth


def test_the_order_of_the_specs_runs_to_its_end() -> None:
    run = Run(order(), "A1", 2, Decimal(2000), actor=Actor("ann", frozenset({"customer"})))
    run = run(Outcome("reserve_stock#1", "done", "r-1"))(Outcome("quote#2", "done", "ups"))
    assert run.effects == (
        ArmTimer("Approval.review.escalate1", NOW + 24 * HOUR),
        ArmTimer("Approval.after1", NOW + 72 * HOUR),
        OpenTask("review#3", "review", ("manager",), "Approve order of 2000.00", NOW + 24 * HOUR, ("ann",)),
    )
    assert run.rejects(Completion("review", ("accept", None)), Actor("ann", frozenset({"manager"}))) == "excluded"
    run = run(Completion("review", ("accept", None)), Actor("max", frozenset({"manager"})))
    run = run(Outcome("charge_card#4", "done", "p-1"))(Outcome("ship#5", "done", "t-1"))
    assert run.at.configuration == ("Delivered",)
    assert run.at.actors == (("review", "max"), ("start", "ann"))
