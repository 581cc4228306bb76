"""A host's metrics and traces, through OpenTelemetry: the extra `otel`.

    async with SqliteHost("shop.db", {Order: shop}, observers=[Telemetry()]) as host: ...

What becomes of them is said by the program's providers (`opentelemetry.sdk`); without any, nothing does.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from opentelemetry import context as contexts
from opentelemetry import metrics, trace
from opentelemetry.context import Context

from ..observing import Observer
from ..outbox import Result
from ..store import Happening, PendingCall, Tally
from .metrics import Metrics
from .spans import Spans

NAME = "penstock"
"""The instrumentation scope."""


class Telemetry(Observer):
    """One for each host, or one for several. By default it uses the global providers."""

    def __init__(
        self,
        tracers: trace.TracerProvider | None = None,
        meters: metrics.MeterProvider | None = None,
        *,
        errors: bool = True,
    ) -> None:
        """errors: whether spans tell the texts of exceptions, which may quote what an activity was given."""
        self._spans = Spans((tracers or trace.get_tracer_provider()).get_tracer(NAME), errors)
        self._metrics = Metrics((meters or metrics.get_meter_provider()).get_meter(NAME))

    def opened(self, look: Callable[[], Tally]) -> None:
        self._metrics.opened(look)

    def happened(self, happenings: Sequence[Happening]) -> None:
        self._metrics.happened(happenings)
        self._spans.happened(happenings)

    def works(self) -> None:
        contexts.attach(Context())  # what the worker does is not done by whoever opened the host

    def begins(self, call: PendingCall) -> None:
        self._spans.begins(call)

    def ends(self, call: PendingCall, result: Result) -> None:
        self._spans.ends(call, result)

    def closed(self) -> None:
        self._metrics.closed()
