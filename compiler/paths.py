"""Paths: a command or a node in, every straight way through the choices behind it out; and the cycles of choices.

Whoever follows paths needs no choices: each is one row of guards to assume and updates to make.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from ..dsl.model import (
    Assign,
    Binary,
    BoolType,
    Builtin,
    Conditional,
    Convert,
    Expr,
    IsNone,
    OneOf,
    Parameter,
    Ref,
    RefKind,
    Unary,
    Unwrap,
)
from .kernel import Branch, Choice, Command, Goto, Kernel, Path, Target

MOST = 4096
"""Of more paths than this, only so many are listed; what relies on all of them must then answer unknown."""


@dataclass(frozen=True, slots=True)
class Expansion:
    """The paths of one command, or from one node, in the order of the text.

    params: the payload under the names that the paths' guards use: as the command binds it, but `_` gets a name, since
    a sibling's guard may ask for that field. complete: whether `paths` are all; not so beyond MOST, or where choices
    form a cycle (F005; such a way is left out)."""

    params: tuple[Parameter, ...]
    paths: tuple[Path, ...]
    complete: bool = True


def of_command(kernel: Kernel, command: Command) -> Expansion:
    """Every way through a command: its guard (of an `else`: its siblings' guards negated), its updates, the choices.

    Where a compensation begins the path ends; what follows is `of_node` of its target."""
    params = tuple(replace(p, name=f"_#{i}") if p.name == "_" else p for i, p in enumerate(command.params))
    guards = [command.guard] if command.guard is not None else []
    if command.otherwise and command.on is not None:
        for sibling in kernel.answering[command.leaf, command.on]:
            if not sibling.otherwise and sibling.guard is not None:
                new = {theirs.name: ours.name for theirs, ours in zip(sibling.params, params, strict=True)}
                guards.append(_not(_renamed(sibling.guard, new)))
    paths, complete = _follow(kernel, (*guards, *command.updates), command.target)
    return Expansion(params, paths, complete)


def of_node(kernel: Kernel, node: str) -> Expansion:
    """Every way from a node that is entered: on through it, where it is a choice."""
    paths, complete = _follow(kernel, (), Goto(node))
    return Expansion((), paths, complete)


def _follow(kernel: Kernel, steps: tuple[Expr | Assign, ...], target: Target) -> tuple[tuple[Path, ...], bool]:
    paths: list[Path] = []
    complete = True
    open = [Path(steps, (), target)]
    while open:
        path = open.pop()
        if not isinstance(path.target, Goto) or path.target.node not in kernel.choice:
            paths.append(path)
        elif len(paths) + len(open) >= MOST or any(name == path.target.node for name, _ in path.branches):
            complete = False
        else:
            open += reversed(_through(path, kernel.choice[path.target.node]))
    return tuple(paths), complete


def _through(path: Path, choice: Choice) -> list[Path]:
    return [
        Path(
            (*path.steps, *_assumed(choice, branch), *branch.updates),
            (*path.branches, (choice.name, index)),
            branch.target,
        )
        for index, branch in enumerate(choice.branches)
    ]


def _assumed(choice: Choice, branch: Branch) -> list[Expr]:
    """What holds where a branch is taken."""
    if branch.guard is not None:
        return [branch.guard]
    return [_not(other.guard) for other in choice.branches if other.guard is not None]


def _not(guard: Expr) -> Expr:
    return Unary("not", guard, BoolType(), guard.span)


def _renamed(expr: Expr, new: Mapping[str, str]) -> Expr:
    """The expression with parameters called by other names."""

    def inside(part: Expr) -> Expr:
        return _renamed(part, new)

    match expr:
        case Ref(kind=RefKind.PARAM):
            return replace(expr, name=new[expr.name])
        case Unary() | Convert() | Unwrap() | IsNone():
            return replace(expr, operand=inside(expr.operand))
        case Binary():
            return replace(expr, left=inside(expr.left), right=inside(expr.right))
        case Conditional():
            then, otherwise = inside(expr.then), inside(expr.otherwise)
            return replace(expr, condition=inside(expr.condition), then=then, otherwise=otherwise)
        case OneOf():
            return replace(expr, operand=inside(expr.operand), members=tuple(map(inside, expr.members)))
        case Builtin():
            return replace(expr, args=tuple(map(inside, expr.args)))
        case _:
            return expr


# ---------------------------------------------------------------- cycles


def cycles(kernel: Kernel) -> tuple[tuple[str, ...], ...]:
    """The shortest way from each choice back to itself through choices alone, each cycle once, first written first.

    A compensation on the way counts as none: it takes no time when there is nothing to undo."""
    order = {choice.name: index for index, choice in enumerate(kernel.choices)}
    found: dict[tuple[str, ...], None] = {}
    for choice in kernel.choices:
        way = _back(kernel, choice.name)
        if way:
            first = min(range(len(way)), key=lambda index: order[way[index]])
            found[way[first:] + way[:first]] = None
    return tuple(found)


def _back(kernel: Kernel, start: str) -> tuple[str, ...]:
    """The shortest cycle through a choice, breadth first; empty: none."""
    level: list[tuple[str, ...]] = [(start,)]
    seen: set[str] = set()
    while level:
        ways, level = level, []
        for way in ways:
            for branch in kernel.choice[way[-1]].branches:
                node = branch.target.node
                if node == start:
                    return way
                if node in kernel.choice and node not in seen:
                    seen.add(node)
                    level.append((*way, node))
    return ()
