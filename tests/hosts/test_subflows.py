"""The contract of every host: a flow that does flows starts them, hears of their ends, and withdraws them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from kernels import kernels
from orders import House, doing, finishing, inputs, pass_time, triggers
from penstock.runtime.core import Outcome
from penstock.runtime.hosts.protocol import Host
from penstock.runtime.journal import replay
from penstock.runtime.store import Instance, Status
from penstock.runtime.story import story
from twins import AnyFlow, generated

SHOP = """
type Money = decimal(2)

flow Labelling version 1 {
  input { order: text }
  activity label(order: text) -> text { timeout 10s  retry 1  compensate peel(result) }
  activity quit() { timeout 10s  retry 1  readonly }
  data { sticker: text? }
  output sticker
  start -> Labelling
  state Labelling { do label(order)  on done(id) { sticker = id } -> Labelled  on failed -> compensate -> Unlabelled }
  final Labelled
  final failure Unlabelled
}

flow Shipping version 1 {
  input { order: text }
  data { tracking: text?, cost: Money = 0.00 }
  output tracking, cost
  event lost
  event sent
  activity book(order: text) -> text { timeout 10s  retry 1  compensate unbook(result) }
  start -> Labelling
  state Labelling {
    do flow Labelling(order: order)
    on done(sticker) { tracking = sticker } -> Booking
    on failed -> Lost
  }
  state Booking {
    do book(order)
    on done(_) { cost = 4.50 } -> Waiting
    on failed -> compensate -> Lost
  }
  state Waiting {
    on sent -> Sent
    on lost -> compensate -> Lost
    wait forever "the carrier tells"
  }
  final Sent
  final failure Lost
}

flow Order version 1 {
  input { id: text }
  data { parcel: text?, price: Money = 0.00 }
  event cancel
  event refuse
  start -> Sending
  state Sending {
    do flow Shipping(order: id)
    on done(tracking, cost) { parcel = tracking, price = cost } -> Sent
    on failed -> Failed
    on cancel -> compensate -> Failed
  }
  state Sent {
    on refuse -> compensate -> Failed
    after 1d -> Done
    ignore cancel
  }
  final Done
  final failure Failed
}
"""
FLOWS: Mapping[str, type[AnyFlow]] = {name: generated(kernel) for name, kernel in kernels(SHOP).items()}
ORDER, SHIPPING, LABELLING = FLOWS["Order"], FLOWS["Shipping"], FLOWS["Labelling"]
SHIP, LABEL = "o/Shipping#1", "o/Shipping#1/Labelling#1"


class Shop:
    """A house with the flows, and what their activities answer."""

    def __init__(self, house: House, **answers: Sequence[object]) -> None:
        usual: dict[str, Sequence[object]] = {
            "label": ["l-1"],
            "peel": [None],
            "quit": [None],
            "book": ["b-1"],
            "unbook": [None],
        }
        work = doing(**usual | answers)
        self.house = house
        self.flows = {ORDER: work, SHIPPING: work, LABELLING: work}

    def open(self) -> Host:
        return self.house.open_for(self.flows)


async def ends(host: Host, *ids: str) -> list[tuple[str, tuple[str, ...]]]:
    found: list[Instance] = [await host.instance(id) for id in ids]
    return [(str(instance.status), instance.configuration) for instance in found]


async def replayed(host: Host, *ids: str) -> None:
    """Every journal leads to its record through the pure core alone."""
    for id in ids:
        record = await host.record(id)
        assert replay(type(record), await host.journal(id)) == record


def test_a_parent_hears_the_outputs_of_its_child(house: House) -> None:
    async def run() -> None:
        async with Shop(house).open() as host:
            await host.start(ORDER, "o", inputs(ORDER, "order-1"))
            await host.settled("o")
            assert await ends(host, "o", SHIP, LABEL) == [
                ("running", ("Sending",)),
                ("running", ("Waiting",)),
                ("succeeded", ("Labelled",)),
            ]
            assert [child.instance for child in await host.children("o")] == [SHIP]
            assert [child.instance for child in await host.children(SHIP)] == [LABEL]
            await host.send(SHIP, SHIPPING.event("sent"))
            record: Any = await host.record("o")
            assert (record.data.parcel, record.data.price) == ("l-1", Decimal("4.50"))
            await pass_time(host, house.clock, timedelta(days=1))
            assert await ends(host, "o") == [("succeeded", ("Done",))]
            await replayed(host, "o", SHIP, LABEL)
            assert triggers(await host.journal("o")) == ["start", "Shipping#1 done", "Sent.after1"]

    finishing(run())


def test_a_child_that_fails_has_undone_itself(house: House) -> None:
    async def run() -> None:
        async with Shop(house).open() as host:
            await host.start(ORDER, "o", inputs(ORDER, "order-1"))
            await host.settled("o")
            await host.send(SHIP, SHIPPING.event("lost"))
            await host.run_until_idle()
            assert await ends(host, "o", SHIP, LABEL) == [
                ("failed", ("Failed",)),
                ("failed", ("Lost",)),
                ("failed", ()),
            ]
            await replayed(host, "o", SHIP, LABEL)
            assert triggers(await host.journal("o")) == ["start", "Shipping#1 failed"]

    finishing(run())


def test_a_child_is_withdrawn_while_it_runs_and_so_is_its_own(house: House) -> None:
    async def run() -> None:
        async with Shop(house).open() as host:
            await host.start(ORDER, "o", inputs(ORDER, "order-1"))
            await host.settled("o")
            await host.send("o", ORDER.event("cancel"))
            await host.run_until_idle()
            assert await ends(host, "o", SHIP, LABEL) == [("failed", ("Failed",)), ("failed", ()), ("failed", ())]
            await replayed(host, "o", SHIP, LABEL)
            assert triggers(await host.journal("o")) == ["start", "cancel", "Shipping#1 failed"]
            told = story(SHIPPING.spec, await host.journal(SHIP))
            assert "withdrawn by its parent → compensating" in told and "→ withdrawn, the end, in failure" in told
            assert f'start(id: "order-1"); {SHIP} begins' in story(ORDER.spec, await host.journal("o"))

    finishing(run())


def test_a_finished_child_is_undone(house: House) -> None:
    async def run() -> None:
        async with Shop(house).open() as host:
            await host.start(ORDER, "o", inputs(ORDER, "order-1"))
            await host.settled("o")
            await host.send(SHIP, SHIPPING.event("sent"))
            assert await ends(host, "o", SHIP) == [("running", ("Sent",)), ("succeeded", ("Sent",))]
            await host.send("o", ORDER.event("refuse"))
            await host.run_until_idle()
            assert await ends(host, "o", SHIP, LABEL) == [("failed", ("Failed",)), ("failed", ()), ("failed", ())]
            assert triggers(await host.journal("o"))[-1] == "Shipping#1/undo done"
            attempts = [*await host.attempts(SHIP), *await host.attempts(LABEL)]
            assert [a.key for a in attempts] == ["book#2", "book#2/undo", "label#1", "label#1/undo"]
            await replayed(host, "o", SHIP, LABEL)

    finishing(run())


def test_a_withdrawn_child_settles_its_running_call_first(house: House) -> None:
    async def run() -> None:
        shop = Shop(house, label=[ConnectionError("lost")])
        async with shop.open() as host:
            await host.start(ORDER, "o", inputs(ORDER, "order-1"))
            await host.send("o", ORDER.event("cancel"))
            await host.run_until_idle()
            assert (await host.instance("o")).configuration == ("Failed",)
            await replayed(host, "o", SHIP, LABEL)

    finishing(run())


def test_past_the_pivot_a_child_goes_on_and_its_end_is_heard(house: House) -> None:
    text = """
    flow Child version 1 {
      event go
      activity stamp() { timeout 10s retry 1 irreversible }
      start -> A
      state A { do stamp()  on done -> B  on failed -> B }
      state B { on go -> C  wait forever "somebody says go" }
      final C
    }
    flow Parent version 1 {
      event leave
      start -> A
      state A { do flow Child()  on done -> B  on failed -> B  on leave -> B }
      final B
    }
    """
    flows = {name: generated(kernel) for name, kernel in kernels(text).items()}

    async def run() -> None:
        async with house.open_for({flow: doing(stamp=[None]) for flow in flows.values()}) as host:
            await host.start(flows["Parent"], "p", inputs(flows["Parent"]))
            await host.settled("p")
            await host.send("p", flows["Parent"].event("leave"))
            assert await ends(host, "p", "p/Child#1") == [("succeeded", ("B",)), ("running", ("B",))]
            await host.send("p/Child#1", flows["Child"].event("go"))
            await host.run_until_idle()
            assert await ends(host, "p/Child#1") == [("succeeded", ("C",))]
            assert triggers(await host.journal("p/Child#1")) == ["start", "stamp#1 done", "go"]

    finishing(run())


def test_flows_that_end_at_once(house: House) -> None:
    text = """
    flow Child version 1 {
      input { n: int }
      output n
      start -> C
      choice C { when n > 1 -> Good  else -> Bad }
      final Good
      final failure Bad
    }
    flow Parent version 1 {
      input { n: int }
      data { m: int = 0 }
      start -> A
      state A { do flow Child(n: n)  on done(k) { m = k } -> Good  on failed -> Bad }
      final Good
      final failure Bad
    }
    """
    flows = {name: generated(kernel) for name, kernel in kernels(text).items()}
    parent = flows["Parent"]

    async def run() -> None:
        async with house.open_for({flow: object() for flow in flows.values()}) as host:
            await host.start(parent, "good", inputs(parent, 2))
            await host.start(parent, "bad", inputs(parent, 1))
            assert await ends(host, "good", "bad") == [("succeeded", ("Good",)), ("failed", ("Bad",))]
            record: Any = await host.record("good")
            assert record.data.m == 2

    finishing(run())


def test_a_child_that_cannot_begin_waits_for_an_operator(house: House) -> None:
    async def run() -> None:
        async with Shop(house).open() as host:
            await host.start(SHIPPING, SHIP, inputs(SHIPPING, "another"))
            await host.start(ORDER, "o", inputs(ORDER, "order-1"))
            (parked,) = await host.parked()
            assert (parked.instance, parked.key, parked.name) == ("o", "Shipping#1", "Shipping")
            assert "there is already an instance" in parked.error
            await host.retry("o", "Shipping#1", reason="again")
            await host.run_until_idle()
            assert len(await host.parked()) == 1
            answers: Any = ORDER.spec.activities["Shipping"].result
            answer = answers.type("t", Decimal(1))
            await host.settle("o", Outcome("Shipping#1", "done", answer), reason="sent by hand")
            record: Any = await host.record("o")
            assert record.data.parcel == "t"

    finishing(run())


def test_a_parent_leaves_a_child_that_never_began(house: House) -> None:
    async def run() -> None:
        async with Shop(house).open() as host:
            await host.start(SHIPPING, SHIP, inputs(SHIPPING, "another"))
            await host.start(ORDER, "o", inputs(ORDER, "order-1"))
            await host.send("o", ORDER.event("cancel"))
            assert await ends(host, "o") == [("failed", ("Failed",))]
            assert await host.parked() == []

    finishing(run())


def test_a_host_runs_the_flows_that_its_flows_do(house: House) -> None:
    shop = Shop(house)
    with pytest.raises(TypeError, match="Shipping does the flow Labelling, which this host does not run"):
        house.open_for({ORDER: object(), SHIPPING: shop.flows[SHIPPING]})
    fewer = SHOP.replace("output tracking, cost", "output cost").replace("done(tracking, cost)", "done(cost)")
    other = generated(kernels(fewer.replace("parcel = tracking, ", ""))["Shipping"])
    with pytest.raises(TypeError, match="Order was built for other inputs or outputs of Shipping: build it again"):
        house.open_for({ORDER: object(), other: shop.flows[SHIPPING], LABELLING: shop.flows[LABELLING]})


def test_a_restart_changes_nothing(house: House) -> None:
    shop = Shop(house)

    async def begin() -> None:
        async with shop.open() as host:
            await host.start(ORDER, "o", inputs(ORDER, "order-1"))
            await host.settled("o")

    async def end() -> None:
        async with shop.open() as host:
            await host.start(ORDER, "o", inputs(ORDER, "order-1"))
            await host.send(SHIP, SHIPPING.event("sent"), request="one")
            await host.send(SHIP, SHIPPING.event("sent"), request="one")
            assert triggers(await host.journal("o")) == ["start", "Shipping#1 done"]
            assert (await host.instance("o")).status is Status.RUNNING

    finishing(begin())
    finishing(end())


def test_a_child_for_each_item(house: House) -> None:
    many = """
    flow Many version 1 {
      input { orders: list<text> at most 3 }
      data { sent: int = 0 }
      event cancel
      start -> Labelling
      state Labelling {
        do for order in orders: flow Labelling(order: order)
        on done(all) { sent = len(all) } -> Labelled
        on failed -> compensate -> Failed
      }
      state Labelled { on cancel -> compensate -> Failed  wait forever "somebody cancels" }
      final failure Failed
    }
    """
    flows = {name: generated(kernel) for name, kernel in kernels(SHOP + many).items()}
    made, child = flows["Many"], flows["Labelling"]

    async def run() -> None:
        work = doing(label=["l"], peel=[None], quit=[None])
        async with house.open_for({made: work, child: work}) as host:
            await host.start(made, "m", inputs(made, ("a", "b")))
            await host.run_until_idle()
            record: Any = await host.record("m")
            assert record.data.sent == 2
            await host.send("m", made.event("cancel"))
            await host.run_until_idle()
            ids = [link.instance for link in await host.children("m")]
            assert await ends(host, "m", *ids) == [("failed", ("Failed",)), ("failed", ()), ("failed", ())]
            await replayed(host, "m", *ids)

    finishing(run())


COUNTDOWN = """
flow Countdown version 1 {
  input { n: int 0..3 }
  data { below: int 0..3 = 0 }
  output below
  event stop
  activity hold(n: int) -> text { timeout 10s  retry 1  compensate release(result) }
  start -> Holding
  state Holding {
    do hold(n)
    on done(_) -> More
    on failed  -> compensate -> Stopped
  }
  choice More {
    when n > 0 -> Inner
    else       -> Waiting
  }
  state Inner {
    do flow Countdown(n: n - 1)
    on done(k) { below = if k < 3 then k + 1 else 3 } -> Zero
    on failed  -> compensate -> Stopped
    on stop    -> compensate -> Stopped
  }
  state Waiting {
    after 1h -> Zero
    on stop  -> compensate -> Stopped
  }
  final Zero
  final failure Stopped
}
"""
ROOM: type[AnyFlow] = generated(kernels(COUNTDOWN)["Countdown"])
ROOMS = ["c", "c/Countdown#2", "c/Countdown#2/Countdown#2"]


def test_a_flow_is_its_own_child(house: House) -> None:
    async def run() -> None:
        async with house.open_for({ROOM: doing(hold=["h"], release=[None])}) as host:
            await host.start(ROOM, "c", inputs(ROOM, 2))
            await host.run_until_idle()
            assert [(await host.instance(id)).configuration for id in ROOMS] == [("Inner",), ("Inner",), ("Waiting",)]
            await pass_time(host, house.clock, timedelta(hours=1))
            assert await ends(host, *ROOMS) == [("succeeded", ("Zero",))] * 3
            record: Any = await host.record("c")
            assert record.data.below == 2
            await replayed(host, *ROOMS)

    finishing(run())


def test_a_withdrawal_passes_down_through_all_of_them(house: House) -> None:
    async def run() -> None:
        async with house.open_for({ROOM: doing(hold=["h"], release=[None])}) as host:
            await host.start(ROOM, "c", inputs(ROOM, 2))
            await host.run_until_idle()
            await host.send("c", ROOM.event("stop"))
            await host.run_until_idle()
            assert await ends(host, *ROOMS) == [("failed", ("Stopped",)), ("failed", ()), ("failed", ())]
            for id in ROOMS:
                assert [each.key for each in await host.attempts(id)] == ["hold#1", "hold#1/undo"]
            await replayed(host, *ROOMS)

    finishing(run())
