"""`docs/observability.md`: what a real OpenTelemetry SDK gets to see of a host."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any

import pytest
from opentelemetry import metrics, trace
from opentelemetry.exporter.prometheus import PrometheusMetricReader
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from prometheus_client import REGISTRY, generate_latest

from order_flow import Cancel, Order
from orders import CLEO, LARGE, MAX, QUICK, SMALL, House, Shop, finishing, pass_time
from penstock.runtime.core import Rejected
from penstock.runtime.hosts.sqlite import SqliteHost
from penstock.runtime.logs import correlation
from penstock.runtime.telemetry.ids import FlowIds
from penstock.runtime.telemetry.observer import Telemetry
from penstock.runtime.telemetry.wanted import trace_id
from repository import ROOT

SECOND, HOUR = timedelta(seconds=1), timedelta(hours=1)


class Process:
    """The telemetry of one process, as if each were started afresh."""

    def __init__(self, house: House, ours: bool = True, errors: bool = True) -> None:
        self.house = house
        self.exporter, self.reader = InMemorySpanExporter(), InMemoryMetricReader()
        self.tracers = TracerProvider(id_generator=FlowIds()) if ours else TracerProvider()
        self.tracers.add_span_processor(SimpleSpanProcessor(self.exporter))
        self.telemetry = Telemetry(self.tracers, MeterProvider([self.reader]), errors=errors)

    def open(self) -> SqliteHost:
        file = self.house.folder / "orders.db"
        flows: dict[Any, object] = {Order: self.house.shop}
        return SqliteHost(file, flows, clock=self.house.clock, limits=QUICK, observers=[self.telemetry])

    def spans(self) -> Sequence[ReadableSpan]:
        return self.exporter.get_finished_spans()

    def steps(self) -> list[ReadableSpan]:
        """Of the instances' own traces."""
        return [s for s in self.spans() if "flow.sequence" in told(s) and link(s, "instance") is None]

    def attempts(self) -> list[ReadableSpan]:
        return [s for s in self.spans() if "flow.attempt" in told(s)]

    def points(self) -> dict[str, list[Any]]:
        """The points of all metrics, by name."""
        data: Any = self.reader.get_metrics_data()
        every = [m for r in data.resource_metrics for s in r.scope_metrics for m in s.metrics]
        return {metric.name: list(metric.data.data_points) for metric in every}


@pytest.fixture
def house(tmp_path: Any) -> House:
    return House("sqlite", tmp_path)


def told(span: ReadableSpan) -> dict[str, Any]:
    return dict(span.attributes or {})


def ids(span: ReadableSpan) -> tuple[int, int]:
    context: Any = span.context
    return context.trace_id, context.span_id


def link(span: ReadableSpan, kind: str) -> tuple[int, int] | None:
    links = [each for each in span.links if (each.attributes or {}).get("flow.link") == kind]
    assert len(links) <= 1
    return (links[0].context.trace_id, links[0].context.span_id) if links else None


def test_a_run_is_a_trace_of_short_spans_each_linked_to_the_one_before(house: House) -> None:
    here = Process(house)
    house.shop.script["charge_card"] = [ConnectionError("lost")]

    async def run() -> None:
        async with here.open() as host:
            await host.start(Order, "o-1", SMALL)
            await host.run_until_idle()
            await pass_time(host, house.clock, 2 * SECOND)
            await host.settled("o-1")

    finishing(run())
    steps, attempts = here.steps(), here.attempts()
    assert [s.name for s in steps] == [
        "Order start", "Order reserve_stock done", "Order quote done", "Order charge_card in vain",
        "Order charge_card done", "Order ship done",
    ]  # fmt: skip
    for before, after in pairwise(steps):
        assert link(after, "before") == ids(before)
    assert link(steps[0], "before") is None
    assert [(told(s)["flow.activity"], told(s)["flow.attempt"], told(s)["flow.outcome"]) for s in attempts] == [
        ("reserve_stock", 1, "done"), ("quote", 1, "done"), ("charge_card", 1, "failed"), ("charge_card", 2, "done"),
        ("ship", 1, "done"),
    ]  # fmt: skip
    assert {f"{ids(s)[0]:032x}" for s in here.spans()} == {trace_id("o-1")}
    assert link(steps[3], "attempt") == ids(attempts[2]) and link(steps[4], "attempt") == ids(attempts[3])
    assert [s.parent and s.parent.span_id for s in attempts] == [ids(steps[n])[1] for n in (0, 1, 2, 2, 4)]
    assert [s.status.status_code for s in attempts].count(StatusCode.ERROR) == 1
    assert attempts[2].status.description == "ConnectionError: lost"
    assert [event.name for event in attempts[2].events] == ["exception"]
    assert told(steps[4]) == {
        "flow.name": "Order", "flow.version": 1, "flow.instance": "o-1", "flow.sequence": 5, "flow.state": "Shipping",
        "flow.status": "running", "flow.trigger": "charge_card done", "flow.activity": "charge_card",
        "flow.key": "o-1/charge_card#3",
    }  # fmt: skip
    assert all(s.end_time == s.start_time for s in steps)


@pytest.mark.parametrize("ours", [True, False])
def test_a_step_is_linked_to_one_before_a_restart_where_the_ids_are_ours(house: House, ours: bool) -> None:
    first, second = Process(house, ours), Process(house, ours)

    async def run() -> None:
        async with first.open() as host:
            await host.start(Order, "o-1", LARGE, by=CLEO)
            await host.run_until_idle()
        async with second.open() as host:
            await host.send("o-1", Cancel(), by=CLEO)
            await host.settled("o-1")

    finishing(run())
    last, (cancelled, undone) = first.steps()[-1], second.steps()
    assert link(cancelled, "before") == (ids(last) if ours else None)
    assert link(undone, "before") == ids(cancelled)
    assert cancelled.name == "Order cancel" and undone.name == "Order undo reserve_stock done"


def test_the_span_of_whoever_sends_is_the_parent_also_from_another_process(house: House) -> None:
    here = Process(house)
    header = {"traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}
    tracer = here.tracers.get_tracer("shop")

    async def run() -> None:
        with tracer.start_as_current_span("opens the shop"):
            opened = here.open()
            await opened.__aenter__()
        with tracer.start_as_current_span("POST /orders", TraceContextTextMapPropagator().extract(header)):
            await opened.start(Order, "o-1", LARGE, by=CLEO)
        await opened.run_until_idle()
        await opened.__aexit__(None, None, None)

    finishing(run())
    (request,) = (s for s in here.spans() if s.name == "POST /orders")
    (shown,) = (s for s in here.spans() if s.parent is not None and s.parent.span_id == ids(request)[1])
    assert f"{ids(shown)[0]:032x}" == "0af7651916cd43dd8448eb211c80319c"
    started, *others = here.steps()
    assert told(shown) == told(started) and shown.name == "Order start"
    assert (link(shown, "instance"), link(started, "sender")) == (ids(started), ids(shown))
    assert all(s.parent is None and link(s, "sender") is None for s in others) and others
    assert link(others[0], "before") == ids(started)
    (opening,) = (s for s in here.spans() if s.name == "opens the shop")
    assert not [s for s in here.spans() if s.parent is not None and s.parent.span_id == ids(opening)[1]]


def test_an_activity_runs_inside_its_attempts_span(house: House) -> None:
    here = Process(house)
    tracer = here.tracers.get_tracer("shop")
    seen: list[str] = []

    class Traced(Shop):
        async def reserve_stock(self, sku: str, qty: int, *, key: str) -> str:
            with tracer.start_as_current_span("SELECT stock"):
                seen.append(getattr(correlation(), "traceparent", ""))
                return "r-1"

        def charge_card(self, total: Decimal, *, key: str) -> str:  # type: ignore[override]  # a plain method too
            with tracer.start_as_current_span("POST /charges"):
                return "p-1"

    house.shop = Traced()

    async def run() -> None:
        async with here.open() as host:
            await host.start(Order, "o-1", SMALL)
            await host.settled("o-1")

    finishing(run())
    attempts = {told(s)["flow.activity"]: ids(s) for s in here.attempts()}
    inner = {s.name: (ids(s)[0], s.parent and s.parent.span_id) for s in here.spans()}
    assert inner["SELECT stock"] == attempts["reserve_stock"]
    assert inner["POST /charges"] == attempts["charge_card"]
    trace, span = attempts["reserve_stock"]
    assert seen[0].startswith(f"00-{trace:032x}-{span:016x}-0") and int(seen[0][-2:], 16) & 1


def test_no_payload_is_told_and_no_error_where_it_shall_not(house: House) -> None:
    here = Process(house, errors=False)
    house.shop.script["reserve_stock"] = [ConnectionError("SECRET"), "SECRET"]

    async def run() -> None:
        async with here.open() as host:
            await host.start(Order, "o-1", SMALL._replace(sku="SECRET"))
            await host.run_until_idle()
            await pass_time(host, house.clock, SECOND)
            await host.settled("o-1")

    finishing(run())
    assert [s.status.description for s in here.attempts() if not s.status.is_ok] == ["failed"]
    assert len(here.spans()) == 11
    assert "SECRET" not in "".join(span.to_json() for span in here.spans())
    assert "SECRET" not in json.dumps(here.points(), default=str)


def test_metrics_count_what_has_happened_and_what_there_is(house: House) -> None:
    here = Process(house)
    house.shop.script["ship"] = [ConnectionError("lost")] * 24

    async def run() -> dict[str, list[Any]]:
        async with here.open() as host:
            await host.start(Order, "o-1", SMALL)
            await host.start(Order, "o-2", LARGE, by=CLEO)
            await host.run_until_idle()
            with pytest.raises(Rejected):
                await host.send("o-2", Cancel(), by=MAX)
            await pass_time(host, house.clock, *[HOUR] * 23)
            points = here.points()
        assert not here.points().get("flow.instances")
        return points

    points = finishing(run())
    flow = {"flow.name": "Order", "flow.version": 1}

    def values(name: str, *by: str) -> dict[Any, Any]:
        found = points[name]
        assert all(flow.items() <= point.attributes.items() for point in found)
        return {tuple(point.attributes[each] for each in by): getattr(point, "value", None) or point for point in found}

    assert values("flow.steps", "flow.trigger") == {
        ("start",): 2, ("reserve_stock done",): 2, ("quote done",): 2, ("charge_card done",): 1,
        ("ship in vain",): 23, ("parked",): 1,
    }  # fmt: skip
    assert values("flow.rejections", "flow.reason") == {("role",): 1}
    assert values("flow.attempts", "flow.activity", "flow.outcome") == {
        ("reserve_stock", "done"): 2, ("quote", "done"): 2, ("charge_card", "done"): 1, ("ship", "failed"): 24,
    }  # fmt: skip
    assert values("flow.attempt.duration", "flow.activity", "flow.outcome")["ship", "failed"].count == 24
    latency = values("flow.step.latency")[()]
    assert latency.count == 29 and latency.max == 3600
    assert values("flow.instances", "flow.status") == {("running",): 2}
    assert [point.value for name in ("calls.parked", "tasks.open") for point in points[f"flow.{name}"]] == [1, 1]
    assert points["flow.timer.lag"][0].value == 0
    assert points["flow.commit.size"][0].sum >= points["flow.commit.size"][0].count > 30


def test_the_names_in_prometheus_are_those_of_the_table(house: House) -> None:
    page = (ROOT / "docs" / "observability.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(flow\.[\w.]+)` \| `(\w+)` \|", page, re.MULTILINE)
    reader = PrometheusMetricReader()
    provider = MeterProvider([reader])
    telemetry = Telemetry(TracerProvider(), provider)
    file = house.folder / "orders.db"

    async def run() -> str:
        async with SqliteHost(file, {Order: house.shop}, limits=QUICK, observers=[telemetry]) as host:
            await host.start(Order, "o-1", SMALL)
            with pytest.raises(Rejected):
                await host.start(Order, "o-2", SMALL._replace(qty=0))
            await host.settled("o-1")
            return generate_latest(REGISTRY).decode()

    try:
        text = finishing(run())
    finally:
        provider.shutdown()
    named = set(re.findall(r"^# TYPE (flow_\w+) ", text, re.MULTILINE))
    assert named == {exported for _, exported in rows}
    assert 'flow_attempts_total{flow_activity="ship",flow_name="Order",flow_outcome="done",flow_version="1"' in text


def test_without_the_sdk_nothing_is_told_and_all_goes_on(house: House) -> None:
    telemetry = Telemetry(trace.NoOpTracerProvider(), metrics.NoOpMeterProvider())
    file = house.folder / "orders.db"

    async def run() -> None:
        async with SqliteHost(file, {Order: house.shop}, limits=QUICK, observers=[telemetry]) as host:
            await host.start(Order, "o-1", SMALL)
            assert (await host.settled("o-1")).configuration == ("Delivered",)

    finishing(run())
