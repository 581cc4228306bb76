"""How an extension takes after the module it was compiled from: the classes are that module's, the code is compiled.

`penstock build --compile` makes such an extension. It runs the text beside it once, interpreted, for its classes: so
records, events and their annotations are the same either way, and so are signatures and docstrings.
"""

from __future__ import annotations

import hashlib
import importlib.machinery
import importlib.util
import inspect
import sys
from collections.abc import Callable
from pathlib import Path
from types import FunctionType
from typing import TypeVar

from .core import GENERATED

C = TypeVar("C")

TEXT = "_penstock_text_{}"
"""The name by which an extension imports the text it was compiled from; in braces, that text's digest."""


def interpret(module: str, digest: str) -> None:
    """Run the text beside the extension that is being imported as `module`, so that it can import it as TEXT.

    Raises ImportError where there is none, or not the one that it was compiled from."""
    source = _beside(module)
    try:
        text = source.read_bytes()
    except OSError as error:
        raise ImportError(f"{module} was compiled, and {source} is needed as well: {error.strerror}") from error
    if hashlib.sha256(text).hexdigest() != digest:
        raise ImportError(f"{module} was compiled from another text than {source} has: `penstock build` mends that")
    loader = importlib.machinery.SourceFileLoader(module, str(source))
    spec = importlib.util.spec_from_loader(module, loader)
    assert spec is not None, "a loader was given"
    made = importlib.util.module_from_spec(spec)
    sys.modules[module] = made  # dataclasses look there
    try:
        loader.exec_module(made)
    finally:
        del sys.modules[module]
    sys.modules[TEXT.format(digest)] = made
    _, package, stem = module.rpartition(".")
    if package and getattr(sys.modules.get(stem), "__name__", None) == module:
        del sys.modules[stem]  # mypyc enters the extension by the name it was compiled with, without its package,
        if stem in GENERATED:  # in the place of one of that name
            sys.modules[stem] = GENERATED[stem]


def _beside(module: str) -> Path:
    """The text of an extension, which does not know itself yet where it lies."""
    package, _, stem = module.rpartition(".")
    folders = sys.modules[package].__path__ if package else None
    spec = importlib.machinery.PathFinder.find_spec(module, folders)
    if spec is None or spec.origin is None:
        raise ImportError(f"{module} was compiled, and its folder is not on the path that Python looks for it")
    return Path(spec.origin).with_name(f"{stem}.py")


def adopted(record: type, digest: str) -> Callable[[C], C]:
    """Decorates a class that has a record's methods, compiled: the record takes them over."""

    def adopt(compiled: C) -> C:
        del sys.modules[TEXT.format(digest)]
        for name, original in list(vars(record).items()):
            method = vars(compiled).get(name)
            function = _function(original)
            if method is not None and function is not None and not name.startswith("__"):
                _describe(_inner(method), function)
                setattr(record, name, method)
        return compiled

    return adopt


def _inner(value: object) -> object:
    """What is in a class method."""
    return getattr(value, "__func__", value)


def _function(value: object) -> FunctionType | None:
    inner = _inner(value)
    return inner if isinstance(inner, FunctionType) else None


def _describe(method: object, original: FunctionType) -> None:
    """Let a compiled method, which is of a class of its own, tell its signature and purpose."""
    kind = type(method)
    setattr(kind, "__doc__", original.__doc__)  # noqa: B010 (mypy and pyright know the class as `object`)
    setattr(kind, "__signature__", property(lambda _: inspect.signature(original)))  # noqa: B010
