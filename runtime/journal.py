"""The journal's two directions: a step in, its row out; and an instance's rows in, the record they lead to out."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any, TypeAlias

from .codec import written
from .core import NOBODY, Actor, Fault, Finish, Rejected, Step
from .flow import Flow
from .spec import ACTOR, FlowSpec
from .store import EntryKind, Instance, JournalEntry, Status

AnyFlow: TypeAlias = Flow[Any, Any, Any, Any]


class Diverged(Exception):
    """The journal does not lead to what is stored: it was edited, or written by other code of the same version."""

    def __init__(self, instance: str, sequence: int, problem: str) -> None:
        super().__init__(f"instance {instance!r}, row {sequence}: {problem}")
        self.instance = instance
        self.sequence = sequence
        self.problem = problem


def label(flow: type[AnyFlow]) -> str:
    """`Order/1`: the code that an instance needs."""
    return f"{flow.spec.name}/{flow.spec.version}"


def status_after(step: Step[AnyFlow], before: Status) -> Status:
    record, effects = step
    for effect in effects:
        if isinstance(effect, Finish):
            return Status.FAILED if effect.failure else Status.SUCCEEDED
    if record.compensating:
        return Status.COMPENSATING
    return before if before.finished else Status.RUNNING


def actor_text(by: Actor) -> str:
    return NOBODYS if by is NOBODY else written(ACTOR.encode(by))


NOBODYS = written(ACTOR.encode(NOBODY))


def after_step(
    spec: FlowSpec, before: Instance, entry: JournalEntry, step: Step[AnyFlow]
) -> tuple[Instance, JournalEntry]:
    """The instance as it stands after the step, and the journal's row of it: `entry` with what followed filled in."""
    record, effects = step
    status, at = status_after(step, before.status), tuple(str(leaf) for leaf in record.at)
    instance = Instance(before.id, before.flow, entry.sequence, entry.at, status, at, record.to_text())
    told = entry.kind, entry.actor, entry.trigger, entry.note, entry.request, spec.effects_text(effects)
    return instance, JournalEntry(entry.instance, entry.sequence, entry.at, *told, status, at, entry.attempt)


def replay(flow: type[AnyFlow], entries: Iterable[JournalEntry]) -> AnyFlow:
    """Put the journal's triggers through the pure core again. Raises Diverged where a row tells of another run."""
    record: AnyFlow | None = None
    status = Status.RUNNING
    for expected, entry in enumerate(entries, 1):
        if entry.sequence != expected:
            raise Diverged(entry.instance, entry.sequence, f"row {expected} is missing")
        if entry.kind.moves:
            record, effects = step = _again(flow, record, entry)
            status = status_after(step, status)
            if flow.spec.effects_text(effects) != entry.effects:
                raise Diverged(entry.instance, entry.sequence, "other effects follow")
        if record is None:
            raise Diverged(entry.instance, entry.sequence, "a row before the start")
        if (entry.status, entry.configuration) != (status, tuple(map(str, record.at))):
            raise Diverged(entry.instance, entry.sequence, "it leads somewhere else")
    if record is None:
        raise Diverged("", 0, "no journal")
    return record


def _again(flow: type[AnyFlow], record: AnyFlow | None, entry: JournalEntry) -> Step[AnyFlow]:
    try:
        by, trigger = ACTOR.decode(json.loads(entry.actor)), json.loads(entry.trigger)
        if entry.kind is EntryKind.START:
            return flow.begin(flow.spec.inputs.decode(trigger), by=by, now=entry.at)
        if record is None:
            raise Diverged(entry.instance, entry.sequence, "a step before the start")
        return record.step(flow.spec.trigger_from_json(trigger), by=by, now=entry.at)
    except (Rejected, Fault, ValueError, TypeError, AttributeError) as refused:
        raise Diverged(entry.instance, entry.sequence, f"it is no such step: {refused}") from refused
