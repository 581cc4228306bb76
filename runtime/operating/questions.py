"""Commands that ask: what there is, one instance, what waits for people, what was not taken, an export, the audit."""

from __future__ import annotations

import argparse
import json
import shlex
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from ..chain import Head, head_of
from ..codec import INSTANT, LATEST
from ..core import Actor
from ..errors import Unknown
from ..export import cloud_events, exported, open_task, sent_letter
from ..hosts.sqlite import SqliteClient
from ..journal import AnyFlow, label
from ..overview import Overview
from ..sealing import MARK
from ..snapshot import Corrupt as CorruptSnapshot
from ..store import Instance, Status, TaskItem
from ..story import story
from ..troubles import Kind, Matter
from .accepted import accepted
from .advice import about_letter, suggestions
from .answers import REFUSED, Answer, Place, Trouble, code_of
from .layout import at, count, relative, table
from .showing import place_of, refused, shown, told

OPEN = Status.RUNNING, Status.COMPENSATING

MOST = 6
"""So many commands are suggested below a list."""


async def instances(args: argparse.Namespace, place: Place) -> Answer:
    """The list: those that have not ended, unless it is asked for others; with what is the matter with them."""
    client, now = place.client, place.client.now()
    found = await _wanted(args, client)
    rows = [
        (each.id, each.flow, place_of(each), relative(each.at, now), "; ".join(told(matter, now) for matter in matters))
        for each, matters in found
    ]
    head = "id", "flow", "where", "changed", "trouble" if any(matters for _, matters in found) else ""
    text = table(head, rows)
    if len(found) == args.limit:
        text += f"\nThere may be more: --after {shlex.quote(found[-1][0].id)}\n"
    elif not found and (args.trouble or args.parked):
        text = "No instance waits for an operator.\n" if args.parked else "Nothing is the matter.\n"
    elif not found:
        shown_ones = "" if args.all or args.status else " that has not ended: --all shows the others"
        text = f"There is no instance{shown_ones}.\n"
    text += "".join(f"\n{line}\n" for line in [*_strange(found, place), *await _dead(args, place)])
    data = [{**_instance(each), **_troubles(matters)} for each, matters in found]
    return Answer(text, {"instances": data})


Found = Sequence[tuple[Instance, Sequence[Matter]]]


async def _wanted(args: argparse.Namespace, client: SqliteClient) -> Found:
    if args.trouble:
        return await client.troubled(args.after, args.limit)
    if args.parked:
        ids = dict.fromkeys(call.instance for call in await client.parked() if call.instance > args.after)
        return await client.matters([await client.instance(id) for id in [*ids][: args.limit]])
    statuses = [Status(args.status)] if args.status else [*Status] if args.all else OPEN
    return await client.matters(await client.page(args.after, args.limit, statuses=statuses, flow=args.flow or ""))


def _strange(found: Found, place: Place) -> Iterator[str]:
    """Which of them nothing goes on with, as far as this app knows."""
    known = set(map(label, place.client.flows))
    strange = [each.flow for each, _ in found if each.flow not in known and not each.status.finished]
    for flow in sorted(set(strange)) if known else ():
        yield f"{count(strange.count(flow), 'instance')} of {flow}: {code_of(flow, place)}."


async def _dead(args: argparse.Namespace, place: Place) -> Sequence[str]:
    """Letters that were not taken belong to nobody who is listed: who sent them may have ended."""
    number = sum(bool(letter.reason) for letter in await place.client.letters())
    command = " ".join((place.program, "letters list --dead", *place.words))
    return [f"{count(number, 'dead letter')}: {command}"] if number and not args.trouble else []


def _troubles(matters: Sequence[Matter]) -> dict[str, Any]:
    return {
        "parked": [matter.about for matter in matters if matter.kind is Kind.PARKED],
        "trouble": [
            {
                "kind": str(matter.kind),
                "about": matter.about,
                "at": None if matter.at is None else INSTANT.encode(matter.at),
                "error": matter.error,
            }
            for matter in matters
        ],
    }


def _instance(instance: Instance) -> dict[str, Any]:
    return {
        "id": instance.id,
        "flow": instance.flow,
        "status": str(instance.status),
        "configuration": [*instance.configuration],
        "sequence": instance.sequence,
        "at": INSTANT.encode(instance.at),
    }


async def show(args: argparse.Namespace, place: Place) -> Answer:
    """One instance, and what may be done about it."""
    seen = await found(place.client, args.id)
    record = record_of(place.client, seen)
    kin = {child.instance: await place.client.instance(child.instance) for child in seen.children}
    data = exported(seen)
    data |= {
        "accepted": [event.name for event in accepted(record)] if record is not None else None,
        "suggestions": [*suggestions(seen, record, place)],
    }
    return Answer(shown(seen, record, kin, place, place.client.now()), data)


async def found(client: SqliteClient, id: str) -> Overview:
    """Raises Trouble where there is no such instance."""
    try:
        seen = await client.overview(id)
    except Unknown:
        raise Trouble(f"there is no instance {id!r}", await _nearest(client, id)) from None
    if seen.instance.snapshot.startswith(MARK):
        raise Trouble(f"what is stored of {id} is sealed", "give --app, with a host that has the codec")
    return seen


async def _nearest(client: SqliteClient, id: str) -> str:
    """The ids that follow in order, where they begin alike: what was probably meant."""
    cases = dict.fromkeys((id, id.lower(), id.upper()))
    near = [each.id for case in cases for each in await client.page(case[: max(len(id) - 2, 1)], 3)]
    alike = [each for each in near if each[:1].lower() == id[:1].lower()]
    return f"did you mean `{alike[0]}`?" if alike else "`penstock instances list --all` shows what there is"


def record_of(client: SqliteClient, seen: Overview) -> AnyFlow | None:
    """The instance's record; None without the code of its flow. Raises Trouble for one that the code cannot read."""
    flow = flow_of(client, seen.instance.flow)
    try:
        return None if flow is None else flow.from_json(json.loads(seen.instance.snapshot))
    except CorruptSnapshot as error:
        raise Trouble(f"the code cannot read what is stored of {seen.instance.id}: {error}") from error


def flow_of(client: SqliteClient, name: str) -> type[AnyFlow] | None:
    """Of this label."""
    return next((flow for flow in client.flows if label(flow) == name), None)


async def export(args: argparse.Namespace, place: Place) -> Answer:
    """One instance, whole, on the standard output or in a file."""
    seen = await found(place.client, args.id)
    flow = flow_of(place.client, seen.instance.flow)
    if args.format == "story":
        if flow is None:
            lacking = code_of(seen.instance.flow, place)
            raise Trouble(f"the story needs the code of {seen.instance.flow}", f"{lacking}, or give another --format")
        text = story(flow.spec, seen.journal)
    elif args.format == "cloudevents-lines":
        text = "".join(f"{json.dumps(event)}\n" for event in cloud_events(seen, args.source))
    else:
        value = exported(seen) if args.format == "json" else cloud_events(seen, args.source)
        text = json.dumps(value, indent=2) + "\n"
    if not args.output:
        return Answer(text)
    try:
        Path(args.output).write_text(text, encoding="utf-8")
    except OSError as error:
        raise Trouble(f"{args.output} cannot be written: {error.strerror}") from error
    return Answer(f"wrote {args.output}\n", {"written": args.output})


# ---------------------------------------------------------------- people and letters


async def tasks(args: argparse.Namespace, place: Place) -> Answer:
    """The open tasks: all, those of roles, or those that somebody may do."""
    items = (
        await place.client.tasks(for_=Actor(args.by, frozenset(args.role))) if args.by else await place.client.tasks()
    )
    if args.role and not args.by:
        items = [item for item in items if set(item.roles).intersection(args.role)]
    now = place.client.now()
    if args.overdue:
        items = [item for item in items if item.overdue(now)]
    items = sorted(items, key=lambda item: (item.due or LATEST, item.instance, item.key))
    listed = items[: args.limit]
    rows = [(each.instance, each.task, _open(each.title), *_people(each), _due(each, now)) for each in listed]
    text = table(("instance", "task", "title", "for", "not", "due"), rows)
    if more := len(items) - len(listed):
        text += f"\nThere are {more} more: --limit {len(items)}\n"
    none = "No task is overdue.\n" if args.overdue else "No task is open.\n"
    data = [{"instance": each.instance, **open_task(each)} for each in listed]
    return Answer(text or none, {"tasks": data, "more": more})


def _people(task: TaskItem) -> tuple[str, str]:
    persons, excluded = map(_open, task.persons), map(_open, task.excluded)
    return ", ".join(dict.fromkeys((*task.roles, *persons))), ", ".join(excluded)


def _open(text: str) -> str:
    """What nobody can read without the codec is not shown."""
    return "(sealed)" if text.startswith(MARK) else text


def _due(task: TaskItem, now: datetime) -> str:
    return "" if task.due is None else f"{relative(task.due, now)}{', overdue' if task.overdue(now) else ''}"


async def letters(args: argparse.Namespace, place: Place) -> Answer:
    """What flows sent each other and was not taken."""
    found = [each for each in await place.client.letters() if each.reason or not args.dead]
    rows = [(each.id, each.event, f"{each.flow} {each.to}", at(each.at), refused(each)) for each in found]
    text = table(("letter", "event", "to", "sent", "reason"), rows)
    commands = [command for each in found if each.reason for command in about_letter(each, place)]
    if commands:
        text += "\nwhat may be done now\n" + table((), [(command,) for command in commands[:MOST]], indent="  ")
    none = "No letter was refused.\n" if args.dead else "No letter waits.\n"
    data = {"letters": [sent_letter(each) for each in found], "suggestions": commands}
    return Answer(text or none, data)


# ---------------------------------------------------------------- the audit


async def head(args: argparse.Namespace, place: Place) -> Answer:
    """The last row of the journal and its hash, to be noted elsewhere."""
    last = await place.client.head()
    return Answer(f"{last}\n", {"position": last.position, "hash": last.hash, "head": str(last)})


async def verify(args: argparse.Namespace, place: Place) -> Answer:
    """Whether everything is as it was written, and as it must have come to be."""
    report = await place.client.audit(_noted(args.head))
    lines = [f"{finding}\n" for finding in report.findings]
    looked = f"{count(report.rows, 'row')} of {count(report.instances, 'instance')}"
    unknown = sum(report.unknown.values())
    replayed = f"replayed {count(report.instances - unknown - report.forgotten, 'instance')}"
    if unknown:
        flows = ", ".join(f"{flow} ({number})" for flow, number in sorted(report.unknown.items()))
        replayed += f", not those whose code is not at hand: {flows}"
    if report.forgotten:
        replayed += f", not {report.forgotten} whose key was destroyed"
    said = f"{count(len(lines), 'finding')} in {looked}" if lines else f"{looked}: whole, and none was changed"
    lines += [f"{said}; {replayed}\n", f"head {report.head}\n"]
    data = {
        "findings": [
            {"problem": f.problem, "position": f.position, "instance": f.instance, "sequence": f.sequence}
            for f in report.findings
        ],
        "rows": report.rows,
        "instances": report.instances,
        "not replayed": dict(report.unknown),
        "forgotten": report.forgotten,
        "head": str(report.head),
    }
    return Answer("".join(lines), data, REFUSED if report.findings else 0)


def _noted(text: str | None) -> Head | None:
    try:
        return None if text is None else head_of(text)
    except ValueError as error:
        raise Trouble(str(error), "`penstock audit head` prints one") from None
