"""The tests that are written for the order can fail: they notice every seeded change of the generated module."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from random import Random

import pytest

import kernels
from penstock.compiler import pipeline
from penstock.compiler.codegen.render import module
from penstock.runtime.testing import machine
from repository import ROOT
from written_tests import explored, running, texts

BEHAVIOUR = re.compile(r"^_Answer: TypeAlias.*", re.MULTILINE)
SPEC = re.compile(r"^Order\.spec = ", re.MULTILINE)
CHANGES = (
    (re.compile(r"OrderState\.(\w+)\)"), r"OrderState.DELIVERED)", r"OrderState.EXPIRED)"),
    (re.compile(r"(?<=[ =])_(?:UNDO_)?TO_\w+(?=,|  #)"), "rules.Stay()"),
    (re.compile(r"days=(\d)"), "days=9"),
    (re.compile(r" > Decimal"), " >= Decimal", " < Decimal"),
    (re.compile(r"inputs\.sku"), '"other"'),
    (re.compile(r"inputs\.qty"), "1"),
    (re.compile(r"data\.carrier"), "Carrier.POST"),
    (re.compile(r"ReviewVerdict\.ACCEPT"), "ReviewVerdict.REFUSE"),
    (re.compile(r"\(result,\)"), '("x",)'),
    (re.compile(r'"director"'), '"manager"', '"customer"'),
    (re.compile(r'roles=\("manager",\)'), 'roles=("director",)', "roles=()"),
    (re.compile(r"reservation=id"), "reservation=None", 'reservation="x"'),
    (re.compile(r"payment=id"), "payment=None", 'payment="x"'),
)


@cache
def written() -> str:
    file, found = explored(pipeline.read(ROOT / "specs" / "order.flow"))
    return texts(file, found)["Order"]


def mutants(text: str) -> Iterator[tuple[str, str]]:
    """Changed modules, each with what was changed: one token of what the flow decides."""
    begin, end = BEHAVIOUR.search(text), SPEC.search(text)
    assert begin is not None and end is not None, "the module has these parts"
    head, body, tail = text[: begin.end()], text[begin.end() : end.start()], text[end.start() :]
    for pattern, *others in CHANGES:
        for found in pattern.finditer(body):
            for other in dict.fromkeys(others):
                if other != found[0]:
                    changed = body[: found.start()] + other + body[found.end() :]
                    yield f"{found[0]} -> {other} at {found.start()}", head + changed + tail


MODULE = module(kernels.order(), "0" * 64, "specs/flow.flow")
EVERY = list(mutants(MODULE))
SAMPLE = Random(5).sample(EVERY, 25)


def test_there_are_many_mutants_and_some_of_each_kind() -> None:
    assert len(EVERY) > 50
    for pattern, *_ in CHANGES:
        assert pattern.search(MODULE), pattern


@pytest.mark.parametrize(("what", "text"), SAMPLE, ids=[what for what, _ in SAMPLE])
def test_a_changed_module_fails_its_tests(what: str, text: str) -> None:
    with running(kernels.order(), written(), lambda _: text) as tests:
        assert any(fails(test) for name, test in tests.items() if "whatever" not in name), what


def fails(test: object) -> bool:
    assert callable(test)
    try:
        test()
    except Exception:  # noqa: BLE001 (a mutant may raise anything)
        return True
    return False


def test_random_runs_alone_find_a_property_that_is_broken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "EXAMPLES", 200)
    text = next(text for what, text in EVERY if what.startswith("payment=id -> payment=None"))
    broken = r"always in Shipping implies payment is some .*is broken"
    with running(kernels.order(), written(), lambda _: text) as tests, pytest.raises(AssertionError, match=broken):
        tests["test_whatever_happens_the_laws_and_properties_hold"]()
