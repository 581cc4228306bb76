"""A system of flows by plain enumeration: its kernels in; what is wrong where its members are together, out.

Every world is looked at: all members with all their data, what lies in their mailboxes with all it carries, and one
clock for all, by whole seconds. Of each member it shares the interpreter and `brute_force` with what is checked there;
F311 to F314 are decided from docs/language.md, never as the checker does it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TypeVar

from brute_force import Search, reaching
from brute_values import EPOCH, SECOND, TooLarge, payloads
from penstock.compiler.effects import DropEvent, SendEvent
from penstock.compiler.evaluate import Fault
from penstock.compiler.instance import NOBODY, Actor, Event, Fired, Instance, Rejected, Step, Trigger
from penstock.compiler.kernel import Kernel
from penstock.compiler.simulate import start, step
from penstock.dsl.model import System, Value

T = TypeVar("T")
Found = dict[tuple[str, str], int]
"""(code, subject) of what is refuted, and the number of the world that shows it."""


@dataclass(frozen=True)
class World:
    """Where all members are, what lies in their mailboxes, and when that is."""

    members: tuple[Instance | None, ...]
    boxes: tuple[tuple[Event, ...], ...]
    now: datetime = EPOCH

    @property
    def ended(self) -> bool:
        return all(at is not None and at.finished for at in self.members)


@dataclass
class Worlds:
    """All worlds of a system, by breadth first. Raises TooLarge where there are more than `limit`, or where something
    stops a step of a member: that is for the checks of its flow to say."""

    system: System
    kernels: Mapping[str, Kernel]
    limit: int
    found: Found = field(default_factory=Found)
    worlds: list[World] = field(default_factory=list[World])
    after: list[set[int]] = field(default_factory=list[set[int]])
    told: list[str] = field(default_factory=list[str])  # what led to each, and from which
    goes: set[int] = field(default_factory=set[int])  # where a member, or a message, does something by itself
    cut: set[int] = field(default_factory=set[int])  # that go on beyond what a mailbox holds

    def __post_init__(self) -> None:
        flows = [replace(self.kernels[member.flow], properties=()) for member in self.system.members]
        self.names = [member.name for member in self.system.members]
        self.index = {member.flow: index for index, member in enumerate(self.system.members)}
        self.heard = [{e for each in flows for flow, e in each.sends if flow == own.name} for own in flows]
        self.searches = [Search(kernel, self.limit) for kernel in flows]
        self.number: dict[object, int] = {}
        self.queue = deque[int]()
        self.here = -1

    def run(self) -> Found:
        count = len(self.names)
        self.visit(World((None,) * count, ((),) * count), "")
        while self.queue:
            self.here = self.queue.popleft()
            world = self.worlds[self.here]
            for after, said in self.steps(world):
                self.after[self.here].add(self.visit(after, said))
            if (later := self.later(world)) is not None:
                self.after[self.here].add(self.visit(later, "1s"))
        self.conclude()
        return self.found

    def visit(self, world: World, said: str) -> int:
        key = self.key(world)
        if key not in self.number:
            if len(self.worlds) >= self.limit:
                raise TooLarge(f"more than {self.limit} worlds")
            self.number[key] = len(self.worlds)
            self.queue.append(len(self.worlds))
            self.worlds.append(world)
            self.after.append(set())
            self.told.append(f"{self.here}: {said}")
        return self.number[key]

    def key(self, world: World) -> object:
        pairs = zip(self.searches, world.members, strict=True)
        boxes = world.boxes if self.system.fifo else tuple(tuple(sorted(box, key=repr)) for box in world.boxes)
        return tuple(None if at is None else search.canonical(at, world.now) for search, at in pairs), boxes

    # ------------------------------------------------------------ what comes next

    def steps(self, world: World) -> Iterator[tuple[World, str]]:
        for index, (search, at) in enumerate(zip(self.searches, world.members, strict=True)):
            if at is None:
                self.goes.add(self.here)
                for inputs in payloads(tuple(v.type for v in search.kernel.inputs)):
                    yield from self.moved(world, index, self.begun(search, inputs, world.now), f"start {inputs}")
            elif not at.finished:
                yield from self.alone(world, index, at)
                yield from self.deliveries(world, index, at)

    def begun(self, search: Search, inputs: tuple[Value, ...], now: datetime) -> Step:
        try:
            return start(search.kernel, inputs, Actor("starter"), now)
        except (Fault, Rejected) as error:
            raise TooLarge("a start is stopped") from error

    def alone(self, world: World, index: int, at: Instance) -> Iterator[tuple[World, str]]:
        """What no message brings: answers, people, others outside, and the timers that are due."""
        search = self.searches[index]
        due = (
            ()
            if at.compensating
            else tuple(armed for armed in at.due() if armed.due <= world.now and armed.due == at.due()[0].due)
        )
        for trigger in (*search.untimed(at), *(Fired(armed.timer) for armed in due)):
            if isinstance(trigger, Event) and trigger.name in self.heard[index]:
                continue
            for actor in search.actors(at, trigger):
                made = self.tried(search.kernel, at, trigger, actor, world.now)
                if made is None or (made.after == at and not made.effects and not made.taken):
                    continue
                if made.taken or not isinstance(trigger, Event):  # an event that only waits does nothing
                    self.goes.add(self.here)
                yield from self.moved(world, index, made, f"{trigger}")

    def deliveries(self, world: World, index: int, at: Instance) -> Iterator[tuple[World, str]]:
        box = world.boxes[index]
        for place in range(len(box))[: 1 if self.system.fifo else None]:
            self.goes.add(self.here)
            rest = replace(world, boxes=put(world.boxes, index, (*box[:place], *box[place + 1 :])))
            made = self.tried(self.searches[index].kernel, at, box[place], NOBODY, world.now)
            if made is None:
                self.add("F312", f"{self.names[index]}.{box[place].name}")
                yield rest, f"{box[place]} is rejected"
            else:
                yield from self.moved(rest, index, made, f"{box[place]} comes")

    def tried(self, kernel: Kernel, at: Instance, trigger: Trigger, actor: Actor, now: datetime) -> Step | None:
        """What comes of it; None: an event is rejected."""
        try:
            return step(kernel, at, trigger, actor, now)
        except Rejected as rejected:
            if rejected.span is None and isinstance(trigger, Event):
                return None
            raise TooLarge("a case is left open") from rejected
        except Fault as fault:
            raise TooLarge("a step is stopped") from fault

    def moved(self, world: World, index: int, made: Step, said: str) -> Iterator[tuple[World, str]]:
        """The world after a step of a member, unless a mailbox is too full for it."""
        after = replace(world, members=put(world.members, index, made.after))
        for effect in made.effects:
            if isinstance(effect, DropEvent) and effect.event in self.heard[index]:
                self.add("F313", f"{self.names[index]}.{effect.event}")
        for effect in made.effects:
            if isinstance(effect, SendEvent) and effect.flow in self.index:
                to = self.index[effect.flow]
                after = replace(
                    after, boxes=put(after.boxes, to, (*after.boxes[to], Event(effect.event, effect.payload)))
                )
                at = after.members[to]
                held = 0 if at is None else sum(event.name in self.heard[to] for event in at.deferred)
                if len(after.boxes[to]) + held > self.system.most:
                    self.add("F314", self.names[to])
                    self.cut.add(self.here)
                    return
        for other, at in enumerate(after.members):
            if at is not None and at.finished:
                for event in after.boxes[other]:
                    self.add("F313", f"{self.names[other]}.{event.name}")
                after = replace(after, boxes=put(after.boxes, other, ()))
        yield after, f"{self.names[index]}: {said}"

    def later(self, world: World) -> World | None:
        """A second later, unless a timer is due before."""
        awake = [at for at in world.members if at is not None and not at.compensating]
        if any(armed.due <= world.now for at in awake for armed in at.timers):
            return None
        return replace(world, now=world.now + SECOND)

    # ------------------------------------------------------------ what is wrong

    def add(self, code: str, subject: str) -> None:
        self.found.setdefault((code, subject), self.here)

    def conclude(self) -> None:
        """F311: none can go on, or all could have ended and no longer can; what lies beyond a mailbox is not known."""
        edges = dict(enumerate(self.after))
        hopeful = reaching(self.goes | self.cut | {n for n, world in enumerate(self.worlds) if world.ended}, edges)
        lost = [number for number in range(len(self.worlds)) if number not in hopeful]
        ends = {number for number, world in enumerate(self.worlds) if world.ended}
        if not lost and ends and not self.cut:
            could = reaching(ends, edges)
            lost = [number for number in range(len(self.worlds)) if number not in could]
        if lost:
            self.here = lost[0]
            self.add("F311", self.system.name)

    def way(self, number: int) -> list[str]:
        """What leads to a world."""
        said: list[str] = []
        while number > 0:
            before, _, last = self.told[number].partition(": ")
            said.append(last)
            number = int(before)
        return said[::-1]


def put(items: tuple[T, ...], index: int, item: T) -> tuple[T, ...]:
    return (*items[:index], item, *items[index + 1 :])
