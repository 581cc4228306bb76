"""A path in, its text out, or what is wrong with the file: the only place of this wing that touches the world."""

from __future__ import annotations

import codecs
from pathlib import Path

from . import rules
from .diagnostics import Diagnostic, Rule
from .source import Source

LARGEST = 1 << 20
"""How many bytes a file may have: one mebibyte."""


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


def text_of(name: str, data: bytes) -> Source | tuple[Diagnostic, ...]:
    """The same for bytes that were read already, such as standard input."""
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
