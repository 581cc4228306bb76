"""Files that were checked before: a path in, the file with its answers out, where nothing they depend on has changed.

They depend on the text of the file and of all that it imports, on the staff, and on penstock itself with Python and Z3.
How long the checks may take is no part of that: what a limit of time or memory cut short is not kept.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
from collections.abc import Callable
from datetime import timedelta
from enum import Enum
from fractions import Fraction
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from ..dsl.diagnostics import (
    Diagnostic,
    Fix,
    Label,
    Lane,
    LaneKind,
    Rest,
    Rule,
    Severity,
    Signal,
    SignalKind,
    TraceStep,
)
from ..dsl.source import Source, Span
from . import pipeline
from .cache import Shelf
from .checks.fate import Range
from .checks.verdict import Answer, Effort, End, Horizon, Leg, Odds, Report, Verdict
from .pipeline import Examined

if TYPE_CHECKING:
    from ..dsl.load import Loaded
    from .staff import Staff

_KINDS: dict[str, Callable[..., object]] = {
    each.__name__: each
    for each in (
        *(Report, Answer, Horizon, Leg, Odds, End, Effort, Range, Diagnostic, Label, Fix, TraceStep, Span),
        *(Lane, Signal),
        *(timedelta, Fraction),
    )
}
_NAMED: dict[str, type[Enum]] = {each.__name__: each for each in (Verdict, Severity, LaneKind, SignalKind, Rest)}
_WINGS = ("dsl", "compiler")
_SOURCES = {".py", ".lark", ".json"}


class Recall:
    """One run of checks with a shelf, or without one. asked: what else is asked."""

    def __init__(self, shelf: Shelf | None, staff: Staff | None = None, asked: tuple[bool, ...] = ()) -> None:
        self._shelf = shelf
        self._asked = f"{_people(staff)} {asked}"
        self._keys: dict[Source, str] = {}  # of the files whose answers are not on the shelf
        self._roles: dict[Source, frozenset[str]] = {}  # of those whose answers were

    def read(self, path: Path) -> Examined:
        """The file with its answers and without its flows, where these are remembered; else as `pipeline.read`."""
        if self._shelf is None:
            return pipeline.read(path)
        loaded = pipeline.load_all(path)
        if isinstance(loaded, Examined):
            return loaded
        key = _key(loaded, self._asked)
        kept = self._shelf.get(key)
        file = None if kept is None else self._unpacked(loaded, kept)
        if file is not None:
            return file
        self._keys[loaded.source] = key
        return pipeline.understood(loaded)

    def keep(self, file: Examined) -> Examined:
        """The same file, once it was checked, which is remembered from now on."""
        key = self._keys.pop(file.source, None)
        if self._shelf is not None and key is not None and not any(report.cut for report in file.reports):
            text = packed(file)
            if text is not None:
                self._shelf.put(key, text)
        return file

    def roles(self, file: Examined) -> frozenset[str] | None:
        """Every role that its flows know; None where it has no flow without a mistake."""
        if file.source in self._roles:
            return self._roles[file.source] or None
        return _roles(file) if file.kernels else None

    def _unpacked(self, loaded: Loaded, kept: str) -> Examined | None:
        try:
            file, roles = unpacked(loaded.source, kept)
        except (ValueError, TypeError, KeyError, IndexError, AttributeError, RecursionError):
            return None
        self._roles[loaded.source] = roles
        return file


def _roles(file: Examined) -> frozenset[str]:
    return frozenset(role for kernel in file.kernels for role in kernel.roles)


# ---------------------------------------------------------------- what the answers depend on


def _key(loaded: Loaded, asked: str) -> str:
    texts = [(file.name, file.text) for file in loaded.source.files]
    said = [(each.rule.code, each.message, repr(each)) for each in loaded.diagnostics]
    whole = json.dumps([machinery(), asked, texts, said])
    return hashlib.sha256(whole.encode("utf-8", "surrogatepass")).hexdigest()


def _people(staff: Staff | None) -> str:
    if staff is None:
        return ""
    people = sorted((name, sorted(roles)) for name, roles in staff.people.items())
    return json.dumps([people, sorted(staff.outside)])


@cache
def machinery() -> str:
    """A digest of penstock's sources, with the versions of Python and of Z3: of its library, which is not loaded."""
    digest = hashlib.sha256(sys.version.encode())
    root = Path(__file__).resolve().parent.parent
    for wing in _WINGS:
        for place in sorted(each for each in (root / wing).rglob("*") if each.suffix in _SOURCES):
            digest.update(f"\0{place.relative_to(root)}\0".encode())
            digest.update(place.read_bytes())
    spec = find_spec("z3")
    for folder in sorted(spec.submodule_search_locations or ()) if spec else ():
        for found in sorted(os.scandir(Path(folder) / "lib"), key=lambda entry: entry.name):
            digest.update(f"\0{found.name} {found.stat().st_size} {found.stat().st_mtime_ns}".encode())
    return digest.hexdigest()


# ---------------------------------------------------------------- the answers as text


class _Unknown(Exception):
    """A value that the text has no form for."""


def packed(file: Examined) -> str | None:
    """What was said and answered of a file, as JSON; None where something of it has no form there."""
    rules: dict[Rule, int] = {}

    def plain(value: object) -> object:
        if value is None or type(value) in (str, int, bool, float):
            return value
        if isinstance(value, tuple):
            return ["", *map(plain, cast("tuple[object, ...]", value))]
        if isinstance(value, Rule):
            return ["Rule", rules.setdefault(value, len(rules))]
        kind = type(value)
        called = kind.__name__
        if _NAMED.get(called) is kind:
            return [called, cast(Enum, value).name]
        if _KINDS.get(called) is not kind:
            raise _Unknown(called)
        if isinstance(value, timedelta):
            return ["timedelta", value.days, value.seconds, value.microseconds]
        if isinstance(value, Fraction):
            return ["Fraction", value.numerator, value.denominator]
        names = cast("tuple[str, ...]", getattr(kind, "__match_args__"))  # noqa: B009 (every dataclass has them)
        return [called, *(plain(getattr(value, name)) for name in names)]

    try:
        said, reports = plain(file.diagnostics), plain(file.reports)
    except _Unknown:
        return None
    kept = [[rule.code, rule.name, rule.summary, rule.page] for rule in rules]
    return json.dumps({"said": said, "reports": reports, "rules": kept, "roles": sorted(_roles(file))})


def unpacked(source: Source, text: str) -> tuple[Examined, frozenset[str]]:
    """The file and its roles. Raises ValueError and its like for a text that was not packed here."""
    data: dict[str, Any] = json.loads(text)
    rules = [Rule(*rule) for rule in data["rules"]]

    def value(plain: object) -> object:
        if not isinstance(plain, list):
            return plain
        kind, *parts = cast("list[object]", plain)
        if kind == "":
            return tuple(map(value, parts))
        if kind == "Rule":
            return rules[cast(int, parts[0])]
        named = _NAMED.get(cast(str, kind))
        return _KINDS[cast(str, kind)](*map(value, parts)) if named is None else named[cast(str, parts[0])]

    said, reports = (
        cast("tuple[Diagnostic, ...]", value(data["said"])),
        cast("tuple[Report, ...]", value(data["reports"])),
    )
    return Examined(source, said, reports=reports), frozenset(data["roles"])
