"""Nodes, rows and transitions in, how a certificate calls them in symbols and in words, out."""

from __future__ import annotations

from collections import Counter

from ..checks.atoms import Place
from ..checks.control import Control
from ..checks.moves import Move, MoveKind
from ..instance import Taken
from ..kernel import Kernel
from .rows import Row

_SAID = {"maybe": "perhaps done", "done": "done"}
_RUNS = {"running": ", its call runs", "flying": ", interrupted and not settled", "settled": ""}


def place(control: Control) -> str:
    return named(control.place)


def named(place: Place) -> str:
    """A place as part of a symbol: `Charging`, `Legal.Waiting+Finance.Paid`, `undo.Cancelled`."""
    kind, names = place
    return "+".join(names) if kind == "at" else f"undo.{names[0]}"


def resting(control: Control) -> str:
    """Where a node is, in words."""
    kind, names = control.place
    return f"rests in {', '.join(names)}" if kind == "at" else f"compensates on the way to {names[0]}"


def log(control: Control, most: int | None = None) -> str:
    """What stands on the compensation log, oldest first; most: of these only the newest."""
    said: list[str] = []
    for segment in control.log:
        numbers = segment.numbers or tuple(Counter(segment.kinds).values())
        for (activity, status, state), number in zip(segment.kinds, numbers, strict=False):
            times = f" {number} times{' or more' if segment.loose else ''}" if number > 1 else ""
            said.append(f"{activity}{times} ({_SAID[status]}{_RUNS[state]})")
    if most is not None and len(said) > most:
        said = [f"{len(said) - most} others", *said[-most:]]
    return "; ".join(said) or "nothing"


def move(kernel: Kernel, move: Move) -> str:
    """`charge_card declined`, `event cancel`, `the timer Approval.after1`."""
    name = move.name.partition("#")[0]
    match move.kind:
        case MoveKind.START:
            return "the start"
        case MoveKind.ANSWER:
            return f"{name} answers {move.answer}"
        case MoveKind.SETTLE:
            return f"the interrupted {name} is settled: {move.answer}"
        case MoveKind.UNDONE:
            return f"the compensation of {name} has succeeded"
        case MoveKind.EVENT | MoveKind.TASK:
            return f"{move.kind} {name}"
        case MoveKind.TIMER:
            line = kernel.source.line(kernel.timer[move.name].span)
            return f"the timer {move.name} of line {line}"


def way(kernel: Kernel, taken: tuple[Taken, ...]) -> str:
    """The lines a step takes: `line 12, then the choice Size to line 20`."""
    said: list[str] = []
    for each in taken:
        said.append("on from the compensation" if each.command is None else _line(kernel, each.command))
        said += [
            f"the choice {name} by line {kernel.source.line(kernel.choice[name].branches[index].span)}"
            for name, index in each.branches
        ]
    return ", then ".join(said) or "no transition"


def _line(kernel: Kernel, command: int) -> str:
    return f"line {kernel.source.line(kernel.commands[command].span)}"


def row(kernel: Kernel, each: Row) -> str:
    """A row in words, without its ends."""
    said = move(kernel, each.move)
    return f"{said}, {way(kernel, each.taken)}" if each.taken else said
