"""The checker held against brute force: the seed of a random flow in; where the two disagree, out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from brute_force import TooLarge, Verdicts, enumerate_flow
from kernels import kernels
from penstock.compiler.checks.suite import check
from penstock.compiler.checks.verdict import Answer, Verdict
from random_flows import random_flow

CODES = (
    *(f"F00{n}" for n in range(1, 10)),
    *("F101", "F102", "F103", "F104", "F105", "F201", "F202", "F301", "F401", "F402", "F403"),
)
PLACED = ("F001", "F002", "F103", "F104", "F105", "F202", "F301")
"""Both sides name the same place; the other checks are compared by code."""
RARE = ("F103", "F104", "F105")
"""Of some flows nothing is asked: then nothing may be refuted either."""
COUNTED = ("F003", "F004", "F007", "F009", "F103", "F104", "F105", "F201", "F401", "F402", "F403")
"""Both sides count the same steps where nothing escalates: the checker leaves those timers out of its runs."""
INSTANCES = 1500
FAULTS = {"F007", "F104", "F401", "F402", "F403"}
"""What stops a step where it is. A deferred event that is stopped so stops the step that delivers it, and that may have
been the last way to a final. The checker takes it for an event that is sent later, so F004 is then decided that way;
F105, which asks whether there is a way to some finals, is so in any case."""


@dataclass
class Tally:
    """What a comparison came to."""

    flows: int = 0
    too_large: int = 0
    instances: int = 0
    refuted: Counter[str] = field(default_factory=Counter[str])
    proved: Counter[str] = field(default_factory=Counter[str])
    unknown: Counter[str] = field(default_factory=Counter[str])
    disagreements: list[str] = field(default_factory=list[str])


def compare(seed: int, tally: Tally, write: Callable[[int], str] = random_flow, most: int = INSTANCES) -> None:
    """Decide the flow of a seed both ways, and note what they agree and disagree on.

    write: what makes the text, in which the flow is `R`; most: so many instances are enumerated, and no more."""
    subject = kernels(write(seed))["R"]
    try:
        truth = enumerate_flow(subject, most)
    except TooLarge:
        tally.too_large += 1
        return
    tally.flows += 1
    tally.instances += truth.instances
    plain = all(timer.task is None for timer in subject.timers())
    answers = [answer for answer in check(subject).answers if answer.rule.code in CODES]
    for code in CODES:
        mine = [answer for answer in answers if answer.rule.code == code]
        stopped = code == "F004" and FAULTS & {other for other, _ in truth.refuted}
        judge = enumerate_flow(subject, most, deferring=False) if stopped or (code == "F105" and mine) else truth
        if code in PLACED and (mine or code not in RARE):
            for place in {answer.span.start for answer in mine}:
                there = [answer for answer in mine if answer.span.start == place]
                _settle(seed, code, there, judge.refuted.get((code, place)), plain, tally)
        else:
            depths = [depth for (other, _), depth in judge.refuted.items() if other == code]
            _settle(seed, code, mine, min(depths, default=None), plain, tally)
    _missing(seed, answers, truth, tally)


def _settle(seed: int, code: str, answers: list[Answer], depth: int | None, plain: bool, tally: Tally) -> None:
    verdict = min((answer.verdict for answer in answers), default=Verdict.PROVED)
    if verdict is Verdict.UNKNOWN:
        tally.unknown[code] += 1
    elif (verdict is Verdict.REFUTED) != (depth is not None):
        said = "refuted" if verdict is Verdict.REFUTED else "proved"
        what = next((a.subject for a in answers if a.verdict is verdict), "the flow")
        tally.disagreements.append(f"seed {seed}: {code} {what} is {said}, brute force says otherwise")
    elif depth is None:
        tally.proved[code] += 1
    else:
        tally.refuted[code] += 1
        shown = [answer.diagnostic for answer in answers if answer.diagnostic and answer.diagnostic.trace]
        runs = [len(each.trace) for each in shown if "no shorter run" in each.note]
        if code in COUNTED and plain and runs and min(runs) != depth:
            tally.disagreements.append(f"seed {seed}: {code} is shown in {min(runs)} steps, brute force needs {depth}")


def _missing(seed: int, answers: list[Answer], truth: Verdicts, tally: Tally) -> None:
    """Every place that brute force refutes, of the checks compared by place, must have been asked about."""
    asked = {(answer.rule.code, answer.span.start) for answer in answers}
    if any(answer.rule.code == "F001" and answer.verdict is Verdict.UNKNOWN for answer in answers):
        return  # what may not be entered is not asked about
    for code, place in truth.refuted:
        # of a timer that never fires it is also enough that nothing is ever done about it
        same = ("F002", "F202") if code in {"F002", "F202"} else (code,)
        asked_about = any((each, place) in asked for each in same)
        if code in PLACED and not asked_about and (code in {"F104", "F301"} or place in truth.asked):
            tally.disagreements.append(f"seed {seed}: {code} at offset {place} was not asked")
