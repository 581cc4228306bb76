"""A flow that does a flow, in the interpreter: its answers, its effect, and being withdrawn by a parent."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from kernels import kernels
from penstock.compiler import scenario
from penstock.compiler.checks import suite
from penstock.compiler.checks.verdict import Verdict
from penstock.compiler.effects import Finish, StartActivity, StartCompensation
from penstock.compiler.instance import NOBODY, Event, Instance, Log, Outcome, Rejected, Step, Trigger, Withdraw
from penstock.compiler.kernel import Kernel
from penstock.compiler.simulate import start, step
from penstock.dsl.model import Compensation, Effect

NOW = datetime(2026, 1, 1, tzinfo=UTC)

SHOP = """
type Money = decimal(2)
activity look() { readonly }
activity stamp() { irreversible }

flow Shipping version 1 {
  input { order: text }
  data { tracking: text = "", cost: Money = 0.00 }
  output tracking, cost
  event sent
  activity book(order: text) -> text { compensate unbook(result) }
  start -> Booking
  state Booking {
    do book(order)
    on done(id) { tracking = id, cost = 4.50 } -> Waiting
    on failed -> compensate -> Lost
  }
  state Waiting {
    on sent -> Booked
    after 1d -> compensate -> Lost
  }
  final Booked
  final failure Lost
}

flow Order version 1 {
  input { id: text }
  data { parcel: text?, price: Money = 0.00 }
  event cancel
  start -> Sending
  state Sending {
    do flow Shipping(order: id)
    on done(t, c) { parcel = t, price = c } -> Sent
    on failed -> Failed
    on cancel -> compensate -> Failed
  }
  state Sent {
    on cancel -> compensate -> Failed
    after 1d -> Done
  }
  final Done
  final failure Failed

  scenario "cancelled after it was sent" {
    start(id: "o")
    Shipping done("t", 4.50)
    expect parcel == "t" and price == 4.50 and done(Shipping) and count(Shipping) == 1
    cancel
    expect in Failed
    expect compensated Shipping
  }
  scenario "lost" {
    start(id: "o")
    Shipping failed
    expect in Failed
    expect compensated none
  }
  scenario "cancelled while it was sent, which undoes itself" {
    start(id: "o")
    cancel
    expect in Failed
    expect compensated none
  }
  scenario "cancelled too late for it to undo itself" {
    start(id: "o")
    cancel
    Shipping done("t", 4.50)
    expect in Failed
    expect compensated Shipping
  }
}
"""


@pytest.fixture(scope="module")
def shop() -> dict[str, Kernel]:
    return kernels(SHOP)


def doing(*calls: str) -> Compensation | Effect:
    """The effect that a flow has which does these, one after another."""
    states = "".join(
        f"state S{number} {{ do {call}()  on done -> S{number + 1}  on failed -> Lost }}\n"
        for number, call in enumerate(calls)
    )
    child = f"flow Child {{ start -> S0  {states} final S{len(calls)}  final failure Lost }}\n"
    parent = "flow Parent { start -> A  state A { do flow Child()  on done -> B  on failed -> B }  final B }\n"
    around = "activity look() { readonly }\nactivity stamp() { irreversible }\nactivity pay() { compensate refund() }\n"
    return kernels(around + child + parent)["Parent"].activity["Child"].effect


def test_the_effect_of_a_flow_is_that_of_all_it_does() -> None:
    assert doing("look", "look") is Effect.READONLY
    assert doing("look", "pay", "stamp") is Effect.IRREVERSIBLE
    undone = doing("look", "pay")
    assert isinstance(undone, Compensation) and (undone.name, undone.args) == ("Child", ())
    assert doing() is Effect.READONLY


def test_the_effect_counts_what_is_done_further_down() -> None:
    text = """
    activity stamp() { irreversible }
    flow Inner { start -> A  state A { do stamp()  on done -> B  on failed -> B }  final B }
    flow Middle { start -> A  state A { do flow Inner()  on done -> B  on failed -> B }  final B }
    flow Outer { start -> A  state A { do flow Middle()  on done -> B  on failed -> B }  final B }
    """
    assert kernels(text)["Outer"].activity["Middle"].effect is Effect.IRREVERSIBLE


def test_the_scenarios_of_a_parent(shop: dict[str, Kernel]) -> None:
    report = scenario.rehearse(shop["Order"])
    assert [answer.verdict for answer in report.answers] == [Verdict.PROVED] * 4


def test_a_parent_is_checked_as_if_it_did_an_activity(shop: dict[str, Kernel]) -> None:
    report = suite.check(shop["Order"])
    refuted = {answer.rule.code for answer in report.answers if answer.verdict is Verdict.REFUTED}
    assert refuted == set()
    forgotten = kernels(SHOP.replace("after 1d -> Done", "after 1d -> Failed"))["Order"]
    report = suite.check(forgotten)
    assert "F101" in {answer.rule.code for answer in report.answers if answer.verdict is Verdict.REFUTED}


def test_nothing_is_promised_of_how_long_a_sub_flow_takes() -> None:
    for promise in ("start leads to in Sent or in Failed within 400d", "start leads to in Sent or in Failed"):
        order = kernels(SHOP.replace("  final Done\n", f"  final Done\n  {promise}\n"))["Order"]
        (answer,) = [each for each in suite.check(order).answers if each.rule.code == "F301"]
        assert answer.verdict is Verdict.UNKNOWN


def test_the_outputs_come_one_by_one_and_are_kept_as_one_record(shop: dict[str, Kernel]) -> None:
    order = shop["Order"]
    begun = start(order, ("o",), NOBODY, NOW)
    assert begun.effects == (StartActivity("Shipping#1", "Shipping", ("o",)),)
    with pytest.raises(Rejected, match="payload"):
        step(order, begun.after, Outcome("Shipping#1", "done", ("t",)), NOBODY, NOW)
    with pytest.raises(Rejected, match="payload"):
        step(order, begun.after, Outcome("Shipping#1", "done", "t"), NOBODY, NOW)
    after = step(order, begun.after, Outcome("Shipping#1", "done", ("t", Decimal("4.5"))), NOBODY, NOW).after
    assert dict(after.variables(order)) == {"id": "o", "parcel": "t", "price": Decimal("4.50")}
    assert [entry.result for entry in after.log] == [("t", Decimal("4.50"))]


# ---------------------------------------------------------------- withdrawn


def run(kernel: Kernel, *triggers: Trigger) -> tuple[Instance, tuple[object, ...]]:
    at = start(kernel, ("o",), NOBODY, NOW)
    for trigger in triggers:
        at = step(kernel, at.after, trigger, NOBODY, NOW)
    return at.after, at.effects


BOOKED = Outcome("book#1", "done", "b")


def test_a_withdrawn_flow_undoes_itself_and_fails(shop: dict[str, Kernel]) -> None:
    shipping = shop["Shipping"]
    at, effects = run(shipping, BOOKED, Withdraw())
    assert at.compensating and isinstance(effects[-1], StartCompensation)
    assert [type(effect).__name__ for effect in effects] == ["CancelTimer", "StartCompensation"]
    at, effects = run(shipping, BOOKED, Withdraw(), Outcome("book#1/undo", "done"))
    assert (at.configuration, at.finished, at.log) == ((), True, Log()) and effects == (Finish("", True),)
    with pytest.raises(Rejected, match="finished"):
        step(shipping, at, Event("sent"), NOBODY, NOW)
    assert step(shipping, at, Withdraw(), NOBODY, NOW).after == at


def test_a_call_under_way_is_settled_first(shop: dict[str, Kernel]) -> None:
    shipping = shop["Shipping"]
    at, _ = run(shipping, Withdraw())
    assert at.compensating
    at, effects = run(shipping, Withdraw(), Outcome("book#1", "interrupted"))
    assert isinstance(effects[-1], StartCompensation)
    at, effects = run(shipping, Withdraw(), Outcome("book#1", "interrupted"), Outcome("book#1/undo", "done"))
    assert effects == (Finish("", True),)


def test_a_finished_flow_is_undone_too(shop: dict[str, Kernel]) -> None:
    shipping = shop["Shipping"]
    at, effects = run(shipping, BOOKED, Event("sent"), Withdraw())
    assert at.compensating and not at.finished and isinstance(effects[-1], StartCompensation)
    at, effects = run(shipping, BOOKED, Event("sent"), Withdraw(), Outcome("book#1/undo", "done"))
    assert at.finished and effects == (Finish("", True),)


def test_a_failed_flow_stays_as_it_is(shop: dict[str, Kernel]) -> None:
    before, _ = run(shop["Shipping"], Outcome("book#1", "failed"), Outcome("book#1/undo", "done"))
    assert before.configuration == ("Lost",)
    after, effects = run(shop["Shipping"], Outcome("book#1", "failed"), Outcome("book#1/undo", "done"), Withdraw())
    assert (after, effects) == (before, ())


def test_a_compensation_under_way_goes_on_to_the_bottom(shop: dict[str, Kernel]) -> None:
    undone = Outcome("book#1/undo", "done")
    at, effects = run(shop["Shipping"], Outcome("book#1", "failed"), Withdraw())
    assert at.compensating and effects == ()
    at, effects = run(shop["Shipping"], Outcome("book#1", "failed"), Withdraw(), undone)
    assert at.configuration == () and effects == (Finish("", True),)


def test_nothing_is_withdrawn_past_the_pivot() -> None:
    text = """flow Child { start -> A
      activity stamp() { irreversible }
      state A { do stamp()  on done -> B  on failed -> B }
      state B { after 1d -> C }
      final C
    }"""
    child = kernels(text)["Child"]
    begun = start(child, (), NOBODY, NOW)
    assert step(child, begun.after, Withdraw(), NOBODY, NOW) == Step(begun.after)


def test_a_flow_for_each_item() -> None:
    text = """
    flow Child version 1 {
      input { n: int 0..9 }
      output n
      activity pay() { compensate refund() }
      start -> A
      state A { do pay()  on done -> Good  on failed -> compensate -> Bad }
      final Good
      final failure Bad
    }
    flow Parent version 1 {
      input { ns: list<int 0..9> at most 3 }
      data { m: int = 0 }
      start -> A
      state A {
        do for n in ns at most 3: flow Child(n: n)
        on done(results) { m = len(results) } -> Good
        on failed -> compensate -> Bad
      }
      final Good
      final failure Bad
      scenario "all of them" {
        start(ns: [1, 2])
        Child done(1)
        Child done(2)
        expect in Good and m == 2
      }
      scenario "one fails" {
        start(ns: [1, 2])
        Child done(1)
        Child failed
        expect in Bad
        expect compensated Child
      }
    }
    """
    parent = kernels(text)["Parent"]
    assert [answer.verdict for answer in scenario.rehearse(parent).answers] == [Verdict.PROVED] * 2
    assert {answer.verdict for answer in suite.check(parent).answers} == {Verdict.PROVED}
