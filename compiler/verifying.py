"""A generated module on disk in; the flow that it was made from found, and what validation says of the two, out."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from pathlib import Path

from ..dsl.source import Source
from . import pipeline
from .kernel import Kernel
from .pipeline import Examined
from .validation import reading
from .validation.validate import Validated, validate


class Unverifiable(Exception):
    """There is nothing to compare; one sentence for the user."""


@dataclass(frozen=True, slots=True)
class Verified:
    """A module beside its flow, and what came of it. spec: the flow's text, under the name the module has for it."""

    module: Source
    spec: Source
    result: Validated


def verify(path: Path, spec: Path | None) -> Verified:
    """spec: where the flow is, if the module does not say it well enough. Raises Unverifiable, OSError."""
    text = _text(path)
    try:
        head = reading.header(text)
        file = pipeline.read(spec or _found(path, head.path))
        if not file.kernels or file.errors:
            raise Unverifiable(f"{file.source.name} cannot be read as a flow: `penstock check` says why")
        kernel = _chosen(path, text, file)
        return Verified(
            Source(str(path), text),
            file.source.called(head.path),
            validate(text, replace(kernel, source=file.source.called(head.path)), digest(file)),
        )
    except reading.Unreadable as unreadable:
        raise Unverifiable(f"{path} is no module to verify: {unreadable}") from None


def digest(file: Examined) -> str:
    """The hash of a spec that its modules carry."""
    from ..dsl.format import canonical

    return hashlib.sha256(canonical(file.source).encode()).hexdigest()


def _text(path: Path) -> str:
    try:
        return path.read_bytes().decode("utf-8").replace("\r\n", "\n")  # git makes them so on Windows
    except UnicodeDecodeError:
        raise Unverifiable(f"{path} is no module to verify: it is not UTF-8") from None


def _found(path: Path, named: str) -> Path:
    """The spec, as seen from here, from the folder of the module, or from one around it."""
    places = [Path(), path.parent, *path.resolve().parents]
    found = next((place / named for place in places if (place / named).is_file()), None)
    if found is None:
        raise Unverifiable(f"{path} was generated from {named}, which is not there: say where it is with --spec")
    return found


def _chosen(path: Path, text: str, file: Examined) -> Kernel:
    """The flow that a module is of: the one that it sets a spec for, or that would have a module of this name."""
    from .codegen.names import Names, module

    names = {kernel.name: kernel for kernel in file.kernels}
    named = [kernel for kernel in names.values() if module(kernel) == path.stem]
    named += [kernel for kernel in names.values() if f"\n{Names(kernel).flow}.spec = " in text]
    named += list(names.values()) if len(names) == 1 else []
    if not named:
        raise Unverifiable(f"{path} is the module of none of the flows of {file.source.name}: {', '.join(names)}")
    return named[0]
