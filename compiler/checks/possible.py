"""What can be and what must be, for all data of a node: a node, a step and terms in, Z3's word on them out.

*Possible* is whatever Z3 does not rule out; what a proof rests on is the *no*, which the ledger is told of.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import chain

from ...dsl.values import replace
from ..kernel import Undo
from .explore import Explorer
from .graph import Arrival, Edge, Node, Reaction
from .ledger import Ledger
from .passages import Fan, Passage
from .solver import Term


class Possibilities:
    """Those of one kernel, explored."""

    def __init__(self, explorer: Explorer, ledger: Ledger | None) -> None:
        self.explorer = explorer
        self.ledger = ledger
        self.graph = explorer.run()
        self.states = explorer.states
        self.encoder = explorer.encoder
        self.nothing = Fan(0, (), (), self.states.passages.now, (), (), (), True)
        self._possible: dict[tuple[int, int], bool] = {}
        self._kept: list[Term] = []
        self._misses: dict[int, Term] = {}
        self._refused: dict[Reaction, Term] = {}
        self._succeeds: dict[Reaction, Term] = {}

    def state(self, node: Node | None) -> Term:
        return True if node is None else self.states.before(node.control.place, node.data)

    def possible(self, node: Node | None, bad: Term) -> bool:
        """Whether Z3 cannot rule it out for the data of a node (and any payload). Not knowing counts as possible."""
        state = self.state(node)
        key = id(state), id(bad)
        if bad is False:
            return False
        if key not in self._possible:
            near = None if node is None else self._near(node, bad)
            self._possible[key] = not self.states.ask(state, bad, shown=False).impossible if near is None else near
            self._kept.append(bad)  # so that its id stays its own
        if self.ledger is not None and not self._possible[key]:
            self.ledger.ruled_out(node, bad)
        return self._possible[key]

    def _near(self, node: Node, bad: Term) -> bool | None:
        """Whether it is possible for the data that bear on it: one question for all nodes that differ in the rest only.
        None: all do, or that does not say it, since nobody knows whether there are data like the rest."""
        near = self.states.near(node.control.place, node.data, (bad,))
        if near is self.state(node):
            return None
        reply = self.states.ask(near, bad, shown=False)
        return False if reply.impossible else True if reply.model is not None and node.real else None

    def enabled(self, node: Node, keep: Callable[[Edge], bool]) -> Term:
        """That one of the edges can be taken, each with the payload it was found with, in the data before it."""
        return self.encoder.any(
            *(
                self.condition(edge)
                for edge in self.graph.out[node.id]
                if keep(edge) and (not edge.ran or edge.arrival.fan is not None)
            )
        )

    def condition(self, edge: Edge) -> Term:
        """That an edge can be taken with the payload it was found with. A step that was spared can, with any."""
        if not edge.ran:
            return True
        arrival = edge.arrival
        if arrival.passage is None or arrival.fan is None:
            return True
        return self.explorer.closing.realise.given(arrival.passage.condition, arrival.fan, arrival.payload)

    def misses(self, edge: Edge) -> Term:
        """That an edge, with the payload it was found with, is not taken, or leads to data of another node. A step
        that was spared is always taken, and changes no data."""
        if not edge.ran:
            return False
        arrival, target = edge.arrival, self.graph.nodes[edge.target]
        if arrival.passage is None or arrival.fan is None:
            return False
        if id(edge) not in self._misses:
            after = self.states.after(arrival.passage, target.control.place, target.data)
            both = self.encoder.all(arrival.passage.condition, after)
            given = self.explorer.closing.realise.given(both, arrival.fan, arrival.payload)
            self._misses[id(edge)] = self.encoder.no(given)
        return self._misses[id(edge)]

    def must(self, edge: Edge) -> bool:
        """Whether all data of its source take the edge, given its payload, to data of its target."""
        source, missed = self.graph.nodes[edge.source], self.misses(edge)
        if self.ledger is None and missed is not False:  # a certificate says all of it
            missed = self._missing_change(edge, source)
        return not self.possible(source, missed)

    def _missing_change(self, edge: Edge, source: Node) -> Term:
        """As `misses`, of what the edge may change: what the source answers, it need not be asked again."""
        arrival, target = edge.arrival, self.graph.nodes[edge.target]
        assert arrival.passage is not None and arrival.fan is not None, "else it misses nothing"
        told = zip(self.states.now(source.control.place), source.data, strict=True)
        known = {term.ast: answer for term, answer in told if not isinstance(term, bool)}
        after = self.states.then(arrival.passage, target.control.place)
        changed = tuple(
            None if not isinstance(term, bool) and known.get(term.ast) is answer else answer
            for term, answer in zip(after, target.data, strict=True)
        )
        both = self.encoder.all(
            arrival.passage.condition, self.states.after(arrival.passage, target.control.place, changed)
        )
        return self.encoder.no(self.explorer.closing.realise.given(both, arrival.fan, arrival.payload))

    def lacking(self, node: Node, surely: Term, ever: Term) -> list[Arrival]:
        """Evidence that in a node something cannot happen: `ever` says that it can with some payload, `surely` with
        payloads that are known. None: it can, for all data. A made-up arrival: it is not known."""
        if not self.possible(node, self.encoder.no(surely)):
            return []
        real = [arrival for arrival in node.arrivals if arrival.real]
        wanted = self.encoder.all(self.state(node), self.encoder.no(surely))
        others = (self.explorer.closing.realise(arrival, wanted, self.nothing) for arrival in real)
        for arrival in chain(real, (other[0] for other in others if other is not None)):
            if self.states.ask(self.states.exactly(arrival.instance), ever, shown=False).impossible:
                return [arrival]
        return [replace(node.arrivals[0], real=False)]

    def succeeds(self, reaction: Reaction) -> Term:
        """That a move is answered to its end, over its payload: a command takes it, nothing faults, no case is open."""
        if reaction not in self._succeeds:
            self._succeeds[reaction] = self.encoder.any(*(end.condition for end in self.ends(reaction.parts)))
        return self._succeeds[reaction]

    def ends(self, parts: Sequence[Fan]) -> Iterator[Passage]:
        """The passages that a step ends with: a join, or a compensation of nothing, goes on in another part."""
        passages = self.states.passages
        for passage in (passage for part in parts for passage in part.passages):
            if passages.goes_on(passage):
                onward = passages.after(passage)
                yield from () if onward in parts else self.ends((onward,))
            elif not (isinstance(passage.target, Undo) and passages.after(passage) in parts):
                yield passage

    def refused(self, reaction: Reaction) -> Term:
        """That nothing can be done about a move that brings no payload: no command takes it to its end."""
        if reaction not in self._refused:
            self._refused[reaction] = self.encoder.no(self.succeeds(reaction))
        return self._refused[reaction]
