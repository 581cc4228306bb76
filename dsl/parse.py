"""Text in; out come the tree as written and what is wrong with the text. Never raises, whatever the text."""

from __future__ import annotations

from collections.abc import Sequence

from . import rules
from .build import Builder
from .diagnostics import Diagnostic, Severity
from .reader import Marks
from .recover import MendingReader
from .source import Source, Span
from .syntax import Expr, File
from .title import read_title
from .tokens import COMMENTS, Token, tokenize
from .values import dataclass, replace

DEEPEST_BRACKETS = 64


@dataclass(frozen=True, slots=True)
class Parsed:
    """The tree of all that could be read, and the diagnostics in the order of the text."""

    tree: File
    diagnostics: tuple[Diagnostic, ...]


def parse(source: Source) -> Parsed:
    """Reads a whole text and those it imports, in time linear in their length. Of those it imports only errors are
    told: their own check tells the rest."""
    own = parse_and_mark(source)[0]
    found = [parse_and_mark(source, file)[0] for file in source.imported]
    told = (said for each in found for said in each.diagnostics if said.severity is Severity.ERROR)
    tree = replace(own.tree, imported=tuple(each.tree for each in found))
    return Parsed(tree, (*own.diagnostics, *told))


def parse_and_mark(source: Source, file: Source | None = None) -> tuple[Parsed, Marks]:
    """One of the files of a source, else its own text; and what each token was read as."""
    whole = source.range((file or source).name)
    everything = tokenize(source, whole.start, whole.end)
    nothing = File((), False, whole)
    tokens = [token for token in everything if token.kind not in COMMENTS]
    if len(tokens) == 1:
        at = Span(whole.start, whole.start) if file else None
        return Parsed(
            nothing, (Diagnostic(rules.EMPTY, f"There is nothing in `{(file or source).name}`.", at),)
        ), Marks()
    deep = _too_deep(tokens)
    if deep is not None:
        message = f"Brackets are nested more than {DEEPEST_BRACKETS} deep here; nothing of the file was read."
        return Parsed(nothing, (Diagnostic(rules.TOO_DEEP, message, deep.span, "too deep"),)), Marks()
    docs = _doc_comments(everything)
    found: list[Diagnostic] = []
    builder = Builder({at: _text(lines) for at, lines in docs.items()}, lambda token: _title(source, token, found))
    reader = MendingReader(source, tokens, "file", builder)
    tree: File | None = reader.read()
    found += reader.diagnostics
    if tree is not None and not found:
        found += [_stray_doc(lines) for at, lines in docs.items() if at not in builder.described]
    elif tree is not None:
        tree = replace(tree, complete=False)
    return Parsed(tree or nothing, tuple(sorted(dict.fromkeys(found), key=_start))), reader.marks


def _start(found: Diagnostic) -> int:
    return found.span.start if found.span else 0


def _too_deep(tokens: Sequence[Token]) -> Token | None:
    depth = 0
    for token in tokens:
        if token.text in ("{", "(", "["):
            depth += 1
        elif token.text in ("}", ")", "]"):
            depth = max(depth - 1, 0)
        if depth > DEEPEST_BRACKETS:
            return token
    return None


def _doc_comments(everything: Sequence[Token]) -> dict[int, list[Token]]:
    """The lines of doc comments, by the offset of the token they stand before. One that stands behind something on its
    line is before nothing: it is filed under its own offset."""
    docs: dict[int, list[Token]] = {}
    lines: list[Token] = []
    for place, token in enumerate(everything):
        if token.kind == "doc" and place and not token.breaks:
            docs[token.start] = [token]
        elif token.kind == "doc":
            lines.append(token)
        elif token.kind != "comment" and lines:
            docs[token.start] = lines
            lines = []
    return docs


def _text(lines: Sequence[Token]) -> str:
    return "\n".join(line.text[2:].removeprefix(" ").rstrip() for line in lines)


def _stray_doc(lines: Sequence[Token]) -> Diagnostic:
    message = "This doc comment describes nothing; it belongs on the line above a declaration."
    return Diagnostic(rules.STRAY_DOC, message, lines[0].span, "describes nothing", severity=Severity.WARNING)


def _title(source: Source, token: Token, found: list[Diagnostic]) -> tuple[str | Expr, ...]:
    def hole(start: int, end: int) -> Expr | None:
        tokens = [token for token in tokenize(source, start, end) if token.kind not in COMMENTS]
        reader = MendingReader(source, tokens, "expression", Builder({}, lambda _: ()))
        expr: Expr | None = reader.read()
        found.extend(reader.diagnostics)
        return expr

    def odd_brace(at: int) -> None:
        message = "This brace in the title has no partner; write `{{` or `}}` for a plain brace."
        found.append(Diagnostic(rules.UNCLOSED_TEXT, message, Span(at, at + 1), "no partner"))

    return read_title(token, hole, odd_brace)
