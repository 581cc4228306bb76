"""Random texts that the grammar allows: derived from `grammar.lark` itself, so that no construct is left out."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from random import Random
from typing import Any

from lark import Lark

from penstock.dsl.source import Source
from penstock.dsl.tokens import COMMENTS, Token, tokenize

SAMPLES = {
    "NAME": ("a", "b", "total", "Paying", "x_y2", "_", "a_rather_long_name_for_a_thing"),
    "INT": ("0", "7", "100"),
    "FRACTION": ("0.5", "1000.00"),
    "DURATION": ("30s", "1h30m", "250ms", "5d"),
    "INSTANT": ("@2026-01-31T12:00:00Z", "@2026-01-31T12:00+02:00"),
    "STRING": ('""', '"r-1"', '"Approve {total} of {{a}}"', '"# no \\"comment\\" \\\\"'),
}
_ON_ONE_LINE = {
    "field", "alias", "event", "emits", "assign", "emit", "send", "defer", "mailbox", "always", "never", "reach",
    "leads", "step", "schedule",
}  # fmt: skip
"""The rules whose end is the end of a line: a break inside them may mean something."""

_GOES_ON = {
    ",",
    "(",
    ":",
    "=",
    "->",
    "..",
    "+",
    "-",
    "*",
    "/",
    "%",
    "==",
    "!=",
    "<",
    "<=",
    ">",
    ">=",
    "and",
    "or",
    "not",
}
"""Words that no line can end with."""


@dataclass(frozen=True)
class Word:
    """A token to be; `bound`: it goes on with a line on which a break may mean something."""

    text: str
    bound: bool


@dataclass(frozen=True)
class Grammar:
    rules: dict[str, list[list[str]]]
    heights: dict[str, int]  # how deep the shallowest derivation of a rule is
    words: dict[str, str]


@cache
def grammar() -> Grammar:
    text = files("penstock.dsl").joinpath("grammar.lark").read_text("utf-8")
    lark: Any = Lark(text, parser="earley", lexer="dynamic", start="file", maybe_placeholders=False)
    rules: dict[str, list[list[str]]] = {}
    for rule in lark.rules:
        rules.setdefault(str(rule.origin.name), []).append([str(symbol.name) for symbol in rule.expansion])
    words = {str(each.name): str(each.pattern.value) for each in lark.terminals if each.pattern is not None}
    heights: dict[str, int] = {}
    while len(heights) < len(rules):
        for name, expansions in rules.items():
            known = [_height(expansion, rules, heights) for expansion in expansions]
            least = min((height for height in known if height is not None), default=None)
            if least is not None and name not in heights:
                heights[name] = least + 1
    return Grammar(rules, heights, words)


def _height(expansion: list[str], rules: dict[str, list[list[str]]], heights: dict[str, int]) -> int | None:
    symbols = [symbol for symbol in expansion if symbol in rules]
    return None if any(symbol not in heights for symbol in symbols) else max((heights[s] for s in symbols), default=0)


def words(random: Random, size: int) -> list[Word]:
    """The words of a random file; the larger `size`, the larger the file."""
    made: list[Word] = []
    for _ in range(random.randrange(2)):
        _derive(random.choice(("enum", "alias")), random, size, made, False)
    _derive("flow", random, size, made, False)
    if random.randrange(4) == 0:
        _derive("system", random, size, made, False)
    return made


def _derive(symbol: str, random: Random, budget: int, made: list[Word], bound: bool) -> None:
    known = grammar()
    if symbol == "_END":
        made.append(Word("\n", False))
    elif symbol not in known.rules:
        inside = bound and bool(made) and made[-1].text not in _GOES_ON
        made.append(Word(known.words[symbol] if symbol in known.words else random.choice(SAMPLES[symbol]), inside))
    else:
        if symbol == "expr":
            budget = min(budget, random.choice((0, 0, 8, 12, 16)))
        starts = len(made)
        for part in _expansion(symbol, random, budget):
            _derive(part, random, budget - random.randrange(1, 3), made, bound or symbol in _ON_ONE_LINE)
        if symbol == "defer":
            made.append(Word("\n", False))  # `at` behind it on the same line goes on with `most`
        if symbol in _ON_ONE_LINE and not bound and len(made) > starts:
            made[starts] = Word(made[starts].text, False)


def _expansion(symbol: str, random: Random, budget: int) -> list[str]:
    known = grammar()
    expansions = known.rules[symbol]
    if budget <= 0:
        least = known.heights[symbol] - 1
        return random.choice([each for each in expansions if _height(each, known.rules, known.heights) == least])
    repeats = [each for each in expansions if symbol in each]
    if repeats and symbol.startswith("__") and random.random() < 0.85:
        return random.choice(repeats)
    return random.choice(expansions)


def laid_out(random: Random, sequence: list[Word]) -> str:
    """The words as a text with random white space and comments where they change nothing."""
    text = random.choice(("", "\n", "# first\n", "\ufeff"))
    last = ""
    for word in sequence:
        if word.text == "\n":
            text += random.choice(("\n", "\n\n\n", "\r\n", "  # end of line \n", "\n  ## told\n"))
            last = ""
            continue
        text += _between(random, last, word) + word.text
        last = word.text
    return text + random.choice(("", "\n", "\n\n", " # last", "\n## last\n\n"))


def _between(random: Random, last: str, word: Word) -> str:
    if (
        last
        and random.random() < 0.2
        and [t.text for t in tokenize(Source("", last + word.text))[:-1]] == [last, word.text]
    ):
        return ""
    if not last or word.bound or random.random() < 0.6:
        return random.choice((" ", " ", "  ", "\t", "     "))
    return random.choice(
        ("\n", "\n\n\n", "\n      ", "\r\n", " # said\n", "\n# alone\n  ", "\n## told\n## more\n", " ## said\n")
    )


def significant(source: Source) -> list[tuple[str, str]]:
    """The tokens of a text, comments included, without their places."""
    return [(each.kind, _kept(each)) for each in tokenize(source)]


def _kept(token: Token) -> str:
    return token.text.rstrip() if token.kind in COMMENTS else token.text
