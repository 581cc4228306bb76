"""What stands in the way of reading a module."""

from __future__ import annotations


class Refused(Exception):
    """The module says something that penstock does not write: the line, and what is wrong there."""

    def __init__(self, line: int, why: str) -> None:
        super().__init__(line, why)
        self.line = line
        self.why = why
