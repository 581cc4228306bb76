"""Events that had to wait, and are refused when they are handled at last: where a step can be held up by one.

The search sends an event only where it is handled, since one that was deferred is like the same event sent later. With
one exception: a deferred event is handled in the step that comes to its state. If handling it faults, or finds no way
on, that whole step is refused, and so is every step that comes there, for ever. The flow is unsound then, and F005,
F007 or F401 to F403 say so; but that something goes on must not be called proved where such an event may hold it up.
"""

from __future__ import annotations

from collections.abc import Iterator

from ..kernel import Configuration
from .graph import Node, Reaction
from .inquiry import Inquiry, once
from .moves import OUTSIDE, MoveKind
from .solver import Term
from .twice import twice


def mend(blocked: set[tuple[Configuration, str]]) -> str:
    """What would help: the first of what may be refused."""
    configuration, event = min(blocked)
    return f"mend first how `{' + '.join(configuration)}` handles `{event}`, of which F005, F007 or F401 to F403 speak"


@once
def holdups(inquiry: Inquiry) -> set[tuple[Configuration, str]]:
    """The configurations, and the events, that may wait, whose handling there may fault or find no way on."""
    found = {(each.node.control.configuration, each.events[-1].move.name) for each in twice(inquiry)}
    for node, event, refused in refusals(inquiry):
        key = node.control.configuration, event
        if key not in found and inquiry.possible(node, refused):
            found.add(key)
    return found


def refusals(inquiry: Inquiry) -> Iterator[tuple[Node, str, Term]]:
    """Of every event that may wait, in a node that handles it: that this faults or finds no way on."""
    encoder, kernel = inquiry.encoder, inquiry.kernel
    compensates = any(not node.control.resting for node in inquiry.graph.nodes)
    waiting = frozenset(name for place in kernel.place.values() for name in place.defers)

    def may_fail(reaction: Reaction) -> bool:
        asked = reaction.move.kind is MoveKind.EVENT and (compensates or reaction.move.name in waiting)
        return asked and any(part.duties or any(f.choice is not None for f in part.forks) for part in reaction.parts)

    for node, reaction in inquiry.reactions(may_fail):
        if node is None:
            continue
        move = reaction.move
        for part in reaction.parts:
            faults = [encoder.all(duty.premise, encoder.no(duty.need)) for duty in part.duties]
            choices = (fork for fork in part.forks if fork.choice is not None and not fork.others)
            gaps = (encoder.all(f.premise, *(encoder.no(guard) for _, guard in f.guards)) for f in choices)
            yield node, move.name, encoder.any(*faults, *gaps)


def held_up(inquiry: Inquiry, leaf: str, blocked: set[tuple[Configuration, str]]) -> bool:
    """Whether a step out of a leaf, by a timer or somebody, may be held up by an event that waits (`blocked`)."""
    if not blocked:
        return False
    graph = inquiry.graph
    goals = {
        graph.nodes[edge.target].control.configuration
        for node in inquiry.nodes(leaf)
        for edge in graph.out[node.id]
        if edge.move.kind in {*OUTSIDE, MoveKind.TIMER}
    }
    ignored = inquiry.kernel.place[leaf].ignores
    return any(goal in goals and event not in ignored for goal, event in blocked)
