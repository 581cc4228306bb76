"""The schemas say what the codecs do: all that is written is valid, and what is valid can be read.

Another implementation of JSON Schema is the judge. `$` ends a text in ECMAScript, whose patterns these are; in Python
it may stand before a last newline.
"""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator, FormatChecker, ValidationError, validators

from composed_flows import GROUPS, PARALLEL
from kernels import kernel, kernels
from odd_flows import MESSAGES, NAMES, PEOPLE, STRUCTURES, TYPES
from order_flow import Order, OrderInputs
from penstock.compiler.instance import Trigger
from penstock.compiler.kernel import Kernel
from penstock.runtime import codec, core, records, schema
from penstock.runtime.codec import Codec, Invalid
from penstock.runtime.spec import FlowSpec
from repository import ROOT
from twins import AnyFlow, Twins, drive, generated

FORMATS = FormatChecker(formats=())


@FORMATS.checks("date-time")
def _is_a_moment(value: object) -> bool:
    """Whether the day exists, too, and the moment is one in UTC that Python knows."""
    if not isinstance(value, str):
        return True
    try:
        return datetime.fromisoformat(value).astimezone(UTC).tzinfo is UTC
    except (ValueError, OverflowError):
        return False


def _pattern(_: object, pattern: str, value: object, __: object) -> Iterator[ValidationError]:
    if isinstance(value, str) and not re.search(pattern.replace("$", r"\Z"), value):
        yield ValidationError(f"{value!r} does not match {pattern!r}")


Validator: Any = cast(Any, validators).extend(Draft202012Validator, {"pattern": _pattern})


def validator(of: Mapping[str, codec.Json]) -> Any:
    Draft202012Validator.check_schema(of)
    return Validator(of, format_checker=FORMATS)


# ---------------------------------------------------------------- one codec


class Color(StrEnum):
    RED = "red"
    CLASS = "class"


class Line(NamedTuple):
    title: str  # a field that has the name of a keyword
    price: Decimal
    properties: Color | None


LINE = records.record(
    Line, ("title", codec.TEXT), ("price", codec.decimal(2)), ("properties", codec.optional(codec.enum(Color)))
)
CENTS = st.integers().map(lambda number: Decimal(f"{number}E-2"))
LINES = st.builds(Line, st.text(), CENTS, st.none() | st.sampled_from(Color))
VALUES: Mapping[str, tuple[Codec[object], st.SearchStrategy[object]]] = {
    "bool": (codec.BOOL, st.booleans()),
    "int": (codec.INT, st.integers()),
    "range": (codec.integer(-3, 3), st.integers(-3, 3)),
    "decimal": (codec.decimal(2), CENTS),
    "whole decimal": (codec.decimal(0), st.integers().map(Decimal)),
    "text": (codec.TEXT, st.text(st.characters(exclude_categories=()))),
    "duration": (codec.DURATION, st.timedeltas()),
    "instant": (codec.INSTANT, st.datetimes(timezones=st.just(UTC))),
    "enum": (codec.enum(Color), st.sampled_from(Color)),
    "optional": (codec.optional(codec.integer(0, 9)), st.none() | st.integers(0, 9)),
    "nothing": (codec.NOTHING, st.none()),
    "list": (records.sequence(codec.TEXT), st.lists(st.text()).map(tuple)),
    "bounded list": (records.sequence(LINE, 2), st.lists(LINES, max_size=2).map(tuple)),
    "set": (records.TEXTS, st.frozensets(st.text())),
    "record": (LINE, LINES),
    "arguments": (records.arguments(("a", codec.INT), ("b", LINE)), st.tuples(st.integers(), LINES)),
}
JUDGES = {name: validator(kind.schema()) for name, (kind, _) in VALUES.items()}
DIGITS: list[Any] = ["1.00", "1.001", "1.100", "-0", "1.", "1\n", "٣"]
OTHERS: list[Any] = [None, True, -1, 0, 4, 10**20, 0.5, "", "x", "red", [], {}, [0]]
WRONG: st.SearchStrategy[Any] = st.sampled_from(DIGITS + OTHERS)
JSON = st.recursive(
    WRONG | st.text() | st.integers(),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(["a", "b", "title", "price", "properties"]), inner),
    max_leaves=5,
)


def places(json: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The way to every value inside, the outermost first."""
    inner: list[tuple[Any, object]] = []
    if isinstance(json, dict):
        inner += cast("dict[str, object]", json).items()
    elif isinstance(json, list):
        inner += enumerate(cast("list[object]", json))
    return [path, *(place for key, value in inner for place in places(value, (*path, key)))]


def damaged(json: Any, draw: st.DataObject) -> Any:
    """The JSON value with something in it replaced, left out or added."""
    whole = [copy.deepcopy(json)]
    path = (0, *draw.draw(st.sampled_from(places(json))))
    at: Any = whole
    for key in path[:-1]:
        at = at[key]
    what = draw.draw(st.sampled_from(["replace", "remove", "add"]))
    if what == "remove" and len(path) > 1:
        del at[path[-1]]
    elif what == "add" and isinstance(at[path[-1]], dict):
        at[path[-1]]["more"] = None
    elif what == "add" and isinstance(at[path[-1]], list):
        at[path[-1]].append(draw.draw(WRONG))
    else:
        at[path[-1]] = draw.draw(JSON)
    return whole[0]


def reads(kind: Codec[object], json: object) -> bool:
    try:
        kind.decode(json)
    except Invalid:
        return False
    return True


@pytest.mark.parametrize("name", VALUES)
@given(data=st.data())
def test_what_is_written_is_valid(name: str, data: st.DataObject) -> None:
    kind, values = VALUES[name]
    written = json.loads(json.dumps(kind.encode(data.draw(values))))
    assert [*JUDGES[name].iter_errors(written)] == []


@pytest.mark.parametrize("name", VALUES)
@given(data=st.data())
def test_json_is_valid_exactly_if_it_can_be_read(name: str, data: st.DataObject) -> None:
    kind, values = VALUES[name]
    written = json.loads(json.dumps(kind.encode(data.draw(values))))
    other = damaged(written, data) if data.draw(st.booleans()) else data.draw(JSON)
    assert JUDGES[name].is_valid(other) == reads(kind, other)


DAY, ZONE = "20[0-9]{2}-[01][0-9]-[0-3][0-9]", "[0-2][0-9]:[0-6][0-9]"
TIME = r"[0-2][0-9]:[0-6][0-9]:[0-6][0-9](\.[0-9]+)?"
NUMBERS = f"{DAY}[T ]{TIME}(Z|[+-]{ZONE})?"


@given(text=st.from_regex(NUMBERS, fullmatch=True))
def test_a_moment_that_is_valid_can_be_read(text: str) -> None:
    """The other way round it need not be: Python knows more forms of ISO 8601 than RFC 3339 has."""
    assert reads(codec.INSTANT, text) or not JUDGES["instant"].is_valid(text)


@pytest.mark.parametrize(
    ("text", "valid"),
    [
        ("2026-01-31T12:00:00Z", True),
        ("2026-01-31T12:00:00.000001+02:00", True),
        ("2026-02-30T12:00:00Z", False),
        ("2026-01-31T12:00:00", False),
        ("2026-01-31", False),
    ],
)
def test_moments(text: str, valid: bool) -> None:
    assert JUDGES["instant"].is_valid(text) == valid == reads(codec.INSTANT, text)


# ---------------------------------------------------------------- a whole flow

SPECS = {
    name: made for path in (ROOT / "specs").glob("*.flow") for name, made in kernels(path.read_text("utf-8")).items()
}
ODD = {
    name: kernel(text)
    for name, text in {
        "types": TYPES,
        "names": NAMES,
        "people": PEOPLE,
        "messages": MESSAGES,
        "structures": STRUCTURES,
        "parallel": PARALLEL,
        "groups": GROUPS,
    }.items()
}
RUN = st.lists(st.tuples(st.integers(0, 10**6), st.sampled_from((0, 1, 3600, 86400))), min_size=2, max_size=25)


@cache
def flow(name: str) -> tuple[Kernel, type[AnyFlow]]:
    made = SPECS[name] if name in SPECS else ODD[name]
    return made, generated(made)


@cache
def part(name: str, kind: str) -> Any:
    """What checks one of the definitions of a flow."""
    spec = flow(name)[1].spec
    defined = schema.document(spec)["$defs"]
    return validator({"$ref": f"#/$defs/{spec.name}{kind}", "$defs": defined})


class Watched(Twins):
    """A run that shows its JSON to the schemas."""

    def __init__(self, name: str) -> None:
        super().__init__(*flow(name))
        self.name = name

    def fits(self, kind: str, value: object) -> None:
        written = json.loads(json.dumps(value))
        assert [*part(self.name, kind).iter_errors(written)] == []

    def step(self, trigger: Trigger, actor: Any) -> bool:
        before = self.record
        took = super().step(trigger, actor)
        if took and self.record != before:
            self.fits("Trigger", self.flow.spec.trigger_to_json(self.translated(trigger)))
        return took

    def _compare(self, theirs: object, ours: object) -> bool:
        took = super()._compare(theirs, ours)
        if took:
            record, effects = cast("tuple[AnyFlow, tuple[core.Effect, ...]]", ours)
            self.fits("Snapshot", record.to_json())
            for effect in effects:
                self.fits("Effect", self.flow.spec.effect_to_json(effect))
        return took


@pytest.mark.parametrize("name", [*SPECS, *ODD])
@settings(max_examples=12)
@given(run=RUN)
def test_all_that_a_run_writes_is_valid(name: str, run: list[tuple[int, int]]) -> None:
    drive(Watched(name), run)


def orders() -> list[tuple[str, Any, Any]]:
    """The kind, the JSON and its reader, of what an order writes."""
    spec = Order.spec
    now = datetime(2026, 1, 1, tzinfo=UTC)
    order, effects = Order.begin(OrderInputs("A1", 2, Decimal(2000)), now=now)
    outcome = core.Outcome("reserve_stock#1", "done", "r")
    order, more = order.step(outcome, now=now)
    order, last = order.step(core.Outcome("quote#2", "done", "ups"), now=now)
    written: list[tuple[str, Any, Any]] = []
    written += [("Effect", spec.effect_to_json(effect), spec.effect_from_json) for effect in (*effects, *more, *last)]
    triggers = (outcome, core.Outcome("ship#4", "interrupted"), core.Fired("deadline"), core.Delegation("review", "x"))
    written += [("Trigger", spec.trigger_to_json(trigger), spec.trigger_from_json) for trigger in triggers]
    written += [
        ("Event", {"trigger": "review", "payload": {"verdict": "accept", "comment": None}}, spec.triggers.decode)
    ]
    return written


@settings(max_examples=200)
@given(which=st.integers(0, len(orders()) - 1), data=st.data())
def test_what_is_valid_can_be_read(which: int, data: st.DataObject) -> None:
    kind, written, read = orders()[which]
    other = damaged(written, data)
    if part("Order", kind).is_valid(other):
        assert read(other) is not None


@pytest.mark.parametrize("name", [*SPECS, *ODD])
def test_a_document_is_a_schema_and_every_reference_leads_somewhere(name: str) -> None:
    spec: FlowSpec = flow(name)[1].spec
    document = schema.document(spec)
    Draft202012Validator.check_schema(document)
    references = set(re.findall(r'"\$ref": "#/\$defs/(\w+)"', json.dumps(document)))
    assert references <= {*cast("dict[str, object]", document["$defs"])}
    elsewhere = json.dumps(schema.definitions(spec, schema.OPENAPI))
    assert "$defs" not in elsewhere
    assert set(re.findall(r'"\$ref": "#/components/schemas/(\w+)"', elsewhere)) <= references


# ---------------------------------------------------------------- the command


def test_the_command_writes_and_compares(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "order.schema.json"
    assert schema.main(["order_flow"]) == 0
    printed = capsys.readouterr().out
    assert json.loads(printed) == schema.document(Order.spec)
    assert schema.main(["order_flow:Order", "-o", str(file), "--check"]) == 1
    assert capsys.readouterr().out == f"{file} is not the schema of Order as it is now\n"
    assert schema.main(["order_flow", "-o", str(file)]) == 0
    assert file.read_text("utf-8") == printed
    assert schema.main(["order_flow", "-o", str(file), "--check"]) == 0
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["no_such_flow"], "No module named 'no_such_flow': is its folder on PYTHONPATH?"),
        (["order_flow:Invoice"], "order_flow has no flow Invoice"),
        (["json"], "json is no generated module"),
        (["order_flow", "--check"], "--check needs the FILE to look at: say it with -o"),
    ],
)
def test_a_wrong_call_is_explained(arguments: list[str], complaint: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        schema.main(arguments)
    assert stopped.value.code == 2
    assert capsys.readouterr().err.endswith(f"error: {complaint}\n")
