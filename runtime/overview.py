"""Everything that is stored of one instance, as of one moment: a transaction and its id in, a value out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from .chain import Link
from .errors import Unknown
from .letters import Letter
from .store import Attempt, Child, Instance, JournalEntry, PendingCall, TaskItem, Timer, Transaction


@dataclass(frozen=True, slots=True)
class Overview:
    """journal, links: its rows and where each stands in the chain. letters: those that it sent or that wait for it, and
    were not taken. parent: whose child it is. leases: until when the workers that have its calls are there for sure."""

    instance: Instance
    journal: Sequence[JournalEntry]
    links: Sequence[Link]
    attempts: Sequence[Attempt]
    calls: Sequence[PendingCall]
    timers: Sequence[Timer]
    tasks: Sequence[TaskItem]
    children: Sequence[Child]
    parent: Child | None
    letters: Sequence[Letter]
    leases: Mapping[str, datetime]

    @property
    def parked(self) -> Sequence[PendingCall]:
        """The calls that wait for an operator."""
        return [call for call in self.calls if call.due is None]


def overview(tx: Transaction, id: str) -> Overview:
    """Raises Unknown."""
    instance = tx.instance(id)
    if instance is None:
        raise Unknown(f"there is no instance {id!r}")
    return Overview(
        instance,
        tx.entries(id),
        tx.links(id),
        tx.attempts(id),
        tx.calls(id),
        tx.timers(id),
        tx.tasks_of(id),
        tx.children(id),
        tx.parent(id),
        [letter for letter in tx.letters() if id in (letter.sender, letter.to)],
        tx.leases(),
    )
