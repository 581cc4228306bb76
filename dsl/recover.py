"""Tokens in, a tree and diagnostics out: reads on after every error, each told once and as precisely as it can be.

At an error the reader tries, in this order: a word of a later version of the language, a missing or extra brace that the
indentation gives away, one misspelt word, one sign too few, one sign in place of another, one token too many. A mend
counts only if the tokens after it can be read. Otherwise the line is dropped, and reading goes on with the next one in
the same block.
"""

from __future__ import annotations

from collections.abc import Iterator
from difflib import SequenceMatcher
from typing import Any, NamedTuple

from . import rules
from .automaton import Automaton, Build, Cell, Chain, automaton, build_nothing
from .diagnostics import Diagnostic, Fix, Label, Rule
from .expected import block_name, expected, listed, openers
from .later import later_line, later_pair
from .literals import problem_of
from .source import Source, Span
from .tokens import FOREIGN, Token

DEEPEST_EXPRESSION = 100
MOST_ERRORS = 30

_LOOK = 3  # tokens that must be readable after a mend
_BACK = 4  # tokens before the error that may be the misspelt one
_ALIKE = 0.66  # how alike two spellings must be
_KINDS = {"int": "INT", "fraction": "FRACTION", "duration": "DURATION", "instant": "INSTANT", "string": "STRING"}
_STAND_INS = {"int": "1", "fraction": "1.0", "duration": "1s", "instant": "@2000-01-01T00:00:00Z", "string": '""'}
_INSERTED = ("->", ":", ",", "=", "(", ")", "{", "..")
_BROKEN = {"malformed", "open", "foreign", "stray"}
_BRACKETS = {"{", "}", "(", ")"}


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


class Reader:
    """Reads one list of tokens (without comments, closed by the `end` token) as `rule`."""

    def __init__(self, source: Source, tokens: list[Token], rule: str, build: Build) -> None:
        self._source = source
        self._tokens = tokens
        self._rule = rule
        self._build = build
        self._machine: Automaton = automaton()
        self._places: list[Place] = []  # one for each token read: the place before it
        self._told_line = 0  # of the last error
        self.diagnostics: list[Diagnostic] = []
        self.complete = True

    def read(self) -> Any:
        """The tree of everything that could be read, or None."""
        stack = self._machine.start(self._rule)
        place = Place(stack, Block(None, stack, -1, 0, stack))
        mends = 0
        while len(self._places) < len(self._tokens) - 1:
            at = len(self._places)
            after = self._advance(place, at) if self._sound(at) else None
            if after is not None:
                self._places.append(place)
                place = after
                continue
            mends += 1
            self.complete = False
            if len(self.diagnostics) >= MOST_ERRORS or mends > 10 * MOST_ERRORS:
                self._tell(rules.TOO_MANY, self._tokens[at].span, "Reading stops here: too much before this is wrong.")
                return None
            place = self._recover(place, at)
        return self._finish(place)

    # ------------------------------------------------------------ one token

    def _terminals(self, token: Token) -> Iterator[str]:
        """What a token may be, the likeliest first."""
        if token.text in self._machine.words:
            yield self._machine.words[token.text]
        if token.kind == "name":
            yield "NAME"
        elif token.kind in _KINDS:
            yield _KINDS[token.kind]

    def _feed(self, stack: Cell, token: Token, build: Build) -> tuple[Cell, Cell] | None:
        """The stack on which the token can stand (after a line's end, perhaps), and the one after it."""
        if token.breaks or token.text == "}":
            ended = self._machine.feed(stack, "_END", None, None, build)
            if ended is not None:
                for terminal in self._terminals(token):
                    after = self._machine.feed(ended, terminal, token, token.span, build)
                    if after is not None:
                        return ended, after
        for terminal in self._terminals(token):
            after = self._machine.feed(stack, terminal, token, token.span, build)
            if after is not None:
                return stack, after
        return None

    def _advance(self, place: Place, at: int) -> Place | None:
        token = self._tokens[at]
        fed = self._feed(place.stack, token, self._build)
        if fed is None:
            return None
        base, after = fed
        block, below = place.block, after.below
        assert below is not None
        if below.depth > DEEPEST_EXPRESSION:
            return None
        if token.text == "{" and token.kind == "sign":
            return Place(after, Block(block, after, at, at + 1, after))
        if token.text == "}" and token.kind == "sign":
            assert block.parent is not None
            return Place(after, block.parent)
        if below is block.inside or (below.below is block.inside and isinstance(below.value, Chain)):
            block = block._replace(member=at, base=base)
        return Place(after, block)

    def _sound(self, at: int) -> bool:
        token = self._tokens[at]
        return token.kind not in _BROKEN and problem_of(token) is None

    def _readable(self, stack: Cell, tokens: list[Token], at_least: int) -> bool:
        """Whether these tokens can follow; what comes after a broken token or a closed block is not asked."""
        for count, token in enumerate(tokens):
            if token.kind == "end":
                return (
                    count >= at_least or self._machine.finish(self._ended(stack), self._rule, build_nothing) is not None
                )
            fed = self._feed(stack, token, build_nothing)
            if fed is None:
                return count >= at_least and next(self._terminals(token), None) is None
            stack = fed[1]
        return True

    def _ended(self, stack: Cell) -> Cell:
        return self._machine.feed(stack, "_END", None, None, build_nothing) or stack

    # ------------------------------------------------------------ mending

    def _recover(self, place: Place, at: int) -> Place:
        """Tells the error at a token and mends the tokens; the place to read on from."""
        for mend in (self._broken, self._too_deep, self._extra_brace, self._missing_brace, self._later):
            mended = mend(place, at)
            if mended is not None:
                return mended
        return self._misspelt(place, at) or self._sign(place, at) or self._drop(place, at)

    def _broken(self, place: Place, at: int) -> Place | None:
        """A token that is wrong by itself is told and another stands in for it."""
        token = self._tokens[at]
        problem = problem_of(token)
        if token.kind == "malformed" and token.text[0] != "@" and not token.text.isascii() and token.text[0].isalpha():
            self._stand_in(at, token._replace(kind="name"))
        elif problem is not None:
            kind = token.kind if token.kind in _STAND_INS else self._number_kind(place.stack, token)
            self._stand_in(at, token._replace(kind=kind, text=_STAND_INS[kind]))
        elif token.kind == "open":
            self._tell(rules.UNCLOSED_TEXT, token.span, "This text does not end on its line.", "no closing quote")
            self._stand_in(at, token._replace(kind="string", text='""'))
        elif token.kind == "foreign":
            self._foreign(at, token)
        elif token.kind == "stray":
            self._tell(
                rules.STRAY_SIGN, token.span, f"{_character(token.text)} has no meaning here.", "not in the language"
            )
            self._remove(at)
        else:
            return None
        if problem is not None:
            self._tell(rules.MALFORMED, token.span, problem, "not written like this")
        return place

    def _foreign(self, at: int, token: Token) -> None:
        ours = FOREIGN[token.text]
        if ours:
            fix = Fix(f"write `{ours}`", ((token.span, ours),), safe=True)
            self._tell(
                rules.STRAY_SIGN, token.span, f"`{token.text}` is written `{ours}` here.", f"write `{ours}`", fix
            )
            self._stand_in(at, token._replace(kind="name" if ours.isalpha() else "sign", text=ours))
        else:
            fix = Fix("leave it out", ((token.span, ""),), safe=True)
            self._tell(rules.STRAY_SIGN, token.span, f"A line does not end in `{token.text}`.", "leave it out", fix)
            self._remove(at)

    def _number_kind(self, stack: Cell, token: Token) -> str:
        if token.text[0] == "@":
            return "instant"
        return next((kind for kind in ("duration", "int") if self._machine.allows(stack, _KINDS[kind])), "duration")

    def _too_deep(self, place: Place, at: int) -> Place | None:
        token = self._tokens[at]
        if self._feed(place.stack, token, build_nothing) is None:
            return None
        message = f"More than {DEEPEST_EXPRESSION} operators are combined here; say it in several parts."
        self._tell(rules.TOO_DEEP, token.span, message, "too much in one expression")
        return self._skip(place, at)

    def _extra_brace(self, place: Place, at: int) -> Place | None:
        """A `}` that closes nothing, or that closed a flow whose lines go on."""
        token = self._tokens[at]
        if place.block.parent is not None:
            return None
        if token.text == "}":
            self._tell(rules.UNCLOSED_BRACKET, token.span, "This `}` closes nothing.", "nothing is open here")
            self._remove(at)
            return place
        if at == 0 or self._tokens[at - 1].text != "}":
            return None
        before, brace = self._places[at - 1], self._tokens[at - 1]
        if before.block.parent is None or not self._readable(before.stack, self._tokens[at : at + 2], 1):
            return None
        others = (Label(token.span, "but this belongs to it"),)
        name = block_name(self._machine, before.block.inside).removeprefix("a ")
        message = f"This `}}` ends the {name} although lines of it follow."
        self._tell(rules.UNCLOSED_BRACKET, brace.span, message, "one `}` too many", others=others)
        return self._rewind(at - 1, None)

    def _missing_brace(self, place: Place, at: int) -> Place | None:
        """A line that stands no deeper than the block it is in, and that fits behind that block."""
        token, block = self._tokens[at], place.block
        if block.parent is None or not token.breaks or self._column(at) > self._line_column(block.brace):
            return None
        closing = Token("sign", "}", token.start, token.start, 1)
        if not self._readable(place.stack, [closing, *self._tokens[at : at + 2]], 2):
            return None
        others = (Label(token.span, "expected `}` before this"),)
        span = self._tokens[block.brace].span
        self._tell(rules.UNCLOSED_BRACKET, span, "This `{` is never closed.", "no `}` for it", others=others)
        self._tokens.insert(at, closing)
        return place

    def _later(self, place: Place, at: int) -> Place | None:
        """A construct that is designed, but not in this version."""
        token, before = self._tokens[at], self._tokens[at - 1] if at else None
        phrase: str | None = None
        first = last = token
        if before is not None and (phrase := later_pair(before.text, token.text)):
            first, last = before, token if token.text.isalpha() else before
        elif token.breaks or before is None or before.text in _BRACKETS:
            phrase = later_line(block_name(self._machine, place.block.inside), token.text)
        if phrase is None and before is not None and place.block.member == at - 1:
            phrase = later_line(block_name(self._machine, place.block.inside), before.text)
            first = last = before
        if phrase is None:
            return None
        span = first.span.to(last.span)
        self._tell(rules.LATER, span, f"{phrase} is not in this version of the language.", "not in this version")
        return self._skip(place, at)

    def _misspelt(self, place: Place, at: int) -> Place | None:
        """One word of the last few, spelt as a word that may stand there, makes what follows readable."""
        member = place.block.member
        for index in range(at, max(min(member, at), at - _BACK) - 1, -1):
            token = self._tokens[index]
            if token.kind != "name":
                continue
            stack = place.stack if index == at else self._places[index].stack
            following = self._tokens[index + 1 : at + 1 + _LOOK]
            for word, likeness in self._alike(stack, token):
                trial = token._replace(text=word)
                sure = index == at and likeness >= 0.75
                if not self._readable(stack, [trial, *([] if sure else following)], 1 + at - index):
                    continue
                fix = Fix(f"did you mean `{word}`?", ((token.span, word),))
                message = f"`{token.text}` is not a word of the language here."
                self._tell(rules.MISSPELT, token.span, message, f"did you mean `{word}`?", fix)
                if index < at:
                    return self._rewind(index, trial)
                self._stand_in(at, trial)
                return place
        return None

    def _alike(self, stack: Cell, token: Token) -> list[tuple[str, float]]:
        """The words that may stand where the token does and are spelt much like it, the likest first."""
        allowed = {*self._machine.allowed(stack), *self._machine.allowed(self._ended(stack))}
        words = [self._machine.spellings[each] for each in allowed if each in self._machine.spellings]
        matcher = SequenceMatcher(b=token.text.lower())
        rated: list[tuple[str, float]] = []
        for word in words:
            matcher.set_seq1(word)
            likeness = 1.0 if sorted(word) == sorted(token.text) else matcher.ratio()
            if word.isalpha() and word != token.text and likeness >= _ALIKE:
                rated.append((word, likeness))
        return sorted(rated, key=lambda each: (-each[1], each[0]))

    def _sign(self, place: Place, at: int) -> Place | None:
        """One sign too few, a wrong one, or one token too many."""
        token, rest = self._tokens[at], self._tokens[at + 1 : at + 1 + _LOOK]
        for sign in _INSERTED:
            inserted = Token("sign", sign, token.start, token.start, 0)
            if self._readable(place.stack, [inserted, token, *rest], 2):
                fix = Fix(f"write `{sign}` before it", ((Span(token.start, token.start), f"{sign} "),))
                message = f"`{sign}` is missing before {_quoted(token)}."
                self._tell(rules.UNEXPECTED, token.span, message, f"expected `{sign}` before this", fix, soft=True)
                self._tokens.insert(at, inserted)
                return place
        if token.text in _BRACKETS:
            return None
        if token.kind == "sign":
            for sign in [word for word in self._machine.words if not word.isalpha()]:
                if self._readable(place.stack, [token._replace(text=sign), *rest], 2):
                    fix = Fix(f"write `{sign}`", ((token.span, sign),))
                    message = f"`{token.text}` cannot stand here, but `{sign}` can."
                    self._tell(rules.UNEXPECTED, token.span, message, f"did you mean `{sign}`?", fix, soft=True)
                    self._stand_in(at, token._replace(text=sign))
                    return place
        if rest and self._readable(
            place.stack, [rest[0]._replace(breaks=token.breaks or rest[0].breaks), *rest[1:]], 2
        ):
            self._unexpected(place, at)
            self._remove(at)
            return place
        return None

    def _drop(self, place: Place, at: int) -> Place:
        self._unexpected(place, at)
        return self._skip(place, at)

    # ------------------------------------------------------------ editing the tokens

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
                if depth == 0 or self._column(index) <= self._line_column(min(block.member, index)):
                    if self._begins_line(block, index):
                        return self._resume(block, index)
                if block.parent is not None and self._column(index) <= self._line_column(block.brace):
                    closing = Token("sign", "}", token.start, token.start, 1)
                    if self._readable(block.base, [closing, *self._tokens[index : index + 2]], 3):
                        self._tokens.insert(index, closing)
                        return self._resume(block, index)
        return self._resume(block, len(self._tokens) - 1)

    def _begins_line(self, block: Block, index: int) -> bool:
        token = self._tokens[index]
        terminal = next(self._terminals(token), "NAME")
        if terminal == "NAME" and block_name(self._machine, block.inside) == "a flow":
            return False
        return self._readable(block.base, self._tokens[index : index + 2], 2)

    def _resume(self, block: Block, index: int) -> Place:
        place = Place(block.base, block)
        self._places.extend([place] * (index - len(self._places)))
        return place

    def _finish(self, place: Place) -> Any:
        """What the text ends with: braces left open are closed, a line cut short is dropped."""
        end = self._tokens[-1]
        ended = self._machine.feed(place.stack, "_END", None, None, self._build) or place.stack
        done = self._machine.finish(ended, self._rule, self._build)
        if done is not None and done.depth <= DEEPEST_EXPRESSION:
            return done.value
        block, stack = place.block, ended
        if not self.complete:
            pass
        elif block.parent is not None:
            span = self._tokens[block.brace].span
            self._tell(rules.UNCLOSED_BRACKET, span, "This `{` is never closed.", "no `}` for it")
        else:
            self._unexpected(place, len(self._tokens) - 1)
        self.complete = False
        while block.parent is not None:
            closed = self._machine.feed(stack, "RBRACE", end, end.span, self._build)
            if closed is None:
                closed = self._machine.feed(block.base, "RBRACE", end, end.span, self._build)
            stack, block = closed or block.parent.base, block.parent
        done = self._machine.finish(stack, self._rule, self._build)
        if done is None:
            done = self._machine.finish(block.base, self._rule, self._build)
        return None if done is None else done.value

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
    ) -> None:
        """Gathers a diagnostic. A soft one is left out on a line that has an error already: it may follow from it."""
        line = self._source.line(span)
        if soft and line == self._told_line:
            return
        self._told_line = line
        fixes = () if fix is None else (fix,)
        self.diagnostics.append(Diagnostic(rule, message, span, label, others=others, fixes=fixes))

    def _unexpected(self, place: Place, at: int) -> None:
        token, block = self._tokens[at], place.block
        name = block_name(self._machine, block.inside)
        lone = at - block.member == 1 and name == "a flow" and self._tokens[at - 1].kind == "name"
        if lone and self._tokens[at - 1].text not in openers(self._machine, block.inside):
            token = self._tokens[at - 1]
        elif not self._between_lines(place):
            self._tell_expected(place, at)
            return
        words = [f"`{word}`" for word in openers(self._machine, block.inside)]
        begins = f" they begin with {listed(words)}" if words else " each is a name"
        message = f"{name.capitalize()} has no line that begins with {_quoted(token)};{begins}."
        self._tell(rules.UNEXPECTED, token.span, message, f"not a line of {name}", soft=True)

    def _tell_expected(self, place: Place, at: int) -> None:
        token = self._tokens[at]
        stack = place.stack
        phrases = expected(self._machine, stack)
        after = f"After {_quoted(self._tokens[at - 1])}, " if at else "Here "
        found = "the text ends" if token.kind == "end" else f"there is {_quoted(token)}"
        message = f"{after}{listed(phrases)} is expected, but {found}."
        label = f"expected {listed(phrases)}" if len(phrases) < 3 else "not expected here"
        self._tell(rules.UNEXPECTED, token.span, message, label, soft=True)

    def _between_lines(self, place: Place) -> bool:
        ended = self._ended(place.stack)
        inside = place.block.inside
        if place.block.parent is None:
            return self._machine.finish(ended, self._rule, build_nothing) is not None
        closed = self._machine.feed(ended, "RBRACE", None, None, build_nothing)
        if closed is None or closed.below is None:
            return False
        return closed.below is inside or closed.below.below is inside

    def _column(self, at: int) -> int:
        return self._source.position(self._tokens[at].start)[1]

    def _line_column(self, at: int) -> int:
        """The column of the first token on the line of a token."""
        while at > 0 and not self._tokens[at].breaks:
            at -= 1
        return self._column(at)


def _quoted(token: Token) -> str:
    text = token.text if len(token.text) <= 30 else f"{token.text[:27]}..."
    return f"`{text}`" if text else "the end"


def _character(text: str) -> str:
    shown = text if len(text) <= 12 else f"{text[:9]}..."
    return f"`{shown}`" if shown.isprintable() else f"The character {ascii(shown[0])[1:-1]}"
