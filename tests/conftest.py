"""What every wing's tests may ask for: goldens, remade by one flag (`python3 dev.py test --remake-goldens`)."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import settings

os.environ["PENSTOCK_CACHE_DIR"] = ""  # what somebody's earlier runs found is not what a test is about
settings.register_profile("house", deadline=None)  # the machine may be busy
settings.load_profile("house")

Golden = Callable[[str, str], None]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--remake-goldens", action="store_true", help="write the goldens anew instead of comparing")


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Golden:
    """`golden("name.txt", text)`: the text is what `golden/name.txt` beside the test file says."""

    def compare(name: str, text: str) -> None:
        path = Path(request.path).parent / "golden" / name
        if request.config.getoption("--remake-goldens"):
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(text.encode())
        assert path.exists(), f"{path} is missing: run with --remake-goldens and read what it says"
        assert text == path.read_bytes().decode()

    return compare
