"""A laboratory for losses of power: flows that ran on a watched disk in; what is left of them after one, examined, out.

`crash_lab` and its like drive the flows. Whatever the store said that it has committed, and gave back to the host, and
so to people and activities, is in the log as told at that moment. What may be left is one of the states that the store
has committed, whole, and not before the last one that anybody was told of.
"""

from __future__ import annotations

import asyncio
import os
import random
import sqlite3
from collections.abc import Callable, Container, Coroutine, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias, TypeVar
from unittest import mock

import crash_lab
import family_lab
import fulfilment_lab
import hiring_lab
from billing_flow import Billing
from crash_lab import Mine, lines
from fulfilment_flow import Fulfilment
from gift_flow import Gift
from hiring_flow import Hiring
from order_flow import Order
from penstock.runtime.hosts.sqlite import SqliteHost
from penstock.runtime.hosts.sqlite_store import SqliteStore
from penstock.runtime.journal import AnyFlow, label
from penstock.runtime.store import (
    News,
    Tick,
    Transaction,
)
from power import Disk, Weather, write
from purchase_flow import Purchase
from shipping_flow import Shipping
from watched_disk import SAFE, Device, Watch, watched
from what_is_kept import FILE, Acknowledged, Committed, Kept, Violation, emptied, ends, examine_end, kept, recovered
from write_log import Event, Recorder, Told, commits

T = TypeVar("T")
Drive: TypeAlias = Callable[[Path, list[str], Mine], Coroutine[Any, Any, None]]
ASIDE = ("effects", "acknowledgements", "rejections", "messages")
"""Files beside the store, which the laboratories write line by line; they also keep a clock."""


@dataclass(frozen=True)
class Scene:
    """Instances that are driven to their ends: what does it, and the flows they are of."""

    drive: Drive
    ids: tuple[str, ...]
    kinds: tuple[type[AnyFlow], ...]

    @property
    def flows(self) -> Mapping[str, type[AnyFlow]]:
        return {label(kind): kind for kind in self.kinds}


def _scenes(prefix: str, drive: Drive, ids: Iterable[str], *kinds: type[AnyFlow]) -> dict[str, Scene]:
    return {f"{prefix} {id}": Scene(drive, (id,), kinds) for id in ids}


SCENES: Mapping[str, Scene] = {
    **_scenes("order", crash_lab.drive, crash_lab.ORDERS, Order),
    **_scenes("purchase", crash_lab.mail, crash_lab.PURCHASES, Purchase, Billing),
    **_scenes("hiring", hiring_lab.hire, ["h-1"], Hiring),
    **_scenes("fulfilment", fulfilment_lab.drive, fulfilment_lab.ORDERS, Fulfilment),
    **_scenes("gift", family_lab.drive, family_lab.GIFTS, Gift, Shipping),
    "many orders": Scene(crash_lab.drive, tuple(crash_lab.ORDERS), (Order,)),
    "many purchases": Scene(crash_lab.mail, tuple(crash_lab.PURCHASES), (Purchase, Billing)),
}


async def by_turns(folder: Path, ids: list[str], mine: Mine) -> None:
    """Commits of a few pages and of many: a log begins anew with more pages than the one before it."""
    store = SqliteStore(folder / FILE)

    def put(turn: int, tx: Transaction) -> None:
        for row in range(1 if turn % 3 == 0 else 9):
            tx.put_tick(Tick("By/1", f"{turn} {row} {'turns' * 600}", crash_lab.START))

    try:
        for turn in range(12):
            await store.write(partial(put, turn))
    finally:
        store.close()


BY_TURNS = Scene(by_turns, (), ())


# ---------------------------------------------------------------- a run on a watched disk


class Aside(NamedTuple):
    """How long the files beside the store were, and what the clock said."""

    sizes: tuple[int, ...]
    clock: str


@dataclass
class Recording:
    """A run: what its disk was told, in order, and what stood in the other files at each of these moments."""

    scene: Scene
    folder: Path
    recorder: Recorder = field(default_factory=Recorder)
    asides: list[Aside] = field(default_factory=list[Aside])

    @property
    def events(self) -> Sequence[Event]:
        return self.recorder.events

    def watch(self, operation: Any, forward: Any) -> int:
        code = self.recorder.watch(operation, forward)
        self.catch_up()
        return code

    def tell(self, what: object) -> None:
        self.recorder.tell(what)
        self.catch_up()

    def catch_up(self) -> None:
        if len(self.asides) < len(self.events):
            aside = self._aside()
            self.asides += [aside] * (len(self.events) - len(self.asides))

    def _aside(self) -> Aside:
        paths = [self.folder / name for name in ASIDE]
        clock = self.folder / "clock"
        sizes = tuple(path.stat().st_size if path.exists() else 0 for path in paths)
        return Aside(sizes, clock.read_text() if clock.exists() else "")

    def set_aside(self, position: int, folder: Path) -> None:
        """Lay the other files as they were after so many events."""
        aside = self.asides[position - 1] if position else Aside((0,) * len(ASIDE), "")
        for name, size in zip(ASIDE, aside.sizes, strict=True):
            if size:
                (folder / name).write_bytes((self.folder / name).read_bytes()[:size])
        if aside.clock:
            (folder / "clock").write_text(aside.clock)


def narrow(pages: int, synchronous: str) -> type[sqlite3.Connection]:
    """Connections that make a checkpoint after so many pages, and sync as is said here."""

    class Narrow(sqlite3.Connection):
        def __init__(self, *args: Any, **options: Any) -> None:
            super().__init__(*args, **options)
            super().execute(f"PRAGMA wal_autocheckpoint = {pages}")

        def execute(self, sql: str, parameters: Any = (), /) -> sqlite3.Cursor:
            return super().execute(sql.replace("synchronous = FULL", f"synchronous = {synchronous}"), parameters)

    return Narrow


@contextmanager
def on_disk(watch: Watch, device: Device, pages: int = 20, synchronous: str = "FULL") -> Generator[None]:
    """Whoever connects inside is on a watched disk."""
    connect = partial(sqlite3.connect, factory=narrow(pages, synchronous))
    with watched(watch, device), mock.patch.object(sqlite3, "connect", connect):
        yield


@contextmanager
def asked(recorder: Recorder) -> Generator[None]:
    """Inside, the system is asked through the recorder to read a file from the disk; and to sync one, which is one that
    was synced as far as it could be."""
    advising, syncing = os.posix_fadvise, os.fsync

    def path(file: int) -> Path:
        return Path(f"/proc/self/fd/{file}").readlink()

    def fsync(file: int, /) -> None:
        syncing(file)
        if path(file).name in recorder.files:
            recorder.synced(path(file))

    def advise(file: int, offset: int, length: int, advice: int, /) -> None:
        advising(file, offset, length, advice)
        if path(file).name in recorder.files:
            recorder.reread(path(file))
            disk = Disk()
            for event in recorder.events:
                disk.take(event)
            path(file).write_bytes(disk.seen()[path(file).name])

    with mock.patch.object(os, "posix_fadvise", advise), mock.patch.object(os, "fsync", fsync):
        yield


@contextmanager
def told(tell: Callable[[object], None]) -> Generator[None]:
    """Inside, whatever a store gives back is told."""
    writing, reading, acknowledging = SqliteStore.write, SqliteStore.read, SqliteHost.acknowledge
    telling = SqliteStore.tell

    def hear(store: SqliteStore, committed: Callable[[News], None] | None) -> None:
        def heard(news: News) -> None:
            tell(Committed((*news.entries,), (*news.claimed,)))
            if committed is not None:
                committed(news)

        telling(store, heard)

    async def write(store: SqliteStore, work: Callable[[Transaction], T]) -> T:
        result = await writing(store, work)
        tell(result)
        return result

    async def read(store: SqliteStore, work: Callable[[Transaction], T]) -> T:
        result = await reading(store, work)
        tell(result)
        return result

    async def acknowledge(host: SqliteHost, message: str) -> None:
        await acknowledging(host, message)
        tell(Acknowledged(message))

    with (
        mock.patch.object(SqliteStore, "tell", hear),
        mock.patch.object(SqliteStore, "write", write),
        mock.patch.object(SqliteStore, "read", read),
        mock.patch.object(SqliteHost, "acknowledge", acknowledge),
    ):
        yield


def record(scene: Scene, folder: Path, device: Device = SAFE, pages: int = 20, synchronous: str = "FULL") -> Recording:
    """Run it."""
    recording = Recording(scene, folder)
    with on_disk(recording.watch, device, pages, synchronous), told(recording.tell):
        drive(scene, folder)
    return recording


def drive(scene: Scene, folder: Path) -> None:
    asyncio.run(asyncio.wait_for(scene.drive(folder, list(scene.ids), Mine(0)), 60))


# ---------------------------------------------------------------- what was promised


@dataclass
class Promise:
    """What may be left of a run: its states in the order they were committed, and from where on each event in the log
    lets nothing earlier be found."""

    states: Sequence[Kept]
    floors: Sequence[int]

    def __post_init__(self) -> None:
        self.last = {state.mark: number for number, state in enumerate(self.states)}

    def kept_by(self, mark: bytes, position: int) -> int:
        """Which state it is that was found when so many events had happened. Raises Violation."""
        number = self.last.get(mark)
        if number is None:
            raise Violation("a state that the store never had")
        if number < self.floors[position]:
            raise Violation(f"state {number}, though somebody was told of state {self.floors[position]}")
        return number


def promise(events: Sequence[Event], place: Path) -> Promise:
    """The states are those that a process would find if the one before it had been killed right after each commit."""
    disk, ends, states = Disk(), set(commits(events)), [_state(place, {})]
    numbers = [0]  # how many of the states were there after each event
    for position, event in enumerate(events, 1):
        disk.take(event)
        if position in ends:
            states.append(_state(place, disk.seen()))
        numbers.append(len(states) - 1)
    floors = [0]
    for event, number in zip(events, numbers[1:], strict=True):
        floors.append(max(floors[-1], _since(states, event.what, number) if isinstance(event, Told) else 0))
    return Promise(states, floors)


def _state(place: Path, image: Mapping[str, bytes]) -> Kept:
    with emptied(place) as folder:
        write(folder, image)
        return kept(folder)


def _since(states: Sequence[Kept], what: object, number: int) -> int:
    """The first state from which on all of them agree with it; that is one that was there when it was told."""
    since = next((n + 1 for n in range(len(states) - 1, -1, -1) if not states[n].holds(what)), 0)
    if since > number:
        raise Violation(f"told before it was written: {what}")
    return since


def go_on(
    recording: Recording, position: int, image: Mapping[str, bytes], place: Path
) -> Mapping[str, tuple[str, ...]]:
    """A host finds the image and does the rest; answers with where everything ended."""
    with emptied(place) as folder:
        write(folder, image)
        recording.set_aside(position, folder)
        drive(recording.scene, folder)
        state = kept(folder)
        examine_end(state, recording.scene.flows, lines(folder / "effects"))
        return ends(state)


# ---------------------------------------------------------------- losses of power


WEATHERS = (
    Weather(512),
    Weather(4096),
    Weather(512, torn=0.8),
    Weather(4096, torn=0.8, stale=True),
)
"""On a device that is safe."""


def losses(
    events: Sequence[Event],
    each: int,
    dice: random.Random,
    weathers: Sequence[Weather] = WEATHERS,
    where: Container[int] | None = None,
) -> Iterator[tuple[int, dict[str, bytes]]]:
    """What may be found after so many events: different images, at most `each` of them for a number of events."""
    disk = Disk()
    for position, event in enumerate(events, 1):
        disk.take(event)
        if where is not None and position not in where:
            continue
        seen: set[int] = set()
        for _ in range(each if disk.unsynced() else 1):
            image = disk.image(dice, dice.choice(weathers))
            digest = hash(tuple(sorted(image.items())))
            if digest not in seen:
                seen.add(digest)
                yield position, image


def found(place: Path, image: Mapping[str, bytes]) -> bytes:
    """The mark of what a store makes of an image. Raises Violation."""
    with emptied(place) as folder:
        write(folder, image)
        return recovered(folder)
