"""Z3's library without its Python package: where it is found, what it says when something is wrong."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

from penstock.compiler.checks.native import Library, Z3Error, library
from penstock.compiler.checks.solver import answers

PACKAGE = """\
import sys
from penstock.compiler.checks.solver import Solver
solver = Solver()
x = solver.z3.integer("x")
assert solver.ask(x > 1).model.value(x) > 1
print(sorted(name for name in sys.modules if name.partition(".")[0] == "z3"))
"""


def test_the_package_is_not_imported() -> None:
    ran = subprocess.run([sys.executable, "-c", PACKAGE], capture_output=True, text=True, check=True)
    assert ran.stdout == "[]\n"


def nowhere(_: str) -> None:
    """What is found of a package that is not installed."""


def test_a_library_that_is_kept_elsewhere_is_found_where_the_environment_says(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    package = importlib.util.find_spec("z3")
    assert package is not None and package.submodule_search_locations
    monkeypatch.setattr("penstock.compiler.checks.native.find_spec", nowhere)
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    monkeypatch.setenv("Z3_LIBRARY_PATH", f"{tmp_path}{os.pathsep}{package.submodule_search_locations[0]}/lib")
    other = Library()
    assert other.call.eval_smtlib2_string(other.context, b"(check-sat)") == b"sat\n"


def test_contexts_know_their_own_mistakes() -> None:
    one = library()
    other = one.opened()
    one.call.eval_smtlib2_string(other, b"(assert (= x 1))")
    assert isinstance(one.wrong(other), Z3Error) and one.wrong(one.context) is None
    one.call.del_context(other)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("(check-sat)", ["sat"]),
        ("(assert false)(check-sat)", ["unsat"]),
        ("", []),
        ("(assert (= x 1))", ["(error"]),
        ('(echo "ü")', ["ü"]),
    ],
)
def test_a_text_is_answered_in_a_context_of_its_own(text: str, said: list[str]) -> None:
    found = answers(text)
    assert len(found) == len(said) and all(line.startswith(start) for line, start in zip(found, said, strict=True))
