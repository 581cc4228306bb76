"""One step of an instance, as it is written down: a trigger in; journal row, snapshot, calls, timers and tasks out.

The step is the core's; everything here is bookkeeping around it. `now` is the clock's and may have been put back; the
time of an instance never runs backwards.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime, timedelta

from .claims import Claims
from .codec import written
from .core import (
    NOBODY,
    Actor,
    ArmTimer,
    CancelTimer,
    CloseTask,
    DelegateTask,
    Effect,
    EmitEvent,
    EscalateTask,
    Fired,
    InterruptActivity,
    OpenTask,
    Outcome,
    Rejected,
    RemindTask,
    SendEvent,
    StartActivity,
    StartCompensation,
    Step,
    Withdraw,
)
from .errors import StoreError, Unfit, Unknown
from .journal import AnyFlow, actor_text, after_step
from .letters import CAPACITY, Letter, Message
from .logs import about
from .outbox import INTERRUPTED
from .spec import ActivitySpec, CompensationSpec, FlowSpec
from .store import (
    NO_EFFECTS,
    Attempt,
    EntryKind,
    Instance,
    JournalEntry,
    PendingCall,
    Refused,
    Status,
    Stepped,
    TaskItem,
    Timer,
    Transaction,
)

LOG = logging.getLogger("penstock")

BATCH = 100
"""What one transaction handles of a kind, so that a long backlog does not keep others waiting."""

REMEMBERED = 1000
"""Of so many instances that are under way the record is kept in memory, beside its snapshot."""

CALLING = StartActivity, InterruptActivity, StartCompensation

FAULTY = timedelta(minutes=1)
"""When a timer whose step failed (a fault of the flow's code) is tried again."""


class Steps:
    """Steps of a set of flows, by label (`Order/1`)."""

    def __init__(self, flows: Mapping[str, type[AnyFlow]]) -> None:
        self._flows = flows
        self.claims: Claims | None = None  # of the worker of this process, if it has one
        self._known: dict[str, tuple[str, AnyFlow]] = {}

    # ------------------------------------------------------------ look-ups

    def flow(self, label: str) -> type[AnyFlow]:
        """Raises Unknown for a flow that this host does not run."""
        if label not in self._flows:
            raise Unknown(f"this host does not run {label}")
        return self._flows[label]

    def instance(self, tx: Transaction, id: str) -> Instance:
        """Raises Unknown."""
        instance = tx.instance(id)
        if instance is None:
            raise Unknown(f"there is no instance {id!r}")
        return instance

    def record(self, instance: Instance) -> AnyFlow:
        """Raises Unknown for a flow that this host does not run, and Unfit."""
        flow = self.flow(instance.flow)
        known = self._known.get(instance.id)
        if known is not None and known[0] == instance.snapshot:
            return known[1]
        try:
            return flow.from_json(json.loads(instance.snapshot))
        except ValueError as damage:
            raise Unfit(f"instance {instance.id!r} is not as it was written: {damage}") from damage

    def _remember(self, id: str, snapshot: str, record: AnyFlow) -> None:
        """What a snapshot says, lest it be read again for the next step; a few of them, the latest."""
        self._known.pop(id, None)
        if not record.finished:
            self._known[id] = snapshot, record
            if len(self._known) > REMEMBERED:
                del self._known[next(iter(self._known))]

    def spec_of(self, call: PendingCall) -> ActivitySpec | CompensationSpec:
        spec = self.flow(call.flow).spec
        return spec.activities[call.name] if call.forward is None else spec.compensations[call.name]

    # ------------------------------------------------------------ steps

    def begin(
        self, tx: Transaction, label: str, id: str, step: Step[AnyFlow], by: Actor, now: datetime
    ) -> JournalEntry:
        """Write down the first step of a new instance."""
        trigger = written(self.flow(label).spec.inputs.encode(step[0].inputs))
        entry = JournalEntry(id, 1, now, EntryKind.START, actor_text(by), trigger)
        return self._apply(tx, Instance(id, label, 0, now, Status.RUNNING, (), ""), entry, step, now)

    def acknowledge(
        self,
        tx: Transaction,
        id: str,
        trigger: object,
        by: Actor,
        now: datetime,
        note: str = "",
        request: str | None = None,
        kind: EntryKind = EntryKind.STEP,
    ) -> JournalEntry:
        """A step that is confirmed to somebody, so it has a row even if it changed nothing. Raises Rejected, Fault."""
        instance, entry, _, step = self._tried(tx, id, trigger, by, now)
        return self._apply(tx, instance, entry._replace(kind=kind, note=note, request=request), step, now)

    def react(
        self,
        tx: Transaction,
        id: str,
        trigger: Outcome | Fired | Withdraw,
        now: datetime,
        attempt: Attempt | None = None,
    ) -> None:
        """A step that nobody waits for. One that changed nothing, since its trigger was stale, leaves no trace but
        that of the attempt that brought it."""
        instance, entry, before, step = self._tried(tx, id, trigger, NOBODY, now, attempt)
        record, effects = step
        if effects or record != before:
            self._apply(tx, instance, entry, step, now)
        elif attempt is not None:
            self.remark(tx, id, EntryKind.ATTEMPT, attempt.key, NOBODY, now, attempt=attempt)

    def remark(
        self,
        tx: Transaction,
        id: str,
        kind: EntryKind,
        key: str,
        by: Actor,
        now: datetime,
        note: str = "",
        attempt: Attempt | None = None,
    ) -> JournalEntry:
        """A row about a call or a letter, which leaves the record as it is."""
        instance = self.instance(tx, id)
        sequence, at = instance.sequence + 1, max(now, instance.at)
        left = instance.status, instance.configuration
        entry = JournalEntry(
            id, sequence, at, kind, actor_text(by), written(key), note, None, NO_EFFECTS, *left, attempt
        )
        tx.put_instance(instance._replace(sequence=sequence, at=at))
        tx.append(entry)
        tx.report(Stepped(entry, instance.flow, instance.at))
        return entry

    def _tried(
        self, tx: Transaction, id: str, trigger: object, by: Actor, now: datetime, attempt: Attempt | None = None
    ) -> tuple[Instance, JournalEntry, AnyFlow, Step[AnyFlow]]:
        """What the core says to the trigger, with the instance and the record it was asked about."""
        instance = self.instance(tx, id)
        at = max(now, instance.at)
        before = self.record(instance)
        try:
            step = before.step(trigger, by=by, now=at)
        except Rejected as rejected:
            tx.report(Refused(id, instance.flow, rejected.reason))
            raise
        text = before.spec.trigger_text(trigger)
        entry = JournalEntry(id, instance.sequence + 1, at, EntryKind.STEP, actor_text(by), text, attempt=attempt)
        return instance, entry, before, step

    def _apply(
        self, tx: Transaction, old: Instance, entry: JournalEntry, step: Step[AnyFlow], now: datetime
    ) -> JournalEntry:
        """Write the step down, and carry out its effects: calls that were interrupted before they ran end at once."""
        spec = self.flow(old.flow).spec
        instance, full = after_step(spec, old, entry, step)
        tx.put_instance(instance)
        tx.append(full)
        tx.report(Stepped(full, old.flow, old.at if old.sequence else None))
        record, effects = step
        self._remember(instance.id, instance.snapshot, record)
        interrupted = [effect.key for effect in effects if isinstance(effect, InterruptActivity)]
        for effect in effects:
            self._note_down(tx, spec, instance, effect, interrupted, now)
        if spec.messages or spec.sends:
            self._send(tx, spec, instance, effects)
        for key in interrupted:
            if tx.call(instance.id, key) is None and not _sub_flow(spec, key):
                self.react(tx, instance.id, Outcome(key, INTERRUPTED), now)
        return full

    def _make(self, tx: Transaction, call: PendingCall, gated: bool, gone: Collection[str], now: datetime) -> None:
        """A call is claimed at once, but if a breaker or a limit has a say, or the step has interrupted it already."""
        if self.claims is None or gated or call.key in gone or not self.claims.at_once(tx.news):
            tx.put_call(call)
        else:
            self.claims.claim(tx, call, now)

    def _note_down(
        self, tx: Transaction, spec: FlowSpec, instance: Instance, effect: Effect, gone: Collection[str], now: datetime
    ) -> None:
        id, label = instance.id, instance.flow
        if spec.nests and isinstance(effect, CALLING) and _sub_flow(spec, effect.key):
            return
        match effect:
            case StartActivity(key, name):
                made = PendingCall(id, label, key, name, spec.args_text(effect), None, now)
                self._make(tx, made, spec.activities[name].gated, gone, now)
            case StartCompensation(key, name, _, forward):
                made = PendingCall(id, label, key, name, spec.args_text(effect), forward, now)
                self._make(tx, made, False, gone, now)
            case InterruptActivity(key):
                call = tx.call(id, key)
                if call is not None and call.owner is not None and not self._unclaimed(tx, call):
                    tx.put_call(call._replace(interrupted=True))  # its worker must break it off
                else:
                    tx.drop_call(id, key)
            case ArmTimer(timer, due):
                tx.put_timer(Timer(id, label, timer, due))
            case CancelTimer(timer):
                tx.drop_timer(id, timer)
            case OpenTask():
                form = tuple(name for name, _ in spec.events[effect.task].record.fields)
                tx.put_task(TaskItem(id, *effect, form=form))
            case EscalateTask(key, role):
                if (task := tx.task(id, key)) is not None:
                    tx.put_task(task._replace(roles=tuple(dict.fromkeys((*task.roles, role)))))
            case RemindTask(key):
                if (task := tx.task(id, key)) is not None:
                    tx.put_task(task._replace(reminders=task.reminders + 1))
                    LOG.info("%s: %s still waits (%s)", id, key, task.title, extra=about(id, label))
            case DelegateTask(key, to):
                if (task := tx.task(id, key)) is not None:
                    tx.put_task(task._replace(roles=(), persons=(to,)))
            case CloseTask(key):
                tx.drop_task(id, key)
            case _:
                pass  # Finish and DropEvent are told by the journal; of messages see `_send`

    def _unclaimed(self, tx: Transaction, call: PendingCall) -> bool:
        return self.claims is not None and self.claims.unclaim(tx, call)

    @staticmethod
    def _send(tx: Transaction, spec: FlowSpec, instance: Instance, effects: Iterable[Effect]) -> None:
        """Write down what a step emits and sends; `instance` is as it left it."""
        messages = [effect for effect in effects if isinstance(effect, EmitEvent | SendEvent)]
        for number, each in enumerate(messages):
            id = f"{instance.id}/{instance.sequence}/{number}"
            if isinstance(each, EmitEvent):
                payload = written(spec.messages[each.event].encode(each.payload))
                tx.put_message(Message(id, instance.id, instance.flow, each.event, payload, instance.at))
            else:
                payload = written(spec.sends[each.flow][each.event].encode(each.payload))
                full = tx.instance(each.to) is None and tx.waiting(each.to) >= CAPACITY
                what = each.flow, each.to, each.event, payload, instance.at, "full" if full else ""
                tx.put_letter(Letter(id, instance.id, *what))

    # ------------------------------------------------------------ timers

    def fire_overdue(self, tx: Transaction, id: str, now: datetime) -> None:
        """Fire what is due already, in due order, before anything else happens to the instance."""
        for _ in range(BATCH):
            due = next((timer for timer in tx.timers(id) if timer.due <= now), None)
            if due is None or self.instance(tx, id).status is Status.COMPENSATING:
                return
            self.fire(tx, due, now)

    def fire(self, tx: Transaction, timer: Timer, now: datetime) -> None:
        """Fire it unless an earlier one of this transaction cancelled it, or began to compensate (K6)."""
        awake = self.instance(tx, timer.instance).status is not Status.COMPENSATING
        if not awake or timer not in tx.timers(timer.instance):
            return
        try:
            with tx.savepoint():
                tx.drop_timer(timer.instance, timer.name)
                self.react(tx, timer.instance, Fired(timer.name), now)
        except StoreError:
            raise
        except Exception:  # the flow's own fault; its timer must not be lost, nor fire without a pause
            fields = about(timer.instance, timer.flow)
            LOG.exception("instance %s cannot take its timer %s", timer.instance, timer.name, extra=fields)
            tx.put_timer(timer._replace(due=now + FAULTY))


def _sub_flow(spec: FlowSpec, key: str) -> bool:
    """Whether the call is of a flow that another instance runs: `families` sees to it."""
    return spec.nests and bool(spec.activities[key.removesuffix("/undo").rpartition("#")[0]].flow)
