"""Try every mutant of every flow in specs/: `mutants.py [FILES] [--of FLOW] [--results FILE]`.

Prints who notices them, operator by operator, and every survivor that tests/mutation/survivors.md gives no reason for
(or lists although it does not survive); exits with 1 if there is one. What each mutant came to is written to the file
of results as soon as it is known, a line each, and not tried again: so a run can be stopped and taken up where it was.
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from functools import cache
from hashlib import sha256
from multiprocessing import get_context
from pathlib import Path
from time import monotonic, process_time
from types import FrameType

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "support"))

from penstock.compiler.checks.suite import Limits
from penstock.compiler.mutation.operators import OPERATORS, mutants
from penstock.compiler.mutation.site import Mutant
from penstock.compiler.mutation.survey import sites_of
from penstock.compiler.mutation.trial import Bench, Net
from penstock.dsl.load import load_all
from penstock.dsl.source import Source
from survivors import SPECS, Listed, key, listed

TOLD = 20.0  # seconds between two lines about how far it has come
FRESH = 100  # mutants that one process tries, so that what Z3 keeps does not add up


@dataclass(frozen=True, slots=True)
class Task:
    """One mutant of a flow. `mark`: of the texts of the flow, of what it imports and of the mutant."""

    source: Source
    flow: str
    mutant: Mutant
    seconds: float  # that its checks may take

    @property
    def mark(self) -> str:
        texts = (self.flow, self.source.text, self.mutant.of(self.source).text)
        imported = (each.text for each in self.source.imported)
        return sha256("\0".join((*texts, *imported)).encode()).hexdigest()[:16]

    @property
    def listing(self) -> Listed:
        return key(self.flow, self.mutant, self.source)


@dataclass(frozen=True, slots=True)
class Result:
    """What a mutant came to, as it stands in the file. spent: of the processor, to try it."""

    mark: str
    flow: str
    operator: str
    change: str
    line: str
    net: str
    codes: tuple[str, ...]
    seconds: float
    spent: float

    def settles(self, task: Task) -> bool:
        """Whether there is nothing to try again: what is open may be decided in more time."""
        return self.net != Net.OPEN or self.seconds >= task.seconds


def main() -> int:
    args = arguments()
    signal.signal(signal.SIGTERM, ended)
    tasks = tuple(tasks_of(args.files, args.of, args.every, args.each))
    known = read(args.results)
    left = [task for task in tasks if task.mark not in known or not known[task.mark].settles(task)]
    began = told = monotonic()
    for number, result in enumerate(settled(left, args.processes), 1):
        known[result.mark] = result
        write(args.results, result)
        if monotonic() - told > TOLD or number == len(left):
            told = monotonic()
            said = f"{number} of {len(left)} mutants, {told - began:.0f} s; now {result.flow}"
            print(said, file=sys.stderr, flush=True)
        if monotonic() - began > args.seconds:
            break
    tried = [(task, known[task.mark].net) for task in tasks if task.mark in known]
    nets = Counter((task.mutant.operator, net) for task, net in tried)
    flows = Counter((task.flow, net) for task, net in tried)
    made = Counter(task.flow for task in tasks)
    _print("flow", sorted(made), flows, made)
    _print("operator", [operator.name for operator in OPERATORS], nets, Counter(t.mutant.operator for t in tasks))
    found = {task.listing for task, net in tried if net in {Net.SURVIVES, Net.OPEN}}
    return told_of(found, {task.listing for task, _ in tried})


def ended(_number: int, _frame: FrameType | None) -> None:
    """Leave no process behind."""
    sys.exit("stopped")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Try every mutant of every flow in specs/.")
    parser.add_argument("files", nargs="*", type=Path, default=sorted(SPECS.rglob("*.flow")), help="default: specs/")
    parser.add_argument("--of", metavar="FLOW", help="only this flow")
    parser.add_argument("--every", type=int, default=1, metavar="N", help="only each Nth mutant (default 1: all)")
    parser.add_argument("--each", type=float, default=60.0, metavar="S", help="seconds for each mutant (default 60)")
    parser.add_argument("--seconds", type=float, default=86400.0, help="stop after so long (default: a day)")
    parser.add_argument("--processes", type=int, default=2, help="at a time (default 2)")
    parser.add_argument("--results", type=Path, metavar="FILE", help="where to write what each came to, and to go on")
    return parser.parse_args()


def tasks_of(files: list[Path], of: str | None, every: int, seconds: float) -> Iterator[Task]:
    for path in files:
        loaded = load_all(path)
        if isinstance(loaded, tuple):
            sys.exit("\n".join(said.message for said in loaded))
        for site in sites_of(loaded.source):
            flow = site.flow.name.text
            if of in (None, flow):
                yield from (Task(loaded.source, flow, mutant, seconds) for mutant in mutants(site)[::every])


def settled(tasks: list[Task], processes: int) -> Iterator[Result]:
    """What comes of each, as soon as it is known."""
    with get_context("spawn").Pool(processes, maxtasksperchild=FRESH) as pool:
        yield from pool.imap_unordered(settle, tasks)


def settle(task: Task) -> Result:
    bench, began = bench_of(task.source, task.flow, task.seconds), process_time()
    trial, said = bench.try_out(task.mutant), task.listing
    spent = round(process_time() - began, 2)
    return Result(
        task.mark, said.flow, said.operator, said.change, said.line, trial.net, trial.codes, task.seconds, spent
    )


@cache
def bench_of(source: Source, flow: str, seconds: float) -> Bench:
    return Bench(source, flow, Limits(seconds=seconds))


def read(path: Path | None) -> dict[str, Result]:
    """The results by their marks; of one mutant the last."""
    if path is None or not path.exists():
        return {}
    found: dict[str, Result] = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        result = Result(**json.loads(line))
        found[result.mark] = result
    return found


def write(path: Path | None, result: Result) -> None:
    if path is not None:
        with path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(asdict(result), ensure_ascii=False) + "\n")


def told_of(found: set[Listed], tried: set[Listed]) -> int:
    """What is not listed, or no survivor; the exit code."""
    known = tried & listed().keys()
    for each in sorted(found - known):
        print(f"not listed: {each}")
    for each in sorted(known - found):
        print(f"listed, but does not survive: {each}")
    return 1 if found != known else 0


def _print(title: str, rows: list[str], counts: Counter[tuple[str, str]], made: Counter[str]) -> None:
    """A table in Markdown, with a last row of sums."""
    print(f"\n| {title} | tried | {' | '.join(Net)} |")
    print(f"|---|---|{'---|' * len(Net)}")
    tried = {row: sum(counts[row, net] for net in Net) for row in rows}
    for row in rows:
        of = "" if tried[row] == made[row] else f" of {made[row]}"
        if made[row]:
            name = f"`{row}`" if title == "operator" else row
            print(f"| {name} | {tried[row]}{of} | {' | '.join(str(counts[row, net] or '') for net in Net)} |")
    sums = [sum(counts[row, net] for row in rows) for net in Net]
    of = "" if sum(sums) == sum(made.values()) else f" of {sum(made.values())}"
    print(f"| **all** | {sum(sums)}{of} | {' | '.join(map(str, sums))} |\n", flush=True)


if __name__ == "__main__":
    sys.exit(main())
