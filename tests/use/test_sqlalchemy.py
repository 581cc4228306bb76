"""The SQLAlchemy example, on a SQLite file: one transaction, an optimistic lock, an outbox, and what a crash leaves."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from sqlalchemy import Engine, create_engine
from sqlalchemy.orm import Session
from sqlalchemy.orm.exc import StaleDataError

from order_flow import Cancel, Carrier, OrderInputs, OrderState, Review, ReviewVerdict
from penstock.runtime.core import Actor, Rejected
from penstock.runtime.snapshot import Corrupt
from penstock.runtime.timers import ManualClock
from shop import Shop

NOW = datetime(2026, 1, 1, tzinfo=UTC)
CLEO, MAX = Actor("cleo", frozenset({"customer"})), Actor("max", frozenset({"manager"}))
SMALL, LARGE = (OrderInputs("A1", 2, Decimal(total)) for total in ("20.00", "2000.00"))


@pytest.fixture
def app(example: Callable[[str], ModuleType]) -> Any:
    return example("sqlalchemy/orders.py")


@pytest.fixture
def engine(app: Any, tmp_path: Path) -> Any:
    engine = create_engine(f"sqlite:///{tmp_path / 'shop.db'}")
    app.Base.metadata.create_all(engine)
    yield engine
    engine.dispose()


def begin(app: Any, engine: Engine, inputs: OrderInputs, clock: ManualClock | None = None) -> None:
    with Session(engine) as session, session.begin():
        app.start(session, "o-1", inputs, CLEO, clock or ManualClock(NOW))


def state(app: Any, engine: Engine) -> OrderState | None:
    with Session(engine) as session:
        found: OrderState | None = session.get_one(app.OrderRow, "o-1").order().state
        return found


def work(app: Any, engine: Engine, shop: Any, clock: ManualClock | None = None) -> None:
    """Until there is nothing left to do."""
    while app.work(engine, shop, clock or ManualClock(NOW)):
        pass


def test_an_order_is_worked_on_to_its_end(app: Any, engine: Engine) -> None:
    shop = Shop({"A1": 10}, set())
    begin(app, engine, LARGE)
    work(app, engine, shop)
    assert state(app, engine) is OrderState.APPROVAL
    with Session(engine) as session, session.begin():
        app.send(session, "o-1", Review(ReviewVerdict.ACCEPT, None), MAX, ManualClock(NOW))
    work(app, engine, shop)
    assert state(app, engine) is OrderState.DELIVERED
    assert shop.shipped == {"o-1/ship#5"}  # the task was the fourth


def test_what_is_rolled_back_has_not_happened(app: Any, engine: Engine) -> None:
    with Session(engine) as session:
        app.start(session, "o-1", SMALL, CLEO, ManualClock(NOW))
        session.flush()
        session.rollback()
    assert app.work(engine, Shop({}, set())) == 0
    begin(app, engine, LARGE)
    with Session(engine) as session, pytest.raises(Rejected, match="closed"):
        app.send(session, "o-1", Review(ReviewVerdict.ACCEPT, None), MAX, ManualClock(NOW))


def test_of_two_that_change_an_order_at_a_time_one_has_to_do_it_again(app: Any, engine: Engine) -> None:
    begin(app, engine, LARGE)
    work(app, engine, Shop({"A1": 10}, set()))
    with Session(engine) as one, Session(engine) as other:
        app.send(one, "o-1", Review(ReviewVerdict.ACCEPT, None), MAX, ManualClock(NOW))
        one_row = one.get_one(app.OrderRow, "o-1")
        assert one_row.revision == other.get_one(app.OrderRow, "o-1").revision
        other.rollback()  # SQLite has one writer; elsewhere both could be under way
        with Session(engine) as third, third.begin():
            app.send(third, "o-1", Cancel(), CLEO, ManualClock(NOW))
        with pytest.raises(StaleDataError):
            one.commit()
        one.rollback()
        with pytest.raises(Rejected):
            app.send(one, "o-1", Review(ReviewVerdict.ACCEPT, None), MAX, ManualClock(NOW))


def test_an_event_that_comes_while_a_call_is_made_wins_and_the_call_is_undone(app: Any, engine: Engine) -> None:
    class Slow(Shop):
        """Somebody cancels while the stock is being reserved."""

        def reserve_stock(self, sku: str, qty: int, *, key: str) -> str:
            answer = super().reserve_stock(sku, qty, key=key)
            with Session(engine) as session, session.begin():
                app.send(session, "o-1", Cancel(), CLEO, ManualClock(NOW))
            return answer

    shop = Slow({"A1": 10}, set())
    begin(app, engine, SMALL)
    work(app, engine, shop)
    assert state(app, engine) is OrderState.CANCELLED
    assert shop.stock["A1"] == 10


class Killed(BaseException):
    """The process ends here."""


def test_a_call_whose_answer_was_lost_is_made_again_under_its_key(app: Any, engine: Engine) -> None:
    class Dying(Shop):
        alive = False

        def quote(self, sku: str, *, key: str) -> Carrier:
            if self.alive:
                return Carrier.DHL
            self.alive = True
            raise Killed

        def reserve_stock(self, sku: str, qty: int, *, key: str) -> str:
            assert not self.alive
            return super().reserve_stock(sku, qty, key=key)

    shop = Dying({"A1": 10}, set())
    begin(app, engine, SMALL)
    with pytest.raises(Killed):
        work(app, engine, shop)
    work(app, engine, shop)
    assert state(app, engine) is OrderState.DELIVERED
    assert shop.stock["A1"] == 8


def test_a_timer_that_is_due_is_found(app: Any, engine: Engine) -> None:
    clock, shop = ManualClock(NOW), Shop({"A1": 10}, set())
    begin(app, engine, LARGE, clock)
    work(app, engine, shop, clock)
    clock.advance(timedelta(days=3))
    work(app, engine, shop, clock)
    assert state(app, engine) is OrderState.EXPIRED
    assert shop.stock["A1"] == 10


def test_a_snapshot_of_another_version_is_refused(app: Any, engine: Engine) -> None:
    begin(app, engine, SMALL)
    with Session(engine) as session, session.begin():
        row = session.get_one(app.OrderRow, "o-1")
        row.snapshot = {**row.snapshot, "version": 2}
    with pytest.raises(Corrupt, match="expected a snapshot of Order version 1 in format 2, not of Order version 2"):
        work(app, engine, Shop({}, set()))
