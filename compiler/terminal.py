"""Where a command speaks: two streams and whether they take colours; a closed pipe is nobody's error."""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from typing import IO, Any, AnyStr, TextIO

from ..dsl.values import dataclass
from .formats.style import Style, clean

REST_OF_LINE = "\x1b[K"
"""Blanks what stands behind the cursor."""


@dataclass(frozen=True, slots=True)
class Terminal:
    """Results go to `out`, complaints to `err`. `style` colours `out`."""

    out: TextIO
    err: TextIO
    style: Style

    def say(self, text: str) -> None:
        _write(self.out, text)

    def hand_on(self, text: str) -> None:
        """What another program reads: in UTF-8, with its own line ends, whatever the terminal makes of such."""
        self.out.flush()
        _write(self.out.buffer, text.encode())

    def complain(self, text: str) -> None:
        _write(self.err, f"penstock: {text}\n")

    @contextmanager
    def progress(self) -> Generator[Callable[[str], None] | None, None, None]:
        """What takes lines about how far something has come: each takes the place of the one before it, and when it
        is over none is left. None where `err` is no terminal: nobody would be there to read them."""
        if not self.err.isatty():
            yield None
            return
        shown = False

        def tell(text: str) -> None:
            nonlocal shown
            shown = True
            from shutil import get_terminal_size  # which imports much, and is seldom needed

            _write(self.err, f"\r{clean(text)[: get_terminal_size().columns - 1]}{REST_OF_LINE}")

        try:
            yield tell
        finally:
            if shown:
                _write(self.err, f"\r{REST_OF_LINE}")


def wants_color(choice: str, stream: TextIO, environment: Mapping[str, str]) -> bool:
    """`always` and `never` say it themselves; `auto` colours a terminal, unless NO_COLOR is set or TERM is dumb."""
    if choice != "auto":
        return choice == "always"
    return stream.isatty() and not environment.get("NO_COLOR") and environment.get("TERM") != "dumb"


def _write(stream: IO[AnyStr], text: AnyStr) -> None:
    """Write and flush. When the reader has gone (`| head`), the rest goes nowhere, quietly. Raises OSError."""
    try:
        stream.write(text)
        stream.flush()
    except OSError as error:
        _give_up(stream)
        if not isinstance(error, BrokenPipeError):
            raise


def _give_up(stream: IO[Any]) -> None:
    """What is still in the stream's buffer must not fail once more when the process ends."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)
