"""What may come in from outside: the same for the interpreter and for generated code, and what the checks assume."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from kernels import flow
from penstock.compiler import simulate
from penstock.compiler.instance import NOBODY, Event, Rejected
from penstock.runtime import core
from twins import generated

FLOW = """
  record Offer { until: instant, term: duration }
  input { since: instant }
  event offer(made: list<Offer> at most 3, pause: duration?)
  start -> Open
  state Open { on offer(_, _) -> Done  wait forever "an offer" }
  final Done
"""
NOW = datetime(2026, 1, 1, tzinfo=UTC)
DAY, TICK = timedelta(days=1), timedelta(microseconds=1)
EARLIEST, LATEST = datetime(1900, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)
LONGEST = 36500 * DAY
KERNEL = flow(FLOW)
MADE: Any = generated(KERNEL)


@pytest.mark.parametrize(
    ("since", "good"), [(EARLIEST, True), (EARLIEST - TICK, False), (LATEST - TICK, True), (LATEST, False)]
)
def test_an_instant_from_outside_lies_in_three_hundred_years(since: datetime, good: bool) -> None:
    def interpreted() -> object:
        return simulate.start(KERNEL, (since,), NOBODY, NOW)

    def run() -> object:
        return MADE.begin(MADE.spec.inputs.type(since), now=NOW)

    if good:
        assert interpreted() and run()
        return
    with pytest.raises(Rejected, match="payload"):
        interpreted()
    with pytest.raises(core.Rejected, match="payload"):
        run()


@pytest.mark.parametrize(
    ("term", "until", "pause", "good"),
    [
        (LONGEST, NOW, -LONGEST, True),
        (LONGEST + TICK, NOW, None, False),
        (-LONGEST - TICK, NOW, None, False),
        (DAY, LATEST, None, False),
        (DAY, NOW, LONGEST + TICK, False),
    ],
)
def test_times_in_lists_and_records_are_looked_at_as_well(
    term: timedelta, until: datetime, pause: timedelta | None, good: bool
) -> None:
    instance = simulate.start(KERNEL, (NOW,), NOBODY, NOW).after
    record = MADE.begin(MADE.spec.inputs.type(NOW), now=NOW)[0]
    payload = (((until, term),), pause)
    offers = MADE.spec.events["offer"].record
    made = {
        "made": [{"until": until.isoformat(), "term": term // TICK}],
        "pause": None if pause is None else pause // TICK,
    }
    trigger = offers.decode(made)
    if good:
        assert simulate.step(KERNEL, instance, Event("offer", payload), NOBODY, NOW).after.finished
        assert record.step(trigger, now=NOW)[0].finished
        return
    with pytest.raises(Rejected, match="payload"):
        simulate.step(KERNEL, instance, Event("offer", payload), NOBODY, NOW)
    with pytest.raises(core.Rejected, match="payload"):
        record.step(trigger, now=NOW)


WORDS = flow("""
  record Note { by: text, what: text? }
  input { title: text }
  event add(notes: list<Note> at most 3)
  start -> Open
  state Open { on add(_) -> Done  wait forever "notes" }
  final Done
""")
TEXTS: Any = generated(WORDS)


@pytest.mark.parametrize(
    ("text", "good"), [("\U0001f600", True), ("a\0b", True), ("\ud83d", False), ("a\udc00b", False)]
)
def test_text_from_outside_can_be_written_down(text: str, good: bool) -> None:
    instance = simulate.start(WORDS, ("t",), NOBODY, NOW).after
    record = TEXTS.begin(TEXTS.spec.inputs.type("t"), now=NOW)[0]
    trigger = TEXTS.spec.events["add"].record.decode({"notes": [{"by": "ann", "what": text}]})
    payload = ((("ann", text),),)
    if good:
        simulate.start(WORDS, (text,), NOBODY, NOW)
        assert TEXTS.begin(TEXTS.spec.inputs.type(text), now=NOW)
        assert simulate.step(WORDS, instance, Event("add", payload), NOBODY, NOW).after.finished
        assert record.step(trigger, now=NOW)[0].finished
        return
    with pytest.raises(Rejected, match="payload"):
        simulate.start(WORDS, (text,), NOBODY, NOW)
    with pytest.raises(core.Rejected, match="payload"):
        TEXTS.begin(TEXTS.spec.inputs.type(text), now=NOW)
    with pytest.raises(Rejected, match="payload"):
        simulate.step(WORDS, instance, Event("add", payload), NOBODY, NOW)
    with pytest.raises(core.Rejected, match="payload"):
        record.step(trigger, now=NOW)
