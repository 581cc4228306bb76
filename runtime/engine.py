"""What a durable host decides, over the protocols of `store`: requests of people and results of attempts in, steps and
calls out. No clock, no threads, no SQL: the host hands in `now` and the transaction.

An instance's overdue timers fire, in due order, before an event or an outcome is handled, so that a worker that was
down does not change their order. What cannot be handled because the flow's code fails is parked: nothing is dropped,
and the other instances go on.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from .claims import Claims
from .codec import LATEST, written
from .core import NOBODY, Actor, Delegation, Outcome, Rejected
from .errors import Conflict, StoreError
from .families import Families
from .journal import AnyFlow
from .logs import about, of_call
from .mailbox import Mailbox
from .operators import Operators
from .outbox import FAILED, INTERRUPTED, Result, follow, told
from .schedules import Schedule
from .spec import ActivitySpec, CompensationSpec, FlowSpec
from .steps import BATCH
from .store import Attempt, Ended, EntryKind, Instance, JournalEntry, PendingCall, Refused, Status, Tick, Transaction

LOG = logging.getLogger("penstock")

LOST = Result(FAILED, error="its worker was lost")


LONG = timedelta(hours=1)
"""No worker leases its calls for longer, but for one whose own lease is longer."""


def pause(spec: ActivitySpec | CompensationSpec) -> timedelta:
    """The longest a call waits at a time, whatever it waits for."""
    waits = [spec.timeout, spec.retry.limit]
    if isinstance(spec, ActivitySpec) and spec.breaker is not None:
        waits.append(spec.breaker.cool)
    if isinstance(spec, ActivitySpec) and spec.limit is not None:
        waits.append(spec.limit.per)
    return max(waits)


@dataclass(frozen=True, slots=True)
class Round:
    """How long a worker may sleep: until `next` (None: nothing is due ever), or not at all when there is `more`. What
    it has to do is in the transaction's news."""

    next: datetime | None
    more: bool


class Engine:
    """The decisions for a set of flows, by label (`Order/1`)."""

    def __init__(self, flows: Mapping[str, type[AnyFlow]]) -> None:
        self._labels = tuple(flows)
        specs = [flow.spec for flow in flows.values()]
        activities = [pause(each) for spec in specs for each in spec.activities.values()]
        compensations = [pause(each) for spec in specs for each in spec.compensations.values()]
        self._pause = max((*activities, *compensations), default=timedelta(0))
        self._steps = Families(flows)
        self.mailbox = Mailbox(self._steps, self._labels)
        self.operators = Operators(self._steps)

    def employ(self, claims: Claims) -> None:
        """From now on steps claim the calls they make for a worker."""
        self._steps.claims = claims

    # ------------------------------------------------------------ from people and programs

    def start(self, tx: Transaction, label: str, id: str, inputs: object, by: Actor, now: datetime) -> JournalEntry:
        """A new instance; the same again for the same id and inputs. Raises Conflict, Rejected."""
        flow = self._steps.flow(label)
        try:
            step = flow.begin(inputs, by=by, now=now)
        except Rejected as rejected:
            tx.report(Refused(id, label, rejected.reason))
            raise
        if (old := tx.instance(id)) is not None:
            first = tx.entry(id, 1)
            if first is None or (old.flow, first.trigger) != (
                label,
                written(flow.spec.inputs.encode(step[0].inputs)),
            ):
                raise Conflict(f"instance {id!r} was started before, with another flow or other inputs")
            return first
        return self._steps.begin(tx, label, id, step, by, now)

    def deliver(
        self,
        tx: Transaction,
        id: str,
        trigger: object,
        by: Actor,
        now: datetime,
        request: str | None = None,
        reason: str = "",
    ) -> JournalEntry:
        """An event or a task's completion. Raises Unknown, Conflict (the request id was used for something else),
        Rejected and Fault, with nothing changed."""
        spec = self._steps.flow(self._steps.instance(tx, id).flow).spec
        if request is not None and (earlier := tx.requested(id, request)) is not None:
            if earlier.trigger != spec.trigger_text(trigger):
                raise Conflict(f"request {request!r} was used before, for something else")
            return earlier
        self._steps.fire_overdue(tx, id, now)
        return self._steps.acknowledge(tx, id, trigger, by, now, note=reason, request=request)

    def delegate(
        self, tx: Transaction, id: str, delegation: Delegation, reason: str, by: Actor, now: datetime
    ) -> JournalEntry:
        """Hand an open task on. Raises Unknown, Rejected."""
        self._steps.fire_overdue(tx, id, now)
        return self._steps.acknowledge(tx, id, delegation, by, now, note=reason)

    # ------------------------------------------------------------ from the worker

    def round(self, tx: Transaction, claims: Claims, now: datetime) -> Round:
        """Keep the lease, take over what was lost, fire due timers, deliver letters, claim due calls: as many as the
        worker has hands for."""
        self._rewind(tx, claims.lease, now)
        claims.renew(tx, now)
        for call in tx.lost_calls(self._labels, now):
            if call.owner != claims.worker or not claims.has(call, tx.news):
                self._after(tx, call, LOST, now)
        for call in claims.lost(tx):
            self._after(tx, call, LOST, now)
        tx.end_leases(now)
        timers = tx.due_timers(self._labels, now, BATCH)
        for timer in timers:
            self._steps.fire(tx, timer, now)
        for tick in tx.due_ticks(self._labels, now):
            self._tick(tx, tick, now)
        letters = self.mailbox.deliver(tx, now)
        most = min(claims.free(tx.news), BATCH)
        due = tx.due_calls(self._labels, now, most) if most > 0 else ()
        for call in due:
            if self._sub_flow(call):
                self._steps.relay(tx, call, now)
            elif claims.free(tx.news) > 0 and self._admitted(tx, call, now):
                claims.claim(tx, call, now)
        tx.news.unwanted += (call for call in tx.owned_calls(claims.worker) if call.interrupted)
        free = claims.free(tx.news) > 0
        claims.crowded = not free
        more = letters or len(timers) == BATCH or (free and len(due) == BATCH)
        return Round(tx.next_due(self._labels, free), more)

    def _rewind(self, tx: Transaction, lease: timedelta, now: datetime) -> None:
        """After the clock was put back, nothing waits longer than it would have: no call, no lease of a lost worker."""
        for call in tx.calls_after(self._labels, now + self._pause):
            tx.put_call(call._replace(due=now))
        tx.shorten_leases(now + max(lease, LONG), now + lease)

    def conclude(self, tx: Transaction, call: PendingCall, result: Result, now: datetime) -> bool:
        """Record what an attempt came to. False: it was no longer this worker's, and counts for nothing."""
        tx.news.released.append(call)
        current = tx.call(call.instance, call.key)
        if current is None or (current.owner, current.attempts) != (call.owner, call.attempts):
            return False
        spec = self._gated(current)
        if spec is not None and result.kind != INTERRUPTED:
            gate = tx.gate(current.flow, current.name)
            tx.put_gate(current.flow, current.name, gate.left(spec.breaker, not result.definite, now))
        self._after(tx, current, result, now)
        return True

    def leave(self, tx: Transaction, worker: str, now: datetime) -> None:
        """The worker stops: give back its calls. The attempts it broke off do not count against them."""
        stopped = Result(INTERRUPTED, error="its worker stopped")
        for call in tx.owned_calls(worker):
            if call.interrupted:
                self._after(tx, call, stopped, now)
            else:
                tx.put_call(call._replace(owner=None, began=None, due=now, forgiven=call.forgiven + 1))
                attempt = self._ended(tx, call, stopped, now)
                self._steps.remark(tx, call.instance, EntryKind.ATTEMPT, call.key, NOBODY, now, attempt=attempt)
        tx.end_lease(worker)

    def spec_of(self, call: PendingCall) -> ActivitySpec | CompensationSpec:
        return self._steps.spec_of(call)

    def _sub_flow(self, call: PendingCall) -> bool:
        activity = self._steps.flow(call.flow).spec.activities.get(call.name)
        return activity is not None and bool(activity.flow)

    def args_of(self, call: PendingCall) -> tuple[object, ...]:
        return self.spec_of(call).params.decode(json.loads(call.args))

    def _admitted(self, tx: Transaction, call: PendingCall, now: datetime) -> bool:
        """Whether a breaker and a limit let the attempt begin; if not, it is due when they may."""
        spec = self._gated(call)
        if spec is None:
            return True
        gate = tx.gate(call.flow, call.name).rewound(pause(spec), now)
        opens = gate.admits(spec.breaker, spec.limit, now)
        if opens > now:
            tx.put_gate(call.flow, call.name, gate)
            tx.put_call(call._replace(due=opens))
            return False
        tx.put_gate(call.flow, call.name, gate.entered(spec.limit, spec.timeout, now))
        return True

    def _gated(self, call: PendingCall) -> ActivitySpec | None:
        """The activity of a call, if it has a breaker or a limit."""
        spec = self._steps.flow(call.flow).spec.activities.get(call.name) if call.forward is None else None
        return spec if spec is not None and spec.gated else None

    # ------------------------------------------------------------ schedules

    def scheduled(self, tx: Transaction, now: datetime) -> bool:
        """Whether the store keeps the schedules of the flows as they are."""
        wanted = self._schedules()
        return not self._gone(tx, wanted) and not self._unkept(tx, wanted, now)

    def schedule(self, tx: Transaction, now: datetime) -> None:
        """Begin to keep the schedules of the newest version of each flow, and no longer those that are gone."""
        wanted = self._schedules()
        for flow, text in self._gone(tx, wanted):
            tx.drop_tick(flow, text)
        for tick in self._unkept(tx, wanted, now):
            tx.put_tick(tick)

    def _unkept(self, tx: Transaction, wanted: Mapping[tuple[str, str], Schedule], now: datetime) -> list[Tick]:
        """The ticks that are missing, or too late since the clock was put back; what was started once is not again."""
        kept = {(tick.flow, tick.schedule): tick.due for tick in tx.ticks()}
        ticks = [Tick(*key, schedule.after(now)) for key, schedule in wanted.items()]
        return [tick for tick in ticks if kept.get((tick.flow, tick.schedule), LATEST) > tick.due]

    def _schedules(self) -> Mapping[tuple[str, str], Schedule]:
        """By label and text, those of the newest version of each flow."""
        newest: dict[str, FlowSpec] = {}
        for spec in (self._steps.flow(label).spec for label in self._labels):
            if spec.name not in newest or spec.version > newest[spec.name].version:
                newest[spec.name] = spec
        return {(f"{s.name}/{s.version}", each.text): each for s in newest.values() for each in s.schedules}

    def _gone(self, tx: Transaction, wanted: Mapping[tuple[str, str], Schedule]) -> list[tuple[str, str]]:
        """What is kept for the flows of this host, and is theirs no longer."""
        names = {label.rpartition("/")[0] for label in self._labels}
        kept = ((tick.flow, tick.schedule) for tick in tx.ticks())
        return [key for key in kept if key[0].rpartition("/")[0] in names and key not in wanted]

    def _tick(self, tx: Transaction, tick: Tick, now: datetime) -> None:
        """Start the instance of a moment that has come; of several that were missed, the last one."""
        schedules = [s for s in self._steps.flow(tick.flow).spec.schedules if s.text == tick.schedule]
        if not schedules:
            tx.drop_tick(tick.flow, tick.schedule)
            return
        due, next = tick.due, schedules[0].after(tick.due)
        while next <= now:
            due, next = next, schedules[0].after(next)
        tx.put_tick(Tick(tick.flow, tick.schedule, next))
        id = f"{tick.flow.rpartition('/')[0]} {tick.schedule} {due:%Y-%m-%dT%H:%MZ}"
        try:
            with tx.savepoint():
                self.start(tx, tick.flow, id, schedules[0].inputs, NOBODY, now)
        except StoreError:
            raise
        except Exception:  # the flow's own fault, or an id that somebody else has taken: the next moment still comes
            LOG.exception("the instance %r of a schedule cannot be started", id, extra=about(id, tick.flow))

    def _ended(self, tx: Transaction, call: PendingCall, result: Result, now: datetime) -> Attempt:
        """Tell of an attempt that is over; the journal tells of it with what it leads to."""
        text = f"{result.kind}: {result.error}" if result.error else result.kind
        tx.report(Ended(call, result.kind, result.error, now))
        return Attempt(call.instance, call.key, call.attempts, call.owner or "", call.began or now, now, text)

    def _after(self, tx: Transaction, call: PendingCall, result: Result, now: datetime) -> None:
        """An attempt has ended: hand its outcome to the flow, or wait for the next one, or park."""
        attempt = self._ended(tx, call, result, now)
        try:
            with tx.savepoint():
                answer = follow(call, result, self.spec_of(call).retry, now)
                if isinstance(answer, Outcome):
                    self._steps.fire_overdue(tx, call.instance, now)
                    tx.drop_call(call.instance, call.key)
                    self._steps.react(tx, call.instance, answer, now, attempt)
                    return
        except StoreError:
            raise
        except Exception as error:  # the flow's own fault: an operator must look, nothing is dropped
            fields = of_call(call).fields()
            LOG.exception("instance %s cannot take what became of %s", call.instance, call.key, extra=fields)
            answer = call._replace(owner=None, began=None, due=None, error=f"{result.kind}, but {told(error)}")
        tx.put_call(answer)
        kind, note = (EntryKind.PARKED, answer.error) if answer.due is None else (EntryKind.ATTEMPT, "")
        self._steps.remark(tx, call.instance, kind, call.key, NOBODY, now, note, attempt)

    # ------------------------------------------------------------ questions

    def record(self, instance: Instance) -> AnyFlow:
        """Raises Unknown for a flow that this host does not run."""
        return self._steps.record(instance)

    def instance(self, tx: Transaction, id: str) -> Instance:
        """Raises Unknown."""
        return self._steps.instance(tx, id)

    def rests(self, tx: Transaction, id: str, now: datetime) -> bool:
        """Whether nothing of the instance runs, waits for its next attempt, or is due."""
        awake = self._steps.instance(tx, id).status is not Status.COMPENSATING
        if any(call.due is not None for call in tx.calls(id)):
            return False
        if awake and any(timer.due <= now for timer in tx.timers(id)):
            return False
        return not tx.waiting(id) and all(self.rests(tx, child.instance, now) for child in tx.children(id))

    def idle(self, tx: Transaction, now: datetime) -> bool:
        """Whether nothing runs and nothing is due."""
        next = tx.next_due(self._labels, calls=True)
        return not tx.running() and self.mailbox.empty(tx) and (next is None or next > now)
