"""Ids of spans that follow from what they are about: an instance and a row or an attempt of it in, ids out."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar
from hashlib import sha256
from typing import NamedTuple

from opentelemetry.trace import SpanContext, TraceFlags

from ..store import PendingCall


class Ids(NamedTuple):
    """A trace and a span in it."""

    trace: int
    span: int

    @property
    def context(self) -> SpanContext:
        """For a link to it."""
        return SpanContext(self.trace, self.span, is_remote=True, trace_flags=TraceFlags(TraceFlags.SAMPLED))


WANTED: ContextVar[Ids | None] = ContextVar("penstock_ids", default=None)
"""What the next span's ids shall be."""


@contextmanager
def wanting(ids: Ids) -> Generator[None]:
    token = WANTED.set(ids)
    try:
        yield
    finally:
        WANTED.reset(token)


def of_step(instance: str, sequence: int) -> Ids:
    return Ids(_hashed("instance", instance, bits=128), _hashed("step", instance, sequence, bits=64))


def of_attempt(call: PendingCall) -> Ids:
    span = _hashed("attempt", call.instance, call.key, call.attempts, bits=64)
    return Ids(_hashed("instance", call.instance, bits=128), span)


def trace_id(instance: str) -> str:
    """In hexadecimal: where to look for an instance."""
    return f"{of_step(instance, 0).trace:032x}"


def _hashed(*words: object, bits: int) -> int:
    """Never 0, which is no id."""
    text = "\0".join(map(str, words)).encode("utf-8", "surrogatepass")
    return int.from_bytes(sha256(text).digest()[: bits // 8]) or 1
