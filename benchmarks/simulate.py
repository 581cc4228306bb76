"""Simulate the whole host: `simulate.py --weather storm --seed 7 [--seeds 20] [--days 0.5 | --years 10] [--log FILE]`.

A seed is a run, the same every time: its log, which `--log` writes, is the same to the last byte, and so is the digest
that is printed. At the first promise that is broken it says which, and exits with 1; the same seed shows it again.
Weathers: `storm` (crashes, stalls, jumps of the clock, a disk in trouble; the flows of specs/), `varied` (a storm of
another kind for each seed), `random` (the same, with six random flows for each seed), `calm` (the flows of specs/, and
nothing goes wrong), `calendar` (years of timers and schedules).
"""

from __future__ import annotations

import argparse
import logging
import sys
import traceback
from collections.abc import Callable
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from time import process_time

sys.path.insert(0, str(Path(__file__).parents[1] / "generated"))
sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "support"))

from calendar_flows import calendar
from plans import everything
from random_subjects import random_subjects
from simulator import CALENDAR, CALM, STORM, YEAR, Seen, Weather, simulate, varied

WEATHERS: dict[str, Callable[[str], Weather]] = {
    "storm": lambda seed: STORM,
    "varied": varied,
    "random": varied,
    "calm": lambda seed: CALM,
    "calendar": lambda seed: CALENDAR,
}


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--weather", choices=WEATHERS, default="storm")
    parser.add_argument("--seed", type=int, default=1, help="the first seed")
    parser.add_argument("--seeds", type=int, default=1, help="how many of them")
    parser.add_argument("--days", type=float, default=0.5, help="of virtual time for each")
    parser.add_argument("--years", type=float, help="the same in years")
    parser.add_argument("--log", type=Path, help="where to write what happened")
    return parser.parse_args()


def main() -> int:
    args = arguments()
    logging.disable(logging.CRITICAL)
    subjects = calendar() if args.weather == "calendar" else [*everything().values()]
    span = args.years * YEAR if args.years else timedelta(days=args.days)
    spent = 0.0
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory()))
        told = stack.enter_context(args.log.open("w", encoding="utf-8")).write if args.log else None
        for seed in range(args.seed, args.seed + args.seeds):
            began = process_time()
            if args.weather == "random":
                subjects = random_subjects(seed, 6, folder)
            try:
                seen = simulate(str(seed), subjects, span, WEATHERS[args.weather](str(seed)), told)
            except Exception:  # noqa: BLE001 - whatever it is, it is a finding
                traceback.print_exc()
                print(
                    f"seed {seed} breaks a promise: simulate.py --weather {args.weather} --seed {seed} shows it again"
                )
                return 1
            spent += process_time() - began
            print(line(seed, seen, process_time() - began), flush=True)
    total = args.seeds * span / YEAR
    print(f"{total:.2f} years in {spent:.1f} CPU-seconds: {total / spent * 60:.2f} years in a CPU-minute")
    return 0


def line(seed: int, seen: Seen, spent: float) -> str:
    counts = ", ".join(f"{number} {what}" for what, number in sorted(seen.counted.items()))
    kept = f"{seen.instances} instances, {seen.ended} ended, {seen.rows} rows, {seen.fired} timers"
    held = f"held against the reference {seen.examined} times"
    return f"seed {seed} {seen.digest[:16]} {kept}, {held}; {counts}; {spent:.1f} s"


if __name__ == "__main__":
    sys.exit(main())
