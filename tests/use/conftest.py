"""The examples of `docs/use`, as modules."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable
from types import ModuleType

import pytest

from repository import ROOT


def load(path: str) -> ModuleType:
    """A file of `docs/examples`, imported under a name of its own: `worker/pure.py` as `example_worker_pure`."""
    name = f"example_{path.removesuffix('.py').replace('/', '_')}"
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, ROOT / "docs" / "examples" / path)
        assert spec is not None and spec.loader is not None
        module = sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    return sys.modules[name]


@pytest.fixture(scope="session")
def example() -> Callable[[str], ModuleType]:
    return load
