"""Hold the checker against brute force on random flows: `agreement.py --flows 2000 --seed 1`.

Decides every check of each flow both ways (tests/support/agreement.py) and prints what came of it, check by check. At
the first disagreement it shrinks the flow (tests/support/shrinking.py), prints the small one with what both sides say
and the runs they show, and exits with 1.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from math import inf
from multiprocessing import get_context
from pathlib import Path
from time import monotonic

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "support"))

from agreement import INSTANCES, Difference, Tally, alike, compared
from brute_people import enumerate_flow
from kernels import kernels
from penstock.compiler.checks.verdict import Answer
from random_core import random_core
from random_flows import random_flow
from random_groups import random_groups
from random_mixtures import random_mixture
from random_trees import random_tree
from shrinking import shrink

WRITERS: dict[str, Callable[[int], str]] = {
    "core": random_core,
    "flows": random_flow,
    "trees": random_tree,
    "groups": random_groups,
    "mixtures": random_mixture,
}
MOST = {"core": 150}  # instances; a larger flow is left out
CHUNK = 4


def main() -> int:
    args = arguments()
    most = args.most or MOST.get(args.of, INSTANCES)
    tally, began, number = Tally(), monotonic(), 0
    seeds = range(args.seed, args.seed + args.flows)
    for number, (seed, found) in enumerate(results(args.of, most, seeds, args.jobs), 1):
        tally.add(found)
        if found.differences:
            report(WRITERS[args.of](seed), found.differences[0], most, args.shrink)
            return 1
        if number % 500 == 0:
            print(f"{number} flows, {pace(number, began)}", file=sys.stderr, flush=True)
        if monotonic() - began > args.seconds:
            break
    print(f"{number} flows from seed {args.seed} on, {tally.too_large} of them left out: more than {most} instances")
    print(f"{tally.instances} instances, {pace(number, began)}, no disagreement")
    print("check  refuted  proved  unknown  lengths compared")
    for code in sorted({*tally.refuted, *tally.proved, *tally.unknown}):
        numbers = tally.refuted[code], tally.proved[code], tally.unknown[code], tally.counted[code] or ""
        print("{}   {:7}  {:6}  {:7}  {:>16}".format(code, *numbers))
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
    return parser.parse_args()


def pace(number: int, began: float) -> str:
    seconds = max(monotonic() - began, 0.001)
    return f"{seconds:.0f} seconds, {number * 60 / seconds:.0f} flows a minute"


def results(of: str, most: int, seeds: Sequence[int], jobs: int) -> Iterator[tuple[int, Tally]]:
    """What comes of each seed, in their order."""
    work = partial(settle, of, most)
    if jobs == 1:
        yield from map(work, seeds)
        return
    with get_context("spawn").Pool(jobs) as pool:
        yield from pool.imap(work, seeds, CHUNK)


def settle(of: str, most: int, seed: int) -> tuple[int, Tally]:
    return seed, compared(WRITERS[of](seed), most, f"seed {seed}: ")


def report(text: str, first: Difference, most: int, seconds: float) -> None:
    """Shrink a flow that the two disagree about, and print it with both verdicts and runs."""
    print(first.said, f"shrinking, {seconds:.0f} seconds at most", sep="\n", file=sys.stderr, flush=True)
    small = shrink(text, lambda smaller: bool(alike(smaller, first.way, most)), seconds)
    print(first.said, "", small, sep="\n")
    for each in alike(small, first.way, most)[:1]:
        print(each.said)
        for answer in each.answers:
            print(*checker_run(answer), sep="\n")
        print(*brute_run(small, each.code, most), sep="\n")


def checker_run(answer: Answer) -> Iterator[str]:
    yield f"the checker on {answer.subject}: {answer.verdict.name.lower()}"
    if answer.diagnostic is not None:
        yield f"  {answer.diagnostic.message}"
        yield from (f"  {step.trigger} {step.at} -> {step.place}" for step in answer.diagnostic.trace)


def brute_run(text: str, code: str, most: int) -> Iterator[str]:
    truth = enumerate_flow(kernels(text)["R"], most)
    shown = [found for found in truth.refuted if found[0] == code]
    yield f"brute force, {truth.instances} instances: {'refuted' if shown else 'nothing found'}"
    for found in shown:
        yield f"  at offset {found[1]}, in {truth.refuted[found]} steps"
        yield from (f"    {step}" for step in truth.run(found))


if __name__ == "__main__":
    sys.exit(main())
