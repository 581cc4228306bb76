"""The generated order flow in the hands of a Python engineer."""

from __future__ import annotations

import copy
import pickle
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from order_flow import Cancel, Carrier, Order, OrderInputs, OrderState, Review, ReviewVerdict
from penstock.runtime.codec import Invalid
from penstock.runtime.core import (
    NOBODY,
    Actor,
    CancelTimer,
    CloseTask,
    DropEvent,
    Fault,
    Finish,
    Fired,
    InterruptActivity,
    Outcome,
    Rejected,
    StartActivity,
    StartCompensation,
    Step,
)
from penstock.runtime.flow import Flow
from penstock.runtime.spec import ACTOR, ActivityKind

NOW = datetime(2026, 1, 1, tzinfo=UTC)
CLEO = Actor("cleo", frozenset({"customer"}))
MAX = Actor("max", frozenset({"manager"}))
WRONG: Any = "wrong"
"""What a type checker would not let through."""


def started(total: str = "2000.00", by: Actor = CLEO) -> Step[Order]:
    return Order.start(sku="A1", qty=2, total=Decimal(total), by=by, now=NOW)


def waiting() -> Order:
    order = started()[0]
    order = order.step(Outcome("reserve_stock#1", "done", "r-1"), now=NOW)[0]
    return order.step(Outcome("quote#2", "done", "ups"), now=NOW)[0]


def test_an_order_goes_its_way() -> None:
    order, effects = started()
    assert order.state is OrderState.RESERVING
    assert effects == (StartActivity("reserve_stock#1", "reserve_stock", ("A1", 2)),)
    order = waiting()
    assert order.state is OrderState.APPROVAL
    assert order.data.carrier is Carrier.UPS
    order, effects = order.review(ReviewVerdict.ACCEPT, None, by=MAX, now=NOW)
    assert effects[0] == CloseTask("review#3")
    assert effects[-1] == StartActivity("charge_card#4", "charge_card", (Decimal("2000.00"),))
    order = order.step(Outcome("charge_card#4", "done", "p-1"), now=NOW)[0]
    order, effects = order.step(Outcome("ship#5", "done", "t-1"), now=NOW)
    assert (order.state, order.finished, effects) == (OrderState.DELIVERED, True, (Finish("Delivered", False),))


def test_a_cancelled_order_is_undone_and_lets_events_wait() -> None:
    order, effects = waiting().cancel(by=CLEO, now=NOW)
    assert effects == (
        CancelTimer("Approval.review.escalate1"),
        CancelTimer("Approval.after1"),
        CloseTask("review#3"),
        StartCompensation("reserve_stock#1/undo", "release_stock", ("r-1",), "reserve_stock#1"),
    )
    assert (order.state, order.compensating, order.accepted()) == (None, True, ())
    order, effects = order.cancel(by=CLEO, now=NOW)
    assert effects == ()
    assert order.ledger.deferred == (Cancel(),)
    order, effects = order.step(Outcome("reserve_stock#1/undo", "done"), now=NOW)
    assert effects == (DropEvent("cancel"), Finish("Cancelled", True))
    assert order.finished


def test_a_call_in_flight_is_settled_before_it_is_undone() -> None:
    order, effects = started()[0].cancel(by=CLEO, now=NOW)
    assert effects == (InterruptActivity("reserve_stock#1"),)
    order, effects = order.step(Outcome("reserve_stock#1", "done", "late"), now=NOW)
    assert effects == (StartCompensation("reserve_stock#1/undo", "release_stock", ("late",), "reserve_stock#1"),)


def test_what_may_be_done_now() -> None:
    order = waiting()
    assert order.accepted() == (Review, Cancel)
    assert order.accepted(CLEO) == (Cancel,)
    assert order.accepted(MAX) == (Review,)
    assert order.accepted(NOBODY) == ()
    assert order.accepted(Actor("cleo", frozenset({"manager"}))) == ()  # she started it
    later = order.step(Fired("Approval.review.escalate1"), now=NOW + timedelta(days=1))[0]
    assert later.accepted(Actor("dora", frozenset({"director"}))) == (Review,)


@pytest.mark.parametrize(
    ("trigger", "by", "reason"),
    [
        (Cancel(), NOBODY, "role"),
        (Review(ReviewVerdict.ACCEPT, None), CLEO, "role"),
        (Review(ReviewVerdict.ACCEPT, None), Actor("cleo", frozenset({"manager"})), "excluded"),
        (Review(WRONG, None), MAX, "payload"),
    ],
)
def test_a_refused_trigger_says_why_and_changes_nothing(trigger: Cancel | Review, by: Actor, reason: str) -> None:
    order = waiting()
    before = order.to_json()
    with pytest.raises(Rejected) as rejected:
        order.step(trigger, by=by, now=NOW)
    assert (rejected.value.state, rejected.value.trigger, rejected.value.reason) == ("Approval", trigger, reason)
    assert order.to_json() == before


def test_a_rejection_reads_as_a_sentence() -> None:
    assert str(Rejected("Approval", Cancel(), "role")) == "Cancel() is rejected in Approval (role)"
    with pytest.raises(Rejected, match=r"is rejected \(payload\): qty: 101 is not in 1..100"):
        Order.start(sku="A1", qty=101, total=Decimal(1), now=NOW)
    assert str(Fault("F402", "specs/order.flow:71", "none")) == "specs/order.flow:71: F402: none"


def test_a_strange_object_is_a_programming_error() -> None:
    with pytest.raises(TypeError, match="'wrong' is no trigger of Order"):
        waiting().step(WRONG, now=NOW)


def test_stale_triggers_change_nothing() -> None:
    order = waiting()
    stale = (Outcome("quote#2", "done", "ups"), Outcome("x", "failed"), Fired("Approval.after1"), Fired("x"))
    for trigger in stale:
        assert order.step(trigger, now=NOW) == (order, ())


def test_an_answer_of_the_wrong_type_is_refused() -> None:
    with pytest.raises(Rejected) as rejected:
        started()[0].step(Outcome("reserve_stock#1", "done", 7), now=NOW)
    assert rejected.value.reason == "payload"


def test_events_are_equal_by_class_and_fields() -> None:
    assert Cancel() == Cancel()
    assert Review(ReviewVerdict.ACCEPT, "x") != Review(ReviewVerdict.ACCEPT, None)
    assert repr(Review(ReviewVerdict.ACCEPT, None)) == "Review(verdict=<ReviewVerdict.ACCEPT: 'accept'>, comment=None)"
    assert len({Cancel(), Cancel()}) == 1


def test_a_record_cannot_be_changed() -> None:
    order: Any = waiting()
    for name in ("inputs", "data", "at", "ledger", "state", "note"):
        with pytest.raises(AttributeError):
            setattr(order, name, ())
        with pytest.raises(AttributeError):
            delattr(order, name)
    event: Any = Cancel()
    with pytest.raises((AttributeError, TypeError)):
        event.note = ""
    assert hash(order) == hash(waiting())


def test_a_record_is_equal_to_one_of_its_own_class_that_has_equal_values() -> None:
    order = waiting()
    assert order == waiting()
    assert order == pickle.loads(pickle.dumps(order)) == copy.deepcopy(order)
    assert order != started()[0]
    values = (order.inputs, order.data, order.at, order.ledger)
    assert order != values
    assert Order(*values) == order != Flow(*values)
    assert repr(order).startswith(
        "Order(inputs=OrderInputs(sku='A1', qty=2, total=Decimal('2000.00')), data=OrderData("
    )
    match order:
        case Order(inputs, _, at):
            assert (inputs, at) == (order.inputs, (OrderState.APPROVAL,))


def test_events_come_from_json_by_name() -> None:
    assert Order.event("cancel") == Cancel()
    assert Order.event("review", {"verdict": "refuse", "comment": None}) == Review(ReviewVerdict.REFUSE, None)
    wrong: list[tuple[str, object]] = [("cancel", {"x": 1}), ("review", None), ("approve", None), ("review", "x")]
    for name, payload in wrong:
        with pytest.raises(Invalid):
            Order.event(name, payload)


def test_the_spec_tells_a_host_what_it_must_know() -> None:
    charge = Order.spec.activities["charge_card"]
    assert (charge.kind, charge.compensation) == (ActivityKind.COMPENSATED, "refund")
    assert (charge.timeout, charge.retry.attempts) == (timedelta(seconds=30), 5)
    assert charge.outcomes == ("done", "declined", "timeout", "failed")
    assert Order.spec.activities["ship"].outcomes == ("done",)
    assert Order.spec.inputs.decode({"sku": "A1", "qty": 2, "total": "20.00"}) == OrderInputs("A1", 2, Decimal(20))


def test_actors_travel_as_json() -> None:
    assert ACTOR.decode(ACTOR.encode(MAX)) == MAX
    with pytest.raises(Invalid):
        ACTOR.decode({"id": "max", "roles": "manager"})
