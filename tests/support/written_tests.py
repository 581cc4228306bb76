"""Test modules that penstock writes, made and run in this process: a spec in, each of its tests as a function out."""

from __future__ import annotations

import sys
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

from penstock.compiler import pipeline
from penstock.compiler.codegen import names, render
from penstock.compiler.kernel import Kernel
from penstock.compiler.pipeline import Examined, Explorations
from penstock.compiler.testing import kit
from penstock.compiler.testing.cases import Case
from penstock.dsl.source import Source

Tests = Mapping[str, Callable[[], None]]


def explored(file: Examined) -> tuple[Examined, Explorations]:
    """The checked file, and what was explored of its flows."""
    found = Explorations()
    return pipeline.check(file, audit=found.audit), found


def read(text: str, name: str = "specs/flow.flow") -> Examined:
    """A file of this text, without mistakes."""
    file = pipeline.meaning(Source(name, text))
    assert not file.errors, file.diagnostics
    return file


def cases(file: Examined, found: Explorations) -> tuple[Case, ...]:
    return kit.found(file, found.inquiries, Path(file.source.name).name)


def texts(file: Examined, found: Explorations, kept: tuple[Case, ...] = ()) -> dict[str, str]:
    """The test module of each flow, by the name of its flow."""
    made = kit.modules(file, found.inquiries, Path(file.source.name).name, kept)
    stems = {f"test_{names.module(kernel)}.py": kernel.name for kernel in file.kernels}
    return {stems[output.name]: output.text for output in made}


@contextmanager
def running(kernel: Kernel, text: str, change: Callable[[str], str] = str) -> Generator[Tests]:
    """The test functions of a module's text, with the generated module that they import; change: of that."""
    stem = names.module(kernel)
    generated = change(render.module(kernel, "0" * 64, "specs/flow.flow"))
    before = {name: sys.modules[name] for name in (stem, f"test_{stem}") if name in sys.modules}
    try:
        execute(stem, generated)
        module = execute(f"test_{stem}", text)
        yield {name: each for name, each in vars(module).items() if name.startswith("test_")}
    finally:
        for name in (stem, f"test_{stem}"):
            sys.modules.pop(name, None)
        sys.modules.update(before)  # other tests have imported the committed one


def execute(name: str, text: str) -> ModuleType:
    made = ModuleType(name)
    sys.modules[name] = made  # imports and dataclasses look there
    exec(compile(text, f"{name}.py", "exec"), made.__dict__)
    return made
