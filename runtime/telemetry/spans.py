"""Spans: rows of journals and attempts in, one short span for each out, linked to the one before.

No span is held open while an instance waits. All of an instance are roots, or children of a step that is over, in one
trace; a row that somebody sent from within a span of theirs is told in their trace too, as its child.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from contextvars import Token
from datetime import datetime

from opentelemetry import context as contexts
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import Span, SpanContext, Status, StatusCode, Tracer

from ..logs import CORRELATION
from ..outbox import Result
from ..store import Ended, Happening, PendingCall, Stepped
from ..timers import micros
from . import words
from .wanted import Ids, of_attempt, of_step, wanting

KEPT = 10_000
"""So many spans are remembered; of others the ids are worked out, where the provider has ours."""

EMPTY = Context()

Number = tuple[str, str, int]


class Spans:
    """errors: whether what went wrong is told in words."""

    def __init__(self, tracer: Tracer, errors: bool) -> None:
        self._tracer = tracer
        self._errors = errors
        self._kept: OrderedDict[tuple[str, object], SpanContext] = OrderedDict()
        self._running: dict[Number, tuple[Span, Token[Context]]] = {}
        self._ours = False

    def happened(self, happenings: Sequence[Happening]) -> None:
        """A span for each row; one that an attempt led to is linked to it."""
        ended: dict[str, PendingCall] = {}
        for each in happenings:
            if isinstance(each, Ended):
                ended[f"{each.call.instance}/{each.call.key}"] = each.call
            elif isinstance(each, Stepped):
                self._step(each, ended)

    def _step(self, step: Stepped, ended: dict[str, PendingCall]) -> None:
        entry = step.entry
        attributes, moment = words.of_step(entry, step.flow), _nanos(entry.at)
        name = f"{words.name(step.flow)} {words.trigger(entry)}"
        span = self._started(of_step(entry.instance, entry.sequence), name, EMPTY, attributes, moment)
        if entry.sequence > 1:
            self._link(span, of_step(entry.instance, entry.sequence - 1), "before")
        call = ended.get(f"{entry.instance}/{words.answered(entry)}")
        if call is not None:
            self._link(span, of_attempt(call), "attempt")
        if trace.get_current_span().get_span_context().is_valid:
            told = self._tracer.start_span(name, attributes=attributes, start_time=moment)
            told.add_link(span.get_span_context(), {"flow.link": "instance"})
            told.end(moment)
            span.add_link(told.get_span_context(), {"flow.link": "sender"})
        span.end(moment)
        for key in words.asked(entry):
            self._keep(("asked", (entry.instance, key)), span.get_span_context())

    def begins(self, call: PendingCall) -> None:
        """The attempt's span becomes the current one, and its ids those of the log."""
        asked = self._kept.get(("asked", (call.instance, call.key)))
        around = trace.set_span_in_context(trace.NonRecordingSpan(asked), EMPTY) if asked is not None else EMPTY
        attributes = words.of_attempt(call)
        name = f"{words.name(call.flow)} {words.activity(call.key)} attempt"
        span = self._started(of_attempt(call), name, around, attributes)
        token = contexts.attach(trace.set_span_in_context(span, EMPTY))
        self._running[_number(call)] = span, token
        here, told = CORRELATION.get(), span.get_span_context()
        if here is not None and told.is_valid:
            ids = trace.format_trace_id(told.trace_id), trace.format_span_id(told.span_id), int(told.trace_flags)
            CORRELATION.set(here._replace(trace=ids[0], span=ids[1], flags=ids[2]))

    def ends(self, call: PendingCall, result: Result) -> None:
        span, token = self._running.pop(_number(call))
        contexts.detach(token)
        span.set_attribute("flow.outcome", result.kind)
        if not result.definite:
            span.set_status(Status(StatusCode.ERROR, result.error if self._errors else result.kind))
            if self._errors and result.cause is not None:
                span.record_exception(result.cause)
        span.end()

    # ------------------------------------------------------------ ids

    def _started(
        self,
        ids: Ids,
        name: str,
        around: Context,
        attributes: words.Attributes,
        moment: int | None = None,
    ) -> Span:
        with wanting(ids):
            span = self._tracer.start_span(name, around, attributes=attributes, start_time=moment)
        context = span.get_span_context()
        self._ours = context.span_id == ids.span
        self._keep(("span", ids), context)
        return span

    def _keep(self, key: tuple[str, object], context: SpanContext) -> None:
        if context.is_valid:
            self._kept[key] = context
            if len(self._kept) > KEPT:
                self._kept.popitem(last=False)

    def _link(self, span: Span, ids: Ids, kind: str) -> None:
        """To the span of these ids: as it was, or as it must have been."""
        known = self._kept.get(("span", ids)) or (ids.context if self._ours else None)
        if known is not None:
            span.add_link(known, {"flow.link": kind})


def _number(call: PendingCall) -> Number:
    return call.instance, call.key, call.attempts


def _nanos(moment: datetime) -> int:
    return micros(moment) * 1000
