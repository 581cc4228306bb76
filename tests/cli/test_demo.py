"""The example that the README shows: three orders on the SQLite host, always the same story."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable

import repository


def test_the_example_of_three_orders_tells_its_story(golden: Callable[[str, str], None]) -> None:
    done = subprocess.run(
        [sys.executable, "docs/examples/order/run.py"],
        cwd=repository.ROOT,
        env={**os.environ, "PYTHONPATH": "generated", "PYTHONIOENCODING": "utf-8"},
        capture_output=True,
        encoding="utf-8",
    )
    assert (done.returncode, done.stderr) == (0, "")
    golden("demo.txt", done.stdout)
