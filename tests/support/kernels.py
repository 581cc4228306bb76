"""The way from a text to its kernel, for tests whose subject is behind it."""

from __future__ import annotations

from pathlib import Path

from penstock.compiler.kernel import Kernel
from penstock.compiler.lower import lower
from penstock.dsl.diagnostics import Severity
from penstock.dsl.model import System
from penstock.dsl.parse import parse
from penstock.dsl.source import Source
from penstock.dsl.typecheck import Analysed, analyse

ORDER = Path(__file__).parents[2] / "specs" / "order.flow"


def kernels(text: str) -> dict[str, Kernel]:
    """The kernels of the flows of a text that has no errors, by name."""
    return {flow.name: lower(flow) for flow in _analysed(text).flows}


def together(text: str) -> tuple[System, dict[str, Kernel]]:
    """The one system of a text that has no errors, and the kernels of its flows by name."""
    analysed = _analysed(text)
    (system,) = analysed.systems
    return system, {flow.name: lower(flow) for flow in analysed.flows}


def _analysed(text: str) -> Analysed:
    source = Source("test.flow", text)
    parsed = parse(source)
    analysed = analyse(parsed.tree, source)
    said = (*parsed.diagnostics, *analysed.diagnostics)
    errors = [f"{each.rule.code} {each.message}" for each in said if each.severity is Severity.ERROR]
    assert not errors, "\n".join(errors)
    return analysed


def kernel(text: str) -> Kernel:
    """The kernel of the one flow of a text that has no errors."""
    (only,) = kernels(text).values()
    return only


def flow(body: str, name: str = "Test") -> Kernel:
    """The kernel of a flow of which only the inside is given."""
    return kernel(f"flow {name} version 1 {{\n{body}\n}}\n")


def order() -> Kernel:
    return kernel(ORDER.read_text(encoding="utf-8"))
