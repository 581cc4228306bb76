"""A member of a system in, its local states and what it does in each out: alone, and with the next message.

A local state is a key of its component, and the messages it has deferred. A step of it is one transaction: what was
deferred and has its turn is part of it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from ..checks.component import Alive, Component, Fall, Letter
from ..checks.joint import NOT_STARTED, Events


@dataclass(frozen=True, slots=True)
class Local:
    """`key` NOT_STARTED: it has not begun. midway: within a step, where something from outside has its turn."""

    key: int
    deferred: Events = ()
    midway: bool = False


@dataclass(frozen=True, slots=True)
class Turn:
    """A step: where it leads, and what it sends, in order."""

    to: Local
    sent: tuple[Letter, ...]


BEGIN = Local(NOT_STARTED)


class Locally:
    """One member. `rejects`: whether a message is, or may be, rejected in a local state."""

    def __init__(self, component: Component) -> None:
        self.component = component
        self._turns: dict[tuple[Local, str], tuple[Turn, ...]] = {}
        self.rejected: dict[str, dict[Local, None]] = {}

    def finished(self, local: Local) -> bool:
        return local.key != NOT_STARTED and self.component.control(local.key).finished

    def alive(self, local: Local) -> bool:
        """Whether something is sure to happen without a message."""
        return local.key == NOT_STARTED or local.midway or self.component.alive(local.key) is Alive.SURELY

    def turns(self, local: Local, event: str = "") -> tuple[Turn, ...]:
        """Its steps: with a message, or without one."""
        if (local, event) not in self._turns:
            found = self._hearing(local, event) if event else self._alone(local)
            self._turns[local, event] = tuple(dict.fromkeys(found))
        return self._turns[local, event]

    def _alone(self, local: Local) -> Iterator[Turn]:
        component = self.component
        if local.key == NOT_STARTED:
            steps = tuple(component.starts)
        else:
            steps = component.waited(local.key) if local.midway else component.alone(local.key)
        for ahead in steps:
            yield from self._settled(Local(ahead.key, local.deferred), ahead.sent)

    def _hearing(self, local: Local, event: str) -> Iterator[Turn]:
        """A message is heard, ignored, deferred or rejected; not midway, before the start or after the end."""
        if local.key == NOT_STARTED or local.midway or self.finished(local):
            return
        for ahead in self.component.hearing(local.key, event):
            yield from self._settled(Local(ahead.key, local.deferred), ahead.sent)
        falls = self.component.falls(local.key, event)
        full = local.deferred.count(event) >= self.component.kernel.event[event].most
        if falls is Fall.DEFERRED and not full:
            yield Turn(Local(local.key, (*local.deferred, event)), ())
        elif falls is not None:
            if falls is not Fall.IGNORED:
                self.rejected.setdefault(event, {})[local] = None
            yield Turn(local, ())

    def _settled(self, local: Local, sent: tuple[Letter, ...]) -> Iterator[Turn]:
        """The oldest deferred message that is taken or ignored now has its turn; then the next one."""
        component = self.component
        control = component.control(local.key)
        if local.deferred and control.resting and not control.finished and component.waited(local.key):
            yield Turn(replace(local, midway=True), sent)
        for place, event in enumerate(local.deferred if control.resting and not control.finished else ()):
            rest = local.deferred[:place] + local.deferred[place + 1 :]
            for ahead in component.hearing(local.key, event):
                yield from self._settled(Local(ahead.key, rest), (*sent, *ahead.sent))
            falls = component.falls(local.key, event)
            if falls is Fall.IGNORED:
                yield from self._settled(Local(local.key, rest), sent)
            if falls in {None, Fall.IGNORED}:
                return
        yield Turn(local, sent)
