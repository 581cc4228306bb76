"""One instance as others read it: as JSON, whole, and as CloudEvents that keep to their specification."""

from __future__ import annotations

import json
import re
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest

from order_flow import Order
from orders import CLEO, LARGE, MAX, OLGA, SMALL, House, finishing, pass_time
from penstock.runtime.errors import Unknown
from penstock.runtime.export import FORMAT, cloud_events, exported
from penstock.runtime.overview import Overview

HOUR = timedelta(hours=1)
NAME = re.compile(r"[a-z0-9]{1,20}")
"""Of an attribute, by section 2.1 of the specification (1.0.2), which recommends at most 20 characters."""


def seen(house: House, id: str) -> Overview:
    async def run() -> Overview:
        async with house.client() as client:
            return await client.overview(id)

    return finishing(run())


@pytest.fixture
def eventful(house: House) -> House:
    """o/1 is parked in its compensation for the second time; o-2 waits for a manager, who has claimed it."""
    house.shop.script["charge_card"] = [OSError("no line")] * 5
    house.shop.script["refund"] = [OSError("no line")] * 24

    async def run() -> None:
        async with house.open() as host:
            await host.start(Order, "o/1 ä", SMALL, by=CLEO)
            await host.start(Order, "o-2", LARGE, by=CLEO)
            await host.run_until_idle()
            await pass_time(host, house.clock, *[HOUR] * 20)
            await host.claim("o-2", "review", by=MAX)
            await host.retry("o/1 ä", "charge_card#3/undo", reason="they are back", by=OLGA)
            await pass_time(host, house.clock, *[HOUR] * 20)

    finishing(run())
    return house


def test_the_json_of_an_instance_holds_all_that_is_stored_of_it(eventful: House) -> None:
    overview = seen(eventful, "o/1 ä")
    value: Any = json.loads(json.dumps(exported(overview)))
    assert (value["format"], value["instance"]["flow"], value["instance"]["version"]) == (FORMAT, "Order", 1)
    assert value["instance"]["status"] == "compensating" and value["instance"]["record"]["data"]["payment"] is None
    kinds = [row["kind"] for row in value["journal"] if row["kind"] != "attempt"]
    assert kinds == ["start", "step", "step", "step", "parked", "retry", "parked"]
    assert [row["sequence"] for row in value["journal"]] == [*range(1, len(value["journal"]) + 1)]
    (again,) = [row for row in value["journal"] if row["kind"] == "retry"]
    assert again["note"] == "they are back" and again["actor"]["id"] == "olga"
    told = [row["attempt"] for row in value["journal"] if row["attempt"] is not None]
    assert sorted(told, key=str) == sorted(value["attempts"], key=str)
    assert [(row["position"], row["hash"]) for row in value["journal"]] == [
        (each.position, each.hash) for each in overview.links
    ]
    (call,) = value["calls"]
    assert (call["call"], call["undoes"], call["parked"]) == ("charge_card#3/undo", "charge_card#3", True)
    assert (call["idempotency_key"], call["error"]) == ("o/1 ä/charge_card#3", "OSError: no line")
    assert len([each for each in value["attempts"] if each["call"] == "charge_card#3/undo"]) == 24


def test_the_json_of_an_instance_says_what_it_waits_for(eventful: House) -> None:
    value: Any = json.loads(json.dumps(exported(seen(eventful, "o-2"))))
    (task,) = value["tasks"]
    assert (task["task"], task["persons"], task["excluded"]) == ("review", ["max"], ["cleo"])
    assert task["form"] == ["verdict", "comment"] and task["due"] == "2026-03-02T10:00:00Z"
    assert {each["timer"]: each["due"] for each in value["timers"]} == {"Approval.after1": "2026-03-04T10:00:00Z"}


def test_cloud_events_keep_to_the_specification(eventful: House) -> None:
    for id in ("o/1 ä", "o-2"):
        events = cloud_events(seen(eventful, id), "https://shop.example/flows/")
        for event in events:
            assert event["specversion"] == "1.0"
            for required in ("id", "source", "type"):
                assert isinstance(event[required], str) and event[required]
            assert all(NAME.fullmatch(name) for name in event)
            parts = urlsplit(str(event["source"]))
            assert parts.scheme == "https" and event["source"].isascii() and " " not in event["source"]
            assert event["subject"] == id and event["datacontenttype"] == "application/json"
            assert datetime.fromisoformat(event["time"]).utcoffset() == timedelta(0)
            assert int(event["penstockposition"]) > 0 and len(event["penstockhash"]) == 64
            assert json.loads(json.dumps(event["data"])) == event["data"]
        assert len({(event["source"], event["id"]) for event in events}) == len(events)
    types = [event["type"].removeprefix("penstock.instance.") for event in cloud_events(seen(eventful, "o/1 ä"))]
    told = [type for type in types if type != "attempted"]
    assert told == ["started", "stepped", "stepped", "stepped", "parked", "retried", "parked"]


def test_two_instances_have_two_sources(eventful: House) -> None:
    sources = {cloud_events(seen(eventful, id))[0]["source"] for id in ("o/1 ä", "o-2")}
    assert sources == {"/Order/1/o%2F1%20%C3%A4", "/Order/1/o-2"}


def test_what_is_not_there_is_not_exported(eventful: House) -> None:
    with pytest.raises(Unknown, match="no instance 'o-9'"):
        seen(eventful, "o-9")
