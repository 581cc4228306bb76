"""Generated modules and what becomes of them when they are changed: what validation says, and what Python does.

A change is caught if validation finds something; what it then names as a witness is tried on the functions themselves.
A change that is called the same is held against runs of the reference interpreter, and the specs that hosts see are
compared.
"""

from __future__ import annotations

import ast
import random
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, is_dataclass, replace
from enum import Enum
from functools import cached_property
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any, cast

import repository
from penstock.compiler import pipeline, verifying
from penstock.compiler.codegen import names
from penstock.compiler.kernel import Kernel
from penstock.compiler.validation import reading
from penstock.compiler.validation.classes import annotation
from penstock.compiler.validation.findings import Finding, Witness
from penstock.compiler.validation.validate import Validated, validate
from penstock.dsl.model import EnumType, ListType, OptionalType, RecordType, Type, Value
from slips import Slip, bare
from twins import AnyFlow, Twins, drive, module

RUNS, STEPS = 12, 25


@dataclass(frozen=True)
class Translated:
    """A generated module, the kernel that it is made from, and the hash of its spec."""

    text: str
    kernel: Kernel
    digest: str

    @classmethod
    def load(cls, path: Path) -> Translated:
        text = path.read_text(encoding="utf-8")
        head = reading.header(text)
        file = pipeline.read(repository.ROOT / head.path)
        kernel = next(each for each in file.kernels if names.module(each) == path.stem)
        called = replace(kernel, source=file.source.called(head.path))
        return cls(text, called, verifying.digest(file))

    def validate(self, text: str) -> Validated:
        return validate(text, self.kernel, self.digest)

    @cached_property
    def names(self) -> names.Names:
        return names.Names(self.kernel)

    @cached_property
    def module(self) -> ModuleType:
        return module(self.text)

    @cached_property
    def bare(self) -> tuple[str, str]:
        return bare(self.text), unannotated(self.text)

    # ------------------------------------------------------------ what validation calls the same

    def sort(self, slip: Slip) -> str:
        """What kind of change one is that makes no difference: `text` (nothing but layout and documentation),
        `annotations`, `order` or `code`."""
        if bare(slip.text) == self.bare[0]:
            return "text"
        if unannotated(slip.text) == self.bare[1]:
            return "annotations"
        return "order" if "exchanged" in slip.kind else "code"

    def runs_alike(self, text: str, seed: int = 0) -> None:
        """That a changed module runs as the interpreter says, and tells its hosts what the module told them."""
        changed = module(text)
        flow = self.flow(changed)
        assert picture(flow.spec, changed) == picture(self.flow(self.module).spec, self.module)
        chance = random.Random(seed)
        for _ in range(RUNS):
            run = [(chance.randrange(10**6), chance.choice((0, 0, 1, 3600, 86400))) for _ in range(STEPS)]
            drive(Twins(self.kernel, flow), run)

    def flow(self, of: ModuleType) -> type[AnyFlow]:
        return cast("type[AnyFlow]", getattr(of, self.names.flow))

    # ------------------------------------------------------------ what it refutes

    def tried(self, text: str, finding: Finding) -> bool:
        """Whether a witness could be tried: its function is there before and after, and is what has been changed. That
        it does two things then is asserted."""
        witness = finding.witness
        before, after = (functions(each).get(finding.function) for each in (self.text, text))
        if witness is None or before is None or after is None or ast.dump(before) == ast.dump(after):
            return False
        changed = module(text)
        one, other = (self.called(each, finding.function, before, witness) for each in (self.module, changed))
        assert one != other, (finding, one)
        return True

    def called(self, of: ModuleType, name: str, node: ast.FunctionDef, witness: Witness) -> object:
        """What a function gives with the values of a witness, or what it raises."""
        given = witness.given
        inputs = self.record(of, self.names.inputs, "inputs", given)
        rest = [self.value(of, name, given[name], type) for name, type in self.payload(of, node, given)]
        notes = [ast.unparse(arg.annotation) for arg in node.args.args if arg.annotation is not None]
        args: list[object] = []
        if notes[:2] == [self.names.inputs, self.names.data]:
            args = [inputs, self.record(of, self.names.data, "data", given), given["now"]]
            states: Callable[[str], object] = getattr(of, self.names.states)
            args += [frozenset(map(states, witness.active))] if any("frozenset" in note for note in notes) else []
        elif notes[:1] == [self.names.inputs]:
            args = [inputs]
        try:
            return picture(getattr(of, name)(*args, *rest), of)
        except Exception as error:  # noqa: BLE001 -- any is an answer here
            return type(error).__name__, str(error)

    def payload(self, of: ModuleType, node: ast.FunctionDef, given: Mapping[str, Value]) -> list[tuple[str, Type]]:
        """What the witness names beside inputs, data and the moment, `result` first."""
        rest = [name for name in given if not name.startswith(("inputs.", "data.")) and name != "now"]
        ordered = sorted(rest, key=lambda name: name != "result")
        notes = [ast.unparse(arg.annotation) for arg in node.args.args if arg.annotation is not None]
        return [
            (name, self.types[note]) for name, note in zip(ordered, notes[len(notes) - len(ordered) :], strict=True)
        ]

    @cached_property
    def types(self) -> dict[str, Type]:
        """The types of the flow, by what they are called in annotations."""
        kernel = self.kernel
        declared: list[Type] = [each.type for each in (*kernel.inputs, *kernel.data)]
        declared += [p.type for command in kernel.commands for p in command.params]
        for activity in kernel.activities:
            declared += [param.type for param in activity.params]
            if activity.result is not None:
                result = activity.result
                declared += [result, result if isinstance(result, OptionalType) else OptionalType(cast("Any", result))]
        return {annotation(type, self.names): type for type in declared}

    def record(self, of: ModuleType, cls: str, group: str, given: Mapping[str, Value]) -> object:
        variables = self.kernel.inputs if group == "inputs" else self.kernel.data
        values = [self.value(of, each.name, given[f"{group}.{each.name}"], each.type) for each in variables]
        return getattr(of, cls)(*values)

    def value(self, of: ModuleType, name: str, value: Value, type: Type) -> object:
        """A value of the interpreter as generated code has it."""
        match type:
            case OptionalType(item):
                return None if value is None else self.value(of, name, value, item)
            case EnumType():
                return getattr(of, self.names.enum[type.name])(value)
            case RecordType():
                pairs = zip(cast("tuple[Value, ...]", value), type.fields, strict=True)
                return getattr(of, self.names.record[type.name])(*(self.value(of, name, v, f.type) for v, f in pairs))
            case ListType(item):
                return tuple(self.value(of, name, part, item) for part in cast("tuple[Value, ...]", value))
            case _:
                return value


def functions(text: str) -> dict[str, ast.FunctionDef]:
    return {node.name: node for node in ast.parse(text).body if isinstance(node, ast.FunctionDef)}


def unannotated(text: str) -> str:
    """The tree without docstrings and annotations."""
    tree = ast.parse(text)
    for node in ast.walk(tree):
        if isinstance(node, ast.arg):
            node.annotation = None
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            node.returns = None
        elif isinstance(node, ast.AnnAssign):
            node.annotation = ast.Constant(None)
    return bare(ast.unparse(tree))


def picture(value: object, of: ModuleType) -> object:
    """A value such that those of two modules can be compared: classes and functions by their names."""
    match value:
        case type():
            return value.__qualname__
        case Enum():
            return type(value).__qualname__, value.name
        case dict():
            rows = cast("dict[object, object]", value)
            return sorted(((picture(k, of), picture(v, of)) for k, v in rows.items()), key=repr)
        case frozenset():
            return sorted((picture(each, of) for each in cast("frozenset[object]", value)), key=repr)
        case tuple():
            items = [picture(each, of) for each in cast("tuple[object, ...]", value)]
            return type(cast("object", value)).__qualname__, items
        case _ if is_dataclass(value):
            return type(value).__qualname__, [(f.name, picture(getattr(value, f.name), of)) for f in fields(value)]
        case FunctionType():
            return value.__qualname__
        case _:
            return type(value).__qualname__, re.sub(r" at 0x[0-9a-f]+", "", repr(value))
