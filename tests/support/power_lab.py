"""A laboratory for losses of power: flows that ran on a watched disk in; what is left of them after one, examined, out.

`crash_lab` and its like drive the flows. Whatever the store said that it has committed, and gave back to the host, and
so to people and activities, is in the log as told at that moment. What may be left is one of the states that the store
has committed, whole, and not before the last one that anybody was told of.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
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
from penstock.runtime.errors import StoreError
from penstock.runtime.hosts.sqlite import SqliteHost
from penstock.runtime.hosts.sqlite_store import SqliteStore
from penstock.runtime.journal import AnyFlow, label, replay
from penstock.runtime.store import (
    Attempt,
    Instance,
    JournalEntry,
    News,
    PendingCall,
    Status,
    TaskItem,
    Tick,
    Timer,
    Transaction,
)
from power import Disk, Event, Recorder, Told, Weather, commits, write
from purchase_flow import Purchase
from shipping_flow import Shipping
from watched_disk import SAFE, Device, Watch, watched

T = TypeVar("T")
Drive: TypeAlias = Callable[[Path, list[str], Mine], Coroutine[Any, Any, None]]
FILE = "orders.db"
ASIDE = ("effects", "acknowledgements", "rejections", "messages")
"""Files beside the store, which the laboratories write line by line; they also keep a clock."""


class Violation(Exception):
    """What is left after a loss of power is not what was promised."""


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


# ---------------------------------------------------------------- what is kept


class Acknowledged(NamedTuple):
    message: str


class Committed(NamedTuple):
    """What a store says that it has committed: steps, and attempts that now begin."""

    entries: tuple[JournalEntry, ...]
    claimed: tuple[PendingCall, ...]


@dataclass(frozen=True)
class Kept:
    """What stands in a store."""

    instances: Mapping[str, Instance]
    journal: Mapping[str, Sequence[JournalEntry]]
    attempts: Mapping[str, Sequence[Attempt]]
    calls: Sequence[PendingCall]
    timers: Sequence[Timer]
    tasks: Sequence[TaskItem]
    messages: frozenset[str]
    mark: bytes
    """The same for the same rows in all tables."""

    def holds(self, what: object) -> bool:
        """Whether it agrees with something that somebody was told."""
        match what:
            case JournalEntry():
                journal = self.journal.get(what.instance, ())
                return len(journal) >= what.sequence and journal[what.sequence - 1] == what
            case Committed(entries, claimed):
                begun = {(a.instance, a.key, a.number) for attempts in self.attempts.values() for a in attempts}
                counted = all((call.instance, call.key, call.attempts) in begun for call in claimed)
                return counted and all(map(self.holds, entries))
            case Instance():
                return what.id in self.instances and self.instances[what.id].sequence >= what.sequence
            case Acknowledged(message):
                return message not in self.messages
            case _:
                return True


def _read(tx: Transaction) -> dict[str, Any]:
    instances = {instance.id: instance for instance in tx.instances(None)}
    return {
        "instances": instances,
        "journal": {id: tx.entries(id) for id in instances},
        "attempts": {id: tx.attempts(id) for id in instances},
        "calls": [call for id in instances for call in tx.calls(id)],
        "timers": [timer for id in instances for timer in tx.timers(id)],
        "tasks": tx.tasks(None),
        "messages": frozenset(message.id for message in tx.messages(1000)),
    }


def kept(folder: Path) -> Kept:
    """Raises StoreError, Violation."""
    store = SqliteStore(folder / FILE)
    try:
        return Kept(mark=mark(folder / FILE), **store.now(_read))
    finally:
        store.close()


def recovered(folder: Path) -> bytes:
    """The mark of what is left in a folder, which a store opens and finds sound. Raises Violation."""
    try:
        SqliteStore(folder / FILE).close()
    except StoreError as error:
        raise Violation(f"cannot be opened: {error!r}") from error
    return mark(folder / FILE)


def mark(file: Path) -> bytes:
    """The same for the same rows in all tables. Raises Violation for a file that is not sound."""
    db = sqlite3.connect(file, isolation_level=None)
    try:
        found = [row for pragma in ("integrity_check", "foreign_key_check") for row in db.execute(f"PRAGMA {pragma}")]
        if found != [("ok",)]:
            raise Violation(f"not sound: {found[:3]}")
        tables = [name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")]
        rows = [db.execute(f"SELECT * FROM {table}").fetchall() for table in tables]
        return hashlib.blake2b(repr((tables, rows)).encode(), digest_size=16).digest()
    except sqlite3.DatabaseError as error:
        raise Violation(f"cannot be read: {error!r}") from error
    finally:
        db.close()


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
    disk, ends, states = Disk(random.Random(0)), set(commits(events)), [_state(place, {})]
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


@contextmanager
def emptied(place: Path) -> Generator[Path]:
    """The folder, empty."""
    place.mkdir(exist_ok=True)
    for path in place.iterdir():
        path.unlink()
    yield place


# ---------------------------------------------------------------- whether a state makes sense


def examine(state: Kept, flows: Mapping[str, type[AnyFlow]]) -> None:
    """Journal, record, calls, timers and tasks are of one mind. Raises AssertionError, Diverged."""
    for id, instance in state.instances.items():
        record = replay(flows[instance.flow], state.journal[id])
        assert record.to_json() == json.loads(instance.snapshot)
        assert len(state.journal[id]) == instance.sequence
        ledger = record.ledger
        running = [call.key for call in ledger.calls if not call.answer]
        running += [entry.key for entry in ledger.log if entry.in_flight]
        if ledger.undoing is not None and ledger.undoing.running is not None:
            running.append(ledger.undoing.running)
        outer = {name for name, activity in record.spec.activities.items() if activity.flow}
        expected = {key for key in running if key.partition("#")[0] not in outer}
        calls = {c.key for c in state.calls if c.instance == id and c.key.partition("#")[0] not in outer}
        assert calls == expected, (instance, calls, expected)
        timers = {(timer.name, timer.due) for timer in state.timers if timer.instance == id}
        assert timers == {(timer.timer, timer.due) for timer in ledger.timers}
        tasks = {(task.key, task.roles, task.persons) for task in state.tasks if task.instance == id}
        assert tasks == {(work.key, work.roles, work.persons) for work in ledger.tasks}


def examine_end(state: Kept, flows: Mapping[str, type[AnyFlow]], effects: Sequence[Sequence[str]]) -> None:
    """Everything has ended; nothing happened that was not asked for, and what failed is undone, the newest first."""
    examine(state, flows)
    assert not state.calls and not state.timers and not state.tasks and not state.messages
    for id, instance in state.instances.items():
        assert instance.status.finished
        spec = flows[instance.flow].spec
        undo = {name: each.compensation for name, each in spec.activities.items() if each.compensation is not None}
        mine = [(name, key) for name, key, *_ in effects if key.rpartition("/")[0] == id]
        for name, key in mine:
            call = key.removeprefix(f"{id}/") + ("/undo" if name in spec.compensations else "")
            assert mine.count((name, key)) <= sum(attempt.key == call for attempt in state.attempts[id])
        undone = [key for name, key in mine if name in spec.compensations]
        assert {key.removeprefix(f"{id}/") for key in undone} <= _undoings(state.journal[id])
        if instance.status is Status.SUCCEEDED:
            continue
        for name, key in mine:
            if name in undo:  # whatever may have happened is undone, and not before it happened for the last time
                assert mine.index((str(undo[name]), key)) > len(mine) - 1 - mine[::-1].index((name, key))
        order = [int(key.rpartition("#")[2]) for key in dict.fromkeys(undone)]
        assert order == sorted(order, reverse=True), "the newest effect is undone first"


def _undoings(journal: Sequence[JournalEntry]) -> set[str]:
    """The calls that the flow asked to have undone."""
    effects = [effect for entry in journal for effect in json.loads(entry.effects)]
    return {each["payload"]["forward"] for each in effects if each["effect"] == "StartCompensation"}


def ends(state: Kept) -> Mapping[str, tuple[str, ...]]:
    return {id: instance.configuration for id, instance in state.instances.items()}


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
    disk = Disk(random.Random(dice.random()))
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
