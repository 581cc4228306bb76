"""The command `penstock`: arguments in, an exit code out. Operators of running flows do not wait for the compiler."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Sequence
from typing import NoReturn

from ..runtime.operating import COMMANDS as OPERATING

SELDOM = 500_000, 20, 100
"""When Python looks for circles of objects that nobody refers to: importing penstock and a check make millions of
objects, and hardly any."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command. Never raises: every mistake and every bug of ours ends in a message and a code."""
    given = sys.argv[1:] if argv is None else argv
    if len(given) > 1 and given[0] == "help":
        given = [*given[1:], "--help"]
    if given and given[0] in OPERATING:
        from ..runtime.operating import door

        return door.main(given)
    gc.set_threshold(*SELDOM)
    from . import commandline

    return commandline.main(given)


def command() -> NoReturn:
    """What `penstock` is: one command, and the end of its process. What a check has made, millions of objects, is not
    given back one by one, which would take a tenth of the whole again."""
    code = main()
    if sys.argv[1:2] and sys.argv[1] in OPERATING:
        sys.exit(code)
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except OSError:
        sys.exit(code)  # Python says what is the matter
    os._exit(code)


if __name__ == "__main__":
    command()
