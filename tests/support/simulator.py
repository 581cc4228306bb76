"""A seeded simulation of the whole host: processes, their disk and clock, services and people, and all that may happen
to them. A seed in; the same run, to the last byte of its log, out.

Time is virtual and there are no threads. The workers, the engine and the SQL are the real ones. After every crash and
at the end each instance is held against the reference interpreter and the world (`reference`).
"""

from __future__ import annotations

import asyncio
import hashlib
import random
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import pytest

from penstock.runtime.core import EmitEvent, Fault, Rejected
from penstock.runtime.errors import Busy, Conflict, DiskFull, HostError, NotParked, StoreError, Unknown
from penstock.runtime.hosts import sqlite
from penstock.runtime.journal import label
from penstock.runtime.store import Instance, JournalEntry, Status, Transaction
from penstock.runtime.threads import Threads
from penstock.runtime.worker import Limits
from plans import Subject, everybody, inputs
from plans import given as inputs_of
from players import LostWakeUp, possible
from reference import examine, rows
from simulated_disk import Disk, Door
from virtual import VirtualClock, VirtualLoop
from worlds import ACKNOWLEDGED, READ, REFUSED, RETRIED, Fact, Site, World

SECOND, MINUTE, HOUR, DAY = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
YEAR = timedelta(days=365.2425)


@dataclass(frozen=True, slots=True)
class Weather:
    """How it is around the host. crash, power, stall, jump, trouble: the mean time between two of them: a process dies;
    all do; one is held up for up to two minutes; the clock jumps; nothing can be written. None: never.

    hands: attempts that a worker makes at a time; poll: how often it looks for what others wrote. slow: how long a
    commit waits for the disk at most, and is shared by all that come meanwhile. call: how long one takes on average.
    visit: how often somebody looks after an instance; arrival: how often a new one is started, while there are no more
    than `crowd`."""

    processes: int = 1
    hands: int = 64
    poll: timedelta = timedelta(days=36500)
    slow: timedelta = timedelta(0)
    call: timedelta = SECOND
    visit: timedelta = 3 * DAY
    arrival: timedelta | None = DAY
    crowd: int = 12
    crash: timedelta | None = None
    power: timedelta | None = None
    stall: timedelta | None = None
    jump: timedelta | None = None
    trouble: timedelta | None = None


CALM = Weather()
"""Nothing goes wrong; people take their time."""
CALENDAR = Weather(call=timedelta(0), visit=40 * DAY, arrival=None)
"""Years in which only timers and schedules do something."""
STORM = Weather(
    processes=3,
    poll=MINUTE,
    call=20 * SECOND,
    visit=5 * MINUTE,
    arrival=3 * MINUTE,
    crowd=30,
    slow=5 * SECOND,
    crash=15 * MINUTE,
    power=2 * HOUR,
    stall=10 * MINUTE,
    jump=3 * HOUR,
    trouble=HOUR,
)


def varied(seed: str) -> Weather:
    """A storm of a kind of its own."""
    dice = random.Random(f"weather {seed}")
    return replace(
        STORM,
        processes=dice.choice((1, 1, 2, 3, 4)),
        hands=dice.choice((1, 2, 5, 64)),
        poll=dice.choice((10 * SECOND, MINUTE, 10 * MINUTE, HOUR)),
        call=dice.choice((timedelta(0), SECOND, 20 * SECOND, 5 * MINUTE)),
        visit=dice.choice((MINUTE, 5 * MINUTE, 20 * MINUTE, 3 * HOUR, 12 * HOUR)),
        arrival=dice.choice((MINUTE, 5 * MINUTE, 20 * MINUTE, HOUR)),
        crowd=dice.choice((12, 50)),
        crash=dice.choice((5 * MINUTE, 15 * MINUTE, HOUR)),
        jump=dice.choice((None, HOUR, 6 * HOUR)),
        slow=dice.choice((timedelta(0), SECOND, 10 * SECOND)),
    )


JUMPS = (*(sign * by for sign in (1, -1) for by in (SECOND, MINUTE, HOUR, 5 * HOUR, DAY, 40 * DAY)), YEAR, -YEAR)


@dataclass
class Seen:
    """What came of a simulation. digest: of its log; lost: attempts whose worker was taken for
    dead before the end. counted: what happened, by the first word of the log's lines."""

    digest: str = ""
    lines: int = 0
    passed: timedelta = timedelta(0)
    instances: int = 0
    ended: int = 0
    rows: int = 0
    fired: int = 0
    examined: int = 0
    lost: int = 0
    counted: dict[str, int] = field(default_factory=dict[str, int])


class Process:
    """A host in a process of its own."""

    def __init__(self, machine: Machine, id: str) -> None:
        self.id = id
        self.site = Site(machine.world, machine.named, machine.seed)
        self.site.pace = machine.pace
        self.site.plain = True
        flows = {each.flow: self.site.services(each.flow) for each in machine.subjects}
        limits = Limits(concurrency=machine.weather.hands, poll=machine.weather.poll)
        self.host = sqlite.SqliteHost(id, flows, clock=machine.clock, limits=limits, worker=id)

    async def die(self, door: Door) -> None:
        """What it still tries has no effect on anything."""
        door.dead = self.site.dead = True
        await self.host.__aexit__(None, None, None)


class Machine:
    """Everything that is simulated. `told`: is handed each line of the log."""

    def __init__(
        self,
        loop: VirtualLoop,
        seed: str,
        subjects: Sequence[Subject],
        weather: Weather,
        told: Callable[[str], object] | None = None,
    ) -> None:
        self.loop = loop
        self.seed = seed
        self.subjects = subjects
        self.labelled = {label(each.flow): each for each in subjects}
        self.named = {each.flow.spec.name: each for each in subjects}
        self.weather = weather
        self.dice = random.Random(seed)
        self.clock = VirtualClock(loop)
        self.world = World(heard=self._heard)
        self.disk = Disk(self.dice, self.log)
        self.disk.slow = weather.slow.total_seconds()
        self.seen = Seen()
        self.straight = True
        self._told = told
        self._digest = hashlib.sha256()
        self._doors: dict[str, Door] = {}
        self._processes: list[Process] = []
        self._started = 0
        self._arrived = 0
        self._asked = 0
        self._tended: set[str] = set()
        self._examined: dict[str, int] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._dying: set[asyncio.Task[None]] = set()

    # ------------------------------------------------------------ the log

    def log(self, *words: object) -> None:
        line = f"{self.loop.time():.6f} {self.clock.now().isoformat()} {' '.join(map(str, words))}\n"
        self._digest.update(line.encode())
        self.seen.lines += 1
        self.seen.counted[str(words[0])] = self.seen.counted.get(str(words[0]), 0) + 1
        if self._told is not None:
            self._told(line)

    def _heard(self, fact: Fact) -> None:
        self.log(*fact)

    # ------------------------------------------------------------ processes

    def door(self, id: object, **_: object) -> Door:
        """What a host opens in the place of a file."""
        made = self._doors[str(id)] = Door(self.disk, str(id))
        return made

    async def _boot(self) -> None:
        """Start a process, as soon as the disk lets it."""
        self._started += 1
        process = Process(self, f"w-{self._started}")
        while True:
            try:
                await process.host.__aenter__()
            except StoreError:
                await asyncio.sleep(1)
            else:
                self.log("boot", process.id)
                self._processes.append(process)
                return

    async def _kill(self, process: Process) -> None:
        """It dies whatever becomes of whoever kills it."""
        if process not in self._processes:
            return
        self._processes.remove(process)
        self.log("crash", process.id)
        dying = self.loop.create_task(process.die(self._doors[process.id]))
        self._dying.add(dying)
        dying.add_done_callback(self._dying.discard)
        await asyncio.shield(dying)
        self.check()

    async def pace(self, instance: str, key: str) -> None:
        """A call takes its time; now and then it is too long."""
        mean = self.weather.call.total_seconds()
        await asyncio.sleep(self.dice.expovariate(1 / mean) if mean else 0)

    # ------------------------------------------------------------ what happens

    def _every(self, mean: timedelta | None, act: Callable[[], Awaitable[object]]) -> None:
        """Do it again and again, at random."""

        async def again(mean: timedelta) -> None:
            while True:
                await asyncio.sleep(self.dice.expovariate(1 / mean.total_seconds()))
                await act()

        if mean is not None:
            self._go(again(mean))

    def _go(self, work: Coroutine[Any, Any, None]) -> None:
        task = self.loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._gone)

    def _gone(self, task: asyncio.Task[None]) -> None:
        """A mistake of the simulation's own ends it."""
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self.failure = self.failure or error

    failure: BaseException | None = None

    async def _crash(self) -> None:
        if self._processes:
            await self._kill(self.dice.choice(self._processes))
            await asyncio.sleep(self.dice.choice((0, 1, 60)))
            await self._boot()

    async def _power(self) -> None:
        self.log("power")
        gone = len(self._processes)
        for process in [*self._processes]:
            await self._kill(process)
        await asyncio.sleep(self.dice.choice((0, 30, 3600)))
        for _ in range(gone):
            await self._boot()

    async def _stall(self) -> None:
        if self._processes:
            process = self.dice.choice(self._processes)
            self.log("stall", process.id)
            self._doors[process.id].held = self.loop.time() + self.dice.uniform(1, 120)

    async def _jump(self) -> None:
        by = self.dice.choice(JUMPS)
        self.straight = self.straight and by > timedelta(0)
        self.clock.jump(by)
        self.log("jump", by)

    async def _trouble(self) -> None:
        self.disk.break_down()
        self.log("trouble", self.disk.trouble)
        await asyncio.sleep(self.dice.uniform(1, 300))
        self.disk.trouble = None

    # ------------------------------------------------------------ people

    async def _arrive(self) -> None:
        """Somebody starts an instance."""
        if len(self._tended) >= self.weather.crowd:
            return
        subject = self.dice.choice(self.subjects)
        self._arrived += 1
        id = f"n-{self._arrived}"
        given: Any = inputs(self.dice, subject.kernel, subject.flow)
        if subject.flow.spec.name == "Purchase":
            given = inputs_of(subject.flow, given.total, f"bill {id}")
            bill = self.named["Billing"].flow
            self._deliver(f"bill {id}", "start", lambda host: host.start(bill, f"bill {id}", inputs_of(bill, id)))
        by = everybody(subject.flow, "starter")
        self._deliver(id, "start", lambda host: host.start(subject.flow, id, given, by=by))

    async def _visit(self) -> None:
        """Somebody looks after each instance that is not finished."""
        if not self._processes:
            return
        host = self.dice.choice(self._processes).host
        try:
            running = await host.instances(Status.RUNNING)
            self._tended = {instance.id for instance in running}
            for instance in running:
                await self._look_after(host, instance)
            for message in await host.messages():
                self.world.note(READ, message.instance, message.id)
                await host.acknowledge(message.id)
        except (StoreError, HostError) as error:
            self.log("unserved", type(error).__name__)

    async def _look_after(self, host: sqlite.SqliteHost, instance: Instance) -> None:
        for call in await host.parked():
            if call.instance == instance.id:
                self.world.note(RETRIED, call.instance, call.key.removesuffix("/undo"))
                try:
                    await host.retry(call.instance, call.key, reason="it may work now")
                except (NotParked, Unknown):  # somebody else has seen to it
                    self.log("late", call.instance, call.key)
        subject = self.labelled[instance.flow]
        acts = await possible(host, subject, instance, self.dice)
        if acts and self.dice.random() < 0.6:
            trigger, by = self.dice.choice(acts)
            kind = subject.flow.spec.kinds[type(trigger)]
            if kind.task and self.dice.random() < 0.1:
                with suppress(Rejected, Fault):
                    await host.delegate(instance.id, kind.name, "deputy", by=by, reason="away")
                return
            self._asked += 1
            request = f"r-{self._asked}"
            self._deliver(instance.id, request, lambda host: host.send(instance.id, trigger, by=by, request=request))

    def _deliver(self, id: str, request: str, send: Callable[[sqlite.SqliteHost], Awaitable[JournalEntry]]) -> None:
        """Send something: once, several times, late, or it is lost on the way."""
        way = self.dice.choice(("once", "once", "twice", "thrice", "late", "lost"))
        if request == "start":
            way = self.dice.choice(("once", "twice"))
        times = {"twice": 2, "thrice": 3, "lost": 0}.get(way, 1)
        for _ in range(times):
            delay = self.dice.choice((0.0, 0.0, self.dice.uniform(0, 5), self.dice.uniform(0, 4000)))
            self._go(self._send(id, request, send, delay * (way != "once"), times == 1))

    async def _send(
        self,
        id: str,
        request: str,
        send: Callable[[sqlite.SqliteHost], Awaitable[JournalEntry]],
        delay: float,
        alone: bool,
    ) -> None:
        """Until it is known what became of it; through whatever process there is."""
        await asyncio.sleep(delay)
        while True:
            if not self._processes:
                await asyncio.sleep(5)
                continue
            try:
                entry = await send(self.dice.choice(self._processes).host)
            except Rejected as rejected:
                if alone:  # of several, another may have been taken
                    self.world.note(REFUSED, id, request, rejected.reason)
                return
            except Fault:  # of a flow that is not sound; nothing has changed
                self.log("fault", id, request)
                return
            except Unknown:
                return
            except Conflict:
                raise
            except (StoreError, HostError) as error:
                if isinstance(error, Busy | DiskFull) and alone and request != "start" and self.dice.random() < 0.5:
                    self.world.note(REFUSED, id, request, "store")  # what the store refuses has not happened
                    return
                await asyncio.sleep(self.dice.uniform(1, 30))
            else:
                self.world.note(ACKNOWLEDGED, id, request, entry.sequence)
                return

    # ------------------------------------------------------------ what must hold

    def check(self) -> None:
        """Hold every instance that has changed against the reference. Raises AssertionError."""
        self.disk.look(self._check)

    def _check(self, tx: Transaction) -> None:
        for instance in tx.instances(None):
            if self._examined.get(instance.id) != instance.sequence:
                self._examined[instance.id] = instance.sequence
                self.seen.examined += 1
                examine(self.labelled[instance.flow], rows(tx, instance.id), self.world, self.straight)

    def _count(self, tx: Transaction) -> None:
        """Count, and add the journals to the log."""
        emitted: set[str] = set()
        for instance in tx.instances(None):
            self.seen.instances += 1
            self.seen.ended += instance.status.finished
            spec = self.labelled[instance.flow].flow.spec
            for entry in tx.entries(instance.id):
                self.seen.rows += 1
                self.seen.fired += '"timer":' in entry.trigger
                self._digest.update(repr(entry).encode())
                if EmitEvent.__name__ in entry.effects:
                    emitted.add(f"{spec.name} {instance.id}/{entry.sequence}")
        left = {f"{m.flow.partition('/')[0]} {m.id.rpartition('/')[0]}" for m in tx.messages(10**6)}
        names = {
            f"{self._flow_of(tx, f.instance)} {f.name.rpartition('/')[0]}" for f in self.world.facts if f.kind == READ
        }
        assert names | left == emitted, "what was emitted can be read, and nothing else"

    def _flow_of(self, tx: Transaction, id: str) -> str:
        instance = tx.instance(id)
        return "" if instance is None else instance.flow.partition("/")[0]

    # ------------------------------------------------------------ the whole

    async def live(self, span: timedelta) -> Seen:
        """So long, and then until it has calmed down."""
        try:
            await self._live(span)
            self.seen.lost = self.disk.look(_lost)
            await self._calm_down()
            self.check()
            self.disk.look(self._count)
        finally:
            await self._stop()
        self.seen.passed = timedelta(seconds=self.loop.time())
        self.seen.digest = self._digest.hexdigest()
        return self.seen

    async def _live(self, span: timedelta) -> None:
        weather = self.weather
        for _ in range(weather.processes):
            await self._boot()
        for mean, act in (
            (weather.crash, self._crash),
            (weather.power, self._power),
            (weather.stall, self._stall),
            (weather.jump, self._jump),
            (weather.trouble, self._trouble),
            (weather.arrival, self._arrive),
            (weather.visit, self._visit),
        ):
            self._every(mean, act)
        while self.loop.time() < span.total_seconds() and self.failure is None:
            await asyncio.sleep(min(DAY.total_seconds(), span.total_seconds() - self.loop.time()))

    async def _stop(self) -> None:
        """Nothing happens any more. Raises what went wrong with the simulation itself."""
        for task in [*self._tasks]:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)
        if self._dying:
            await asyncio.wait(self._dying)
        for process in [*self._processes]:
            self._processes.remove(process)
            await process.die(self._doors[process.id])
        if self.failure is not None:
            raise self.failure

    async def _calm_down(self) -> None:
        """Nothing goes wrong any more: what is due is done by one process that nobody reminds."""
        await self._stop()
        self.weather = replace(self.weather, hands=64, call=timedelta(0))  # so that nothing waits for a hand
        self.disk.trouble = None
        self.check()
        await self._boot()
        labels = tuple(self.labelled)
        await asyncio.sleep(2 * Limits().lease.total_seconds() + 900)
        due = self.disk.look(lambda tx: tx.next_due(labels, calls=True))
        if due is not None and due <= self.clock.now() - 2 * Limits().lease:
            raise LostWakeUp(f"{due} is due at {self.clock.now()}")


def _lost(tx: Transaction) -> int:
    found = [attempt for instance in tx.instances(None) for attempt in tx.attempts(instance.id)]
    return sum("its worker was lost" in attempt.result for attempt in found)


def _inline(_: Threads, job: Callable[[], object]) -> None:
    """Instead of a thread: what it would do is done when the loop comes to it."""
    asyncio.get_running_loop().call_soon(job)


def simulate(
    seed: str,
    subjects: Sequence[Subject],
    span: timedelta,
    weather: Weather = STORM,
    told: Callable[[str], object] | None = None,
) -> Seen:
    """Raises AssertionError for a promise that was broken; the seed shows it again."""
    loop = VirtualLoop()
    machine = Machine(loop, seed, subjects, weather, told)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sqlite, "SqliteStore", machine.door)
        patch.setattr(Threads, "run", _inline)
        try:
            return loop.run_until_complete(machine.live(span))
        finally:
            machine.disk.close()
            loop.close()
