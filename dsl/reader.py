"""Tokens in, a tree and diagnostics out: the loop that reads, and how it goes back, skips and goes on after an error.

What is done about an error is `recover`'s question.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from . import rules
from .automaton import Automaton, Build, Cell, build_nothing
from .diagnostics import Diagnostic, Fix, Label, Rule
from .expected import block_name
from .later import later_line
from .literals import problem_of
from .source import Source, Span
from .table import automaton
from .tokens import Token
from .values import dataclass, field, new

DEEPEST_EXPRESSION = 100
MOST_ERRORS = 30
MOST_MENDS = 300

KINDS = {"int": "INT", "fraction": "FRACTION", "duration": "DURATION", "instant": "INSTANT", "string": "STRING"}
"""The terminals of the tokens that are neither names nor signs."""

_NAME = ("NAME",)
_BROKEN = {"malformed", "open", "foreign", "quoted", "stray"}
_WHOLE = {"name", "sign"}  # nothing can be wrong with it


class Block(NamedTuple):
    """An open brace. `member` is the token its current line begins with, `base` the stack just before that line."""

    parent: Block | None
    inside: Cell  # the stack right after the brace
    brace: int
    member: int
    base: Cell


class Place(NamedTuple):
    """How far the reading has come."""

    stack: Cell
    block: Block


Fed = tuple[Cell, str, Cell]
"""A token was read: the stack it stood on, as what, and the stack after it."""


def _roles_called_person(tokens: Sequence[Token]) -> Iterator[Token]:
    """Of `task review for person { .. }`: as the word for one certain person, whom it is for would have to follow."""
    for before, token, after in zip(tokens, tokens[1:], tokens[2:], strict=False):
        if before.text == "for" and token.text == "person" and after.text in {"{", ","}:
            yield token


@dataclass(frozen=True, slots=True)
class Marks:
    """What each token was read as, and which tokens begin a line of a block or of the file, by their offsets."""

    terminals: dict[int, str] = field(default_factory=dict[int, str])
    lines: set[int] = field(default_factory=set[int])


class Reader(ABC):
    """Reads one list of tokens (without comments, closed by the `end` token) as `rule`."""

    def __init__(self, source: Source, tokens: list[Token], rule: str, build: Build) -> None:
        self._source = source
        self._tokens = tokens
        self._rule = rule
        self._build = build
        self._machine: Automaton = automaton()
        self._roles = {token.start for token in _roles_called_person(tokens)}
        self._places: list[Place] = []  # one for each token read: the place before it
        self._told_line = 0  # of the last error
        self.diagnostics: list[Diagnostic] = []
        self.marks = Marks()
        self.complete = True

    def read(self) -> Any:
        """The tree of everything that could be read, or None."""
        stack = self._machine.begin(self._rule)
        place = Place(stack, Block(None, stack, -1, 0, stack))
        mends = 0
        while True:
            if len(self._places) == len(self._tokens) - 1:
                mended = self._unclosed(place)
                if mended is None:
                    return self._finish(place)
                place, self.complete = mended, False
            at = len(self._places)
            after = self._advance(place, at) if self._sound(at) else None
            if after is not None:
                self._places.append(place)
                place = after
                continue
            mends += 1
            self.complete = False
            if len(self.diagnostics) >= MOST_ERRORS or mends > MOST_MENDS:
                self._tell(rules.TOO_MANY, self._tokens[at].span, "Reading stops here: too much before this is wrong.")
                return None
            place = self._recover(place, at)

    @abstractmethod
    def _recover(self, place: Place, at: int) -> Place:
        """Tells the error at a token and mends the tokens; the place to read on from."""

    @abstractmethod
    def _unclosed(self, place: Place) -> Place | None:
        """Mends a block that is still open at the end of the text; the place to read on from."""

    @abstractmethod
    def _finish(self, place: Place) -> Any:
        """The tree, once all tokens are read."""

    # ------------------------------------------------------------ one token

    def _terminals(self, token: Token) -> Sequence[str]:
        """What a token may be, the likeliest first."""
        word = self._machine.words.get(token.text)
        if token.kind == "name":
            return _NAME if word is None or token.start in self._roles else (word, "NAME")
        if token.kind in KINDS:
            return (KINDS[token.kind],) if word is None else (word, KINDS[token.kind])
        return () if word is None else (word,)

    def _feed(self, stack: Cell, token: Token, build: Build) -> Fed | None:
        """The token as the terminal that can stand here, perhaps after a line's end."""
        feed = self._machine.feed
        ended = feed(stack, "_END", None, build) if token.breaks or token.text == "}" else None
        for terminal in self._terminals(token):  # a word before a name: a line that begins with `and` goes on
            if ended is not None and (after := feed(ended, terminal, token, build)) is not None:
                return ended, terminal, after
            if (after := feed(stack, terminal, token, build)) is not None:
                return stack, terminal, after
        return None

    def _advance(self, place: Place, at: int) -> Place | None:
        token = self._tokens[at]
        fed = self._feed(place.stack, token, self._build)
        if fed is None:
            return None
        base, terminal, after = fed
        block, below = place.block, after.below
        assert below is not None
        if below.depth > DEEPEST_EXPRESSION:
            return None
        self.marks.terminals[token.start] = terminal
        if terminal == "LBRACE":
            return Place(after, Block(block, after, at, at + 1, after))
        if terminal == "RBRACE":
            assert block.parent is not None
            return Place(after, block.parent)
        first = below is block.inside and below.state in self._machine.bodies
        if first or (below.below is block.inside and below.state in self._machine.lists):
            self.marks.lines.add(token.start)
            block = Block(block.parent, block.inside, block.brace, at, base)
        return new(Place, (after, block))

    def _sound(self, at: int) -> bool:
        token = self._tokens[at]
        return token.kind in _WHOLE or (token.kind not in _BROKEN and problem_of(token) is None)

    def _readable(self, stack: Cell, tokens: list[Token], at_least: int) -> bool:
        """Whether these tokens can follow; what comes after a broken token or a closed block is not asked."""
        for count, token in enumerate(tokens):
            if token.kind == "end":
                return (
                    count >= at_least or self._machine.finish(self._ended(stack), self._rule, build_nothing) is not None
                )
            fed = self._feed(stack, token, build_nothing)
            if fed is None:
                return count >= at_least and not self._terminals(token)
            stack = fed[2]
        return True

    def _ended(self, stack: Cell) -> Cell:
        return self._machine.feed(stack, "_END", None, build_nothing) or stack

    def _between_lines(self, place: Place) -> bool:
        ended = self._ended(place.stack)
        inside = place.block.inside
        if place.block.parent is None:
            return self._machine.finish(ended, self._rule, build_nothing) is not None
        closed = self._machine.feed(ended, "RBRACE", None, build_nothing)
        if closed is None or closed.below is None:
            return False
        return closed.below is inside or closed.below.below is inside

    # ------------------------------------------------------------ going back and going on

    def _stand_in(self, at: int, token: Token) -> None:
        self._tokens[at] = token

    def _remove(self, at: int) -> None:
        following = self._tokens[at + 1]
        self._tokens[at + 1] = following._replace(breaks=max(self._tokens[at].breaks, following.breaks))
        del self._tokens[at]

    def _rewind(self, index: int, token: Token | None) -> Place:
        """Back to before a token that was read, which becomes another or is left out."""
        place = self._places[index]
        del self._places[index:]
        if token is None:
            self._remove(index)
        else:
            self._stand_in(index, token)
        return place

    def _skip(self, place: Place, at: int) -> Place:
        """The place before the next line of the same block, or of one around it, that can be read."""
        block = place.block
        depth = 0
        for index in range(at, len(self._tokens) - 1):
            token = self._tokens[index]
            if token.text == "{":
                depth += 1
            elif token.text == "}" and depth:
                depth -= 1
            elif token.text == "}" and block.parent is not None:
                if self._feed(block.base, token, build_nothing) is not None:
                    return self._resume(block, index)
                block = block.parent
            elif token.breaks or (index and self._tokens[index - 1].text == "}"):
                outside = depth == 0 or self._column(index) <= self._line_column(min(block.member, index))
                if outside and self._begins_line(block, index, index > at):
                    return self._resume(block, index)
                if block.parent is not None and self._column(index) <= self._line_column(block.brace):
                    closing = Token("sign", "}", token.start, token.start, 1)
                    if self._readable(block.base, [closing, *self._tokens[index : index + 2]], 3):
                        self._tokens.insert(index, closing)
                        return self._resume(block, index)
        return self._resume(block, len(self._tokens) - 1)

    def _begins_line(self, block: Block, index: int, later: bool) -> bool:
        if later and self._later_line(block, index):
            return True
        token = self._tokens[index]
        terminal = next(iter(self._terminals(token)), "NAME")
        if terminal == "NAME" and block_name(self._machine, block.inside) == "a flow":
            return False
        return self._readable(block.base, self._tokens[index : index + 2], 2)

    def _resume(self, block: Block, index: int) -> Place:
        place = Place(block.base, block._replace(member=index))
        self._places.extend([place] * (index - len(self._places)))
        return place

    def _later_line(self, block: Block, at: int) -> str | None:
        return later_line(block_name(self._machine, block.inside), self._tokens[at].text)

    # ------------------------------------------------------------ telling

    def _tell(
        self,
        rule: Rule,
        span: Span,
        message: str,
        label: str = "",
        fix: Fix | None = None,
        *,
        others: tuple[Label, ...] = (),
        soft: bool = False,
        note: str = "",
    ) -> None:
        """Gathers a diagnostic. A soft one is left out on a line that has an error already: it may follow from it."""
        line = self._source.line(span)
        if soft and line == self._told_line:
            return
        self._told_line = line
        fixes = () if fix is None else (fix,)
        self.diagnostics.append(Diagnostic(rule, message, span, label, others=others, fixes=fixes, note=note))

    def _column(self, at: int) -> int:
        return self._source.position(self._tokens[at].start)[1]

    def _line_column(self, at: int) -> int:
        """The column of the first token on the line of a token."""
        while at > 0 and not self._tokens[at].breaks:
            at -= 1
        return self._column(at)
