"""One instance for other programs: what is stored of it in, a JSON value out; all at once, or as CloudEvents.

The JSON value is versioned (`format`): fields may be added to a format, what is there keeps its meaning. Moments are
ISO 8601 in UTC. CloudEvents are those of version 1.0, one for each row of the journal.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.parse import quote

from .codec import INSTANT
from .letters import Letter
from .overview import Overview
from .store import Attempt, EntryKind, JournalEntry, TaskItem

FORMAT = 1

TYPE = "penstock.instance."
"""What the types of the events begin with."""

TYPES: Mapping[EntryKind, str] = {
    EntryKind.START: "started",
    EntryKind.STEP: "stepped",
    EntryKind.SKIPPED: "skipped",
    EntryKind.ATTEMPT: "attempted",
    EntryKind.PARKED: "parked",
    EntryKind.RETRY: "retried",
    EntryKind.DISCARDED: "discarded",
}

Json = dict[str, Any]


def exported(seen: Overview) -> Json:
    """Everything: where the instance is, its journal, and what it waits for."""
    instance, parent = seen.instance, seen.parent
    name, _, version = instance.flow.rpartition("/")
    links = {link.sequence: link for link in seen.links}
    return {
        "format": FORMAT,
        "instance": {
            "id": instance.id,
            "flow": name,
            "version": int(version),
            "status": str(instance.status),
            "configuration": [*instance.configuration],
            "sequence": instance.sequence,
            "at": _moment(instance.at),
            "parent": None if parent is None else {"instance": parent.parent, "call": parent.key},
            "record": json.loads(instance.snapshot),
        },
        "journal": [
            {**_row(entry), "position": links[entry.sequence].position, "hash": links[entry.sequence].hash}
            for entry in seen.journal
        ],
        "attempts": [*map(_attempt, seen.attempts)],
        **_open(seen),
    }


def _open(seen: Overview) -> Json:
    """What it waits for."""
    return {
        "calls": [
            {
                "call": call.key,
                "name": call.name,
                "args": json.loads(call.args),
                "undoes": call.forward,
                "idempotency_key": call.idempotency_key,
                "attempts": call.attempts,
                "due": _moment(call.due),
                "worker": call.owner,
                "parked": call.due is None,
                "interrupted": call.interrupted,
                "error": call.error,
            }
            for call in seen.calls
        ],
        "timers": [{"timer": timer.name, "due": _moment(timer.due)} for timer in seen.timers],
        "tasks": [open_task(task) for task in seen.tasks],
        "children": [{"instance": child.instance, "call": child.key} for child in seen.children],
        "letters": [sent_letter(letter) for letter in seen.letters],
    }


def open_task(task: TaskItem) -> Json:
    return {
        "key": task.key,
        "task": task.task,
        "title": task.title,
        "roles": [*task.roles],
        "persons": [*task.persons],
        "excluded": [*task.excluded],
        "due": _moment(task.due),
        "reminders": task.reminders,
        "form": [*task.form],
    }


def sent_letter(letter: Letter) -> Json:
    return {
        "id": letter.id,
        "sender": letter.sender,
        "flow": letter.flow,
        "to": letter.to,
        "event": letter.event,
        "payload": json.loads(letter.payload),
        "at": _moment(letter.at),
        "reason": letter.reason,
    }


def cloud_events(seen: Overview, source: str = "") -> list[Json]:
    """An event for each row of the journal; as one JSON array this is a batch of them. `source`: what the URI of their
    source begins with, which tells this host from others; the rest of it is the instance's."""
    at = seen.instance
    origin = f"{source.rstrip('/')}/{quote(at.flow)}/{quote(at.id, safe='')}"
    links = {link.sequence: link for link in seen.links}
    return [
        {
            "specversion": "1.0",
            "id": str(entry.sequence),
            "source": origin,
            "type": TYPE + TYPES[entry.kind],
            "subject": entry.instance,
            "time": _moment(entry.at),
            "datacontenttype": "application/json",
            "penstockposition": str(links[entry.sequence].position),  # an integer of theirs has 32 bits
            "penstockhash": links[entry.sequence].hash,
            "data": {key: value for key, value in _row(entry).items() if key not in ("sequence", "at", "kind")},
        }
        for entry in seen.journal
    ]


def _row(entry: JournalEntry) -> Json:
    return {
        "sequence": entry.sequence,
        "at": _moment(entry.at),
        "kind": str(entry.kind),
        "actor": json.loads(entry.actor),
        "trigger": json.loads(entry.trigger),
        "note": entry.note,
        "request": entry.request,
        "effects": json.loads(entry.effects),
        "status": str(entry.status),
        "configuration": [*entry.configuration],
        "attempt": None if entry.attempt is None else _attempt(entry.attempt),
    }


def _attempt(attempt: Attempt) -> Json:
    return {
        "call": attempt.key,
        "number": attempt.number,
        "worker": attempt.worker,
        "started": _moment(attempt.started),
        "ended": _moment(attempt.ended),
        "result": attempt.result,
    }


def _moment(moment: datetime | None) -> object:
    return None if moment is None else INSTANT.encode(moment)
