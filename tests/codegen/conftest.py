"""The order flow, for every test of the generated code."""

from __future__ import annotations

import pytest

import kernels
from penstock.compiler.kernel import Kernel


@pytest.fixture(scope="session")
def order() -> Kernel:
    return kernels.order()
