"""A crash at every operation of a database: a plan in; how it goes on from each moment at which its process could have
died, out.

The process need not die for it. Before each SQL statement, when a commit is done and nobody knows yet, and before and
after each effect of a service, its files are copied as `kill -9` would leave them, with the facts of the world until
then. A fresh host, after the lease, goes on with each copy. Between two commits the files do not change: points at
which files, world and clock are the same are gone on with once.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import pytest

from penstock.runtime.hosts import sqlite
from penstock.runtime.hosts.sqlite_store import SqliteStore
from penstock.runtime.store import Transaction
from penstock.runtime.worker import Limits
from plans import Plan, Subject, everything, household
from players import Player
from reference import examine, rows
from virtual import START, VirtualClock, here, virtually
from worlds import Fact, Site, World

T = TypeVar("T")

LEASE = timedelta(minutes=10)
DEAF = Limits(lease=LEASE, poll=timedelta(days=36500), pause=timedelta(milliseconds=10))
"""A worker that hears of nothing but what its own process tells it: that must be enough."""


class WatchedStore(SqliteStore):
    """A store whose thread the virtual loop waits for."""

    latest: WatchedStore
    done: Callable[[], object] = staticmethod(lambda: None)
    """Called when a transaction is over and nobody has been told, where the thread rests."""

    def __init__(self, path: str | Path, **options: Any) -> None:
        super().__init__(path, **options)
        WatchedStore.latest = self

    async def write(self, work: Callable[[Transaction], T]) -> T:
        with here().working():
            result = await super().write(work)
            if here().busy == 1:
                self.done()
            return result

    async def read(self, work: Callable[[Transaction], T]) -> T:
        with here().working():
            return await super().read(work)

    async def foreign(self) -> int:
        with here().working():
            return await super().foreign()


@dataclass(frozen=True, slots=True)
class Wreck:
    """What a crash leaves: the bytes of the files by their endings, the world, and when it was."""

    files: tuple[tuple[str, bytes], ...]
    facts: tuple[Fact, ...]
    at: datetime


@dataclass
class Wrecks:
    """All that a run could have left. points: moments at which it could have died; some of them leave the same."""

    path: Path
    world: World
    points: int = 0
    found: list[Wreck] = field(default_factory=list[Wreck])
    clock: VirtualClock | None = None

    def point(self, *_: object) -> None:
        self.points += 1
        files = tuple((end, file.read_bytes()) for end in ("", "-wal") if (file := _with(self.path, end)).exists())
        at = START if self.clock is None else self.clock.now()
        last = self.found[-1] if self.found else None
        if last is None or (last.files, len(last.facts), last.at) != (files, len(self.world.facts), at):
            self.found.append(Wreck(files, tuple(self.world.facts), at))


def _with(path: Path, end: str) -> Path:
    return path.with_name(path.name + end)


@contextmanager
def watching(wrecks: Wrecks | None) -> Generator[None]:
    """Hosts use a WatchedStore, whose every statement is a point, if somebody wants to know."""
    connect = sqlite3.connect

    def traced(*args: Any, **options: Any) -> sqlite3.Connection:
        db: sqlite3.Connection = connect(*args, **options)
        if wrecks is not None:
            db.set_trace_callback(wrecks.point)
        return db

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sqlite, "SqliteStore", WatchedStore)
        patch.setattr(sqlite3, "connect", traced)
        if wrecks is not None:
            patch.setattr(WatchedStore, "done", staticmethod(wrecks.point))
        yield


def _unless_busy(wrecks: Wrecks) -> None:
    """The thread of the store rests: its files are whole."""
    if not here().busy:
        wrecks.point()


def subjects(plan: Plan) -> list[Subject]:
    """The flow of the plan, and those it does."""
    wanted = household(plan.flow)
    return [each for each in everything().values() if each.flow in wanted]


def run(path: Path, plan: Plan, world: World, begin: datetime, wrecks: Wrecks | None = None) -> bool:
    """Play the plan on the file from where it is, and examine what has come of it; whether it came to an end."""

    async def played() -> bool:
        clock, known = VirtualClock(here(), begin), subjects(plan)
        site = Site(world, {each.flow.spec.name: each for each in known})
        if wrecks is not None:
            wrecks.clock = clock
            site.point = partial(_unless_busy, wrecks)
        flows = {each.flow: site.services(each.flow) for each in known}
        async with sqlite.SqliteHost(path, flows, clock=clock, limits=DEAF) as host:
            player = Player(host, WatchedStore.latest, clock, site, known)
            await player.play(plan, "i")
            await _examine(WatchedStore.latest, "i", player.subjects, world)
            return (await host.instance("i")).status.finished

    with watching(wrecks):
        return virtually(played())


async def _examine(store: SqliteStore, id: str, known: dict[str, Subject], world: World) -> None:
    found = await store.read(lambda tx: rows(tx, id))
    examine(known[found.instance.flow], found, world)
    for child in found.children:
        await _examine(store, child.instance, known, world)


@dataclass(frozen=True, slots=True)
class Crashed:
    """points: at which the process could have died; resumed: different states it could have left, that were gone on
    with; ended: of those that came to an end."""

    points: int
    resumed: int
    ended: int


def crash_everywhere(folder: Path, plan: Plan, every: int = 1, offset: int = 0) -> Crashed:
    """Go on from every state (or each of so many) in which a process that plays the plan could have died."""
    folder.mkdir()
    world = World()
    wrecks = Wrecks(folder / "whole.db", world)
    run(wrecks.path, plan, world, START, wrecks)
    chosen = wrecks.found[offset % every :: every]
    return Crashed(wrecks.points, len(chosen), sum(_resumed(folder, plan, wreck) for wreck in chosen))


def _resumed(folder: Path, plan: Plan, wreck: Wreck) -> bool:
    path = folder / "again.db"
    for end in ("", "-wal", "-shm"):
        _with(path, end).unlink(missing_ok=True)
    for end, content in wreck.files:
        _with(path, end).write_bytes(content)
    return run(path, plan, World(wreck.facts), wreck.at + LEASE + timedelta(seconds=1))
