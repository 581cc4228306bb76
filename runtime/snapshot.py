"""Snapshots: the fields of a record in, a JSON value out, and back; what comes back is a possible record or is refused.

A snapshot names its format, its flow and the flow's version; it outlives the process, the generated module's text and
this package, but not a change of the flow's version.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import cast

from .codec import BOOL, INSTANT, INT, TEXT, Invalid, Json, Schema, Teller, optional, written
from .contradictions import contradictions
from .core import ArmTimer, Call, Entry, Ledger, Undoing, Work
from .records import Record, Variant, arguments, members, part, record, sequence
from .rules import D, E, I, Rules, S
from .spec import FlowSpec

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


def text(spec: FlowSpec, inputs: object, data: object, at: tuple[str, ...], ledger: Ledger[E]) -> str:
    """That value as JSON text."""
    head, tell_inputs, tell_data, tell_at, tell_ledger = _tellers(spec)
    checked = spec.data.check(data)  # what updates left in it, nobody has looked at yet
    given = f'"inputs":{tell_inputs(inputs)},"data":{tell_data(checked)}'
    return f'{head}{given},"at":{tell_at(at)},"ledger":{tell_ledger(ledger)}}}'


def schema(spec: FlowSpec) -> Schema:
    """The JSON Schema of what `encode` writes. Not all that fits it is a snapshot: `decode` also looks for what
    contradicts itself."""
    fields: Schema = {
        "format": {"const": FORMAT},
        "flow": {"const": spec.name},
        "version": {"const": spec.version},
        "inputs": spec.inputs.schema(),
        "data": spec.data.schema(),
        "at": sequence(TEXT).schema(),
        "ledger": _ledger(spec).schema(),
    }
    return {"type": "object", "properties": fields, "required": [*fields]}


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
    for problem in contradictions(spec, rules, fields[2], fields[3]):
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


@lru_cache
def _tellers(spec: FlowSpec) -> tuple[str, Teller, Teller, Teller, Teller]:
    """How it begins, and how inputs, data, leaves and ledger are told."""
    head = written({"format": FORMAT, "flow": spec.name, "version": spec.version}).removesuffix("}")
    return f"{head},", spec.inputs.teller, spec.data.teller, sequence(TEXT).teller, _ledger(spec).teller


def _state(rules: Rules[I, D, S, E], name: str) -> S:
    state = rules.places.named.get(name)
    if state is not None and state in rules.places.open:
        return state
    raise Invalid(f"there is no state {name!r}", "at")
