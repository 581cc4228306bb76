"""An instance's audit trail for people: its journal in, a short story or a table out. Text only."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import groupby
from typing import cast

from .core import (
    Delegation,
    DropEvent,
    Effect,
    EmitEvent,
    EscalateTask,
    Fired,
    InterruptActivity,
    Outcome,
    RemindTask,
    SendEvent,
    StartActivity,
    StartCompensation,
    Withdraw,
)
from .outbox import FAILED, INTERRUPTED, TIMEOUT
from .records import Record
from .spec import ACTOR, FlowSpec
from .store import Attempt, EntryKind, JournalEntry, Status

REMARKS = {
    EntryKind.ATTEMPT: "came to nothing",
    EntryKind.PARKED: "is parked",
    EntryKind.RETRY: "is tried again",
    EntryKind.DISCARDED: "is discarded",
}


def story(spec: FlowSpec, journal: Sequence[JournalEntry]) -> str:
    """One line for each thing that happened, in order: when (UTC), what, by whom, and where it led.

        10:00:03  charge_card declined → compensating

    Attempts that came to nothing stand on lines of their own."""
    if not journal:
        return "nothing has happened\n"
    first = journal[0]
    lines = [f"{spec.name} {first.instance}, {first.at:%Y-%m-%d}"]
    day = first.at.date()
    for at, text in _happenings(spec, journal):
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
        names |= _undone(spec, entry, names)
        when = f"{entry.at:%Y-%m-%d %H:%M:%S}"
        rows.append(
            (str(entry.sequence), when, _who(entry) or "-", _what(spec, entry, names), _place(entry), entry.note)
        )
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return "".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() + "\n" for row in rows
    )


def _happenings(spec: FlowSpec, journal: Sequence[JournalEntry]) -> Iterator[tuple[datetime, str]]:
    """A line for each row, and for vain attempts before what they led to."""
    names: dict[str, str] = {}
    vain: list[JournalEntry] = []
    before: JournalEntry | None = None
    for entry in journal:
        if _vain(entry.attempt):
            vain.append(entry)
        if entry.kind is not EntryKind.ATTEMPT:
            yield from _tries(vain, names)
            vain = []
            names |= _started(spec, entry)
            names |= _undone(spec, entry, names)
            yield entry.at, _told(spec, entry, before, names)
            before = entry
    yield from _tries(vain, names)


def _vain(attempt: Attempt | None) -> bool:
    """Whether there is an attempt that needs a line of its own; one that was just cancelled does not."""
    if attempt is None or attempt.result == INTERRUPTED:
        return False
    return attempt.result.partition(":")[0] in (FAILED, TIMEOUT, INTERRUPTED)


def _tries(rows: Iterable[JournalEntry], names: Mapping[str, str]) -> Iterator[tuple[datetime, str]]:
    """A line for each attempt; one for all that follow each other and came to the same."""
    ended = [(row.at, row.attempt) for row in rows if row.attempt is not None]
    for (key, result), group in groupby(ended, lambda each: (each[1].key, each[1].result)):
        first, *rest = group
        number, until = f" {first[1].number}", ""
        if rest:
            number, until = (
                f"s {first[1].number} to {rest[-1][1].number}",
                f" (the last at {rest[-1][0]:%Y-%m-%d %H:%M:%S})",
            )
        yield first[0], f"  attempt{number} of {names.get(key, key)}: {result}{until}"


def _told(spec: FlowSpec, entry: JournalEntry, before: JournalEntry | None, names: Mapping[str, str]) -> str:
    text = _what(spec, entry, names)
    if who := _who(entry):
        text += f" by {who}"
    if entry.note:
        text += f": {entry.note}" if entry.kind is EntryKind.PARKED else f' ("{entry.note}")'
    for effect in _effects(spec, entry):
        if isinstance(effect, EscalateTask):
            text += f"; {effect.key.partition('#')[0]} goes to {effect.role} too"
        elif isinstance(effect, RemindTask):
            text += f"; a reminder of {effect.key.partition('#')[0]}"
        elif isinstance(effect, InterruptActivity):
            text += f"; {names.get(effect.key, effect.key)} is interrupted"
        elif isinstance(effect, StartActivity) and spec.activities[effect.activity].flow:
            text += f"; {entry.instance}/{effect.key} begins"
        elif isinstance(effect, DropEvent):
            text += f"; {effect.event} came too late and is dropped"
        elif isinstance(effect, EmitEvent):
            text += f"; {effect.event} is emitted"
        elif isinstance(effect, SendEvent):
            text += f"; {effect.event} is sent to {effect.flow} {effect.to}"
    if before is None or (entry.status, entry.configuration) != (before.status, before.configuration):
        text += f" → {_place(entry)}"
    elif entry.status is Status.COMPENSATING and before.status is entry.status and _is_event(spec, entry):
        text += "; it waits until everything is undone"
    return text


def _place(entry: JournalEntry) -> str:
    if entry.status is Status.COMPENSATING:
        return "compensating"
    ends = {Status.SUCCEEDED: ", the end", Status.FAILED: ", the end, in failure"}
    return (", ".join(entry.configuration) or "withdrawn") + ends.get(entry.status, "")


def _what(spec: FlowSpec, entry: JournalEntry, names: Mapping[str, str]) -> str:
    """The trigger in words."""
    content = json.loads(entry.trigger)
    if entry.kind is EntryKind.START:
        return f"start({_fields(spec.inputs, spec.inputs.decode(content))})"
    if entry.kind is EntryKind.ATTEMPT and entry.attempt is not None:
        return f"attempt {entry.attempt.number} of {names.get(content, content)}: {entry.attempt.result}"
    if not entry.kind.moves:
        return f"{names.get(content, f'letter {content}')} {REMARKS[entry.kind]}"
    match spec.trigger_from_json(content):
        case Outcome(key) if entry.kind is EntryKind.SKIPPED:
            return f"{names.get(key, key)} is skipped"
        case Outcome(key, kind, value):
            settled = "settled as " if entry.note else ""
            answer = "" if value is None else f": {_given(spec, key, value)}"
            return f"{names.get(key, key)} {settled}{kind}{answer}"
        case Fired(timer):
            return f"timer {timer}"
        case Withdraw():
            return "cancelled" if entry.note else "withdrawn by its parent"
        case Delegation(task, to):
            return f"{task} is claimed" if to == _who(entry) else f"{task} is delegated to {to}"
        case event:
            given = spec.kinds[type(event)]
            fields = _fields(given.record, event)
            return f"{given.name}({fields})" if fields else given.name


def _is_event(spec: FlowSpec, entry: JournalEntry) -> bool:
    return entry.kind is EntryKind.STEP and not isinstance(
        spec.trigger_from_json(json.loads(entry.trigger)), (Outcome, Delegation, Fired, Withdraw)
    )


def _who(entry: JournalEntry) -> str:
    actor = ACTOR.decode(json.loads(entry.actor))
    return actor.id or ", ".join(sorted(actor.roles))


def _effects(spec: FlowSpec, entry: JournalEntry) -> list[Effect]:
    return [spec.effect_from_json(effect) for effect in json.loads(entry.effects)]


def _started(spec: FlowSpec, entry: JournalEntry) -> dict[str, str]:
    """What the calls that this row asked for are called; `pack 2 of 3` where it asked for several of one activity."""
    begun: dict[str, list[str]] = {}
    for effect in _effects(spec, entry):
        if isinstance(effect, StartActivity):
            begun.setdefault(effect.activity, []).append(effect.key)
    return {
        key: activity if len(keys) == 1 else f"{activity} {number} of {len(keys)}"
        for activity, keys in begun.items()
        for number, key in enumerate(keys, 1)
    }


def _undone(spec: FlowSpec, entry: JournalEntry, names: Mapping[str, str]) -> dict[str, str]:
    """What the compensations that this row asked for are called, after the calls they undo."""
    asked = (effect for effect in _effects(spec, entry) if isinstance(effect, StartCompensation))
    return {e.key: f"{e.compensation} (undoing {names.get(e.forward, e.forward)})" for e in asked}


def _given(spec: FlowSpec, key: str, value: object) -> str:
    """A result; of a flow its outputs by name."""
    outputs = spec.activities[key.rpartition("#")[0]].outputs
    if not outputs or not isinstance(value, tuple):
        return _shown(value)
    parts = zip(outputs, cast(tuple[object, ...], value), strict=True)
    return ", ".join(f"{name}: {_shown(item)}" for name, item in parts if item is not None)


def _fields(record: Record[object], value: object) -> str:
    fields = zip(record.fields, record.values(value), strict=True)
    return ", ".join(f"{name}: {_shown(item)}" for (name, _), item in fields if item is not None)


def _shown(value: object) -> str:
    """A value as flows write it."""
    if isinstance(value, tuple):
        items = cast(tuple[object, ...], value)
        names = cast(tuple[str, ...], getattr(items, "_fields", ()))
        if not names:
            return f"[{', '.join(map(_shown, items))}]"
        fields = zip(names, items, strict=True)
        return f"{type(items).__name__}({', '.join(f'{name}: {_shown(item)}' for name, item in fields)})"
    if isinstance(value, bool):
        return "true" if value else "false"
    return f'"{value}"' if type(value) is str else f"{value}"
