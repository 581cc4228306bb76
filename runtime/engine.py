"""What a durable host decides, over the protocols of `store`: a trigger in; in one transaction the step's journal row,
snapshot, calls, timers and tasks out. No clock, no threads, no SQL: the host hands in `now` and the transaction.

A step is the core's; everything here is bookkeeping around it. Triggers that are already due come first: before an
event or an outcome is handled, the instance's overdue timers fire, in due order, so that a worker that was down does
not change their order. `now` never runs backwards for an instance, whatever the machine's clock does.
"""

from __future__ import annotations

import json
import logging
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from .codec import Invalid
from .core import (
    NOBODY,
    Actor,
    ArmTimer,
    CancelTimer,
    CloseTask,
    Effect,
    EscalateTask,
    Fired,
    InterruptActivity,
    OpenTask,
    Outcome,
    StartActivity,
    StartCompensation,
    Step,
)
from .errors import Conflict, NotParked, StoreError, Unknown
from .journal import AnyFlow, actor_text, after_step, written
from .outbox import FAILED, INTERRUPTED, Result, follow
from .spec import ActivitySpec, CompensationSpec
from .store import (
    Attempt,
    EntryKind,
    Instance,
    JournalEntry,
    PendingCall,
    Status,
    TaskItem,
    Timer,
    Transaction,
)

LOG = logging.getLogger("penstock")

BATCH = 100
"""Timers and calls that one transaction handles, so that a long backlog does not keep others waiting."""

FAULTY = timedelta(minutes=1)
"""When a timer whose step failed (a fault of the flow's code) is tried again."""


@dataclass(frozen=True, slots=True)
class Round:
    """What a worker has to do next: calls it now owns, keys of its calls that are no longer wanted, and how long it may
    sleep: until `next` (None: nothing is due ever), or not at all when there is `more`."""

    claimed: tuple[PendingCall, ...]
    unwanted: frozenset[tuple[str, str]]
    next: datetime | None
    more: bool


class Engine:
    """The decisions for a set of flows, by label (`Order/1`)."""

    def __init__(self, flows: Mapping[str, type[AnyFlow]]) -> None:
        self.flows = flows
        self._labels = tuple(flows)

    # ------------------------------------------------------------ from outside

    def start(self, tx: Transaction, label: str, id: str, inputs: object, by: Actor, now: datetime) -> JournalEntry:
        """A new instance; the same again for the same id and inputs. Raises Conflict, Rejected."""
        flow = self._flow(label)
        step = flow.begin(inputs, by=by, now=now)
        trigger = written(flow.spec.inputs.encode(step.after.inputs))
        if (old := tx.instance(id)) is not None:
            first = tx.entry(id, 1)
            if first is None or (old.flow, first.trigger) != (label, trigger):
                raise Conflict(f"instance {id!r} was started before, with another flow or other inputs")
            return first
        blank = Instance(id, label, 0, now, Status.RUNNING, (), "")
        return self._apply(tx, blank, JournalEntry(id, 1, now, EntryKind.START, actor_text(by), trigger), step, now)

    def deliver(
        self, tx: Transaction, id: str, trigger: object, by: Actor, now: datetime, request: str | None = None
    ) -> JournalEntry:
        """An event or a task's completion. Raises Unknown, Conflict (the request id was used for something else),
        Rejected and Fault, with nothing changed."""
        instance = self._instance(tx, id)
        spec = self._flow(instance.flow).spec
        if request is not None and (earlier := tx.requested(id, request)) is not None:
            if earlier.trigger != written(spec.trigger_to_json(trigger)):
                raise Conflict(f"request {request!r} was used before, for something else")
            return earlier
        self._fire_overdue(tx, id, now)
        return self._step(tx, id, trigger, by, now, request=request)

    def retry(self, tx: Transaction, id: str, key: str, reason: str, by: Actor, now: datetime) -> JournalEntry:
        """Give a parked call a new round of attempts. Raises Unknown, NotParked."""
        call = self._parked(tx, id, key)
        tx.put_call(replace(call, due=now, forgiven=call.attempts))
        return self._remark(tx, id, EntryKind.RETRY, key, by, now, reason)

    def settle(self, tx: Transaction, id: str, outcome: Outcome, reason: str, by: Actor, now: datetime) -> JournalEntry:
        """Answer a parked call by hand. Raises Unknown, NotParked, Invalid for an outcome that it cannot have."""
        call = self._parked(tx, id, outcome.key)
        spec = self.spec_of(call)
        if isinstance(spec, CompensationSpec):
            if outcome[1:] != ("done", None):
                raise Invalid(f"{call.name} is a compensation: it can only be settled as done")
        elif outcome.kind not in spec.outcomes:
            raise Invalid(f"{call.name} is {' or '.join(spec.outcomes)}, not {outcome.kind}")
        elif outcome.kind == "done":
            outcome = outcome._replace(value=spec.result.check(outcome.value))
        tx.drop_call(id, outcome.key)
        return self._step(tx, id, outcome, by, now, note=reason)

    # ------------------------------------------------------------ from the worker

    def round(self, tx: Transaction, worker: str, lease: timedelta, capacity: int, busy: bool, now: datetime) -> Round:
        """Keep the lease, take over from workers that were lost, fire due timers, claim due calls."""
        if busy:
            tx.lease(worker, now + lease)
        else:
            tx.end_lease(worker)
        for lost in tx.expired(now):
            for call in tx.owned_calls(lost):
                self._after(tx, call, Result(FAILED, error="its worker was lost"), now)
            tx.end_lease(lost)
        timers = tx.due_timers(self._labels, now, BATCH)
        for timer in timers:
            self._fire(tx, timer, now)
        due = tx.due_calls(self._labels, now, min(capacity, BATCH))
        claimed = tuple(self._claim(tx, call, worker, now) for call in due)
        if claimed:
            tx.lease(worker, now + lease)
        unwanted = frozenset((call.instance, call.key) for call in tx.owned_calls(worker) if call.interrupted)
        more = len(timers) == BATCH or len(due) == BATCH < capacity
        return Round(claimed, unwanted, tx.next_due(self._labels, capacity > len(due)), more)

    def conclude(self, tx: Transaction, call: PendingCall, result: Result, now: datetime) -> bool:
        """Record what an attempt came to. False: it was no longer this worker's, and counts for nothing."""
        current = tx.call(call.instance, call.key)
        if current is None or (current.owner, current.attempts) != (call.owner, call.attempts):
            return False
        self._after(tx, current, result, now)
        return True

    def release(self, tx: Transaction, call: PendingCall, now: datetime) -> None:
        """Give back a call whose attempt its own worker broke off: that attempt does not count against it."""
        current = tx.call(call.instance, call.key)
        if current is not None and (current.owner, current.attempts) == (call.owner, call.attempts):
            tx.put_call(replace(current, owner=None, due=now, forgiven=current.forgiven + 1))
            self._ended(tx, current, Result(INTERRUPTED, error="its worker stopped"), now)

    def spec_of(self, call: PendingCall) -> ActivitySpec | CompensationSpec:
        spec = self._flow(call.flow).spec
        return spec.activities[call.name] if call.forward is None else spec.compensations[call.name]

    def args_of(self, call: PendingCall) -> tuple[object, ...]:
        return self.spec_of(call).params.decode(json.loads(call.args))

    def _claim(self, tx: Transaction, call: PendingCall, worker: str, now: datetime) -> PendingCall:
        claimed = replace(call, owner=worker, attempts=call.attempts + 1)
        tx.put_call(claimed)
        tx.begin_attempt(Attempt(call.instance, call.key, claimed.attempts, worker, now, None, ""))
        return claimed

    def _ended(self, tx: Transaction, call: PendingCall, result: Result, now: datetime) -> None:
        text = f"{result.kind}: {result.error}" if result.error else result.kind
        tx.end_attempt(call.instance, call.key, call.attempts, now, text)

    def _after(self, tx: Transaction, call: PendingCall, result: Result, now: datetime) -> None:
        """An attempt has ended: hand its outcome to the flow, or wait for the next one, or park."""
        self._ended(tx, call, result, now)
        answer = follow(call, result, self.spec_of(call).retry, now)
        if isinstance(answer, Outcome):
            try:
                with tx.savepoint():
                    self._fire_overdue(tx, call.instance, now)
                    tx.drop_call(call.instance, call.key)
                    self._react(tx, call.instance, answer, now)
                return
            except StoreError:
                raise
            except Exception as error:  # the flow's own fault: an operator must look, nothing is dropped
                LOG.exception("instance %s cannot take the outcome of %s", call.instance, call.key)
                answer = replace(
                    call, owner=None, due=None, error=f"{answer.kind}, but {type(error).__name__}: {error}"
                )
        tx.put_call(answer)
        if answer.due is None:
            self._remark(tx, call.instance, EntryKind.PARKED, call.key, NOBODY, now, answer.error)

    # ------------------------------------------------------------ timers

    def _fire_overdue(self, tx: Transaction, id: str, now: datetime) -> None:
        for _ in range(BATCH):
            due = next((timer for timer in tx.timers(id) if timer.due <= now), None)
            if due is None or self._instance(tx, id).status is Status.COMPENSATING:
                return
            self._fire(tx, due, now)

    def _fire(self, tx: Transaction, timer: Timer, now: datetime) -> None:
        """Fire it unless an earlier one of this transaction cancelled it, or began to compensate (K6)."""
        awake = self._instance(tx, timer.instance).status is not Status.COMPENSATING
        if not awake or timer not in tx.timers(timer.instance):
            return
        try:
            with tx.savepoint():
                tx.drop_timer(timer.instance, timer.name)
                self._react(tx, timer.instance, Fired(timer.name), now)
        except StoreError:
            raise
        except Exception:  # the flow's own fault; its timer must not be lost, nor fire without a pause
            LOG.exception("instance %s cannot take its timer %s", timer.instance, timer.name)
            tx.put_timer(replace(timer, due=now + FAULTY))

    # ------------------------------------------------------------ steps

    def _step(
        self,
        tx: Transaction,
        id: str,
        trigger: object,
        by: Actor,
        now: datetime,
        note: str = "",
        request: str | None = None,
    ) -> JournalEntry:
        """A step that is confirmed to somebody, so it has a row even if it changed nothing."""
        instance, entry, _, step = self._tried(tx, id, trigger, by, now)
        return self._apply(tx, instance, replace(entry, note=note, request=request), step, now)

    def _react(self, tx: Transaction, id: str, trigger: Outcome | Fired, now: datetime) -> None:
        """A step that nobody waits for. One that changed nothing, since its trigger was stale, leaves no trace."""
        instance, entry, before, step = self._tried(tx, id, trigger, NOBODY, now)
        if step.effects or step.after != before:
            self._apply(tx, instance, entry, step, now)

    def _tried(
        self, tx: Transaction, id: str, trigger: object, by: Actor, now: datetime
    ) -> tuple[Instance, JournalEntry, AnyFlow, Step[AnyFlow]]:
        """What the core says to the trigger, with the instance and the record it was asked about."""
        instance = self._instance(tx, id)
        at = max(now, instance.at)
        before = self.record(instance)
        step = before.step(trigger, by=by, now=at)
        text = written(before.spec.trigger_to_json(trigger))
        entry = JournalEntry(id, instance.sequence + 1, at, EntryKind.STEP, actor_text(by), text)
        return instance, entry, before, step

    def _apply(
        self, tx: Transaction, old: Instance, entry: JournalEntry, step: Step[AnyFlow], now: datetime
    ) -> JournalEntry:
        """Write the step down, with all that follows from it. `now` is the clock's, which may have been put back."""
        instance, full = after_step(self._flow(old.flow).spec, old, entry, step)
        tx.put_instance(instance)
        tx.append(full)
        self._carry_out(tx, instance, step, now)
        return full

    def _remark(
        self, tx: Transaction, id: str, kind: EntryKind, key: str, by: Actor, now: datetime, note: str
    ) -> JournalEntry:
        """A row about a call, which leaves the record as it is."""
        instance = self._instance(tx, id)
        sequence, at = instance.sequence + 1, max(now, instance.at)
        entry = JournalEntry(id, sequence, at, kind, actor_text(by), written(key), note)
        entry = replace(entry, status=instance.status, configuration=instance.configuration)
        tx.put_instance(replace(instance, sequence=sequence, at=at))
        tx.append(entry)
        return entry

    def _carry_out(self, tx: Transaction, instance: Instance, step: Step[AnyFlow], now: datetime) -> None:
        """Write down what the effects ask for; calls that were interrupted before they ran are settled at once."""
        settled = deque[Outcome]()
        for effect in step.effects:
            if isinstance(effect, InterruptActivity):
                call = tx.call(instance.id, effect.key)
                if call is not None and call.owner is not None:
                    tx.put_call(replace(call, interrupted=True))
                else:
                    tx.drop_call(instance.id, effect.key)
                    settled.append(Outcome(effect.key, INTERRUPTED))
            else:
                self._note_down(tx, instance, effect, now)
        for outcome in settled:
            self._react(tx, instance.id, outcome, now)

    def _note_down(self, tx: Transaction, instance: Instance, effect: Effect, now: datetime) -> None:
        id, label, spec = instance.id, instance.flow, self._flow(instance.flow).spec
        match effect:
            case StartActivity(key, name, args):
                text = written(spec.activities[name].params.encode(args))
                tx.put_call(PendingCall(id, label, key, name, text, None, now))
            case StartCompensation(key, name, args, forward):
                text = written(spec.compensations[name].params.encode(args))
                tx.put_call(PendingCall(id, label, key, name, text, forward, now))
            case ArmTimer(timer, due):
                tx.put_timer(Timer(id, label, timer, due))
            case CancelTimer(timer):
                tx.drop_timer(id, timer)
            case OpenTask():
                tx.put_task(TaskItem(id, *effect))
            case EscalateTask(key, role):
                if (task := tx.task(id, key)) is not None:
                    tx.put_task(replace(task, roles=tuple(dict.fromkeys((*task.roles, role)))))
            case CloseTask(key):
                tx.drop_task(id, key)
            case _:
                pass  # Finish and DropEvent are told by the journal

    # ------------------------------------------------------------ questions

    def record(self, instance: Instance) -> AnyFlow:
        """Raises Unknown for a flow that this host does not run."""
        return self._flow(instance.flow).from_json(json.loads(instance.snapshot))

    def rests(self, tx: Transaction, id: str, now: datetime) -> bool:
        """Whether nothing of the instance runs, waits for its next attempt, or is due."""
        instance = self._instance(tx, id)
        due = instance.status is Status.RUNNING and any(timer.due <= now for timer in tx.timers(id))
        return not due and all(call.due is None for call in tx.calls(id))

    def idle(self, tx: Transaction, now: datetime) -> bool:
        """Whether nothing runs and nothing is due."""
        next = tx.next_due(self._labels, calls=True)
        return not tx.running() and (next is None or next > now)

    # ------------------------------------------------------------ look-ups

    def _flow(self, label: str) -> type[AnyFlow]:
        if label not in self.flows:
            raise Unknown(f"this host does not run {label}")
        return self.flows[label]

    def _instance(self, tx: Transaction, id: str) -> Instance:
        instance = tx.instance(id)
        if instance is None:
            raise Unknown(f"there is no instance {id!r}")
        return instance

    def _parked(self, tx: Transaction, id: str, key: str) -> PendingCall:
        call = tx.call(id, key)
        if call is None:
            raise Unknown(f"instance {id!r} has no open call {key!r}")
        if call.due is not None:
            raise NotParked(f"{key!r} of instance {id!r} is not parked: it runs or waits for its next attempt")
        return call
