"""Definitions and obligations as values in, one SMT-LIB 2.6 text that any solver answers, out.

Each obligation is a push, the negation of what it says, a check-sat whose answer has to be `unsat`, and a pop. Nothing
but assumptions is asserted outside of them, and no option of one solver is set.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ...dsl.values import dataclass
from .style import clean

INT, BOOL = "Int", "Bool"
TRUE = "true"


@dataclass(frozen=True, slots=True)
class Definition:
    """`name` is a function of `params` (name, sort), or a constant without them."""

    name: str
    params: tuple[tuple[str, str], ...]
    sort: str
    body: str
    comment: str = ""

    def __str__(self) -> str:
        params = " ".join(f"({name} {sort})" for name, sort in self.params)
        return f"{comment(self.comment)}(define-fun {self.name} ({params}) {self.sort} {self.body})"


@dataclass(frozen=True, slots=True)
class Obligation:
    """`given` implies `then`, for all data. `id` is what the index calls it; `says` is for people."""

    id: str
    says: str
    given: tuple[str, ...]
    then: str

    def __str__(self) -> str:
        asserted = [*(part for part in self.given if part != TRUE), no(self.then)]
        lines = "\n".join(f"(assert {part})" for part in asserted)
        said = comment(f"{self.id}: {self.says}")
        return f"{said}(push 1)\n{lines}\n(set-info :status unsat)\n(check-sat)\n(pop 1)"


@dataclass(frozen=True, slots=True)
class Section:
    title: str
    parts: Sequence[str | Definition | Obligation]

    def __str__(self) -> str:
        if not self.parts:
            return ""
        return "\n".join((f"\n; {'-' * 60} {clean(self.title)}\n", *map(str, self.parts), ""))


@dataclass(frozen=True, slots=True)
class Script:
    """head: what the file is, a line each."""

    head: Sequence[str]
    logic: str
    sections: Sequence[Section]

    @property
    def obligations(self) -> list[Obligation]:
        return [part for section in self.sections for part in section.parts if isinstance(part, Obligation)]

    def text(self) -> str:
        head = "".join(comment(line) if line else ";\n" for line in self.head)
        return f"{head}\n(set-info :smt-lib-version 2.6)\n(set-logic {self.logic})\n{''.join(map(str, self.sections))}"


def comment(text: str) -> str:
    """Whatever the text holds, it stays on one line behind the semicolon."""
    return f"; {clean(' '.join(text.split()))}\n" if text else ""


def both(parts: Sequence[str]) -> str:
    """That all of them hold."""
    left = [part for part in parts if part != TRUE]
    return TRUE if not left else left[0] if len(left) == 1 else f"(and {' '.join(left)})"


def either(parts: Sequence[str]) -> str:
    """That one of them holds."""
    return "false" if not parts else parts[0] if len(parts) == 1 else f"(or {' '.join(parts)})"


def no(part: str) -> str:
    """That a term is false."""
    return part[len("(not ") : -1] if part.startswith("(not ") else f"(not {part})"


def applied(name: str, args: Sequence[str]) -> str:
    return f"({name} {' '.join(args)})" if args else name


def number(value: int) -> str:
    return str(value) if value >= 0 else f"(- {-value})"


def words(text: str) -> Iterator[str]:
    """The symbols, keywords and numerals of a term."""
    return iter(text.replace("(", " ").replace(")", " ").split())
