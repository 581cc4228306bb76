"""What SQLite did with its files, in order, and what a sync was for: a watch of the disk in, a list of events out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple, TypeAlias

from watched_disk import OK, Forward, Kind, Operation

PAGE = 4096
"""The size of a page of the file, and of what the system keeps and writes at a time."""


class Sync(StrEnum):
    """What a sync is for. AGAIN has nothing to sync: all of the log is synced already."""

    JOURNAL = "the rollback journal, while the file is made"
    MAKING = "the file, while it is made"
    HEADER = "the head of a log that begins anew"
    COMMIT = "the log, at a commit"
    AGAIN = "the log, before a checkpoint"
    CHECKPOINT = "the file, at a checkpoint"
    FOLDER = "the folder"


class Made(NamedTuple):
    name: str
    file: int


class Gone(NamedTuple):
    name: str


class Written(NamedTuple):
    file: int
    offset: int
    content: bytes


class Cut(NamedTuple):
    file: int
    size: int


class Synced(NamedTuple):
    file: int
    what: Sync


class Failed(NamedTuple):
    """A sync that failed. seed: of the dice that say what became of it."""

    file: int
    seed: int


class Reread(NamedTuple):
    """What the system had of a file in memory is forgotten, so that what is on the disk is seen."""

    file: int


class FolderSynced(NamedTuple):
    what: Sync = Sync.FOLDER


class Told(NamedTuple):
    """Somebody was told something that is true from then on: of the log of the host, not of the disk."""

    what: object


NOTHING = Told(None)

Event: TypeAlias = Made | Gone | Written | Cut | Synced | Failed | Reread | FolderSynced | Told


@dataclass
class Recorder:
    """A watch that writes down what changes the files of a folder, in order. `kept`: those that are there already."""

    kept: Iterable[str] = ()
    events: list[Event] = field(default_factory=list[Event])
    files: dict[str, int] = field(default_factory=dict[str, int])
    unsynced: dict[int, list[Written | Cut]] = field(default_factory=dict[int, list[Written | Cut]])
    folder: bool = False

    def __post_init__(self) -> None:
        for file, name in enumerate(self.kept):
            self.files[name] = file
        self.made = len(self.files)

    def again(self, events: int) -> Recorder:
        """For a process that comes after so many of the events."""
        past = self.events[:events]
        names = named(
            {}, [(e.name, e.file if isinstance(e, Made) else None) for e in past if isinstance(e, Made | Gone)]
        )
        recorder = Recorder((), past, names)
        recorder.made = self.made
        return recorder

    def tell(self, what: object) -> None:
        self.events.append(Told(what))

    def reread(self, path: Path) -> None:
        """Somebody has asked for that."""
        self.events.append(Reread(self.files[path.name]))

    def synced(self, path: Path) -> None:
        file = self.files[path.name]
        self.events.append(Synced(file, self._purpose(path.name, self.unsynced.pop(file, []))))

    def fail(self, path: Path) -> None:
        """A sync has failed that this was not asked to watch."""
        file = self.files[path.name]
        self.unsynced.pop(file, None)
        self.events.append(Failed(file, len(self.events)))

    def watch(self, operation: Operation, forward: Forward) -> int:
        content = operation.content() if operation.kind is Kind.WRITE else b""
        new = operation.kind is Kind.OPEN and not operation.path.exists()
        code = forward(operation)
        self._note(operation, content, new, code)
        return code

    def _note(self, operation: Operation, content: bytes, new: bool, code: int) -> None:
        name = operation.path.name
        match operation.kind:
            case Kind.OPEN if new and operation.path.exists():
                self.files[name] = self.made
                self.events.append(Made(name, self.made))
                self.made += 1
            case Kind.DELETE if code == OK:
                self.events.append(Gone(name))
                del self.files[name]
            case Kind.WRITE if code == OK:
                self._changed(Written(self.files[name], operation.offset, content))
            case Kind.TRUNCATE if code == OK:
                self._changed(Cut(self.files[name], operation.value))
            case Kind.FOLDER if code == OK:
                self.folder = True
            case Kind.SYNC if code == OK:
                self.synced(operation.path)
            case _:
                pass
        if self.folder and operation.kind in (Kind.SYNC, Kind.DELETE):
            self.events.append(FolderSynced())
            self.folder = False

    def _changed(self, event: Written | Cut) -> None:
        self.events.append(event)
        self.unsynced.setdefault(event.file, []).append(event)

    def _purpose(self, name: str, changes: Sequence[Written | Cut]) -> Sync:
        if name.endswith("-journal"):
            return Sync.JOURNAL
        if not name.endswith("-wal"):
            return Sync.MAKING if any(other.endswith("-journal") for other in self.files) else Sync.CHECKPOINT
        if not changes:
            return Sync.AGAIN
        first = changes[0]
        alone = len(changes) == 1 and isinstance(first, Written) and first.offset == 0
        return Sync.HEADER if alone else Sync.COMMIT


def named(names: Mapping[str, int], renames: Iterable[tuple[str, int | None]]) -> dict[str, int]:
    found = dict(names)
    for name, file in renames:
        found.pop(name, None)
        if file is not None:
            found[name] = file
    return found


def commits(events: Sequence[Event]) -> list[int]:
    """The positions behind the last write of each commit in the write-ahead logs: frames with the file's size in them.

    See https://sqlite.org/fileformat2.html#walformat (pages of 4096 bytes)."""
    logs = {event.file for event in events if isinstance(event, Made) and event.name.endswith("-wal")}
    found: list[int] = []
    ends: set[int] = set()  # logs whose next write ends a commit
    for position, event in enumerate(events):
        if not isinstance(event, Written) or event.file not in logs:
            continue
        if event.file in ends:
            ends.discard(event.file)
            found.append(position + 1)
        elif len(event.content) == 24 and (event.offset - 32) % (PAGE + 24) == 0 and any(event.content[4:8]):
            ends.add(event.file)
    return found


def without(events: Sequence[Event], lost: Sync) -> list[Event]:
    """The same in the same places, had the syncs for that purpose been left out of the code."""
    return [NOTHING if isinstance(event, Synced | FolderSynced) and event.what is lost else event for event in events]


def windows(events: Sequence[Event], lost: Sync) -> list[range]:
    """For each of these syncs, the numbers of events at which it may show that it was left out: until another makes up
    for it. A journal is not needed any more when it is deleted."""
    found: list[range] = []
    for place, event in enumerate(events):
        if isinstance(event, Synced | FolderSynced) and event.what is lost:
            after = (n for n in range(place + 1, len(events)) if _makes_up(events[n], event))
            found.append(range(place + 1, next(after, len(events)) + 1))
    return found


def _makes_up(other: Event, lost: Synced | FolderSynced) -> bool:
    if isinstance(lost, FolderSynced):
        return isinstance(other, FolderSynced)
    if lost.what is Sync.JOURNAL:
        return isinstance(other, Gone)
    return isinstance(other, Synced) and other.file == lost.file
