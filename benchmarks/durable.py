"""Durable three-step sagas, beside DBOS and beside SQLite by hand: `durable.py --at-once 1 16 100`.

One process (saga.flow): three effects that do nothing, each recorded before the next, and every saga acknowledged when
it has ended. Each contender runs in a fresh process on a file of its own, for some seconds, all in turn in several
rounds, at equal durability (`synchronous=FULL` everywhere; PostgreSQL as it comes). Printed are the medians of sagas a
second and of processor milliseconds a saga (of PostgreSQL the client's only), and each as a ratio to the limit.

The limit is `sqlite3` with the commits that no durable host can do without: with each effect one transaction that
writes a row of a journal, the snapshot and the outbox; sagas that run at once share it. It has no code between.

`--parked N` measures instances that wait for somebody: memory and processor time while nothing happens; and how long a
host takes until it works, with sagas in flight. What is not installed is left out.
"""

from __future__ import annotations

import argparse
import asyncio
import importlib
import importlib.util
import json
import os
import pwd
import shutil
import signal
import sqlite3
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Awaitable, Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from time import perf_counter, process_time, sleep
from typing import Any

HERE = Path(__file__).parent
CONTENDERS = ("limit", "penstock", "DBOS, SQLite as shipped", "DBOS, SQLite in WAL", "DBOS, PostgreSQL")
LIMIT, PENSTOCK, *_ = CONTENDERS
CREATE = """
CREATE TABLE journal (id TEXT, sequence INTEGER, at INTEGER, trigger TEXT, PRIMARY KEY (id, sequence)) WITHOUT ROWID;
CREATE TABLE snapshot (id TEXT PRIMARY KEY, sequence INTEGER, state TEXT) WITHOUT ROWID;
CREATE TABLE outbox (id TEXT, key TEXT, args TEXT, PRIMARY KEY (id, key)) WITHOUT ROWID;
"""
SAGA = {"inputs": {"item": "A1", "cents": 4000}, "data": {"stock": "s-1", "payment": "p-1"}, "at": "Charging"}
STATE = json.dumps(SAGA)


# ---------------------------------------------------------------- contenders, each in a process of its own


def limit(folder: Path, at_once: int, seconds: float) -> tuple[int, float, float]:
    """SQLite by hand: the number of sagas, seconds, and processor seconds."""
    db = sqlite3.connect(folder / "limit.db", isolation_level=None)
    db.executescript(f"PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; {CREATE}")
    began, cpu, done = perf_counter(), process_time(), 0
    while perf_counter() - began < seconds:
        ids = [f"o-{done + number}" for number in range(at_once)]
        for step in range(3):
            db.execute("BEGIN IMMEDIATE")
            for id in ids:
                db.execute("INSERT INTO journal VALUES (?, ?, ?, ?)", (id, step, step, STATE))
                db.execute("INSERT OR REPLACE INTO snapshot VALUES (?, ?, ?)", (id, step, STATE))
                db.execute("DELETE FROM outbox WHERE id = ?", (id,))
                if step < 2:
                    db.execute("INSERT INTO outbox VALUES (?, ?, ?)", (id, f"call#{step}", STATE))
            db.execute("COMMIT")
        done += at_once
    return done, perf_counter() - began, process_time() - cpu


class Effects:
    """The activities of the saga, which do nothing."""

    async def reserve(self, item: str, *, key: str) -> str:
        return "s-1"

    async def release(self, result: str, *, key: str) -> None: ...

    async def charge(self, cents: int, *, key: str) -> str:
        return "p-1"

    async def refund(self, result: str, *, key: str) -> None: ...

    async def ship(self, stock: str, payment: str, *, key: str) -> None: ...


def penstock(folder: Path, at_once: int, seconds: float) -> tuple[int, float, float]:
    sys.path.insert(0, str(folder.parent))
    flow = importlib.import_module("saga_flow")
    from penstock.runtime.hosts.sqlite import SqliteHost

    async def run() -> tuple[int, float, float]:
        async with SqliteHost(folder / "penstock.db", {flow.Saga: Effects()}) as host:

            async def saga(id: str) -> None:
                await host.start(flow.Saga, id, flow.SagaInputs("A1", 4000))
                await host.settled(id)

            return await _clients(saga, at_once, seconds)

    return asyncio.run(run())


def dbos(folder: Path, at_once: int, seconds: float, url: str, wal: bool = False) -> tuple[int, float, float]:
    from dbos import DBOS, SetWorkflowID

    if wal:
        with closing(sqlite3.connect(folder / "dbos.sqlite")) as db:
            db.execute("PRAGMA journal_mode = WAL")
    DBOS(config={"name": "bench", "system_database_url": url, "log_level": "ERROR", "run_admin_server": False})

    @DBOS.step()
    async def reserve(item: str) -> str:
        return "s-1"

    @DBOS.step()
    async def charge(cents: int) -> str:
        return "p-1"

    @DBOS.step()
    async def ship(stock: str, payment: str) -> None: ...

    @DBOS.workflow()
    async def workflow(item: str, cents: int) -> None:
        await ship(await reserve(item), await charge(cents))

    async def saga(id: str) -> None:
        with SetWorkflowID(id):
            await workflow("A1", 4000)

    DBOS.launch()
    try:
        return asyncio.run(_clients(saga, at_once, seconds))
    finally:
        DBOS.destroy()


async def _clients(saga: Callable[[str], Awaitable[None]], at_once: int, seconds: float) -> tuple[int, float, float]:
    """So many clients, each of which starts a saga when its last one has ended."""
    await saga("warm")
    began, cpu, done = perf_counter(), process_time(), 0

    async def client(number: int) -> None:
        nonlocal done
        mine = 0
        while perf_counter() - began < seconds:
            await saga(f"o-{number}-{mine}")
            mine += 1
            done += 1

    await asyncio.gather(*map(client, range(at_once)))
    return done, perf_counter() - began, process_time() - cpu


def one(contender: str, folder: Path, at_once: int, seconds: float, server: str) -> tuple[int, float, float]:
    match contender:
        case "limit":
            return limit(folder, at_once, seconds)
        case "penstock":
            return penstock(folder, at_once, seconds)
        case "DBOS, PostgreSQL":
            return dbos(folder, at_once, seconds, server)
        case _:
            return dbos(folder, at_once, seconds, f"sqlite:///{folder}/dbos.sqlite", wal="WAL" in contender)


# ---------------------------------------------------------------- PostgreSQL


@contextmanager
def postgres(folder: Path) -> Iterator[str]:
    """A server of its own, at an address; no address where there is none to start."""
    programs = [path for path in Path("/usr/lib/postgresql").glob("*/bin") if (path / "initdb").exists()]
    if not programs or importlib.util.find_spec("dbos") is None:
        yield ""
        return
    data, bin = folder / "postgres", programs[-1]
    data.mkdir()
    user = pwd.getpwnam("postgres") if os.getuid() == 0 else pwd.getpwuid(os.getuid())  # it refuses to be run by root
    if os.getuid() == 0:
        os.chown(data, user.pw_uid, user.pw_gid)
        folder.chmod(0o755)
    who: dict[str, Any] = {"user": user.pw_uid, "group": user.pw_gid} if os.getuid() == 0 else {}
    quiet: dict[str, Any] = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, **who}
    subprocess.run([bin / "initdb", "-D", data, "-U", "postgres", "-A", "trust"], check=True, cwd="/", **quiet)
    options = ["-c", "listen_addresses=127.0.0.1", "-c", "port=54329", "-c", f"unix_socket_directories={data}"]
    server = subprocess.Popen([bin / "postgres", "-D", data, *options], cwd="/", **quiet)
    try:
        sleep(3)
        yield "postgresql://postgres@127.0.0.1:54329/bench"
    finally:
        server.send_signal(signal.SIGINT)
        server.wait()


# ---------------------------------------------------------------- the table


def build(folder: Path) -> None:
    own = str(Path(sys.executable).parent / "penstock")
    for name in ("saga.flow", "parked.flow"):
        shutil.copy(HERE / name, folder)
        subprocess.run([own, "build", name, "--out", "."], cwd=folder, check=True, capture_output=True)


def measure(contender: str, root: Path, at_once: int, seconds: float, server: str) -> tuple[float, float] | None:
    """Sagas a second, and processor milliseconds a saga."""
    if (contender.startswith("DBOS") and importlib.util.find_spec("dbos") is None) or (
        "PostgreSQL" in contender and not server
    ):
        return None
    folder = Path(tempfile.mkdtemp(dir=root))
    command = [sys.executable, __file__, "--one", contender, "--folder", str(folder)]
    command += ["--at-once", str(at_once), "--seconds", str(seconds), "--server", server]
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    shutil.rmtree(folder)
    if answer.returncode:
        print(f"{contender}: {answer.stderr.strip().splitlines()[-1]}", file=sys.stderr)
        return None
    done, took, cpu = json.loads(answer.stdout.splitlines()[-1])
    return done / took, 1000 * cpu / done


def table(root: Path, at_once: int, seconds: float, rounds: int, server: str) -> None:
    found: dict[str, list[tuple[float, float]]] = {}
    for _ in range(rounds):
        for contender in CONTENDERS:
            if (result := measure(contender, root, at_once, seconds, server)) is not None:
                found.setdefault(contender, []).append(result)
    middle = {name: tuple(map(statistics.median, zip(*each, strict=True))) for name, each in found.items()}
    best = middle[LIMIT][0]
    own = middle[PENSTOCK][0] if PENSTOCK in middle else float("nan")
    print(f"\n### {at_once} at once\n")
    print("| | sagas a second | of the limit | penstock / this | CPU-ms a saga |\n|---|---|---|---|---|")
    for name, (rate, cpu) in middle.items():
        print(f"| {name} | {rate:,.0f} | {rate / best:.2f} | {own / rate:.2g} | {cpu:.2f} |", flush=True)


# ---------------------------------------------------------------- instances that wait

COPIES = """
WITH RECURSIVE number (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM number WHERE n < ?)
INSERT INTO {table} SELECT {columns} FROM {table}, number WHERE {id} = 'o'
"""


def copied(path: Path, number: int) -> None:
    """So many instances more that are as `o` is: the same rows with other ids."""
    db = sqlite3.connect(path)
    for (table,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
        names = [name for _, name, *_ in db.execute(f"PRAGMA table_info({table})")]
        id = "id" if table == "instance" else "instance"
        if id in names:
            columns = ", ".join(
                {id: "'o-' || n", "position": f"n + (SELECT max(position) FROM {table})"}.get(c, c) for c in names
            )
            db.execute(COPIES.format(table=table, columns=columns, id=id), (number,))
    db.commit()
    db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    db.close()


def memory() -> float:
    """What this process holds in memory, in megabytes."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


async def parked(folder: Path, number: int, seconds: float) -> dict[str, float]:
    """A host with so many instances that wait for an event or for 30 days, while nothing happens."""
    flow = importlib.import_module("parked_flow")
    from penstock.runtime.hosts.sqlite import SqliteHost

    path, flows = folder / "parked.db", {flow.Parked: object()}
    async with SqliteHost(path, flows) as host:
        await host.start(flow.Parked, "o", flow.ParkedInputs("A1"))
    copied(path, number)
    before, began = memory(), perf_counter()
    async with SqliteHost(path, flows) as host:
        await host.start(flow.Parked, "one more", flow.ParkedInputs("A1"))
        ready = perf_counter() - began
        await asyncio.sleep(2)
        cpu = process_time()
        await asyncio.sleep(seconds)
        cpu = process_time() - cpu
        began = perf_counter()
        for each in range(100):
            await host.send(f"o-{1 + each * (number // 101)}", flow.Go())
        event = (perf_counter() - began) / 100
        return {"ready": ready, "core": cpu / seconds, "event": event, "memory": memory(), "more": memory() - before}


async def restarted(folder: Path, number: int) -> float:
    """Seconds until a host takes a start, with so many sagas in flight whose worker was killed."""
    flow = importlib.import_module("saga_flow")
    from penstock.runtime.hosts.sqlite import SqliteHost

    class Stuck(Effects):
        async def reserve(self, item: str, *, key: str) -> str:
            await asyncio.sleep(3600)
            return ""

    path = folder / "restarted.db"
    async with SqliteHost(path, {flow.Saga: Stuck()}) as host:
        await host.start(flow.Saga, "o", flow.SagaInputs("A1", 4000))
        await asyncio.sleep(0.3)
        shutil.copy(path, folder / "copy.db")  # as a kill would leave it: claimed
        shutil.copy(f"{path}-wal", folder / "copy.db-wal")
    copied(folder / "copy.db", number)
    began = perf_counter()
    async with SqliteHost(folder / "copy.db", {flow.Saga: Effects()}) as host:
        await host.start(flow.Saga, "one more", flow.SagaInputs("A1", 4000))
        return perf_counter() - began


def waiting(root: Path, numbers: list[int], seconds: float) -> None:
    sys.path.insert(0, str(root))
    print("\n| instances parked | ready after | of a core | an event | memory | more than before |")
    print("|---|---|---|---|---|---|")
    for number in numbers:
        with tempfile.TemporaryDirectory(dir=root) as folder:
            found = asyncio.run(parked(Path(folder), number, seconds))
        times = f"{1000 * found['ready']:.0f} ms | {100 * found['core']:.2f} % | {1000 * found['event']:.1f} ms"
        print(f"| {number:,} | {times} | {found['memory']:.0f} MB | {found['more']:.0f} MB |", flush=True)
    print("\n| sagas in flight, their worker killed | ready after |\n|---|---|")
    for number in (1, 1_000, 10_000, 100_000):
        with tempfile.TemporaryDirectory(dir=root) as folder:
            print(f"| {number:,} | {1000 * asyncio.run(restarted(Path(folder), number)):.0f} ms |", flush=True)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--at-once", type=int, nargs="+", default=[1, 16, 100], metavar="N")
    options.add_argument("--seconds", type=float, default=4.0, help="of each run; default: 4")
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("--parked", type=int, nargs="+", metavar="N", help="measure so many instances that wait")
    options.add_argument("--one", help=argparse.SUPPRESS)
    options.add_argument("--folder", type=Path, help="where to work; default: a temporary folder")
    options.add_argument("--server", default="", help=argparse.SUPPRESS)
    given = options.parse_args()
    if given.one:
        print(json.dumps(one(given.one, given.folder, given.at_once[0], given.seconds, given.server)))
        return
    with tempfile.TemporaryDirectory(dir=given.folder) as name:
        root = Path(name)
        build(root)
        if given.parked:
            waiting(root, given.parked, 10 * given.seconds)
            return
        with postgres(root) as server:
            for at_once in given.at_once:
                table(root, at_once, given.seconds, given.rounds, server)


if __name__ == "__main__":
    main()
