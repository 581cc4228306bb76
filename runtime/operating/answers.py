"""What commands answer: text for people and a value for programs, with an exit code; or why they cannot."""

from __future__ import annotations

import argparse
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import Busy, Corrupt, DiskFull, NotWritable, StoreError, TooNew, TooOld, Unreadable
from ..hosts.sqlite import SqliteClient
from ..journal import label

DONE, REFUSED, TROUBLE = 0, 1, 2
"""Exit codes: done and clean; refused by a flow or a host, or the audit found something; asked wrongly, or out of order
(file, app, usage)."""

NAME = "PENSTOCK_BY"
"""The variable that says who acts."""

SCHEMA = 1
"""Of the JSON that commands print: it changes when a field is removed or changes its meaning, not when one is added."""


@dataclass(frozen=True, slots=True)
class Answer:
    """`data` holds what `text` says; None where it is only text."""

    text: str
    data: Any = None
    code: int = DONE


class Trouble(Exception):
    """The command cannot be done as it was asked. `hint`: what to do instead, in a line or some."""

    kind, code = "input", TROUBLE

    def __init__(self, problem: str, hint: str = "") -> None:
        super().__init__(problem)
        self.hint = hint


class Refusal(Trouble):
    """The flow or the host refused it; nothing has changed."""

    kind, code = "refused", REFUSED


HINTS: Mapping[type[StoreError], str] = {
    Busy: "another process has kept the file to itself; nothing has changed: try again",
    DiskFull: "nothing has changed: make room, and try again",
    NotWritable: "nothing has changed: whose are the file and its folder, and may they be written?",
    TooNew: "a later penstock has written it: that one can go on with it",
    TooOld: "an earlier penstock has written it: that one can go on with it",
    Unreadable: "the app's host needs the codec that the file was written with, and its keys",
    Corrupt: "leave it as it is, and go back to a copy: `penstock audit verify --db COPY` says whether that is whole",
}
"""What to do about a file."""


class FileTrouble(Trouble):
    """The file of a host cannot be used."""

    kind = "file"

    def __init__(self, path: Path, error: StoreError) -> None:
        where = "" if str(path) in str(error) else f"{path}: "
        hint = next((HINTS[kind] for kind in type(error).mro() if kind in HINTS), "")
        super().__init__(f"{type(error).__name__}: {where}{error}", hint)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a command works. `words`: the options by which the user led there, for the commands that are suggested;
    `program`: how the command is called. `by`: who acts, if the environment says so. `app`: what would be loaded if no
    `--db` had been given."""

    client: SqliteClient
    words: tuple[str, ...]
    program: str
    by: str
    app: str = ""

    @property
    def who(self) -> tuple[str, ...]:
        """The option that a suggested act still needs."""
        return () if self.by else ("--by", "YOU")


def code_of(flow: str, place: Place) -> str:
    """How to come by the code of a flow that the client does not know."""
    if not place.client.flows:
        return f"give --app {place.app}".rstrip()
    known = ", ".join(map(label, place.client.flows))
    return f"this app runs {known}; while there are instances of {flow}, something has to run that, too"


Command = Callable[[argparse.Namespace, Place], Awaitable[Answer]]
"""What a command does inside `async with place.client`. Raises Trouble, and what clients raise."""
