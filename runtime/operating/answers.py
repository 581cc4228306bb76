"""What commands answer: text for people and a value for programs, with an exit code; or why they cannot."""

from __future__ import annotations

import argparse
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

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


@dataclass(frozen=True, slots=True)
class Place:
    """Where a command works. `words`: the options by which the user led there, for the commands that are suggested;
    `program`: how the command is called. `signed`: the environment says who acts."""

    client: SqliteClient
    words: tuple[str, ...]
    program: str
    signed: bool

    @property
    def who(self) -> tuple[str, ...]:
        """The option that a suggested act still needs."""
        return () if self.signed else ("--by", "YOU")


def code_of(flow: str, client: SqliteClient) -> str:
    """How to come by the code of a flow that a client does not know."""
    if not client.flows:
        return "give --app"
    known = ", ".join(map(label, client.flows))
    return f"this app runs {known}; while there are instances of {flow}, something has to run that, too"


Command = Callable[[argparse.Namespace, Place], Awaitable[Answer]]
"""What a command does inside `async with place.client`. Raises Trouble, and what clients raise."""
