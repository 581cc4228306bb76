"""What an instance takes now, and why it does not take something else: a record in, words out."""

from __future__ import annotations

from collections.abc import Sequence

from ..core import Actor, Rejected
from ..journal import AnyFlow
from ..spec import EventSpec
from .answers import Refusal


def accepted(record: AnyFlow) -> Sequence[EventSpec]:
    """The events and tasks there are transitions for now."""
    return [record.spec.kinds[kind] for kind in record.accepted()]


def whose(record: AnyFlow, event: EventSpec) -> str:
    """Who may send an event or complete a task: `by customer`, `for manager, director; not cleo`."""
    if not event.task:
        return f"by {', '.join(event.roles)}" if event.roles else "by anybody"
    for work in record.ledger.tasks:
        if work.task == event.name:
            people = f"for {', '.join((*work.roles, *work.persons)) or 'nobody'}"
            return f"{people}; not {', '.join(work.excluded)}" if work.excluded else people
    return ""


def _wanted(record: AnyFlow, event: EventSpec | None) -> Sequence[str]:
    """The roles that may send an event or do a task."""
    if event is None or not event.task:
        return () if event is None else event.roles
    return [role for work in record.ledger.tasks if work.task == event.name for role in work.roles]


def listed(record: AnyFlow) -> str:
    """All of them, in a line."""
    if record.compensating:
        return "events wait until everything is undone"
    told = [f"`{event.name}` {'(a task) ' if event.task else ''}{whose(record, event)}" for event in accepted(record)]
    return f"accepted now: {', '.join(told)}" if told else "no event is accepted now"


def refusal(rejected: Rejected, record: AnyFlow, id: str, name: str, by: Actor) -> Refusal:
    """The core's refusal of an event or task of this name, for who sent it."""
    event = record.spec.events.get(name)
    where = ", ".join(record.at) or ("compensation" if record.compensating else "no state")
    roles = ", ".join(sorted(by.roles))
    match rejected.reason:
        case "finished":
            problem = f"{id} has ended in {where}: it takes nothing any more"
            return Refusal(problem)
        case "unhandled":
            problem = f"{id} does not take `{name}` in {where}"
        case "role":
            people = whose(record, event).partition(";")[0] if event is not None else ""
            has = f"{by.id or 'who sends it'} has {f'the role {roles}' if roles else 'no role'}"
            roles = " or ".join(f"--role {role}" for role in _wanted(record, event))
            return Refusal(f"`{name}` is {people}, and {has}", f"roles are given with {roles or '--role'}")
        case "excluded":
            problem = f"somebody else than {by.id} has to do `{name}`"
        case "closed":
            problem = f"{id} has no open task `{name}`"
        case "full":
            problem = f"too many `{name}` wait already"
        case _:
            problem = rejected.detail or str(rejected)
    return Refusal(problem, listed(record))
