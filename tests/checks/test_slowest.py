"""How long runs take at the longest: against the interpreter run second by second, and as it is told."""

from __future__ import annotations

import pytest

from kernels import flow, kernel
from penstock.compiler.checks.explore import Explorer
from penstock.compiler.checks.horizon import horizons
from penstock.compiler.checks.inquiry import Inquiry
from penstock.compiler.checks.verdict import Horizon
from penstock.compiler.kernel import Kernel
from random_waits import random_waits
from slow_force import slowest


def times(subject: Kernel) -> dict[str, Horizon]:
    return {horizon.state: horizon for horizon in horizons(Inquiry(Explorer(subject)))}
