"""The examples, that of the README among them: flows on the SQLite host, always the same story."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable

import pytest

import repository


@pytest.mark.parametrize(("example", "told"), [("order", "demo.txt"), ("messages", "messages.txt")])
def test_an_example_tells_its_story(example: str, told: str, golden: Callable[[str, str], None]) -> None:
    done = subprocess.run(
        [sys.executable, f"docs/examples/{example}/run.py"],
        cwd=repository.ROOT,
        env={**os.environ, "PYTHONPATH": "generated", "PYTHONIOENCODING": "utf-8"},
        capture_output=True,
        encoding="utf-8",
    )
    assert (done.returncode, done.stderr) == (0, "")
    golden(told, done.stdout)
