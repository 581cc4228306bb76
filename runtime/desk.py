"""One instance in memory, and what it asks for: effects and what attempts came to in; the calls to make, and what is
left for others, out.

What a durable host writes down (`engine`, `steps`), this keeps in lists. Timers that are due fire, in due order, before
anything else happens to the instance. No clock, no threads: whoever sits at the desk (`drive`) hands in `now`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Generic, NamedTuple, TypeVar, cast

from .attempts import Work, require_methods
from .core import ArmTimer, CancelTimer, Effect, Fired, InterruptActivity, Outcome, StartActivity, StartCompensation
from .core import Work as OpenWork
from .journal import AnyFlow, label
from .outbox import INTERRUPTED, Result, follow
from .spec import ActivitySpec, CompensationSpec
from .store import PendingCall

F = TypeVar("F")


class Checkpoint(NamedTuple, Generic[F]):
    """What to keep after a step, before anything of it is carried out: to go on from here, drive `record` with `open`.

    trigger: what the step took. effects: what followed from it. open: all effects that are still to be carried out,
    calls and interruptions, those of earlier steps too."""

    trigger: Outcome | Fired
    record: F
    effects: tuple[Effect, ...]
    open: tuple[Effect, ...]


class Parked(NamedTuple):
    """A call that has used up its attempts and waits for somebody. Hand its effect to `drive` again for a new round, or
    answer it with an `Outcome` of its key. error: what became of the last attempt."""

    effect: StartActivity | StartCompensation
    error: str


@dataclass(frozen=True, slots=True)
class Rest(Generic[F]):
    """Where an instance has come to, and what it waits for.

    told: the effects that are for others, in order: tasks that were opened and closed, messages, the end. timers: armed
    ones, each with the moment at which it is due. tasks: those that are open. events: the classes of the events there
    are transitions for. parked: calls that wait for an operator."""

    record: F
    told: tuple[Effect, ...]
    timers: tuple[ArmTimer, ...]
    tasks: tuple[OpenWork, ...]
    events: tuple[type[Any], ...]
    parked: tuple[Parked, ...]

    @property
    def due(self) -> datetime | None:
        """When the next timer falls due: drive it again then (with no effects, but those of parked calls)."""
        return min((timer.due for timer in self.timers), default=None)


Watch = Callable[[Checkpoint[Any]], object]


@dataclass(frozen=True, slots=True)
class Job:
    """A call to make: the effect that asks for it, and what to call."""

    call: PendingCall
    effect: StartActivity | StartCompensation
    work: Work


class Desk:
    """`activities` has the methods that the flow's spec names; keys begin with `id`."""

    def __init__(self, record: object, activities: object, id: str, now: datetime, watch: Watch | None) -> None:
        """Raises TypeError for a missing method, and for a flow that does flows, which needs a host."""
        self.record = cast(AnyFlow, record)
        self.spec = self.record.spec
        require_methods(self.spec, activities)
        done = [activity.flow for activity in self.spec.activities.values() if activity.flow]
        if done:
            raise TypeError(f"{self.spec.name} does the flow {done[0]}: only a host runs several instances")
        self.waiting: dict[str, Job] = {}
        self.running: dict[str, Job] = {}
        self._activities = activities
        self._id = id
        self._now = now
        self._watch = watch
        self._parked: dict[str, Parked] = {}
        self._told: list[Effect] = []
        self._interrupted: deque[str] = deque()

    # ------------------------------------------------------------ what is next

    def begin(self, now: datetime) -> list[Job]:
        """The calls whose time has come, in the order they were asked for; they count as running from here on."""
        found = [job for job in self.waiting.values() if job.call.due is not None and job.call.due <= now]
        return [self._begun(job) for job in found]

    def begin_one(self, now: datetime) -> Job | None:
        """The first of them."""
        due = (job for job in self.waiting.values() if job.call.due is not None and job.call.due <= now)
        job = next(due, None)
        return None if job is None else self._begun(job)

    def _begun(self, job: Job) -> Job:
        """The attempt is counted before it is made."""
        counted = replace(job, call=job.call._replace(attempts=job.call.attempts + 1))
        self.running[job.call.key] = counted
        del self.waiting[job.call.key]
        return counted

    def wake(self) -> datetime | None:
        """When there is something to do next; None: not before a call has answered, or something comes from outside."""
        if not self.waiting and not self.running:
            return None
        moments = [job.call.due for job in self.waiting.values() if job.call.due is not None]
        return min((*moments, *(timer.due for timer in self._timers())), default=None)

    def unwanted(self, job: Job) -> bool:
        """Whether the flow has interrupted a call that runs."""
        return self.running[job.call.key].call.interrupted

    def rest(self) -> Rest[Any]:
        kinds, ledger = self.spec.kinds, self.record.ledger
        events = tuple(kind for kind in self.record.accepted() if not kinds[kind].task)
        parked = tuple(self._parked.values())
        return Rest(self.record, tuple(self._told), ledger.timers, ledger.tasks, events, parked)

    # ------------------------------------------------------------ what has happened

    def take(self, effects: Iterable[Effect]) -> None:
        """Carry out what a step asks for; a call that is interrupted before it has begun is over."""
        self._note_down(effects)
        self._settle()

    def _note_down(self, effects: Iterable[Effect]) -> None:
        for effect in effects:
            match effect:
                case StartActivity(_, name):
                    self._ask(effect, name, self.spec.activities[name])
                case StartCompensation(_, name, forward=forward):
                    self._ask(effect, name, self.spec.compensations[name], forward)
                case InterruptActivity(key) if key in self.running:
                    job = self.running[key]
                    self.running[key] = replace(job, call=job.call._replace(interrupted=True))
                case InterruptActivity(key):
                    self.waiting.pop(key, None)
                    self._parked.pop(key, None)
                    self._interrupted.append(key)
                case ArmTimer() | CancelTimer():
                    pass  # the record has them
                case _:
                    self._told.append(effect)

    def _settle(self) -> None:
        """Tell the flow of the calls that were interrupted and never begun."""
        while self._interrupted:
            self._step(Outcome(self._interrupted.popleft(), INTERRUPTED))

    def fire(self, now: datetime) -> None:
        """Fire what is due. Time does not run backwards."""
        self._now = max(now, self._now)
        while due := [timer for timer in self._timers() if timer.due <= self._now]:
            self._step(Fired(min(due, key=lambda timer: timer.due).timer))

    def conclude(self, job: Job, result: Result, now: datetime) -> None:
        """An attempt has ended: its outcome goes to the flow, or the call waits for its next attempt, or is parked."""
        key = job.call.key
        answer = follow(self.running[key].call, result, job.work.spec.retry, max(now, self._now))
        if isinstance(answer, Outcome):
            self.fire(now)
            del self.running[key]
            self._step(answer)
            return
        del self.running[key]
        if answer.due is None:
            self._parked[key] = Parked(job.effect, answer.error)
        else:
            self.waiting[key] = replace(job, call=answer)
        self.fire(now)

    def _ask(
        self,
        effect: StartActivity | StartCompensation,
        name: str,
        spec: ActivitySpec | CompensationSpec,
        forward: str | None = None,
    ) -> None:
        call = PendingCall(self._id, label(type(self.record)), effect.key, name, "", forward, self._now)
        function = getattr(self._activities, spec.method)
        self.waiting[call.key] = Job(call, effect, Work(function, effect.args, call.idempotency_key, spec))

    def _step(self, trigger: Outcome | Fired) -> None:
        self.record, effects = self.record.step(trigger, now=self._now)
        self._note_down(effects)
        if self._watch is not None:
            self._watch(Checkpoint(trigger, self.record, effects, self._open()))
        self._settle()

    def _open(self) -> tuple[Effect, ...]:
        """What is still to be carried out."""
        unwanted = [*self._interrupted, *(key for key, job in self.running.items() if job.call.interrupted)]
        jobs = [job for job in self.running.values() if not job.call.interrupted] + [*self.waiting.values()]
        calls = [*(job.effect for job in jobs), *(parked.effect for parked in self._parked.values())]
        return (*map(InterruptActivity, unwanted), *calls)

    def _timers(self) -> tuple[ArmTimer, ...]:
        """Those that may fire: none while it compensates."""
        return () if self.record.compensating else self.record.ledger.timers
