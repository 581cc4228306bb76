"""Changes of conditions: guards negated, dropped, swapped, with another comparison or connective; no `else`."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from ...dsl import syntax
from ...dsl.source import Span
from ...dsl.walk import nodes
from .site import Line, Mutant, Site

COMPARED = {"<": "<=", "<=": "<", ">": ">=", ">=": ">", "==": "!=", "!=": "=="}
CONNECTED = {"and": "or", "or": "and"}


def negate(site: Site) -> Iterator[Mutant]:
    for where, line in site.lines():
        if line.guard is not None:
            span = line.guard.span
            text = site.text(span)
            yield Mutant("negate-guard", f"asks `not ({text})` in `{where}`", span, ((span, f"not ({text})"),))


def drop(site: Site) -> Iterator[Mutant]:
    for where, line in site.lines():
        span = site.when(line)
        if span is not None and isinstance(line, syntax.Handler):
            yield Mutant("drop-guard", f"does not ask `{site.text(span)}` in `{where}`", span, ((span, ""),))


def swap(site: Site) -> Iterator[Mutant]:
    for where, lines in site.groups():
        for first, second in pairwise(line for line in lines if line.guard is not None):
            if first.guard is not None and second.guard is not None and _alike(first, second):
                one, other = first.guard.span, second.guard.span
                if site.text(one) != site.text(other):
                    change = f"asks `{site.text(other)}` and `{site.text(one)}` the other way round in `{where}`"
                    edits = (one, site.source.slice(other)), (other, site.source.slice(one))
                    yield Mutant("swap-guards", change, one, edits)


def _alike(first: Line, second: Line) -> bool:
    """Whether two lines are about one trigger, with the same names for what it brings."""
    if isinstance(first, syntax.Branch) or isinstance(second, syntax.Branch):
        return True
    one, other = first.trigger, second.trigger
    if not isinstance(one, syntax.On) or not isinstance(other, syntax.On) or one.name.text != other.name.text:
        return False
    return [name.text for name in one.params or ()] == [name.text for name in other.params or ()]


def compare(site: Site) -> Iterator[Mutant]:
    yield from _operators(site, "compare-otherwise", COMPARED)


def connect(site: Site) -> Iterator[Mutant]:
    yield from _operators(site, "and-for-or", CONNECTED)


def _operators(site: Site, operator: str, others: dict[str, str]) -> Iterator[Mutant]:
    for where, line in site.lines():
        guard = line.guard
        for part in () if guard is None else nodes(guard):
            if guard is None or not isinstance(part, syntax.Binary) or part.op not in others:
                continue
            start = site.source.text.find(part.op, part.left.span.end, part.right.span.start)
            if start >= 0:
                span, new = Span(start, start + len(part.op)), others[part.op]
                change = f"has `{new}` for `{part.op}` in `{site.text(guard.span)}` of `{where}`"
                yield Mutant(operator, change, span, ((span, new),))


def forget(site: Site) -> Iterator[Mutant]:
    """No `else`: of a transition, or of a choice."""
    for where, line in site.lines():
        if line.otherwise if isinstance(line, syntax.Handler) else line.guard is None:
            yield Mutant("forget-else", f"has no `else` in `{where}`", line.span, ((line.span, ""),))
