"""Text in, tokens out, comments included: nothing but white space is lost, and nothing is too odd to have a token."""

from __future__ import annotations

import re
from typing import NamedTuple

from .source import Source, Span
from .values import new


class Token(NamedTuple):
    """One piece of the text. `kind`: name, int, fraction, duration, instant, string, sign, comment, doc, `end` (after
    the last one), or a broken piece: `malformed` (like `12abc`), `open` (a text without its closing quote), `foreign`
    (a sign other languages have), `quoted` (a text in other quotes), `stray`. `breaks`: the line breaks between it and
    the token before it."""

    kind: str
    text: str
    start: int
    end: int
    breaks: int

    @property
    def span(self) -> Span:
        return Span(self.start, self.end)


COMMENTS = ("comment", "doc")

_PIECES = re.compile(
    r"""
      (?P<space>    (?:[ \t\f\r\n] | (?<![\s\S])\ufeff)+ )
    | (?P<doc>      \#\# [^\n\r]* )
    | (?P<comment>  \#   [^\n\r]* )
    | (?P<string>   " (?: [^"\\\n\r] | \\[^\n\r] )* " )
    | (?P<open>     " [^\n\r]* )
    | (?P<duration> (?: \d+ (?: ms | [dhms] ) )+ (?!\w) )
    | (?P<fraction> \d+ \. \d+ (?!\w) )
    | (?P<int>      \d+ (?! \w | \.\d ) )
    | (?P<malformed> \d+ (?: \. \d+ )? \w* | @ [\w:.+-]* )
    | (?P<name>     \w+ )
    | (?P<foreign>  ===|!==|=>|&&|\|\||<>|:=|;|!(?!=)|[→⇒≠≤≥∧∨¬] )
    | (?P<quoted>   '[^'"\\\n\r]*' | ‘[^’"\\\n\r]*’ | [“”„«][^“”»"\\\n\r]*[“”»] )
    | (?P<sign>     ->|\.\.|==|!=|<=|>=|[-+*/%<>={}(),:?.\[\]] )
    | (?P<stray>    [^\s\w"#@{}(),:?=<>+*/%;&|!.\[\]-]+ | . | [\v\x1c-\x1f\x85\u2028\u2029] )
    """,
    re.VERBOSE | re.DOTALL,
)
_INSTANT = re.compile(r"@\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,6})?)?(Z|[+-]\d\d:\d\d)", re.ASCII)
_CLOSING = " \t(){},"
_NUMBERS = {"duration", "fraction", "int"}


def tokenize(source: Source, start: int = 0, end: int | None = None) -> list[Token]:
    """All tokens of `source` in the range, comments too, closed by one of kind `end`. Takes linear time.

    The range is the text of the file itself where none is given."""
    text = source.whole
    stop = len(source.text) if end is None else end
    tokens: list[Token] = []
    breaks = 0
    at = start
    pieces = _PIECES.match
    while True:
        while at < stop and text[at] == " ":
            at += 1
        match = pieces(text, at, stop)
        if match is None:
            break
        kind, piece = match.lastgroup or "", match.group()
        if kind == "open":  # what closes at the end of the line was hardly meant to be in the text
            piece = piece.rstrip(_CLOSING) or '"'
        if piece[-1] == ":" and _INSTANT.fullmatch(piece[:-1]):  # a colon behind a moment
            piece = piece[:-1]
        at += len(piece)
        if kind == "space":
            breaks = piece.count("\n") or piece.count("\r")
            continue
        if kind == "malformed" and _INSTANT.fullmatch(piece):
            kind = "instant"
        elif (kind == "name" or kind in _NUMBERS) and not piece.isascii():
            kind = "malformed"
        tokens.append(new(Token, (kind, piece, at - len(piece), at, breaks)))
        breaks = 0
    tokens.append(Token("end", "", stop, stop, max(breaks, 1)))
    return tokens
