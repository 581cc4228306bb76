"""Places in a kernel's text in; edits of that text which may mend a finding there out.

They are guesses at what somebody would write. Nobody is shown one before the text with it was checked (`mending`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from ...dsl.diagnostics import Fix
from ...dsl.source import Source, Span
from ...dsl.tokens import COMMENTS, Token, tokenize
from ..kernel import Goto, Kernel, LeafKind

Edits = tuple[tuple[Span, str], ...]
INDENT = "  "
A_WHILE = "7d"
"""What stands for a time that only the author can know."""


def _tokens(source: Source, span: Span) -> list[Token]:
    return [token for token in tokenize(source, span.start, span.end)[:-1] if token.kind not in COMMENTS]


def compensating(kernel: Kernel, ways: Iterable[Span]) -> Edits:
    """`-> S` made `-> compensate -> S`; nothing where a way compensates already, or leads nowhere."""
    edits: list[tuple[Span, str]] = []
    for way in dict.fromkeys(ways):
        tokens = _tokens(kernel.source, way)
        arrows = [token for token in tokens if token.text == "->"]
        if arrows and "compensate" not in {token.text for token in tokens if token.start > arrows[0].start}:
            edits.append((Span(arrows[-1].end, arrows[-1].end), " compensate ->"))
    return tuple(edits)


def ways_to(kernel: Kernel, place: str) -> Iterator[Span]:
    """What is written that leads to a place and does not compensate, the start left out."""
    for command in kernel.commands[1:]:
        if isinstance(command.target, Goto) and command.target.node == place:
            yield command.span
    for choice in kernel.choices:
        for branch in choice.branches:
            if isinstance(branch.target, Goto) and branch.target.node == place:
                yield branch.span


def otherwise(kernel: Kernel, way: Span) -> Edits:
    """`when G` made `else`, in a transition or a branch of a choice."""
    guard = kernel.guards.get(way)
    when = [] if guard is None else [t for t in _tokens(kernel.source, way) if t.text == "when"]
    if guard is None or not when or when[0].start > guard.span.start:
        return ()
    end = guard.span.end
    for token in _tokens(kernel.source, Span(end, way.end)):
        if token.text != ")":
            break
        end = token.end
    return ((Span(when[0].start, end), "else"),)


def inside(kernel: Kernel, place: str, line: str) -> Edits:
    """A line more at the end of the block of a place."""
    source, span = kernel.source, kernel.place[place].span
    file = source.range(source.file(span).name)
    depth = 0
    for token in _tokens(source, Span(span.start, file.end)):
        depth += (token.text == "{") - (token.text == "}")
        if token.text == "}" and depth <= 0:
            return (_before(source, token.start, file.start, line),) if depth == 0 else ()
    return ()


def _before(source: Source, brace: int, begin: int, line: str) -> tuple[Span, str]:
    """On a line of its own, if the closing brace has one."""
    start = source.whole.rfind("\n", begin, brace) + 1
    blank = source.whole[start:brace]
    if blank.strip():
        return Span(brace, brace), f"{'' if source.whole[brace - 1].isspace() else ' '}{line} "
    return Span(start, start), f"{blank}{INDENT}{line}\n"


def removal(kernel: Kernel, way: Span) -> tuple[Fix, ...]:
    """To leave out a transition, with its line where it has one of its own."""
    source = kernel.source
    file = source.range(source.file(way).name)
    start = source.whole.rfind("\n", file.start, way.start) + 1 or file.start
    end = source.whole.find("\n", way.end, file.end) + 1 or file.end
    rest = source.whole[way.end : end].strip()
    alone = not source.whole[start : way.start].strip() and (not rest or rest.startswith("#"))
    return (Fix("leave it out", ((Span(start, end) if alone else way, ""),)),)


def ends(kernel: Kernel, place: str) -> Iterator[str]:
    """Where a way out of a place that fails might lead: finals that are nearest, failures before others."""
    inner = kernel.place[place].path
    failures = {LeafKind.FAILURE, LeafKind.REGION_FAILED}
    around = {inner[:n] for n in range(len(inner) + 1)}
    finals = [leaf for leaf in kernel.leaves if leaf.kind is not LeafKind.STATE and leaf.path in around]
    for leaf in sorted(finals, key=lambda leaf: (leaf.kind not in failures, -len(leaf.path))):
        yield leaf.name.rpartition(".")[2]


def leaving(kernel: Kernel, place: str, trigger: str) -> tuple[Fix, ...]:
    """A way more out of a place, to the first final it may lead to; undoing what was done, where it must."""
    made: list[Fix] = []
    word = "set a time, such as" if trigger.endswith(A_WHILE) else "add"
    for end in list(ends(kernel, place))[:2]:
        for target in (f"-> {end}", f"-> compensate -> {end}"):
            edits = inside(kernel, place, f"{trigger} {target}")
            made += [Fix(f"{word} `{trigger} {target}`", edits)] if edits else []
    return tuple(made)


def compensations(kernel: Kernel, way: Span, final: str) -> tuple[Fix, ...]:
    """To compensate on one way to a final, or on all that lead there."""
    one, every = compensating(kernel, [way]), compensating(kernel, ways_to(kernel, final))
    made = [Fix("compensate on the way out", one)] if one else []
    if len(every) > 1:
        made.append(Fix(f"compensate on every way to `{final}`", every))
    return tuple(made)


def exclusive(kernel: Kernel, ways: Sequence[Span]) -> tuple[Fix, ...]:
    """To take one of several ways, from the last to the first, where no other is."""
    made = (otherwise(kernel, way) for way in reversed(ways))
    return tuple(Fix("let the last one be the `else`" if not n else "let one be the `else`", edits)
                 for n, edits in enumerate(made) if edits)  # fmt: skip
