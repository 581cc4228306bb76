"""A path in, its text and the texts it imports out, or what is wrong with the files: the only place of this wing that
touches the world."""

from __future__ import annotations

import codecs
import os
import re
import sys
from errno import ELOOP
from pathlib import Path
from typing import TextIO

from . import rules
from .diagnostics import Diagnostic, Fix, Label, Rule
from .literals import problem_of, unescape
from .source import Source, Span, beside
from .tokens import COMMENTS, Token, tokenize
from .values import dataclass, replace

LARGEST = 8 << 20
"""How many bytes a file may have: eight mebibytes."""

MOST_FILES = 100
"""How many files one file may import, directly or not."""

_PATH = re.compile(r"(\.\./)*([^/\\\\:\x00-\x1f]+/)*[^/\\\\:\x00-\x1f]*[^/\\\\:\x00-\x1f.]\.flow")


def load(path: str | Path) -> Source | tuple[Diagnostic, ...]:
    """The text of the file at `path` under that name, a byte order mark left out; or the reason why there is none."""
    try:
        with Path(path).open("rb") as file:
            data = file.read(LARGEST + 1)
    except FileNotFoundError:
        return _refused(rules.UNREADABLE, f"There is no file `{path}`.")
    except IsADirectoryError:
        return _refused(rules.UNREADABLE, f"`{path}` is a directory, not a file.")
    except PermissionError:
        return _refused(rules.UNREADABLE, f"`{path}` may not be read.")
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        return _refused(rules.UNREADABLE, f"`{path}` cannot be read: {reason}.")
    return text_of(str(path), data)


def standard_input() -> Source | tuple[Diagnostic, ...]:
    """The same of what comes in, under the name `-`."""
    stream: TextIO | None = sys.stdin  # None where it is closed
    return text_of("-", stream.buffer.read(LARGEST + 1) if stream is not None else b"")


def text_of(name: str, data: bytes) -> Source | tuple[Diagnostic, ...]:
    """The same for bytes that were read already."""
    if len(data) > LARGEST:
        return _refused(rules.TOO_LARGE, f"`{name}` is larger than {LARGEST:,} bytes, the most a flow file may have.")
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return _refused(rules.NOT_TEXT, f"`{name}` is text in UTF-16; save it as UTF-8.")
    if b"\0" in data:
        return _refused(rules.NOT_TEXT, f"`{name}` is not text but a binary file.")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        return _refused(
            rules.NOT_TEXT, f"`{name}` is not text in UTF-8: line {line} has the byte {data[error.start]:#04x}."
        )
    if not text.strip():
        return _refused(rules.EMPTY, f"`{name}` is empty.")
    return Source(name, text)


def _refused(rule: Rule, message: str) -> tuple[Diagnostic, ...]:
    return (Diagnostic(rule, message, None),)


# ---------------------------------------------------------------- imports


@dataclass(frozen=True, slots=True)
class Loaded:
    """A text with all that it imports but for what is refused, and why that is."""

    source: Source
    diagnostics: tuple[Diagnostic, ...] = ()


def load_all(path: str | Path) -> Loaded | tuple[Diagnostic, ...]:
    """The file at `path` with its imports; if it cannot be read itself, the reason."""
    root = load(path)
    if isinstance(root, tuple):
        return root
    here, folder = Path.cwd(), Path(path).resolve().parent
    walk = _Walk(root, here if folder.is_relative_to(here) else folder)
    walk.follow(root, (root.name,))
    source = replace(root, imported=tuple(walk.found.values()))
    return Loaded(source, tuple(_moved(said, source.range(file.name).start) for file, said in walk.refused))


@dataclass(frozen=True, slots=True)
class _Import:
    path: str
    span: Span


class _Walk:
    """Reads each file once, the nearest first."""

    def __init__(self, root: Source, limit: Path) -> None:
        self.limit = limit
        self.root = root
        self.asked = 0
        self.found: dict[str, Source] = {}
        self.refused: list[tuple[Source, Diagnostic]] = []

    def follow(self, file: Source, trail: tuple[str, ...]) -> None:
        for each in imports(file):
            target = beside(file.name, each.path)
            if target in trail:
                circle = " -> ".join(f"`{name}`" for name in (*trail[trail.index(target) :], target))
                self._refuse(file, each, rules.CIRCLE, f"These files import each other: {circle}.", "closes the circle")
            elif target not in self.found:
                if self.asked == MOST_FILES:
                    message = f"`{self.root.name}` imports more than {MOST_FILES} files, directly or not."
                    self._refuse(file, each, rules.IMPORT, message, "one file too many")
                if self.asked >= MOST_FILES:
                    self.asked += 1  # said once
                    return
                self.asked += 1
                if (read := self._read(file, each, target)) is not None:
                    self.found[target] = read
                    self.follow(read, (*trail, target))

    def _read(self, file: Source, what: _Import, target: str) -> Source | None:
        if not _PATH.fullmatch(what.path):
            message = f"`{what.path}` is not a path from here to a `.flow` file, with `/` between its parts."
            self._refuse(file, what, rules.IMPORT, message, "not such a path")
        elif (place := _place(target)) is None:
            message = f"`{what.path}` cannot be read: its links lead round in a circle."
            self._refuse(file, what, rules.UNREADABLE, message, "imported here")
        elif not place.is_relative_to(self.limit.resolve()):
            message = f"`{what.path}` leads out of the folder that imports are taken from."
            self._refuse(file, what, rules.IMPORT, message, "leads out", note=f"That folder is `{self.limit}`.")
        else:
            read = load(target)
            if isinstance(read, Source):
                return read
            self._refuse(file, what, read[0].rule, read[0].message, "imported here", fix=_meant(what, target))
        return None

    def _refuse(
        self, file: Source, what: _Import, rule: Rule, message: str, label: str, fix: Fix | None = None, note: str = ""
    ) -> None:
        fixes = () if fix is None else (fix,)
        self.refused.append((file, Diagnostic(rule, message, what.span, label, fixes=fixes, note=note)))


def _place(target: str) -> Path | None:
    """Where a path leads, its links followed; None: round in a circle."""
    try:
        return Path(os.path.realpath(target, strict=True))
    except OSError as error:
        return None if error.errno == ELOOP else Path(target).resolve()


def imports(file: Source) -> tuple[_Import, ...]:
    """The paths a file says it imports, whatever else is in it."""
    if "import" not in file.text:  # the usual case, for which the whole text need not be cut into tokens
        return ()
    found: list[_Import] = []
    depth = 0
    before: Token | None = None
    for token in tokenize(file):
        if token.kind in COMMENTS:
            continue
        depth += (token.text == "{") - (token.text == "}")
        said = token.kind == "string" and before is not None and before.text == "import" and not depth
        if said and before is not None and problem_of(token) is None:
            found.append(_Import(unescape(token.text[1:-1]), before.span.to(token.span)))
        before = token
    return tuple(found)


def _meant(what: _Import, target: str) -> Fix | None:
    """The file beside the missing one that is called much like it."""
    wanted = Path(target)
    if wanted.exists() or not wanted.parent.is_dir():
        return None
    from difflib import get_close_matches

    close = get_close_matches(wanted.name, sorted(each.name for each in wanted.parent.glob("*.flow")), n=1)
    if not close:
        return None
    meant = what.path.removesuffix(wanted.name) + close[0]
    return Fix(f"did you mean `{meant}`?", ((what.span, f'import "{meant}"'),))


def _moved(said: Diagnostic, by: int) -> Diagnostic:
    def moved(span: Span) -> Span:
        return Span(span.start + by, span.end + by)

    return replace(
        said,
        span=moved(said.span) if said.span else None,
        others=tuple(Label(moved(each.span), each.text) for each in said.others),
        fixes=tuple(replace(fix, edits=tuple((moved(span), text) for span, text in fix.edits)) for fix in said.fixes),
    )
