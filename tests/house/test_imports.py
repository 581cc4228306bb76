"""Arrows run one way: which wing may import which, no circles, and what stays out of which process."""

from __future__ import annotations

import graphlib
import subprocess
import sys

import pytest

import repository
from repository import Module

PRODUCT = repository.product()
GENERATED = repository.generated()
ALLOWED = {
    "": set[str](),
    "dsl": {"dsl"},
    "compiler": {"dsl", "compiler"},
    "runtime": {"runtime"},
    "generated": {"runtime"},
}
DOORS = {
    "penstock.compiler.cli": {"penstock.runtime.operating", "penstock.runtime.operating.door"},
    "penstock.compiler.commandline": {
        "penstock.runtime.operating",
        "penstock.runtime.operating.streams",
        "penstock.runtime.operating.usage",
    },
    "penstock.compiler.terminal": {"penstock.runtime.operating.streams"},
}
"""The one command has two wings behind it: its door hands the runtime's part over, its help lists it."""
EVERY = [*PRODUCT.values(), *GENERATED.values()]


def own(module: Module) -> list[str]:
    """The penstock modules that a module imports."""
    return sorted(name for name in module.imports if name in PRODUCT and name != module.name)


def top_levels(module: Module) -> set[str]:
    return {name.split(".")[0] for name in module.imports}


@pytest.mark.parametrize("module", EVERY, ids=lambda module: module.name)
def test_a_wing_imports_only_the_wings_it_may(module: Module) -> None:
    wings = {PRODUCT[name].wing for name in own(module) if name not in DOORS.get(module.name, ())} - {""}
    assert wings <= ALLOWED[module.wing]


def test_imports_run_in_no_circle() -> None:
    # A package's own `__init__` is left out: every submodule imports it implicitly.
    order = graphlib.TopologicalSorter({name: own(module) for name, module in PRODUCT.items()})
    assert len(list(order.static_order())) == len(PRODUCT)


@pytest.mark.parametrize("module", EVERY, ids=lambda module: module.name)
def test_no_module_goes_by_a_second_name(module: Module) -> None:
    assert not top_levels(module) & {*repository.WINGS, "generated", "dev"}


@pytest.mark.parametrize("module", PRODUCT.values(), ids=lambda module: module.name)
def test_only_one_module_knows_where_z3_is(module: Module) -> None:
    assert "z3" not in top_levels(module) or module.name == "penstock.compiler.checks.native"


@pytest.mark.parametrize("module", [m for m in EVERY if m.wing in {"runtime", "generated"}], ids=lambda m: m.name)
def test_what_runs_needs_only_the_standard_library(module: Module) -> None:
    extras = {"hypothesis"} if repository.of_testing(module) else set[str]()
    extras |= {"opentelemetry"} if repository.of_telemetry(module) else set[str]()
    assert top_levels(module) <= {"penstock", *sys.stdlib_module_names} | extras


@pytest.mark.parametrize("module", PRODUCT.values(), ids=lambda module: module.name)
def test_nothing_needs_what_only_tests_need(module: Module) -> None:
    """Who runs or builds flows has neither pytest nor Hypothesis."""
    if not repository.of_testing(module):
        assert not {name for name in own(module) if repository.of_testing(PRODUCT[name])}


@pytest.mark.parametrize("module", EVERY, ids=lambda module: module.name)
def test_nothing_needs_telemetry(module: Module) -> None:
    """Who runs flows need not have OpenTelemetry."""
    if not repository.of_telemetry(module):
        assert not {name for name in own(module) if repository.of_telemetry(PRODUCT[name])}


LOADED = """
import sys
before = set(sys.modules)
sys.path.insert(0, "generated")
for name in sys.argv[1:]:
    __import__(name)
print("\\n".join(sorted(set(sys.modules) - before)))
"""


def loaded_by(*names: str) -> set[str]:
    """The modules that a fresh interpreter loads when it imports these."""
    command = [sys.executable, "-P", "-c", LOADED, *names]
    done = subprocess.run(command, cwd=repository.ROOT, capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_the_core_and_the_generated_modules_load_only_the_standard_library() -> None:
    loaded = loaded_by("penstock.runtime.core", *GENERATED)
    assert "penstock.runtime.core" in loaded
    assert {name.split(".")[0] for name in loaded} <= {"penstock", *GENERATED, *sys.stdlib_module_names}
    assert not {name for name in loaded if name.startswith(("penstock.dsl", "penstock.compiler"))}


def test_the_operators_commands_need_the_runtime_alone() -> None:
    loaded = loaded_by(
        "penstock.runtime.operating.door", *(f"penstock.runtime.operating.{n}" for n in ("acts", "running"))
    )
    assert {name.split(".")[0] for name in loaded} <= {"penstock", "__mp_main__", *sys.stdlib_module_names}
    assert not {name for name in loaded if name.startswith(("penstock.dsl", "penstock.compiler"))}


def test_the_command_starts_without_its_heavy_parts() -> None:
    loaded = loaded_by("penstock.compiler.commandline")
    assert not loaded & {"z3", "lark", "jinja2", "wasmtime", "graphviz", "asyncio"}


def test_the_operators_do_not_wait_for_the_compiler() -> None:
    loaded = loaded_by("penstock.compiler.cli", "penstock.runtime.operating.door")
    assert {name for name in loaded if name.startswith(("penstock.dsl.", "penstock.compiler."))} == {
        "penstock.compiler.cli"
    }
