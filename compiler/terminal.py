"""Where a command speaks: two streams and whether they take colours; a closed pipe is nobody's error."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from typing import TextIO

from ..dsl.values import dataclass
from ..runtime.operating.streams import say
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
        say(self.out, text)

    def hand_on(self, text: str) -> None:
        """What another program reads: in UTF-8, with its own line ends, whatever the terminal makes of such."""
        self.out.flush()
        say(self.out.buffer, text.encode())

    def complain(self, text: str) -> None:
        say(self.err, f"penstock: {text}\n")

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

            say(self.err, f"\r{clean(text)[: get_terminal_size().columns - 1]}{REST_OF_LINE}")

        try:
            yield tell
        finally:
            if shown:
                say(self.err, f"\r{REST_OF_LINE}")


def wants_color(choice: str, stream: TextIO, environment: Mapping[str, str]) -> bool:
    """`always` and `never` say it themselves; `auto` colours a terminal, unless NO_COLOR is set or TERM is dumb."""
    if choice != "auto":
        return choice == "always"
    return stream.isatty() and not environment.get("NO_COLOR") and environment.get("TERM") != "dumb"
