"""Commands that act: each is somebody's (`--by`), an operator's has its reason, and becomes a row of the journal."""

from __future__ import annotations

import argparse
import json
import os
import shlex
from collections.abc import Awaitable, Callable, Iterable
from difflib import get_close_matches

from ..codec import NOTHING
from ..core import Actor, Outcome, Rejected
from ..hosts.sqlite import SqliteClient
from ..journal import AnyFlow, label
from ..outbox import DONE
from ..overview import Overview
from ..spec import ActivitySpec, EventSpec
from ..store import JournalEntry, PendingCall
from .accepted import listed, refusal
from .advice import waiting
from .answers import NAME, Answer, Place, Refusal, Trouble, code_of
from .questions import flow_of, found, record_of
from .showing import place_of
from .values import fields, kind, optional, typed


def actor(args: argparse.Namespace) -> Actor:
    """Who acts. Raises Trouble where nobody says so."""
    name = args.by or os.environ.get(NAME, "")
    if not name.strip():
        raise Trouble("the journal must say who did it", f"give --by NAME, or set {NAME}")
    return Actor(name, frozenset(args.role))


def reason(args: argparse.Namespace) -> str:
    """An operator's. Raises Trouble where there is none."""
    if not (args.reason or "").strip():
        raise Trouble("an operator's act needs a reason, for the journal", 'give --reason "why"')
    return str(args.reason)


async def start(args: argparse.Namespace, place: Place) -> Answer:
    """A new instance."""
    flow, by = _flow(place.client, args.flow), actor(args)
    if not args.id:
        raise Trouble("an instance needs an id")
    inputs = flow.spec.inputs.decode(fields(flow.spec.inputs, args.fields, args.payload, flow.spec.name))
    try:
        entry = await place.client.start(flow, args.id, inputs, by=by)
    except Rejected as rejected:
        raise Refusal(rejected.detail or str(rejected)) from rejected
    return await _written(place.client, entry)


def _flow(client: SqliteClient, name: str) -> type[AnyFlow]:
    """The flow of this name (its newest version) or label."""
    known = {label(flow): flow for flow in client.flows}
    named = [flow for each, flow in known.items() if name in (each, flow.spec.name)]
    if not named:
        every = [*known, *(flow.spec.name for flow in client.flows)]
        close = get_close_matches(name, every, n=1)
        hint = f"did you mean `{close[0]}`?" if close else f"it runs {', '.join(known) or 'none: give --app'}"
        raise Trouble(f"this app does not run a flow {name!r}", hint)
    return max(named, key=lambda flow: flow.spec.version)


async def signal(args: argparse.Namespace, place: Place) -> Answer:
    """An event for an instance."""
    by, why = actor(args), reason(args)
    record, event = await _addressed(args, place, args.event, task=False)
    payload = fields(event.record, args.fields, args.payload, f"`{event.name}`")
    trigger = record.event(event.name, payload)
    return await _done(place, args.id, event.name, by, lambda: place.client.send(args.id, trigger, by=by, reason=why))


async def complete(args: argparse.Namespace, place: Place) -> Answer:
    """A task, with the fields of its form."""
    by = actor(args)
    record, event = await _addressed(args, place, args.task, task=True)
    payload = fields(event.record, args.fields, args.payload, f"`{event.name}`")
    trigger, why = record.event(event.name, payload), args.reason or ""
    return await _done(place, args.id, event.name, by, lambda: place.client.send(args.id, trigger, by=by, reason=why))


async def claim(args: argparse.Namespace, place: Place) -> Answer:
    """A task for oneself alone."""
    by, why = actor(args), args.reason or ""
    await _addressed(args, place, args.task, task=True)
    return await _done(place, args.id, args.task, by, lambda: place.client.claim(args.id, args.task, by=by, reason=why))


async def delegate(args: argparse.Namespace, place: Place) -> Answer:
    """A task for somebody else alone."""
    by, why = actor(args), reason(args)
    await _addressed(args, place, args.task, task=True)

    def act() -> Awaitable[JournalEntry]:
        return place.client.delegate(args.id, args.task, args.to, by=by, reason=why)

    return await _done(place, args.id, args.task, by, act)


async def retry(args: argparse.Namespace, place: Place) -> Answer:
    by, why = actor(args), reason(args)
    key = (await _meant(args, place)).key
    return await _written(place.client, await place.client.retry(args.id, key, reason=why, by=by))


async def skip(args: argparse.Namespace, place: Place) -> Answer:
    by, why = actor(args), reason(args)
    key = (await _meant(args, place)).key
    return await _done(place, args.id, key, by, lambda: place.client.skip(args.id, key, reason=why, by=by))


async def resolve(args: argparse.Namespace, place: Place) -> Answer:
    """A call, answered by hand."""
    by, why = actor(args), reason(args)
    call = await _meant(args, place)
    flow = flow_of(place.client, call.flow)
    if flow is None:
        raise Trouble(f"answering needs the code of {call.flow}", code_of(call.flow, place))
    value: object = None
    activity = flow.spec.activities.get(call.name)
    if call.forward is None and activity is not None:
        if args.outcome not in activity.outcomes:
            close = get_close_matches(str(args.outcome), activity.outcomes, n=1)
            hint = f"did you mean `{close[0]}`?" if close else f"it may be: {', '.join(activity.outcomes)}"
            raise Trouble(f"{call.name} is never {args.outcome!r}", hint)
        if args.outcome == DONE and activity.result is not NOTHING:
            value = activity.result.decode(_result(args.value, activity))
    if value is None and args.value is not None:
        raise Trouble(f"{call.name} {args.outcome} has no value")
    outcome = Outcome(call.key, args.outcome, value)
    return await _done(place, args.id, call.key, by, lambda: place.client.settle(args.id, outcome, reason=why, by=by))


def _result(text: str | None, activity: ActivitySpec) -> object:
    """The JSON value of a result. Raises Trouble."""
    if text is not None:
        return typed(activity.result, text, f"the result of {activity.name}")
    if not optional(activity.result):
        raise Trouble(f"{activity.name} done has a result", f"give it: done {kind(activity.result)}")
    return None


async def cancel(args: argparse.Namespace, place: Place) -> Answer:
    by, why = actor(args), reason(args)
    seen = await found(place.client, args.id)
    _require_code(place, seen)
    return await _written(place.client, await place.client.cancel(args.id, reason=why, by=by))


async def redeliver(args: argparse.Namespace, place: Place) -> Answer:
    by, why = actor(args), reason(args)
    return await _written(place.client, await place.client.redeliver(args.letter, reason=why, by=by))


async def discard(args: argparse.Namespace, place: Place) -> Answer:
    by, why = actor(args), reason(args)
    return await _written(place.client, await place.client.discard(args.letter, reason=why, by=by))


# ---------------------------------------------------------------- what they have in common


async def _addressed(args: argparse.Namespace, place: Place, name: str, task: bool) -> tuple[AnyFlow, EventSpec]:
    """The record, and the event or task of this name. Raises Trouble."""
    seen = await found(place.client, args.id)
    record = _require_code(place, seen)
    what, other = ("task", "event") if task else ("event", "task")
    event = record.spec.events.get(name)
    if event is not None and event.task is not task:
        command = "instances signal" if task else "tasks complete"
        raise Trouble(
            f"`{name}` is no {what} but an {other}".replace("an task", "a task"),
            f"use {place.program} {command} {shlex.quote(args.id)} {name}",
        )
    if event is None:
        known = [each.name for each in record.spec.events.values() if each.task is task]
        close = get_close_matches(name, known, n=1)
        hint = f"did you mean `{close[0]}`? " if close else ""
        raise Trouble(f"{record.spec.name} has no {what} `{name}`", f"{hint}{listed(record)}")
    return record, event


def _require_code(place: Place, seen: Overview) -> AnyFlow:
    record = record_of(place.client, seen)
    if record is None:
        raise Trouble(f"that needs the code of {seen.instance.flow}", code_of(seen.instance.flow, place))
    return record


async def _meant(args: argparse.Namespace, place: Place) -> PendingCall:
    """The call that is meant: `--call` (its key, or its name where one alone has it); else the only one that is parked,
    that waits for its next attempt, or that there is. Raises Trouble."""
    seen = await found(place.client, args.id)
    if args.call is not None:
        return _named(args.call, seen)
    calls = seen.parked or waiting(seen, place.client.now()) or seen.calls
    if len(calls) == 1:
        return calls[0]
    if calls:
        raise Refusal(f"several calls of {args.id} could be meant", _choice(call.key for call in calls))
    raise Refusal(f"no call of {args.id} waits", _elsewhere(seen))


def _named(name: str, seen: Overview) -> PendingCall:
    meant = [call for call in seen.calls if call.key == name] or [call for call in seen.calls if call.name == name]
    if len(meant) == 1:
        return meant[0]
    id, keys = seen.instance.id, [call.key for call in seen.calls]
    if meant:
        raise Refusal(f"several calls of {id} are of {name}", _choice(call.key for call in meant))
    close = get_close_matches(name, keys, n=1)
    hint = f"did you mean `{close[0]}`?" if close else _choice(keys) if keys else _elsewhere(seen)
    raise Trouble(f"{id} has no open call {name!r}", hint)


def _choice(keys: Iterable[str]) -> str:
    return f"choose one with --call: {', '.join(keys)}"


def _elsewhere(seen: Overview) -> str:
    return f"now {place_of(seen.instance)}; `penstock instances show {seen.instance.id}` says what it waits for"


async def _done(place: Place, id: str, name: str, by: Actor, act: Callable[[], Awaitable[JournalEntry]]) -> Answer:
    """The act; what the core refuses is explained with what it takes instead."""
    try:
        entry = await act()
    except Rejected as rejected:
        raise refusal(rejected, await place.client.record(id), id, name, by) from rejected
    return await _written(place.client, entry)


async def _written(client: SqliteClient, entry: JournalEntry) -> Answer:
    now = await client.instance(entry.instance)
    text = f"{entry.instance}: written down as its row {entry.sequence}; now {place_of(now)}\n"
    data = {
        "instance": entry.instance,
        "sequence": entry.sequence,
        "kind": str(entry.kind),
        "trigger": json.loads(entry.trigger),
        "status": str(now.status),
        "configuration": [*now.configuration],
    }
    return Answer(text, data)
