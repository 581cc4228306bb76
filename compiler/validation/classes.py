"""What a kernel demands of the classes of its module; a class definition in, what is wrong with it out.

How things are called is the rule of `codegen.names`, the interface of a module; what they hold is derived here.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial

from ...dsl.model import (
    BoolType,
    DecimalType,
    DurationType,
    EnumType,
    InstantType,
    IntType,
    ListType,
    NoneType,
    OptionalType,
    Parameter,
    RecordType,
    TextType,
    Type,
    Variable,
)
from ...dsl.source import Span
from ..codegen.names import Names
from .demands import Demands
from .errors import Refused
from .findings import DECLARES, FOREIGN, Finding
from .meaning import Meaning, Seen
from .python import Python
from .things import NONE, Thing
from .trail import Trail
from .world import World

PLAIN: Mapping[type, str] = {
    BoolType: "bool",
    IntType: "int",
    DecimalType: "Decimal",
    TextType: "str",
    DurationType: "timedelta",
    InstantType: "datetime",
    NoneType: "None",
}

Check = Callable[[ast.ClassDef], Iterator[Finding]]
Fields = Sequence[tuple[str, Type, Span]]


def annotation(type: Type, names: Names) -> str:
    """How a type is called in Python."""
    match type:
        case EnumType(name):
            return names.enum[name]
        case RecordType(name):
            return names.record[name]
        case ListType(item):
            return f"tuple[{annotation(item, names)}, ...]"
        case OptionalType(item):
            return f"{annotation(item, names)} | None"
        case _:
            return PLAIN[type.__class__]


def said(node: ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) -> list[ast.stmt]:
    """The statements of a definition but for its docstring."""
    return node.body[1:] if ast.get_docstring(node, clean=False) is not None else node.body


def differs(node: ast.AST, line: int, wanted: str, span: Span | None = None) -> Iterator[Finding]:
    """A finding, unless something is written as wanted, whatever its layout."""
    found = ast.unparse(node)
    if found != ast.unparse(ast.parse(wanted)):
        yield Finding(DECLARES, line, f"`{found}` should be `{wanted}`", span)


class Classes:
    """Checks them; `wanted` has a check for each, by its name."""

    def __init__(self, demands: Demands, world: World) -> None:
        self.demands = demands
        self.kernel = demands.kernel
        self.names = demands.names
        self.world = world
        self.wanted: dict[str, Check] = {}
        self._enums()
        self._records()
        for failure, cls in self.names.error.items():
            self.wanted[cls] = partial(self._error, failure)

    # ------------------------------------------------------------ enumerations

    def _enums(self) -> None:
        names, demands = self.names, self.demands
        self._enum(names.states, "rules.State", demands.states, names.state)
        for enum in self.kernel.enums:
            self._enum(names.enum[enum.name], "StrEnum", enum, names.member[enum.name])
        if self.kernel.choices:
            self._enum("_Choice", "rules.Choice", demands.choices, names.choice)

    def _enum(self, cls: str, base: str, enum: EnumType, members: Mapping[str, str]) -> None:
        plain = [self.world.logic.plain(member, enum) for member in enum.members]
        self.world.enums[cls] = {members[m]: p for m, p in zip(enum.members, plain, strict=True)}

        def check(node: ast.ClassDef) -> Iterator[Finding]:
            yield from self._head(node, [base], [])
            wanted = [f"{members[member]} = {member!r}" for member in enum.members]
            yield from self._lines(node, wanted)

        self.wanted[cls] = check

    # ------------------------------------------------------------ records and events

    def _records(self) -> None:
        names, kernel = self.names, self.kernel
        for record in kernel.records:
            self.world.records[names.record[record.name]] = record
            self._record(names.record[record.name], _of(record.fields), names.part[record.name])
        self._record(names.inputs, _of(kernel.inputs), names.variable)
        self._record(names.data, _of(kernel.data), names.variable, kernel.data)
        for event in kernel.events:
            self._event(event.name, event.params)
        for task in kernel.task.values():
            self._event(task.name, task.form)

    def _record(self, cls: str, fields: Fields, names: Mapping[str, str], initial: Sequence[Variable] = ()) -> None:
        defaults = {each.name: self.initial(each) for each in initial}
        self.world.classes[cls] = tuple((names[name], defaults.get(name)) for name, _, _ in fields)

        def check(node: ast.ClassDef) -> Iterator[Finding]:
            yield from self._head(node, ["NamedTuple"], [])
            yield from self._fields(node, fields, names, defaults)

        self.wanted[cls] = check

    def _event(self, name: str, params: Sequence[Parameter]) -> None:
        cls, names, fields = self.names.event[name], self.names.field[name], _of(params)
        self.world.classes[cls] = tuple((names[each], None) for each, _, _ in fields)

        def check(node: ast.ClassDef) -> Iterator[Finding]:
            yield from self._head(node, [], ["final", "dataclass(frozen=True, slots=True)"])
            yield from self._fields(node, fields, names, {})

        self.wanted[cls] = check

    def initial(self, variable: Variable) -> Thing:
        """What data begin with."""
        assert variable.initial is not None, "data begin with something"
        meaning = Meaning(Trail(self.world.logic), self.demands.place)
        nothing = Seen({}, {}, NONE)
        return meaning.stored(variable.initial, variable.type, variable.span, nothing)

    def _fields(
        self, node: ast.ClassDef, fields: Fields, names: Mapping[str, str], defaults: Mapping[str, Thing]
    ) -> Iterator[Finding]:
        body = said(node)
        if len(body) != len(fields):
            yield Finding(DECLARES, node.lineno, f"`{node.name}` should have {len(fields)} fields")
            return
        before: set[str] = set()
        for line, (name, type, span) in zip(body, fields, strict=True):
            match line:
                case ast.AnnAssign(target=ast.Name(id=found), annotation=note, value=value, simple=1):
                    if found != names[name]:
                        yield Finding(DECLARES, line.lineno, f"the field `{found}` should be `{names[name]}`", span)
                    yield from differs(note, line.lineno, annotation(type, self.names), span)
                    yield from self._default(value, defaults.get(name), line.lineno, before, span)
                    before.add(found)
                case _:
                    yield Finding(FOREIGN, line.lineno, "this is no field as penstock writes it")

    def _default(
        self, value: ast.expr | None, wanted: Thing | None, line: int, before: set[str], span: Span
    ) -> Iterator[Finding]:
        if value is None or wanted is None:
            if value is not None or wanted is not None:
                yield Finding(DECLARES, line, "only data begin with something", span)
            return
        if any(isinstance(each, ast.Name) and each.id in before for each in ast.walk(value)):
            yield Finding(FOREIGN, line, "it begins with what another field is called", span)
            return
        python = Python(self.world, Trail(self.world.logic))
        try:
            found = python.value(value)
        except Refused as refused:
            yield Finding(FOREIGN, refused.line, refused.why, span)
            return
        if python.trail.events or self.world.logic.identical(found, wanted) is not True:
            yield Finding(DECLARES, line, f"`{ast.unparse(value)}` is not what it begins with", span)

    # ------------------------------------------------------------ the rest

    def _error(self, failure: str, node: ast.ClassDef) -> Iterator[Finding]:
        yield from self._head(node, ["core.ActivityError"], [])
        yield from self._lines(node, [f"name = {failure!r}"])

    def _head(self, node: ast.ClassDef, bases: Sequence[str], decorators: Sequence[str]) -> Iterator[Finding]:
        found = [ast.unparse(each) for each in node.bases], [ast.unparse(each) for each in node.decorator_list]
        if found != ([*bases], [*decorators]) or node.keywords:
            yield Finding(DECLARES, node.lineno, f"`{node.name}` is not the kind of class it should be")

    def _lines(self, node: ast.ClassDef, wanted: Sequence[str]) -> Iterator[Finding]:
        body = said(node)
        if len(body) != len(wanted):
            yield Finding(DECLARES, node.lineno, f"`{node.name}` should have {len(wanted)} members")
            return
        for line, each in zip(body, wanted, strict=True):
            yield from differs(line, line.lineno, each)


def _of(fields: Sequence[Parameter | Variable]) -> Fields:
    return [(each.name, each.type, each.span) for each in fields]
