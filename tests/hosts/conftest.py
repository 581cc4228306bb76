"""Every host under one contract."""

from __future__ import annotations

from pathlib import Path

import pytest

from orders import House


@pytest.fixture(params=["sqlite"])
def house(request: pytest.FixtureRequest, tmp_path: Path) -> House:
    return House(request.param, tmp_path)
