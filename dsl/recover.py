"""What is done about an error in the text: each is told once, as precisely as it can be, and the rest is read on.

The first of these that helps: a missing or extra brace that the indentation gives away, a word of a later version of
the language, one misspelt word, one sign too few, one in place of another, one token too many. A mend counts only if
the tokens after it can be read. Otherwise the line is dropped, and reading goes on with the next one in the same block.
"""

from __future__ import annotations

from typing import Any

from . import habits, rules
from .automaton import Cell, build_nothing
from .diagnostics import Fix, Label
from .expected import block_name, expected, listed, openers
from .literals import problem_of
from .reader import DEEPEST_EXPRESSION, KINDS, Place, Reader
from .source import Span
from .tokens import Token

_LOOK = 3  # tokens that must be readable after a mend
_BACK = 4  # tokens before the error that may be the misspelt one
_ALIKE = 0.66  # how alike two spellings must be
_SURE = 0.75  # from here on, whatever follows
_STAND_INS = {"int": "1", "fraction": "1.0", "duration": "1s", "instant": "@2000-01-01T00:00:00Z", "string": '""'}
_INSERTED = ("->", ":", ",", "(", ")", "{", "..")
_CONFUSED = {
    "=": ("==", ":", "->"), "==": ("=", ":"), ":": ("=", "->"), "-": ("->", ".."), ">": ("->",), "->": ("=", ":"),
}  # fmt: skip
"""Signs that are written for another one."""
_COMPARISONS = {"==", "!=", "<", "<=", ">", ">="}
_BRACKETS = {"{", "}", "(", ")"}


class MendingReader(Reader):
    """Reads whatever it is given."""

    def _recover(self, place: Place, at: int) -> Place:
        """Tells the error at a token and mends the tokens; the place to read on from."""
        braces = (self._extra_brace, self._missing_brace)
        words = (self._duration, self._later, self._swallowed, self._misspelt)
        for mend in (self._broken, self._too_deep, *braces, *words, self._sign, self._block):
            mended = mend(place, at)
            if mended is not None:
                return mended
        return self._drop(place, at)

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
        elif token.kind == "quoted":
            text = f'"{token.text[1:-1]}"'
            fix = Fix(f"write `{text}`", ((token.span, text),), safe=True)
            self._tell(rules.STRAY_SIGN, token.span, 'A text stands in `"` here.', 'write `"`', fix)
            self._stand_in(at, token._replace(kind="string", text=text))
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
        ours = habits.SIGNS[token.text]
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
        return next((kind for kind in ("duration", "int") if self._machine.allows(stack, KINDS[kind])), "duration")

    def _too_deep(self, place: Place, at: int) -> Place | None:
        if self._feed(place.stack, self._tokens[at], build_nothing) is None:
            return None
        self._tell_too_deep(at)
        return self._skip(place, at)

    def _tell_too_deep(self, at: int) -> None:
        message = f"More than {DEEPEST_EXPRESSION} operators are combined here; say it in several parts."
        self._tell(rules.TOO_DEEP, self._tokens[at - 1].span, message, "too much in one expression")

    # ------------------------------------------------------------ braces

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
        outer = block.parent
        while outer.parent is not None:
            block, outer = outer, outer.parent
        return self._close_above(block.brace, place)

    def _unclosed(self, place: Place) -> Place | None:
        return None if place.block.parent is None else self._close_above(0, place)

    def _close_above(self, start: int, place: Place) -> Place | None:
        """Closes the first block after a token out of which its lines stick; many lines of a flow could be lines of a
        state too. `place` is the one before the next token."""
        at = len(self._places)
        for index in range(start + 1, min(at + 1, len(self._tokens) - 1)):
            token, before = self._tokens[index], self._places[index] if index < at else place
            block = before.block
            sticks_out = self._column(index) < self._line_column(block.brace) + (token.text != "}")
            if block.parent is None or not token.breaks or not sticks_out:
                continue
            closing = Token("sign", "}", token.start, token.start, 1)
            if self._readable(before.stack, [closing, *self._tokens[index : index + 2]], 2):
                others = (Label(token.span, "expected `}` before this"),)
                span = self._tokens[block.brace].span
                self._tell(rules.UNCLOSED_BRACKET, span, "This `{` is never closed.", "no `}` for it", others=others)
                del self._places[index:]
                self._tokens.insert(index, closing)
                return before
        return None

    # ------------------------------------------------------------ words

    def _duration(self, place: Place, at: int) -> Place | None:
        """A number with a word behind it: `3 days`."""
        for index in range(at, max(at - 2, -1), -1):
            number = self._tokens[index]
            if number.kind != "int" or len(number.text) > 6:
                continue
            word = self._tokens[index + 1]
            if word.text not in habits.UNITS or word.breaks:
                continue
            factor, unit = habits.UNITS[word.text]
            trial = number._replace(kind="duration", text=f"{int(number.text) * factor}{unit}", end=word.end)
            stack = place.stack if index == at else self._places[index].stack
            if self._readable(stack, [trial, *self._following(index + 1)], 1):
                span = number.span.to(word.span)
                fix = Fix(f"write `{trial.text}`", ((span, trial.text),), safe=True)
                self._tell(rules.MALFORMED, span, f"A duration is written like `{trial.text}`.", "in words", fix)
                self._remove(index + 1)
                if index < at:
                    return self._rewind(index, trial)
                self._stand_in(at, trial)
                return place
        return None

    def _later(self, place: Place, at: int) -> Place | None:
        """A construct that is designed, but not in this version."""
        token, before = self._tokens[at], self._tokens[at - 1] if at else None
        phrase: str | None = None
        span = token.span
        if token.breaks or before is None or before.text in _BRACKETS:
            phrase = self._later_line(place.block, at)
        if phrase is None and before is not None and place.block.member == at - 1:
            phrase, span = self._later_line(place.block, at - 1), before.span
        if phrase is None:
            return None
        self._tell(rules.LATER, span, f"{phrase} is not in this version of the language.", "not in this version")
        return self._skip(place, at)

    def _swallowed(self, place: Place, at: int) -> Place | None:
        """A word that begins a line was taken for the name that the line above lacks."""
        for index in range(at - 1, max(at - _BACK, 0) - 1, -1):
            token, before = self._tokens[index], self._places[index]
            if not token.breaks or self.marks.terminals.get(token.start) != "NAME":
                continue
            if token.text not in openers(self._machine, before.block.inside) or self._between_lines(before):
                continue
            del self._places[index:]
            self._unexpected(before, index)
            return self._skip(before, index)
        return None

    def _misspelt(self, place: Place, at: int) -> Place | None:
        """One word of the last few, spelt as a word that may stand there, makes what follows readable."""
        member = min(place.block.member, at)
        first = member if self._tokens[member].breaks else 0
        near = range(at, max(first, at - _BACK) - 1, -1)
        begun = (member,) if self._tokens[at].breaks and member not in near else ()  # the line before may begin wrongly
        for index in (*near, *begun):
            token = self._tokens[index]
            if token.kind != "name" or (index < at and self.marks.terminals.get(token.start) != "NAME"):
                continue
            stack = place.stack if index == at else self._places[index].stack
            following = self._tokens[index + 1 : at + 1] + self._following(at)
            for word, likeness in self._alike(stack, token):
                trial = token._replace(text=word)
                sure = index == at and likeness >= _SURE
                if not self._readable(stack, [trial, *([] if sure else following)], 1 + at - index):
                    continue
                fix = Fix(f"did you mean `{word}`?", ((token.span, word),))
                message = f"`{token.text}` is not a word of the language here; did you mean `{word}`?"
                self._tell(rules.MISSPELT, token.span, message, "no such word here", fix)
                if index < at:
                    return self._rewind(index, trial)
                self._stand_in(at, trial)
                return place
        return None

    def _alike(self, stack: Cell, token: Token) -> list[tuple[str, float]]:
        """The words that may stand where the token does and are spelt much like it, the likest first."""
        allowed = {*self._machine.allowed(stack), *self._machine.allowed(self._ended(stack))}
        words = [self._machine.spellings[each] for each in allowed if each in self._machine.spellings]
        from difflib import SequenceMatcher

        matcher = SequenceMatcher(b=token.text.lower())
        rated: list[tuple[str, float, float]] = []
        for word in words:
            matcher.set_seq1(word)
            ratio = matcher.ratio()
            swapped = sorted(word) == sorted(token.text) and token.text not in self._machine.words
            likeness = 1.0 if swapped else ratio
            if word in habits.WORDS.get(token.text.lower(), ()):
                likeness = max(likeness, _ALIKE)
            if word.isalpha() and word != token.text and likeness >= _ALIKE:
                rated.append((word, likeness, ratio))
        best = sorted(rated, key=lambda each: (-each[1], -each[2], each[0]))
        return [(word, likeness) for word, likeness, _ in best]

    # ------------------------------------------------------------ signs

    def _sign(self, place: Place, at: int) -> Place | None:
        """One sign too few, a wrong one, or one token too many."""
        token, rest = self._tokens[at], self._following(at)
        for sign in _INSERTED:
            inserted = Token("sign", sign, token.start, token.start, 0)
            if sign in "({" and not self._closes(at, ")" if sign == "(" else "}"):
                continue
            if self._readable(place.stack, [inserted, token, *rest], 2):
                fix = Fix(f"write `{sign}` before it", ((Span(token.start, token.start), f"{sign} "),))
                message = f"`{sign}` is missing before {_quoted(token)}."
                self._tell(rules.UNEXPECTED, token.span, message, f"expected `{sign}` before this", fix, soft=True)
                self._tokens.insert(at, inserted)
                return place
        if token.text in _BRACKETS:
            return None
        for sign in _CONFUSED.get(token.text, ()):
            if self._readable(place.stack, [token._replace(text=sign), *rest], 2):
                fix = Fix(f"write `{sign}`", ((token.span, sign),))
                message = f"`{token.text}` cannot stand here, but `{sign}` can."
                self._tell(rules.UNEXPECTED, token.span, message, f"did you mean `{sign}`?", fix, soft=True)
                self._stand_in(at, token._replace(text=sign))
                return place
        after, *more = self._tokens[at + 1 : at + 1 + _LOOK] or [token]
        after = after._replace(breaks=max(after.breaks, token.breaks))
        if token.kind != "end" and self._readable(place.stack, [after, *more], 2):
            self._unexpected(place, at)
            self._remove(at)
            return place
        return None

    def _block(self, place: Place, at: int) -> Place | None:
        """A line that ends where its block should begin, as `activity look() -> int`."""
        token, before = self._tokens[at], self._tokens[at - 1] if at else None
        if before is None or not token.breaks:
            return None
        empty = [Token("sign", sign, before.end, before.end, 0) for sign in "{}"]
        if not self._readable(place.stack, [*empty, token, *self._following(at)], 3):
            return None
        span, end = before.span, Span(before.end, before.end)
        fix = Fix("open a block behind it", ((end, " { }"),))
        self._tell(rules.UNEXPECTED, span, f"A block is missing behind {_quoted(before)}.", "expected `{ .. }`", fix)
        self._tokens[at:at] = empty
        return place

    def _following(self, at: int) -> list[Token]:
        """The next tokens on the line of a token."""
        line: list[Token] = []
        for token in self._tokens[at + 1 : at + 1 + _LOOK]:
            if token.breaks:
                break
            line.append(token)
        return line

    def _closes(self, at: int, closer: str) -> bool:
        """Whether a bracket that was never opened is closed on this line or, a brace, below the line's beginning."""
        column = self._line_column(at - 1) if at else 1
        depth, opener = 0, "(" if closer == ")" else "{"
        for index in range(at, len(self._tokens) - 1):
            token = self._tokens[index]
            if token.breaks and index > at and closer == ")":
                return False
            if token.text == opener:
                depth += 1
            elif token.text == closer and depth:
                depth -= 1
            elif token.text == closer:
                return closer == ")" or self._line_column(index) == column
        return False

    # ------------------------------------------------------------ the rest

    def _drop(self, place: Place, at: int) -> Place:
        self._unexpected(place, at)
        return self._skip(place, at)

    def _finish(self, place: Place) -> Any:
        """What the text ends with: braces left open are closed, a line cut short is dropped."""
        end = self._tokens[-1]
        ended = self._machine.feed(place.stack, "_END", None, self._build) or place.stack
        done = self._machine.finish(ended, self._rule, self._build)
        if done is not None and done.depth > DEEPEST_EXPRESSION:
            self._tell_too_deep(len(self._tokens) - 1)
            return None
        if done is not None:
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
            closed = self._machine.feed(stack, "RBRACE", end, self._build)
            if closed is None:
                closed = self._machine.feed(block.base, "RBRACE", end, self._build)
            stack, block = closed or block.parent.base, block.parent
        done = self._machine.finish(stack, self._rule, self._build)
        if done is None:
            done = self._machine.finish(block.base, self._rule, self._build)
        return None if done is None else done.value

    def _unexpected(self, place: Place, at: int) -> None:
        token, block = self._tokens[at], place.block
        if token.text in _COMPARISONS and "an operator" in expected(self._machine, place.stack):
            message = "Comparisons are not made in a row; join two of them with `and`."
            self._tell(rules.UNEXPECTED, token.span, message, "a second comparison", soft=True)
            return
        if self._rule == "expression":
            self._tell_expected(token, self._tokens[at - 1] if at else None, expected(self._machine, place.stack))
            return
        name = block_name(self._machine, block.inside)
        words = openers(self._machine, block.inside)
        before = self._tokens[at - 1] if at else None
        stack = place.stack
        lone = before is not None and block.member == at - 1 and before.kind == "name" and before.text not in words
        if before is not None and lone and name == "a flow":
            token, before, stack = before, self._tokens[at - 2], self._places[at - 1].stack
        elif not self._between_lines(place):
            self._tell_expected(token, before, expected(self._machine, stack))
            return
        if not token.breaks and before is not None and before.text != "{":
            begin = {"a value" if name == "a flow" else "", *(f"`{word}`" for word in [*words, "}"])}
            phrases = [each for each in expected(self._machine, stack) if each not in begin]
            self._tell_expected(token, before, phrases)
            return
        note = f"A line of {name} begins with {listed([f'`{word}`' for word in words] or ['a name'])}."
        message = f"{name.capitalize()} has no line that begins with {_quoted(token)}."
        self._tell(rules.UNEXPECTED, token.span, message, f"not a line of {name}", soft=True, note=note)

    def _tell_expected(self, token: Token, before: Token | None, phrases: list[str]) -> None:
        after = f"After {_quoted(before)}, " if before else "Here "
        found = "the text ends" if token.kind == "end" else f"there is {_quoted(token)}"
        what = listed(phrases or ["the end of the line"])
        label = f"expected {what}" if len(phrases) < 3 else "not expected here"
        self._tell(rules.UNEXPECTED, token.span, f"{after}{what} is expected, but {found}.", label, soft=True)


def _quoted(token: Token) -> str:
    text = token.text if len(token.text) <= 30 else f"{token.text[:27]}..."
    return f"`{text}`" if text else "the end"


def _character(text: str) -> str:
    shown = text if len(text) <= 12 else f"{text[:9]}..."
    return f"`{shown}`" if shown.isprintable() else f"The character {ascii(shown[0])[1:-1]}"
