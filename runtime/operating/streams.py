"""What commands say, on streams that may be closed, or go nowhere any more, or know few characters."""

from __future__ import annotations

import os
import sys
from io import TextIOWrapper
from pathlib import Path
from typing import IO, AnyStr


def speak_anywhere() -> None:
    """What is said to a standard stream that is closed (`>&-`) goes nowhere. One of a narrow encoding shows what it
    lacks as `\\u2192`, and does not fail."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, Path(os.devnull).open("w", encoding="utf-8"))  # noqa: SIM115 - until the end
        elif isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def say(stream: IO[AnyStr], text: AnyStr) -> None:
    """Write and flush. When the reader has gone (`| head`), the rest goes nowhere, quietly. Raises OSError."""
    try:
        stream.write(text)
        stream.flush()
    except OSError as error:
        nowhere = os.open(os.devnull, os.O_WRONLY)  # what is still in its buffer must not fail again at the end
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)
        if not isinstance(error, BrokenPipeError):
            raise
