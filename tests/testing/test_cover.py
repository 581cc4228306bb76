"""Which runs are tested: few, short, told with values that can be told apart, and carried to where they rest."""

from __future__ import annotations

from datetime import timedelta

from kernels import flow, order
from penstock.compiler.checks.explore import Explorer
from penstock.compiler.checks.inquiry import Inquiry
from penstock.compiler.kernel import Kernel
from penstock.compiler.testing.cover import Cover, cover
from penstock.compiler.testing.goals import reached
from penstock.compiler.testing.words import title


def covered(kernel: Kernel) -> Cover:
    return cover(Inquiry(Explorer(kernel)))


def test_every_command_branch_and_compensation_of_the_order_is_taken_by_few_runs() -> None:
    kernel = order()
    made = covered(kernel)
    goals = {goal for example in made.examples for goal in reached(kernel, example.played)}
    assert {("command", command.id) for command in kernel.commands} <= goals
    branches = {(c.name, index) for c in kernel.choices for index in range(len(c.branches))}
    assert {("branch", branch) for branch in branches} <= goals
    assert {("undone", "reserve_stock"), ("undone", "charge_card")} <= goals
    assert ("timer", "Approval.review.escalate1") in goals
    assert made.missed == ()
    assert len(made.examples) <= 13
    assert max(len(example.played) for example in made.examples) <= 7


def test_each_run_takes_something_that_no_other_takes() -> None:
    kernel = order()
    examples = covered(kernel).examples
    for example in examples:
        others = [reached(kernel, each.played) for each in examples if each is not example]
        assert reached(kernel, example.played) - set().union(*others)


def test_no_run_stops_while_effects_are_undone() -> None:
    for example in covered(order()).examples:
        at = example.played[-1].after
        assert at is not None and not at.compensating


def test_names_say_what_a_run_is_there_for_and_how_it_ends() -> None:
    kernel = order()
    names = [title(kernel, example) for example in covered(kernel).examples]
    assert "cancel_in_approval_ends_in_cancelled" in names
    assert "review_refuse_in_approval_ends_in_cancelled" in names
    assert any(name.endswith("after_72h_in_approval_ends_in_expired") for name in names)


def test_numbers_lie_where_guards_turn_and_texts_differ() -> None:
    kernel = order()
    starts = {example.played[0].act.values for example in covered(kernel).examples if example.played[0].act}
    assert {str(total) for _, _, total in starts} == {"1000.00", "1000.01"}
    longest = max(covered(kernel).examples, key=lambda example: len(example.played))
    texts = [value for step in longest.played if step.act for value in step.act.values if isinstance(value, str)]
    assert len(texts) == len(set(texts)) and "" not in texts


def test_joins_are_taken_and_timers_fire_in_their_order() -> None:
    kernel = flow(
        """
        event left
        event right
        start -> Both
        parallel Both {
          region A { start -> One state One { on left -> Done after 5h -> Late } final Done final failure Late }
          region B { start -> Two state Two { on right -> Fine after 3h -> Fine } final Fine }
          on all done    -> Good
          on any failure -> Bad
        }
        final Good
        final failure Bad
        """
    )
    made = covered(kernel)
    assert made.missed == ()
    for example in made.examples:
        moments = [step.now for step in example.played]
        assert moments == sorted(moments)
    late = next(e for e in made.examples if e.played[-1].after and e.played[-1].after.configuration == ("Bad",))
    assert late.played[-1].now - late.played[0].now == timedelta(hours=5)
    fired = [step.trigger for step in late.played if step.trigger]
    assert [getattr(trigger, "timer", "") for trigger in fired][-2:] == ["Both.B.Two.after1", "Both.A.One.after1"]
