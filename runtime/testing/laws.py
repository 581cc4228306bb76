"""What is true of every flow, whatever it is about: a record, or a trigger handed to one, in; a broken law out.

Each law is an AssertionError with the record in it. The functions at the top say what properties and old findings ask.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable
from datetime import datetime, timedelta
from typing import Any, TypeVar, cast

from ..core import NOBODY, Actor, Effect, Rejected
from ..flow import Flow
from ..spec import ActivityKind

AnyFlow = Flow[Any, Any, Any, Any]
R = TypeVar("R", bound=Flow[Any, Any, Any, Any])


# ---------------------------------------------------------------- what properties ask


def done(record: AnyFlow, activity: str) -> bool:
    """`done(activity)`: a call of it has succeeded and is not undone."""
    ledger = record.ledger
    return activity in ledger.completed or any(entry.activity == activity and entry.done for entry in ledger.log)


def count(record: AnyFlow, activity: str) -> int:
    """`count(activity)`: its calls on the log."""
    return sum(entry.activity == activity for entry in record.ledger.log)


def elapsed(record: AnyFlow, now: datetime) -> timedelta:
    """`elapsed`: the time since the start."""
    return now - record.ledger.started


# ---------------------------------------------------------------- what findings were about


def failed(record: AnyFlow, failures: Collection[str]) -> bool:
    """Whether it has ended in failure. failures: the finals that are one."""
    return record.finished and (not record.at or record.at[0] in failures)


def left_standing(record: AnyFlow, failures: Collection[str]) -> list[str]:
    """F101: the activities whose effect nothing undid although the flow has failed."""
    return [entry.activity for entry in record.ledger.log] if failed(record, failures) else []


def undone_too_late(record: AnyFlow, failures: Collection[str]) -> list[str]:
    """F102: the irreversible activities that may have run although the flow fails, or undoes what it did."""
    kinds = {name: activity.kind for name, activity in record.spec.activities.items()}
    back = record.compensating or failed(record, failures)
    return [e.activity for e in record.ledger.log if back and kinds[e.activity] is ActivityKind.IRREVERSIBLE]


def left_unsure(record: AnyFlow, failures: Collection[str]) -> list[str]:
    """F103: the activities of which nobody knows whether they had their effect although the flow has succeeded."""
    succeeded = record.finished and not failed(record, failures)
    return [entry.activity for entry in record.ledger.log if succeeded and not entry.done]


def stuck(record: AnyFlow) -> bool:
    """F003: nothing can happen any more, and it is not finished."""
    ledger = record.ledger
    waits = record.accepted() or ledger.calls or ledger.timers or ledger.tasks
    return not (record.finished or record.compensating or waits)


# ---------------------------------------------------------------- laws


def keeps_its_snapshot(record: AnyFlow) -> None:
    """What is written down is read back as exactly the same record, which is written down the same way."""
    read = _read_back(record)
    assert json.dumps(read.to_json()) == json.dumps(record.to_json()), f"{read!r} is written otherwise a second time"


def rests_when_finished(record: AnyFlow) -> None:
    """A finished instance has nothing running, and accepts nothing."""
    if record.finished:
        ledger = record.ledger
        left = (ledger.calls, ledger.timers, ledger.tasks, ledger.deferred, record.accepted())
        assert left == ((), (), (), (), ()), f"{record!r} is finished and has something left"


def handed(record: R, trigger: Any, by: Actor = NOBODY, *, now: datetime) -> tuple[R, tuple[Effect, ...]]:
    """A step, and what is true of every step: it does not change the record it starts from, comes out the same when it
    is made again from the record's snapshot, and trigger and effects are read back as they were written.

    Raises core.Rejected where the step does."""
    same = _read_back(record)
    first, second = _tried(record, trigger, by, now), _tried(same, trigger, by, now)
    assert record == same, f"{trigger!r} has changed the record it was handed to, which was {same!r}"
    if isinstance(first, Rejected):
        again = second.reason if isinstance(second, Rejected) else "nothing"
        assert again == first.reason, f"{first}, and for {again} after {record!r} was read back"
        raise first
    assert first == second, f"{trigger!r} comes out otherwise after {record!r} was read back"
    made, effects = first
    _written(record, trigger, effects)
    return made, effects


def _read_back(record: R) -> R:
    written = json.dumps(record.to_json())
    read = type(record).from_json(json.loads(written))
    assert read == record, f"{written} is read back as {read!r}"
    return read


def _tried(record: R, trigger: Any, by: Actor, now: datetime) -> tuple[R, tuple[Effect, ...]] | Rejected:
    try:
        made, effects = record.step(trigger, by=by, now=now)
    except Rejected as rejected:
        return rejected
    return made, effects


def _written(record: AnyFlow, trigger: Any, effects: Iterable[Effect]) -> None:
    """Journals and outboxes hold what was meant."""
    spec = record.spec
    text = json.dumps(spec.trigger_to_json(trigger))
    assert spec.trigger_from_json(json.loads(text)) == trigger, f"{trigger!r} is read back otherwise from {text}"
    for effect in effects:
        text = json.dumps(spec.effect_to_json(effect))
        read = spec.effect_from_json(json.loads(text))
        assert read == effect and type(read) is type(effect), f"{effect!r} is read back otherwise from {text}"


def sent(record: R, event: Any, by: Actor, *, now: datetime, total: bool = True) -> tuple[R, tuple[Effect, ...], str]:
    """An event or a completed task, held to what `accepted` says; the last part is the reason of a rejection, or "".

    total: whether what is accepted is accepted with every payload (no guard is left without an `else`)."""
    kind: type[object] = cast("type[object]", type(event))
    can, may = record.accepted(), record.accepted(by)
    assert set(may) <= set(can), f"{by!r} may do more than can be done: {may!r}, not among {can!r}"
    made, effects, reason = _sent(record, event, by, now)
    _by_its_method(record, event, by, now, (made, effects, reason))
    if reason:
        met = reason != "unhandled" or not total
        assert met or kind not in may, f"{event!r} is unhandled, but accepted: {record!r}"
        assert reason == "unhandled" or kind not in may, f"{event!r} is refused ({reason}), but accepted: {record!r}"
        return record, (), reason
    if kind not in can:
        waits = (*record.ledger.deferred, event)
        alone = made.ledger.deferred in (record.ledger.deferred, waits)
        same = made.ledger._replace(deferred=record.ledger.deferred) == record.ledger
        unmoved = (made.at, made.data) == (record.at, record.data) and same and alone
        assert unmoved and effects == (), f"{event!r} has moved what does not accept it: {record!r}"
    else:
        assert kind in may, f"{by!r} has done {event!r} and may not: {record!r}"
    return made, effects, ""


def _by_its_method(record: AnyFlow, event: object, by: Actor, now: datetime, told: tuple[object, ...]) -> None:
    """The method of an event does what `step` does, and `may_...` says what `accepted` says."""
    spec = record.spec.kinds[type(event)]
    written, wish = vars(type(record)), spec.name.lstrip("_")
    name = next((each for each in (wish, f"{wish}_") if each in written and each != "start"), None)
    if name is None:
        return
    method: Callable[..., tuple[object, object]] = getattr(record, name)
    try:
        said: tuple[object, ...] = (*method(*spec.record.values(event), by=by, now=now), "")
    except Rejected as rejected:
        said = (record, (), rejected.reason)
    assert said == told, f"{name} does {said!r}, and step {told!r}"
    may: Callable[[Actor], bool] | None = getattr(record, f"may_{name}", None)
    if may is not None and f"may_{name}" in written:
        assert may(by) == (type(event) in record.accepted(by)), f"may_{name}({by!r}) is not what {record!r} accepts"


def _sent(record: R, event: Any, by: Actor, now: datetime) -> tuple[R, tuple[Effect, ...], str]:
    try:
        made, effects = handed(record, event, by, now=now)
    except Rejected as rejected:
        return record, (), rejected.reason
    return made, effects, ""
