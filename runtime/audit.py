"""Whether a journal is whole, and how everything came to be as it is: rows and instances in, what is wrong out.

Three questions. Is every row of the chain as it was written, and none missing (`Trail`)? Do an instance's rows lead,
through the pure core, to exactly what is stored of it (`mismatches`)? Is what it waits for to be done, and nothing else
(`remainders`)? `verify` asks them of a whole store.

Limits: whoever can write the file can also write a whole new chain, and take the last rows away together with what they
led to; both are found only by a head that was noted elsewhere. Arguments of calls, letters and messages are not looked
at.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from .chain import Head, Row
from .errors import StoreError
from .journal import AnyFlow, Diverged, replay
from .remainders import differences
from .sealing import FORGOTTEN, MARK
from .store import Instance, JournalEntry, Transaction

PAGE = 1000
"""How many rows or instances are looked at together."""

BEFORE_ALL = -(2**63)
"""No position comes before it."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What is wrong, and where: a position in the chain, an instance, the number of one of its rows."""

    problem: str
    position: int | None = None
    instance: str | None = None
    sequence: int | None = None

    def __str__(self) -> str:
        row = f"row {self.position}" if self.position is not None else ""
        own = f"row {self.sequence} of {self.instance}" if self.sequence is not None else f"{self.instance}"
        place = f"{row} ({own})" if row and self.instance is not None else row or own
        return f"{place}: {self.problem}"


@dataclass(frozen=True, slots=True)
class Report:
    """What was found. rows, instances: so many were looked at. unknown: how many instances of which flows could not be
    replayed, since their code was not at hand; forgotten: how many, since their key was destroyed."""

    head: Head
    rows: int
    instances: int
    unknown: Mapping[str, int]
    forgotten: int
    findings: tuple[Finding, ...]


class Trail:
    """Follows the chain, row by row in the order of their positions. `noted`: a head that was noted before."""

    def __init__(self, noted: Head | None = None) -> None:
        self.noted = noted or Head()
        self.position = 0
        self._hashes: set[str] = {""}  # that the last row may have, if nothing was changed; none if that is unknown

    def follow(self, row: Row) -> Iterator[Finding]:
        """What is wrong with the row, and before it."""
        instance = row.instance if isinstance(row.instance, str) else None
        sequence = row.sequence if isinstance(row.sequence, int) else None
        if row.position > self.position + 1:
            yield Finding(_missing(self.position + 1, row.position - 1), self.position + 1)
            self._hashes = set()
        proper = {row.hashed(hash) for hash in self._hashes}
        if proper and row.hash not in proper:
            problem = "it is not as it was written, or the row before it is not"
            yield Finding(problem, row.position, instance, sequence)
        elif row.position == self.noted.position and row.hash != self.noted.hash:
            problem = "it had another hash when that was noted: this row or one before it was changed"
            yield Finding(problem, row.position, instance, sequence)
        self._hashes = proper | ({row.hash} if isinstance(row.hash, str) else set[str]())
        self.position = row.position

    def end(self) -> Iterator[Finding]:
        """What is wrong with the end."""
        if self.noted.position > self.position:
            missing = _missing(self.position + 1, self.noted.position)
            yield Finding(f"{missing}: the journal was longer when its head was noted", self.position + 1)


def _missing(first: int, last: int) -> str:
    return "it is missing" if first == last else f"it and all up to row {last} are missing"


def forgotten(instance: Instance, entries: Sequence[JournalEntry]) -> bool:
    """Whether a codec says so of all its rows: of one row alone it would be an edit."""
    return {instance.snapshot, *(entry.trigger for entry in entries)} == {FORGOTTEN}


def mismatches(
    instance: Instance, entries: Sequence[JournalEntry], flow: type[AnyFlow] | None, gone: bool = False
) -> Iterator[Finding]:
    """What is stored of an instance, against its rows; and, where its code is given, against what they lead to. gone:
    it was forgotten."""
    id = instance.id
    for expected, entry in enumerate(entries, 1):
        if entry.sequence != expected:
            yield Finding("it is missing", instance=id, sequence=expected)
            return
    if not entries or len(entries) < instance.sequence:
        yield Finding("it is missing", instance=id, sequence=len(entries) + 1)
        return
    last = entries[-1]
    if last.sequence > instance.sequence:
        yield Finding("it was added, or the instance was set back", instance=id, sequence=instance.sequence + 1)
        return
    stored = {"moment": instance.at, "status": instance.status, "configuration": instance.configuration}
    told = {"moment": last.at, "status": last.status, "configuration": last.configuration}
    for what in stored:
        if stored[what] != told[what]:
            yield Finding(f"its {what} is not what its last row says", instance=id)
    if gone or (flow is None and instance.snapshot.startswith(MARK)):
        return  # without their key nothing more can be said of sealed payloads
    snapshot = json.loads(instance.snapshot)
    if instance.flow != f"{snapshot['flow']}/{snapshot['version']}":
        yield Finding("its flow is not that of its snapshot", instance=id)
        return
    if flow is None:
        return
    try:
        record = replay(flow, entries)
    except Diverged as diverged:
        yield Finding(diverged.problem, instance=id, sequence=diverged.sequence)
        return
    if record.to_text() != instance.snapshot:
        yield Finding("its snapshot is not what its rows lead to", instance=id)


def verify(
    tx: Transaction, flows: Mapping[str, type[AnyFlow]], noted: Head | None = None, sealed: bool = False
) -> Report:
    """Look at everything in a store; `flows` by label (`Order/1`). sealed: a codec reads it, which may say that an
    instance was forgotten; where there is none, nobody can. Raises StoreError where it cannot be read at all."""
    trail, rows, findings = Trail(noted), 0, list[Finding]()
    while page := tx.rows(trail.position if rows else BEFORE_ALL, PAGE):
        for row in page:
            findings += trail.follow(row)
        rows += len(page)
    findings += trail.end()
    findings += [Finding("there are rows of it, and no such instance", instance=id) for id in tx.strays()]
    instances, lost, unknown = 0, 0, dict[str, int]()
    for id in _ids(tx):
        instances += 1
        try:
            instance = tx.instance(id)
            assert instance is not None, "it was there a moment ago, in the same transaction"
            flow, entries = flows.get(instance.flow), tx.entries(id)
            gone = sealed and forgotten(instance, entries)
            findings += (wrong := [*mismatches(instance, entries, flow, gone)])
            if gone:
                lost += 1
                continue
            if flow is not None and not wrong:
                findings += _left(tx, id, flow.from_json(json.loads(instance.snapshot)))
        except (ValueError, TypeError, LookupError, OverflowError, AttributeError, StoreError) as error:
            findings.append(Finding(f"it cannot be read: {error}", instance=id))
            continue
        if flow is None:
            unknown[instance.flow] = unknown.get(instance.flow, 0) + 1
    return Report(tx.head(), rows, instances, unknown, lost, tuple(findings))


def _left(tx: Transaction, id: str, record: AnyFlow) -> list[Finding]:
    """What is wrong with what it has still to do."""
    told = differences(record, tx.calls(id), tx.timers(id), tx.tasks_of(id), tx.children(id))
    return [Finding(problem, instance=id) for problem in told]


def _ids(tx: Transaction) -> Iterator[str]:
    after = ""
    while page := tx.ids(after, PAGE):
        yield from page
        after = page[-1]
