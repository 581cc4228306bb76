"""What validation takes the runtime to be is what it is."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from importlib import import_module
from typing import Any

import pytest

from penstock.compiler.codegen import render
from penstock.compiler.validation import reading, vocabulary
from penstock.runtime import core, rules


def found(name: str) -> Any:
    """What a name of the vocabulary is."""
    module, *rest = name.split(".")
    value: Any = import_module(f"penstock.runtime.{module}")
    for part in rest:
        value = getattr(value, part)
    return value


def defaults(value: Any) -> Mapping[str, object]:
    """The default of each parameter that has one."""
    if is_dataclass(value):
        known = {f.name: f.default for f in fields(value) if f.default is not MISSING}
        return known | {f.name: f.default_factory() for f in fields(value) if f.default_factory is not MISSING}
    signature = inspect.signature(value).parameters
    return {name: each.default for name, each in signature.items() if each.default is not each.empty}


def test_the_contract_is_that_of_the_runtime_and_of_the_generator() -> None:
    assert vocabulary.ABI == core.ABI == render.ABI
    assert dict(render.IMPORTS) == {k: v for k, v in reading.IMPORTS.items() if k != "__future__"}


@pytest.mark.parametrize("name", vocabulary.MAKES)
def test_what_is_made_has_these_fields(name: str) -> None:
    value, wanted = found(name), vocabulary.parameters(vocabulary.MAKES[name])
    assert tuple(inspect.signature(value).parameters) == tuple(each for each, _ in wanted)
    given = {each: eval(ast.unparse(expr), {"rules": rules}) for each, expr in wanted if expr is not None}
    assert defaults(value) == given


@pytest.mark.parametrize("name", vocabulary.LISTS)
def test_what_takes_many_takes_them_last(name: str) -> None:
    kinds = [each.kind for each in inspect.signature(found(name)).parameters.values()]
    assert len(kinds) == len(vocabulary.LISTS[name])
    assert kinds[-1] is inspect.Parameter.VAR_POSITIONAL
    assert inspect.Parameter.VAR_POSITIONAL not in kinds[:-1]


@pytest.mark.parametrize("name", vocabulary.FUNCTIONS)
def test_what_computes_takes_these(name: str) -> None:
    params = inspect.signature(found(name)).parameters
    wanted = vocabulary.parameters(vocabulary.FUNCTIONS[name])
    assert len(params) == len(wanted)
    assert all(expr is None for _, expr in wanted)
    if name.startswith("values."):
        assert tuple(params) == tuple(each for each, _ in wanted)


@pytest.mark.parametrize("name", sorted(vocabulary.CONSTANTS | vocabulary.PREFIXES))
def test_what_is_there_is_there(name: str) -> None:
    assert found(name) is not None
