"""One instance for somebody who was woken: where it is and since when, what it waits for, what to do, what happened."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from ..journal import AnyFlow
from ..letters import Letter
from ..overview import Overview
from ..store import Instance, JournalEntry, PendingCall, Status
from ..story import story
from ..troubles import PATIENCE, Kind, Matter, lost
from .accepted import accepted, whose
from .advice import suggestions
from .answers import Place, code_of
from .layout import at, clean, count, length, relative, table


def shown(seen: Overview, record: AnyFlow | None, kin: Mapping[str, Instance], place: Place, now: datetime) -> str:
    """All of it. `record` where the flow's code is at hand; kin: its sub-flows and its parent, as they are."""
    parts = [
        _headline(seen, now),
        *_section("parked: waits for an operator", [_parked(seen, call, now) for call in seen.parked]),
        *_section("under way", [_under_way(seen, call, record, now) for call in seen.calls if call.due is not None]),
        *_section("open tasks", [_task(seen, number, now) for number in range(len(seen.tasks))]),
        *_section("timers", [(timer.name, at(timer.due), relative(timer.due, now)) for timer in seen.timers]),
        *_section("events that wait", _deferred(record)),
        *_section("sub-flows", [_relative(kin, child.instance, child.key) for child in seen.children]),
        *_section("letters", [(each.id, each.event, f"to {each.to}", refused(each)) for each in seen.letters]),
        *_section("accepted now", _accepted(record)),
    ]
    commands = [(command,) for command in suggestions(seen, record, place)]
    parts += _section("what may be done now", commands)
    if record is None:
        lacking = code_of(seen.instance.flow, place)
        parts.append(f"The story, and what is accepted now, need the code of {seen.instance.flow}: {lacking}.\n")
    else:
        told = story(record.spec, seen.journal).splitlines()
        parts += _section("story", [(line,) for line in told[1:]])
    return "\n".join(parts)


def _section(title: str, rows: Sequence[Sequence[str]]) -> Iterator[str]:
    if rows:
        yield f"{title}\n{table((), rows, indent='  ')}"


def _headline(seen: Overview, now: datetime) -> str:
    instance = seen.instance
    where = place_of(instance)
    since = _since(seen.journal)
    first = f"{instance.flow.rpartition('/')[0]} {instance.id}: {where}"
    lines = [first if since is None else f"{first}, since {at(since)} ({relative(since, now)})"]
    if seen.journal:
        lines.append(f"{instance.flow}, started {at(seen.journal[0].at)}; {count(instance.sequence, 'row')}")
    if seen.parent is not None:
        lines.append(f"a sub-flow of {seen.parent.parent}, for its call {seen.parent.answers}")
    return "".join(f"{clean(line)}\n" for line in lines)


REASONS = {
    "finished": "it has ended",
    "unhandled": "it does not take that where it is",
    "payload": "it does not take that payload",
    "role": "its sender has no role for that",
    "full": "too many wait for it already",
    "other flow": "it is of another flow",
    "fault": "its flow is at fault: the worker's log says how",
}
"""Why a letter was not taken, for people."""


def refused(letter: Letter) -> str:
    """What became of a letter."""
    if not letter.reason:
        return "waits"
    words = REASONS.get(letter.reason)
    return f"{letter.reason}: {words}" if words else letter.reason


def told(matter: Matter, now: datetime) -> str:
    """What is the matter, in a few words."""
    times = "" if matter.at is None else relative(matter.at, now)
    match matter.kind:
        case Kind.PARKED:
            return f"parked: {matter.about}"
        case Kind.FAILING:
            return f"failing: {matter.about}, again {times if matter.at is None or matter.at > now else 'now'}"
        case Kind.LOST:
            return f"no worker: {matter.about} has lost its own"
        case Kind.LATE:
            return f"no worker: {matter.about} was due {times}"
        case Kind.OVERDUE:
            return f"overdue: {matter.about}, {times}"
        case Kind.DEAD:
            return f"dead letter: {matter.about}"


def place_of(instance: Instance) -> str:
    """Where an instance is, in a word or some."""
    states = ", ".join(instance.configuration)
    match instance.status:
        case Status.COMPENSATING:
            return "compensating"
        case Status.RUNNING:
            return f"in {states}"
        case Status.SUCCEEDED:
            return f"ended in {states}"
        case _:
            return f"ended in failure, in {states}" if states else "withdrawn"


def _since(journal: Sequence[JournalEntry]) -> datetime | None:
    """When it came to where it is."""
    moment: datetime | None = None
    before: tuple[object, object] | None = None
    for entry in journal:
        here = entry.status, entry.configuration
        if here != before:
            moment, before = entry.at, here
    return moment


def _parked(seen: Overview, call: PendingCall, now: datetime) -> Sequence[str]:
    ends = [attempt.ended for attempt in seen.attempts if attempt.key == call.key and attempt.ended is not None]
    last = f", the last {relative(ends[-1], now)}" if ends else ""
    return _named(call), f"{count(call.attempts, 'attempt')}{last}", call.error


def _under_way(seen: Overview, call: PendingCall, record: AnyFlow | None, now: datetime) -> Sequence[str]:
    assert call.due is not None, "a parked call is not under way"
    if lost(call, seen.leases, now):
        state = f"attempt {call.attempts} has lost its worker: is another running?"
    elif call.owner is not None:
        state = f"attempt {call.attempts} runs{_span(call, record, now)}"
        state += ", not wanted any more" if call.interrupted else ""
    elif call.due > now:
        state = f"attempt {call.attempts + 1} begins {relative(call.due, now)}"
    elif now - call.due > PATIENCE:
        state = f"attempt {call.attempts + 1} was due {relative(call.due, now)}: is a worker running?"
    else:
        state = f"attempt {call.attempts + 1} is due"
    return _named(call), state, call.error


def _span(call: PendingCall, record: AnyFlow | None, now: datetime) -> str:
    """For how long it has run, and may run at most."""
    if call.began is None:
        return ""
    so_far, specs = f", for {length(now - call.began)}", None if record is None else record.spec
    if specs is None:
        return so_far
    spec = specs.activities[call.name] if call.forward is None else specs.compensations[call.name]
    return f"{so_far} of at most {length(spec.timeout)}"


def _named(call: PendingCall) -> str:
    return call.key if call.forward is None else f"{call.key} ({call.name})"


def _task(seen: Overview, number: int, now: datetime) -> Sequence[str]:
    task = seen.tasks[number]
    people = f"for {', '.join((*task.roles, *task.persons)) or 'nobody'}"
    people += f"; not {', '.join(task.excluded)}" if task.excluded else ""
    late = ", overdue" if task.overdue(now) else ""
    due = "" if task.due is None else f"due {at(task.due)} ({relative(task.due, now)}{late})"
    return task.task, task.title, people, due


def _deferred(record: AnyFlow | None) -> Sequence[Sequence[str]]:
    waiting = () if record is None else record.ledger.deferred
    return [] if record is None else [(record.spec.kinds[type(event)].name,) for event in waiting]


def _relative(kin: Mapping[str, Instance], id: str, key: str) -> Sequence[str]:
    found = kin.get(id)
    return id, f"call {key}", "" if found is None else place_of(found)


def _accepted(record: AnyFlow | None) -> Sequence[Sequence[str]]:
    if record is None or record.compensating:
        return []
    return [(event.name, "task" if event.task else "event", whose(record, event)) for event in accepted(record)]
