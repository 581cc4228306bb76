"""What operators do about calls and instances: an act with its reason in, its row of the journal out.

The core decides, as always. A call that no worker has, since it is parked or waits for its next attempt, is tried
again, answered by hand (`settle`) or given up (`skip`); an instance is withdrawn (`cancel`), as a parent withdraws a
sub-flow: everything that it has done is undone, newest first.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from .codec import Invalid, admitted
from .core import Actor, Outcome, Withdraw
from .errors import NotParked, TooLate, Unknown
from .journal import AnyFlow
from .outbox import DONE, FAILED
from .spec import ActivityKind, CompensationSpec
from .steps import Steps
from .store import EntryKind, JournalEntry, PendingCall, Status, Transaction
from .troubles import lost


def irreversible(record: AnyFlow) -> Sequence[str]:
    """The activities that may have had an effect which nothing undoes: the instance is past its pivot."""
    names = dict.fromkeys(entry.activity for entry in record.ledger.log)
    return [name for name in names if record.spec.activities[name].kind is ActivityKind.IRREVERSIBLE]


class Operators:
    """Acts on instances of a set of flows. `retry` alone needs none of their code."""

    def __init__(self, steps: Steps) -> None:
        self._steps = steps

    def retry(self, tx: Transaction, id: str, key: str, reason: str, by: Actor, now: datetime) -> JournalEntry:
        """Give a call a new round of attempts, which begins now. Raises Unknown, NotParked where one is due or made."""
        call = self._waiting(tx, id, key, now)
        if call.due is not None and call.due <= now:
            raise NotParked(f"the next attempt of {key!r} of instance {id!r} is due already: is a worker running?")
        tx.put_call(call._replace(due=now, forgiven=call.attempts))
        return self._steps.remark(tx, id, EntryKind.RETRY, key, by, now, reason)

    def settle(self, tx: Transaction, id: str, outcome: Outcome, reason: str, by: Actor, now: datetime) -> JournalEntry:
        """Answer a call by hand. Raises Unknown, NotParked, Invalid for an outcome that it cannot have."""
        call = self._waiting(tx, id, outcome.key, now)
        spec = self._steps.spec_of(call)
        if isinstance(spec, CompensationSpec):
            if outcome[1:] != (DONE, None):
                raise Invalid(f"{call.name} is a compensation: it can only be settled as done")
        elif outcome.kind not in spec.outcomes:
            raise Invalid(f"{call.name} is {' or '.join(spec.outcomes)}, not {outcome.kind}")
        elif outcome.kind == DONE:
            outcome = outcome._replace(value=admitted(spec.result, outcome.value))
        tx.drop_call(id, outcome.key)
        return self._steps.acknowledge(tx, id, outcome, by, now, note=reason)

    def skip(self, tx: Transaction, id: str, key: str, reason: str, by: Actor, now: datetime) -> JournalEntry:
        """Give a call up: a compensation counts as done, an activity as failed, where its flow knows that.

        Raises Unknown, NotParked, Invalid where the flow was proved sound without that answer."""
        call = self._waiting(tx, id, key, now)
        outcome = Outcome(key, DONE if call.forward is not None else FAILED)
        if call.forward is None:
            self._require_failure(tx, call)
        tx.drop_call(id, key)
        return self._steps.acknowledge(tx, id, outcome, by, now, note=reason, kind=EntryKind.SKIPPED)

    def _require_failure(self, tx: Transaction, call: PendingCall) -> None:
        """That the call may answer `failed`. Raises Invalid."""
        activity = self._steps.flow(call.flow).spec.activities[call.name]
        if FAILED not in activity.outcomes:
            undone = "" if activity.kind is ActivityKind.IRREVERSIBLE else ", or its instance be cancelled"
            raise Invalid(
                f"{call.name} is parked rather than failed, so its flow has no way on from there: "
                f"it can be answered by hand ({' or '.join(activity.outcomes)}){undone}"
            )
        link = tx.child(call.instance, call.key)
        if link is not None and self._steps.instance(tx, link.instance).status is not Status.FAILED:
            raise Invalid(f"{call.name} is done by instance {link.instance!r}, which has not failed")

    def cancel(self, tx: Transaction, id: str, reason: str, by: Actor, now: datetime) -> JournalEntry:
        """Withdraw an instance that has not ended. Raises Unknown, TooLate."""
        self._steps.fire_overdue(tx, id, now)
        instance = self._steps.instance(tx, id)
        if instance.status.finished:  # it could be undone still, but whoever did it as a sub-flow counts on its end
            raise TooLate(f"instance {id!r} has ended ({instance.status})")
        before = self._steps.record(instance)
        if final := irreversible(before):
            raise TooLate(f"instance {id!r} cannot be undone any more: {', '.join(final)} may have had its effect")
        if before.step(Withdraw(), by=by, now=max(now, instance.at)) == (before, ()):
            raise TooLate(f"instance {id!r} is being withdrawn already")
        return self._steps.acknowledge(tx, id, Withdraw(), by, now, note=reason)

    def _waiting(self, tx: Transaction, id: str, key: str, now: datetime) -> PendingCall:
        """A call that nobody makes at the moment. Raises Unknown, NotParked."""
        call = tx.call(id, key)
        if call is None:
            self._steps.instance(tx, id)
            known = ", ".join(repr(each.key) for each in tx.calls(id) if each.owner is None) or "none"
            raise Unknown(f"instance {id!r} has no open call {key!r}; parked, or waiting: {known}")
        if lost(call, tx.leases(), now):
            raise NotParked(
                f"attempt {call.attempts} of {key!r} of instance {id!r} has lost its worker: "
                "another one takes it over, if one is running"
            )
        if call.owner is not None or call.interrupted:
            raise NotParked(
                f"attempt {call.attempts} of {key!r} of instance {id!r} is under way: "
                "wait for its answer, or its timeout; or cancel the instance, which breaks it off"
            )
        return call
