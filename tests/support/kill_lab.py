"""All flows of the specs in one file, and processes that die of SIGKILL while they work on it: one episode in, what was
killed out. `test_kills` starts it as a program.

It reads one JSON request a line. Each process opens the host on the real file, with services and people of its own, and
sees every instance to its end: events and tasks that the flow can take next, parked calls tried again. Services, people
and the clock are those of one world, which is kept in side files and outlives every process; what somebody has sent and
heard nothing of, who comes after them in the same slot sends again.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import random
import signal
import subprocess
import sys
import time
import traceback
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import timedelta
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any, NoReturn

from penstock.runtime.core import Actor, Rejected
from penstock.runtime.errors import Busy, NotParked, Unknown
from penstock.runtime.hosts.sqlite import SqliteHost
from penstock.runtime.hosts.sqlite_store import SqliteStore
from penstock.runtime.store import Instance, JournalEntry
from penstock.runtime.worker import Limits
from plans import Subject, everybody, everything, given, inputs
from players import Stuck, possible
from shared_world import SharedClock, SharedWorld
from worlds import ACKNOWLEDGED, READ, REFUSED, RETRIED, Site

FILE, FACTS, CLOCK = "flows.db", "facts", "clock"
ASKED = "asked"
"""A fact: somebody is about to send this request; what it is, and who."""
LIMITS = Limits(poll=timedelta(milliseconds=2), pause=timedelta(milliseconds=2))
SECOND = timedelta(seconds=1)
PATIENCE = 0.03
"""Real seconds: a call that has not answered by then hangs, and time passes."""
ROUNDS = 4000
"""After so many, an instance will not end any more."""


@dataclass(frozen=True, slots=True)
class Episode:
    """folder: an empty one; copies: so many instances of each flow; processes: how many work on the file at once;
    kills: how many of them die before the rest is left in peace, each after a time of up to `spread` seconds."""

    folder: str
    seed: str
    copies: int
    processes: int
    kills: int
    spread: float


class People:
    """Those who come in by one process."""

    def __init__(
        self, host: SqliteHost, store: SqliteStore, clock: SharedClock, site: Site, slot: int, copies: int
    ) -> None:
        self.copies = copies
        self.host = host
        self.store = store
        self.clock = clock
        self.site = site
        self.world = site.world
        self.slot = slot
        self.asked = sum(fact.kind == ASKED and fact.name.startswith(f"{slot}-") for fact in site.world.facts)
        self.dice = random.Random()

    async def all_ended(self) -> bool:
        """Start what is to be started, and see everything to its end. Raises Stuck."""
        await self._again()
        await self._start()
        running: list[Instance] = []
        for _ in range(ROUNDS):
            running = [each for each in await self.host.instances() if not each.status.finished]
            if not running:
                await self._read()
                return True
            moves = [await self._look_after(instance) for instance in running if self.dice.random() < 0.7]
            await self._read()
            await self._let_time_pass(any(moves) or len(moves) < len(running))
        raise Stuck(f"after {ROUNDS} rounds these have not ended: {running}")

    # ------------------------------------------------------------ what they do

    async def _start(self) -> None:
        for subject, copy in product(everything().values(), range(self.copies)):
            name = subject.flow.spec.name
            id = f"{name}-{copy}"
            values: Any = inputs(self.site.dice("inputs", id), subject.kernel, subject.flow)
            if name == "Purchase":
                values = given(subject.flow, values.total, f"Billing-{copy}")
            elif name == "Billing":
                values = given(subject.flow, f"Purchase-{copy}")
            by = everybody(subject.flow, "starter")
            await self._told(id, "start", partial(self.host.start, subject.flow, id, values, by=by))

    async def _look_after(self, instance: Instance) -> bool:
        """Do one thing that can be done, or leave it in peace; whether there was something."""
        id, calls = instance.id, await self.store.read(lambda tx: tx.calls(instance.id))
        parked = [call.key for call in calls if call.due is None and call.owner is None]
        if parked:
            self.world.note(RETRIED, id, parked[0].removesuffix("/undo"))
            with suppress(NotParked, Unknown):  # somebody else has seen to it
                await self.host.retry(id, parked[0], reason="it may work now")
            return True
        subject = everything()[instance.flow]
        acts = await possible(self.host, subject, instance, self.dice)
        if not acts:
            return bool(calls)
        if self.dice.random() < (0.1 if calls else 0.5):
            trigger, by = self.dice.choice(acts)
            kind = subject.flow.spec.kinds[type(trigger)]
            if kind.task and self.dice.random() < 0.1:
                with suppress(Rejected):
                    await self.host.delegate(id, kind.name, "deputy", by=by, reason="away")
            else:
                await self._ask(id, subject, trigger, by)
        return True

    async def _ask(self, id: str, subject: Subject, trigger: object, by: Actor) -> None:
        """Send it, so that who comes after a crash knows what was sent."""
        self.asked += 1
        request = f"{self.slot}-{self.asked}"
        text = subject.flow.spec.trigger_to_json(trigger)
        self.world.note(ASKED, id, request, (text, by.id, sorted(by.roles)))
        await self._told(id, request, partial(self.host.send, id, trigger, by=by, request=request))

    async def _again(self) -> None:
        """What was sent from here and not answered, since the process died, is sent again."""
        asked = [fact for fact in self.world.facts if fact.kind == ASKED and fact.name.startswith(f"{self.slot}-")]
        for fact in asked:
            if not self.world.answered(fact.instance, fact.name):
                instance = await self.host.instance(fact.instance)
                text, who, roles = fact.more
                trigger = everything()[instance.flow].flow.spec.trigger_from_json(text)
                by = Actor(who, frozenset(roles))
                sending = partial(self.host.send, fact.instance, trigger, by=by, request=fact.name)
                await self._told(fact.instance, fact.name, sending)

    async def _told(self, id: str, request: str, send: Callable[[], Awaitable[JournalEntry]]) -> None:
        while not self.world.answered(id, request):
            try:
                entry = await send()
            except Rejected as rejected:
                self.world.note(REFUSED, id, request, rejected.reason)
            except Busy:
                await asyncio.sleep(0.01)
            else:
                self.world.note(ACKNOWLEDGED, id, request, entry.sequence)

    async def _read(self) -> None:
        """What was emitted."""
        for message in await self.host.messages():
            self.world.note(READ, message.instance, message.id)
            await self.host.acknowledge(message.id)

    # ------------------------------------------------------------ time

    async def _let_time_pass(self, hopeful: bool) -> None:
        """Until the next moment at which something is due, or a little where a call does not answer. Raises Stuck."""
        idle = asyncio.ensure_future(self.host.run_until_idle())
        await asyncio.wait((idle,), timeout=PATIENCE)
        if not idle.done():
            idle.cancel()
            self.clock.pass_by(SECOND * self.dice.choice((0, 1, 10, 60, 600, 7200)))
            return
        idle.result()
        due = await self.store.read(lambda tx: tx.next_due(tuple(everything()), calls=True))
        if due is not None:
            if due > (now := self.clock.now()) and self.dice.random() < 0.5:
                self.clock.pass_by(due - now)
        elif not hopeful:
            raise Stuck("nothing is due, and there is nothing that anybody can do")


async def drive(episode: Episode, slot: int) -> None:
    """Work on the file until every instance in it has ended."""
    folder = Path(episode.folder)
    clock, world = SharedClock(folder / CLOCK), SharedWorld(folder / FACTS)
    world.read()
    named = {each.flow.spec.name: each for each in everything().values()}
    site = Site(world, named, episode.seed)
    site.plain = True
    site.pace = lambda instance, key: asyncio.sleep(random.expovariate(500))
    flows = {each.flow: site.services(each.flow) for each in everything().values()}
    if random.random() < 0.7:
        clock.pass_by(LIMITS.lease + SECOND)  # the lease of who died has run out
    async with SqliteHost(folder / FILE, flows, clock=clock, limits=LIMITS) as host:
        store = SqliteStore(folder / FILE)
        following = asyncio.create_task(clock.follow())
        try:
            await asyncio.wait_for(People(host, store, clock, site, slot, episode.copies).all_ended(), 120)
        finally:
            following.cancel()
            store.close()


# ---------------------------------------------------------------- processes


def child(episode: Episode, slot: int) -> NoReturn:
    """The process that is going to die, or to finish."""
    folder = Path(episode.folder)
    random.seed()
    logging.basicConfig(filename=folder / "log", level=logging.WARNING)
    try:
        asyncio.run(drive(episode, slot))
    except BaseException:  # noqa: BLE001 - told to the test, which fails
        (folder / "failure").write_text(traceback.format_exc())
        os._exit(1)
    os._exit(0)


def born(episode: Episode, slot: int) -> int:
    pid = os.fork()
    if pid == 0:
        child(episode, slot)
    return pid


def play(episode: Episode) -> int:
    """How many were killed. Raises ChildProcessError where one has ended in another way, and says which."""
    dice = random.Random(episode.seed)
    living = {slot: born(episode, slot) for slot in range(episode.processes)}
    kills = 0
    while living:
        if kills < episode.kills:
            time.sleep(dice.uniform(0, episode.spread))
            slot = dice.choice([*living])
            with suppress(ProcessLookupError):
                os.kill(living[slot], signal.SIGKILL)
        else:
            slot = next(iter(living))
        code = os.waitstatus_to_exitcode(os.waitpid(living.pop(slot), 0)[1])
        if code == -signal.SIGKILL:
            kills += 1
            living[slot] = born(episode, slot)
        elif code != 0:
            for pid in living.values():
                os.kill(pid, signal.SIGKILL)
                os.waitpid(pid, 0)
            raise ChildProcessError((Path(episode.folder) / "failure").read_text())
    return kills


class KillLab:
    """This program, running."""

    def __init__(self) -> None:
        path = os.pathsep.join(filter(None, sys.path))
        self.process = subprocess.Popen(
            [sys.executable, __file__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": path},
        )

    def play(self, episode: Episode) -> int:
        """How many processes were killed before all instances had ended. Raises AssertionError, with what it said."""
        assert self.process.stdin is not None and self.process.stdout is not None
        self.process.stdin.write(json.dumps(asdict(episode)) + "\n")
        self.process.stdin.flush()
        kills, failure = json.loads(self.process.stdout.readline())
        assert not failure, failure
        return int(kills)

    def close(self) -> None:
        with self.process:
            assert self.process.stdin is not None
            self.process.stdin.close()


def serve() -> None:
    """Requests from the standard input, one a line."""
    everything()
    for line in sys.stdin:
        try:
            answer = play(Episode(**json.loads(line))), ""
        except ChildProcessError as failure:
            answer = 0, str(failure)
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    serve()
