"""Loss of power: what SQLite did with its files in, what a disk may have kept of it out.

A disk keeps what was synced. Of what was not, it keeps for each sector any of the contents that the sector had since;
of each file any of the sizes; of each name whether it is there. A sector that was being written may be torn: any bytes
stand where the write was, and on a device that is not `safe` in the whole sector. Names are kept once their folder is
synced. After a sync that failed nothing is known of what it was for, and no later sync is about it: the system takes
its pages for clean (https://www.usenix.org/conference/atc20/presentation/rebello), until they are written again.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import TypeAlias

from write_log import PAGE, Cut, Event, Failed, FolderSynced, Gone, Made, Reread, Synced, Told, Written, named

SECTOR = 512


class Fate(StrEnum):
    """What becomes of the changes of a file that were not synced."""

    NOTHING = "none is kept"
    EVERYTHING = "all are kept"
    SECTORS = "each sector as it pleases"
    FIRST = "the first of them, as in order"
    LAST = "the last of them, as in the other order"


@dataclass(frozen=True, slots=True)
class Weather:
    """How the power is lost. sector: what a disk writes whole or not. torn: how likely some sectors of a file were
    being written. safe: what is torn is torn where the write was. stale: new sectors that were not written are not
    empty."""

    sector: int = 512
    torn: float = 0.0
    safe: bool = True
    stale: bool = False


@dataclass
class Content:
    """A file: as it is on the disk for sure, as the programs see it, and what was done in between."""

    durable: bytearray = field(default_factory=bytearray)
    seen: bytearray = field(default_factory=bytearray)
    changes: list[Written | Cut] = field(default_factory=list[Written | Cut])
    suspect: bool = (
        False  # a sync has failed: what is durable is no longer what is seen, though nothing is to be synced
    )

    def change(self, event: Written | Cut) -> None:
        _applied(self.seen, event)
        if self.suspect and isinstance(event, Written):
            self.changes += self._pages(event)
        else:
            self.changes.append(event)

    def _pages(self, event: Written) -> Iterator[Written]:
        """Whole pages are written: what was taken for clean comes to the disk with what is new. What stands there
        already is not in danger."""
        begin, end = event.offset, event.offset + len(event.content)
        yield event
        for low in range(begin // PAGE * PAGE, -(-end // PAGE) * PAGE, SECTOR):
            for first, last in ((low, min(low + SECTOR, begin)), (max(low, end), low + SECTOR)):
                yield from self._others(event.file, first, max(first, min(last, len(self.seen))))

    def _others(self, file: int, first: int, last: int) -> Iterator[Written]:
        seen, durable = self.seen[first:last], self.durable[first:last].ljust(last - first, b"\0")
        differs = [place for place in range(last - first) if seen[place] != durable[place]] if seen != durable else []
        if differs:
            yield Written(file, first + differs[0], bytes(seen[differs[0] : differs[-1] + 1]))

    def sync(self) -> None:
        for event in self.changes:
            _applied(self.durable, event)
        self.durable += bytes(max(len(self.seen) - len(self.durable), 0))
        self.changes.clear()

    def fail(self, dice: random.Random) -> None:
        """The sync failed: some is on the disk, and the rest is taken for it."""
        self.durable = self.left(dice, dice.choice((Fate.NOTHING, Fate.SECTORS)), Weather(PAGE))
        self.changes.clear()
        self.suspect = True

    def reread(self) -> None:
        self.seen = _all(self.durable, self.changes)
        self.suspect = False

    def left(self, dice: random.Random, fate: Fate, weather: Weather) -> bytearray:
        """What may be found after the power is back."""
        if fate is Fate.NOTHING or not self.changes:
            return bytearray(self.durable)
        if fate is Fate.EVERYTHING:
            return bytearray(_all(self.durable, self.changes))
        count = dice.randint(1, len(self.changes))
        some = self.changes[:count] if fate is Fate.FIRST else self.changes
        sizes = _sizes(len(self.durable), self.changes)
        size = sizes[count] if fate is Fate.FIRST else dice.choice(sizes)
        found = bytearray(self.durable)
        if size > len(found):
            found += dice.randbytes(size - len(found)) if weather.stale else bytes(size - len(found))
        late = {id(event) for event in self.changes[-count:]}
        for writes in _by_sector(some, weather.sector).values():
            for begin, content, _ in writes[: _kept(dice, fate, writes, late)]:
                found[begin : begin + len(content)] = content
        if dice.random() < weather.torn:
            _tear(found, dice, self.changes[min(count, len(self.changes) - 1)], weather)
        del found[size:]
        return found


def _all(content: bytearray, changes: Iterable[Written | Cut]) -> bytearray:
    found = bytearray(content)
    for event in changes:
        _applied(found, event)
    return found


def _applied(content: bytearray, event: Written | Cut) -> None:
    if isinstance(event, Cut):
        del content[event.size :]
        content += bytes(max(event.size - len(content), 0))
        return
    content += bytes(max(event.offset - len(content), 0))
    content[event.offset : event.offset + len(event.content)] = event.content


def _sizes(size: int, changes: Sequence[Written | Cut]) -> list[int]:
    """The size of the file before and after each change."""
    sizes = [size]
    for event in changes:
        end = event.size if isinstance(event, Cut) else max(sizes[-1], event.offset + len(event.content))
        sizes.append(end)
    return sizes


Piece: TypeAlias = tuple[int, bytes, int]
"""Where it begins in the file, the bytes in one sector, and the id of the change they are of."""


def _by_sector(changes: Iterable[Written | Cut], size: int) -> Mapping[int, list[Piece]]:
    pieces: dict[int, list[Piece]] = {}
    for event in changes:
        if isinstance(event, Cut):
            continue
        begin, end = event.offset, event.offset + len(event.content)
        while begin < end:
            stop = min(end, (begin // size + 1) * size)
            content = event.content[begin - event.offset : stop - event.offset]
            pieces.setdefault(begin // size, []).append((begin, content, id(event)))
            begin = stop
    return pieces


def _kept(dice: random.Random, fate: Fate, writes: Sequence[Piece], late: set[int]) -> int:
    """How many of the writes to a sector are kept; the others came later."""
    if fate is Fate.FIRST:
        return len(writes)
    if fate is Fate.LAST:
        return len(writes) if writes[-1][2] in late else 0
    return dice.randint(0, len(writes))


def _tear(found: bytearray, dice: random.Random, change: Written | Cut, weather: Weather) -> None:
    """Some sectors of it were being written: half a sector, or nonsense, stands there."""
    sectors = _by_sector([change], weather.sector)
    for sector in dice.sample([*sectors], min(len(sectors), dice.randint(1, 3))):
        ((begin, content, _),) = sectors[sector]
        end = begin + len(content)
        if end > len(found):
            continue
        if not weather.safe:
            whole = sector * weather.sector, min((sector + 1) * weather.sector, len(found))
            found[slice(*whole)] = dice.randbytes(whole[1] - whole[0])
        elif dice.random() < 0.5:
            found[begin:end] = dice.randbytes(end - begin)
        else:
            middle = dice.randint(begin, end)
            found[begin:middle] = content[: middle - begin]


@dataclass
class Disk:
    """A folder on a disk, after the events it has taken."""

    names: dict[str, int] = field(default_factory=dict[str, int])
    renames: list[tuple[str, int | None]] = field(default_factory=list[tuple[str, int | None]])
    contents: dict[int, Content] = field(default_factory=dict[int, Content])

    @classmethod
    def of(cls, files: Mapping[str, bytes]) -> Disk:
        """One with these files, all of it durable, numbered as a Recorder that keeps them numbers them."""
        contents = {file: Content(bytearray(each), bytearray(each)) for file, each in enumerate(files.values())}
        return cls({name: file for file, name in enumerate(files)}, [], contents)

    def take(self, event: Event) -> None:
        match event:
            case Made(name, file):
                self.renames.append((name, file))
                self.contents[file] = Content()
            case Gone(name):
                self.renames.append((name, None))
            case Written(file) | Cut(file):
                self.contents[file].change(event)
            case Synced(file):
                self.contents[file].sync()
            case Failed(file, seed):
                self.contents[file].fail(random.Random(seed))
            case Reread(file):
                self.contents[file].reread()
            case FolderSynced():
                self.names = named(self.names, self.renames)
                self.renames.clear()
            case Told():
                pass

    def seen(self) -> dict[str, bytes]:
        """What the programs see: what a process that is killed leaves."""
        return {name: bytes(self.contents[file].seen) for name, file in named(self.names, self.renames).items()}

    def unsynced(self) -> bool:
        """Whether anything may be lost."""
        return bool(self.renames) or any(self.contents[file].changes for file in self._possible())

    def image(self, dice: random.Random, weather: Weather) -> dict[str, bytes]:
        """What may be found after a loss of power."""
        names = dict(self.names)
        fate = dice.choice([*Fate])
        for name in dict(self.renames):
            steps = [file for other, file in self.renames if other == name]
            lasting = {Fate.NOTHING: 0, Fate.EVERYTHING: len(steps)}.get(fate, dice.randint(0, len(steps)))
            names = named(names, [(name, file) for file in steps[:lasting]])
        return {
            name: bytes(self.contents[file].left(dice, dice.choice([*Fate]), weather)) for name, file in names.items()
        }

    def _possible(self) -> set[int]:
        return {*self.names.values(), *(file for _, file in self.renames if file is not None)}


def write(folder: Path, image: Mapping[str, bytes]) -> None:
    for name, content in image.items():
        (folder / name).write_bytes(content)
