"""The nodes of a flow by their whole names: its tree in; its states, choices and finals, and what a name means where it
is written, out.

A node is named by its path, `Outer.Inner`, and found from inside out: first in the block a name is written in, then in
the one around it. A name that only asks about a place (`in S`) may also be the end of the path of just one.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import takewhile
from typing import TypeVar

from . import rules_of_meaning as rules
from . import syntax
from .diagnostics import Fix
from .findings import listed
from .model import StateKind
from .resolve import Kind, Names
from .values import dataclass

PLACES = (Kind.STATE, Kind.REGION, Kind.FINAL)
"""What an instance can rest in, or in a state of."""
GOALS = (Kind.STATE, Kind.CHOICE, Kind.FINAL)
"""What a way can lead to."""

Inner = syntax.Choice | syntax.Final
_HELD = (syntax.Start, syntax.State, syntax.Choice, syntax.Final)  # only by a state that has states in it
Wanted = TypeVar("Wanted", bound=Inner)


@dataclass(frozen=True, slots=True)
class Block:
    """A state, a parallel state or a region, and the block it is in."""

    path: str
    tree: syntax.State
    around: Block | None
    outer: bool  # whether it has states in it, or is meant to

    @property
    def kind(self) -> StateKind:
        return self.tree.kind

    @property
    def regions(self) -> int:
        return sum(isinstance(each, syntax.State) and each.kind is StateKind.REGION for each in self.tree.members)

    def within(self, other: Block) -> bool:
        """Whether it is the other block or lies in it."""
        return inside(self.path, other.path)

    def outwards(self) -> Iterator[Block]:
        """Itself and the blocks around it, the innermost first."""
        block: Block | None = self
        while block is not None:
            yield block
            block = block.around


class Nodes:
    """The nodes of one flow, outer ones before inner ones, in the order of the text."""

    def __init__(self, tree: syntax.Flow) -> None:
        self.blocks = tuple(_blocks(tree.members, None))
        self.block = {each.path: each for each in reversed(self.blocks)}
        self._first = {each.path: place for place, each in reversed(list(enumerate(self.blocks)))}
        self.choices = tuple(_inner(tree, self.blocks, syntax.Choice))
        self.finals = tuple(_inner(tree, self.blocks, syntax.Final))

    @property
    def calls(self) -> Iterator[syntax.Do]:
        """What its states do."""
        return (each for block in self.blocks for each in block.tree.members if isinstance(each, syntax.Do))

    def declare(self, names: Names) -> None:
        """Declares them, and the tasks of the states."""
        named: list[tuple[Kind, syntax.Name, str]] = []
        for block in self.blocks:
            kind = Kind.REGION if block.kind is StateKind.REGION else Kind.STATE
            named.append((kind, block.tree.name, block.path))
            named += [(Kind.TASK, each.name, "") for each in block.tree.members if isinstance(each, syntax.Task)]
        for kind, nodes in ((Kind.CHOICE, self.choices), (Kind.FINAL, self.finals)):
            named += [(kind, each.name, path_of(around, each.name.text)) for around, each in nodes]
        for kind, name, path in sorted(named, key=lambda each: each[1].span.start):
            names.declare(kind, name, path)

    def inside(self, block: Block) -> Iterator[Block]:
        """The block and all in it."""
        if not block.outer:
            return iter((block,))
        first = self._first[block.path]
        rest = (self.blocks[place] for place in range(first, len(self.blocks)))
        return takewhile(lambda each: each.within(block), rest)


def path_of(around: Block | None, name: str) -> str:
    return f"{around.path}.{name}" if around else name


def inside(path: str, other: str) -> bool:
    """Whether a node is the other one or lies in it; all lie in the flow, which is ""."""
    return not other or path == other or path.startswith(f"{other}.")


def _blocks(members: tuple[object, ...], around: Block | None) -> Iterator[Block]:
    for each in members:
        if isinstance(each, syntax.State):
            outer = each.kind is not StateKind.PLAIN or any(isinstance(inner, _HELD) for inner in each.members)
            block = Block(path_of(around, each.name.text), each, around, outer)
            yield block
            yield from _blocks(each.members, block)


def _inner(tree: syntax.Flow, blocks: tuple[Block, ...], kind: type[Wanted]) -> Iterator[tuple[Block | None, Wanted]]:
    for around, members in ((None, tree.members), *((each, each.tree.members) for each in blocks)):
        yield from ((around, each) for each in members if isinstance(each, kind))


# ---------------------------------------------------------------- what a name means


def goal(names: Names, name: syntax.Name, here: str) -> str | None:
    """The state, choice or final a way leads to that is written in `here`; None, reported, where there is none."""
    found = _found(names, name, here, GOALS)
    if found is None:
        _report(names, name, here, GOALS)
    return found


def place(names: Names, name: syntax.Name, here: str, *kinds: Kind) -> str | None:
    """The place that is asked about in `here`; the end of its path suffices where it is the only such place."""
    found = _found(names, name, here, kinds)
    ends = [] if found else names.ends(name.text, *kinds)
    if len(ends) == 1:
        return ends[0]
    if len(ends) > 1:
        message = f"`{name.text}` can mean {listed(ends, 'or')}."
        note = "Write so much of the path that only one of them is meant."
        names.findings.error(rules.AMBIGUOUS_NAME, name.span, message, "which of them?", note=note)
    elif found is None:
        _report(names, name, here, kinds)
    return found


def called(names: Names, text: str, here: str) -> str | None:
    """The place a name means that may be one; None where it is none, or several."""
    found = next((each for each in _outwards(text, here) if any(names.has(kind, each) for kind in PLACES)), None)
    ends = [] if found else names.ends(text, *PLACES)
    return found or (ends[0] if len(ends) == 1 else None)


def _found(names: Names, name: syntax.Name, here: str, kinds: tuple[Kind, ...]) -> str | None:
    """The nearest node of that name, if it is of one of the kinds."""
    for each in _outwards(name.text, here):
        found = next((kind for kind in (*PLACES, *GOALS) if names.has(kind, each)), None)
        if found is not None:
            return each if found in kinds else None
    return None


def _report(names: Names, name: syntax.Name, here: str, kinds: tuple[Kind, ...]) -> None:
    """Reports that there is no such node, or another one of that name."""
    for each in _outwards(name.text, here):
        if any(names.has(kind, each) for kind in (*PLACES, *GOALS)):
            names.find(syntax.Name(each, name.span), *kinds)
            return
    ends = names.ends(name.text, *kinds)
    if len(ends) == 1:
        written = _seen_from(here, ends[0])
        message = f"`{name.text}` lies in `{ends[0].removesuffix(f'.{name.text}')}`, so here it is `{written}`."
        fix = Fix(f"write `{written}`", ((name.span, written),))
        names.findings.error(rules.UNKNOWN_NAME, name.span, message, "not seen from here", fix=fix)
        return
    names.find(name, *kinds, known=[_seen_from(here, each) for each in names.all(*kinds)])


def _outwards(text: str, here: str) -> Iterator[str]:
    """What a name may stand for that is written in `here`, the innermost first."""
    scopes = here.split(".") if here else []
    for depth in range(len(scopes), -1, -1):
        yield ".".join((*scopes[:depth], text))


def _seen_from(here: str, path: str) -> str:
    """How a node is written in `here`: without what is around both."""
    scopes, parts = here.split("."), path.split(".")
    shared = 0
    while shared < min(len(scopes), len(parts) - 1) and scopes[shared] == parts[shared]:
        shared += 1
    return ".".join(parts[shared:])
