"""The enumeration of a flow with the flows that it does: kernels in; every instance that comes of them, out.

`brute_force` lets a sub-flow answer whatever its text allows, whenever it likes. Here it is there: started when its
parent calls it, withdrawn when its parent is interrupted or undoes it, and heard of some time after it has ended.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from brute_force import Search
from brute_values import EPOCH, TooLarge, payloads
from penstock.compiler.effects import InterruptActivity, StartActivity, StartCompensation
from penstock.compiler.evaluate import Fault
from penstock.compiler.instance import NOBODY, Actor, Fired, Instance, Outcome, Rejected, Step, Trigger, Withdraw
from penstock.compiler.kernel import DONE, FAILED, Kernel, LeafKind
from penstock.compiler.simulate import start, step
from penstock.dsl.model import Value

DEEPEST = 3
"""So deep flows do flows here; a child that would lie deeper never answers."""
UNDO = "/undo"


@dataclass(frozen=True)
class Child:
    """A flow that was started by a call. `owed`: what its end answers; nothing once it has."""

    key: str
    owed: str
    member: Member


@dataclass(frozen=True)
class Member:
    """An instance of a flow, and those of the flows that it does."""

    flow: str
    instance: Instance
    children: tuple[Child, ...] = ()


class Families:
    """All worlds of one flow, by their time and its own; `run` goes through them. Raises TooLarge."""

    def __init__(self, kernels: Mapping[str, Kernel], limit: int) -> None:
        self.kernels = kernels
        self.limit = limit
        self.searches = {name: Search(kernel, limit) for name, kernel in kernels.items()}
        self.seen: set[object] = set()

    def run(self, flow: str) -> Iterator[tuple[Instance, datetime]]:
        """Every instance of a flow, and when it is there."""
        todo: deque[tuple[Member, datetime]] = deque()
        for given in payloads(tuple(v.type for v in self.kernels[flow].inputs)):
            todo += self._new(self._begun(flow, given, EPOCH, 0), EPOCH)
        while todo:
            root, now = todo.popleft()
            yield root.instance, now
            for after, moment in self._steps(root, now):
                todo += self._new(after, moment)

    def _new(self, member: Member | None, now: datetime) -> list[tuple[Member, datetime]]:
        if member is None or (key := self._canonical(member, now)) in self.seen:
            return []
        if len(self.seen) >= self.limit:
            raise TooLarge(f"more than {self.limit} worlds")
        self.seen.add(key)
        return [(member, now)]

    def _canonical(self, member: Member, now: datetime) -> object:
        """Up to the names of calls: a child is told by where its call stands."""
        at = member.instance
        keys = [*(entry.key for entry in at.log), *(call.key for call in at.calls)]
        told = ((child, keys.index(child.key) if child.key in keys else -1) for child in member.children)
        children = tuple(
            (place, child.owed.endswith(UNDO), bool(child.owed), self._canonical(child.member, now))
            for child, place in told
        )
        return member.flow, self.searches[member.flow].canonical(at, now), children

    # ------------------------------------------------------------ what may come

    def _steps(self, root: Member, now: datetime) -> Iterator[tuple[Member | None, datetime]]:
        members = [*_all(root)]
        timed = [at for at in members if not (at.instance.finished or at.instance.compensating)]
        dues = [max(armed.due, now) for at in timed for armed in at.instance.timers]
        patience = (self.searches[at.flow].patience(at.instance, now) for at in members)
        longest = min(dues) - now if dues else max(patience, default=timedelta(0))
        second = self.searches[root.flow].tick
        for after in self._anybody(root, 0):
            yield from ((after(now + wait * second), now + wait * second) for wait in range(longest // second + 1))
        for due in sorted({*dues})[:1]:
            yield from ((after(due), due) for after in self._due(root, due, 0))

    def _anybody(self, member: Member, depth: int) -> Iterator[Attempt]:
        """What may come at any time to an instance, or to one of its children."""
        search = self.searches[member.flow]
        for trigger in () if member.instance.finished else search.untimed(member.instance):
            if not (isinstance(trigger, Outcome) and self._of_child(member, trigger.key)):
                yield Attempt(self, member, trigger, search.anybody, depth)
        for child in member.children:
            if child.owed and child.member.instance.finished:
                yield Attempt(self, member, self.end(child), NOBODY, depth, child)
            below = self._anybody(child.member, depth + 1)
            yield from (Attempt(self, member, inner, NOBODY, depth, child) for inner in below)

    def _due(self, member: Member, due: datetime, depth: int) -> Iterator[Attempt]:
        at = member.instance
        if not (at.finished or at.compensating):
            for armed in at.timers:
                if armed.due <= due and armed.due == at.due()[0].due:
                    yield Attempt(self, member, Fired(armed.timer), NOBODY, depth)
        for child in member.children:
            inside = self._due(child.member, due, depth + 1)
            yield from (Attempt(self, member, inner, NOBODY, depth, child) for inner in inside)

    def _of_child(self, member: Member, key: str) -> bool:
        return self.kernels[member.flow].activity[key.partition("#")[0]].flow

    # ------------------------------------------------------------ what comes of it

    def _begun(self, flow: str, given: tuple[Value, ...], now: datetime, depth: int) -> Member | None:
        try:
            made = start(self.kernels[flow], given, Actor("starter"), now)
        except (Fault, Rejected):
            return None
        return self.led(Member(flow, made.after), made, now, depth)

    def stepped(self, member: Member, trigger: Trigger, actor: Actor, now: datetime, depth: int) -> Member | None:
        """An instance after a trigger; None: it refuses it."""
        try:
            made = step(self.kernels[member.flow], member.instance, trigger, actor, now)
        except (Fault, Rejected):
            return None
        return self.led(replace(member, instance=made.after), made, now, depth)

    def led(self, member: Member, made: Step, now: datetime, depth: int) -> Member | None:
        """With what a step has asked of children, and what their ends lead to."""
        children = {child.key: child for child in member.children}
        for effect in made.effects:
            if isinstance(effect, StartActivity) and self._of_child(member, effect.key):
                begun = self._begun(effect.activity, effect.args, now, depth + 1) if depth < DEEPEST else None
                if begun is not None:
                    children[effect.key] = Child(effect.key, effect.key, begun)
            elif isinstance(effect, InterruptActivity | StartCompensation):
                key = effect.forward if isinstance(effect, StartCompensation) else effect.key
                if key in children:
                    withdrawn = self.stepped(children[key].member, Withdraw(), NOBODY, now, depth + 1)
                    if withdrawn is not None:
                        children[key] = Child(key, effect.key, withdrawn)
        return replace(member, children=tuple(children.values()))

    def end(self, child: Child) -> Outcome:
        """What the end of a child answers."""
        kernel, at = self.kernels[child.member.flow], child.member.instance
        if child.owed.endswith(UNDO):
            return Outcome(child.owed, DONE)
        if not any(kernel.leaf[leaf].kind is LeafKind.FINAL for leaf in at.configuration):
            return Outcome(child.owed, FAILED)
        values = at.variables(kernel)
        record = tuple(values[output.name] for output in kernel.outputs)
        return Outcome(child.owed, DONE, record or None)


@dataclass(frozen=True)
class Attempt:
    """A trigger for a member (with a child: its end), or what is tried with a child; called with a moment, what comes
    of the member."""

    families: Families
    member: Member
    trigger: Trigger | Attempt
    actor: Actor
    depth: int
    child: Child | None = None

    def __call__(self, now: datetime) -> Member | None:
        if not isinstance(self.trigger, Attempt):
            heard = self.member if self.child is None else self._with(replace(self.child, owed=""))
            return self.families.stepped(heard, self.trigger, self.actor, now, self.depth)
        after = self.trigger(now)
        return None if after is None or self.child is None else self._with(replace(self.child, member=after))

    def _with(self, child: Child) -> Member:
        """With one of the children as it is now."""
        return replace(self.member, children=tuple(child if c == self.child else c for c in self.member.children))


def _all(member: Member) -> Iterator[Member]:
    yield member
    for child in member.children:
        yield from _all(child.member)
