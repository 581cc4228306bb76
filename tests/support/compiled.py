"""Flows as extensions: kernels in, modules that mypyc and a C compiler have made of their generated texts out."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from types import ModuleType

import pytest

from penstock.compiler import extension
from penstock.compiler.codegen import names, render
from penstock.compiler.kernel import Kernel
from penstock.compiler.outputs import Output
from twins import PATH


def require_tools() -> None:
    """Skip the test where there is nothing to compile with."""
    try:
        extension.require_tools()
    except extension.Uncompilable as reason:
        pytest.skip(str(reason))


def compiled(kernel: Kernel, folder: Path) -> ModuleType:
    """The extension of a kernel's module, in a package of its own: an interpreted one may go by its name here."""
    require_tools()
    package = folder / f"compiled_{kernel.name.lower()}"
    package.mkdir()
    (package / "__init__.py").touch()
    module = Output(f"{names.module(kernel)}.py", render.module(kernel, "0" * 64, PATH))
    (package / module.name).write_text(module.text, encoding="utf-8")
    assert [anew for _, anew in extension.compile_all(package, [module])] == [True]
    sys.path.insert(0, str(folder))
    try:
        made = importlib.import_module(f"{package.name}.{names.module(kernel)}")
    finally:
        sys.path.remove(str(folder))
    assert made.__file__ == str(extension.path(package, module))
    return made
