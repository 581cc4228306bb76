"""The FastAPI example: orders over HTTP, on a real host, through FastAPI's own test client."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from fastapi.testclient import TestClient
from jsonschema import Draft202012Validator

from penstock.runtime.timers import ManualClock
from shop import Shop

CLEO = {"X-User": "cleo", "X-Roles": "customer"}
MAX = {"X-User": "max", "X-Roles": "manager"}
SMALL = {"sku": "A1", "qty": 2, "total": "20.00"}
LARGE = {**SMALL, "total": "2000.00"}
ACCEPT = {"verdict": "accept", "comment": None}


@pytest.fixture
def shop() -> Shop:
    return Shop(stock={"A1": 10}, declined={Decimal("800.00")})


@pytest.fixture
def service(example: Callable[[str], ModuleType], shop: Shop, tmp_path: Path) -> Any:
    made = example("fastapi/service.py")
    return made.create(tmp_path / "orders.db", shop, ManualClock(datetime(2026, 1, 1, tzinfo=UTC)))


@pytest.fixture
def client(service: Any) -> Iterator[TestClient]:
    with TestClient(service) as client:
        yield client


def rest(client: TestClient, id: str, headers: dict[str, str] = CLEO) -> Any:
    answer = client.get(f"/orders/{id}", params={"wait": True}, headers=headers)
    assert answer.status_code == 200
    return answer.json()


def test_an_order_is_delivered(client: TestClient, shop: Shop) -> None:
    answer = client.put("/orders/o-1", json=SMALL, headers=CLEO)
    assert answer.status_code == 200
    assert rest(client, "o-1") == {
        "id": "o-1",
        "status": "succeeded",
        "at": ["Delivered"],
        "data": {"reservation": "r-o-1", "payment": "p-o-1", "carrier": "ups"},
        "can": [],
    }
    assert shop.shipped == {"o-1/ship#4"}


def test_starting_it_again_is_starting_it_once(client: TestClient, shop: Shop) -> None:
    for _ in range(3):
        assert client.put("/orders/o-1", json=SMALL, headers=CLEO).status_code == 200
    rest(client, "o-1")
    assert len(shop.shipped) == 1
    conflict = client.put("/orders/o-1", json=LARGE, headers=CLEO)
    assert (conflict.status_code, conflict.json()["reason"]) == (409, "conflict")


def test_a_manager_finds_the_task_and_completes_it_once(client: TestClient, shop: Shop) -> None:
    client.put("/orders/o-1", json=LARGE, headers=CLEO)
    assert rest(client, "o-1")["can"] == ["cancel"]
    assert rest(client, "o-1", MAX)["can"] == ["review"]
    assert client.get("/tasks", headers=CLEO).json() == []
    (task,) = client.get("/tasks", headers=MAX).json()
    assert task == {
        "order": "o-1",
        "task": "review",
        "title": "Approve order of 2000.00",
        "due": "2026-01-02T00:00:00Z",
        "form": ["verdict", "comment"],
    }
    for _ in range(2):
        done = client.post("/orders/o-1/review", json=ACCEPT, headers={**MAX, "Idempotency-Key": "k-1"})
        assert done.status_code == 200
    assert rest(client, "o-1")["at"] == ["Delivered"]


def test_what_a_client_may_not_do_is_refused_with_the_reason(client: TestClient) -> None:
    def send(path: str, json: object, headers: dict[str, str]) -> tuple[int, Any]:
        answer = client.post(f"/orders/o-1/{path}", json=json, headers=headers)
        return answer.status_code, answer.json()

    client.put("/orders/o-1", json=LARGE, headers=CLEO)
    rest(client, "o-1")
    boss = {"X-User": "cleo", "X-Roles": "manager"}
    assert send("cancel", {}, MAX)[0] == 403
    assert send("review", ACCEPT, CLEO)[1]["reason"] == "role"
    status, said = send("review", ACCEPT, boss)
    assert (status, said["reason"], said["state"]) == (403, "excluded", "Approval")
    status, said = send("review", {"verdict": "perhaps", "comment": None}, MAX)
    assert (status, said["reason"]) == (422, "payload")
    assert said["detail"] == "review.verdict: expected one of accept, refuse, not 'perhaps'"
    assert send("review", {"verdict": "accept"}, MAX)[1]["detail"] == "review.comment: missing"
    assert send("cancel", {}, CLEO)[0] == 200
    assert rest(client, "o-1")["at"] == ["Cancelled"]
    status, said = send("cancel", {}, CLEO)
    assert (status, said["reason"], said["state"]) == (409, "finished", "Cancelled")


def test_what_is_not_there_or_no_json_is_refused(client: TestClient) -> None:
    assert client.get("/orders/o-9").status_code == 404
    assert client.post("/orders/o-9/cancel", json={}, headers=CLEO).status_code == 404
    assert client.put("/orders/o-9", content="{", headers=CLEO).status_code == 422
    wrong = client.put("/orders/o-9", json={**SMALL, "qty": 0}, headers=CLEO)
    assert (wrong.status_code, wrong.json()["detail"]) == (422, "qty: 0 is not in 1..100")


def test_orders_outlive_the_service(service: Any) -> None:
    with TestClient(service) as client:
        client.put("/orders/o-1", json=LARGE, headers=CLEO)
        rest(client, "o-1")
    with TestClient(service) as client:
        assert rest(client, "o-1")["at"] == ["Approval"]


def test_its_openapi_has_the_schemas_of_the_flow(client: TestClient) -> None:
    api = client.get("/openapi.json").json()
    schemas = api["components"]["schemas"]
    taken = api["paths"]["/orders/{id}/review"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    assert taken == {"$ref": "#/components/schemas/Review"}
    whole: Any = Draft202012Validator({"$ref": "#/components/schemas/OrderInputs", "components": api["components"]})
    assert whole.is_valid(SMALL) and not whole.is_valid({**SMALL, "total": 20.0})
    assert {"OrderInputs", "Review", "ReviewVerdict", "Cancel", "OrderView"} <= {*schemas}
    assert client.get("/openapi.json").json() == api


def test_a_task_that_is_late_is_seen_by_a_director(example: Callable[[str], ModuleType], tmp_path: Path) -> None:
    clock = ManualClock(datetime(2026, 1, 1, tzinfo=UTC))
    service = example("fastapi/service.py").create(tmp_path / "o.db", Shop({"A1": 10}, set()), clock)
    with TestClient(service) as client:
        client.put("/orders/o-1", json=LARGE, headers=CLEO)
        rest(client, "o-1")
    clock.advance(timedelta(days=1))
    with TestClient(service) as client:
        rest(client, "o-1")
        assert len(client.get("/tasks", headers={"X-User": "dora", "X-Roles": "director"}).json()) == 1
