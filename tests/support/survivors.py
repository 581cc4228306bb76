"""The mutants of the specs that nothing notices, as tests/mutation/survivors.md lists them: reasons, each with its own.

A reason is a heading; a survivor is a line `- FLOW | operator | what it changes | the line as it is` below it.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from penstock.compiler.mutation.site import Mutant
from penstock.dsl.source import Source

SPECS = Path(__file__).parents[2] / "specs"
LIST = Path(__file__).parents[1] / "mutation" / "survivors.md"


@dataclass(frozen=True, order=True)
class Listed:
    flow: str
    operator: str
    change: str
    line: str

    def __str__(self) -> str:
        return f"- {self.flow} | {self.operator} | {self.change} | {self.line}"


def key(flow: str, mutant: Mutant, source: Source) -> Listed:
    line = source.line_text(source.line(mutant.span)).partition("#")[0]
    return Listed(flow, mutant.operator, mutant.change, " ".join(line.split()))


def listed() -> dict[Listed, str]:
    """Every survivor with the reason it is listed under."""
    found: dict[Listed, str] = {}
    reason = ""
    for line in LIST.read_text(encoding="utf-8").splitlines() if LIST.exists() else ():
        if line.startswith("## "):
            reason = line.removeprefix("## ")
        elif line.startswith("- "):
            flow, operator, change, text = line.removeprefix("- ").split(" | ")
            found[Listed(flow, operator, change, text)] = reason
    return found
