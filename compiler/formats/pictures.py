"""The runs of findings as pictures: examined files and the folder they will lie in, in; SVG files out."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from ..diagrams import lifelines
from ..diagrams.picture import relative
from ..diagrams.story import story
from ..outputs import MARK, Output
from ..pipeline import Examined
from .finding import Finding, Level, findings


def pictures(files: Sequence[Examined], folder: Path) -> Iterator[Output]:
    """One for each finding that has a run: `Order-F101-1.svg` is the first of that code in the flow."""
    seen: Counter[tuple[str, str]] = Counter()
    for finding in findings(files):
        if finding.diagnostic.trace and finding.level is not Level.ACCEPTED:
            key = finding.flow, finding.diagnostic.rule.code
            seen[key] += 1
            yield Output(f"{finding.flow}-{finding.diagnostic.rule.code}-{seen[key]}.svg", _drawn(finding, folder))


def _drawn(finding: Finding, folder: Path) -> str:
    said, name = finding.diagnostic, finding.source.name
    title = f"{said.rule.code} {said.rule.name} · {finding.flow}"
    address = relative(Path(os.path.relpath(name, folder)).as_posix())
    refuted = finding.level is Level.ERROR and not said.rule.code.startswith("F8")  # a scenario's last step is missing
    told = story(said.trace, finding.source, lifelines.MOST_TRACKS, title, said.message, address, refuted)
    return f"<!-- {MARK} from {Path(name).name.replace('--', '- -')}. DO NOT EDIT. -->\n{lifelines.render(told)}"
