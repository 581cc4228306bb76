"""What may be done about an instance now: the exact commands, with capitals where something is to be filled in."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from datetime import datetime

from ..codec import NOTHING
from ..journal import AnyFlow
from ..letters import Letter
from ..operators import irreversible
from ..outbox import DONE, FAILED
from ..overview import Overview
from ..spec import EventSpec
from ..store import PendingCall
from .accepted import accepted
from .answers import Place
from .values import form, kind

REASON = ("--reason", "WHY")


def suggestions(seen: Overview, record: AnyFlow | None, place: Place) -> Iterator[str]:
    """In the order in which they help; `record` where the flow's code is at hand."""
    id, operator = seen.instance.id, (*place.who, *REASON)
    calls = waiting(seen, place.client.now())
    for call in calls:
        one = () if len(calls) == 1 else ("--call", call.key)
        yield _said(place, ("instances", "retry", id), "", (*one, *operator))
        if record is not None and (call.due is None or len(calls) == 1):
            for words, value in _answers(record, call):
                yield _said(place, ("instances", *words), value, (*one, *operator))
    for letter in seen.letters:
        if letter.reason:
            yield from about_letter(letter, place)
    if record is not None and not record.compensating:
        yield from (_taken(record, id, event, place) for event in accepted(record))
    if record is not None and cancellable(record):
        yield _said(place, ("instances", "cancel", id), "", operator)


def about_letter(letter: Letter, place: Place) -> Iterator[str]:
    """What may be done about one that was not taken."""
    for act in ("redeliver", "discard"):
        yield _said(place, ("letters", act, letter.id), "", (*place.who, *REASON))


def waiting(seen: Overview, now: datetime) -> Sequence[PendingCall]:
    """The calls that an operator can do something about: parked ones first, then those that have failed and wait for
    their next attempt."""
    return [*seen.parked, *(call for call in seen.calls if call.due is not None and call.due > now and _failed(call))]


def _failed(call: PendingCall) -> bool:
    return call.owner is None and call.attempts > 0


def _said(place: Place, words: Sequence[str], form: str, options: Sequence[str]) -> str:
    """As a shell takes it."""
    parts = [place.program, shlex.join(words), form, shlex.join((*options, *place.words))]
    return " ".join(part for part in parts if part)


def _answers(record: AnyFlow, call: PendingCall) -> Iterator[tuple[Sequence[str], str]]:
    """How a call may be answered by hand, or given up; and what its result looks like."""
    resolve, skip = ("resolve", call.instance), ("skip", call.instance)
    if call.forward is not None:
        yield (*resolve, "done"), ""
        yield skip, ""
        return
    activity = record.spec.activities.get(call.name)
    if activity is None:
        return
    for outcome in activity.outcomes:
        given = outcome == DONE and activity.result is not NOTHING
        yield (*resolve, outcome), shlex.quote(kind(activity.result)) if given else ""
    if FAILED in activity.outcomes:
        yield skip, ""


def _taken(record: AnyFlow, id: str, event: EventSpec, place: Place) -> str:
    """How an event or a task that is taken now is sent."""
    if not event.task:
        role = ("--role", event.roles[0]) if event.roles else ()
        return _said(place, ("instances", "signal", id, event.name), form(event.record), (*place.who, *REASON, *role))
    work = next((each for each in record.ledger.tasks if each.task == event.name), None)
    role = ("--role", work.roles[0]) if work is not None and work.roles else ()
    who = ("--by", "ANOTHER") if work is not None and place.by in work.excluded else place.who
    return _said(place, ("tasks", "complete", id, event.name), form(event.record), (*who, *role))


def cancellable(record: AnyFlow) -> bool:
    """Whether an operator who withdraws it would change where it ends."""
    return not record.finished and not record.compensating and not irreversible(record)
