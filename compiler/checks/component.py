"""One flow of a system: its explored graph in, what its instances do by themselves and with messages out.

Instances are told apart as the search tells them apart (control and atoms of data), so the components of all members
together stand for every run of the system: each answer here errs on the side of too much. Deferred messages, which the
search leaves out, are kept by `joint`.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from functools import cached_property

from ...dsl.model import BoolType, EnumType, IntType, OptionalType, Type, Value
from ...dsl.values import dataclass
from ..effects import SendEvent
from ..instance import Event, Instance
from ..kernel import Kernel, On, TriggerKind, Undo
from .budget import Budget
from .control import Control
from .explore import Explorer, Limits
from .graph import Edge, Node
from .inquiry import Inquiry
from .moves import Move, MoveKind
from .states import Answers

Key = tuple[Control, Answers]
Letter = tuple[str, str]
"""(flow, event)."""


MOST_TRIED = 12
"""Payloads of one kind that are played."""


class Fall(StrEnum):
    """What becomes of a message that no command takes."""

    IGNORED = "ignored"
    DEFERRED = "deferred"
    REJECTED = "rejected"


class Alive(StrEnum):
    """Whether something can happen to an instance that no message brings."""

    SURELY = "surely"
    PERHAPS = "perhaps"
    NOT = "not"


@dataclass(frozen=True, slots=True)
class Ahead:
    """A step: the key after it, and what it sends, in order."""

    key: int
    sent: tuple[Letter, ...]


class Component:
    """`hears`: the events that come from members of the system, and from nobody else."""

    def __init__(self, kernel: Kernel, hears: frozenset[str], limits: Limits, budget: Budget) -> None:
        self.kernel = kernel
        self.hears = hears
        self.inquiry = Inquiry(Explorer(kernel, limits, budget))
        self._keys: dict[Key, int] = {}
        self._nodes: list[list[Node]] = []
        for node in self.inquiry.graph.nodes:
            key = node.control, node.data
            if key not in self._keys:
                self._keys[key] = len(self._nodes)
                self._nodes.append([])
            self._nodes[self._keys[key]].append(node)
        self._certain: dict[tuple[int, str], bool] = {}
        self._waited: dict[int, tuple[Ahead, ...]] = {}
        self._steps: list[dict[str, tuple[Ahead, ...]]] = [self._ahead(nodes) for nodes in self._nodes]

    @property
    def open(self) -> str:
        """Why runs may be missing; nothing where none are."""
        return next(iter(self.inquiry.graph.open), "")

    def key(self, at: Instance) -> int:
        """That of an instance; -1 for one the search does not know."""
        return next((self._keys[node.control, node.data] for node in self.inquiry.around(at)), -1)

    def control(self, key: int) -> Control:
        return self._nodes[key][0].control

    # ------------------------------------------------------------ steps

    @cached_property
    def starts(self) -> frozenset[Ahead]:
        return frozenset(self._target(edge) for edge in self.inquiry.graph.begin)

    def alone(self, key: int) -> tuple[Ahead, ...]:
        """The steps that no message makes."""
        return self._steps[key].get("", ())

    def hearing(self, key: int, event: str) -> tuple[Ahead, ...]:
        """The steps that a message may make."""
        return self._steps[key].get(event, ())

    def waited(self, key: int) -> tuple[Ahead, ...]:
        """The steps of what came from outside and may have waited here, perhaps for longer than a message has."""
        if key not in self._waited:
            found = (edge for node in self._nodes[key] for edge in self.inquiry.graph.out[node.id])
            kinds = (edge for edge in found if edge.move.kind is MoveKind.EVENT and edge.move.name in self.patient)
            self._waited[key] = tuple(dict.fromkeys(map(self._target, kinds)))
        return self._waited[key]

    @cached_property
    def patient(self) -> frozenset[str]:
        """The events from outside that may wait beside messages."""
        undoes = any(isinstance(target, Undo) for target in self.kernel.targets)
        deferred = {event for place in self.kernel.place.values() for event in place.defers}
        names = {event.name for event in self.kernel.events if undoes or event.name in deferred}
        return frozenset(names - self.hears) if names & self.hears else frozenset()

    def _ahead(self, nodes: list[Node]) -> dict[str, tuple[Ahead, ...]]:
        """By the event heard, "" for those that are no message."""
        found: dict[str, dict[Ahead, None]] = {}
        for edge in (edge for node in nodes for edge in self.inquiry.graph.out[node.id]):
            heard = edge.move.kind is MoveKind.EVENT and edge.move.name in self.hears
            found.setdefault(edge.move.name if heard else "", {})[self._target(edge)] = None
        return {event: tuple(steps) for event, steps in found.items()}

    def _target(self, edge: Edge) -> Ahead:
        node = self.inquiry.graph.nodes[edge.target]
        sent = tuple((e.flow, e.event) for e in edge.arrival.effects if isinstance(e, SendEvent))
        return Ahead(self._keys[node.control, node.data], sent)

    # ------------------------------------------------------------ messages

    def falls(self, key: int, event: str) -> Fall | None:
        """What may become of a message that no command takes; None: some command surely does."""
        control = self.control(key)
        if not control.resting:
            return Fall.DEFERRED
        if self._certainly(key, event):
            return None
        if self.kernel.ignored(control.configuration, event):
            return Fall.IGNORED
        return Fall.DEFERRED if self.kernel.deferred(control.configuration, event) else Fall.REJECTED

    def _certainly(self, key: int, event: str) -> bool:
        """Whether the guards of the commands for an event leave nothing out."""
        known = key, event
        if known not in self._certain:
            on = On(TriggerKind.EVENT, event)
            written = self.kernel.written(self.control(key).configuration, on)
            plain = any(command.guard is None for command in written)
            self._certain[known] = bool(written) and (plain or self._covered(key, event))
        return self._certain[known]

    def _covered(self, key: int, event: str) -> bool:
        move = Move(MoveKind.EVENT, event)
        for node in self._nodes[key]:
            reactions = [reaction for reaction in node.reactions if reaction.move == move]
            forks = [fork for reaction in reactions for part in reaction.parts for fork in part.forks]
            outer = [fork for fork in forks if fork.choice is None]
            if not outer or any(self.inquiry.possible(node, fork.stuck) for fork in outer):
                return False
        return True

    # ------------------------------------------------------------ what may happen by itself

    def alive(self, key: int) -> Alive:
        """Of what is bound to end or to fire, and of events from outside."""
        control = self.control(key)
        if control.finished:
            return Alive.NOT
        if not control.resting or control.running or control.tasks or control.timers:
            return Alive.SURELY
        outside = [event.name for event in self.kernel.events if event.name not in self.hears]
        on = {name: self.kernel.written(control.configuration, On(TriggerKind.EVENT, name)) for name in outside}
        if any(command.guard is None for commands in on.values() for command in commands):
            return Alive.SURELY
        return Alive.PERHAPS if self.alone(key) else Alive.NOT

    @cached_property
    def ticking(self) -> frozenset[str]:
        """The timers that make steps; the others only remind people, or show their work to more of them."""
        on = [command.on for command in self.kernel.commands if command.on is not None]
        return frozenset(each.name for each in on if each.kind is TriggerKind.TIMER)

    # ------------------------------------------------------------ payloads to try

    def waits(self, at: Instance) -> Iterator[Move]:
        """Events from outside that have to wait where an instance is, and do not yet."""
        for event in sorted(self.patient - {each.name for each in at.deferred}):
            written = self.kernel.written(at.configuration, On(TriggerKind.EVENT, event))
            if at.compensating or (not written and self.kernel.deferred(at.configuration, event)):
                yield Move(MoveKind.EVENT, event)

    @cached_property
    def inputs(self) -> tuple[tuple[Value, ...], ...]:
        """Inputs that make a difference to the flow, or may to whom it sends them: the ends of ranges, each member."""
        known = [edge.arrival.payload for edge in self.inquiry.graph.begin if edge.real]
        varied = [
            (*first[:place], value, *first[place + 1 :])
            for first in known[:1]
            for place, variable in enumerate(self.kernel.inputs)
            for value in _ends(variable.type)
        ]
        return tuple(dict.fromkeys((*known, *varied)))[:MOST_TRIED]

    def payloads(self, at: Instance, move: Move) -> Iterator[tuple[Value, ...]]:
        """Payloads with which a move makes a difference."""
        if move.kind is MoveKind.SETTLE:
            settling = self.inquiry.attempts.settling(at, move)
            if settling is not None:
                yield settling
        elif move.kind in {MoveKind.UNDONE, MoveKind.TIMER}:
            yield ()
        else:
            yield from self._tried.get(_kind(move), ())

    @cached_property
    def _tried(self) -> dict[tuple[MoveKind, str, str], tuple[tuple[Value, ...], ...]]:
        found: dict[tuple[MoveKind, str, str], dict[tuple[Value, ...], None]] = {}
        for edges in self.inquiry.graph.out:
            for edge in edges:
                found.setdefault(_kind(edge.move), {})[edge.arrival.payload] = None
        return {kind: tuple(payloads)[:MOST_TRIED] for kind, payloads in found.items()}


def waiting(at: Instance, hears: frozenset[str]) -> tuple[Event, ...]:
    """The messages that an instance has deferred."""
    return tuple(event for event in at.deferred if event.name in hears)


def _ends(type: Type) -> tuple[Value, ...]:
    """Values that guards tell apart most often."""
    match type:
        case OptionalType(item):
            return (None, *_ends(item))
        case BoolType():
            return (False, True)
        case EnumType(members=members):
            return members
        case IntType(low, high):
            return tuple(value for value in (low, high) if value is not None)
        case _:
            return ()


def _kind(move: Move) -> tuple[MoveKind, str, str]:
    return move.kind, move.name.partition("#")[0], move.answer
