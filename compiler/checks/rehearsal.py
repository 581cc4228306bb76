"""The members of a system played together: real instances on the interpreter, breadth first; runs that show what is
wrong out.

Every run is one that can be: all members live by one clock, and a timer fires when it is due, before any that is due
later. What differs only in data that decides nothing is tried once, so what is not found here may still happen.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from datetime import datetime
from typing import TypeVar

from ...dsl.diagnostics import Lane, LaneKind, Rest, TraceStep
from ...dsl.model import System
from ...dsl.values import dataclass, field, replace
from ..effects import DropEvent, SendEvent
from ..evaluate import Fault
from ..instance import NOBODY, Event, Instance, Rejected, Step
from ..lanes import sender
from ..simulate import start, step
from ..trace import messaged, started, told, triggered
from .budget import Budget
from .component import Alive, Component, waiting
from .joint import Joint, Part
from .moves import BEGIN, Move, MoveKind, actor, moves

Item = TypeVar("Item")

Question = tuple[str, int, str]
"""What is wrong: a code, and the member and the message it is about."""

STUCK, REJECTED, ORPHANED, OVERFLOWN = "F311", "F312", "F313", "F314"
STILL: Question = STUCK, 0, ""
LOST: Question = "lost", 0, ""
"""Something still happens, but they cannot all come to an end: told where nobody ever stands still."""


@dataclass(frozen=True, eq=False, slots=True)
class Scene:
    """Where all members are, and the step that led there."""

    members: tuple[Instance | None, ...]
    boxes: tuple[tuple[Event, ...], ...]
    now: datetime
    before: Scene | None = None
    told: TraceStep | None = None

    def trace(self) -> tuple[TraceStep, ...]:
        before = () if self.before is None else self.before.trace()
        return before if self.told is None else (*before, self.told)


@dataclass(eq=False)
class Rehearsal:
    """`runs` are the shortest found for each question; `lost` are joint configurations that cannot come to an end."""

    system: System
    components: tuple[Component, ...]
    most: int
    lost: frozenset[Joint]
    budget: Budget
    runs: dict[Question, tuple[TraceStep, ...]] = field(default_factory=dict[Question, tuple[TraceStep, ...]])

    def __post_init__(self) -> None:
        self.index = {member.flow: index for index, member in enumerate(self.system.members)}

    def play(self, wanted: set[Question]) -> None:
        """Look for runs until everything wanted is shown, or there is nothing new."""
        count = len(self.components)
        first = Scene((None,) * count, ((),) * count, BEGIN)
        seen = {self._key(first)}
        todo = deque([first])
        while todo and not wanted <= self.runs.keys() and len(seen) <= self.most:
            if self.budget.over():
                break
            scene = todo.popleft()
            self._look(scene)
            for after in self._after(scene):
                key = self._key(after)
                if key not in seen:
                    seen.add(key)
                    todo.append(after)

    def _note(self, question: Question, scene: Scene) -> None:
        self.runs.setdefault(question, scene.trace())

    def _key(self, scene: Scene) -> tuple[object, ...]:
        return (
            tuple(-1 if at is None else self._keyed(index, at) for index, at in enumerate(scene.members)),
            scene.boxes if self.system.fifo else tuple(tuple(sorted(box, key=repr)) for box in scene.boxes),
        )

    def _keyed(self, index: int, at: Instance) -> tuple[object, ...]:
        component = self.components[index]
        key = component.key(at)
        return (key if key >= 0 else at, waiting(at, component.hears | component.patient))

    def _look(self, scene: Scene) -> None:
        """Note where not all have finished, and nothing can happen, or they can never all finish."""
        members = [at for at in scene.members if at is not None]
        if len(members) < len(scene.members) or all(at.finished for at in members):
            return
        keys = [component.key(at) for component, at in zip(self.components, members, strict=True)]
        if min(keys) < 0:
            return
        alive = {component.alive(key) for component, key in zip(self.components, keys, strict=True)}
        if alive == {Alive.NOT} and not any(scene.boxes):
            self._note(STILL, scene)
        elif self._joint(scene, keys) in self.lost:
            self._note(LOST, scene)

    def _joint(self, scene: Scene, keys: list[int]) -> Joint:
        parts: list[Part] = []
        for index, (at, box) in enumerate(zip(scene.members, scene.boxes, strict=True)):
            names = [event.name for event in box]
            held = () if at is None else waiting(at, self.components[index].hears)
            ordered = names if self.system.fifo else sorted(names)
            parts.append(Part(keys[index], tuple(ordered), tuple(event.name for event in held)))
        return tuple(parts)

    # ------------------------------------------------------------ steps

    def _after(self, scene: Scene) -> Iterator[Scene]:
        for index, at in enumerate(scene.members):
            if at is None:
                yield from self._starts(scene, index)
            elif not at.finished:
                yield from self._alone(scene, index, at)
                yield from self._deliveries(scene, index, at)

    def _starts(self, scene: Scene, index: int) -> Iterator[Scene]:
        component = self.components[index]
        for inputs in component.inputs:
            try:
                made = start(component.kernel, inputs, component.inquiry.attempts.starter, scene.now)
            except (Rejected, Fault):
                continue
            text = started(component.kernel, inputs, component.inquiry.attempts.starter)
            by = sender(component.kernel, None, component.inquiry.attempts.starter)
            yield from self._moved(scene, index, None, made, text, scene.now, by)

    def _alone(self, scene: Scene, index: int, at: Instance) -> Iterator[Scene]:
        component = self.components[index]
        for move in (*moves(component.kernel, at), *component.waits(at)):
            if move.kind is MoveKind.EVENT and move.name in component.hears:
                continue
            now = self._moment(scene, at, move)
            if now is None:
                continue
            who = actor(component.kernel, at, move)
            for payload in component.payloads(at, move):
                trigger = move.trigger(payload)
                try:
                    made = step(component.kernel, at, trigger, who, now)
                except (Rejected, Fault):
                    continue
                text, by = triggered(component.kernel, trigger, who), sender(component.kernel, trigger, who)
                yield from self._moved(scene, index, at, made, text, now, by)

    def _moment(self, scene: Scene, at: Instance, move: Move) -> datetime | None:
        """When a move comes: at once; a timer when it is due, unless another one is due before it."""
        if move.kind is not MoveKind.TIMER:
            return scene.now
        now = max(scene.now, next(armed.due for armed in at.timers if armed.timer == move.name))
        pairs = zip(self.components, scene.members, strict=True)
        awake = [(component, other) for component, other in pairs if other is not None and not other.compensating]
        dues = [armed.due for component, other in awake for armed in other.timers if armed.timer in component.ticking]
        return now if all(due >= now for due in dues) else None

    def _deliveries(self, scene: Scene, index: int, at: Instance) -> Iterator[Scene]:
        component, box = self.components[index], scene.boxes[index]
        for place in range(min(len(box), 1)) if self.system.fifo else range(len(box)):
            event = box[place]
            rest = replace(scene, boxes=_put(scene.boxes, index, box[:place] + box[place + 1 :]))
            text, by = triggered(component.kernel, event, NOBODY), self._from(component.kernel.name, event.name)
            try:
                made = step(component.kernel, at, event, NOBODY, scene.now)
            except Rejected as rejected:
                said = TraceStep(
                    f"{self._name(index)}: {text}",
                    f"rejected ({rejected.reason})",
                    by=by,
                    flow=self._name(index),
                    rest=Rest.REFUSED,
                )
                dead = replace(rest, before=scene, told=said)
                self._note((REJECTED, index, event.name), dead)
                yield dead
                continue
            except Fault:
                continue
            yield from self._moved(rest, index, at, made, text, scene.now, by, scene)

    def _moved(
        self,
        scene: Scene,
        index: int,
        at: Instance | None,
        made: Step,
        text: str,
        now: datetime,
        by: Lane,
        before: Scene | None = None,
    ) -> Iterator[Scene]:
        """The scene after a step, unless a mailbox is too full for it."""
        kernel = self.components[index].kernel
        sent = [effect for effect in made.effects if isinstance(effect, SendEvent)]
        said = told(kernel, f"{self._name(index)}: {text}", at, made, now - scene.now, by)
        said = replace(
            said,
            changes=(*said.changes, *(messaged(kernel, each) for each in sent)),
            flow=self._name(index),
            sent=tuple(replace(each, to=self._member(each.to)) for each in said.sent),
        )
        after = Scene(_put(scene.members, index, made.after), scene.boxes, now, before or scene, said)
        for effect in made.effects:
            if isinstance(effect, DropEvent) and effect.event in self.components[index].hears:
                self._note((ORPHANED, index, effect.event), after)
        for each in sent:
            if each.flow in self.index:
                to = self.index[each.flow]
                after = replace(after, boxes=_put(after.boxes, to, (*after.boxes[to], Event(each.event, each.payload))))
                if self._waiting(after, to) > self.system.most:
                    self._note((OVERFLOWN, to, ""), after)
                    return
        for other, member in enumerate(after.members):
            if member is not None and member.finished and after.boxes[other]:
                for event in after.boxes[other]:
                    self._note((ORPHANED, other, event.name), after)
                after = replace(after, boxes=_put(after.boxes, other, ()))
        yield after

    def _waiting(self, scene: Scene, index: int) -> int:
        """How many messages wait for a member, in its mailbox or deferred."""
        at = scene.members[index]
        return len(scene.boxes[index]) + (0 if at is None else len(waiting(at, self.components[index].hears)))

    def _from(self, flow: str, event: str) -> Lane:
        """The member that sends a message; of several the first."""
        pairs = zip(self.system.members, self.components, strict=True)
        senders = (member.name for member, component in pairs if (flow, event) in component.kernel.sends)
        return Lane(LaneKind.FLOW, next(senders, flow))

    def _member(self, lane: Lane) -> Lane:
        """The lane of a member, where it is called after its flow."""
        inside = lane.kind is LaneKind.FLOW and lane.name in self.index
        return replace(lane, name=self._name(self.index[lane.name])) if inside else lane

    def _name(self, index: int) -> str:
        return self.system.members[index].name


def _put(items: tuple[Item, ...], index: int, item: Item) -> tuple[Item, ...]:
    return (*items[:index], item, *items[index + 1 :])
