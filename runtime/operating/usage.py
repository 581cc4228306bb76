"""How the commands are called: arguments in, parsed ones out, or what is wrong with them in a line or two."""

from __future__ import annotations

import argparse
import re
from collections.abc import Sequence
from typing import NoReturn

TROUBLE = 2
"""The exit code of what was asked wrongly."""
INTERRUPTED = 130
"""That of Ctrl-C, as shells have it."""


class Parser(argparse.ArgumentParser):
    """Usage errors in one or two lines, with what was probably meant."""

    def error(self, message: str) -> NoReturn:
        from difflib import get_close_matches

        from .layout import clean

        wrong = re.search(r"invalid choice: '([^']*)' \(choose from (.*)\)", message)
        strange = re.match(r"unrecognized arguments: (--[\w-]+)", message)
        close: list[str] = []
        if wrong:
            close = get_close_matches(wrong[1], re.findall(r"[\w-]+", wrong[2]), n=1)
        elif strange:
            close = get_close_matches(strange[1], re.findall(r"--[\w-]+", self.format_help()), n=1)
        hint = f"did you mean `{close[0]}`?" if close else f"`{self.prog} --help` shows what there is."
        self.exit(TROUBLE, f"{self.prog}: {clean(message)}\n{hint}\n")

    def parsed(self, given: Sequence[str]) -> argparse.Namespace | int:
        """The arguments; an exit code where help, the version or what is wrong has been said instead.

        A parser of a command that has set itself as the default of `usage` says what it does not know itself."""
        try:
            args, strange = self.parse_known_args(given)
            if strange:
                getattr(args, "usage", self).error(f"unrecognized arguments: {' '.join(strange)}")
        except SystemExit as stop:
            return stop.code if isinstance(stop.code, int) else TROUBLE
        return args
