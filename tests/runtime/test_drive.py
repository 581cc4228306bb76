"""The drivers carry an instance from rest to rest: what they call, in which order, under which key; what is left."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import traceback
from collections import defaultdict, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import orders
from gift_flow import Gift
from kernels import flow
from order_flow import Cancel, Carrier, Declined, Order, OrderInputs, OrderState, OutOfStock, Review, ReviewVerdict
from penstock.runtime.codec import Invalid
from penstock.runtime.core import Actor, CloseTask, EmitEvent, Finish, OpenTask
from penstock.runtime.drive import Checkpoint, OnError, Rest, drive, drive_async
from penstock.runtime.hosts.sqlite import SqliteHost
from penstock.runtime.timers import ManualClock
from repository import ROOT
from twins import AnyFlow, generated

NOW = datetime(2026, 1, 1, tzinfo=UTC)
SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)
CLEO, MAX = Actor("cleo", frozenset({"customer"})), Actor("max", frozenset({"manager"}))


@dataclass
class Work:
    """Activities that answer by name, attempt by attempt, the last answer for ever; exceptions are raised."""

    answers: dict[str, Sequence[object]]
    calls: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    args: list[tuple[object, ...]] = field(default_factory=list[tuple[object, ...]])
    left: dict[str, deque[object]] = field(default_factory=lambda: defaultdict[str, "deque[object]"](deque))

    def __getattr__(self, name: str) -> Callable[..., object]:
        if name.startswith("_") or name not in self.answers:
            raise AttributeError(name)

        def call(*args: object, key: str) -> object:
            self.calls.append((name, key))
            self.args.append(args)
            left = self.left.setdefault(name, deque(self.answers[name]))
            answer = left.popleft() if len(left) > 1 else left[0]
            if isinstance(answer, Exception):
                raise answer
            return answer() if callable(answer) else answer

        return call

    def times(self, name: str) -> int:
        return [each for each, _ in self.calls].count(name)


def shop(**answers: Sequence[object]) -> Work:
    usual: dict[str, Sequence[object]] = {
        "reserve_stock": ["r-1"],
        "quote": [Carrier.UPS],
        "charge_card": ["p-1"],
        "ship": ["t-1"],
        "release_stock": [None],
        "refund": [None],
    }
    return Work({**usual, **answers})


@dataclass
class Days:
    """A clock to whom days are nothing, and what was slept on it."""

    clock: ManualClock = field(default_factory=lambda: ManualClock(NOW))
    slept: list[timedelta] = field(default_factory=list[timedelta])

    def sleep(self, duration: timedelta) -> None:
        self.slept.append(duration)
        self.clock.advance(duration)

    def drive(self, record: Any, effects: Any, work: object, on_error: OnError = "retry", **more: Any) -> Rest[Any]:
        return drive(record, effects, work, id="o-1", clock=self.clock, sleep=self.sleep, on_error=on_error, **more)

    async def drive_async(self, record: Any, effects: Any, work: object, on_error: OnError = "retry") -> Rest[Any]:
        return await drive_async(record, effects, work, id="o-1", clock=self.clock, sleep=self.sleep, on_error=on_error)


def order(total: int = 20) -> tuple[Any, Any]:
    return Order.start(sku="A1", qty=2, total=Decimal(total), by=CLEO, now=NOW)


def begun(made: type[AnyFlow], *inputs: object) -> tuple[Any, Any]:
    return made.begin(made.spec.inputs.type(*inputs), now=NOW)


# ---------------------------------------------------------------- from rest to rest


def test_it_goes_on_to_the_end() -> None:
    work = shop()
    rest = Days().drive(*order(), work)
    assert rest.record.state is OrderState.DELIVERED
    assert rest.told == (Finish(OrderState.DELIVERED, False),)
    assert (rest.timers, rest.tasks, rest.events, rest.parked, rest.due) == ((), (), (), (), None)
    assert work.calls == [
        ("reserve_stock", "o-1/reserve_stock#1"),
        ("quote", "o-1/quote#2"),
        ("charge_card", "o-1/charge_card#3"),
        ("ship", "o-1/ship#4"),
    ]
    assert work.args == [("A1", 2), ("A1",), (Decimal(20),), ("A1", 2, Carrier.UPS)]


def test_it_waits_for_what_comes_from_outside_and_says_so() -> None:
    days, work = Days(), shop()
    rest = days.drive(*order(2000), work)
    assert rest.record.state is OrderState.APPROVAL
    assert [type(effect) for effect in rest.told] == [OpenTask]
    assert [task.task for task in rest.tasks] == ["review"]
    assert [timer.timer for timer in rest.timers] == ["Approval.review.escalate1", "Approval.after1"]
    assert rest.due == NOW + timedelta(days=1)
    assert rest.events == (Cancel,)

    approved, effects = rest.record.step(Review(ReviewVerdict.ACCEPT, None), by=MAX, now=NOW)
    rest = days.drive(approved, effects, work)
    assert rest.record.state is OrderState.DELIVERED
    assert [type(effect) for effect in rest.told] == [CloseTask, Finish]


def test_a_timer_that_is_due_fires_when_it_is_driven_again() -> None:
    days, work = Days(), shop()
    rest = days.drive(*order(2000), work)
    days.clock.advance(timedelta(days=3))
    rest = days.drive(rest.record, (), work)
    assert rest.record.state is OrderState.EXPIRED
    assert work.calls[-1] == ("release_stock", "o-1/reserve_stock#1")


def test_a_declared_error_is_followed_and_what_was_done_is_undone_under_its_key() -> None:
    work = shop(charge_card=[Declined("no")])
    rest = Days().drive(*order(), work)
    assert rest.record.state is OrderState.CANCELLED
    assert work.times("charge_card") == 1
    assert work.calls[-1] == ("release_stock", "o-1/reserve_stock#1")
    assert work.args[-1] == ("r-1",)


# ---------------------------------------------------------------- retries


def test_an_attempt_that_fails_is_repeated_after_its_backoff() -> None:
    days, work = Days(), shop(charge_card=[OSError(), OSError(), OSError(), "p-1"])
    rest = days.drive(*order(), work)
    assert rest.record.state is OrderState.DELIVERED
    assert days.slept == [2 * SECOND, 4 * SECOND, 8 * SECOND]
    assert {key for name, key in work.calls if name == "charge_card"} == {"o-1/charge_card#3"}


def test_when_attempts_are_used_up_it_has_failed() -> None:
    work = shop(reserve_stock=[OSError("down")])
    assert Days().drive(*order(), work).record.state is OrderState.CANCELLED
    assert work.times("reserve_stock") == 3
    assert work.calls[-1] == ("release_stock", "o-1/reserve_stock#1")  # it may have had its effect


def test_what_parks_is_handed_back_and_may_be_tried_again_or_settled() -> None:
    days, work = Days(), shop(ship=[*[OSError("no carrier")] * 24, "t-1"])
    rest = days.drive(*order(), work)
    assert rest.record.state is OrderState.SHIPPING
    ((effect, error),) = rest.parked
    assert (effect.key, error) == ("ship#4", "OSError: no carrier")
    assert work.times("ship") == 24

    rest = days.drive(rest.record, [effect], work)
    assert rest.record.state is OrderState.DELIVERED
    assert work.calls[-1] == ("ship", "o-1/ship#4")


def test_a_compensation_that_parks_is_handed_back_as_well() -> None:
    days, work = Days(), shop(charge_card=[Declined()], release_stock=[*[OSError("closed")] * 12, None])
    rest = days.drive(*order(), work)
    assert rest.record.compensating
    ((effect, error),) = rest.parked
    assert (effect.key, error) == ("reserve_stock#1/undo", "OSError: closed")
    rest = days.drive(rest.record, [effect], work)
    assert rest.record.state is OrderState.CANCELLED
    assert {key for name, key in work.calls if name == "release_stock"} == {"o-1/reserve_stock#1"}


def test_an_answer_that_does_not_fit_is_a_failed_attempt() -> None:
    work = shop(quote=["pigeon"])
    rest = Days().drive(*order(), work)
    assert rest.record.data.carrier is Carrier.POST
    assert work.times("quote") == 3


def test_a_timer_that_falls_due_between_two_attempts_fires_in_between() -> None:
    made = generated(
        flow("""
          activity look() -> int { retry 10 backoff 1m..1m  compensate unlook(result) }
          start -> Looking
          state Looking { do look() on done -> Seen  on failed -> Blind  after 150s -> compensate -> Late }
          final Seen
          final Blind
          final failure Late
        """)
    )
    days, work = Days(), Work({"look": [OSError()], "unlook": [None]})
    rest = days.drive(*begun(made), work)
    assert rest.record.state == "Late"
    assert days.slept == [MINUTE, MINUTE, 30 * SECOND]
    assert work.calls == [("look", "o-1/look#1")] * 3 + [("unlook", "o-1/look#1")]
    assert work.args[-1] == (None,)


PARALLEL = """
  activity pack() -> int { retry 2 backoff 1m..1m fails missing compensate unpack(result) }
  activity charge() -> int { retry 2 backoff 1m..1m fails declined compensate refund(result) }
  event packed_up
  emit done_with(which: int)
  start -> Both
  parallel Both {
    region Goods {
      start -> Packing
      state Packing { do pack() on done -> Packed on failed -> Lacking }
      final Packed
      final failure Lacking
    }
    region Money {
      start -> Charging
      state Charging { do charge() on done -> Paid on failed -> Unpaid }
      final Paid
      final failure Unpaid
    }
    on all done    -> Ready
    on any failure -> compensate -> Off
  }
  final Ready
  final failure Off
"""


@pytest.fixture(scope="module")
def parallel() -> type[AnyFlow]:
    return generated(flow(PARALLEL.replace("  emit done_with(which: int)\n", "").replace("  event packed_up\n", "")))


def test_a_call_that_is_interrupted_before_it_begins_is_never_made(parallel: type[AnyFlow]) -> None:
    error = parallel.spec.activities["pack"].errors["missing"]
    work = Work({"pack": [error()], "charge": [7], "unpack": [None], "refund": [None]})
    rest = Days().drive(*begun(parallel), work)
    assert rest.record.state == "Off"
    assert [name for name, _ in work.calls] == ["pack", "refund"]  # nobody knows what became of it: it is undone


def test_what_the_flow_says_is_handed_on() -> None:
    made = generated(
        flow("""
          event go
          emits said(word: text)
          activity look() -> text { }
          start -> A
          state A { do look() on done(word) { emit said(word) } -> B  on failed -> B }
          final B
        """)
    )
    rest = Days().drive(*begun(made), Work({"look": ["hello"]}))
    assert rest.told == (EmitEvent("said", ("hello",)), Finish("B", False))


def names(effects: Sequence[object]) -> list[str]:
    return [f"{type(effect).__name__} {getattr(effect, 'key', '')}".strip() for effect in effects]


def test_every_step_is_shown_before_it_is_carried_out() -> None:
    seen: list[tuple[object, list[str], list[str], int]] = []
    work = shop()

    def watch(at: Checkpoint[Order]) -> None:
        seen.append((at.record.state, names(at.effects), names(at.open), len(work.calls)))

    Days().drive(*order(), work, watch=watch)
    assert seen == [
        (OrderState.QUOTING, ["StartActivity quote#2"], ["StartActivity quote#2"], 1),
        (OrderState.CHARGING, ["StartActivity charge_card#3"], ["StartActivity charge_card#3"], 2),
        (OrderState.SHIPPING, ["StartActivity ship#4"], ["StartActivity ship#4"], 3),
        (OrderState.DELIVERED, ["Finish"], [], 4),
    ]


class Crash(BaseException):
    """The process ends here."""


@settings(max_examples=60)
@given(
    crashes=st.lists(st.integers(0, 4), max_size=6),
    packed=st.sampled_from([1, OSError("down"), "missing"]),
    charged=st.sampled_from([2, OSError("down"), "declined"]),
)
def test_whoever_keeps_the_checkpoints_goes_on_from_any_of_them(
    crashes: list[int], packed: object, charged: object, parallel: type[AnyFlow]
) -> None:
    def answers() -> Work:
        errors = {**parallel.spec.activities["pack"].errors, **parallel.spec.activities["charge"].errors}
        given = {"pack": packed, "charge": charged, "unpack": None, "refund": None}
        return Work({name: [errors[each]() if isinstance(each, str) else each] for name, each in given.items()})

    undisturbed = Days().drive(*begun(parallel), answers()).record
    work, kept = answers(), begun(parallel)
    for after in [*crashes, 10**6]:
        left = [after]

        def watch(at: Checkpoint[Any], left: list[int] = left) -> None:
            nonlocal kept
            kept = at.record, at.open
            left[0] -= 1
            if left[0] < 0:
                raise Crash

        with contextlib.suppress(Crash):
            Days().drive(*kept, work, watch=watch)
    assert kept[0] == undisturbed
    assert kept[1] == ()
    assert {key for _, key in work.calls} <= {"o-1/pack#1", "o-1/charge#2"}


# ---------------------------------------------------------------- with coroutines


class Coroutines:
    """The same work, as coroutine functions."""

    def __init__(self, work: Work) -> None:
        self._work = work

    def __getattr__(self, name: str) -> Callable[..., object]:
        call: Callable[..., object] = getattr(self._work, name)

        async def coroutine(*args: object, key: str) -> object:
            answer = call(*args, key=key)
            return await answer if asyncio.iscoroutine(answer) else answer

        return coroutine


async def for_ever() -> None:
    await asyncio.Event().wait()


def test_coroutines_are_driven_the_same_way() -> None:
    days, work = Days(), shop(charge_card=[OSError(), "p-1"])
    rest = orders.finishing(days.drive_async(*order(), Coroutines(work)))
    assert rest.record.state is OrderState.DELIVERED
    assert days.slept == [2 * SECOND]
    assert [key for _, key in work.calls] == [
        "o-1/reserve_stock#1", "o-1/quote#2", "o-1/charge_card#3", "o-1/charge_card#3", "o-1/ship#4"
    ]  # fmt: skip


def test_calls_of_regions_run_side_by_side(parallel: type[AnyFlow]) -> None:
    async def main() -> Rest[Any]:
        one, other = asyncio.Event(), asyncio.Event()

        class Meeting:
            async def pack(self, *, key: str) -> int:
                one.set()
                await other.wait()
                return 1

            async def charge(self, *, key: str) -> int:
                other.set()
                await one.wait()
                return 2

            async def unpack(self, result: int | None, *, key: str) -> None: ...
            async def refund(self, result: int | None, *, key: str) -> None: ...

        return await Days().drive_async(*begun(parallel), Meeting())

    assert orders.finishing(main()).record.state == "Ready"


def test_a_call_that_the_flow_interrupts_is_cancelled(parallel: type[AnyFlow]) -> None:
    error = parallel.spec.activities["charge"].errors["declined"]
    work = Work({"pack": [for_ever], "charge": [error()], "unpack": [None], "refund": [None]})
    rest = orders.finishing(Days().drive_async(*begun(parallel), Coroutines(work)))
    assert rest.record.state == "Off"
    assert [name for name, _ in work.calls] == ["pack", "charge", "unpack"]


def test_a_call_is_cut_off_when_its_time_is_up() -> None:
    days = Days()

    async def hang() -> None:
        days.clock.advance(MINUTE)
        await for_ever()

    work = shop(quote=[hang])
    rest = orders.finishing(days.drive_async(*order(), Coroutines(work)))
    assert rest.record.data.carrier is Carrier.POST
    assert work.times("quote") == 3


def test_a_timer_fires_while_a_call_runs() -> None:
    made = generated(
        flow("""
          activity look() -> int { timeout 1h compensate unlook(result) }
          start -> Looking
          state Looking { do look() on done -> Seen  on failed -> Seen  after 1m -> compensate -> Late }
          final Seen
          final failure Late
        """)
    )
    days = Days()

    async def hang() -> None:
        days.clock.advance(MINUTE)
        await for_ever()

    rest = orders.finishing(days.drive_async(*begun(made), Coroutines(Work({"look": [hang], "unlook": [None]}))))
    assert rest.record.state == "Late"


FAILING = OSError("down")
ANSWERS: dict[str, list[list[object]]] = {
    "reserve_stock": [["r-1"], [OutOfStock()], [FAILING, "r-1"], [FAILING]],
    "quote": [[Carrier.UPS], ["pigeon"]],
    "charge_card": [["p-1"], [FAILING, Declined()], [FAILING, FAILING, "p-1"], [FAILING]],
    "ship": [["t-1"], [FAILING]],
    "release_stock": [[None], [FAILING, None]],
    "refund": [[None], [FAILING]],
}


@settings(max_examples=25)
@given(
    total=st.sampled_from([20, 2000]),
    script=st.fixed_dictionaries({name: st.sampled_from(each) for name, each in ANSWERS.items()}),
)
def test_drivers_and_host_come_to_the_same_record(
    total: int, script: dict[str, list[object]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    one, other, third = (Work({**script}) for _ in range(3))
    days = Days()
    driven = days.drive(*order(total), one).record

    async def hosted() -> object:
        path, clock = tmp_path_factory.mktemp("host") / "orders.db", ManualClock(NOW)
        async with SqliteHost(path, {Order: Coroutines(third)}, clock=clock, limits=orders.QUICK) as host:
            await host.start(Order, "o-1", OrderInputs("A1", 2, Decimal(total)), by=CLEO)
            await host.run_until_idle()
            await orders.pass_time(host, clock, *days.slept)
            return await host.record("o-1")

    assert driven == orders.finishing(Days().drive_async(*order(total), Coroutines(other))).record
    assert driven == orders.finishing(hosted())
    assert one.calls == other.calls == third.calls


# ---------------------------------------------------------------- what goes wrong


def frames(error: BaseException) -> list[str]:
    """The files of a traceback, of those below this function's caller."""
    return [frame.filename for frame in traceback.extract_tb(error.__traceback__)]


def ours(error: BaseException) -> list[str]:
    return [name for name in frames(error) if Path(name).is_relative_to(ROOT / "runtime")]


class Bug:
    """Fails as an activity does that has a bug."""

    def __init__(self) -> None:
        self.attempts = 0

    def _price(self, sku: str) -> str:
        prices: dict[str, str] = {}
        return prices[sku]

    def __getattr__(self, name: str) -> Callable[..., object]:
        if name.startswith("_"):
            raise AttributeError(name)
        return _nothing


def _nothing(*args: object, key: str) -> None: ...


class Broken(Bug):
    def reserve_stock(self, sku: str, qty: int, *, key: str) -> str:
        self.attempts += 1
        return self._price(sku)


class AsyncBroken(Bug):
    async def reserve_stock(self, sku: str, qty: int, *, key: str) -> str:
        self.attempts += 1
        return self._price(sku)


def test_a_test_may_have_raised_what_an_activity_raises() -> None:
    broken, days = Broken(), Days()
    with pytest.raises(KeyError) as raised:
        days.drive(*order(), broken, "raise")
    assert broken.attempts == 1
    assert not days.slept
    assert frames(raised.value)[-2:] == [__file__, __file__]
    assert len(ours(raised.value)) <= 2
    assert raised.value.__context__ is None


def test_so_it_is_with_coroutines() -> None:
    broken = AsyncBroken()
    with pytest.raises(KeyError) as raised:
        orders.finishing(Days().drive_async(*order(), broken, "raise"))
    assert broken.attempts == 1
    assert frames(raised.value)[-2:] == [__file__, __file__]
    assert len(ours(raised.value)) <= 2
    assert raised.value.__context__ is None


def test_an_answer_that_does_not_fit_is_raised_as_well_and_a_declared_error_is_not() -> None:
    with pytest.raises(Invalid, match="not a valid answer: expected one of ups, dhl, post, not 'pigeon'"):
        Days().drive(*order(), shop(quote=["pigeon"]), "raise")
    assert Days().drive(*order(), shop(charge_card=[Declined()]), "raise").record.state is OrderState.CANCELLED


def test_what_is_no_exception_goes_through() -> None:
    def stop() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt) as raised:
        Days().drive(*order(), shop(quote=[stop]))
    assert len(ours(raised.value)) <= 2


def test_when_one_raises_the_others_are_cancelled(parallel: type[AnyFlow]) -> None:
    cancelled: list[str] = []

    async def wait() -> None:
        try:
            await for_ever()
        except asyncio.CancelledError:
            cancelled.append("pack")
            raise

    work = Work({"pack": [wait], "charge": [OSError("down")], "unpack": [None], "refund": [None]})
    with pytest.raises(OSError, match="down"):
        orders.finishing(Days().drive_async(*begun(parallel), Coroutines(work), "raise"))
    assert cancelled == ["pack"]


@pytest.mark.parametrize("broken", [Broken(), AsyncBroken()], ids=["thread", "coroutine"])
def test_the_host_logs_where_an_activity_failed(broken: Bug, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        clock = ManualClock(NOW)
        async with SqliteHost(tmp_path / "o.db", {Order: broken}, clock=clock) as host:
            await host.start(Order, "o-1", OrderInputs("A1", 2, Decimal(20)))
            await host.run_until_idle()

    with caplog.at_level(logging.WARNING, "penstock"):
        orders.finishing(main())
    (record,) = caplog.records
    assert record.getMessage() == "attempt 1 of o-1/reserve_stock#1: KeyError: 'A1'"
    assert record.exc_info is not None
    error = record.exc_info[1]
    assert isinstance(error, KeyError)
    assert frames(error) == [__file__, __file__]


def test_a_declared_error_is_not_logged(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        work = Coroutines(shop(reserve_stock=[OutOfStock()]))
        async with SqliteHost(tmp_path / "o.db", {Order: work}, clock=ManualClock(NOW)) as host:
            await host.start(Order, "o-1", OrderInputs("A1", 2, Decimal(20)))
            await host.settled("o-1")

    with caplog.at_level(logging.WARNING, "penstock"):
        orders.finishing(main())
    assert caplog.records == []


WRONG: list[tuple[object, str]] = [
    (object(), "object lacks reserve_stock, charge_card, ship, quote, release_stock, refund, which Order calls"),
    (AsyncBroken(), "AsyncBroken.reserve_stock is a coroutine function: use `drive_async`"),
]


@pytest.mark.parametrize(("work", "complaint"), WRONG)
def test_activities_that_cannot_be_called_are_refused_before_anything_is(work: object, complaint: str) -> None:
    with pytest.raises(TypeError) as refused:
        Days().drive(*order(), work)
    assert str(refused.value) == complaint


def test_a_flow_that_does_flows_needs_a_host() -> None:
    methods: list[str] = [call.method for call in Gift.spec.activities.values()]
    methods += [call.method for call in Gift.spec.compensations.values()]
    gift: Any = Gift(*cast(Any, [None] * 4))
    with pytest.raises(TypeError, match="Gift does the flow Shipping: only a host runs several instances"):
        Days().drive(gift, (), Work({method: [None] for method in methods}))
