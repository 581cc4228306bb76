"""F004: can a run get to where no final can be reached any more?

Refuted by a run to a node from which, in the closed graph, no final can be reached. Proved by a rank: every node has a
move that, for all its data, leads to a node of lower rank. Moves are whatever the world may do; a compensation comes to
its end whatever it answers; where only time is left, every timer that may come first has to lead lower.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator
from functools import partial

from ...dsl.diagnostics import Fix, Label, Rule
from ...dsl.values import dataclass
from ..kernel import Configuration
from .components import strongly
from .graph import Doing, Edge, Known, Node
from .holdups import holdups, mend
from .inquiry import Finding, Inquiry, always
from .moves import MoveKind
from .queues import by_event
from .solver import Term
from .undoing import BALKS, MENDED, doubtful
from .verdict import HELD_UP, Answer, Witness

RULE = Rule(
    "F004",
    "no-way-to-finish",
    "A run can get to where no final state can be reached any more.",
    """\
From every configuration a run can get to, there must be a way to a final. A flow that can lose it keeps instances
alive for ever.

```flow
flow Loan version 1 {
  event repaid
  event defaulted
  event reminded
  start -> Running
  state Running {
    on repaid    -> Closed
    on defaulted -> Chasing
    wait forever "loans run for years"
  }
  state Chasing {
    on reminded -> Chasing
    wait forever "until it is paid"
  }
  final Closed
}
```

`Chasing` is only ever left for `Chasing`. Mended:

```flow
flow Loan version 1 {
  event repaid
  event defaulted
  event reminded
  start -> Running
  state Running {
    on repaid    -> Closed
    on defaulted -> Chasing
    wait forever "loans run for years"
  }
  state Chasing {
    on reminded -> Chasing
    on repaid   -> Closed
    wait forever "until it is paid"
  }
  final Closed
}
```
""",
)

Ways = tuple[Edge, ...]


def check(inquiry: Inquiry) -> Iterator[Answer]:
    graph, kernel = inquiry.graph, inquiry.kernel
    subject = f"the flow `{kernel.name}`"
    finals = {node.id for node in graph.nodes if node.control.finished}
    alive = graph.reaching(finals)
    lost = [node for node in inquiry.nodes() if node.id not in alive]
    if lost and graph.complete:
        names = dict.fromkeys(leaf for node in lost for leaf in node.control.configuration[:1])
        leaf = next((kernel.leaf[name] for name in names), None)
        others = tuple(Label(kernel.leaf[name].span, "no way out from here either") for name in list(names)[1:4])
        where = "while it compensates" if leaf is None else f"in `{leaf.name}`"
        finding = Finding(
            f"a run can get to where it can never finish, {where}",
            kernel.span if leaf is None else leaf.span,
            "no final can be reached from here",
            others=others,
            why=("whatever happens from there on, no final state is ever entered.",),
            fixes=(Fix("lead a transition from there to a final"),),
        )
        named = [node for node in lost if leaf is None or leaf.name in node.control.configuration]
        arrivals = [node.arrivals[0] for node in named]
        shows, seen = inquiry.among(named), partial(_ends, inquiry)
        soonest = partial(lost_first, inquiry, finals, graph.nodes)
        yield inquiry.by_run(RULE, subject, kernel.span, arrivals, shows, always(finding), seen, soonest)
        return
    blocked = holdups(inquiry) if graph.complete else set[tuple[Configuration, str]]()
    if blocked:
        yield inquiry.unknown(RULE, subject, kernel.span, HELD_UP, mend(blocked))
        return
    if doubtful(inquiry):
        yield inquiry.unknown(RULE, subject, kernel.span, BALKS, MENDED)
        return
    sure = ranked(inquiry, finals)
    open_nodes = [node for node in graph.nodes if node.id not in sure]
    if graph.complete and open_nodes:
        where = ", ".join(dict.fromkeys(f"`{node.name or 'compensating'}`" for node in open_nodes[:4]))
        reason = f"no move was found that leads on from {where} for all data"
        yield inquiry.unknown(RULE, subject, kernel.span, reason)
        return
    yield inquiry.proved(RULE, subject, kernel.span, partial(_ends, inquiry))


def _ends(inquiry: Inquiry) -> Witness:
    runs = sorted((node for node in inquiry.graph.nodes if node.control.finished), key=lambda node: node.length)
    names = [run.control.configuration[0] for run in runs if run.real and run.control.configuration]
    does = f"ends in `{names[0]}`, and every other can still" if names else "ends"
    return inquiry.seen(runs, does, "no run that ends was found")


def lost_first(inquiry: Inquiry, goals: set[int], nodes: Iterable[Node], length: int) -> bool:
    """Whether none of some nodes that a shorter run comes to holds instances, or moments, for which all goals are lost
    although they are not for others: then the first such node from which no goal can be reached is where they are."""
    graph = inquiry.graph
    alive = graph.reaching(goals)
    open_nodes = {node.id for node in nodes if node.id in alive and node.length < length}
    pairs = (
        (edge, waiting) for number, waiting in inquiry.queues.waited if number in alive for edge in graph.out[number]
    )
    at_once = {edge.target for edge, waiting in pairs if by_event(edge) and edge.move.name in waiting}
    if not at_once <= alive:
        return False  # all is lost already where an event waits that leads there
    open_nodes |= at_once
    try:
        sure = open_nodes <= goals or open_nodes <= ranked(inquiry, goals).keys()
        return sure and not holdups(inquiry) and not doubtful(inquiry)
    except Exception as error:
        if not inquiry.explorer.budget.ran_out(error):
            raise
        return False  # what was found still stands


def ranked(inquiry: Inquiry, finals: set[int]) -> dict[int, Ways]:
    """The nodes from which, for all their data, finals can be reached: lower ranks first, each with the edges that lead
    lower (none, where a step that was spared does). Moves that data choose among come last."""
    graph = inquiry.graph
    undoings = _undoings(inquiry)
    found: dict[int, Ways] = dict.fromkeys(sorted(finals), ())
    todo = sorted(finals)
    while todo:
        while todo:
            for source in [each for each in graph.sources[todo.pop()] if each not in found]:
                node, undoing = graph.nodes[source], undoings.get(source)
                leads = _leads_lower if undoing is None else undoing.leads_lower
                ways = leads(inquiry, node, found)
                if ways is not None:
                    found[source] = ways
                    todo.append(source)
        for node in graph.nodes:
            ways = None if node.id in found else _some_leads_lower(inquiry, node, found)
            if ways is not None:
                found[node.id] = ways
                todo.append(node.id)
    return found


def _leads_lower(inquiry: Inquiry, node: Node, lower: Container[int]) -> Ways | None:
    low = (way for target, way in zip(node.targets, node.ways, strict=True) if target in lower)
    if any(isinstance(way, Known) and way.move.kind in FREE and _certain(node, way, lower) for way in low):
        return ()  # all data take a step that was spared, and it changes none
    sure = next((edge for edge in _good(inquiry, node, lower) if inquiry.must(edge)), None)
    return _time_leads(inquiry, node, lower) if sure is None else (sure,)


def _some_leads_lower(inquiry: Inquiry, node: Node, lower: Container[int]) -> Ways | None:
    """The edges of which, for all data, some leads lower, not the same one for all."""
    good = _good(inquiry, node, lower)
    if not node.control.resting or len(good) < 2:
        return None
    missed = inquiry.encoder.all(*(inquiry.misses(edge) for edge in good))
    return None if inquiry.possible(node, missed) else tuple(good)


def _good(inquiry: Inquiry, node: Node, lower: Container[int]) -> list[Edge]:
    edges = inquiry.graph.out[node.id]
    return [e for e in edges if e.target in lower and e.move.kind in FREE and _certain(node, e, lower)]


FREE = {MoveKind.ANSWER, MoveKind.EVENT, MoveKind.TASK}


def _certain(node: Node, way: Doing, lower: Container[int]) -> bool:
    """Where the log is kept loosely, a move may have other successors for other logs: all have to be lower."""
    if not node.control.loose:
        return True
    like = way.move.kind, way.move.answer, way.taken
    higher = (other for target, other in zip(node.targets, node.ways, strict=True) if target not in lower)
    return all((other.move.kind, other.move.answer, other.taken) != like for other in higher)


def _time_leads(inquiry: Inquiry, node: Node, lower: Container[int]) -> Ways | None:
    """Whether time leads lower: by every timer that may come first, or by one of those that all fall due together."""
    good: list[Ways] = []
    bad = False
    for reaction in node.reactions:
        if reaction.move.kind is MoveKind.TIMER:
            edges = [edge for edge in inquiry.graph.out[node.id] if edge.move == reaction.move]
            low = bool(edges) and all(edge.target in lower for edge in edges)
            if low and not inquiry.possible(node, inquiry.refused(reaction)):
                good.append(tuple(edges))
            else:
                bad = True
    clock = inquiry.explorer.clock
    first = frozenset(reaction.move.name for reaction in node.reactions if reaction.move.kind is MoveKind.TIMER)
    if clock.together(node.zone, first):
        return good[0] if good else None
    return None if bad or not good else tuple(edge for edges in good for edge in edges)


@dataclass(frozen=True, slots=True)
class _Undoing:
    """A compensation under way: its ends, and that a move until then is refused."""

    ends: Ways
    refused: tuple[Term, ...]

    def leads_lower(self, inquiry: Inquiry, node: Node, lower: Container[int]) -> Ways | None:
        """It ends, whatever happens: all its ends have to be lower, and be possible."""
        low = all(edge.target in lower for edge in self.ends)
        return self.ends if low and not any(inquiry.possible(node, refused) for refused in self.refused) else None


def _undoings(inquiry: Inquiry) -> dict[int, _Undoing]:
    """Of every node that compensates: what its moves end with, and what was found of the nodes they lead to before."""
    graph = inquiry.graph
    found: dict[int, _Undoing] = {}
    undoing = [node for node in graph.nodes if not node.control.resting]
    for ids in strongly({node.id: [e.target for e in graph.out[node.id] if not e.taken] for node in undoing}):
        edges = [edge for each in ids for edge in graph.out[each]]
        terms = [inquiry.refused(reaction) for each in ids for reaction in graph.nodes[each].reactions]
        onward = {id(each): each for edge in edges if not edge.taken and (each := found.get(edge.target)) is not None}
        ends = {id(edge): edge for edge in edges if edge.taken}
        refused = {id(term): term for term in terms if term is not False}
        for each in onward.values():
            ends |= {id(edge): edge for edge in each.ends}
            refused |= {id(term): term for term in each.refused}
        found.update(dict.fromkeys(ids, _Undoing((*ends.values(),), (*refused.values(),))))
    return found
