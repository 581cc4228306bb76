"""JSON Schema (2020-12) of a flow, for other languages, OpenAPI and CI: a FlowSpec in, named schemas out.

    python -m penstock.runtime.schema order_flow -o order.schema.json            # write it
    python -m penstock.runtime.schema order_flow -o order.schema.json --check    # exit code 1 where it has drifted

What is described is the JSON that the codecs write and read; `codec.Codec.schema` says how exactly. The first argument
is a generated module, or one of its flows (`order_flow:Order`).
"""

from __future__ import annotations

import argparse
import importlib
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias, cast

from . import snapshot
from .codec import Json, Schema
from .flow import Flow
from .outbox import DONE, FAILED, INTERRUPTED, TIMEOUT
from .spec import ActivitySpec, FlowSpec

DIALECT = "https://json-schema.org/draft/2020-12/schema"
OPENAPI = "#/components/schemas/"
"""Where an OpenAPI (3.1) document keeps its schemas: what `refs` begin with there."""

AnyFlow: TypeAlias = Flow[Any, Any, Any, Any]


# ---------------------------------------------------------------- of a flow


def document(spec: FlowSpec) -> Schema:
    """One schema for any JSON of the flow, with a definition for each kind: those of `definitions`, and what a host
    keeps, `OrderTrigger` (all that `step` takes), `OrderEffect` and `OrderSnapshot`."""
    naming = _Naming("#/$defs/")
    kinds = [*_own(spec, naming), *_kept(spec, naming)]
    title = f"{spec.name} version {spec.version}"
    return {"$schema": DIALECT, "title": title, "anyOf": kinds, "$defs": naming.found}


def definitions(spec: FlowSpec, refs: str = "#/$defs/") -> Mapping[str, Schema]:
    """What whoever speaks with a flow needs, by name; they refer to each other below `refs`.

    Of `Order`: `OrderInputs`, `OrderData`, the payload of each event and task (`Review`), `OrderEvent` (one of them
    with its name), enumerations and records."""
    naming = _Naming(refs)
    _own(spec, naming)
    return naming.found


def _own(spec: FlowSpec, naming: _Naming) -> Sequence[Schema]:
    """Name the types of the flow; inputs, data and events."""
    for each in spec.events.values():
        naming.named(each.record.schema())
    event: Schema = {"title": f"{spec.name}Event", **spec.triggers.schema()}
    return [naming.named(schema) for schema in (spec.inputs.schema(), spec.data.schema(), event)]


def _kept(spec: FlowSpec, naming: _Naming) -> Sequence[Schema]:
    """Name what a host keeps: triggers, effects and snapshots."""
    parts: Mapping[str, Schema] = {
        "Trigger": {"anyOf": [*_triggers(spec)]},
        "Effect": spec.effects.schema(),
        "Snapshot": snapshot.schema(spec),
    }
    return [naming.named({"title": f"{spec.name}{kind}", **schema}) for kind, schema in parts.items()]


def _triggers(spec: FlowSpec) -> Iterator[Schema]:
    """What `FlowSpec.trigger_to_json` writes."""
    text: Schema = {"type": "string"}
    yield spec.triggers.schema()
    for activity in spec.activities.values():
        yield from _outcomes(activity)
    yield _object(timer=text)
    tasks = [event.name for event in spec.events.values() if event.task]
    if tasks:
        yield _object(delegate={"type": "string", "enum": tasks}, to=text)
    yield _object(withdraw={"const": True})


def _outcomes(activity: ActivitySpec) -> Iterator[Schema]:
    key: Schema = {"type": "string", "pattern": f"^{activity.name}#[0-9]+$"}
    others = [*dict.fromkeys((*activity.errors, TIMEOUT, FAILED, INTERRUPTED))]
    yield _object(key=key, outcome={"const": DONE}, value=activity.result.schema())
    yield _object(key=key, outcome={"type": "string", "enum": others}, value={"type": "null"})
    if activity.compensation is not None:
        undo: Schema = {"type": "string", "pattern": f"^{activity.name}#[0-9]+/undo$"}
        yield _object(key=undo, outcome={"const": DONE}, value={"type": "null"})


def _object(**properties: Schema) -> Schema:
    required: Json = [*properties]
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}


class _Naming:
    """Gives each schema that has a title a definition, and puts a reference in its place."""

    def __init__(self, refs: str) -> None:
        self.refs = refs
        self.found: dict[str, Schema] = {}

    def named(self, schema: Schema) -> Schema:
        whole = {key: self._inside(key, value) for key, value in schema.items()}
        name = whole.get("title")
        if not isinstance(name, str):
            return whole
        while self.found.setdefault(name, whole) != whole:  # another one has the name
            name += "_"
        return {"$ref": f"{self.refs}{name}"}

    def _inside(self, key: str, value: Json) -> Json:
        match key:
            case "properties":
                return {name: self.named(each) for name, each in cast("Mapping[str, Schema]", value).items()}
            case "anyOf" | "oneOf":
                return [self.named(each) for each in cast("Sequence[Schema]", value)]
            case "items" | "not":
                return self.named(cast(Schema, value))
            case _:
                return value


# ---------------------------------------------------------------- as a command


def main(argv: Sequence[str] | None = None) -> int:
    """0: written, or as it was; 1: drifted; 2: a wrong call."""
    parser = argparse.ArgumentParser(prog="python -m penstock.runtime.schema", description="JSON Schema of a flow.")
    parser.add_argument("flow", metavar="MODULE[:FLOW]", help="a generated module; of several flows, which")
    parser.add_argument("-o", "--output", type=Path, metavar="FILE", help="where to write; default: standard output")
    parser.add_argument("--check", action="store_true", help="write nothing; say whether FILE has drifted")
    args = parser.parse_args(argv)
    try:
        spec = _flow(args.flow).spec
    except LookupError as error:
        parser.error(str(error.args[0]))
    text = json.dumps(document(spec), indent=2) + "\n"
    output: Path | None = args.output
    if args.check:
        if output is None:
            parser.error("--check needs the FILE to look at: say it with -o")
        fresh = output.is_file() and output.read_text(encoding="utf-8") == text
        sys.stdout.write("" if fresh else f"{output} is not the schema of {spec.name} as it is now\n")
        return 0 if fresh else 1
    if output is None:
        sys.stdout.write(text)
    else:
        output.write_text(text, encoding="utf-8")
    return 0


def _flow(wanted: str) -> type[AnyFlow]:
    """The flow of `order_flow` or `order_flow:Order`. Raises LookupError."""
    name, _, chosen = wanted.partition(":")
    try:
        module = importlib.import_module(name)
    except ModuleNotFoundError as error:
        raise LookupError(f"{error}: is its folder on PYTHONPATH?") from None
    flows: list[type[AnyFlow]] = [
        each
        for each in vars(module).values()
        if isinstance(each, type) and issubclass(each, Flow) and each.__module__ == module.__name__
    ]
    for flow in flows:
        if chosen in ("", flow.__name__):
            return flow
    raise LookupError(f"{name} has no flow {chosen}".rstrip() if flows else f"{name} is no generated module")


if __name__ == "__main__":
    sys.exit(main())
