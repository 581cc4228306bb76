"""A disk that fails: a fault and the operation at which it begins in; a host that meets it out.

The fault lasts for some operations of its kind, then it is cured. The people of the laboratories are patient: what the
store refuses they look for (it must not have happened), and ask for again, of the same host.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Generator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple
from unittest import mock

import crash_lab
import family_lab
import fulfilment_lab
import hiring_lab
from penstock.runtime.errors import Busy, Corrupt, DiskFull, NotAStore, NotWritable, StoreError
from penstock.runtime.hosts.sqlite import SqliteHost
from penstock.runtime.worker import HOPELESS
from watched_disk import Forward, Kind, Operation


class Fault(NamedTuple):
    """What goes wrong: with which operations, what SQLite is told, what the host may say. part: how much of a write is
    done all the same. flip: the operation is done, and a bit of what was read is another."""

    kinds: tuple[Kind, ...]
    code: int
    says: tuple[type[StoreError], ...]
    part: float = 0.0
    flip: bool = False


IOERR, FULL, CANTOPEN, BUSY, NOMEM = 10, 13, 14, 5, 7


def _io(detail: int) -> int:
    return IOERR | detail << 8


DISK = (StoreError,)
FAULTS = {
    "a read fails": Fault((Kind.READ,), _io(1), DISK),
    "a write fails": Fault((Kind.WRITE,), _io(3), DISK),
    "a write fails in the middle": Fault((Kind.WRITE,), _io(3), DISK, part=0.5),
    "the disk is full": Fault((Kind.WRITE,), FULL, (DiskFull,)),
    "the disk is full in the middle": Fault((Kind.WRITE,), FULL, (DiskFull,), part=0.5),
    "a sync fails": Fault((Kind.SYNC,), _io(4), DISK),
    "a truncation fails": Fault((Kind.TRUNCATE,), _io(6), DISK),
    "the size is not told": Fault((Kind.SIZE,), _io(7), DISK),
    "another has the lock": Fault((Kind.LOCK, Kind.SHARE), BUSY, (Busy,)),
    "a lock fails": Fault((Kind.LOCK,), _io(15), DISK),
    "a lock of the log fails": Fault((Kind.SHARE,), _io(20), DISK),
    "the log has no index": Fault((Kind.MAP,), _io(21), DISK),
    "there is no memory for the log's index": Fault((Kind.MAP,), NOMEM, DISK),
    "there is no memory for a read": Fault((Kind.READ,), NOMEM, DISK),
    "a file cannot be opened": Fault((Kind.OPEN,), CANTOPEN, (NotWritable,)),
    "a file cannot be deleted": Fault((Kind.DELETE,), _io(10), DISK),
    "a file cannot be looked for": Fault((Kind.ACCESS,), _io(13), DISK),
}
ROT = Fault((Kind.READ,), 0, (Corrupt, NotAStore), flip=True)
"""A bit is read wrong."""


@dataclass
class Injector:
    """A watch that lets the n-th operation fail, and those that follow it, `length` in all."""

    fault: Fault
    at: int
    length: int = 1
    bit: int = 0
    below: Callable[[Operation, Forward], int] = lambda operation, forward: forward(operation)
    failed: Callable[[Path], None] = lambda path: None
    passed: int = 0
    hits: int = 0

    def watch(self, operation: Operation, forward: Forward) -> int:
        if operation.kind not in self.fault.kinds:
            return self.below(operation, forward)
        self.passed += 1
        if not self.at <= self.passed < self.at + self.length:
            return self.below(operation, forward)
        self.hits += 1
        if self.fault.flip:
            code = self.below(operation, forward)
            operation.flip(self.bit)
            return code
        if self.fault.part:
            self.below(replace(operation, size=int(operation.size * self.fault.part)), forward)
        if operation.kind is Kind.SYNC:
            self.failed(operation.path)
        return self.fault.code


@dataclass
class Patience:
    """What patient people were told. opened: whether the host has ever been open."""

    errors: list[StoreError] = field(default_factory=list[StoreError])
    done: set[tuple[object, ...]] = field(default_factory=set[tuple[object, ...]])
    opened: bool = False

    async def ask(self, host: SqliteHost, name: str, arguments: tuple[Any, ...], options: dict[str, Any]) -> Any:
        act = arguments[1:2] if name == "start" else (arguments[0], options.get("request")) if name == "send" else ()
        while True:
            try:
                answer = await getattr(SqliteHost, name)(host, *arguments, **options)
            except HOPELESS:
                raise
            except StoreError as error:
                self.errors.append(error)
                if act and act not in self.done:
                    await self._look(host, act)
                await asyncio.sleep(0)
            else:
                self.done.add(act)
                return answer

    async def _look(self, host: SqliteHost, act: tuple[object, ...]) -> None:
        """What was refused has not happened."""
        journal = await self.ask(host, "journal", (act[0],), {})
        requests = {entry.request for entry in journal}
        happened = bool(journal) if len(act) == 1 else act[1] is not None and act[1] in requests
        assert not happened, f"{act} was refused, and happened"

    def of(self, name: str) -> Callable[..., Any]:
        async def method(host: SqliteHost, *arguments: Any, **options: Any) -> Any:
            return await self.ask(host, name, arguments, options)

        return method


ASKED = (
    *("start", "send", "delegate", "acknowledge"),
    *("instance", "instances", "journal", "tasks", "messages", "settled", "run_until_idle"),
)


@contextmanager
def patient() -> Generator[Patience]:
    """Inside, the people of the laboratories are patient."""
    patience = Patience()

    async def enter(host: SqliteHost) -> SqliteHost:
        await SqliteHost.__aenter__(host)
        patience.opened = True
        return host

    methods = {"__aenter__": enter, **{name: patience.of(name) for name in ASKED}}
    host = type("PatientHost", (SqliteHost,), methods)
    with ExitStack() as stack:
        for lab in (crash_lab, family_lab, fulfilment_lab, hiring_lab):
            stack.enter_context(mock.patch.object(lab, "SqliteHost", host))
        yield patience
