"""Things that validation computes with, where everything is known: as the Python values they stand for."""

from __future__ import annotations

from collections.abc import Sequence

from penstock.compiler.validation.logic import Logic
from penstock.compiler.validation.things import Crash, Either, Event, Fault, Plain, Several, Spread, Thing
from penstock.dsl.model import NoneType, OptionalType, TextType, Value


def worth(logic: Logic, thing: Thing) -> Value:
    """The value of a thing that is no class, function or record of a module."""
    match thing:
        case Either(condition, then, otherwise):
            assert isinstance(condition, bool), "everything is known"
            return worth(logic, then if condition else otherwise)
        case Several(parts=parts):
            return tuple(worth(logic, part) for part in parts if not isinstance(part, Spread))
        case Plain(type=NoneType()):
            return None
        case Plain(type=type, symbol=symbol):
            item = type.item if isinstance(type, OptionalType) else type
            if symbol.some is False:
                return None
            return logic.word(symbol.term) if isinstance(item, TextType) else logic.read(None, symbol, item)
        case _:
            raise AssertionError(f"{thing} is no value")


def ended(logic: Logic, events: Sequence[Event]) -> object:
    """The value that an evaluation ends with, the code of its Fault, or the name of what Python raises."""
    for event in events:
        assert isinstance(event.condition, bool), "everything is known"
        if event.condition:
            match event.end:
                case Fault(code):
                    return code
                case Crash(error):
                    return error
                case thing:
                    return worth(logic, thing)
    raise AssertionError("every evaluation ends")
