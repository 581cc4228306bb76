"""What people type for values: `qty=2`, `verdict=accept`, or a JSON object in; the JSON that a codec takes out.

A value is taken as the field's type reads it: as text where that fits (`2` for a text is "2", `20.00` for a decimal is
exact), a duration as flows write it (`2h30m`), else as JSON. A field of a type `T?` may be left out.
"""

from __future__ import annotations

import json
import re
import shlex
import sys
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any, cast

from ..codec import Codec, Invalid, Json, quoted
from ..records import Record
from .answers import Trouble


def fields(record: Record[object], pairs: Sequence[str], payload: str | None, what: str) -> Mapping[str, Json]:
    """The JSON object of a record. payload: JSON itself, `@FILE`, or `-` for the standard input. Raises Trouble."""
    if payload is not None:
        if pairs:
            raise Trouble("give either FIELD=VALUE or --payload, not both")
        return _decoded(record, _read(payload), what)
    known, given = dict(record.fields), dict[str, Json]()
    for pair in pairs:
        name, equals, text = pair.partition("=")
        if not equals:
            raise Trouble(f"{pair!r} is no value: it takes FIELD=VALUE", usage(record, what))
        if name not in known:
            close = get_close_matches(name, known, n=1)
            raise Trouble(
                f"{what} has no field {name!r}", f"did you mean `{close[0]}`?" if close else usage(record, what)
            )
        given[name] = typed(known[name], text, name)
    for name, codec in record.fields:
        if name not in given and optional(codec):
            given[name] = None
    return _decoded(record, given, what)


def _read(payload: str) -> object:
    try:
        if payload == "-":
            payload = sys.stdin.read()
        elif payload.startswith("@"):
            payload = Path(payload[1:]).read_text(encoding="utf-8")
        return json.loads(payload)
    except OSError as error:
        raise Trouble(f"{payload[1:]} cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise Trouble(f"the payload is no JSON: {error}") from error


def _decoded(record: Record[object], value: object, what: str) -> Mapping[str, Json]:
    try:
        record.decode(value)
    except Invalid as invalid:
        raise Trouble(f"{what} does not fit: {invalid}", usage(record, what)) from invalid
    return cast(Mapping[str, Json], value)


def typed(codec: Codec[object], text: str, name: str) -> Json:
    """One value. Raises Trouble that names the field."""
    problem, wanted = "", kind(codec)
    for read in (str, _microseconds) if wanted == DURATION else (str, json.loads):
        try:
            value = cast(Json, read(text))
        except ValueError:
            continue
        try:
            codec.decode(value)
            return value
        except Invalid as invalid:
            problem = str(invalid)
    if wanted == DURATION:
        problem = f"expected a duration such as 2h30m, not {text!r}"
    raise Trouble(f"{name}: {problem}", f"{name} takes {wanted}")


UNITS = {"d": 86_400_000_000, "h": 3_600_000_000, "m": 60_000_000, "s": 1_000_000, "ms": 1_000}
"""How many microseconds each is."""


def _microseconds(text: str) -> int:
    """Of a duration as flows write it; a bare number is of microseconds, as in JSON. Raises ValueError."""
    if not re.fullmatch(r"([0-9]{1,18}(ms|[dhms]))+", text):
        return int(text)
    return sum(int(number) * UNITS[unit] for number, unit in re.findall(r"([0-9]+)(ms|[dhms])", text))


def optional(codec: Codec[object]) -> bool:
    """Whether a field may be left out."""
    try:
        return codec.decode(None) is None
    except Invalid:
        return False


def usage(record: Record[object], what: str) -> str:
    """What a record takes, as it is typed."""
    taken = form(record)
    return f"{what} takes {taken}" if taken else f"{what} takes no fields"


def form(record: Record[object]) -> str:
    """`verdict=accept/refuse [comment=TEXT]`: harmless when it is pasted as it is."""
    parts = ((f"{name}={shlex.quote(kind(codec))}", optional(codec)) for name, codec in record.fields)
    return " ".join(f"[{part}]" if may else part for part, may in parts)


def kind(codec: Codec[object]) -> str:
    """What a value looks like: a word, or JSON with words in it."""
    return _kind(cast("dict[str, Any]", codec.schema()))


DURATION = "DURATION"


def _kind(schema: dict[str, Any]) -> str:
    if "anyOf" in schema:
        schema = next((each for each in schema["anyOf"] if each.get("type") != "null"), schema)
    if "enum" in schema:
        return "/".join(schema["enum"])
    match schema.get("type"), schema.get("format"), "pattern" in schema:
        case "integer", _, _ if "minimum" in schema and "description" not in schema:
            return f"{schema['minimum']}..{schema['maximum']}"
        case "integer", _, _:
            return DURATION if "description" in schema else "NUMBER"
        case "boolean", _, _:
            return "true/false"
        case "string", "date-time", _:
            return "MOMENT"
        case "string", _, True:
            return "DECIMAL"
        case "string", _, _:
            return "TEXT"
        case _:
            return _json(schema)


def _json(schema: dict[str, Any]) -> str:
    """What a value looks like inside of JSON, where texts are quoted and durations are numbers."""
    if "anyOf" in schema:
        return " or ".join("null" if each.get("type") == "null" else _json(each) for each in schema["anyOf"])
    match schema.get("type"):
        case "object":
            return f"{{{', '.join(f'{quoted(name)}: {_json(each)}' for name, each in schema['properties'].items())}}}"
        case "array":
            return f"[{_json(schema['items'])}, ..]"
        case "string":
            return quoted(_kind(schema))
        case _ if "description" in schema:
            return "MICROSECONDS"
        case _:
            return _kind(schema)
