"""Hold the checker against brute force on random flows: `agreement.py --flows 2000 --seed 1 [--summary FILE]`.

Decides every check of each flow both ways (tests/support/agreement.py) and prints what came of it, check by check. At
the first disagreement it shrinks the flow (tests/support/shrinking.py), prints the small one with what both sides say
and the runs they show, and exits with 1. Stopped (Ctrl-C, SIGTERM), it says how far it came; `--features` counts what
there is in the flows instead.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from functools import partial
from math import inf
from multiprocessing import get_context
from pathlib import Path
from time import monotonic, process_time
from types import FrameType

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "support"))

from agreement import GRAPH, INSTANCES, PATIENT, SYSTEM, Difference, Tally, Terse, alike, compared, missed
from brute_force import Verdicts
from brute_people import enumerate_flow
from brute_systems import Worlds
from features import FEATURES, features
from kernels import kernels, together
from penstock.compiler.checks.explore import Explorer
from penstock.compiler.checks.verdict import Answer
from random_apart import random_apart
from random_calls import random_calls
from random_core import random_core
from random_crossings import random_crossing
from random_dealings import random_dealings
from random_durations import random_durations
from random_flows import random_flow
from random_grafts import random_deals, random_grafts
from random_groups import random_groups
from random_instants import random_instants
from random_mixtures import random_mixture
from random_moments import random_moments
from random_regions import random_regions
from random_savepoints import random_savepoints
from random_trees import random_tree
from shrinking import shrink

WRITERS: dict[str, Callable[[int], str]] = {
    "core": random_core,
    "flows": random_flow,
    "trees": random_tree,
    "groups": random_groups,
    "mixtures": random_mixture,
    "moments": random_moments,
    "instants": random_instants,
    "durations": random_durations,
    "regions": random_regions,
    "savepoints": random_savepoints,
    "apart": random_apart,
    "crossings": random_crossing,
    "grafts": random_grafts,
    "systems": random_dealings,
    "deals": random_deals,
    "calls": random_calls,
}
MOST = {
    "core": 150,
    "calls": 150,
    "moments": 400,
    "durations": 400,
    "instants": 1000,
    "savepoints": 1000,
    "apart": 4000,
    "crossings": 400,
    "grafts": 500,
    "systems": 1000,
    "deals": 1000,
}
"""Instances, or worlds; what is larger is left out."""
CHUNK = 4
TOLD = 20.0  # seconds between two lines about how far it has come


@dataclass
class Run:
    """How far a run has come. spent: seconds of the processors, all processes together."""

    args: argparse.Namespace
    most: int
    tally: Tally = field(default_factory=Tally)
    number: int = 0
    spent: float = 0.0
    began: float = field(default_factory=monotonic)
    stopped: bool = False

    def stop(self, _number: int, _frame: FrameType | None) -> None:
        """Somebody wants it to end: after the flow that is being compared, since an exception might get lost in it."""
        print("stopping", file=sys.stderr, flush=True)
        self.stopped = True

    def pace(self) -> str:
        seconds = max(monotonic() - self.began, 0.001)
        each = self.spent * 1000 / max(self.number, 1)
        return (
            f"{seconds:.0f} seconds, {self.number * 60 / seconds:.0f} flows a minute, {each:.0f} ms of one core a flow"
        )

    def progress(self) -> str:
        unknown = sum(self.tally.unknown.values())
        return f"{self.number} of {self.args.flows} flows, {self.pace()}; {unknown} unknown"

    def summary(self) -> str:
        """As it stands in docs/agreement.md."""
        args, tally = self.args, self.tally
        stopped = (
            "" if self.number == args.flows else f" of {args.flows}; go on with `--seed {args.seed + self.number}`"
        )
        asked = sum((tally.refuted + tally.proved + tally.unknown).values())
        lines = [
            f"{self.number} flows from seed {args.seed} on{stopped}",
            f"{tally.too_large} of them left out: more than {self.most} instances",
            f"{tally.instances} instances, {asked} verdicts, {self.pace()}",
            *([f"{tally.apart} of them once more, with combinations of regions left out"] if tally.apart else []),
            "no disagreement" if not tally.differences else f"a disagreement: {tally.differences[0].said}",
            "",
            "check  refuted   proved  unknown  lengths compared",
        ]
        for code in sorted({*tally.refuted, *tally.proved, *tally.unknown}):
            numbers = tally.refuted[code], tally.proved[code], tally.unknown[code], tally.counted[code] or ""
            lines.append("{}   {:7}  {:7}  {:7}  {:>16}".format(code, *numbers).rstrip())
        return "\n".join(lines) + "\n"


def main() -> int:
    args = arguments()
    if args.features:
        print(counted(args.of, range(args.seed, args.seed + args.flows)), end="")
        return 0
    run = Run(args, args.most or MOST.get(args.of, INSTANCES))
    for each in (signal.SIGINT, signal.SIGTERM):
        signal.signal(each, run.stop)
    found = compare_all(run)
    for each in (signal.SIGINT, signal.SIGTERM):
        signal.signal(each, signal.SIG_DFL)
    summary = told(run)
    if found is not None:
        report(WRITERS[args.of](found), run.tally.differences[0], run.most, args.shrink)
        return 1
    print(summary, end="")
    return 0


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Hold the checker against brute force on random flows.")
    parser.add_argument("--flows", type=int, default=200, help="how many (default 200)")
    parser.add_argument("--seed", type=int, default=0, help="the first flow's seed (default 0)")
    parser.add_argument("--of", choices=WRITERS, default="core", help="what kind of flows (default core: all, small)")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes (default one for each core)")
    parser.add_argument("--seconds", type=float, default=inf, help="stop after so long, with what was done by then")
    parser.add_argument("--most", type=int, default=0, help="leave out flows with more instances")
    parser.add_argument("--shrink", type=float, default=120.0, help="seconds to shrink a flow for (default 120)")
    parser.add_argument(
        "--summary", type=Path, metavar="FILE", help="where what came of it until now is always written"
    )
    parser.add_argument("--features", action="store_true", help="only count what is in the flows, as a table")
    return parser.parse_args()


def compare_all(run: Run) -> int | None:
    """The first seed whose flow the two disagree about, if there is one; the run has grown by what was compared."""
    last = monotonic()
    for seed, found, spent in results(run):
        run.number, run.spent = run.number + 1, run.spent + spent
        run.tally.add(found)
        if found.differences:
            return seed
        if monotonic() - last > TOLD:
            last = monotonic()
            told(run)
        if run.stopped or monotonic() - run.began > run.args.seconds:
            break
    return None


def told(run: Run) -> str:
    """Say how far it has come, and keep it where that is wanted: the summary until now."""
    summary = run.summary()
    print(run.progress(), file=sys.stderr, flush=True)
    if run.args.summary is not None:
        run.args.summary.write_text(summary, encoding="utf-8")
    return summary


def results(run: Run) -> Iterator[tuple[int, Tally, float]]:
    """What comes of each seed, in their order."""
    args = run.args
    work, seeds = partial(settle, args.of, run.most), range(args.seed, args.seed + args.flows)
    if args.jobs == 1:
        yield from map(work, seeds)
        return
    pool = ProcessPoolExecutor(args.jobs, get_context("spawn"), initializer=quiet)
    try:
        yield from pool.map(work, seeds, chunksize=CHUNK)
    except BrokenProcessPool:
        if not run.stopped:  # else who wants it to end has told all of its processes
            raise
    finally:
        pool.shutdown(cancel_futures=True)


def quiet() -> None:
    """Of an interruption only the command itself speaks."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def settle(of: str, most: int, seed: int) -> tuple[int, Tally, float]:
    """What comes of a seed, and the seconds of the processor it took."""
    began = process_time()
    found = compared(WRITERS[of](seed), most, f"seed {seed}: ")
    return seed, found, process_time() - began


def report(text: str, first: Difference, most: int, seconds: float) -> None:
    """Shrink a flow that the two disagree about, and print it with both verdicts and runs."""
    print(first.said, f"shrinking, {seconds:.0f} seconds at most", sep="\n", file=sys.stderr, flush=True)
    small = shrink(text, lambda smaller: bool(alike(smaller, first.way, most)), seconds)
    print(first.said, "", small, sep="\n")
    for each in alike(small, first.way, most)[:1]:
        print(each.said)
        for answer in each.answers:
            print(*checker_run(answer), sep="\n")
        print(*(brute_worlds(small, most) if SYSTEM in small else brute_run(small, each.code, most)), sep="\n")


def checker_run(answer: Answer) -> Iterator[str]:
    yield f"the checker on {answer.subject}: {answer.verdict.name.lower()}"
    if answer.diagnostic is not None:
        yield f"  {answer.diagnostic.message}"
        yield from (f"  {step.trigger} {step.at} -> {step.place}" for step in answer.diagnostic.trace)


def brute_run(text: str, code: str, most: int) -> Iterator[str]:
    truth = enumerate_flow(kernels(text)["R"], most)
    if code == GRAPH:
        yield from (f"    {step}" for step in way_to_missed(truth, text))
        return
    shown = [found for found in truth.refuted if found[0] == code]
    yield f"brute force, {truth.instances} instances: {'refuted' if shown else 'nothing found'}"
    for found in shown:
        yield f"  at offset {found[1]}, in {truth.refuted[found]} steps"
        yield from (f"    {step}" for step in truth.run(found))


def way_to_missed(truth: Verdicts, text: str) -> list[str]:
    """The triggers that lead to the first instance that lies in no node."""
    inquiry = Terse(Explorer(kernels(text)["R"], PATIENT))
    return next((truth.way(*truth.came[key]) for key in missed(truth, inquiry)), [])


def brute_worlds(text: str, most: int) -> Iterator[str]:
    worlds = Worlds(*together(text), most)
    found = worlds.run()
    yield f"brute force, {len(worlds.worlds)} worlds"
    for (code, subject), number in found.items():
        yield f"  {code} {subject}"
        yield from (f"    {said}" for said in worlds.way(number))


def counted(of: str, seeds: range) -> str:
    """In how many flows each feature of the language is, as a table in Markdown."""
    found: Counter[str] = Counter()
    for seed in seeds:
        found.update(features(WRITERS[of](seed)))
    lines = [f"| of {len(seeds)} flows from seed {seeds.start} on | have |", "|---|---|"]
    for group, names in FEATURES.items():
        numbers = (f"{name} {found[name] or 'never'}" for name in names)
        lines.append(f"| {group} | {' · '.join(numbers)} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.exit(main())
