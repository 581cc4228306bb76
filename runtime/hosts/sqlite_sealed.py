"""`store.Transaction` over tables whose payloads are sealed: values are sealed on their way in, and unsealed on their
way out. What is hashed below is the sealed text; what is compared above is the text.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial
from typing import TypeVar

from .. import sealing
from ..letters import Letter, Message
from ..sealing import PayloadCodec, Seals
from ..store import Instance, JournalEntry, PendingCall, Status, TaskItem
from .sqlite_transaction import SqliteTransaction

T = TypeVar("T")


class SealedTransaction(SqliteTransaction):
    def __init__(self, db: sqlite3.Connection, codec: PayloadCodec) -> None:
        super().__init__(db)
        seals = self._seals = Seals(codec)
        self._instance = partial(sealing.instance, seals.unseal)
        self._entry = partial(sealing.entry, seals.unseal)
        self._call = partial(sealing.call, seals.unseal)
        self._task = partial(sealing.unsealed_task, seals)
        self._letter = partial(sealing.letter, seals.unseal)

    # ------------------------------------------------------------ instances and their journal

    def instance(self, id: str) -> Instance | None:
        return _of(self._instance, super().instance(id))

    def page(
        self, after: str, limit: int, statuses: Sequence[Status] = tuple(Status), flow: str = ""
    ) -> Sequence[Instance]:
        return [*map(self._instance, super().page(after, limit, statuses, flow))]

    def put_instance(self, i: Instance) -> None:
        super().put_instance(sealing.instance(self._seals.seal, i))

    def append(self, e: JournalEntry) -> None:
        super().append(sealing.entry(self._seals.seal, e))
        self.news.entries[-1] = e

    def entries(self, instance: str) -> Sequence[JournalEntry]:
        return [*map(self._entry, super().entries(instance))]

    def entry(self, instance: str, sequence: int) -> JournalEntry | None:
        return _of(self._entry, super().entry(instance, sequence))

    def requested(self, instance: str, request: str) -> JournalEntry | None:
        return _of(self._entry, super().requested(instance, request))

    # ------------------------------------------------------------ calls

    def call(self, instance: str, key: str) -> PendingCall | None:
        return _of(self._call, super().call(instance, key))

    def calls(self, instance: str) -> Sequence[PendingCall]:
        return [*map(self._call, super().calls(instance))]

    def put_call(self, c: PendingCall) -> None:
        super().put_call(sealing.call(self._seals.seal, c))

    def due_calls(self, flows: Sequence[str], now: datetime, limit: int) -> Sequence[PendingCall]:
        return [*map(self._call, super().due_calls(flows, now, limit))]

    def calls_after(self, flows: Sequence[str], moment: datetime) -> Sequence[PendingCall]:
        return [*map(self._call, super().calls_after(flows, moment))]

    def owned_calls(self, owner: str) -> Sequence[PendingCall]:
        return [*map(self._call, super().owned_calls(owner))]

    def lost_calls(self, flows: Sequence[str], now: datetime) -> Sequence[PendingCall]:
        return [*map(self._call, super().lost_calls(flows, now))]

    def parked_calls(self) -> Sequence[PendingCall]:
        return [*map(self._call, super().parked_calls())]

    # ------------------------------------------------------------ tasks

    def put_task(self, t: TaskItem) -> None:
        super().put_task(sealing.sealed_task(self._seals, t))

    def task(self, instance: str, key: str) -> TaskItem | None:
        return _of(self._task, super().task(instance, key))

    def tasks(self, role: str | None) -> Sequence[TaskItem]:
        return [*map(self._task, super().tasks(role))]

    def tasks_of(self, instance: str) -> Sequence[TaskItem]:
        return [*map(self._task, super().tasks_of(instance))]

    # ------------------------------------------------------------ messages and letters

    def put_message(self, m: Message) -> None:
        super().put_message(sealing.message(self._seals.seal, m))

    def messages(self, limit: int) -> Sequence[Message]:
        return [sealing.message(self._seals.unseal, m) for m in super().messages(limit)]

    def put_letter(self, letter: Letter) -> None:
        super().put_letter(sealing.letter(self._seals.seal, letter))

    def letter(self, id: str) -> Letter | None:
        return _of(self._letter, super().letter(id))

    def letters(self) -> Sequence[Letter]:
        return [*map(self._letter, super().letters())]

    def next_letter(self, flows: Sequence[str]) -> Letter | None:
        return _of(self._letter, super().next_letter(flows))


def _of(unsealed: Callable[[T], T], value: T | None) -> T | None:
    return None if value is None else unsealed(value)
