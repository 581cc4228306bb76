"""Hold the checker against brute force on random flows: `agreement.py --flows 2000 --seed 1`.

Decides every check of each flow both ways (tests/support/agreement.py), prints what came of it, and exits with 1 and
the text of the flow at the first disagreement.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from time import monotonic

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "support"))

from agreement import Tally, compare
from random_flows import random_flow
from random_groups import random_groups
from random_mixtures import random_mixture
from random_trees import random_tree

WRITERS = {"flows": random_flow, "trees": random_tree, "groups": random_groups, "mixtures": random_mixture}


def main() -> int:
    parser = argparse.ArgumentParser(description="Hold the checker against brute force on random flows.")
    parser.add_argument("--flows", type=int, default=200, help="how many (default 200)")
    parser.add_argument("--seed", type=int, default=0, help="the first flow's seed (default 0)")
    parser.add_argument("--of", choices=WRITERS, default="flows", help="what kind of flows (default flows)")
    args = parser.parse_args()
    write = WRITERS[args.of]
    tally, began = Tally(), monotonic()
    for seed in range(args.seed, args.seed + args.flows):
        compare(seed, tally, write)
        if tally.disagreements:
            print("\n".join(tally.disagreements), write(seed), sep="\n")
            return 1
        if (seed - args.seed + 1) % 100 == 0:
            print(f"{seed - args.seed + 1} flows, {monotonic() - began:.0f} s", file=sys.stderr, flush=True)
    print(f"{tally.flows} flows of {args.flows} ({tally.too_large} have too many instances to enumerate)")
    print(f"{tally.instances} instances, {monotonic() - began:.0f} seconds, no disagreement")
    print("check  refuted  proved  unknown")
    for code in sorted({*tally.refuted, *tally.proved, *tally.unknown}):
        print(f"{code}   {tally.refuted[code]:7}  {tally.proved[code]:6}  {tally.unknown[code]:7}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
