"""The reference interpreter: a call for each item: when the group has its answer, and what becomes of the others."""

from __future__ import annotations

import pytest

from driving import Run
from kernels import flow
from penstock.compiler.effects import InterruptActivity, StartActivity
from penstock.compiler.evaluate import Fault
from penstock.compiler.instance import Event, Outcome
from penstock.compiler.simulate import enabled
from penstock.dsl.model import Value

BASE = """
  input { items: list<int 0..9> at most 4 }
  data { got: list<text> at most 4 = [], n: int 0..9 = 0 }
  event stop
  activity pack(item: int 0..9, n: int 0..9) -> text { fails broken  compensate unpack(result) }
  activity look(item: int 0..9) { readonly }
"""


def group(until: str, handlers: str, *items: Value, more: str = "") -> Run:
    text = f"""
      start -> A
      state A {{ do for item in items at most 3{until}: pack(item, n)  {handlers}  on stop -> compensate -> Bad }}
      {more}
      final End
      final failure Bad
    """
    return Run(flow(BASE + text), items)


ALL = "on done(results) { got = results } -> End  on failed -> compensate -> Bad"


def test_there_is_a_call_for_every_item_all_at_once() -> None:
    run = group("", ALL, 4, 5)
    assert run.effects == (StartActivity("pack#1", "pack", (4, 0)), StartActivity("pack#2", "pack", (5, 0)))
    assert [(call.leaf, call.item) for call in run.at.calls] == [("A", 0), ("A", 1)]
    assert run.log == [("pack#1", "maybe", True), ("pack#2", "maybe", True)]


def test_done_brings_the_results_in_the_order_of_the_items() -> None:
    run = group("", ALL, 4, 5)(Outcome("pack#2", "done", "five"))
    assert run.at.configuration == ("A",) and run.taken == () and run.effects == ()
    assert run.log == [("pack#1", "maybe", True), ("pack#2", "done", False)]
    assert run.ignores(Outcome("pack#2", "done", "again"))
    run(Outcome("pack#1", "done", "four"))
    assert run.at.finished and run.at.values[1] == ("four", "five")


def test_a_failure_that_leaves_too_few_answers_for_the_group_and_interrupts_the_rest() -> None:
    run = group("", ALL, 4, 5, 6)(Outcome("pack#1", "done", "x"))(Outcome("pack#3", "broken"))
    assert run.effects == (InterruptActivity("pack#2"),)
    assert run.at.compensating and run.log == [("pack#1", "done", False), ("pack#2", "maybe", True)]


def test_until_n_done_ends_the_group_and_interrupts_the_rest() -> None:
    run = group(" until 2 done", ALL, 4, 5, 6)(Outcome("pack#3", "done", "c"))(Outcome("pack#1", "done", "a"))
    assert run.at.finished and run.at.values[1] == ("a", "c")
    assert run.effects[0] == InterruptActivity("pack#2")
    assert run.log[1] == ("pack#2", "maybe", True)


def test_a_group_bears_as_many_failures_as_it_can_do_without() -> None:
    run = group(" until 2 done", ALL, 4, 5, 6)(Outcome("pack#1", "timeout"))
    assert run.at.configuration == ("A",) and run.log[0] == ("pack#1", "maybe", False)
    assert enabled(run.kernel, run.at, Outcome("pack#2", "done", "x"), run.now) == ()
    assert len(enabled(run.kernel, run.at, Outcome("pack#2", "broken"), run.now)) == 1
    run(Outcome("pack#2", "broken"))
    assert run.at.compensating


def test_of_fewer_items_than_it_needs_it_needs_all() -> None:
    run = group(" until 2 done", ALL, 4)(Outcome("pack#1", "done", "x"))
    assert run.at.finished and run.at.values[1] == ("x",)


def test_no_items_are_done_at_once() -> None:
    run = group("", ALL)
    assert run.at.configuration == ("End",) and run.at.values[1] == ()
    assert [taken.command for taken in run.taken] == [0, 1]


def test_more_items_than_written_are_a_fault() -> None:
    with pytest.raises(Fault) as fault:
        group("", ALL, 1, 2, 3, 4)
    assert fault.value.code == "F401"


def test_what_answers_is_over_also_when_the_leaf_stays() -> None:
    run = group("", "on done { n = n + 1 } stay  on failed { n = 9 } stay", 4, 5)
    run(Outcome("pack#1", "broken"))
    assert run.at.configuration == ("A",) and run.at.calls == () and run.at.values[2] == 9
    assert run.effects == (InterruptActivity("pack#2"),)
    run(Outcome("pack#2", "done", "late"))
    assert run.taken == () and run.log == [("pack#2", "done", False)]
    assert run(Event("stop")).at.compensating


def test_an_empty_group_that_stays_answers_once() -> None:
    assert group("", "on done { n = n + 1 } stay  on failed stay").at.values[2] == 1


def test_an_empty_group_that_comes_again_at_once_is_a_fault() -> None:
    with pytest.raises(Fault) as fault:
        group("", "on done -> A  on failed -> A")
    assert fault.value.code == "F005"


def test_a_group_of_calls_without_a_result_and_an_effect() -> None:
    text = """
      start -> A
      state A { do for item in items at most 4: look(item) on done -> End on failed -> End }
      final End
    """
    run = Run(flow(BASE + text), (1, 2))
    assert run.log == []
    run(Outcome("look#1", "done"))(Outcome("look#2", "done"))
    assert run.at.finished and run.at.completed == {"look"}


def test_leaving_interrupts_only_the_calls_that_have_not_answered() -> None:
    run = group("", ALL, 4, 5)(Outcome("pack#1", "done", "x"))(Event("stop"))
    assert run.effects == (InterruptActivity("pack#2"),)


def test_an_answer_the_group_has_no_command_for_is_refused() -> None:
    run = group(" until 1 done", "on done -> End", 4, 5)
    assert run.rejects(Outcome("pack#1", "broken")) == "unhandled"
    assert run.rejects(Outcome("pack#1", "done", 7)) == "payload"
