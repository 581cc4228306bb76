"""Orders over HTTP: a durable host inside a FastAPI service, a route for each event, OpenAPI from the flow's schemas.

By hand, with the Order flow of this repository:

    PYTHONPATH=generated:docs/examples/order:docs/examples/fastapi uvicorn service:app
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, cast

from fastapi import APIRouter, Depends, FastAPI, Header, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel

from order_flow import Order, OrderActivities, OrderInputs
from penstock.runtime import schema
from penstock.runtime.codec import Invalid
from penstock.runtime.core import Actor, Rejected
from penstock.runtime.errors import Conflict, StoreError, Unknown
from penstock.runtime.hosts.sqlite import SqliteHost
from penstock.runtime.timers import Clock
from shop import Shop

router = APIRouter()


# ---------------------------------------------------------------- who asks, and what


def actor(x_user: Annotated[str, Header()] = "", x_roles: Annotated[str, Header()] = "") -> Actor:
    """Who is asking. Your authentication goes here; the flow checks what they may do."""
    return Actor(x_user, frozenset(filter(None, x_roles.split(","))))


def host(request: Request) -> SqliteHost:
    opened: SqliteHost = request.app.state.host
    return opened


async def body(request: Request) -> Any:
    """The request's JSON, as it is: the flow's codecs check it, and say what is wrong."""
    try:
        return await request.json()
    except ValueError as error:
        raise Invalid(f"the body is no JSON: {error}") from None


By = Annotated[Actor, Depends(actor)]
Host = Annotated[SqliteHost, Depends(host)]
Body = Annotated[Any, Depends(body)]
Key = Annotated[str | None, Header(alias="Idempotency-Key")]


def takes(name: str) -> dict[str, Any]:
    """The OpenAPI of a body that has this schema."""
    content = {"application/json": {"schema": {"$ref": f"{schema.OPENAPI}{name}"}}}
    return {"requestBody": {"required": True, "content": content}}


# ---------------------------------------------------------------- orders


class OrderView(BaseModel):
    """An order as its customers see it. can: what this person could do with it now."""

    id: str
    status: str
    at: list[str]
    data: dict[str, Any]
    can: list[str]


class TaskView(BaseModel):
    order: str
    task: str
    title: str
    due: datetime | None
    form: list[str]


async def view(host: SqliteHost, id: str, by: Actor) -> OrderView:
    record, instance = await host.record(id), await host.instance(id)
    can = [Order.spec.kinds[kind].name for kind in record.accepted(by)]
    data: Any = Order.spec.data.encode(record.data)
    return OrderView(id=id, status=instance.status, at=list(instance.configuration), data=data, can=can)


@router.put("/orders/{id}", openapi_extra=takes("OrderInputs"))
async def start(id: str, body: Body, by: By, host: Host) -> OrderView:
    """Start an order. The client chooses the id, so that asking again is asking once."""
    await host.start(Order, id, cast(OrderInputs, Order.spec.inputs.decode(body)), by=by)
    return await view(host, id, by)


@router.get("/orders/{id}")
async def look(id: str, by: By, host: Host, wait: bool = False) -> OrderView:
    """How an order stands; with `wait`, when it has come to rest."""
    if wait:
        await host.settled(id)
    return await view(host, id, by)


@router.get("/tasks")
async def inbox(by: By, host: Host) -> list[TaskView]:
    """What this person may do."""
    return [
        TaskView(order=item.instance, task=item.task, title=item.title, due=item.due, form=list(item.form))
        for item in await host.tasks(for_=by)
    ]


def sender(name: str) -> Callable[..., Awaitable[OrderView]]:
    """The endpoint of an event or a task."""

    async def send(id: str, body: Body, by: By, host: Host, key: Key = None) -> OrderView:
        await host.send(id, Order.event(name, body), by=by, request=key)
        return await view(host, id, by)

    return send


for event in Order.spec.events.values():
    router.add_api_route(
        f"/orders/{{id}}/{event.name}",
        sender(event.name),
        methods=["POST"],
        operation_id=event.name,
        summary=event.record.type.__doc__,
        openapi_extra=takes(event.record.type.__name__),
    )


# ---------------------------------------------------------------- what is refused

STATUS = {"payload": 422, "role": 403, "excluded": 403}
"""Of a rejection, by its reason; all others (`finished`, `closed`, `unhandled`, `full`) say that it comes at the wrong
time: 409."""


def refused(status: int, reason: str, detail: str, **more: str) -> Response:
    return JSONResponse({"reason": reason, "detail": detail, **more}, status)


def rejected(_: Request, error: Exception) -> Response:
    assert isinstance(error, Rejected)
    return refused(STATUS.get(error.reason, 409), error.reason, error.detail or str(error), state=error.state)


HANDLERS: dict[type[Exception], Callable[[Request, Exception], Response]] = {
    Rejected: rejected,
    Invalid: lambda _, error: refused(422, "payload", str(error)),
    Unknown: lambda _, error: refused(404, "unknown", str(error)),
    Conflict: lambda _, error: refused(409, "conflict", str(error)),
    StoreError: lambda _, error: refused(503, "storage", str(error)),
}


# ---------------------------------------------------------------- the service


class Service(FastAPI):
    """A service whose OpenAPI has the schemas of the flow."""

    def openapi(self) -> dict[str, Any]:
        if self.openapi_schema is None:
            super().openapi()["components"]["schemas"] |= schema.definitions(Order.spec, schema.OPENAPI)
        return super().openapi()


def create(path: Path, shop: OrderActivities, clock: Clock | None = None) -> FastAPI:
    """The service, with its store in this file."""

    @asynccontextmanager
    async def working(app: FastAPI) -> AsyncGenerator[None, None]:
        async with SqliteHost(path, {Order: shop}, clock=clock) as app.state.host:
            yield

    app = Service(title="Orders", version=f"{Order.spec.version}", lifespan=working)
    app.include_router(router)
    for kind, handler in HANDLERS.items():
        app.add_exception_handler(kind, handler)
    return app


app = create(Path("orders.db"), Shop(stock={"A1": 10}, declined=set()))
