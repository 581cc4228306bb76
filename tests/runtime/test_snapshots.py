"""A snapshot comes back as the record it was, or, whatever was done to it, is refused by name."""

from __future__ import annotations

import copy
import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kernels import flow
from order_flow import Cancel, Order
from penstock.runtime.core import Actor, Outcome
from penstock.runtime.snapshot import Corrupt
from twins import AnyFlow, generated

NOW = datetime(2026, 1, 1, tzinfo=UTC)
CLEO = Actor("cleo", frozenset({"customer"}))


def records() -> list[Order]:
    """An order at each turn: started, waiting for approval, being undone, cancelled."""
    started = Order.start(sku="A1", qty=2, total=Decimal(2000), by=CLEO, now=NOW)[0]
    reserved = started.step(Outcome("reserve_stock#1", "done", "r"), now=NOW)[0]
    waiting = reserved.step(Outcome("quote#2", "done", "ups"), now=NOW)[0]
    undoing = waiting.step(Cancel(), by=CLEO, now=NOW)[0]
    deferring = undoing.step(Cancel(), by=CLEO, now=NOW)[0]
    over = undoing.step(Outcome("reserve_stock#1/undo", "done"), now=NOW)[0]
    return [started, reserved, waiting, undoing, deferring, over]


def written(order: Order | AnyFlow) -> Any:
    return json.loads(json.dumps(order.to_json()))


def test_a_record_comes_back_as_it_was() -> None:
    for order in records():
        assert Order.from_json(written(order)) == order
        assert order.to_text() == json.dumps(order.to_json(), separators=(",", ":"))


def places(json: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The way to every value inside, the outermost first."""
    inner: list[tuple[Any, object]] = []
    if isinstance(json, dict):
        inner += cast("dict[str, object]", json).items()
    elif isinstance(json, list):
        inner += enumerate(cast("list[object]", json))
    return [path, *(place for key, value in inner for place in places(value, (*path, key)))]


WRONG: list[Any] = [None, True, -1, 0, 10**9, 0.5, "", "x", "charge_card", "Cancelled", [], {}, [None], ["Approval"]]


@settings(max_examples=600)
@given(which=st.integers(0, 5), data=st.data())
def test_a_damaged_snapshot_is_refused_or_is_another_record(which: int, data: st.DataObject) -> None:
    snapshot = written(records()[which])
    for _ in range(data.draw(st.integers(1, 2))):
        path = data.draw(st.sampled_from(places(snapshot)[1:]))
        at: Any = snapshot
        for key in path[:-1]:
            at = at[key]
        if data.draw(st.booleans()):
            at[path[-1]] = copy.deepcopy(data.draw(st.sampled_from(WRONG)))
        else:
            del at[path[-1]]
    try:
        back = Order.from_json(snapshot)
    except Corrupt:
        return
    assert Order.from_json(written(back)) == back


@pytest.mark.parametrize("json", [None, 1, "x", [], {}, {"format": 1}])
def test_what_is_no_snapshot_is_refused(json: object) -> None:
    with pytest.raises(Corrupt, match="Order"):
        Order.from_json(json)


def test_another_flow_version_or_format_is_named() -> None:
    for key, value in (("format", 1), ("flow", "Invoice"), ("version", 7)):
        snapshot = written(records()[0]) | {key: value}
        with pytest.raises(
            Corrupt, match=r"expected a snapshot of Order version 1 in format 2, not of .*" + str(value)
        ):
            Order.from_json(snapshot)


CONTRADICTIONS: list[tuple[int, list[Any], Any, str]] = [
    (0, ["at"], [], "it rests somewhere, or in no place while it compensates or once it is withdrawn"),
    (0, ["at"], ["Approval"], "reserve_stock cannot be under way in Approval"),
    (0, ["at"], ["Nowhere"], "at: there is no state 'Nowhere'"),
    (0, ["ledger", "counter"], 0, "the calls of the log are out of order"),
    (0, ["ledger", "log"], [], "the current call is not on the log"),
    (0, ["ledger", "log", 0, "done"], True, "a call is done and in flight"),
    (0, ["ledger", "log", 0, "args", "qty"], "2", "ledger.log.0.args.qty: expected a whole number, not '2'"),
    (0, ["inputs", "qty"], 0, "inputs.qty: 0 is not in 1..100"),
    (2, ["ledger", "timers", 0, "timer"], "Approval.after1", "something is under way twice"),
    (3, ["ledger", "undoing", "node"], "Nowhere", "there is no place or choice 'Nowhere'"),
    (3, ["ledger", "undoing", "running"], "quote#2/undo", "undoes something else than the newest call"),
    (3, ["ledger", "completed"], ["ship"], "only readonly activities are remembered as completed"),
    (
        5,
        ["ledger", "deferred"],
        [{"trigger": "cancel", "payload": {}}],
        "something is left to happen after the end",
    ),
]


@pytest.mark.parametrize(("which", "path", "value", "message"), CONTRADICTIONS)
def test_a_contradiction_is_named(which: int, path: list[Any], value: object, message: str) -> None:
    snapshot = at = written(records()[which])
    for key in path[:-1]:
        at = at[key]
    at[path[-1]] = value
    with pytest.raises(Corrupt, match="damaged snapshot of Order") as corrupt:
        Order.from_json(snapshot)
    assert message in str(corrupt.value)


EARLIER = """
  data { n: int 0..9 = 0 }
  event go
  event add(by: int 0..3)
  start -> A
  state A { on go -> B  on add(by) { n = by } stay  wait forever "a" }
  state B { on go -> C  wait forever "b" }
  final C
"""


def read_by(text: str, snapshot: Any) -> Any:
    return generated(flow(text)).from_json(snapshot)


def test_a_snapshot_is_read_by_another_text_of_the_same_version_where_it_is_possible_there() -> None:
    earlier = generated(flow(EARLIER))
    record, _ = earlier.begin(earlier.spec.inputs.type(), now=NOW)
    there, _ = record.step(earlier.event("go"), now=NOW)
    later = EARLIER.replace("on go -> C", "on go -> C  on add(_) -> C")
    back = read_by(later, written(there))
    assert (str(back.state), back.data.n) == ("B", 0)
    after, _ = back.step(back.event("add", {"by": 1}), now=NOW)
    assert after.finished


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("state B {", "state D {"), "at: there is no state 'B'"),
        (("n: int 0..9 = 0", "n: int 1..9 = 1"), "data.n: 0 is not in 1..9"),
        (("n: int 0..9 = 0", "n: int 0..9 = 0, m: text?"), "data.m: missing"),
    ],
)
def test_what_is_not_possible_there_is_named(change: tuple[str, str], message: str) -> None:
    earlier = generated(flow(EARLIER))
    record, _ = earlier.begin(earlier.spec.inputs.type(), now=NOW)
    there, _ = record.step(earlier.event("go"), now=NOW)
    later = EARLIER.replace(*change).replace("-> B", "-> D" if "D" in change[1] else "-> B")
    with pytest.raises(Corrupt) as corrupt:
        read_by(later, written(there))
    assert str(corrupt.value) == f"damaged snapshot of Test: {message}"
