"""Python names for everything a flow names: a Kernel in, names that never clash out.

The rule: classes are `PascalCase`, enum members `UPPER_CASE`, functions `snake_case`; everything else keeps its name.
Leading underscores are dropped (`N` or `n` goes before a digit then). A name that Python or the generated module needs
for itself, or that is already taken in its scope, gets an underscore at its end: `class_`, `step_`, `now_`.
"""

from __future__ import annotations

import builtins
import keyword
import re
from collections.abc import Iterable, Mapping

from ...dsl.model import Activity, Compensation
from ..kernel import Command, Kernel, TriggerKind

IMPORTED = (
    "annotations", "codec", "core", "flow", "gates", "inplace", "records", "rules", "schedules", "spec", "values",
    "dataclass", "UTC", "datetime", "timedelta", "Decimal", "StrEnum",
    "NamedTuple", "Never", "Protocol", "Self", "TypeAlias", "final",
)  # fmt: skip
"""What a generated module may import."""

TYPES = ("bool", "int", "str", "object", "tuple", "None")
CALLED = ("abs", "frozenset", "len", "max", "min")
RECORD = (
    "accepted", "accepts", "at", "begin", "compensating", "data", "delegate", "event", "finished", "from_json",
    "inputs", "is_in", "ledger", "spec", "start", "state", "step", "to_json", "to_text", "trigger_from_json",
)  # fmt: skip
"""The public attributes of every generated record; a test holds them to `runtime.flow.Flow`."""

_WORD = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")


def snake(name: str) -> str:
    """`NeedsApproval` -> `needs_approval`, `HTTPCall` -> `http_call`, `Review.Legal` -> `review_legal`."""
    return plain("_".join(part for part in _WORD.split(name.replace(".", "_"))).lower())


def pascal(name: str) -> str:
    """`reserve_stock` -> `ReserveStock`; capitals that are there stay."""
    return plain("".join(part[:1].upper() + part[1:] for part in name.split("_")))


def upper(name: str) -> str:
    """`NeedsApproval` -> `NEEDS_APPROVAL`."""
    return snake(name).upper()


def plain(name: str) -> str:
    """Without leading underscores, which Python gives a meaning."""
    stripped = name.lstrip("_")
    return stripped if stripped[:1].isalpha() else f"n{stripped}" if name.islower() else f"N{stripped}"


def module(kernel: Kernel) -> str:
    """The name of the module of a flow: `order_flow` for `Order`."""
    return f"{snake(kernel.name)}_flow"


class Scope:
    """The names of one namespace."""

    def __init__(self, *reserved: Iterable[str]) -> None:
        self.taken = {*keyword.kwlist, *(name for names in reserved for name in names)}

    def name(self, wish: str) -> str:
        """The wish, or with underscores behind it if it is taken."""
        if not wish.isidentifier() or not wish.isascii():
            raise ValueError(f"{wish!r} is no name of a flow")
        while wish in self.taken:
            wish += "_"
        self.taken.add(wish)
        return wish

    def table(self, wishes: Iterable[tuple[str, str]]) -> Mapping[str, str]:
        """A name for each (name in the flow, wish)."""
        return {name: self.name(wish) for name, wish in wishes}


class Names:
    """Every name of a generated module, by its name in the flow."""

    def __init__(self, kernel: Kernel) -> None:
        self.module = module(kernel)
        outer = Scope(dir(builtins), IMPORTED)
        self.flow = outer.name(pascal(kernel.name))
        self.states, self.inputs, self.data, self.event_type, self.activities, self.async_activities = (
            outer.name(wish)
            for wish in (
                f"{self.flow}State",
                f"{self.flow}Inputs",
                f"{self.flow}Data",
                f"{self.flow}Event",
                f"{self.flow}Activities",
                f"Async{self.flow}Activities",
            )
        )
        tasks = [task for place in kernel.place.values() for task in place.tasks]
        triggers = [event.name for event in kernel.events] + [task.name for task in tasks]
        failures = dict.fromkeys(
            failure.name for activity in kernel.activities if not activity.flow for failure in activity.fails
        )
        self.enum = outer.table((enum.name, pascal(enum.name)) for enum in kernel.enums)
        self.record = outer.table((record.name, pascal(record.name)) for record in kernel.records)
        self.event = outer.table((name, pascal(name)) for name in triggers)
        self.error = outer.table((name, pascal(name)) for name in failures)
        self.mutable = outer.name(f"Mutable{self.flow}")
        self.member = {
            enum.name: Scope().table((member, upper(member)) for member in enum.members) for enum in kernel.enums
        }
        places = [name for name in kernel.place if name]
        self.state = Scope().table((name, upper(name)) for name in places)
        self.choice = Scope().table((choice.name, upper(choice.name)) for choice in kernel.choices)

        self.known = frozenset((*outer.taken, *IMPORTED)) - frozenset(dir(builtins)) | {*TYPES, *CALLED}
        """What generated functions refer to, and no local name may hide."""
        self.variable = {
            **Scope(self.known, ("count", "index")).table((v.name, plain(v.name)) for v in kernel.inputs),
            **Scope(self.known, ("count", "index")).table((v.name, plain(v.name)) for v in kernel.data),
        }
        self.part = {
            record.name: Scope(self.known, ("count", "index")).table((f.name, plain(f.name)) for f in record.fields)
            for record in kernel.records
        }
        self.argument = Scope(self.known, ("cls", "by", "now")).table((v.name, plain(v.name)) for v in kernel.inputs)
        methods = Scope(self.known, RECORD)
        self.method = methods.table((name, plain(name)) for name in triggers)
        self.may = methods.table((name, f"may_{plain(name)}") for name in triggers)
        forms = [(event.name, event.params) for event in kernel.events] + [(task.name, task.form) for task in tasks]
        self.field = {
            name: Scope(self.known, ("self", "by", "now")).table((p.name, plain(p.name)) for p in params)
            for name, params in forms
        }
        flows = {activity.name for activity in kernel.activities if activity.flow}  # undone under their own names
        undos = [undo for undo in kernel.compensations if undo.name not in flows]
        calls: list[Activity | Compensation] = [*kernel.activities, *undos]
        self.call = Scope(self.known).table((call.name, plain(call.name)) for call in calls)
        self.parameter = {
            call.name: Scope(
                self.known, ("self", "key"), ("inputs", "result") if isinstance(call, Activity) else ()
            ).table((p.name, plain(p.name)) for p in (call.params if isinstance(call, Activity) else call.args))
            for call in calls
        }
        self.functions = functions = Scope(("_RULES", "_Answer", "_Moved", "_Choice", "_blank", "_new"))
        self.codec = functions.table((record.name, f"_{upper(record.name)}") for record in kernel.records)
        self.answer = {
            (c.scope, c.on): functions.name(f"_{snake(c.scope)}_{snake(c.on.name)}")
            for c in _first(kernel)
            if c.on is not None and c.on.kind is not TriggerKind.JOIN
        }
        self.enter = functions.table((name, f"_enter_{snake(name)}") for name in places)
        self.start = functions.table((name, f"_start_{snake(name)}") for name in places)
        self.join = {
            (c.scope, c.on.name): functions.name(f"_join_{snake(f'{c.scope}.{c.on.name}'.replace(' ', '_'))}")
            for c in _first(kernel)
            if c.on is not None and c.on.kind is TriggerKind.JOIN
        }
        self.choose = functions.table((choice.name, f"_choose_{snake(choice.name)}") for choice in kernel.choices)
        self.ensures = functions.table((call.name, f"_ensures_{snake(call.name)}") for call in kernel.activities)
        self.undo = functions.table((call.name, f"_undo_{snake(call.name)}") for call in kernel.activities)
        self.quick = functions.table((name, f"_quick_{snake(name)}") for name in triggers)

    def locals(self) -> Scope:
        """A scope for what a function about a trigger binds."""
        return Scope(self.known, ("inputs", "data", "now", "at"))


def _first(kernel: Kernel) -> Iterable[Command]:
    """Of the commands of a place for a trigger the first."""
    return {(command.scope, command.on): command for command in reversed(kernel.commands)}.values()
