"""A fix whose edits were checked in; the lines of the text before and after them out."""

from __future__ import annotations

from collections.abc import Iterator
from difflib import SequenceMatcher

from ...dsl.diagnostics import Fix
from ...dsl.source import Source
from ..mending import edited

MOST_LINES = 12


def edits(source: Source, fix: Fix) -> list[str]:
    """`83 - on declined -> Cancelled`, `83 + on declined -> compensate -> Cancelled`, and what is known of it."""
    after = edited(source, fix) if fix.checked else None
    if after is None:
        return []
    lines = list(_changed(source.text.splitlines(), after.splitlines()))
    margin = min((len(text) - len(text.lstrip()) for _, _, text in lines if text.strip()), default=0)
    wide = max((len(str(number)) for number, _, _ in lines), default=1)
    shown = [f"{number:>{wide}} {sign} {text[margin:].rstrip()}" for number, sign, text in lines[:MOST_LINES]]
    more = [f"… and {len(lines) - MOST_LINES} more lines"] if len(lines) > MOST_LINES else []
    return [*shown, *more, f"checked: {fix.checked}"]


def _changed(before: list[str], after: list[str]) -> Iterator[tuple[int, str, str]]:
    """The number of each line that is not the same, what became of it, and the line."""
    same = 0
    while same < min(len(before), len(after)) and before[same] == after[same]:
        same += 1
    for kind, a, b, c, d in SequenceMatcher(None, before[same:], after[same:], autojunk=False).get_opcodes():
        if kind != "equal":
            yield from ((same + a + n + 1, "-", line) for n, line in enumerate(before[same + a : same + b]))
            yield from ((same + c + n + 1, "+", line) for n, line in enumerate(after[same + c : same + d]))
