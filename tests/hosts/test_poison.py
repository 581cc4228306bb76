"""Activities that misbehave in every way we could think of: their own instance fails or waits, the others go on, and
the audit trail says what it was."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any, NoReturn

import pytest

from kernels import flow
from orders import House, finishing, inputs
from penstock.runtime.hosts.sqlite import SqliteHost
from penstock.runtime.journal import AnyFlow
from penstock.runtime.store import Status
from penstock.runtime.story import story
from penstock.runtime.worker import Limits
from twins import generated

FETCHING = """
  input { sick: bool }
  activity fetch(sick: bool) -> text { timeout 5s retry 2 backoff 1s..1s ensures len(result) < 9 readonly }
  activity peek(sick: bool) -> text { timeout 5s retry 2 backoff 1s..1s then park readonly }
  start -> Fetching
  state Fetching { do fetch(sick) on done(_) -> Peeking on failed -> Lost }
  state Peeking { do peek(sick) on done(_) -> Fetched }
  final Fetched
  final failure Lost
"""


@pytest.fixture(scope="module")
def made() -> type[AnyFlow]:
    return generated(flow(FETCHING))


class Mute(Exception):
    """Cannot say what it is."""

    def __str__(self) -> str:
        raise RuntimeError("no words")

    __repr__ = __str__


class Beyond(BaseException):
    """Is no Exception."""


class Nasty(str):
    """A text that is none."""

    __slots__ = ()

    def __str__(self) -> NoReturn:
        raise RuntimeError("not for you")

    __repr__ = __eq__ = __len__ = encode = __str__  # type: ignore[assignment]
    __hash__ = str.__hash__


class Opaque:
    """Does not even say what it is."""

    def __repr__(self) -> NoReturn:
        raise RuntimeError("secret")


def raising(error: Callable[[], BaseException]) -> Callable[[], Any]:
    def poison() -> NoReturn:
        raise error()

    return poison


def deep() -> Any:
    return deep()


POISON: dict[str, Callable[[], Any]] = {
    "Exception": raising(lambda: Exception("bad")),
    "StopIteration": raising(StopIteration),
    "StopAsyncIteration": raising(StopAsyncIteration),
    "GeneratorExit": raising(GeneratorExit),
    "CancelledError": raising(asyncio.CancelledError),
    "TimeoutError": raising(TimeoutError),
    "BaseException": raising(Beyond),
    "SystemExit": raising(lambda: SystemExit(3)),
    "KeyboardInterrupt": raising(KeyboardInterrupt),
    "RecursionError": deep,
    "MemoryError": raising(MemoryError),
    "ExceptionGroup": raising(lambda: ExceptionGroup("many", [Mute(), ValueError()])),
    "BaseExceptionGroup": raising(lambda: BaseExceptionGroup("many", [Beyond()])),
    "mute": raising(Mute),
    "a wrong type": lambda: 7,
    "a wrong type that cannot be shown": Opaque,
    "a text that breaks": lambda: Nasty("x"),
    "half a character": lambda: "\ud800",
    "none": lambda: None,
    "against the contract": lambda: "much too long",
}


class Activities:
    """Answers, but for who is sick. Plain methods or coroutines."""

    def __init__(self, poison: Callable[[], Any], plain: bool) -> None:
        async def awaited(sick: bool, *, key: str) -> Any:
            return poison() if sick else "fine"

        def called(sick: bool, *, key: str) -> Any:
            return poison() if sick else "fine"

        self.fetch = self.peek = called if plain else awaited


async def ends(house: House, made: type[AnyFlow], activities: object) -> str:
    """See a sick one and a sound one to their ends; the story of the sick one."""
    async with house.open_for({made: activities}) as host:
        for id, sick in (("sick", True), ("sound", False)):
            await host.start(made, id, inputs(made, sick))
        assert (await host.settled("sound")).configuration == ("Fetched",)
        while not (await host.instance("sick")).status.finished:
            await host.run_until_idle()
            house.clock.advance(timedelta(seconds=1))
        assert (await host.instance("sick")).status is Status.FAILED
        assert len(await host.attempts("sick")) == 2
        await host.start(made, "later", inputs(made, False))
        assert (await host.settled("later")).configuration == ("Fetched",)
        return story(made.spec, await host.journal("sick"))


@pytest.mark.parametrize("plain", [False, True], ids=["coroutine", "thread"])
@pytest.mark.parametrize("what", POISON)
def test_whatever_an_activity_raises_or_answers_the_others_go_on(
    house: House, made: type[AnyFlow], what: str, plain: bool
) -> None:
    if what == "KeyboardInterrupt" and not plain:
        pytest.skip("in a coroutine it is the person at the keyboard, who stops the host")
    told = finishing(ends(house, made, Activities(POISON[what], plain)))
    assert "failed" in told or "interrupted" in told


class Endless:
    """Never returns, whatever it is asked: a coroutine that will not be cancelled, or a thread."""

    def __init__(self, plain: bool) -> None:
        self.begun: list[str] = []
        self.over = threading.Event()

        async def awaited(sick: bool, *, key: str) -> str:
            if not sick:
                return "fine"
            self.begun.append(key)
            while not self.over.is_set():
                with contextlib.suppress(asyncio.CancelledError):
                    await asyncio.sleep(0.01)
            return "at last"

        def called(sick: bool, *, key: str) -> str:
            if not sick:
                return "fine"
            self.begun.append(key)
            self.over.wait()
            return "at last"

        self.fetch = self.peek = called if plain else awaited


@pytest.mark.parametrize("plain", [False, True], ids=["coroutine", "thread"])
def test_an_activity_that_never_returns_is_left_behind(house: House, made: type[AnyFlow], plain: bool) -> None:
    activities = Endless(plain)

    async def run() -> str:
        async with house.open_for({made: activities}) as host:
            await host.start(made, "sick", inputs(made, True))
            await host.start(made, "sound", inputs(made, False))
            assert (await host.settled("sound")).configuration == ("Fetched",)
            while not (await host.instance("sick")).status.finished:
                await asyncio.sleep(0.01)
                house.clock.advance(timedelta(seconds=1))
            assert len(activities.begun) == 2
            activities.over.set()
            journal = await host.journal("sick")
            await asyncio.sleep(0.05)
            assert await host.journal("sick") == journal, "nobody listens to what it answers at last"
            return story(made.spec, journal)

    assert "no answer within 0:00:05" in finishing(run())


def test_an_activity_that_blocks_the_loop_holds_up_the_others_and_loses_nothing(
    house: House, made: type[AnyFlow]
) -> None:
    """It holds up everything in its process, the lease too; its own process does not take it for lost."""
    limits = Limits(lease=timedelta(milliseconds=200), poll=timedelta(milliseconds=10))

    class Blocking:
        async def fetch(self, sick: bool, *, key: str) -> str:
            if sick:
                time.sleep(0.6)  # three leases; this is what a coroutine must never do
            return "fine"

        peek = fetch

    async def run() -> None:
        async with SqliteHost(house.folder / "blocked.db", {made: Blocking()}, limits=limits) as host:
            for number in range(5):
                await host.start(made, f"i-{number}", inputs(made, number == 0))
            for number in range(5):
                assert (await host.settled(f"i-{number}")).configuration == ("Fetched",)
                assert [attempt.result for attempt in await host.attempts(f"i-{number}")] == ["done", "done"]

    finishing(run())


def test_of_an_answer_of_100_megabytes_only_its_size_is_kept(house: House) -> None:
    plain = generated(flow(FETCHING.replace("ensures len(result) < 9", "")))
    poison = Activities(lambda: "x" * 100_000_000, plain=True)
    assert "`Limits.answer` allows" in finishing(ends(house, plain, poison))
    assert sum(path.stat().st_size for path in house.folder.iterdir()) < 5_000_000
