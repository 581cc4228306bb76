"""What telemetry says of a row, a call and a flow: our values in, attributes with few values out; never a payload."""

from __future__ import annotations

import json
from typing import Any

from opentelemetry.util.types import AttributeValue

from ..store import EntryKind, JournalEntry, PendingCall

Attributes = dict[str, AttributeValue]

UNDO = "/undo"


def name(label: str) -> str:
    return label.rpartition("/")[0]


def of_flow(label: str) -> Attributes:
    """`Order/1`, in two."""
    name, _, version = label.rpartition("/")
    return {"flow.name": name, "flow.version": int(version) if version.isdecimal() else version}


def trigger(entry: JournalEntry) -> str:
    """What happened, in words that are the flow's: an event's or task's name, `charge_card done`, `timer expiry`."""
    content: Any = json.loads(entry.trigger)
    if entry.kind is EntryKind.ATTEMPT:
        return f"{activity(content)} in vain"
    if entry.kind is not EntryKind.STEP:
        return str(entry.kind)
    match content:
        case {"key": str(key), "outcome": str(outcome)}:
            return f"{activity(key)} {outcome}"
        case {"timer": str(timer)}:
            return f"timer {timer}"
        case {"delegate": str(task)}:
            return f"delegate {task}"
        case {"withdraw": True}:
            return "withdraw"
        case _:
            return str(content["trigger"])


def answered(entry: JournalEntry) -> str:
    """The key of the call that the row is about, or ""."""
    content: Any = json.loads(entry.trigger)
    match content:
        case {"key": str(key), "outcome": _}:
            return key
        case str(key) if "#" in key:
            return key
        case _:
            return ""


def asked(entry: JournalEntry) -> list[str]:
    """The keys of the calls that the row asked for."""
    effects: Any = json.loads(entry.effects)
    starts = "StartActivity", "StartCompensation"
    return [str(each["payload"]["key"]) for each in effects if each["effect"] in starts]


def activity(key: str) -> str:
    """`charge_card#3/undo` is `undo charge_card`."""
    name = key.removesuffix(UNDO).rpartition("#")[0]
    return f"undo {name}" if key.endswith(UNDO) else name


def of_step(entry: JournalEntry, flow: str) -> Attributes:
    told: Attributes = {
        **of_flow(flow),
        "flow.instance": entry.instance,
        "flow.sequence": entry.sequence,
        "flow.trigger": trigger(entry),
        "flow.state": ",".join(entry.configuration),
        "flow.status": str(entry.status),
    }
    if key := answered(entry):
        told |= {"flow.activity": activity(key), "flow.key": f"{entry.instance}/{key.removesuffix(UNDO)}"}
    return told


def of_attempt(call: PendingCall) -> Attributes:
    return {
        **of_flow(call.flow),
        "flow.instance": call.instance,
        "flow.activity": activity(call.key),
        "flow.key": call.idempotency_key,
        "flow.attempt": call.attempts,
    }
