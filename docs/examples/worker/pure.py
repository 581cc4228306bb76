"""A worker of your own around the pure record: messages come from a queue, and each order is a file in a folder.

A message is JSON: `{"message": "m-1", "id": "o-1", "by": {"id": "cleo", "roles": ["customer"]}, "start": {…}}` or, with
the name and the fields of an event or a task, `{…, "trigger": "cancel", "payload": {}}`. What is kept of an order is
its snapshot and the calls that are open: whatever happens to the process, that is where it goes on.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from queue import Empty, Queue
from typing import Any, cast

from order_flow import Order, OrderActivities, OrderInputs
from penstock.runtime.core import Effect, Rejected
from penstock.runtime.drive import Checkpoint, calls, drive
from penstock.runtime.spec import ACTOR
from penstock.runtime.timers import Clock, SystemClock

LOG = logging.getLogger("orders")
SYSTEM = SystemClock()


@dataclass(frozen=True)
class Kept:
    """An order, the calls it still has to make, and the messages it has taken."""

    order: Order
    open: Sequence[Effect] = ()
    seen: tuple[str, ...] = ()


class Shelf:
    """A folder with a file for each order. Put yours here: Redis, DynamoDB, a table."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __iter__(self) -> Iterator[tuple[str, Kept]]:
        for file in sorted(self._folder.glob("*.json")):
            yield file.stem, self._read(file)

    def get(self, id: str) -> Kept | None:
        file = self._folder / f"{id}.json"
        return self._read(file) if file.exists() else None

    def _read(self, file: Path) -> Kept:
        json_value = json.loads(file.read_text(encoding="utf-8"))
        open = [Order.spec.effect_from_json(effect) for effect in json_value["open"]]
        return Kept(Order.from_json(json_value["order"]), open, tuple(json_value["seen"]))

    def put(self, id: str, kept: Kept) -> None:
        """All of it or nothing: the file is replaced as a whole."""
        open = [Order.spec.effect_to_json(effect) for effect in kept.open]
        new = self._folder / f"{id}.new"
        new.write_text(json.dumps({"order": kept.order.to_json(), "open": open, "seen": kept.seen}), encoding="utf-8")
        new.replace(self._folder / f"{id}.json")


class Worker:
    """Takes one message after the other. Several workers need a queue that gives the messages of an order to one of
    them (partitions, message groups)."""

    def __init__(self, shelf: Shelf, shop: OrderActivities, clock: Clock = SYSTEM) -> None:
        self._shelf = shelf
        self._shop = shop
        self._clock = clock

    def run(self, queue: Queue[Any]) -> None:
        """Go on with what was left unfinished; then work, until the message None comes."""
        self.wake(everything=True)
        while True:
            try:
                message = queue.get(timeout=self._patience())
            except Empty:
                self.wake()
                continue
            if message is None:
                return
            try:
                self.take(message)
            except Rejected as rejected:
                LOG.warning("%s: %s", message["id"], rejected)
            queue.task_done()  # only now: a message that is lost with the process has to come again

    def take(self, message: Any) -> None:
        """Raises Rejected; nothing has changed then."""
        id, by, now = message["id"], ACTOR.decode(message["by"]), self._clock.now()
        kept = self._shelf.get(id)
        if kept is not None and message["message"] in kept.seen:
            return
        if kept is None:
            order, effects = Order.begin(cast(OrderInputs, Order.spec.inputs.decode(message["start"])), by=by, now=now)
            kept = Kept(order)
        else:
            event = Order.event(message["trigger"], message["payload"])
            order, effects = kept.order.step(event, by=by, now=now)
        kept = Kept(order, [*kept.open, *calls(effects)], (*kept.seen, message["message"]))
        self._shelf.put(id, kept)
        self.go_on(id, kept)

    def go_on(self, id: str, kept: Kept) -> None:
        """Make the calls that are open, and fire the timers that are due."""

        def keep(at: Checkpoint[Order]) -> None:
            self._shelf.put(id, replace(kept, order=at.record, open=at.open))

        drive(kept.order, kept.open, self._shop, id=id, clock=self._clock, watch=keep)

    def wake(self, everything: bool = False) -> None:
        """Go on with the orders of which a timer is due, or with every one."""
        for id, kept in self._shelf:
            if everything or any(timer.due <= self._clock.now() for timer in kept.order.ledger.timers):
                self.go_on(id, kept)

    def _patience(self) -> float | None:
        """Seconds until the next timer is due."""
        due: list[datetime] = [timer.due for _, kept in self._shelf for timer in kept.order.ledger.timers]
        return max((min(due) - self._clock.now()).total_seconds(), 0) if due else None
