"""Runs that once broke a flow, kept: refuted answers in, a file beside the spec out; and such a file in, its cases out.

`order.flow` has them in `order.cases.json`, which its user commits. A case is added once for each fingerprint of a
finding, and none is ever removed by penstock. Values are written as journals have them: decimals as strings, durations
as whole microseconds, instants as ISO 8601 in UTC, enumerations by their members, records by field.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, cast

from ...dsl.model import (
    DecimalType,
    DurationType,
    InstantType,
    ListType,
    OptionalType,
    RecordType,
    Type,
    Value,
)
from ...dsl.values import dataclass
from ..evaluate import admitted, kept
from ..instance import NOBODY, Actor
from ..kernel import Kernel
from .acts import Act, Inapplicable, Kind, types

FORMAT = 1
SUFFIX = ".cases.json"
_MICROSECOND = timedelta(microseconds=1)
_SECOND = timedelta(seconds=1)

Written = Mapping[str, Any]
"""An act as JSON."""


class Unreadable(Exception):
    """A file of cases is not one; the text says why."""


@dataclass(frozen=True, slots=True)
class Case:
    """A run that broke a flow: which finding it was (`about`: its subject; of a property, its text), and its acts."""

    fingerprint: str
    code: str
    flow: str
    message: str
    about: str
    run: tuple[Written, ...]


def beside(spec: Path) -> Path:
    """Where the cases of a spec are kept."""
    return spec.with_name(f"{spec.stem}{SUFFIX}")


# ---------------------------------------------------------------- the file


def parse(text: str) -> tuple[Case, ...]:
    """The cases of a file's text. Raises Unreadable."""
    try:
        data = json.loads(text)
        if data["format"] != FORMAT:
            raise Unreadable(f"it has format {data['format']}, and this penstock knows format {FORMAT}")
        return tuple(map(_parsed, data["cases"]))
    except (ValueError, TypeError, KeyError) as error:
        raise Unreadable(f"it is not a file of cases: {type(error).__name__}: {error}") from error


def _parsed(case: Mapping[str, Any]) -> Case:
    fingerprint, code, flow, message, about = (str(case[key]) for key in _KEYS)
    return Case(fingerprint, code, flow, message, about, tuple(dict(step) for step in case["run"]))


_KEYS = ("fingerprint", "code", "flow", "message", "about")


def render(cases: Sequence[Case]) -> str:
    """The text of a file of cases: a line for each act, so that versions can be compared."""
    return f'{{\n  "format": {FORMAT},\n  "cases": [{",".join(map(_case, cases))}\n  ]\n}}\n'


def _case(case: Case) -> str:
    rows = [f'      "{key}": {_json(getattr(case, key))},' for key in _KEYS]
    steps = ",\n".join(f"        {_json(step)}" for step in case.run)
    return "\n    {\n" + "\n".join(rows) + f'\n      "run": [\n{steps}\n      ]\n    }}'


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


def together(old: Sequence[Case], new: Sequence[Case]) -> tuple[Case, ...]:
    """The old cases, and the new ones with a fingerprint that is none of theirs."""
    known = {case.fingerprint for case in old}
    return (*old, *(case for case in new if case.fingerprint not in known))


# ---------------------------------------------------------------- acts as JSON


def written(kernel: Kernel, acts: Sequence[Act]) -> tuple[Written, ...]:
    return tuple(_written(kernel, act) for act in acts)


def _written(kernel: Kernel, act: Act) -> Written:
    values = {name: plain(value, type) for (name, type), value in zip(types(kernel, act), act.values, strict=True)}
    by = {} if act.actor == NOBODY else {"by": {"id": act.actor.id, "roles": sorted(act.actor.roles)}}
    at = {"at": _seconds(act.at)} if act.at else {}
    match act.kind:
        case Kind.START:
            return {"start": values, **by}
        case Kind.ANSWER:
            which = {"which": act.which} if act.which else {}
            value = {"value": next(iter(values.values()))} if values else {}
            return {"answer": act.name, "outcome": act.answer, **which, **value, **at}
        case Kind.EVENT | Kind.TASK:
            return {str(act.kind): act.name, "with": values, **by, **at}
        case _:
            return {str(act.kind): act.name, **at}


def _seconds(time: timedelta) -> int | str:
    return time // _SECOND if not time % _SECOND else str(Decimal(time // _MICROSECOND) / 10**6)


def revived(kernel: Kernel, case: Case) -> Iterator[Act]:
    """The acts of a case, for the flow as it is now; those it has no such thing for are lost."""
    for step in case.run:
        try:
            yield _revived(kernel, step)
        except Inapplicable as why:
            yield Act(Kind.LOST, str(why))
        except (KeyError, TypeError, ValueError, ArithmeticError, StopIteration) as error:
            yield Act(Kind.LOST, f"`{_json(step)}` cannot be read ({type(error).__name__})")


def _revived(kernel: Kernel, step: Written) -> Act:
    by = step.get("by")
    actor = NOBODY if by is None else Actor(by["id"], frozenset(by["roles"]))
    at = timedelta(microseconds=int(Decimal(str(step.get("at", 0))) * 10**6))
    kind = next(kind for kind in Kind if kind in step)
    if kind is Kind.START:
        return Act(kind, values=_fields(kernel, Act(kind), step["start"], "the start"), actor=actor)
    act = Act(kind, str(step[kind]), str(step.get("outcome", "")), (), actor, at, int(step.get("which", 0)))
    given = {act.name: step["value"]} if "value" in step else step.get("with", {})
    return replace(act, values=_fields(kernel, act, given, f"`{act.name}`"))


def _fields(kernel: Kernel, act: Act, given: Mapping[str, object], called: str) -> tuple[Value, ...]:
    """What an act brings, as the flow wants it now. Raises Inapplicable where it wants something else."""
    wanted = dict(types(kernel, act))
    if wanted.keys() != given.keys():
        raise Inapplicable(f"{called} does not bring {', '.join(given) or 'nothing'}")
    try:
        values = tuple(back(given[name], type) for name, type in wanted.items())
    except (ValueError, TypeError, KeyError, AttributeError, ArithmeticError):
        raise Inapplicable(f"{called} does not bring such values") from None
    if not all(admitted(value, type) for value, type in zip(values, wanted.values(), strict=True)):
        raise Inapplicable(f"{called} does not bring such values")
    return values


# ---------------------------------------------------------------- values as JSON


def plain(value: Value, type: Type) -> object:
    """A value as JSON has it."""
    item = type.item if isinstance(type, OptionalType) else type
    if isinstance(item, RecordType) and isinstance(value, tuple):
        return {field.name: plain(part, field.type) for field, part in zip(item.fields, value, strict=True)}
    if isinstance(item, ListType) and isinstance(value, tuple):
        return [plain(part, item.item) for part in value]
    match value:
        case timedelta():
            return value // _MICROSECOND
        case datetime():
            return value.isoformat().replace("+00:00", "Z")
        case Decimal():
            return f"{value:f}"
        case _:
            return value


def back(json: object, type: Type) -> Value:
    """The value again. Raises ValueError, TypeError and their like for what is none."""
    if json is None:
        return None
    whole = cast(Any, json)
    match type:
        case OptionalType():
            return back(whole, type.item)
        case RecordType():
            return tuple(back(whole[field.name], field.type) for field in type.fields)
        case ListType():
            return tuple(back(part, type.item) for part in whole)
        case DurationType():
            return timedelta(microseconds=whole)
        case InstantType():
            return datetime.fromisoformat(whole).astimezone(UTC)
        case DecimalType():
            return kept(Decimal(whole), type)
        case _:
            value: Value = whole
            return value
