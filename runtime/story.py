"""An instance's audit trail for people: its journal and attempts in, a short story or a table out. Text only."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from .core import (
    DropEvent,
    Effect,
    EscalateTask,
    Fired,
    InterruptActivity,
    Outcome,
    StartActivity,
    StartCompensation,
)
from .outbox import FAILED, INTERRUPTED, TIMEOUT
from .records import Record
from .spec import ACTOR, FlowSpec
from .store import Attempt, EntryKind, JournalEntry, Status


def story(spec: FlowSpec, journal: Sequence[JournalEntry], attempts: Sequence[Attempt] = ()) -> str:
    """One line for each thing that happened, in order: when (UTC), what, by whom, and where it led.

        10:00:03  charge_card declined → compensating

    Attempts that came to nothing stand on lines of their own."""
    if not journal:
        return "nothing has happened\n"
    first = journal[0]
    lines = [f"{spec.name} {first.instance}, {first.at:%Y-%m-%d}"]
    day = first.at.date()
    for at, text in _happenings(spec, journal, attempts):
        if at.date() != day:
            day = at.date()
            lines.append(f"{day}")
        lines.append(f"{at:%H:%M:%S}  {text}")
    return "\n".join(lines) + "\n"


def audit(spec: FlowSpec, journal: Sequence[JournalEntry]) -> str:
    """Every row of the journal as a table: number, moment (UTC), who, what, where it led, the reason given."""
    names: dict[str, str] = {}
    rows = [("#", "at", "who", "what", "then", "note")]
    for entry in journal:
        names |= _started(spec, entry)
        when = f"{entry.at:%Y-%m-%d %H:%M:%S}"
        rows.append(
            (str(entry.sequence), when, _who(entry) or "-", _what(spec, entry, names), _place(entry), entry.note)
        )
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return "".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() + "\n" for row in rows
    )


def _happenings(
    spec: FlowSpec, journal: Sequence[JournalEntry], attempts: Sequence[Attempt]
) -> Iterator[tuple[datetime, str]]:
    """Rows and vain attempts in one order: an attempt comes after the row that asked for it and before its answer."""
    names: dict[str, str] = {}
    waiting = [attempt for attempt in attempts if attempt.ended is not None and _vain(attempt)]
    before: JournalEntry | None = None
    for entry in journal:
        for attempt in [a for a in waiting if a.key in names and a.ended is not None and a.ended <= entry.at]:
            waiting.remove(attempt)
            yield attempt.ended or entry.at, _tried(attempt, names)
        names |= _started(spec, entry)
        yield entry.at, _told(spec, entry, before, names)
        before = entry
    for attempt in waiting:
        yield attempt.ended or attempt.started, _tried(attempt, names)


def _vain(attempt: Attempt) -> bool:
    return attempt.result.partition(":")[0] in (FAILED, TIMEOUT, INTERRUPTED)


def _tried(attempt: Attempt, names: Mapping[str, str]) -> str:
    return f"  attempt {attempt.number} of {names.get(attempt.key, attempt.key)}: {attempt.result}"


def _told(spec: FlowSpec, entry: JournalEntry, before: JournalEntry | None, names: Mapping[str, str]) -> str:
    text = _what(spec, entry, names)
    if who := _who(entry):
        text += f" by {who}"
    if entry.note and entry.kind is not EntryKind.PARKED:
        text += f' ("{entry.note}")'
    for effect in _effects(spec, entry):
        if isinstance(effect, EscalateTask):
            text += f"; {effect.key.partition('#')[0]} goes to {effect.role} too"
        elif isinstance(effect, InterruptActivity):
            text += f"; {names.get(effect.key, effect.key)} is interrupted"
        elif isinstance(effect, DropEvent):
            text += f"; {effect.event} came too late and is dropped"
    if before is None or (entry.status, entry.configuration) != (before.status, before.configuration):
        text += f" → {_place(entry)}"
    elif entry.status is Status.COMPENSATING and before.status is entry.status and _is_event(spec, entry):
        text += "; it waits until everything is undone"
    return text


def _place(entry: JournalEntry) -> str:
    if entry.status is Status.COMPENSATING:
        return "compensating"
    ends = {Status.SUCCEEDED: ", the end", Status.FAILED: ", the end, in failure"}
    return ", ".join(entry.configuration) + ends.get(entry.status, "")


def _what(spec: FlowSpec, entry: JournalEntry, names: Mapping[str, str]) -> str:
    """The trigger in words."""
    content = json.loads(entry.trigger)
    if entry.kind is EntryKind.START:
        return f"start({_fields(spec.inputs, spec.inputs.decode(content))})"
    if entry.kind is not EntryKind.STEP:
        verb = "is parked" if entry.kind is EntryKind.PARKED else "is tried again"
        reason = f": {entry.note}" if entry.kind is EntryKind.PARKED else ""
        return f"{names.get(content, content)} {verb}{reason}"
    match spec.trigger_from_json(content):
        case Outcome(key, kind, value):
            settled = "settled as " if entry.note else ""
            answer = "" if value is None else f": {_shown(value)}"
            return f"{names.get(key, key)} {settled}{kind}{answer}"
        case Fired(timer):
            return f"timer {timer}"
        case event:
            given = spec.kinds[type(event)]
            fields = _fields(given.record, event)
            return f"{given.name}({fields})" if fields else given.name


def _is_event(spec: FlowSpec, entry: JournalEntry) -> bool:
    return entry.kind is EntryKind.STEP and not isinstance(
        spec.trigger_from_json(json.loads(entry.trigger)), (Outcome, Fired)
    )


def _who(entry: JournalEntry) -> str:
    actor = ACTOR.decode(json.loads(entry.actor))
    return actor.id or ", ".join(sorted(actor.roles))


def _effects(spec: FlowSpec, entry: JournalEntry) -> list[Effect]:
    return [spec.effect_from_json(effect) for effect in json.loads(entry.effects)]


def _started(spec: FlowSpec, entry: JournalEntry) -> dict[str, str]:
    """What the calls that this row asked for are called."""
    names: dict[str, str] = {}
    for effect in _effects(spec, entry):
        if isinstance(effect, StartActivity):
            names[effect.key] = effect.activity
        elif isinstance(effect, StartCompensation):
            names[effect.key] = f"{effect.compensation} (undoing {effect.forward.partition('#')[0]})"
    return names


def _fields(record: Record[object], value: object) -> str:
    fields = zip(record.fields, record.values(value), strict=True)
    return ", ".join(f"{name}: {_shown(item)}" for (name, _), item in fields if item is not None)


def _shown(value: object) -> str:
    return f'"{value}"' if type(value) is str else f"{value}"
