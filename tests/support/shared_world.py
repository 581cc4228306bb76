"""A world and a clock that several processes share, and that outlive each of them: files.

Who asks knows all that anybody has written down; what a kill has cut short was never said.
"""

from __future__ import annotations

import asyncio
import fcntl
import json
import os
import threading
from collections.abc import Generator, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from penstock.runtime.timers import ManualClock
from virtual import START
from worlds import Fact, World

SECOND = timedelta(seconds=1)


class SharedWorld(World):
    """The world of several processes and their threads: a file of facts. Who asks knows all that is in it."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._file = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT)
        self._seen = 0
        self._mine = threading.RLock()

    def note(self, kind: str, instance: str, name: str, more: Any = None) -> None:
        """A line; one that was cut short by a kill is none, for nobody has been told."""
        with self.alone():
            end = os.lseek(self._file, 0, os.SEEK_END)
            torn = end > 0 and os.pread(self._file, 1, end - 1) != b"\n"
            os.write(self._file, (b"\n" if torn else b"") + json.dumps((kind, instance, name, more)).encode() + b"\n")

    def of(self, kind: str, instance: str) -> Sequence[Fact]:
        self.read()
        return super().of(kind, instance)

    def read(self) -> None:
        """What others have added."""
        with self._mine:
            size = os.fstat(self._file).st_size
            whole = os.pread(self._file, size - self._seen, self._seen) if size > self._seen else b""
            whole = whole[: whole.rfind(b"\n") + 1]
            self._seen += len(whole)
            for line in whole.splitlines():
                with suppress(json.JSONDecodeError):
                    super().note(*json.loads(line))

    @contextmanager
    def alone(self) -> Generator[None]:
        """Nobody else adds anything meanwhile."""
        with self._mine:
            fcntl.flock(self._file, fcntl.LOCK_EX)
            try:
                self.read()
                yield
            finally:
                fcntl.flock(self._file, fcntl.LOCK_UN)


class SharedClock(ManualClock):
    """The clock of a machine on which processes come and go."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_RDWR | os.O_CREAT)
        super().__init__(self.now())

    def now(self) -> datetime:
        return START + timedelta(seconds=int(os.pread(self._file, 20, 0) or b"0"))

    def sleep(self, duration: timedelta) -> asyncio.Future[None]:
        self.catch_up()
        return super().sleep(duration)

    def catch_up(self) -> None:
        """Wake who has slept long enough."""
        if (passed := self.now() - self._now) > timedelta(0):
            super().advance(passed)

    def pass_by(self, duration: timedelta) -> None:
        """Whole seconds, for everybody."""
        fcntl.flock(self._file, fcntl.LOCK_EX)
        later = self.now() - START + duration
        os.pwrite(self._file, b"%20d" % -(-later // SECOND), 0)
        fcntl.flock(self._file, fcntl.LOCK_UN)
        self.catch_up()

    async def follow(self) -> None:
        """Hear of what others let pass."""
        while True:
            self.catch_up()
            await asyncio.sleep(0.002)
