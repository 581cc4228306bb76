"""Metrics: happenings in, counts and durations out; and, when somebody looks, what there is in the stores.

`docs/observability.md` has the table. No attribute has more values than the flows have names.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Sequence

from opentelemetry.metrics import CallbackOptions, Meter, Observation

from ..errors import StoreError
from ..store import Committed, Ended, Happening, Refused, Stepped, Tally
from . import words

LOG = logging.getLogger("penstock")

FRESH = 0.5
"""Seconds for which the gauges of one collection share a look."""

SHORT = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800, 3600]
LONG = [0.01, 0.1, 1, 10, 60, 600, 3600, 21600, 86400, 604800, 2592000]
SIZES = [1, 2, 4, 8, 16, 32, 64, 128, 256]

Look = Callable[[], Tally]


class Metrics:
    def __init__(self, meter: Meter) -> None:
        self._steps = meter.create_counter("flow.steps", "{step}", "Rows written to journals.")
        self._refusals = meter.create_counter("flow.rejections", "{event}", "Events and starts that were rejected.")
        self._attempts = meter.create_counter("flow.attempts", "{attempt}", "Attempts of calls that have ended.")
        self._duration = meter.create_histogram(
            "flow.attempt.duration",
            "s",
            "From begin to end of an attempt.",
            explicit_bucket_boundaries_advisory=SHORT,
        )
        self._latency = meter.create_histogram(
            "flow.step.latency", "s", "From an instance's row to its next.", explicit_bucket_boundaries_advisory=LONG
        )
        self._commits = meter.create_histogram(
            "flow.commit.size", "{write}", "Writes that shared a commit.", explicit_bucket_boundaries_advisory=SIZES
        )
        gauge = meter.create_observable_gauge
        gauge("flow.instances", [self._instances], "{instance}", "Instances by status.")
        gauge("flow.calls.parked", [self._parked], "{call}", "Calls that wait for an operator.")
        gauge("flow.tasks.open", [self._tasks], "{task}", "Tasks that wait for a person.")
        gauge("flow.timer.lag", [self._lag], "s", "How long the timer that is longest overdue has been due.")
        self._looks: list[Look] = []
        self._seen: tuple[float, list[Tally]] = 0.0, []

    def opened(self, look: Look) -> None:
        self._looks.append(look)

    def closed(self) -> None:
        self._looks.pop()
        self._seen = 0.0, []

    def happened(self, happenings: Sequence[Happening]) -> None:
        for each in happenings:
            match each:
                case Stepped(entry, flow, before):
                    what = words.of_flow(flow)
                    self._steps.add(1, what | {"flow.trigger": words.trigger(entry)})
                    if before is not None:
                        self._latency.record((entry.at - before).total_seconds(), what)
                case Ended(call, kind, _, at):
                    what = words.of_flow(call.flow)
                    what |= {"flow.activity": words.activity(call.key), "flow.outcome": kind}
                    self._attempts.add(1, what)
                    if call.began is not None:
                        self._duration.record(max((at - call.began).total_seconds(), 0.0), what)
                case Refused(_, flow, reason):
                    self._refusals.add(1, words.of_flow(flow) | {"flow.reason": reason})
                case Committed(works):
                    self._commits.record(works)
                case _:
                    pass

    # ------------------------------------------------------------ gauges

    def _look(self) -> list[Tally]:
        """What there is in the stores that are open; nothing of one that cannot be read."""
        moment, last = self._seen
        if time.monotonic() - moment < FRESH:
            return last
        seen: list[Tally] = []
        for look in [*self._looks]:
            try:
                seen.append(look())
            except StoreError as error:
                LOG.warning("the store cannot be counted: %s", error)
        self._seen = time.monotonic(), seen
        return seen

    def _instances(self, _: CallbackOptions) -> Iterable[Observation]:
        counts: dict[tuple[str, str], int] = {}
        for tally in self._look():
            for (flow, status), count in tally.instances.items():
                counts[flow, str(status)] = counts.get((flow, str(status)), 0) + count
        return [Observation(n, words.of_flow(flow) | {"flow.status": status}) for (flow, status), n in counts.items()]

    def _parked(self, _: CallbackOptions) -> Iterable[Observation]:
        return self._sum(lambda tally: tally.parked)

    def _tasks(self, _: CallbackOptions) -> Iterable[Observation]:
        return self._sum(lambda tally: tally.tasks)

    def _lag(self, _: CallbackOptions) -> Iterable[Observation]:
        return [Observation(max(tally.lag for tally in seen))] if (seen := self._look()) else []

    def _sum(self, count: Callable[[Tally], int]) -> list[Observation]:
        return [Observation(sum(map(count, seen)))] if (seen := self._look()) else []
