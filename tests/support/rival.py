"""A process of its own that runs a host on a file, for tests of several of them: `rival.py FOLDER NAME WAY`.

It starts two instances, `i` and `other`, if nobody has, and works until both have ended. Their activities say so in a
side file, and then do what the WAY says: `slow` waits until there is a file `go`, `kill` kills its process (that of `i`
does; of `other`, which has more attempts, it waits for nothing), `quick` answers. Lines of the side file: the name of
the process, the key.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

from kernels import flow
from orders import inputs
from penstock.runtime.hosts.sqlite import SqliteHost
from penstock.runtime.journal import AnyFlow
from penstock.runtime.worker import Limits
from twins import generated

LEASE = timedelta(seconds=2)
LIMITS = Limits(lease=LEASE, poll=timedelta(milliseconds=50), pause=timedelta(milliseconds=50))
IDS = ("i", "other")


def working() -> type[AnyFlow]:
    return generated(
        flow("""
  input { frail: bool }
  activity act() -> text { timeout 1m retry 3 backoff 100ms..100ms compensate undo(result) }
  activity rest() -> text { timeout 1m retry 30 backoff 100ms..100ms readonly }
  start -> Which
  choice Which { when frail -> Acting else -> Resting }
  state Acting { do act() on done(_) -> Done on failed -> compensate -> Lost }
  state Resting { do rest() on done(_) -> Done on failed -> Lost }
  final Done
  final failure Lost
""")
    )


class Activities:
    def __init__(self, folder: Path, name: str, way: str) -> None:
        self.folder = folder
        self.name = name
        self.way = way

    def note(self, key: str) -> None:
        with (self.folder / "acts").open("a", encoding="utf-8") as file:
            file.write(f"{self.name} {key}\n")

    def act(self, *, key: str) -> str:
        self.note(key)
        if self.way == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        return self.wait()

    def rest(self, *, key: str) -> str:
        self.note(key)
        return self.wait()

    def wait(self) -> str:
        while self.way == "slow" and not (self.folder / "go").exists():
            time.sleep(0.01)
        return self.name

    def undo(self, result: str | None, *, key: str) -> None:
        self.note(f"{key}/undo")


async def run(folder: Path, name: str, way: str) -> None:
    made = working()
    activities = Activities(folder, name, way)
    async with SqliteHost(folder / "rivals.db", {made: activities}, limits=LIMITS, worker=name) as host:
        for id in IDS:
            await host.start(made, id, inputs(made, id == "i"))
        (folder / f"{name}-works").touch()
        while not all([(await host.instance(id)).status.finished for id in IDS]):
            await asyncio.sleep(0.02)


def rival(folder: Path, name: str, way: str, **environment: str) -> subprocess.Popen[str]:
    path = os.pathsep.join(filter(None, sys.path))
    return subprocess.Popen(
        [sys.executable, __file__, str(folder), name, way],
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": path, **environment},
    )


def acts(folder: Path) -> Sequence[str]:
    path = folder / "acts"
    return path.read_text(encoding="utf-8").splitlines() if path.exists() else []


if __name__ == "__main__":
    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    asyncio.run(run(Path(sys.argv[1]), sys.argv[2], sys.argv[3]))
