"""Joins, and groups without items, that come again in one step, since an event that has waited leads back to them.

The graph does not know what waits, so it has the event as a step of its own, and there the join comes but once. In a
run the event is delivered in the step that came by the join; that it comes a second time there is a fault (F005), and
holds up what leads there. What may wait is an upper bound (`queues`): what is found here is shown by a run, or unknown.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ...dsl.source import Span
from ...dsl.values import dataclass
from ..kernel import DONE, Kernel, On, TriggerKind
from .graph import Doing, Edge, Node
from .inquiry import Inquiry
from .queues import by_event
from .waiting import Leg, held_back


@dataclass(frozen=True, eq=False, slots=True)
class Again:
    """A step that comes to a node by what comes again by the last of some events. `span`: of what comes twice."""

    edge: Edge
    events: tuple[Edge, ...]
    node: Node
    span: Span

    def tried(self, inquiry: Inquiry) -> None:
        """Let the interpreter make the step where the events have waited, so that it notes that it faults."""
        legs = [Leg(self.edge, waited=False), *(Leg(event, waited=True) for event in self.events)]
        held_back(inquiry, inquiry.graph.nodes[self.edge.source].arrivals[0], legs)


def twice(inquiry: Inquiry) -> Iterator[Again]:
    """Every step, with the events that may have waited behind it, in which something comes again."""
    kernel, graph = inquiry.kernel, inquiry.graph
    onward: dict[int, list[Edge]] = {}  # by the id of a node: the events that may have waited and lead on from there
    for number, waits in inquiry.queues.waited:
        events = [edge for edge in graph.out[number] if by_event(edge) and edge.move.name in waits]
        onward.update({number: events} if events else {})
    if not onward or not any(_followed(kernel, way) for way in graph.ways):
        return
    sources = sorted({source for number in onward for source in graph.sources[number]})
    for edge in (step for source in sources for step in graph.out[source] if step.target in onward):
        seen = {(edge.target, frozenset(_followed(kernel, edge)))}
        todo: list[tuple[int, frozenset[tuple[str, On]], tuple[Edge, ...]]] = [(*each, ()) for each in seen]
        while todo:
            number, passed, behind = todo.pop()
            node = graph.nodes[number]
            for event in onward.get(number, ()):
                more = _followed(kernel, event)
                again = [span for key, span in more.items() if key in passed]
                yield from (Again(edge, (*behind, event), node, span) for span in again)
                new = event.target, passed.union(more)
                if not again and new not in seen:
                    seen.add(new)
                    todo.append((*new, (*behind, event)))


def _followed(kernel: Kernel, edge: Doing) -> Mapping[tuple[str, On], Span]:
    """The joins and empty groups that follow in a step, by what the interpreter knows them by."""
    found: dict[tuple[str, On], Span] = {}
    for taken in edge.taken[1:]:
        command = None if taken.command is None else kernel.commands[taken.command]
        if command is None or command.on is None:
            continue
        if command.on.kind is TriggerKind.JOIN:
            found[command.scope, command.on] = command.span
        elif command.on == On(TriggerKind.OUTCOME, DONE):
            call = kernel.leaf[command.scope].call
            assert call is not None, "it is done without a call"
            found[command.scope, command.on] = call.span
    return found
