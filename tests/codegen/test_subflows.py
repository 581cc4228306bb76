"""Generated code of flows that do flows, beside the interpreter; and any flow withdrawn by a parent at any time."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from itertools import cycle
from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kernels import kernels
from penstock.compiler.checks.moves import simplest
from penstock.compiler.instance import NOBODY, Log, Outcome, Withdraw
from penstock.compiler.kernel import Kernel, LeafKind
from penstock.dsl.model import Effect, Value
from penstock.runtime import core
from twins import Twins, drive, generated

NOW = datetime(2026, 1, 1, tzinfo=UTC)
SPECS = Path(__file__).parents[2] / "specs"

TWO = """
type Money = decimal(2)
enum Speed { slow, fast }

flow Shipping version 1 {
  input { order: text, speed: Speed }
  data { tracking: text?, cost: Money = 0.00, parts: int 0..9 = 0 }
  output tracking, cost, speed, parts
  activity book(order: text) -> text? { compensate unbook(result) }
  start -> Booking
  state Booking {
    do book(order)
    on done(id) { tracking = id, cost = 4.50 } -> Booked
    on failed -> compensate -> Lost
  }
  final Booked
  final failure Lost
}

flow Asking version 1 {
  output answer
  data { answer: int = 0 }
  activity ask() -> int { readonly }
  start -> Asking
  state Asking { do ask()  on done(n) { answer = n } -> Known  on failed -> Unknown }
  final Known
  final failure Unknown
}

flow Many version 1 {
  input { orders: list<text> at most 3 }
  data { sent: int = 0, kept: list<ShippingOutputs> at most 3 = [] }
  event cancel
  start -> Sending
  state Sending {
    do for order in orders: flow Shipping(order: order, speed: slow)
    on done(parcels) { sent = len(parcels), kept = parcels } -> Sent
    on failed -> compensate -> Failed
    on cancel -> compensate -> Failed
  }
  state Sent {
    on cancel -> compensate -> Failed
    after 1d -> Done
  }
  final Done
  final failure Failed
}

flow Nested version 1 {
  input { n: int 0..3, m: list<int 0..3> at most 2 }
  data { depth: int 0..9 = 0 }
  output n, depth
  activity hold(n: int) -> int 0..3 { compensate release(result) }
  event leave
  start -> Holding
  state Holding {
    do hold(n)
    on done(k) when k < n -> Inner
    on done(_) else       -> Many
    on failed             -> compensate -> Bad
  }
  state Inner {
    do flow Nested(m: m, n: n - 1)
    on done(_, k) { depth = if k < 9 then k + 1 else 9 } -> Good
    on failed -> compensate -> Bad
    on leave  -> compensate -> Bad
  }
  state Many {
    do for i in m: flow Nested(n: i, m: [])
    on done(found) { depth = len(found) } -> Good
    on failed -> compensate -> Bad
    on leave  -> Good
  }
  final Good
  final failure Bad
}

flow Resting version 1 { start -> Done  final Done }

flow Order version 1 {
  input { id: text }
  data { parcel: text?, price: Money = 0.00, how: Speed = slow, number: int = 0 }
  event cancel
  event again
  start -> Sending
  state Sending {
    do flow Shipping(speed: fast, order: id)
    on done(t, c, s, _) when c > 1 { parcel = t, price = c, how = s } -> Asking
    on done(_, c, _, n) else { price = price - c, number = n } -> Sending
    on failed -> compensate -> Failed
    on cancel -> compensate -> Failed
  }
  state Asking {
    do flow Asking()
    on done(n) { number = n } -> Resting
    on failed -> Resting
    on again -> Sending
    after 1h -> compensate -> Failed
  }
  state Resting {
    do flow Resting()
    on done -> Waiting
    on failed -> Waiting
  }
  state Waiting {
    on cancel -> compensate -> Failed
    on again -> Sending
    after 1d -> Done
  }
  final Done
  final failure Failed
}
"""

ALONE = [kernel for each in SPECS.glob("*.flow") for kernel in kernels(each.read_text("utf-8")).values()]
KERNELS = kernels(TWO) | {f"{kernel.name} of the specs": kernel for kernel in ALONE}
FLOWS = {name: generated(kernel) for name, kernel in KERNELS.items()}
CHOICES = st.lists(st.tuples(st.integers(0, 10_000), st.sampled_from([0, 1, 3600, 90_000])), min_size=1, max_size=15)


@settings(max_examples=60, deadline=None)
@given(choices=CHOICES)
def test_the_generated_parent_does_what_the_interpreter_does(choices: list[tuple[int, int]]) -> None:
    for name in ("Order", "Many", "Nested"):
        drive(Twins(KERNELS[name], FLOWS[name]), choices)


def test_what_flows_gave_are_records_whose_fields_have_names() -> None:
    flow = FLOWS["Many"]
    spec = flow.spec.activities["Shipping"]
    given = {"tracking": "t", "cost": "4.50", "speed": "slow", "parts": 2}
    step = flow.begin(flow.spec.inputs.decode({"orders": ["a", "b"]}), now=NOW)
    for key in ("Shipping#1", "Shipping#2"):
        step = step[0].step(core.Outcome(key, "done", spec.result.decode(given)), now=NOW)
    results = [entry.result for entry in step[0].ledger.log]
    assert {type(each).__name__ for each in results} == {"ShippingOutputs"}
    assert [each._asdict() for each in cast("list[Any]", results)] == [
        {"tracking": "t", "cost": Decimal("4.50"), "speed": "slow", "parts": 2}
    ] * 2
    assert type(step[0]).from_json(step[0].to_json()) == step[0]


@pytest.mark.parametrize("name", KERNELS)
@settings(max_examples=25, deadline=None)
@given(before=CHOICES, during=st.lists(st.sampled_from(["done", "interrupted", "failed"]), max_size=4))
def test_after_a_withdrawal_nothing_stands_unless_it_cannot_be_undone(
    name: str, before: list[tuple[int, int]], during: list[str]
) -> None:
    kernel = KERNELS[name]
    twins = Twins(kernel, FLOWS[name])
    drive(twins, before)
    if twins.at is None:
        return
    late = {kernel.activity[entry.activity].effect for entry in twins.at.log} & {Effect.IRREVERSIBLE}
    if late or failed(kernel, twins):
        at = twins.at
        assert twins.step(Withdraw(), NOBODY) and twins.at == at
        return
    assert twins.step(Withdraw(), NOBODY)
    answers = cycle([*during, "done"])
    for _ in range(100):
        if not twins.at.compensating:
            break
        running, newest = twins.at.undoing and twins.at.undoing.running, twins.at.log[-1]
        kind = "done" if running else next(answers)
        kind = "failed" if kernel.activity[newest.activity].flow and kind == "interrupted" else kind
        value = plainest(kernel, newest.activity) if kind == "done" and not running else None
        if not twins.step(Outcome(running or newest.key, kind, value), NOBODY):  # its contract is against that value
            twins.step(Outcome(newest.key, "failed"), NOBODY)
    assert twins.at.finished and (twins.at.configuration, twins.at.log) == ((), Log())
    at = twins.at
    assert twins.step(Withdraw(), NOBODY) and twins.at == at


def failed(kernel: Kernel, twins: Twins) -> bool:
    assert twins.at is not None
    return any(kernel.leaf[name].kind is LeafKind.FAILURE for name in twins.at.configuration)


def plainest(kernel: Kernel, activity: str) -> Value:
    result = kernel.activity[activity].result
    return None if result is None else simplest(result)
