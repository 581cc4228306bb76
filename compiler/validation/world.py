"""What a module's code may refer to beside its own locals."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ...dsl.model import RecordType
from .identity import Identity
from .things import Plain, Thing

Fields = tuple[tuple[str, Thing | None], ...]
"""The fields of a class, by their names in Python, each with its default if it has one."""


@dataclass
class World:
    """names: of the module. classes: what can be called for a record or an event. enums: the members of each
    enumeration, by their names in Python. records: the classes that are records of the flow."""

    logic: Identity
    names: dict[str, Thing] = field(default_factory=dict[str, Thing])
    classes: dict[str, Fields] = field(default_factory=dict[str, Fields])
    enums: dict[str, Mapping[str, Plain]] = field(default_factory=dict[str, "Mapping[str, Plain]"])
    records: dict[str, RecordType] = field(default_factory=dict[str, RecordType])
