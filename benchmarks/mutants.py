"""Try every mutant of every flow in specs/: `mutants.py [FILES] [--of FLOW]`.

Prints who notices them, operator by operator, and every survivor that tests/mutation/survivors.md gives no reason for
(or lists although it does not survive); exits with 1 if there is one.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from pathlib import Path
from time import monotonic

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "support"))

from penstock.compiler.mutation.operators import OPERATORS, mutants
from penstock.compiler.mutation.survey import Budget, sites_of, try_all
from penstock.compiler.mutation.trial import Net
from penstock.dsl.load import load_all
from survivors import SPECS, Listed, key, listed


def main() -> int:
    parser = argparse.ArgumentParser(description="Try every mutant of every flow in specs/.")
    parser.add_argument("files", nargs="*", type=Path, default=sorted(SPECS.rglob("*.flow")), help="default: specs/")
    parser.add_argument("--of", metavar="FLOW", help="only this flow")
    parser.add_argument("--every", type=int, default=1, metavar="N", help="only each Nth mutant (default 1: all)")
    parser.add_argument("--seconds", type=float, default=7200.0, help="for the mutants of one flow (default 7200)")
    parser.add_argument("--processes", type=int, default=2, help="at a time (default 2)")
    args = parser.parse_args()
    table: Counter[tuple[str, Net]] = Counter()
    flows: Counter[tuple[str, Net]] = Counter()
    found: set[Listed] = set()
    tried: set[Listed] = set()
    for path in args.files:
        loaded = load_all(path)
        if isinstance(loaded, tuple):
            print(*(said.message for said in loaded))
            return 2
        for site in sites_of(loaded.source):
            flow = site.flow.name.text
            if args.of not in (None, flow):
                continue
            began = monotonic()
            chosen = mutants(site)[:: args.every]
            trials = try_all(loaded.source, flow, chosen, Budget(args.seconds, args.processes))
            print(f"{flow}: {len(trials)} mutants, {monotonic() - began:.0f} s", file=sys.stderr, flush=True)
            for trial in trials:
                listing = key(flow, trial.mutant, loaded.source)
                tried.add(listing)
                table[trial.mutant.operator, trial.net] += 1
                flows[flow, trial.net] += 1
                if trial.net in {Net.SURVIVES, Net.OPEN}:
                    found.add(listing)
    _print("operator", [operator.name for operator in OPERATORS], table)
    _print("flow", sorted({each.flow for each in tried}), flows)
    known = tried & listed().keys()
    for each in sorted(found - known):
        print(f"not listed: {each}")
    for each in sorted(known - found):
        print(f"listed, but does not survive: {each}")
    return 1 if found != known else 0


def _print(title: str, rows: list[str], counts: Counter[tuple[str, Net]]) -> None:
    """A table in Markdown, with a last row of sums."""
    print(f"\n| {title} | mutants | {' | '.join(Net)} |")
    print(f"|---|---|{'---|' * len(Net)}")
    sums = Counter[Net]()
    for row in rows:
        numbers = [counts[row, net] for net in Net]
        sums.update({net: counts[row, net] for net in Net})
        if sum(numbers):
            print(f"| {row} | {sum(numbers)} | {' | '.join(str(number or '') for number in numbers)} |")
    print(f"| all | {sum(sums.values())} | {' | '.join(str(sums[net]) for net in Net)} |\n", flush=True)


if __name__ == "__main__":
    sys.exit(main())
