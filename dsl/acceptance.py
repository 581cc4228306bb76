"""Which findings of the checks may be accepted: `accept` lines as written in, those of the model out."""

from __future__ import annotations

from collections.abc import Iterable

from . import rules_of_meaning as rules
from . import syntax
from .findings import Findings, did_you_mean
from .model import Accept

ACCEPTABLE = (
    "F001", "F002", "F004", "F005", "F007", "F009", "F103", "F105",
    "F201", "F202", "F203", "F204", "F205", "F206", "F312", "F313", "F314", "F501", "F601",
)  # fmt: skip
UNSAFE = ("F003", "F006", "F008", "F101", "F102", "F104", "F301", "F302", "F311", "F401", "F402", "F403")
"""Findings that make the run itself unsafe."""


def accepts(members: Iterable[object], findings: Findings) -> tuple[Accept, ...]:
    """The `accept` lines among the members of a state or flow."""
    found: list[Accept] = []
    for each in members:
        if isinstance(each, syntax.Accept):
            code, span = each.code.text, each.code.span
            if code in UNSAFE:
                message = f"{code} cannot be accepted, because it would make the run itself unsafe."
                findings.error(rules.UNACCEPTABLE, span, message, "has to be mended")
            elif code not in ACCEPTABLE:
                message = f"There is no finding `{code}` that could be accepted."
                fix = did_you_mean(code, span, ACCEPTABLE)
                findings.error(rules.UNACCEPTABLE, span, message, "not a known code", fix=fix)
            elif not each.reason.strip():
                message = f"Accepting {code} needs a reason that others can read."
                findings.error(rules.MISSING_PART, each.span, message, "no reason")
            found.append(Accept(code, each.reason, each.span))
    return tuple(found)
