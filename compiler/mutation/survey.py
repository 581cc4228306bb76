"""All mutants of the sound flows of a file in, the file with a tally and the survivors as warnings out."""

from __future__ import annotations

import os
import signal
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, wait
from dataclasses import dataclass, replace
from functools import cache
from multiprocessing import get_context, parent_process
from threading import Thread
from time import monotonic

from ...dsl import syntax
from ...dsl.diagnostics import Diagnostic, Fix, Severity
from ...dsl.parse import parse
from ...dsl.source import Source
from ..checks.suite import Limits
from ..checks.verdict import Mutants, Report, Verdict
from ..pipeline import Examined
from .operators import mutants
from .rule import SURVIVES
from .site import Mutant, Site
from .trial import Bench, Net, Trial

EACH = Limits(seconds=60.0)
"""What the checks of one mutant may take."""


@dataclass(frozen=True, slots=True)
class Budget:
    """For all mutants of one flow: seconds in all, and in how many processes at a time."""

    seconds: float = 600.0
    processes: int = max(1, os.cpu_count() or 1)


def survey(file: Examined, budget: Budget | None = None) -> Examined:
    """A file that was checked; of its flows that are proved, what would notice their mutants."""
    sites = {site.flow.name.text: site for site in sites_of(file.source)}
    surveyed = (
        _surveyed(file.source, report, sites[report.flow], budget or Budget())
        if report.flow in sites and report.verdict is Verdict.PROVED
        else report
        for report in file.reports
    )
    return replace(file, reports=tuple(surveyed))


def sites_of(source: Source) -> Iterator[Site]:
    """The flows that a text itself declares."""
    for member in parse(source).tree.members:
        if isinstance(member, syntax.Flow):
            yield Site(member, source)


def _surveyed(source: Source, report: Report, site: Site, budget: Budget) -> Report:
    found = mutants(site)
    trials = try_all(source, report.flow, found, budget)
    nets = Counter(trial.net for trial in trials)
    tally = Mutants(
        made=len(found),
        language=nets[Net.LANGUAGE],
        checks=nets[Net.CHECKS],
        properties=nets[Net.PROPERTIES],
        scenarios=nets[Net.SCENARIOS],
        equivalent=nets[Net.EQUIVALENT],
        survivors=nets[Net.SURVIVES],
        open=nets[Net.OPEN],
        untried=len(found) - len(trials),
    )
    left = [trial for trial in trials if trial.net in {Net.SURVIVES, Net.OPEN}]
    told = (_told(source, report.flow, trial) for trial in sorted(left, key=lambda trial: trial.mutant.span.start))
    return replace(report, mutants=tally, warnings=(*report.warnings, *told))


def _told(source: Source, flow: str, trial: Trial) -> Diagnostic:
    mutant = trial.mutant
    why = [f"`{line}` stands there then." if (line := mutant.line(source)) else "Then nothing stands there."]
    if trial.net is Net.OPEN:
        why.append(f"{', '.join(trial.codes)} could not be decided of it, so it may be noticed.")
    return Diagnostic(
        SURVIVES,
        f"nothing would notice if `{flow}` {mutant.change} ({mutant.operator})",
        mutant.span,
        "not noticed" if trial.net is Net.SURVIVES else "perhaps not noticed",
        severity=Severity.WARNING,
        why=tuple(why),
        fixes=(Fix(f"say so, if it matters: {mutant.advice}"),) if mutant.advice else (),
    )


# ---------------------------------------------------------------- many at a time


def try_all(source: Source, flow: str, found: Sequence[Mutant], budget: Budget) -> tuple[Trial, ...]:
    """The trials of the mutants, in their order; when the time is up, of as many as were tried."""
    stop = monotonic() + budget.seconds
    if budget.processes == 1 or len(found) < 2:
        bench = Bench(source, flow, EACH)
        trials: list[Trial] = []
        for mutant in found:
            if monotonic() > stop:
                break
            trials.append(bench.try_out(mutant))
        return tuple(trials)
    pool = ProcessPoolExecutor(budget.processes, mp_context=get_context("spawn"), initializer=_quiet)
    try:  # each process reads the text by itself: of all there is, only Z3's terms cannot be sent
        futures: list[Future[Trial]] = [pool.submit(_try_out, source, flow, mutant) for mutant in found]
        wait(futures, timeout=budget.seconds)
    finally:
        pool.shutdown(cancel_futures=True)
    return tuple(future.result() for future in futures if not future.cancelled())


def _quiet() -> None:
    """Of an interruption only the command itself speaks; and no process outlives it, however it ended."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


@cache
def _bench(source: Source, flow: str) -> Bench:
    return Bench(source, flow, EACH)


def _try_out(source: Source, flow: str, mutant: Mutant) -> Trial:
    return _bench(source, flow).try_out(mutant)
