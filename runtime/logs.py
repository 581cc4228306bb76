"""Log lines with correlation: what runs here in; records that say of which instance and attempt they are out.

    handler = logging.StreamHandler()
    handler.setFormatter(JsonLines())
    handler.addFilter(Correlated())
    logging.basicConfig(handlers=[handler], level=logging.INFO)

Records of ours about an instance or an attempt carry these fields in any case; with the filter, those of the activity's
own code carry them too, be it a coroutine, on a thread or in a process.
"""

from __future__ import annotations

import json
import logging
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import NamedTuple

from .store import PendingCall


class Correlation(NamedTuple):
    """The attempt that runs here, of a call of an instance of `flow` (`Order/1`). key: its idempotency key. trace,
    span, flags: of its span where it is traced, the ids in hexadecimal."""

    flow: str
    instance: str
    key: str
    attempt: int
    trace: str = ""
    span: str = ""
    flags: int = 0

    def fields(self) -> dict[str, object]:
        """What a log record says of it."""
        told = {**about(self.instance, self.flow), "flow_key": self.key, "flow_attempt": self.attempt}
        return told | ({"trace_id": self.trace, "span_id": self.span} if self.trace else {})

    @property
    def traceparent(self) -> str:
        """The W3C header of that name; "" where it is not traced."""
        return f"00-{self.trace}-{self.span}-{self.flags:02x}" if self.trace else ""


CORRELATION: ContextVar[Correlation | None] = ContextVar("penstock_correlation", default=None)


def correlation() -> Correlation | None:
    """The attempt that runs here, asked by an activity in its coroutine, thread or process."""
    return CORRELATION.get()


def of_call(call: PendingCall) -> Correlation:
    return Correlation(call.flow, call.instance, call.idempotency_key, call.attempts)


def about(instance: str, flow: str = "", key: str = "") -> dict[str, object]:
    """The fields of a record about an instance of `flow` (`Order/1`), and about one of its calls (`charge_card#3`)."""
    told: dict[str, object] = {"flow_instance": instance}
    if flow:
        told["flow_name"], _, told["flow_version"] = flow.rpartition("/")
    if key:
        told["flow_key"] = f"{instance}/{key}"
    return told


class Correlated(logging.Filter):
    """Lets every record pass, with the fields of the attempt that it came from."""

    def filter(self, record: logging.LogRecord) -> bool:
        if (here := CORRELATION.get()) is not None:
            for name, value in here.fields().items():
                if not hasattr(record, name):
                    setattr(record, name, value)
        return True


PLAIN = frozenset({*logging.LogRecord("", 0, "", 0, "", (), None).__dict__, "message", "asctime", "taskName"})
"""What every record has; whatever else one has was given to it."""


class JsonLines(logging.Formatter):
    """A record as one line of JSON: time (UTC), level, logger, message, exception, and the fields that were given."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        line |= {name: value for name, value in vars(record).items() if name not in PLAIN}
        if record.exc_info and not record.exc_text:
            record.exc_text = self.formatException(record.exc_info)
        if record.exc_text:
            line["exception"] = record.exc_text
        return json.dumps(line, default=str)
