"""A flow as written in, the places where it can be changed out; and what a change of it is: a Mutant.

A mutant is a text that somebody might have written by mistake: edits of the source, which is then read as any other.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

from ...dsl import syntax
from ...dsl.source import Source, Span
from ...dsl.walk import nodes

Part = TypeVar("Part")
Line = syntax.Handler | syntax.Branch
Edit = tuple[Span, str]


@dataclass(frozen=True, slots=True)
class Mutant:
    """`operator` made it; `change` says what differs, in words that follow "the flow …"; `span`: the place; `edits`:
    the text it is, each span once, none inside another; `advice`: what would notice it, where that is known."""

    operator: str
    change: str
    span: Span
    edits: tuple[Edit, ...]
    advice: str = ""

    def of(self, source: Source) -> Source:
        """The source with the edits made. They are of its own text, not of one it imports."""
        text = source.text
        for span, new in sorted(self.edits, key=lambda edit: edit[0].start, reverse=True):
            text = text[: span.start] + new + text[span.end :]
        return Source(source.name, text, source.imported)

    def line(self, source: Source) -> str:
        """The line of the changed text where it is changed first, or nothing where it is gone."""
        made = self.of(source)
        number, _ = made.position(min(span.start for span, _ in self.edits))
        return " ".join(made.line_text(number).partition("#")[0].split())


@dataclass(frozen=True, slots=True)
class Site:
    """One flow of a text."""

    flow: syntax.Flow
    source: Source

    def text(self, span: Span) -> str:
        """The text of a span on one line."""
        return " ".join(self.source.slice(span).split())

    def parts(self, kind: type[Part]) -> Iterator[Part]:
        """Everything of a kind in the flow, but in its properties and scenarios."""
        for member in self.flow.members:
            if not isinstance(member, syntax.Always | syntax.Reach | syntax.LeadsTo | syntax.Scenario):
                yield from (part for part in nodes(member) if isinstance(part, kind))

    def states(self) -> Iterator[tuple[syntax.State | None, Sequence[syntax.FlowMember | syntax.StateMember]]]:
        """Each block with members: the flow itself (None) and every state."""
        yield None, self.flow.members
        for state in self.parts(syntax.State):
            yield state, state.members

    def handlers(self) -> Iterator[tuple[str, syntax.Handler]]:
        """Every transition, with the name of the state it is written in (empty: the flow)."""
        for state, members in self.states():
            for member in members:
                if isinstance(member, syntax.Handler):
                    yield state.name.text if state else "", member

    def lines(self) -> Iterator[tuple[str, Line]]:
        """Every transition and every branch of a choice, with the name of its state or choice."""
        yield from self.handlers()
        for choice in self.parts(syntax.Choice):
            for branch in choice.branches:
                yield choice.name.text, branch

    def groups(self) -> Iterator[tuple[str, tuple[Line, ...]]]:
        """Lines that are written side by side: those of one state, and those of one choice."""
        for state, members in self.states():
            yield (
                state.name.text if state else "",
                tuple(member for member in members if isinstance(member, syntax.Handler)),
            )
        for choice in self.parts(syntax.Choice):
            yield choice.name.text, choice.branches

    def word(self, word: str, start: int, end: int) -> Span | None:
        """Where a word stands first between two offsets."""
        found = re.compile(rf"\b{word}\b").search(self.source.text, start, end)
        return None if found is None else Span(*found.span())

    def when(self, line: Line) -> Span | None:
        """`when GUARD`, of a line that has one."""
        if line.guard is None:
            return None
        start = line.span.start if isinstance(line, syntax.Branch) else line.trigger.span.end
        word = self.word("when", start, line.guard.span.start)
        return None if word is None else word.to(line.guard.span)

    def updates(self, updates: Sequence[syntax.Update]) -> Span:
        """The block of updates with its braces."""
        text = self.source.text
        return Span(text.rindex("{", 0, updates[0].span.start), text.index("}", updates[-1].span.end) + 1)

    def written(self) -> Iterator[tuple[syntax.Update, ...]]:
        """Every block of updates."""
        for part in self.parts(object):
            if isinstance(part, syntax.Handler | syntax.Branch | syntax.Start | syntax.Deadline) and part.updates:
                yield part.updates
