"""What every durable host offers, whatever engine runs below: a client asks and acts, and a host works as well."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any, Protocol, Self, TypeVar

from ..audit import Report
from ..chain import Head
from ..core import NOBODY, Actor, Outcome
from ..flow import Flow
from ..letters import Letter, Message
from ..overview import Overview
from ..store import Attempt, Child, Instance, JournalEntry, PendingCall, Status, TaskItem
from ..troubles import Matter

Inputs = TypeVar("Inputs")


class Client(Protocol):
    """The questions and acts of people and programs, inside `async with client:`. Everything it acknowledges is
    durable. It works at nothing itself: what an act sets going, some host does."""

    async def __aenter__(self) -> Self: ...

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    async def start(
        self, flow: type[Flow[Inputs, Any, Any, Any]], id: str, inputs: Inputs, *, by: Actor = NOBODY
    ) -> JournalEntry:
        """Start an instance. The same id with the same inputs again is the same start, once.

        Raises Rejected (payload) and Conflict (the id is taken by another start)."""
        ...

    async def send(
        self, id: str, event: object, *, by: Actor = NOBODY, request: str | None = None, reason: str = ""
    ) -> JournalEntry:
        """Hand an event to an instance. With a request id, sending it again is the same sending, once. reason: an
        operator's, who sends what usually others do.

        Raises Rejected with nothing changed, Unknown, Conflict (the request id was used for something else)."""
        ...

    async def complete(
        self, id: str, task: object, *, by: Actor = NOBODY, request: str | None = None, reason: str = ""
    ) -> JournalEntry:
        """Complete an open task; `task` is its generated event with the form's fields. Raises as `send` does."""
        ...

    async def delegate(self, id: str, task: str, to: str, *, by: Actor, reason: str = "") -> JournalEntry:
        """Hand an open task on to one person, who alone may do it then. Raises Rejected, Unknown."""
        ...

    async def claim(self, id: str, task: str, *, by: Actor, reason: str = "") -> JournalEntry:
        """Take an open task for oneself: hand it on to oneself. Raises as `delegate` does."""
        ...

    async def retry(self, id: str, key: str, *, reason: str, by: Actor = NOBODY) -> JournalEntry:
        """An operator gives a call that is parked, or waits for its next attempt, a new round of attempts, from now on.

        Raises NotParked for one that is due or under way, Unknown."""
        ...

    async def settle(self, id: str, outcome: Outcome, *, reason: str, by: Actor = NOBODY) -> JournalEntry:
        """An operator answers a call that is parked, or waits for its next attempt, by hand.

        Raises NotParked for one that is under way, Unknown, Invalid."""
        ...

    async def skip(self, id: str, key: str, *, reason: str, by: Actor = NOBODY) -> JournalEntry:
        """An operator gives a call up that is parked, or waits for its next attempt. A compensation counts as done, and
        its row says that it was skipped; an activity answers `failed`, unless its flow was proved for one that never
        does.

        Raises NotParked for one that is under way, Unknown, Invalid."""
        ...

    async def cancel(self, id: str, *, reason: str, by: Actor = NOBODY) -> JournalEntry:
        """An operator withdraws an instance: what it does is broken off, what it has done is undone, newest first, and
        it ends in failure, in no state. Raises TooLate, Unknown."""
        ...

    async def instance(self, id: str) -> Instance:
        """Raises Unknown."""
        ...

    async def instances(self, status: Status | None = None) -> Sequence[Instance]:
        """All of them (in this status, where one is given), by id."""
        ...

    async def page(
        self, after: str = "", limit: int = 100, *, statuses: Sequence[Status] = tuple(Status), flow: str = ""
    ) -> Sequence[Instance]:
        """The first so many (in these statuses, of the flow `Order` or `Order/1`) whose ids come after this one."""
        ...

    async def troubled(self, after: str = "", limit: int = 100) -> Sequence[tuple[Instance, Sequence[Matter]]]:
        """The first so many instances with which something is the matter, whose ids come after this one, by id."""
        ...

    async def matters(self, instances: Sequence[Instance]) -> Sequence[tuple[Instance, Sequence[Matter]]]:
        """What is the matter with each of them, if something is."""
        ...

    async def unknown(self) -> Mapping[str, int]:
        """How many instances there are of flows that this client does not know, and that have not ended. Reads them
        all, beside the work."""
        ...

    async def overview(self, id: str) -> Overview:
        """Everything that is stored of it, as of one moment. Raises Unknown."""
        ...

    async def record(self, id: str) -> Flow[Any, Any, Any, Any]:
        """The instance's record, as its generated module defines it. Raises Unknown."""
        ...

    async def journal(self, id: str) -> Sequence[JournalEntry]:
        """All rows of the instance, oldest first."""
        ...

    async def attempts(self, id: str) -> Sequence[Attempt]:
        """All attempts of its calls, oldest first."""
        ...

    async def tasks(self, role: str | None = None, *, for_: Actor | None = None) -> Sequence[TaskItem]:
        """The open tasks (that are for this role; that this person may do), with what an inbox shows of them."""
        ...

    async def parked(self) -> Sequence[PendingCall]:
        """The dead letters: calls that wait for an operator."""
        ...

    async def children(self, id: str) -> Sequence[Child]:
        """The instances that it has started by `do flow`, each with the key of its call."""
        ...

    async def messages(self, limit: int = 100) -> Sequence[Message]:
        """What instances emitted and nobody acknowledged yet, the oldest first. Whoever passes them on acknowledges
        each when that is done; after a crash in between it comes again, with the same id."""
        ...

    async def acknowledge(self, message: str) -> None:
        """The message of this id has been dealt with. Doing it again does nothing."""
        ...

    async def letters(self) -> Sequence[Letter]:
        """What flows sent each other and was not taken yet, in the order it was sent: letters that wait for an instance
        to be started, and dead letters, which have a reason."""
        ...

    async def redeliver(self, letter: str, *, reason: str, by: Actor = NOBODY) -> JournalEntry:
        """An operator has a dead letter delivered again. Raises NotParked, Unknown."""
        ...

    async def discard(self, letter: str, *, reason: str, by: Actor = NOBODY) -> JournalEntry:
        """An operator takes a dead letter away. Raises NotParked, Unknown."""
        ...

    async def head(self) -> Head:
        """The last row of the journal and its hash, to be noted elsewhere for `audit`."""
        ...

    async def audit(self, noted: Head | None = None) -> Report:
        """Whether every row of the journal is as it was written, and every instance as its rows say."""
        ...

    async def settled(self, id: str) -> Instance:
        """Wait until it has finished, is parked, or waits for somebody or for a timer; retries are sat through."""
        ...


class Host(Client, Protocol):
    """A client with a worker, which runs inside `async with host:`."""

    async def work(self, stop: asyncio.Event) -> None:
        """Go on working until `stop` is set. Raises what ended the worker before that, if something did."""
        ...

    async def run_until_idle(self) -> None:
        """Wait until nothing at all runs or is due now."""
        ...
