"""The door to everything that is reported: examined files and a format's name in, text and an exit code out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from .checks.verdict import Verdict
from .formats.style import Style
from .outputs import Output
from .pipeline import Examined

CLEAN, FINDINGS, TROUBLE, INCONCLUSIVE = 0, 1, 2, 3
"""Exit codes: nothing found; findings or drift; usage, input or internal error; nothing refuted, something open."""

Form = Callable[[Sequence[Examined], Style, str], str]


def _full(files: Sequence[Examined], style: Style, _tool: str) -> str:
    from .formats import page

    return page.full(files, style)


def _sequence(files: Sequence[Examined], style: Style, _tool: str) -> str:
    from .formats import page, sequence

    return page.full(files, style, sequence.sequence)


def _concise(files: Sequence[Examined], style: Style, _tool: str) -> str:
    from .formats import page

    return page.concise(files, style)


def _times(files: Sequence[Examined], style: Style, _tool: str) -> str:
    from .formats import times

    return times.times(files, style)


def _odds(files: Sequence[Examined], style: Style, _tool: str) -> str:
    from .formats import odds

    return odds.odds(files, style)


def _json(files: Sequence[Examined], _style: Style, tool: str) -> str:
    from .formats import data

    return data.data(files, tool, exit_code(files))


def _sarif(files: Sequence[Examined], _style: Style, tool: str) -> str:
    from .formats import sarif

    return sarif.sarif(files, tool)


def _github(files: Sequence[Examined], _style: Style, _tool: str) -> str:
    from .formats import forges

    return forges.github(files)


def _gitlab(files: Sequence[Examined], _style: Style, _tool: str) -> str:
    from .formats import forges

    return forges.gitlab(files)


def _junit(files: Sequence[Examined], _style: Style, _tool: str) -> str:
    from .formats import junit

    return junit.junit(files)


FOR_PEOPLE = {"full", "sequence", "concise", "times", "odds"}
"""The formats that may be followed by more lines."""

WITH_EDITS = {"full", "sequence"}
"""The formats that show edits, so that it pays to check them."""

FORMS: dict[str, Form] = {
    "full": _full,
    "sequence": _sequence,
    "concise": _concise,
    "times": _times,
    "odds": _odds,
    "json": _json,
    "sarif": _sarif,
    "github": _github,
    "gitlab": _gitlab,
    "junit": _junit,
}
"""Each form takes the files, the colours (of use to people only) and penstock's version. It is imported when it is
asked for."""

VERSIONED = {"json", "sarif"}
"""The forms that say the version."""

LIKELY = {"odds", "json"}
"""The forms that say how likely a flow ends where."""


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
