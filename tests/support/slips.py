"""Every small change of a Python module that leaves it valid Python: a text in, mutants out, in the order of the text.

Token by token: a name becomes another name of the module, a number is one more or less, a string is altered or becomes
another one, an operator another operator, a token is left out. Line by line: a line is left out. Tree by tree: a
condition is denied, neighbours in a tuple, call, set or table are exchanged, one is left out, statements are exchanged.
"""

from __future__ import annotations

import ast
import io
import keyword
import tokenize
import warnings
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise
from random import Random

OPERATORS = {
    "<": ("<=", ">"),
    "<=": ("<", ">="),
    ">": (">=", "<"),
    ">=": (">", "<="),
    "==": ("!=", "<="),
    "!=": ("==",),
    "+": ("-", "*"),
    "-": ("+",),
    "*": ("+", "**"),
    "//": ("%", "/"),
    "%": ("//",),
    "|": ("&",),
    "=": ("==",),
}
WORDS = {
    "and": ("or",),
    "or": ("and",),
    "True": ("False", "None"),
    "False": ("True", "None"),
    "None": ("True", "0"),
    "not": ("", "not not"),
    "is": ("==", "is not"),
    "in": ("not in",),
    "return": ("yield", "assert"),
    "if": ("while",),
    "from": ("",),
    "class": ("def",),
}


@dataclass(frozen=True, slots=True)
class Slip:
    """One change. kind: what was done; what stood between the two offsets is replaced."""

    kind: str
    line: int
    new: str
    start: int
    end: int
    base: str = field(repr=False)

    @property
    def text(self) -> str:
        """The whole module."""
        return self.base[: self.start] + self.new + self.base[self.end :]

    @property
    def old(self) -> str:
        return self.base[self.start : self.end]

    def __str__(self) -> str:
        return f"line {self.line}, {self.kind}: {self.old[:60]!r} -> {self.new[:60]!r}"


class Slips:
    """The changes of one text. others: how many other names are tried for each name, and strings for each string."""

    def __init__(self, text: str, others: int = 3) -> None:
        self.text = text
        self.others = others
        self.tokens = list(tokenize.generate_tokens(io.StringIO(text).readline))
        self.lines = text.splitlines(keepends=True)
        self.begins = [0]
        for line in self.lines:
            self.begins.append(self.begins[-1] + len(line))

    def all(self, draw: Random | None = None, most: int | None = None) -> list[Slip]:
        """Those that are valid Python, each text once; or some of them, as they are drawn."""
        made = [*self.by_token(), *self.by_line(), *self.by_tree()]
        if draw is not None:
            draw.shuffle(made)
        found: dict[int, Slip] = {}
        for slip in made:
            if len(found) != most and slip.old != slip.new and hash(slip.text) not in found and self._valid(slip):
                found[hash(slip.text)] = slip
        return sorted(found.values(), key=lambda slip: slip.line)

    @cached_property
    def bounds(self) -> list[int]:
        """Where the statements of the module begin; the text in between is of the one before."""
        return [0, *(self._place(node)[0] for node in ast.parse(self.text).body), len(self.text)]

    def _valid(self, slip: Slip) -> bool:
        """Whether it is valid: of what is changed in one statement, if that is; which takes less time."""
        longer = len(slip.new) - (slip.end - slip.start)
        number = bisect_right(self.bounds, self.begins[slip.line - 1]) - 1
        if slip.kind.startswith("statements") or number + 1 >= len(self.bounds):
            return valid(slip.text)
        start, end = self.bounds[number], self.bounds[number + 1]
        if slip.end > end:
            return valid(slip.text)
        part = slip.text[start : end + longer]
        return valid(part) and (not part.startswith((" ", "\n")) or valid(slip.text))

    # ------------------------------------------------------------ tokens

    @cached_property
    def names(self) -> list[str]:
        names = {t.string for t in self.tokens if t.type == tokenize.NAME and not keyword.iskeyword(t.string)}
        return sorted(names)

    @cached_property
    def strings(self) -> list[str]:
        return sorted({t.string for t in self.tokens if t.type == tokenize.STRING and "\n" not in t.string})

    def by_token(self) -> Iterator[Slip]:
        for number, token in enumerate(self.tokens):
            for kind, new in self._changed(token, number):
                start, end = self._span(token)
                yield Slip(kind, token.start[0], new, start, end, self.text)

    def _span(self, token: tokenize.TokenInfo) -> tuple[int, int]:
        return self._at(*token.start), self._at(*token.end)

    def _at(self, line: int, column: int) -> int:
        return self.begins[line - 1] + column

    def _changed(self, token: tokenize.TokenInfo, number: int) -> Iterator[tuple[str, str]]:
        text = token.string
        if token.type == tokenize.NAME:
            for word in WORDS.get(text, ()):
                yield "word", word
            if not keyword.iskeyword(text):
                for name in self._others(self.names, text, number):
                    yield "name", name
        elif token.type == tokenize.NUMBER:
            yield from (("number", f"{int(text) + by}") for by in (1, -1) if text.isdigit() and int(text) + by >= 0)
            yield "number", f"{text}0"
        elif token.type == tokenize.STRING:
            yield "string", f'{text[:-1]}x"' if text.endswith('"') and not text.endswith('"""') else text
            if not text.startswith(('"""', "'", "f")) and len(text) > 2:
                yield "string", f"{text[:-2]}{text[-1]}"
            for other in self._others(self.strings, text, number)[:1]:
                yield "string", other
        elif token.type == tokenize.OP:
            yield from (("operator", op) for op in OPERATORS.get(text, ()))
        elif token.type == tokenize.COMMENT:
            yield "comment", f"{text}x"
        if token.type in (tokenize.NAME, tokenize.NUMBER, tokenize.STRING, tokenize.OP):
            yield "left out", ""

    def _others(self, among: Sequence[str], text: str, number: int) -> list[str]:
        """Some others of one style: those next to it in the alphabet, and some from anywhere."""
        alike = [each for each in among if each != text and _style(each) == _style(text)]
        if not alike:
            return []
        place = sum(each < text for each in alike)
        chosen = [alike[place % len(alike)], alike[place - 1], alike[(number * 7919) % len(alike)]]
        return list(dict.fromkeys(chosen))[: self.others]

    # ------------------------------------------------------------ lines

    def by_line(self) -> Iterator[Slip]:
        for number, line in enumerate(self.lines, 1):
            if line.strip():
                start, end = self.begins[number - 1], self.begins[number]
                yield Slip("line", number, "", start, end, self.text)

    # ------------------------------------------------------------ trees

    def by_tree(self) -> Iterator[Slip]:
        for node in ast.walk(ast.parse(self.text)):
            match node:
                case ast.If(test=test) | ast.IfExp(test=test):
                    yield self._put("denied", test, f"not ({self._text(test)})")
                case ast.Tuple(elts=items) | ast.Set(elts=items) | ast.BoolOp(values=items):
                    yield from self._neighbours(items)
                case ast.Call(args=args, keywords=words):
                    yield from self._neighbours([*args, *words])
                case ast.Dict(keys=keys, values=values):
                    yield from self._neighbours([key for key in keys if key], values)
                case _:
                    pass
            if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef | ast.If):
                yield from self._neighbours(node.body, kind="statements")

    def _text(self, node: ast.AST) -> str:
        start, end = self._place(node)
        return self.text[start:end]

    def _place(self, node: ast.AST) -> tuple[int, int]:
        """Offsets; columns of trees are counted in bytes."""
        assert isinstance(node, ast.expr | ast.keyword | ast.stmt)
        assert node.end_lineno is not None and node.end_col_offset is not None
        line = node.lineno
        decorators: list[ast.expr] = getattr(node, "decorator_list", [])
        column = node.col_offset
        if decorators:
            line, column = decorators[0].lineno, decorators[0].col_offset - 1
        return self._offset(line, column), self._offset(node.end_lineno, node.end_col_offset)

    def _offset(self, line: int, column: int) -> int:
        return self.begins[line - 1] + len(self.lines[line - 1].encode()[:column].decode())

    def _put(self, kind: str, node: ast.AST, new: str) -> Slip:
        start, end = self._place(node)
        return Slip(kind, self._line(start), new, start, end, self.text)

    def _neighbours(
        self, items: Sequence[ast.AST], values: Sequence[ast.AST] = (), kind: str = "items"
    ) -> Iterator[Slip]:
        """Exchange those that are next to each other, and leave each out with the comma behind it."""
        spans = [self._place(item) for item in items]
        for number, value in enumerate(values):
            spans[number] = spans[number][0], self._place(value)[1]
        for (start, end), (next_start, next_end) in pairwise(spans):
            if end > next_start:
                continue
            new = self.text[next_start:next_end] + self.text[end:next_start] + self.text[start:end]
            yield Slip(f"{kind} exchanged", self._line(start), new, start, next_end, self.text)
        for start, end in spans:
            rest = self.text[end:]
            comma = len(rest) - len(rest.lstrip(" ,")) if kind == "items" else 0
            yield Slip(f"{kind} left out", self._line(start), "", start, end + comma, self.text)

    def _line(self, offset: int) -> int:
        return self.text.count("\n", 0, offset) + 1


def _style(text: str) -> str:
    """Names of one style may stand for each other."""
    if text[:1] in "\"'f" and text[-1:] in "\"'":
        return "string"
    bare = text.strip("_")
    private = "_" if text.startswith("_") else ""
    return private + ("upper" if bare.isupper() else "class" if bare[:1].isupper() else "lower")


def valid(text: str) -> bool:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            compile(text, "slip", "exec", dont_inherit=True)
    except (SyntaxError, ValueError):
        return False
    return True


def bare(text: str) -> str:
    """The tree without docstrings and without places: what two texts have in common that only differ in these."""
    tree = ast.parse(text)
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            match node.body:
                case [ast.Expr(value=ast.Constant(value=str())), *rest]:
                    node.body = rest
                case _:
                    pass
    return ast.dump(tree)
