"""A compiled module is the interpreted one, only faster: the same steps, refusals, values, names and tracebacks."""

from __future__ import annotations

import dataclasses
import inspect
import pickle
import sys
import traceback
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from types import ModuleType
from typing import Any, get_type_hints

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import order_flow
from compiled import compiled
from kernels import kernel, order
from odd_flows import TYPES
from penstock.compiler.codegen import render
from penstock.compiler.kernel import Kernel
from penstock.runtime import core
from twins import PATH, Twins, drive, module

NOW = datetime(2026, 1, 1, tzinfo=UTC)
CUSTOMER = core.Actor("c", frozenset({"customer"}))
RUN = st.lists(st.tuples(st.integers(0, 10**6), st.sampled_from((0, 0, 1, 2, 3, 3600, 86400))), min_size=2, max_size=40)


@pytest.fixture(scope="session")
def shop(tmp_path_factory: pytest.TempPathFactory) -> ModuleType:
    """The order flow, compiled."""
    return compiled(order(), tmp_path_factory.mktemp("order"))


@pytest.fixture(scope="session")
def odd(tmp_path_factory: pytest.TempPathFactory) -> tuple[Kernel, ModuleType]:
    """A flow with values of every type, compiled."""
    made = kernel(TYPES)
    return made, compiled(made, tmp_path_factory.mktemp("types"))


@pytest.fixture(scope="session")
def plain() -> ModuleType:
    """The order flow, interpreted."""
    return module(render.module(order(), "0" * 64, PATH))


def begun(made: ModuleType) -> Any:
    return made.Order.start(sku="a", qty=1, total=Decimal("5.00"), by=CUSTOMER, now=NOW)[0]


@settings(max_examples=100)
@given(run=RUN)
def test_a_compiled_flow_runs_as_the_interpreter_says(shop: ModuleType, run: list[tuple[int, int]]) -> None:
    drive(Twins(order(), shop.Order), run)


@settings(max_examples=100)
@given(run=RUN)
def test_compiled_values_of_every_type_are_as_the_interpreter_says(
    odd: tuple[Kernel, ModuleType], run: list[tuple[int, int]]
) -> None:
    made, extension = odd
    drive(Twins(made, getattr(extension, made.name)), run)


def test_the_code_of_a_compiled_flow_is_compiled(shop: ModuleType, plain: ModuleType) -> None:
    functions = {name for name, value in vars(plain).items() if inspect.isfunction(value)}
    ours = {name for name in functions if vars(plain)[name].__module__ == plain.__name__}
    assert len(ours) > 5
    assert not any(inspect.isfunction(getattr(shop, name)) for name in ours)
    assert not inspect.isfunction(shop.Order.cancel)
    assert not inspect.isfunction(inspect.unwrap(shop.Order.start.__func__))


@pytest.mark.parametrize(
    "wrong", [("accept", 3), (None, None), ("maybe", "x"), (1.5, object())], ids=["text", "none", "enum", "object"]
)
def test_what_does_not_fit_is_rejected_in_the_same_words(
    shop: ModuleType, plain: ModuleType, wrong: tuple[Any, Any]
) -> None:
    said: list[str] = []
    for made in (shop, plain):
        with pytest.raises(core.Rejected) as refused:
            begun(made).review(*wrong, now=NOW)
        said.append(str(refused.value).partition(" is rejected")[2])
    assert said[0] == said[1]


def test_inputs_that_do_not_fit_are_rejected_too(shop: ModuleType) -> None:
    for wrong in ({"sku": 3}, {"qty": "x"}, {"total": 1.5}, {"qty": 0}):
        with pytest.raises(core.Rejected, match=next(iter(wrong))):
            shop.Order.start(**({"sku": "a", "qty": 1, "total": Decimal(1)} | wrong), now=NOW)


def test_records_and_events_can_be_pickled_and_are_read_back_from_snapshots(
    shop: ModuleType, plain: ModuleType
) -> None:
    record = begun(shop)
    assert pickle.loads(pickle.dumps(record)) == record
    assert pickle.loads(pickle.dumps(shop.Cancel())) == shop.Cancel()
    assert shop.Order.from_json(begun(plain).to_json()) == record
    assert plain.Order.from_json(record.to_json()) == begun(plain)


def test_signatures_and_docstrings_and_annotations_are_those_of_the_text(shop: ModuleType, plain: ModuleType) -> None:
    assert inspect.signature(shop.Order.review) == inspect.signature(plain.Order.review)
    assert inspect.signature(shop.Order.start) == inspect.signature(plain.Order.start)
    assert inspect.signature(begun(shop).cancel) == inspect.signature(begun(plain).cancel)
    assert shop.Order.cancel.__doc__ == plain.Order.cancel.__doc__
    assert [field.type for field in dataclasses.fields(shop.Review)] == ["ReviewVerdict", "str | None"]
    assert get_type_hints(shop.OrderData)["carrier"] is shop.Carrier
    assert get_type_hints(shop.OrderInputs)["total"] is Decimal


def test_activities_can_be_written_as_a_class_derived_from_the_protocol(shop: ModuleType) -> None:
    def quote(self: object, sku: str, *, key: str) -> object:
        return shop.Carrier.DHL

    work = type("Work", (shop.OrderActivities,), {"quote": quote})
    assert work().quote("a", key="k") is shop.Carrier.DHL


def test_a_traceback_has_the_line_of_the_text(shop: ModuleType) -> None:
    text = Path(shop.__file__ or "").with_name("order_flow.py").read_text(encoding="utf-8").splitlines()
    with pytest.raises(core.Rejected) as refused:
        begun(shop).cancel(now=NOW)
    frame = next(each for each in traceback.extract_tb(refused.tb) if each.filename.endswith("order_flow.py"))
    assert frame.name == "cancel"
    assert "Cancel()" in text[(frame.lineno or 0) - 1]


def test_an_extension_in_a_package_leaves_a_module_of_its_name_where_it_was(shop: ModuleType) -> None:
    assert shop.__name__ != "order_flow"
    assert sys.modules["order_flow"] is order_flow
    assert not [name for name in sys.modules if name.startswith("_penstock_text_")]


def test_an_extension_without_its_text_or_with_another_is_not_imported(shop: ModuleType, tmp_path: Path) -> None:
    import importlib

    source = Path(shop.__file__ or "")
    package = tmp_path / "moved"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / source.name).write_bytes(source.read_bytes())
    path = [str(tmp_path)]
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("sys.path", path)
        patched.setitem(sys.modules, "order_flow", order_flow)  # what fails takes one of its name away with it
        with pytest.raises(ImportError, match="is needed as well"):
            importlib.import_module("moved.order_flow")
        (package / "order_flow.py").write_text("x = 1\n", encoding="utf-8")
        with pytest.raises(ImportError, match="was compiled from another text"):
            importlib.import_module("moved.order_flow")
