"""The ledger under change: what a step enters into it and asks of the host; a Ledger in, the next and effects out.

It knows calls, timers, tasks and the compensation log, and nothing of what a flow decides.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Generic

from .core import (
    ArmTimer,
    Call,
    CancelTimer,
    CloseTask,
    Effect,
    Entry,
    EscalateTask,
    Ledger,
    OpenTask,
    Outcome,
    StartActivity,
    Undoing,
    Work,
)
from .rules import E, NewCall, NewTask
from .spec import ActivityKind, FlowSpec


class Books(Generic[E]):
    """`escalations`: of a timer the task, and the role it adds."""

    def __init__(self, ledger: Ledger[E], spec: FlowSpec, escalations: Mapping[str, tuple[str, str]]) -> None:
        self.spec = spec
        self.escalations = escalations
        self.effects: list[Effect] = []
        self.started: datetime = ledger.started
        self.counter: int = ledger.counter
        self.log: tuple[Entry, ...] = ledger.log
        self.calls: tuple[Call, ...] = ledger.calls
        self.tasks: tuple[Work, ...] = ledger.tasks
        self.timers: tuple[ArmTimer, ...] = ledger.timers
        self.deferred: tuple[E, ...] = ledger.deferred
        self.undoing: Undoing | None = ledger.undoing
        self.marks: tuple[tuple[str, int], ...] = ledger.marks
        self.actors: tuple[tuple[str, str], ...] = ledger.actors
        self.completed: tuple[str, ...] = ledger.completed
        self.history: tuple[tuple[str, tuple[str, ...]], ...] = ledger.history
        self.moments: tuple[tuple[str, datetime], ...] = ledger.moments

    def closed(self) -> Ledger[E]:
        """The ledger as it stands now."""
        return Ledger(
            started=self.started,
            counter=self.counter,
            log=self.log,
            calls=self.calls,
            tasks=self.tasks,
            timers=self.timers,
            deferred=self.deferred,
            undoing=self.undoing,
            marks=self.marks,
            actors=self.actors,
            completed=self.completed,
            history=self.history,
            moments=self.moments,
        )

    def serial(self) -> int:
        self.counter += 1
        return self.counter

    def call(self, new: NewCall, leaf: str) -> None:
        entry = Entry(self.serial(), new.activity, new.args)
        self.calls = (*self.calls, Call(entry.key, new.activity, new.args, leaf))
        if self.spec.activities[new.activity].kind is not ActivityKind.READONLY:
            self.log = (*self.log, entry)
        self.effects.append(StartActivity(entry.key, new.activity, new.args))

    def arm(self, armed: ArmTimer) -> None:
        self.timers = (*self.timers, armed)
        self.effects.append(armed)

    def disarm(self, armed: ArmTimer) -> None:
        self.timers = tuple(other for other in self.timers if other is not armed)

    def cancel(self, armed: ArmTimer) -> None:
        self.disarm(armed)
        self.effects.append(CancelTimer(armed.timer))

    def open(self, new: NewTask) -> None:
        key = f"{new.task}#{self.serial()}"
        actors = dict(self.actors)
        excluded = tuple(dict.fromkeys(actors[name] for name in new.excluded if actors.get(name)))
        self.tasks = (*self.tasks, Work(key, new.task, new.roles, excluded))
        self.effects.append(OpenTask(key, new.task, new.roles, new.title, new.due, excluded))

    def escalate(self, task: str, role: str) -> None:
        work = next(work for work in self.tasks if work.task == task)
        wider = work._replace(roles=tuple(dict.fromkeys((*work.roles, role))))
        self.tasks = tuple(wider if other is work else other for other in self.tasks)
        self.effects.append(EscalateTask(work.key, role))

    def close(self, work: Work) -> None:
        self.tasks = tuple(other for other in self.tasks if other is not work)
        self.effects.append(CloseTask(work.key))
        for armed in self.timers:
            if self.escalations.get(armed.timer, ("", ""))[0] == work.task:
                self.cancel(armed)

    def settle(self, entry: Entry, outcome: Outcome) -> None:
        """What an outcome says about the call's entry, which is not in flight any more."""
        if outcome.kind in self.spec.activities[entry.activity].errors:
            self.log = tuple(other for other in self.log if other is not entry)
            return
        settled = entry._replace(done=outcome.kind == "done", in_flight=False, result=outcome.value)
        self.log = tuple(settled if other is entry else other for other in self.log)
