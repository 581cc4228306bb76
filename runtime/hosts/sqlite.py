"""The embedded host: a file and flows with their activities in; instances that survive whatever happens to the process.

    host = SqliteHost("shop.db", {Order: MyOrderActivities()})
    async with host:
        await host.start(Order, "o-1", OrderInputs(sku="A1", qty=2, total=Decimal("20.00")), by=Actor("cleo"))
        await host.settled("o-1")

Several processes may open the same file on one machine; each call runs in one of them.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

from ..attempts import require_methods
from ..core import NOBODY, Actor, Delegation, Fired, Outcome
from ..engine import Engine
from ..errors import HostError, Unknown
from ..flow import Flow
from ..journal import AnyFlow, label
from ..letters import Letter, Message
from ..spec import FlowSpec
from ..store import Attempt, Child, Instance, JournalEntry, PendingCall, Status, TaskItem, Transaction
from ..timers import Clock, SystemClock
from ..worker import Limits, Worker
from .sqlite_store import SqliteStore

Inputs = TypeVar("Inputs")


class SqliteHost:
    """`protocol.Host` on one SQLite file. `flows` pairs each flow with the object that has its activities' methods."""

    def __init__(
        self,
        path: str | Path,
        flows: Mapping[type[AnyFlow], object],
        *,
        clock: Clock | None = None,
        limits: Limits | None = None,
        worker: str | None = None,
    ) -> None:
        """Nothing is opened yet. `worker` must differ between all hosts that ever use the file; by default it does.

        Raises TypeError when an activity has no method."""
        for flow, activities in flows.items():
            require_methods(flow.spec, activities)
            _require_flows(flow.spec, [other.spec for other in flows])
        self._path = path
        self._engine = Engine({label(flow): flow for flow in flows})
        self._activities = {label(flow): activities for flow, activities in flows.items()}
        self._clock: Clock = clock or SystemClock()
        self._limits = limits or Limits()
        self._id = worker or uuid.uuid4().hex
        self._open: SqliteStore | None = None

    async def __aenter__(self) -> Self:
        """Open the file and start working. Raises StoreError."""
        self._open = SqliteStore(self._path)
        try:
            if not await self._open.read(lambda tx: self._engine.scheduled(tx, self._clock.now())):
                await self._open.write(lambda tx: self._engine.schedule(tx, self._clock.now()))
        except BaseException:
            self._open.close()
            self._open = None
            raise
        self._worker = Worker(self._id, self._open, self._engine, self._activities, self._clock, self._limits)
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
            self._store.close()
            self._open = None
        if not self._working.cancelled():
            self._working.result()

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

    async def send(self, id: str, event: object, *, by: Actor = NOBODY, request: str | None = None) -> JournalEntry:
        if isinstance(event, (Outcome, Fired)):
            raise TypeError("outcomes and timers are the host's own; an operator uses `settle`")
        return await self._act(lambda tx: self._engine.deliver(tx, id, event, by, self._clock.now(), request))

    async def complete(self, id: str, task: object, *, by: Actor = NOBODY, request: str | None = None) -> JournalEntry:
        return await self.send(id, task, by=by, request=request)

    async def delegate(self, id: str, task: str, to: str, *, by: Actor, reason: str = "") -> JournalEntry:
        handing = Delegation(task, to)
        return await self._act(lambda tx: self._engine.delegate(tx, id, handing, reason, by, self._clock.now()))

    async def retry(self, id: str, key: str, *, reason: str, by: Actor = NOBODY) -> JournalEntry:
        _require_reason(reason)
        return await self._act(lambda tx: self._engine.retry(tx, id, key, reason, by, self._clock.now()))

    async def settle(self, id: str, outcome: Outcome, *, reason: str, by: Actor = NOBODY) -> JournalEntry:
        _require_reason(reason)
        return await self._act(lambda tx: self._engine.settle(tx, id, outcome, reason, by, self._clock.now()))

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

    async def settled(self, id: str) -> Instance:
        while True:
            bell = self._worker.bell.of(id)
            if self._working.done():
                await self._working
            if not self._worker.busy(id) and (at_rest := await self._store.read(lambda tx: self._resting(tx, id))):
                return at_rest
            await bell.wait()

    def _resting(self, tx: Transaction, id: str) -> Instance | None:
        """The instance, if it is at rest. Raises Unknown."""
        return self._engine.instance(tx, id) if self._engine.rests(tx, id, self._clock.now()) else None

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
