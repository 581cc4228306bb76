"""The members of a system together: their components in, every joint configuration, and what is wrong in some, out.

A joint configuration is a key for each member (or none before it starts), what lies in each mailbox, and which messages
each member has deferred. Steps of members interleave freely, and a message takes any time, so runs that clocks rule out
are among these: what does not happen here never happens; what does is only claimed when `rehearsal` has played it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

from ...dsl.model import System
from ...dsl.values import dataclass, field, replace
from .budget import Budget
from .component import Ahead, Alive, Component, Fall, Letter

NOT_STARTED = -1
Events = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Part:
    """One member: its key, its mailbox (sorted, if any order will do), the messages it has deferred; whether, in the
    midst of a step, something from outside has its turn that waited longer than these."""

    key: int = NOT_STARTED
    box: Events = ()
    deferred: Events = ()
    midway: bool = False


Joint = tuple[Part, ...]


@dataclass(eq=False)
class Joints:
    """What was found. The sets name what may be wrong somewhere: members by index, messages by event."""

    known: dict[Joint, set[Joint]] = field(default_factory=dict[Joint, set[Joint]])  # and what may come next
    stuck: set[Joint] = field(default_factory=set[Joint])  # nothing happens any more
    doubtful: set[Joint] = field(default_factory=set[Joint])  # perhaps nothing happens any more
    rejected: set[tuple[int, str]] = field(default_factory=set[tuple[int, str]])
    orphaned: set[tuple[int, str]] = field(default_factory=set[tuple[int, str]])
    overflown: set[int] = field(default_factory=set[int])
    open: str = ""  # why something may be missing


class Product:
    """The search over joint configurations, breadth first."""

    def __init__(self, system: System, components: tuple[Component, ...], most: int, budget: Budget) -> None:
        self.system = system
        self.components = components
        self.most = most
        self.budget = budget
        self.index = {member.flow: index for index, member in enumerate(system.members)}
        self.found = Joints()

    def run(self) -> Joints:
        found = self.found
        found.open = next((component.open for component in self.components if component.open), "")
        first: Joint = (Part(),) * len(self.components)
        todo = deque([first])
        found.known[first] = set()
        while todo and not found.open:
            if why := self.budget.search_over(found.known.__len__):
                found.open = why
                break
            joint = todo.popleft()
            after = set(self._after(joint))
            found.known[joint] = after
            if not after and not self.finished(joint):
                (found.stuck if self._dead(joint) else found.doubtful).add(joint)
            elif not self.finished(joint) and self._perhaps_dead(joint):
                found.doubtful.add(joint)
            for other in after:
                if other not in found.known:
                    found.known[other] = set()
                    todo.append(other)
            if len(found.known) > self.most:
                found.open = f"there are more than {self.most} joint configurations"
        return found

    def finished(self, joint: Joint) -> bool:
        """Whether all members have."""
        return all(self._finished(index, part) for index, part in enumerate(joint))

    def _finished(self, index: int, part: Part) -> bool:
        return part.key != NOT_STARTED and self.components[index].control(part.key).finished

    def _alive(self, joint: Joint) -> set[Alive]:
        return {
            Alive.SURELY
            if part.key == NOT_STARTED or part.midway or (part.box and not self._finished(index, part))
            else self.components[index].alive(part.key)
            for index, part in enumerate(joint)
        }

    def _dead(self, joint: Joint) -> bool:
        return self._alive(joint) == {Alive.NOT}

    def _perhaps_dead(self, joint: Joint) -> bool:
        return Alive.SURELY not in self._alive(joint)

    def recoverable(self) -> set[Joint]:
        """The joint configurations from which all may still finish."""
        into: dict[Joint, list[Joint]] = {}
        for joint, after in self.found.known.items():
            for other in after:
                into.setdefault(other, []).append(joint)
        ends = [joint for joint in self.found.known if self.finished(joint)]
        reached, todo = set(ends), ends
        while todo:
            for joint in into.get(todo.pop(), ()):
                if joint not in reached:
                    reached.add(joint)
                    todo.append(joint)
        return reached

    # ------------------------------------------------------------ steps

    def _after(self, joint: Joint) -> Iterator[Joint]:
        for index, part in enumerate(joint):
            component = self.components[index]
            if part.key == NOT_STARTED:
                for ahead in component.starts:
                    yield from self._moved(joint, index, part, ahead)
                continue
            for ahead in component.waited(part.key) if part.midway else component.alone(part.key):
                yield from self._moved(joint, index, replace(part, midway=False), ahead)
            for place in () if part.midway else self._places(part.box):
                event, rest = part.box[place], replace(part, box=part.box[:place] + part.box[place + 1 :])
                yield from self._delivered(joint, index, rest, event)

    def _places(self, box: Events) -> range | list[int]:
        """The messages that can come next."""
        if self.system.fifo:
            return range(min(len(box), 1))
        return [place for place, event in enumerate(box) if event not in box[:place]]

    def _delivered(self, joint: Joint, index: int, part: Part, event: str) -> Iterator[Joint]:
        component = self.components[index]
        for ahead in component.hearing(part.key, event):
            yield from self._moved(joint, index, part, ahead)
        match component.falls(part.key, event):
            case Fall.IGNORED:
                yield _put(joint, index, part)
            case Fall.DEFERRED if part.deferred.count(event) < component.kernel.event[event].most:
                yield _put(joint, index, replace(part, deferred=(*part.deferred, event)))
            case Fall.DEFERRED | Fall.REJECTED:
                self.found.rejected.add((index, event))
                yield _put(joint, index, part)
            case None:
                pass

    def _moved(self, joint: Joint, index: int, part: Part, ahead: Ahead) -> Iterator[Joint]:
        """After a step of a member, and what it does with deferred messages in the same transaction."""
        for moved, sent in self._settled(index, replace(part, key=ahead.key), ahead.sent):
            after = self._posted(_put(joint, index, moved), sent)
            if after is not None:
                yield self._cleared(after)

    def _settled(self, index: int, part: Part, sent: tuple[Letter, ...]) -> Iterator[tuple[Part, tuple[Letter, ...]]]:
        component = self.components[index]
        control = component.control(part.key)
        if control.finished:
            self.found.orphaned |= {(index, event) for event in part.deferred}
            yield replace(part, deferred=()), sent
            return
        if part.deferred and control.resting and component.waited(part.key):
            yield replace(part, midway=True), sent
        for place, event in enumerate(part.deferred if control.resting else ()):
            rest = replace(part, deferred=part.deferred[:place] + part.deferred[place + 1 :])
            for ahead in component.hearing(part.key, event):
                yield from self._settled(index, replace(rest, key=ahead.key), (*sent, *ahead.sent))
            falls = component.falls(part.key, event)
            if falls is Fall.IGNORED:
                yield from self._settled(index, rest, sent)
            if falls in {None, Fall.IGNORED}:
                return
        yield part, sent

    def _posted(self, joint: Joint, sent: tuple[Letter, ...]) -> Joint | None:
        """What was sent lies in mailboxes; None where one is too full for it."""
        for flow, event in sent:
            if flow not in self.index:
                continue  # it leaves the system
            index = self.index[flow]
            part = joint[index]
            box = (*part.box, event) if self.system.fifo else tuple(sorted((*part.box, event)))
            if len(box) + len(part.deferred) > self.system.most:
                self.found.overflown.add(index)
                return None
            joint = _put(joint, index, replace(part, box=box))
        return joint

    def _cleared(self, joint: Joint) -> Joint:
        """Nobody takes what lies in the mailbox of a member that has finished."""
        for index, part in enumerate(joint):
            if part.box and self._finished(index, part):
                self.found.orphaned |= {(index, event) for event in part.box}
                joint = _put(joint, index, replace(part, box=()))
        return joint


def _put(joint: Joint, index: int, part: Part) -> Joint:
    return (*joint[:index], part, *joint[index + 1 :])
