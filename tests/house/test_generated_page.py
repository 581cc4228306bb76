"""The page about generated modules shows what they are: its programs print what it says, its excerpts are theirs."""

from __future__ import annotations

import re
import subprocess
import sys

import repository

PAGE = (repository.ROOT / "docs" / "generated.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```([^\n]*)\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


def test_its_program_prints_what_it_says() -> None:
    program = "".join(text for kind, text in BLOCKS if kind == "python")
    said = "".join(text for kind, text in BLOCKS if not kind)
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=repository.ROOT / "generated", capture_output=True, text=True
    )
    assert (done.stdout, done.stderr) == (said, "")


def test_its_excerpts_are_in_the_module() -> None:
    excerpts = [(kind.partition('"')[2].rstrip('"'), text) for kind, text in BLOCKS if "title=" in kind]
    assert len(excerpts) == 2
    for file, text in excerpts:
        assert text in (repository.ROOT / file).read_text(encoding="utf-8")
