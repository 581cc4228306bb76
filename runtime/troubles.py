"""What is the matter with an instance: a transaction and its id in; what somebody should look at, out.

Nothing of this is a state of the flow: calls that are parked, fail, or have nobody who makes them, tasks that are
overdue, letters that were not taken.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from .letters import Letter
from .store import Instance, PendingCall, Status, Transaction

PATIENCE = timedelta(seconds=10)
"""What has been due for longer has no worker."""


class Kind(StrEnum):
    """`parked`: a call waits for an operator. `failing`: it waits for its next attempt. `lost`: the worker that had it
    is not there any more, and no other has come. `late`: a call or a timer is due, and no worker comes. `overdue`: a
    task is. `dead`: a letter was not taken."""

    PARKED = "parked"
    FAILING = "failing"
    LOST = "lost"
    LATE = "late"
    OVERDUE = "overdue"
    DEAD = "dead letter"


@dataclass(frozen=True, slots=True)
class Matter:
    """about: the call's key, the timer, the task, the letter's id. at: when the next attempt begins, when it began, or
    since when it is due; None of a parked call. error: of the last attempt, or why a letter was not taken."""

    kind: Kind
    about: str
    at: datetime | None
    error: str = ""


def troubled(tx: Transaction, after: str, limit: int, now: datetime) -> Sequence[tuple[Instance, Sequence[Matter]]]:
    """The first so many instances with which something is the matter and whose ids come after this one, by id."""
    found = (tx.instance(id) for id in tx.troubled(after, limit, now, PATIENCE))
    return matters(tx, [instance for instance in found if instance is not None], now)


def matters(tx: Transaction, found: Sequence[Instance], now: datetime) -> Sequence[tuple[Instance, Sequence[Matter]]]:
    """What is the matter with each of them."""
    leases, dead = tx.leases(), [letter for letter in tx.letters() if letter.reason]
    return [
        (each, [*_calls(tx, each.id, leases, now), *_times(tx, each, now), *_dead(dead, each.id)]) for each in found
    ]


def lost(call: PendingCall, leases: Mapping[str, datetime], now: datetime) -> bool:
    """Whether its worker is not there any more."""
    return call.owner is not None and leases.get(call.owner, now) <= now


def _calls(tx: Transaction, id: str, leases: Mapping[str, datetime], now: datetime) -> Iterator[Matter]:
    for call in tx.calls(id):
        if lost(call, leases, now):
            yield Matter(Kind.LOST, call.key, call.began)
        elif call.owner is None and call.due is None:
            yield Matter(Kind.PARKED, call.key, None, call.error)
        elif call.owner is None and call.due is not None and now - call.due > PATIENCE:
            yield Matter(Kind.LATE, call.key, call.due, call.error)
        elif call.owner is None and call.error:
            yield Matter(Kind.FAILING, call.key, call.due, call.error)


def _times(tx: Transaction, instance: Instance, now: datetime) -> Iterator[Matter]:
    for timer in tx.timers(instance.id) if instance.status is not Status.COMPENSATING else ():
        if now - timer.due > PATIENCE:
            yield Matter(Kind.LATE, timer.name, timer.due)
    for task in tx.tasks_of(instance.id):
        if task.overdue(now):
            yield Matter(Kind.OVERDUE, task.task, task.due)


def _dead(letters: Sequence[Letter], sender: str) -> Iterator[Matter]:
    for letter in letters:
        if letter.sender == sender:
            yield Matter(Kind.DEAD, letter.id, letter.at, letter.reason)
