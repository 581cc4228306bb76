"""A disk that fails at the n-th operation: the host says so, corrupts nothing, and goes on when it is cured.

PENSTOCK_FAULTS=1 lets each fault begin at every operation of every flow of the laboratories, and at every ninth where
it lasts (by default at a few; `-o log_cli=1 --log-level=INFO` shows how it goes on).
"""

from __future__ import annotations

import asyncio
import itertools
import logging
import os
import random
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from crash_lab import lines
from faults import FAULTS, ROT, Fault, Injector, patient
from order_flow import Order, Review, ReviewVerdict
from orders import CLEO, LARGE, MAX, House, finishing
from penstock.runtime.errors import Corrupt, NotAStore, StoreError, TooNew, TooOld, Unfit
from penstock.runtime.hosts.sqlite_store import SqliteStore
from penstock.runtime.journal import Diverged
from power_lab import SCENES, Scene, drive, on_disk, told
from watched_disk import SAFE
from what_is_kept import FILE, Violation, emptied, ends, examine, examine_end, kept

LOG = logging.getLogger(__name__)

EVERY = "PENSTOCK_FAULTS" in os.environ
LASTING = 40
"""Operations that fail before a fault is cured, where it lasts."""


def survived(scene: Scene, folder: Path, injector: Injector) -> tuple[Counter[type[StoreError]], int]:
    """Run it on the disk that fails; answers with what people were told, and how often the host had to be opened again
    since it could not be opened."""
    heard: list[object] = []
    again = 0
    with on_disk(injector.watch, SAFE), told(heard.append), patient() as patience:
        while True:
            try:
                drive(scene, folder)
                break
            except StoreError as error:
                if patience.opened:
                    raise AssertionError("the host was open, and gave up") from error
                patience.errors.append(error)
                again += 1
    state = kept(folder)
    examine_end(state, scene.flows, lines(folder / "effects"))
    for what in heard:
        assert state.holds(what), what
    return Counter(type(error) for error in patience.errors), again


def beginnings(fault: Fault, length: int, scene: Scene, place: Path, dice: random.Random) -> Iterator[int]:
    """At which of its operations the fault begins: at each (of one that lasts, at each ninth), or at a few."""
    if EVERY:
        yield from itertools.count(1, 1 if length == 1 else 9)
    counting = Injector(fault, at=1 << 30)
    with emptied(place) as folder, on_disk(counting.watch, SAFE):
        drive(scene, folder)
    yield from sorted(dice.sample(range(1, counting.passed + 1), min(4, counting.passed)))


@pytest.mark.parametrize("length", [1, LASTING])
@pytest.mark.parametrize("title", FAULTS)
def test_whatever_fails_at_whatever_moment_the_host_says_so_and_goes_on_when_it_is_cured(
    place: Path, title: str, length: int
) -> None:
    fault = FAULTS[title]
    dice = random.Random(f"{title} {length}")
    names = [name for name in SCENES if not name.startswith("many")] if EVERY else [dice.choice([*SCENES])]
    for name in names:
        with emptied(place / "run") as folder:
            drive(SCENES[name], folder)
            expected = ends(kept(folder))
        said: Counter[type[StoreError]] = Counter()
        runs = 0
        for at in beginnings(fault, length, SCENES[name], place / "run", dice):
            injector = Injector(fault, at, length)
            with emptied(place / "run") as folder:
                errors, _ = survived(SCENES[name], folder, injector)
                assert ends(kept(folder)) == expected
            said += errors
            runs += bool(injector.hits)
            if not injector.hits:
                break
        assert set(said) <= {*fault.says}, said
        what = "%s, for %d operations: %s, %d runs, people heard of it %d times"
        LOG.info(what, title, length, name, runs, said.total())


def test_a_question_that_the_disk_refuses_to_answer_is_no_damage(place: Path) -> None:
    injector = Injector(FAULTS["a lock of the log fails"], at=1 << 30)
    with on_disk(injector.watch, SAFE):
        store = SqliteStore(place / FILE)
        injector.at = injector.passed + 1
        with pytest.raises(StoreError, match="disk I/O error") as refused:
            store.now(lambda tx: tx.instances(None))
        assert refused.type is StoreError
        assert injector.hits == 1
        assert store.now(lambda tx: tx.instances(None)) == []
        store.close()


def test_a_host_that_only_waits_outlives_a_disk_that_fails(place: Path) -> None:
    injector = Injector(FAULTS["a lock of the log fails"], at=1 << 30)

    async def run() -> None:
        async with House("sqlite", place).open() as host:
            await host.start(Order, "o-1", LARGE, by=CLEO)
            await host.settled("o-1")
            for times in range(1, 11):
                injector.at = injector.passed + times
                while injector.hits < times:  # it looks for what other processes wrote
                    await asyncio.sleep(0.001)
            await host.complete("o-1", Review(ReviewVerdict.ACCEPT, None), by=MAX)
            assert (await host.settled("o-1")).configuration == ("Delivered",)

    with on_disk(injector.watch, SAFE):
        finishing(run())


def reviewed(folder: Path, start: bool) -> None:
    """Some orders that were started before are accepted; what they are is read from the file."""

    async def run() -> None:
        async with House("sqlite", folder).open() as host:
            if start:
                for number in range(30):
                    await host.start(Order, f"o-{number}", LARGE, by=CLEO)
            else:
                for number in range(0, 30, 10):
                    await host.complete(f"o-{number}", Review(ReviewVerdict.ACCEPT, None), by=MAX)
            await host.run_until_idle()

    finishing(run())


def test_a_bit_that_is_read_wrong_is_damage_or_does_not_matter(place: Path) -> None:
    """There are no check sums in SQLite's files, so not all of it can be noticed at once: see docs/reliability.md."""
    with emptied(place / "run") as folder:
        reviewed(folder, start=True)
        image = (folder / FILE).read_bytes()
    dice = random.Random(5)
    outcomes: Counter[str] = Counter()
    for turn in range(400 if EVERY else 25):
        injector = Injector(ROT, dice.randint(1, 60), bit=dice.randrange(4096 * 8))
        with emptied(place / "run") as folder:
            (folder / FILE).write_bytes(image)
            refused = ""
            with on_disk(injector.watch, SAFE):
                try:
                    reviewed(folder, start=False)
                except (Corrupt, NotAStore, TooNew, TooOld, Unfit) as error:
                    refused = type(error).__name__
            opened = any(path.name != FILE for path in folder.iterdir()) or (folder / FILE).read_bytes() != image
            if refused and not opened:
                reviewed(folder, start=False)  # nothing was touched: read right, it goes on
            outcomes[refused or _looked_at(folder)] += bool(injector.hits)
        LOG.info("%d bits read wrong: %s", turn + 1, dict(outcomes))
    assert outcomes.total() > 20


def _looked_at(folder: Path) -> str:
    try:
        examine(kept(folder), {"Order/1": Order})
    except (StoreError, Violation, ValueError, AssertionError, Diverged, LookupError) as error:
        return f"noticed afterwards ({type(error).__name__})"
    return "sound"
