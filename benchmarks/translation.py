"""Try every small change of generated modules: `translation.py [MODULES] [--every N]`.

Each change (tests/support/slips.py) is put to `penstock verify`. What it refutes with a witness is tried on the
functions themselves; what it calls the same is run beside the reference interpreter (tests/support/translated.py).
Prints what came of it, kind by kind, and exits with 1 if a change goes unnoticed, a witness shows nothing, or something
stays open.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from multiprocessing import get_context
from pathlib import Path
from time import monotonic

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "support"))

from penstock.compiler.validation.reading import Unreadable
from slips import Slip, Slips
from translated import Translated

ROOT = Path(__file__).parents[1]
USUAL = ("order_flow", "purchase_flow", "claims_flow", "fulfilment_flow")
REFUTED, DECLARED, REFUSED = "witness", "table", "refused"
ALIKE = ("text", "annotations", "order", "code")
OPEN, MISSED = "open", "MISSED"
VERDICTS = (REFUTED, DECLARED, REFUSED, *ALIKE, OPEN, MISSED)

_module: list[Translated] = []  # of this process


def load(path: Path) -> None:
    _module[:] = [Translated.load(path)]


def judge(slip: Slip) -> tuple[Slip, str, int, str]:
    """The verdict, how many witnesses were tried, and what went wrong."""
    (of,) = _module
    try:
        said = of.validate(slip.text)
    except Unreadable:
        return slip, REFUSED, 0, ""
    tried = 0
    try:
        if said.findings:
            tried = sum(of.tried(slip.text, finding) for finding in said.findings)
            if any(finding.witness for finding in said.findings):
                return slip, REFUTED, tried, ""
            foreign = all(finding.rule.code == "F903" for finding in said.findings)
            return slip, REFUSED if foreign else DECLARED, tried, ""
        if said.open:
            return slip, OPEN, 0, f"{said.open[0].what}: {said.open[0].why}"
        sort = of.sort(slip)
        if sort in {"order", "code"}:
            of.runs_alike(slip.text)
        return slip, sort, 0, ""
    except Exception as error:  # noqa: BLE001 -- whatever it is, the change was not what it was said to be
        return slip, MISSED, tried, f"{type(error).__name__}: {error}"[:300]


def main() -> int:
    parser = argparse.ArgumentParser(description="Try every small change of generated modules.")
    parser.add_argument("modules", nargs="*", default=USUAL, metavar="MODULE", help=f"default: {' '.join(USUAL)}")
    parser.add_argument("--every", type=int, default=1, metavar="N", help="only each Nth change (default 1: all)")
    parser.add_argument("--others", type=int, default=3, metavar="N", help="names tried for each name (default 3)")
    parser.add_argument("--processes", type=int, default=2, help="at a time (default 2)")
    args = parser.parse_args()
    bad = 0
    whole: Counter[tuple[str, str]] = Counter()
    for name in args.modules:
        table, wrong = try_all(ROOT / "generated" / f"{name}.py", args.every, args.others, args.processes)
        bad += wrong
        whole += table
    _print("all modules", whole)
    return 1 if bad else 0


def try_all(path: Path, every: int, others: int, processes: int) -> tuple[Counter[tuple[str, str]], int]:
    """What became of the changes of a module, by kind and verdict; and how many went wrong."""
    began = monotonic()
    slips = Slips(path.read_text(encoding="utf-8"), others).all()[::every]
    table: Counter[tuple[str, str]] = Counter()
    wrong = witnesses = 0
    with get_context("spawn").Pool(processes, load, (path,), maxtasksperchild=400) as pool:
        for done, (slip, verdict, tried, why) in enumerate(pool.imap_unordered(judge, slips, 8), 1):
            table[slip.kind, verdict] += 1
            witnesses += tried
            if verdict in {OPEN, MISSED}:
                wrong += 1
                print(f"{path.stem}, {slip}: {verdict}: {why}", flush=True)
            if verdict == "code":
                print(f"{path.stem}, {slip}: does the same", flush=True)
            if done % 50 == 0 or done == len(slips):
                told = f"{path.stem}: {done} of {len(slips)} changes, {monotonic() - began:.0f} s"
                print(f"\r{told}", end="\n" if done == len(slips) else "", file=sys.stderr, flush=True)
    _print(f"{path.stem} ({witnesses} witnesses tried)", table)
    return table, wrong


def _print(title: str, table: Counter[tuple[str, str]]) -> None:
    kinds = sorted({kind for kind, _ in table})
    print(f"\n{title}\n{'':24}{''.join(f'{verdict:>12}' for verdict in VERDICTS)}{'all':>9}")
    for kind in [*kinds, "all"]:
        row = [sum(n for (k, v), n in table.items() if v == verdict and kind in (k, "all")) for verdict in VERDICTS]
        print(f"{kind:24}{''.join(f'{number:>12}' for number in row)}{sum(row):>9}")
    print(flush=True)


if __name__ == "__main__":
    sys.exit(main())
