"""Payloads that only who has the key can read: values in, the same with sealed texts out; and back.

A host that is given a `PayloadCodec` seals what may be about people before it is written: snapshots, inputs and events,
who sent them, effects, arguments, errors, results, reasons, titles of tasks, persons. Ids, keys, request ids, names
that are the flow's, moments and counts stay as they are: they are looked up, ordered and counted. An empty text stays
empty.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import NamedTuple, Protocol

from .errors import StoreError, Unreadable
from .letters import Letter, Message
from .outbox import told
from .store import Attempt, Instance, JournalEntry, PendingCall, TaskItem

MARK = "sealed:"
"""What every sealed text begins with; no JSON does."""

FORGOTTEN = '"(forgotten)"'
"""What a codec reads of an instance whose key was destroyed on purpose. JSON, since most of it was."""


class Place(NamedTuple):
    """Where a sealed text belongs: the column, the instance, and which of its rows. To be bound to it (as associated
    data), so that nobody can put a text where another was."""

    column: str
    instance: str
    row: str = ""

    @property
    def data(self) -> bytes:
        return json.dumps(self).encode()


class PayloadCodec(Protocol):
    """Seals texts. It is called on the store's thread, for every text that is written and read: keep keys at hand."""

    def seal(self, text: str, place: Place) -> str:
        """A text that says nothing. It may be another one each time. What it raises, the worker waits out."""
        ...

    def unseal(self, sealed: str, place: Place) -> str:
        """The text again; FORGOTTEN of an instance that was to be forgotten. Raises StoreError for what passes, and
        anything else for a wrong key, another place or a changed text."""
        ...


class Seals:
    """Seals and unseals whole values."""

    def __init__(self, codec: PayloadCodec) -> None:
        self._codec = codec

    def seal(self, text: str, place: Place) -> str:
        """Raises StoreError."""
        if not text:
            return ""
        try:
            return MARK + self._codec.seal(text, place)
        except StoreError:
            raise
        except Exception as error:
            raise StoreError(f"{_where(place)} cannot be sealed: {told(error)}") from error

    def unseal(self, text: str, place: Place) -> str:
        """Raises Unreadable."""
        if not text:
            return ""
        if not text.startswith(MARK):
            raise Unreadable(f"{_where(place)} is not sealed: the file was written without a codec")
        try:
            return self._codec.unseal(text.removeprefix(MARK), place)
        except StoreError:
            raise
        except Exception as error:
            raise Unreadable(f"{_where(place)} cannot be unsealed: {told(error)}") from error


Turn = Callable[[str, Place], str]
"""`Seals.seal` or `Seals.unseal`."""


def instance(turn: Turn, i: Instance) -> Instance:
    """With the row that it is after: an older snapshot is not taken for a newer."""
    return i._replace(snapshot=turn(i.snapshot, Place("instance.snapshot", i.id, f"{i.sequence}")))


def entry(turn: Turn, e: JournalEntry) -> JournalEntry:
    def of(column: str, text: str) -> str:
        return turn(text, Place(f"journal.{column}", e.instance, f"{e.sequence}"))

    return e._replace(
        actor=of("actor", e.actor),
        trigger=of("trigger", e.trigger),
        note=of("note", e.note),
        effects=of("effects", e.effects),
        attempt=None if e.attempt is None else _attempt(turn, e.attempt),
    )


def call(turn: Turn, c: PendingCall) -> PendingCall:
    args, error = (Place(f"call.{column}", c.instance, c.key) for column in ("args", "error"))
    return c._replace(args=turn(c.args, args), error=turn(c.error, error))


def _attempt(turn: Turn, a: Attempt) -> Attempt:
    return a._replace(result=turn(a.result, Place("attempt.result", a.instance, f"{a.key} {a.number}")))


def message(turn: Turn, m: Message) -> Message:
    return m._replace(payload=turn(m.payload, Place("message.payload", m.instance, m.id)))


def letter(turn: Turn, each: Letter) -> Letter:
    return each._replace(payload=turn(each.payload, Place("letter.payload", each.sender, each.id)))


def sealed_task(seals: Seals, t: TaskItem) -> TaskItem:
    """Persons become one text, however many there are."""
    persons, excluded = (
        (seals.seal(json.dumps(who), Place(f"task.{column}", t.instance, t.key)),)
        for column, who in (("persons", t.persons), ("excluded", t.excluded))
    )
    title = seals.seal(t.title, Place("task.title", t.instance, t.key))
    return t._replace(title=title, persons=persons, excluded=excluded)


def unsealed_task(seals: Seals, t: TaskItem) -> TaskItem:
    persons, excluded = (
        tuple(json.loads(seals.unseal("".join(who), Place(f"task.{column}", t.instance, t.key))))
        for column, who in (("persons", t.persons), ("excluded", t.excluded))
    )
    title = seals.unseal(t.title, Place("task.title", t.instance, t.key))
    return t._replace(title=title, persons=persons, excluded=excluded)


def _where(place: Place) -> str:
    return f"{place.column} of instance {place.instance!r}"
