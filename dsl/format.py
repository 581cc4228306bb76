"""A text in, the same text in its canonical layout out: only white space and line breaks change.

In a block that has a line break every line begins on a line of its own, indented by two blanks for each open brace;
what goes on over a line is indented by four more. Single blank lines stay, and so do the author's breaks inside a line.
What the author aligned over several lines stays aligned; all other gaps become one blank. A comment behind text keeps
its column where there is room.
"""

from __future__ import annotations

from collections.abc import Sequence

from .alignment import Line, Piece, rendered
from .diagnostics import Diagnostic, Severity
from .parse import parse_and_mark
from .reader import Marks
from .source import Source
from .tokens import COMMENTS, Token, tokenize
from .values import replace

INDENT = 2
CONTINUED = 4
LONGEST_BLOCK = 100
"""How much text between two braces may stand on one line."""

_OPERANDS = {
    "NAME", "INT", "FRACTION", "DURATION", "INSTANT", "STRING", "TRUE", "FALSE", "NONE", "SOME",
    "RPAR", "RBRACE", "RSQB",
}  # fmt: skip
_CALLED = {"NAME", "STRING", "START", "DECIMAL"}
_CLOSE_BEFORE = {"RPAR", "RSQB", "COMMA", "COLON", "QMARK", "DOT", "_RANGE"}
_RATED = {"NAME", "INT", "FRACTION", "PERCENT", "COMMA"}
_CLOSE_AFTER = {"LPAR", "LSQB", "DOT", "_RANGE"}


def format_text(source: Source) -> str | tuple[Diagnostic, ...]:
    """The text in its canonical layout; the errors instead where it cannot be read."""
    parsed, marks = parse_and_mark(source)
    if any(found.severity is Severity.ERROR for found in parsed.diagnostics):
        return parsed.diagnostics
    return _Layout(source, tokenize(source)[:-1], marks, keep=True).text()


def canonical(source: Source) -> str:
    """A text without comments that is the same for every layout of `source` and of what it imports: what a hash is
    taken of."""
    return "".join(_canonical(replace(file, imported=())) for file in source.files)


def _canonical(source: Source) -> str:
    tokens = [token for token in tokenize(source)[:-1] if token.kind not in COMMENTS]
    return _Layout(source, tokens, parse_and_mark(source)[1], keep=False).text()


class _Layout:
    """Distributes tokens over lines; `keep` what the author did with line breaks, or not."""

    def __init__(self, source: Source, tokens: Sequence[Token], marks: Marks, *, keep: bool) -> None:
        self._source = source
        self._tokens = tokens
        self._marks = marks
        self._keep = keep
        self._blocks, self._closing, self._sets = self._braces()
        self._open: list[str] = []  # block, inline or group, for each open bracket
        self._lines: list[Line] = []
        self._split = False  # whether the current line was part of another one
        self._joined = False  # whether the current line has taken in what stood on another one
        self._pending: list[Line] = []  # comments on lines of their own that stand as deep as what follows them
        self._last: Token | None = None  # the last token that is no comment
        self._rates = False  # whether the last token stands behind `fails` or `jitter`, where a `%` is no operator
        self._earlier = ""  # as what the token before the last one was read
        self._items = 0  # how many `<` of list types are open
        self._tight = False  # nothing comes between the last token and the next

    def text(self) -> str:
        for place, token in enumerate(self._tokens):
            before = self._tokens[place - 1] if place else None
            if token.kind in COMMENTS:
                self._comment(token, before)
                continue
            terminal = self._terminal(token)
            self._settle_comments(token)
            if terminal in ("RBRACE", "RPAR", "RSQB") and self._open:
                self._open.pop()
            if self._breaks(token, before):
                line = Line(self._indent(token), self._open.count("block"), blank=self._blank(token, before))
                self._lines.append(line)
                self._split = before is not None and not token.breaks
                self._joined = False
            self._append(token, before)
            if terminal == "LBRACE":
                self._open.append("block" if token.start in self._blocks else "inline")
            elif terminal in ("LPAR", "LSQB"):
                self._open.append("group")
            self._last = token
        return rendered(self._lines)

    def _terminal(self, token: Token | None) -> str:
        return self._marks.terminals.get(token.start, "") if token else ""

    def _braces(self) -> tuple[set[int], set[int], set[int]]:
        """The offsets of the braces that open and that close a block whose lines stand each on its own, and of those
        around the values after `in`."""
        blocks: set[int] = set()
        closing: set[int] = set()
        sets: set[int] = set()
        opened: list[tuple[Token, int, bool]] = []  # the brace, the text's length before it, whether it is after `in`
        broken: list[bool] = [False]
        length, first, last = 0, "", ""
        for token in self._tokens:
            terminal = self._terminal(token)
            length += len(token.text) + 1
            broken[-1] |= (self._keep and token.breaks > 0) or token.kind in COMMENTS
            if token.start in self._marks.lines:
                first = first if opened else terminal
                broken[-1] |= not self._keep
            if terminal == "LBRACE":
                opened.append((token, length, last == "IN"))
                broken.append(first == "FLOW" and len(opened) == 1)
            elif terminal == "RBRACE" and opened:
                brace, before, of_set = opened.pop()
                is_broken = (broken.pop() or length - before > LONGEST_BLOCK) and last != "LBRACE"
                broken[-1] |= is_broken
                if of_set:
                    sets |= {brace.start, token.start}
                elif is_broken:
                    blocks.add(brace.start)
                    closing.add(token.start)
            last = terminal if token.kind not in COMMENTS else "COMMENT"
        return blocks, closing, sets

    # ------------------------------------------------------------ where lines begin

    def _breaks(self, token: Token, before: Token | None) -> bool:
        if before is None or before.kind in COMMENTS:
            return True
        inside = self._open[-1] if self._open else "block"
        if token.start in self._marks.lines and inside == "block":
            return True
        terminal = self._terminal(token)
        if self._last is not None and self._last.start in self._blocks:
            return True
        if token.start in self._closing:
            return True
        if not self._keep or not token.breaks:
            return False
        return token.start not in self._blocks and (terminal != "RBRACE" or token.start in self._sets)

    def _indent(self, token: Token) -> int:
        depth = self._open.count("block") * INDENT
        listed = self._terminal(self._last) == "COMMA" and bool(self._open) and self._open[-1] == "block"
        begins = self._last is None or self._last.start in self._blocks or token.start in self._marks.lines
        return (
            depth
            if begins or listed or (token.start in self._blocks or token.start in self._closing)
            else depth + CONTINUED
        )

    def _blank(self, token: Token, before: Token | None) -> bool:
        """Whether the author's blank line before the token stays: not at the edges of a block or of the file."""
        if before is None or token.breaks < 2 or not self._keep:
            return False
        return self._terminal(before) != "LBRACE" and self._terminal(token) != "RBRACE"

    # ------------------------------------------------------------ what stands on them

    def _append(self, token: Token, before: Token | None) -> None:
        terminal, last = self._terminal(token), self._terminal(self._last)
        begins_line = token.start in self._marks.lines
        line = self._lines[-1]
        gap = 0 if self._tight or terminal in _CLOSE_BEFORE or (terminal == "LPAR" and last in _CALLED) else 1
        if terminal == "LT" and last == "LIST":
            self._items, gap = self._items + 1, 0
        elif self._items and terminal == "GT":
            self._items, gap = self._items - 1, 0
        self._rates = terminal in {"FAILS", "JITTER"} or (self._rates and terminal in _RATED)
        if terminal == "PERCENT" and self._rates:
            gap = 0
        if terminal == "RBRACE" and (token.start in self._sets or last == "LBRACE"):
            gap = 0
        piece = Piece(token.text, gap)
        self._joined |= bool(line.pieces) and token.breaks > 0
        goes_on = not line.pieces and line.indent > self._open.count("block") * INDENT
        if self._keep and (gap or goes_on) and (line.pieces or goes_on) and before is not None and not self._joined:
            piece.column = self._source.position(token.start)[1]
            piece.padded = goes_on or token.start - before.end > 1
        line.pieces.append(piece)
        prefix = terminal == "MINUS" and (begins_line or last not in _OPERANDS)
        prefix = prefix or (terminal == "LT" and last == "LIST") or self._clock(terminal, last)
        self._earlier = last
        self._tight = prefix or terminal in _CLOSE_AFTER or (terminal == "LBRACE" and token.start in self._sets)

    def _clock(self, terminal: str, last: str) -> bool:
        """Whether a token is the colon in `at 02:00`."""
        return terminal == "COLON" and last == "INT" and self._earlier == "AT"

    def _comment(self, token: Token, before: Token | None) -> None:
        text = token.text.rstrip()
        if before is not None and not token.breaks:
            moved = self._split or self._joined
            self._lines[-1].comment = Piece(text, 2, None if moved else self._source.position(token.start)[1] - 1)
            return
        line = Line(0, comment=Piece(text, 0), blank=self._blank(token, before))
        self._lines.append(line)
        self._pending.append(line)

    def _settle_comments(self, token: Token) -> None:
        """Indents the comments above a token as deep as it, or as the lines of the block it closes."""
        depth = self._open.count("block") * INDENT
        for line in self._pending:
            line.indent = depth if token.start in self._closing else self._indent(token)
        self._pending = []
