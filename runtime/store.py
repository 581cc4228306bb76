"""What a durable host keeps, as values, and the protocol of the storage that keeps it.

`engine` decides over these protocols; a storage (`hosts/sqlite_store`) carries them out. Payloads are JSON text that
the flow's codecs wrote; moments are aware UTC datetimes. A flow is named `Name/version`, so that a host touches only
the instances whose code it has.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NamedTuple, Protocol, TypeAlias, TypeVar

from .chain import Chain
from .core import Actor, Work
from .gates import Gate
from .letters import Post


class Status(StrEnum):
    RUNNING = "running"
    COMPENSATING = "compensating"
    SUCCEEDED = "succeeded"
    FAILED = "failed"

    @property
    def finished(self) -> bool:
        return self in (Status.SUCCEEDED, Status.FAILED)


class Instance(NamedTuple):
    """One run of a flow as it stands after the journal's row `sequence`. `snapshot` is the record, as JSON."""

    id: str
    flow: str
    sequence: int
    at: datetime
    status: Status
    configuration: tuple[str, ...]
    snapshot: str


class EntryKind(StrEnum):
    """`start` (trigger: the inputs), `step` (a trigger of the core) and `skipped` (an outcome that no call answered and
    no operator vouches for) made the record what it is; `attempt` (trigger: the call's key) tells of one that came to
    nothing, and `parked`, `retry` and `discarded` (the call's key, or the letter's id) of what waits for an operator:
    they left the record as it was."""

    START = "start"
    STEP = "step"
    SKIPPED = "skipped"
    ATTEMPT = "attempt"
    PARKED = "parked"
    RETRY = "retry"
    DISCARDED = "discarded"

    @property
    def moves(self) -> bool:
        """Whether such a row made the record what it is."""
        return self in (EntryKind.START, EntryKind.STEP, EntryKind.SKIPPED)


class Attempt(NamedTuple):
    """One attempt of a call, for the audit trail. `ended` is None while it runs. result: what it came to, `done` or
    `failed: ConnectionError: ..`."""

    instance: str
    key: str
    number: int
    worker: str
    started: datetime
    ended: datetime | None
    result: str


NO_EFFECTS = "[]"


class JournalEntry(NamedTuple):
    """A row of the journal: what happened, who did it, and what followed. Never changed once written.

    actor, trigger, effects: JSON, the effects in order. status, configuration: afterwards. note: an operator's reason,
    or what parked the call. request: the sender's id for this sending. attempt: the one that brought this about."""

    instance: str
    sequence: int
    at: datetime
    kind: EntryKind
    actor: str
    trigger: str
    note: str = ""
    request: str | None = None
    effects: str = NO_EFFECTS
    status: Status = Status.RUNNING
    configuration: tuple[str, ...] = ()
    attempt: Attempt | None = None


class PendingCall(NamedTuple):
    """A call of an activity or a compensation that is not settled yet: a row of the outbox.

    forward: for a compensation, the key of the call it undoes. attempts: how many were begun; forgiven: how many of
    them no longer count, since an operator asked for a new round. due: when the next may begin; None for a call that is
    parked. owner, began: the worker that runs it, and since when. interrupted: no longer wanted. error: what became of
    the last attempt."""

    instance: str
    flow: str
    key: str
    name: str
    args: str
    forward: str | None
    due: datetime | None
    attempts: int = 0
    forgiven: int = 0
    owner: str | None = None
    began: datetime | None = None
    interrupted: bool = False
    error: str = ""

    @property
    def idempotency_key(self) -> str:
        """The same for every attempt, and for a compensation that of the call it undoes."""
        return f"{self.instance}/{self.forward or self.key}"


class Child(NamedTuple):
    """An instance that the call `key` of its parent started. `answers`: the key it answers with when it ends: that
    call's or, when the parent undoes it, the compensation's."""

    instance: str
    parent: str
    key: str
    answers: str


class Timer(NamedTuple):
    instance: str
    flow: str
    name: str
    due: datetime


class TaskItem(NamedTuple):
    """Work that waits for a person who has one of `roles` or is among `persons`, and not among `excluded` (actor ids).
    reminders: so many until now. form: the fields that completing it takes."""

    instance: str
    key: str
    task: str
    roles: tuple[str, ...]
    title: str
    due: datetime | None
    excluded: tuple[str, ...]
    persons: tuple[str, ...] = ()
    reminders: int = 0
    form: tuple[str, ...] = ()

    def overdue(self, now: datetime) -> bool:
        return self.due is not None and self.due < now

    def open_to(self, actor: Actor) -> bool:
        """Whether the actor may do it."""
        work = Work(self.key, self.task, self.roles, self.excluded, self.persons)
        return work.entitles(actor) and actor.id not in self.excluded


class Tick(NamedTuple):
    """When a schedule of a flow starts its next instance."""

    flow: str
    schedule: str
    due: datetime


Calls = tuple[PendingCall, ...]


@dataclass(slots=True)
class News:
    """What a transaction has changed, for those who go on with it when it is committed.

    entries: rows of the journal. touched: instances that changed, or whose calls, timers or tasks did. due: the first
    moment at which something that was written falls due. claimed, released: calls that the worker of this process
    begins, and is done with. unwanted: calls under way that need not go on. leased: until when its calls are its own,
    where that changed."""

    entries: list[JournalEntry] = field(default_factory=list[JournalEntry])
    touched: set[str] = field(default_factory=set[str])
    due: datetime | None = None
    claimed: list[PendingCall] = field(default_factory=list[PendingCall])
    released: list[PendingCall] = field(default_factory=list[PendingCall])
    unwanted: list[PendingCall] = field(default_factory=list[PendingCall])
    leased: datetime | None = None

    def falls_due(self, moment: datetime) -> None:
        if self.due is None or moment < self.due:
            self.due = moment

    def mark(self) -> tuple[int, Calls, Calls, Calls]:
        """Where it stands, for `rewind`."""
        return len(self.entries), (*self.claimed,), (*self.released,), (*self.unwanted,)

    def rewind(self, mark: tuple[int, Calls, Calls, Calls]) -> None:
        """Forget what was undone since; what was touched, or falls due, may be looked at once too often."""
        length, claimed, released, unwanted = mark
        del self.entries[length:]
        self.claimed[:], self.released[:], self.unwanted[:] = claimed, released, unwanted


class Stepped(NamedTuple):
    """A row of the journal of an instance of `flow` (`Order/1`). before: the moment of the row before it."""

    entry: JournalEntry
    flow: str
    before: datetime | None


class Began(NamedTuple):
    """An attempt of the call, the one of number `call.attempts`."""

    call: PendingCall
    at: datetime


class Ended(NamedTuple):
    """The attempt of the call, which began at `call.began`, came to `kind` (`done`, a declared error, `timeout`,
    `failed`, `interrupted`)."""

    call: PendingCall
    kind: str
    error: str
    at: datetime


class Refused(NamedTuple):
    """A trigger was rejected, with the reason that `core.Rejected` has."""

    instance: str
    flow: str
    reason: str


class Committed(NamedTuple):
    """So many pieces of work that write were made durable by one commit."""

    works: int


Happening: TypeAlias = Stepped | Began | Ended | Refused | Committed


@dataclass(frozen=True, slots=True)
class Tally:
    """What there is in a store at a moment. instances: how many by flow and status. lag: seconds since which the timer
    that is longest overdue is, 0 where none is."""

    instances: Mapping[tuple[str, Status], int]
    parked: int
    tasks: int
    lag: float


class Transaction(Post, Chain, Protocol):
    """Reads and writes that happen together or not at all. Rows are replaced by their primary key."""

    news: News

    def savepoint(self) -> AbstractContextManager[None]:
        """What is done inside is undone if an exception leaves it."""
        ...

    def report(self, happening: Happening, /) -> None:
        """To those who listen, once it is committed. What is undone is not told."""
        ...

    def retract(self, call: PendingCall, /) -> None:
        """Its attempt has not begun after all."""
        ...

    def require_readable(self) -> None:
        """Raises Unreadable where the payloads are sealed, and not for this transaction to read."""
        ...

    def instance(self, id: str) -> Instance | None: ...
    def instances(self, status: Status | None) -> Sequence[Instance]: ...
    def page(
        self, after: str, limit: int, statuses: Sequence[Status] = tuple(Status), flow: str = ""
    ) -> Sequence[Instance]:
        """The first so many (in these statuses, of this flow or this version of it, if one is given) whose ids come
        after this one, by id."""
        ...

    def ids(self, after: str, limit: int) -> Sequence[str]:
        """The first so many ids of instances that come after this one, in order."""
        ...

    def put_instance(self, instance: Instance, /) -> None: ...

    def append(self, entry: JournalEntry, /) -> None:
        """Link it to the last row of the journal. Raises StoreError if the sequence is taken."""
        ...

    def entries(self, instance: str) -> Sequence[JournalEntry]: ...
    def entry(self, instance: str, sequence: int) -> JournalEntry | None: ...
    def requested(self, instance: str, request: str) -> JournalEntry | None: ...

    def call(self, instance: str, key: str) -> PendingCall | None: ...
    def calls(self, instance: str) -> Sequence[PendingCall]: ...
    def put_call(self, call: PendingCall, /) -> None: ...
    def drop_call(self, instance: str, key: str) -> None: ...

    def due_calls(self, flows: Sequence[str], now: datetime, limit: int) -> Sequence[PendingCall]:
        """Calls that no worker has and that may begin, the longest due first."""
        ...

    def calls_after(self, flows: Sequence[str], moment: datetime) -> Sequence[PendingCall]:
        """Calls that no worker has and that may not begin before a later moment."""
        ...

    def owned_calls(self, owner: str) -> Sequence[PendingCall]: ...
    def parked_calls(self) -> Sequence[PendingCall]: ...

    def attempts(self, instance: str) -> Sequence[Attempt]:
        """Those that the journal tells of, and those under way, in the order in which they began."""
        ...

    def put_child(self, child: Child, /) -> None: ...
    def child(self, parent: str, key: str) -> Child | None: ...
    def children(self, parent: str) -> Sequence[Child]:
        """In the order of their calls' keys."""
        ...

    def parent(self, instance: str) -> Child | None:
        """Whose child an instance is, if it is one."""
        ...

    def put_timer(self, timer: Timer, /) -> None: ...
    def drop_timer(self, instance: str, name: str) -> None: ...

    def due_timers(self, flows: Sequence[str], now: datetime, limit: int) -> Sequence[Timer]:
        """Timers that are due, in due order, but for those of instances that compensate."""
        ...

    def timers(self, instance: str) -> Sequence[Timer]:
        """All timers of the instance, in due order."""
        ...

    def next_due(self, flows: Sequence[str], calls: bool) -> datetime | None:
        """When the next timer, tick, lease of a worker that has calls, or, if asked, call falls due."""
        ...

    def gate(self, flow: str, name: str) -> Gate: ...
    def put_gate(self, flow: str, name: str, gate: Gate, /) -> None: ...

    def put_tick(self, tick: Tick, /) -> None: ...
    def drop_tick(self, flow: str, schedule: str) -> None: ...
    def ticks(self) -> Sequence[Tick]: ...

    def due_ticks(self, flows: Sequence[str], now: datetime) -> Sequence[Tick]:
        """Ticks that are due, the longest due first."""
        ...

    def put_task(self, task: TaskItem, /) -> None: ...
    def drop_task(self, instance: str, key: str) -> None: ...
    def task(self, instance: str, key: str) -> TaskItem | None: ...
    def tasks(self, role: str | None) -> Sequence[TaskItem]: ...
    def tasks_of(self, instance: str) -> Sequence[TaskItem]: ...

    def lease(self, worker: str, until: datetime) -> None: ...
    def running(self) -> bool:
        """Whether any worker has a call."""
        ...

    def end_lease(self, worker: str) -> None: ...
    def shorten_leases(self, longest: datetime, until: datetime) -> None:
        """Those that end later than `longest` end at `until`."""
        ...

    def end_leases(self, now: datetime) -> None:
        """Of all workers whose lease has run out and who have no calls left."""
        ...

    def version(self) -> int:
        """A number that changes when another process has written."""
        ...

    def lost_calls(self, flows: Sequence[str], now: datetime) -> Sequence[PendingCall]:
        """Calls of workers that have no lease any more."""
        ...

    def leases(self) -> Mapping[str, datetime]:
        """Until when the calls of each worker are its own."""
        ...

    def troubled(self, after: str, limit: int, now: datetime, patience: timedelta) -> Sequence[str]:
        """The first so many ids of instances that come after this one and with which something is the matter: a call
        that is parked, has failed, has lost its worker, or like a timer been due for longer than `patience`; an overdue
        task; a letter of theirs that was not taken."""
        ...


T = TypeVar("T")


class Store(Protocol):
    """Where transactions come from. A work may be done again if what it did could not be kept, and is done on a thread
    of the store's."""

    def tell(self, committed: Callable[[News], None] | None) -> None:
        """From now on tell of what each commit of this process changed, before anybody has its answer: on the store's
        thread, one commit after the other."""
        ...

    def write(self, work: Callable[[Transaction], T]) -> Awaitable[T]:
        """Do `work` in a durable transaction. Raises StoreError, and whatever `work` raises, with nothing done."""
        ...

    def read(self, work: Callable[[Transaction], T]) -> Awaitable[T]:
        """Do `work`, which only reads, on one state of the store. Raises StoreError."""
        ...

    async def foreign(self) -> int:
        """A number that changes when another process has written."""
        ...

    def close(self) -> None:
        """Wait for what is being written, and let go of the store."""
        ...
