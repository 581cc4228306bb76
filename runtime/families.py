"""Flows that do flows, as they are written down: a parent's effects in, child instances out; and their ends back to it.

All of it happens in the transaction of the step that asks for it, so a child is started, withdrawn and heard of exactly
once. What cannot be done there (another host has the code; the code is at fault) is left as a call of the parent, due
or parked, and done when a worker or an operator comes to it.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from datetime import datetime

from .core import (
    NOBODY,
    Effect,
    Finish,
    InterruptActivity,
    Outcome,
    StartActivity,
    StartCompensation,
    Step,
    Withdraw,
)
from .errors import StoreError, Unknown
from .journal import AnyFlow, label
from .logs import about
from .outbox import DONE, FAILED, told
from .steps import Steps
from .store import Child, EntryKind, Instance, JournalEntry, PendingCall, Status, Transaction

LOG = logging.getLogger("penstock")

UNDO = "/undo"
BETWEEN = "/"
"""In the id of a child: between its parent's id and its call's key."""

Act = Callable[[Transaction, PendingCall, datetime], None]


class Families(Steps):
    """Steps of flows, and what they mean to their parents and children."""

    def child(self, name: str) -> type[AnyFlow]:
        """The flow of this name, its newest version. Raises Unknown."""
        found = [flow for flow in self._flows.values() if flow.spec.name == name]
        if not found:
            raise Unknown(f"this host does not run {name}")
        return max(found, key=lambda flow: flow.spec.version)

    def _apply(
        self, tx: Transaction, old: Instance, entry: JournalEntry, step: Step[AnyFlow], now: datetime
    ) -> JournalEntry:
        full = super()._apply(tx, old, entry, step, now)
        nests = self.flow(old.flow).spec.nests
        for effect in step[1] if nests or BETWEEN in old.id else ():
            if nests and (call := self._of_child(old, effect, now)) is not None:
                self.relay(tx, call, now)
            elif isinstance(effect, Finish) and (link := tx.parent(old.id)) is not None:
                self._tell(tx, link, now)
        return full

    def _of_child(self, parent: Instance, effect: Effect, now: datetime) -> PendingCall | None:
        """What the effect asks of a child, as a call of the parent."""
        activities = self.flow(parent.flow).spec.activities
        match effect:
            case StartActivity(key, name) if activities[name].flow:
                text = self.flow(parent.flow).spec.args_text(effect)
                return PendingCall(parent.id, parent.flow, key, name, text, None, now)
            case StartCompensation(key, name, _, forward) if activities[forward.rpartition("#")[0]].flow:
                return PendingCall(parent.id, parent.flow, key, name, "{}", forward, now)
            case InterruptActivity(key) if activities[key.rpartition("#")[0]].flow:
                name = activities[key.rpartition("#")[0]].name
                return PendingCall(parent.id, parent.flow, key, name, "{}", None, now, interrupted=True)
            case _:
                return None

    # ------------------------------------------------------------ down

    def relay(self, tx: Transaction, call: PendingCall, now: datetime) -> None:
        """Do what a call asks of a child, or leave the call for later."""
        tx.drop_call(call.instance, call.key)
        link = tx.child(call.instance, (call.forward or call.key))
        if link is None:
            self._try(tx, call, self._never if call.interrupted else self._begin, now)
        elif call.forward is None and not call.interrupted:
            self._try(tx, call, lambda tx, _, now: self._answer(tx, link, now), now)
        else:
            self._try(tx, call, lambda tx, _, now: self._withdraw(tx, link._replace(answers=call.key), now), now)

    def _try(self, tx: Transaction, call: PendingCall, act: Act, now: datetime) -> None:
        try:
            with tx.savepoint():
                act(tx, call, now)
        except StoreError:
            raise
        except Unknown as error:  # another host has the code, and takes the call when it is due
            tx.put_call(call._replace(due=now, error=told(error)))
        except Exception as error:  # the flow's own fault: an operator must look, nothing is dropped
            fields = about(call.instance, call.flow, call.key)
            LOG.exception("instance %s cannot go on with %s", call.instance, call.key, extra=fields)
            tx.put_call(call._replace(due=None, error=told(error)))
            self.remark(tx, call.instance, EntryKind.PARKED, call.key, NOBODY, now, told(error))

    def _begin(self, tx: Transaction, call: PendingCall, now: datetime) -> None:
        flow, id = self.child(call.name), f"{call.instance}{BETWEEN}{call.key}"
        if tx.instance(id) is not None:
            raise ValueError(f"there is already an instance {id!r}, which is no child")
        tx.put_child(Child(id, call.instance, call.key, call.key))
        step = flow.begin(flow.spec.inputs.decode(json.loads(call.args)), now=now)
        self.begin(tx, label(flow), id, step, NOBODY, now)

    def _never(self, tx: Transaction, call: PendingCall, now: datetime) -> None:
        """A child that could not be started is not wanted any more."""
        self.react(tx, call.instance, Outcome(call.key, FAILED), now)

    def _withdraw(self, tx: Transaction, link: Child, now: datetime) -> None:
        tx.put_child(link)
        if self.instance(tx, link.instance).status is Status.FAILED:
            self._answer(tx, link, now)
        else:
            self.react(tx, link.instance, Withdraw(), now)

    # ------------------------------------------------------------ up

    def _tell(self, tx: Transaction, link: Child, now: datetime) -> None:
        """The child has ended: its parent hears of it now, or when somebody can tell it."""
        parent = self.instance(tx, link.parent)
        forward = link.key if link.answers.endswith(UNDO) else None
        name = link.key.rpartition("#")[0]
        call = PendingCall(link.parent, parent.flow, link.answers, name, "{}", forward, now)
        self._try(tx, call, lambda tx, _, now: self._answer(tx, link, now), now)

    def _answer(self, tx: Transaction, link: Child, now: datetime) -> None:
        """Hand the child's end to the parent; nothing while it has not ended."""
        child, parent = self.instance(tx, link.instance), self.instance(tx, link.parent)
        if not child.status.finished:
            return
        spec = self.flow(parent.flow).spec
        if link.answers.endswith(UNDO):
            outcome = Outcome(link.answers, DONE)
        elif child.status is Status.FAILED:
            outcome = Outcome(link.answers, FAILED)
        else:
            codec = spec.activities[link.key.rpartition("#")[0]].result
            outcome = Outcome(link.answers, DONE, codec.decode(self._outputs(child)))
        self.fire_overdue(tx, link.parent, now)
        self.react(tx, link.parent, outcome, now)

    def _outputs(self, child: Instance) -> object:
        """What the child gives, as JSON; None where it has no outputs."""
        record = self.record(child)
        spec = record.spec
        if not spec.outputs:
            return None
        snapshot = json.loads(child.snapshot)
        known = snapshot["inputs"] | snapshot["data"]
        return {name: known[name] for name in spec.outputs}
