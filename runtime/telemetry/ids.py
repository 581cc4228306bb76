"""Span ids for OpenTelemetry's SDK that follow from what the spans are about.

    TracerProvider(id_generator=FlowIds())

The trace of an instance has an id that follows from the instance's, and a span one that follows from its row or
attempt; so a later step is linked to an earlier one after any number of restarts, and nothing is stored for it. All
other ids of the program stay random.
"""

from __future__ import annotations

from opentelemetry.sdk.trace.id_generator import RandomIdGenerator

from .wanted import WANTED


class FlowIds(RandomIdGenerator):
    def generate_trace_id(self) -> int:
        wanted = WANTED.get()
        return super().generate_trace_id() if wanted is None else wanted.trace

    def generate_span_id(self) -> int:
        wanted = WANTED.get()
        return super().generate_span_id() if wanted is None else wanted.span

    def is_trace_id_random(self) -> bool:
        """Spread as evenly as random ones, which is what samplers need; but not random."""
        return False
