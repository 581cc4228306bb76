"""Gathers what is said about one text while its meaning is worked out: errors in, sorted diagnostics out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol, TypeVar

from . import rules_of_meaning as rules
from .diagnostics import Diagnostic, Fix, Label, Rule, Severity
from .source import Span


class Named(Protocol):
    """A name as written."""

    @property
    def text(self) -> str: ...

    @property
    def span(self) -> Span: ...


class Placed(Protocol):
    """Anything with a place in the text."""

    @property
    def span(self) -> Span: ...


Said = TypeVar("Said", bound=Placed)


class Findings:
    """The diagnostics found so far. It is the one thing the analysis changes as it goes."""

    def __init__(self) -> None:
        self._found: list[Diagnostic] = []

    def error(
        self,
        rule: Rule,
        span: Span,
        message: str,
        label: str = "",
        *,
        others: tuple[Label, ...] = (),
        fix: Fix | None = None,
        note: str = "",
    ) -> None:
        fixes = () if fix is None else (fix,)
        self._found.append(Diagnostic(rule, message, span, label, others=others, fixes=fixes, note=note))

    def only(self, said: Sequence[Said], what: str) -> Said | None:
        """The first of what may be said once; the others are reported, `what` ending in "is said" or the like."""
        for extra in said[1:]:
            others = (Label(said[0].span, "first said here"),)
            self.error(rules.CONTRADICTION, extra.span, f"{what} more than once.", "said again", others=others)
        return said[0] if said else None

    def once(self, names: Iterable[Named], where: str) -> None:
        """Reports each name of a list that was there before; `where` says which list it is."""
        first: dict[str, Span] = {}
        for name in names:
            if name.text in first:
                others = (Label(first[name.text], "first named here"),)
                message = f"`{name.text}` is named twice {where}."
                self.error(rules.CONTRADICTION, name.span, message, "named again", others=others)
            first.setdefault(name.text, name.span)

    def warning(self, rule: Rule, span: Span, message: str, label: str, *, fix: Fix | None = None) -> None:
        fixes = () if fix is None else (fix,)
        self._found.append(Diagnostic(rule, message, span, label, severity=Severity.WARNING, fixes=fixes))

    @property
    def errors(self) -> int:
        """How many errors were found so far."""
        return sum(found.severity is Severity.ERROR for found in self._found)

    def sorted(self) -> tuple[Diagnostic, ...]:
        """Everything found, each thing once, in the order of the text."""
        return tuple(sorted(dict.fromkeys(self._found), key=lambda found: found.span.start if found.span else 0))


def did_you_mean(word: str, span: Span, known: Iterable[str]) -> Fix | None:
    """The fix that puts the closest known word in place of `word`; None where nothing is close."""
    from difflib import get_close_matches

    by_case = {each.lower(): each for each in known}
    close = get_close_matches(word.lower(), list(by_case), n=1, cutoff=0.6)
    if not close:
        return None
    best = by_case[close[0]]
    return Fix(f"did you mean `{best}`?", ((span, best),))


def listed(words: Iterable[str], last: str = "and") -> str:
    """`a`, `b` and `c`: names as a sentence lists them."""
    quoted = [f"`{word}`" for word in words]
    return quoted[0] if len(quoted) == 1 else f"{', '.join(quoted[:-1])} {last} {quoted[-1]}"
