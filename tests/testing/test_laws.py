"""The laws of all flows, and the machine that looks for a run that breaks one: both say what is wrong."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

import order_flow
from penstock.runtime import core
from penstock.runtime.codec import BOOL, DURATION, INSTANT, TEXT, Codec, admitted, decimal, enum, integer, optional
from penstock.runtime.records import record, sequence
from penstock.runtime.testing import laws, machine
from penstock.runtime.testing.desk import Desk
from penstock.runtime.testing.payloads import fitting

NOW = datetime(2026, 1, 1, tzinfo=UTC)
CODECS: list[Codec[Any]] = [
    BOOL, DURATION, INSTANT, TEXT, integer(-3, 9), decimal(2), enum(order_flow.Carrier),
    optional(integer(0, 1)), sequence(TEXT, 3),
    record(order_flow.OrderInputs, ("sku", TEXT), ("qty", integer(1, 100)), ("total", decimal(2))),
]  # fmt: skip


def begun() -> tuple[order_flow.Order, tuple[core.Effect, ...]]:
    return order_flow.Order.start(sku="A1", qty=1, total=Decimal("5.00"), now=NOW)


@settings(max_examples=60)
@given(
    st.sampled_from(CODECS).flatmap(lambda codec: st.tuples(st.just(codec), fitting(codec, (7, Decimal("1.5"), "x"))))
)
def test_random_payloads_fit_their_types(drawn: tuple[Codec[Any], object]) -> None:
    codec, value = drawn
    assert admitted(codec, value) == value


@settings(max_examples=20, database=None)
@given(st.data())
def test_what_a_flow_compares_with_is_among_what_is_tried(data: st.DataObject) -> None:
    drawn = data.draw(st.lists(fitting(integer(0, 10**9), (4_321,)), min_size=40, max_size=40))
    assert set(drawn) & {4_320, 4_321, 4_322}


def test_a_host_that_only_sees_effects_knows_what_runs() -> None:
    order, effects = begun()
    desk = Desk()
    desk.take(effects)
    desk.agrees(order)
    with pytest.raises(AssertionError, match="a second time"):
        desk.take(effects)


def test_an_effect_that_is_missing_is_noticed() -> None:
    order, _ = begun()
    with pytest.raises(AssertionError, match=r"set\(\) run, by the effects; \{'reserve_stock#1'\}, by the record"):
        Desk().agrees(order)


def test_a_finished_order_has_nothing_left() -> None:
    order, _ = begun()
    ended, _ = order.step(core.Outcome("reserve_stock#1", "out_of_stock"), now=NOW)
    laws.rests_when_finished(ended)
    broken = type(ended)(ended.inputs, ended.data, ended.at, ended.ledger._replace(calls=order.ledger.calls))
    with pytest.raises(AssertionError, match="has something left"):
        laws.rests_when_finished(broken)


def test_a_rejected_event_is_told_with_its_reason_and_changes_nothing() -> None:
    order, _ = begun()
    same, effects, reason = laws.sent(order, order_flow.Cancel(), core.Actor("eve"), now=NOW)
    assert (same, effects, reason) == (order, (), "role")


def test_what_properties_ask_is_read_off_the_record() -> None:
    order, _ = begun()
    later, _ = order.step(core.Outcome("reserve_stock#1", "done", "r"), now=NOW)
    assert not laws.done(order, "reserve_stock") and laws.done(later, "reserve_stock")
    assert laws.count(later, "reserve_stock") == 1
    assert laws.elapsed(later, NOW + timedelta(hours=2)) == timedelta(hours=2)
    assert not laws.stuck(later)


def test_a_failure_with_a_standing_effect_is_found() -> None:
    order, _ = begun()
    failures = (order_flow.OrderState.CANCELLED,)
    later, _ = order.step(core.Outcome("reserve_stock#1", "done", "r"), now=NOW)
    stopped = type(later)(later.inputs, later.data, failures, later.ledger._replace(calls=()))
    assert laws.left_standing(stopped, failures) == ["reserve_stock"]
    assert laws.left_standing(later, failures) == []


def never_shipped(order: order_flow.Order, now: datetime) -> bool:
    """never in Shipping"""
    return not order.is_in(order_flow.OrderState.SHIPPING)


def test_the_machine_finds_a_run_that_breaks_a_property_and_names_it() -> None:
    made = machine.of(
        order_flow.Order, properties=(never_shipped,), timers=("Approval.after1", "Approval.review.escalate1")
    )
    with pytest.raises(AssertionError, match="never in Shipping is broken"):
        machine.run(made, settings(max_examples=200, database=None, phases=[Phase.generate]))


def test_there_is_a_rule_for_each_event_outcome_timer_and_for_time() -> None:
    made = machine.of(order_flow.Order, properties=(), timers=("Approval.after1",))
    names = {name for name in vars(made) if not name.startswith("_")}
    assert {
        "cancel", "review", "delegate", "reserve_stock_done", "reserve_stock_out_of_stock", "reserve_stock_interrupted",
        "charge_card_is_undone", "ship_done", "quote_failed", "approval_after1", "time_passes", "anything_stale",
        "things_go_well", "start",
    } <= names  # fmt: skip
    assert "ship_failed" not in names
