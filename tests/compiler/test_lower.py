"""Lowering: what is written becomes the right leaves, timers and commands."""

from __future__ import annotations

from datetime import timedelta

import pytest

from kernels import flow, order
from penstock.compiler.kernel import Command, Goto, Kernel, LeafKind, On, TriggerKind, Undo
from penstock.dsl.model import Literal

TWO_CALLS = """
  activity pay(amount: int) -> text { fails declined fails expired compensate refund(result) }
  activity look() { readonly fails lost retry 3 backoff 1s..2s then park }
"""


def answers(kernel: Kernel, leaf: str) -> list[tuple[str, str]]:
    return [
        (command.on.kind.value, command.on.name) for command in kernel.commands if command.on and command.scope == leaf
    ]


def commands(kernel: Kernel, leaf: str, name: str) -> list[Command]:
    return [command for command in kernel.commands if command.scope == leaf and command.on and command.on.name == name]


def test_failed_answers_every_outcome_that_is_not_named_more_closely() -> None:
    kernel = flow(
        TWO_CALLS
        + """
          start -> A
          state A { do pay(1) on done -> Good on declined -> B on failed -> compensate -> Bad }
          state B { do pay(2) on done -> Good on failed -> Bad on timeout -> A on expired -> A }
          final Good
          final failure Bad
        """
    )
    failed = {name for _, name in answers(kernel, "A")}
    assert failed == {"done", "declined", "expired", "timeout", "failed"}
    assert {command.on.name for command in kernel.commands if command.on and command.target == Undo(None, "Bad")} == {
        "expired",
        "timeout",
        "failed",
    }
    assert [command.target for command in commands(kernel, "B", "declined")] == [Goto("Bad")]
    assert [command.target for command in commands(kernel, "B", "timeout")] == [Goto("A")]


def test_one_written_transition_is_one_span_whatever_it_answers() -> None:
    kernel = flow(TWO_CALLS + "start -> A state A { do pay(1) on done -> G on failed -> G } final G")
    spans = {command.span for command in kernel.commands if command.on and command.on.name != "done"}
    assert len(spans) == 1
    assert kernel.source.slice(spans.pop()).startswith("on failed")


def test_a_parked_activity_answers_only_done_and_its_errors() -> None:
    kernel = flow(TWO_CALLS + "start -> A state A { do look() on done -> G on failed -> G } final G")
    assert answers(kernel, "A") == [("outcome", "done"), ("outcome", "lost")]
    assert kernel.outcomes(kernel.activity["look"]) == ("done", "lost")
    assert kernel.outcomes(kernel.activity["pay"]) == ("done", "declined", "expired", "timeout", "failed")


def test_failed_of_an_activity_that_always_parks_stays_visible_as_a_dead_command() -> None:
    kernel = flow("""
      activity a() { readonly fails e retry 3 backoff 1s..2s then park }
      start -> A state A { do a() on done -> G on e -> G on failed -> G } final G
    """)
    assert answers(kernel, "A") == [("outcome", "done"), ("outcome", "e"), ("outcome", "failed")]


def test_commands_are_numbered_in_the_order_of_the_text_and_begin_with_the_start() -> None:
    kernel = order()
    assert [command.id for command in kernel.commands] == list(range(len(kernel.commands)))
    assert kernel.commands[0].scope == "" and kernel.commands[0].on is None
    assert kernel.commands[0].target == Goto("Reserving")
    starts = [command.span.start for command in kernel.commands[1:]]
    assert starts == sorted(starts)


def test_payload_fields_are_named_as_bound_and_typed_as_declared() -> None:
    kernel = order()
    (shipped,) = commands(kernel, "Shipping", "done")
    assert [(param.name, str(param.type)) for param in shipped.params] == [("_", "text")]
    review, _ = commands(kernel, "Approval", "review")
    assert [param.name for param in review.params] == ["verdict", "comment"]
    assert str(review.params[1].type) == "text?"


def test_a_transition_without_parentheses_binds_nothing_of_a_payload() -> None:
    kernel = flow("""
      event e(a: int, b: text)
      start -> A
      state A { on e -> G }
      final G
    """)
    (command,) = commands(kernel, "A", "e")
    assert [param.name for param in command.params] == ["_", "_"]


def test_timers_are_named_after_their_state_and_stand_in_the_order_written() -> None:
    kernel = flow("""
      input { t: instant }
      roles clerk, boss, chief
      start -> A
      state A {
        after 3h -> G
        task look for clerk { title "x" escalate to boss after 1h escalate to chief after 2h }
        at t -> G
        after 1h -> G
        on look -> G
      }
      deadline 5d -> G
      final G
    """)
    assert [timer.id for timer in kernel.leaf["A"].timers] == [
        "A.after1",
        "A.look.escalate1",
        "A.look.escalate2",
        "A.at1",
        "A.after2",
    ]
    assert [timer.id for timer in kernel.timers()][-1] == "deadline"
    escalation = kernel.leaf["A"].timers[1]
    assert escalation.escalates is not None and escalation.escalates[0] == "look"
    assert isinstance(escalation.after, Literal) and escalation.after.value == timedelta(hours=1)
    assert commands(kernel, "A", "A.look.escalate1") == []


def test_a_deadline_is_one_command_of_the_flow_itself() -> None:
    kernel = flow(
        """
          event e
          start -> A
          state A { on e -> B }
          state B { on e -> G }deadline 1h -> compensate -> X
          final G
          final failure X
        """
    )
    found = [command for command in kernel.commands if command.on == On(TriggerKind.TIMER, "deadline")]
    assert [(command.scope, command.target) for command in found] == [("", Undo(None, "X"))]
    assert kernel.deadline is not None and kernel.scope[""].timers == (kernel.deadline,)


def test_states_and_finals_are_leaves_with_their_kind() -> None:
    kinds = {leaf.name: leaf.kind for leaf in order().leaves}
    assert kinds["Approval"] is LeafKind.STATE
    assert kinds["Delivered"] is LeafKind.FINAL
    assert kinds["Expired"] is LeafKind.FAILURE


NESTED = """
  roles clerk, boss
  event stop
  activity pay(amount: int) -> text { fails declined fails expired  compensate refund(result) }
  activity look() { readonly fails lost }
  start -> O
  state O {
    start -> P
    parallel P {
      region A {
        start -> X
        state X { do pay(1) on done -> Y  on expired -> Y }
        state Y { do look() on done -> End  on timeout -> X  after 1h -> End }
        final End
      }
      region B {
        start -> Z
        state Z { task sign for clerk { title "x" escalate to boss after 1h } }
        final End
        final failure Lost
      }
      on declined stay
      on sign -> Good
      on all done -> Good
      on any failure -> compensate -> Bad
    }
    on failed -> Good
    on stop -> Bad
    after 2h since P -> Bad
  }
  final Good
  final failure Bad
"""


def test_states_with_states_in_them_are_scopes_outer_before_inner() -> None:
    kernel = flow(NESTED)
    assert [(scope.name, scope.kind.value) for scope in kernel.scopes] == [
        ("", "flow"),
        ("O", "state"),
        ("O.P", "parallel"),
        ("O.P.A", "region"),
        ("O.P.B", "region"),
    ]
    starts = {scope.name: scope.start and scope.start.target for scope in kernel.scopes}
    assert starts == {"": None, "O": Goto("O.P"), "O.P": None, "O.P.A": Goto("O.P.A.X"), "O.P.B": Goto("O.P.B.Z")}
    assert kernel.inside["O.P"] == ("O.P.A", "O.P.B")
    assert kernel.leaf["O.P.A.X"].path == ("O", "O.P", "O.P.A")


def test_finals_are_of_the_flow_or_of_their_region() -> None:
    kinds = {leaf.name: leaf.kind for leaf in flow(NESTED).leaves if leaf.kind is not LeafKind.STATE}
    assert kinds == {
        "O.P.A.End": LeafKind.REGION_DONE,
        "O.P.B.End": LeafKind.REGION_DONE,
        "O.P.B.Lost": LeafKind.REGION_FAILED,
        "Good": LeafKind.FINAL,
        "Bad": LeafKind.FAILURE,
    }


def test_an_outcome_is_answered_by_the_innermost_place_that_names_it() -> None:
    kernel = flow(NESTED)

    def targets(leaf: str) -> dict[str, str]:
        found = (command for command in kernel.commands if command.scope == leaf and command.on is not None)
        return {str(c.on and c.on.name): getattr(c.target, "node", "stay") for c in found}

    outer = {"failed": "Good"}
    x = {"done": "O.P.A.Y", "expired": "O.P.A.Y", "declined": "stay", "timeout": "Good"}
    y = {"done": "O.P.A.End", "timeout": "O.P.A.X", "lost": "Good", "O.P.A.Y.after1": "O.P.A.End"}
    assert targets("O.P.A.X") == x | outer
    assert targets("O.P.A.Y") == y | outer
    (span,) = {c.span for c in kernel.commands if c.target == Goto("Good") and c.on and c.on.name in {"lost", "failed"}}
    assert kernel.source.slice(span) == "on failed -> Good", "one written transition makes several commands"


def test_events_timers_and_joins_stay_where_they_are_written_and_tasks_where_they_are_open() -> None:
    kernel = flow(NESTED)
    places = {command.on: command.scope for command in kernel.commands if command.on is not None}
    assert places[On(TriggerKind.EVENT, "stop")] == "O"
    assert places[On(TriggerKind.TIMER, "O.after1")] == "O"
    assert places[On(TriggerKind.JOIN, "all done")] == places[On(TriggerKind.JOIN, "any failure")] == "O.P"
    assert places[On(TriggerKind.TASK, "sign")] == "O.P.B.Z"
    assert kernel.timer["O.after1"].since == "O.P"
    assert kernel.home["O.P.B.Z.sign.escalate1"] == "O.P.B.Z" and kernel.home["sign"] == "O.P.B.Z"


def test_a_group_of_calls_brings_the_list_of_its_results() -> None:
    kernel = flow("""
      activity pay(amount: int) -> text { compensate refund(result) }
      start -> A
      state A { do for n in [1, 2] at most 4: pay(n) on done(ids) -> G on failed -> G }
      final G
    """)
    (done,) = commands(kernel, "A", "done")
    assert [(param.name, str(param.type)) for param in done.params] == [("ids", "list<text> at most 4")]
    assert {command.on.name: command.params for command in kernel.commands if command.on and command != done} == {
        "timeout": (),
        "failed": (),
    }


def test_a_shared_compensation_is_listed_once() -> None:
    kernel = flow("""
      activity a() { compensate undo() }
      activity b() { compensate undo() }
      activity c() { compensate other() }
      start -> G final G
    """)
    assert [compensation.name for compensation in kernel.compensations] == ["undo", "other"]


@pytest.mark.parametrize("name", ["B", "A"])
def test_only_leaves_that_since_names_keep_a_savepoint(name: str) -> None:
    kernel = flow(
        f"""
          event e
          start -> A
          state A {{ on e -> B }}
          state B {{ on e -> compensate since {name} -> X }}
          final failure X
        """
    )
    assert kernel.savepoints == {name}
