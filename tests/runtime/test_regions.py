"""The public face of a flow with regions: where it is, what it accepts, and which of its snapshots are refused."""

from __future__ import annotations

import copy
import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from fulfilment_flow import CallCustomer, Cancel, Fulfilment, FulfilmentState
from penstock.runtime.core import Actor, Effect, InterruptActivity, Outcome, Rejected, StartCompensation, Step
from penstock.runtime.snapshot import Corrupt

NOW = datetime(2026, 3, 1, 10, 0, tzinfo=UTC)
CLEO, CARL = Actor("cleo", frozenset({"customer"})), Actor("carl", frozenset({"clerk"}))


def started(*items: str) -> Fulfilment:
    return Fulfilment.start(items=items, total=Decimal("20.00"), by=CLEO, now=NOW)[0]


def after(order: Fulfilment, *outcomes: Outcome) -> Step[Fulfilment]:
    effects: tuple[Effect, ...] = ()
    for outcome in outcomes:
        order, effects = order.step(outcome, now=NOW)
    return order, effects


PAID, PACKED = Outcome("charge#3", "done", "p"), Outcome("pack#1", "done", "box 1")


def test_an_instance_rests_in_every_region_at_a_time() -> None:
    order = started("cup", "pot")
    assert order.at == (FulfilmentState.PREPARING_GOODS_PACKING, FulfilmentState.PREPARING_MONEY_COLLECTING_CHARGING)
    assert order.state is None and not order.finished
    for place in (FulfilmentState.PREPARING, FulfilmentState.PREPARING_MONEY_COLLECTING, *order.at):
        assert order.is_in(place)
    assert not order.is_in(FulfilmentState.SENDING) and not order.is_in(FulfilmentState.PREPARING_MONEY_PAID)


def test_a_join_comes_in_the_step_that_ends_the_last_region() -> None:
    order = after(started("cup", "pot"), PAID, PACKED)[0]
    assert order.is_in(FulfilmentState.PREPARING_MONEY_PAID) and order.is_in(FulfilmentState.PREPARING_GOODS_PACKING)
    sending = order.step(Outcome("pack#2", "done", "box 2"), now=NOW)[0]
    assert sending.state is FulfilmentState.SENDING
    assert sending.data.boxes == ("box 1", "box 2")


def test_what_is_accepted_is_said_anywhere_around_an_active_state() -> None:
    order = started("cup")
    assert order.accepted() == (Cancel,)
    assert order.accepted(CARL) == ()
    asking = order.step(Outcome("charge#2", "declined"), now=NOW)[0]
    assert set(asking.accepted()) == {CallCustomer, Cancel}
    assert asking.accepted(CARL) == (CallCustomer,)
    over = after(asking, Outcome("pack#1", "missing"))[0]
    assert over.compensating is False and over.accepted() == ()
    assert over.state is FulfilmentState.CANCELLED


def test_leaving_interrupts_the_calls_of_every_region_and_undoes_the_newest_first() -> None:
    order, effects = after(started("cup", "pot"), PACKED)[0].cancel(by=CLEO, now=NOW)
    assert [e.key for e in effects if isinstance(e, InterruptActivity)] == ["pack#2", "charge#3"]
    assert order.at == () and order.compensating and order.accepted() == ()
    order, effects = after(order, Outcome("charge#3", "interrupted"), Outcome("charge#3/undo", "done"))
    assert effects == ()  # `pot` may still be packed
    order, effects = after(order, Outcome("pack#2", "missing"))
    assert [e.forward for e in effects if isinstance(e, StartCompensation)] == ["pack#1"]


def test_a_rejection_names_every_place() -> None:
    with pytest.raises(Rejected, match=r"in Preparing.Goods.Packing, Preparing.Money.Collecting.Charging \(closed\)"):
        started("cup").call_customer(True, by=CARL, now=NOW + timedelta(hours=1))


DAMAGE: list[tuple[list[Any], Any, str]] = [
    (["at"], ["Preparing.Goods.Packing"], "it cannot rest in Preparing.Goods.Packing at a time"),
    (["at", 1], "Preparing.Goods.Packed", "it cannot rest in"),
    (["at", 1], "Preparing.Money", "at: there is no state 'Preparing.Money'"),
    (["at", 1], "Preparing.Money.Paid", "Preparing.Money.Collecting.after1, charge cannot be under way"),
    (["at"], ["Preparing.Money.Collecting.Charging", "Preparing.Goods.Packing"], "it cannot rest in"),
    (["at"], ["Sending"], "cannot be under way in Sending"),
    (["ledger", "calls", 0, "leaf"], "Sending", "pack cannot be under way in Preparing.Goods.Packing, Preparing.M"),
    (["ledger", "calls", 1, "item"], 0, "the calls of Preparing.Goods.Packing are not a group that is waited for"),
    (["ledger", "calls", 0, "answer"], "perhaps", "a call of Preparing.Goods.Packing has an answer it cannot have"),
    (["ledger", "log", 1, "in_flight"], False, "the current call is not on the log"),
    (["ledger", "calls", 0, "result"], "another", "a call that is done is not on the log"),
    (["ledger", "calls", 2, "item"], 0, "the call of Preparing.Money.Collecting.Charging is no group"),
    (["ledger", "history"], [{"place": "Preparing", "leaves": []}], "where Preparing was left, which is never resumed"),
    (["ledger", "moments"], [{"place": "Preparing", "at": "2026-03-01T10:00:00Z"}], "that no timer counts from"),
    (["ledger", "marks"], [{"state": "Preparing", "counter": 0}], "a mark of a place that is no savepoint"),
]


@pytest.mark.parametrize(("path", "value", "message"), DAMAGE)
def test_a_damaged_snapshot_is_refused_with_a_reason(path: list[Any], value: object, message: str) -> None:
    written = json.loads(json.dumps(after(started("cup", "pot"), PACKED)[0].to_json()))
    assert Fulfilment.from_json(copy.deepcopy(written)).to_json() == written
    at = written
    for key in path[:-1]:
        at = at[key]
    at[path[-1]] = value
    with pytest.raises(Corrupt, match="damaged snapshot of Fulfilment") as corrupt:
        Fulfilment.from_json(written)
    assert message in str(corrupt.value)
