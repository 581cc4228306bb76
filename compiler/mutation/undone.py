"""A mutant that undoes less, or does not compensate: whether there is nothing that it leaves standing, ever.

-   `compensate since M` undoes all that `compensate` does where M was entered with nothing on the log, or never: so it
    is in every configuration of the mutant in which such a line is taken.
-   Without `compensate` a line does the same where there is nothing on the log in every configuration of the flow in
    which it is taken, and it leaves every state just so.

Both need the whole graph: a line that is taken where nobody looked might do anything.
"""

from __future__ import annotations

from dataclasses import replace

from ..checks.graph import Edge, Node
from ..checks.inquiry import Inquiry
from ..kernel import Command, Goto, Kernel, Target, TriggerKind, Undo
from .equivalence import differences


def since_the_bottom(shorter: Inquiry, whole: Kernel) -> bool:
    """Whether one is the other with `since` at compensations that go down to the bottom all the same."""
    pairs = zip(shorter.kernel.commands, whole.commands, strict=False)
    added = {one.id for one, other in pairs if _since(one.target) is not None and _since(other.target) is None}

    def full(command: Command) -> Command:
        target = command.target
        if isinstance(target, Undo) and command.id in added:
            return replace(command, target=Undo(None, target.node))
        return command

    found = differences(replace(shorter.kernel, commands=tuple(map(full, shorter.kernel.commands))), whole)
    if not added or not found.only or found.pairs or not shorter.graph.complete:
        return False
    return all(
        _at_bottom(shorter, edge, _since(shorter.kernel.commands[taken.command].target) or "")
        for edge in shorter.graph.edges()
        for taken in edge.taken
        if taken.command is not None and taken.command in added
    )


def of_nothing(kernel: Inquiry, mutant: Kernel) -> bool:
    """Whether the mutant is the kernel without `compensate` where there is nothing to undo."""
    pairs = zip(kernel.kernel.commands, mutant.commands, strict=False)
    dropped = {one.id for one, other in pairs if isinstance(one.target, Undo) and isinstance(other.target, Goto)}

    def plain(command: Command) -> Command:
        target = command.target
        if isinstance(target, Undo) and command.id in dropped:
            return replace(command, target=Goto(target.node))
        return command

    if not dropped or not all(_leaves_all(kernel.kernel, kernel.kernel.commands[id]) for id in dropped):
        return False
    made = replace(kernel.kernel, commands=tuple(map(plain, kernel.kernel.commands)))
    found = differences(made, mutant)
    if not found.only or found.pairs or not kernel.graph.complete:
        return False
    return all(
        edge.source >= 0
        and edge.taken[0].command in dropped
        and all(taken.command is None for taken in edge.taken[1:])
        and _nothing_logged(kernel.kernel, kernel.graph.nodes[edge.source], edge)
        for edge in kernel.graph.edges()
        if any(taken.command in dropped for taken in edge.taken)
    )


def _since(target: Target) -> str | None:
    return target.since if isinstance(target, Undo) else None


def _at_bottom(inquiry: Inquiry, edge: Edge, place: str) -> bool:
    if edge.source < 0 or place in edge.entered:
        return False
    return dict(inquiry.graph.nodes[edge.source].control.marks).get(place, 0) == 0


def _leaves_all(kernel: Kernel, command: Command) -> bool:
    """Whether going there plainly leaves every state, as a compensation does, and has no other effect (a compensation
    arms a deadline anew that fell due)."""
    target = command.target
    if not isinstance(target, Undo) or target.node not in kernel.leaf:  # a start, or a choice, runs at another time
        return False
    ends = kernel.leaf[target.node].final
    return (ends or kernel.deadline is None) and kernel.domain(command.scope, target.node) == ""


def _nothing_logged(kernel: Kernel, node: Node, edge: Edge) -> bool:
    """Whether the log is empty when the line is taken, or holds the one call that has just failed for certain."""
    kinds = [kind for segment in node.control.log for kind in segment.kinds]
    if not kinds:
        return True
    command = kernel.commands[edge.taken[0].command or 0]
    if command.on is None or command.on.kind is not TriggerKind.OUTCOME or len(kinds) > 1:
        return False
    (activity, _, state), called = kinds[0], kernel.leaf[command.scope].call
    alone = called is not None and called.each is None and called.activity == activity and state == "running"
    counts = [number for segment in node.control.log for number in segment.numbers]
    return alone and not counts and command.on.name in {failure.name for failure in kernel.activity[activity].fails}


def compensates_less(kernel: Kernel, mutant: Kernel) -> bool:
    """Whether some line of the kernel compensates otherwise, or not at all, in the mutant: worth a closer look."""
    pairs = zip(kernel.commands, mutant.commands, strict=False)
    return any(isinstance(one.target, Undo) and one.target != other.target for one, other in pairs)
