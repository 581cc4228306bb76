"""What a node can do about a move in; whether the step is **straight** out: it changes no data, and which way it goes
depends on none.

An answer, an event or a timer goes one way, whatever the payload. A task may go several, if what is filled in alone
decides which: its booleans, numbers, enumerations. Then the step is the same one wherever the commands that answer it
are, and what its leaf runs.
"""

from __future__ import annotations

from ...dsl.model import InState
from ...dsl.walk import nodes
from .clock import Clock
from .graph import Reaction
from .moves import Move, MoveKind
from .passages import Fan
from .states import States


class Straight:
    """Of one search."""

    def __init__(self, states: States, clock: Clock) -> None:
        self.kernel = states.kernel
        self.states = states
        self.clock = clock
        commands = self.kernel.commands
        self._placed = frozenset(c.id for c in commands if any(isinstance(n, InState) for n in nodes(c)))

    def __call__(self, reaction: Reaction) -> bool:
        """Whether the step is straight, with all that follows in it."""
        if not self._alike(reaction.move):
            return False
        fan, encoder = reaction.fan, self.states.encoder
        payload = zip(fan.payload, (param.type for param in fan.params), strict=True)
        any_payload = encoder.all(*(encoder.domain(each, type) for each, type in payload))
        chosen = reaction.move.kind is MoveKind.TASK and self._chosen(reaction)
        return all(
            part.complete
            and not (part.given or part.duties or part.again)
            and (len(part.passages) == 1 or (chosen and part is fan))
            and not (self.states.passages.placed and self._asks_where(part))
            and all(
                (chosen or passage.condition is any_payload)
                and passage.after.variables is self.states.passages.variables
                and not (passage.sizes or passage.vacant)
                for passage in part.passages
            )
            for part in reaction.parts
        )

    def _alike(self, move: Move) -> bool:
        """Whether it is a move whose steps may be alike in many nodes."""
        match move.kind:
            case MoveKind.ANSWER:
                call = self.kernel.leaf[move.leaf].call
                return call is None or call.each is None
            case MoveKind.EVENT:
                return True
            case MoveKind.TASK:  # whoever has the role may do it
                task = self.kernel.task[move.name]
                return bool(task.roles) and task.person is None and task.doer is None
            case MoveKind.TIMER:  # else whether it is timely is asked of the run
                return self.clock.exact
            case _:
                return False

    def _chosen(self, reaction: Reaction) -> bool:
        """Whether the payload alone decides which way is gone."""
        if any(symbol.items is not None or symbol.fields for symbol in reaction.fan.payload):
            return False
        unknowns = self.states.encoder.z3.unknowns
        payload = [unknowns(term) for symbol in reaction.fan.payload for term in (symbol.term, symbol.some)]
        own = frozenset[str]().union(*payload)
        conditions = (passage.condition for part in reaction.parts for passage in part.passages)
        guards = (term for part in reaction.parts for fork in part.forks for _, term in fork.guards)
        return all(unknowns(term) <= own for term in (*conditions, *guards))

    def _asks_where(self, fan: Fan) -> bool:
        """Whether guards may ask where other regions are: of commands, or of a choice that was passed."""
        spans = {span for fork in fan.forks for span, _ in fork.guards}
        asking = any(self.kernel.commands[id].span in spans for id in self._placed)
        return asking or any(taken.branches for passage in fan.passages for taken in passage.trail)
