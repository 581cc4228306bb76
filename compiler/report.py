"""The door to everything that is reported: examined files and a format's name in, text and an exit code out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from .checks.verdict import Verdict
from .formats import data, forges, junit, page, sarif, sequence, times
from .formats.style import Style
from .outputs import Output
from .pipeline import Examined

CLEAN, FINDINGS, TROUBLE, INCONCLUSIVE = 0, 1, 2, 3
"""Exit codes: nothing found; findings or drift; usage, input or internal error; nothing refuted, something open."""

Form = Callable[[Sequence[Examined], Style, str], str]

FOR_PEOPLE = {"full", "sequence", "concise", "times"}
"""The formats that may be followed by more lines."""

WITH_EDITS = {"full", "sequence"}
"""The formats that show edits, so that it pays to check them."""

FORMS: dict[str, Form] = {
    "full": lambda files, style, tool: page.full(files, style),
    "sequence": lambda files, style, tool: page.full(files, style, sequence.sequence),
    "concise": lambda files, style, tool: page.concise(files, style),
    "times": lambda files, style, tool: times.times(files, style),
    "json": lambda files, style, tool: data.data(files, tool, exit_code(files)),
    "sarif": lambda files, style, tool: sarif.sarif(files, tool),
    "github": lambda files, style, tool: forges.github(files),
    "gitlab": lambda files, style, tool: forges.gitlab(files),
    "junit": lambda files, style, tool: junit.junit(files),
}
"""Each form takes the files, the colours (of use to people only) and penstock's version."""


def render(form: str, files: Sequence[Examined], style: Style, tool: str) -> str:
    return FORMS[form](files, style, tool)


def stories(files: Sequence[Examined], folder: Path) -> list[Output]:
    """A picture of each finding's run, to lie in the folder."""
    from .formats import pictures  # no other command draws

    return list(pictures.pictures(files, folder))


def exit_code(files: Sequence[Examined]) -> int:
    """The code of the worst thing said about any of the files; what the text accepts does not count."""
    if not all(file.readable for file in files):
        return TROUBLE
    verdicts = [report.verdict for file in files for report in file.reports]
    if any(file.errors for file in files) or Verdict.REFUTED in verdicts:
        return FINDINGS
    return INCONCLUSIVE if Verdict.UNKNOWN in verdicts else CLEAN


def worst(codes: Iterable[int]) -> int:
    """The exit code of several files together."""
    return max(codes, key=(CLEAN, INCONCLUSIVE, FINDINGS, TROUBLE).index, default=CLEAN)
