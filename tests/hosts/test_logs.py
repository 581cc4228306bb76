"""Log lines of a host and of its activities say of which instance and attempt they are; as JSON if one likes."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from hiring_flow import Hiring, HiringInputs
from order_flow import Order
from orders import SMALL, House, Shop, doing, finishing, pass_time
from penstock.runtime.logs import Correlated, JsonLines, correlation

LOG = logging.getLogger("shop")
CHARGING = {
    "flow_instance": "o-1", "flow_name": "Order", "flow_version": "1", "flow_key": "o-1/charge_card#3",
    "flow_attempt": 1,
}  # fmt: skip


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    """What a handler as the page shows it writes."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonLines())
    handler.addFilter(Correlated())
    logging.root.addHandler(handler)
    before = logging.root.level
    logging.root.setLevel(logging.INFO)
    yield stream
    logging.root.removeHandler(handler)
    logging.root.setLevel(before)


def written(lines: io.StringIO, logger: str) -> list[dict[str, Any]]:
    every: list[dict[str, Any]] = [json.loads(line) for line in lines.getvalue().splitlines()]
    return [line for line in every if line["logger"] == logger]


class Talking(Shop):
    async def reserve_stock(self, sku: str, qty: int, *, key: str) -> str:
        LOG.info("reserving %d", qty, extra={"sku": sku})
        return "r-1"

    def charge_card(self, total: Decimal, *, key: str) -> str:  # type: ignore[override]  # a plain method too
        here = correlation()
        assert here is not None and here.key == key and here.traceparent == ""
        LOG.info("charging")
        raise ConnectionError("lost")


def test_lines_of_activities_carry_their_attempt_whether_coroutine_or_thread(house: House, lines: io.StringIO) -> None:
    house.shop = Talking()

    async def run() -> None:
        async with house.open() as host:
            await host.start(Order, "o-1", SMALL)
            await host.run_until_idle()
            LOG.info("elsewhere")

    finishing(run())
    reserving, charging, elsewhere = written(lines, "shop")
    assert (reserving["message"], reserving["sku"], reserving["flow_key"]) == (
        "reserving 2", "A1", "o-1/reserve_stock#1"
    )  # fmt: skip
    assert CHARGING.items() <= charging.items()
    assert {*elsewhere} == {"time", "level", "logger", "message"}
    (failed,) = written(lines, "penstock")
    assert CHARGING.items() <= failed.items()
    assert failed["level"] == "WARNING" and failed["exception"].endswith("ConnectionError: lost")
    assert "trace_id" not in failed


def test_a_reminder_says_of_which_instance_it_is(house: House, lines: io.StringIO) -> None:
    async def run() -> None:
        async with house.open_for({Hiring: doing(send_offer=["o-1"], revoke_offer=[None])}) as host:
            await host.start(Hiring, "h-1", HiringInputs("Kim", "rita"))
            await host.run_until_idle()
            await pass_time(host, house.clock, timedelta(hours=8))

    finishing(run())
    (reminder,) = written(lines, "penstock")
    assert (reminder["flow_instance"], reminder["flow_name"], reminder["level"]) == ("h-1", "Hiring", "INFO")
    assert "still waits" in reminder["message"]


def test_what_has_no_json_is_written_as_text() -> None:
    record = logging.LogRecord("shop", logging.INFO, "", 0, "to %s", (Decimal("1.5"),), None)
    record.total = Decimal("1.5")
    line = json.loads(JsonLines().format(record))
    assert (line["message"], line["total"], line["level"]) == ("to 1.5", "1.5", "INFO")
    assert line["time"].endswith("+00:00")
