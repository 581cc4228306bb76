"""Ruff, its formatter, mypy strict and pyright strict find nothing in product, tests and generated code."""

from __future__ import annotations

import subprocess
import sys

import pytest

import repository
from penstock import dev


@pytest.mark.parametrize("tool", dev.TOOLS)
def test_the_sources_are_clean_for(tool: str) -> None:
    dev.lay_links()
    done = subprocess.run(
        [sys.executable, "-P", "-m", *dev.TOOLS[tool]],
        cwd=repository.ROOT,
        env=dev.tool_environment(),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
