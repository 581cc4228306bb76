"""An LALR(1) table as plain data, and how one token moves it: a stack and a token in, the next stack out.

The table is walked here and not by Lark's own parser because recovery has to go back and try another token: stacks are
linked cells that are never changed, so an old one is as good as new. `table` knows where the table comes from.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from .source import Span
from .tokens import Token
from .values import new

Build = Callable[[str, list[Any], Span], Any]
"""Makes the node for a rule or alias from its children and the span of its text."""


class Reduction(NamedTuple):
    """`size` symbols become `head`; of each, the last one first, `kept` says whether it is a child. `call` is the rule
    or alias to build; None: the children go to the rule above, one by one."""

    head: str
    size: int
    kept: tuple[bool, ...]
    call: str | None
    single: bool  # an only child stands for the whole


class Cell(NamedTuple):
    """The top of a stack: a state, the value of the symbol that led to it, where that begins and ends in the text (-1:
    nowhere), its deepest expression."""

    state: int
    value: Any
    start: int
    end: int
    depth: int
    below: Cell | None

    def become(self, state: int) -> Cell:
        """The same in another state."""
        return new(Cell, (state, *self[1:]))


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

    def begin(self, rule: str) -> Cell:
        """The stack before the first token of a text that is to be read as `rule`."""
        return Cell(self.starts[rule], None, -1, -1, 0, None)

    def feed(self, stack: Cell, terminal: str, token: Token | None, build: Build) -> Cell | None:
        """The stack after one more terminal, which a token stands for, or nothing in the text; None when it cannot
        stand here."""
        shifts, reductions, gotos = self.shifts, self.reductions, self.gotos
        top = stack.state
        while (state := shifts[top].get(terminal)) is None:
            reduction = reductions[top].get(terminal)
            if reduction is None:
                return None
            if reduction.single and reduction.size == 1 and stack.below is not None:
                top = gotos[stack.below.state][reduction.head]  # the same value as something else
            else:
                stack = self._reduce(stack if top == stack.state else stack.become(top), reduction, build)
                top = stack.state
        below = stack if top == stack.state else stack.become(top)
        start, end = (-1, -1) if token is None else (token.start, token.end)
        return new(Cell, (state, token, start, end, 0, below))

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
        return self.feed(stack, terminal, None, build_nothing) is not None

    def allowed(self, stack: Cell) -> list[str]:
        """Every terminal that can come next, in the order of the grammar."""
        near = {*self.shifts[stack.state], *self.reductions[stack.state]}
        return [terminal for terminal in self.terminals if terminal in near and self.allows(stack, terminal)]

    def _reduce(self, stack: Cell, reduction: Reduction, build: Build) -> Cell:
        if reduction.single and reduction.size == 1 and stack.below is not None:
            return stack.become(self.gotos[stack.below.state][reduction.head])
        if build is build_nothing:
            for _ in range(reduction.size):
                assert stack.below is not None
                stack = stack.below
            return Cell(self.gotos[stack.state][reduction.head], None, -1, -1, 0, stack)
        start = end = -1
        depth = 0
        chained = False
        children: list[Any] = []
        for kept in reduction.kept:
            _, each, begins, ends, deep, below = stack
            if kept:
                children.append(each)
                chained = chained or each.__class__ is Chain
            if begins >= 0:
                start = begins
                end = ends if end < 0 else end
            if deep > depth:
                depth = deep
            assert below is not None
            stack = below
        children.reverse()
        value: Any
        if reduction.single and len(children) == 1:
            value = children[0]
        elif reduction.call is None:
            value = _chained(children)
        else:
            depth += reduction.call in _NESTING
            span = Span(0, 0) if start < 0 else Span(start, end)
            value = build(reduction.call, _unchained(children) if chained else children, span)
        return new(Cell, (self.gotos[stack.state][reduction.head], value, start, end, depth, stack))


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
