"""How often calls are tried, by enumeration: every step of a flow in; F203, F205 and F206 out.

F203 is about how long the timers are that are armed where a call begins, not about how long ago they were: as the text
has them. F206 about what a flow that does itself is given, in every step that begins another one.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from penstock.compiler.evaluate import Scope, evaluate
from penstock.compiler.instance import Call, Instance
from penstock.compiler.kernel import Kernel, On, Stay, TriggerKind
from penstock.dsl.model import Activity, ActivityCall, Compensation, IntType, Now, Ref, Retry, Type
from penstock.dsl.walk import nodes


def spent(timeout: timedelta, retry: Retry) -> timedelta:
    """All attempts, and the waits between them, as the host makes them."""
    assert retry.attempts is not None, "it ends"
    total = timeout * retry.attempts
    for repeat in range(retry.attempts - 1):
        total += min(retry.first * 2**repeat, retry.limit)
    return total


@dataclass
class Begun:
    """The calls that the steps looked at have begun."""

    kernel: Kernel
    room: dict[str, bool] = field(default_factory=dict[str, bool])  # of each leaf: whether all attempts ever fit
    down: list[frozenset[str]] = field(default_factory=list[frozenset[str]])  # the inputs that are smaller each time

    def note(self, before: Instance | None, after: Instance) -> None:
        known = set[str]() if before is None else {call.key for call in before.calls}
        for call in after.calls:
            if call.key not in known:
                self.begun(call, after)

    def begun(self, call: Call, at: Instance) -> None:
        kernel = self.kernel
        self.room[call.leaf] = self.room.get(call.leaf, False) or self.fits(call, at)
        if call.leaf in kernel.recursive:
            given = zip(kernel.inputs, call.args, at.values, strict=False)
            numbers = ((each.name, arg, own) for each, arg, own in given if measures(each.type))
            pairs = ((name, arg, own) for name, arg, own in numbers if isinstance(arg, int) and isinstance(own, int))
            smaller = (name for name, arg, own in pairs if arg < own)
            self.down.append(frozenset(smaller))

    def fits(self, call: Call, at: Instance) -> bool:
        """Whether no timer that ends the wait, and is armed, is shorter than all attempts take."""
        activity = self.kernel.activity[call.activity]
        if not counted(activity):
            return True
        longest, armed = spent(activity.timeout, activity.retry), {each.timer for each in at.timers}
        return all(length >= longest for timer, length in self.ending(call.leaf) if timer in armed)

    def ending(self, leaf: str) -> Iterator[tuple[str, timedelta]]:
        """The timers of a leaf, and of what is around it, that leave it after a time that is no datum."""
        for name in self.kernel.above(leaf):
            for timer in self.kernel.place[name].timers:
                answers = self.kernel.answering.get((name, On(TriggerKind.TIMER, timer.id)), ())
                leads = any(not isinstance(command.target, Stay) for command in answers)
                if leads and timer.after is not None and not any(isinstance(p, Ref | Now) for p in nodes(timer.after)):
                    length = evaluate(timer.after, Scope({}, datetime.min.replace(tzinfo=UTC)))
                    assert isinstance(length, timedelta), "it is well typed"
                    yield timer.id, length

    def refuted(self, entered: set[str]) -> Iterator[tuple[str, int]]:
        """The codes, and the places they are about. entered: the places that a run enters."""
        for leaf in self.kernel.leaves:
            if not self.room.get(leaf.name, True):
                yield "F203", leaf.span.start
            if leaf.name in entered and leaf.call is not None and self.endless(leaf.call):
                yield "F205", leaf.span.start
        if not all(self.down):
            yield "F206", self.kernel.span.start

    def endless(self, call: ActivityCall) -> bool:
        activity = self.kernel.activity[call.activity]
        undone = isinstance(activity.effect, Compensation) and activity.effect.retry.attempts is None
        return activity.retry.attempts is None or undone

    @property
    def turns(self) -> bool:
        """Whether some input is smaller each time, but not always the same one: then nobody can tell here."""
        always = set(self.down[0]).intersection(*self.down) if self.down else set[str]()
        return bool(self.down) and all(self.down) and not always


def measures(type: Type) -> bool:
    """Whether no value can become smaller for ever."""
    return isinstance(type, IntType) and type.low is not None


def counted(activity: Activity) -> bool:
    """Whether the text tells how long all attempts take: it gives up, and waits for nobody else."""
    waits = activity.flow or activity.breaker is not None or activity.limit is not None
    return not waits and activity.retry.attempts is not None
