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
    DelegateTask,
    Effect,
    Entry,
    EscalateTask,
    InterruptActivity,
    Ledger,
    OpenTask,
    Outcome,
    RemindTask,
    StartActivity,
    Undoing,
    Work,
)
from .rules import E, NewCall, NewCalls, NewTask, Reminder
from .spec import ActivityKind, FlowSpec


class Books(Generic[E]):
    """`escalations`: of a timer the task, and the role it adds; `reminders`: by timer."""

    def __init__(
        self,
        ledger: Ledger[E],
        spec: FlowSpec,
        escalations: Mapping[str, tuple[str, str]],
        reminders: Mapping[str, Reminder],
    ) -> None:
        self.spec = spec
        self.escalations = escalations
        self.reminders = reminders
        self.effects: list[Effect] = []
        self.started: datetime
        self.counter: int
        self.log: tuple[Entry, ...]
        self.calls: tuple[Call, ...]
        self.tasks: tuple[Work, ...]
        self.timers: tuple[ArmTimer, ...]
        self.deferred: tuple[E, ...]
        self.undoing: Undoing | None
        self.marks: tuple[tuple[str, int], ...]
        self.actors: tuple[tuple[str, str], ...]
        self.completed: tuple[str, ...]
        self.history: tuple[tuple[str, tuple[str, ...]], ...]
        self.moments: tuple[tuple[str, datetime], ...]
        (
            self.started,
            self.counter,
            self.log,
            self.calls,
            self.tasks,
            self.timers,
            self.deferred,
            self.undoing,
            self.marks,
            self.actors,
            self.completed,
            self.history,
            self.moments,
        ) = ledger
        self.vacant: tuple[str, ...] = ()  # leaves entered in this step that call for each item, of which there is none

    def closed(self) -> Ledger[E]:
        """The ledger as it stands now."""
        return Ledger(
            self.started,
            self.counter,
            self.log,
            self.calls,
            self.tasks,
            self.timers,
            self.deferred,
            self.undoing,
            self.marks,
            self.actors,
            self.completed,
            self.history,
            self.moments,
        )

    def serial(self) -> int:
        self.counter += 1
        return self.counter

    def call(self, new: NewCall | NewCalls, leaf: str) -> None:
        """The call of a leaf, or one for each item."""
        if isinstance(new, NewCall):
            self.begin_call(new.activity, new.args, leaf, None)
            return
        for number, args in enumerate(new.each):
            self.begin_call(new.activity, args, leaf, number)
        if not new.each:
            self.vacant = (*self.vacant, leaf)

    def begin_call(self, activity: str, args: tuple[object, ...], leaf: str, item: int | None) -> None:
        entry = Entry(self.serial(), activity, args)
        key = entry.key
        self.calls = (*self.calls, Call(key, activity, args, leaf, item))
        if self.spec.activities[activity].kind is not ActivityKind.READONLY:
            self.log = (*self.log, entry)
        self.effects.append(StartActivity(key, activity, args))

    def drop(self, call: Call) -> None:
        """Forget a call, and interrupt it if it runs."""
        self.calls = tuple(other for other in self.calls if other is not call)
        if not call.answer:
            self.effects.append(InterruptActivity(call.key))

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
        person = new.person or actors.get(new.doer, "")
        persons = (person,) if person else ()
        self.tasks = (*self.tasks, Work(key, new.task, new.roles, excluded, persons))
        self.effects.append(OpenTask(key, new.task, new.roles, new.title, new.due, excluded, persons))

    def escalate(self, task: str, role: str) -> None:
        work = self.work(task)
        self.change(work, work._replace(roles=tuple(dict.fromkeys((*work.roles, role)))))
        self.effects.append(EscalateTask(work.key, role))

    def remind(self, armed: ArmTimer, now: datetime) -> None:
        """Remind of an open task, and arm the timer for the next time, if there is one."""
        _, every, most = reminder = self.reminders[armed.timer]
        work = self.work(reminder.task)
        self.change(work, work._replace(reminders=work.reminders + 1))
        self.effects.append(RemindTask(work.key))
        if most is None or work.reminders + 1 < most:
            self.arm(ArmTimer(armed.timer, now + every))

    def delegate(self, work: Work, to: str) -> None:
        self.change(work, work._replace(roles=(), persons=(to,)))
        self.effects.append(DelegateTask(work.key, to))

    def work(self, task: str) -> Work:
        return next(work for work in self.tasks if work.task == task)

    def change(self, old: Work, new: Work) -> None:
        self.tasks = tuple(new if work is old else work for work in self.tasks)

    def close(self, work: Work) -> None:
        self.tasks = tuple(other for other in self.tasks if other is not work)
        self.effects.append(CloseTask(work.key))
        for armed in self.timers:
            about = self.escalations.get(armed.timer) or self.reminders.get(armed.timer)
            if about is not None and about[0] == work.task:
                self.cancel(armed)

    def settle(self, entry: Entry, outcome: Outcome) -> None:
        """What an outcome says about the call's entry, which is not in flight any more."""
        if outcome.kind in self.spec.activities[entry.activity].errors:
            self.log = tuple(other for other in self.log if other is not entry)
            return
        settled = Entry(entry.serial, entry.activity, entry.args, outcome.kind == "done", False, outcome.value)
        self.log = tuple(settled if other is entry else other for other in self.log)
