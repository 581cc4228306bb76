"""Lark's LALR(1) table for `grammar.lark`, as plain data, and how one token moves it.

Lark reads the grammar and makes the table. The table is walked here and not by Lark's own parser because recovery has
to go back and try another token: stacks are linked cells that are never changed, so an old one is as good as new.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from importlib.resources import files
from typing import Any, NamedTuple, cast

from .source import Span

Build = Callable[[str, list[Any], Span], Any]
"""Makes the node for a rule or alias from its children and the span of its text."""


class Reduction(NamedTuple):
    """`size` symbols become `head`; those at the places `keep` are its children. `call` is the rule or alias to build;
    None: the children go to the rule above, one by one."""

    head: str
    size: int
    keep: tuple[int, ...]
    call: str | None
    single: bool  # an only child stands for the whole


class Cell(NamedTuple):
    """The top of a stack: a state, the value and place of the symbol that led to it, its deepest expression."""

    state: int
    value: Any
    span: Span | None
    depth: int
    below: Cell | None


class Chain(NamedTuple):
    """Children of a rule that is not built: those before, and then these. Appending copies nothing."""

    before: Chain | None
    items: list[Any]


class Automaton(NamedTuple):
    """`shifts[state][terminal]` is the next state, `reductions[state][terminal]` a rule to apply first; `gotos` the
    same as shifts for rules. `words` gives the terminal of each fixed spelling, such as `state` or `->`, `spellings`
    the way back. `terminals` is all of them. `lists` are the states after the lines of a block, `bodies` those in
    which the first of them can begin."""

    shifts: dict[int, dict[str, int]]
    reductions: dict[int, dict[str, Reduction]]
    gotos: dict[int, dict[str, int]]
    starts: dict[str, int]
    ends: dict[str, int]
    words: dict[str, str]
    spellings: dict[str, str]
    terminals: tuple[str, ...]
    lists: frozenset[int]
    bodies: frozenset[int]

    def start(self, rule: str) -> Cell:
        return Cell(self.starts[rule], None, None, 0, None)

    def feed(self, stack: Cell, terminal: str, value: Any, span: Span | None, build: Build) -> Cell | None:
        """The stack after one more token; None when it cannot stand here."""
        while True:
            state = self.shifts[stack.state].get(terminal)
            if state is not None:
                return Cell(state, value, span, 0, stack)
            reduction = self.reductions[stack.state].get(terminal)
            if reduction is None:
                return None
            stack = self._reduce(stack, reduction, build)

    def finish(self, stack: Cell, rule: str, build: Build) -> Cell | None:
        """The stack whose top is the whole text as `rule`; None when something is missing."""
        while stack.state != self.ends[rule]:
            reduction = self.reductions[stack.state].get("$END")
            if reduction is None:
                return None
            stack = self._reduce(stack, reduction, build)
        return stack

    def allows(self, stack: Cell, terminal: str) -> bool:
        """Whether the terminal can come next."""
        return self.feed(stack, terminal, None, None, build_nothing) is not None

    def allowed(self, stack: Cell) -> list[str]:
        """Every terminal that can come next, in the order of the grammar."""
        near = {*self.shifts[stack.state], *self.reductions[stack.state]}
        return [terminal for terminal in self.terminals if terminal in near and self.allows(stack, terminal)]

    def _reduce(self, stack: Cell, reduction: Reduction, build: Build) -> Cell:
        if reduction.single and reduction.size == 1 and stack.below is not None:
            state = self.gotos[stack.below.state][reduction.head]
            return Cell(state, stack.value, stack.span, stack.depth, stack.below)
        cells: list[Cell] = []
        for _ in range(reduction.size):
            cells.append(stack)
            assert stack.below is not None
            stack = stack.below
        cells.reverse()
        if build is build_nothing:
            return Cell(self.gotos[stack.state][reduction.head], None, None, 0, stack)
        places = [cell.span for cell in cells if cell.span is not None]
        span = places[0].to(places[-1]) if places else None
        depth = max([cell.depth for cell in cells], default=0)
        children = [cells[i].value for i in reduction.keep]
        value: Any
        if reduction.single and len(children) == 1:
            value = children[0]
        elif reduction.call is None:
            value = _chained(children)
        else:
            depth += reduction.call in _NESTING
            value = build(reduction.call, _unchained(children), span or Span(0, 0))
        return Cell(self.gotos[stack.state][reduction.head], value, span, depth, stack)


_DECLARED = ("NAME", "INT", "FRACTION", "DURATION", "INSTANT", "STRING", "_END")
_NESTING = {"unary", "binary", "conditional", "one_of", "is_none", "is_some", "call"}


def build_nothing(_rule: str, _children: list[Any], _span: Span) -> None:
    """The builder of a trial, in which only the states matter."""


def _chained(children: list[Any]) -> Chain:
    if children and isinstance(children[0], Chain):
        return Chain(children[0], _unchained(children[1:]))
    return Chain(None, _unchained(children))


def _unchained(children: list[Any]) -> list[Any]:
    flat: list[Any] = []
    for child in children:
        if isinstance(child, Chain):
            links: list[list[Any]] = []
            link: Chain | None = child
            while link is not None:
                links.append(link.items)
                link = link.before
            for items in reversed(links):
                flat.extend(items)
        else:
            flat.append(child)
    return flat


@cache
def automaton() -> Automaton:
    """The table of this version's grammar, made once in a process (a tenth of a second)."""
    from lark import Lark
    from lark.lexer import Lexer
    from lark.parsers.lalr_analysis import Shift

    class NoLexer(Lexer):
        def __init__(self, conf: Any) -> None: ...

        def lex(self, lexer_state: Any, parser_state: Any) -> Any:
            raise NotImplementedError

    grammar = files(__package__ or __name__).joinpath("grammar.lark").read_text("utf-8")
    lark = Lark(grammar, parser="lalr", lexer=NoLexer, start=["file", "expression"], maybe_placeholders=False)
    interactive: Any = cast(Any, lark).parse_interactive("", start="file")
    table = interactive.parser_state.parse_conf.parse_table
    words: dict[str, str] = {t.pattern.value: t.name for t in cast(list[Any], lark.terminals) if t.pattern is not None}
    spellings = {terminal: word for word, terminal in words.items()}
    terminals = (*_DECLARED, *spellings)
    shifts: dict[int, dict[str, int]] = {state: {} for state in table.states}
    reductions: dict[int, dict[str, Reduction]] = {state: {} for state in table.states}
    gotos: dict[int, dict[str, int]] = {state: {} for state in table.states}
    for state, actions in table.states.items():
        for symbol, (action, argument) in actions.items():
            if action is not Shift:
                reductions[state][symbol] = _reduction(argument)
            elif symbol.lstrip("_").isupper() or symbol == "$END":
                shifts[state][symbol] = argument
            else:
                gotos[state][symbol] = argument
    repeated = [(state, after) for state, rules in gotos.items() for rule, after in rules.items() if _repeats(rule)]
    lists, bodies = frozenset(after for _, after in repeated), frozenset(state for state, _ in repeated)
    starts, ends = dict(table.start_states), dict(table.end_states)
    return Automaton(shifts, reductions, gotos, starts, ends, words, spellings, terminals, lists, bodies)


def _repeats(rule: str) -> bool:
    """Whether a rule is a list of lines: Lark's name for what a `*` stands behind, or one of ours."""
    return rule.startswith("__") or rule in ("_fields", "_assigns")


@cache
def _reduction(rule: Any) -> Reduction:
    keep = tuple(i for i, symbol in enumerate(rule.expansion) if not getattr(symbol, "filter_out", False))
    head = str(rule.origin.name)
    call = None if head.startswith("_") else rule.alias or head
    return Reduction(head, len(rule.expansion), keep, call, rule.options.expand1 and not rule.alias)
