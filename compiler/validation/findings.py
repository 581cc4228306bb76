"""What validation has to say of a module: rules with their pages, and findings."""

from __future__ import annotations

from dataclasses import dataclass

from ...dsl.diagnostics import Rule
from ...dsl.source import Span

OTHERWISE = Rule("F901", "does-otherwise", "A function of a generated module does not do what the flow says.", "")
DECLARES = Rule("F902", "declares-otherwise", "A table or class of a generated module is not what the flow says.", "")
FOREIGN = Rule("F903", "not-as-generated", "A module has something in it that penstock does not write.", "")

RULES = (OTHERWISE, DECLARES, FOREIGN)


@dataclass(frozen=True, slots=True)
class Witness:
    """Values for which the two differ, and what each then does."""

    values: tuple[tuple[str, str], ...]
    spec: str
    module: str


@dataclass(frozen=True, slots=True)
class Finding:
    """line: of the module. span: the place in the flow that says otherwise."""

    rule: Rule
    line: int
    message: str
    span: Span | None = None
    witness: Witness | None = None


@dataclass(frozen=True, slots=True)
class Open:
    """Something that was neither proved nor refuted: the line of the function, and why."""

    line: int
    what: str
    why: str
