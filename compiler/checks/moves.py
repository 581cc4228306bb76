"""What may happen to an instance next: a kernel and an instance at rest in, every kind of trigger out.

The world is free: an answer may come at any time; a call that was interrupted is settled at any time, with any answer;
a compensation succeeds; an event is sent, and an open task completed, by somebody entitled who has not acted before.
Timers are `clock`'s.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from functools import cache

from ...dsl.model import (
    BoolType,
    DecimalType,
    DurationType,
    EnumType,
    InstantType,
    IntType,
    ListType,
    NoneType,
    OptionalType,
    RecordType,
    TextType,
    Type,
    Value,
)
from ...dsl.values import dataclass, replace
from ..evaluate import kept
from ..instance import NOBODY, Actor, Completion, Event, Fired, Instance, Outcome, Trigger
from ..kernel import DONE, Kernel, On, TriggerKind

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
INTERRUPTED = "interrupted"


class MoveKind(StrEnum):
    START = "start"
    ANSWER = "answer"  # of the leaf's call
    SETTLE = "settle"  # of a call that was interrupted
    UNDONE = "undone"  # a compensation succeeded
    EVENT = "event"
    TASK = "task"
    TIMER = "timer"


OUTSIDE = {MoveKind.EVENT, MoveKind.TASK}


@dataclass(frozen=True, slots=True)
class Move:
    """One kind of trigger. `name`: of the event, task or timer, else the key of the call; `answer`: of a call; `parts`:
    the payload of an answer are the outputs of a sub-flow, which come as one record; `leaf`: whose call answers."""

    kind: MoveKind
    name: str
    answer: str = ""
    parts: bool = False
    leaf: str = ""

    @property
    def on(self) -> On:
        """What a leaf's commands call it. A move that no leaf answers has none."""
        return _on(self.kind, self.answer if self.kind is MoveKind.ANSWER else self.name)

    def trigger(self, payload: tuple[Value, ...]) -> Trigger:
        match self.kind:
            case MoveKind.EVENT:
                return Event(self.name, payload)
            case MoveKind.TASK:
                return Completion(self.name, payload)
            case MoveKind.TIMER:
                return Fired(self.name)
            case MoveKind.START:
                raise AssertionError("there is nothing yet to trigger")
            case MoveKind.ANSWER if self.parts:
                return Outcome(self.name, self.answer, payload)
            case MoveKind.ANSWER | MoveKind.SETTLE | MoveKind.UNDONE:
                return Outcome(self.name, self.answer, payload[0] if payload else None)


_TRIGGERS = {
    MoveKind.ANSWER: TriggerKind.OUTCOME,
    MoveKind.EVENT: TriggerKind.EVENT,
    MoveKind.TASK: TriggerKind.TASK,
    MoveKind.TIMER: TriggerKind.TIMER,
}


@cache
def _on(kind: MoveKind, name: str) -> On:
    assert kind in _TRIGGERS, "no command answers it"
    return On(_TRIGGERS[kind], name)


STARTING = Move(MoveKind.START, "")


def moves(kernel: Kernel, at: Instance) -> Iterator[Move]:
    """Every kind of trigger that may do something to an instance. Timers: all that are armed and have a command."""
    if at.finished:
        return
    running = {call.key for call in at.calls if not call.answer}
    for entry in at.log.in_flight:
        if entry.key not in running:
            failures = (failure.name for failure in kernel.activity[entry.activity].fails)
            unknown = () if kernel.activity[entry.activity].flow else (INTERRUPTED,)
            for answer in (DONE, *failures, *unknown):
                yield Move(MoveKind.SETTLE, entry.key, answer)
    if at.undoing is not None:
        if at.undoing.running is not None:
            yield Move(MoveKind.UNDONE, at.undoing.running, DONE)
        return
    first = {call.leaf: call for call in reversed(at.calls) if not call.answer}  # of a group, one is like another
    for call in [first[leaf] for leaf in at.configuration if leaf in first]:
        activity, called = kernel.activity[call.activity], kernel.leaf[call.leaf].call
        alone = called is not None and called.each is None
        for answer in kernel.outcomes(activity):
            parts = alone and activity.flow and activity.result is not None and answer == DONE
            yield from _handled(kernel, at, Move(MoveKind.ANSWER, call.key, answer, parts, call.leaf))
    for event in kernel.events:
        yield from _handled(kernel, at, Move(MoveKind.EVENT, event.name))
    for task in sorted([item.task for item in at.tasks], key=kernel.rank.__getitem__):
        yield from _handled(kernel, at, Move(MoveKind.TASK, task))
    for timer in sorted([armed.timer for armed in at.timers], key=kernel.rank.__getitem__):
        yield from _handled(kernel, at, Move(MoveKind.TIMER, timer))


def _handled(kernel: Kernel, at: Instance, move: Move) -> Iterator[Move]:
    if kernel.written(at.configuration, move.on, move.leaf):
        yield move


def answering(at: Instance, move: Move) -> str:
    """The leaf whose call a move answers; nothing for other moves."""
    if move.kind is MoveKind.ANSWER:
        for call in at.calls:
            if call.key == move.name:
                return call.leaf
    return ""


def alike(move: Move, at: Instance) -> Move | None:
    """A move of one instance as another of the same node has it: how many calls were made before is no control, so the
    key may be another one. A settlement is one that ends a compensation. None: there is no such move."""
    match move.kind:
        case MoveKind.ANSWER:
            keys = [call.key for call in at.calls if call.leaf == move.leaf and not call.answer]
        case MoveKind.UNDONE:
            keys = [at.undoing.running] if at.undoing is not None and at.undoing.running is not None else []
        case MoveKind.SETTLE:
            keys = [at.log.top.key] if at.log and at.log.top.in_flight else []
        case _:
            return move
    keys = [key for key in keys if key.partition("#")[0] == move.name.partition("#")[0]]
    return move if move.name in keys else replace(move, name=keys[0]) if keys else None


def waits(kernel: Kernel, at: Instance, move: Move) -> bool:
    """Whether an answer leaves a group of calls waiting: not enough are done, and enough may still be."""
    leaf = answering(at, move)
    called = kernel.leaf[leaf].call if leaf else None
    if called is None or called.each is None:
        return False
    group = [call for call in at.calls if call.leaf == leaf]
    done = sum(call.answer == DONE for call in group) + (move.answer == DONE)
    gone = sum(call.answer == "gone" for call in group) + (move.answer != DONE)
    return done < needed(kernel, at, move) <= len(group) - gone


def needed(kernel: Kernel, at: Instance, move: Move) -> int:
    """How many calls of the leaf that a move answers have to be done."""
    leaf = answering(at, move)
    called = kernel.leaf[leaf].call if leaf else None
    if called is None or called.each is None:
        return 1
    size = sum(call.leaf == leaf for call in at.calls)
    return size if called.each.quota is None else min(called.each.quota, size)


def actor(kernel: Kernel, at: Instance, move: Move) -> Actor:
    """Somebody who may do it, called after the role; by another name if somebody of that name may not."""
    excluded: tuple[str, ...] = ()
    match move.kind:
        case MoveKind.EVENT:
            roles = kernel.event[move.name].roles
        case MoveKind.TASK:
            item = next(item for item in at.tasks if item.task == move.name)
            if named := [person for person in item.persons if person not in item.excluded]:
                return Actor(named[0])
            roles, excluded = item.roles, item.excluded
        case _:
            return NOBODY
    if not roles and not excluded:
        return NOBODY
    name = roles[0] if roles else "somebody"
    number = 1
    while (id := name if number == 1 else f"{name} {number}") in excluded:
        number += 1
    return Actor(id, frozenset(roles[:1]))


def simplest(type: Type) -> Value:
    """The plainest value of a type."""
    match type:
        case OptionalType() | NoneType():
            return None
        case BoolType():
            return False
        case IntType():
            low, high = type.low, type.high
            if low is not None and low > 0:
                return low
            return high if high is not None and high < 0 else 0
        case DecimalType():
            return kept(Decimal(0), type)
        case TextType():
            return ""
        case ListType():
            return ()
        case RecordType():
            return tuple(simplest(field.type) for field in type.fields)
        case EnumType():
            return type.members[0]
        case DurationType():
            return timedelta(0)
        case InstantType():
            return BEGIN
