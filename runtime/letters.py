"""What flows say to each other, as values: messages that were emitted, letters from one instance to another; and the
protocol of the storage that keeps both until they are acknowledged or delivered.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple, Protocol

CAPACITY = 1000
"""How many letters wait for an instance that has not been started; more are dead letters (`full`)."""


class Message(NamedTuple):
    """What an instance emitted. `id` (`o-1/4/0`: the instance, the row of its journal, the number in that step) stays
    the same however often it is read. payload: JSON."""

    id: str
    instance: str
    flow: str
    event: str
    payload: str
    at: datetime


class Letter(NamedTuple):
    """An event on its way to the instance `to` of `flow`. reason: why it was not taken; "" while it waits."""

    id: str
    sender: str
    flow: str
    to: str
    event: str
    payload: str
    at: datetime
    reason: str = ""


class Post(Protocol):
    """The part of `store.Transaction` about them. A letter and a message are only ever put once: by their ids."""

    def put_message(self, message: Message, /) -> None: ...
    def drop_message(self, id: str) -> None: ...
    def messages(self, limit: int) -> Sequence[Message]:
        """The oldest first."""
        ...

    def put_letter(self, letter: Letter, /) -> None:
        """A new one behind all others; one that is there keeps its place."""
        ...

    def drop_letter(self, id: str) -> None: ...
    def letter(self, id: str) -> Letter | None: ...
    def letters(self) -> Sequence[Letter]:
        """In the order they were sent."""
        ...

    def waiting(self, to: str) -> int:
        """How many wait for the instance."""
        ...

    def next_letter(self, flows: Sequence[str]) -> Letter | None:
        """The oldest that waits for an instance that is there, of one of these flows (`Billing/1`)."""
        ...
