"""The mail between instances: letters that can be delivered in, the steps they make in other instances out.

A letter is written down with the step that sends it, and delivered in a later transaction, with the step it makes in
the instance it is for: at least once becomes exactly once. Those for one instance are delivered in the order they were
sent. One that is not taken is a dead letter: it stays, with the reason, until an operator delivers it again.
"""

from __future__ import annotations

import json
import logging
from datetime import datetime

from .codec import Invalid
from .core import NOBODY, Actor, Rejected
from .errors import NotParked, StoreError, Unknown
from .letters import Letter
from .logs import about
from .steps import BATCH, Steps
from .store import EntryKind, JournalEntry, Transaction

LOG = logging.getLogger("penstock")

PAYLOAD, OTHER_FLOW, FAULTY = "payload", "other flow", "fault"
"""Reasons of dead letters besides the core's."""


class Mailbox:
    """Delivers the letters to instances of a set of flows, by label."""

    def __init__(self, steps: Steps, labels: tuple[str, ...]) -> None:
        self._steps = steps
        self._labels = labels

    def deliver(self, tx: Transaction, now: datetime) -> bool:
        """Hand over what can be, as far as one transaction goes; whether there is more."""
        for _ in range(BATCH):
            letter = tx.next_letter(self._labels)
            if letter is None:
                return False
            self._hand_over(tx, letter, now)
        return not self.empty(tx)

    def empty(self, tx: Transaction) -> bool:
        """Whether nothing can be delivered."""
        return tx.next_letter(self._labels) is None

    def again(self, tx: Transaction, id: str, reason: str, by: Actor, now: datetime) -> JournalEntry:
        """An operator has a dead letter delivered again. Raises Unknown, NotParked."""
        letter = self._dead(tx, id)
        tx.put_letter(letter._replace(reason=""))
        return self._steps.remark(tx, letter.sender, EntryKind.RETRY, id, by, now, reason)

    def discard(self, tx: Transaction, id: str, reason: str, by: Actor, now: datetime) -> JournalEntry:
        """An operator takes a dead letter away. Raises Unknown, NotParked."""
        letter = self._dead(tx, id)
        tx.drop_letter(id)
        return self._steps.remark(tx, letter.sender, EntryKind.DISCARDED, id, by, now, reason)

    def _dead(self, tx: Transaction, id: str) -> Letter:
        letter = tx.letter(id)
        if letter is None:
            raise Unknown(f"there is no letter {id!r}")
        if not letter.reason:
            raise NotParked(f"letter {id!r} still waits for {letter.flow} {letter.to!r}")
        return letter

    def _hand_over(self, tx: Transaction, letter: Letter, now: datetime) -> None:
        try:
            with tx.savepoint():
                tx.drop_letter(letter.id)
                self._take(tx, letter, now)
                return
        except StoreError:
            raise
        except Rejected as rejected:
            reason = rejected.reason
        except Invalid:
            reason = PAYLOAD
        except Exception:  # the flow's own fault: an operator must look, nothing is dropped
            LOG.exception("instance %s cannot take letter %s", letter.to, letter.id, extra=about(letter.to))
            reason = FAULTY
        tx.put_letter(letter._replace(reason=reason))
        self._steps.remark(tx, letter.sender, EntryKind.PARKED, letter.id, NOBODY, now, reason)

    def _take(self, tx: Transaction, letter: Letter, now: datetime) -> None:
        """The step it makes. Raises Rejected, Invalid."""
        label = self._steps.instance(tx, letter.to).flow
        if label.rpartition("/")[0] != letter.flow:
            raise Rejected("", letter, OTHER_FLOW)
        spec = self._steps.flow(label).spec
        event = spec.events.get(letter.event)
        if event is None or event.task:
            raise Invalid(f"{label} has no event {letter.event!r}")
        trigger = spec.event(letter.event, json.loads(letter.payload))
        self._steps.fire_overdue(tx, letter.to, now)
        self._steps.acknowledge(tx, letter.to, trigger, Actor(letter.sender), now, request=f"letter {letter.id}")
