"""A host's desk: the effects and triggers of a run in; what is under way out, to be held against the record."""

from __future__ import annotations

from datetime import datetime

from ..core import (
    ArmTimer,
    CancelTimer,
    CloseTask,
    Effect,
    Finish,
    Fired,
    InterruptActivity,
    OpenTask,
    Outcome,
    StartActivity,
    StartCompensation,
)
from ..spec import ActivityKind
from .laws import AnyFlow


class Desk:
    """Calls, timers and tasks as a host knows them that has only ever seen effects."""

    def __init__(self) -> None:
        self.calls: set[str] = set()  # that run
        self.flying: set[str] = set()  # that were begun and have not answered, interrupted ones too
        self.undos: set[str] = set()
        self.timers: dict[str, datetime] = {}
        self.tasks: dict[str, str] = {}  # by key
        self.used: set[str] = set()
        self.finished = False

    def before(self, record: AnyFlow, trigger: object, now: datetime) -> None:
        """A trigger that will be taken: an answer is an answer once, and a fired timer is not armed any more."""
        if isinstance(trigger, Outcome):
            self.calls.discard(trigger.key)
            self.flying.discard(trigger.key)
            self.undos.discard(trigger.key)
        elif isinstance(trigger, Fired) and not record.compensating and self.timers.get(trigger.timer, now) <= now:
            self.timers.pop(trigger.timer, None)

    def take(self, effects: tuple[Effect, ...]) -> None:
        """Carry the effects out, in order. Raises AssertionError for one that cannot be."""
        for effect in effects:
            assert not self.finished, f"{effect!r} comes after the end"
            self._take(effect)

    def _take(self, effect: Effect) -> None:
        match effect:
            case StartActivity():
                self._fresh(effect.key)
                self.calls.add(effect.key)
                self.flying.add(effect.key)
            case StartCompensation():
                self._fresh(effect.key)
                assert effect.forward in self.used, f"{effect!r} undoes what was never begun"
                self.undos.add(effect.key)
            case InterruptActivity():
                assert effect.key in self.calls, f"{effect!r} interrupts what does not run"
                self.calls.remove(effect.key)
            case OpenTask():
                self._fresh(effect.key)
                assert effect.task not in self.tasks.values(), f"{effect!r} opens what is open"
                self.tasks[effect.key] = effect.task
            case CloseTask():
                assert effect.key in self.tasks, f"{effect!r} closes what is not open"
                del self.tasks[effect.key]
            case ArmTimer():
                self.timers[effect.timer] = effect.due
            case CancelTimer():
                assert effect.timer in self.timers, f"{effect!r} cancels what is not armed"
                del self.timers[effect.timer]
            case Finish():
                self.finished = True
            case _:
                pass

    def _fresh(self, key: str) -> None:
        assert key not in self.used, f"the key {key} is used a second time"
        self.used.add(key)

    def agrees(self, record: AnyFlow) -> None:
        """The record says the same of what is under way. Raises AssertionError."""
        ledger, kinds = record.ledger, record.spec.activities
        waiting = {call.key for call in ledger.calls if not call.answer}
        assert self.calls == waiting, f"{self.calls} run, by the effects; {waiting}, by the record"
        effectful = {key for key in self.flying if kinds[key.partition("#")[0]].kind is not ActivityKind.READONLY}
        flying = {entry.key for entry in ledger.log if entry.in_flight}
        assert flying <= effectful, f"{flying} wait to be settled, by the record; only {effectful} by the effects"
        armed = {timer.timer: timer.due for timer in ledger.timers}
        assert self.timers == armed, f"{self.timers} are armed, by the effects; {armed}, by the record"
        tasks = {work.key: work.task for work in ledger.tasks}
        assert self.tasks == tasks, f"{self.tasks} are open, by the effects; {tasks}, by the record"
        undos = set[str]() if ledger.undoing is None or ledger.undoing.running is None else {ledger.undoing.running}
        assert self.undos == undos, f"{self.undos} run to undo something, by the effects; {undos}, by the record"
        one = "effects" if self.finished else "record"
        assert self.finished == record.finished, f"it is finished, by the {one} only"
