"""Things for people: a thing in, how it would be written out."""

from __future__ import annotations

from ...dsl.model import EnumType, NoneType, OptionalType, TextType
from ..evaluate import shown as shown_value
from .logic import Logic
from .things import (
    Active,
    Crash,
    Either,
    End,
    Fault,
    Group,
    Known,
    Made,
    Mapped,
    Plain,
    Several,
    Spread,
    Table,
    Thing,
    Void,
    Written,
)


def ended(logic: Logic, end: End) -> str:
    """How an evaluation ended."""
    match end:
        case Fault(code, place):
            return f"Fault {code}" + (f" at {place}" if place else "")
        case Crash(error, why):
            return f"{error}: {why}"
        case _:
            return shown(logic, end)


def shown(logic: Logic, thing: Thing) -> str:
    match thing:
        case Plain():
            return _plain(logic, thing)
        case Several(parts=parts):
            return f"({', '.join(_part(logic, part) for part in parts)})"
        case Made():
            return _made(logic, thing)
        case Known(name=name):
            return name
        case Written(parts=parts):
            return "".join(part if isinstance(part, str) else f"{{{shown(logic, part.of)}}}" for part in parts)
        case Group(members=members):
            return f"{{{', '.join(shown(logic, each) for each in members)}}}"
        case Mapped():
            return f"something for each of {shown(logic, thing.items)}"
        case Either():
            return f"{shown(logic, thing.then)} or {shown(logic, thing.otherwise)}"
        case Table():
            return f"a table of {len(thing.rows)} rows"
        case Active():
            return "the active places"
        case Void():
            return "nothing"


def _made(logic: Logic, made: Made) -> str:
    """With the names of its fields; of what is the runtime's, without those that say nothing."""
    labels = made.names if len(made.names) == len(made.fields) else ("",) * len(made.fields)
    told = [(label, shown(logic, field)) for label, field in zip(labels, made.fields, strict=True)]
    if "." in made.of:
        told = [(label, text) for label, text in told if text not in {"none", "false", "()", '""'}]
    return f"{made.of}({', '.join(f'{label}={text}' if label else text for label, text in told)})"


def _part(logic: Logic, part: Thing | Spread) -> str:
    return f"*{shown(logic, part.of)}" if isinstance(part, Spread) else shown(logic, part)


def _plain(logic: Logic, plain: Plain) -> str:
    symbol, type = plain.symbol, plain.type
    if isinstance(type, NoneType) or symbol.some is False:
        return "none"
    if symbol.some is not True or not isinstance(symbol.term, (bool, int)):
        return f"some {type}"
    item = type.item if isinstance(type, OptionalType) else type
    if isinstance(item, TextType):
        return f'"{logic.word(symbol.term)}"'
    if isinstance(item, EnumType):
        return item.members[symbol.term]
    if symbol.items is not None:
        items = logic.expanded((Spread(Plain(item, symbol)),)) or []
        return f"[{', '.join(shown(logic, each) for each in items)}]"
    if symbol.fields:
        return f"some {type}"
    return shown_value(logic.read(None, symbol, item), item)
