"""`build --compile`: the text of a generated module in; an extension module, made by mypyc and a C compiler, beside it.

Python prefers the extension, which has the same API; the text stays, for tracebacks and wherever the extension does not
fit. An extension holds the digest of the text it was compiled from: one of another text is stale, and never left there.
"""

from __future__ import annotations

import ast
import hashlib
import importlib.machinery
import importlib.util
import os
import re
import shlex
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from .outputs import MARK, Output

TEXT = "_penstock_text_{}"
"""As in `runtime.compiled`, which this wing does not import; a test holds it to that."""

SUFFIX = importlib.machinery.EXTENSION_SUFFIXES[0]
"""How the name of an extension for this Python ends; it says which Python and platform it is for."""

SUFFIXES = (".so", ".pyd")
CONFIGURATION = f"[mypy]\npython_version = {sys.version_info[0]}.{sys.version_info[1]}\n"
RUNTIME = Path(__file__).parent.parent / "runtime"


class Uncompilable(Exception):
    """It cannot be compiled, or not here; the text is for the user."""


# ---------------------------------------------------------------- what is there


def path(folder: Path, output: Output) -> Path:
    """Where the extension of a module for this Python lies."""
    return folder / f"{Path(output.name).stem}{SUFFIX}"


def current(folder: Path, output: Output) -> bool:
    """Whether the extension for this Python is there, and was compiled from this text."""
    return _holds(path(folder, output), _mark(output.text))


def stale(folder: Path, output: Output) -> list[Path]:
    """The extensions of the module, for any Python, that penstock made of another text."""
    stem = Path(output.name).stem
    beside = sorted(each for each in folder.glob(f"{stem}.*") if each.suffix in SUFFIXES)
    return [each for each in beside if _holds(each, MARK) and not _holds(each, _mark(output.text))]


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _mark(text: str) -> str:
    return f"{MARK}, compiled from {digest(text)}"


def _holds(extension: Path, mark: str) -> bool:
    try:
        return mark.encode() in extension.read_bytes()
    except (FileNotFoundError, IsADirectoryError):
        return False


# ---------------------------------------------------------------- compiling


def compile_all(folder: Path, modules: Sequence[Output]) -> Iterator[tuple[Path, bool]]:
    """The extension of each module, and whether it was made just now. Raises Uncompilable."""
    if not all(current(folder, each) for each in modules):
        require_tools()
    for module in modules:
        wanted = path(folder, module)
        anew = not current(folder, module)
        if anew:
            _compile(module, wanted)
        yield wanted, anew


def require_tools() -> None:
    """Raises Uncompilable where mypyc or a C compiler is missing."""
    for package in ("mypyc", "setuptools"):
        if importlib.util.find_spec(package) is None:
            name = package.removesuffix("c") if package == "mypyc" else package
            raise Uncompilable(f"--compile needs {name}: python -m pip install 'penstock[compile]'")
    compiler = shlex.split(os.environ.get("CC") or str(sysconfig.get_config_var("CC") or ""))
    if os.name == "posix" and (not compiler or shutil.which(compiler[0]) is None):
        named = f" (`{compiler[0]}` is not there)" if compiler else ""
        raise Uncompilable(f"--compile needs a C compiler{named}: install one, or name it in CC")


def _compile(module: Output, wanted: Path) -> None:
    """Compile a copy of the text where nothing else lies, and put the result in its place whole."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _lay_runtime(folder / "penstock")
        (folder / "mypy.ini").write_text(CONFIGURATION, encoding="utf-8")
        (folder / module.name).write_text(prepared(module.text), encoding="utf-8")
        (folder / f"{TEXT.format(digest(module.text))}.py").write_text(module.text, encoding="utf-8")
        command = [sys.executable, "-P", "-m", "mypyc", "--config-file", "mypy.ini", module.name]
        environment = {**os.environ, "MYPY_CACHE_DIR": str(folder / "cache"), "MYPYC_DEBUG_LEVEL": "0"}
        environment.pop("MYPYPATH", None)
        done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
        made = folder / wanted.name
        if done.returncode or not _holds(made, _mark(module.text)):
            raise Uncompilable(f"{module.name} could not be compiled: {_complaint(done.stdout + done.stderr)}")
        beside = wanted.with_name(f".{wanted.name}.new")
        shutil.copyfile(made, beside)
        beside.replace(wanted)


def _lay_runtime(folder: Path) -> None:
    """What the types in a module come from, under the name it is imported by."""
    (folder / "runtime").mkdir(parents=True)
    (folder / "__init__.py").touch()
    (folder / "py.typed").touch()
    for source in RUNTIME.glob("*.py"):
        shutil.copyfile(source, folder / "runtime" / source.name)


def _complaint(said: str) -> str:
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    errors = [line for line in lines if "error:" in line]
    return (errors or lines or ["mypyc says nothing"])[0]


# ---------------------------------------------------------------- the copy that is compiled


def prepared(text: str) -> str:
    """The text as mypyc is to see it, line for line: tracebacks of the extension point into the original.

    The classes are left out, and come from the original; of the record's, the methods are compiled, and given to it.
    Where values come in from outside they are of any type, since a compiled function would raise TypeError where the
    flow raises Rejected. Constants are final, so that they are found at once."""
    lines = text.encode().splitlines()
    tree = ast.parse(text)
    classes = [node.name for node in tree.body if isinstance(node, ast.ClassDef)]
    for node in tree.body:
        if isinstance(node, ast.ClassDef) and _is_record(node):
            _open(node, lines, f"@_adopted({node.name}, {digest(text)!r})")
        elif isinstance(node, ast.ClassDef) or _is_for_the_record(node):
            _leave_out(node, lines)
        elif isinstance(node, ast.ImportFrom) and node.module == "penstock.runtime":
            lines[(node.end_lineno or 0) - 1] += _imports(node, classes, text)
        elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            line, name = node.lineno - 1, node.targets[0].id.encode()
            lines[line] = lines[line].replace(name, name + b": _Final", 1)
    return b"\n".join(lines).decode() + "\n"


def _is_record(node: ast.ClassDef) -> bool:
    return any(ast.unparse(base).startswith("flow.Flow[") for base in node.bases)


def _is_for_the_record(node: ast.stmt) -> bool:
    """`Order.spec = ...`, which has been done when the original ran."""
    return isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Attribute)


def _leave_out(node: ast.stmt, lines: list[bytes]) -> None:
    decorators = node.decorator_list if isinstance(node, ast.ClassDef) else []
    first = min([node.lineno, *(each.lineno for each in decorators)])
    for line in range(first - 1, node.end_lineno or first):
        lines[line] = b""


def _imports(node: ast.ImportFrom, classes: Sequence[str], text: str) -> bytes:
    """What goes on the line that imports the runtime: the classes of the original, what the copy needs besides, and
    whose copy it is. Of modules that are only imported by name from their package, mypyc does not find the classes."""
    made = digest(text)
    parts = [
        f"import {', '.join(f'penstock.runtime.{each.name}' for each in node.names)}",
        "from typing import Any as _Any, Final as _Final",
        "from penstock.runtime.compiled import adopted as _adopted, interpret as _interpret",
        f"_interpret(__name__, {made!r})",
        f"from {TEXT.format(made)} import {', '.join(classes)}",
        f'_COMPILED = "{_mark(text)}"',
    ]
    return "".join(f"; {part}" for part in parts).encode()


def _open(node: ast.ClassDef, lines: list[bytes], decorator: str) -> None:
    """Let the class be one that only has the methods, with parameters of any type. The decorator goes on the line above
    its own, which is blank; it also keeps mypyc from making an extension type of it, with descriptors of its own."""
    first = min([node.lineno, *(each.lineno for each in node.decorator_list)]) - 1
    assert not lines[first - 1], "the layout has changed"
    for line in range(first, node.body[0].lineno - 1):
        lines[line] = b""
    lines[first - 1] = decorator.encode()
    lines[node.lineno - 1] = b"class _Compiled:"
    for line in range(node.lineno, node.end_lineno or node.lineno):
        lines[line] = re.sub(rb"super\(\)\.(\w+)\(", rb"flow.Flow.\1(self, ", lines[line])
    for method in (each for each in node.body if isinstance(each, ast.FunctionDef)):
        own, *given = [*method.args.args, *method.args.kwonlyargs]
        for annotation in reversed([each.annotation for each in given if each.annotation is not None]):
            _replace(annotation, b"_Any", lines)
        text, end = lines[own.lineno - 1], own.end_col_offset
        lines[own.lineno - 1] = text[:end] + b": _Any" + text[end:]


def _replace(node: ast.expr, text: bytes, lines: list[bytes]) -> None:
    """Put text in the place of an expression; where that is of several lines, the others are empty then."""
    first, last = node.lineno - 1, (node.end_lineno or node.lineno) - 1
    rest = lines[last][node.end_col_offset :]
    for line in range(first + 1, last):
        lines[line] = b""
    if last > first:
        lines[last] = rest
    lines[first] = lines[first][: node.col_offset] + text + (rest if last == first else b"")
