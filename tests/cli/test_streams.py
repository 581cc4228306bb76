"""Both doors of the command line where their streams are closed, full, or read by nobody: no traceback, a true code."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from penstock.runtime.hosts.sqlite_store import SqliteStore

ASKS = {
    "version": "--version",
    "flows": "explain",
    "instances": "instances list --db orders.db",
    "json": "instances list --db orders.db --json",
}


def shell(folder: Path, script: str) -> tuple[int, str]:
    """What a line of a shell ends with and says on the error stream; `$P` is the command."""
    SqliteStore(folder / "orders.db").close()
    line = f'P="{sys.executable} -m penstock.compiler.cli"; {script}'
    done = subprocess.run(["/bin/sh", "-c", line], cwd=folder, capture_output=True, text=True)
    return done.returncode, done.stderr


@pytest.mark.parametrize("asked", ASKS.values(), ids=ASKS)
def test_nobody_needs_to_listen(tmp_path: Path, asked: str) -> None:
    assert shell(tmp_path, f"$P {asked} >&-") == (0, "")
    assert shell(tmp_path, f"$P {asked} >&- 2>&-") == (0, "")
    assert shell(tmp_path, f"{{ $P {asked}; echo $? >&2; }} | true") == (0, "0\n")


@pytest.mark.parametrize("wrong", ["explain F999", "instances show o-1 --db orders.db", "instances show", "frobnicate"])
def test_what_went_wrong_is_in_the_code_at_least(tmp_path: Path, wrong: str) -> None:
    assert shell(tmp_path, f"$P {wrong} >&- 2>&-") == (2, "")
    assert shell(tmp_path, f"{{ $P {wrong} 2>&1; echo $? >&3; }} 3>&2 | true") == (0, "2\n")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no device that is always full")
@pytest.mark.parametrize("asked", ASKS.values(), ids=ASKS)
def test_what_cannot_be_written_is_told(tmp_path: Path, asked: str) -> None:
    code, said = shell(tmp_path, f"$P {asked} > /dev/full")
    assert code == 2
    assert "No space left on device" in said and "Traceback" not in said and "internal" not in said
