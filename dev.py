#!/usr/bin/env python3
"""Every task of this repository, from a bare Python and pip: a task name in, its exit code out.

It imports only the standard library, lays `.venv` on first use, and runs the task in it.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
STAMP = VENV / "penstock.stamp"
BIN = VENV / ("Scripts" if os.name == "nt" else "bin")
PYTHON = BIN / "python"
LINKS = ROOT / "build" / "types" / "penstock"

TOOLS: dict[str, tuple[str, ...]] = {
    "ruff": ("ruff", "check", "--no-cache", "."),
    "format": ("ruff", "format", "--check", "--no-cache", "."),
    "mypy": ("mypy",),
    "pyright": ("pyright",),
}
"""The checks of the source text, by name: module and arguments."""

Task = Callable[[Sequence[str]], int]


class SetupFailed(Exception):
    """The environment could not be made; the text is for the person who asked."""


# ---------------------------------------------------------------- the environment


def stamp() -> str:
    """What the environment is made from; when this changes, it is brought up to date."""
    import tomllib  # from 3.11 on, as `main` makes sure

    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    recipe = json.dumps([project["build-system"], project["project"], project["tool"]["setuptools"]])
    return f"python {sys.version_info[0]}.{sys.version_info[1]}\n{hashlib.sha256(recipe.encode()).hexdigest()}\n"


def set_up() -> None:
    """Make `.venv` with penstock (editable) and its development tools, unless its stamp says that it is current."""
    wanted = stamp()
    if PYTHON.exists() and STAMP.exists() and STAMP.read_text() == wanted:
        return
    print("Setting up .venv (once; this needs a package index and takes a minute or two).", flush=True)
    if subprocess.run([PYTHON, "-c", ""], capture_output=True).returncode if PYTHON.exists() else True:
        shutil.rmtree(VENV, ignore_errors=True)
        must([sys.executable, "-m", "venv", "--without-pip", str(VENV)], "could not make a virtual environment")
    STAMP.unlink(missing_ok=True)
    install = [*installer(), "install", "--quiet", "--disable-pip-version-check", "--editable", f"{ROOT}[dev]"]
    must(
        install,
        "could not install the packages that penstock is built from (the lines above say why).\n"
        "This step needs a package index: check the network, or name a mirror with PIP_INDEX_URL or PIP_FIND_LINKS.",
    )
    STAMP.write_text(wanted)


def installer() -> list[str]:
    """The pip of the Python at hand, working on `.venv`; where that is too old or missing, one of `.venv`'s own."""
    command = [sys.executable, "-m", "pip", "--python", str(PYTHON)]
    if subprocess.run([*command, "--version"], capture_output=True).returncode == 0:
        return command
    must([str(PYTHON), "-m", "ensurepip", "--upgrade"], "this Python has neither a pip (22.3 or newer) nor ensurepip")
    return [str(PYTHON), "-m", "pip"]


def must(command: Sequence[str], complaint: str) -> None:
    if subprocess.run(command, cwd=ROOT).returncode:
        raise SetupFailed(complaint)


def lay_links() -> None:
    """Give the sources their import name for mypy and pyright: `build/types/penstock/dsl` is `dsl`, and so on."""
    LINKS.mkdir(parents=True, exist_ok=True)
    for name in ("__init__.py", "py.typed", "dev.py", "dsl", "compiler", "runtime"):
        link = LINKS / name
        if not link.exists():
            link.unlink(missing_ok=True)
            link.symlink_to(os.path.relpath(ROOT / name, LINKS), target_is_directory=(ROOT / name).is_dir())


# ---------------------------------------------------------------- tasks


def tool_environment() -> dict[str, str]:
    """The environment for the tools: pyright need not ask the package index for a newer pyright."""
    return {**os.environ, "PYRIGHT_PYTHON_IGNORE_WARNINGS": "1"}


def run(*command: str | Path, **variables: str) -> int:
    """Run a program of the environment at the root, with these environment variables; its exit code."""
    sys.stdout.flush()
    return subprocess.run([str(part) for part in command], cwd=ROOT, env=tool_environment() | variables).returncode


def module(*command: str) -> int:
    """Run an installed tool, with the root kept off its import path."""
    return run(PYTHON, "-P", "-m", *command)


def specs() -> list[str]:
    return sorted(str(path.relative_to(ROOT)) for path in (ROOT / "specs").rglob("*.flow"))


def demo(args: Sequence[str]) -> int:
    """Check, build and draw specs/order.flow, then run three orders on the SQLite host and tell their stories."""
    for command in (
        "check specs/order.flow",
        "build specs/order.flow",
        "draw specs/order.flow -o build/demo/order.svg",
    ):
        print(f"\n$ penstock {command}")
        if code := run(BIN / "penstock", *command.split()):
            return code
    print("\n$ PYTHONPATH=generated python docs/examples/order/run.py")
    return run(PYTHON, "docs/examples/order/run.py", *args, PYTHONPATH="generated")


def test(args: Sequence[str]) -> int:
    """Run all tests; arguments go to pytest, e.g. `dev.py test tests/dsl -k lexer`."""
    lay_links()
    return module("pytest", "-n", "auto", "--maxprocesses", "8", *args)


def check(args: Sequence[str]) -> int:
    """Run ruff, ruff format --check, mypy and pyright (or those named) over product, tests and generated code."""
    lay_links()
    unknown = [name for name in args if name not in TOOLS]
    if unknown:
        print(f"dev.py check: no check is called {unknown[0]}; there are {', '.join(TOOLS)}.", file=sys.stderr)
        return 2
    return max(module(*TOOLS[name]) for name in args or TOOLS)


def tidy(args: Sequence[str]) -> int:
    """Format the sources and mend what ruff can mend."""
    return module("ruff", "check", "--fix", *args, ".") or module("ruff", "format", *args, ".")


def build(args: Sequence[str]) -> int:
    """Write generated/ anew from specs/; `--check` only says whether it has drifted."""
    return run(BIN / "penstock", "build", *specs(), *args)


def table(args: Sequence[str]) -> int:
    """Write dsl/grammar.json anew from dsl/grammar.lark, as is needed whenever that changes."""
    made = subprocess.run([str(PYTHON), "-P", "-m", "penstock.dsl.table"], cwd=ROOT, stdout=subprocess.PIPE)
    if made.returncode == 0:
        (ROOT / "dsl" / "grammar.json").write_bytes(made.stdout)
    return made.returncode


def clean(args: Sequence[str]) -> int:
    """Remove what the tasks made: build/, caches and egg-info. `--all` removes .venv too."""
    caches = ("build", "dist", "penstock.egg-info", ".mypy_cache", ".pytest_cache", ".ruff_cache", ".hypothesis")
    for name in (*caches, *([".venv"] if "--all" in args else [])):
        shutil.rmtree(ROOT / name, ignore_errors=True)
    return 0


TASKS: dict[str, Task] = {
    "demo": demo, "test": test, "check": check, "tidy": tidy, "build": build, "table": table, "clean": clean,
}  # fmt: skip


def main(argv: Sequence[str]) -> int:
    if sys.version_info < (3, 11):  # noqa: UP036 (an older Python reaches this line, and deserves a sentence)
        print(f"dev.py needs Python 3.11 or newer; this is {sys.version.split()[0]}.", file=sys.stderr)
        return 2
    lines = "\n".join(f"  {name:8}{(task.__doc__ or '').strip()}" for name, task in TASKS.items())
    parser = argparse.ArgumentParser(
        prog="dev.py",
        description="The tasks of this repository. The first one makes .venv; nothing else is needed.",
        epilog=f"tasks:\n{lines}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("task", choices=TASKS, metavar="TASK")
    parser.add_argument("args", nargs=argparse.REMAINDER, help="passed on to the task")
    chosen = parser.parse_args(argv or ["--help"])
    task: str = chosen.task
    try:
        if task != "clean":
            set_up()
        return TASKS[task](chosen.args)
    except SetupFailed as failure:
        print(f"\ndev.py: {failure}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
