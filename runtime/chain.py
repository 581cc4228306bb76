"""The chain of the journal: a row and the hash of the row before it in, its own hash out; and what storage tells of it.

The rows of all instances are one chain, in the order in which they were written (`position`, from 1 without a gap).
The hash is the SHA-256 of the JSON array of the hash before it ("" before the first row) and all other columns of the
row, as they are stored. So whoever has noted the last hash can tell later that nothing before it was touched.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256
from typing import NamedTuple, Protocol

from .codec import written


class Head(NamedTuple):
    """The last row of a journal: where it stands, and its hash. Of an empty journal: 0, and none."""

    position: int = 0
    hash: str = ""

    def __str__(self) -> str:
        return f"{self.position}:{self.hash}"


def head_of(text: str) -> Head:
    """What `str` wrote. Raises ValueError."""
    position, _, hash = text.strip().partition(":")
    if not (position.isascii() and position.isdecimal()) or len(hash) != (64 if int(position) else 0):
        raise ValueError(f"{text!r} is no head of a journal, which is like 17:9f86…, with 64 digits")
    return Head(int(position), hash.lower())


class Row(NamedTuple):
    """A row of the journal as it is stored, whatever somebody may have made of it. `at`: microseconds since 1970."""

    position: int
    hash: object
    instance: object
    sequence: object
    at: object
    kind: object
    actor: object
    trigger: object
    note: object
    request: object
    effects: object
    status: object
    configuration: object
    attempt: object

    def hashed(self, previous: str) -> str:
        """The hash that it must have behind a row with the hash `previous`."""
        return linked(previous, (self.position, *self[2:]))


def linked(previous: str, columns: Sequence[object]) -> str:
    """The hash of a row's columns, but for itself, in the order of `Row`."""
    return sha256(written((previous, *columns)).encode("ascii")).hexdigest()


class Link(NamedTuple):
    """Where the row of this sequence of an instance stands in the chain."""

    sequence: int
    position: int
    hash: str


class Chain(Protocol):
    """The part of `store.Transaction` that tells of the chain; `append` is what makes it longer."""

    def head(self) -> Head: ...

    def rows(self, after: int, limit: int) -> Sequence[Row]:
        """The first so many behind this position, as they are stored."""
        ...

    def links(self, instance: str) -> Sequence[Link]:
        """Those of an instance's rows, oldest first."""
        ...

    def strays(self) -> Sequence[str]:
        """The instances that the journal has rows of, and that there are not."""
        ...
