"""What an event costs, beside other libraries and code by hand: `dispatch.py --states 6 100 1000`.

One machine (rings.py), written for each of them, first held to one behaviour: the same events, refused ones among them,
must leave the same states and data. Then it is measured, all in turn in many short rounds, in processor time, and the
lower quartile of each is printed: an event that is handled, a new instance, an instance's bytes (tracemalloc), and the
import of the module with what it needs, in a fresh process. What is not installed is left out; pyfcstm wants an older
Z3 than penstock: `pip install --no-deps pyfcstm`, and then what it needs besides.
"""

from __future__ import annotations

import argparse
import gc
import importlib
import importlib.util
import json
import os
import random
import subprocess
import sys
import tempfile
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path
from time import perf_counter, process_time
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

from libraries import LIBRARIES
from rings import CONTENDERS, Contender, spec

EVERYBODY = (*CONTENDERS, *LIBRARIES)
BY_HAND = {"by hand, if/elif", "by hand, a dict"}
INSTANCES = 10_000
ROOM = 100_000_000
"""Bytes that the instances of one contender may take together."""

IMPORT = "import sys, time; t = time.process_time(); import {}; print(time.process_time() - t)"


# ---------------------------------------------------------------- making them


def present(folder: Path) -> list[Contender]:
    """Those whose files could be made, in a folder."""
    return [each for each in EVERYBODY if (folder / f"{each.module}.py").exists()]


def make(size: int, folder: Path, compiled: bool) -> None:
    """Write every contender's files, and say how long penstock took to check and build its own."""
    for each in EVERYBODY:
        if not each.package or importlib.util.find_spec(each.package):
            for name, text in each.texts(size).items():
                (folder / name).write_text(text, encoding="utf-8")
    for flow in ("Ring", "Swift"):
        (folder / f"{flow.lower()}.flow").write_text(spec(size, flow), encoding="utf-8")
    own = str(Path(sys.executable).parent / "penstock")
    began = perf_counter()
    subprocess.run([own, "build", "--mutable", "ring.flow", "--out", "."], cwd=folder, check=True, capture_output=True)
    print(f"\n{size} states: checked and built in {perf_counter() - began:.1f} s", end="")
    began = perf_counter()
    swift = [own, "build", "--no-verify", "--mutable", *(["--compile"] if compiled else []), "swift.flow", "--out", "."]
    done = subprocess.run(swift, cwd=folder, check=False, capture_output=True, text=True)
    print(f"; built{', and compiled,' if compiled else ''} without checking in {perf_counter() - began:.1f} s")
    if done.returncode:
        print(done.stderr.splitlines()[0])
    if done.returncode or not compiled:
        for each in CONTENDERS:
            if each.module.startswith("swift"):
                (folder / f"{each.module}.py").unlink()


# ---------------------------------------------------------------- behaviour


def script(size: int) -> list[tuple[Any, ...]]:
    """Events for one run, refused ones among them: what is no amount, and what comes after the end."""
    draw = random.Random(size)
    wrong = (11, -1, "3", True, None, 2.5)
    events = [("go", draw.choice(wrong) if draw.random() < 0.2 else draw.randint(0, 10)) for _ in range(2 * size + 50)]
    return [*events, ("stop",), ("go", 3), ("stop",), ("go", 99)]


def behaviour(module: Any, events: list[tuple[Any, ...]]) -> list[object]:
    """Where the machine is after each event, and which were refused."""
    machine = module.create()
    found: list[object] = [module.seen(machine)]
    for event in events:
        try:
            machine = module.tell(machine, *event)
        except module.REFUSED:
            found.append("refused")
        found.append(module.seen(machine))
    return found


# ---------------------------------------------------------------- measuring


def rounds(tries: dict[str, Callable[[], float]], seconds: float) -> dict[str, float]:
    """The lower quartile of what each try answers, all in turn; nobody takes more than so many seconds, unless for
    three. Not the least: a clock of processor time may miss some, on a machine with other guests."""
    found: dict[str, list[float]] = {name: [] for name in tries}
    spent = dict.fromkeys(tries, 0.0)
    while any(len(found[name]) < 3 or spent[name] < seconds for name in tries):
        for name, attempt in tries.items():
            if len(found[name]) < 3 or spent[name] < seconds:
                began = process_time()
                found[name].append(attempt())
                spent[name] += process_time() - began + 1e-4
    return {name: sorted(each)[len(each) // 4] for name, each in found.items()}


def handling(module: Any, size: int) -> Callable[[], float]:
    """Seconds for one event, on the way round the whole ring."""
    draw = random.Random(1)
    count = size * -(-200 // size)
    amounts = module.prepared([draw.randint(0, 10) for _ in range(count)])

    def attempt() -> float:
        machine = module.create()
        began = process_time()
        module.run(machine, amounts)
        return (process_time() - began) / count

    return attempt


def creating(module: Any) -> Callable[[], float]:
    def attempt() -> float:
        began = process_time()
        made = [module.create() for _ in range(20)]
        took = (process_time() - began) / len(made)
        forget(module, made)
        return took

    return attempt


def forget(module: Any, machines: list[Any]) -> None:
    """Let them go where a library keeps a list of its own."""
    if hasattr(module, "forget"):
        module.forget(machines)


def size_of(module: Any) -> float:
    """Bytes of an instance, of as many as there is room for."""
    kept: list[Any] = [module.create()]
    gc.collect()
    tracemalloc.start()
    before, _ = tracemalloc.get_traced_memory()
    while len(kept) < INSTANCES and tracemalloc.get_traced_memory()[0] - before < ROOM:
        kept.append(module.create())
    after, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    own = sys.getsizeof(kept)
    forget(module, kept)
    return (after - before - own) / (len(kept) - 1)


def importing(module: str, folder: Path) -> float:
    command = [sys.executable, "-c", IMPORT.format(module)]
    done = subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True)
    return float(done.stdout)


def measure(size: int, folder: Path, seconds: float) -> dict[str, dict[str, float]]:
    """All figures of a size, in one process. Raises AssertionError where two behave differently."""
    sys.path.insert(0, str(folder))
    names = {each.name: each.module for each in present(folder)}
    modules = {name: importlib.import_module(module) for name, module in names.items()}
    events = script(size)
    expected = behaviour(modules["by hand, if/elif"], events)
    for name, module in modules.items():
        assert behaviour(module, events) == expected, f"{name} behaves differently"
    gc.disable()
    imports: dict[str, Callable[[], float]] = {
        name: (lambda module=module: importing(module, folder)) for name, module in names.items()
    }
    found = {
        "event": rounds({name: handling(module, size) for name, module in modules.items()}, seconds),
        "create": rounds({name: creating(module) for name, module in modules.items()}, seconds / 5),
        "bytes": {name: size_of(module) for name, module in modules.items()},
        "import": rounds(imports, 0.0),
    }
    return {name: {what: figures[name] for what, figures in found.items()} for name in modules}


# ---------------------------------------------------------------- telling


def told(seconds: float) -> str:
    """Three digits and a unit."""
    for unit, scale in (("s", 1.0), ("ms", 1e3), ("µs", 1e6)):
        if seconds * scale >= 1:
            return f"{seconds * scale:.3g} {unit}"
    return f"{seconds * 1e9:.0f} ns"


def lines(found: dict[str, dict[str, float]]) -> Iterator[str]:
    """The table of a size. by hand / own: one is as fast as the faster of those written by hand."""
    limit = min(figures["event"] for name, figures in found.items() if name in BY_HAND)
    yield "| | an event | by hand / own | a new instance | its bytes | import |"
    yield "|---|---|---|---|---|---|"
    for name, figures in found.items():
        ratio = limit / figures["event"]
        shown = f"{ratio:.2f}" if ratio > 0.01 else f"1 / {1 / ratio:.0f}"
        rest = f"{told(figures['create'])} | {figures['bytes']:.0f} | {told(figures['import'])}"
        yield f"| {name} | {told(figures['event'])} | {shown} | {rest} |"


def main() -> int:
    parser = argparse.ArgumentParser(description="What an event costs, beside other libraries and code by hand.")
    parser.add_argument("--states", type=int, nargs="+", default=[6, 100, 1000], help="sizes (default 6 100 1000)")
    parser.add_argument("--seconds", type=float, default=3.0, help="for the events of each (default 3)")
    parser.add_argument("--no-compile", action="store_true", help="leave out the compiled modules")
    parser.add_argument("--measure", type=Path, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.measure:
        print(json.dumps(measure(args.states[0], args.measure, args.seconds)))
        return 0
    for size in args.states:
        with tempfile.TemporaryDirectory() as name:
            make(size, Path(name), not args.no_compile)
            command = [sys.executable, __file__, "--measure", name, "--states", str(size)]
            command += ["--seconds", str(args.seconds)]
            environment = {**os.environ, "PYTHONHASHSEED": "0"}
            done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env=environment)
        print("", *lines(json.loads(done.stdout)), sep="\n", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
