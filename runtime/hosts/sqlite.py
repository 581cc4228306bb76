"""The embedded host: a file and flows with their activities in; instances that survive whatever happens to the process.

    host = SqliteHost("shop.db", {Order: MyOrderActivities()})
    async with host:
        await host.start(Order, "o-1", OrderInputs(sku="A1", qty=2, total=Decimal("20.00")), by=Actor("cleo"))
        await host.settled("o-1")

Several processes may open the same file on one machine; each call runs in one of them. One that makes no calls itself
(a command line, a web service beside a worker) opens it as a `SqliteClient`, which needs no activities.
"""

from __future__ import annotations

import asyncio
import os
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

from ..attempts import require_methods
from ..audit import Report, verify
from ..chain import Head
from ..core import NOBODY, Actor, Delegation, Fired, Outcome, Withdraw
from ..engine import Engine
from ..errors import HostError, NotWritable, Unknown
from ..flow import Flow
from ..journal import AnyFlow, label
from ..letters import Letter, Message
from ..observing import Audience, Observer
from ..overview import Overview, overview
from ..sealing import PayloadCodec
from ..spec import FlowSpec
from ..store import Attempt, Child, Instance, JournalEntry, PendingCall, Status, TaskItem, Transaction
from ..timers import Clock, SystemClock
from ..troubles import Matter, matters, troubled
from ..worker import Limits, Worker
from .sqlite_store import SqliteStore

Inputs = TypeVar("Inputs")

POLL, LOOK = 0.2, 1.0
"""Of a client that waits, in seconds: how often it asks whether another process has written, and looks in any case."""


class SqliteClient:
    """`protocol.Client` on one SQLite file, for these flows; without flows, what needs no code can still be asked."""

    def __init__(
        self,
        path: str | Path,
        flows: Iterable[type[AnyFlow]] = (),
        *,
        clock: Clock | None = None,
        observers: Sequence[Observer] = (),
        codec: PayloadCodec | None = None,
    ) -> None:
        """Nothing is opened yet. `observers` are told what happens. `codec` seals payloads in the file."""
        self.path = Path(path)
        self.flows = tuple(flows)
        self._engine = Engine({label(flow): flow for flow in self.flows})
        self._clock: Clock = clock or SystemClock()
        self._audience = Audience(observers)
        self._codec = codec
        self._open: SqliteStore | None = None

    async def __aenter__(self) -> Self:
        """Open the file. Raises StoreError."""
        store = self._open = SqliteStore(self.path, audience=self._audience, codec=self._codec)
        try:
            if self.flows:  # without them, nobody reads payloads: the chain is audited without a key
                await store.read(lambda tx: tx.require_readable())
        except BaseException:
            store.close()
            self._open = None
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the file."""
        self._store.close()
        self._open = None

    def client(self, path: str | Path | None = None) -> SqliteClient:
        """One for the same file (or another), flows, clock and codec."""
        return SqliteClient(path or self.path, self.flows, clock=self._clock, codec=self._codec)

    def now(self) -> datetime:
        """The moment, by its clock."""
        return self._clock.now()

    @property
    def _store(self) -> SqliteStore:
        if self._open is None:
            raise HostError("the host is not open: use it inside `async with host:`")
        return self._open

    # ------------------------------------------------------------ acts

    async def start(
        self, flow: type[Flow[Inputs, Any, Any, Any]], id: str, inputs: Inputs, *, by: Actor = NOBODY
    ) -> JournalEntry:
        if not id:
            raise ValueError("an instance needs an id")
        return await self._act(lambda tx: self._engine.start(tx, label(flow), id, inputs, by, self._clock.now()))

    async def send(
        self, id: str, event: object, *, by: Actor = NOBODY, request: str | None = None, reason: str = ""
    ) -> JournalEntry:
        if isinstance(event, (Outcome, Fired, Withdraw)):
            raise TypeError("that is the host's own trigger; an operator uses `settle` or `cancel`")
        return await self._act(lambda tx: self._engine.deliver(tx, id, event, by, self._clock.now(), request, reason))

    async def complete(
        self, id: str, task: object, *, by: Actor = NOBODY, request: str | None = None, reason: str = ""
    ) -> JournalEntry:
        return await self.send(id, task, by=by, request=request, reason=reason)

    async def claim(self, id: str, task: str, *, by: Actor, reason: str = "") -> JournalEntry:
        return await self.delegate(id, task, by.id, by=by, reason=reason)

    async def delegate(self, id: str, task: str, to: str, *, by: Actor, reason: str = "") -> JournalEntry:
        handing = Delegation(task, to)
        return await self._act(lambda tx: self._engine.delegate(tx, id, handing, reason, by, self._clock.now()))

    async def retry(self, id: str, key: str, *, reason: str, by: Actor = NOBODY) -> JournalEntry:
        _require_reason(reason)
        return await self._act(lambda tx: self._engine.operators.retry(tx, id, key, reason, by, self._clock.now()))

    async def settle(self, id: str, outcome: Outcome, *, reason: str, by: Actor = NOBODY) -> JournalEntry:
        _require_reason(reason)
        return await self._act(lambda tx: self._engine.operators.settle(tx, id, outcome, reason, by, self._clock.now()))

    async def skip(self, id: str, key: str, *, reason: str, by: Actor = NOBODY) -> JournalEntry:
        _require_reason(reason)
        return await self._act(lambda tx: self._engine.operators.skip(tx, id, key, reason, by, self._clock.now()))

    async def cancel(self, id: str, *, reason: str, by: Actor = NOBODY) -> JournalEntry:
        _require_reason(reason)
        return await self._act(lambda tx: self._engine.operators.cancel(tx, id, reason, by, self._clock.now()))

    async def _act(self, work: Callable[[Transaction], JournalEntry]) -> JournalEntry:
        return await self._store.write(work)

    async def redeliver(self, letter: str, *, reason: str, by: Actor = NOBODY) -> JournalEntry:
        _require_reason(reason)
        return await self._act(lambda tx: self._engine.mailbox.again(tx, letter, reason, by, self._clock.now()))

    async def discard(self, letter: str, *, reason: str, by: Actor = NOBODY) -> JournalEntry:
        _require_reason(reason)
        return await self._act(lambda tx: self._engine.mailbox.discard(tx, letter, reason, by, self._clock.now()))

    async def acknowledge(self, message: str) -> None:
        await self._store.write(lambda tx: tx.drop_message(message))

    # ------------------------------------------------------------ questions

    async def instance(self, id: str) -> Instance:
        instance = await self._store.read(lambda tx: tx.instance(id))
        if instance is None:
            raise Unknown(f"there is no instance {id!r}")
        return instance

    async def instances(self, status: Status | None = None) -> Sequence[Instance]:
        return await self._store.read(lambda tx: tx.instances(status))

    async def page(
        self, after: str = "", limit: int = 100, *, statuses: Sequence[Status] = tuple(Status), flow: str = ""
    ) -> Sequence[Instance]:
        return await self._store.read(lambda tx: tx.page(after, limit, statuses, flow))

    async def troubled(self, after: str = "", limit: int = 100) -> Sequence[tuple[Instance, Sequence[Matter]]]:
        return await self._store.read(lambda tx: troubled(tx, after, limit, self._clock.now()))

    async def matters(self, instances: Sequence[Instance]) -> Sequence[tuple[Instance, Sequence[Matter]]]:
        return await self._store.read(lambda tx: matters(tx, instances, self._clock.now()))

    async def unknown(self) -> Mapping[str, int]:
        tally = await asyncio.to_thread(self._store.tally, self._clock.now())
        known, found = set(map(label, self.flows)), Counter[str]()
        for (flow, status), number in tally.instances.items():
            if not status.finished and flow not in known:
                found[flow] += number
        return found

    async def overview(self, id: str) -> Overview:
        return await self._store.read(lambda tx: overview(tx, id))

    async def record(self, id: str) -> AnyFlow:
        return self._engine.record(await self.instance(id))

    async def journal(self, id: str) -> Sequence[JournalEntry]:
        return await self._store.read(lambda tx: tx.entries(id))

    async def attempts(self, id: str) -> Sequence[Attempt]:
        return await self._store.read(lambda tx: tx.attempts(id))

    async def tasks(self, role: str | None = None, *, for_: Actor | None = None) -> Sequence[TaskItem]:
        items = await self._store.read(lambda tx: tx.tasks(role))
        return [item for item in items if for_ is None or item.open_to(for_)]

    async def parked(self) -> Sequence[PendingCall]:
        return await self._store.read(lambda tx: tx.parked_calls())

    async def children(self, id: str) -> Sequence[Child]:
        return await self._store.read(lambda tx: tx.children(id))

    async def messages(self, limit: int = 100) -> Sequence[Message]:
        return await self._store.read(lambda tx: tx.messages(limit))

    async def letters(self) -> Sequence[Letter]:
        return await self._store.read(lambda tx: tx.letters())

    async def head(self) -> Head:
        return await self._store.read(lambda tx: tx.head())

    async def audit(self, noted: Head | None = None) -> Report:
        flows = {label(flow): flow for flow in self.flows}
        return await self._store.read(lambda tx: verify(tx, flows, noted, self._codec is not None))

    async def settled(self, id: str) -> Instance:
        """Look whenever another process has written, and once a second since time passes as well."""
        looked, seen = 0.0, -1
        while True:
            if (foreign := await self._store.foreign()) != seen or time.monotonic() - looked >= LOOK:
                if at_rest := await self._store.read(lambda tx: self._resting(tx, id)):
                    return at_rest
                looked, seen = time.monotonic(), foreign
            await asyncio.sleep(POLL)

    def _resting(self, tx: Transaction, id: str) -> Instance | None:
        """The instance, if it is at rest. Raises Unknown."""
        return self._engine.instance(tx, id) if self._engine.rests(tx, id, self._clock.now()) else None


class SqliteHost(SqliteClient):
    """`protocol.Host` on one SQLite file. `flows` pairs each flow with the object that has its activities' methods."""

    def __init__(
        self,
        path: str | Path,
        flows: Mapping[type[AnyFlow], object],
        *,
        clock: Clock | None = None,
        limits: Limits | None = None,
        worker: str | None = None,
        observers: Sequence[Observer] = (),
        codec: PayloadCodec | None = None,
    ) -> None:
        """Nothing is opened yet. `worker` must differ between all hosts that ever use the file; by default it does.
        `observers` are told what happens. `codec` seals payloads in the file.

        Raises TypeError when an activity has no method."""
        for flow, activities in flows.items():
            require_methods(flow.spec, activities)
            _require_flows(flow.spec, [other.spec for other in flows])
        super().__init__(path, flows, clock=clock, observers=observers, codec=codec)
        self._activities = {label(flow): activities for flow, activities in flows.items()}
        self._limits = limits or Limits()
        self._id = worker or uuid.uuid4().hex

    async def __aenter__(self) -> Self:
        """Open the file and start working. Raises StoreError."""
        await super().__aenter__()
        try:
            if self.path.exists() and not os.access(self.path, os.W_OK):
                # SQLite would not say so before something is to be written; a simulated file is none
                raise NotWritable(f"{self.path} may not be written")
            if not await self._store.read(lambda tx: self._engine.scheduled(tx, self._clock.now())):
                await self._store.write(lambda tx: self._engine.schedule(tx, self._clock.now()))
        except BaseException:
            await super().__aexit__(None, None, None)
            raise
        store = self._store
        self._worker = Worker(
            self._id, store, self._engine, self._activities, self._clock, self._limits, self._audience
        )
        self._audience.opened(lambda: store.tally(self._clock.now()))
        self._working = asyncio.create_task(self._worker.run())
        self._working.add_done_callback(lambda _: self._worker.bell.ring())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop working, give back what runs, close the file. Raises what ended the worker, if something did."""
        self._working.cancel()
        try:
            await asyncio.wait((self._working,))
        finally:
            self._audience.closed()
            await super().__aexit__(kind, error, trace)
        if not self._working.cancelled():
            self._working.result()

    async def settled(self, id: str) -> Instance:
        while True:
            bell = self._worker.bell.of(id)
            if self._working.done():
                await self._working
            if not self._worker.busy(id) and (at_rest := await self._store.read(lambda tx: self._resting(tx, id))):
                return at_rest
            await bell.wait()

    async def work(self, stop: asyncio.Event) -> None:
        stopping = asyncio.ensure_future(stop.wait())
        try:
            await asyncio.wait((stopping, self._working), return_when=asyncio.FIRST_COMPLETED)
        finally:
            stopping.cancel()
        if self._working.done():
            await self._working

    async def run_until_idle(self) -> None:
        await self._until(lambda tx: self._engine.idle(tx, self._clock.now()))

    async def _until(self, condition: Callable[[Transaction], bool]) -> None:
        self._worker.wake()
        while True:
            bell = self._worker.bell.next
            if self._working.done():
                await self._working
            if await self._store.read(condition):
                return
            await bell.wait()


def _require_flows(spec: FlowSpec, others: Sequence[FlowSpec]) -> None:
    """Each flow that a flow does is run here too, and takes and gives what it was built for."""
    for activity in spec.activities.values():
        if not activity.flow:
            continue
        known = [other for other in others if other.name == activity.flow]
        if not known:
            raise TypeError(f"{spec.name} does the flow {activity.flow}, which this host does not run")
        newest = max(known, key=lambda other: other.version)
        given = [name for name, _ in activity.params.params], activity.outputs
        if given != ([name for name, _ in newest.inputs.fields], newest.outputs):
            raise TypeError(f"{spec.name} was built for other inputs or outputs of {activity.flow}: build it again")


def _require_reason(reason: str) -> None:
    if not reason.strip():
        raise ValueError("an operator's act needs a reason")
