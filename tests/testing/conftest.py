"""The random runs that generated tests make are few here: that they are made at all is what is asked."""

from __future__ import annotations

import pytest

from penstock.runtime.testing import machine


@pytest.fixture(autouse=True)
def few_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "EXAMPLES", 5)
    monkeypatch.setattr(machine, "STEPS", 12)
