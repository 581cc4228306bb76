"""Random flows as a host runs them: a seed in, flows out, as subjects of the simulator.

Flows whose own fault stops a step are left out: their timers are tried again later, and their calls wait for somebody.
So are those that do other flows: one that goes round by the second starts thousands, for which there are too few hands.
"""

from __future__ import annotations

import random
import re
from pathlib import Path

from penstock.compiler import pipeline
from penstock.compiler.checks import suite
from penstock.compiler.checks.verdict import Verdict
from penstock.compiler.kernel import Kernel
from plans import Subject
from random_core import random_core
from random_crossings import random_crossing
from random_instants import random_instants
from random_mixtures import random_mixture
from random_moments import random_moments
from twins import generated

WRITERS = (random_core, random_mixture, random_moments, random_instants, random_crossing)
FAULTS = {"F005", "F103", "F104", "F401", "F402", "F403", "F502"}
"""What is said of flows that stop themselves."""
LIMITS = suite.Limits(nodes=300, seconds=20.0)


def random_subjects(seed: int, number: int, folder: Path) -> list[Subject]:
    """So many flows; their texts are in the folder."""
    dice = random.Random(f"subjects {seed}")
    found: list[Subject] = []
    tried = 0
    while len(found) < number:
        tried += 1
        text = dice.choice(WRITERS)(dice.randrange(10**6))
        path = folder / f"r{tried}.flow"
        path.write_text(re.sub(r"\bflow R version", f"flow R{tried} version", text), encoding="utf-8")
        kernels = pipeline.read(path).kernels
        if len(kernels) == 1 and _goes_on(kernels[0]):
            found.append(Subject(path, kernels[0], generated(kernels[0])))
    return found


def _goes_on(kernel: Kernel) -> bool:
    answers = suite.check(kernel, LIMITS).answers
    return all(answer.verdict is Verdict.PROVED for answer in answers if answer.rule.code in FAULTS)
