"""Orders in your own database: the record is a JSON column, its calls are an outbox, and both change with whatever else
your transaction does. Nothing here is the durable host's; the core is pure, and this is all that storage takes.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import Any

from sqlalchemy import JSON, Engine, ForeignKey, or_, select
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, relationship
from sqlalchemy.orm.exc import StaleDataError

from order_flow import Order, OrderActivities, OrderEvent, OrderInputs
from penstock.runtime.core import NOBODY, Actor, Effect
from penstock.runtime.drive import Checkpoint, calls, drive
from penstock.runtime.timers import Clock, SystemClock, micros

LOG = logging.getLogger("orders")
SYSTEM = SystemClock()


class Base(DeclarativeBase):
    pass


class CallRow(Base):
    """The outbox: a call that is still to be made, or interrupted."""

    __tablename__ = "order_calls"
    number: Mapped[int] = mapped_column(primary_key=True)
    order_id: Mapped[str] = mapped_column(ForeignKey("orders.id"), index=True)
    effect: Mapped[Any] = mapped_column(JSON)


class OrderRow(Base):
    """An order. revision: the optimistic lock; SQLAlchemy counts it up, and refuses a write to an older one."""

    __tablename__ = "orders"
    id: Mapped[str] = mapped_column(primary_key=True)
    snapshot: Mapped[Any] = mapped_column(JSON)
    due: Mapped[int | None] = mapped_column(index=True)  # the next timer, in microseconds since 1970
    revision: Mapped[int] = mapped_column()
    calls: Mapped[list[CallRow]] = relationship(cascade="all, delete-orphan", order_by=CallRow.number)
    __mapper_args__ = {"version_id_col": revision}  # noqa: RUF012 - what SQLAlchemy has is no ClassVar

    def order(self) -> Order:
        """Raises snapshot.Corrupt for a snapshot of another version of the flow."""
        return Order.from_json(self.snapshot)

    def open(self) -> list[Effect]:
        return [Order.spec.effect_from_json(call.effect) for call in self.calls]

    def keep(self, order: Order, open: Iterable[Effect]) -> None:
        """The order as it stands now, and the calls that are open."""
        self.snapshot = order.to_json()
        self.due = min((micros(timer.due) for timer in order.ledger.timers), default=None)
        self.calls = [CallRow(effect=Order.spec.effect_to_json(effect)) for effect in open]


# ---------------------------------------------------------------- in your transaction


def start(session: Session, id: str, inputs: OrderInputs, by: Actor = NOBODY, clock: Clock = SYSTEM) -> Order:
    """A new order, once the caller's transaction is committed. Raises Rejected."""
    order, effects = Order.begin(inputs, by=by, now=clock.now())
    row = OrderRow(id=id)
    row.keep(order, calls(effects))
    session.add(row)
    return order


def send(session: Session, id: str, event: OrderEvent, by: Actor = NOBODY, clock: Clock = SYSTEM) -> Order:
    """An event, or a task that is done. Raises Rejected; and the commit raises StaleDataError where somebody else has
    changed the order meanwhile: do the transaction again."""
    row = session.get_one(OrderRow, id)
    order, effects = row.order().step(event, by=by, now=clock.now())
    row.keep(order, [*row.open(), *calls(effects)])
    return order


# ---------------------------------------------------------------- in a worker


def work(engine: Engine, shop: OrderActivities, clock: Clock = SYSTEM) -> int:
    """Make the calls that are open and fire the timers that are due, once; for how many orders. Call it in a loop."""
    with Session(engine) as session:
        waiting = or_(OrderRow.calls.any(), OrderRow.due <= micros(clock.now()))
        ids = session.scalars(select(OrderRow.id).where(waiting)).all()
    for id in ids:
        try:
            go_on(engine, id, shop, clock)
        except StaleDataError:
            LOG.info("order %s was changed meanwhile: it is looked at again", id)
    return len(ids)


def go_on(engine: Engine, id: str, shop: OrderActivities, clock: Clock = SYSTEM) -> None:
    """Carry one order to its next rest; each step is a transaction. Raises StaleDataError, with the last step undone:
    a call whose answer was lost is made again, under the same key."""
    with Session(engine, expire_on_commit=False) as session:  # so the row keeps the revision that it was read with
        row = session.get_one(OrderRow, id)

        def keep(at: Checkpoint[Order]) -> None:
            row.keep(at.record, at.open)
            session.commit()

        order, open = row.order(), row.open()
        session.commit()  # no transaction is open while a call is made
        drive(order, open, shop, id=id, clock=clock, watch=keep)
