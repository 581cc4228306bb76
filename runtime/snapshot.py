"""Snapshots: the fields of a record in, a JSON value out, and back; what comes back is a possible record or is refused.

A snapshot names its format, its flow and the flow's version; it outlives the process, the generated module's text and
this package, but not a change of the flow's version.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import cast

from .codec import BOOL, INSTANT, INT, TEXT, Invalid, Json, optional
from .core import DEADLINE, WITHDRAWN, ArmTimer, Call, Entry, Ledger, Undoing, Work
from .records import Record, Variant, arguments, members, part, record, sequence
from .rules import D, E, I, Rules, S
from .spec import ActivityKind, FlowSpec

FORMAT = 2


class Corrupt(ValueError):
    """A snapshot that no instance of this flow can have written."""


def encode(spec: FlowSpec, inputs: object, data: object, at: tuple[str, ...], ledger: Ledger[E]) -> Mapping[str, Json]:
    """The JSON value of a record."""
    return {
        "format": FORMAT,
        "flow": spec.name,
        "version": spec.version,
        "inputs": spec.inputs.encode(inputs),
        "data": spec.data.encode(data),
        "at": [str(state) for state in at],
        "ledger": _ledger(spec).encode(ledger),
    }


def decode(spec: FlowSpec, rules: Rules[I, D, S, E], json: object) -> tuple[I, D, tuple[S, ...], Ledger[E]]:
    """The fields of the record. Raises Corrupt."""
    try:
        given = members(json)
        origin = given.get("format"), given.get("flow"), given.get("version")
        if origin != (FORMAT, spec.name, spec.version):
            raise Corrupt(
                f"expected a snapshot of {spec.name} version {spec.version} in format {FORMAT}, "
                f"not of {origin[1]} version {origin[2]} in format {origin[0]}"
            )
        fields = (
            cast(I, part("inputs", spec.inputs.decode, given.get("inputs"))),
            cast(D, part("data", spec.data.decode, given.get("data"))),
            tuple(_state(rules, name) for name in part("at", sequence(TEXT).decode, given.get("at"))),
            cast(Ledger[E], part("ledger", _ledger(spec).decode, given.get("ledger"))),
        )
    except Invalid as invalid:
        raise Corrupt(f"damaged snapshot of {spec.name}: {invalid}") from None
    for problem in _contradictions(spec, rules, fields[2], fields[3]):
        raise Corrupt(f"damaged snapshot of {spec.name}: {problem}")
    return fields


@lru_cache
def _ledger(spec: FlowSpec) -> Record[Ledger[object]]:
    entries = {
        name: record(
            Entry,
            ("serial", INT),
            ("activity", TEXT),
            ("args", activity.params),
            ("done", BOOL),
            ("in_flight", BOOL),
            ("result", optional(activity.result)),
        )
        for name, activity in spec.activities.items()
    }
    calls = {
        name: record(
            Call,
            ("key", TEXT),
            ("activity", TEXT),
            ("args", activity.params),
            ("leaf", TEXT),
            ("item", optional(INT)),
            ("answer", TEXT),
            ("result", optional(activity.result)),
        )
        for name, activity in spec.activities.items()
    }
    texts = sequence(TEXT)
    work = record(
        Work,
        ("key", TEXT),
        ("task", TEXT),
        ("roles", texts),
        ("excluded", texts),
        ("persons", texts),
        ("reminders", INT),
    )
    return record(
        cast(type[Ledger[object]], Ledger),
        ("started", INSTANT),
        ("counter", INT),
        ("log", sequence(Variant("activity", entries))),
        ("calls", sequence(Variant("activity", calls))),
        ("tasks", sequence(work)),
        ("timers", sequence(record(ArmTimer, ("timer", TEXT), ("due", INSTANT)))),
        ("deferred", sequence(spec.triggers)),
        ("undoing", optional(record(Undoing, ("since", INT), ("node", TEXT), ("running", optional(TEXT))))),
        ("marks", sequence(arguments(("state", TEXT), ("counter", INT)))),
        ("actors", sequence(arguments(("task", TEXT), ("actor", TEXT)))),
        ("completed", sequence(TEXT)),
        ("history", sequence(arguments(("place", TEXT), ("leaves", sequence(TEXT))))),
        ("moments", sequence(arguments(("place", TEXT), ("at", INSTANT)))),
    )


def _state(rules: Rules[I, D, S, E], name: str) -> S:
    for state in (*rules.states, *rules.finals):
        if state == name:
            return state
    raise Invalid(f"there is no state {name!r}", "at")


def _contradictions(spec: FlowSpec, rules: Rules[I, D, S, E], at: tuple[S, ...], ledger: Ledger[E]) -> Iterator[str]:
    """What is wrong between the fields, each of which has its type."""
    withdrawn = not at and ledger.undoing is None
    left = ledger.log or ledger.calls or ledger.tasks or ledger.timers or ledger.deferred
    if (withdrawn and left) or (at and ledger.undoing is not None) or len(at) > 1:
        yield "it rests in one state, or in none while it compensates or once it is withdrawn"
        return
    active = rules.states.get(at[0]) if at else None
    begun = active.begins if active is not None else frozenset[str]()
    running = [call.activity for call in ledger.calls] + [work.task for work in ledger.tasks]
    running += [timer.timer for timer in ledger.timers if timer.timer != DEADLINE]
    if not begun.issuperset(running):
        yield f"{', '.join(sorted(set(running) - begun))} cannot be under way in {at[0] if at else 'compensation'}"
    if len(set(running)) != len(running):
        yield "something is under way twice"
    if at and active is None and (ledger.timers or ledger.deferred):
        yield "something is left to happen after the end"
    yield from _log_contradictions(spec, ledger)
    names = {WITHDRAWN, *(str(node) for node in (*rules.states, *rules.finals, *rules.choices))}
    if ledger.undoing is not None and ledger.undoing.node not in names:
        yield f"there is no state or choice {ledger.undoing.node!r}"
    if any(spec.kinds[type(trigger)].task for trigger in ledger.deferred):
        yield "a task's completion is never deferred"
    if any(name not in rules.savepoints for name, _ in ledger.marks):
        yield "a mark of a state that is no savepoint"
    readonly = {name for name, activity in spec.activities.items() if activity.kind is ActivityKind.READONLY}
    if not readonly.issuperset(ledger.completed):
        yield "only readonly activities are remembered as completed"


def _log_contradictions(spec: FlowSpec, ledger: Ledger[E]) -> Iterator[str]:
    serials = [entry.serial for entry in ledger.log]
    if serials != sorted(set(serials)) or any(not 0 < serial <= ledger.counter for serial in serials):
        yield "the calls of the log are out of order"
    if any(entry.done and entry.in_flight for entry in ledger.log):
        yield "a call is done and in flight"
    if any(entry.result is not None and not entry.done for entry in ledger.log):
        yield "a call has a result and is not done"
    keys = {entry.key for entry in ledger.log if entry.in_flight}
    if any(spec.activities[c.activity].kind is not ActivityKind.READONLY and c.key not in keys for c in ledger.calls):
        yield "the current call is not on the log"
    running = ledger.undoing.running if ledger.undoing is not None else None
    if running is not None and (not ledger.log or running != f"{ledger.log[-1].key}/undo"):
        yield f"{running!r} undoes something else than the newest call"
