"""The repository as the guard tests see it: its modules by import name, and what each of them imports."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
WINGS = ("dsl", "compiler", "runtime")


@dataclass(frozen=True)
class Module:
    """One source file; `imports` holds absolute names, those under TYPE_CHECKING and inside functions included."""

    name: str
    path: Path
    imports: frozenset[str]

    @property
    def wing(self) -> str:
        """`dsl`, `compiler`, `runtime` or `generated`; `` for the root's own files."""
        first = self.path.relative_to(ROOT).parts[0]
        return first if first in (*WINGS, "generated") else ""


def product() -> dict[str, Module]:
    """Every module of the package by its import name, `penstock.…`."""
    files = [ROOT / "__init__.py", ROOT / "dev.py"]
    files += [path for wing in WINGS for path in sorted((ROOT / wing).rglob("*.py"))]
    return {module.name: module for module in map(_package_module, files)}


def of_testing(module: Module) -> bool:
    """Whether a module is for those who have pytest, and Hypothesis."""
    return module.name == "penstock.compiler.pytest_plugin" or module.name.startswith("penstock.runtime.testing")


def of_telemetry(module: Module) -> bool:
    """Whether a module is for those who have OpenTelemetry."""
    return module.name.startswith("penstock.runtime.telemetry")


def generated() -> dict[str, Module]:
    """The generated modules by the name a user imports them under."""
    files = sorted((ROOT / "generated").glob("*.py"))
    return {path.stem: Module(path.stem, path, _imports(path, "")) for path in files}


def _package_module(path: Path) -> Module:
    parts = ("penstock", *path.relative_to(ROOT).with_suffix("").parts)
    package = parts[:-1]
    name = ".".join(package if path.name == "__init__.py" else parts)
    return Module(name, path, _imports(path, ".".join(package)))


def _imports(path: Path, package: str) -> frozenset[str]:
    return frozenset(_imported(ast.parse(path.read_text(encoding="utf-8")), package))


def _imported(tree: ast.Module, package: str) -> Iterator[str]:
    """Both `a.b` and `a.b.c` for `from a.b import c`: c may be a module or a name in one."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            origin = ".".join([*base, *([node.module] if node.module else [])])
            yield origin
            yield from (f"{origin}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Call) and ast.unparse(node.func).endswith("import_module"):
            yield from (str(arg.value) for arg in node.args if isinstance(arg, ast.Constant))
